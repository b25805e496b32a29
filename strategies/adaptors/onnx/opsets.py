"""The version of the operators that a model is written in, and newer ones."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import version_converter

from strategies.adaptors.onnx.external import LIMIT, byte_size

STANDARD_DOMAINS = ("", "ai.onnx")

FOUR_BIT_OPSET, FOUR_BIT_IR = 21, 10
"""The first versions of operators and of the format that know integers of 4 bits."""

_SAYS_SOMETHING_ELSE = {
    "BatchNormalization": 15,
    "GroupNormalization": 21,
    "GridSample": 20,
    "LogSoftmax": 13,
    "Hardmax": 13,
    "Resize": 11,
    "RoiAlign": 16,
    "Softmax": 13,
    "Upsample": 10,
}
"""Operators that mean something else from an opset on though the same attributes are allowed."""


def opset(model: onnx.ModelProto) -> int:
    """Return the version of the standard operators that the model is written in."""
    return max((o.version for o in model.opset_import if o.domain in STANDARD_DOMAINS), default=1)


def can_be_raised(model: onnx.ModelProto, to: int = FOUR_BIT_OPSET) -> bool:
    """Tell whether every operator of the model means the same in an opset.

    It does if the newer operator takes the node as it stands, with its inputs, outputs and
    attributes; the few that do and mean something else are known.
    """
    now = opset(model)
    if now >= to:
        return True
    if model.functions or all(o.domain not in STANDARD_DOMAINS for o in model.opset_import):
        return False
    return all(_is_the_same(node, now, to) for node in nodes_of(model.graph))


def raised(model: onnx.ModelProto, to: int = FOUR_BIT_OPSET) -> onnx.ModelProto:
    """Return the model itself, said to be written in an opset of at least ``to``.

    It has to be one that :func:`can_be_raised`.
    """
    for known in model.opset_import:
        if known.domain in STANDARD_DOMAINS:
            known.version = max(known.version, to)
    if to >= FOUR_BIT_OPSET:
        model.ir_version = max(model.ir_version, FOUR_BIT_IR)
    return model


def converted(model: onnx.ModelProto, to: int) -> onnx.ModelProto:
    """Return the model in an opset, by ONNX's converter; as it is if that cannot do it."""
    if byte_size(model) > LIMIT:
        return model
    try:
        newer = version_converter.convert_version(model, to)
        onnx.checker.check_model(newer)
    except Exception:  # whatever the converter does not know, it says in many ways
        return model
    names = [value.name for value in (*model.graph.input, *model.graph.output)]
    kept = [value.name for value in (*newer.graph.input, *newer.graph.output)] == names
    return newer if kept else model


def nodes_of(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield all nodes of a graph, those of its subgraphs included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
                yield from nodes_of(inner)


def _is_the_same(node: onnx.NodeProto, now: int, to: int) -> bool:
    if node.domain not in STANDARD_DOMAINS:
        return True
    if now < _SAYS_SOMETHING_ELSE.get(node.op_type, 0) <= to:
        return False
    try:
        before, after = (onnx.defs.get_schema(node.op_type, v, "") for v in (now, to))
    except onnx.defs.SchemaError:
        return False
    if before.since_version == after.since_version:
        return True
    given = {attribute.name for attribute in node.attribute}
    if node.op_type == "Split" and len(node.input) < 2:
        return False  # it has to say into how many from opset 18 on
    return (
        given <= after.attributes.keys()
        and all(a.name in given for a in after.attributes.values() if a.required)
        and after.min_input <= len(node.input) <= after.max_input
        and after.min_output <= len(node.output) <= after.max_output
    )
