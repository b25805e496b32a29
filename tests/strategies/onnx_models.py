"""Small ONNX models with one trait each that quantising them has to get right."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def build(nodes, weights, inputs, outputs, opset=17, ir_version=8):
    """Return a model of float32 tensors; ``inputs`` and ``outputs`` are shapes by name."""
    values = [
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in side.items()]
        for side in (inputs, outputs)
    ]
    constants = [numpy_helper.from_array(np.asarray(a, np.float32), n) for n, a in weights.items()]
    graph = helper.make_graph(nodes, "g", *values, constants)
    imports = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=imports, ir_version=ir_version)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def skewed(seed, *shape):
    """Weights whose range is not centred on zero, neither in all nor by channel."""
    return normal(seed, *shape) + np.float32(0.4)


def cnn(batch="N", names=("first", "second", "head"), **options):
    """Conv-Relu-Conv-Flatten-Gemm on (batch, 2, 6, 6), to (batch, 3)."""
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], names[0]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"], names[1]),
        helper.make_node("Flatten", ["c2"], ["f"]),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["y"], names[2], transB=1),
    ]
    weights = {
        "w1": skewed(1, 4, 2, 3, 3) * np.float32([0.1, 0.4, 0.7, 1]).reshape(4, 1, 1, 1),
        "b1": normal(2, 4),
        "w2": skewed(3, 5, 4, 3, 3),
        "b2": normal(4, 5),
        "w3": skewed(5, 3, 20),
        "b3": normal(6, 3),
    }
    return build(nodes, weights, {"x": (batch, 2, 6, 6)}, {"y": (batch, 3)}, **options)


def shared_input():
    """Two Convs on the output of a Sigmoid, and an Add of it and of both."""
    nodes = [
        helper.make_node("Sigmoid", ["x"], ["s"]),
        helper.make_node("Conv", ["s", "w1"], ["a"], "left"),
        helper.make_node("Conv", ["s", "w2"], ["b"], "right"),
        helper.make_node("Add", ["a", "b"], ["ab"], "sum"),
        helper.make_node("Add", ["ab", "s"], ["y"], "skip"),
    ]
    weights = {"w1": skewed(1, 2, 2, 1, 1), "w2": skewed(2, 2, 2, 1, 1)}
    return build(nodes, weights, {"x": ("N", 2, 4, 4)}, {"y": ("N", 2, 4, 4)})


def matmul(**options):
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["h"], "up"),
        helper.make_node("Add", ["h", "b1"], ["hb"]),
        helper.make_node("Tanh", ["hb"], ["t"]),
        helper.make_node("MatMul", ["t", "w2"], ["y"], "down"),
    ]
    weights = {"w1": skewed(1, 6, 8), "b1": normal(2, 8), "w2": skewed(3, 8, 4)}
    return build(nodes, weights, {"x": ("N", 6)}, {"y": ("N", 4)}, **options)


def up_convolution():
    node = helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], "up")
    weights = {"w": skewed(1, 2, 3, 2, 2), "b": normal(2, 3)}
    return build([node], weights, {"x": ("N", 2, 4, 4)}, {"y": ("N", 3, 5, 5)})


SHAPES = {"cnn": (2, 6, 6), "matmul": (6,), "shared": (2, 4, 4), "up": (2, 4, 4)}
MODELS = {"cnn": cnn, "matmul": matmul, "shared": shared_input, "up": up_convolution}


def loader(shape, samples=12, batch=4, seed=0):
    data = normal(seed, samples, *shape)
    return [(data[i : i + batch], np.arange(i, i + batch)) for i in range(0, samples, batch)]


def residual(skip):
    """Conv-Relu-Conv, an Add of ``skip`` or nothing, Relu and a pool."""
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], "a"),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], "b"),
        helper.make_node("Add", ["c2", skip], ["s"], "sum"),
        helper.make_node("Relu", ["s"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["y"]),
    ]
    weights = {"w1": skewed(1, 3, 3, 1, 1), "w2": skewed(2, 3, 3, 1, 1)}
    return build(nodes, weights, {"x": ("N", 3, 4, 4)}, {"y": ("N", 3, 1, 1)})


def product(width=100, channels=7, operator="MatMul", opset=17, **attributes):
    """One product of (N, width) with a constant, whose width is no whole number of blocks."""
    shape = (channels, width) if attributes.get("transB") else (width, channels)
    weights = {"w": skewed(1, *shape)}
    inputs = ["x", "w"]
    if operator == "Gemm":
        weights["b"] = normal(2, channels)
        inputs.append("b")
    node = helper.make_node(operator, inputs, ["y"], "product", **attributes)
    shapes = {"x": ("N", width)}, {"y": ("N", channels)}
    return build([node], weights, *shapes, opset=opset)


def recurrent(operator="LSTM", directions=1, layout=0):
    """One LSTM or GRU over 7 steps of 5 values."""
    gates = {"LSTM": 4, "GRU": 3}[operator]
    ways = {1: "forward", 2: "bidirectional"}[directions]
    attributes = {"hidden_size": 6, "direction": ways} | ({"layout": 1} if layout else {})
    node = helper.make_node(operator, ["x", "W", "R", "B"], ["y"], "recurrent", **attributes)
    weights = {
        "W": normal(1, directions, gates * 6, 5),
        "R": normal(2, directions, gates * 6, 6),
        "B": normal(3, directions, 2 * gates * 6),
    }
    shape = (3, 7, directions, 6) if layout else (7, directions, 3, 6)
    return build([node], weights, {"x": (3, 7, 5) if layout else (7, 3, 5)}, {"y": shape})


def table(*row, axis=0):
    """A Gather of (4, 3) rows from a table of 50."""
    node = helper.make_node("Gather", ["t", "x"], ["y"], "table", axis=axis)
    model = build([node], {"t": skewed(1, 50, *row)}, {"x": (4, 3)}, {"y": (4, 3, *row)})
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    return model
