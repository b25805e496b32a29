"""Params that are enqueued, values that are fixed, and defaults: what is suggested first."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from spaces import QUICK, every_kind, finite, score, tree

import asktell as at
from asktell.asking import propose as asking
from asktell.errors import ConflictError, ParamsError
from asktell.state import apply
from asktell.study.events import Enqueued, Suggested
from asktell.study.trials import Configuration, Part


def modelled(space: at.Space | None = None, **options: Any) -> at.Engine:
    """Return an engine that the model answers for."""
    engine = at.Engine(space or tree(), seed=5, settings=QUICK, **options)
    for number in range(6):
        engine.observe(engine.suggest(), float(number % 4))
    return engine


def reread(engine: at.Engine) -> at.Engine:
    return at.Engine.from_dict(json.loads(json.dumps(engine.to_dict(), allow_nan=False)))


def has(params: dict[str, Any], fixed: dict[str, Any]) -> bool:
    return all(name in params and params[name] == value for name, value in fixed.items())


# --- fixed ---

FIXED: list[dict[str, Any]] = [
    {"model": "mlp"},
    {"dropout_3": 0.1, "bias": True},
    {"trees": 17, "rate": 0.1},
    {"C": 0.3},
    {"warm": 1 / 3, "momentum": 0.3},
]


@pytest.mark.parametrize("fixed", FIXED, ids=str)
@pytest.mark.parametrize("make", [modelled, lambda: at.Engine(tree(), seed=5)])
def test_what_is_fixed_is_kept(make: Any, fixed: dict[str, Any]) -> None:
    engine = make()
    suggestions = engine.suggest_batch(4, fixed=fixed)

    for one in suggestions:
        assert engine.space.check(one.params) == one.configuration.values
        assert has(one.params, fixed)
    assert len({one.configuration.values for one in suggestions}) == 4
    assert {one.origin for one in suggestions} <= {"initial", "model"}
    engine.observe(suggestions[0], 1.0)  # by what it was handed out as
    engine.observe(suggestions[1].params, 1.0)
    assert reread(engine).suggest(fixed=fixed) == engine.suggest(fixed=fixed)


def test_nothing_fixed_changes_nothing() -> None:
    for engine in (modelled(), at.Engine(finite(), seed=2)):
        before = engine.state
        assert at.suggest(before, 2, fixed={}) == at.suggest(before, 2)


def test_the_model_is_that_of_the_whole_space() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0, 1), at.Bool("b")), seed=1, settings=QUICK)
    for x in np.linspace(0.0, 1.0, 12):
        engine.observe({"x": float(x), "b": True}, -((x - 0.7) ** 2))
    suggestion = engine.suggest(fixed={"b": False})  # the optimum seen where b is True
    assert suggestion.params["x"] == pytest.approx(0.7, abs=0.05)


def test_all_params_with_what_is_fixed_are_suggested_and_then_no_more() -> None:
    engine = at.Engine(finite(), seed=1, settings=QUICK)
    seen = set()
    for step in range(12):
        one = engine.suggest(fixed={"a": 2, "d": True})
        seen.add(json.dumps(one.params))
        if step % 3:
            engine.observe(one, float(step))
    assert len(seen) == 12
    with pytest.raises(at.SpaceExhausted, match=r"all params with \{'a': 2, 'd': True\} are obs"):
        engine.suggest(fixed={"a": 2, "d": True})
    assert len(engine.suggest_batch(99, fixed={"a": 2})) == 12
    assert len(engine.suggest_batch(99)) == 48
    with pytest.raises(at.SpaceExhausted, match="all 72"):
        engine.suggest()


def test_branches_are_used_up_one_by_one() -> None:
    space = at.Space(
        at.Categorical("model", ["a", "b"]),
        at.Int("n", 1, 4, when={"model": "a"}),
        at.Float("x", 0, 1, when={"model": "b"}),
    )
    engine = at.Engine(space, settings=QUICK)
    assert len(engine.suggest_batch(9, fixed={"model": "a"})) == 4
    assert {one.params["model"] for one in engine.suggest_batch(9)} == {"b"}


def test_what_is_to_be_offered_again_waits_where_it_has_other_values() -> None:
    engine = at.Engine(finite(), seed=1, settings=at.Settings(n_initial=99))
    engine.enqueue({"a": 1})
    engine.enqueue({"a": 2})
    first, second = engine.suggest_batch(2, now=0.0, lease=1.0)
    engine.expire(1.0)

    again = engine.suggest(fixed={"a": 2})
    assert (again.params, again.origin) == (second.params, "again")
    new = engine.suggest(fixed={"a": 3})
    assert (new.params["a"], new.origin) == (3, "initial")
    assert engine.due == [first.params]
    assert engine.suggest().origin == "again"


def test_chance_takes_over_where_the_model_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> Any:
        raise np.linalg.LinAlgError

    engine = modelled()
    monkeypatch.setattr(asking, "posterior_of", refuse)
    for one in engine.suggest_batch(5, fixed={"dropout_3": 0.1}):
        assert (one.origin, one.params["dropout_3"]) == ("fallback", 0.1)


def test_replicates_have_what_is_fixed() -> None:
    settings = at.Settings(replicates=True, revisits=True, n_candidates=64, n_starts=2)
    engine = at.Engine(finite(), seed=1, settings=settings)
    for step in range(40):
        one = engine.suggest(fixed={"a": 1 + step % 3})
        assert one.params["a"] == 1 + step % 3
        engine.observe(one, float(np.sin(step * 7)))


@pytest.mark.parametrize(
    ("fixed", "place"),
    [
        ({"model": "tree"}, "$.fixed.model"),
        ({"modle": "svm"}, "$.fixed.modle"),
        ({"C": 1.0, "layers": 2}, "$.fixed"),
        ({"model": "svm", "layers": 2}, "$.fixed.layers"),
        ("mlp", "$.fixed"),
    ],
)
def test_what_cannot_be_fixed_is_refused(fixed: Any, place: str) -> None:
    engine = modelled()
    before = engine.state
    with pytest.raises(ParamsError) as caught:
        engine.suggest(fixed=fixed)
    assert caught.value.place == place
    assert engine.state is before


def test_proposals_have_what_is_fixed() -> None:
    state = modelled().state
    proposal = asking.propose(state, 17, {"layers": 4})
    assert state.space.params(proposal.values)["layers"] == 4
    assert asking.propose(state, 17) != proposal


# --- enqueued ---


def test_what_is_enqueued_comes_next_in_order() -> None:
    engine = modelled()
    wishes: list[dict[str, Any]] = [{"model": "svm", "C": 1.0}, {"layers": 3}, {}, {"rate": 0.1}]
    for wish in wishes:
        engine.enqueue(wish)
    assert engine.enqueued == wishes

    suggestions = reread(engine).suggest_batch(5)
    assert suggestions == engine.suggest_batch(5)
    assert [one.origin for one in suggestions] == ["enqueued"] * 4 + ["model"]
    assert all(has(one.params, wish) for one, wish in zip(suggestions, wishes, strict=False))
    assert engine.enqueued == []
    assert engine.trials[-1].origin == "model"


def test_it_comes_before_what_is_to_be_offered_again() -> None:
    engine = at.Engine(finite(), seed=1)
    engine.suggest(now=0.0, lease=1.0)
    engine.expire(1.0)
    engine.enqueue({"a": 3})
    assert [one.origin for one in engine.suggest_batch(2)] == ["enqueued", "again"]


def test_with_fixed_values_the_first_that_agrees_comes() -> None:
    engine = at.Engine(tree(), seed=1)
    engine.enqueue({"layers": 3})
    engine.enqueue({"rate": 0.1})
    first = engine.suggest(fixed={"model": "svm"})
    assert has(first.params, {"model": "svm", "rate": 0.1})
    assert engine.enqueued == [{"layers": 3}]
    assert engine.suggest(fixed={"layers": 2}).origin == "initial"
    second = engine.suggest(fixed={"model": "mlp"})
    assert (second.params["layers"], second.origin) == (3, "enqueued")


def whole() -> dict[str, Any]:
    return finite().params((1, "low", "u", True, 0.0))


def test_all_params_may_be_enqueued_once() -> None:
    engine = at.Engine(finite(), seed=1)
    engine.enqueue(whole())
    with pytest.raises(ConflictError, match="not enqueued already"):
        engine.enqueue(whole())
    suggestion = engine.suggest()
    assert (suggestion.params, suggestion.origin) == (whole(), "enqueued")
    with pytest.raises(ConflictError, match="not pending already, as trial 0"):
        engine.enqueue(whole())
    engine.observe(suggestion, 1.0)
    with pytest.raises(ConflictError, match="not observed already"):
        engine.enqueue(whole())
    engine.forget(suggestion)
    engine.enqueue(whole())
    assert engine.suggest().origin == "enqueued"


def test_replicates_may_be_enqueued() -> None:
    engine = at.Engine(finite(), seed=1, settings=at.Settings(replicates=True))
    engine.observe(whole(), 1.0)
    engine.enqueue(whole())
    engine.enqueue(whole())
    assert [one.params for one in engine.suggest_batch(2)] == [whole()] * 2
    assert reread(engine).state == engine.state


@pytest.mark.parametrize("outcome", [1.0, float("nan")])
def test_a_wish_for_what_was_told_meanwhile_is_dropped(outcome: float) -> None:
    engine = at.Engine(finite(), seed=1)
    engine.enqueue(whole())
    engine.enqueue({"a": 1})
    engine.observe(whole(), outcome)
    assert engine.enqueued == [{"a": 1}]
    assert reread(engine).state == engine.state


def test_a_wish_for_what_was_suggested_otherwise_is_dropped() -> None:
    engine = at.Engine(finite(), seed=1)
    engine.enqueue({**whole(), "a": 2})
    engine.enqueue(whole())
    configuration = Configuration(finite().names, finite().check(whole()))
    state = apply(engine.state, Suggested(0, configuration, "model", None, None))
    assert state.enqueued == [{**whole(), "a": 2}]


def test_a_wish_of_which_everything_is_taken_waits() -> None:
    engine = at.Engine(at.Space(at.Int("a", 1, 2), at.Bool("b")), seed=1)
    engine.enqueue({"a": 1})
    engine.enqueue({"a": 1})
    engine.enqueue({"a": 1})
    engine.enqueue({"b": True})
    suggestions = engine.suggest_batch(4)
    assert [one.origin for one in suggestions] == ["enqueued"] * 3 + ["initial"]
    assert engine.enqueued == [{"a": 1}]
    with pytest.raises(at.SpaceExhausted):
        engine.suggest()
    engine.observe(suggestions[0], 1.0)
    engine.forget(suggestions[0])
    assert engine.suggest().origin == "enqueued"


@pytest.mark.parametrize(
    ("wish", "place"),
    [
        ({"model": "svm", "layers": 2}, "$.layers"),
        ({"depth": 2}, "$.depth"),
        ({"trees": 9}, "$.trees"),
        (None, "$"),
    ],
)
def test_what_cannot_be_is_not_enqueued(wish: Any, place: str) -> None:
    engine = modelled()
    before = engine.state
    with pytest.raises(ParamsError) as caught:
        engine.enqueue(wish)
    assert caught.value.place == place
    assert engine.state is before


def test_wishes_are_kept_as_the_space_has_them() -> None:
    engine = at.Engine(every_kind())
    engine.enqueue({"depth": np.int64(3), "x": 1, "bias": np.True_}, now=2.0)
    assert repr(engine.enqueued) == "[{'depth': 3, 'x': 1.0, 'bias': True}]"
    assert engine.events == [Enqueued(Part(("depth", "x", "bias"), (3, 1.0, True)), 2.0)]
    assert engine.to_dict()["events"] == [
        {"event": "enqueued", "params": {"depth": 3, "x": 1.0, "bias": True}, "at": 2.0}
    ]


def test_a_wish_that_the_space_does_not_know_is_no_state() -> None:
    document = modelled(finite()).to_dict()
    for params, place in (
        ({"q": 1}, ".params.q"),
        ({"a": 9}, ".params.a"),
        ({"a": []}, ".params.a"),
    ):
        event = {"event": "enqueued", "params": params, "at": None}
        with pytest.raises(at.errors.StateError) as caught:
            at.State.from_dict({**document, "events": [*document["events"], event]})
        assert caught.value.place == f"$.events[{len(document['events'])}]{place}"


# --- defaults ---

DEFAULTS = at.Space(
    at.Categorical("model", ["a", "b"], default="b"),
    at.Float("x", 0, 1, when={"model": "a"}),  # not active with the defaults
    at.Int("n", 1, 9, default=7),
)


def test_defaults_are_suggested_first() -> None:
    suggestion = at.Engine(DEFAULTS, seed=9).suggest()
    assert (suggestion.params, suggestion.origin) == ({"model": "b", "n": 7}, "initial")


def test_also_after_something_was_enqueued_or_observed() -> None:
    engine = at.Engine(DEFAULTS, seed=9, settings=at.Settings(n_initial=1))
    engine.observe({"model": "a", "x": 0.5, "n": 1}, 1.0)
    engine.enqueue({"n": 2})
    assert [one.params["n"] for one in engine.suggest_batch(2)] == [2, 7]
    assert engine.suggest().params != {"model": "b", "n": 7}


def test_not_where_they_are_taken_or_something_else_is_fixed() -> None:
    engine = at.Engine(DEFAULTS, seed=9)
    assert engine.suggest(fixed={"n": 3}).params["n"] == 3
    assert engine.suggest(fixed={"n": 7}).params == {"model": "b", "n": 7}
    other = at.Engine(DEFAULTS, seed=9)
    other.fail({"model": "b", "n": 7}, "no")
    assert other.suggest().params != {"model": "b", "n": 7}


def test_defaults_keep_the_constraints() -> None:
    x, y = at.Float("x", 0, 1, default=0.75), at.Float("y", 0, 1, default=0.5)
    with pytest.raises(at.errors.DefinitionError, match=r"\$\.constraints\[1\]: .* y <= 1"):
        at.Space(x, y, constraints=[at.Ordered("y", "x"), at.Linear({"x": 1, "y": 1}, at_most=1.0)])
    at.Space(x, at.Float("y", 0, 1), constraints=[at.Linear({"x": 1, "y": 1}, at_most=0.5)])


def test_scores_are_of_every_kind() -> None:
    engine = at.Engine(every_kind(), seed=3, settings=QUICK)
    for step in range(8):
        fixed: dict[str, Any] = [{"kernel": None}, {"depth": 3, "x": 0.1}, {"bits": 8}][step % 3]
        one = engine.suggest(fixed=fixed)
        assert has(one.params, fixed)
        engine.observe(one, score(one.params))
