"""Rewrite a float ONNX graph so that chosen nodes compute in integers, on calibrated ranges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import numpy as np
import onnx

from strategies.adaptors.base import OpConfig
from strategies.adaptors.onnx.affine import Array, Grid, Side, grid, parts_of
from strategies.adaptors.onnx.graph import WeightedNode, kept_names, weighted_nodes
from strategies.adaptors.onnx.pieces import Pieces
from strategies.adaptors.onnx.rewriting import Rewrite
from strategies.adaptors.onnx.weights import hold_weights, is_weight_only

Ranges = Mapping[str, tuple[float, float]]
"""The least and the greatest value of each activation tensor, as calibration saw them."""


def quantize_static(
    model: onnx.ModelProto, choices: Mapping[str, OpConfig], ranges: Ranges
) -> onnx.ModelProto:
    """Return a copy of a prepared model with Q/DQ nodes around each node of ``choices``.

    A chosen node reads its activation through a QuantizeLinear and a DequantizeLinear (nodes that
    choose the same share them), its weight and bias through a DequantizeLinear.
    Of a node whose activation is fp32 only the weight is held in fewer bits. The bias becomes int32
    where the integer kernels can take it, else it stays float; that of a MatMul too, since ONNX
    Runtime joins it with the Add that follows. A weighted node that is not chosen reads exactly the
    tensors that it read before.

    ONNX Runtime runs a Conv in integers only if a QuantizeLinear takes its output. So the output
    of a chosen Conv is quantised also for readers without a weight (Add, MaxPool, ...): as the
    first chosen node that reads it asks, else asymmetrically. It is left float if it is an output
    of the model, or if a weighted node that is not chosen reads it.

    Args:
        model: A model from :func:`~strategies.adaptors.onnx.graph.prepare`.
        choices: The configuration of each node to quantise, by its name; none is fp32.
        ranges: Covers ``activation`` and ``fused_output`` of every chosen node.
    """
    rewrite = Rewrite(model)
    nodes = {node.name: node for node in weighted_nodes(model)}
    integer = {name: one for name, one in choices.items() if not is_weight_only(one)}
    shared = quantized_outputs(kept_names(model.graph), list(nodes.values()), integer)
    protos = {proto.name: proto for proto in rewrite.take_nodes()}
    for proto in protos.values():
        if proto.name in choices and proto.name not in integer:
            side = choices[proto.name]["weight"]
            if hold_weights(rewrite, proto, nodes[proto.name], side) is None:
                continue  # others stand in its place
        elif proto.name in choices:
            node = nodes[proto.name]
            scale = quantize_inputs(rewrite, proto, node, choices[proto.name], ranges)
            quantize_bias(rewrite, protos[node.adder], node, scale)
        elif proto.name not in nodes:
            for place, tensor in enumerate(proto.input):
                if tensor in shared:
                    side, source = shared[tensor]
                    levels = grid(*ranges[source], side)
                    proto.input[place] = rewrite.round_trip(tensor, levels, side)
        rewrite.nodes.append(proto)
    return rewrite.finish()


def quantized_outputs(
    kept: Set[str], nodes: Sequence[WeightedNode], choices: Mapping[str, OpConfig]
) -> dict[str, tuple[Side, str]]:
    """Return the tensors that readers without a weight read quantised: how, and on whose range.

    Those in ``kept`` stay float. What becomes of the output of a node depends only on the choices
    for itself and for the ``nodes`` that read it.
    """
    chosen = [node for node in nodes if node.name in choices]
    kept = kept | {node.activation for node in nodes if node.name not in choices}
    asked = {node.activation: choices[node.name]["activation"] for node in reversed(chosen)}
    shared: dict[str, tuple[Side, str]] = {}
    for node in chosen:
        end = node.fused_output
        if node.type == "Conv" and end not in kept:
            dtype = choices[node.name]["activation"]["dtype"]
            side = asked.get(end, {"dtype": dtype, "scheme": "asym"})
            shared[end] = side, end
            if side["scheme"] == "sym":
                # ONNX Runtime drops a Relu before a QuantizeLinear only if 0.0 is the least level.
                # Where it is not, the same rounding before the Relu changes no value, and makes
                # the Conv an integer one.
                shared[node.output] = side, end
    return shared


def quantize_inputs(
    rewrite: Pieces, proto: onnx.NodeProto, node: WeightedNode, config: OpConfig, ranges: Ranges
) -> Array:
    """Quantise what the node multiplies; return the scale of its products, () or (channels,)."""
    activation = grid(*ranges[node.activation], config["activation"])
    proto.input[0] = rewrite.round_trip(node.activation, activation, config["activation"])
    name = rewrite.name(node.weight, *parts_of(config["weight"], node.axis))
    values, levels = rewrite.quantized(rewrite.array(node.weight), config["weight"], node.axis)
    steps = rewrite.constant(f"{name}_q", values)
    proto.input[1] = rewrite.read_back(steps, name, levels, node.axis)
    return np.asarray(activation.scale * levels.scale)


def quantize_bias(rewrite: Pieces, adder: onnx.NodeProto, node: WeightedNode, scale: Array) -> None:
    """Make the bias int32 in steps of ``scale``, as the kernels add it, if they can."""
    if node.bias is None or node.axis is None or node.type == "ConvTranspose":
        return
    bias = rewrite.array(node.bias).astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.round(bias / scale)
    fits = (np.abs(steps) <= np.iinfo(np.int32).max).all()
    if fits and bias.shape == (rewrite.array(node.weight).shape[node.axis],):
        name = rewrite.name(node.name, "bias")
        constant = rewrite.constant(f"{name}_q", steps.astype(np.int32))
        levels = Grid(scale, np.zeros(scale.shape, np.int32))
        place = list(adder.input).index(node.bias)
        adder.input[place] = rewrite.read_back(constant, name, levels, axis=0)
