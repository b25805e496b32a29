"""Take off a bias by how much rounded weights shift the mean of what they are added to.

Nagel et al., 2019 (arXiv:1906.04721), section 4.2: rounding a weight ``W`` to ``Wq`` moves the mean
of an output channel by ``E[(Wq - W) x] = (Wq - W) E[x]``, over samples and positions. ``E[x]`` by
input channel comes from calibration.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np
import onnx
from onnx import numpy_helper

from strategies.adaptors.base import OpConfig
from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.graph import WeightedNode, kept_names
from strategies.adaptors.onnx.options import as_held


def channel_axis(node: WeightedNode) -> int:
    """Return the axis of the node's activation that counts the channels that are multiplied."""
    return 1 if node.type in ("Conv", "ConvTranspose") else -1


def mean_shift(node: WeightedNode, lost: Array, mean: Array) -> Array | None:
    """Return by how much the mean of each output channel moves, float64, (channels,).

    At the edges of an image, where a filter reads padding, it is as elsewhere.

    Args:
        node: A Conv, or a Gemm or MatMul whose weight has two axes.
        lost: The rounded weight less the float one, in the weight's shape.
        mean: Of each channel of the activation.

    Returns:
        None where the activation does not have the channels that the weight wants.
    """
    if node.axis is None or node.type == "ConvTranspose":
        return None
    if node.type == "Conv":
        lost = lost.sum(axis=tuple(range(2, lost.ndim)))
    elif node.axis == 1:
        lost = lost.T
    out, into = lost.shape
    groups, rest = divmod(len(mean), into)
    if rest or not groups or out % groups:
        return None
    by_group = lost.reshape(groups, out // groups, into) * mean.reshape(groups, 1, into)
    shift: Array = by_group.sum(axis=2).ravel()
    return shift


def correct_floats(
    made: onnx.ModelProto,
    model: onnx.ModelProto,
    nodes: Iterable[WeightedNode],
    choices: Mapping[str, OpConfig],
    means: Mapping[str, Array],
) -> None:
    """Correct the float biases of ``nodes``, which hold weights in fewer bits, in their place.

    A bias that several nodes read, or that has another shape than one number a channel, stays.

    Args:
        made: The quantised model, which is changed.
        model: The prepared model that it was made of.
        nodes: Those of its nodes whose weights are held as ``choices`` say, activations as floats.
        choices: By the name of a node.
        means: Of each channel that a node multiplies, by the name of the node.
    """
    reads = Counter(name for node in made.graph.node for name in node.input)
    kept = kept_names(made.graph)
    given = {tensor.name: tensor for tensor in model.graph.initializer}
    biases = {tensor.name: tensor for tensor in made.graph.initializer}
    for node in nodes:
        name, mean = node.bias or "", means.get(node.name)
        if mean is None or name not in biases or reads[name] != 1 or name in kept:
            continue
        weight, bias = (numpy_helper.to_array(given[one]) for one in (node.weight, name))
        lost = as_held(weight, choices[node.name]["weight"], node.axis).astype(np.float64) - weight
        shift = mean_shift(node, lost, mean)
        if shift is not None and bias.shape == shift.shape:
            corrected = (bias - shift).astype(np.float32)
            biases[name].CopyFrom(numpy_helper.from_array(corrected, name))
