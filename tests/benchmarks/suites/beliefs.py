"""Tasks with beliefs about where good values are: right ones, and wrong ones.

A right belief is the best value moved by a twentieth of the range, and the best choice. A wrong one
lies half the range away from it, and is the worst choice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import frozen

import asktell as at
from suites import choices, classic, mixed, trees
from suites.task import Task, space_document

NEAR = 0.05


@frozen
class Belief:
    """A task, and what may be believed of it, for each parameter."""

    task: Task
    right: Mapping[str, Any]
    wrong: Mapping[str, Any]

    def document(self, beliefs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the task's space with beliefs, in the layout of a state's dict."""
        document = space_document(self.task.space)
        for row in document["parameters"]:
            if row["name"] in beliefs:
                row["likely"] = [beliefs[row["name"]]]
        return document


def _belief(task: Task, best: Mapping[str, Any], worst: Mapping[str, Any] | None = None) -> Belief:
    """Return beliefs about a task, of which the best params are known, and the worst choices."""
    space = task.space
    draws = np.random.default_rng(len(task.name))
    right, wrong = dict(best), dict(worst or {})
    for parameter in space.parameters:
        name = parameter.name
        if name not in best or not isinstance(parameter, at.Float | at.Int):
            continue
        position = float(parameter.encode([best[name]])[0])
        moved = position + NEAR * (1.0 if draws.random() < 0.5 else -1.0)
        places = np.array([min(max(moved, 0.0), 1.0), (position + 0.5) % 1.0])
        right[name], wrong[name] = parameter.decode(parameter.axis.snap(places))
    return Belief(task, right, wrong)


def _alloy(row: int) -> str:
    names = choices.ALLOYS.parameters[0]
    assert isinstance(names, at.Categorical)
    return str(names.choices[row])


def beliefs() -> tuple[Belief, ...]:
    """Return all tasks with beliefs."""
    plain = {task.name: task for task in (*mixed.TASKS, *choices.TASKS)}
    good = int(np.argmin(choices.ALLOY_LOSS))
    bad = int(np.argmax(choices.ALLOY_LOSS))
    where = {f"x{i}": float(x) for i, x in enumerate(choices.ALLOY_BEST[good])}
    engine = Task("engine", "conditional", trees.ENGINE, trees.engine, 40)
    training = Task("training", "conditional", trees.TRAINING, trees.training, 40)
    return (
        _belief(classic.BRANIN.task(shift=0.0), {"x0": math.pi, "x1": 2.275}),
        _belief(
            classic.HARTMANN_6.task(shift=0.0),
            dict(
                zip(
                    (f"x{i}" for i in range(6)),
                    (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573),
                    strict=True,
                )
            ),
        ),
        _belief(
            plain["learner"],
            {
                "rate": 10**-2.86,
                "decay": 0.3,
                "depth": 7,
                "width": 128,
                "kernel": "rbf",
                "bits": 8,
                "bias": True,
            },
            {"kernel": "sigmoid", "bits": 2, "bias": False},
        ),
        _belief(plain["alloys"], {"alloy": _alloy(good), **where}, {"alloy": _alloy(bad)}),
        _belief(
            training,
            {
                "optimiser": "lion",
                "schedule": "drops",
                "rate": 10**-3.6,
                "momentum": 0.75,
                "decay": 0.97,
                "drops": 3,
                "factor1": 0.5,
                "factor2": 0.3,
                "factor3": 0.2,
            },
            {"optimiser": "sgd", "schedule": "constant"},
        ),
        _belief(
            engine,
            {
                "engine": "hybrid",
                "mass": 10**3.05,
                "gears": 4,
                "fuel": "hydrogen",
                "turbo": True,
                "boost": 1.3,
                "waste": 0.35,
                "pressure": 10**2.7,
                "cells": 50,
                "chemistry": "solid",
                "cooling": 0.7,
            },
            {"engine": "turbine", "fuel": "diesel", "turbo": False, "chemistry": "lead"},
        ),
    )
