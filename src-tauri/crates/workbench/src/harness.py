"""Runs one generated file in this process and tells how it goes, a JSON object a line on standard output.

python harness.py KIND FILE, where KIND is test, skill or benchmark. The lines:

    {"environment": {"python": …, "torch": …}}
    {"step": NAME, "outcome": "passed" | "failed" | "skipped", "reason": …, "place": "FILE:LINE", "secs": …}
    {"result": …}   what a benchmark measured
"""

import importlib.metadata
import importlib.util
import json
import os
import platform
import runpy
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

# Before transformers is imported: it reads these once.
os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "TOKENIZERS_PARALLELISM": "false"}
# What can change how a model runs; nothing is told of a package that is not there.
PACKAGES = ("torch", "transformers", "timm", "onnxruntime", "onnxruntime-qnn", "openvino", "numpy")

Tell = Callable[[dict], None]


def environment() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            pass
    return versions


def run_test(file: Path, tell: Tell) -> None:
    """Every test of a file is a step."""
    try:
        import pytest
    except ModuleNotFoundError:
        reason = "this Python has no pytest; install it beside torch and transformers, or choose another Python"
        tell({"step": "libraries", "outcome": "skipped", "reason": reason, "place": "", "secs": 0.0})
        return

    with tempfile.TemporaryDirectory() as scratch:
        arguments = [str(file), "-q", "-p", "no:cacheprovider", "--rootdir", scratch, "--basetemp", f"{scratch}/pytest"]
        pytest.main([*arguments, "-W", "ignore"], plugins=[Reporter(tell)])


class Reporter:
    """Hears from pytest how each test ended."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell

    def pytest_runtest_logreport(self, report) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.told(report.nodeid.rsplit("::", 1)[-1].removeprefix("test_"), report)

    def pytest_collectreport(self, report) -> None:
        if report.outcome != "passed":
            self.told("collection", report)

    def told(self, step: str, report) -> None:
        crash = getattr(report.longrepr, "reprcrash", None)
        if report.outcome == "passed":
            reason, place = "", ""
        elif crash is not None:
            reason, place = crash.message, placed(crash.path, crash.lineno)
        else:
            reason, place = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr), ""
        secs = round(getattr(report, "duration", 0.0), 3)
        self.tell({"step": step, "outcome": report.outcome, "reason": reason.strip(), "place": place, "secs": secs})


def placed(path: str, line: int) -> str:
    """File and line, below site-packages where the file is a library's."""
    _, library, below = path.rpartition("site-packages/")
    return f"{below if library else Path(path).name}:{line}"


def step(name: str, act: Callable[[], object], tell: Tell) -> object:
    """Runs a step and tells how it ended; what it raised is raised again."""
    start, outcome, reason, place = time.perf_counter(), "passed", "", ""
    try:
        return act()
    except Exception as error:
        outcome, reason = "failed", f"{type(error).__name__}: {error}"
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = placed(last.filename, last.lineno)
        raise
    finally:
        secs = round(time.perf_counter() - start, 3)
        tell({"step": name, "outcome": outcome, "reason": reason, "place": place, "secs": secs})


def run_skill(file: Path, tell: Tell) -> None:
    """Does with a skill what its users do."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    step("is_imported", lambda: spec.loader.exec_module(module), tell)
    kind = next(value for name, value in vars(module).items() if name.endswith("Skill"))
    skill = step("loads", kind.load, tell)

    def runs() -> None:
        outputs = skill.run(skill.example())
        assert outputs, "it gives no output"
        assert all(value.isfinite().all() for value in outputs.values()), "an output is not finite"

    def runs_batches() -> None:
        inputs = skill.example(3)
        found = list(skill.run_each(inputs, 2))
        assert len(found) == 2, f"three samples, two at a time, make {len(found)} batches"

    def streams() -> None:
        inputs = skill.example()
        whole = skill.generate(inputs, 4)
        streamed = [int(token) for tokens in skill.stream(inputs, 4) for token in tokens.flatten()]
        assert streamed, "it streams nothing"
        assert whole.flatten().tolist()[-len(streamed) :] == streamed, "it streams other tokens than it generates"

    def unloads() -> None:
        skill.unload()
        try:
            skill.run(skill.example())
        except RuntimeError:
            return
        raise AssertionError("it still runs after it was unloaded")

    step("runs", runs, tell)
    # Patches that follow each other are not parted into samples.
    if all(len(value) == 3 for value in skill.example(3).values()):
        step("runs_in_batches", runs_batches, tell)
    if hasattr(skill, "stream"):
        step("streams_what_it_generates", streams, tell)
    step("unloads", unloads, tell)


def run_benchmark(file: Path, tell: Tell) -> None:
    """Hears the result that a benchmark prints."""
    printed = tempfile.TemporaryFile("w+")
    shown, sys.stdout = sys.stdout, printed

    def measures() -> None:
        try:
            runpy.run_path(str(file), run_name="__main__")
        except SystemExit as end:
            # Its words say why it publishes no time.
            assert not end.code, end.code
        finally:
            sys.stdout = shown

    try:
        step("measures", measures, tell)
    finally:
        printed.seek(0)
        for line in printed:
            if line.startswith("{"):
                tell({"result": json.loads(line)})


RUNS = {"test": run_test, "skill": run_skill, "benchmark": run_benchmark}


def main() -> None:
    kind, file = sys.argv[1], Path(sys.argv[2])
    # What is told goes out on a descriptor of its own, because libraries print to standard output.
    told = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def tell(line: dict) -> None:
        told.write(json.dumps(line) + "\n")

    # pytest puts another standard input in the place of this one.
    alive = os.dup(0)
    # On Windows a library with a C runtime of its own looks at standard input while it loads, and would wait for the
    # thread below.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def end_with_the_parent() -> None:
        while os.read(alive, 4096):
            pass
        os._exit(1)

    threading.Thread(target=end_with_the_parent, daemon=True).start()
    tell({"environment": environment()})
    try:
        RUNS[kind](file, tell)
    except Exception:
        # The step that failed has told why.
        traceback.print_exc()
    told.flush()
    # Without the libraries' own clean-up, which may hang or crash.
    os._exit(0)


if __name__ == "__main__":
    main()
