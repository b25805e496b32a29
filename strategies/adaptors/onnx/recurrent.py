"""Hold the weights of an LSTM or a GRU in fewer bits; compute an LSTM in integers.

Their two weights have the shape (directions, gates * hidden, inputs), with hidden values for inputs
in the second: a channel is one row of one direction.
"""

from __future__ import annotations

import onnx

from strategies.adaptors.onnx.affine import Array, Grid, Side, parts_of
from strategies.adaptors.onnx.graph import WeightedNode, attributes
from strategies.adaptors.onnx.pieces import CONTRIB_DOMAIN, Pieces

LSTM_INPUTS = 8
"""So many inputs an LSTM has, all optional ones included."""


def hold_recurrent(
    pieces: Pieces, proto: onnx.NodeProto, node: WeightedNode, side: Side
) -> onnx.NodeProto:
    """Read both weights through a Cast and, of 8 bits, a Mul; return the node."""
    for place in (1, 2):
        constant = proto.input[place]
        if side["dtype"] == "fp16":
            proto.input[place] = pieces.half(constant)
            continue
        weight = pieces.array(constant)
        name = pieces.name(constant, *parts_of(side, node.axis), "rows")
        values, levels = pieces.quantized(rows_of(weight), side, 0)
        scale = levels.scale.reshape(*weight.shape[:2], 1)
        proto.input[place] = pieces.scaled(name, values.reshape(weight.shape), scale)
    return proto


def integer_lstm(pieces: Pieces, proto: onnx.NodeProto, node: WeightedNode, side: Side) -> None:
    """Replace an LSTM by ONNX Runtime's own, whose products are of integers.

    It quantises its inputs and hidden values on the range of each as they come.
    """
    inputs = [*proto.input, *[""] * (LSTM_INPUTS - len(proto.input))]
    grids: list[str] = []
    for place in (1, 2):
        constant = proto.input[place]
        name = pieces.name(constant, *parts_of(side, node.axis), "lstm")
        values, levels = _steps(pieces, pieces.array(constant), side)
        inputs[place] = pieces.constant(f"{name}_q", values)
        grids.append(pieces.constant(f"{name}_scale", levels.scale))
        grids.append(pieces.constant(f"{name}_zero_point", levels.zero_point))
    pieces.node(
        "DynamicQuantizeLSTM",
        [*inputs, *grids],
        list(proto.output),
        name=node.name,
        domain=CONTRIB_DOMAIN,
        **{name: value for name, value in attributes(proto).items() if name != "layout"},
    )


def rows_of(weight: Array) -> Array:
    """Return a weight as a matrix, each channel a row."""
    return weight.reshape(-1, weight.shape[-1])


def _steps(pieces: Pieces, weight: Array, side: Side) -> tuple[Array, Grid]:
    """Return the integers (directions, inputs, channels), and their grid by direction."""
    directions, channels, inputs = weight.shape
    by_row = {**side, "granularity": "per_channel"}
    is_per_channel = side["granularity"] == "per_channel"
    rows = rows_of(weight) if is_per_channel else weight.reshape(directions, -1)
    values, levels = pieces.quantized(rows, by_row, 0)
    shape = (directions, channels) if is_per_channel else (directions,)
    grid = Grid(levels.scale.reshape(shape), levels.zero_point.reshape(shape))
    return values.reshape(directions, channels, inputs).swapaxes(1, 2), grid
