"""Attention as Assay draws it against ONNX Runtime's fused operators: pairs → one line of JSON.

Layers of a transformer at base size with random weights, one thread, in turn. Each case is one graph drawn several ways;
`drawn` is Assay's way, of standard operators.
"""

import json
import sys
import time

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

PAIRS = int(sys.argv[1])
WIDTH, HEADS, INNER, LAYERS = 768, 12, 3072, 6
HEAD = WIDTH // HEADS
FUSED = "com.microsoft"


class Graph:
    """Layers over `x`: the whole text at once, or one token after `past` tokens with `groups` heads of keys."""

    def __init__(self, way, groups, cached):
        self.way, self.groups, self.cached = way, groups, cached
        self.nodes, self.weights, self.inputs, self.outputs = [], [], [], []
        self.random = numpy.random.default_rng(0)
        self.input("x", [1, "length", WIDTH])
        self.input("mask", [1, 1, "length", "keys"])
        self.input("before", [1], TensorProto.INT32)
        self.input("total", [], TensorProto.INT32)

    def input(self, name, shape, element=TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, element, shape))
        return name

    def weight(self, *shape):
        values = (self.random.standard_normal(shape) * 0.02).astype(numpy.float32)
        return self.constant(values)

    def constant(self, values):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def add(self, operator, inputs, outputs=1, **attributes):
        names = [f"{operator}_{len(self.nodes)}_{place}" for place in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def linear(self, x, inner, outer):
        return self.add("Add", [self.add("MatMul", [x, self.weight(inner, outer)]), self.weight(outer)])

    def apart(self, x, heads):
        shape = self.constant(numpy.array([0, 0, heads, HEAD]))
        return self.add("Transpose", [self.add("Reshape", [x, shape])], perm=[0, 2, 1, 3])

    def attention(self, x, layer):
        query, key, value = (self.linear(x, WIDTH, heads * HEAD) for heads in (HEADS, self.groups, self.groups))
        past = []
        if self.cached:
            past = [self.input(f"past_{part}{layer}", [1, self.groups, "past", HEAD]) for part in "kv"]
        if self.way == "drawn":
            return self.drawn(query, key, value, past)
        if self.way == "MultiHeadAttention":
            inputs = [query, key, value, "", "", "mask", *past]
            attributes = {"num_heads": HEADS, "domain": FUSED}
        elif self.way == "GroupQueryAttention":
            inputs = [query, key, value, *past, "before", "total"]
            attributes = {"num_heads": HEADS, "kv_num_heads": self.groups, "domain": FUSED}
        else:
            inputs = [query, key, value, "mask", *past]
            attributes = {"q_num_heads": HEADS, "kv_num_heads": self.groups}
        if not past:
            return self.add(self.way, inputs, **attributes)
        mixed, *present = self.add(self.way, inputs, 3, **attributes)
        self.outputs += present
        return mixed

    def drawn(self, query, key, value, past):
        query, key, value = self.apart(query, HEADS), self.apart(key, self.groups), self.apart(value, self.groups)
        if past:
            key, value = (self.add("Concat", [old, new], axis=2) for old, new in zip(past, (key, value)))
            self.outputs += [key, value]
        if self.groups != HEADS:
            query = self.add("Reshape", [query, self.constant(numpy.array([0, self.groups, -1, HEAD]))])
        scores = self.add("MatMul", [query, self.add("Transpose", [key], perm=[0, 1, 3, 2])])
        scores = self.add("Div", [scores, self.constant(numpy.float32(HEAD**0.5))])
        scores = self.add("Add", [scores, "mask"])
        mixed = self.add("MatMul", [self.add("Softmax", [scores], axis=-1), value])
        if self.groups != HEADS:
            mixed = self.add("Reshape", [mixed, self.constant(numpy.array([0, HEADS, -1, HEAD]))])
        mixed = self.add("Transpose", [mixed], perm=[0, 2, 1, 3])
        return self.add("Reshape", [mixed, self.constant(numpy.array([0, 0, WIDTH]))])

    def norm(self, x, y):
        scale = self.constant(numpy.ones(WIDTH, numpy.float32))
        return self.add("LayerNormalization", [self.add("Add", [x, y]), scale, self.weight(WIDTH)])

    def model(self):
        x = "x"
        for layer in range(LAYERS):
            x = self.norm(x, self.linear(self.attention(x, layer), WIDTH, WIDTH))
            x = self.norm(x, self.linear(self.add("Gelu", [self.linear(x, WIDTH, INNER)]), INNER, WIDTH))
        outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in [x, *self.outputs]]
        graph = helper.make_graph(self.nodes, "layers", self.inputs, outputs, self.weights)
        opsets = [helper.make_opsetid("", 23 if self.way == "Attention" else 20), helper.make_opsetid(FUSED, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


def session(way, groups, cached):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(Graph(way, groups, cached).model(), options, ["CPUExecutionProvider"])


def case(name, ways, length, past=None, groups=HEADS):
    cached = past is not None
    random = numpy.random.default_rng(1)
    number = lambda *shape: random.standard_normal(shape).astype(numpy.float32)
    keys = length + (past or 0)
    values = {
        "x": number(1, length, WIDTH),
        "mask": numpy.zeros((1, 1, length, keys), numpy.float32),
        "before": numpy.array([keys - 1], numpy.int32),
        "total": numpy.array(keys, numpy.int32),
    }
    if cached:
        values |= {f"past_{part}{layer}": number(1, groups, past, HEAD) for part in "kv" for layer in range(LAYERS)}
    sessions = {way: session(way, groups, cached) for way in ["drawn", *ways]}

    def call(way):
        feed = {given.name: values[given.name] for given in sessions[way].get_inputs()}
        start = time.perf_counter()
        outputs = sessions[way].run(None, feed)
        return time.perf_counter() - start, outputs[0]

    expected = call("drawn")[1]
    for way in ways:
        difference = float(numpy.abs(call(way)[1] - expected).max())
        pairs = [(call(way)[0], call("drawn")[0]) for _ in range(PAIRS)]
        yield {"name": name, "way": way, "difference": difference, "pairs": pairs}


EVERY = ["MultiHeadAttention", "Attention"]
cases = [
    *(case(f"one pass, {length} tokens", EVERY, length) for length in (128, 512, 1024)),
    *(case(f"a token after {past}", [*EVERY, "GroupQueryAttention"], 1, past) for past in (64, 512, 2048)),
    *(case(f"a token after {past}, 4 heads of keys", ["Attention", "GroupQueryAttention"], 1, past, 4)
      for past in (64, 512, 2048)),
]
print(json.dumps({"onnxruntime": onnxruntime.__version__, "cases": [timed for each in cases for timed in each]}))
