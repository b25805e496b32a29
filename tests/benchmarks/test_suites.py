"""The benchmark itself: its tasks, the peers' protocol, and the records."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import runs
from peers import PEERS, spaces
from peers.failures import Outcome, WorstSeen
from sessions import Local, PeerError, Remote
from suites import SUBSET, SUITES, Task, bbob, suite, tables, task
from suites.task import centre, random_params, space_document

import asktell as at

TASKS = [task for name in SUITES for task in suite(name)]
each_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


@pytest.fixture(autouse=True)
def _needs_coco(request: pytest.FixtureRequest) -> None:
    task = getattr(request.node, "callspec", None) and request.node.callspec.params.get("task")
    if task and task.name.startswith("bbob") and not bbob.available():
        pytest.skip("the environment of the tasks is not made")


def test_there_are_sixty_tasks_with_different_names() -> None:
    assert len({task.name for task in TASKS}) == len(TASKS) >= 60
    assert all(task.suite == name for name in SUITES for task in suite(name))
    assert {task.suite for task in TASKS if task.name in SUBSET} == set(SUITES)
    assert len({task.name for task in TASKS} & set(SUBSET)) == len(SUBSET)


@each_task
def test_a_task_has_the_same_values_in_every_run(task: Task) -> None:
    for params in (centre(task.space), *random_params(task.space, 5, 1)):
        task.space.check(params)
        first, again = task.evaluate(params, 3, 1), task.evaluate(params, 3, 1)
        np.testing.assert_equal(first, again)
        if math.isfinite(first) and task.noise:
            assert first != task.evaluate(params, 3, 2)
        elif math.isfinite(first):
            assert first == task.truth(params)


@each_task
def test_known_optima_are_no_worse_than_what_chance_finds(task: Task) -> None:
    values = np.array([task.truth(params) for params in random_params(task.space, 1000, 0)])
    failures = float(np.isnan(values).mean())
    assert 0.2 <= failures <= 0.6 if task.suite == "failing" else failures == 0.0
    assert np.nanmax(values) > np.nanmin(values)
    if task.optimum is not None:
        assert np.nanmin(values) >= task.optimum - 1e-9


@each_task
def test_a_space_is_json_that_peers_understand(task: Task) -> None:
    document = space_document(task.space)
    assert json.loads(json.dumps(document)) == document
    for share in (0.0, 0.3, 1.0):
        parameters = spaces.parameters(document)
        params = {p["name"]: spaces.at_share(p, share) for p in parameters}
        assert task.space.params(task.space.check(params)) == params
    naturals = [(p, spaces.natural(p)) for p in spaces.parameters(document)]
    for ends in ([n.low for _, n in naturals], [n.high for _, n in naturals]):
        pairs = zip(naturals, ends, strict=True)
        params = {p["name"]: spaces.from_natural(p, end) for (p, _), end in pairs}
        assert task.space.params(task.space.check(params)) == params


def test_a_number_with_a_step_is_the_int_of_its_place() -> None:
    space = at.Space(
        at.Float("a", 0.2, 1.0, step=0.05), at.Int("b", 3, 23, step=5), at.Int("c", 2, 9)
    )
    a, b, c = spaces.parameters(space_document(space))
    assert spaces.natural(a) == ("a", "int", 0, 16, False)
    assert spaces.from_natural(a, 3) == pytest.approx(0.35)
    assert spaces.natural(b) == ("b", "int", 0, 4, False)
    assert spaces.from_natural(b, 2) == 13
    assert spaces.natural(c) == ("c", "int", 2, 9, False)


def test_failures_get_the_worst_value_seen_and_wait_for_the_first() -> None:
    worst = WorstSeen()
    assert worst.outcomes("a", None) == []
    assert worst.outcomes("b", 2.0) == [Outcome("a", 2.0, True), Outcome("b", 2.0, False)]
    assert worst.outcomes("c", 5.0) == [Outcome("c", 5.0, False)]
    assert worst.outcomes("d", 1.0) == [Outcome("d", 1.0, False)]
    assert worst.outcomes("e", None) == [Outcome("e", 5.0, True)]


@pytest.mark.parametrize("task", suite("tuning"), ids=lambda task: task.name)
def test_a_table_holds_every_configuration(task: Task) -> None:
    assert task.space.size == len(tables.read(task.name))
    for index in (0, 1, 777, task.space.size - 1):
        params = task.space.params(task.space.configuration(index))
        assert tables.row(task.space, params) == index


def test_the_protocol_gives_what_the_peer_gives_in_this_process() -> None:
    reaction = task("reaction")
    local = runs.play(reaction, Local(PEERS["random"].load()), 5, 20)
    with Remote("random") as session:
        assert runs.play(reaction, session, 5, 20)[0] == local[0]
        assert runs.play(reaction, session, 6, 20)[0] != local[0]
        assert session.version == f"numpy {np.__version__}"


def test_an_error_of_a_peer_comes_with_its_trace() -> None:
    with Remote("random") as session, pytest.raises(PeerError, match="KeyError"):
        session.start({"nothing": []}, 0, 1)


def test_a_peer_that_is_told_of_failures_goes_on() -> None:
    failing = task("branin_failing")
    steps, _ = runs.play(failing, Local(PEERS["asktell"].load()), 0, 8)
    assert all(math.isfinite(value) for _, value in steps)


def test_a_curve_is_the_best_of_the_observed() -> None:
    curve = runs.run_engine(task("branin"), 0, 8)
    assert curve.shape == (8,)
    assert (np.diff(curve) <= 0).all()
    settings = at.Settings(n_initial=7)
    assert (runs.run_engine(task("branin"), 0, 8, settings) != curve).any()


def test_records_come_back(tmp_path: Path) -> None:
    run = runs.Run("peer", "peer 1.0", "branin", 3, 10, ((2, 1.5), (7, 0.25)), 0.01)
    file = runs.path("peer", "continuous", tmp_path)
    assert runs.read(file) == []
    runs.append(run, file)
    runs.append(run, file)
    assert runs.read(file) == [run, run]
    np.testing.assert_equal(run.curve(), [np.nan] + [1.5] * 5 + [0.25] * 4)
