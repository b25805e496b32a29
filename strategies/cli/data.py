"""Data from files: arrays that NumPy saved, or a Python file that has them or makes them."""

from __future__ import annotations

import runpy
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from strategies.adaptors.base import Dataloader
from strategies.errors import ArgumentError

Array = NDArray[Any]

NAMES = ("calibration", "evaluation", "accuracy")
"""What a Python file may define."""


@frozen(eq=False)
class Data:
    """What a model is calibrated with and evaluated on, or a function that evaluates it."""

    calibration: Dataloader | None
    evaluation: Dataloader | None = None
    accuracy: Callable[[Any], float] | None = None


@frozen(eq=False)
class Batches:
    """Arrays of one length, cut into batches: a dataloader that can be read any number of times."""

    inputs: Mapping[str, Array]
    labels: Array | None
    size: int

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Yield inputs by name, and labels."""
        n = len(next(iter(self.inputs.values())))
        for start in range(0, n, self.size):
            rows = slice(start, start + self.size)
            labels = None if self.labels is None else self.labels[rows]
            yield {name: array[rows] for name, array in self.inputs.items()}, labels


def read_data(place: str, path: Path, labels: str, size: int) -> Data:
    """Return the data of a file.

    Args:
        place: what the file is called in messages.
        path: of arrays in NumPy's format ``.npz``, each input under its name, or of a Python file
            that defines ``calibration``, ``evaluation`` or ``accuracy``: dataloaders or functions
            that return them, and a function of a model.
        labels: the name of the array with the labels.
        size: of the batches that arrays are cut into.

    Raises:
        ArgumentError: a ``ValueError``; there is no such file, or it holds something else.
    """
    if not path.is_file():
        raise ArgumentError(place, str(path), "a file")
    if path.suffix == ".npz":
        return Data(None, _arrays(place, path, labels, size))
    if path.suffix == ".py":
        return _defined(place, path)
    raise ArgumentError(place, str(path), "a file .npz or .py")


def has_labels(loader: Dataloader | None) -> bool:
    """Tell whether data come with labels."""
    return isinstance(loader, Batches) and loader.labels is not None


def _arrays(place: str, path: Path, labels: str, size: int) -> Batches:
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (OSError, ValueError) as error:
        expected = f"arrays that numpy.savez wrote ({error})"
        raise ArgumentError(place, str(path), expected) from error
    given = arrays.pop(labels, None)
    if not arrays:
        raise ArgumentError(place, str(path), f"an array for each input, besides {labels!r}")
    lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if given is not None:
        lengths[labels] = len(given)
    if len({*lengths.values()}) > 1 or not min(lengths.values()):
        raise ArgumentError(place, lengths, "arrays of one length of at least 1")
    return Batches(arrays, given, size)


def _defined(place: str, path: Path) -> Data:
    found = runpy.run_path(str(path))
    if not any(name in found for name in NAMES):
        raise ArgumentError(place, str(path), f"a file that defines one of {', '.join(NAMES)}")
    loaders = {}
    for name in NAMES[:2]:
        loader = found.get(name)
        loaders[name] = loader() if callable(loader) else loader
        if loader is not None and not hasattr(loaders[name], "__iter__"):
            expected = "data that can be iterated, or a function that returns them"
            raise ArgumentError(f"{place}.{name}", loader, expected)
    return Data(**loaders, accuracy=found.get("accuracy"))
