"""Accuracy by parts: a model that surely misses the criterion is not looked at to the end.

The samples are put in random order once, and every model meets them in that order, batch by batch.
After each batch a sequential test compares the model with the FP32 model, sample by sample: where
both are right or both are wrong they do not differ, so a few samples tell a lot. See
:mod:`strategies.sequential`. A model that may meet the criterion is looked at in full.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from strategies.adaptors.base import Dataloader
from strategies.metrics import MeanMetric
from strategies.objective import Looked
from strategies.sequential import Bets

Array = NDArray[Any]

ERROR = 0.005
"""The probability with which a model that meets the criterion is given up."""

LEAST_SAMPLES = 300
"""With fewer there is little to save."""

_ROUNDING = 1e-9

LEAST_BATCHES = 16
MOST_BYTES = 2**30
"""What may be kept of data that do not lie in memory anyhow."""


@frozen(eq=False)
class Samples:
    """The samples of a dataloader in random order, in batches like its own or smaller.

    Args:
        batches: ``(inputs, labels)`` as columns of rows, with the names of the inputs.
        order: the place of each sample, (n,).
    """

    _batches: tuple[tuple[dict[Any, Array], Array], ...]
    _is_dict: bool
    order: Array
    _places: Array = field(init=False, repr=False)
    """Batch and row of each sample, (n, 2), in the order of the dataloader."""

    @_places.default
    def _placed(self) -> Array:
        lengths = [len(labels) for _, labels in self._batches]
        rows = [np.arange(length) for length in lengths]
        return np.column_stack((np.repeat(np.arange(len(lengths)), lengths), np.hstack(rows)))

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[tuple[Any, Array]]:
        """Yield ``(input, label)`` batch by batch."""
        own = max(len(labels) for _, labels in self._batches)
        size = min(own, -(-len(self) // LEAST_BATCHES))
        names = list(self._batches[0][0])
        for start in range(0, len(self), size):
            places = self._places[self.order[start : start + size]]
            inputs = {
                name: np.stack([self._batches[batch][0][name][row] for batch, row in places])
                for name in names
            }
            labels = np.stack([self._batches[batch][1][row] for batch, row in places])
            yield (inputs if self._is_dict else tuple(inputs.values())), labels


def samples_of(dataloader: Dataloader, seed: int) -> Samples | None:
    """Return the samples in random order.

    None where they are too few, are too much to be kept, have no labels, or are not rows of one
    shape, each with its label: then only all of them together make sense.
    """
    kept, taken = [], 0
    is_in_memory = isinstance(dataloader, (list, tuple))
    names: set[Any] = set()
    shapes: set[Any] = set()
    is_dict = False
    for item in dataloader:
        if not isinstance(item, (tuple, list)) or len(item) != 2 or item[1] is None:
            return None
        given, labels = item[0], np.atleast_1d(np.asarray(item[1]))
        is_dict = isinstance(given, dict)
        columns = given if isinstance(given, (dict, tuple, list)) else (given,)
        named = columns if isinstance(columns, dict) else dict(enumerate(columns))
        inputs = {name: np.asarray(column) for name, column in named.items()}
        if any(array.shape[:1] != labels.shape[:1] for array in inputs.values()):
            return None
        names.add((is_dict, *inputs))
        shapes.add((labels.shape[1:], *(array.shape[1:] for array in inputs.values())))
        taken += labels.nbytes + sum(array.nbytes for array in inputs.values())
        if len(names) > 1 or len(shapes) > 1 or (taken > MOST_BYTES and not is_in_memory):
            return None
        kept.append((inputs, labels))
    count = sum(len(labels) for _, labels in kept)
    if count < LEAST_SAMPLES:
        return None
    return Samples(tuple(kept), is_dict, np.random.default_rng(seed).permutation(count))


@frozen
class Look:
    """What was seen of a model: its accuracy, how far off that may be, and the samples behind it.

    ``std`` is 0 where all were seen.
    """

    accuracy: float
    std: float
    looked: Looked


def whole(predictions: Iterable[tuple[Any, Any]], metric: MeanMetric) -> Array:
    """Return the scores of all samples, (n,): of the FP32 model."""
    return np.concatenate([metric.scores(outputs, labels) for outputs, labels in predictions])


def looked_at(
    predictions: Iterable[tuple[Any, Any]],
    metric: MeanMetric,
    baseline: Array,
    threshold: float | None,
) -> Look:
    """Look at a model until it surely misses the threshold, or to the end.

    Args:
        predictions: outputs and labels, batch by batch.
        metric: what is measured.
        baseline: the scores of the FP32 model for the same samples, (n,).
        threshold: the accuracy that just meets the criterion; None to look to the end.
    """
    sign = 1.0 if metric.higher_is_better else -1.0
    count = len(baseline)
    doubt = None
    if threshold is not None:
        allowed = sign * (float(baseline.mean()) - metric.score(threshold))
        doubt = _Doubt(allowed, sign * (metric.best - baseline))
    parts: list[Array] = []
    seen = 0
    for outputs, labels in predictions:
        parts.append(metric.scores(outputs, labels))
        before, seen = seen, seen + len(parts[-1])
        losses = sign * (baseline[before:seen] - parts[-1])
        if doubt is not None and doubt.add(losses) and seen < count:
            return _estimated(metric, baseline, np.concatenate(parts), sign)
    accuracy = metric.value(float(np.concatenate(parts).mean()))
    return Look(accuracy, 0.0, Looked(seen, count))


class _Doubt:
    """Whether a model surely loses more on average than is allowed, seen sample by sample.

    Two tests share the error. One takes all samples. The other takes those where the FP32 model is
    perfect, and grants that the model is perfect on the rest: it is sharper where FP32 hardly errs.

    Args:
        allowed: by how much the mean loss may grow.
        gains: what could be gained on each sample, where the FP32 model is not perfect, (n,).
    """

    def __init__(self, allowed: float, gains: Array) -> None:
        """Know nothing of the model yet."""
        count, total = len(gains), allowed * len(gains)
        self._gains = gains
        self._perfect = gains <= 0.0
        self._left = float(gains.sum()) + total
        """What may still be lost: less than 0 is a certain miss."""
        self._seen = 0
        n = int(self._perfect.sum())
        self._all = Bets(allowed, -float(gains.max()), count, ERROR / 2)
        self._of_perfect = Bets(self._left / n, 0.0, n, ERROR / 2) if n else None

    def add(self, losses: Array) -> bool:
        """Take the losses on the next samples, and tell whether the model surely misses."""
        here = slice(self._seen, self._seen + len(losses))
        self._seen += len(losses)
        surely = self._all.add(losses)
        if self._of_perfect is not None and self._perfect[here].any():
            surely |= self._of_perfect.add(losses[self._perfect[here]])
        self._left -= float(losses.sum() + self._gains[here].sum())
        return surely or self._left < -_ROUNDING * len(self._gains)


def _estimated(metric: MeanMetric, baseline: Array, scores: Array, sign: float) -> Look:
    """Return the FP32 model's accuracy less what is lost on average, and how far off that may be.

    One more sample that does not differ is supposed, so that equal losses leave a doubt.
    """
    n, count = len(scores), len(baseline)
    losses = sign * (baseline[:n] - scores)
    accuracy = metric.value(float(baseline.mean()) - sign * float(losses.mean()))
    spread = float(np.append(losses, 0.0).std()) * math.sqrt((1.0 - n / count) / n)
    return Look(accuracy, spread * metric.slope(accuracy), Looked(n, count))
