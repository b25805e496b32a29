"""One number for what a model predicts of all batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from strategies.errors import AdaptorError

EMPTY = "dataloader: it gave no batch, expected at least one"


def evaluated(predictions: Iterable[tuple[Any, Any]], metric: Callable[[Any, Any], float]) -> float:
    """Return ``metric(outputs, labels)``, both joined along their first axis, the samples.

    Args:
        predictions: outputs and labels of each batch; outputs are an array, or a list of several.
        metric: takes the array of the outputs, or a list of arrays, and that of the labels.

    Raises:
        AdaptorError: There is no batch.
    """
    results = list(predictions)
    if not results:
        raise AdaptorError(EMPTY)
    several = [out if isinstance(out, list) else [out] for out, _ in results]
    outputs = [_joined(parts) for parts in zip(*several, strict=True)]
    labels = _joined(label for _, label in results)
    return float(metric(outputs[0] if len(outputs) == 1 else outputs, labels))


def _joined(parts: Iterable[Any]) -> Any:
    return np.concatenate([np.atleast_1d(np.asarray(part)) for part in parts])
