"""What a model predicts, how long that takes, and how much memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from strategies.adaptors.base import Dataloader
from strategies.adaptors.evaluating import EMPTY
from strategies.adaptors.footprint import footprint as risen
from strategies.adaptors.onnx import external
from strategies.adaptors.onnx.running import Feed, batches, open_session, pieces_of, run
from strategies.errors import AdaptorError

FINE = 1e-6
"""Seconds: a clock that is coarser does not tell short runs apart."""


def predictions(
    model: onnx.ModelProto, dataloader: Dataloader, threads: int
) -> Iterator[tuple[Any, Any]]:
    """Yield outputs and labels of each batch; outputs are an array, or a list of several.

    Raises:
        AdaptorError: The model cannot be loaded, or a batch does not fit or has no label.
    """
    session = open_session(model, threads)
    for feed, label in batches(session, dataloader):
        if label is None:
            raise AdaptorError("dataloader: the label is None, expected one to compare with")
        outputs = run(session, feed)
        yield (outputs[0] if len(outputs) == 1 else outputs), label


def timer(model: onnx.ModelProto, dataloader: Dataloader, threads: int) -> Callable[[], float]:
    """Return what runs the first batch once, and returns the seconds; loading is aside.

    Raises:
        AdaptorError: The model cannot be loaded, or the dataloader is empty or does not fit.
    """
    session, feed = _first_batch(model, dataloader, threads)
    clock = _clock(threads)

    def seconds() -> float:
        start = clock()
        run(session, feed)
        return clock() - start

    return seconds


def footprint(model: onnx.ModelProto, dataloader: Dataloader, threads: int) -> int:
    """Return by how many bytes the peak memory of a process rises by using the model.

    Raises:
        AdaptorError: As :func:`timer`; or the process fails.
    """
    session, feed = _first_batch(model, dataloader, threads)
    piece = pieces_of(session, feed)[0]

    def save(to: Path, inputs: Path) -> None:
        external.write(model, str(to))
        np.savez(inputs, **piece)  # type: ignore[arg-type]

    return risen("onnx", save, threads)


def _first_batch(
    model: onnx.ModelProto, dataloader: Dataloader, threads: int
) -> tuple[onnxruntime.InferenceSession, Feed]:
    session = open_session(model, threads)
    feed, _ = next(batches(session, dataloader), (None, None))
    if feed is None:
        raise AdaptorError(EMPTY)
    return session, feed


def _clock(threads: int) -> Callable[[], float]:
    """Return the clock that other programs disturb least."""
    own = time.get_clock_info("thread_time") if hasattr(time, "thread_time") else None
    is_fine = own is not None and own.resolution <= FINE
    return time.thread_time if threads == 1 and is_fine else time.perf_counter
