"""Plants defects in generated tests, one at a time, and sees that each is caught by the test that is meant to.

python defects.py FOLDER RESULTS

FOLDER holds the generated tests of bert and llama for the processor and of bert for CUDA. RESULTS gets one JSON object
a defect: what was planted, which test should fail, and what it said.
"""

import json
import re
import sys
import tempfile
from pathlib import Path

from templates import run_files

FORWARD = "return named(model(**moved, use_cache=False))"

# What is planted, in which file, the text it replaces (once) and by what, and the test that must fail.
DEFECTS = [
    ("nothing", "bert_cpu", "", "", None),
    ("nothing", "llama_cpu", "", "", None),
    (
        "the section for CUDA runs on the processor",
        "bert_cuda",
        re.compile(r"    if not torch\.cuda\.is_available\(\).*?return torch\.device\(\"cuda\", 0\)\n", re.S),
        '    return torch.device("cpu")\n',
        "everything_runs_on_cuda",
    ),
    (
        "the attention mask is left out",
        "bert_cpu",
        FORWARD,
        'moved.pop("attention_mask")\n        ' + FORWARD,
        "masked_tokens_are_not_read",
    ),
    (
        "the attention mask is turned around",
        "bert_cpu",
        FORWARD,
        'moved["attention_mask"] = 1 - moved["attention_mask"] if moved["attention_mask"].min() == 0 else moved["attention_mask"]\n        '
        + FORWARD,
        "masked_tokens_are_not_read",
    ),
    (
        "the attention mask is one token off",
        "llama_cpu",
        FORWARD,
        'moved["attention_mask"] = moved["attention_mask"].roll(-1, 1)\n        ' + FORWARD,
        "masked_tokens_are_not_read",
    ),
    (
        "the model ignores its input",
        "llama_cpu",
        FORWARD,
        'moved["input_ids"] = torch.full_like(moved["input_ids"], 11)\n        ' + FORWARD,
        "the_output_depends_on_the_input",
    ),
    (
        "the seed changes",
        "bert_cpu",
        "    torch.manual_seed(SEED)\n    config",
        "    torch.seed()\n    config",
        "the_same_seed_gives_the_same_result",
    ),
    (
        "a weight is NaN",
        "bert_cpu",
        "    return model\n",
        '    next(model.parameters()).data.view(-1)[0] = float("nan")\n    return model\n',
        "weights_and_outputs_are_finite",
    ),
    (
        "dropout stays on",
        "bert_cpu",
        "    torch.manual_seed(SEED)\n    with torch.no_grad():\n        " + FORWARD,
        "    torch.seed()\n    with torch.no_grad():\n        return named(model.train()(**moved, use_cache=False))",
        "the_same_seed_gives_the_same_result",
    ),
    (
        "samples of a batch see each other",
        "bert_cpu",
        FORWARD,
        "outputs = named(model(**moved, use_cache=False))\n        return {name: value + 0.1 * value.mean(0, keepdim=True) for name, value in outputs.items()}",
        "a_batch_of_two_is_two_of_one",
    ),
    (
        "the processor computes in bfloat16",
        "llama_cpu",
        "self.model = copy.deepcopy(model).to(find_device(), PRECISION)",
        "self.model = copy.deepcopy(model).bfloat16().float()",
        "the_processor_agrees_with_doubled_precision",
    ),
    (
        "an output is cut short",
        "bert_cpu",
        FORWARD,
        "return {name: value[..., :-1] for name, value in named(model(**moved, use_cache=False)).items()}",
        "outputs_have_their_names_and_shapes",
    ),
    (
        "saving forgets a weight",
        "bert_cpu",
        "    model.save_pretrained(tmp_path)\n",
        "    kept = {name: value for name, value in model.state_dict().items() if 'layer.1.output' not in name}\n"
        "    model.save_pretrained(tmp_path, state_dict=kept)\n",
        "a_saved_model_loads_as_it_was",
    ),
    (
        "training goes uphill",
        "llama_cpu",
        "parameter.sub_(parameter.grad",
        "parameter.add_(parameter.grad",
        "a_step_of_training_lowers_the_loss",
    ),
]


def planted(text: str, old: str | re.Pattern, new: str) -> str:
    if not old:
        return text
    pattern = old if isinstance(old, re.Pattern) else re.compile(re.escape(old))
    text, times = pattern.subn(lambda _: new, text)
    assert times == 1, f"{pattern.pattern!r} is there {times} times; the defect must be planted anew"
    return text


def main() -> None:
    folder, results = Path(sys.argv[1]), Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as scratch, results.open("w") as told:
        files = []
        for number, (_, name, old, new, _) in enumerate(DEFECTS):
            file = Path(scratch) / f"test_{number:02}.py"
            file.write_text(planted((folder / f"test_{name}.py").read_text(), old, new))
            files.append(file)
        ended = {one["file"]: one["tests"] for one in run_files(files, 2)}
        for file, (defect, name, _, _, test) in zip(files, DEFECTS):
            failed = {test: how["reason"] for test, how in ended[file.name].items() if how["outcome"] == "failed"}
            caught = (test in failed) if test else (not failed and bool(ended[file.name]))
            reason = failed.get(test, "") if test else ""
            line = {"defect": defect, "file": name, "test": test, "caught": caught, "reason": reason, "failed": sorted(failed)}
            told.write(json.dumps(line) + "\n")
            print("caught" if caught else "MISSED", "|", defect, "|", name, "|", reason.splitlines()[0] if reason else sorted(failed))


if __name__ == "__main__":
    main()
