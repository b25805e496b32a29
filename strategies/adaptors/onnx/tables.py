"""Hold a table that a Gather reads rows of in fewer bits.

The rows that are wanted are gathered as they are held, and only these become floats: the table
stays small in memory too.
"""

from __future__ import annotations

import onnx

from strategies.adaptors.onnx.affine import BLOCK, FOUR_BITS, Side, parts_of
from strategies.adaptors.onnx.graph import WeightedNode
from strategies.adaptors.onnx.pieces import CONTRIB_DOMAIN, Pieces


def hold_table(pieces: Pieces, proto: onnx.NodeProto, node: WeightedNode, side: Side) -> None:
    """Replace a Gather by one of rows in fewer bits, brought back to floats.

    Integers of 8 bits have one scale, or one for each row that is gathered as well; those of 4 bits
    one for each block of a row, which ONNX Runtime's ``GatherBlockQuantized`` knows; 16 bits are a
    Cast.
    """
    indices, part = node.activation, pieces.name(node.name)
    table = pieces.array(node.weight)
    if side["dtype"] == "fp16":
        rows = pieces.node(
            "Gather", [pieces.half_steps(node.weight), indices], [f"{part}_rows"], name=node.name
        )
        pieces.node("Cast", [rows], [node.output], name=f"{part}_cast", to=onnx.TensorProto.FLOAT)
        return
    name = pieces.name(node.weight, *parts_of(side, node.axis))
    values, levels = pieces.quantized(table, side, node.axis)
    steps = pieces.constant(f"{name}_q", values, side["dtype"])
    if side["dtype"] in FOUR_BITS:
        inputs = [steps, indices, pieces.constant(f"{name}_scale", levels.scale)]
        if side["scheme"] == "asym":
            zero_point = pieces.constant(f"{name}_zero_point", levels.zero_point, side["dtype"])
            inputs.append(zero_point)
        pieces.node(
            "GatherBlockQuantized",
            inputs,
            [node.output],
            name=node.name,
            domain=CONTRIB_DOMAIN,
            gather_axis=0,
            quantize_axis=1,
            block_size=BLOCK,
        )
        return
    rows = pieces.node("Gather", [steps, indices], [f"{part}_rows"], name=node.name)
    whole = pieces.node("Cast", [rows], [f"{part}_float"], to=onnx.TensorProto.FLOAT)
    if side["granularity"] == "per_tensor":
        scale = pieces.constant(f"{name}_scale", levels.scale)
    else:
        by_row = levels.scale.reshape(-1, *(1,) * (table.ndim - 1))
        scales = pieces.constant(f"{name}_scales", by_row)
        scale = pieces.node("Gather", [scales, indices], [f"{part}_scale"])
    pieces.node("Mul", [whole, scale], [node.output], name=f"{part}_scaled")
