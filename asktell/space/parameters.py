"""The kinds of parameter: natural values on one side, positions on an axis on the other.

Every kind has a ``name``, an ``axis``, and three methods: ``check`` (one value, at the door),
``encode`` and ``decode`` (many canonical values, trusted).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from typing import Any

import numpy as np
from attrs import field, frozen

from asktell.errors import DefinitionError, ParamsError
from asktell.numbers import is_finite, is_integer
from asktell.space.axes import Interval, Levels, LogLevels, Positions, categories

Scalar = None | bool | int | float | str
"""A value that JSON keeps as it is."""

_LARGEST_INT = 2**53
"""Beyond this magnitude floats skip integers, and positions could not tell them apart."""

_LARGEST_LOG_INT = 2**40
"""On a log axis the logarithm loses some more digits."""

_STEP_TOLERANCE = 1e-6
"""How far, in steps, a value may lie from its grid and still be taken for a rounding error."""


# --- conversions at the door ---


def _convert(parameter: Any, **converters: Callable[[Any, str], Any]) -> None:
    """Replace the arguments of a parameter that is being made by their canonical forms."""
    for name, convert in converters.items():
        object.__setattr__(parameter, name, convert(getattr(parameter, name), f"$.{name}"))


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise DefinitionError(place, value, "a name: a string of length >= 1")
    return str(value)


def _finite(value: Any, place: str) -> float:
    if not is_finite(value):
        raise DefinitionError(place, value, "a finite number")
    return float(value)


def _positive(value: Any, place: str) -> float | None:
    if value is None:
        return None
    if not is_finite(value) or value <= 0:
        raise DefinitionError(place, value, "a finite number > 0, or None")
    return float(value)


def _integer(value: Any, place: str) -> int:
    if not is_integer(value) or abs(int(value)) > _LARGEST_INT:
        raise DefinitionError(place, value, "an integer within +-2**53")
    return int(value)


def _flag(value: Any, place: str) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise DefinitionError(place, value, "True or False")
    return bool(value)


def _plain(value: Any) -> Scalar:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)  # of a subclass, its text alone
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    raise TypeError(value)


def _values(values: Any, place: str) -> tuple[Scalar, ...]:
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if isinstance(values, str | bytes) or not isinstance(values, Sequence):
        raise DefinitionError(place, values, "a list of values")
    if not len(values):
        raise DefinitionError(place, values, "at least one value")
    plain: list[Scalar] = []
    for position, value in enumerate(values):
        try:
            scalar = _plain(value)
        except TypeError:
            expected = "None, a bool, an int, a finite float or a string"
            raise DefinitionError(f"{place}[{position}]", value, expected) from None
        if scalar in plain:
            expected = "values that differ (1, 1.0 and True are equal)"
            raise DefinitionError(f"{place}[{position}]", value, expected)
        plain.append(scalar)
    return tuple(plain)


def _typed(values: Sequence[Scalar]) -> tuple[tuple[type, Scalar], ...]:
    return tuple((type(value), value) for value in values)  # 1, 1.0 and True are not one choice


# --- the kinds ---


@frozen
class Float:
    """A real number in [low, high].

    Args:
        name: the key in params.
        low: the least value, finite.
        high: the greatest value, finite, >= low.
        log: whether equal factors, not equal differences, are equally far apart; needs low > 0.
        step: values are ``low + k * step`` alone, up to ``high``; None for a continuum.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    name: str
    low: float
    high: float
    log: bool = False
    step: float | None = None
    axis: Interval | Levels | LogLevels = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        """Check the arguments and lay out the axis."""
        _convert(self, name=_text, low=_finite, high=_finite, log=_flag, step=_positive)
        _check_range(self.low, self.high, self.log)
        object.__setattr__(self, "axis", self._axis())

    def _axis(self) -> Interval | Levels | LogLevels:
        if self.low == self.high:
            return Levels(1)
        if self.step is None:
            return Interval()
        width = _EXACT.subtract(_decimal(self.high), _decimal(self.low))
        size = int(_EXACT.divide(width, _decimal(self.step))) + 1
        if size > _LARGEST_LOG_INT:
            raise DefinitionError("$.step", self.step, "at most 2**40 steps between low and high")
        if self.step < 2.0 * math.ulp(max(abs(self.low), abs(self.high))):
            raise DefinitionError("$.step", self.step, "steps that floats can tell apart")
        return LogLevels(size, self.low, self.step) if self.log else Levels(size)

    def check(self, value: Any) -> float:
        """Return the canonical value.

        Raises:
            ParamsError: not a number in [low, high], or off the step's grid.
        """
        if not is_finite(value):
            raise ParamsError(f"$.{self.name}", value, self._expected())
        number = float(value) + 0.0  # -0.0 and 0.0 are one value
        if self.step is None or self.axis.size is None:
            if not self.low <= number <= self.high:
                raise ParamsError(f"$.{self.name}", value, self._expected())
            return number
        nearest = round(min(max((number - self.low) / self.step, 0.0), self.axis.size - 1.0))
        on_grid = self._level(nearest)
        if abs(number - on_grid) > _STEP_TOLERANCE * self.step:
            raise ParamsError(f"$.{self.name}", value, self._expected())
        return on_grid

    def encode(self, values: Sequence[Any]) -> Positions:
        """Return the positions (n,) of n canonical values."""
        if isinstance(self.axis, Interval):
            numbers = np.asarray(values, dtype=np.float64)
            if self.log:
                low, high = math.log(self.low), math.log(self.high)
                return np.clip((np.log(numbers) - low) / (high - low), 0.0, 1.0)
            return np.clip((numbers - self.low) / (self.high - self.low), 0.0, 1.0)
        steps = (np.asarray(values, dtype=np.float64) - self.low) / (self.step or 1.0)
        return self.axis.positions(np.rint(steps).astype(np.int64))

    def decode(self, positions: Positions) -> list[float]:
        """Return the canonical values of n positions."""
        if not isinstance(self.axis, Interval):
            return [self._level(index) for index in self.axis.indices(positions).tolist()]
        if self.log:
            low, high = math.log(self.low), math.log(self.high)
            numbers = np.exp(low + positions * (high - low))
        else:
            numbers = self.low + positions * (self.high - self.low)
        clipped: list[float] = (np.clip(numbers, self.low, self.high) + 0.0).tolist()
        return clipped

    def _level(self, index: int) -> float:
        # In decimal, for 0.57 is what a person expects of 0 + 57 * 0.01.
        above = _EXACT.multiply(Decimal(index), _decimal(self.step or 0.0))
        return float(_EXACT.add(_decimal(self.low), above)) + 0.0

    def _expected(self) -> str:
        grid = "" if self.step is None else f" in steps of {self.step}"
        return f"a number in [{self.low}, {self.high}]{grid}"


@frozen
class Int:
    """An integer in [low, high].

    Args:
        name: the key in params.
        low: the least value, within +-2**53.
        high: the greatest value, >= low; at most 2**40 with ``log``.
        log: whether equal factors, not equal differences, are equally far apart; needs low > 0.
        step: values are ``low + k * step`` alone, up to ``high``.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    name: str
    low: int
    high: int
    log: bool = False
    step: int = 1
    axis: Levels | LogLevels = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        """Check the arguments and lay out the axis."""
        _convert(self, name=_text, low=_integer, high=_integer, log=_flag, step=_integer)
        _check_range(self.low, self.high, self.log)
        if self.step < 1:
            raise DefinitionError("$.step", self.step, "an integer >= 1")
        if self.log and self.high > _LARGEST_LOG_INT:
            raise DefinitionError("$.high", self.high, "at most 2**40 on a log scale")
        size = (self.high - self.low) // self.step + 1
        if size > _LARGEST_INT:
            raise DefinitionError("$.high", self.high, "at most 2**53 steps above low")
        axis = LogLevels(size, self.low, self.step) if self.log else Levels(size)
        object.__setattr__(self, "axis", axis)

    def check(self, value: Any) -> int:
        """Return the canonical value; an integral float counts as an integer.

        Raises:
            ParamsError: not an integer in [low, high], or off the step's grid.
        """
        grid = "" if self.step == 1 else f" in steps of {self.step}"
        expected = f"an integer in [{self.low}, {self.high}]{grid}"
        if not is_integer(value) or not self.low <= int(value) <= self.high:
            raise ParamsError(f"$.{self.name}", value, expected)
        if (int(value) - self.low) % self.step:
            raise ParamsError(f"$.{self.name}", value, expected)
        return int(value)

    def encode(self, values: Sequence[Any]) -> Positions:
        """Return the positions (n,) of n canonical values."""
        return self.axis.positions((np.asarray(values, dtype=np.int64) - self.low) // self.step)

    def decode(self, positions: Positions) -> list[int]:
        """Return the canonical values of n positions."""
        values: list[int] = (self.low + self.axis.indices(positions) * self.step).tolist()
        return values


@frozen
class Ordinal:
    """One of several values whose order matters, and not their distances.

    Args:
        name: the key in params.
        values: None, bools, ints, finite floats or strings, all different, in order.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    name: str
    values: Sequence[Scalar] = field(eq=_typed)
    axis: Levels = field(init=False, repr=False, eq=False)
    _indices: dict[Scalar, int] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        """Check the arguments, lay out the axis and the look-up of values."""
        _convert(self, name=_text, values=_values)
        object.__setattr__(self, "axis", Levels(len(self.values)))
        object.__setattr__(self, "_indices", {v: i for i, v in enumerate(self.values)})

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
        return [self.values[index] for index in self.axis.indices(positions)]


@frozen
class Categorical:
    """One of several choices without an order.

    Args:
        name: the key in params.
        choices: None, bools, ints, finite floats or strings, all different; the first is where
            a search begins.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    name: str
    choices: Sequence[Scalar] = field(eq=_typed)
    axis: Levels = field(init=False, repr=False, eq=False)
    _indices: dict[Scalar, int] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        """Check the arguments, lay out the axis and the look-up of choices."""
        _convert(self, name=_text, choices=_values)
        object.__setattr__(self, "axis", categories(len(self.choices)))
        object.__setattr__(self, "_indices", {c: i for i, c in enumerate(self.choices)})

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
        return [self.choices[index] for index in self.axis.indices(positions)]


@frozen
class Bool:
    """True or False.

    Args:
        name: the key in params.

    Raises:
        DefinitionError: a ``ValueError`` that names the argument.
    """

    name: str
    axis: Levels = field(init=False, repr=False, eq=False, default=categories(2))

    def __attrs_post_init__(self) -> None:
        """Check the name."""
        _convert(self, name=_text)

    def check(self, value: Any) -> bool:
        """Return the canonical value.

        Raises:
            ParamsError: not a bool.
        """
        if not isinstance(value, bool | np.bool_):
            raise ParamsError(f"$.{self.name}", value, "True or False")
        return bool(value)

    def encode(self, values: Sequence[Any]) -> Positions:
        """Return the positions (n,) of n canonical values."""
        return np.asarray(values, dtype=np.float64)

    def decode(self, positions: Positions) -> list[bool]:
        """Return the canonical values of n positions."""
        return [index == 1 for index in self.axis.indices(positions).tolist()]


Parameter = Float | Int | Ordinal | Categorical | Bool


# --- shared by the kinds ---


_EXACT = Context(prec=60)
"""Never the caller's own context, which may be anything."""


def _decimal(number: float) -> Decimal:
    return Decimal(repr(number))


def _check_range(low: float, high: float, log: bool) -> None:
    if high < low:
        raise DefinitionError("$.high", high, f"a number >= low = {low}")
    if not math.isfinite(float(high) - float(low)):
        raise DefinitionError("$.high", high, "high - low to be finite")
    if log and low <= 0:
        raise DefinitionError("$.low", low, "a number > 0 on a log scale")
    if log and low < high and math.log(low) == math.log(high):
        raise DefinitionError("$.high", high, "logarithms of low and high that differ")


def _member(name: str, value: Any, members: Sequence[Scalar], indices: dict[Scalar, int]) -> Scalar:
    try:
        member = members[indices[_plain(value)]]
    except (KeyError, TypeError):
        raise ParamsError(f"$.{name}", value, f"one of {list(members)}") from None
    if isinstance(member, bool) is not isinstance(value, bool | np.bool_):
        raise ParamsError(f"$.{name}", value, f"one of {list(members)}")
    return member
