"""Read a quantised graph back: what each operation has become, as its file says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from attrs import define, field
from onnx import numpy_helper

from strategies.adaptors.base import FP32, OpConfig, OpKey
from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.weightless import PASSIVE
from strategies.errors import AdaptorError

INTEGER_PRODUCTS = ("ConvInteger", "MatMulInteger")
FLOAT: Mapping[str, str] = {"dtype": "fp32"}


def check(model: onnx.ModelProto, wanted: Mapping[OpKey, OpConfig]) -> dict[OpKey, OpConfig]:
    """Return what every operation of ``wanted`` is in a quantised model.

    An asymmetric grid may happen to have its zero in the middle, and is then found as asymmetric
    where that was asked for.

    Raises:
        AdaptorError: An operation is missing, or is not what is wanted: names it and the field.
    """
    graph = _Graph(model.graph)
    found = {}
    for key, config in wanted.items():
        node = graph.named.get(key[0])
        if node is None:
            raise AdaptorError(f"check: the model has no node {key[0]!r}, expected a {key[1]}")
        if config == FP32 and key[1] in PASSIVE:
            found[key] = FP32  # it may read what its neighbours wrote in 8 bits
            continue
        found[key] = _sides(graph, node)
        for side in ("weight", "activation"):
            for name in ("dtype", "scheme", "granularity"):
                asked, has = config[side].get(name), found[key][side].get(name)
                if name == "scheme" and (asked, has) == ("asym", "sym"):
                    continue
                if asked != has:
                    raise AdaptorError(
                        f"check: the {side} of {key!r} has {name} {has!r}, expected {asked!r}"
                    )
    return found


@define(eq=False)
class _Graph:
    """A graph by its names."""

    graph: onnx.GraphProto
    named: dict[str, onnx.NodeProto] = field(init=False)
    makers: dict[str, onnx.NodeProto] = field(init=False)
    constants: dict[str, onnx.TensorProto] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.named = {node.name: node for node in self.graph.node}
        self.makers = {name: node for node in self.graph.node for name in node.output}
        self.constants = {tensor.name: tensor for tensor in self.graph.initializer}

    def array(self, name: str) -> Array:
        """Return the values of an initializer."""
        return numpy_helper.to_array(self.constants[name])

    def readers(self, tensor: str) -> list[onnx.NodeProto]:
        """Return the nodes that read a tensor."""
        return [node for node in self.graph.node if tensor in node.input]


def _sides(graph: _Graph, node: onnx.NodeProto) -> OpConfig:
    """Return the weight and the activation of a node as a configuration says them."""
    if node.op_type in INTEGER_PRODUCTS:
        return _dynamic_sides(graph, node)
    inputs = [name for name in node.input if name]
    weights = [name for name in inputs[1:2] if _is_weight(graph, name)]
    tensors = inputs[:1] if weights else [name for name in inputs if name not in graph.constants]
    if len({_activation(graph, name)["dtype"] for name in tensors}) > 1:
        raise AdaptorError(f"check: {node.name!r} reads some of its inputs quantised, and some not")
    activation = _activation(graph, tensors[0]) if tensors else FLOAT
    return {"weight": _weight(graph, weights[0]) if weights else FLOAT, "activation": activation}


def _is_weight(graph: _Graph, name: str) -> bool:
    maker = graph.makers.get(name)
    reads_constant = maker is not None and maker.input[0] in graph.constants
    return name in graph.constants or (
        reads_constant and maker is not None and maker.op_type == "DequantizeLinear"
    )


def _weight(graph: _Graph, name: str) -> Mapping[str, str]:
    if name in graph.constants:
        return FLOAT
    back = graph.makers[name]
    steps, scale, zero_point = (graph.array(tensor) for tensor in back.input)
    return _side(steps.dtype, scale, zero_point)


def _activation(graph: _Graph, name: str) -> Mapping[str, str]:
    back = graph.makers.get(name)
    if back is None or back.op_type != "DequantizeLinear":
        return FLOAT
    forth = graph.makers[back.input[0]]
    if forth.op_type != "QuantizeLinear" or forth.input[1:] != back.input[1:]:
        raise AdaptorError(f"check: {name!r} is read back on another grid than it was put on")
    scale, zero_point = (graph.array(tensor) for tensor in back.input[1:])
    return _side(zero_point.dtype, scale, zero_point)


def _dynamic_sides(graph: _Graph, node: onnx.NodeProto) -> OpConfig:
    asked = {"dtype": "uint8", "scheme": "asym", "granularity": "per_tensor"}
    for name in node.input[:2]:
        maker = graph.makers.get(name)
        if name not in graph.constants and (
            maker is None or maker.op_type != "DynamicQuantizeLinear"
        ):
            raise AdaptorError(f"check: {node.name!r} reads {name!r}, which is no integer")
    if node.input[1] not in graph.constants:
        return {"weight": FLOAT, "activation": asked}
    steps, zero_point = graph.array(node.input[1]), graph.array(node.input[3])
    (cast,) = graph.readers(node.output[0])
    (scaling,) = graph.readers(cast.output[0])
    unit = graph.makers[next(name for name in scaling.input if name != cast.output[0])]
    scale = graph.array(unit.input[1])
    return {"weight": _side(steps.dtype, scale, zero_point), "activation": asked}


def _side(dtype: Any, scale: Array, zero_point: Array) -> Mapping[str, str]:
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise AdaptorError(f"check: a scale is {scale.min()}, expected numbers > 0")
    limits = np.iinfo(dtype)
    middle = (int(limits.min) + int(limits.max) + 1) // 2
    return {
        "dtype": str(np.dtype(dtype)),
        "scheme": "sym" if (zero_point == middle).all() else "asym",
        "granularity": "per_tensor" if scale.ndim == 0 else "per_channel",
    }
