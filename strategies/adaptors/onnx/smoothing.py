"""Move what is hard to quantise from activations to weights: SmoothQuant.

Behind a normalisation a few channels of a transformer stand out, and leave the others few levels.
Xiao et al., 2023 (arXiv:2211.10438), equation 4: channel ``j`` of what a product reads is divided
by ``s_j = max|X_j|^a / max|W_j|^(1 - a)``, and row ``j`` of its weight multiplied by it, which
changes nothing but how evenly both fill their levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import onnx

from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.graph import WeightedNode, kept_names, weighted_nodes
from strategies.adaptors.onnx.rewriting import Rewrite

OFF = "off"
STRENGTHS = (OFF, "0.3", "0.5", "0.7")
"""The ``a`` of the equation; the larger, the more is moved."""

LEAST = 1e-5
"""Peaks smaller than that, relative to the largest, count as so large."""


def smoothable(
    model: onnx.ModelProto, weighted: Iterable[WeightedNode] | None = None
) -> dict[str, tuple[WeightedNode, ...]]:
    """Return the tensors behind a normalisation, each with the dense layers that read it.

    A normalisation is a LayerNormalization, or an Add to a Mul of a Div, as older opsets write it.

    Args:
        model: A prepared model.
        weighted: Its nodes with a weight; None to look for them.
    """
    makers = {name: node for node in model.graph.node for name in node.output}
    found: dict[str, tuple[WeightedNode, ...]] = {}
    for node in weighted_nodes(model) if weighted is None else weighted:
        dense = node.type in ("Gemm", "MatMul") and node.plain and node.axis is not None
        if dense and _is_normalised(makers, node.activation):
            found[node.activation] = (*found.get(node.activation, ()), node)
    return found


def smooth(model: onnx.ModelProto, peaks: Mapping[str, Array], strength: float) -> onnx.ModelProto:
    """Return a model that computes the same, with smoother activations.

    The division goes into the LayerNormalization before, where only these layers read it; else it
    is a Mul between them.

    Args:
        model: A prepared model.
        peaks: The largest absolute value of each channel of the tensors of :func:`smoothable`.
        strength: ``a`` of the equation, in [0, 1].
    """
    rewrite = Rewrite(model)
    groups = smoothable(model)
    protos = {proto.name: proto for proto in rewrite.take_nodes()}
    scales = {}
    for tensor, nodes in groups.items():
        weights = [_rows(rewrite.array(node.weight), node) for node in nodes]
        if all(len(weight) == len(peaks[tensor]) for weight in weights):
            scales[tensor] = _scales(peaks[tensor], weights, strength)
    smoothed = {node.name: node for tensor in scales for node in groups[tensor]}
    alone = _read_by_these_alone(model, set(smoothed))
    for proto in protos.values():
        if proto.name in smoothed:
            node = smoothed[proto.name]
            scale, weight = scales[node.activation], rewrite.array(node.weight)
            along = scale if node.axis == 0 else scale[:, None]
            name = rewrite.name(node.weight, "smooth", node.activation)
            proto.input[1] = rewrite.constant(name, weight * along)
            if node.activation not in alone:
                proto.input[0] = _divided(rewrite, node.activation, scale)
        elif proto.op_type == "LayerNormalization" and proto.output[0] in scales.keys() & alone:
            scale = scales[proto.output[0]]
            for place in range(1, len(proto.input)):
                name = rewrite.name(proto.name, "smooth", str(place))
                proto.input[place] = rewrite.constant(
                    name, rewrite.array(proto.input[place]) / scale
                )
        rewrite.nodes.append(proto)
    return rewrite.finish()


def _divided(rewrite: Rewrite, tensor: str, scale: Array) -> str:
    name = rewrite.name(tensor, "smooth")
    factors = rewrite.constant(f"{name}_factors", np.float32(1.0) / scale)
    return rewrite.node("Mul", [tensor, factors], [name])


def _scales(peaks: Array, weights: Sequence[Array], strength: float) -> Array:
    rows = np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0).astype(np.float64)
    peaks, rows = (np.maximum(a, LEAST * a.max()) for a in (peaks, rows))
    if not (peaks.min() > 0.0 and rows.min() > 0.0):
        return np.ones(len(peaks), np.float32)
    return np.asarray(peaks**strength / rows ** (1.0 - strength), np.float32)


def _rows(weight: Array, node: WeightedNode) -> Array:
    """Return a weight with a row for each channel that it reads."""
    return weight.T if node.axis == 0 else weight


def _read_by_these_alone(model: onnx.ModelProto, names: set[str]) -> set[str]:
    """Return the outputs of a LayerNormalization with constants that no other node reads."""
    constants = {tensor.name for tensor in model.graph.initializer}
    read = {name for node in model.graph.node if node.name not in names for name in node.input}
    read |= kept_names(model.graph)
    return {
        node.output[0]
        for node in model.graph.node
        if node.op_type == "LayerNormalization"
        and constants.issuperset(node.input[1:])
        and node.output[0] not in read
    }


def _is_normalised(makers: Mapping[str, onnx.NodeProto], tensor: str) -> bool:
    node = makers.get(tensor)
    if node is not None and node.op_type == "LayerNormalization":
        return True
    for operator in ("Add", "Mul"):
        if node is None or node.op_type != operator:
            return False
        node = next((makers[name] for name in node.input if name in makers), None)
    return node is not None and node.op_type == "Div"
