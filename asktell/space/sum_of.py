"""Known outcomes that are sums: each part is asked about few parameters, and so seldom."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from attrs import field, frozen

from asktell.errors import DefinitionError, at_key
from asktell.space import door
from asktell.space.axes import Positions
from asktell.space.parts import NamedParts, Part, Parts
from asktell.space.space import Points, Space


@frozen(init=False)
class SumOf:
    """An outcome that is known without an evaluation, as a sum of parts.

    Where every part looks at one parameter or a few, each is asked once about each combination of
    their values, not once about each of thousands of params. It can be called like any function
    that says what is known; see :func:`asktell.suggest`.

    Args:
        parts: functions, by the name of the parameter that they look at, or a tuple of names. Each
            takes params with these names alone, without those that are not active, and returns a
            finite number, the same for the same params.
        constant: what is added.
        through: a function of the sum, where the outcome is that.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    parts: NamedParts
    constant: float
    through: Callable[[float], float] | None
    _made: list[tuple[Space, Parts]] = field(factory=list, init=False, eq=False, repr=False)
    """The space that it was last asked about, and what the parts said there."""

    def __init__(
        self,
        parts: Mapping[str | tuple[str, ...], Part],
        constant: float = 0.0,
        through: Callable[[float], float] | None = None,
    ) -> None:
        """Check and keep the parts."""
        if not isinstance(parts, Mapping) or not parts:
            raise DefinitionError("$.parts", parts, "a mapping from names to functions of params")
        kept = []
        for key, part in parts.items():
            place = at_key("$.parts", key)
            names = key if isinstance(key, tuple) and key else (key,)
            if not callable(part):
                raise DefinitionError(place, part, "a function of params")
            kept.append((tuple(door.text(name, place) for name in names), part))
        if through is not None and not callable(through):
            raise DefinitionError("$.through", through, "a function of the sum, or None")
        self.__attrs_init__(tuple(kept), door.finite(constant, "$.constant"), through)

    def __call__(self, params: Mapping[str, Any]) -> float:
        """Return the sum for params."""
        total = self.constant + math.fsum(
            part({name: params[name] for name in names if name in params})
            for names, part in self.parts
        )
        return total if self.through is None else self.through(total)

    def least(self, space: Space) -> float:
        """Return a number that no sum of params of a space is below: of every part the least.

        It is minus infinity where the sum goes through a function, or where a part looks at what
        has no list of values, or at too many of them together.

        Raises:
            DefinitionError: a ``ValueError``; a part names what is not a parameter, or does not
                return a finite number.
        """
        if self.through is not None:
            return -math.inf
        return self.constant + self._on(space).least

    def on(self, space: Space) -> Callable[[Points], Positions]:
        """Return what gives the sums (m,) at points (m, d) of a space.

        Raises:
            DefinitionError: a ``ValueError``; a part names what is not a parameter, or, when the
                sums are asked for, does not return a finite number.
        """
        parts, through = self._on(space), self.through

        def numbers(points: Points) -> Positions:
            totals = np.asarray(self.constant + parts.at(points))
            if through is None:
                return totals
            return np.array([through(total) for total in totals.tolist()], dtype=np.float64)

        return numbers

    def _on(self, space: Space) -> Parts:
        if not self._made or self._made[0][0] is not space:
            self._made[:] = [(space, Parts.of(self.parts, space))]
        return self._made[0][1]
