"""A state is its events: whatever happened, replaying it gives the same state."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spaces import finite, learned_by, turns

import asktell as at
from asktell import errors
from asktell.asking.evidence import dataset_of
from asktell.state import State, apply, replay
from asktell.study.events import Failed, Skipped, Suggested, Told
from asktell.study.ranking import value_of
from asktell.study.trials import Configuration

SETTINGS = st.builds(
    at.Settings,
    n_initial=st.just(10**6),  # what is suggested does not matter here
    replicates=st.booleans(),
    retries=st.integers(0, 2),
    expiries=st.integers(0, 2),
)
VERBS = ["suggest", "observe", "observe", "fail", "fail", "expire", "renew", "own"]
SECOND_THOUGHTS = ["amend", "forget", "retry", "retry_failed"]
CHANGES = ["enqueue", "enqueue", "fixed", "space", "learn"]
CALLS = st.lists(
    st.tuples(
        st.sampled_from(VERBS + SECOND_THOUGHTS + CHANGES),
        st.integers(0, 11),
        st.sampled_from([0.0, 1.0, -2.5, float("nan"), 1e300]),
    ),
    max_size=40,
)


def own_params(space: at.Space, number: int) -> dict[str, Any]:
    """Return some params of a finite space."""
    point = space.sample(np.random.default_rng(number).random((1, space.dim)))
    return space.params(space.decode(point)[0])


def call(engine: at.Engine, verb: str, number: int, target: float, now: float) -> None:
    """Do one thing to an engine, whether or not it is possible."""
    own = own_params(engine.space, number)
    try:
        match verb:
            case "suggest":
                engine.suggest(now=now, lease=1.0 + number % 4)
            case "observe":
                engine.observe(number, target, now=now)
            case "fail":
                engine.fail(number, "no")
            case "expire":
                engine.expire(now)
            case "renew":
                engine.renew(number, now, 2.0)
            case "amend":
                engine.amend(number if number % 2 else own, target)
            case "forget":
                engine.forget(number if number % 2 else own)
            case "retry":
                engine.retry(number if number % 2 else own, now=now)
            case "retry_failed":
                engine.retry_failed()
            case "own":
                engine.observe(own, target)
            case "enqueue":
                engine.enqueue(dict(list(own.items())[number % 3 :]), now=now)
            case "fixed":
                engine.suggest_batch(2, fixed=dict(list(own.items())[-1:]), now=now)
            case "space":
                engine.change_space(*turns()[number % len(turns())], now=now)
            case "learn":
                engine.learn_from(*learned_by(engine.space), now=now)
    except (errors.InvalidValueError, at.SpaceExhausted):
        pass


def played(calls: list[tuple[str, int, float]], options: at.Settings) -> list[State]:
    """Return the states before and after each of some calls."""
    engine = at.Engine(finite(), seed=1, settings=options)
    states = [engine.state]
    for step, (verb, number, target) in enumerate(calls):
        call(engine, verb, number, target, now=float(step))
        states.append(engine.state)
    return states


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(calls=CALLS, options=SETTINGS)
def test_any_state_is_what_its_events_replay(calls: Any, options: at.Settings) -> None:
    for state in played(calls, options)[:: max(1, len(calls) // 4)]:
        again = replay(State(state.began), state.events)
        assert again == state
        assert all_of(again) == all_of(state)
        document = json.loads(json.dumps(state.to_dict()))
        assert State.from_dict(document) == state
        assert pickle.loads(pickle.dumps(state)) == state


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(calls=CALLS, options=SETTINGS)
def test_what_is_kept_beside_the_trials_follows_from_them(calls: Any, options: at.Settings) -> None:
    for state in played(calls, options):
        assert [trial.number for trial in state.trials] == list(range(len(state.trials)))
        trials = state.kept
        assert len({trial.configuration.values for trial in trials}) == len(trials)
        for trial in trials:
            assert state.space.check(trial.params) == trial.configuration.values
            assert state.history.of_values(trial.configuration.values) == trial
        if not options.replicates:
            complete = [state.space.complete(wish.params) for wish in state.wishes]
            assert not any(values and state.is_taken(values) for values in complete)
        out = {t.id for trial in trials for t in trial.tickets if t.standing == "out"}
        assert sorted(state.out) == sorted(out)
        assert sorted(state.queue) == [trial.number for trial in trials if trial.queued]
        assert state.n_over == sum(trial.is_over for trial in trials)
        assert state.n_observed == sum(trial.status == "observed" for trial in trials)
        ids = [ticket.id for trial in state.trials for ticket in trial.tickets]
        assert len(set(ids)) == len(ids)
        assert state.next_id == max(ids, default=-1) + 1
        values = [value_of(state.problem, trial) for trial in state.trials]
        known = [value for value in values if value is not None]
        assert (state.leader is None) == (not known)
        if state.leader is not None:
            number, value = state.leader
            assert values[number] == value == max(known)
        for trial in state.trials:
            is_out = any(ticket.standing == "out" for ticket in trial.tickets)
            assert not (trial.queued and (is_out or trial.is_over))
            assert (trial.status == "queued") == trial.queued


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(calls=CALLS, options=SETTINGS, cut=st.integers(0, 40))
def test_earlier_states_stay_as_they_were_and_branch(
    calls: Any, options: at.Settings, cut: int
) -> None:
    states = played(calls, options)
    shown = [state.to_dict() for state in states]
    branch = at.Engine.from_state(states[min(cut, len(calls))])
    for number in range(3):
        call(branch, "own", 11 - number, float(number), now=0.0)
    assert [state.to_dict() for state in states] == shown


def all_of(state: State) -> Any:
    """Return everything that a state holds."""
    return (
        state.events,
        state.trials,
        state.out,
        state.queue,
        state.next_id,
        state.arrivals,
        state.n_over,
        state.n_observed,
        state.leader,
        state.fit,
        state.wishes,
        state.earlier,
    )


# --- second thoughts ---


def engine_with(*targets: float) -> at.Engine:
    engine = at.Engine(finite(), seed=2, settings=at.Settings(n_candidates=64, n_starts=2))
    for target in targets:
        engine.observe(engine.suggest(), target)
    return engine


def test_an_amended_outcome_takes_the_place_of_the_wrong_one() -> None:
    engine = engine_with(1.0, 900.0, 2.0)
    engine.amend(1, 0.9, now=60.0)
    assert [(o.id, o.target) for o in engine.observations] == [(0, 1.0), (1, 0.9), (2, 2.0)]
    assert engine.best().id == 2
    assert engine.trials[1].told_at == 60.0
    assert [event.kind for event in engine.events][-2:] == ["told", "amended"]  # type: ignore[union-attr]


def test_an_outcome_may_turn_out_a_failure_and_the_other_way_round() -> None:
    engine = engine_with(1.0, 900.0)
    engine.amend(1, float("nan"))
    assert [(f.id, f.reason) for f in engine.failures] == [(1, "the target is nan")]
    assert engine.best().id == 0
    engine.amend(engine.trials[1], 5.0)
    assert (engine.failures, engine.best().target) == ([], 5.0)


def test_a_forgotten_outcome_may_be_told_again_under_its_old_id() -> None:
    engine = engine_with(1.0, 900.0)
    engine.forget(1)
    assert engine.trials[1].status == "forgotten"
    assert (len(engine.observations), engine.pending, engine.due) == (1, [], [])
    assert engine.observe(1, 0.5) == "late"
    assert engine.trials[1].status == "observed"


def test_forgotten_params_may_be_suggested_again() -> None:
    engine = at.Engine(at.Space(at.Int("n", 1, 2)))
    for _ in range(2):
        engine.observe(engine.suggest(), 1.0)
    with pytest.raises(at.SpaceExhausted):
        engine.suggest()
    engine.forget({"n": 2})
    suggestion = engine.suggest()
    assert (suggestion.params, suggestion.id) == ({"n": 2}, 2)
    assert engine.trials[1].ids == (1, 2)
    assert engine.observe(1, 3.0) == "late"
    assert engine.pending == []


def test_what_failed_or_was_forgotten_is_offered_again() -> None:
    engine = at.Engine(finite(), seed=2)
    failed, forgotten, lost, fine = engine.suggest_batch(4, now=0.0, lease=1.0)
    engine.fail(failed, "no such file")
    engine.observe(forgotten, 1.0)
    engine.forget(forgotten)
    engine.observe(fine, 2.0)
    for now in (1.0, 2.0, 3.0, 4.0):
        engine.expire(now)
        engine.suggest(now=now, lease=1.0)
    assert [trial.standing for trial in engine.trials[:4]][2] == "lost"

    for trial in (lost, forgotten.id, failed.params):
        engine.retry(trial, now=9.0)

    assert engine.failures == []
    assert [trial.status for trial in engine.trials[:4]] == ["queued"] * 3 + ["observed"]
    again = engine.suggest_batch(3)
    assert [one.params for one in again] == [one.params for one in (lost, forgotten, failed)]
    assert {one.origin for one in again} == {"again"}
    assert [event.at for event in engine.events if event.kind == "requeued"] == [9.0] * 3  # type: ignore[union-attr]


def test_what_was_never_suggested_is_retried_by_its_params() -> None:
    engine = at.Engine(finite(), seed=2)
    own = finite().params((1, "low", "u", True, 0.0))
    engine.fail(own, "no")
    engine.retry(own)
    suggestion = engine.suggest()
    assert (suggestion.params, suggestion.origin, suggestion.id) == (own, "again", 0)


def test_all_failed_trials_are_retried_at_once() -> None:
    engine = at.Engine(finite(), seed=2)
    own = finite().params((3, "high", "v", False, 0.5))
    suggestions = engine.suggest_batch(4)
    for suggestion in suggestions[:2]:
        engine.fail(suggestion, "no")
    engine.observe(suggestions[2], 1.0)
    engine.fail(own, "no")

    retried = engine.retry_failed(now=5.0)

    assert [(trial.number, trial.status) for trial in retried] == [
        (0, "queued"),
        (1, "queued"),
        (4, "queued"),
    ]
    assert engine.due == [trial.params for trial in retried]
    assert engine.pending == [suggestions[3]]
    before = engine.state
    assert engine.retry_failed() == []
    engine.retry(0)
    assert engine.state is before


def test_what_is_retried_starts_with_all_its_tries() -> None:
    engine = at.Engine(finite(), seed=2, settings=at.Settings(retries=1))
    suggestion = engine.suggest()
    assert engine.fail(suggestion, "no") == "retried"
    assert engine.fail(engine.suggest(), "no") == "failed"
    engine.retry(suggestion)
    assert engine.fail(engine.suggest(), "no") == "retried"
    assert engine.fail(engine.suggest(), "no") == "failed"


def test_a_late_answer_of_before_a_retry() -> None:
    engine = at.Engine(finite(), seed=2)
    first, second = engine.suggest_batch(2, now=0.0, lease=5.0)
    engine.fail(first, "no such file")
    engine.fail(second, "no such file")
    engine.retry_failed()
    before = engine.state
    assert engine.fail(first, "no such file") == "repeated"
    assert engine.fail(first.params, "by another name") == "repeated"
    assert engine.state is before
    with pytest.raises(errors.LeaseError, match="its params wait to be suggested again"):
        engine.renew(first, 1.0, 9.0)
    assert engine.observe(first, 0.5) == "late"
    again = engine.suggest()
    assert (again.params, engine.due) == (second.params, [])
    assert engine.observe(second.id, 0.25) == "late"
    assert (engine.pending, engine.failures) == ([], [])


def test_a_heartbeat_for_an_outcome_that_was_forgotten_is_refused() -> None:
    engine = at.Engine(at.Space(at.Bool("x")), settings=at.Settings(n_initial=9))
    first, second = engine.suggest_batch(2)
    for suggestion in (first, second):
        engine.observe(suggestion, 1.0)
    engine.forget(first)
    again = engine.suggest(now=0.0, lease=1.0)
    assert again.params == first.params
    engine.expire(1.0)
    with pytest.raises(errors.LeaseError, match="its params wait to be suggested again"):
        engine.renew(first, 2.0, 9.0)
    engine.renew(again, 2.0, 9.0)
    with pytest.raises(errors.LeaseError, match="offered again, as suggestion 2"):
        engine.renew(first, 2.0, 9.0)


def test_with_replicates_all_failures_of_params_are_set_aside() -> None:
    engine = at.Engine(finite(), seed=2, settings=at.Settings(replicates=True))
    suggestion = engine.suggest()
    twice = Suggested(1, suggestion.configuration, "replicate", None, None)
    state = engine.state
    for event in (twice, Failed(0, None, "one", None), Failed(1, None, "two", None)):
        state = apply(state, event)
    engine = at.Engine.from_state(state)
    assert len(engine.failures) == 2
    engine.retry(suggestion)
    assert (engine.failures, engine.due) == ([], [suggestion.params])
    engine.observe(suggestion, 1.0)
    engine.fail(suggestion.params, "three")
    with pytest.raises(errors.NotFailedError, match="observed"):
        engine.retry(suggestion)


def test_what_did_not_fail_is_not_retried() -> None:
    engine = engine_with(1.0)
    engine.suggest()
    before = engine.state
    new = engine.space.params((3, "high", "v", False, 0.5))
    for trial, advice in ((0, "forget it first"), (1, "tell that it failed"), (new, "suggest it")):
        with pytest.raises(errors.NotFailedError, match=advice):
            engine.retry(trial)
    with pytest.raises(errors.UnknownSuggestionError):
        engine.retry(9)
    with pytest.raises(errors.LeaseError):
        engine.retry_failed(now="soon")  # type: ignore[arg-type]
    assert engine.state is before


def test_a_failure_that_is_set_aside_is_not_known_to_the_model() -> None:
    engine = engine_with(*map(float, range(8)))
    engine.fail(engine.suggest(), "no")
    engine.suggest()
    assert engine.state.fit is not None
    engine.retry_failed()
    assert engine.state.fit is None
    assert len(dataset_of(engine.state).failed) == 0
    assert len(dataset_of(engine.state).pending) == 2


def test_corrected_data_is_searched_anew() -> None:
    engine = engine_with(*map(float, range(8)))
    engine.suggest()
    assert engine.state.fit is not None
    engine.amend(3, 50.0)
    assert engine.state.fit is None
    assert engine.suggest().origin == "model"


def test_with_replicates_a_correction_by_id_leaves_the_outcomes_of_others() -> None:
    engine = at.Engine(finite(), settings=at.Settings(replicates=True))
    suggestion = engine.suggest()
    engine.observe(suggestion, 1.0)
    engine.observe(suggestion, 2.0)
    own = engine.space.params((3, "high", "v", False, 0.5))
    engine.observe(own, 7.0)
    engine.amend(0, 4.0)
    assert [o.target for o in engine.observations] == [4.0, 7.0]
    engine.forget(own)
    assert [o.target for o in engine.observations] == [4.0]


@pytest.mark.parametrize("verb", ["amend", "forget"])
def test_what_has_no_outcome_cannot_be_corrected(verb: str) -> None:
    engine = engine_with(1.0)
    engine.suggest()
    before = engine.state
    arguments = (5.0,) if verb == "amend" else ()
    for trial in (1, engine.space.params((3, "high", "v", False, 0.5))):
        with pytest.raises(errors.NoOutcomeError, match=f"an outcome to {verb}; this one is"):
            getattr(engine, verb)(trial, *arguments)
    with pytest.raises(errors.UnknownSuggestionError):
        getattr(engine, verb)(9, *arguments)
    assert engine.state is before


def test_a_conflict_says_which_outcome_it_contradicts_and_what_to_do() -> None:
    engine = engine_with(1.0, 2.0)
    with pytest.raises(errors.ConflictError, match=r"2\.0, told under id 1 \(trial 1\).*amend"):
        engine.observe(1, 3.0)


def test_an_amended_outcome_has_the_new_deviation_and_no_other() -> None:
    engine = engine_with()
    for target in (1.0, 2.0):
        engine.observe(engine.suggest(), target, std=0.5)
    engine.amend(0, 3.0, std=0.25)
    engine.amend(1, 4.0)
    assert [(o.target, o.std) for o in engine.observations] == [(3.0, 0.25), (4.0, None)]


def test_equal_states_have_one_hash_and_know_the_same_suggestions() -> None:
    engine = engine_with(1.0, 2.0)
    again = State.from_dict(engine.to_dict())
    assert hash(again) == hash(engine.state)
    assert again.suggestion(1) == engine.state.suggestion(1)
    with pytest.raises(errors.UnknownSuggestionError):
        again.suggestion(2)


def test_of_equals_the_first_in_the_space_is_best_whatever_came_first() -> None:
    rows = [(3, "low", "u", True, 0.0), (1, "high", "v", True, 0.5), (1, "low", "v", False, 0.0)]
    for order in (rows, rows[::-1]):
        engine = at.Engine(finite())
        for row in order:
            engine.observe(finite().params(row), 1.0)
        assert engine.best().params == finite().params(rows[2])


# --- events and moments ---


def test_events_say_what_happened_and_when() -> None:
    engine = at.Engine(finite(), settings=at.Settings(retries=1))
    suggestion = engine.suggest(now=10.0, lease=5.0)
    engine.renew(0, now=12.0, lease=9.0)
    engine.fail(0, "worker lost", now=13.0)
    engine.observe(engine.suggest(now=14.0), 1.0, now=15.0)
    engine.observe({**suggestion.params, "a": 1}, 2.0)
    told = [(event.kind, event.at) for event in engine.events]  # type: ignore[union-attr]
    assert told == [
        ("suggested", 10.0),
        ("renewed", 12.0),
        ("retried", 13.0),
        ("suggested", 14.0),
        ("told", 15.0),
        ("told", None),
    ]
    trial = engine.trials[0]
    assert (trial.suggested_at, trial.told_at) == (10.0, 15.0)
    assert (trial.ids, trial.status, trial.target, trial.origin) == (
        (0, 1),
        "observed",
        1.0,
        "initial",
    )


def test_values_show_their_params() -> None:
    engine = engine_with(1.0)
    params = repr(engine.best().params)
    engine.fail(engine.suggest(), "no")
    for shown in (engine.trials[0], engine.observations[0], engine.events[0]):
        assert params in repr(shown)
    assert repr(engine.failures[0].params) in repr(engine.failures[0])
    suggestion = engine.suggest(now=0.0, lease=4.0)
    assert repr(suggestion.params) in repr(suggestion)
    assert "expires=4.0" in repr(suggestion)
    assert "reason='no'" in repr(engine.trials[1])


def test_another_systems_history_becomes_a_state() -> None:
    state = State.start(finite())
    own = Configuration(finite().names, (1, "low", "u", True, 0.0))
    state = replay(state, [Told(None, own, (3.0,), None), Skipped(40, None)])
    assert at.suggest(state)[1][0].id == 40
    with pytest.raises(errors.InvalidValueError, match="at least 40"):
        apply(state, Skipped(7, None))
    with pytest.raises(errors.StateError) as caught:
        replay(State.start(finite()), [Told(5, None, (3.0,), None)])
    assert caught.value.place == "$.events[0].id"
