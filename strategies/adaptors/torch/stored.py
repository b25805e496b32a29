"""A float tensor held in few bits: 8 or 4 with their scales, or 16."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn

from strategies.adaptors.torch.levels import grid, pack, to_steps, unpack

BLOCK = 32
"""So many weights of a row share a scale in the granularity per_block."""


class Stored(nn.Module):
    """Holds a weight as rows, and reads it back; a row is one entry along ``axis``.

    Attributes:
        steps: int8, shape (rows, row); int4 in pairs of uint8, (rows, blocks, block / 2), the last
            block filled up with zeros; float16, of the weight's own shape.
        scale: float32, shape () per tensor, (rows, 1) per channel, (rows, blocks, 1) per block.
        zero_point: int8, of the same shape; None in the symmetric scheme, where it is 0.
    """

    def __init__(self, weight: torch.Tensor, side: Mapping[str, str], axis: int = 0) -> None:
        """Hold a float32 weight as one side of an option says."""
        super().__init__()
        self.shape, self.axis, self.dtype = tuple(weight.shape), axis, side["dtype"]
        weight = weight.detach()
        if self.dtype == "fp16":
            self.register_buffer("steps", weight.half())
            return
        rows = self._folded(weight)
        if side["granularity"] == "per_tensor":
            low, high = rows.amin(), rows.amax()
        else:
            low, high = rows.amin(-1, keepdim=True), rows.amax(-1, keepdim=True)
        scale, zero_point = grid(low, high, self.dtype, side["scheme"])
        steps = to_steps(rows, scale, zero_point, self.dtype)
        self.register_buffer("steps", pack(steps) if self.dtype == "int4" else steps)
        self.register_buffer("scale", scale)
        asymmetric = side["scheme"] == "asym"
        self.register_buffer("zero_point", zero_point.to(torch.int8) if asymmetric else None)

    def forward(self) -> torch.Tensor:
        """Return the floats that are stood for, float32 in the weight's shape."""
        if self.dtype == "fp16":
            return self.steps.float()
        values = self._floats(self.steps, self.scale, self.zero_point)
        moved = [size for axis, size in enumerate(self.shape) if axis != self.axis]
        return values.reshape(self.shape[self.axis], *moved).movedim(0, self.axis)

    def rows(self, places: torch.Tensor) -> torch.Tensor:
        """Return only the rows at ``places``, whatever their shape; the axis is 0."""
        if self.dtype == "fp16":
            return self.steps[places].float()
        scale, zero_point = self.scale, self.zero_point
        if scale.ndim:
            scale = scale[places]
            zero_point = None if zero_point is None else zero_point[places]
        values = self._floats(self.steps[places], scale, zero_point)
        return values.reshape(*places.shape, *self.shape[1:])

    def integers(self) -> torch.Tensor:
        """Return the integers, int8: (rows, row), or (rows, blocks, block) of 4 bits."""
        return unpack(self.steps) if self.dtype == "int4" else self.steps

    def extra_repr(self) -> str:
        """Say what is held, and how."""
        return f"{'x'.join(map(str, self.shape))}, {self.dtype}"

    def _floats(
        self, steps: torch.Tensor, scale: torch.Tensor, zero_point: torch.Tensor | None
    ) -> torch.Tensor:
        values = (unpack(steps) if self.dtype == "int4" else steps).float()
        if zero_point is not None:
            values = values - zero_point
        values = values * scale
        if self.dtype == "int4":
            values = values.flatten(-2)[..., : self._row]
        return values

    def _folded(self, weight: torch.Tensor) -> torch.Tensor:
        rows = weight.movedim(self.axis, 0).reshape(weight.shape[self.axis], -1)
        if self.dtype != "int4":
            return rows
        block = block_of(rows.shape[1])
        missing = -rows.shape[1] % block
        return nn.functional.pad(rows, (0, missing)).reshape(len(rows), -1, block)

    @property
    def _row(self) -> int:
        return int(math.prod(self.shape) // self.shape[self.axis])


def block_of(row: int) -> int:
    """Return how many of a row's weights share a scale: an even number, :data:`BLOCK` at most."""
    return min(BLOCK, row + row % 2)


def bytes_of(shape: tuple[int, ...], side: Mapping[str, str], axis: int = 0) -> int:
    """Return the bytes of a :class:`Stored` weight of this shape."""
    count, rows = math.prod(shape), shape[axis]
    if side["dtype"] == "fp16":
        return 2 * count
    row = count // rows
    scales, held = rows, count
    if side["granularity"] == "per_tensor":
        scales = 1
    elif side["granularity"] == "per_block":
        block = block_of(row)
        scales = rows * -(-row // block)
        held = scales * block // 2
    return held + scales * (5 if side["scheme"] == "asym" else 4)
