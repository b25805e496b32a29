"""See which values the tensors of a model take, and choose the range to represent of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization.calibrate import HistogramCollector

from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.running import Feed, open_session, pieces_of, run_outputs
from strategies.errors import AdaptorError

Range = tuple[float, float]

PERCENTILE = 99.999
"""How much of the values the "percentile" algorithm keeps, in percent; ONNX Runtime's default."""

PERCENTILE_BINS = 2048
ENTROPY_BINS = 512
"""ONNX Runtime's default of 128 leaves its search one candidate only, the whole range."""

ENTROPY_LEVELS = 128


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
            for piece in pieces_of(session, feed):
                arrays = run_outputs(session, outputs, piece) if outputs else []
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
