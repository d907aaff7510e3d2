"""Prints what a generated benchmark prints, with times of a sum in the place of a model's."""

import json
import platform
import time


def timed() -> float:
    start = time.perf_counter_ns()
    sum(range(20_000))
    return (time.perf_counter_ns() - start) / 1e6


check = {"against": "PyTorch on the processor, in float64", "largest_difference": 1e-7, "tolerance": 1e-3, "agrees": True}
environment = {
    "system": platform.platform(),
    "machine": platform.machine(),
    "processor": "A processor",
    "cores": 2,
    "load": 0.5,
    "python": platform.python_version(),
    "torch": "2.15.0",
    "transformers": "5.23.0",
    "threads": 2,
}
result = {
    "kind": "assay-benchmark",
    "model_type": "bert",
    "checkpoint": None,
    "parameters": 106498,
    "platform": "cpu",
    "engine": "torch",
    "places": ["cpu"],
    "precision": {"asked": "f32", "effective": ["torch.float32"]},
    "batch": 2,
    "inputs": {"attention_mask": [2, 16], "input_ids": [2, 16]},
    "seed": 7,
    "check": check,
    "environment": environment,
    "warm_up": {"calls": 6, "secs": 0.3, "steady": True, "call_ms": 0.5},
    "stopped": "stable",
    "noise": {"grade": "A", "spread": 0.01, "sentinel_ms": [10.0, 10.1, 10.0]},
    "harness_ms": 0.0001,
    "samples_ms": [timed() for _ in range(1_000)],
    "phases_ms": {"load": 12.0, "compile": 3.0, "first": 2.0},
    "peak_bytes": 123_000_000,
}
print(json.dumps(result))
