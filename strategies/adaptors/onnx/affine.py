"""Floats held as integers of 8 or 4 bits, on evenly spaced levels.

A float value ``r`` is held as the integer ``q = round(r / scale) + zero_point`` and read back as
``r = scale * (q - zero_point)``: Jacob et al., 2018 (arXiv:1712.05877), equation 1. A *side* is one
half of an :data:`~strategies.adaptors.base.OpConfig`: its ``dtype``, "int8", "uint8", "int4" or
"uint4", its ``scheme``, "sym" or "asym", and its ``granularity``, "per_tensor", "per_channel" or
"per_block": :data:`BLOCK` values of one channel. In arrays of NumPy 4 bits are held in 8.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

Array = npt.NDArray[Any]
Side = Mapping[str, str]

BLOCK = 32
"""So many values along the axis that a product sums over have one scale in "per_block"."""

LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int4": (-8, 7), "uint4": (0, 15)}
"""The least and the greatest integer of each type."""

FOUR_BITS = ("int4", "uint4")

SHARES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65)
"""Of the range of values that share a scale of 4 bits; 16 levels are too few for the outermost."""


SLAB = 2**18
"""So many values of a weight are worked on at once."""


@frozen(eq=False)
class Grid:
    """Which integers stand for which floats.

    Attributes:
        scale: float32; the distance between two levels, > 0. Shape () or (channels,); by blocks
            that of the weight, with one entry for each block of a channel.
        zero_point: An integer type, of the same shape; the integer that stands for 0.0.
    """

    scale: Array
    zero_point: Array


def grid(low: npt.ArrayLike, high: npt.ArrayLike, side: Side) -> Grid:
    """Return the finest grid from ``low`` to ``high``, each of the shape that the grid has.

    The range is first widened to hold 0.0, which every grid represents exactly; the symmetric
    scheme widens it to the same distance on both sides. An empty range gets the scale 1.
    """
    low = np.minimum(np.asarray(low, np.float64), 0.0)
    high = np.maximum(np.asarray(high, np.float64), 0.0)
    symmetric = side["scheme"] == "sym"
    if symmetric:
        high = np.maximum(-low, high)
        low = -high
    least, most = LIMITS[side["dtype"]]
    # Symmetric int8 does without -128, to have as many levels below zero as above.
    least = -most if symmetric and least < 0 else least
    scale = (high - low) / (most - least)
    scale = np.where(scale < np.finfo(np.float32).tiny, 1.0, scale)
    middle = np.full_like(scale, (most + least) / 2)
    zero_point = np.round(middle if symmetric else least - low / scale)
    return Grid(np.asarray(scale, np.float32), np.asarray(zero_point.astype(held_as(side))))


def held_as(side: Side) -> np.dtype[Any]:
    """Return the type of the arrays that hold the integers of a side."""
    return np.dtype(side["dtype"].replace("int4", "int8"))


def levels_of(weight: Array, side: Side, axis: int | None) -> Grid:
    """Return the grid of a float32 weight.

    It has shape (weight.shape[axis],) if ``side`` asks for per_channel. With per_block, which is
    for matrices, it has one entry for every :data:`BLOCK` values along the other axis, the last
    block of which may be smaller. Else its shape is ().

    With 8 bits it reaches from the least to the greatest value. With 4 bits it may end before them:
    of :data:`SHARES` of that range each scale takes the one that loses least in the mean square.
    """
    if side["dtype"] not in FOUR_BITS:
        return grid(*extremes(weight, side, axis), side)
    along = 0 if side["granularity"] == "per_block" else axis or 0
    parts = [_least_lost(weight[part], side, axis) for part in _slabs(weight.shape, along)]
    return Grid(
        np.concatenate([part.scale for part in parts]),
        np.concatenate([part.zero_point for part in parts]),
    )


def _least_lost(weight: Array, side: Side, axis: int | None) -> Grid:
    """Return the grid that loses least, of those that end at one of the shares of the range."""
    low, high = extremes(weight, side, axis)
    best = grid(low, high, side)
    least = np.full(best.scale.shape, np.inf)
    for share in SHARES:
        levels = grid(share * low, share * high, side)
        floats = dequantize(_steps(weight, levels, side, axis), levels, axis)
        lost = _by_scale(np.add, np.square(floats.astype(np.float64) - weight), side, axis)
        parts = ((levels.scale, best.scale), (levels.zero_point, best.zero_point))
        best = Grid(*(np.where(lost < least, new, old) for new, old in parts))
        least = np.minimum(lost, least)
    return best


def scales_of(shape: Sequence[int], side: Side, axis: int | None) -> tuple[int, ...]:
    """Return the shape of the scales of a weight of this shape."""
    if side["granularity"] == "per_block":
        along = _across(axis)
        return tuple(-(-size // BLOCK) if a == along else size for a, size in enumerate(shape))
    return () if axis is None or side["granularity"] == "per_tensor" else (shape[axis],)


def extremes(weight: Array, side: Side, axis: int | None) -> tuple[Array, Array]:
    """Return the least and the greatest of the values that share a scale."""
    low, high = (_by_scale(reduce, weight, side, axis) for reduce in (np.minimum, np.maximum))
    return low, high


def quantize(weight: Array, side: Side, axis: int | None) -> tuple[Array, Grid]:
    """Return the integers of a float32 weight, in its shape, and their grid."""
    levels = levels_of(weight, side, axis)
    return _steps(weight, levels, side, axis), levels


def dequantize(steps: Array, levels: Grid, axis: int | None) -> Array:
    """Return the floats, float32, that the integers of :func:`quantize` stand for."""
    floats = np.empty(steps.shape, np.float32)
    for part in _slabs(steps.shape, 0):
        scale, zero_point = _spread(_of(levels, part, axis), steps[part].shape, axis)
        moved = steps[part].astype(np.float32) - zero_point.astype(np.float32)
        floats[part] = moved * scale
    return floats


def _steps(weight: Array, levels: Grid, side: Side, axis: int | None) -> Array:
    steps = np.empty(weight.shape, held_as(side))
    for part in _slabs(weight.shape, 0):
        scale, zero_point = _spread(_of(levels, part, axis), weight[part].shape, axis)
        whole = np.round(weight[part] / scale) + zero_point
        steps[part] = np.clip(whole, *LIMITS[side["dtype"]])
    return steps


def _slabs(shape: Sequence[int], along: int) -> Iterator[tuple[slice, ...]]:
    """Yield parts of a weight that cut no block, along an axis.

    What is worked out on a part fits in a processor's cache: of a weight of millions that is
    several times as fast as all at once.
    """
    each = math.prod(shape) // shape[along]
    size = max(BLOCK, SLAB // each // BLOCK * BLOCK)
    for start in range(0, shape[along], size):
        yield (*(slice(None),) * along, slice(start, start + size))


def _of(levels: Grid, part: tuple[slice, ...], axis: int | None) -> Grid:
    """Return what of a grid is for a part of the weight along its first axis."""
    scale, zero_point = levels.scale, levels.zero_point
    if scale.ndim == 0 or (scale.ndim == 1 and axis != 0):
        return levels
    (rows,) = part
    if scale.ndim > 1 and _across(axis) == 0:
        rows = slice(rows.start // BLOCK, -(-rows.stop // BLOCK))
    return Grid(scale[rows], zero_point[rows])


def _by_scale(reduce: np.ufunc, values: Array, side: Side, axis: int | None) -> Array:
    """Reduce the values that share a scale to one."""
    if side["granularity"] == "per_block":
        along = _across(axis)
        starts = np.arange(0, values.shape[along], BLOCK)
        return np.asarray(reduce.reduceat(values, starts, axis=along))
    along_channels = axis if side["granularity"] == "per_channel" else None
    others = tuple(a for a in range(values.ndim) if a != along_channels)
    return np.asarray(reduce.reduce(values, axis=others))


def halved(weight: Array) -> Array:
    """Return a weight as float16, what is beyond its range as the value at its end."""
    most = np.finfo(np.float16).max
    return np.clip(weight, -most, most).astype(np.float16)


def parts_of(side: Side, axis: int | None) -> tuple[str, ...]:
    """Return parts of a name, unlike those of any other way to hold a weight."""
    along = {"per_tensor": "all", "per_block": f"{axis}b"}.get(side["granularity"], str(axis))
    return side["dtype"], side["scheme"], along


def _spread(levels: Grid, shape: tuple[int, ...], axis: int | None) -> tuple[Array, Array]:
    """Return scale and zero point in a shape that goes with that of the weight."""
    scale, zero_point = levels.scale, levels.zero_point
    if scale.ndim == 0:
        return scale, zero_point
    if scale.ndim > 1:
        along = _across(axis)
        some = (slice(None),) * along + (slice(shape[along]),)
        scale, zero_point = (np.repeat(part, BLOCK, along)[some] for part in (scale, zero_point))
        return scale, zero_point
    others = tuple(a for a in range(len(shape)) if a != axis)
    return np.expand_dims(scale, others), np.expand_dims(zero_point, others)


def _across(axis: int | None) -> int:
    """Return the axis of a matrix that blocks lie along, where ``axis`` counts the channels."""
    return 0 if axis else 1
