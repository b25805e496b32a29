"""The suites over spaces as people have them, and what the peers are given of conditions."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import beside
import big_spaces
import gains
import numpy as np
import pytest
import runs
from gains import WITHOUT, Case
from peers import PEERS, spaces
from sessions import Local
from suites import SPACES, Task, big, earlier, known_constraints, selection, suite
from suites.beliefs import beliefs
from suites.broken import broken
from suites.task import boxed, random_params, space_document

import asktell as at

TASKS = [task for name in SPACES for task in suite(name)]
CONDITIONAL = [task for task in TASKS if task.suite.startswith("conditional")]
CONSTRAINED = suite("known_constraints")
each_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
each_conditional = pytest.mark.parametrize("task", CONDITIONAL, ids=lambda task: task.name)
each_constrained = pytest.mark.parametrize("task", CONSTRAINED, ids=lambda task: task.name)


def by_chance(task: Task, n: int, seed: int = 0) -> list[dict[str, Any]]:
    """Return what the peer of that name asks for: without constraints that are broken."""
    peer = PEERS["random"].load()(space_document(task.space), seed, n)
    return [peer.ask() for _ in range(n)]


def depth(space: at.Space, name: str) -> int:
    """Return how many parameters there are in the longest chain that ends with one."""
    when = space.parameters[space.index[name]].when
    return 1 + max((depth(space, parent) for parent in when.names), default=0) if when else 1


def test_there_are_enough_tasks_and_several_are_deep() -> None:
    assert len({task.name for task in TASKS}) == len(TASKS)
    assert all(task.suite == name for name in SPACES for task in suite(name))
    open_ones = [task for task in CONDITIONAL if task.suite == "conditional"]
    assert len(open_ones) >= 8
    assert len(CONSTRAINED) >= 6
    deep = [max(depth(t.space, name) for name in t.space.names) for t in open_ones]
    assert sum(levels >= 3 for levels in deep) >= 6


@each_task
def test_a_task_has_the_same_values_in_every_run(task: Task) -> None:
    for params in by_chance(task, 5 if task.name == "tiny" else 20):
        task.space.check(params)
        value = task.evaluate(params, 0, 1)
        assert math.isfinite(value)
        assert value == task.evaluate(params, 3, 2) == task.truth(params)


@each_task
def test_no_params_are_better_than_the_known_optimum(task: Task) -> None:
    n = 10 if task.name == "tiny" else 300  # of a million draws each
    values = [task.truth(params) for params in by_chance(task, n)]
    assert max(values) > min(values)
    if task.optimum is not None:
        assert min(values) >= task.optimum - 1e-6


@each_conditional
def test_a_search_by_hand_comes_close_to_the_optimum(task: Task) -> None:
    """Move one parameter at a time, from the best of chance: the optimum is not out of reach."""
    draws = np.random.default_rng(0)
    best = min(random_params(task.space, 1000, 1), key=task.truth)
    value = task.truth(best)
    for step in np.geomspace(0.3, 0.01, 600):
        (point,) = task.space.encode([task.space.check(best)])
        moved = np.where(point < 0, draws.random(len(point)), point)
        changed = draws.random(len(point)) < 1.5 / task.space.domain.n_active
        moved = np.clip(moved + changed * draws.normal(0.0, step, len(point)), 0.0, 1.0)
        (values,) = task.space.decode(
            task.space.domain.settled(task.space.snap(moved[None]), moved)
        )
        tried = task.space.params(values)
        if task.truth(tried) < value:
            best, value = tried, task.truth(tried)
    if task.optimum is not None:
        spread = np.median([task.truth(p) for p in random_params(task.space, 200, 2)])
        assert value <= task.optimum + 0.25 * (spread - task.optimum)


@each_constrained
def test_the_best_params_keep_the_constraints_and_have_the_optimum(task: Task) -> None:
    best = known_constraints.best(task.name)
    task.space.check(best)
    assert task.truth(best) == pytest.approx(task.optimum, abs=1e-9)
    box = boxed(task.space)
    if all(isinstance(p, at.Float) for p in box.parameters):
        for params in random_params(box, 200, 0):
            near = {n: best[n] + 1e-3 * (params[n] - best[n]) for n in best}
            assert broken(task.space, near) or task.truth(near) >= task.optimum - 1e-5


@each_constrained
def test_what_breaks_a_constraint_is_told_a_penalty_that_grows(task: Task) -> None:
    outside = [p for p in random_params(boxed(task.space), 200, 0) if broken(task.space, p)]
    assert outside
    assert task.penalty is not None
    told = {broken(task.space, p): task.evaluate(p) for p in outside}
    assert sorted(told.values()) == [value for _, value in sorted(told.items())]
    assert min(told.values()) > task.penalty
    assert all(math.isnan(task.truth(p)) for p in outside)


def test_constraints_are_broken_by_shares_of_what_is_possible() -> None:
    space = at.Space(
        *(at.Float(name, 0.0, 2.0) for name in "ab"),
        at.Ordinal("c", [1, 5]),
        at.Bool("d"),
        constraints=[
            at.Linear({"a": 1.0, "b": -1.0}, at_most=1.0),
            at.Ordered("b", "c"),
            at.Forbidden({"d": True}),
        ],
    )
    assert broken(space, {"a": 0.5, "b": 0.0, "c": 1, "d": False}) == 0.0
    assert broken(space, {"a": 2.0, "b": 0.0, "c": 1, "d": False}) == pytest.approx(0.25)
    assert broken(space, {"a": 2.0, "b": 2.0, "c": 1, "d": True}) == pytest.approx(1.25)
    shares = at.Space(*(at.Float(n, 0.0, 1.0) for n in "ab"), constraints=[at.Simplex("a", "b")])
    assert broken(shares, {"a": 1.0, "b": 0.5}) == pytest.approx(0.25)


def test_a_trial_that_breaks_a_constraint_counts_and_scores_nothing() -> None:
    class Outside:
        def __init__(self, space: dict[str, Any], seed: int, budget: int) -> None:
            self.told: list[float] = []

        def ask(self) -> dict[str, float]:
            return {"x0": 10.0 if len(self.told) < 2 else -3.0, "x1": 5.0}

        def tell(self, params: dict[str, float], value: float) -> None:
            self.told.append(value)

    task = next(task for task in CONSTRAINED if task.name == "linear_2")
    steps, _ = runs.play(task, Local(Outside), 0, 4)
    assert [trial for trial, _ in steps] == [3]


# --- what peers are given ---


def test_conditions_as_peers_see_them() -> None:
    space = at.Space(
        at.Categorical("a", ["x", "y", "z"]),
        at.Int("n", 2, 20, step=3, when={"a": ["x", "z"]}),
        at.Float("r", 0.0, 1.0, when={"n": at.AtLeast(8)}),
        at.Float("s", 0.0, 1.0, when={"r": at.AtMost(0.5), "a": "z"}),
    )
    a, n, r, s = spaces.parameters(space_document(space))
    assert spaces.naturals(a, n["when"]["a"]) == [0, 2]
    assert spaces.naturals(n, r["when"]["n"]) == [2, 3, 4, 5, 6]
    assert spaces.naturals(r, s["when"]["r"]) is None
    assert spaces.active(s, {"a": "z", "n": 8, "r": 0.5})
    assert not spaces.active(s, {"a": "z", "n": 8, "r": 0.6})
    assert not spaces.active(s, {"a": "z"})


def test_shares_of_peers_without_such_constraints_are_divided() -> None:
    shares = at.Space(
        *(at.Float(n, 0.0, 1.0) for n in "abc"), constraints=[at.Simplex("a", "b", total=2.0)]
    )
    document = space_document(shares)
    assert spaces.normalised(document, {"a": 0.9, "b": 0.3, "c": 0.3}) == {
        "a": pytest.approx(1.5),
        "b": pytest.approx(0.5),
        "c": 0.3,
    }
    assert spaces.normalised(document, {"a": 0.0, "b": 0.0, "c": 0.3})["a"] == 0.0


# --- tables ---


def test_a_measured_configuration_has_what_was_measured() -> None:
    row = 0
    for branch in selection.BRANCHES:
        for params in branch.configurations():
            if row % 50 == 0:
                expected = selection.tables.read("select_cancer")[row]
                assert selection.loss("cancer", params) == pytest.approx(expected)
            row += 1
    assert row == len(selection.tables.read("select_cancer"))


def test_between_measured_numbers_losses_lie_between() -> None:
    ends = [
        selection.loss("digits", {"model": "linear", "penalty": "l2", "alpha": alpha})
        for alpha in (1e-3, 10**-2.5, 1e-2)
    ]
    assert ends[1] == pytest.approx((ends[0] + ends[2]) / 2)


# --- gains ---


def test_goals_are_of_the_run_without_and_counts_are_of_both() -> None:
    without = np.array([10.0, 8.0, 8.0, 2.0, 2.0, 1.95])
    other = np.array([9.0, 2.0, 1.0, 1.0, 1.0, 1.0])
    assert gains.counts(without, other, 6) == (4, 2)
    assert gains.counts(without, other, 3) == (2, 2)
    assert gains.counts(without, np.full(6, 5.0), 6) == (4, 7)


def test_gains_are_recorded_once_and_shown(tmp_path: Path) -> None:
    task = earlier.pairs()[0].target
    made: list[int] = []

    def make(seed: int) -> at.Engine:
        made.append(seed)
        return at.Engine(task.space, seed=seed, settings=at.Settings(n_initial=10**6))

    case = Case("branin", "related", task, {WITHOUT: make, "learned": make})
    for _ in range(2):
        gains.record(case, 2, "transfer", tmp_path)
    assert made == [0, 1, 0, 1]
    header, _, row, mean = gains.rows([case], "transfer", tmp_path)
    assert row.split(" | ")[0] == "| branin"
    assert row.split(" | ")[5] == "1.00"
    assert header.count("|") == row.count("|")
    assert mean.startswith("| geometric mean | related |")


def test_pairs_of_tasks_share_a_space_and_are_of_all_kinds() -> None:
    pairs = earlier.pairs()
    assert len(pairs) >= 6
    assert all(pair.source.space == pair.target.space for pair in pairs)
    assert {pair.kind for pair in pairs} == {"related", "half", "misleading"}


@pytest.mark.parametrize("belief", beliefs(), ids=lambda belief: belief.task.name)
def test_right_beliefs_are_good_and_wrong_ones_are_not(belief: Any) -> None:
    values = [belief.task.truth(p) for p in random_params(belief.task.space, 500, 0)]
    belief.task.space.check(belief.right)
    assert belief.task.truth(belief.right) <= np.quantile(values, 0.06)
    document = belief.document(belief.wrong)
    assert json.loads(json.dumps(document)) == document
    rows = {row["name"]: row["likely"] for row in document["parameters"]}
    assert all(rows[name] == [value] for name, value in belief.wrong.items())


# --- big spaces ---


@pytest.mark.parametrize("name", ["ints_of_2_53", "ordinal_10000", "bools_200"])
def test_a_big_space_has_a_function_of_about_one(name: str) -> None:
    task = big.task(name)
    values = [task.truth(p) for p in random_params(task.space, 300, 0)]
    assert 0.1 < np.mean(values) < 2.0
    assert min(values) > 0.0


def test_a_space_is_measured_in_a_process_of_its_own() -> None:
    run = big_spaces.measured("ordinal_10000", 0, 2)
    assert run is not None
    assert len(run["values"]) == len(run["cpu"]) == 2
    assert run["megabytes"] > 10
    assert big_spaces.ahead(np.array([[3.0, 1.0]]), np.array([[2.0, 2.0]]), 2) == "100%"
    assert big_spaces.ahead(np.array([[3.0, 1.0]]), np.array([[2.0, 2.0]]), 3) == ""


def test_the_engine_beside_what_is_recorded(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["beside.py", "--suite", "conditional", "--task", "jenatton", "--seeds", "1"]
    monkeypatch.setattr("sys.argv", [*arguments, "--trials", "6"])
    beside.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| task | known | asktell |")
    assert lines[2].startswith("| jenatton | 0.1 | ")
    assert lines[3].startswith("| mean |")
