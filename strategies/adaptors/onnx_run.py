"""Run ONNX models over the batches of a dataloader, and see which values their tensors take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization.calibrate import HistogramCollector

from strategies.adaptors.affine import Array
from strategies.adaptors.base import Dataloader
from strategies.errors import AdaptorError

Feed = dict[str, Array]
"""One batch: the array of each input of the model, by its name."""

Range = tuple[float, float]

PERCENTILE = 99.999
"""How much of the values the "percentile" algorithm keeps, in percent; ONNX Runtime's default."""

PERCENTILE_BINS = 2048
ENTROPY_BINS = 512
"""ONNX Runtime's default of 128 leaves its search one candidate only, the whole range."""

ENTROPY_LEVELS = 128
FATAL_ONLY = 4

_NUMPY_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


def open_session(model: onnx.ModelProto, threads: int) -> onnxruntime.InferenceSession:
    """Return a session on the processor that computes with ``threads`` threads and logs nothing.

    Raises:
        AdaptorError: ONNX Runtime cannot load the model.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY  # what goes wrong is raised, too
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the classes that ONNX Runtime raises have no common root
        raise AdaptorError(f"model: ONNX Runtime cannot load it: {error}") from error


def batches(
    session: onnxruntime.InferenceSession, dataloader: Dataloader
) -> Iterator[tuple[Feed, Any]]:
    """Yield the feed and the label of each batch.

    An input may be an array (if the model has one input), a list or tuple of arrays in the order
    of the model's inputs, or a dict by their names. Numbers of another width are converted.

    Raises:
        AdaptorError: An item is not a pair (input, label), or does not match the model's inputs.
    """
    wanted = {value.name: value.type for value in session.get_inputs()}
    for number, item in enumerate(dataloader):
        place = f"dataloader: batch {number}"
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            kind = type(item).__name__
            raise AdaptorError(f"{place} is a {kind}, expected a pair (input, label)")
        given, label = item
        if not isinstance(given, dict):
            arrays = given if isinstance(given, (tuple, list)) else (given,)
            if len(arrays) != len(wanted):
                raise AdaptorError(
                    f"{place} has {len(arrays)} inputs, expected {len(wanted)}: {', '.join(wanted)}"
                )
            given = dict(zip(wanted, arrays, strict=True))
        if set(given) != set(wanted):
            raise AdaptorError(f"{place} has the inputs {sorted(given)}, expected {sorted(wanted)}")
        yield {name: _convert(given[name], wanted[name], place) for name in wanted}, label


def first_samples(feeds: Iterator[tuple[Feed, Any]], count: int) -> Iterator[Feed]:
    """Yield feeds until ``count`` samples have been seen; the last is cut where needed.

    A sample is one entry along the first axis of the first input.
    """
    for feed, _ in feeds:
        rows = _rows(feed)
        yield feed if rows <= count else {name: array[:count] for name, array in feed.items()}
        count -= rows
        if count <= 0:
            return


def run(session: onnxruntime.InferenceSession, feed: Feed) -> list[Array]:
    """Return the outputs of one batch.

    If the model's first axis has a fixed size, often 1, a batch of another size is run in pieces,
    the last one filled up with its last sample; outputs are joined and cut along their first axis.

    Raises:
        AdaptorError: ONNX Runtime cannot run it, for instance for its shape.
    """
    pieces = _pieces(session, feed)
    outputs = [_run(session, None, piece) for piece in pieces]
    if pieces[0] is feed:
        return outputs[0]
    return [np.concatenate(parts)[: _rows(feed)] for parts in zip(*outputs, strict=True)]


def calibrate(
    model: onnx.ModelProto,
    tensors: Iterable[str],
    algorithm: str,
    samples: Callable[[onnxruntime.InferenceSession], Iterator[Feed]],
    threads: int,
) -> dict[str, Range]:
    """Return the range of values to represent of each tensor of the model.

    "minmax" takes the least and the greatest value seen. "entropy" and "percentile" look at a
    histogram and may leave outliers out: "entropy" cuts where the Kullback-Leibler divergence of
    the rounded distribution is least, as ONNX Runtime computes it; "percentile" cuts both tails by
    the same share of values, keeping :data:`PERCENTILE` percent.

    Args:
        model: A prepared model.
        tensors: Names of its float tensors.
        algorithm: "minmax", "entropy" or "percentile".
        samples: Returns the feeds to look at, for a session; the same ones at each call.
        threads: Threads to compute with.

    Raises:
        AdaptorError: There are no samples, the model cannot run them, or a tensor takes a value
            that is not finite.
    """
    session, wanted = _observer(model, tensors, threads)

    def observed() -> Iterator[tuple[str, Array]]:
        inputs = {value.name for value in session.get_inputs()}
        outputs = [name for name in wanted if name not in inputs]
        for feed in samples(session):
            for piece in _pieces(session, feed):
                arrays = _run(session, outputs, piece) if outputs else []
                yield from zip(outputs, arrays, strict=True)
                yield from ((name, piece[name]) for name in wanted if name in inputs)

    ranges = _extremes(observed())
    missing = [name for name in wanted if name not in ranges]
    if missing:
        raise AdaptorError("dataloader: it gave no sample, but calibration needs one")
    if algorithm == "minmax":
        return ranges
    bins = ENTROPY_BINS if algorithm == "entropy" else PERCENTILE_BINS
    cut = _entropy_range if algorithm == "entropy" else _percentile_range
    counts = _histograms(observed(), ranges, bins)
    return {name: cut(counts[name], ranges[name]) for name in wanted}


def _observer(
    model: onnx.ModelProto, tensors: Iterable[str], threads: int
) -> tuple[onnxruntime.InferenceSession, list[str]]:
    wanted = list(dict.fromkeys(tensors))
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    shown = {value.name for value in (*copy.graph.output, *copy.graph.input)}
    copy.graph.output.extend(onnx.ValueInfoProto(name=n) for n in wanted if n not in shown)
    return open_session(copy, threads), wanted


def _extremes(observed: Iterator[tuple[str, Array]]) -> dict[str, Range]:
    ranges: dict[str, Range] = {}
    for name, array in observed:
        if not np.isfinite(array).all():
            raise AdaptorError(f"calibration: tensor {name!r} holds values that are not finite")
        if array.size:
            low, high = ranges.get(name, (np.inf, -np.inf))
            ranges[name] = min(low, float(array.min())), max(high, float(array.max()))
    return ranges


def _histograms(
    observed: Iterator[tuple[str, Array]], ranges: dict[str, Range], bins: int
) -> dict[str, Array]:
    """Count each tensor's values in ``bins`` equal bins, as far below zero as above."""
    counts = {name: np.zeros(bins, np.int64) for name in ranges}
    for name, array in observed:
        bound = _bound(ranges[name])
        counts[name] += np.histogram(array, bins, range=(-bound, bound))[0]
    return counts


def _bound(extremes: Range) -> float:
    return max(abs(extremes[0]), abs(extremes[1]))


def _percentile_range(counts: Array, extremes: Range) -> Range:
    bound = _bound(extremes)
    edges = np.linspace(-bound, bound, len(counts) + 1)
    tail = (1 - PERCENTILE / 100) / 2
    share = np.cumsum(counts) / counts.sum()
    low = edges[np.searchsorted(share, tail, side="right")]
    high = edges[np.searchsorted(share, 1 - tail) + 1]
    return max(extremes[0], float(low)), min(extremes[1], float(high))


def _entropy_range(counts: Array, extremes: Range) -> Range:
    bound = _bound(extremes)
    edges = np.linspace(-bound, bound, len(counts) + 1, dtype=np.float32)
    low, high = (np.float32(value) for value in extremes)
    collector = HistogramCollector("entropy", False, len(counts), ENTROPY_LEVELS, None, None)
    histogram = (counts, edges, low, high, np.float32(bound))
    found = collector.get_entropy_threshold(histogram, ENTROPY_LEVELS)
    return float(found[0]), float(found[1])


def _run(
    session: onnxruntime.InferenceSession, outputs: list[str] | None, feed: Feed
) -> list[Array]:
    try:
        return list(session.run(outputs, feed))
    except Exception as error:  # as in open_session
        shapes = ", ".join(f"{name} of shape {array.shape}" for name, array in feed.items())
        raise AdaptorError(f"model: ONNX Runtime cannot run {shapes}: {error}") from error


def _pieces(session: onnxruntime.InferenceSession, feed: Feed) -> list[Feed]:
    """Return the feed itself if the model can take it whole, else pieces of the model's size."""
    sizes = {value.shape[0] if value.shape else None for value in session.get_inputs()}
    size, rows = sizes.pop(), _rows(feed)
    if sizes or not isinstance(size, int) or size == rows:
        return [feed]
    places = (np.arange(start, start + size) for start in range(0, rows, size))
    last = rows - 1
    return [{n: a[np.minimum(place, last)] for n, a in feed.items()} for place in places]


def _rows(feed: Feed) -> int:
    return len(np.atleast_1d(next(iter(feed.values()))))


def _convert(value: Any, kind: str, place: str) -> Array:
    array = np.asarray(value)
    dtype = np.dtype(_NUMPY_TYPES.get(kind, array.dtype))
    if not np.can_cast(array.dtype, dtype, "same_kind"):
        raise AdaptorError(f"{place} holds {array.dtype}, expected {kind}")
    return array.astype(dtype, copy=False)
