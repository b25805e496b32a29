"""Fits to plain values and back; what another model found is kept as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from asktell.codec.reading import plain, read
from asktell.errors import StateError
from asktell.model.gp import Hyperparameters
from asktell.model.members import MEMBERS, MODELS, Found
from asktell.study.events import Fit
from asktell.study.problem import Problem


def fit_row(fit: Fit) -> dict[str, Any]:
    """Return the row of a fit; it speaks of earlier studies only where there are any."""
    written = _found_rows if fit.model in MODELS else plain
    row = {"model": fit.model, "n": fit.n, "found": written(fit.found)}
    if fit.earlier:
        row["earlier"] = [written(found) for found in fit.earlier]
    return row


def _found_rows(found: Found) -> list[list[dict[str, Any]]]:
    return [
        [{"length_scales": list(h.length_scales), "noise": h.noise} for h in members]
        for members in found
    ]


@frozen
class _FitLayout:
    model: str
    n: int
    found: Any
    earlier: list[Any]


@frozen
class _HyperparametersLayout:
    length_scales: list[float]
    noise: float


@frozen
class _FoundLayout:
    found: list[list[_HyperparametersLayout]]


def read_fit(value: Any, problem: Problem) -> Fit:
    """Return the fit of a row; what another model found is kept as it is.

    Raises:
        StateError: a ``ValueError`` that names the path of the fault.
    """
    layout = read({"earlier": [], **value} if isinstance(value, dict) else value, _FitLayout)
    if layout.model not in MODELS:
        earlier = plain(layout.earlier, "$.earlier")
        return Fit(layout.model, layout.n, plain(layout.found, "$.found"), tuple(earlier))
    return Fit(
        layout.model,
        layout.n,
        _found(layout.found, problem, "$.found"),
        tuple(
            _found(found, problem, f"$.earlier[{number}]")
            for number, found in enumerate(layout.earlier)
        ),
    )


def _found(value: Any, problem: Problem, start: str) -> Found:
    try:
        found = read({"found": value}, _FoundLayout).found
    except StateError as error:
        raise _moved(error, start) from None
    sizes = [len(MEMBERS[use]) for use in problem.uses()] + [1]  # the last is success
    _check_length(start, found, len(sizes))
    for outcome, (members, size) in enumerate(zip(found, sizes, strict=True)):
        _check_length(f"{start}[{outcome}]", members, size if members else 0)
        for member, row in enumerate(members):
            place = f"{start}[{outcome}][{member}]"
            _check_length(f"{place}.length_scales", row.length_scales, problem.space.dim)
            for position, length_scale in enumerate(row.length_scales):
                _check_positive(f"{place}.length_scales[{position}]", length_scale)
            _check_positive(f"{place}.noise", row.noise)
    return tuple(
        tuple(Hyperparameters(tuple(row.length_scales), row.noise) for row in members)
        for members in found
    )


def _moved(error: StateError, start: str) -> StateError:
    """Return an error whose places begin with another start than ``$.found``."""
    others = tuple(_moved(other, start) for other in error.others)
    place = start + error.place.removeprefix("$.found")
    return StateError(place, error.got, error.expected, others)


def _check_length(place: str, items: Sequence[Any], length: int) -> None:
    if len(items) != length:
        raise StateError(place, items, f"{length} items")


def _check_positive(place: str, number: float) -> None:
    if number <= 0:
        raise StateError(place, number, "a number > 0")
