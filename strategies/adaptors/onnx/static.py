"""Rewrite a float ONNX graph so that chosen nodes compute in integers, on calibrated ranges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import chain

import numpy as np
import onnx
from attrs import frozen

from strategies.adaptors.base import OpConfig
from strategies.adaptors.onnx.affine import Array, Grid, Side, dequantize, grid, parts_of
from strategies.adaptors.onnx.correction import mean_shift
from strategies.adaptors.onnx.dynamic import quantize_node
from strategies.adaptors.onnx.graph import WeightedNode, kept_names, weighted_nodes
from strategies.adaptors.onnx.options import STATIC
from strategies.adaptors.onnx.pieces import Pieces
from strategies.adaptors.onnx.rewriting import Rewrite, without_shapes
from strategies.adaptors.onnx.weightless import (
    PASSIVE,
    WeightlessNode,
    carried,
    product_of_tensors,
    quantize_tensors,
    weightless_nodes,
)
from strategies.adaptors.onnx.weights import is_static

Ranges = Mapping[str, tuple[float, float]]
"""The least and the greatest value of each activation tensor, as calibration saw them."""


Means = Mapping[str, Array]
"""The mean of each channel that a node multiplies, by the name of the node; see ``correction``."""


@frozen(eq=False)
class Rounded:
    """What a node multiplies, once it is quantised.

    Attributes:
        scale: float32, () or (channels,); the distance between two levels of the rounded.
        steps: The integers of the weight.
        levels: Their grid.
    """

    scale: Array
    steps: Array
    levels: Grid


def quantize_static(
    model: onnx.ModelProto,
    choices: Mapping[str, OpConfig],
    ranges: Ranges,
    means: Means | None = None,
    *,
    weighted: Iterable[WeightedNode] | None = None,
    others: Iterable[WeightlessNode] | None = None,
) -> onnx.ModelProto:
    """Return a copy of a prepared model with Q/DQ nodes around each node of ``choices``.

    A chosen node reads its activation through a QuantizeLinear and a DequantizeLinear (nodes that
    choose the same share them), its weight and bias through a DequantizeLinear.
    Of a node whose activation is fp32 only the weight is held in fewer bits; one that is dynamic
    becomes what :mod:`~strategies.adaptors.onnx.dynamic` makes of it. The bias becomes int32 where
    the integer kernels can take it, else it stays float; that of a MatMul too, since ONNX
    Runtime joins it with the Add that follows. A weighted node that is not chosen reads exactly the
    tensors that it read before.

    ONNX Runtime runs a Conv, or a passive node, in integers only if a QuantizeLinear takes its
    output. So the output of a chosen one is quantised also for readers without a weight (Add,
    MaxPool, ...): as the first chosen node that reads it asks, else asymmetrically. It is left
    float if it is an output of the model, or if a node that multiplies and is not chosen reads it.
    What hands values on as they are (MaxPool, Reshape, ...) has the same levels on both sides.

    Args:
        model: A model from :func:`~strategies.adaptors.onnx.graph.prepare`.
        choices: The configuration of each node to quantise, by its name; none is fp32.
        ranges: Covers ``activation`` or ``inputs``, and ``fused_output``, of every chosen node.
        means: Of the chosen nodes whose bias is to make up for the rounding of the weight.
        weighted: The nodes with a weight; None to look for them.
        others: Those without; None to look for them.
    """
    means = means or {}
    ranges = carried(model, ranges)
    rewrite = Rewrite(model)
    found = weighted_nodes(model) if weighted is None else weighted
    without = weightless_nodes(model, STATIC, found) if others is None else others
    nodes = {node.name: node for node in found}
    weightless = {node.name: node for node in without}
    everyone: list[WeightedNode | WeightlessNode] = [*nodes.values(), *weightless.values()]
    static = {name: one for name, one in choices.items() if is_static(one)}
    shared = quantized_outputs(kept_names(model.graph), everyone, static)
    protos = {proto.name: proto for proto in rewrite.take_nodes()}
    for proto in protos.values():
        if proto.name in static and proto.name in weightless:
            quantize_tensors(rewrite, proto, weightless[proto.name], choices[proto.name], ranges)
        elif proto.name in choices and proto.name in weightless:
            product_of_tensors(rewrite, weightless[proto.name])
            continue
        elif proto.name in choices and proto.name not in static:
            if quantize_node(rewrite, proto, nodes[proto.name], choices[proto.name]) is None:
                continue  # others stand in its place
        elif proto.name in choices:
            node = nodes[proto.name]
            rounded = quantize_inputs(rewrite, proto, node, choices[proto.name], ranges)
            quantize_bias(rewrite, protos[node.adder], node, rounded, means.get(node.name))
        elif proto.name not in nodes:
            for place, tensor in enumerate(proto.input):
                if tensor in shared:
                    side, source = shared[tensor]
                    levels = grid(*ranges[source], side)
                    proto.input[place] = rewrite.round_trip(tensor, levels, side)
        rewrite.nodes.append(proto)
    return without_shapes(rewrite.finish())


def quantized_outputs(
    kept: Set[str],
    nodes: Sequence[WeightedNode | WeightlessNode],
    choices: Mapping[str, OpConfig],
) -> dict[str, tuple[Side, str]]:
    """Return the tensors that readers without a weight read quantised: how, and on whose range.

    Those in ``kept`` stay float. What becomes of the output of a node depends only on the choices
    for itself and for the ``nodes`` that read it.
    """
    chosen = [node for node in nodes if node.name in choices]
    asked: dict[str, Side] = {}
    for node in reversed(chosen):
        asked |= dict.fromkeys(_reads(node), choices[node.name]["activation"])
    left = [node for node in nodes if node.name not in choices and node.type not in PASSIVE]
    kept = {*kept, *chain.from_iterable(map(_reads, left))}
    shared: dict[str, tuple[Side, str]] = {}
    for node in chosen:
        end = node.fused_output
        if node.type in ("Conv", *PASSIVE) and end not in kept:
            dtype = choices[node.name]["activation"]["dtype"]
            side = asked.get(end, {"dtype": dtype, "scheme": "asym"})
            shared[end] = side, end
            if side["scheme"] == "sym":
                # ONNX Runtime drops a Relu before a QuantizeLinear only if 0.0 is the least level.
                # Where it is not, the same rounding before the Relu changes no value, and makes
                # the Conv an integer one.
                shared[node.output] = side, end
    return shared


def _reads(node: WeightedNode | WeightlessNode) -> tuple[str, ...]:
    return node.inputs if isinstance(node, WeightlessNode) else (node.activation,)


def quantize_inputs(
    rewrite: Pieces, proto: onnx.NodeProto, node: WeightedNode, config: OpConfig, ranges: Ranges
) -> Rounded:
    """Quantise what the node multiplies."""
    activation = grid(*ranges[node.activation], config["activation"])
    proto.input[0] = rewrite.round_trip(node.activation, activation, config["activation"])
    name = rewrite.name(node.weight, *parts_of(config["weight"], node.axis))
    values, levels = rewrite.quantized(rewrite.array(node.weight), config["weight"], node.axis)
    steps = rewrite.constant(f"{name}_q", values)
    proto.input[1] = rewrite.read_back(steps, name, levels, node.axis)
    return Rounded(np.asarray(activation.scale * levels.scale), values, levels)


def quantize_bias(
    rewrite: Pieces,
    adder: onnx.NodeProto,
    node: WeightedNode,
    rounded: Rounded,
    mean: Array | None = None,
) -> None:
    """Make the bias int32 in steps of the product's scale, as the kernels add it, if they can.

    Given the ``mean`` of each channel that is multiplied, the bias makes up for the weight.
    """
    if node.bias is None or node.axis is None or node.type == "ConvTranspose":
        return
    bias = rewrite.array(node.bias).astype(np.float64)
    channels = rewrite.shape(node.weight)[node.axis]
    most = np.iinfo(np.int32).max
    with np.errstate(divide="ignore", invalid="ignore"):
        fits = (np.abs(bias / rounded.scale) <= most).all()
    if fits and bias.shape == (channels,):
        if mean is not None:
            weight = rewrite.array(node.weight)
            lost = dequantize(rounded.steps, rounded.levels, node.axis).astype(np.float64) - weight
            shift = mean_shift(node, lost, mean)
            bias = bias if shift is None else bias - shift
        name = rewrite.name(node.name, "bias")
        steps = np.clip(np.round(bias / rounded.scale), -most, most).astype(np.int32)
        constant = rewrite.constant(f"{name}_q", steps)
        levels = Grid(rounded.scale, np.zeros(rounded.scale.shape, np.int32))
        place = list(adder.input).index(node.bias)
        adder.input[place] = rewrite.read_back(constant, name, levels, axis=0)
