"""The ledger: every point and its target, in order of arrival, without repeats."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asktell.errors import (
    DefinitionError,
    ParamsError,
    RepeatedPointError,
    TargetError,
    UnseenPointError,
)
from asktell.numbers import is_finite

Array = NDArray[np.float64]
Row = tuple[float, ...]

_FIRST_CAPACITY = 64


class TargetSpace:
    """Points of a box and their targets; grows in amortised constant time.

    Args:
        pbounds: ``{name: (low, high)}``, finite, low <= high.
        random_seed: the seed of the ledger's own stream of random points.

    Raises:
        DefinitionError: a ``ValueError`` that names the bound.
    """

    def __init__(
        self,
        pbounds: Mapping[str, tuple[float, float]],
        random_seed: int | np.random.Generator = 9527,
    ) -> None:
        """Start without points."""
        self._bounds = _check_bounds(pbounds)
        self._keys = list(pbounds)
        self._key_set = set(self._keys)
        self._limits = self._bounds.tolist()
        self._random = np.random.default_rng(random_seed)
        self._params = np.empty((_FIRST_CAPACITY, self.dim))
        self._target = np.empty(_FIRST_CAPACITY)
        self._rows: dict[Row, int] = {}

    # --- what is known ---

    @property
    def keys(self) -> list[str]:
        """Return the names of the parameters, in order."""
        return list(self._keys)

    @property
    def dim(self) -> int:
        """Return the number of parameters."""
        return len(self._keys)

    @property
    def bounds(self) -> Array:
        """Return the bounds, (dim, 2)."""
        return self._bounds.copy()

    @property
    def params(self) -> Array:
        """Return the points, (n, dim), read only."""
        return _read_only(self._params[: len(self)])

    @property
    def target(self) -> Array:
        """Return the targets, (n,), read only."""
        return _read_only(self._target[: len(self)])

    @property
    def empty(self) -> bool:
        """Tell whether nothing is registered."""
        return not self._rows

    def __len__(self) -> int:
        """Return the number of points, n."""
        return len(self._rows)

    def __contains__(self, params: object) -> bool:
        """Tell whether the point, a dict or an array, is registered."""
        try:
            return self._row(params) in self._rows
        except ParamsError:
            return False

    # --- registering and looking up ---

    def register(
        self, params: Mapping[str, float] | Array | Sequence[float], target: float
    ) -> None:
        """Append a point, a dict or (dim,), and its target, in amortised constant time.

        Raises:
            RepeatedPointError: a ``KeyError``; the point is registered already.
            ParamsError: a ``ValueError``; a wrong size, unknown names or out of bounds.
            TargetError: a ``ValueError``; the target is not a finite number.
        """
        row = self._row(params)
        if row in self._rows:
            raise RepeatedPointError("$", dict(zip(self._keys, row, strict=True)), "a new point")
        if not is_finite(target):
            raise TargetError("$", target, "a finite number")
        position = len(self._rows)
        if position == len(self._target):
            self._params = _doubled(self._params)
            self._target = _doubled(self._target)
        self._params[position] = row
        self._target[position] = target
        self._rows[row] = position

    def get_target(self, params: Mapping[str, float] | Array | Sequence[float]) -> float:
        """Return the target of a registered point.

        Raises:
            UnseenPointError: a ``KeyError``; the point is not registered.
            ParamsError: a ``ValueError``; not a point of the space.
        """
        row = self._row(params)
        if row not in self._rows:
            raise UnseenPointError(f"no target is registered for {row}")
        return float(self._target[self._rows[row]])

    def max(self) -> dict[str, Any]:
        """Return ``{"target", "params"}`` of the greatest target, or ``{}`` without any."""
        if self.empty:
            return {}
        best = int(np.argmax(self.target))
        return {
            "target": float(self._target[best]),
            "params": self.array_to_params(self._params[best]),
        }

    def res(self) -> list[dict[str, Any]]:
        """Return ``{"target", "params"}`` of every point, in order of arrival."""
        return [
            {"target": target, "params": dict(zip(self._keys, row, strict=True))}
            for target, row in zip(self.target.tolist(), self._rows, strict=True)
        ]

    # --- random points and conversions ---

    def random_sample(self, num: int | None = None) -> Array:
        """Return a uniform random point (dim,), or ``num`` of them (num, dim)."""
        low, high = self._bounds.T
        shape = (self.dim,) if num is None else (num, self.dim)
        return np.asarray(low + self._random.random(shape) * (high - low))

    def params_to_array(self, params: Mapping[str, float]) -> Array:
        """Return the point (dim,) of a dict.

        Raises:
            ParamsError: a ``ValueError``; the names differ from the space's.
        """
        return np.array(self._from_mapping(params), dtype=np.float64)

    def array_to_params(self, x: Array | Sequence[float]) -> dict[str, float]:
        """Return the dict of a point (dim,).

        Raises:
            ParamsError: a ``ValueError``; a wrong size.
        """
        return dict(zip(self._keys, self._from_sequence(x), strict=True))

    # --- at the door ---

    def _row(self, params: Any) -> Row:
        values = (
            self._from_mapping(params)
            if isinstance(params, Mapping)
            else self._from_sequence(params)
        )
        for index, (value, (low, high)) in enumerate(zip(values, self._limits, strict=True)):
            if not low <= value <= high:
                raise ParamsError(f"$.{self._keys[index]}", value, f"a number in [{low}, {high}]")
        return values

    def _from_mapping(self, params: Mapping[str, float]) -> Row:
        if params.keys() != self._key_set:
            raise ParamsError("$", dict(params), f"the keys {self._keys}")
        return self._numbers([params[key] for key in self._keys])

    def _from_sequence(self, x: Any) -> Row:
        values = x.tolist() if isinstance(x, np.ndarray) else x
        if not isinstance(values, list | tuple) or len(values) != self.dim:
            raise ParamsError("$", x, f"{self.dim} numbers, one for each of {self._keys}")
        return self._numbers(values)

    def _numbers(self, values: Sequence[Any]) -> Row:
        try:
            numbers = tuple([float(value + 0.0) for value in values])  # strings have no such sum
        except (TypeError, ValueError, OverflowError):
            raise ParamsError("$", values, "numbers") from None
        if True in values and any(isinstance(value, bool | np.bool_) for value in values):
            raise ParamsError("$", values, "numbers, not bools")
        return numbers


def _check_bounds(pbounds: Mapping[str, tuple[float, float]]) -> Array:
    if not isinstance(pbounds, Mapping) or not pbounds:
        raise DefinitionError("$", pbounds, "a mapping with at least one parameter")
    rows = []
    for key, pair in pbounds.items():
        try:
            low, high = pair
        except (TypeError, ValueError):
            raise DefinitionError(f"$.{key}", pair, "a pair (low, high) of numbers") from None
        if not (is_finite(low) and is_finite(high) and 0 <= float(high) - float(low) < math.inf):
            raise DefinitionError(f"$.{key}", pair, "finite bounds with low <= high")
        rows.append((float(low), float(high)))
    return np.array(rows)


def _doubled(array: Array) -> Array:
    larger = np.empty((2 * len(array), *array.shape[1:]))
    larger[: len(array)] = array
    return larger


def _read_only(array: Array) -> Array:
    view = array.view()
    view.flags.writeable = False
    return view
