"""The ranges of what modules are given, as samples show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import nn

from strategies.adaptors.torch.running import Feed, run
from strategies.errors import AdaptorError

Range = tuple[float, float]

ALGORITHMS = ("minmax", "percentile")
PERCENTILE = 99.99
"""So many of a hundred values lie within the range, by "percentile"."""
BINS = 2048


def calibrate(
    model: nn.Module,
    modules: Mapping[str, nn.Module],
    algorithm: str,
    samples: Callable[[], Iterable[Feed]],
) -> dict[str, Range]:
    """Return the least and greatest value that each module is given, by its name.

    "minmax" takes them as they are; "percentile" leaves out the outermost values, as many on each
    side. A module that is never called is left out.

    Args:
        model: Called with the samples, without gradients.
        modules: Modules of the model that take floats.
        algorithm: One of :data:`ALGORITHMS`.
        samples: Returns the feeds to look at; the same ones at each call.

    Raises:
        AdaptorError: There are no samples, the model cannot run them, or a value is not finite.
    """
    ranges: dict[str, Range] = {}

    def widen(name: str, values: torch.Tensor) -> None:
        if not bool(torch.isfinite(values).all()):
            message = f"calibration: the input of {name!r} holds values that are not finite"
            raise AdaptorError(message)
        low, high = (float(one) for one in torch.aminmax(values))
        before = ranges.get(name, (low, high))
        ranges[name] = min(before[0], low), max(before[1], high)

    _observe(model, modules, samples, widen)
    if algorithm == "minmax":
        return ranges
    counts = {name: torch.zeros(BINS) for name in ranges}

    def count(name: str, values: torch.Tensor) -> None:
        low, high = ranges[name]
        if low < high:
            counts[name] += torch.histc(values.float(), BINS, low, high)

    _observe(model, modules, samples, count)
    return {name: _within(counts[name], ranges[name]) for name in ranges}


def _observe(
    model: nn.Module,
    modules: Mapping[str, nn.Module],
    samples: Callable[[], Iterable[Feed]],
    look: Callable[[str, torch.Tensor], None],
) -> None:
    """Call ``look`` with all floats that each module is given."""

    def watch(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            values = args[0] if args else next(iter(kwargs.values()))
            if torch.is_tensor(values) and values.numel():
                look(name, values.detach())

        return hook

    hooks = [
        module.register_forward_pre_hook(watch(name), with_kwargs=True)
        for name, module in modules.items()
    ]
    try:
        number = 0
        for feed in samples():
            run(model, feed)
            number += 1
    finally:
        for hook in hooks:
            hook.remove()
    if not number:
        raise AdaptorError("dataloader: it gave no sample, but calibration needs one")


def _within(counts: torch.Tensor, extremes: Range) -> Range:
    low, high = extremes
    total = float(counts.sum())
    if not total:
        return extremes
    tail = (1 - PERCENTILE / 100) / 2
    share = torch.cumsum(counts.double(), 0) / total
    edges = torch.linspace(low, high, BINS + 1, dtype=torch.float64)
    first = int(torch.searchsorted(share, tail, right=True))
    last = int(torch.searchsorted(share, 1 - tail))
    return float(edges[first]), float(edges[min(last, BINS - 1) + 1])
