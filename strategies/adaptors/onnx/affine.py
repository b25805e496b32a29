"""Floats held as 8-bit integers, on evenly spaced levels.

A float value ``r`` is held as the integer ``q = round(r / scale) + zero_point`` and read back as
``r = scale * (q - zero_point)``: Jacob et al., 2018 (arXiv:1712.05877), equation 1. A *side* is one
half of an :data:`~strategies.adaptors.base.OpConfig`: its ``dtype``, "int8" or "uint8", its
``scheme``, "sym" or "asym", and its ``granularity``, "per_tensor" or "per_channel".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from attrs import frozen

Array = npt.NDArray[Any]
Side = Mapping[str, str]


@frozen(eq=False)
class Grid:
    """Which integers stand for which floats.

    Attributes:
        scale: float32, shape () or (channels,); the distance between two levels, > 0.
        zero_point: An integer type, of the same shape; the integer that stands for 0.0.
    """

    scale: Array
    zero_point: Array


def grid(low: npt.ArrayLike, high: npt.ArrayLike, side: Side) -> Grid:
    """Return the finest grid from ``low`` to ``high``, each of shape () or (channels,).

    The range is first widened to hold 0.0, which every grid represents exactly; the symmetric
    scheme widens it to the same distance on both sides. An empty range gets the scale 1.
    """
    low = np.minimum(np.asarray(low, np.float64), 0.0)
    high = np.maximum(np.asarray(high, np.float64), 0.0)
    symmetric = side["scheme"] == "sym"
    if symmetric:
        high = np.maximum(-low, high)
        low = -high
    levels = np.iinfo(side["dtype"])
    # Symmetric int8 does without -128, to have as many levels below zero as above.
    least = -levels.max if symmetric and levels.min < 0 else levels.min
    scale = (high - low) / (levels.max - least)
    scale = np.where(scale < np.finfo(np.float32).tiny, 1.0, scale)
    middle = np.full_like(scale, (levels.max + least) / 2)
    zero_point = np.round(middle if symmetric else least - low / scale)
    return Grid(np.asarray(scale, np.float32), np.asarray(zero_point.astype(side["dtype"])))


def quantize(weight: Array, side: Side, axis: int | None) -> tuple[Array, Grid]:
    """Return the integers of a float32 weight, in its shape, and their grid.

    The grid has shape (weight.shape[axis],) if ``side`` asks for per_channel, else ().
    """
    along = axis if side["granularity"] == "per_channel" else None
    others = tuple(a for a in range(weight.ndim) if a != along)
    levels = grid(weight.min(axis=others), weight.max(axis=others), side)
    scale, zero_point = _spread(levels, weight.ndim, axis)
    limits = np.iinfo(side["dtype"])
    steps = np.round(weight / scale) + zero_point
    return np.clip(steps, limits.min, limits.max).astype(side["dtype"]), levels


def dequantize(steps: Array, levels: Grid, axis: int | None) -> Array:
    """Return the floats, float32, that the integers of :func:`quantize` stand for."""
    scale, zero_point = _spread(levels, steps.ndim, axis)
    return np.asarray((steps.astype(np.float32) - zero_point.astype(np.float32)) * scale)


def parts_of(side: Side, axis: int | None) -> tuple[str, ...]:
    """Return parts of a name, unlike those of any other way to hold a weight."""
    along = str(axis) if side["granularity"] == "per_channel" else "all"
    return side["dtype"], side["scheme"], along


def _spread(levels: Grid, dimensions: int, axis: int | None) -> tuple[Array, Array]:
    if levels.scale.ndim == 0:
        return levels.scale, levels.zero_point
    others = tuple(a for a in range(dimensions) if a != axis)
    return np.expand_dims(levels.scale, others), np.expand_dims(levels.zero_point, others)
