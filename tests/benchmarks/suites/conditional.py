"""Conditional spaces: what there is to choose depends on what was chosen, three levels and deeper.

``held_out`` are tasks of the same kinds that the engine is not tuned on.
"""

from __future__ import annotations

from collections.abc import Callable

import asktell as at
from suites import network, selection, trees
from suites.task import Params, Task

BUDGET = 60

SMALL_FIRST = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5]
"""How many floats each branch has; the later ones are the better ones."""


def _task(
    suite: str,
    name: str,
    space: at.Space,
    function: Callable[[Params], float],
    optimum: float | None,
) -> Task:
    return Task(name, suite, space, function, BUDGET, optimum)


def tasks() -> tuple[Task, ...]:
    """Return all tasks of the suite."""
    suite = "conditional"
    branches, tree = trees.Branches(SMALL_FIRST, 12), trees.Tree(3, 3, 3)
    return (
        _task(suite, "jenatton", trees.JENATTON, trees.jenatton, trees.JENATTON_OPTIMUM),
        _task(suite, "branches_12", branches.space, branches, branches.optimum),
        _task(suite, "training", trees.TRAINING, trees.training, trees.TRAINING_OPTIMUM),
        _task(suite, "stages", trees.STAGES, trees.stages, trees.STAGES_OPTIMUM),
        _task(suite, "engine", trees.ENGINE, trees.engine, trees.ENGINE_OPTIMUM),
        _task(suite, "tree", tree.space, tree, tree.optimum),
        selection.task("cancer", suite),
        selection.task("digits", suite),
        selection.task("diabetes", suite),
        _task(suite, "network_digits", network.SPACE, network.loss, None),
    )


def held_out() -> tuple[Task, ...]:
    """Return all tasks of the suite that is kept aside."""
    suite = "conditional_held_out"
    branches, tree = trees.Branches([2] * 8 + [3] * 8, 16), trees.Tree(4, 2, 4)
    return (
        _task(suite, "branches_16", branches.space, branches, branches.optimum),
        _task(suite, "tree_4", tree.space, tree, tree.optimum),
        selection.task("wine", suite),
    )
