"""Random and quasi-random search."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from scipy.stats import qmc

from peers import Params, Value, spaces

_DRAWS = (1_000, *[100_000] * 200)
"""How many draws are looked at, one lot after the other, for one that keeps the constraints."""


class Random:
    """Uniformly random params; where there are constraints, the first of them that keep all."""

    def __init__(self, space: dict[str, Any], seed: int, budget: int, outcomes: Any = None) -> None:
        """Seed the stream."""
        self._space = space
        self._parameters = spaces.parameters(space)
        self._draws = np.random.default_rng(seed)

    def ask(self) -> Params:
        """Return the next params."""
        if not self._space.get("constraints"):
            return _params(self._parameters, self._draws.random(len(self._parameters)))
        for n in _DRAWS:
            shares = self._draws.random((n, len(self._parameters)))
            kept = np.flatnonzero(_kept(self._space, shares))
            if len(kept):
                params = _params(self._parameters, shares[kept[0]])
                return _shared(self._space, params, self._draws)
        raise RuntimeError(f"nothing that keeps the constraints in {sum(_DRAWS)} draws")

    def tell(self, params: Params, value: Value) -> None:
        """Learn nothing."""


class Sobol:
    """A scrambled Sobol sequence."""

    def __init__(self, space: dict[str, Any], seed: int, budget: int, outcomes: Any = None) -> None:
        """Draw the sequence, whose length must be a power of two."""
        self._parameters = spaces.parameters(space)
        sampler = qmc.Sobol(len(self._parameters), rng=seed)
        self._points = iter(sampler.random_base2(budget.bit_length()))

    def ask(self) -> Params:
        """Return the next params."""
        return _params(self._parameters, next(self._points))

    def tell(self, params: Params, value: Value) -> None:
        """Learn nothing."""


def _params(parameters: list[spaces.Parameter], shares: Any) -> Params:
    params: Params = {}
    for parameter, share in zip(parameters, shares.tolist(), strict=True):
        if spaces.active(parameter, params):
            params[parameter["name"]] = spaces.at_share(parameter, share)
    return params


# --- constraints, on many params at once ---


def _kept(space: dict[str, Any], shares: Any) -> Any:
    """Tell which rows of shares (m, d) keep the constraints, (m,); simplices aside."""
    rows = zip(spaces.parameters(space), shares.T, strict=True)
    values = {p["name"]: _values(p, column) for p, column in rows}
    kept = np.ones(len(shares), dtype=bool)
    for row in spaces.constraints(space, "linear"):
        total = sum(c * values[name] for name, c in row["linear"].items())
        kept &= (total >= row.get("at_least", -np.inf)) & (total <= row.get("at_most", np.inf))
    for row in spaces.constraints(space, "ordered"):
        for first, second in pairwise(row["ordered"]):
            kept &= values[first] <= values[second]
    for row in spaces.constraints(space, "forbidden"):
        there = [_holding(condition, values[name]) for name, condition in row["forbidden"].items()]
        kept &= ~np.all(there, axis=0)
    return kept


def _values(parameter: spaces.Parameter, shares: Any) -> Any:
    """Return what ``spaces.at_share`` returns, of many shares."""
    members = spaces.members(parameter)
    if members is not None:
        index = np.minimum((shares * len(members)).astype(int), len(members) - 1)
        return np.array(members, dtype=object)[index]
    low, high, step = parameter["low"], parameter["high"], parameter["step"]
    if step is not None:
        low, high = low - step / 2, high + step / 2
    if parameter["log"]:
        values = np.exp(np.log(low) + shares * (np.log(high) - np.log(low)))
    else:
        values = low + shares * (high - low)
    if step is None:
        return values
    first, last = parameter["low"], parameter["high"]
    return np.clip(first + np.round((values - first) / step) * step, first, last)


def _holding(condition: Any, values: Any) -> Any:
    if isinstance(condition, list):
        return np.isin(values, np.array(condition, dtype=values.dtype))
    low, high = condition.get("at_least", -np.inf), condition.get("at_most", np.inf)
    return (values >= low) & (values <= high)


def _shared(space: dict[str, Any], params: Params, draws: np.random.Generator) -> Params:
    """Return params in which shares that must have a sum are uniform among those that have it."""
    for row in spaces.constraints(space, "simplex"):
        names = row["simplex"]
        parts = row["total"] * draws.dirichlet(np.ones(len(names)))
        params.update(zip(names, parts.tolist(), strict=True))
    return params
