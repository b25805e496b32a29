"""See which values the tensors of a model take, and choose the range to represent of each.

The samples are run once. What is kept of a tensor has a size that does not depend on their number:
a histogram, whose bins double in width when a value falls outside, and a few numbers a channel.
Every way to choose a range works on that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from math import ldexp

import numpy as np
import onnx
import onnxruntime
from attrs import define, evolve, field, frozen
from onnxruntime.quantization.calibrate import HistogramCollector

from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.running import Feed, open_session, pieces_of, run_outputs
from strategies.errors import AdaptorError

Range = tuple[float, float]

BINS = 8192
"""Of a histogram, half of them for values below zero; a tensor's values fill a half at least."""

PERCENTILE = 99.999
"""How much of the values the "percentile" algorithm keeps, in percent; ONNX Runtime's default."""

ENTROPY_BINS = 512
"""ONNX Runtime's default of 128 leaves its search one candidate only, the whole range."""

ENTROPY_LEVELS = 128

LEVELS = 255
"""The steps between the levels of an 8-bit grid."""

SHRINKINGS = np.linspace(1.0, 0.2, 41)
"""The shares of either end of a range that "mse" tries."""


@frozen(eq=False)
class Channels:
    """What a tensor holds along one of its axes, of length ``n``.

    Attributes:
        mean: float64, (n,); the mean of each channel.
        peak: float64, (n,); the largest absolute value of each.
    """

    mean: Array
    peak: Array


@frozen(eq=False)
class Seen:
    """What a tensor held, over all samples.

    Attributes:
        low: The least value.
        high: The greatest.
        counts: int64, (BINS,); how many values lie in equal bins from -bound to bound.
        bound: A power of two, at least as large as every absolute value.
        channels: The same by channel, for each axis that was asked for.
    """

    low: float
    high: float
    counts: Array
    bound: float
    channels: Mapping[int, Channels]

    @property
    def edges(self) -> Array:
        """Return the edges of the bins, (BINS + 1,)."""
        return np.linspace(-self.bound, self.bound, len(self.counts) + 1)


@frozen(eq=False)
class Observations:
    """What each tensor held, and the ranges that every algorithm makes of it, worked out once."""

    seen: Mapping[str, Seen]
    _ranges: dict[str, dict[str, Range]] = field(factory=dict, init=False, repr=False)

    def ranges(self, algorithm: str) -> Mapping[str, Range]:
        """Return the range of values to represent of each tensor.

        "minmax" takes the least and the greatest value seen. The others may leave outliers out:
        "entropy" cuts where the Kullback-Leibler divergence of the rounded distribution is least,
        as ONNX Runtime computes it; "percentile" cuts both tails by the same share of values,
        keeping :data:`PERCENTILE` percent; "mse" takes the range on whose 8-bit grid the values
        are rounded and cut with the least mean squared error.
        """
        if algorithm not in self._ranges:
            cut = _CUTS[algorithm]
            self._ranges[algorithm] = {name: cut(seen) for name, seen in self.seen.items()}
        return self._ranges[algorithm]

    def __or__(self, other: Observations) -> Observations:
        """Return the observations of both."""
        return evolve(self, seen={**self.seen, **other.seen})


def observe(
    model: onnx.ModelProto,
    tensors: Mapping[str, Iterable[int]],
    samples: Callable[[onnxruntime.InferenceSession], Iterator[Feed]],
    threads: int,
) -> Observations:
    """Run the samples once, and return what the tensors hold.

    Args:
        model: A prepared model.
        tensors: Names of its float tensors, each with the axes to look along by channel.
        samples: Returns the feeds to look at, for a session.
        threads: Threads to compute with.

    Raises:
        AdaptorError: There are no samples, the model cannot run them, or a tensor takes a value
            that is not finite.
    """
    session = _observer(model, tensors, threads)
    inputs = {value.name for value in session.get_inputs()}
    outputs = [name for name in tensors if name not in inputs]
    watches = {name: _Watch(tuple(dict.fromkeys(axes))) for name, axes in tensors.items()}
    for feed in samples(session):
        left = _rows(feed)
        for piece in pieces_of(session, feed):
            size, new = _rows(piece), min(left, _rows(piece))
            left -= size  # the last piece may be filled up, with what is not to count
            arrays = run_outputs(session, outputs, piece) if outputs else []
            found = dict(zip(outputs, arrays, strict=True))
            for name, watch in watches.items():
                array = piece[name] if name in inputs else found[name]
                if not np.isfinite(array).all():
                    raise AdaptorError(
                        f"calibration: tensor {name!r} holds values that are not finite"
                    )
                watch.add(array[:new] if array.shape[:1] == (size,) else array)
    if any(not watch.count for watch in watches.values()):
        raise AdaptorError("dataloader: it gave no sample, but calibration needs one")
    return Observations({name: watch.seen() for name, watch in watches.items()})


def _rows(feed: Feed) -> int:
    return len(np.atleast_1d(next(iter(feed.values()))))


def _observer(
    model: onnx.ModelProto, tensors: Iterable[str], threads: int
) -> onnxruntime.InferenceSession:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    shown = {value.name for value in (*copy.graph.output, *copy.graph.input)}
    copy.graph.output.extend(onnx.ValueInfoProto(name=n) for n in tensors if n not in shown)
    return open_session(copy, threads)


@define(eq=False)
class _Watch:
    """What a tensor has held so far."""

    axes: tuple[int, ...]
    count: int = 0
    low: float = np.inf
    high: float = -np.inf
    bound: float = 0.0
    counts: Array = field(factory=lambda: np.zeros(BINS, np.int64))
    sums: dict[int, Array] = field(factory=dict)
    rows: dict[int, int] = field(factory=dict)
    peaks: dict[int, Array] = field(factory=dict)

    def add(self, array: Array) -> None:
        """Take in an array of finite values."""
        if not array.size:
            return
        self.count += array.size
        self.low = min(self.low, float(array.min()))
        self.high = max(self.high, float(array.max()))
        self._widen(max(abs(self.low), abs(self.high)))
        half = BINS // 2
        places = np.floor(array.ravel() * (half / self.bound)).astype(np.int64)  # exact so far
        self.counts += np.bincount(np.minimum(places + half, BINS - 1), minlength=BINS)
        for axis in self.axes:
            if -array.ndim <= axis < array.ndim:
                self._add_channels(array, axis)

    def seen(self) -> Seen:
        """Return what was held."""
        channels = {
            axis: Channels(total / self.rows[axis], self.peaks[axis])
            for axis, total in self.sums.items()
        }
        return Seen(self.low, self.high, self.counts, self.bound, channels)

    def _add_channels(self, array: Array, axis: int) -> None:
        others = tuple(a for a in range(array.ndim) if a != axis % array.ndim)
        total = array.sum(axis=others, dtype=np.float64)
        peak = np.abs(array).max(axis=others).astype(np.float64)
        if axis in self.sums and self.sums[axis].shape == total.shape:
            total, peak = total + self.sums[axis], np.maximum(peak, self.peaks[axis])
        self.sums[axis], self.peaks[axis] = total, peak
        self.rows[axis] = self.rows.get(axis, 0) + array.size // len(total)

    def _widen(self, largest: float) -> None:
        """Make the bins wide enough for a value; bins are merged, and never split."""
        if self.bound and largest <= self.bound:
            return
        bound = ldexp(1.0, max(-100, int(np.ceil(np.log2(largest))) if largest else -100))
        bound = bound if bound >= largest else 2 * bound
        if self.bound:
            half = BINS // 2
            merged = int(min(bound / self.bound, half))
            sides = self.counts.reshape(2, half // merged, merged).sum(axis=2)
            self.counts = np.zeros(BINS, np.int64)
            self.counts[half - half // merged : half] = sides[0]
            self.counts[half : half + half // merged] = sides[1]
        self.bound = bound


def _percentile_range(seen: Seen) -> Range:
    tail = (1 - PERCENTILE / 100) / 2
    share = np.cumsum(seen.counts) / seen.counts.sum()
    low = seen.edges[np.searchsorted(share, tail, side="right")]
    high = seen.edges[np.searchsorted(share, 1 - tail) + 1]
    return max(seen.low, float(low)), min(seen.high, float(high))


def _entropy_range(seen: Seen) -> Range:
    counts, bound = _coarser(seen, ENTROPY_BINS)
    edges = np.linspace(-bound, bound, len(counts) + 1, dtype=np.float32)
    low, high = np.float32(seen.low), np.float32(seen.high)
    collector = HistogramCollector("entropy", False, len(counts), ENTROPY_LEVELS, None, None)
    histogram = (counts, edges, low, high, np.float32(bound))
    found = collector.get_entropy_threshold(histogram, ENTROPY_LEVELS)
    return float(found[0]), float(found[1])


def _coarser(seen: Seen, bins: int) -> tuple[Array, float]:
    """Return so many bins that just hold all values, and their bound."""
    half = BINS // 2
    width = seen.bound / half
    used = int(np.ceil(max(abs(seen.low), abs(seen.high)) / width))
    merged = max(1, -(-used // (bins // 2)))
    kept = merged * bins // 2
    counts = seen.counts[half - kept : half + kept].reshape(bins, merged).sum(axis=1)
    return counts, kept * width


def _mse_range(seen: Seen) -> Range:
    """Shrink the upper and the lower end in turn, each to where the error is least."""
    filled = np.flatnonzero(seen.counts)
    values = ((seen.edges[:-1] + seen.edges[1:]) / 2)[filled]
    weights = seen.counts[filled].astype(np.float64)

    def error(low: float, high: float) -> float:
        scale = (high - low) / LEVELS
        if scale < np.finfo(np.float32).tiny:
            return 0.0
        steps = np.round(values / scale)
        zero = np.round(-low / scale)
        held = scale * np.clip(steps, -zero, LEVELS - zero)
        return float(weights @ np.square(held - values))

    low, high = lowest, highest = min(seen.low, 0.0), max(seen.high, 0.0)
    for _ in range(2):
        high = min((float(highest * s) for s in SHRINKINGS), key=lambda end: error(low, end))
        low = min((float(lowest * s) for s in SHRINKINGS), key=lambda end: error(end, high))
    return low, high


_CUTS: dict[str, Callable[[Seen], Range]] = {
    "mse": _mse_range,
    "minmax": lambda seen: (seen.low, seen.high),
    "entropy": _entropy_range,
    "percentile": _percentile_range,
}

ALGORITHMS = tuple(_CUTS)
"""The ways to choose a range, the one that does best on most models first."""
