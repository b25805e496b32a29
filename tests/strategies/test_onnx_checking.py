"""Reading a quantised graph back."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from onnx import helper, numpy_helper
from onnx_models import (
    MODELS,
    SHAPES,
    build,
    cnn,
    loader,
    matmul,
    normal,
    recurrent,
    table,
)
from quantised_models import task

from strategies.adaptors.base import FP32
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.options import APPROACHES, DYNAMIC, STATIC
from strategies.errors import AdaptorError

CASES = {name: (make(), loader(SHAPES[name])) for name, make in MODELS.items()}
CASES |= {
    "LSTM": (recurrent("LSTM", 2), None),
    "GRU": (recurrent("GRU"), None),
    "table": (table(40), None),
    "stack": (table(4, 5), None),
}


@pytest.mark.parametrize("approach", APPROACHES)
@pytest.mark.parametrize("kind", CASES)
def test_every_option_is_found_as_it_was_asked_for(kind, approach):
    (model, data), adaptor = CASES[kind], OnnxRuntimeAdaptor(approach)
    if data is None and approach == STATIC:
        data = [(0, 0)]  # which no option of these looks at
    operations = adaptor.capability(model).operations
    for operation in operations:
        for option in operation.options:
            tune_cfg = {one.key: FP32 for one in operations} | {operation.key: option}
            found = adaptor.check(adaptor.quantize(model, tune_cfg, data), tune_cfg)
            assert found == tune_cfg


def test_all_at_once_in_a_transformer():
    one, adaptor = task("transformer"), OnnxRuntimeAdaptor()
    tune_cfg = {o.key: o.options[0] for o in adaptor.capability(one.model).operations}
    tune_cfg["smooth_quant"] = "0.5"
    found = adaptor.check(adaptor.quantize(one.model, tune_cfg, one.calibration), tune_cfg)
    assert {config["weight"]["dtype"] for config in found.values()} == {"int8", "fp32"}
    assert {config["activation"]["dtype"] for config in found.values()} == {"uint8"}


def quantised(approach=STATIC):
    model = cnn() if approach == STATIC else matmul()
    adaptor = OnnxRuntimeAdaptor(approach)
    tune_cfg = {o.key: o.options[0] for o in adaptor.capability(model).operations}
    shape = SHAPES["cnn" if approach == STATIC else "matmul"]
    return adaptor, adaptor.quantize(model, tune_cfg, loader(shape)), tune_cfg


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({("second", "Conv"): FP32}, r"weight of \('second', 'Conv'\) has dtype 'int8'"),
        ({("nobody", "Conv"): FP32}, "no node 'nobody', expected a Conv"),
    ],
)
def test_what_is_not_as_asked_for(changed, message):
    adaptor, model, tune_cfg = quantised()
    with pytest.raises(AdaptorError, match=message):
        adaptor.check(model, tune_cfg | changed)


@pytest.mark.parametrize("side", ["weight", "activation"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("dtype", "uint8"), ("dtype", "int8"), ("scheme", "sym"), ("granularity", "per_tensor")],
)
def test_one_field_that_differs(side, name, value):
    adaptor, model, tune_cfg = quantised()
    asked = copy.deepcopy(tune_cfg["second", "Conv"])
    if asked[side][name] == value:
        return
    asked[side][name] = value
    with pytest.raises(AdaptorError, match=f"the {side} of .* has {name} .*, expected '{value}'"):
        adaptor.check(model, {("second", "Conv"): asked})


def test_a_broken_graph_is_told():
    adaptor, model, tune_cfg = quantised()
    (scale,) = [t for t in model.graph.initializer if t.name == "x/q_uint8_asym_scale"]
    scale.CopyFrom(numpy_helper.from_array(np.float32(-1.0), scale.name))
    with pytest.raises(AdaptorError, match=r"a scale is -1\.0, expected numbers > 0"):
        adaptor.check(model, tune_cfg)

    adaptor, model, tune_cfg = quantised()
    (forth,) = [n for n in model.graph.node if n.output[0] == "x/q_uint8_asym_q"]
    forth.input[1] = "r1/q_uint8_asym_scale"
    with pytest.raises(AdaptorError, match="on another grid than it was put on"):
        adaptor.check(model, tune_cfg)

    adaptor, model, tune_cfg = quantised(DYNAMIC)
    (product,) = [n for n in model.graph.node if n.name == "up"]
    product.input[0] = "x"
    with pytest.raises(AdaptorError, match="'up' reads 'x', which is no integer"):
        adaptor.check(model, tune_cfg)


def test_a_product_that_reads_one_side_in_floats_is_told():
    nodes = [
        helper.make_node("MatMul", ["x", "x"], ["p"], "square"),
        helper.make_node("Abs", ["p"], ["y"]),
    ]
    model, adaptor = build(nodes, {}, {"x": (4, 4)}, {"y": (4, 4)}), OnnxRuntimeAdaptor()
    (operation,) = adaptor.capability(model).operations
    tune_cfg = {operation.key: operation.options[0]}
    made = adaptor.quantize(model, tune_cfg, [(normal(0, 4, 4), 0)])
    assert adaptor.check(made, tune_cfg) == tune_cfg
    (square,) = [n for n in made.graph.node if n.name == "square"]
    square.input[1] = "x"
    with pytest.raises(AdaptorError, match="'square' does not read all its inputs in the same"):
        adaptor.check(made, tune_cfg)
