"""The twelve laws of the contract, each as a test that fails when the law is broken."""

from __future__ import annotations

import copy
import json
import locale
import math
import os
import random
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from continue_states import step_of_a_farm, steps_of_a_loop, steps_of_a_want, steps_of_changes
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spaces import (
    QUICK,
    SPACES,
    every_kind,
    finite,
    finite_conditional,
    params_of,
    score,
    score_any,
)
from threadpoolctl import threadpool_info, threadpool_limits
from wants import WANTS, size_of, value_of

import asktell as at
from asktell import errors
from asktell.space.arguments import arguments_of

HERE = Path(__file__).parent


def in_another_process(tasks: list[dict[str, Any]], hash_seed: int) -> list[Any]:
    """Let a process of its own go on from the states of these tasks."""
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed)}
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(HERE.parents[1]), environment.get("PYTHONPATH", "")]
    )
    done = subprocess.run(
        [sys.executable, str(HERE / "continue_states.py")],
        input="\n".join(map(json.dumps, tasks)),
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


# --- 1: interrupted equals uninterrupted ---


@pytest.mark.parametrize("space", SPACES)
def test_law_1_interrupted_equals_uninterrupted_at_every_step_in_another_process(
    space: str,
) -> None:
    steps = 16
    engine = at.Engine(SPACES[space](), seed=3, settings=QUICK)
    tasks, uninterrupted = [], []
    for step in range(steps):
        if space == "every kind" or step in SOME_STEPS:
            tasks.append({"state": engine.to_dict(), "steps": steps - step})
        uninterrupted += steps_of_a_loop(engine, 1)
    assert {origin for _, _, origin in uninterrupted} == {"initial", "model", "again"}
    for task, interrupted in zip(tasks, in_another_process(tasks, hash_seed=17), strict=True):
        assert interrupted == uninterrupted[steps - task["steps"] :]  # to the last bit


SOME_STEPS = (0, 7, 13)
"""Of spaces with conditions and constraints: within and after the initial design."""


@pytest.mark.parametrize("space", SPACES)
def test_law_1_a_farm_with_leases_and_retries_goes_on_alike(space: str) -> None:
    steps = 24
    options = at.Settings(n_candidates=64, n_starts=2, retries=1, expiries=1)
    engine = at.Engine(SPACES[space](), seed=9, settings=options)
    tasks, uninterrupted = [], []
    for step in range(steps):
        if space == "every kind" or step in SOME_STEPS:
            tasks.append({"state": engine.to_dict(), "steps": steps - step, "first": step})
        uninterrupted.append(step_of_a_farm(engine, step))
    assert {origin for _, _, origin, _ in uninterrupted} == {"initial", "model", "again"}
    happened = {row["event"] for task in tasks for row in task["state"]["events"]}
    assert happened >= {"suggested", "told", "expired", "renewed", "retried", "fitted"}
    for task, interrupted in zip(tasks, in_another_process(tasks, hash_seed=5), strict=True):
        assert interrupted == uninterrupted[task["first"] :]


@pytest.mark.parametrize("space", SPACES)
def test_law_1_a_state_equals_the_one_read_back(space: str) -> None:
    engine = at.Engine(SPACES[space](), seed=5, goal="minimize", settings=QUICK)
    for suggestion in engine.suggest_batch(7):
        if suggestion.id % 3:
            engine.observe(suggestion, score_any(suggestion.params))
    engine.fail(0, "out of memory")
    engine.suggest()
    saved = json.loads(json.dumps(engine.to_dict(), allow_nan=False))
    assert at.State.from_dict(saved) == engine.state
    assert at.State.from_dict(saved).to_dict() == engine.to_dict()


@pytest.mark.parametrize("want", WANTS)
def test_law_1_whatever_is_wanted_interrupted_equals_uninterrupted(want: str) -> None:
    steps = 10
    engine = at.Engine(every_kind(), seed=3, settings=QUICK, **WANTS[want].options)
    tasks, uninterrupted = [], []
    for step in range(steps):
        if step in (0, 6, 8):
            tasks.append({"state": engine.to_dict(), "steps": steps - step, "want": want})
        uninterrupted += steps_of_a_want(engine, 1, want)
    assert {origin for _, _, origin in uninterrupted} == {"initial", "model"}
    assert at.State.from_dict(json.loads(json.dumps(engine.to_dict()))) == engine.state
    for task, interrupted in zip(tasks, in_another_process(tasks, hash_seed=29), strict=True):
        assert interrupted == uninterrupted[steps - task["steps"] :]


def test_law_1_a_study_whose_space_changes_goes_on_alike() -> None:
    steps = 20
    engine = at.Engine(finite(), seed=6, settings=QUICK)
    tasks, uninterrupted = [], []
    for step in range(steps):
        tasks.append({"state": engine.to_dict(), "steps": steps - step, "changes": True})
        uninterrupted += steps_of_changes(engine, 1)
    assert {origin for _, _, origin in uninterrupted} == {"initial", "model", "enqueued"}
    happened = [row["event"] for row in engine.to_dict()["events"]]
    assert {"enqueued", "space changed", "learned"} <= set(happened)
    assert any(trial.left_out for trial in engine.trials)
    for step, interrupted in enumerate(in_another_process(tasks, hash_seed=11)):
        assert interrupted == uninterrupted[step:]


# --- 2: a call that raises leaves the state as it was ---


def used_up() -> at.Engine:
    engine = at.Engine(at.Space(at.Bool("a")), seed=1)
    first, _ = engine.suggest_batch(2)
    engine.observe(first, 1.0)
    return engine


RAISING: dict[str, Callable[[at.Engine], Any]] = {
    "suggest when exhausted": lambda engine: engine.suggest(),
    "batch of zero": lambda engine: engine.suggest_batch(0),
    "unknown id": lambda engine: engine.observe(99, 1.0),
    "unknown name": lambda engine: engine.observe({"b": True}, 1.0),
    "wrong type": lambda engine: engine.observe({"a": 1}, 1.0),
    "target no number": lambda engine: engine.observe(1, "good"),  # type: ignore[arg-type]
    "conflicting target": lambda engine: engine.observe(0, 2.0),
    "failure of an observed one": lambda engine: engine.fail(0, "late"),
    "reason no text": lambda engine: engine.fail(1, 3),  # type: ignore[arg-type]
    "lease without a clock": lambda engine: engine.suggest(lease=1.0),
    "time that is none": lambda engine: engine.expire(math.nan),
    "heartbeat of an observed one": lambda engine: engine.renew(0, 1.0, 1.0),
    "heartbeat of an unknown one": lambda engine: engine.renew(99, 1.0, 1.0),
    "another try of an observed one": lambda engine: engine.retry(0),
    "another try of a pending one": lambda engine: engine.retry(1),
    "another try at no moment": lambda engine: engine.retry_failed(now=math.nan),
    "no batch": lambda engine: engine.observe_batch(None),  # type: ignore[arg-type]
    "no trial at all": lambda engine: engine.observe(None, 1.0),  # type: ignore[arg-type]
    "an unknown outcome": lambda engine: engine.observe(1, {"loss": 1.0}),
    "a negative deviation": lambda engine: engine.observe(1, 1.0, -0.5),
    "a deviation of an unknown outcome": lambda engine: engine.observe(1, 1.0, {"loss": 0.5}),
    "another deviation": lambda engine: engine.observe(0, 1.0, 0.5),
    "an amendment with a wrong deviation": lambda engine: engine.amend(0, 2.0, math.nan),
    "something known of nothing": lambda engine: engine.suggest(known={"loss": size_of}),
    "predictions beyond the space": lambda engine: engine.predict([{"a": 7}]),
    "a volume up to nothing": lambda engine: engine.hypervolume({}),
    "a wish for what is observed": lambda engine: engine.enqueue({"a": True}),
    "a wish for nothing known": lambda engine: engine.enqueue({"q": True}),
    "something fixed that is used up": lambda engine: engine.suggest(fixed={"a": True}),
    "something fixed that cannot be": lambda engine: engine.suggest(fixed={"a": 3}),
    "another space that is none": lambda engine: engine.change_space(None),  # type: ignore[arg-type]
    "values that nothing had": lambda engine: engine.change_space(engine.space, had={"q": 1}),
    "an earlier study that is none": lambda engine: engine.learn_from({"schema": 6}),
    "an earlier study of other things": lambda engine: engine.learn_from(
        at.State.start(engine.space, objectives={"loss": "minimize"})
    ),
}


@pytest.mark.parametrize("call", RAISING.values(), ids=RAISING.keys())
def test_law_2_a_call_that_raises_changes_nothing(call: Callable[[at.Engine], Any]) -> None:
    engine = used_up()
    before = copy.deepcopy(engine.to_dict())
    with pytest.raises(errors.AskTellError):
        call(engine)
    assert engine.to_dict() == before


# --- 3: every suggestion lies in the space ---


@st.composite
def spaces(draw: st.DrawFn) -> at.Space:
    """Draw spaces of one to four parameters of any kind."""
    numbers = st.floats(-1e6, 1e6, allow_nan=False)
    parameters: list[Any] = []
    for position in range(draw(st.integers(1, 4))):
        name = f"p{position}"
        kind = draw(st.sampled_from(["float", "log", "step", "int", "ordinal", "choice", "bool"]))
        low, high = sorted([draw(numbers), draw(numbers)])
        if kind == "float":
            parameters.append(at.Float(name, low, high))
        elif kind == "log":
            parameters.append(at.Float(name, abs(low) + 1e-6, abs(low) + abs(high) + 1, log=True))
        elif kind == "step":
            parameters.append(at.Float(name, low, high, step=draw(st.floats(0.01, 1e5))))
        elif kind == "int":
            start = draw(st.integers(1, 1000))
            end = start + draw(st.integers(0, 10**6))
            parameters.append(at.Int(name, start, end, log=draw(st.booleans())))
        elif kind == "ordinal":
            parameters.append(at.Ordinal(name, list(range(draw(st.integers(1, 5))))))
        elif kind == "choice":
            parameters.append(at.Categorical(name, ["a", 1, 2.5, None][: draw(st.integers(1, 4))]))
        else:
            parameters.append(at.Bool(name))
    return at.Space(*parameters)


def lies_in(parameter: Any, value: Any) -> bool:
    """Tell it from the definition, without the code under test."""
    if isinstance(parameter, at.Bool):
        return type(value) is bool
    if isinstance(parameter, at.Categorical):
        return any(value is choice or value == choice for choice in parameter.choices)
    if isinstance(parameter, at.Ordinal):
        return value in parameter.values
    if isinstance(parameter, at.Int):
        return type(value) is int and parameter.low <= value <= parameter.high
    on_grid = True
    if parameter.step is not None:
        steps = (value - parameter.low) / parameter.step
        on_grid = abs(steps - round(steps)) < 1e-6
    return type(value) is float and parameter.low <= value <= parameter.high and on_grid


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(space=spaces(), seed=st.integers(0, 1000))
def test_law_3_suggestions_lie_in_the_space(space: at.Space, seed: int) -> None:
    engine = at.Engine(space, seed=seed, settings=at.Settings(n_candidates=32, n_starts=1))
    for step in range(8):
        try:
            suggestion = engine.suggest()
        except at.SpaceExhausted:
            break
        for parameter in space.parameters:
            assert lies_in(parameter, suggestion.params[parameter.name])
        engine.observe(suggestion, math.sin(step * seed))


@pytest.mark.parametrize("name", SPACES)
def test_law_3_conditions_and_constraints_hold_to_the_last_bit(name: str) -> None:
    space = SPACES[name]()
    engine = at.Engine(space, seed=11, settings=QUICK)
    for suggestion in engine.suggest_batch(4):
        engine.observe(suggestion, score_any(suggestion.params))
    for _ in range(16):
        suggestion = engine.suggest()
        assert space.check(suggestion.params) == suggestion.configuration.values
        for constraint in space.constraints:
            if set(constraint.names) <= set(suggestion.params):
                assert constraint.holds(suggestion.params)
        engine.observe(suggestion, score_any(suggestion.params))


# --- 4: nothing is suggested twice, until the space is used up ---


def test_law_4_a_finite_space_with_conditions_and_constraints_is_used_up() -> None:
    space = finite_conditional()
    plain = at.Space(*(evolved(one) for one in space.parameters))
    every = set()
    for index in range(plain.size or 0):
        params = plain.params(plain.configuration(index))
        with suppress(errors.ParamsError):  # names that are not active are left out
            every.add(space.check(only_active(space, params)))
    assert space.size == len(every) > 40
    engine = at.Engine(space, seed=2, settings=QUICK)
    seen = set()
    for step in range(len(every)):
        suggestion = engine.suggest()
        seen.add(suggestion.configuration.values)
        if step % 4 == 1:
            engine.fail(suggestion, "no luck")
        elif step % 4:
            engine.observe(suggestion, suggestion.params["low"] + 0.5 * suggestion.params["bias"])
    assert seen == every
    with pytest.raises(at.SpaceExhausted, match=str(len(every))):
        engine.suggest()


def evolved(parameter: Any) -> Any:
    """Return the parameter without conditions."""
    arguments = {k: v for k, v in arguments_of(parameter).items() if k != "when"}
    return type(parameter)(**arguments)


def only_active(space: at.Space, params: dict[str, Any]) -> dict[str, Any]:
    """Return the params that are active, where parents stand before their children."""
    active: dict[str, Any] = {}
    for parameter in space.parameters:
        conditions = parameter.when.conditions if parameter.when else ()
        if all(name in active and one.holds(active[name]) for name, one in conditions):
            active[parameter.name] = params[parameter.name]
    return active


def test_law_4_a_finite_space_gives_every_configuration_once_and_then_raises() -> None:
    engine = at.Engine(finite(), seed=2, settings=QUICK)
    seen = set()
    for step in range(72):
        suggestion = engine.suggest()
        seen.add(json.dumps(suggestion.params))
        if step % 4 == 1:
            engine.fail(suggestion, "no luck")
        elif step % 4:
            engine.observe(suggestion, suggestion.params["a"] - suggestion.params["e"])
    assert len(seen) == 72
    with pytest.raises(at.SpaceExhausted, match="72"):
        engine.suggest()


def test_law_4_holds_beside_what_is_fixed_and_after_a_change_of_space() -> None:
    engine = at.Engine(finite(), seed=2, settings=QUICK)
    for fixed in ({"a": 1}, {"b": "mid", "e": 0.5}, {}):
        seen = [json.dumps(one.params) for one in engine.suggest_batch(99, fixed=fixed)]
        assert len(set(seen)) == len(seen)
        with pytest.raises(at.SpaceExhausted):
            engine.suggest(fixed=fixed)
    assert len(engine.trials) == 72
    a, *others = finite().parameters
    engine.change_space(at.Space(at.Int("a", 1, 4), *others))
    assert len({json.dumps(one.params) for one in engine.suggest_batch(99)}) == 24
    with pytest.raises(at.SpaceExhausted, match="96"):
        engine.suggest()
    assert a.name == "a"


@pytest.mark.parametrize("want", WANTS.values(), ids=WANTS)
def test_law_4_whatever_is_wanted_a_finite_space_is_used_up(want: Any) -> None:
    engine = at.Engine(finite(), seed=2, settings=QUICK, **want.options)
    seen = set()
    for step in range(72):
        suggestion = engine.suggest(known=want.known)
        assert finite().check(suggestion.params) == suggestion.configuration.values
        seen.add(json.dumps(suggestion.params))
        if step % 9 == 4:
            engine.fail(suggestion, "no luck")
        elif step % 9:
            want.tell(engine, suggestion)
    assert len(seen) == 72
    with pytest.raises(at.SpaceExhausted, match="72"):
        engine.suggest(known=want.known)


def test_law_4_params_observed_without_a_suggestion_are_not_suggested() -> None:
    space = at.Space(at.Int("a", 1, 4), at.Bool("b"))
    engine = at.Engine(space, settings=QUICK)
    for a in (1, 2, 3):
        engine.observe({"a": a, "b": True}, float(a))
    engine.fail({"a": 4, "b": True}, "no")
    suggested = [suggestion.params for suggestion in engine.suggest_batch(10)]
    assert sorted(params["a"] for params in suggested) == [1, 2, 3, 4]
    assert not any(params["b"] for params in suggested)


def test_law_4_only_what_lost_its_lease_or_is_retried_is_given_again_and_says_so() -> None:
    options = at.Settings(n_candidates=64, n_starts=2, retries=1)
    engine = at.Engine(finite(), seed=2, settings=options)
    given: dict[str, int] = {}
    for step in range(72 + 18 + 18):
        engine.expire(float(step))
        suggestion = engine.suggest(now=float(step), lease=0.5)
        name = json.dumps(suggestion.params)
        assert (suggestion.origin == "again") == (name in given)
        given[name] = given.get(name, 0) + 1
        place = list(given).index(name)
        if place % 4 == 1 and given[name] == 1:
            engine.fail(suggestion, "for now")
        elif place % 4 != 2 or given[name] == 2:
            engine.observe(suggestion, suggestion.params["a"] - suggestion.params["e"])
    assert sorted(given.values()) == [1] * 36 + [2] * 36
    with pytest.raises(at.SpaceExhausted):
        engine.suggest()


# --- 5: late, out of order, unasked and repeated results ---


def three_pending(replicates: bool = False) -> at.Engine:
    engine = at.Engine(every_kind(), seed=4, settings=at.Settings(replicates=replicates))
    engine.suggest_batch(3)
    return engine


def test_law_5_results_come_in_any_order_by_any_name() -> None:
    engine = three_pending()
    first, second, third = engine.pending
    engine.observe(third, 3.0)
    engine.observe(first.id, 1.0)
    engine.observe(second.params, 2.0)
    assert [(o.id, o.target) for o in engine.observations] == [(2, 3.0), (0, 1.0), (1, 2.0)]
    assert engine.pending == []


def test_law_5_the_same_result_again_changes_nothing() -> None:
    engine = three_pending()
    suggestion = engine.pending[1]
    engine.observe(suggestion, 2.0)
    before = engine.state
    for trial in (suggestion, suggestion.id, suggestion.params):
        engine.observe(trial, 2.0)
    assert engine.state == before


def test_law_5_a_different_result_is_a_typed_error() -> None:
    engine = three_pending()
    engine.observe(1, 2.0)
    with pytest.raises(errors.ConflictError, match=r"2\.5"):
        engine.observe(1, 2.5)
    with pytest.raises(ValueError, match="known already"):
        engine.observe(engine.observations[0].params, 2.5)
    assert [o.target for o in engine.observations] == [2.0]


def test_law_5_replicates_are_kept_where_the_settings_want_them() -> None:
    engine = three_pending(replicates=True)
    engine.observe(1, 2.0)
    engine.observe(1, 4.0)
    engine.observe(1, 4.0)
    engine.observe(0, 2.5)
    assert [o.target for o in engine.observations] == [2.0, 4.0, 2.5]
    best = engine.best()
    assert best is not None
    assert (best.id, best.target) == (1, 3.0)  # the mean, not the luckiest


def test_law_5_params_that_were_never_suggested_are_welcome() -> None:
    engine = three_pending()
    params = {**engine.pending[0].params, "depth": 12, "bias": True}
    engine.observe(params, 9.0)
    assert engine.observations[0].id is None
    assert engine.observations[0].params == params
    assert len(engine.pending) == 3


# --- 6: failures ---


@pytest.mark.parametrize("target", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_law_6_a_target_that_is_not_finite_is_a_failure(target: float) -> None:
    engine = three_pending()
    engine.observe(0, target)
    assert [failure.id for failure in engine.failures] == [0]
    assert engine.observations == []
    assert len(engine.pending) == 2


def test_law_6_the_model_learns_to_stay_away_from_failures() -> None:
    space = at.Space(at.Float("x", 0, 1), at.Float("y", 0, 1))
    failed = []
    for seed in range(5):
        engine = at.Engine(space, seed=seed)
        for _ in range(30):
            suggestion = engine.suggest()
            x, y = suggestion.params["x"], suggestion.params["y"]
            # the target alone would lead into the half that fails
            engine.observe(suggestion, math.nan if x > 0.5 else x - (y - 0.3) ** 2)
        failed.append(
            sum(failure.id is not None and failure.id >= 5 for failure in engine.failures)
        )
    assert np.median(failed) <= 7, failed  # blind search fails in half of the 25


def test_law_6_constraints_and_failures_are_learnt_side_by_side() -> None:
    space = at.Space(at.Float("x", 0, 1), at.Float("y", 0, 1))
    wasted, best = [], []
    for seed in range(3):
        engine = at.Engine(space, seed=seed, constraints={"size": at.AtMost(1.0)})
        for _ in range(30):
            suggestion = engine.suggest()
            x, y = suggestion.params["x"], suggestion.params["y"]
            size = math.nan if x > 0.7 else x + y
            engine.observe(suggestion, {"target": x + 0.5 * y, "size": size})
        late = [one for one in engine.observations if one.id is not None and one.id >= 5]
        wasted.append(25 - sum(one.feasible for one in late))
        best.append(engine.best_observed().target["target"])
    # the best is 0.85, at x = 0.7 and y = 0.3; blind search wastes two in three
    assert np.median(best) > 0.82, best
    assert np.median(wasted) < 25 * 0.6, wasted


# --- 7: suggest never raises for numerical reasons ---

NASTY = st.one_of(
    st.just(0.0),
    st.just(1.0),
    st.floats(-1e308, 1e308, allow_nan=False),
    st.floats(-1e-300, 1e-300, allow_nan=False),
    st.sampled_from([1e308, -1e308, 5e-324, math.nan, math.inf, -math.inf, 1e16, 1e16 + 2.0]),
)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    targets=st.lists(NASTY, min_size=1, max_size=25),
    layout=st.sampled_from(["random", "line", "cluster", "corner"]),
    pending=st.integers(0, 3),
    seed=st.integers(0, 10_000),
)
def test_law_7_nasty_histories_never_stop_suggestions(
    targets: list[float], layout: str, pending: int, seed: int
) -> None:
    space = at.Space(at.Float("x", 0, 1), at.Float("z", 1e-8, 1e8, log=True), at.Bool("c"))
    state = at.State.start(space, seed, settings=at.Settings(n_candidates=32, n_starts=1))
    draws = np.random.default_rng(seed)
    for step, target in enumerate(targets):
        x = {
            "random": draws.random(),
            "line": step / len(targets),
            "cluster": 0.5 + step * 1e-15,
            "corner": step * 5e-324,
        }[layout]
        state = at.observe(state, {"x": x, "z": 1.0 + step * 1e-14, "c": False}, target)
    state, suggestions = at.suggest(state, 1 + pending)
    for suggestion in suggestions:
        assert suggestion.origin in ("initial", "model", "fallback")
        space.check(suggestion.params)


HUGE = st.floats(-1e308, 1e308, allow_nan=False) | st.sampled_from([0.0, 1e300, -1e300, 1e-300])


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    data=st.data(),
    name=st.sampled_from(sorted(WANTS)),
    n=st.integers(1, 12),
    numbers=st.sampled_from([NASTY, HUGE, st.sampled_from([0.0, 1.0]), st.just(3.0)]),
    bound=st.none() | HUGE,
    seed=st.integers(0, 10_000),
)
def test_law_7_nasty_outcomes_never_stop_suggestions(
    data: st.DataObject, name: str, n: int, numbers: Any, bound: float | None, seed: int
) -> None:
    want, space = WANTS[name], at.Space(at.Float("depth", 0, 1), at.Int("bits", 1, 9))
    options = dict(want.options)
    if bound is not None and "constraints" in options:
        options["constraints"] = dict.fromkeys(options["constraints"], at.AtLeast(bound))
    engine = at.Engine(space, seed, settings=at.Settings(n_candidates=32, n_starts=1), **options)
    names = engine.state.problem.outcome_names
    scale = data.draw(HUGE)
    known = {each: (lambda params: scale * params["depth"]) for each in want.known}
    draws = np.random.default_rng(seed)
    for _ in range(n):
        params = {"depth": draws.random(), "bits": int(draws.integers(1, 10))}
        target = {each: data.draw(numbers) for each in names}
        std = {each: data.draw(st.sampled_from([0.0, 1e-300, 1.0, 1e300])) for each in names}
        engine.observe(params, target, data.draw(st.sampled_from([None, std])))
    for suggestion in engine.suggest_batch(3, known=known):
        assert suggestion.origin in ("initial", "model", "fallback")
        space.check(suggestion.params)
    engine.pareto()
    engine.hypervolume()
    if engine.observations:
        predicted = engine.predict([suggestion.params])
        assert list(predicted) == list(names)
        if engine.state.problem.has_scale:
            engine.best()


def test_law_7_a_thousand_equal_targets() -> None:
    space = at.Space(at.Float("x", 0, 1), at.Int("n", 1, 10**6))
    state = at.State.start(space, settings=QUICK)
    for step in range(1000):
        state = at.observe(state, {"x": step / 1000, "n": step + 1}, 7.0)
    _, (suggestion,) = at.suggest(state)
    assert suggestion.origin == "model"


@pytest.mark.parametrize("name", SPACES)
def test_law_7_the_scale_of_targets_does_not_matter(name: str) -> None:
    space = SPACES[name]()
    runs = []
    for scale in (1.0, 2.0**1000, 2.0**-1000):
        engine = at.Engine(space, seed=8, settings=QUICK)
        for _ in range(9):
            suggestion = engine.suggest()
            engine.observe(suggestion, score_any(suggestion.params) * scale)
        runs.append([(o.params, o.id) for o in engine.observations])
        assert engine.suggest().origin == "model"
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize("factor", [2.0**900, 2.0**-900])
def test_law_7_the_scale_of_outcomes_and_their_bounds_does_not_matter(factor: float) -> None:
    runs = []
    for scale in (1.0, factor):
        engine = at.Engine(
            every_kind(),
            seed=8,
            settings=QUICK,
            goal="minimize",
            constraints={"size": [at.AtLeast(3.0 * scale), at.AtMost(9.0 * scale)]},
        )
        for _ in range(10):
            suggestion = engine.suggest()
            target = {"target": value_of(suggestion.params), "size": size_of(suggestion.params)}
            std = {"size": 0.125 * scale} if suggestion.id % 2 else None
            engine.observe(suggestion, {n: number * scale for n, number in target.items()}, std)
        runs.append([(o.params, o.id, o.feasible) for o in engine.observations])
        assert engine.suggest().origin == "model"
    assert runs[0] == runs[1]


def test_law_7_a_fallback_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise np.linalg.LinAlgError("not positive definite")

    engine = at.Engine(every_kind(), settings=at.Settings(n_initial=1))
    engine.observe(engine.suggest(), 1.0)
    monkeypatch.setattr("asktell.asking.propose.posterior_of", broken)
    suggestion = engine.suggest()
    assert suggestion.origin == "fallback"
    every_kind().check(suggestion.params)


# --- 8: no global random state ---


def test_law_8_global_random_state_is_neither_read_nor_disturbed() -> None:
    runs = []
    for global_seed in (0, 1):
        random.seed(global_seed)
        np.random.seed(global_seed)
        before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]
        engine = at.Engine(every_kind(), seed=6, settings=QUICK)
        for _ in range(8):
            suggestion = engine.suggest()
            engine.observe(suggestion, score(suggestion.params))
        after = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]
        assert after == before
        runs.append(engine.to_dict())
    assert runs[0] == runs[1]


# --- 9: the order of arrival does not matter ---


@pytest.mark.parametrize("name", SPACES)
@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(12)), seed=st.integers(0, 100))
def test_law_9_a_permutation_of_observations_changes_nothing(
    name: str, order: list[int], seed: int
) -> None:
    space = SPACES[name]()
    rows = params_of(space, 17, seed)
    results = [(row, round(score_any(row))) for row in rows[:12]]  # with ties
    probes = rows[12:]
    answers = []
    for arrival in (range(12), order):
        state = at.State.start(space, settings=QUICK)
        for index in arrival:
            params, target = results[index]
            state = at.observe(state, params, target)
        best = at.best(state)
        assert best is not None
        answers.append((best.params, best.target, *at.posterior(state, probes)))
    assert answers[0][:2] == answers[1][:2]
    np.testing.assert_allclose(answers[0][2], answers[1][2], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(answers[0][3], answers[1][3], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("want", WANTS.values(), ids=WANTS)
def test_law_9_whatever_is_wanted_the_order_of_arrival_does_not_matter(want: Any) -> None:
    space = every_kind()
    draws = np.random.default_rng(3)
    rows = [space.params(v) for v in space.decode(space.sample(draws.random((15, space.dim))))]
    answers: list[Any] = []
    for order in (range(12), draws.permutation(12), draws.permutation(12)):
        state = at.State.start(space, seed=1, settings=QUICK, **want.options)
        for index in order:
            target = want.evaluate(rows[index], value_of(rows[index]))
            state = at.observe(state, rows[index], target, want.std(int(index)))
        shown = [] if not state.problem.has_scale else [at.best(state), at.best_observed(state)]
        front = sorted(map(repr, at.pareto(state)))
        predicted = at.predict(state, rows[12:])
        _, suggestions = at.suggest(state, 2, known=want.known)
        answers.append((shown, front, at.hypervolume(state), suggestions, predicted))
    for other in answers[1:]:
        assert other[:2] == answers[0][:2]
        assert other[2] == pytest.approx(answers[0][2])
        assert other[3] == answers[0][3]
        for name, parts in answers[0][4].items():
            for part, same in zip(parts, other[4][name], strict=True):
                np.testing.assert_allclose(same, part, rtol=1e-9, atol=1e-12)


# --- 10: a process is left as it was found ---


def left_as_found() -> Any:
    """Return what belongs to the process: threads, warnings, signals, locale, numpy's errors."""
    blas = [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    return blas, list(warnings.filters), handlers, locale.setlocale(locale.LC_ALL), np.geterr()


def test_law_10_a_process_is_left_as_it_was_found_by_many_threads_at_once() -> None:
    def suggested(seed: int) -> int:
        engine = at.Engine(every_kind(), seed=seed, settings=QUICK)
        for _ in range(12):
            engine.observe(suggestion := engine.suggest(), score(suggestion.params))
        return suggestion.id

    with threadpool_limits(limits=2, user_api="blas"):
        before = left_as_found()
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(suggested, range(8))) == [11] * 8
        with pytest.raises(errors.DefinitionError):
            at.Engine(finite()).suggest_batch(0)
        assert left_as_found() == before


# --- 11: states of every earlier release are read, and go on ---


GOLDEN = sorted((HERE / "golden").glob("state-*.json"))


@pytest.mark.parametrize("path", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_law_11_a_state_of_every_release_is_read_and_goes_on(path: Path) -> None:
    engine = at.Engine.from_dict(json.loads(path.read_text()))
    known = len(engine.observations)
    names = engine.state.problem.outcome_names
    for suggestion in engine.suggest_batch(3, now=200.0, lease=60.0):
        engine.observe(suggestion, dict.fromkeys(names, 1.0))
    assert len(engine.observations) == known + 3
    assert at.State.from_dict(engine.to_dict()) == engine.state


def test_law_11_a_fit_of_another_model_is_searched_anew() -> None:
    engine = at.Engine(every_kind(), seed=3, settings=QUICK)
    for _ in range(8):
        engine.observe(suggestion := engine.suggest(), score(suggestion.params))
    engine.suggest()
    document = engine.to_dict()
    (row,) = (row for row in document["events"] if row["event"] == "fitted")
    row["fit"] = {"model": "a forest/7", "n": 4, "found": {"trees": 10}}
    other = at.Engine.from_dict(document)
    assert other.to_dict() == document
    assert other.suggest().origin == "model"
    assert other.state.fit is not None
    assert other.state.fit.model != "a forest/7"


# --- 12: bad input gets a typed error that names the place ---

DEFINITIONS: dict[str, tuple[Callable[[], Any], str]] = {
    "high below low": (lambda: at.Float("x", 1, 0), "$.high"),
    "log of zero": (lambda: at.Float("x", 0, 1, log=True), "$.low"),
    "nan": (lambda: at.Float("x", math.nan, 1), "$.low"),
    "text": (lambda: at.Int("n", "1", 3), "$.low"),  # type: ignore[arg-type]
    "no name": (lambda: at.Bool(""), "$.name"),
    "no choice": (lambda: at.Categorical("c", []), "$.choices"),
    "equal choices": (lambda: at.Categorical("c", [1, True]), "$.choices[1]"),
    "a list as a value": (lambda: at.Ordinal("o", [1, [2]]), "$.values[1]"),  # type: ignore[list-item]
    "negative step": (lambda: at.Float("x", 0, 1, step=-0.1), "$.step"),
    "empty space": (lambda: at.Space(), "$.parameters"),
    "one name twice": (lambda: at.Space(at.Bool("a"), at.Bool("a")), "$.parameters[1].name"),
    "no parameter": (lambda: at.Space("a"), "$.parameters[0]"),  # type: ignore[arg-type]
    "unknown goal": (lambda: at.Engine(finite(), goal="best"), "$.goal"),  # type: ignore[arg-type]
    "negative seed": (lambda: at.Engine(finite(), seed=-1), "$.seed"),
    "no space": (lambda: at.Engine(None), "$.space"),  # type: ignore[arg-type]
    "bad setting": (lambda: at.Settings(n_initial=0), "$.n_initial"),
    "negative retries": (lambda: at.Settings(retries=-1), "$.retries"),
    "half a lease": (lambda: at.Settings(expiries=0.5), "$.expiries"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize(("define", "place"), DEFINITIONS.values(), ids=DEFINITIONS.keys())
def test_law_12_wrong_definitions_are_refused(define: Callable[[], Any], place: str) -> None:
    with pytest.raises(errors.DefinitionError) as caught:
        define()
    assert isinstance(caught.value, ValueError)
    assert caught.value.place == place
    assert str(caught.value).startswith(f"{place}: got ")
    assert "expected" in str(caught.value)


PARAMS: dict[str, tuple[Any, str]] = {
    "not a mapping": ([1, 2], "$"),
    "missing": ({"a": 1}, "$.b"),
    "unknown": ({**finite().params((1, "low", "u", True, 0.0)), "f": 1}, "$.f"),
    "out of bounds": ({"a": 9, "b": "low", "c": "u", "d": True, "e": 0.0}, "$.a"),
    "wrong type": ({"a": "1", "b": "low", "c": "u", "d": True, "e": 0.0}, "$.a"),
    "bool for int": ({"a": True, "b": "low", "c": "u", "d": True, "e": 0.0}, "$.a"),
    "no value of it": ({"a": 1, "b": "lower", "c": "u", "d": True, "e": 0.0}, "$.b"),
    "unhashable": ({"a": 1, "b": [], "c": "u", "d": True, "e": 0.0}, "$.b"),
    "int for bool": ({"a": 1, "b": "low", "c": "u", "d": 1, "e": 0.0}, "$.d"),
    "off the grid": ({"a": 1, "b": "low", "c": "u", "d": True, "e": 0.3}, "$.e"),
    "nan": ({"a": 1, "b": "low", "c": "u", "d": True, "e": math.nan}, "$.e"),
}


@pytest.mark.parametrize(("params", "place"), PARAMS.values(), ids=PARAMS.keys())
def test_law_12_params_outside_the_space_are_refused(params: Any, place: str) -> None:
    with pytest.raises(errors.ParamsError) as caught:
        at.observe(at.State.start(finite()), params, 1.0)
    assert isinstance(caught.value, ValueError)
    assert caught.value.place == place


def test_law_12_a_newer_schema_is_refused() -> None:
    state = at.State.start(finite()).to_dict()
    state["schema"] += 1
    with pytest.raises(errors.StateError, match="newer") as caught:
        at.State.from_dict(state)
    assert caught.value.place == "$.schema"


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every entry of nested dicts and lists."""
    entries: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        entries = list(value.items())
    elif isinstance(value, list):
        entries = list(enumerate(value))
    return [p for key, item in entries for p in [(*path, key), *paths(item, (*path, key))]]


def test_law_12_every_missing_field_of_a_state_is_named() -> None:
    engine = at.Engine(every_kind(), seed=1, settings=QUICK)
    for suggestion in engine.suggest_batch(6):
        engine.observe(suggestion, score(suggestion.params))
    engine.fail(engine.suggest(), "no")
    engine.suggest()
    document = engine.to_dict()
    checked = 0
    for path in paths(document):
        if isinstance(path[-1], int):
            continue
        damaged = copy.deepcopy(document)
        parent = damaged
        for key in path[:-1]:
            parent = parent[key]
        del parent[path[-1]]
        with pytest.raises(errors.StateError) as caught:
            at.State.from_dict(damaged)
        place = "$" + "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in path)
        assert caught.value.place == place
        checked += 1
    assert checked > 50
