"""The suites of constraints, several objectives and heavy noise, and how runs are scored."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import runs
import score_outcomes
from peers import PEERS, Params, Value, outcomes, spaces
from sessions import Local, Remote
from suites import (
    OUTCOMES,
    OUTCOMES_SUBSET,
    SUITES,
    OutcomesTask,
    bbob,
    fronts,
    quantisation_tables,
    suite,
    task,
)
from suites.outcomes import Outcomes
from suites.task import random_params, space_document

import asktell as at

TASKS: list[OutcomesTask] = [*suite("constrained"), *suite("several")]
each_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
NOISY = suite("noise_heavy")


def test_names_differ_and_the_subset_is_of_every_suite() -> None:
    everything = [task for name in (*SUITES, *OUTCOMES) for task in suite(name)]
    assert len({task.name for task in everything}) == len(everything)
    assert all(task.suite == name for name in OUTCOMES for task in suite(name))
    assert {task(name).suite for name in OUTCOMES_SUBSET} == set(OUTCOMES)


@each_task
def test_a_task_gives_its_outcomes_and_is_json(task: OutcomesTask) -> None:
    for params in random_params(task.space, 20, 0):
        values = task.evaluate(params)
        assert set(values) == set(task.outcomes.names)
        assert all(type(value) is float and math.isfinite(value) for value in values.values())
        assert values == task.evaluate(params)
    document = task.outcomes.document()
    assert json.loads(json.dumps(document)) == document
    space = space_document(task.space)
    assert json.loads(json.dumps(space)) == space
    for share in (0.0, 1.0):
        corner = {p["name"]: spaces.at_share(p, share) for p in spaces.parameters(space)}
        task.evaluate(corner)


@pytest.mark.parametrize("task", suite("constrained"), ids=lambda task: task.name)
def test_known_optima_are_feasible_and_attained(task: OutcomesTask) -> None:
    assert task.best is not None
    assert task.optimum is not None
    task.space.check(task.best)
    values = task.evaluate(task.best)
    (name,) = task.outcomes.objectives
    assert task.outcomes.feasible(values)
    assert values[name] == pytest.approx(task.optimum, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("task", suite("constrained"), ids=lambda task: task.name)
def test_no_feasible_params_are_better_than_the_optimum(task: OutcomesTask) -> None:
    assert task.best is not None
    assert task.optimum is not None
    (name,) = task.outcomes.objectives
    near = np.random.default_rng(0)
    for params in (*random_params(task.space, 2000, 0), *_beside(task, near)):
        values = task.evaluate(params)
        if task.outcomes.feasible(values):
            assert values[name] >= task.optimum - 1e-6 * max(1.0, abs(task.optimum))


def _beside(task: OutcomesTask, draws: np.random.Generator) -> list[dict[str, Any]]:
    """Return params near the optimum, of the numbers."""
    assert task.best is not None
    (best,) = task.space.encode([task.space.check(task.best)])
    points = np.clip(best + 0.003 * draws.standard_normal((2000, len(best))), 0.0, 1.0)
    return [task.space.params(values) for values in task.space.decode(task.space.snap(points))]


@pytest.mark.parametrize("task", suite("constrained"), ids=lambda task: task.name)
def test_constraints_bind_chance(task: OutcomesTask) -> None:
    feasible = [
        task.outcomes.feasible(task.evaluate(params))
        for params in random_params(task.space, 3000, 0)
    ]
    assert np.mean(feasible) < 0.75


@pytest.mark.parametrize("task", suite("several"), ids=lambda task: task.name)
def test_chance_finds_a_part_of_the_ideal_hypervolume(task: OutcomesTask) -> None:
    assert task.ideal is not None
    rows = [
        task.outcomes.losses(values)
        for params in random_params(task.space, 300, 0)
        if task.outcomes.feasible(values := task.evaluate(params))
    ]
    assert 0.0 < task.hypervolume(rows) < task.ideal


def test_the_fronts_of_zdt_and_dtlz2_have_their_ideal_hypervolume() -> None:
    shares = np.linspace(0.0, 1.0, 2001)
    for name, rest in (("zdt1", 0.0), ("zdt2", 0.0), ("zdt3", 0.0), ("dtlz2_two", 0.5)):
        known = task(name)
        rows = []
        for share in shares:
            params = dict.fromkeys(known.space.names, rest) | {"x0": float(share)}
            rows.append(known.outcomes.losses(known.evaluate(params)))
        assert known.hypervolume(rows) == pytest.approx(known.ideal, rel=2e-3)
        assert known.hypervolume(rows) <= known.ideal


def test_the_ideal_of_the_table_is_that_of_all_configurations() -> None:
    table = task("quantised_front")
    every = list(quantisation_tables.configurations())
    assert len(every) == table.space.size
    rows = [table.outcomes.losses(table.evaluate(params)) for params in every]
    assert table.hypervolume(rows) == pytest.approx(table.ideal, rel=1e-12)


# --- hypervolume ---


def test_hypervolume_of_known_cases() -> None:
    assert fronts.hypervolume([], (1.0, 1.0, 1.0)) == 0.0
    assert fronts.hypervolume([(0.25,), (0.5,)], (1.0,)) == 0.75
    assert fronts.hypervolume([(0.0, 0.5), (0.5, 0.0)], (1.0, 1.0)) == 0.75
    assert fronts.hypervolume([(0.0, 0.5), (0.5, 0.0), (0.5, 0.5)], (1.0, 1.0)) == 0.75
    assert fronts.hypervolume([(0.0, 1.5), (-1.0, 1.0)], (1.0, 1.0)) == 0.0
    assert fronts.hypervolume([(0.0, 0.0, 0.0)], (1.0, 2.0, 3.0)) == 6.0
    corners = [(0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0)]
    assert fronts.hypervolume(corners, (2.0, 2.0, 2.0)) == 4.0


@pytest.mark.parametrize("n", [2, 3, 4])
def test_hypervolume_is_that_of_the_union_of_boxes(n: int) -> None:
    draws = np.random.default_rng(n)
    for _ in range(5):
        rows = draws.integers(0, 5, (7, n))
        cells = itertools.product(range(5), repeat=n)
        covered = sum(any((row <= cell).all() for row in rows) for cell in cells)
        losses = [tuple(map(float, row)) for row in rows]
        assert fronts.hypervolume(losses, (5.0,) * n) == covered
        assert fronts.hypervolume(losses[::-1], (5.0,) * n) == covered


def test_a_front_has_no_dominated_rows_and_equals_once() -> None:
    rows = [(2.0, 1.0), (1.0, 2.0), (2.0, 2.0), (1.0, 2.0), (1.0, 3.0)]
    assert fronts.front(rows) == [(1.0, 2.0), (2.0, 1.0)]


# --- outcomes ---


def test_outcomes_know_what_is_feasible_and_what_is_a_loss() -> None:
    wanted = Outcomes(
        {"size": "minimize", "accuracy": "maximize"},
        {"accuracy": {"at_least": 0.9}, "memory": {"at_least": 1.0, "at_most": 2.0}},
    )
    values = {"size": 3.0, "accuracy": 0.9, "memory": 2.0}
    assert wanted.names == ("size", "accuracy", "memory")
    assert wanted.feasible(values)
    assert not wanted.feasible({**values, "memory": 2.5})
    assert not wanted.feasible({**values, "accuracy": 0.8})
    assert wanted.losses(values) == (3.0, -0.9)
    excesses = outcomes.excesses(wanted.document(), {**values, "memory": 2.5})
    assert excesses == {
        "accuracy at_least": 0.0,
        "memory at_least": -1.5,
        "memory at_most": 0.5,
    }
    assert outcomes.inequalities(wanted.document()) == [
        "accuracy >= 0.9",
        "memory >= 1.0",
        "memory <= 2.0",
    ]


# --- the protocol ---


def test_the_protocol_gives_what_the_peer_gives_in_this_process() -> None:
    with Remote("random") as session:
        for name in ("speed_reducer", "quantised_front", "hartmann_6_half"):
            local = runs.play(task(name), Local(PEERS["random"].load()), 5, 20)
            assert runs.play(task(name), session, 5, 20)[0] == local[0]


@pytest.mark.parametrize("name", ["gardner_1", "c2_dtlz2", "quantised_front", "branin_half"])
def test_the_engine_runs_on_outcomes(name: str) -> None:
    curve = runs.run_outcomes(task(name), 0, 12)
    assert curve.shape == (12,)
    assert np.isfinite(curve[-1])
    settings = at.Settings(n_initial=11)
    assert (runs.run_outcomes(task(name), 0, 12, settings) != curve).any()


class Keeps:
    """Asks for fixed params, and keeps what it is told."""

    def __init__(self, space: dict[str, Any], seed: int, budget: int, outcomes: Any = None) -> None:
        self.outcomes = outcomes
        self.told: list[Value] = []

    def ask(self) -> Params:
        return {"x": 1.5 * math.pi, "y": 0.5 * len(self.told)}

    def tell(self, params: Params, value: Value) -> None:
        self.told.append(value)


def test_a_peer_is_started_with_outcomes_and_told_dicts() -> None:
    made: list[Keeps] = []

    def make(*arguments: Any, **more: Any) -> Keeps:
        made.append(Keeps(*arguments, **more))
        return made[-1]

    steps, _ = runs.play(task("gardner_2"), Local(make), 0, 5)
    (peer,) = made
    assert peer.outcomes == {
        "objectives": {"value": "minimize"},
        "constraints": {"margin": {"at_most": -0.95}},
    }
    assert [value["margin"] for value in peer.told if isinstance(value, dict)] == pytest.approx(
        [-math.sin(0.5 * n) for n in range(4)]
    )
    assert steps == ((4, 0.5),)  # -sin(1.5) is the first that is low enough


class Recommends(Keeps):
    """Recommends what it asked for last, whatever it was told."""

    def ask(self) -> Params:
        return {"x0": float(len(self.told)), "x1": 7.5}

    def recommend(self) -> Params:
        return {"x0": float(len(self.told) - 1), "x1": 7.5}


def test_with_heavy_noise_the_recommendation_is_scored_without_noise() -> None:
    noisy = task("branin_half")
    steps, _ = runs.play(noisy, Local(Recommends), 0, 5)
    truth = [noisy.truth({"x0": float(i), "x1": 7.5}) for i in range(5)]
    assert [value for _, value in steps] == pytest.approx(truth, rel=1e-5)


def test_a_peer_that_recommends_nothing_stands_by_the_best_it_was_told() -> None:
    noisy = task("branin_half")
    told = [noisy.evaluate({"x0": float(i), "x1": 7.5}, 0, i + 1) for i in range(5)]

    class Asks(Keeps):
        def ask(self) -> Params:
            return {"x0": float(len(self.told)), "x1": 7.5}

    steps, _ = runs.play(noisy, Local(Asks), 0, 5)
    best = {"x0": float(np.argmin(told)), "x1": 7.5}
    assert steps[-1][1] == pytest.approx(noisy.truth(best), rel=1e-5)


@pytest.mark.parametrize("noisy", NOISY, ids=lambda noisy: noisy.name)
def test_noise_is_a_share_of_the_range(noisy: Any) -> None:
    values = [noisy.truth(params) for params in random_params(noisy.space, 1000, 1)]
    low, high = np.quantile(values, [0.05, 0.95])
    share = 0.5 if noisy.name.endswith("_half") else 0.1
    assert noisy.noise == pytest.approx(share * (high - low), rel=0.2)
    assert noisy.recommended


def test_there_are_ten_noisy_tasks_with_the_package_of_bbob() -> None:
    assert len(NOISY) == 10 if bbob.available() else 8


# --- curves and scores ---


def test_curves_of_random_search_have_their_shapes() -> None:
    def curve(name: str) -> Any:
        steps, seconds = runs.play(task(name), Local(PEERS["random"].load()), 0, 40)
        return runs.Run("random", "", name, 0, 40, steps, seconds).curve()

    best = curve("gardner_2")
    assert np.isnan(best[0])
    assert (np.diff(best[~np.isnan(best)]) <= 0).all()
    volume = curve("branin_currin_disk")
    assert (np.diff(volume) >= 0).all()
    assert 0 < volume[-1] < task("branin_currin_disk").ideal


def test_a_maximised_objective_has_a_rising_curve() -> None:
    wanted = Outcomes({"gain": "maximize"}, {"x": {"at_most": 0.5}})
    space = at.Space(at.Float("x", 0.0, 1.0))
    rising = OutcomesTask(
        "rising", "constrained", space, lambda p: {"gain": p["x"], "x": p["x"]}, 30, wanted
    )
    steps, _ = runs.play(rising, Local(PEERS["random"].load()), 0, 30)
    values = [value for _, value in steps]
    assert values == sorted(values)
    assert 0 < values[-1] <= 0.5


def test_ahead_counts_pairs_and_ties_half_and_nothing_feasible_behind() -> None:
    engine = np.array([[np.inf, 1.0], [2.0, 1.0]])
    peer = np.array([[np.inf, np.inf], [2.0, 1.0], [3.0, 0.5]])
    assert score_outcomes.ahead(engine, peer).tolist() == [
        (0.5 + 0 + 0 + 1 + 0.5 + 1) / 6,
        (1 + 0.5 + 0) / 3,
    ]


def test_tables_are_made_of_records(tmp_path: Path) -> None:
    for peer, value in (("asktell", 0.4), ("random", 0.3)):
        for name, suite_name in (("c2_dtlz2", "several"), ("gardner_2", "constrained")):
            run = runs.Run(peer, "", name, 0, 3, ((2, value),), 0.0)
            runs.append(run, runs.path(peer, suite_name, tmp_path))
    assert "| random | 1 | 1 | 100% | 83% |" in score_outcomes.rows("several", tmp_path)
    assert "| random | 1 | 1 | 0% | 17% |" in score_outcomes.rows("constrained", tmp_path)
