"""The ways in which ONNX Runtime can quantise a node."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from strategies.adaptors.base import OpConfig, OpKey
from strategies.adaptors.onnx.affine import Array, Side, dequantize, quantize
from strategies.adaptors.onnx.graph import WeightedNode
from strategies.errors import AdaptorError

STATIC = "post_training_static_quant"
DYNAMIC = "post_training_dynamic_quant"

WEIGHTS = tuple(product(("int8", "uint8"), ("sym", "asym"), ("per_tensor", "per_channel")))
STATIC_ACTIVATIONS = (
    ("uint8", "asym", "per_tensor"),
    ("int8", "sym", "per_tensor"),
    ("uint8", "sym", "per_tensor"),
    ("int8", "asym", "per_tensor"),
)
DYNAMIC_ACTIVATIONS = (("uint8", "asym", "per_tensor"),)
FIELDS = ("dtype", "scheme", "granularity")


def options(node: WeightedNode, approach: str) -> tuple[OpConfig, ...]:
    """Return every option but fp32 that ONNX Runtime can carry out for a node, the default first.

    As tried out on ONNX Runtime 1.20 to 1.32, and limited to what all of them can do.
    """
    dynamic = approach == DYNAMIC
    if dynamic and (node.type == "ConvTranspose" or not node.plain):
        return ()
    weights = [weight for weight in WEIGHTS if _has_kernel(node, dynamic, *weight)]
    activations = DYNAMIC_ACTIVATIONS if dynamic else STATIC_ACTIVATIONS
    return tuple(
        {
            "weight": dict(zip(FIELDS, weight, strict=True)),
            "activation": dict(zip(FIELDS, activation, strict=True)),
        }
        for weight, activation in product(weights, activations)
    )


def _has_kernel(
    node: WeightedNode, dynamic: bool, dtype: str, scheme: str, granularity: str
) -> bool:
    per_channel, is_conv = granularity == "per_channel", node.type == "Conv"
    if per_channel and node.axis is None:
        return False
    if is_conv and per_channel and scheme == "asym":
        return False  # QLinearConv and ConvInteger want one zero point, up to 1.26 at least
    return not (is_conv and dynamic and dtype == "int8")  # ConvInteger has it after 1.23 only


def distinct_options(
    node: WeightedNode, weight: Array, approach: str
) -> tuple[tuple[OpConfig, ...], tuple[int, ...]]:
    """Return the options of a node that differ in effect, the first of each kind, and their ranks.

    Two options have the same effect if the integers of the weight stand for the same numbers, as
    with int8 and uint8 in the asymmetric scheme, or with one channel per tensor; and if they hold
    activations in the same scheme: in the asymmetric one int8 and uint8 are the same, in the
    symmetric one they differ by half a level.

    The ranks put the options in order, from the one whose weight is nearest to the float one. Of
    equal ones the asymmetric activation goes first, as it has more levels for what is all positive.

    Args:
        node: A node of a prepared model.
        weight: float32, the node's weight.
        approach: :data:`STATIC` or :data:`DYNAMIC`.
    """
    kept: dict[tuple[bytes, str], OpConfig] = {}
    weights: dict[tuple[str, ...], tuple[bytes, float]] = {}
    exactness: list[tuple[float, bool]] = []
    for option in options(node, approach):
        side = option["weight"]
        key = tuple(side[name] for name in FIELDS)
        if key not in weights:
            weights[key] = _effect_and_error(weight, side, node.axis)
        effect, error = weights[key]
        scheme = option["activation"]["scheme"]
        if (effect, scheme) not in kept:
            kept[effect, scheme] = option
            exactness.append((error, scheme == "sym"))
    order = sorted(range(len(exactness)), key=exactness.__getitem__)
    found = [(option, order.index(place)) for place, option in enumerate(kept.values())]
    # The default meets most criteria at once: a scale for each channel.
    by_channel = (pair for pair in found if pair[0]["weight"]["granularity"] == "per_channel")
    default = next(by_channel, None)
    found.sort(key=lambda pair: pair is not default)
    return tuple(option for option, _ in found), tuple(rank for _, rank in found)


def check_option(config: Any, offered: Sequence[OpConfig], key: OpKey) -> None:
    """Raise AdaptorError unless ``config`` is one of the options of the node called ``key``."""
    if config in offered:
        return
    for side, name in product(("weight", "activation"), FIELDS):
        values = sorted({str(option[side].get(name)) for option in offered})
        given = config.get(side) if isinstance(config, Mapping) else None
        value = given.get(name) if isinstance(given, Mapping) else None
        if str(value) not in values:
            expected = ", ".join(values)
            place = f"tune_cfg[{key!r}][{side!r}][{name!r}]"
            raise AdaptorError(f"{place} is {value!r}, expected one of {expected}")
    raise AdaptorError(f"tune_cfg[{key!r}] is {config!r}, which no kernel for {key[1]} can do")


def _effect_and_error(weight: Array, side: Side, axis: int | None) -> tuple[bytes, float]:
    """Return a digest of the floats that the quantised weight stands for, and how far off they are.

    The error is relative to the weights of each output channel, as the layers after it may make up
    for the scale of a channel; its root mean square over the channels.
    """
    steps, levels = quantize(weight, side, axis)
    floats = dequantize(steps, levels, axis)
    others = tuple(a for a in range(weight.ndim) if a != axis)
    lost = np.square(floats.astype(np.float64) - weight).sum(axis=others)
    whole = np.square(weight.astype(np.float64)).sum(axis=others)
    error = np.sqrt(np.mean(lost / np.where(whole > 0.0, whole, 1.0)))
    return hashlib.blake2b(floats.tobytes()).digest(), float(error)
