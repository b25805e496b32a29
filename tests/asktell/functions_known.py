"""Functions on the unit cube whose Sobol indices are known in closed form."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from attrs import frozen

import asktell as at
from asktell.model.kernels import Array


@frozen(eq=False)
class Known:
    """A function of points (m, d), its variance, its indices (d,), and a space it is defined on."""

    name: str
    of: Callable[[Array], Array]
    variance: float
    first: Array
    total: Array
    space: at.Space


def cube(dim: int) -> at.Space:
    return at.Space(*(at.Float(f"x{i}", 0.0, 1.0) for i in range(dim)))


def product_of(
    name: str, factors: Callable[[Array], Array], means: Array, variances: Array
) -> Known:
    """Return a product of factors, each of one argument."""
    relative = variances / means**2
    whole = float(np.prod(1.0 + relative) - 1.0)
    total = relative * np.prod(1.0 + relative) / (1.0 + relative) / whole
    variance = whole * float(np.prod(means**2))
    space = cube(len(means))
    return Known(name, lambda x: factors(x).prod(axis=1), variance, relative / whole, total, space)


def _ishigami() -> Known:
    """Ishigami and Homma 1990, with a = 7 and b = 0.1."""

    def of(x: Array) -> Array:
        a, b, c = (2.0 * x - 1.0).T * math.pi
        return np.asarray(np.sin(a) + 7.0 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a))

    first = 0.5 * (1.0 + 0.1 * math.pi**4 / 5.0) ** 2
    second = 49.0 / 8.0
    both = 0.01 * math.pi**8 * (1.0 / 18.0 - 1.0 / 50.0)
    variance = first + second + both
    alone = np.array([first, second, 0.0]) / variance
    total = np.array([first + both, second, both]) / variance
    return Known("ishigami", of, variance, alone, total, cube(3))


def _g_function() -> Known:
    """Sobol's g-function: Saltelli et al. 2010."""
    a = np.array([0.0, 0.5, 1.5, 3.0, 6.0, 12.0])
    return product_of(
        "g", lambda x: (np.abs(4.0 * x - 2.0) + a) / (1.0 + a), np.ones(6), 1 / (3 * (1 + a) ** 2)
    )


def _exponentials() -> Known:
    rates = np.array([3.0, 2.0, 1.2, 0.7, 0.4])
    means = np.expm1(rates) / rates
    squares = np.expm1(2.0 * rates) / (2.0 * rates)
    return product_of("exponentials", lambda x: np.exp(rates * x), means, squares - means**2)


def _linear() -> Known:
    weights = np.array([7.0, 1.0, 5.0, 0.5, 3.0, 2.0, 0.2])
    parts = weights**2 / 12.0
    shares = parts / parts.sum()
    return Known("linear", lambda x: x @ weights, float(parts.sum()), shares, shares, cube(7))


def _mixed() -> Known:
    """A sum with a categorical parameter and a switch, which also interact."""
    choices = np.array([0.0, 3.0, 1.0])

    def of(x: Array) -> Array:
        chosen = np.minimum((3.0 * x[:, 0]).astype(int), 2)
        switch = x[:, 4] >= 0.5
        return np.asarray(choices[chosen] + 2.0 * x[:, 1] + x[:, 2] + 0.3 * x[:, 3] + 0.8 * switch)

    parts = np.array([choices.var(), 4.0 / 12.0, 1.0 / 12.0, 0.09 / 12.0, 0.64 / 4.0])
    space = at.Space(
        at.Categorical("kind", ["a", "b", "c"]),
        at.Float("x1", 0.0, 1.0),
        at.Float("x2", 0.0, 1.0),
        at.Float("x3", 0.0, 1.0),
        at.Bool("switch"),
    )
    shares = parts / parts.sum()
    return Known("mixed", of, float(parts.sum()), shares, shares, space)


ISHIGAMI, G_FUNCTION, EXPONENTIALS, LINEAR, MIXED = ALL = (
    _ishigami(),
    _g_function(),
    _exponentials(),
    _linear(),
    _mixed(),
)


def uniform_of(space: at.Space, params: dict[str, object]) -> Array:
    """Return a point (1, d) of the uniform cube that params stand for."""
    point = space.encode([space.check(params)])
    for dimension, axis in enumerate(space.axes):
        if axis.size:
            point[:, dimension] = (np.rint(point[:, dimension] * (axis.size - 1)) + 0.5) / axis.size
    return point
