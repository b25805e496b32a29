"""What an option of one module does alone: to its own output, and to those of the model."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import nn

from strategies.adaptors.base import FP32, OpConfig, OpKey, Sensitivity
from strategies.adaptors.torch.options import weights_of
from strategies.adaptors.torch.running import Array, Feed, outputs, run

SAMPLES = 32
"""So many samples are looked at."""

Seen: TypeAlias = "tuple[list[Array], list[Array]]"
"""What the model returned, and what one of its modules did, feed by feed."""


def sensitivities(
    model: nn.Module,
    modules: Mapping[OpKey, nn.Module],
    options: Mapping[OpKey, Sequence[OpConfig]],
    feeds: Sequence[Feed],
    quantized: Callable[[OpKey, OpConfig], nn.Module],
) -> dict[OpKey, Sensitivity]:
    """Return what these options of modules do, each alone.

    The whole model is run for each of them: that is simple, exact, and soon done with few samples.

    Args:
        model: in FP32, its modules under the names in the keys.
        modules: those modules.
        options: what is looked at.
        feeds: the samples.
        quantized: returns the model with one module quantised.
    """
    found = {}
    for key, some in options.items():
        floats = _seen(model, key[0], feeds)
        errors, damages = [], []
        for option in some:
            if option == FP32:
                errors.append(0.0)
                damages.append(0.0)
                continue
            returned, own = _seen(quantized(key, option), key[0], feeds)
            damages.append(_change(floats[0], returned))
            errors.append(_change(floats[1], own))
        rows = max(sum(feed.rows for feed in feeds), 1)
        count = _multiplications(modules[key], floats[1]) // rows
        found[key] = Sensitivity(count, tuple(errors), tuple(damages))
    return found


def _seen(model: nn.Module, name: str, feeds: Sequence[Feed]) -> Seen:
    watched = copy.deepcopy(model)
    own: list[Array] = []

    def keep(_: nn.Module, __: Any, returned: Any) -> None:
        own.extend(outputs(returned)[:1])

    watched.get_submodule(name).register_forward_hook(keep)
    returned = [array for feed in feeds for array in outputs(run(watched, feed))]
    return returned, own


def _change(before: Sequence[Array], after: Sequence[Array]) -> float:
    """Return the squared change beside the square; a change that is not finite is as large."""
    pairs = zip(before, after, strict=True)
    change = sum(float(np.square(b - a, dtype=np.float64).sum()) for a, b in pairs)
    whole = sum(float(np.square(a, dtype=np.float64).sum()) for a in before)
    return change / whole if whole > 0.0 and math.isfinite(change) else float(change != 0.0)


def _multiplications(module: nn.Module, own: Sequence[Array]) -> int:
    """Return how many were made: each number takes the weights of its channel."""
    if isinstance(module, nn.Embedding):
        return 0
    weights = [tensor for tensor in weights_of(module) if isinstance(tensor, torch.Tensor)]
    for_each = int(sum(weight.numel() for weight in weights)) // max(len(weights[0]), 1)
    return for_each * sum(array.size for array in own)
