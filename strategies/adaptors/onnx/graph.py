"""What an ONNX graph holds: the nodes that carry a constant weight, and who reads what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, count
from typing import Any

import numpy as np
import onnx
from attrs import frozen
from onnx import numpy_helper

from strategies.adaptors.onnx.folding import Folding
from strategies.adaptors.onnx.opsets import STANDARD_DOMAINS

Constants = Mapping[str, onnx.TensorProto]

WEIGHTS_OF = {
    "Conv": (1,),
    "ConvTranspose": (1,),
    "Gemm": (1,),
    "MatMul": (1,),
    "Gather": (0,),
    "LSTM": (1, 2),
    "GRU": (1, 2),
}
"""Which inputs of an operator its weights are."""

PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")


@frozen
class WeightedNode:
    """A node whose weights are constants of finite float32.

    It is a Conv, ConvTranspose, Gemm or MatMul, a Gather from a table, an LSTM or a GRU.

    Attributes:
        name: The node's name, unlike any other in the graph.
        type: Its operator.
        activation: The tensor that it reads beside its weights; not a constant. Of a Gather, the
            indices.
        weight: The initializer of its weight: of :data:`WEIGHTS_OF`, the first.
        bias: The initializer added to the product: its third input, or for a MatMul the other
            input of an Add that alone reads the product. None if there is none, or if the node
            scales one of the two.
        adder: The name of the node that adds ``bias``: itself or that Add.
        axis: The axis of the weight that counts output channels, of a table its rows; None if it
            has no such axis.
        plain: Whether the node is the product of activation and weight plus a constant bias, and
            nothing else: not so for a Gemm that transposes its activation or scales its terms.
        output: The tensor that it writes.
        fused_output: The output of a Relu or Clip that alone reads ``output``, which ONNX Runtime
            computes in the same integer kernel; else ``output``.
        recurrence: The initializer of the second weight of an LSTM or a GRU.
        has_matrix: Whether the weight has two axes.
    """

    name: str
    type: str
    activation: str
    weight: str
    bias: str | None
    adder: str
    axis: int | None
    plain: bool
    output: str
    fused_output: str
    recurrence: str | None = None
    has_matrix: bool = True


def prepare(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which every node has its own name and every weight is an initializer.

    A node without a name is called after its operator and its place in the graph; of several
    nodes with one name the first keeps it. Float constants that a ``Constant`` node holds become
    initializers, and initializers are not inputs of the model. What a node alone makes of its
    constants is worked out: see :class:`~strategies.adaptors.onnx.folding.Folding`.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.ir_version = max(copy.ir_version, 4)  # before 4 an initializer had to be an input, too
    _name_nodes(copy.graph)
    _lift_constants(copy.graph)
    _hide_constants(copy.graph)
    Folding(copy, kept_names(copy.graph)).fold()
    return copy


def weighted_nodes(model: onnx.ModelProto) -> tuple[WeightedNode, ...]:
    """Return the nodes of a prepared model that carry a weight, in the order of the graph.

    Nodes inside subgraphs and local functions are not among them.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    readers = sole_readers(model.graph)
    return tuple(
        _weighted(node, constants, readers.get(node.output[0]))
        for node in model.graph.node
        if why_not_weighted(node, constants) is None
    )


def kept_names(graph: onnx.GraphProto) -> set[str]:
    """Return the tensors that someone beyond the nodes of this graph reads by name.

    These are the outputs of the graph and whatever its subgraphs take from it.
    """
    inner = {name for node in graph.node for sub in subgraphs(node) for name in _reads(sub)}
    return inner | {value.name for value in graph.output}


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return the attributes of a node as Python values."""
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _name_nodes(graph: onnx.GraphProto) -> None:
    taken = {node.name for node in graph.node}
    seen = {""}
    for place, node in enumerate(graph.node):
        if node.name in seen:
            node.name = _untaken(node.name or f"{node.op_type}_{place}", taken)
        seen.add(node.name)
        taken.add(node.name)


def _untaken(stem: str, taken: set[str]) -> str:
    numbered = (f"{stem}_{number}" for number in count(1))
    return next(name for name in chain((stem,), numbered) if name not in taken)


def _lift_constants(graph: onnx.GraphProto) -> None:
    outputs = {value.name for value in graph.output}
    for place in reversed(range(len(graph.node))):
        node = graph.node[place]
        if node.op_type != "Constant" or node.output[0] in outputs:
            continue
        value = attributes(node).get("value")
        if value is not None and value.data_type == onnx.TensorProto.FLOAT:
            tensor = graph.initializer.add()
            tensor.CopyFrom(value)
            tensor.name = node.output[0]
            del graph.node[place]


def _hide_constants(graph: onnx.GraphProto) -> None:
    constants = {tensor.name for tensor in graph.initializer}
    for place in reversed(range(len(graph.input))):
        if graph.input[place].name in constants:
            del graph.input[place]


def why_not_weighted(node: onnx.NodeProto, constants: Constants) -> str | None:
    """Return in plain words why a node is no :class:`WeightedNode`; None if it is one."""
    places = WEIGHTS_OF.get(node.op_type)
    if places is None or node.domain not in STANDARD_DOMAINS or len(node.input) <= places[-1]:
        return "no kernel holds its constants in fewer bits"
    weights = [constants.get(node.input[place]) for place in places]
    other = node.input[1 if node.op_type == "Gather" else 0]
    if other in constants:
        first = "both sides are constants" if weights[0] is not None else "its weight comes first"
        return "it reads nothing but constants" if node.op_type == "Gather" else first
    if any(weight is None for weight in weights):
        return "its table is computed" if node.op_type == "Gather" else "both sides are computed"
    if node.op_type == "Gather" and _is_no_table(node, constants[node.input[0]]):
        return "it does not gather the rows of a table"
    for weight in filter(None, weights):
        if weight.data_type != onnx.TensorProto.FLOAT:
            held = onnx.TensorProto.DataType.Name(weight.data_type).lower()
            return f"its weight is {held}, not float32"
        if not np.prod(weight.dims):
            return "its weight is empty"
        if not np.isfinite(numpy_helper.to_array(weight)).all():
            return "its weight holds values that are not finite"
    return None


def _is_no_table(node: onnx.NodeProto, table: onnx.TensorProto) -> bool:
    return len(table.dims) < 2 or attributes(node).get("axis", 0) != 0


def _weighted(
    node: onnx.NodeProto, constants: Constants, reader: onnx.NodeProto | None
) -> WeightedNode:
    """Describe a node that carries a weight and, if it has a single reader, that reader's part."""
    if node.op_type not in PRODUCTS:
        return _weighted_otherwise(node, constants)
    follower = reader.op_type if reader else ""
    adder = reader if reader and follower == "Add" and node.op_type == "MatMul" else node
    addends = adder.input if adder is not node else node.input[2:]
    unscaled = _is_unscaled(node)
    fused = reader if reader and follower in ("Relu", "Clip") else node
    return WeightedNode(
        name=node.name,
        type=node.op_type,
        activation=node.input[0],
        weight=node.input[1],
        bias=next((name for name in addends if name in constants and unscaled), None),
        adder=adder.name,
        axis=_channel_axis(node, constants[node.input[1]]),
        plain=unscaled
        and not attributes(node).get("transA", 0)
        and all(name in constants for name in node.input[2:] if name),
        output=node.output[0],
        fused_output=fused.output[0],
        has_matrix=len(constants[node.input[1]].dims) == 2,
    )


def _weighted_otherwise(node: onnx.NodeProto, constants: Constants) -> WeightedNode:
    is_table = node.op_type == "Gather"
    weight = node.input[0 if is_table else 1]
    return WeightedNode(
        name=node.name,
        type=node.op_type,
        activation=node.input[1 if is_table else 0],
        weight=weight,
        bias=None,
        adder=node.name,
        axis=0 if is_table else 1,
        plain=attributes(node).get("layout", 0) == 0,
        output=node.output[0],
        fused_output=node.output[0],
        recurrence=None if is_table else node.input[2],
        has_matrix=len(constants[weight].dims) == 2,
    )


def _channel_axis(node: onnx.NodeProto, weight: onnx.TensorProto) -> int | None:
    if node.op_type == "Conv":
        return 0
    if node.op_type == "Gemm":
        return 0 if attributes(node).get("transB", 0) else 1
    if node.op_type == "MatMul" and len(weight.dims) != 2:
        return None
    return 1


def _is_unscaled(node: onnx.NodeProto) -> bool:
    given = attributes(node)
    return bool(given.get("alpha", 1.0) == given.get("beta", 1.0) == 1.0)


def sole_readers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """Return the node that reads a tensor, for the tensors that are read once."""
    reads = Counter(name for node in graph.node for name in node.input)
    kept = kept_names(graph)
    return {
        name: node
        for node in graph.node
        for name in node.input
        if reads[name] == 1 and name not in kept
    }


def subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Yield the graphs that a node holds, such as the branches of an If."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _reads(graph: onnx.GraphProto) -> set[str]:
    return {name for node in graph.node for name in node.input} | kept_names(graph)
