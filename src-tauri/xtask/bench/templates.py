"""Runs generated tests, each file in a process of its own that begins with torch and transformers imported.

python templates.py FOLDER RESULTS [--processes N] [--only TYPE …]

RESULTS gets one JSON object a file: its tests with how each ended, the reason in the words of whoever failed, and the
names and shapes of the outputs of a model that ran. Files that RESULTS holds already, with the same text, are not run
again: a run that was stopped goes on.
"""

import argparse
import ast
import hashlib
import importlib.util
import json
import os
import resource
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "OMP_NUM_THREADS": "1"}
warnings.filterwarnings("ignore")

import pytest  # noqa: F401
import torch
from transformers import AutoModel, LlamaModel  # noqa: F401

# What one file may take: seconds of processor time, and of waiting where the machine is busy.
PROCESSOR_SECS = 150
LONGEST_SECS = 1500
MEMORY_BYTES = 8 << 30


def load(name: str, file: Path):
    spec = importlib.util.spec_from_file_location(name, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# What Assay itself runs a generated file with.
harness = load("harness", Path(__file__).parents[2] / "crates" / "workbench" / "src" / "harness.py")


def shapes(file: Path) -> dict:
    """Names and shapes of the outputs of the model that a file makes."""
    generated = load("generated", file)
    outputs = generated.run(generated.make_model(), generated.make_inputs(generated.BATCH))
    return {"model_type": generated.MODEL_TYPE, "outputs": {name: list(value.shape) for name, value in outputs.items()}}


def run_file(file: Path, result: Path, want_outputs: bool) -> None:
    """In the child: runs the tests of one file and writes how they ended."""
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_SECS, PROCESSOR_SECS + 5))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    torch.set_num_threads(1)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    started, tests = time.time(), {}

    def tell(line: dict) -> None:
        tests[line["step"]] = {key: line[key] for key in ("outcome", "reason", "place")}

    harness.run_test(file, tell)
    told = {"tests": tests, "secs": round(time.time() - started, 1), "cpu_secs": round(time.process_time(), 1)}
    if want_outputs:
        try:
            told["seen"] = shapes(file)
        except Exception:
            told["seen_error"] = traceback.format_exc(limit=-1)
    result.write_text(json.dumps(told))


def run_files(files: list[Path], processes: int, want_outputs: bool = False):
    """How the tests of each file ended, in the order in which they did."""
    waiting, running = list(reversed(files)), {}
    with tempfile.TemporaryDirectory() as scratch:
        while waiting or running:
            while waiting and len(running) < processes:
                file = waiting.pop()
                result = Path(scratch) / f"{file.stem}.json"
                child = os.fork()
                if child == 0:
                    try:
                        run_file(file, result, want_outputs)
                    finally:
                        os._exit(0)
                running[child] = (file, result, time.time())
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                for late, (_, _, since) in running.items():
                    if time.time() - since > LONGEST_SECS:
                        os.kill(late, 9)
                time.sleep(0.05)
                continue
            file, result, since = running.pop(child)
            if result.exists():
                told = json.loads(result.read_text())
            else:
                died = f"the process died with signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "the process died"
                tests = {"process": {"outcome": "failed", "reason": died, "place": ""}}
                told = {"tests": tests, "secs": round(time.time() - since, 1)}
            yield {"file": file.name, "text": text_of(file), **told}


def text_of(file: Path) -> str:
    """What was run, without the outputs that are expected: those are known from a run of the rest."""
    return hashlib.sha256(parted(file)[0].encode()).hexdigest()[:16]


def parted(file: Path) -> tuple[str, dict]:
    """A test's text without the literal of its expected outputs, and these."""
    text = file.read_text()
    for statement in ast.parse(text).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "OUTPUTS":
            return text.replace(ast.get_source_segment(text, statement.value), "", 1), ast.literal_eval(statement.value)
    return text, {}


def told_before(results: Path, files: list[Path], environment: dict) -> list[dict]:
    """What a run that was stopped, with the same libraries, has told of the same texts."""
    # A run that was killed may have left half a line at the end.
    text = results.read_text().rpartition("\n")[0] if results.exists() else ""
    lines = [json.loads(line) for line in text.splitlines()]
    if not lines or lines[0] != environment:
        return []
    known = {file.name: file for file in files}

    def holds(line: dict) -> bool:
        file = known.get(line["file"])
        if file is None or text_of(file) != line["text"]:
            return False
        expected = parted(file)[1]
        return not expected or expected == line.get("seen", {}).get("outputs")

    return [line for line in lines[1:] if holds(line)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="model types, as their modules are called")
    asked = parser.parse_args()
    files = sorted(asked.folder.glob("test_*_cpu.py"))
    if asked.only:
        files = [file for file in files if file.name.removeprefix("test_").removesuffix("_cpu.py") in asked.only]
    environment = harness.environment()
    before = told_before(asked.results, files, environment)
    known = {line["file"] for line in before}
    with asked.results.open("w") as results:
        for line in (environment, *before):
            results.write(json.dumps(line) + "\n")
        results.flush()
        for done, told in enumerate(run_files([file for file in files if file.name not in known], asked.processes, True)):
            results.write(json.dumps(told) + "\n")
            results.flush()
            failed = [test for test, how in told["tests"].items() if how["outcome"] != "passed"]
            print(f"{len(known) + done + 1} of {len(files)}: {told['file']}", ", ".join(failed), flush=True)


if __name__ == "__main__":
    main()
