"""Modules that multiply 8-bit activations by 8-bit weights in integers.

With activations ``x = s (q - z)`` and weights ``w = t p`` a product is ``s t (sum q p - z sum p)``;
the last sum does not depend on the input. Sums are exact in int32.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from attrs import frozen
from torch import nn

from strategies.adaptors.torch.levels import LIMITS, grid, to_steps

LONGEST_ROW = (2**31 - 1) // (255 * 128)
"""A sum of so many products fits in int32."""


@frozen
class Levels:
    """How activations are held as integers: the scale, the zero point, and the dtype."""

    scale: float
    zero_point: int
    dtype: str

    @classmethod
    def of(cls, low: float, high: float, side: Mapping[str, str]) -> Levels:
        """Return the levels for a range."""
        scale, zero_point = grid(
            torch.tensor(low), torch.tensor(high), side["dtype"], side["scheme"]
        )
        return cls(float(scale), int(zero_point), side["dtype"])

    def steps(self, x: torch.Tensor) -> torch.Tensor:
        """Return the integers of a float32 tensor, still as floats."""
        steps = torch.round(x * (1.0 / self.scale)).add_(self.zero_point)
        return steps.clamp_(*LIMITS[self.dtype])


class IntegerLinear(nn.Module):
    """A Linear in integers: float32 in, float32 out.

    Attributes:
        steps: int8, shape (out, in); the weight.
        scale: float32, shape (out,) or (1,).
        bias: float32, shape (out,), or None.
        levels: Of the activations; None if their range is taken from each input.
        per_token: Whether it is taken from each row of it.
    """

    def __init__(
        self, module: nn.Linear, option: Mapping[str, Mapping[str, str]], levels: Levels | None
    ) -> None:
        """Quantise the weight of ``module`` as ``option`` says."""
        super().__init__()
        self.in_features, self.out_features = module.in_features, module.out_features
        steps, scale = _weight(module.weight, option["weight"])
        self.register_buffer("steps", steps)
        self.register_buffer("scale", scale)
        self.bias, self.levels = module.bias, levels
        self.per_token = option["activation"]["granularity"] == "per_token"
        self._sums: torch.Tensor | None = None

    @property
    def weight(self) -> torch.Tensor:
        """Return the weight in float32, for whoever reads it."""
        return self.steps.float() * self.scale[:, None]

    def forward(self, x: torch.Tensor, rows: slice = slice(None)) -> torch.Tensor:
        """Return the outputs, or those of some rows of the weight."""
        flat = x.reshape(-1, self.in_features)
        weight, scale = self.steps[rows], self.scale if len(self.scale) == 1 else self.scale[rows]
        if self.levels is not None:
            steps = self.levels.steps(flat)
            dtype = torch.uint8 if self.levels.dtype == "uint8" else torch.int8
            factor: Any = self.levels.scale
            zero_point: Any = self.levels.zero_point
        elif self.per_token:
            factor = flat.abs().amax(-1, keepdim=True).clamp_min(TINY) / 127
            steps, dtype, zero_point = torch.round(flat / factor), torch.int8, None
        else:
            low, high = torch.aminmax(flat)
            low, high = low.clamp_max(0.0), high.clamp_min(0.0)
            factor = (high - low).clamp_min(TINY) / 255
            zero_point = torch.round(-low / factor)
            steps = torch.round(flat / factor).add_(zero_point).clamp_(0, 255)
            dtype = torch.uint8
        out: torch.Tensor = torch._int_mm(steps.to(dtype), weight.t()).float()
        if zero_point is not None:
            out = out.sub_(self._row_sums()[rows] * zero_point)
        out = out.mul_(scale).mul_(factor)
        if self.bias is not None:
            out = out.add_(self.bias[rows])
        return out.reshape(*x.shape[:-1], -1)

    def extra_repr(self) -> str:
        """Say how it is quantised."""
        ranges = self.levels or ("per_token" if self.per_token else "per_tensor")
        return f"{self.in_features}, {self.out_features}, {ranges}"

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without what can be worked out anew."""
        return {**self.__dict__, "_sums": None}

    def _row_sums(self) -> torch.Tensor:
        """Return the sums of the weight's integers over each row; files do without them."""
        if torch.compiler.is_compiling():
            return self.steps.sum(1, dtype=torch.int32)
        if self._sums is None:
            self._sums = self.steps.sum(1, dtype=torch.int32)
        return self._sums


class IntegerConv(nn.Module):
    """A Conv of one or two dimensions in integers: float32 in, float32 out.

    While it is exported or compiled it convolves the same integers as floats, which every backend
    can do: the kernel has no such form.

    Attributes:
        steps: int8, the weight in its shape.
        scale: float32, shape (out,) or (1,).
        bias: float32, shape (out,), or None.
        levels: Of the activations.
    """

    def __init__(
        self, module: nn.Module, option: Mapping[str, Mapping[str, str]], levels: Levels
    ) -> None:
        """Quantise the weight of ``module`` as ``option`` says."""
        super().__init__()
        steps, scale = _weight(module.weight, option["weight"])
        self.register_buffer("steps", steps)
        self.register_buffer("scale", scale)
        self.bias, self.levels = module.bias, levels
        self.stride, self.padding = module.stride, _padding(module) or ()
        self.dilation, self.groups = module.dilation, module.groups
        self._packed: Any = None

    @property
    def weight(self) -> torch.Tensor:
        """Return the weight in float32, for whoever reads it."""
        return self.steps.float() * _along(self.scale, self.steps.ndim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the convolution."""
        steps = self.levels.steps(x)
        if torch.compiler.is_compiling():
            return self._in_floats(steps)
        batched = x.ndim == self.steps.ndim
        steps = steps.to(torch.uint8)
        steps = steps if batched else steps[None]
        if self._packed is None:
            self._packed = self._pack()
        weight, scale, zero_points = self._packed
        is_line = self.steps.ndim == 3
        out = torch.ops.onednn.qconv2d_pointwise(
            steps[:, :, None] if is_line else steps,
            self.levels.scale,
            self.levels.zero_point,
            weight,
            scale,
            zero_points,
            self.bias,
            *self._geometry(),
            self.groups,
            1.0,
            0,
            torch.float32,
            "none",
            [],
            "",
        )
        out = out[:, :, 0] if is_line else out
        return out if batched else out[0]

    def extra_repr(self) -> str:
        """Say how it is quantised."""
        return f"{tuple(self.steps.shape)}, stride={self.stride}, {self.levels}"

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without what belongs to this process."""
        return {**self.__dict__, "_packed": None}

    def _in_floats(self, steps: torch.Tensor) -> torch.Tensor:
        convolve = getattr(nn.functional, f"conv{self.steps.ndim - 2}d")
        centred, weight = steps - self.levels.zero_point, self.steps.float()
        out = convolve(centred, weight, None, self.stride, self.padding, self.dilation, self.groups)
        dimensions = self.steps.ndim - 1
        out = out * _along(self.scale * self.levels.scale, dimensions)
        return out if self.bias is None else out + _along(self.bias, dimensions)

    def _pack(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        weight = self.steps[:, :, None] if self.steps.ndim == 3 else self.steps
        scale = self.scale.expand(len(weight)).contiguous()
        packed = torch.ops.onednn.qconv_prepack(
            weight,
            scale,
            self.levels.scale,
            self.levels.zero_point,
            *self._geometry(),
            self.groups,
            None,
        )
        return packed, scale, torch.zeros(len(weight), dtype=torch.int32)

    def _geometry(self) -> tuple[list[int], list[int], list[int]]:
        if self.steps.ndim == 4:
            return list(self.stride), list(self.padding), list(self.dilation)
        return [1, *self.stride], [0, *self.padding], [1, *self.dilation]


TINY = torch.finfo(torch.float32).tiny


def fits_conv(module: nn.Module) -> bool:
    """Tell whether the integer kernel takes this Conv, and takes it well.

    A Conv of one input channel a group and several outputs is computed without blocks, five times
    slower than in float32. Padding that is not zeros, or not the same on both sides, has no kernel.
    """
    weight = module.weight
    one_to_many = module.groups > 1 and weight.shape[1] == 1 and len(weight) > module.groups
    return (
        weight.ndim in (3, 4)
        and weight[0].numel() <= LONGEST_ROW
        and module.padding_mode == "zeros"
        and _padding(module) is not None
        and not one_to_many
    )


@cache
def has_exact_kernels(operator: str) -> bool:
    """Tell whether this processor multiplies 8-bit integers exactly, for "Linear" or "Conv".

    Without instructions for it (VNNI on x86) some kernels add pairs of products in 16 bits, and
    cut what does not fit.
    """
    inputs = torch.full((4, 64), 255, dtype=torch.uint8)
    weight = torch.full((16, 64), 127, dtype=torch.int8)
    expected = torch.full((4, 16), 255.0 * 127 * 64)
    try:
        if operator == "Linear":
            signed = torch._int_mm((inputs - 128).to(torch.int8), weight.t())
            exact = signed.float().equal(expected / 255 * 127)
            return bool(exact and torch._int_mm(inputs, weight.t()).float().equal(expected))
        conv = nn.Conv2d(64, 16, 1)
        nn.init.constant_(conv.weight, 127.0)
        side = {"dtype": "int8", "scheme": "sym", "granularity": "per_tensor"}
        integer = IntegerConv(conv, {"weight": side}, Levels(1.0, 0, "uint8"))
        integer.bias = None
        with torch.inference_mode():
            found = integer(inputs.float()[:, :, None, None])
        return bool(torch.allclose(found[:, :, 0, 0], expected, rtol=1e-6))
    except (RuntimeError, AttributeError, NotImplementedError):
        return False


def _weight(weight: torch.Tensor, side: Mapping[str, str]) -> tuple[torch.Tensor, torch.Tensor]:
    rows = weight.detach().flatten(1)
    low, high = rows.amin(1, keepdim=True), rows.amax(1, keepdim=True)
    if side["granularity"] == "per_tensor":
        low, high = low.amin()[None, None], high.amax()[None, None]
    scale, zero_point = grid(low, high, side["dtype"], side["scheme"])
    return to_steps(rows, scale, zero_point, "int8").reshape(weight.shape), scale[:, 0]


def _padding(module: nn.Module) -> tuple[int, ...] | None:
    """Return the zeros on each side, or None if there are not as many on both."""
    if module.padding == "valid":
        return (0,) * len(module.kernel_size)
    if module.padding == "same":
        totals = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        return None if any(t % 2 for t in totals) else tuple(t // 2 for t in totals)
    return tuple(module.padding)


def _along(channels: torch.Tensor, dimensions: int) -> torch.Tensor:
    """Return values of channels in a shape that goes with (channels, ...)."""
    return channels.reshape(-1, *(1 for _ in range(dimensions - 1)))
