"""A study that goes on with another space, and one that learns from an earlier study."""

from __future__ import annotations

import json
from typing import Any

import pytest
from spaces import QUICK, earlier_study, every_kind, finite, score

import asktell as at
from asktell.asking.evidence import dataset_of, n_reports
from asktell.errors import (
    ConflictError,
    DefinitionError,
    NotFailedError,
    ParamsError,
    StateError,
)
from asktell.tables.overview import trial_story

X, Y = at.Float("x", 0.0, 1.0), at.Float("y", 0.0, 1.0)
PLAIN = at.Space(X, at.Categorical("c", ["u", "v", "w"]))


def told(space: at.Space, *params: Any, **options: Any) -> at.Engine:
    """Return an engine that was told 0.0, 1.0, ... for these params, under no id."""
    engine = at.Engine(space, seed=3, **options)
    for number, one in enumerate(params):
        engine.observe(one, float(number))
    return engine


def plain_study() -> at.Engine:
    """Return three observed trials."""
    return told(PLAIN, {"x": 0.1, "c": "u"}, {"x": 0.5, "c": "v"}, {"x": 0.9, "c": "w"})


def reread(engine: at.Engine) -> at.Engine:
    return at.Engine.from_dict(json.loads(json.dumps(engine.to_dict(), allow_nan=False)))


def params_of(engine: at.Engine) -> list[dict[str, Any]]:
    return [one.params for one in engine.observations]


# --- parameters that come and go ---


def test_a_new_parameter_has_the_value_that_trials_had() -> None:
    engine = plain_study()
    change = engine.change_space(at.Space(*PLAIN.parameters, Y), had={"y": 0.25})

    assert change == at.Change((0, 1, 2))
    assert params_of(engine)[0] == {"x": 0.1, "c": "u", "y": 0.25}
    assert engine.space.names == ("x", "c", "y")
    assert engine.best().params["y"] == 0.25


def test_or_its_default() -> None:
    engine = plain_study()
    engine.change_space(at.Space(*PLAIN.parameters, at.Float("y", 0, 1, default=0.5)))

    assert {params["y"] for params in params_of(engine)} == {0.5}


def test_without_either_nothing_is_kept_and_the_reason_says_what_to_pass() -> None:
    engine = plain_study()
    wider = at.Space(*PLAIN.parameters, Y)
    change = engine.change_space(wider)

    assert change.kept == ()
    assert {reason for _, reason in change.left_out} == {
        "it had no y: pass had={'y': ...}, or give y a default"
    }
    assert (engine.observations, engine.failures, n_reports(engine.state)) == ([], [], 0)
    with pytest.raises(at.errors.NothingObservedError):
        engine.best()
    assert [trial.status for trial in engine.trials] == ["observed"] * 3

    assert engine.change_space(wider, had={"y": 0.5}).kept == (0, 1, 2)  # so they come back
    assert [one.target for one in engine.observations] == [0.0, 1.0, 2.0]


def test_a_parameter_that_goes_is_dropped() -> None:
    engine = plain_study()
    assert engine.change_space(at.Space(X)).kept == (0, 1, 2)
    assert params_of(engine) == [{"x": 0.1}, {"x": 0.5}, {"x": 0.9}]


def test_or_one_value_of_it_is_kept() -> None:
    engine = plain_study()
    change = engine.change_space(at.Space(X), had={"c": "v"})

    assert change.kept == (1,)
    assert change.left_out[0] == (0, "its c was 'u', not 'v'")
    assert params_of(engine) == [{"x": 0.5}]


def test_what_was_tried_is_remembered_and_what_was_filled_in_is_not() -> None:
    engine = plain_study()
    engine.change_space(at.Space(X, Y), had={"y": 0.25})
    engine.observe({"x": 0.3, "y": 0.75}, 3.0)
    engine.change_space(PLAIN, had={"c": "w"})

    assert params_of(engine)[1:] == [
        {"x": 0.5, "c": "v"},
        {"x": 0.9, "c": "w"},
        {"x": 0.3, "c": "w"},
    ]
    engine.change_space(at.Space(X, Y), had={"y": 0.125})
    assert [params["y"] for params in params_of(engine)] == [0.125] * 3 + [0.75]


def test_had_overrules_what_an_earlier_change_filled_in() -> None:
    engine = plain_study()
    wider = at.Space(*PLAIN.parameters, at.Float("y", 0, 1, default=0.5))
    engine.change_space(wider)
    engine.change_space(wider, had={"y": 0.0})

    assert {params["y"] for params in params_of(engine)} == {0.0}
    assert reread(engine).state == engine.state


def test_what_was_filled_in_stays_while_its_parameter_does() -> None:
    engine = plain_study()
    engine.change_space(at.Space(*PLAIN.parameters, Y), had={"y": 0.25})
    engine.change_space(at.Space(X, at.Float("y", 0.0, 0.5)))

    assert params_of(engine)[0] == {"x": 0.1, "y": 0.25}


# --- ranges, choices, conditions, constraints ---

CHANGES: dict[str, tuple[at.Space, tuple[int, ...], str]] = {
    "a range": (
        at.Space(at.Float("x", 0.2, 0.6), *PLAIN.parameters[1:]),
        (1,),
        "its x was 0.1, not a number in [0.2, 0.6]",
    ),
    "a grid": (
        at.Space(at.Float("x", 0.1, 0.9, step=0.8), *PLAIN.parameters[1:]),
        (0, 2),
        "its x was 0.5, not a number in [0.1, 0.9] in steps of 0.8",
    ),
    "a log scale": (
        at.Space(at.Float("x", 0.1, 1.0, log=True), *PLAIN.parameters[1:]),
        (0, 1, 2),
        "",
    ),
    "choices": (
        at.Space(X, at.Categorical("c", ["v", "new", "u"])),
        (0, 1),
        "its c was 'w', not one of ['v', 'new', 'u']",
    ),
    "another kind": (
        at.Space(at.Ordinal("x", [0.1, 0.9]), PLAIN.parameters[1]),
        (0, 2),
        "its x was 0.5",
    ),
    "no such kind": (at.Space(at.Int("x", 0, 1), PLAIN.parameters[1]), (), "its x was 0.1"),
    "a constraint": (
        at.Space(*PLAIN.parameters, constraints=[at.Linear({"x": 2.0}, at_most=1.0)]),
        (0, 1),
        "it breaks the constraint 2 x <= 1",
    ),
    "a condition": (
        at.Space(at.Float("x", 0.0, 1.0, when={"c": ["u", "v"]}), PLAIN.parameters[1]),
        (0, 1, 2),
        "",
    ),
    "order alone": (at.Space(*reversed(PLAIN.parameters)), (0, 1, 2), ""),
}


@pytest.mark.parametrize(("space", "kept", "reason"), CHANGES.values(), ids=CHANGES)
def test_what_lies_in_the_new_space_is_kept(
    space: at.Space, kept: tuple[int, ...], reason: str
) -> None:
    engine = plain_study()
    before = engine.state
    change = engine.change_space(space)

    assert change.kept == kept
    assert [n for n, _ in change.left_out] == [n for n in range(3) if n not in kept]
    assert not change.left_out or change.left_out[0][1].startswith(reason)
    assert [trial.left_out for trial in engine.trials if trial.left_out] == [
        why for _, why in change.left_out
    ]
    for trial in engine.state.kept:
        assert space.check(trial.params) == trial.configuration.values
    assert [one.target for one in engine.observations] == [float(n) for n in kept]
    assert reread(engine).state == engine.state
    engine.suggest()

    assert engine.change_space(PLAIN).kept[:3] == (0, 1, 2)
    assert params_of(engine) == [one.params for one in before.observations]


def test_what_becomes_inactive_is_dropped_and_comes_back() -> None:
    engine = plain_study()
    engine.change_space(CHANGES["a condition"][0])
    assert params_of(engine)[2] == {"c": "w"}
    engine.change_space(PLAIN)
    assert params_of(engine)[2] == {"x": 0.9, "c": "w"}


# --- trials that become the same ---


def twins(**policy: Any) -> at.Engine:
    """Return trials that differ in c alone, of which one is pending, and one failed."""
    engine = at.Engine(PLAIN, seed=1, settings=at.Settings(n_initial=9, **policy))
    for c in ("u", "v", "w"):
        engine.enqueue({"x": 0.5, "c": c})
    for one in engine.suggest_batch(3):
        if one.id == 1:
            engine.fail(one, "no")
        elif one.id == 2:
            engine.observe(one, 7.0)
    return engine


@pytest.mark.parametrize("replicates", [False, True])
def test_of_several_the_one_that_says_most_is_kept(replicates: bool) -> None:
    engine = twins(replicates=replicates)
    change = engine.change_space(at.Space(X))

    assert change.kept == (2,)
    assert change.left_out[0] == (0, "its params are those of trial 2 now")
    assert (engine.pending, engine.failures) == ([], [])
    assert [one.target for one in engine.observations] == [7.0]
    engine.change_space(PLAIN)
    assert [trial.status for trial in engine.trials] == ["pending", "failed", "observed"]
    assert (len(engine.pending), len(engine.failures)) == (1, 1)


def test_of_equals_the_first_is_kept() -> None:
    engine = told(PLAIN, {"x": 0.5, "c": "v"}, {"x": 0.5, "c": "u"})
    assert engine.change_space(at.Space(X)).kept == (0,)


# --- what is left out ---


def left_out() -> tuple[at.Engine, list[at.Suggestion]]:
    """Return an engine of whose four suggestions the first three are left out, and these."""
    engine = at.Engine(finite(), seed=1, settings=at.Settings(n_initial=99, retries=1))
    for a in (1, 1, 1, 2):
        engine.enqueue({"a": a})
    suggestions = engine.suggest_batch(4, now=0.0, lease=9.0)
    engine.fail(suggestions[1], "at first")
    engine.observe(suggestions[2], 2.0)
    a, *others = finite().parameters
    engine.change_space(at.Space(at.Int("a", 2, 3), *others))
    return engine, suggestions


def test_it_is_not_pending_not_due_not_observed_and_not_suggested_again() -> None:
    engine, suggestions = left_out()

    assert (engine.pending, engine.due, engine.observations) == ([suggestions[3]], [], [])
    assert [trial.status for trial in engine.trials] == ["pending", "queued", "observed", "pending"]
    assert engine.suggest().origin == "initial"
    assert engine.expire(99.0) == [suggestions[3]]
    assert not any(engine.state.is_taken(one.configuration.values) for one in suggestions[:3])


def test_results_for_it_are_taken_by_id_and_do_not_count() -> None:
    engine, suggestions = left_out()

    assert engine.observe(suggestions[0], 1.0) == "recorded"
    assert engine.observe(suggestions[0].id, 1.0) == "repeated"
    with pytest.raises(ConflictError, match="told under id 0"):
        engine.observe(0, 1.5)
    assert engine.fail(suggestions[1], "again") == "repeated"
    assert engine.observe(suggestions[1], 3.0) == "late"
    assert engine.state.suggestion(0).params == suggestions[0].params
    assert (engine.observations, engine.state.n_over, engine.state.leader) == ([], 0, None)
    assert reread(engine).state == engine.state

    engine.change_space(finite())
    assert [one.target for one in engine.observations] == [2.0, 1.0, 3.0]
    assert engine.best().target == 3.0


def test_it_is_put_right_by_id() -> None:
    engine, suggestions = left_out()
    engine.amend(suggestions[2], 9.0)
    assert engine.trials[2].target == 9.0
    engine.forget(engine.trials[2])
    assert engine.trials[2].status == "forgotten"
    with pytest.raises(NotFailedError, match="lies in the space; its a was 1"):
        engine.retry(2)
    assert engine.retry_failed() == []
    assert engine.observations == []


def test_it_is_not_named_by_params() -> None:
    engine, suggestions = left_out()
    with pytest.raises(ParamsError, match="in \\[2, 3\\]"):
        engine.observe(suggestions[0].params, 1.0)
    plain = plain_study()
    plain.change_space(at.Space(at.Float("x", 0.3, 1.0)))
    with pytest.raises(ParamsError, match=r"lies in the space, or has an id; its x was 0\.1"):
        plain.amend(plain.trials[0], 3.0)


def test_a_suggestion_is_known_in_whatever_space_it_was_made() -> None:
    engine = at.Engine(PLAIN, settings=at.Settings(n_initial=9))
    first, second = engine.suggest_batch(2)
    engine.change_space(at.Space(X, Y), had={"y": 0.5})
    assert engine.pending[0].params == {"x": first.params["x"], "y": 0.5}
    assert engine.observe(first, 1.0) == "recorded"
    assert engine.observe(engine.pending[0], 2.0) == "recorded"
    with pytest.raises(ConflictError, match="the params of id 1"):
        engine.observe(at.Suggestion(1, first.configuration, "initial"), 2.0)
    assert second.id == 1


def test_what_is_offered_again_is_tried_as_it_is_now() -> None:
    engine = at.Engine(PLAIN, settings=at.Settings(n_initial=9))
    engine.suggest(now=0.0, lease=1.0)
    engine.expire(1.0)
    engine.change_space(at.Space(X, Y), had={"y": 0.5})
    again = engine.suggest()
    assert (again.origin, again.params["y"]) == ("again", 0.5)
    engine.change_space(at.Space(Y, X), had={"y": 0.25})  # but it was tried with another
    assert engine.pending[0].params["y"] == 0.5


# --- the model ---


def test_the_model_sees_what_is_kept_in_the_new_space() -> None:
    engine = plain_study()
    engine.change_space(at.Space(at.Float("x", 0.0, 0.5), Y), had={"y": 0.5})
    data = dataset_of(engine.state)

    assert data.points.tolist() == [[0.2, 0.5], [1.0, 0.5]]
    assert data.targets.ravel().tolist() == [0.0, 1.0]


def test_a_study_goes_on_modelling() -> None:
    engine = at.Engine(every_kind(), seed=4, settings=QUICK)
    for _ in range(7):
        one = engine.suggest()
        engine.observe(one, score(one.params))
    assert engine.state.fit is not None
    a, b, *others = every_kind().parameters
    engine.change_space(at.Space(at.Float("x", 0.0, 2.0), *others, at.Bool("new", default=True)))

    assert engine.state.fit is None
    assert [engine.suggest().origin for _ in range(2)] == ["model", "model"]
    assert engine.state.fit is not None
    again = reread(engine)
    assert again.state == engine.state
    assert again.suggest() == engine.suggest()
    del a, b


def test_few_trials_that_are_kept_take_more_of_the_initial_design() -> None:
    engine = at.Engine(PLAIN, seed=4, settings=at.Settings(n_initial=4))
    for x in (0.1, 0.2, 0.3, 0.8):
        engine.observe({"x": x, "c": "u"}, x)
    engine.change_space(at.Space(at.Float("x", 0.5, 1.0)))
    origins = [engine.suggest().origin for _ in range(4)]
    assert origins == ["initial"] * 3 + ["model"]


def test_the_story_of_a_trial_goes_back_beyond_a_change() -> None:
    engine = plain_study()
    engine.amend(engine.trials[0], 5.0)
    engine.change_space(at.Space(X, Y), had={"y": 0.5})
    story = trial_story(engine.state, engine.trials[0])["events"]
    assert [row["event"] for row in story] == ["told", "amended"]


# --- what else there is ---


def test_wishes_are_said_anew_or_dropped() -> None:
    engine = plain_study()
    for wish in ({"c": "v"}, {"c": "w", "x": 0.25}, {"x": 0.75}, {"x": 0.0}):
        engine.enqueue(wish)
    change = engine.change_space(at.Space(at.Float("x", 0.1, 1.0), Y), had={"c": "v", "y": 0.5})

    assert engine.enqueued == [{"x": 0.75}]
    assert change.dropped == (
        ({"c": "v"}, "none of its parameters is left"),
        ({"c": "w", "x": 0.25}, "its c was 'w', not 'v'"),
        ({"x": 0.0}, "its x is 0.0: expected a number in [0.1, 1.0]"),
    )
    assert engine.suggest().params["x"] == 0.75
    assert reread(engine).state == engine.state


def test_a_wish_for_what_is_taken_now_is_dropped() -> None:
    engine = plain_study()
    engine.enqueue({"x": 0.5, "c": "u"})
    change = engine.change_space(at.Space(X))
    assert change.dropped == (({"x": 0.5, "c": "u"}, "its params are those of trial 1 now"),)


def test_the_same_space_again_changes_nothing() -> None:
    engine = plain_study()
    before = engine.state
    assert engine.change_space(PLAIN, now=3.0).kept == (0, 1, 2)
    assert engine.state is before


def test_defaults_of_the_new_space_go_first() -> None:
    engine = plain_study()
    engine.change_space(at.Space(at.Float("x", 0, 1, default=0.3), at.Bool("b", default=True)))
    assert engine.suggest().params == {"x": 0.3, "b": True}


WRONG: dict[str, tuple[Any, Any, str]] = {
    "no space": (PLAIN.parameters, None, "$.space"),
    "no mapping": (at.Space(X), [], "$.had"),
    "an unknown name": (at.Space(X), {"d": 1}, "$.had.d"),
    "a value out of range": (at.Space(X, Y), {"y": 2.0}, "$.had.y"),
}


@pytest.mark.parametrize(("space", "had", "place"), WRONG.values(), ids=WRONG)
def test_a_wrong_call_changes_nothing(space: Any, had: Any, place: str) -> None:
    engine = plain_study()
    before = engine.state
    with pytest.raises(DefinitionError) as caught:
        engine.change_space(space, had)
    assert caught.value.place == place
    assert engine.state is before


def test_states_of_before_stay_as_they_were() -> None:
    engine = plain_study()
    before, shown = engine.state, engine.to_dict()
    engine.change_space(at.Space(X, Y))
    assert before.to_dict() == shown
    assert before.history.of_values((0.1, "u")) is not None
    assert engine.state.history.of_values((0.1, "u")) is None
    assert engine.state.history.since(before.history) == engine.events[-1:]


# --- the answer in words ---


def test_a_change_says_what_it_did() -> None:
    engine = plain_study()
    engine.enqueue({"c": "v"})
    change = engine.change_space(at.Space(at.Float("x", 0.2, 0.4)))
    lines = str(change).splitlines()

    assert lines[0] == "0 of 3 trials kept, 3 left out:"
    assert lines[1] == "  trial 0: its x was 0.1, not a number in [0.2, 0.4]"
    assert lines[-1] == "  enqueued {'c': 'v'}: none of its parameters is left"
    assert str(at.Change((0, 1))) == "2 of 2 trials kept"
    html = change._repr_html_()
    assert "0 of 3 trials kept" in html
    assert "its x was 0.1" in html


def test_reasons_that_many_trials_share_come_once() -> None:
    many = at.Change((), tuple((n, "it had no y") for n in range(30)))
    assert str(many).splitlines()[1] == (
        "  trials 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 20 more: it had no y"
    )
    several = at.Change((), tuple((n, f"reason {n}") for n in range(30)))
    assert str(several).splitlines()[-1] == "  and 10 more reasons"


# --- an earlier study ---


def test_results_of_an_earlier_study_are_kept_beside_the_trials() -> None:
    engine = at.Engine(finite(), seed=1)
    earlier = earlier_study()
    change = engine.learn_from(earlier, had={"e": 0.5}, now=5.0)

    n_kept = sum(one.params["a"] <= 3 for one in earlier.observations)
    assert 0 < n_kept < 5
    assert len(change.kept) == n_kept
    reasons = dict(change.left_out)
    assert reasons[5] == "it failed"
    assert reasons[6] == "it has no result: it is pending"
    (study,) = engine.state.earlier
    assert len(study.kept) == n_kept
    lesson = study.kept[0]
    first = next(one for one in earlier.observations if one.params["a"] <= 3)
    assert lesson.numbers == (first.target,)
    assert lesson.std == (None if first.std is None else (first.std,))
    assert lesson.configuration.params == {
        name: value for name, value in {**first.params, "e": 0.5}.items() if name != "g"
    }


def test_they_count_as_nothing_else() -> None:
    engine = at.Engine(finite(), seed=1)
    engine.learn_from(earlier_study().to_dict(), had={"e": 0.5})
    state = engine.state

    assert (engine.trials, engine.observations, state.n_over, state.leader) == ([], [], 0, None)
    assert not any(state.is_taken(one.configuration.values) for one in state.earlier[0].kept)
    with pytest.raises(at.errors.NothingObservedError):
        engine.best()
    assert engine.suggest().origin == "initial"
    assert reread(engine).state == engine.state


def test_an_engine_is_learned_from_and_the_same_twice_is_once() -> None:
    engine = told(PLAIN)
    assert engine.learn_from(plain_study()).kept == (0, 1, 2)
    before = engine.state
    assert engine.learn_from(plain_study()).kept == (0, 1, 2)
    assert engine.state is before
    longer = plain_study()
    longer.observe({"x": 0.25, "c": "u"}, 4.0)
    engine.learn_from(longer)
    assert [len(study.kept) for study in engine.state.earlier] == [3, 4]


def test_nothing_to_learn_is_no_event() -> None:
    engine = told(PLAIN)
    assert engine.learn_from(told(PLAIN)) == at.Change(())
    assert engine.events == []


def test_outcomes_are_matched_by_name() -> None:
    own = {"loss": "minimize", "size": "minimize"}
    engine = at.Engine(PLAIN, objectives=own)  # type: ignore[arg-type]
    other = at.Engine(
        PLAIN,
        objectives={"speed": "maximize", "loss": "minimize"},
        constraints={"size": at.AtMost(3)},
    )
    other.observe({"x": 0.5, "c": "u"}, {"speed": 1.0, "loss": 2.0, "size": 3.0}, {"loss": 0.5})
    engine.learn_from(other)
    lesson = engine.state.earlier[0].kept[0]
    assert (lesson.numbers, lesson.std) == ((2.0, 3.0), (0.5, None))

    some = at.Engine(PLAIN, objectives={"size": "minimize"})
    some.observe({"x": 0.5, "c": "u"}, {"size": 3.0}, {"size": 0.0})
    engine.learn_from(some)
    lesson = engine.state.earlier[1].kept[0]
    assert (lesson.numbers, lesson.std) == ((None, 3.0), (None, 0.0))
    assert reread(engine).state == engine.state


def test_outcomes_that_do_not_match_are_refused() -> None:
    engine = at.Engine(PLAIN, objectives={"loss": "minimize"})
    with pytest.raises(DefinitionError, match=r"\$\.other\.outcomes: .* one of \['loss'\]"):
        engine.learn_from(plain_study())
    other = at.Engine(PLAIN, objectives={"loss": "maximize"})
    with pytest.raises(DefinitionError, match="'minimize', the goal of loss in this study"):
        engine.learn_from(other)
    with pytest.raises(DefinitionError, match=r"\$\.had\.q"):
        engine.learn_from(at.Engine(PLAIN, objectives={"loss": "minimize"}), had={"q": 1})
    assert engine.events == []


@pytest.mark.parametrize("other", [None, 7, "study.json", {}, {"schema": 99}])
def test_what_is_no_study_is_refused(other: Any) -> None:
    with pytest.raises(StateError):
        plain_study().learn_from(other)


def test_what_was_learned_is_said_anew_after_a_change_of_space() -> None:
    engine = told(PLAIN)
    engine.learn_from(plain_study())
    engine.change_space(at.Space(at.Float("x", 0.3, 1.0), Y), had={"y": 0.5})
    (study,) = engine.state.earlier

    assert [lesson.configuration.params for lesson in study.kept] == [
        {"x": 0.5, "y": 0.5},
        {"x": 0.9, "y": 0.5},
    ]
    assert study.lessons[0].left_out == "its x was 0.1, not a number in [0.3, 1.0]"
    assert reread(engine).state == engine.state
    engine.change_space(PLAIN)
    assert engine.state.earlier[0].kept == told_lessons()


def told_lessons() -> list[Any]:
    engine = told(PLAIN)
    engine.learn_from(plain_study())
    return engine.state.earlier[0].kept


def test_an_earlier_study_may_have_changed_its_space() -> None:
    other = plain_study()
    other.change_space(at.Space(at.Float("x", 0.3, 1.0)))
    engine = told(PLAIN)
    change = engine.learn_from(other)
    assert change.kept == (0, 1, 2)  # each is said as it was tried
    assert engine.state.earlier[0].kept[0].configuration.params == {"x": 0.1, "c": "u"}
