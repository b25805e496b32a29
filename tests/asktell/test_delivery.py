"""What becomes of a result: every case of ``docs/delivery.md``, and batches of results."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
from spaces import finite

import asktell as at
from asktell import errors
from asktell.study.events import Retried

LEASE = 10.0


def engine_of(retries: int = 0, expiries: int = 3, replicates: bool = False) -> at.Engine:
    """Return an engine with suggestion 0 pending."""
    settings = at.Settings(retries=retries, expiries=expiries, replicates=replicates)
    engine = at.Engine(finite(), seed=3, settings=settings)
    engine.suggest(now=0.0, lease=LEASE)
    return engine


def due(**settings: Any) -> at.Engine:
    """Return an engine in which suggestion 0 has expired."""
    engine = engine_of(**settings)
    engine.expire(LEASE)
    return engine


def again(**settings: Any) -> at.Engine:
    """Return an engine in which suggestion 0 has expired, and is out again as 1."""
    engine = due(**settings)
    engine.suggest()
    return engine


def retried(**settings: Any) -> at.Engine:
    """Return an engine in which suggestion 0 has failed and is to be retried."""
    engine = engine_of(retries=1, **settings)
    engine.fail(0, "first")
    return engine


def given_up(**settings: Any) -> at.Engine:
    """Return an engine in which suggestion 0 has failed by expiring."""
    return due(expiries=0, **settings)


def told(engine: at.Engine, *outcomes: tuple[Any, float]) -> at.Engine:
    """Return the engine after these results."""
    for trial, target in outcomes:
        engine.observe(trial, target)
    return engine


def retries_of(engine: at.Engine) -> list[str]:
    """Return the reasons of the failures that did not count."""
    return [event.reason for event in engine.events if isinstance(event, Retried)]


OTHER = finite().params((3, "high", "v", False, 0.5))
PARAMS = {"params": "of suggestion 0"}


def tell(engine: at.Engine, trial: Any, target: Any) -> str:
    """Tell a target, or a failure where it is None."""
    if trial is PARAMS:
        trial = at.suggest(at.State.start(finite(), seed=3))[1][0].params
    return engine.fail(trial, "told") if target is None else engine.observe(trial, target)


FAILED = None
CASES: dict[str, tuple[at.Engine, Any, float | None, str]] = {
    # pending
    "a pending one": (engine_of(), 0, 1.0, "recorded"),
    "a pending one by params": (engine_of(), PARAMS, 1.0, "recorded"),
    "a pending one fails": (engine_of(), 0, FAILED, "failed"),
    "a pending one is not finite": (engine_of(), 0, math.nan, "failed"),
    "a pending one fails, with retries": (engine_of(retries=1), 0, FAILED, "retried"),
    "not finite, with retries": (engine_of(retries=1), PARAMS, -math.inf, "retried"),
    # never asked
    "params never suggested": (engine_of(), OTHER, 1.0, "unasked"),
    "params never suggested fail": (engine_of(), OTHER, FAILED, "failed"),
    "and are not retried": (engine_of(retries=9), OTHER, FAILED, "failed"),
    # known already
    "the same again": (told(engine_of(), (0, 1.0)), 0, 1.0, "repeated"),
    "the same again by params": (told(engine_of(), (0, 1.0)), PARAMS, 1.0, "repeated"),
    "failed again": (told(engine_of(), (0, math.nan)), 0, FAILED, "repeated"),
    "never suggested, again": (told(engine_of(), (OTHER, 1.0)), OTHER, 1.0, "repeated"),
    "another after it": (told(engine_of(), (0, 1.0)), 0, 2.0, "conflict"),
    "another by params": (told(engine_of(), (0, 1.0)), PARAMS, 2.0, "conflict"),
    "failed after it": (told(engine_of(), (0, 1.0)), 0, FAILED, "conflict"),
    "a result after a failure": (told(engine_of(), (0, math.nan)), 0, 1.0, "conflict"),
    # expired and due
    "late": (due(), 0, 1.0, "late"),
    "late by params": (due(), PARAMS, 1.0, "late"),
    "late again": (told(due(), (0, 1.0)), 0, 1.0, "repeated"),
    "late, then another": (told(due(), (0, 1.0)), 0, 2.0, "conflict"),
    "late failure": (due(), 0, FAILED, "failed"),
    "late failure with retries": (due(retries=1), 0, FAILED, "retried"),
    # expired and out again
    "late while out again": (again(), 0, 1.0, "late"),
    "the newer one": (again(), 1, 1.0, "recorded"),
    "by params it is the newer one": (again(), PARAMS, 1.0, "recorded"),
    "the older repeats the newer": (told(again(), (1, 1.0)), 0, 1.0, "repeated"),
    "the newer repeats the older": (told(again(), (0, 1.0)), 1, 1.0, "repeated"),
    "the older contradicts the newer": (told(again(), (1, 1.0)), 0, 2.0, "conflict"),
    "the newer contradicts the older": (told(again(), (0, 1.0)), 1, 2.0, "conflict"),
    "the newer fails after it": (told(again(), (0, 1.0)), 1, FAILED, "conflict"),
    "late failure while out again": (again(), 0, FAILED, "retried"),
    "and once more": (told(again(), (0, math.nan)), 0, FAILED, "repeated"),
    "the newer after it": (told(again(), (0, math.nan)), 1, 1.0, "recorded"),
    "the newer fails after it, too": (told(again(), (0, math.nan)), 1, FAILED, "failed"),
    "late after the newer failed": (told(again(), (1, math.nan)), 0, 1.0, "conflict"),
    # retried
    "a retried one fails again": (retried(), 0, FAILED, "repeated"),
    "by params, too": (retried(), PARAMS, FAILED, "repeated"),
    "a retried one succeeds": (retried(), 0, 1.0, "late"),
    # given up, as nobody answered
    "late after giving up": (given_up(), 0, 1.0, "late"),
    "late after giving up, by params": (given_up(), PARAMS, 1.0, "late"),
    "failed after giving up": (given_up(), 0, FAILED, "failed"),
    "not retried after giving up": (given_up(retries=1), 0, FAILED, "failed"),
    "then a result": (told(given_up(), (0, math.nan)), 0, 1.0, "conflict"),
    "a result, then a failure": (told(given_up(), (0, 1.0)), 0, FAILED, "conflict"),
    # replicates
    "another, wanted": (told(engine_of(replicates=True), (0, 1.0)), 0, 2.0, "replicate"),
    "the same, though wanted": (told(engine_of(replicates=True), (0, 1.0)), 0, 1.0, "repeated"),
    "after a failure": (told(engine_of(replicates=True), (0, math.nan)), 0, 2.0, "replicate"),
    "a failure after it": (told(engine_of(replicates=True), (0, 1.0)), 0, FAILED, "failed"),
    "by params, wanted": (told(engine_of(replicates=True), (0, 1.0)), PARAMS, 2.0, "replicate"),
    "late, wanted": (again(replicates=True), 0, 1.0, "late"),
    "the newer counts, too": (told(again(replicates=True), (0, 1.0)), 1, 1.0, "recorded"),
    "late after the newer": (told(again(replicates=True), (1, 1.0)), 0, 1.0, "late"),
    # nothing of this state
    "an unknown id": (engine_of(), 7, 1.0, "unknown"),
    "a negative id": (engine_of(), -1, FAILED, "unknown"),
    "no trial": (engine_of(), None, 1.0, "invalid"),
    "an id that is no integer": (engine_of(), 0.0, 1.0, "invalid"),
    "no params of the space": (engine_of(), {"a": 1}, 1.0, "invalid"),
    "no number": (engine_of(), 0, "good", "invalid"),
}
KINDS = {
    "conflict": errors.ConflictError,
    "unknown": errors.UnknownSuggestionError,
    "invalid": (errors.ParamsError, errors.TargetError),
}


@pytest.mark.parametrize(("before", "trial", "target", "outcome"), CASES.values(), ids=CASES.keys())
def test_every_case_has_its_outcome(
    before: at.Engine, trial: Any, target: float | None, outcome: str
) -> None:
    engine = at.Engine.from_dict(before.to_dict())
    state, n_retries = engine.state, len(retries_of(engine))
    if outcome in KINDS:
        with pytest.raises(KINDS[outcome]):
            tell(engine, trial, target)
    else:
        assert tell(engine, trial, target) == outcome
    grown = len(engine.observations) - len(state.observations)
    assert grown == (outcome in ("recorded", "late", "unasked", "replicate"))
    assert len(engine.failures) - len(state.failures) == (outcome == "failed")
    assert len(retries_of(engine)) - n_retries == (outcome == "retried")
    if outcome in ("repeated", *KINDS):
        assert engine.state is state
    assert at.State.from_dict(engine.to_dict()) == engine.state


def test_every_outcome_has_a_case() -> None:
    assert {case[-1] for case in CASES.values()} == set(get_args(at.Outcome))


# --- what an outcome does to the others ---


def test_a_late_result_settles_the_suggestion_that_followed() -> None:
    engine = told(again(), (0, 1.0))
    assert (engine.pending, engine.due) == ([], [])
    assert [(o.id, o.target) for o in engine.observations] == [(0, 1.0)]
    with pytest.raises(errors.ConflictError, match="known already, 1"):
        engine.fail(1, "cancelled")


def test_a_late_result_takes_its_params_from_what_is_due() -> None:
    engine = told(due(), (0, 1.0))
    assert engine.due == []
    assert engine.suggest().origin == "initial"


def test_with_replicates_the_suggestion_that_followed_goes_on_waiting() -> None:
    engine = told(again(replicates=True), (0, 1.0))
    assert [suggestion.id for suggestion in engine.pending] == [1]
    engine.observe(1, 3.0)
    best = engine.best()
    assert (best.target, engine.pending) == (2.0, [])


def test_with_replicates_what_has_an_outcome_is_not_offered_a_third_time() -> None:
    engine = due(replicates=True)
    engine.suggest(now=LEASE, lease=LEASE)
    engine.observe(0, 1.0)
    assert [suggestion.id for suggestion in engine.expire(99.0)] == [1]
    assert (engine.due, engine.pending, engine.failures) == ([], [], [])
    assert engine.observe(1, 2.0) == "late"


def test_a_failure_is_retried_as_often_as_the_settings_say_and_then_counts() -> None:
    engine = engine_of(retries=2)
    params = engine.pending[0].params
    outcomes = []
    for attempt in range(3):
        assert engine.pending[0].id == attempt
        assert engine.pending[0].params == params
        outcomes.append(engine.fail(attempt, f"attempt {attempt}"))
        suggestion = engine.suggest()
    assert outcomes == ["retried", "retried", "failed"]
    assert suggestion.params != params
    assert retries_of(engine) == ["attempt 0", "attempt 1"]
    assert [failure.reason for failure in engine.failures] == ["attempt 2"]


def test_a_failure_delivered_twice_takes_one_retry() -> None:
    engine = engine_of(retries=2)
    assert [engine.fail(0, "no"), engine.fail(0, "no")] == ["retried", "repeated"]
    assert engine.suggest().id == 1
    assert [engine.fail(0, "no"), engine.fail(1, "no")] == ["repeated", "retried"]


def test_a_result_overrules_giving_up() -> None:
    engine = given_up()
    assert [failure.cause for failure in engine.failures] == ["expired"]
    engine.observe(0, 4.0)
    mean, _ = at.posterior(engine.state, [engine.observations[0].params])
    assert mean[0] == pytest.approx(4.0)
    assert at.State.from_dict(engine.to_dict()) == engine.state


def test_a_failure_reported_after_giving_up_stays() -> None:
    engine = told(given_up(), (0, math.nan))
    assert [failure.cause for failure in engine.failures] == ["expired", "reported"]
    assert at.State.from_dict(engine.to_dict()) == engine.state


# --- single calls and batches ---


def test_the_pure_calls_say_what_became_of_a_result() -> None:
    state, (first, second) = at.suggest(at.State.start(finite()), 2)
    after, outcome = at.deliver(state, first, 1.0)
    assert (after, outcome) == (at.observe(state, first, 1.0), "recorded")
    after, outcome = at.deliver_failure(state, second, "no")
    assert (after, outcome) == (at.fail(state, second, "no"), "failed")


def test_a_bad_result_keeps_no_good_one_out() -> None:
    state, suggestions = at.suggest(at.State.start(finite()), 4)
    results = [
        (suggestions[2], 2.0),
        (9, 1.0),
        (0, 0.5),
        (0, 0.7),
        (suggestions[2].params, 2.0),
        (1, "good"),
        (1, math.inf),
        [3, 3.5],
        (3,),
        None,
        ({"a": 9}, 1.0),
        (OTHER, 8.0),
    ]
    after, deliveries = at.observe_batch(state, results)  # type: ignore[arg-type]
    assert [delivery.outcome for delivery in deliveries] == [
        "recorded",
        "unknown",
        "recorded",
        "conflict",
        "repeated",
        "invalid",
        "failed",
        "recorded",
        "invalid",
        "invalid",
        "invalid",
        "unasked",
    ]
    assert [(o.id, o.target) for o in after.observations] == [
        (2, 2.0),
        (0, 0.5),
        (3, 3.5),
        (None, 8.0),
    ]
    places = [delivery.error.place for delivery in deliveries if delivery.error]
    assert places == ["$[1].id", "$[3].target", "$[5].target", "$[8]", "$[9]", "$[10].b"]
    for delivery in deliveries:
        assert (delivery.error is not None) == (delivery.outcome in KINDS)
        assert delivery.error is None or isinstance(delivery.error, KINDS[delivery.outcome])


def test_a_batch_is_what_single_calls_are() -> None:
    engine = at.Engine(finite())
    suggestions = engine.suggest_batch(3)
    state = engine.state
    deliveries = engine.observe_batch((s, float(s.id)) for s in suggestions)
    assert [delivery.outcome for delivery in deliveries] == ["recorded"] * 3
    for suggestion in suggestions:
        state = at.observe(state, suggestion, float(suggestion.id))
    assert engine.state == state
    assert engine.observe_batch([]) == []


def test_a_batch_that_is_none_is_refused() -> None:
    with pytest.raises(errors.ParamsError, match="pairs"):
        engine_of().observe_batch(1.0)  # type: ignore[arg-type]
