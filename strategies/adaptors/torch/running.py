"""Run modules over the batches of a dataloader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from attrs import frozen
from torch import nn

from strategies.adaptors.base import Dataloader
from strategies.errors import AdaptorError

Array = npt.NDArray[Any]


@frozen(eq=False)
class Feed:
    """One batch as the model is called with it: by position or by name."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def rows(self) -> int:
        """Return how many samples it holds: entries along the first axis of the first tensor."""
        tensors = (one for one in (*self.args, *self.kwargs.values()) if torch.is_tensor(one))
        first = next(tensors, None)
        return len(first) if first is not None and first.ndim else 1

    def first(self, count: int) -> Feed:
        """Return the feed of its first samples."""

        def cut(value: Any) -> Any:
            has_rows = torch.is_tensor(value) and value.ndim and len(value) == self.rows
            return value[:count] if has_rows else value

        return Feed(tuple(map(cut, self.args)), {k: cut(v) for k, v in self.kwargs.items()})


def feeds(dataloader: Dataloader) -> Iterator[tuple[Feed, Any]]:
    """Yield what the model is called with, and the label, for each batch.

    An input may be an array or a tensor, a list or tuple of several, in the order of the model's
    arguments, or a dict by their names. Arrays become tensors; float64 becomes float32. Anything
    else is handed on as it is.

    Raises:
        AdaptorError: An item is not a pair (input, label).
    """
    for number, item in enumerate(dataloader):
        if not isinstance(item, tuple | list) or len(item) != 2:
            kind = type(item).__name__
            raise AdaptorError(
                f"dataloader: batch {number} is a {kind}, expected a pair (input, label)"
            )
        given, label = item
        if isinstance(given, Mapping):
            yield Feed((), {name: _tensor(value) for name, value in given.items()}), label
        else:
            several = given if isinstance(given, tuple | list) else (given,)
            yield Feed(tuple(map(_tensor, several)), {}), label


def first_samples(all_feeds: Iterable[tuple[Feed, Any]], count: int) -> Iterator[Feed]:
    """Yield feeds until ``count`` samples have been seen; the last is cut where needed."""
    for feed, _ in all_feeds:
        yield feed if feed.rows <= count else feed.first(count)
        count -= feed.rows
        if count <= 0:
            return


def run(model: nn.Module, feed: Feed) -> Any:
    """Return what the model returns.

    Raises:
        AdaptorError: It raised something, for instance for a shape.
    """
    try:
        return model(*feed.args, **feed.kwargs)
    except Exception as error:
        shown = [*map(_shown, feed.args), *(f"{k}={_shown(v)}" for k, v in feed.kwargs.items())]
        raise AdaptorError(
            f"model: it cannot be run with ({', '.join(shown)}): {type(error).__name__}: {error}"
        ) from error


def outputs(returned: Any) -> list[Array]:
    """Return the tensors of what a model returned, as arrays, in order.

    Raises:
        AdaptorError: There are none.
    """
    found = list(_tensors(returned))
    if not found:
        kind = type(returned).__name__
        raise AdaptorError(f"model: it returned a {kind}, expected a tensor, or several")
    return [tensor.detach().numpy() for tensor in found]


def labels(label: Any) -> Array:
    """Return the labels of a batch as an array.

    Raises:
        AdaptorError: There are none.
    """
    if label is None:
        raise AdaptorError("dataloader: the label is None, expected one to compare with")
    array = label.detach().numpy() if torch.is_tensor(label) else np.asarray(label)
    return np.atleast_1d(array)


@contextmanager
def computing(threads: int) -> Iterator[None]:
    """Compute without gradients on so many threads; a process is left as it was found."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)


def _tensors(returned: Any) -> Iterator[torch.Tensor]:
    if torch.is_tensor(returned):
        yield returned
    elif isinstance(returned, Mapping):
        for value in returned.values():
            yield from _tensors(value)
    elif isinstance(returned, tuple | list):
        for value in returned:
            yield from _tensors(value)


def _tensor(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = torch.from_numpy(np.ascontiguousarray(value))
    if torch.is_tensor(value) and value.dtype == torch.float64:
        return value.float()
    return value


def _shown(value: Any) -> str:
    if torch.is_tensor(value):
        return f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
    return type(value).__name__
