"""The Optuna sampler in real studies; Optuna's own suite is in ``test_optuna_suite.py``."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Thread
from typing import Any

import numpy as np
import optuna
import pytest

import asktell as at
from asktell.integrations import optuna as asktell_optuna
from asktell.integrations.optuna import AskTellSampler, trials_of

QUICK: dict[str, Any] = {"n_candidates": 64, "n_starts": 2}

WORKER = """
import sys, time
import optuna
from asktell.integrations.optuna import AskTellSampler

def objective(trial):
    a, b = trial.suggest_int("a", 0, 9), trial.suggest_categorical("b", ["u", "v", "w", None])
    return a + (b == "v")

optuna.logging.disable_default_handler()
sampler = AskTellSampler(seed=3, n_candidates=64, n_starts=2)
study = optuna.load_study(study_name="farm", storage=sys.argv[1], sampler=sampler)
study.optimize(objective, n_trials=int(sys.argv[2]))
"""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    optuna.logging.disable_default_handler()
    yield
    optuna.logging.enable_default_handler()


def study_of(direction: str = "maximize", **arguments: Any) -> Any:
    return optuna.create_study(
        direction=direction, sampler=AskTellSampler(**{"seed": 1, **QUICK, **arguments})
    )


def quadratic(trial: Any) -> float:
    x, n = trial.suggest_float("x", -5.0, 5.0), trial.suggest_int("n", 1, 9)
    return -((x - 1.0) ** 2) - (n - 3) ** 2 / 4 + (trial.suggest_categorical("c", "uv") == "v")


def test_it_finds_the_best_of_a_mixed_space() -> None:
    study = study_of(n_candidates=256, n_starts=4)
    study.optimize(quadratic, n_trials=30)
    assert study.best_value > 0.95


def test_it_minimises_where_the_study_does() -> None:
    study = study_of("minimize", n_candidates=256, n_starts=4)
    study.optimize(lambda trial: -quadratic(trial), n_trials=30)
    assert study.best_value < -0.95


def test_what_it_suggests_depends_on_the_study_alone() -> None:
    whole = study_of()
    whole.optimize(quadratic, n_trials=16)
    parts = study_of()
    for _ in range(16):
        parts.sampler = AskTellSampler(seed=1, **QUICK)
        parts.optimize(quadratic, n_trials=1)
    assert [trial.params for trial in whole.trials] == [trial.params for trial in parts.trials]
    other = study_of(seed=2)
    other.optimize(quadratic, n_trials=16)
    assert other.trials[0].params != whole.trials[0].params
    assert other.trials[9].params != whole.trials[9].params


def test_global_random_state_is_neither_read_nor_disturbed() -> None:
    found = []
    for seed in (1, 2):
        np.random.seed(seed)
        before = np.random.get_state()[1].tolist()
        study = study_of()
        study.optimize(quadratic, n_trials=8)
        assert np.random.get_state()[1].tolist() == before
        found.append([trial.params for trial in study.trials])
    assert found[0] == found[1]


def test_processes_that_share_a_storage_take_different_params(tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(study_name="farm", storage=storage, direction="maximize")
    study.add_trial(
        optuna.create_trial(
            params={"a": 0, "b": "u"},
            distributions={
                "a": optuna.distributions.IntDistribution(0, 9),
                "b": optuna.distributions.CategoricalDistribution(("u", "v", "w", None)),
            },
            value=0.0,
        )
    )
    command = [sys.executable, "-c", WORKER, storage, "8"]
    workers = [subprocess.Popen(command) for _ in range(3)]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0, 0]
    trials = study.get_trials()
    assert len(trials) == 25
    assert all(trial.state == optuna.trial.TrialState.COMPLETE for trial in trials)
    assert len({tuple(sorted(trial.params.items(), key=str)) for trial in trials}) == 25


def few(trial: Any) -> Any:
    return trial.suggest_categorical("b", ["u", "v", "w", None])


def test_workers_in_step_take_different_params(monkeypatch: pytest.MonkeyPatch) -> None:
    """All tell what they take before any looks at the others, time after time."""
    study = study_of()
    study.optimize(lambda trial: trial.suggest_int("a", 0, 9) + (few(trial) == "v"), n_trials=8)
    in_step = Barrier(3)
    note = asktell_optuna._note

    def noted(study: Any, trial: Any, key: str, value: Any) -> None:
        note(study, trial, key, value)
        if key == asktell_optuna.PARAMS:
            with suppress(BrokenBarrierError):
                in_step.wait(2.0)

    monkeypatch.setattr(asktell_optuna, "_note", noted)
    distributions = optuna.search_space.intersection_search_space(study.trials)
    asked: list[Any] = []
    workers = [Thread(target=lambda: asked.append(study.ask(distributions))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({tuple(sorted(trial.params.items())) for trial in asked}) == 3


def test_a_finite_space_is_walked_without_repeats_and_then_at_random() -> None:
    study = study_of(n_initial=2)
    study.optimize(lambda trial: trial.suggest_int("a", 0, 3) + bool(pick(trial)), n_trials=12)
    configurations = {(trial.params["a"], trial.params["b"]) for trial in study.trials}
    assert len(configurations) == 12
    study.optimize(lambda trial: trial.suggest_int("a", 0, 3) + bool(pick(trial)), n_trials=3)
    assert len(study.trials) == 15


def pick(trial: Any) -> Any:
    return trial.suggest_categorical("b", [True, False, None])


def test_running_trials_are_pending_and_never_taken_again() -> None:
    distributions = {
        "a": optuna.distributions.IntDistribution(0, 5),
        "b": optuna.distributions.CategoricalDistribution(("u", "v")),
    }
    study = study_of()
    study.tell(study.ask(distributions), 1.0)
    running = [study.ask(distributions) for _ in range(11)]
    assert len({tuple(trial.params.values()) for trial in study.trials}) == 12
    state = at.State.from_dict(study.sampler.to_dict(study))
    assert [suggestion.id for suggestion in state.pending] == [trial.number for trial in running]


def test_a_trial_that_took_the_same_params_meanwhile_is_given_way_to() -> None:
    distributions = {"a": optuna.distributions.IntDistribution(0, 9)}
    study = study_of()
    study.tell(study.ask(distributions), 1.0)

    class Rushed(AskTellSampler):
        """Sees another worker's trial only after its own choice."""

        def sample_relative(self, study: Any, trial: Any, search_space: Any) -> dict[str, Any]:
            get_trials, seen = study.get_trials, []

            def late(**arguments: Any) -> list[Any]:
                trials = get_trials(**arguments)
                if not seen:
                    trials = [t for t in trials if t.number != rival.number]
                seen.append(trials)
                return trials

            study.get_trials = late
            return super().sample_relative(study, trial, search_space)

    own = study._storage.get_trial(study._storage.create_new_trial(study._study_id))
    rival = study._storage.get_trial(study._storage.create_new_trial(study._study_id))
    alone = AskTellSampler(seed=1, **QUICK).sample_relative(study, own, distributions)
    study._storage.set_trial_system_attr(
        rival._trial_id, "asktell:params", {"a": float(alone["a"])}
    )
    assert Rushed(seed=1, **QUICK).sample_relative(study, own, distributions) != alone


# --- branches ---


def branches(trial: Any) -> float:
    """The best is 1, in the nested branch."""
    kind = trial.suggest_categorical("kind", ["line", "curve", "none"])
    x = trial.suggest_float("x", 0.0, 1.0)
    value = -((x - 0.3) ** 2)
    if kind == "line":
        value -= abs(trial.suggest_float("slope", 0.0, 1.0) - 0.5)
    if kind == "curve":
        for n in range(trial.suggest_int("degree", 1, 3)):
            value += 0.5 - (trial.suggest_float(f"c_{n}", 0.0, 1.0) - 0.2 * n) ** 2
    return value


BRANCHES = at.Space(
    at.Categorical("kind", ["line", "curve", "none"]),
    at.Float("x", 0.0, 1.0),
    at.Int("degree", 1, 3, when={"kind": "curve"}),
    at.Float("c_0", 0.0, 1.0, when={"kind": "curve"}),
    at.Float("c_1", 0.0, 1.0, when={"degree": at.AtLeast(2)}),
    at.Float("c_2", 0.0, 1.0, when={"degree": at.AtLeast(3)}),
    at.Float("slope", 0.0, 1.0, when={"kind": "line"}),
)


def space_of(study: Any) -> at.Space:
    return at.State.from_dict(study.sampler.to_dict(study)).space


def in_any_order(space: at.Space) -> Any:
    return sorted(space.parameters, key=lambda parameter: parameter.name)


def test_branches_are_found_as_they_are_and_modelled() -> None:
    study = study_of(n_candidates=256, n_starts=4, n_initial=12)
    study.optimize(branches, n_trials=45)
    assert in_any_order(space_of(study)) == in_any_order(BRANCHES)
    assert study.best_value > 1.45
    assert {trial.params["kind"] for trial in study.trials} == {"line", "curve", "none"}
    assert all(branches(optuna.trial.FixedTrial(t.params)) == t.value for t in study.trials)


def test_what_is_suggested_for_branches_depends_on_the_study_alone(tmp_path: Path) -> None:
    whole = study_of()
    whole.optimize(branches, n_trials=14)
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    optuna.create_study(study_name="parts", storage=storage, direction="maximize")
    for _ in range(14):
        sampler = AskTellSampler(seed=1, **QUICK)
        parts = optuna.load_study(study_name="parts", storage=storage, sampler=sampler)
        parts.optimize(branches, n_trials=1)
    assert [trial.params for trial in whole.trials] == [trial.params for trial in parts.trials]


def test_the_dict_of_branches_comes_back_as_trials() -> None:
    study = study_of()
    study.optimize(branches, n_trials=14)
    state = json.loads(json.dumps(study.sampler.to_dict(study)))
    trials = trials_of(state)
    for trial, same in zip(study.trials, trials, strict=True):
        assert same.params == trial.params
        assert same.distributions == trial.distributions
    again = study_of()
    again.add_trials(trials)
    assert again.sampler.to_dict(again) == state
    for one in (study, again):
        one.optimize(branches, n_trials=3)
    assert [trial.params for trial in again.trials] == [trial.params for trial in study.trials]


def test_branches_with_several_directions_and_constraints() -> None:
    def objective(trial: Any) -> tuple[float, float]:
        value = branches(trial)
        return value, trial.params["x"]

    sampler = AskTellSampler(
        seed=1, constraints_func=lambda trial: [trial.params.get("degree", 0) - 2.0], **QUICK
    )
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.optimize(objective, n_trials=14)
    engine = at.Engine.from_dict(sampler.to_dict(study))
    assert [one.id for one in engine.pareto()] == [trial.number for trial in study.best_trials]
    assert all(one.params.get("degree", 0) <= 2 for one in engine.pareto())


def test_a_finite_tree_is_walked_without_repeats() -> None:
    def objective(trial: Any) -> float:
        if trial.suggest_categorical("kind", ["u", "v"]) == "u":
            return float(trial.suggest_int("n", 0, 2))
        return float(trial.suggest_int("m", 0, 3))

    study = study_of(n_initial=3)
    study.optimize(objective, n_trials=7)
    assert len({tuple(trial.params.items()) for trial in study.trials}) == 7
    study.optimize(objective, n_trials=2)


def test_a_choice_that_was_never_made_is_made() -> None:
    study = study_of(n_initial=2)
    for _ in range(4):
        study.enqueue_trial({"kind": "line"})
    study.optimize(branches, n_trials=16)
    assert {trial.params["kind"] for trial in study.trials} == {"line", "curve", "none"}


def test_what_a_trial_asks_for_beside_its_proposal_is_modelled_too() -> None:
    """Whether ``y`` is asked for is up to nothing that is known; where it is, 0.3 is best."""

    def objective(trial: Any) -> float:
        x, value = trial.suggest_float("x", 0.0, 1.0), 0.0
        if trial.number % 3:
            value = -((trial.suggest_float("y", 0.0, 1.0) - 0.3) ** 2)
        return value - (x - 0.6) ** 2 / 9

    study = study_of(n_candidates=256, n_starts=4, n_initial=3)
    study.optimize(objective, n_trials=24)
    assert space_of(study).names == ("x",)
    late = [trial.params["y"] for trial in study.trials[-9:] if "y" in trial.params]
    assert len(late) == 6
    assert np.median(np.abs(np.array(late) - 0.3)) < 0.1


def test_what_else_a_new_branch_shares_with_others_is_modelled() -> None:
    def objective(trial: Any) -> float:
        kind = trial.suggest_categorical("kind", ["u", "v", "w"])
        return -abs(trial.suggest_float("rate", 0.0, 1.0) - 0.3) if kind != "w" else -1.0

    study = study_of(n_initial=4)
    for kind in "uuuuuuwww":
        study.enqueue_trial({"kind": kind})
    study.enqueue_trial({"kind": "v"})
    study.optimize(objective, n_trials=10)
    assert "rate" in study.trials[9].params
    assert abs(study.trials[9].params["rate"] - 0.3) < 0.2
    assert space_of(study).parameters[1].when == at.Float("_", 0, 1, when={"kind": ["u", "v"]}).when


def test_ranges_that_change_are_put_together_and_clipped() -> None:
    """Beyond ``a`` there is no ``b``; what was proposed there is not proposed again."""

    def objective(trial: Any) -> float:
        a = trial.suggest_float("a", 0.1, 1.0)
        return trial.suggest_float("b", 0.0, a) - 2.0 * abs(a - 0.5)

    study = study_of(n_candidates=256, n_starts=4)
    study.optimize(objective, n_trials=25)
    a, b = space_of(study).parameters
    assert (a, b) == (at.Float("a", 0.1, 1.0), at.Float("b", 0.0, b.high))
    assert all(trial.params["b"] <= trial.params["a"] for trial in study.trials)
    assert study.best_value > 0.4
    assert len({tuple(trial.params.items()) for trial in study.trials}) == 25


def test_a_range_that_was_changed_for_good() -> None:
    def objective(trial: Any, step: int, high: int) -> float:
        n = trial.suggest_int("n", 0, high, step=step)
        return n + trial.suggest_float("x", 0.0, 1.0)

    study = study_of()
    study.optimize(lambda trial: objective(trial, 2, 8), n_trials=4)
    study.optimize(lambda trial: objective(trial, 2, 20), n_trials=8)
    assert space_of(study).parameters[0] == at.Int("n", 0, 20, step=2)
    study.optimize(lambda trial: objective(trial, 2, 4), n_trials=4)
    assert study.trials[-1].params["n"] <= 4
    study.optimize(lambda trial: objective(trial, 3, 30), n_trials=4)
    assert space_of(study).names == ("x",)


def test_distributions_that_have_nothing_in_common_are_left_out() -> None:
    floats, ints = optuna.distributions.FloatDistribution, optuna.distributions.IntDistribution
    study = study_of()
    for x, n in ((floats(0, 1), ints(0, 4, step=2)), (ints(0, 1), ints(1, 5, step=2))):
        params, distributions = {"x": 1, "n": 4 if n.low == 0 else 5}, {"x": x, "n": n}
        trial = optuna.create_trial(params=params, distributions=distributions, value=1.0)
        study.add_trial(trial)
    with pytest.raises(ValueError, match="no parameters"):
        study.sampler.to_dict(study)


def test_what_is_enqueued_is_known_to_the_rest_of_its_proposal() -> None:
    study = study_of(n_initial=3)
    for degree in (1, 2, 3):
        study.enqueue_trial({"kind": "curve", "degree": degree})
    study.optimize(branches, n_trials=6)
    study.enqueue_trial({"kind": "curve", "degree": 3})
    study.enqueue_trial({"kind": "none", "degree": 3})
    study.optimize(branches, n_trials=2)
    first, second = study.trials[6:]
    assert first.system_attrs["asktell:params"].keys() == first.params.keys()
    assert first.params["degree"] == 3
    assert second.params.keys() == {"kind", "x"}


def test_a_trial_that_failed_before_all_was_asked_for_is_not_proposed_again() -> None:
    def objective(trial: Any) -> float:
        kind = trial.suggest_categorical("kind", ["u", "v"])
        if trial.number > 3:
            raise RuntimeError("out of memory")
        return float(trial.suggest_int("n", 0, 3) if kind == "u" else trial.suggest_int("m", 0, 3))

    study = study_of(n_initial=2)
    for kind in "uvuv":
        study.enqueue_trial({"kind": kind})
    study.optimize(objective, n_trials=8, catch=RuntimeError)
    proposed = [tuple(t.system_attrs["asktell:params"].items()) for t in study.trials[4:]]
    assert len(set(proposed)) == 4
    assert len(at.State.from_dict(study.sampler.to_dict(study)).failures) == 4


def test_parameters_that_another_sampler_fixes() -> None:
    study = study_of()
    study.optimize(branches, n_trials=6)
    fixed = {"kind": "curve", "degree": 2}
    with pytest.warns(optuna.exceptions.ExperimentalWarning):
        study.sampler = optuna.samplers.PartialFixedSampler(fixed, study.sampler)
    study.optimize(branches, n_trials=4)
    assert all(trial.params["kind"] == "curve" for trial in study.trials[6:])
    assert all(trial.params.keys() >= {"x", "c_0", "c_1"} for trial in study.trials[6:])


def test_wishes_of_an_engine_wait_to_be_evaluated() -> None:
    engine = at.Engine(BRANCHES, seed=1)
    engine.enqueue({"kind": "line", "slope": 0.25})
    (trial,) = trials_of(engine.to_dict())
    assert trial.state.name == "WAITING"
    study = study_of()
    study.add_trial(trial)
    study.optimize(branches, n_trials=1)
    assert study.trials[0].params["slope"] == 0.25


# --- outcomes of trials ---


def test_pruned_failed_and_infinite_trials_are_failures() -> None:
    def objective(trial: Any) -> float:
        x = trial.suggest_float("x", 0.0, 1.0)
        if trial.number % 4 == 1:
            trial.report(5.0, 0)
            raise optuna.TrialPruned
        if trial.number % 4 == 2:
            raise RuntimeError("out of memory")
        return float("inf") if trial.number % 4 == 3 else x

    study = study_of()
    study.optimize(objective, n_trials=8, catch=RuntimeError)
    state = at.State.from_dict(study.sampler.to_dict(study))
    assert [observation.id for observation in state.observations] == [0, 4]
    assert [failure.id for failure in state.failures] == [1, 2, 3, 5, 6, 7]
    assert [failure.reason for failure in state.failures[:3]] == ["pruned", "fail", "complete"]


def test_repeated_params_are_replicates() -> None:
    study = study_of()
    study.optimize(quadratic, n_trials=4)
    for _ in range(2):
        study.enqueue_trial(study.trials[1].params)
    noise = iter([0.5, 0.25])
    study.optimize(lambda trial: quadratic(trial) + next(noise), n_trials=2)
    study.optimize(quadratic, n_trials=4)
    assert len(at.State.from_dict(study.sampler.to_dict(study)).observations) == 10


@pytest.mark.parametrize(
    "choices",
    [[1, True], [None, "a", 1.5], [1, 1.0, "b"], [float("nan"), 0.0, None], ["x", "x"]],
    ids=repr,
)
def test_choices_of_any_kind(choices: list[Any]) -> None:
    study = study_of(n_initial=2)
    study.optimize(
        lambda trial: (
            float(trial.suggest_categorical("c", choices) is choices[0])
            + trial.suggest_float("x", 0, 1)
        ),
        n_trials=8,
    )
    assert all(any(trial.params["c"] is c for c in choices) for trial in study.trials)


def test_parameters_that_the_engine_cannot_hold_are_drawn_at_random() -> None:
    study = study_of()
    study.optimize(
        lambda trial: trial.suggest_int("huge", 0, 2**60) * 0.0 + trial.suggest_float("x", 0, 1),
        n_trials=8,
    )
    (parameter,) = study.sampler.to_dict(study)["space"]["parameters"]
    assert parameter["name"] == "x"


def test_parameters_of_one_value_are_left_out_of_the_model() -> None:
    study = study_of()
    study.optimize(
        lambda trial: trial.suggest_int("one", 4, 4) + trial.suggest_float("x", 0, 1), n_trials=8
    )
    (parameter,) = study.sampler.to_dict(study)["space"]["parameters"]
    assert parameter["name"] == "x"
    assert {trial.params["one"] for trial in study.trials} == {4}


def test_the_dict_goes_on_in_an_engine_and_comes_back_as_trials() -> None:
    study = study_of()
    study.optimize(quadratic, n_trials=14)
    state = json.loads(json.dumps(study.sampler.to_dict(study)))
    assert at.Engine.from_dict(state).best().target == study.best_value
    again = study_of()
    again.add_trials(trials_of(state))
    assert again.sampler.to_dict(again) == state
    study.optimize(quadratic, n_trials=3)
    again.optimize(quadratic, n_trials=3)
    assert [trial.params for trial in again.trials] == [trial.params for trial in study.trials]


def test_the_trials_of_an_engine_of_every_kind() -> None:
    space = at.Space(
        at.Float("x", 0.0, 1.0, step=0.25),
        at.Int("n", 1, 9),
        at.Ordinal("bits", [2, 4, 8]),
        at.Categorical("c", ["u", None]),
        at.Bool("b"),
    )
    engine = at.Engine(space, seed=1, settings=at.Settings(retries=1))
    first, second, third, _ = engine.suggest_batch(4)
    engine.observe(second, 0.5)
    engine.fail(first), engine.suggest(), engine.fail(first.params)
    engine.fail(third)
    trials = trials_of(engine.to_dict())
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "WAITING", "WAITING"]
    study = study_of()
    study.add_trials(trials)
    study.optimize(
        lambda trial: (
            trial.suggest_float("x", 0.0, 1.0, step=0.25)
            + trial.suggest_int("n", 1, 9)
            + trial.suggest_categorical("bits", [2, 4, 8])
            + bool(trial.suggest_categorical("c", ["u", None]))
            + trial.suggest_categorical("b", [False, True])
        ),
        n_trials=3,
    )
    assert study.trials[2].params == third.params or study.trials[3].params == third.params


# --- several objectives, and constraints ---

NAMED = pytest.mark.skipif(
    not hasattr(optuna.trial.FrozenTrial, "set_constraint"), reason="Optuna 4"
)


def pair(trial: Any) -> tuple[float, float]:
    x, n = trial.suggest_float("x", 0.0, 1.0), trial.suggest_int("n", 1, 4)
    return x * n, n - x


def too_much(trial: Any) -> list[float]:
    return [trial.params["n"] - 3.0, 0.25 - trial.params["x"]]


def test_several_directions() -> None:
    sampler = AskTellSampler(seed=1, **QUICK)
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)
    study.optimize(pair, n_trials=14)
    state = at.State.from_dict(json.loads(json.dumps(sampler.to_dict(study))))
    engine = at.Engine.from_state(state)
    assert engine.objectives == {"objective_0": "minimize", "objective_1": "maximize"}
    assert [one.id for one in engine.pareto()] == [trial.number for trial in study.best_trials]
    assert len(engine.observations) == 14
    again = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)
    again.add_trials(trials_of(state.to_dict()))
    assert sampler.to_dict(again) == state.to_dict()
    for one in (study, again):
        one.optimize(pair, n_trials=2)
    assert [trial.params for trial in again.trials] == [trial.params for trial in study.trials]


def test_constraints_of_a_function() -> None:
    sampler = AskTellSampler(seed=1, constraints_func=too_much, n_candidates=256, n_starts=4)
    study = optuna.create_study(sampler=sampler)
    study.optimize(lambda trial: pair(trial)[0] - trial.params["n"] / 2, n_trials=24)
    assert study.trials[5].system_attrs["constraints"] == too_much(study.trials[5])
    engine = at.Engine.from_dict(sampler.to_dict(study))
    assert engine.objectives == {"target": "minimize"}
    assert engine.constraints == {"constraint_0": at.AtMost(0.0), "constraint_1": at.AtMost(0.0)}
    best = engine.best()
    assert best.feasible
    assert best.id == study.best_trial.number
    assert best.target["target"] == pytest.approx(-0.75, abs=0.02)
    again = optuna.create_study(sampler=sampler)
    again.add_trials(trials_of(engine.to_dict()))
    for trial, same in zip(study.trials, again.trials, strict=True):
        assert same.system_attrs["constraints"] == trial.system_attrs["constraints"]
    assert sampler.to_dict(again) == engine.to_dict()


def test_constraints_and_several_directions() -> None:
    sampler = AskTellSampler(seed=1, constraints_func=too_much, **QUICK)
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=sampler)
    study.optimize(pair, n_trials=10)
    engine = at.Engine.from_dict(sampler.to_dict(study))
    assert [one.id for one in engine.pareto()] == [trial.number for trial in study.best_trials]
    assert all(one.params["n"] <= 3 for one in engine.pareto())


@NAMED
def test_constraints_that_a_trial_sets() -> None:
    def objective(trial: Any) -> float:
        trial.set_constraint("size", trial.suggest_int("n", 1, 9) - 5.0)
        return trial.suggest_float("x", 0.0, 1.0)

    study = study_of()
    study.optimize(objective, n_trials=6)
    engine = at.Engine.from_dict(study.sampler.to_dict(study))
    assert engine.constraints == {"constraint_size": at.AtMost(0.0)}
    again = study_of()
    again.add_trials(trials_of(engine.to_dict()))
    assert again.sampler.to_dict(again) == engine.to_dict()


def test_trials_without_the_constraints_of_others_have_failed() -> None:
    study = study_of()
    study.optimize(quadratic, n_trials=2)
    numbers = iter([[0.5], [-0.5], [float("inf")]])
    study.sampler = AskTellSampler(seed=1, constraints_func=lambda trial: next(numbers), **QUICK)
    study.optimize(quadratic, n_trials=3)
    engine = at.Engine.from_dict(study.sampler.to_dict(study))
    assert [one.feasible for one in engine.observations] == [False, True]
    reasons = [failure.reason for failure in engine.failures]
    assert reasons == ["no constraint_0", "no constraint_0", "complete"]


def test_a_constraint_that_is_no_number_is_an_error_and_kept_as_none() -> None:
    study = study_of(constraints_func=lambda trial: [float("nan")])
    with pytest.raises(ValueError, match="constraints_func"):
        study.optimize(quadratic, n_trials=1)
    assert study.trials[0].system_attrs["constraints"] is None
    study.sampler = AskTellSampler(seed=1, **QUICK)
    study.optimize(quadratic, n_trials=2)
    assert at.Engine.from_dict(study.sampler.to_dict(study)).constraints == {}


def test_pruned_trials_have_constraints_and_fail() -> None:
    def objective(trial: Any) -> float:
        trial.suggest_float("x", 0.0, 1.0)
        if trial.number == 1:
            raise optuna.TrialPruned
        return 1.0

    study = study_of(constraints_func=lambda trial: (1.0,))
    study.optimize(objective, n_trials=3)
    assert [trial.system_attrs["constraints"] for trial in study.trials] == [[1.0]] * 3
    engine = at.Engine.from_dict(study.sampler.to_dict(study))
    assert [failure.reason for failure in engine.failures] == ["pruned"]


@pytest.mark.parametrize("named", [False, pytest.param(True, marks=NAMED)])
def test_the_outcomes_of_any_engine_as_trials(named: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asktell.integrations.optuna._NAMED", named)
    engine = at.Engine(
        at.Space(at.Float("x", 0.0, 1.0)),
        objectives={"size": "minimize", "speed": "maximize"},
        constraints={"size": at.AtMost(3.0), "heat": [at.AtLeast(1.0), at.AtMost(2.0)]},
    )
    engine.observe(engine.suggest(), {"size": 5.0, "speed": 7.0, "heat": 0.5})
    (trial,) = trials_of(engine.to_dict())
    assert trial.values == [5.0, 7.0]
    missed = {"size": 2.0, "heat_AtLeast": 0.5, "heat_AtMost": -1.5}
    if named:
        assert trial.constraints == missed
    else:
        assert trial.system_attrs == {"constraints": list(missed.values())}


def test_what_it_refuses() -> None:
    with pytest.raises(at.errors.DefinitionError, match=r"\$\.seed"):
        AskTellSampler(seed=-1)
    with pytest.raises(at.errors.DefinitionError, match="n_initial"):
        AskTellSampler(n_initial=0)
    with pytest.raises(at.errors.DefinitionError, match=r"\$\.constraints_func"):
        AskTellSampler(constraints_func=[1.0])
    with pytest.raises(ValueError, match="no parameters"):
        AskTellSampler().to_dict(optuna.create_study())
    assert repr(AskTellSampler(seed=4)) == "AskTellSampler(seed=4)"
