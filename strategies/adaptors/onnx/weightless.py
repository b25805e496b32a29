"""Nodes that compute on tensors alone: products of two, and passive ones (Add, Concat, pooling).

Quantising them saves no bytes. It saves time: a product is computed in integers, and a passive node
between quantised ones in the integers that they hand on, without a way through floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import onnx
from attrs import frozen

from strategies.adaptors.base import FP32, OpConfig, Operation
from strategies.adaptors.onnx.affine import grid
from strategies.adaptors.onnx.external import parted
from strategies.adaptors.onnx.graph import (
    WeightedNode,
    kept_names,
    sole_readers,
    weighted_nodes,
)
from strategies.adaptors.onnx.opsets import STANDARD_DOMAINS
from strategies.adaptors.onnx.options import (
    AS_IT_COMES,
    AUTO,
    DYNAMIC,
    DYNAMIC_ACTIVATIONS,
    FIELDS,
    STATIC,
    STATIC_ACTIVATIONS,
)
from strategies.adaptors.onnx.pieces import Pieces

PRODUCTS = ("MatMul",)
PASSIVE = (
    "Add",
    "Mul",
    "Concat",
    "AveragePool",
    "GlobalAveragePool",
    "Sigmoid",
    "LeakyRelu",
    "Softmax",
)
"""Those that ONNX Runtime has kernels for on integers, tried out on 1.32."""

CARRIERS = ("MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity")
"""What writes values that it reads, and no others: on one grid on both sides it needs no floats."""


@frozen
class WeightlessNode:
    """A node whose inputs are all computed tensors of float32.

    Attributes:
        name: The node's name, unlike any other in the graph.
        type: Its operator.
        inputs: The tensors that it reads.
        output: The tensor that it writes; for others to read, and not an output of the model.
        fused_output: The output of a Relu or Clip that alone reads ``output``; else ``output``.
    """

    name: str
    type: str
    inputs: tuple[str, ...]
    output: str
    fused_output: str

    @property
    def is_passive(self) -> bool:
        """Tell whether it does hardly any arithmetic."""
        return self.type in PASSIVE


def weightless_nodes(
    model: onnx.ModelProto, approach: str, weighted: Iterable[WeightedNode] | None = None
) -> tuple[WeightlessNode, ...]:
    """Return the products and passive nodes of a prepared model that can be quantised.

    The dynamic approach has products only, and weights alone have none. An Add of a bias belongs to
    its MatMul. Nodes whose inputs are not known to be float32 are not among them.

    Args:
        model: A prepared model.
        approach: One of :data:`~strategies.adaptors.onnx.options.APPROACHES`.
        weighted: Its nodes with a weight; None to look for them.
    """
    every = PRODUCTS + PASSIVE
    kinds = {STATIC: every, AUTO: every, DYNAMIC: PRODUCTS}.get(approach, ())
    if not any(node.op_type in kinds for node in model.graph.node):
        return ()
    adders = {n.adder for n in (weighted_nodes(model) if weighted is None else weighted)}
    floats, readers, kept = _floats(model), sole_readers(model.graph), kept_names(model.graph)
    found = []
    for node in model.graph.node:
        written = node.output[0] if node.output else ""
        known = node.op_type in kinds and node.domain in STANDARD_DOMAINS
        ends_here = written in kept and node.op_type in PASSIVE
        if known and not ends_here and node.name not in adders and floats.issuperset(node.input):
            reader = readers.get(written)
            fused = reader.output[0] if reader and reader.op_type in ("Relu", "Clip") else written
            found.append(WeightlessNode(node.name, node.op_type, tuple(node.input), written, fused))
    return tuple(found)


def options(node: WeightlessNode, approach: str) -> tuple[OpConfig, ...]:
    """Return every option but fp32 that ONNX Runtime can carry out, the default first."""
    also = AS_IT_COMES if approach == AUTO and not node.is_passive else ()
    activations = DYNAMIC_ACTIVATIONS if approach == DYNAMIC else (*STATIC_ACTIVATIONS, *also)
    return tuple(
        {"weight": {"dtype": "fp32"}, "activation": dict(zip(FIELDS, one, strict=True))}
        for one in activations
    )


def operation(node: WeightlessNode, approach: str) -> Operation:
    """Return the operation that a node is to those who tune it: one option of each effect."""
    every = options(node, approach)
    sides = [option["activation"] for option in every]
    keys = [(side["scheme"], side["granularity"]) for side in sides]
    offered = tuple(one for place, one in enumerate(every) if keys[place] not in keys[:place])
    ranks = (*range(1, len(offered) + 1), 0)
    return Operation(node.name, node.type, (*offered, FP32), ranks, node.is_passive, False)


def carried(
    model: onnx.ModelProto, ranges: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Return the ranges, those behind a carrier being those before it."""
    known = dict(ranges)
    for node in model.graph.node:
        if node.op_type in CARRIERS and node.input[0] in known:
            known[node.output[0]] = known[node.input[0]]
    return known


def quantize_tensors(
    pieces: Pieces,
    proto: onnx.NodeProto,
    node: WeightlessNode,
    config: OpConfig,
    ranges: Mapping[str, tuple[float, float]],
) -> None:
    """Make the node read its inputs through integers."""
    side = config["activation"]
    for place, tensor in enumerate(node.inputs):
        proto.input[place] = pieces.round_trip(tensor, grid(*ranges[tensor], side), side)


def product_of_tensors(pieces: Pieces, node: WeightlessNode) -> None:
    """Replace a product by one of integers on the ranges as they come, brought to scale."""
    left, right = (pieces.dynamic_steps(tensor) for tensor in node.inputs)
    part = pieces.name(node.name)
    product = pieces.node(
        "MatMulInteger", [left[0], right[0], left[2], right[2]], [f"{part}_int32"], name=node.name
    )
    whole = pieces.node("Cast", [product], [f"{part}_float"], to=onnx.TensorProto.FLOAT)
    unit = pieces.node("Mul", [left[1], right[1]], [f"{part}_unit"])
    pieces.node("Mul", [whole, unit], [node.output], name=f"{part}_scaled")


def _floats(model: onnx.ModelProto) -> set[str]:
    """Return the tensors of float32, as far as can be inferred, that depend on an input."""
    try:
        graph = onnx.shape_inference.infer_shapes(parted(model, "data")[0]).graph
    except onnx.shape_inference.InferenceError:
        return set()
    values = (*graph.value_info, *graph.input, *graph.output)
    kind = onnx.TensorProto.FLOAT
    found = {value.name for value in values if value.type.tensor_type.elem_type == kind}
    fixed = {"", *(tensor.name for tensor in model.graph.initializer)}
    for node in model.graph.node:
        if fixed.issuperset(node.input):
            fixed.update(node.output)
    return found - fixed
