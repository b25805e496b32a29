"""What an ONNX graph holds: the nodes that carry a constant weight, and who reads what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, count
from typing import Any

import numpy as np
import onnx
from attrs import frozen
from onnx import numpy_helper

STANDARD_DOMAINS = ("", "ai.onnx")


@frozen
class WeightedNode:
    """A Conv, ConvTranspose, Gemm or MatMul whose second input is a constant of finite float32.

    Attributes:
        name: The node's name, unlike any other in the graph.
        type: Its operator.
        activation: The tensor that it reads as its first input; not a constant.
        weight: The initializer that it reads as its second input.
        bias: The initializer added to the product: its third input, or for a MatMul the other
            input of an Add that alone reads the product. None if there is none, or if the node
            scales one of the two.
        adder: The name of the node that adds ``bias``: itself or that Add.
        axis: The axis of the weight that counts output channels; None if it has no such axis.
        plain: Whether the node is the product of activation and weight plus a constant bias, and
            nothing else: not so for a Gemm that transposes its activation or scales its terms.
        output: The tensor that it writes.
        fused_output: The output of a Relu or Clip that alone reads ``output``, which ONNX Runtime
            computes in the same integer kernel; else ``output``.
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


def prepare(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy in which every node has its own name and every weight is an initializer.

    A node without a name is called after its operator and its place in the graph; of several
    nodes with one name the first keeps it. Float constants that a ``Constant`` node holds become
    initializers, and initializers are not inputs of the model.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    copy.ir_version = max(copy.ir_version, 4)  # before 4 an initializer had to be an input, too
    _name_nodes(copy.graph)
    _lift_constants(copy.graph)
    _hide_constants(copy.graph)
    return copy


def opset(model: onnx.ModelProto) -> int:
    """Return the version of the standard operators that the model is written in."""
    return max((o.version for o in model.opset_import if o.domain in STANDARD_DOMAINS), default=1)


def weighted_nodes(model: onnx.ModelProto) -> tuple[WeightedNode, ...]:
    """Return the nodes of a prepared model that carry a weight, in the order of the graph.

    Nodes inside subgraphs and local functions are not among them.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    readers = sole_readers(model.graph)
    return tuple(
        _weighted(node, constants, readers.get(node.output[0]))
        for node in model.graph.node
        if _carries_weight(node, constants)
    )


def kept_names(graph: onnx.GraphProto) -> set[str]:
    """Return the tensors that someone beyond the nodes of this graph reads by name.

    These are the outputs of the graph and whatever its subgraphs take from it.
    """
    inner = {name for node in graph.node for sub in _subgraphs(node) for name in _reads(sub)}
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


def _carries_weight(node: onnx.NodeProto, constants: dict[str, onnx.TensorProto]) -> bool:
    weighted = node.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul")
    if not weighted or node.domain not in STANDARD_DOMAINS or len(node.input) < 2:
        return False
    weight = constants.get(node.input[1])
    if weight is None or node.input[0] in constants:
        return False
    if weight.data_type != onnx.TensorProto.FLOAT:
        return False
    values = numpy_helper.to_array(weight)
    return bool(values.size and np.isfinite(values).all())


def _weighted(
    node: onnx.NodeProto, constants: dict[str, onnx.TensorProto], reader: onnx.NodeProto | None
) -> WeightedNode:
    """Describe a node that carries a weight and, if it has a single reader, that reader's part."""
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


def _subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _reads(graph: onnx.GraphProto) -> set[str]:
    return {name for node in graph.node for name in node.input} | kept_names(graph)
