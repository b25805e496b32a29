"""Take off a bias by how much rounded weights shift the mean of what they are added to.

Nagel et al., 2019 (arXiv:1906.04721), section 4.2: rounding a weight ``W`` to ``Wq`` moves the mean
of an output channel by ``E[(Wq - W) x] = (Wq - W) E[x]``, over samples and positions. ``E[x]`` by
input channel comes from calibration.
"""

from __future__ import annotations

from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.graph import WeightedNode


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
