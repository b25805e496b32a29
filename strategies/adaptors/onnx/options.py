"""The ways in which ONNX Runtime can quantise a node."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from strategies.adaptors.base import OpConfig, OpKey
from strategies.adaptors.onnx.affine import FOUR_BITS, Array, Side, dequantize, halved, quantize
from strategies.adaptors.onnx.graph import PRODUCTS, WeightedNode
from strategies.adaptors.onnx.recurrent import rows_of
from strategies.errors import AdaptorError

STATIC = "post_training_static_quant"
DYNAMIC = "post_training_dynamic_quant"
WEIGHT_ONLY = "post_training_weight_only"
AUTO = "post_training_auto_quant"
"""Each operation static, dynamic or with weights alone."""

APPROACHES = (STATIC, DYNAMIC, WEIGHT_ONLY, AUTO)
CALIBRATED = (STATIC, AUTO)

FIELDS = ("dtype", "scheme", "granularity")

INTEGER_WEIGHTS = tuple(product(("int8", "uint8"), ("sym", "asym"), ("per_channel", "per_tensor")))
STATIC_ACTIVATIONS = (
    ("uint8", "asym", "per_tensor"),
    ("uint8", "sym", "per_tensor"),
    ("int8", "sym", "per_tensor"),
    ("int8", "asym", "per_tensor"),
)
"""Of those with one effect the first is offered: where other weights have 4 bits, ONNX Runtime 1.32
refuses some graphs with int8 activations (the type of a zero point is another after a MaxPool)."""

DYNAMIC_ACTIVATIONS = (("uint8", "asym", "per_tensor"),)
AS_IT_COMES = (("uint8", "asym", "per_input"),)
"""The same beside static ones: on the range of each input."""

BY_CHANNEL, BY_TENSOR = ("int8", "sym", "per_channel"), ("int8", "sym", "per_tensor")
IN_HALF = ("fp16",)
FOUR_BY_BLOCK = (("int4", "sym", "per_block"), ("uint4", "asym", "per_block"))
FOUR_BY_CHANNEL = (("int4", "sym", "per_channel"), ("uint4", "asym", "per_channel"))

MOST_LOOKED_AT = 250_000
"""So many values of a weight tell how exact an option is."""

Weight = tuple[str, ...]
"""The fields of the weight side of an option."""


def options(node: WeightedNode, approach: str, four_bits: bool = True) -> tuple[OpConfig, ...]:
    """Return every option but fp32 that ONNX Runtime can carry out for a node, the default first.

    As tried out on ONNX Runtime 1.20 to 1.32, and limited to what all of them can do.

    Args:
        node: A node of a prepared model.
        approach: One of :data:`APPROACHES`.
        four_bits: Whether the model can hold integers of 4 bits.
    """
    kinds: dict[str, list[tuple[str, tuple[Weight, ...]]]] = {
        STATIC: [(STATIC, STATIC_ACTIVATIONS)],
        DYNAMIC: [(DYNAMIC, DYNAMIC_ACTIVATIONS)],
        AUTO: [(STATIC, STATIC_ACTIVATIONS), (DYNAMIC, AS_IT_COMES)],
    }
    integer = tuple(
        {"weight": _side(weight), "activation": _side(activation)}
        for kind, activations in kinds.get(approach, [])
        if not (approach == AUTO and kind == DYNAMIC and node.type == "Conv")  # no fast kernel
        for weight in INTEGER_WEIGHTS
        if _has_kernel(node, kind, *weight)
        for activation in activations
    )
    return integer + tuple(
        {"weight": _side(weight), "activation": {"dtype": "fp32"}}
        for weight in _weights_alone(node)
        if four_bits or weight[0] not in FOUR_BITS
    )


def _has_kernel(
    node: WeightedNode, approach: str, dtype: str, scheme: str, granularity: str
) -> bool:
    """Tell whether the node can be computed in integers with such a weight."""
    per_channel, is_conv, dynamic = (
        granularity == "per_channel",
        node.type == "Conv",
        approach == DYNAMIC,
    )
    if dynamic and node.type == "LSTM":
        return node.plain and dtype == "int8" and scheme == "sym"
    if node.type not in PRODUCTS:
        return False
    if dynamic and (node.type == "ConvTranspose" or not node.plain):
        return False
    if per_channel and node.axis is None:
        return False
    if is_conv and per_channel and scheme == "asym":
        return False  # QLinearConv and ConvInteger want one zero point, up to 1.26 at least
    return not (is_conv and dynamic and dtype == "int8")  # ConvInteger has it after 1.23 only


def _weights_alone(node: WeightedNode) -> tuple[Weight, ...]:
    """Return how the weights of a node can be held that computes in floats."""
    if node.axis is None:
        return BY_TENSOR, IN_HALF
    if node.type in ("LSTM", "GRU"):
        return BY_CHANNEL, IN_HALF
    if node.type == "Gather":
        return BY_CHANNEL, BY_TENSOR, IN_HALF, *(FOUR_BY_BLOCK if node.has_matrix else ())
    if node.type in ("Conv", "ConvTranspose"):
        return BY_CHANNEL, IN_HALF, *FOUR_BY_CHANNEL
    return BY_CHANNEL, IN_HALF, *FOUR_BY_BLOCK, FOUR_BY_CHANNEL[0]


def _side(fields: Weight) -> dict[str, str]:
    return dict(zip(FIELDS, fields, strict=False))


def distinct_options(
    node: WeightedNode, weights: Sequence[Array], approach: str, four_bits: bool = True
) -> tuple[tuple[OpConfig, ...], tuple[int, ...]]:
    """Return the options of a node that are worth a choice, and their ranks; the default first.

    Two options have the same effect if the integers of the weight stand for the same numbers, as
    with int8 and uint8 in the asymmetric scheme, or with one channel per tensor; and if they hold
    activations in the same scheme: in the asymmetric one int8 and uint8 are the same. Only the
    first of each effect is returned. Left out as well is what takes as many bytes and as much time
    as another option and is not more exact: the type of the other sign in the symmetric scheme,
    and an asymmetric weight that is no nearer to the floats than the symmetric one.

    The ranks put the options in order, from the one whose weight is nearest to the float one. Of
    equal ones a float activation goes first, then the asymmetric one, as it has more levels for
    what is all positive.

    Args:
        node: A node of a prepared model.
        weights: float32, the node's weight; of an LSTM or a GRU both.
        approach: One of :data:`APPROACHES`.
        four_bits: Whether the model can hold integers of 4 bits.
    """
    every = options(node, approach, four_bits)
    found: dict[Weight, tuple[bytes, float]] = {}

    def effect_and_error(weight: Weight) -> tuple[bytes, float]:
        if weight not in found:
            found[weight] = _effect_and_error(weights, _side(weight), node)
        return found[weight]

    kept: dict[tuple[bytes, str, str | None], OpConfig] = {}
    exactness: list[tuple[float, int]] = []
    integer = {
        _fields(option["weight"]) for option in every if option["activation"]["dtype"] != "fp32"
    }
    for option in every:
        weight, activation = _fields(option["weight"]), option["activation"]
        scheme = activation.get("scheme", "")
        if not _is_worth_it(weight, integer if scheme else set(), lambda w: effect_and_error(w)[1]):
            continue
        effect, error = effect_and_error(weight)
        key = effect, scheme, activation.get("granularity")
        if key not in kept:
            kept[key] = option
            exactness.append((error, ("", "asym", "sym").index(scheme)))
    order = sorted(range(len(exactness)), key=exactness.__getitem__)
    return tuple(kept.values()), tuple(order.index(place) for place in range(len(order)))


def _is_worth_it(weight: Weight, offered: set[Weight], error_of: Callable[[Weight], float]) -> bool:
    """Tell whether no other of the weights offered is at least as good in every respect."""
    if weight == IN_HALF:
        return True
    dtype, scheme, granularity = weight
    if dtype == "uint8" and ("int8", scheme, granularity) in offered:
        return False
    if scheme == "sym":
        return True
    if granularity == "per_tensor" and (dtype, "sym", "per_channel") in offered:
        return False
    symmetric = (dtype if dtype != "uint4" else "int4", "sym", granularity)
    return error_of(weight) < error_of(symmetric)


def _fields(side: Side) -> Weight:
    return tuple(side[name] for name in FIELDS if name in side)


def check_option(config: Any, offered: Sequence[OpConfig], key: OpKey) -> None:
    """Raise AdaptorError unless ``config`` is one of the options of the node called ``key``."""
    if config in offered:
        return
    for side, name in product(("weight", "activation"), FIELDS):
        values = sorted({option[side][name] for option in offered if name in option[side]})
        given = config.get(side) if isinstance(config, Mapping) else None
        value = given.get(name) if isinstance(given, Mapping) else None
        is_float = name != "dtype" and isinstance(given, Mapping) and _is_float(given)
        if value not in values and not is_float:
            expected = ", ".join(values)
            place = f"tune_cfg[{key!r}][{side!r}][{name!r}]"
            raise AdaptorError(f"{place} is {value!r}, expected one of {expected}")
    raise AdaptorError(f"tune_cfg[{key!r}] is {config!r}, which no kernel for {key[1]} can do")


def _is_float(side: Mapping[str, Any]) -> bool:
    return side.get("dtype") in ("fp32", "fp16")


def _effect_and_error(
    weights: Sequence[Array], side: Side, node: WeightedNode
) -> tuple[bytes, float]:
    """Return a digest of the floats that the held weights stand for, and how far off they are.

    The error is relative to the weights of each output channel, as the layers after it may make up
    for the scale of a channel; its root mean square over the channels. Of a weight of millions a
    part of the channels stands for all.
    """
    digest, shares = hashlib.blake2b(), []
    is_recurrent = node.recurrence is not None
    axis = 0 if is_recurrent else node.axis
    for whole_weight in map(rows_of, weights) if is_recurrent else weights:
        weight = _some_channels(whole_weight, axis)
        floats = as_held(weight, side, axis)
        digest.update(floats.tobytes())
        others = tuple(a for a in range(weight.ndim) if a != axis)
        lost = np.square(floats.astype(np.float64) - weight).sum(axis=others)
        whole = np.square(weight.astype(np.float64)).sum(axis=others)
        shares.append(np.ravel(lost / np.where(whole > 0.0, whole, 1.0)))
    return digest.digest(), float(np.sqrt(np.mean(np.concatenate(shares))))


def _some_channels(weight: Array, axis: int | None) -> Array:
    every = weight.size // MOST_LOOKED_AT
    if axis is None or every < 2:
        return weight
    return weight.take(np.arange(0, weight.shape[axis], every), axis)


def as_held(weight: Array, side: Side, axis: int | None) -> Array:
    """Return the floats that a weight becomes."""
    if side["dtype"] == "fp16":
        return halved(weight).astype(np.float32)
    steps, levels = quantize(weight, side, axis)
    return dequantize(steps, levels, axis)
