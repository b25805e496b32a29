"""Run ONNX models over the batches of a dataloader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
import onnxruntime

from strategies.adaptors.base import Dataloader
from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.external import LIMIT, session_of
from strategies.errors import AdaptorError

Feed = dict[str, Array]
"""One batch: the array of each input of the model, by its name."""

FATAL_ONLY = 4

_NUMPY_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


def open_session(
    model: onnx.ModelProto, threads: int, limit: int = LIMIT
) -> onnxruntime.InferenceSession:
    """Return a session on the processor that computes with ``threads`` threads and logs nothing.

    The constants of a model of more than ``limit`` bytes are handed over one by one.

    Raises:
        AdaptorError: ONNX Runtime cannot load the model.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    if threads > 1:  # idle threads do not slow down other sessions
        options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = FATAL_ONLY  # what goes wrong is raised, too
    try:
        return session_of(model, options, limit)
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
    pieces = pieces_of(session, feed)
    outputs = [run_outputs(session, None, piece) for piece in pieces]
    if pieces[0] is feed:
        return outputs[0]
    return [np.concatenate(parts)[: _rows(feed)] for parts in zip(*outputs, strict=True)]


def run_outputs(
    session: onnxruntime.InferenceSession, outputs: list[str] | None, feed: Feed
) -> list[Array]:
    """Return outputs by name, or all; the feed has the size that the model takes."""
    try:
        return list(session.run(outputs, feed))
    except Exception as error:  # as in open_session
        shapes = ", ".join(f"{name} of shape {array.shape}" for name, array in feed.items())
        raise AdaptorError(f"model: ONNX Runtime cannot run {shapes}: {error}") from error


def pieces_of(session: onnxruntime.InferenceSession, feed: Feed) -> list[Feed]:
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
