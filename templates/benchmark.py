---
kind = "benchmark"
about = "A measured run by Assay's rules: output checked first, warmed up by time and stability, sampled until the median is known."
extends = "base.py"
imports = { places = "macros/device.py", exported = "macros/exported.py", given = "macros/inputs.py" }

[variables.batch]
type = "integer"
default = 1
help = "Samples in a call"

[variables.budget_secs]
type = "number"
default = 30.0
help = "Sampling stops after this long where the median is not known well by then"
---
{% block head %}
"""Measures {{ model.model_type }} on {{ platform.label }} and prints one JSON result.

Made by Assay. It needs {{ platform.packages | join(", ") }}.
The result counts as measured where Assay started this program, and as imported where it is brought in as a file.
"""
{% endblock %}
{% block libraries %}
{% if platform.engine == "torch" or not checkpoint %}
import copy
{% endif %}
import gc
{% if platform.engine == "onnxruntime" %}
import io
{% endif %}
import json
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable

{% if platform.engine == "openvino" %}
import openvino
{% elif platform.engine == "onnxruntime" %}
import onnxruntime
{% endif %}
import torch
import transformers
{% endblock %}
{% block body %}
BATCH = {{ batch }}
BUDGET_SECS = {{ budget_secs }}
TOLERANCE = {{ model.tolerance[precision] }}

# Inputs that are used in turn, so that nothing is answered from memory.
VARIANTS = 4
MIN_SAMPLES = 10
MIN_SECS = 1.0
# Half the width of the median's interval, relative to the median, that is narrow enough.
NARROW = 0.02
SHORTEST_WARM_UP_SECS, LONGEST_WARM_UP_SECS, STEADY = 0.3, 3.0, 0.05
BETWEEN_SENTINELS_SECS = 0.5


{{ given.function(model.real_inputs if checkpoint else model.inputs) }}

def make_model() -> torch.nn.Module:
    """The model on the processor."""
{% if checkpoint %}
    return transformers.{{ model.auto_class }}.from_pretrained(CHECKPOINT, dtype=torch.float32).eval()
{% else %}
    torch.manual_seed(SEED)
    config = transformers.AutoConfig.for_model(MODEL_TYPE, **copy.deepcopy(CONFIG))
    return transformers.{{ model.auto_class }}.from_config(config).eval()
{% endif %}


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


{{ exported.named() }}

{% if platform.engine == "torch" %}
class OnDevice:
    """The model on the asked device."""

    def __init__(self, model: torch.nn.Module, example: dict[str, torch.Tensor]) -> None:
        self.asked = find_device()
        self.model = copy.deepcopy(model).to(self.asked, PRECISION)

    def moved(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        floating = {name: value.to(PRECISION) for name, value in inputs.items() if value.is_floating_point()}
        return {name: value.to(self.asked) for name, value in (inputs | floating).items()}

    def __call__(self, inputs: dict[str, torch.Tensor]) -> object:
        """Everything up to the end of the work on the device; outputs stay there."""
        torch.manual_seed(SEED)
        with torch.inference_mode():
            outputs = self.model(**inputs)
{% if platform.synchronize %}
        {{ platform.synchronize }}
{% endif %}
        return outputs

    def places(self) -> set[str]:
        return {value.device.type for value in (*self.model.parameters(), *self.model.buffers())}

    def precisions(self) -> list[str]:
        """What the weights are really stored in."""
        return sorted({str(value.dtype) for value in self.model.parameters() if value.is_floating_point()})
{% else %}
{{ exported.flat() }}

{% if platform.engine == "openvino" %}
{{ exported.openvino_model(precision) -}}
{% else %}
{{ exported.qualcomm_model() -}}
{% endif %}
{% endif %}


def difference(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> float:
    """The largest difference of any output, relative to that output's largest value; infinite where one is not finite."""
    if ours.keys() != theirs.keys():
        return float("inf")
    largest = 0.0
    for name in theirs:
        one, other = ours[name].detach().cpu().double(), theirs[name].detach().cpu().double()
        if one.shape != other.shape:
            return float("inf")
        if one.numel():
            apart = (one - other).abs().max().item() / max(other.abs().max().item(), 1e-6)
            largest = max(largest, apart) if apart == apart else float("inf")
    return largest


def sentinel_ms() -> float:
    """Fixed work on one thread whose time should never change; how much it does grades the noise."""
    start = time.perf_counter()
    bits = 0x2545F4914F6CDD1D
    for _ in range(50_000):
        bits ^= (bits << 13) & 0xFFFFFFFFFFFFFFFF
        bits ^= bits >> 7
    return (time.perf_counter() - start) * 1e3


def grade(sentinels: list[float]) -> tuple[str, float]:
    """A to D by the spread of the sentinel's times: below 3, 8 and 20 percent of the median."""
    spread = (max(sentinels) - min(sentinels)) / statistics.median(sentinels)
    return next((letter for letter, limit in (("A", 0.03), ("B", 0.08), ("C", 0.20)) if spread < limit), "D"), spread


def interval(samples: list[float], rounds: int = 1000) -> tuple[float, float]:
    """The 95 % bootstrap interval of the median."""
    chance = random.Random(SEED)
    # Of thousands of samples a few hundred tell the width as well.
    drawn = samples if len(samples) <= 400 else chance.sample(samples, 400)
    medians = sorted(statistics.median(chance.choices(drawn, k=len(drawn))) for _ in range(rounds))
    low, high = medians[int(0.025 * rounds)], medians[int(0.975 * rounds) - 1]
    # Fewer drawn than taken make the interval too wide by the root of their ratio.
    middle, narrower = statistics.median(samples), (len(drawn) / len(samples)) ** 0.5
    return middle - (middle - low) * narrower, middle + (high - middle) * narrower


def timed(call: Callable[[int], object], turn: int) -> float:
    start = time.perf_counter_ns()
    call(turn)
    return (time.perf_counter_ns() - start) / 1e6


def warm_up(call: Callable[[int], object]) -> dict:
    """Calls until two stretches in a row have medians that are close."""
    start, before, calls = time.perf_counter(), None, 0
    while True:
        stretch, since = [], time.perf_counter()
        while len(stretch) < 3 or time.perf_counter() - since < 0.1:
            stretch.append(timed(call, calls % VARIANTS))
            calls += 1
        now, elapsed = statistics.median(stretch), time.perf_counter() - start
        steady = before is not None and abs(now / before - 1) < STEADY
        if (steady and elapsed >= SHORTEST_WARM_UP_SECS) or elapsed >= LONGEST_WARM_UP_SECS:
            return {"calls": calls, "secs": elapsed, "steady": steady, "call_ms": now}
        before = now


def sample(call: Callable[[int], object], sentinels: list[float]) -> tuple[list[float], str]:
    """At least ten samples and one second; until the median is known, or the budget is spent."""
    samples: list[float] = []
    sentinels.append(sentinel_ms())
    start = judged = last_sentinel = time.perf_counter()
    while True:
        samples.append(timed(call, len(samples) % VARIANTS))
        now = time.perf_counter()
        if len(samples) >= MIN_SAMPLES:
            if now - start >= BUDGET_SECS:
                reason = "budget"
                break
            if now - start >= MIN_SECS and now - judged >= 0.2:
                low, high = interval(samples)
                if (high - low) / 2 < NARROW * statistics.median(samples):
                    reason = "stable"
                    break
                judged = time.perf_counter()
        if now - last_sentinel >= BETWEEN_SENTINELS_SECS:
            sentinels.append(sentinel_ms())
            last_sentinel = time.perf_counter()
    sentinels.append(sentinel_ms())
    return samples, reason


def percentiles(samples: list[float]) -> dict[str, float]:
    """Those that so many samples support: a percentile p needs 10 / (1 - p) of them."""
    ordered = sorted(samples)
    supported = [p for p in (0.5, 0.9, 0.95, 0.99, 0.999) if len(ordered) >= 10 / (1 - p)]
    return {f"p{p * 100:g}": ordered[min(int(p * len(ordered)), len(ordered) - 1)] for p in supported}


def outliers(samples: list[float]) -> dict[str, int]:
    """How many lie beyond 1.5 (mild) and 3 (severe) times the middle half's width from it; all are kept."""
    first, _, third = statistics.quantiles(samples, n=4)
    width = third - first
    far = [max(first - value, value - third) for value in samples]
    severe = sum(distance > 3 * width for distance in far)
    return {"mild": sum(distance > 1.5 * width for distance in far) - severe, "severe": severe}


def peak_bytes() -> int | None:
    """The largest memory this process has had; none where the system does not say."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def environment() -> dict:
    """What the figures depend on besides the model."""
    return {
        "system": platform.platform(),
        "machine": platform.machine(),
        "processor": platform.processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
{% if platform.engine == "openvino" %}
        "openvino": openvino.__version__,
{% elif platform.engine == "onnxruntime" %}
        "onnxruntime": onnxruntime.__version__,
{% endif %}
        "threads": torch.get_num_threads(),
{% if platform.key in ["cuda", "rocm"] %}
        "device": torch.cuda.get_device_name(0),
        "driver": torch.version.cuda or torch.version.hip,
{% endif %}
    }


def main() -> None:
    phases = {}

    def phase(name: str, act: Callable[[], object]) -> object:
        start = time.perf_counter()
        result = act()
        phases[name] = (time.perf_counter() - start) * 1e3
        return result

    inputs = [make_inputs(BATCH, SEED + turn) for turn in range(VARIANTS)]
    model = phase("load", make_model)
    asked = phase("compile", lambda: OnDevice(model, inputs[0]))
    with torch.inference_mode():
        torch.manual_seed(SEED)
        expected = named({% if platform.key == "cpu" %}copy.deepcopy(model).double(){% else %}model{% endif %}(**{% if platform.key == "cpu" %}{name: value.double() if value.is_floating_point() else value for name, value in inputs[0].items()}{% else %}inputs[0]{% endif %}))
{% if platform.engine == "torch" %}
    given = [asked.moved(one) for one in inputs]
{% else %}
    given = inputs
{% endif %}
    outputs = phase("first", lambda: asked(given[0]))
    apart = difference({% if platform.engine == "torch" %}named(outputs){% else %}outputs{% endif %}, expected)
    check = {
        "against": {{ "PyTorch on the processor, in float64" | py if platform.key == "cpu" else "PyTorch on the processor" | py }},
        "largest_difference": apart if apart != float("inf") else None,
        "tolerance": TOLERANCE,
        "agrees": apart <= TOLERANCE,
    }
    result = {
        "kind": "assay-benchmark",
        "model_type": MODEL_TYPE,
        "checkpoint": {{ checkpoint | py if checkpoint else "None" }},
        "parameters": sum(value.numel() for value in model.parameters()),
        "platform": {{ platform.key | py }},
        "engine": {{ platform.engine | py }},
        "places": sorted(asked.places()),
        "precision": {"asked": {{ precision | py }}, "effective": {% if platform.engine == "torch" %}asked.precisions(){% elif platform.engine == "openvino" %}[str(asked.compiled.get_property("INFERENCE_PRECISION_HINT"))]{% else %}None{% endif %}},
        "batch": BATCH,
        "inputs": {name: list(value.shape) for name, value in inputs[0].items()},
        "seed": SEED,
        "check": check,
        "environment": environment(),
    }
    # A time is published only with a checked output.
    if check["agrees"]:
        sentinels = [sentinel_ms()]
        gc.collect()
        gc.disable()
        warm = warm_up(lambda turn: asked(given[turn]))
        samples, stopped = sample(lambda turn: asked(given[turn]), sentinels)
        empty = [timed(lambda turn: None, 0) for _ in range(1000)]
        gc.enable()
        low, high = interval(samples)
        letter, spread = grade(sentinels)
        result |= {
            "warm_up": warm,
            "median_ms": statistics.median(samples),
            "interval_ms": [low, high],
            "min_ms": min(samples),
            "percentiles_ms": percentiles(samples),
            "outliers": outliers(samples),
            "stopped": stopped,
            "noise": {"grade": letter, "spread": spread, "sentinel_ms": sentinels},
            "harness_ms": statistics.median(empty),
            "samples_ms": samples,
        }
    result |= {"phases_ms": phases, "peak_bytes": peak_bytes()}
    print(json.dumps(result))
    if not check["agrees"]:
        sys.exit("The output differs from the processor's by more than the tolerance, so no time is published.")


if __name__ == "__main__":
    main()
{% endblock %}
