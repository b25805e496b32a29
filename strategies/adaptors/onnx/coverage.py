"""What of a model cannot be tuned, and why, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set

import onnx

from strategies.adaptors.base import LeftOut
from strategies.adaptors.onnx.folding import MOVES
from strategies.adaptors.onnx.graph import WEIGHTS_OF, Constants, subgraphs, why_not_weighted

Makers = Mapping[str, onnx.NodeProto]

ALWAYS_SAID = {*WEIGHTS_OF, "RNN", "Einsum"} - {"Gather"}
"""Operators that do a large part of the arithmetic; of others only those that hold a matrix."""

NO_KERNEL = "no kernel computes it in this approach"


def left_out(model: onnx.ModelProto, tuned: Set[str]) -> tuple[LeftOut, ...]:
    """Return the nodes of a prepared model that cannot be tuned though they weigh something.

    Args:
        model: A prepared model.
        tuned: The names of the nodes that can be tuned.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    return tuple(_left_out(model.graph, constants, tuned))


def _left_out(graph: onnx.GraphProto, constants: Constants, tuned: Set[str]) -> Iterator[LeftOut]:
    makers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.name not in tuned and _weighs_something(node, constants):
            reason = why_not_weighted(node, constants) or NO_KERNEL
            reason = _moved(node, constants, makers) or reason
            yield LeftOut(node.name, node.op_type, reason)
        for inner in subgraphs(node):
            yield from _inside(inner, node)


def _moved(node: onnx.NodeProto, constants: Constants, makers: Makers) -> str | None:
    """Return why a weight that a node makes of a constant is not one itself."""
    for place in WEIGHTS_OF.get(node.op_type, ()):
        maker = makers.get(node.input[place]) if len(node.input) > place else None
        if maker and maker.op_type in MOVES and all(name in constants for name in maker.input):
            if maker.op_type == "Cast":
                return "its weight comes from a Cast of a smaller type"
            return f"its weight comes from a {maker.op_type} of a constant that others read too"
    return None


def _inside(graph: onnx.GraphProto, outer: onnx.NodeProto) -> Iterator[LeftOut]:
    """Yield what weighs something in a subgraph."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if _weighs_something(node, constants):
            reason = f"it is in a subgraph of {outer.op_type} {outer.name!r}"
            yield LeftOut(node.name or node.output[0], node.op_type, reason)
        for inner in subgraphs(node):
            yield from _inside(inner, outer)


def _weighs_something(node: onnx.NodeProto, constants: Constants) -> bool:
    if node.op_type in ALWAYS_SAID or node.op_type in MOVES:
        return node.op_type in ALWAYS_SAID
    return any(_is_matrix(constants[name]) for name in node.input if name in constants)


def _is_matrix(tensor: onnx.TensorProto) -> bool:
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)
    return tensor.data_type in floats and sum(size > 1 for size in tensor.dims) > 1
