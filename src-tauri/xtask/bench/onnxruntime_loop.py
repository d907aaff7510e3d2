"""Times one ONNX model with the Python package, as its users do: model, length, seconds → one line of JSON."""

import json
import statistics
import sys
import time

import numpy
import onnxruntime

model, length, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

random = numpy.random.default_rng(0)
variants = []
for _ in range(4):
    ids = random.integers(1, 30_000, (1, length), dtype=numpy.int64)
    values = {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}
    variants.append({i.name: values[i.name] for i in session.get_inputs()})


def call(number):
    start = time.perf_counter()
    session.run(None, variants[number % len(variants)])
    return (time.perf_counter() - start) * 1e3


warm_up = time.perf_counter()
calls = 0
while calls < 3 or time.perf_counter() - warm_up < 0.5:
    call(calls)
    calls += 1

samples = []
start = time.perf_counter()
while len(samples) < 10 or time.perf_counter() - start < seconds:
    samples.append(call(len(samples)))

print(json.dumps({"median_ms": statistics.median(samples), "samples": len(samples), "version": onnxruntime.__version__}))
