"""Floats held as integers of 4 or 8 bits, on evenly spaced levels, and integers packed in bytes.

A float ``r`` is held as the integer ``q = round(r / scale) + zero_point`` and read back as
``r = scale * (q - zero_point)``: Jacob et al., 2018 (arXiv:1712.05877), equation 1.
"""

from __future__ import annotations

import torch

LIMITS = {"int4": (-8, 7), "int8": (-128, 127), "uint8": (0, 255)}
"""The least and the greatest integer of a dtype."""


def grid(
    low: torch.Tensor, high: torch.Tensor, dtype: str, scheme: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return scale (float32, > 0) and zero point (int32) of the finest levels from low to high.

    The range is first widened to hold 0.0, which is always a level of its own; the symmetric scheme
    widens it to the same distance on both sides. An empty range gets the scale 1.

    Args:
        low: Least values, of any shape.
        high: Greatest values, of the same shape.
        dtype: A key of :data:`LIMITS`.
        scheme: "sym" or "asym".
    """
    low, high = low.double().clamp_max(0.0), high.double().clamp_min(0.0)
    least, most = LIMITS[dtype]
    if scheme == "sym":
        high = torch.maximum(-low, high)
        low = -high
        # The least of a signed dtype is not used, to have as many levels below zero as above.
        least = -most if least < 0 else least
    scale = (high - low) / (most - least)
    scale = torch.where(scale < torch.finfo(torch.float32).tiny, 1.0, scale).float()
    middle = torch.full_like(low, (most + least) / 2)
    zero_point = middle if scheme == "sym" else least - low / scale.double()
    return scale, torch.round(zero_point).clamp(least, most).int()


def to_steps(
    values: torch.Tensor, scale: torch.Tensor, zero_point: torch.Tensor, dtype: str
) -> torch.Tensor:
    """Return the integers of floats, as int8 (uint8 for that dtype), in their shape."""
    least, most = LIMITS[dtype]
    steps = torch.round(values.double() / scale.double()) + zero_point
    return steps.clamp_(least, most).to(torch.uint8 if dtype == "uint8" else torch.int8)


def pack(steps: torch.Tensor) -> torch.Tensor:
    """Return integers from -8 to 7, an even number along the last axis, two in each byte."""
    shifted = (steps + 8).to(torch.uint8)
    return shifted[..., 0::2] | (shifted[..., 1::2] << 4)


def unpack(packed: torch.Tensor) -> torch.Tensor:
    """Return the int8 that :func:`pack` took."""
    both = torch.stack((packed & 15, packed >> 4), dim=-1)
    return both.flatten(-2).to(torch.int8) - 8
