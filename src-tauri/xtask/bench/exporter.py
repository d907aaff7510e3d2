"""PyTorch's own export of a model beside Assay's graph of it, with the same weights.

python exporter.py make NAME FOLDER    writes config.json, model.safetensors and exported.onnx
python exporter.py time FOLDER PAIRS   times FOLDER/exported.onnx and FOLDER/assay.onnx in turn, on one thread

Both print one line of JSON.
"""

import inspect
import json
import statistics
import sys
import time
from pathlib import Path

import numpy

LENGTH = 128
# Seconds of calls for each median.
SECONDS = 1.0


def text(vocabulary: int, length: int = LENGTH) -> dict:
    ids = numpy.random.default_rng(0).integers(10, vocabulary, (1, length), dtype=numpy.int64)
    return {"input_ids": ids, "attention_mask": numpy.ones_like(ids)}


def noise(*shape: int) -> numpy.ndarray:
    return numpy.random.default_rng(1).standard_normal(shape, dtype=numpy.float32)


def decoder(vocabulary: int) -> dict:
    return {"decoder_input_ids": text(vocabulary, 16)["input_ids"]}


# Base sizes, as their authors published them: the model's class, what of its configuration is not the default, inputs.
MODELS = {
    "bert": ("BertModel", {}, lambda: text(30_522)),
    "vit": ("ViTModel", {}, lambda: {"pixel_values": noise(1, 3, 224, 224)}),
    "opt": ("OPTModel", {}, lambda: text(50_272)),
    "whisper": (
        "WhisperModel",
        {
            "d_model": 512,
            "encoder_layers": 6,
            "decoder_layers": 6,
            "encoder_attention_heads": 8,
            "decoder_attention_heads": 8,
            "encoder_ffn_dim": 2048,
            "decoder_ffn_dim": 2048,
        },
        lambda: {"input_features": noise(1, 80, 3000), **decoder(51_865)},
    ),
    "clip": ("CLIPModel", {}, lambda: {**text(49_408, 77), "pixel_values": noise(1, 3, 224, 224)}),
    "t5": (
        "T5Model",
        # PyTorch 2.15 cannot export its fused attention.
        {
            "d_model": 768,
            "d_ff": 3072,
            "num_layers": 12,
            "num_decoder_layers": 12,
            "num_heads": 12,
            "attn_implementation": "eager",
        },
        lambda: {**text(32_128), **decoder(32_128)},
    ),
}


def make(name: str, folder: Path) -> dict:
    import torch
    import transformers

    class_name, changed, inputs = MODELS[name]
    kind = getattr(transformers, class_name)
    torch.manual_seed(0)
    model = kind(kind.config_class(**changed)).eval()
    model.save_pretrained(folder)
    given = {name: torch.from_numpy(value) for name, value in inputs().items()}
    # One pass gives no cache.
    if "use_cache" in inspect.signature(model.forward).parameters:
        given["use_cache"] = False
    names = list(named(model(**given)))
    torch.onnx.export(
        model, (), folder / "exported.onnx", kwargs=given, output_names=names, dynamo=True, verbose=False
    )
    return {"torch": torch.__version__, "transformers": transformers.__version__}


def named(outputs, above: str = ""):
    """Names of the tensors in a model's outputs, in the order in which the exporter finds them."""
    for name, value in outputs.items():
        if hasattr(value, "items"):
            yield from named(value, f"{above}{name}.")
        else:
            yield above + name


def session(path: Path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def time_both(folder: Path, pairs: int) -> dict:
    import onnxruntime

    name = next(name for name in MODELS if MODELS[name][0] in json.loads((folder / "config.json").read_text())["architectures"])
    inputs = MODELS[name][2]()
    # The kinds of tokens, which the export takes to be all zero.
    if "input_ids" in inputs:
        inputs["token_type_ids"] = numpy.zeros_like(inputs["input_ids"])
    ours, theirs = session(folder / "assay.onnx"), session(folder / "exported.onnx")

    def call(graph, wanted: list[str] | None = None):
        given = {i.name: inputs[i.name] for i in graph.get_inputs()}
        return lambda: graph.run(wanted, given)

    common = [o.name for o in ours.get_outputs() if o.name in {o.name for o in theirs.get_outputs()}]
    if not common:
        raise SystemExit(f"{name}: the graphs share no output: {[o.name for o in ours.get_outputs()]}, {[o.name for o in theirs.get_outputs()]}")
    difference = max(
        float(numpy.abs(a - b).max() / max(1.0, float(numpy.abs(b).max())))
        for a, b in zip(call(ours, common)(), call(theirs, common)(), strict=True)
    )

    def median_ms(run) -> float:
        samples, start = [], time.perf_counter()
        while len(samples) < 3 or time.perf_counter() - start < SECONDS:
            before = time.perf_counter()
            run()
            samples.append((time.perf_counter() - before) * 1e3)
        return statistics.median(samples)

    # Each computes the same outputs and no others.
    ours, theirs = call(ours, common), call(theirs, common)
    median_ms(ours), median_ms(theirs)
    told = []
    for number in range(pairs):
        if number % 2 == 0:
            a = median_ms(ours)
            told.append((a, median_ms(theirs)))
        else:
            b = median_ms(theirs)
            told.append((median_ms(ours), b))
    return {"onnxruntime": onnxruntime.__version__, "outputs": common, "difference": difference, "pairs": told}


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    result = make(rest[0], Path(rest[1])) if command == "make" else time_both(Path(rest[0]), int(rest[1]))
    print(json.dumps(result))
