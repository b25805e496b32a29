"""Which branch is to be tried: a bandit over what is active together."""

from __future__ import annotations

import numpy as np

import asktell as at
from asktell.asking.branches import branch_of, designed
from asktell.asking.evidence import dataset_of
from asktell.asking.fitting import fit_of
from asktell.model.posterior import posterior_of

SPACE = at.Space(
    at.Categorical("b", ["one", "two", "three"]),
    at.Float("x1", 0.0, 1.0, when={"b": "one"}),
    at.Float("x2", 0.0, 1.0, when={"b": "two"}),
    at.Float("x3", 0.0, 1.0, when={"b": "three"}),
)


def chosen(state: at.State) -> str:
    """Return the branch that is to be tried."""
    data = dataset_of(state)
    posterior = posterior_of(SPACE.domain, data, fit_of(state, data).found)
    candidates = SPACE.domain.sample(np.random.default_rng(0).random((64, SPACE.dim)))
    outside = branch_of(state.problem, posterior, candidates)
    inside = {values[0] for values in SPACE.decode(candidates[~outside(candidates)])}
    (branch,) = inside
    return str(branch)


def told(rows: list[tuple[str, float, float | None]], **wanted: object) -> at.State:
    """Return a state with these branches, positions and targets; None for a failure."""
    state = at.State.start(SPACE, goal="maximize")
    for branch, x, target in rows:
        name = {"one": "x1", "two": "x2", "three": "x3"}[branch]
        params = {"b": branch, name: x}
        state = at.fail(state, params) if target is None else at.observe(state, params, target)
    return state


def test_a_branch_that_nobody_tried_comes_first() -> None:
    rows = [(branch, x / 10, x / 10) for branch in ("one", "two") for x in range(8)]

    assert chosen(told(rows)) == "three"


def test_of_equals_the_one_tried_less_often_is_chosen() -> None:
    rows = [("one", x / 10, 1.0 - x / 100) for x in range(8)]
    rows += [("two", x / 10, 1.0 - x / 100) for x in range(3)]
    rows += [("three", x / 10, 1.0 - x / 100) for x in range(7)]

    assert chosen(told(rows)) == "two"


def test_a_branch_that_is_far_behind_is_left_alone() -> None:
    rows: list[tuple[str, float, float | None]] = [("one", x / 10, 9.0 + x / 10) for x in range(5)]
    rows += [("two", x / 10, x / 10) for x in range(9)]
    rows += [("three", x / 10, x / 10) for x in range(9)]

    assert chosen(told(rows)) == "one"


def test_failures_count_as_trials() -> None:
    rows: list[tuple[str, float, float | None]] = [("one", x / 10, float(x)) for x in range(5)]
    rows += [("two", x / 10, float(x)) for x in range(5)]
    rows += [("three", x / 10, None) for x in range(9)]

    assert chosen(told(rows)) in ("one", "two")


def test_all_branches_are_tried_and_the_best_most_often() -> None:
    engine = at.Engine(SPACE, seed=1, goal="maximize")
    for _ in range(36):
        asked = engine.suggest()
        base = {"one": 0.0, "two": 1.0, "three": 0.3}[asked.params["b"]]
        x = next(value for name, value in asked.params.items() if name != "b")
        engine.observe(asked, base - (x - 0.4) ** 2)

    counts = {b: sum(t.params["b"] == b for t in engine.trials) for b in ("one", "two", "three")}
    assert min(counts.values()) >= 3
    assert max(counts, key=lambda b: counts[b]) == "two"


def test_a_branch_of_one_configuration_is_not_asked_for_again() -> None:
    space = at.Space(
        at.Categorical("b", ["none", "some"]), at.Float("x", 0.0, 1.0, when={"b": "some"})
    )
    engine = at.Engine(space, seed=0)
    for _ in range(20):
        asked = engine.suggest()
        engine.observe(asked, 1.0 if asked.params["b"] == "none" else asked.params["x"])

    assert sum(trial.params["b"] == "none" for trial in engine.trials) == 1
    assert {trial.origin for trial in engine.trials[5:]} == {"model"}


def test_several_objectives_have_branches_too() -> None:
    engine = at.Engine(SPACE, seed=1, objectives={"a": "maximize", "b": "minimize"})
    for _ in range(16):
        asked = engine.suggest()
        x = next(value for name, value in asked.params.items() if name != "b")
        engine.observe(asked, {"a": x, "b": x * x + len(asked.params["b"])})

    assert len({trial.params["b"] for trial in engine.trials}) == 3


def test_what_is_new_begins_in_the_middle_and_with_draws() -> None:
    space = at.Space(
        at.Categorical("b", ["one", "two"]),
        at.Float("x", 0.0, 1.0, when={"b": "one"}, default=0.25),
        at.Float("y", 0.0, 1.0, when={"b": "two"}),
    )
    state = at.State.start(space)
    for x in range(6):
        state = at.observe(state, {"b": "one", "x": x / 10}, float(x))
    data = dataset_of(state)
    random = np.random.default_rng(0)
    corner = space.encode([space.check({"b": "two", "y": 1.0})])[0]
    known = space.encode([space.check({"b": "one", "x": 1.0})])[0]

    assert space.decode(designed(space.domain, data, corner, random)[None])[0][2] == 0.5
    assert designed(space.domain, data, known, random).tolist() == known.tolist()
    state = at.observe(state, {"b": "two", "y": 0.5}, 0.0)
    drawn = designed(space.domain, dataset_of(state), corner, random)
    assert space.decode(drawn[None])[0][2] not in (0.5, 1.0)
    plain = at.Space(at.Float("x", 0.0, 1.0))
    assert designed(plain.domain, data, known, random) is known
