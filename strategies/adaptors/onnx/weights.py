"""Hold a weight in fewer bits, and compute with it in floats.

A weight of 8 or 16 bits is brought back by operators that ONNX Runtime computes once, when it loads
the model: a Cast, and a Mul by the scale of each channel. It leaves a DequantizeLinear to every
run, up to 1.32 at least; one of 4 bits by blocks before a MatMul it makes a ``MatMulNBits``, which
never brings the floats back.
"""

from __future__ import annotations

import onnx

from strategies.adaptors.base import OpConfig
from strategies.adaptors.onnx.affine import BLOCK, FOUR_BITS, Array, Side, parts_of
from strategies.adaptors.onnx.graph import PRODUCTS, WeightedNode
from strategies.adaptors.onnx.pieces import Pieces
from strategies.adaptors.onnx.recurrent import hold_recurrent
from strategies.adaptors.onnx.tables import hold_table


def is_weight_only(config: OpConfig) -> bool:
    """Tell whether a configuration leaves the activation as it is."""
    return config["activation"]["dtype"] == "fp32"


def is_dynamic(config: OpConfig) -> bool:
    """Tell whether a configuration quantises activations as they come, beside static ones."""
    return config["activation"].get("granularity") == "per_input"


def is_static(config: OpConfig) -> bool:
    """Tell whether a configuration quantises activations on ranges from calibration."""
    return not is_weight_only(config) and not is_dynamic(config)


def hold_weights(
    pieces: Pieces, proto: onnx.NodeProto, node: WeightedNode, side: Side
) -> onnx.NodeProto | None:
    """Hold the weights of a node as ``side`` says; return what is left of the node itself."""
    if node.type == "Gather":
        hold_table(pieces, proto, node, side)
        return None
    if node.type not in PRODUCTS:
        return hold_recurrent(pieces, proto, node, side)
    if side["dtype"] in FOUR_BITS:
        return _hold_in_four_bits(pieces, proto, node, side)
    if side["dtype"] == "fp16":
        proto.input[1] = pieces.half(node.weight)
        return proto
    weight = pieces.array(node.weight)
    values, levels = pieces.quantized(weight, side, node.axis)
    name = pieces.name(node.weight, *parts_of(side, node.axis))
    scale = levels.scale
    if node.axis is not None:
        scale = scale.reshape(-1, *(1,) * (weight.ndim - 1 - node.axis))
    proto.input[1] = pieces.scaled(name, values, scale)
    return proto


def _hold_in_four_bits(
    pieces: Pieces, proto: onnx.NodeProto, node: WeightedNode, side: Side
) -> onnx.NodeProto | None:
    """Read the weight through a DequantizeLinear; make a plain Gemm a MatMul and an Add.

    That is the only product that ONNX Runtime computes in 4 bits in all versions.
    """
    becomes_matmul = node.type == "Gemm" and node.plain
    weight, axis, label = pieces.array(node.weight), node.axis, parts_of(side, node.axis)
    if becomes_matmul and axis == 0:
        weight, axis, label = weight.T, 1, (*label, "transposed")
    name = pieces.name(node.weight, *label)
    source = _read_back(pieces, name, weight, side, axis)
    if not becomes_matmul:
        proto.input[1] = source
        return proto
    part = pieces.name(node.name)
    product = node.output if node.bias is None else f"{part}_product"
    pieces.node("MatMul", [node.activation, source], [product], name=node.name)
    if node.bias is not None:
        pieces.node("Add", [product, node.bias], [node.output], name=f"{part}_sum")
    return None


def _read_back(pieces: Pieces, name: str, weight: Array, side: Side, axis: int | None) -> str:
    """Hold a weight as integers, and return it as read through a DequantizeLinear."""
    values, levels = pieces.quantized(weight, side, axis)
    dtype = side["dtype"]
    inputs = [
        pieces.constant(f"{name}_q", values, dtype),
        pieces.constant(f"{name}_scale", levels.scale),
    ]
    if side["scheme"] == "asym":
        inputs.append(pieces.constant(f"{name}_zero_point", levels.zero_point, dtype))
    along: dict[str, int] = {}
    if side["granularity"] == "per_block":
        along = {"axis": 0 if axis else 1, "block_size": BLOCK}
    elif axis is not None:
        along = {"axis": axis}
    return pieces.node("DequantizeLinear", inputs, [name], **along)
