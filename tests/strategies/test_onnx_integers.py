"""Every integer option, against integer arithmetic in NumPy on what the saved file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx_models import cnn, normal, product
from test_onnxrt import config

from strategies.adaptors.base import OpConfig
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.graph import prepare, weighted_nodes
from strategies.adaptors.onnx.options import APPROACHES, DYNAMIC, STATIC, options

Array = NDArray[Any]
X = normal(0, 4, 100)
IMAGES = normal(0, 4, 2, 6, 6)


def first_layer() -> onnx.ModelProto:
    """Return a Conv with a bias alone."""
    model = cnn()
    del model.graph.node[1:]
    del model.graph.initializer[2:]
    model.graph.output[0].name = "c1"
    model.graph.output[0].type.tensor_type.ClearField("shape")
    return model


MODELS: dict[str, tuple[onnx.ModelProto, Array]] = {
    "MatMul": (product(), X),
    "Gemm": (product(operator="Gemm"), X),
    "Gemm, transposed": (product(operator="Gemm", transB=1), X),
    "Conv": (first_layer(), IMAGES),
}


def every(kind: str, approach: str) -> list[OpConfig]:
    """Return what is accepted, also beyond what is offered."""
    (node,) = weighted_nodes(prepare(MODELS[kind][0]))
    return [o for o in options(node, approach) if o["activation"]["dtype"] != "fp32"]


@pytest.mark.parametrize("approach", [STATIC, DYNAMIC])
@pytest.mark.parametrize("kind", MODELS)
def test_integer_kernels_compute_what_the_file_says(
    kind: str, approach: str, tmp_path: Path
) -> None:
    model, x = MODELS[kind]
    key = OnnxRuntimeAdaptor(approach).capability(model).operations[0].key
    path = str(tmp_path / "m.onnx")
    for option in every(kind, approach):
        adaptor = OnnxRuntimeAdaptor(approach, bias_correction=False)
        adaptor.save(adaptor.quantize(model, {key: option}, [(x, 0)]), path)
        session = onnxruntime.InferenceSession(path)
        found = session.run(None, {"x": x})[0]
        expected, level = in_integers(onnx.load(path), model, x, option)
        assert np.abs(found - expected).max() <= level, option


def in_integers(
    held: onnx.ModelProto, model: onnx.ModelProto, x: Array, option: OpConfig
) -> tuple[Array, float]:
    """Return what integer arithmetic gives, and the size of one step of its result."""
    arrays = {t.name: numpy_helper.to_array(t) for t in held.graph.initializer}
    floats = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    node = model.graph.node[0]
    (stem,) = [n for n in arrays if n.startswith(f"{node.input[1]}/q") and n.endswith("_q")]
    steps, scale, zero = (
        arrays[stem.removesuffix("_q") + end].astype(np.float64)
        for end in ("_q", "_scale", "_zero_point")
    )
    assert arrays[stem].dtype == option["weight"]["dtype"]
    least, most = (
        np.iinfo(option["activation"]["dtype"]).min,
        np.iinfo(option["activation"]["dtype"]).max,
    )
    stems = [n for n in arrays if n.startswith("x/q") and n.endswith("_scale")]
    if stems:  # static: the file holds them
        step = float(arrays[stems[0]])
        centre = float(arrays[stems[0].removesuffix("_scale") + "_zero_point"])
    else:
        low, high = min(float(x.min()), 0.0), max(float(x.max()), 0.0)
        step = float(np.float32((high - low) / 255))
        centre = float(np.round(-low / step))
    counted = np.clip(np.round(x / np.float32(step)) + centre, least, most) - centre
    bias = floats[node.input[2]] if len(node.input) > 2 else 0.0
    if node.op_type == "Conv":
        spread = (slice(None), None, None)
        middle = (steps - (zero if zero.ndim == 0 else zero[:, None, None, None])).astype(int)
        sums = convolved(counted.astype(int), middle)
        unit = np.broadcast_to(step * scale.ravel(), (len(steps),))[spread]
        return sums * unit + np.asarray(bias)[spread], float(unit.max())
    if steps.shape[0] != x.shape[1]:  # a Gemm that transposes
        steps, zero, scale = steps.T, zero.ravel(), scale.ravel()
    sums = counted.astype(int) @ (steps - zero).astype(int)
    return sums * (step * scale) + bias, float(np.max(step * scale))


def convolved(x: Array, weight: Array) -> Array:
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    return np.einsum("ncijkl,ockl->noij", windows, weight)


def test_the_default_is_by_channel_where_a_kernel_does_that() -> None:
    for approach in APPROACHES:
        for kind, (model, _) in MODELS.items():
            (operation,) = OnnxRuntimeAdaptor(approach).capability(model).operations
            dtype = "uint8" if (kind, approach) == ("Conv", DYNAMIC) else "int8"
            default = operation.options[0]
            assert default["weight"] == config(f"{dtype}/sym/per_channel")["weight"]
            if approach in (STATIC, DYNAMIC):
                assert default["activation"] == config()["activation"]
