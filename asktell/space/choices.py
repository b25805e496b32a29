"""Parameters that are one of several values: ``Ordinal``, ``Categorical`` and ``Bool``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import field, frozen

from asktell.errors import ParamsError, quoted
from asktell.space import door
from asktell.space.arguments import described
from asktell.space.axes import Levels, Positions, categories
from asktell.space.beginning import begin
from asktell.space.conditions import Where, typed
from asktell.space.door import Scalar

_LONGEST_LIST = 400
"""How much of a list of choices a message shows."""


@frozen(init=False, repr=False)
class Ordinal:
    """One of several values whose order matters, but not the distances between them.

    Args:
        name: the key in params.
        values: None, bools, ints, finite floats or strings, all different, in order.
        when: the parameter is active only where others have these values: a mapping from names to
            a value, a list of values, ``AtLeast``, ``AtMost`` or a list of these two, which all
            have to hold. Params do not have it where it is not active. None for always.
        default: where a search begins; None for no such value.
        likely: a value, or a list of them, near which good ones are expected: a belief, which
            fades as results come. None for no such belief.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    name: str
    values: tuple[Scalar, ...] = field(eq=typed)
    when: Where | None
    default: Scalar
    likely: tuple[Scalar, ...] = field(eq=typed)
    axis: Levels = field(init=False, eq=False, repr=False)
    _indices: dict[Scalar, int] = field(init=False, eq=False, repr=False)

    def __init__(
        self,
        name: str,
        values: Sequence[Scalar],
        *,
        when: Mapping[str, Any] | None = None,
        default: Scalar = None,
        likely: Scalar | Sequence[Scalar] = None,
    ) -> None:
        """Check and keep the arguments."""
        own = (door.text(name, "$.name"), door.scalars(values, "$.values"))
        begin(self, own, when, default, likely)

    @axis.default
    def _lay_out(self) -> Levels:
        return Levels(len(self.values))

    @_indices.default
    def _look_up(self) -> dict[Scalar, int]:
        return {value: index for index, value in enumerate(self.values)}

    __repr__ = described

    def check(self, value: Any) -> Scalar:
        """Return the canonical value.

        Raises:
            ParamsError: not one of the values.
        """
        return _member(self.name, value, self.values, self._indices)

    def encode(self, values: Sequence[Any]) -> Positions:
        """Return the positions (n,) of n canonical values."""
        return self.axis.positions(np.array([self._indices[value] for value in values]))

    def decode(self, positions: Positions) -> list[Scalar]:
        """Return the canonical values of n positions."""
        return [self.values[index] for index in self.axis.indices(positions).tolist()]


@frozen(init=False, repr=False)
class Categorical:
    """One of several choices without an order.

    Args:
        name: the key in params.
        choices: None, bools, ints, finite floats or strings, all different; the first is where
            a search begins, unless there is a default.
        when: the parameter is active only where others have these values: a mapping from names to
            a value, a list of values, ``AtLeast``, ``AtMost`` or a list of these two, which all
            have to hold. Params do not have it where it is not active. None for always.
        default: where a search begins; None for no such value.
        likely: a value, or a list of them, near which good ones are expected: a belief, which
            fades as results come. None for no such belief.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    name: str
    choices: tuple[Scalar, ...] = field(eq=typed)
    when: Where | None
    default: Scalar
    likely: tuple[Scalar, ...] = field(eq=typed)
    axis: Levels = field(init=False, eq=False, repr=False)
    _indices: dict[Scalar, int] = field(init=False, eq=False, repr=False)

    def __init__(
        self,
        name: str,
        choices: Sequence[Scalar],
        *,
        when: Mapping[str, Any] | None = None,
        default: Scalar = None,
        likely: Scalar | Sequence[Scalar] = None,
    ) -> None:
        """Check and keep the arguments."""
        own = (door.text(name, "$.name"), door.scalars(choices, "$.choices"))
        begin(self, own, when, default, likely)

    @axis.default
    def _lay_out(self) -> Levels:
        return categories(len(self.choices))

    @_indices.default
    def _look_up(self) -> dict[Scalar, int]:
        return {value: index for index, value in enumerate(self.choices)}

    __repr__ = described

    def check(self, value: Any) -> Scalar:
        """Return the canonical choice.

        Raises:
            ParamsError: not one of the choices.
        """
        return _member(self.name, value, self.choices, self._indices)

    def encode(self, values: Sequence[Any]) -> Positions:
        """Return the positions (n,) of n canonical choices."""
        return self.axis.positions(np.array([self._indices[value] for value in values]))

    def decode(self, positions: Positions) -> list[Scalar]:
        """Return the canonical choices of n positions."""
        return [self.choices[index] for index in self.axis.indices(positions).tolist()]


@frozen(init=False, repr=False)
class Bool:
    """True or False.

    Args:
        name: the key in params.
        when: the parameter is active only where others have these values: a mapping from names to
            a value, a list of values, ``AtLeast``, ``AtMost`` or a list of these two, which all
            have to hold. Params do not have it where it is not active. None for always.
        default: where a search begins; None for no such value.
        likely: a value, or a list of them, near which good ones are expected: a belief, which
            fades as results come. None for no such belief.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    name: str
    when: Where | None
    default: bool | None
    likely: tuple[bool, ...]
    axis: Levels = field(init=False, eq=False, repr=False, default=categories(2))

    def __init__(
        self,
        name: str,
        *,
        when: Mapping[str, Any] | None = None,
        default: bool | None = None,
        likely: bool | None = None,
    ) -> None:
        """Check and keep the arguments."""
        begin(self, (door.text(name, "$.name"),), when, default, likely)

    __repr__ = described

    def check(self, value: Any) -> bool:
        """Return the canonical value.

        Raises:
            ParamsError: not a bool.
        """
        if type(value) is bool:
            return value
        if not isinstance(value, np.bool_):
            raise ParamsError(f"$.{self.name}", value, "True or False")
        return bool(value)

    def encode(self, values: Sequence[Any]) -> Positions:
        """Return the positions (n,) of n canonical values."""
        return np.asarray(values, dtype=np.float64)

    def decode(self, positions: Positions) -> list[bool]:
        """Return the canonical values of n positions."""
        return [index == 1 for index in self.axis.indices(positions).tolist()]


def _member(name: str, value: Any, members: Sequence[Scalar], indices: dict[Scalar, int]) -> Scalar:
    try:
        plain = door.plain(value)
        member = members[indices[plain]]
        if (type(member) is bool) is (type(plain) is bool):
            return member
    except (KeyError, TypeError):
        pass
    raise ParamsError(f"$.{name}", value, f"one of {quoted(list(members), _LONGEST_LIST)}")
