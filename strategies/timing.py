"""How long options take: measured on the whole model before the first trial, without an accuracy.

What an integer kernel saves depends on the machine, on the shapes and on what stands beside it, so
multiplications tell little. Models of the whole are made and timed in turns with the FP32 model:
first all operations of one type take another option, then single ones do, or neighbours where there
are many. What makes the model clearly faster stays.

There may be time for a few looks only. So what matters most goes first: types with many operations,
whether they are quantised at all, and what is done to the activation, which decides how a product
is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from attrs import define, field, frozen

from strategies.stopwatch import Clock

Params = Mapping[str, Any]

Timer = Callable[[Params, float], float | None]
"""Times a configuration: returns its time as a share of the FP32 model's, None where it has none.

A configuration that is surely slower than the share that is given besides need not be timed well.
"""

MOST_SINGLE = 40
"""With more operations neighbours change together."""

MARGIN = 0.01
"""A difference of two shares that is clear: about twice its deviation."""


@frozen
class Choice:
    """An operation with what it can be, as the tuning space has it.

    Attributes:
        name: of its parameter.
        type: its operator.
        options: labels, the default first, each with what it does to the activation: the options
            of an operation that agree in that take about the same time.
        unquantised: the one that leaves it as it is; None where it must be quantised.
    """

    name: str
    type: str
    options: Mapping[str, str]
    unquantised: str | None


@frozen
class Times:
    """What the measurements came to.

    Attributes:
        fastest: the params of the fastest configuration that was timed.
        share: its time as a share of the FP32 model's.
        added: for each operation, what each option adds to the time of the fastest configuration,
            as a share of the FP32 model's; 0 where that is not known.
        models: how many were timed.
    """

    fastest: Params
    share: float
    added: Mapping[str, Mapping[str, float]]
    models: int


def timed(
    choices: Sequence[Choice], start: Params, timer: Timer, seconds: float, clock: Clock
) -> Times | None:
    """Return how long options take; None where not even the start can be timed.

    Args:
        choices: the operations.
        start: the default configuration.
        timer: times a configuration.
        seconds: after which nothing more is begun.
        clock: returns seconds that never go back.
    """
    descent = _Descent(timer, clock, clock() + seconds, start)
    if descent.look(start) is None:
        return None
    together = [_Together(group, descent) for group in _by_type(choices)]
    for of_type in together:
        of_type.try_options(filter(None, [of_type.group[0].unquantised]))
    for of_type in together:
        of_type.try_options(of_type.kinds())
    for of_type in together:
        of_type.try_options(option for one in of_type.group for option in one.options)
    groups = [of_type.group for of_type in together]
    swaps = {
        one.name: swap
        for some in _neighbours(groups, descent, len(choices))
        for swap in [descent.swap(some)]
        for one in some
    }
    added = {
        one.name: _added(one, descent.fastest[one.name], of_type, swaps[one.name])
        for of_type in together
        for one in of_type.group
    }
    in_order = {one.name: added[one.name] for one in choices}
    return Times(descent.fastest, descent.share, in_order, len(descent.tried))


@define
class _Together:
    """Operations of one type, which all take one option after the other.

    Attributes:
        group: the operations.
        descent: what they are part of.
        levels: of options that were timed, what they add beside the default, in all.
    """

    group: Sequence[Choice]
    descent: _Descent
    levels: dict[str, float] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.levels[_default(self.group[0])] = 0.0

    def kinds(self) -> Iterable[str]:
        """Return an option of each kind of which none was timed: the first."""
        options = self.group[0].options
        timed = {options[option] for option in self.levels if option in options}
        first = {kind: option for option, kind in reversed([*options.items()])}
        return [option for kind, option in first.items() if kind not in timed]

    def apart(self, option: str, other: str) -> float:
        """Return how much more an option adds than another one in each operation, if clearly."""
        if option not in self.levels or other not in self.levels:
            return 0.0
        difference = self.levels[option] - self.levels[other]
        return difference / len(self.group) if abs(difference) >= MARGIN else 0.0

    def try_options(self, options: Iterable[str]) -> None:
        """Let them take options that were not timed, one after the other."""
        for option in options:
            if option in self.levels:
                continue
            base, share = self.descent.fastest, self.descent.share
            changed = {one.name: option for one in self.group if option in one.options}
            found = self.descent.look({**base, **changed})
            if found is not None:
                self.levels[option] = self.levels[base[self.group[0].name]] + found - share


@frozen
class _Swap:
    """Single operations that took another option, and what that added in each; 0 if unknown."""

    before: str
    after: str
    added: float


@define
class _Descent:
    """The fastest configuration so far, and all that were timed."""

    timer: Timer
    clock: Clock
    end: float
    fastest: Params
    share: float = math.inf
    tried: list[tuple[Params, float]] = field(factory=list)

    def look(self, params: Params) -> float | None:
        """Return the share of a configuration, and keep what is clearly the fastest."""
        for known, share in self.tried:
            if params == known:
                return share
        found = self.timer(params, self.share) if self.clock() < self.end else None
        if found is None or not math.isfinite(found):
            return None
        self.tried.append((params, found))
        if found < self.share - MARGIN:
            self.fastest, self.share = params, found
        return found

    def swap(self, some: Sequence[Choice]) -> _Swap:
        """Leave operations as they are, or quantise them by default if they are left so."""
        first = some[0]
        before, share = self.fastest[first.name], self.share
        is_left = before == first.unquantised
        after = _default(first) if is_left else first.unquantised
        if after is None:
            return _Swap(before, before, 0.0)
        found = self.look({**self.fastest, **{one.name: after for one in some}})
        return _Swap(before, after, 0.0 if found is None else (found - share) / len(some))


def _default(one: Choice) -> str:
    return next(iter(one.options))


def _by_type(choices: Iterable[Choice]) -> list[list[Choice]]:
    """Return operations of the same type and default, most of them first.

    Not all of these have the same options: what is never better than another is left out.
    """
    groups: dict[tuple[str, str, str | None], list[Choice]] = {}
    for one in choices:
        groups.setdefault((one.type, _default(one), one.unquantised), []).append(one)
    return sorted(groups.values(), key=len, reverse=True)


def _neighbours(
    groups: Iterable[Sequence[Choice]], descent: _Descent, count: int
) -> Iterator[Sequence[Choice]]:
    """Yield single operations, or some of a group that follow each other and are alike.

    These have the same options, and the same one in the fastest configuration.
    """
    size = -(-count // MOST_SINGLE)
    for group in groups:
        for _, alike in groupby(group, lambda one: (one.options, descent.fastest[one.name])):
            some = list(alike)
            for start in range(0, len(some), size):
                yield some[start : start + size]


def _added(one: Choice, fastest: str, of_type: _Together, swap: _Swap) -> dict[str, float]:
    """Return what options add, beside what the fastest configuration has.

    An option adds what that one does which was swapped and does the same to the activation; and
    what the whole group says of the difference between these two.
    """

    def since(option: str) -> float:
        """Return what an option adds beside what was there before the swap."""
        if one.options[option] == one.options[swap.before]:
            return of_type.apart(option, swap.before)
        if one.options[option] == one.options[swap.after]:
            return swap.added + of_type.apart(option, swap.after)
        return of_type.apart(option, swap.before)

    return {option: since(option) - since(fastest) for option in one.options}
