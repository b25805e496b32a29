"""A model made ready to be quantised, and the nodes of it that can be."""

from __future__ import annotations

import onnx
from attrs import frozen

from strategies.adaptors.onnx.dynamic import DYNAMIC_OPSET
from strategies.adaptors.onnx.graph import WeightedNode, prepare, weighted_nodes
from strategies.adaptors.onnx.opsets import (
    FOUR_BIT_OPSET,
    can_be_raised,
    converted,
    opset,
    raised,
)
from strategies.adaptors.onnx.options import AUTO, DYNAMIC, options
from strategies.adaptors.onnx.weightless import WeightlessNode, weightless_nodes
from strategies.errors import AdaptorError


@frozen(eq=False)
class Prepared:
    """A model in an opset that quantising can build on, and what can be chosen in it.

    Attributes:
        model: From :func:`~strategies.adaptors.onnx.graph.prepare`; never changed.
        approach: How it is to be quantised.
        key: Unlike that of any other model in this approach.
        weighted: The nodes with a weight, in the graph's order: to find them, all weights are read.
        nodes: Those of them that have an option in this approach.
        others: Those without one.
        four_bits: Whether the model can hold integers of 4 bits.
    """

    model: onnx.ModelProto
    approach: str
    key: bytes
    weighted: tuple[WeightedNode, ...]
    nodes: tuple[WeightedNode, ...]
    others: tuple[WeightlessNode, ...]
    four_bits: bool


def prepared(model: onnx.ModelProto, approach: str, key: bytes) -> Prepared:
    """Return a model with this digest made ready; it is not changed itself.

    Raises:
        AdaptorError: The approach is dynamic, and the model too old for it.
    """
    return described(_as_new_as_needed(prepare(model), approach), approach, key)


def described(model: onnx.ModelProto, approach: str, key: bytes) -> Prepared:
    """Return a model that is ready with what can be chosen in it."""
    weighted = weighted_nodes(model)
    return Prepared(
        model=model,
        approach=approach,
        key=key,
        weighted=weighted,
        nodes=tuple(node for node in weighted if options(node, approach)),
        others=weightless_nodes(model, approach, weighted),
        four_bits=can_be_raised(model),
    )


def _as_new_as_needed(model: onnx.ModelProto, approach: str) -> onnx.ModelProto:
    newer = model if can_be_raised(model) else converted(model, FOUR_BIT_OPSET)
    if newer is not model and _keys(newer) != _keys(model):
        newer = model
    if approach not in (DYNAMIC, AUTO) or opset(newer) >= DYNAMIC_OPSET:
        return newer
    if not can_be_raised(newer, DYNAMIC_OPSET):
        raise AdaptorError(
            f"model: it is written in opset {opset(model)}, expected {DYNAMIC_OPSET} or "
            "later for dynamic quantisation, and ONNX cannot convert it: export it anew"
        )
    return raised(newer, DYNAMIC_OPSET)


def _keys(model: onnx.ModelProto) -> list[tuple[str, str]]:
    return [(node.name, node.type) for node in weighted_nodes(model)]
