"""The ways in which a module of PyTorch can be quantised."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import Any

import torch
from torch import nn

from strategies.adaptors.base import OpConfig, OpKey
from strategies.adaptors.torch.integer import (
    LONGEST_ROW,
    IntegerConv,
    IntegerLinear,
    Levels,
    fits_conv,
    has_exact_kernels,
)
from strategies.adaptors.torch.stored import Stored
from strategies.adaptors.torch.weight_only import (
    StoredConv,
    StoredEmbedding,
    StoredLinear,
    StoredRecurrent,
    channel_axis,
)
from strategies.errors import AdaptorError

STATIC = "post_training_static_quant"
DYNAMIC = "post_training_dynamic_quant"

CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
RECURRENT = (nn.LSTM, nn.GRU, nn.RNN)
KINDS: tuple[type[nn.Module], ...] = (nn.Linear, *CONVS, *TRANSPOSED, nn.Embedding, *RECURRENT)

FIELDS = ("dtype", "scheme", "granularity")


def _side(*values: str) -> dict[str, str]:
    return dict(zip(FIELDS, values, strict=False))


INTEGER_WEIGHTS = (_side("int8", "sym", "per_channel"), _side("int8", "sym", "per_tensor"))
STATIC_ACTIVATIONS = (_side("uint8", "asym", "per_tensor"), _side("uint8", "sym", "per_tensor"))
DYNAMIC_ACTIVATIONS = (_side("uint8", "asym", "per_tensor"), _side("int8", "sym", "per_token"))
STORED_WEIGHTS = (
    _side("int8", "sym", "per_channel"),
    _side("int4", "asym", "per_block"),
    _side("int4", "sym", "per_block"),
    _side("fp16"),
)
FLOAT = _side("fp32")

_ROUNDING = {
    ("asym", "per_tensor"): 0.008,
    ("sym", "per_tensor"): 0.012,
    ("sym", "per_token"): 0.007,
}
"""The relative error of 8-bit activations, by scheme and granularity: what it usually is, for the
order of options alone."""


def options(module: nn.Module, approach: str) -> tuple[OpConfig, ...]:
    """Return every option but fp32 that can be carried out for a module, the default first.

    Integer arithmetic is offered where a kernel takes the module and is exact on this processor,
    with weights per channel or per tensor; weight-only storage always. No two have the same effect.
    """
    sides: tuple[dict[str, str], ...] = ()
    if has_integers(module, approach):
        sides = STATIC_ACTIVATIONS if approach == STATIC else DYNAMIC_ACTIVATIONS
    one_channel = weights_of(module)[0].shape[channel_axis(module)] == 1
    integers = INTEGER_WEIGHTS[:1] if one_channel else INTEGER_WEIGHTS
    stored = [side for side in STORED_WEIGHTS if side["dtype"] != "fp16" or _fits_half(module)]
    return tuple(
        {"weight": weight, "activation": activation}
        for weight, activation in (*product(integers, sides), *((w, FLOAT) for w in stored))
    )


def check_option(config: Any, offered: tuple[OpConfig, ...], key: OpKey) -> None:
    """Raise AdaptorError unless ``config`` is one of the options of the module called ``key``."""
    if config in offered:
        return
    for side, name in product(("weight", "activation"), FIELDS):
        values = {option[side].get(name) for option in offered}
        given = config.get(side) if isinstance(config, Mapping) else None
        value = given.get(name) if isinstance(given, Mapping) else None
        if value not in values:
            expected = ", ".join(sorted(filter(None, values)))
            place = f"tune_cfg[{key!r}][{side!r}][{name!r}]"
            raise AdaptorError(f"{place} is {value!r}, expected one of {expected}")
    raise AdaptorError(f"tune_cfg[{key!r}] is {config!r}, which no kernel for {key[1]} can do")


def has_integers(module: nn.Module, approach: str) -> bool:
    """Tell whether the module can compute in integers."""
    if isinstance(module, nn.Linear):
        return module.in_features <= LONGEST_ROW and has_exact_kernels("Linear")
    # The kernel of a Conv wants the range of its input before its weight is laid out.
    return (
        approach == STATIC
        and isinstance(module, CONVS)
        and fits_conv(module)
        and has_exact_kernels("Conv")
    )


def ranks(module: nn.Module, offered: tuple[OpConfig, ...]) -> tuple[int, ...]:
    """Return where each option stands, from 1 for the most exact; 0 is left for fp32.

    The error of a weight is relative to the weights of each output channel, as the layers after it
    may make up for the scale of a channel; its root mean square over channels. That of activations
    is a guess.
    """
    errors = []
    for option in offered:
        activation = option["activation"]
        rounding = _ROUNDING.get(
            (activation.get("scheme", ""), activation.get("granularity", "")), 0.0
        )
        errors.append(weight_error(module, option["weight"]) ** 2 + rounding**2)
    order = sorted(range(len(errors)), key=errors.__getitem__)
    return tuple(1 + order.index(place) for place in range(len(order)))


def weight_error(module: nn.Module, side: Mapping[str, str]) -> float:
    """Return the relative error of a module's weights as ``side`` holds them."""
    axis, shares = channel_axis(module), []
    for weight in weights_of(module):
        others = tuple(a for a in range(weight.ndim) if a != axis)
        lost = (Stored(weight, side, axis)() - weight).double().square().sum(others)
        whole = weight.double().square().sum(others)
        shares.append(lost / torch.where(whole > 0.0, whole, 1.0))
    return float(torch.cat(shares).mean().sqrt())


def weights_of(module: nn.Module) -> list[torch.Tensor]:
    """Return the weights of a module without its biases."""
    if isinstance(module, RECURRENT):
        names = [name for name in module._flat_weights_names if name.startswith("weight")]
        return [getattr(module, name).detach() for name in names]
    return [module.weight.detach()]


def made(module: nn.Module, option: OpConfig, levels: Levels | None) -> nn.Module:
    """Return the module quantised as ``option`` says.

    Args:
        module: Of one of :data:`KINDS`.
        option: One of its :func:`options`.
        levels: Of its input, where the option asks for a range that is known beforehand.
    """
    side = option["weight"]
    if option["activation"]["dtype"] != "fp32":
        if isinstance(module, nn.Linear):
            return IntegerLinear(module, option, levels)
        if levels is None:
            raise ValueError("a Conv in integers needs the levels of its input")
        return IntegerConv(module, option, levels)
    if isinstance(module, nn.Linear):
        return StoredLinear(module, side)
    if isinstance(module, nn.Embedding):
        return StoredEmbedding(module, side)
    return (
        StoredRecurrent(module, side) if isinstance(module, RECURRENT) else StoredConv(module, side)
    )


def _fits_half(module: nn.Module) -> bool:
    most = torch.finfo(torch.float16).max
    return all(bool((weight.abs() <= most).all()) for weight in weights_of(module))
