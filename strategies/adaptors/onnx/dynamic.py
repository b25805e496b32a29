"""Rewrite a float ONNX graph so that chosen nodes compute in integers, on the range as it comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import onnx

from strategies.adaptors.base import OpConfig
from strategies.adaptors.onnx.affine import Side, parts_of
from strategies.adaptors.onnx.graph import WeightedNode, attributes, weighted_nodes
from strategies.adaptors.onnx.options import DYNAMIC
from strategies.adaptors.onnx.pieces import Pieces
from strategies.adaptors.onnx.recurrent import integer_lstm
from strategies.adaptors.onnx.rewriting import Rewrite, without_shapes
from strategies.adaptors.onnx.weightless import (
    WeightlessNode,
    product_of_tensors,
    weightless_nodes,
)
from strategies.adaptors.onnx.weights import hold_weights, is_weight_only

DYNAMIC_OPSET = 11
"""The first opset that has DynamicQuantizeLinear."""


def quantize_dynamic(
    model: onnx.ModelProto,
    choices: Mapping[str, OpConfig],
    weighted: Iterable[WeightedNode] | None = None,
    others: Iterable[WeightlessNode] | None = None,
) -> onnx.ModelProto:
    """Return a copy of a prepared model in which each node of ``choices`` is an integer product.

    The activation is quantised to uint8 on the range of each input as it comes; the weight is
    stored quantised; the bias is added in float. Chosen nodes are a plain Conv, Gemm or MatMul, or
    an LSTM. Of any node whose activation is fp32 only the weight is held in fewer bits.

    Args:
        model: A prepared model.
        choices: The configuration of each node to quantise, by its name; none is fp32.
        weighted: The nodes with a weight; None to look for them.
        others: Those without; None to look for them.
    """
    rewrite = Rewrite(model)
    found = weighted_nodes(model) if weighted is None else weighted
    nodes = {node.name: node for node in found}
    without = weightless_nodes(model, DYNAMIC, found) if others is None else others
    products = {node.name: node for node in without}
    for proto in rewrite.take_nodes():
        left: onnx.NodeProto | None = proto
        if proto.name in choices and proto.name in products:
            product_of_tensors(rewrite, products[proto.name])
            left = None
        elif proto.name in choices:
            left = quantize_node(rewrite, proto, nodes[proto.name], choices[proto.name])
        if left is not None:
            rewrite.nodes.append(left)
    return without_shapes(rewrite.finish())


def quantize_node(
    rewrite: Pieces, proto: onnx.NodeProto, node: WeightedNode, config: OpConfig
) -> onnx.NodeProto | None:
    """Put what ``config`` asks for in the place of a node; return what is left of the node."""
    if is_weight_only(config):
        return hold_weights(rewrite, proto, node, config["weight"])
    if node.type == "LSTM":
        integer_lstm(rewrite, proto, node, config["weight"])
    else:
        _integer_product(rewrite, proto, node, config["weight"])
    return None


def _integer_product(
    rewrite: Pieces, proto: onnx.NodeProto, node: WeightedNode, side: Side
) -> None:
    """Replace the node by an integer product, brought to scale."""
    is_conv = node.type == "Conv"
    weight, axis, label = rewrite.array(node.weight), node.axis, parts_of(side, node.axis)
    if node.type == "Gemm" and axis == 0:
        weight, axis, label = weight.T, 1, (*label, "transposed")
    values, levels = rewrite.quantized(weight, side, axis)
    scale, zero_point = levels.scale, levels.zero_point
    bias = node.bias if node.adder == node.name else None
    if is_conv:
        after_channels = (1,) * (weight.ndim - 2)
        zero_point = zero_point.reshape(-1)[0]  # all are equal: per_channel is symmetric here
        scale = scale.reshape(-1, *after_channels) if scale.ndim else scale
        if bias is not None:
            columns = rewrite.array(bias).reshape(-1, *after_channels)
            bias = rewrite.constant(rewrite.name(bias, "columns"), columns)

    name = rewrite.name(node.weight, *label)
    part = rewrite.name(node.name)
    steps, step_size, zero = rewrite.dynamic_steps(node.activation)
    product = rewrite.node(
        "ConvInteger" if is_conv else "MatMulInteger",
        [
            steps,
            rewrite.constant(f"{name}_q", values),
            zero,
            rewrite.constant(f"{name}_zero_point", zero_point),
        ],
        [f"{part}_int32"],
        name=node.name,
        **(attributes(proto) if is_conv else {}),
    )
    whole = rewrite.node("Cast", [product], [f"{part}_float"], to=onnx.TensorProto.FLOAT)
    weight_scale = rewrite.constant(f"{name}_scale", scale)
    unit = rewrite.node("Mul", [step_size, weight_scale], [f"{part}_unit"])
    scaled = f"{part}_scaled"
    if bias is None:
        rewrite.node("Mul", [whole, unit], [node.output], name=scaled)
    else:
        rewrite.node("Mul", [whole, unit], [scaled])
        rewrite.node("Add", [scaled, bias], [node.output], name=f"{part}_sum")
