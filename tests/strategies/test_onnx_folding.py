"""What a graph makes of its constants is worked out beforehand, and changes nothing it computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx_models import build, normal, skewed

from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.graph import prepare

Array = NDArray[Any]
IMAGES = ("N", 2, 4, 4)


def computed(model: onnx.ModelProto, x: Array) -> Array:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return np.asarray(session.run(None, {"x": x})[0])


def operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def behind(*moves: onnx.NodeProto, weight: Array, **more: Array) -> onnx.ModelProto:
    """Return a MatMul of (N, 6) whose weight is what the moves make of ``w``."""
    nodes = [*moves, helper.make_node("MatMul", ["x", moves[-1].output[0]], ["y"], "product")]
    model = build(nodes, {"w": weight}, {"x": ("N", 6)}, {"y": None})
    model.graph.output[0].type.tensor_type.ClearField("shape")
    for name, values in more.items():
        model.graph.initializer.append(numpy_helper.from_array(values, name))
    return model


def move(operator: str, *inputs: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs or ["w"], ["moved"], operator.lower(), **attributes)


MOVED: dict[str, onnx.ModelProto] = {
    "Transpose": behind(move("Transpose", perm=[1, 0]), weight=skewed(1, 4, 6)),
    "Identity": behind(move("Identity"), weight=skewed(1, 6, 4)),
    "Reshape": behind(move("Reshape", "w", "s"), weight=skewed(1, 24), s=np.array([6, 4])),
    "Squeeze": behind(move("Squeeze", "w", "a"), weight=skewed(1, 1, 6, 4), a=np.array([0])),
    "two in a row": behind(
        helper.make_node("Identity", ["w"], ["i"], "identity"),
        move("Transpose", "i", perm=[1, 0]),
        weight=skewed(1, 4, 6),
    ),
}


@pytest.mark.parametrize("kind", MOVED)
def test_a_weight_that_is_moved_can_be_tuned(kind: str) -> None:
    model, x = MOVED[kind], normal(0, 3, 6)
    assert operators(prepare(model)) == ["MatMul"]
    np.testing.assert_array_equal(computed(prepare(model), x), computed(model, x))
    assert prepare(model).ByteSize() <= model.ByteSize()
    adaptor = OnnxRuntimeAdaptor()
    (operation,) = adaptor.capability(model).operations
    quantised = adaptor.quantize(model, {operation.key: operation.options[0]}, [(x, 0)])
    np.testing.assert_allclose(computed(quantised, x), computed(model, x), atol=0.1)


def test_a_cast_from_double_is_folded_and_one_from_half_is_not() -> None:
    for dtype, expected in ((np.float64, ["MatMul"]), (np.float16, ["Cast", "MatMul"])):
        model = behind(move("Cast", to=TensorProto.FLOAT), weight=skewed(1, 6, 4))
        values = skewed(1, 6, 4).astype(dtype)
        model.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "w"))
        assert operators(prepare(model)) == expected
        x = normal(0, 3, 6)
        np.testing.assert_array_equal(computed(prepare(model), x), computed(model, x))


@pytest.mark.parametrize("other", ["another node", "an output", "the moved as output"])
def test_a_constant_that_others_read_stays(other: str) -> None:
    model = behind(move("Transpose", perm=[1, 0]), weight=skewed(1, 6, 6))
    if other == "another node":
        model.graph.node.append(helper.make_node("Add", ["y", "w"], ["z"], "sum"))
        model.graph.output[0].name = "z"
    else:
        name = "w" if other == "an output" else "moved"
        value = helper.make_tensor_value_info(name, TensorProto.FLOAT, (6, 6))
        model.graph.output.append(value)
    assert "Transpose" in operators(prepare(model))
    (left,) = [o for o in OnnxRuntimeAdaptor().capability(model).left_out if o.type == "MatMul"]
    assert left.reason == "its weight comes from a Transpose of a constant that others read too"


def normalised(bias: bool = True, opset: int = 17, **changes: Array) -> onnx.ModelProto:
    """Return Conv, BatchNormalization and Relu."""
    reads = ["x", "w", "b"] if bias else ["x", "w"]
    nodes = [
        helper.make_node("Conv", reads, ["c"], "conv", pads=[1] * 4),
        helper.make_node(
            "BatchNormalization", ["c", "g", "s", "m", "v"], ["n"], "norm", epsilon=0.01
        ),
        helper.make_node("Relu", ["n"], ["y"], "relu"),
    ]
    weights = {
        "w": skewed(1, 3, 2, 3, 3),
        "g": normal(3, 3),
        "s": normal(4, 3),
        "m": normal(5, 3),
        "v": normal(6, 3) ** 2,
    }
    weights |= {"b": normal(2, 3)} if bias else {}
    return build(nodes, weights | changes, {"x": IMAGES}, {"y": ("N", 3, 4, 4)}, opset=opset)


@pytest.mark.parametrize("bias", [True, False])
def test_a_normalisation_behind_a_conv_is_folded(bias: bool) -> None:
    model, x = normalised(bias), normal(0, 3, 2, 4, 4)
    prepared = prepare(model)
    assert operators(prepared) == ["Conv", "Relu"]
    assert len(prepared.graph.initializer) == 2
    np.testing.assert_allclose(computed(prepared, x), computed(model, x), rtol=1e-4, atol=1e-5)
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    factor = held["g"] / np.sqrt(held["v"] + 0.01)
    weight = numpy_helper.to_array(prepared.graph.initializer[0])
    np.testing.assert_allclose(weight, held["w"] * factor.reshape(3, 1, 1, 1), rtol=1e-5)
    shift = next(t for t in prepared.graph.initializer if len(t.dims) == 1)
    bias_before = held.get("b", np.zeros(3))
    expected = (bias_before - held["m"]) * factor + held["s"]
    np.testing.assert_allclose(numpy_helper.to_array(shift), expected, rtol=1e-4)


def test_a_folded_normalisation_lets_the_conv_run_in_integers() -> None:
    adaptor, data = OnnxRuntimeAdaptor(), [(normal(0, 8, 2, 4, 4), 0)]
    (operation,) = adaptor.capability(normalised()).operations
    quantised = adaptor.quantize(normalised(), {operation.key: operation.options[0]}, data)
    assert "BatchNormalization" not in operators(quantised)
    exact = computed(normalised(), data[0][0])
    assert np.abs(computed(quantised, data[0][0]) - exact).max() < 0.03 * np.abs(exact).max()


@pytest.mark.parametrize("is_moved", [False, True])
def test_two_normalisations_that_share_their_shift_are_folded(is_moved: bool) -> None:
    """As in a residual sum, whose two shifts have the same gradient."""
    shift = "moved" if is_moved else "s"
    nodes = [
        *([helper.make_node("Identity", ["s"], ["moved"], "identity")] if is_moved else []),
        *(helper.make_node("Conv", ["x", f"w{n}"], [f"c{n}"], f"conv{n}") for n in "12"),
        helper.make_node("BatchNormalization", ["c1", "g1", "s", "m1", "v1"], ["n1"], "norm1"),
        helper.make_node("BatchNormalization", ["c2", "g2", shift, "m2", "v2"], ["n2"], "norm2"),
        helper.make_node("Add", ["n1", "n2"], ["y"], "sum"),
    ]
    weights = {f"{name}{n}": normal(int(n), 3) for name in "gm" for n in "12"}
    weights |= {f"v{n}": normal(int(n) + 2, 3) ** 2 for n in "12"}
    weights |= {f"w{n}": skewed(int(n), 3, 2, 1, 1) for n in "12"} | {"s": normal(7, 3)}
    model = build(nodes, weights, {"x": IMAGES}, {"y": ("N", 3, 4, 4)})
    prepared, x = prepare(model), normal(0, 3, 2, 4, 4)
    assert operators(prepared) == ["Conv", "Conv", "Add"]
    assert len(prepared.graph.initializer) == 4
    assert prepared.ByteSize() < model.ByteSize()
    np.testing.assert_allclose(computed(prepared, x), computed(model, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("why", ["shared weight", "shared result", "computed", "infinite"])
def test_a_normalisation_that_is_not_the_convs_alone_stays(why: str) -> None:
    model = normalised()
    if why == "shared weight":
        model.graph.node.append(helper.make_node("ReduceSum", ["w"], ["z"], "sum", keepdims=0))
        model.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ()))
    if why == "shared result":
        model.graph.output.append(helper.make_tensor_value_info("c", TensorProto.FLOAT, None))
    if why == "computed":
        model.graph.node.insert(0, helper.make_node("Identity", ["m2"], ["m"], "identity"))
        (mean,) = [t for t in model.graph.initializer if t.name == "m"]
        model.graph.input.append(helper.make_tensor_value_info("m2", TensorProto.FLOAT, (3,)))
        model.graph.initializer.remove(mean)
    if why == "infinite":
        model = normalised(v=np.full(3, -0.01))
    assert "BatchNormalization" in operators(prepare(model))
