"""Operations static, dynamic and with weights alone in one model, of ONNX."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import build, cnn, loader, normal, recurrent, skewed
from test_onnxrt import outputs_of

from strategies.adaptors.base import FP32, OpConfig
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.options import AUTO, DYNAMIC, STATIC
from strategies.allowed import option_label
from strategies.conf import Conf
from strategies.tuning_space import TuningSpace

X = normal(0, 8, 16)
ADAPTOR = OnnxRuntimeAdaptor(AUTO)


def attention() -> onnx.ModelProto:
    """Return two products with a weight, one of tensors, an Add of a bias and one of both sides."""
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["a"], "first"),
        helper.make_node("Add", ["a", "b1"], ["b"], "bias"),
        helper.make_node("MatMul", ["x", "w2"], ["c"], "second"),
        helper.make_node("Transpose", ["c"], ["t"], "turn"),
        helper.make_node("MatMul", ["b", "t"], ["p"], "both"),
        helper.make_node("Gemm", ["b", "w3"], ["g"], "last"),
        helper.make_node("MatMul", ["p", "g"], ["y"], "end"),
    ]
    weights = {f"w{n}": skewed(n, 16, 16) for n in (1, 2, 3)} | {"b1": normal(5, 16)}
    return build(nodes, weights, {"x": (8, 16)}, {"y": (8, 16)})


def kind_of(option: OpConfig) -> str:
    activation = option["activation"]
    if activation["dtype"] == "fp32":
        return "float"
    return "dynamic" if activation["granularity"] == "per_input" else "static"


def first_of(operation: Any, kind: str) -> OpConfig:
    return next(option for option in operation.options if kind_of(option) == kind)


def test_an_operation_has_the_options_of_every_approach() -> None:
    operations = {o.name: o for o in ADAPTOR.capability(attention()).operations}
    for name, one in operations.items():
        found = [option for option in one.options if kind_of(option) != "dynamic"]
        static = {o.name: o for o in OnnxRuntimeAdaptor(STATIC).capability(attention()).operations}
        assert found == [*static[name].options]
        dynamic = {
            o.name: o for o in OnnxRuntimeAdaptor(DYNAMIC).capability(attention()).operations
        }
        integer = [
            o["weight"] for o in dynamic[name].options if o["activation"] != {"dtype": "fp32"}
        ]
        assert [o["weight"] for o in one.options if kind_of(o) == "dynamic"] == integer
        assert kind_of(one.options[0]) == "static"
        assert len({option_label(option) for option in one.options}) == len(one.options)


def test_a_dynamic_conv_has_no_fast_kernel_and_an_lstm_no_other() -> None:
    conv, _, gemm = ADAPTOR.capability(cnn()).operations
    assert "dynamic" not in {kind_of(option) for option in conv.options}
    assert "dynamic" in {kind_of(option) for option in gemm.options}
    (lstm,) = ADAPTOR.capability(recurrent()).operations
    assert [kind_of(option) for option in lstm.options[:2]] == ["dynamic", "dynamic"]
    assert "static" not in {kind_of(option) for option in lstm.options}


@pytest.mark.parametrize("kinds", [*product(("static", "dynamic", "float"), repeat=3)])
def test_every_mixture_is_written_and_is_near_the_floats(kinds: tuple[str, ...]) -> None:
    model, data = attention(), [(X, 0)]
    operations = {o.name: o for o in ADAPTOR.capability(model).operations}
    chosen = dict(zip(("first", "second", "last"), kinds, strict=True))
    chosen["both"] = kinds[0]
    tune_cfg: dict[Any, Any] = {one.key: FP32 for one in operations.values()}
    for name, kind in chosen.items():
        tune_cfg[operations[name].key] = first_of(operations[name], kind)
    made = ADAPTOR.quantize(model, tune_cfg, data)
    onnx.checker.check_model(made)
    ADAPTOR.check(made, tune_cfg)
    written = Counter(node.op_type for node in made.graph.node)
    assert written["MatMulInteger"] == [*chosen.values()].count("dynamic")
    exact = outputs_of(model, X)
    assert np.abs(outputs_of(made, X) - exact).max() < 0.03 * np.abs(exact).max()
    assert ADAPTOR.sizes(model, data)(tune_cfg) == ADAPTOR.size(made)


def test_where_nothing_is_static_the_calibration_changes_nothing() -> None:
    keys = {
        "model": {"framework": "onnxrt_qlinearops"},
        "quantization": {"approach": AUTO},
        "tuning": {"objective": "performance"},
    }
    space = TuningSpace.of(ADAPTOR.capability(attention()), Conf(keys))
    params = space.default()
    for (name, kind), options in space.operations.items():
        label = next(label for label, one in options.items() if kind_of(one) != "static")
        params[f"{name} ({kind})"] = label
    one, other = ({**params, "calib_algorithm": how} for how in space.algorithms[:2])
    assert space.canonical(one) == space.canonical(other)
    models = [ADAPTOR.quantize(attention(), space.tune_cfg(p), [(X, 0)]) for p in (one, other)]
    assert models[0] == models[1]


def test_a_conv_between_is_static_beside_a_dynamic_gemm() -> None:
    model, data = cnn(), loader((2, 6, 6))
    first, second, head = ADAPTOR.capability(model).operations
    tune_cfg = {one.key: first_of(one, "static") for one in (first, second)}
    tune_cfg[head.key] = first_of(head, "dynamic")
    made = ADAPTOR.quantize(model, tune_cfg, data)
    ADAPTOR.check(made, tune_cfg)
    exact = outputs_of(model, data[0][0])
    assert np.abs(outputs_of(made, data[0][0]) - exact).max() < 0.05 * np.abs(exact).max()
