"""Read a quantised graph back: what each operation has become, as its file says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from attrs import define, field
from onnx import numpy_helper

from strategies.adaptors.base import FP32, OpConfig, OpKey
from strategies.adaptors.onnx.affine import Array, Side
from strategies.adaptors.onnx.graph import WEIGHTS_OF
from strategies.adaptors.onnx.weightless import PASSIVE
from strategies.adaptors.onnx.weights import is_dynamic
from strategies.errors import AdaptorError

FLOAT: Mapping[str, str] = {"dtype": "fp32"}
HALF: Mapping[str, str] = {"dtype": "fp16"}
AS_IT_COMES: Mapping[str, str] = {"dtype": "uint8", "scheme": "asym", "granularity": "per_tensor"}
"""What DynamicQuantizeLinear makes, as the dynamic approach says it."""


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
        if found[key]["activation"] == AS_IT_COMES and is_dynamic(config):
            found[key] = {**found[key], "activation": config["activation"]}
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

    def dtype(self, name: str) -> str:
        """Return the type of an initializer, such as "int8" or "float16"."""
        return str(onnx.TensorProto.DataType.Name(self.constants[name].data_type)).lower()

    def maker(self, name: str, operator: str) -> onnx.NodeProto | None:
        """Return the node that writes a tensor, if it is of this kind."""
        node = self.makers.get(name)
        return node if node is not None and node.op_type == operator else None

    def reader(self, tensor: str) -> onnx.NodeProto:
        """Return the one node that reads a tensor."""
        (node,) = (node for node in self.graph.node if tensor in node.input)
        return node

    def side(self, steps: str, scale: str, zero_point: str = "", *, block: bool = False) -> Side:
        """Return how integers are held, given the initializers of steps, scale and zero point."""
        dtype, scales = self.dtype(steps), self.array(scale)
        if not (np.isfinite(scales).all() and (scales > 0).all()):
            raise AdaptorError(f"check: a scale is {scales.min()}, expected numbers > 0")
        middle = {"uint8": 128, "uint4": 8}.get(dtype, 0)
        zero = self.array(zero_point).astype(int) if zero_point else np.asarray(middle)
        by = "per_block" if block else "per_channel" if scales.ndim else "per_tensor"
        scheme = "sym" if (zero == middle).all() else "asym"
        return {"dtype": dtype, "scheme": scheme, "granularity": by}


def _sides(graph: _Graph, node: onnx.NodeProto) -> OpConfig:
    """Return the weight and the activation of a node as a configuration says them."""
    if node.op_type in ("ConvInteger", "MatMulInteger"):
        return _integer_product(graph, node)
    if node.op_type == "DynamicQuantizeLSTM":
        steps, scale, zero_point = node.input[1], node.input[8], node.input[9]
        by = "per_channel" if graph.array(scale).ndim == 2 else "per_tensor"
        side = {**graph.side(steps, scale, zero_point), "granularity": by}
        return {"weight": side, "activation": AS_IT_COMES}
    if node.op_type in ("Gather", "GatherBlockQuantized"):
        return {"weight": _table(graph, node), "activation": FLOAT}
    (place, *_) = WEIGHTS_OF.get(node.op_type, (0,))
    weight = _held(graph, node.input[place]) if node.op_type in WEIGHTS_OF else None
    tensors = [name for name in node.input if name and name not in graph.constants]
    tensors = tensors if weight is None else [node.input[0]]
    activations = [_activation(graph, name) for name in tensors]
    if len({side["dtype"] for side in activations}) > 1:
        raise AdaptorError(f"check: {node.name!r} does not read all its inputs in the same way")
    asymmetric = [side for side in activations if side.get("scheme") == "asym"]
    return {"weight": weight or FLOAT, "activation": (asymmetric or activations)[0]}


def _held(graph: _Graph, name: str) -> Side | None:
    """Return how a weight is held; None if it is computed."""
    if name in graph.constants:
        return FLOAT
    back, scaled = graph.maker(name, "DequantizeLinear"), graph.maker(name, "Mul")
    if back is not None and back.input[0] in graph.constants:
        return graph.side(*back.input, block=any(a.name == "block_size" for a in back.attribute))
    if scaled is not None and scaled.input[1] in graph.constants:
        cast = graph.maker(scaled.input[0], "Cast")
        return graph.side(cast.input[0], scaled.input[1]) if cast is not None else None
    cast = graph.maker(name, "Cast")
    is_half = cast is not None and graph.constants.keys() >= {*cast.input}
    return HALF if is_half else None


def _table(graph: _Graph, node: onnx.NodeProto) -> Side:
    """Return how the table of a Gather is held."""
    steps = node.input[0]
    if node.op_type == "GatherBlockQuantized":
        return graph.side(steps, *node.input[2:], block=True)
    if graph.dtype(steps) in ("float", "float16"):
        return FLOAT if graph.dtype(steps) == "float" else HALF
    whole = graph.reader(node.output[0])
    scaling = graph.reader(whole.output[0])
    scale = scaling.input[1]
    return graph.side(steps, scale if scale in graph.constants else graph.makers[scale].input[0])


def _activation(graph: _Graph, name: str) -> Side:
    back = graph.maker(name, "DequantizeLinear")
    if back is None:
        return FLOAT
    forth = graph.maker(back.input[0], "QuantizeLinear")
    if forth is None or forth.input[1:] != back.input[1:]:
        raise AdaptorError(f"check: {name!r} is read back on another grid than it was put on")
    return graph.side(back.input[2], *back.input[1:])


def _integer_product(graph: _Graph, node: onnx.NodeProto) -> OpConfig:
    for name in node.input[:2]:
        if name not in graph.constants and graph.maker(name, "DynamicQuantizeLinear") is None:
            raise AdaptorError(f"check: {node.name!r} reads {name!r}, which is no integer")
    if node.input[1] not in graph.constants:
        return {"weight": FLOAT, "activation": AS_IT_COMES}
    whole = graph.reader(node.output[0])
    scaling = graph.reader(whole.output[0])
    unit = graph.makers[scaling.input[1]]
    side = graph.side(node.input[1], unit.input[1], node.input[3])
    return {"weight": side, "activation": AS_IT_COMES}
