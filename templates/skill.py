---
kind = "skill"
about = "A small module that others import to run the model: load, run, batch, stream where it generates, unload."
extends = "base.py"
imports = { places = "macros/device.py", exported = "macros/exported.py", given = "macros/inputs.py" }

[variables.max_new_tokens]
type = "integer"
default = 128
help = "Tokens that a model writes at most, where the caller asks for no other number"
---
{% block head %}
"""Runs {{ model.model_type }} on {{ platform.label }}.

Made by Assay. It needs {{ platform.packages | join(", ") }}.

    from {{ model.module }}_{{ platform.key }} import {{ (model.config_class | replace("Config", "")) ~ "Skill" }}

    with {{ (model.config_class | replace("Config", "")) ~ "Skill" }}.load({{ "" if not checkpoint else checkpoint | py }}) as skill:
        outputs = skill.run(skill.example())
"""
{% endblock %}
{% block libraries %}
{% if not checkpoint %}
import copy
{% endif %}
import gc
{% if platform.engine == "onnxruntime" %}
import io
{% endif %}
{% if model.generating and platform.engine == "torch" %}
import queue
import threading
{% endif %}
from collections.abc import Iterator
from types import TracebackType

{% if platform.engine == "openvino" %}
import openvino
{% elif platform.engine == "onnxruntime" %}
import onnxruntime
{% endif %}
import torch
import transformers
{% endblock %}
{% block body %}
{% set name = (model.config_class | replace("Config", "")) ~ "Skill" %}
{% set writes = model.generating and platform.engine == "torch" %}
{% set auto_class = model.generating.auto_class if writes else model.auto_class %}

{{ given.function(model.real_inputs if checkpoint else model.inputs) }}

{% block hardware %}
{% if platform.engine == "torch" %}
{{ places.torch_device(platform) -}}
{% else %}
def missing(reason: str) -> None:
    raise RuntimeError(reason)


{% if platform.engine == "openvino" %}
{{ exported.openvino_device("missing") -}}
{% else %}
{{ exported.qualcomm_device("missing") -}}
{% endif %}
{% endif %}
{% endblock %}


{{ exported.named() -}}
{% if platform.engine != "torch" %}


{{ exported.flat() }}

{% if platform.engine == "openvino" %}
{{ exported.openvino_model(precision) -}}
{% else %}
{{ exported.qualcomm_model() -}}
{% endif %}
{% endif %}


class {{ name }}:
    """{{ model.model_type }} on {{ platform.label }}.

    Family: {{ model.family }}, as {{ model.family_reason }}.
    Inputs: {{ model.inputs | map(attribute="name") | join(", ") }}, each with the batch as its first dimension{% if not model.batched %}, but for those that list patches one after the other{% endif %}.
    """

    def __init__(self, model: torch.nn.Module{% if platform.engine == "torch" %}, device: torch.device{% endif %}, processor: object | None = None) -> None:
        self.processor = processor
{% if platform.engine == "torch" %}
        self.device = device
        self.model: torch.nn.Module | None = model.to(device, PRECISION).eval()
{% else %}
        self.model: OnDevice | None = OnDevice(model.eval(), make_inputs(1))
{% endif %}

    @classmethod
    def load(cls, checkpoint: str | None = {{ "CHECKPOINT" if checkpoint else "None" }}) -> {{ name }}:
        """Loads a checkpoint (a folder, or a name that transformers can load){% if not checkpoint %}, or a small model with random weights{% endif %}.

        Raises RuntimeError where {{ platform.label }} is missing, and OSError where the checkpoint cannot be read.
        """
{% if platform.engine == "torch" %}
        device = find_device()
{% endif %}
{% if not checkpoint %}
        if checkpoint is None:
            torch.manual_seed(SEED)
            config = transformers.AutoConfig.for_model(MODEL_TYPE, **copy.deepcopy(CONFIG))
            return cls(transformers.{{ auto_class }}.from_config(config){% if platform.engine == "torch" %}, device{% endif %})
{% endif %}
        model = transformers.{{ auto_class }}.from_pretrained(checkpoint, dtype=torch.float32)
        processor = transformers.{{ "AutoProcessor" if model.family in ["multimodal", "vision", "audio"] else "AutoTokenizer" }}.from_pretrained(checkpoint)
        return cls(model{% if platform.engine == "torch" %}, device{% endif %}, processor)

    def example(self, batch: int = 1) -> dict[str, torch.Tensor]:
        """Random inputs of the right shapes, the same ones every time."""
        return make_inputs(batch)

{% block prepare %}
    def prepare(self, **given) -> dict[str, torch.Tensor]:
        """Inputs from {{ {"vision": "pictures (images=…)", "audio": "sound (audio=…, with its sampling_rate)", "multimodal": "text and pictures or sound (text=…, images=…)"}[model.family] if model.family in ["vision", "audio", "multimodal"] else "texts (text=…)" }}, one or a list of them, as the checkpoint was trained to read them."""
        if self.processor is None:
            raise RuntimeError("A model with random weights has no processor; load a checkpoint, or use example().")
        return dict(self.processor(return_tensors="pt", {% if model.family not in ["vision", "audio"] %}padding=True, {% endif %}**given))

{% endblock %}
    def run(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """What the model gives for a batch, on the processor, by the names of its outputs."""
        model = self._loaded()
{% if platform.engine == "torch" %}
        with torch.inference_mode():
            outputs = named(model(**self._moved(inputs)))
        return {name: value.to("cpu") for name, value in outputs.items()}
{% else %}
        return model(inputs)
{% endif %}

    def run_each(self, inputs: dict[str, torch.Tensor], batch: int = 8) -> Iterator[dict[str, torch.Tensor]]:
        """The same for many samples, a batch at a time."""
        samples = len(next(iter(inputs.values())))
        for start in range(0, samples, batch):
            yield self.run({name: value[start : start + batch] for name, value in inputs.items()})

{% if writes %}
    def generate(self, inputs: dict[str, torch.Tensor], max_new_tokens: int = {{ max_new_tokens }}) -> torch.Tensor:
        """Token ids that the model writes, the most likely ones: [batch, tokens]."""
        model = self._loaded()
        with torch.inference_mode():
            written = model.generate(**self._prompt(inputs), max_new_tokens=max_new_tokens, do_sample=False)
        return written.to("cpu")

    def stream(self, inputs: dict[str, torch.Tensor], max_new_tokens: int = {{ max_new_tokens }}) -> Iterator[torch.Tensor]:
        """The same for one sample, token by token as they are written."""
        streamer = Tokens()
        settings = {"max_new_tokens": max_new_tokens, "do_sample": False, "streamer": streamer}
        failed: list[BaseException] = []

        def write() -> None:
            try:
                with torch.inference_mode():
                    self._loaded().generate(**self._prompt(inputs), **settings)
            except BaseException as error:
                failed.append(error)
            finally:
                streamer.end()

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        yield from streamer
        writer.join()
        if failed:
            raise failed[0]

{% endif %}
    def unload(self) -> None:
        """Frees the model and the memory of its device. Using it afterwards raises RuntimeError."""
        self.model = None
        gc.collect()
{% if platform.key in ["cuda", "rocm"] %}
        torch.cuda.empty_cache()
{% elif platform.key == "mps" %}
        torch.mps.empty_cache()
{% endif %}

    def __enter__(self) -> {{ name }}:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.unload()

    def _loaded(self){% if platform.engine == "torch" %} -> torch.nn.Module{% else %} -> OnDevice{% endif %}:
        if self.model is None:
            raise RuntimeError("The model was unloaded; load it again.")
        return self.model
{% if platform.engine == "torch" %}

    def _moved(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        floating = {name: value.to(self.device, PRECISION) for name, value in inputs.items() if value.is_floating_point()}
        return {name: value.to(self.device) for name, value in inputs.items()} | floating
{% endif %}
{% if writes %}

    def _prompt(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """A decoder begins by itself, with the token that its configuration names."""
        return {name: value for name, value in self._moved(inputs).items() if name != "decoder_input_ids"}


class Tokens(transformers.generation.streamers.BaseStreamer):
    """Hands over tokens from the thread that writes them; the prompt, which comes first, is left out."""

    def __init__(self) -> None:
        self.written: queue.SimpleQueue[torch.Tensor | None] = queue.SimpleQueue()
        self.prompt_is_next = True

    def put(self, value: torch.Tensor) -> None:
        if not self.prompt_is_next:
            self.written.put(value.to("cpu"))
        self.prompt_is_next = False

    def end(self) -> None:
        self.written.put(None)

    def __iter__(self) -> Iterator[torch.Tensor]:
        yield from iter(self.written.get, None)
{% endif %}
{% endblock %}
