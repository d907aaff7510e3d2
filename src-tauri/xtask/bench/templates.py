"""Runs generated tests, each file in a process of its own that begins with torch and transformers imported.

python templates.py FOLDER RESULTS [--processes N] [--outputs FILE]

RESULTS gets one JSON object a file: its tests with how each ended, and the reason in the words of whoever failed.
With --outputs, FILE gets the names and shapes of the outputs of each model that passes: the list that ships with Assay.
"""

import argparse
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

import pytest
import torch
import transformers
from transformers import AutoModel, LlamaModel  # noqa: F401

# What one file may take: seconds of processor time, and of waiting where the machine is busy.
PROCESSOR_SECS = 150
LONGEST_SECS = 1500
MEMORY_BYTES = 8 << 30


class Collector:
    """How each test ended."""

    def __init__(self) -> None:
        self.tests: dict[str, dict] = {}

    def pytest_runtest_logreport(self, report) -> None:
        name = report.nodeid.rsplit("::", 1)[-1]
        if report.when == "call" or report.outcome != "passed":
            self.tests[name] = {"outcome": report.outcome, "reason": reason(report), "place": place(report)}

    def pytest_collectreport(self, report) -> None:
        if report.outcome != "passed":
            self.tests["collection"] = {"outcome": report.outcome, "reason": reason(report), "place": place(report)}


def reason(report) -> str:
    if report.outcome == "passed":
        return ""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return crash.message.strip()
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr).strip()


def place(report) -> str:
    """The file and line that raised, below site-packages where it is a library's."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return ""
    path = crash.path.split("site-packages/")[-1]
    return f"{path if 'site-packages' in crash.path else Path(path).name}:{crash.lineno}"


def shapes(file: Path) -> dict:
    """The model type with names and shapes of its outputs, as the list that ships has them."""
    spec = importlib.util.spec_from_file_location("generated", file)
    generated = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generated)
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
    started, collector = time.time(), Collector()
    told = {"file": file.name}
    with tempfile.TemporaryDirectory() as scratch:
        arguments = [str(file), "-q", "-p", "no:cacheprovider", "--basetemp", f"{scratch}/pytest", "--rootdir", scratch]
        pytest.main([*arguments, "-W", "ignore"], plugins=[collector])
    told |= {"tests": collector.tests, "secs": round(time.time() - started, 1), "cpu_secs": round(time.process_time(), 1)}
    if want_outputs:
        try:
            told["outputs"] = shapes(file)
        except Exception:
            told["outputs_error"] = traceback.format_exc(limit=-1)
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
                yield json.loads(result.read_text())
            else:
                died = f"the process died with signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "the process died"
                tests = {"process": {"outcome": "failed", "reason": died, "place": ""}}
                yield {"file": file.name, "tests": tests, "secs": round(time.time() - since, 1)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--outputs", type=Path)
    parser.add_argument("--only", nargs="*", help="model types, as their modules are called")
    asked = parser.parse_args()
    files = sorted(asked.folder.glob("test_*_cpu.py"))
    if asked.only:
        files = [file for file in files if file.name.removeprefix("test_").removesuffix("_cpu.py") in asked.only]
    outputs, passed, started = {}, 0, time.time()
    with asked.results.open("w") as results:
        results.write(json.dumps({"torch": torch.__version__, "transformers": transformers.__version__}) + "\n")
        for told in run_files(files, asked.processes, asked.outputs is not None):
            whole = all(test["outcome"] == "passed" for test in told["tests"].values())
            passed += whole
            seen = told.pop("outputs", None)
            if whole and seen:
                outputs[seen["model_type"]] = seen["outputs"]
            results.write(json.dumps(told) + "\n")
            results.flush()
    if asked.outputs:
        # Types that did not pass now keep the line that they had.
        before = [json.loads(line) for line in asked.outputs.read_text().splitlines()] if asked.outputs.exists() else []
        outputs = {line["model_type"]: line["outputs"] for line in before} | outputs
        lines = (json.dumps({"model_type": name, "outputs": seen}) for name, seen in sorted(outputs.items()))
        asked.outputs.write_text("".join(f"{line}\n" for line in lines))
    print(f"{passed} of {len(files)} files passed in {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
