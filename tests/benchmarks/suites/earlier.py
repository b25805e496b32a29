"""Pairs of tasks of one space: what was learned of one should help with the other, or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from attrs import frozen

import asktell as at
from suites import classic, mixed, selection
from suites.task import Params, Task


@frozen
class Pair:
    """An earlier task and a later one.

    Args:
        name: unique among all pairs.
        kind: ``related``, ``half`` or ``misleading``.
        source: of which there is a study already.
        target: which is to be minimised.
    """

    name: str
    kind: str
    source: Task
    target: Task


def _task(name: str, space: at.Space, function: Callable[[Params], float]) -> Task:
    return Task(name, "earlier", space, function, 40)


def _classic(name: str, of: classic.Classic, seed: int, share: float) -> Task:
    """Return a function that is moved by up to a share of each side."""
    low, high = np.array(of.domain).T
    moved = np.random.default_rng(seed).uniform(-share, share, len(low)) * (high - low)
    sides = enumerate(of.domain)
    space = at.Space(*(at.Float(f"x{i}", a, b) for i, (a, b) in sides))

    def function(p: Params) -> float:
        return of.function(np.array([p[name] for name in space.names]) - moved) - of.optimum

    return _task(name, space, function)


def _scaled(task: Task, factor: float, offset: float) -> Task:
    return _task(f"{task.name}_scaled", task.space, lambda p: factor * task.function(p) + offset)


def _bowl(name: str, best: list[float], widths: list[float]) -> Task:
    space = at.Space(*(at.Float(f"x{i}", 0.0, 1.0) for i in range(len(best))))

    def function(p: Params) -> float:
        far = [(p[f"x{i}"] - b) / w for i, (b, w) in enumerate(zip(best, widths, strict=True))]
        return math.log1p(sum(x**2 for x in far))

    return _task(name, space, function)


def _other_learner(p: Params) -> float:
    """Return the loss of a learner whose best rate and width are others, and whose data is less."""
    rate, width = p["rate"] / 2.0, round(min(p["width"] * 1.5, 1024))
    return 0.6 * mixed.learner({**p, "rate": rate, "width": width}) + 0.8


_SVM = {"model": "svm", "kernel": "rbf"}
_SVM_SPACE = at.Space(at.Float("C", 1e-3, 1e3, log=True), at.Float("gamma", 1e-5, 10.0, log=True))
_BOOSTING = {"model": "boosting", "sampled": True}
_BOOSTING_SPACE = at.Space(
    at.Float("rate", 0.01, 1.0, log=True),
    at.Int("boosting_depth", 1, 4),
    at.Float("rows", 0.2, 0.9),
    at.Int("trees", 3, 40, log=True),
)


def _tabulated(data: str, space: at.Space, choices: dict[str, Any]) -> Task:
    """Return the part of model selection that choices leave."""
    return _task(data, space, lambda p: selection.loss(data, {**choices, **p}))


def pairs() -> tuple[Pair, ...]:
    """Return all pairs."""
    branin = _classic("branin", classic.BRANIN, 1, 0.1)
    hartmann = _classic("hartmann_6", classic.HARTMANN_6, 2, 0.1)
    near_branin = _classic("branin_near", classic.BRANIN, 1, 0.05)
    near_hartmann = _classic("hartmann_near", classic.HARTMANN_6, 2, 0.05)
    learner = _task("learner", mixed.LEARNER, mixed.learner)
    best, widths = [0.2, 0.7, 0.35, 0.8, 0.6], [0.1, 0.2, 0.15, 0.3, 0.2]
    bowl = _bowl("bowl", best, widths)
    half = _bowl("bowl_half", [*best[:3], 0.2, 0.15], widths)
    far = _bowl("bowl_far", [1.0 - b for b in best], widths)
    return (
        Pair("branin", "related", _scaled(near_branin, 3.0, 20.0), branin),
        Pair("hartmann", "related", _scaled(near_hartmann, 10.0, -5.0), hartmann),
        Pair("learner", "related", _task("other", mixed.LEARNER, _other_learner), learner),
        Pair(
            *("svm_digits", "related"),
            _tabulated("wine", _SVM_SPACE, _SVM),
            _tabulated("digits", _SVM_SPACE, _SVM),
        ),
        Pair(
            *("boosting_cancer", "related"),
            _tabulated("wine", _BOOSTING_SPACE, _BOOSTING),
            _tabulated("cancer", _BOOSTING_SPACE, _BOOSTING),
        ),
        Pair("bowl_half", "half", half, bowl),
        Pair("bowl_far", "misleading", far, bowl),
        Pair("hartmann_negated", "misleading", _scaled(hartmann, -1.0, 0.0), hartmann),
        Pair("branin_negated", "misleading", _scaled(branin, -1.0, 0.0), branin),
    )
