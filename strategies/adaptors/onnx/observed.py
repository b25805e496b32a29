"""What the tensors of models held on calibration samples, kept for the last few models."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import field, frozen

from strategies.adaptors.base import Dataloader
from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.calibration import Observations, observe
from strategies.adaptors.onnx.correction import channel_axis
from strategies.adaptors.onnx.graph import PRODUCTS, WeightedNode
from strategies.adaptors.onnx.prepared import Prepared
from strategies.adaptors.onnx.running import batches, first_samples
from strategies.adaptors.onnx.weightless import WeightlessNode
from strategies.errors import AdaptorError

REMEMBERED_CALIBRATIONS = 16

Nodes = Iterable[WeightedNode | WeightlessNode]


@frozen(eq=False)
class Observed:
    """Look at tensors once for each model and sampling size.

    The dataloader is not part of what is kept: give the same one each time.

    Attributes:
        threads: That ONNX Runtime computes with.
    """

    threads: int
    _kept: dict[tuple[bytes, int], Observations] = field(factory=dict, init=False, repr=False)

    def of(
        self, prepared: Prepared, nodes: Nodes, dataloader: Dataloader | None, size: int
    ) -> Observations:
        """Return what the tensors that these nodes read and write hold on ``size`` samples.

        Raises:
            AdaptorError: The dataloader is missing, or does not fit the model.
        """
        if dataloader is None:
            raise AdaptorError("dataloader is None, but static quantisation needs one")
        key = prepared.key, size
        known = self._kept.get(key, Observations({}))
        missing = {n: axes for n, axes in _tensors(nodes).items() if n not in known.seen}
        if missing:
            more = observe(
                prepared.model,
                missing,
                lambda session: first_samples(batches(session, dataloader), size),
                self.threads,
            )
            self._kept[key] = known = known | more
            if len(self._kept) > REMEMBERED_CALIBRATIONS:
                self._kept.pop(next(iter(self._kept)), None)
        return known


def means(nodes: Iterable[WeightedNode], seen: Observations) -> dict[str, Array]:
    """Return the mean of each channel that a node multiplies, by the name of the node."""
    plain = (node for node in nodes if node.plain and node.type in PRODUCTS)
    found = ((node, seen.seen[node.activation].channels) for node in plain)
    return {n.name: c[channel_axis(n)].mean for n, c in found if channel_axis(n) in c}


def _tensors(nodes: Nodes) -> dict[str, list[int]]:
    """Return the tensors that nodes read and write, with the axes to look at by channel."""
    tensors: dict[str, list[int]] = {}
    for node in nodes:
        if isinstance(node, WeightlessNode):
            tensors |= {name: tensors.get(name, []) for name in node.inputs}
        elif node.type in PRODUCTS:
            tensors.setdefault(node.activation, []).append(channel_axis(node))
        else:
            continue  # its activation stays as it is
        tensors.setdefault(node.fused_output, [])
    return tensors
