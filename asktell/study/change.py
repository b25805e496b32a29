"""What callers are told of a change: what is kept, and why the rest is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

_SHOWN_REASONS = 20
"""How many reasons a summary shows."""

_SHOWN_NUMBERS = 10
"""How many trials it lists for each."""


@frozen
class Change:
    """What a change of space, or learning from an earlier study, has kept, and what not.

    Attributes:
        kept: the numbers of the trials that lie in the space.
        left_out: the number of every other trial, and why it does not.
        dropped: params that were enqueued and cannot be any more, and why.
    """

    kept: tuple[int, ...]
    left_out: tuple[tuple[int, str], ...] = ()
    dropped: tuple[tuple[dict[str, Any], str], ...] = ()

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        n_all = len(self.kept) + len(self.left_out)
        head = f"{len(self.kept)} of {n_all} trials kept"
        yield head if not self.left_out else f"{head}, {len(self.left_out)} left out:"
        for reason, numbers in self._by_reason()[:_SHOWN_REASONS]:
            yield f"  {_listed(numbers)}: {reason}"
        more = len(self._by_reason()) - _SHOWN_REASONS
        if more > 0:
            yield f"  and {more} more reasons"
        for params, reason in self.dropped:
            yield f"  enqueued {params}: {reason}"

    def _by_reason(self) -> list[tuple[str, list[int]]]:
        numbers: dict[str, list[int]] = {}
        for number, reason in self.left_out:
            numbers.setdefault(reason, []).append(number)
        return list(numbers.items())

    def _repr_html_(self) -> str:
        from asktell.html import fields  # for notebooks alone

        n_all = len(self.kept) + len(self.left_out)
        reasons = {_listed(numbers): reason for reason, numbers in self._by_reason()}
        wishes = {f"enqueued {params}": reason for params, reason in self.dropped}
        return fields(f"{len(self.kept)} of {n_all} trials kept", {}, {**reasons, **wishes})


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:_SHOWN_NUMBERS]))
    more = len(numbers) - _SHOWN_NUMBERS
    noun = "trial" if len(numbers) == 1 else "trials"
    return f"{noun} {shown}" + (f" and {more} more" if more > 0 else "")
