"""Old models are raised to a newer opset; converted, where that does not do; or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper
from onnx_models import build, matmul, normal, product, skewed

from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.opsets import can_be_raised, converted, opset, raised
from strategies.adaptors.onnx.options import DYNAMIC, WEIGHT_ONLY
from strategies.errors import AdaptorError


def computed(model: onnx.ModelProto, x: NDArray[Any]) -> NDArray[Any]:
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "1")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return np.asarray(session.run(None, {"x": x})[0])


def followed(operator: str, version: int, **attributes: Any) -> onnx.ModelProto:
    """Return a MatMul and an operator behind it, in some opset."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], "product"),
        helper.make_node(operator, ["h"], ["y"], "follower", **attributes),
    ]
    return build(nodes, {"w": skewed(1, 40, 8)}, {"x": ("N", 40)}, {"y": None}, opset=version)


@pytest.mark.parametrize(
    ("operator", "version", "attributes", "expected"),
    [
        ("Relu", 7, {}, True),
        ("Relu", 13, {}, True),
        ("Flatten", 11, {}, True),
        ("Softmax", 13, {}, True),
        ("Softmax", 11, {}, False),  # over all axes from the first on, it used to be
        ("ReduceMean", 17, {"axes": [1]}, False),  # now an input
        ("ReduceMean", 17, {}, True),
        ("ReduceMean", 21, {}, True),
        ("Clip", 10, {"min": 0.0}, False),
        ("Split", 13, {}, False),
        ("Nonesuch", 17, {}, False),
    ],
)
def test_what_means_the_same_in_a_newer_opset(
    operator: str, version: int, attributes: dict[str, Any], expected: bool
) -> None:
    assert can_be_raised(followed(operator, version, **attributes)) == expected


def test_other_domains_do_not_stand_in_the_way() -> None:
    model = followed("Relu", 17)
    model.graph.node[1].domain = "com.microsoft"
    assert can_be_raised(model)
    del model.opset_import[:]
    assert not can_be_raised(model)


def test_raising_changes_two_numbers() -> None:
    model = followed("Relu", 11)
    newer = raised(onnx.ModelProto.FromString(model.SerializeToString()))
    assert (opset(newer), newer.ir_version) == (21, 10)
    assert newer.graph == model.graph
    assert opset(raised(newer, 13)) == 21


@pytest.mark.parametrize(("operator", "version"), [("ReduceMean", 13), ("Softmax", 11)])
def test_what_means_something_else_is_converted(operator: str, version: int) -> None:
    more = {"axes": [1]} if operator == "ReduceMean" else {"axis": 1}
    model, x = followed(operator, version, **more), normal(0, 3, 40)
    adaptor = OnnxRuntimeAdaptor(WEIGHT_ONLY)
    (operation,) = adaptor.capability(model).operations
    for option in operation.options:
        quantised = adaptor.quantize(model, {operation.key: option}, None)
        assert opset(quantised) == 21
        exact = computed(model, x)
        most = 0.6 if "4" in option["weight"]["dtype"] else 0.05
        assert np.abs(computed(quantised, x) - exact).max() < most * np.abs(exact).max()
    np.testing.assert_allclose(computed(adaptor.quantize(model, {}, None), x), exact, rtol=1e-5)


def test_what_cannot_be_converted_has_no_four_bits() -> None:
    model = followed("ReduceMean", 17, axes=[1])
    model.graph.node.append(helper.make_node("Nonesuch", ["y"], ["z"]))
    model.graph.output[0].name = "z"
    assert converted(model, 21) is model
    (operation,) = OnnxRuntimeAdaptor(WEIGHT_ONLY).capability(model).operations
    assert [o["weight"]["dtype"] for o in operation.options] == ["int8", "fp16", "fp32"]


@pytest.mark.parametrize("version", [7, 9, 10])
def test_dynamic_models_are_raised_to_where_its_operators_begin(version: int) -> None:
    model, x = matmul(opset=version), normal(0, 4, 6)
    adaptor = OnnxRuntimeAdaptor(DYNAMIC)
    operations = adaptor.capability(model).operations
    quantised = adaptor.quantize(model, {o.key: o.options[0] for o in operations}, None)
    assert opset(quantised) == 11
    assert [n.op_type for n in quantised.graph.node].count("MatMulInteger") == 2
    np.testing.assert_allclose(computed(quantised, x), computed(model, x), atol=0.2)


def test_dynamic_models_that_cannot_be_are_refused() -> None:
    model = product(opset=9)
    model.graph.node.append(helper.make_node("Nonesuch", ["y"], ["z"]))
    model.graph.output[0].name = "z"
    with pytest.raises(AdaptorError, match=r"opset 9, expected 11 or later .* export it anew"):
        OnnxRuntimeAdaptor(DYNAMIC).capability(model)
