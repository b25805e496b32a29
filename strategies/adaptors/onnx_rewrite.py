"""Rewrite a float ONNX graph so that chosen nodes compute in 8-bit integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

import numpy as np
import onnx
from onnx import numpy_helper

from strategies.adaptors.affine import Array, Grid, Side, grid
from strategies.adaptors.base import OpConfig
from strategies.adaptors.onnx_graph import WeightedNode, attributes, kept_names, weighted_nodes
from strategies.adaptors.onnx_pieces import CONTRIB_DOMAIN, Pieces

Ranges = Mapping[str, tuple[float, float]]
"""The least and the greatest value of each activation tensor, as calibration saw them."""

DYNAMIC_OPSET = 11
"""The first opset that has DynamicQuantizeLinear."""


def quantize_static(
    model: onnx.ModelProto, choices: Mapping[str, OpConfig], ranges: Ranges
) -> onnx.ModelProto:
    """Return a copy of a prepared model with Q/DQ nodes around each node of ``choices``.

    A chosen node reads its activation through a QuantizeLinear and a DequantizeLinear (nodes that
    choose the same share them), its weight and bias through a DequantizeLinear.
    The bias becomes int32 where the integer kernels can take it, else it stays float; that of a
    MatMul too, since ONNX Runtime joins it with the Add that follows. A weighted node that is not
    chosen reads exactly the tensors that it read before.

    ONNX Runtime runs a Conv in integers only if a QuantizeLinear takes its output. So the output
    of a chosen Conv is quantised also for readers without a weight (Add, MaxPool, ...): as the
    first chosen node that reads it asks, else asymmetrically. It is left float if it is an output
    of the model, or if a weighted node that is not chosen reads it.

    Args:
        model: A model from :func:`~strategies.adaptors.onnx_graph.prepare`.
        choices: The configuration of each node to quantise, by its name; none is fp32.
        ranges: Covers ``activation`` and ``fused_output`` of every chosen node.
    """
    rewrite = Rewrite(model)
    nodes = {node.name: node for node in weighted_nodes(model)}
    shared = quantized_outputs(kept_names(model.graph), list(nodes.values()), choices)
    protos = {proto.name: proto for proto in rewrite.take_nodes()}
    for proto in protos.values():
        if proto.name in choices:
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


def quantize_dynamic(model: onnx.ModelProto, choices: Mapping[str, OpConfig]) -> onnx.ModelProto:
    """Return a copy of a prepared model in which each node of ``choices`` is an integer product.

    The activation is quantised to uint8 on the range of each input as it comes; the weight is
    stored quantised; the bias is added in float. Chosen nodes are plain Conv, Gemm or MatMul.
    """
    rewrite = Rewrite(model)
    nodes = {node.name: node for node in weighted_nodes(model)}
    for proto in rewrite.take_nodes():
        if proto.name in choices:
            integer_product(rewrite, proto, nodes[proto.name], choices[proto.name]["weight"])
        else:
            rewrite.nodes.append(proto)
    return rewrite.finish()


class Rewrite(Pieces):
    """A copy of a model whose nodes are being replaced."""

    def __init__(self, model: onnx.ModelProto) -> None:
        """Copy the model."""
        super().__init__(model)
        self.nodes: list[onnx.NodeProto] = []
        self._model = onnx.ModelProto()
        self._model.CopyFrom(model)

    def take_nodes(self) -> list[onnx.NodeProto]:
        """Return the nodes of the copy."""
        return list(self._model.graph.node)

    def add_node(self, node: onnx.NodeProto) -> None:
        """Add a node after those that were added so far."""
        self.nodes.append(node)

    def add_constant(self, name: str, values: Array) -> None:
        """Add an initializer to the copy."""
        array = np.ascontiguousarray(values) if values.ndim else values
        self._model.graph.initializer.append(numpy_helper.from_array(array, name))

    def finish(self) -> onnx.ModelProto:
        """Return the copy with the nodes that were added, without initializers that none reads."""
        graph = self._model.graph
        before = len(graph.node)
        graph.node.extend(self.nodes)
        del graph.node[:before]
        read = {name for node in graph.node for name in node.input} | kept_names(graph)
        for place in reversed(range(len(graph.initializer))):
            if graph.initializer[place].name not in read:
                del graph.initializer[place]
        missing = {node.domain for node in graph.node} & {CONTRIB_DOMAIN}
        for domain in missing - {known.domain for known in self._model.opset_import}:
            self._model.opset_import.append(onnx.helper.make_opsetid(domain, 1))
        return self._model


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
    name = rewrite.name(node.weight, *_label(config["weight"], node.axis))
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


def integer_product(rewrite: Pieces, proto: onnx.NodeProto, node: WeightedNode, side: Side) -> None:
    """Replace the node by an integer product, brought to scale."""
    is_conv = node.type == "Conv"
    weight, axis, label = rewrite.array(node.weight), node.axis, _label(side, node.axis)
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


def _label(side: Side, axis: int | None) -> tuple[str, ...]:
    along = str(axis) if side["granularity"] == "per_channel" else "all"
    return side["dtype"], side["scheme"], along
