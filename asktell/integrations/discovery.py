"""When parameters are active, worked out from the trials that had them and those that did not.

A define-by-run objective says which parameters it wants by asking for them. Here the conditions
behind that are inferred: the simplest ones that tell every trial that had a parameter from every
one that had not. They are corrected as soon as a trial contradicts them, since nothing is kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from asktell.space.conditions import Between, Condition, OneOf, Where
from asktell.space.parameters import Float, Int, Parameter

Mask = NDArray[np.bool_]

FEW = 16
"""What has so few values is taken for a switch: a category, or a number of layers."""

_CHANCE = 0.01
"""A number that is no switch explains a parameter only where it would separate the trials by chance
with at most this probability: of two trials, every float separates one from the other."""

_MOST_TOGETHER = 2
"""How many conditions may have to hold at once."""

_SWITCH, _SET, _NUMBER, _BOUND = 1.0, 2.0, 3.0, 1.0
"""What an explanation costs: choices of a category, or a bound on a number that is a switch; a set
of such a number's values; what is no switch; and a second bound. Only their order matters."""


@frozen
class Seen:
    """What is known of one trial.

    Attributes:
        values: canonical values by name, in the order in which they were asked for.
        is_whole: whether what is not among them was not asked for, rather than not yet.
    """

    values: Mapping[str, Any]
    is_whole: bool


def conditions_of(
    parameters: Mapping[str, Parameter], seen: Sequence[Seen]
) -> dict[str, Where | None]:
    """Return when each parameter is active, None for always; without those nothing explains.

    A parameter depends on others that every trial with it had been given before. Of several
    explanations the simplest is taken: one condition before two, categories and switches before
    other numbers; then the parameter that was asked for the shortest time before.

    Args:
        parameters: by name, in the order in which they are asked for.
        seen: all trials.
    """
    table = _Table(tuple(parameters), tuple(seen))
    known: dict[str, Where | None] = {}
    for name in sorted(parameters, key=lambda name: -int(table.present[name].sum())):
        absent = table.whole & ~table.present[name]
        if not absent.any():
            known[name] = None
            continue
        where = _explanation(name, absent, table, parameters, known)
        if where is not None:
            known[name] = where
    return {name: known[name] for name in parameters if name in known}


@frozen(eq=False)
class _Table:
    """The trials by parameter.

    Attributes:
        present: which trials have a parameter (n,).
        places: at which place in the trial's order (n,).
        whole: of which trials all is known (n,).
    """

    names: tuple[str, ...]
    seen: tuple[Seen, ...]
    whole: Mask = field(init=False)
    places: dict[str, NDArray[np.int64]] = field(init=False)
    present: dict[str, Mask] = field(init=False)

    @whole.default
    def _whole(self) -> Mask:
        return np.array([one.is_whole for one in self.seen], dtype=bool)

    @places.default
    def _places(self) -> dict[str, NDArray[np.int64]]:
        places = {name: np.full(len(self.seen), -1) for name in self.names}
        for row, one in enumerate(self.seen):
            for place, name in enumerate(one.values):
                if name in places:
                    places[name][row] = place
        return places

    @present.default
    def _present(self) -> dict[str, Mask]:
        return {name: places >= 0 for name, places in self.places.items()}

    def values(self, name: str, rows: Mask) -> list[Any]:
        return [self.seen[row].values[name] for row in np.flatnonzero(rows)]

    def may_decide(self, parent: str, child: str) -> bool:
        """Tell whether all trials with the child had the parent, and had it before.

        A storage may forget the order. Then it is enough that the parent is there more often: so
        no two parameters can each decide on the other.
        """
        rows = self.present[child]
        if (rows & ~self.present[parent]).any():
            return False
        before = self.places[parent][rows] < self.places[child][rows]
        return bool(before.all() or self.present[parent].sum() > rows.sum())


# --- explanations ---


@frozen(eq=False)
class _Clue:
    """A condition that holds for all trials with the child.

    Attributes:
        conditions: by the name of the parent; those of the parent itself, where its presence is
            all that counts.
        excluded: for which of the trials without the child it does not hold (n,).
        cost: how complicated it is.
        distance: how long before the child the parent is asked for.
    """

    conditions: dict[str, Condition]
    excluded: Mask
    cost: float
    distance: int


def _explanation(
    child: str,
    absent: Mask,
    table: _Table,
    parameters: Mapping[str, Parameter],
    known: Mapping[str, Where | None],
) -> Where | None:
    """Return the simplest conditions that tell the trials with a parameter from those without."""
    if not table.present[child].any():
        return None
    clues = [
        clue
        for parent, where in known.items()
        if table.may_decide(parent, child)
        for clue in _clues(parent, where, child, absent, table, parameters[parent])
    ]
    for together in range(1, _MOST_TOGETHER + 1):
        fitting = [
            chosen
            for chosen in combinations(clues, together)
            if not (absent & ~np.any([clue.excluded for clue in chosen], axis=0)).any()
            and len(set().union(*(clue.conditions for clue in chosen)))
            == sum(len(clue.conditions) for clue in chosen)
        ]
        if fitting:
            best = min(fitting, key=_complexity)
            return Where(tuple(pair for clue in best for pair in clue.conditions.items()))
    return None


def _complexity(clues: Sequence[_Clue]) -> tuple[float, int]:
    return sum(clue.cost for clue in clues), sum(clue.distance for clue in clues)


def _clues(
    parent: str,
    where: Where | None,
    child: str,
    absent: Mask,
    table: _Table,
    parameter: Parameter,
) -> list[_Clue]:
    """Return the conditions on a parent that exclude some of the trials without the child."""
    distance = table.names.index(child) - table.names.index(parent)
    distance = distance if distance > 0 else len(table.names)
    missing = absent & ~table.present[parent]
    inside = table.values(parent, table.present[child])
    rows = absent & table.present[parent]
    outside = table.values(parent, rows)
    clues = []
    if where is not None and missing.any():
        clues.append(_Clue(dict(where.conditions), missing, 0.0, distance))
    for condition, cost in _conditions(parameter, inside, outside):
        excluded = missing.copy()
        excluded[rows] = [not condition.holds(value) for value in outside]
        if excluded[rows].any():
            clues.append(_Clue({parent: condition}, excluded, cost, distance))
    return clues


def _conditions(
    parameter: Parameter, inside: Sequence[Any], outside: Sequence[Any]
) -> list[tuple[Condition, float]]:
    """Return conditions that hold for all values inside, and for few outside, with their costs."""
    is_switch = (parameter.axis.size or math.inf) <= FEW
    if not isinstance(parameter, Float | Int):
        return [(_one_of(inside), _SWITCH if is_switch else _NUMBER)]
    below = [value for value in outside if value < min(inside)]
    above = [value for value in outside if value > max(inside)]
    conditions: list[tuple[Condition, float]] = []
    if (below or above) and (is_switch or _is_unlikely(inside, [*below, *above])):
        low = _between(max(below), min(inside), parameter) if below else None
        high = _between(max(inside), min(above), parameter, -1) if above else None
        cost = (_SWITCH if is_switch else _NUMBER) + (_BOUND if below and above else 0.0)
        conditions.append((Between(low, high), cost))
    if is_switch and len(set(inside)) < parameter.axis.size:  # type: ignore[operator]  # finite
        conditions.append((_one_of(inside), _SET))
    return conditions


def _one_of(values: Sequence[Any]) -> OneOf:
    """Return the condition that a value is one of these; in an order that is always the same."""
    return OneOf(tuple(sorted(dict.fromkeys(values), key=lambda v: (type(v).__name__, repr(v)))))


def _is_unlikely(inside: Sequence[float], outside: Sequence[float]) -> bool:
    """Tell whether chance alone would hardly separate so many numbers."""
    n, k = len(inside) + len(outside), len(inside)
    return 2.0 / math.comb(n, k) <= _CHANCE


def _between(low: float, high: float, parameter: Float | Int, side: int = 1) -> float:
    """Return the middle of two values, rounded up or down to one that is active."""
    if isinstance(parameter, Int):
        return (low + high + (side > 0)) // 2
    middle = low / 2 + high / 2
    return middle if low < middle < high else (high if side > 0 else low)
