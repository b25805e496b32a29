"""What notebooks show: well-formed, escaped, and small."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from looked_at import all_failed, branched, one_trial, plain, several, small, told, wide

import asktell as at
from asktell.card import card_of
from asktell.html import curve, fields, shown, table


def text_of(html: str) -> str:
    """Return the text of a piece of HTML, which has to be well-formed."""
    return " ".join(
        part.strip() for part in ElementTree.fromstring(html).itertext() if part.strip()
    )


def hostile() -> at.Engine:
    engine = at.Engine(at.Space(at.Categorical("<b>&", ["<script>alert(1)</script>", '"x"'])))
    engine.fail(engine.suggest(), "<img src=x onerror=alert(1)>" * 40)
    engine.observe(engine.suggest(), 0.5)
    return engine


@pytest.mark.parametrize(
    "engine",
    [
        small(),
        all_failed(),
        one_trial(),
        plain(),
        told(),
        several(),
        wide(40),
        hostile(),
        branched(),
    ],
)
def test_an_engine_is_shown_at_a_glance(engine: at.Engine) -> None:
    html = engine._repr_html_()
    text = text_of(html)
    assert html == card_of(engine)
    assert f"{len(engine.observations)} observed" in text
    assert f"{len(engine.failures)} failed" in text
    assert len(html) < 60_000
    for item in (*engine.trials[:2], *engine.observations[:1], *engine.failures[:1]):
        assert text_of(item._repr_html_())


def test_a_study_says_what_is_wanted_and_the_best() -> None:
    engine = plain()
    text = text_of(engine._repr_html_())
    assert text.startswith("Study: minimize 25 observed, 0 pending, 0 failed; 3 parameters, seed 3")
    assert f"best {engine.best().target:.6g}" in text
    assert "24 observed" in text  # the last trial
    front = text_of(several()._repr_html_())
    assert "minimize size, maximize accuracy, accuracy >= 0.3" in front
    assert f"{len(several().pareto())} observations on the front" in front
    infeasible = several(0, weight=1.0)
    infeasible.observe({"x": 0.0, "y": 0.0}, {"size": 1.0, "accuracy": 0.0})
    assert "nearest to holding the constraints" in text_of(card_of(infeasible.state))
    many = text_of(wide(40)._repr_html_())
    assert "and 32 more" in many
    assert "more: 36" in many
    assert "saved in &lt;x&gt;" in card_of(small(), "saved in <x>")
    again = small()
    again.suggest(now=0.0, lease=1.0)
    again.expire(2.0)
    assert "1 to be offered again" in text_of(again._repr_html_())


def test_what_others_wrote_is_escaped() -> None:
    engine = hostile()
    for html in (
        engine._repr_html_(),
        engine.trials[0]._repr_html_(),
        engine.failures[0]._repr_html_(),
        engine.observations[0]._repr_html_(),
    ):
        assert "<script" not in html
        assert "<img" not in html
        assert "<b>" not in html


def test_single_things_are_shown_with_what_is_known_of_them() -> None:
    engine = at.Engine(small().space, constraints={"size": at.AtMost(1.0)})
    suggestion = engine.suggest(now=5.0, lease=10.0)
    assert text_of(suggestion._repr_html_()).startswith(
        "suggestion 0 origin initial lease ends 15 s x 0.5 n 3"
    )
    engine.observe(suggestion, {"target": 1.0, "size": 2.0}, {"size": 0.1}, now=6.0)
    (observation,) = engine.observations
    text = text_of(observation._repr_html_())
    assert "target: 1, size: 2 std size: 0.1" in text
    assert "feasible no: it breaks a constraint" in text
    trial = text_of(engine.trials[0]._repr_html_())
    assert "trial 0 status observed ids 0 origin initial" in trial
    assert "suggested at 5 s told at 6 s" in trial
    engine.observe(engine.suggest(now=1.77e9), {"target": 1.0, "size": 2.0}, now=1.77e9 + 1)
    trial = text_of(engine.trials[1]._repr_html_())
    assert "suggested at 2026-02-02 02:40:00 UTC told at 2026-02-02 02:40:01 UTC" in trial


def test_values_are_shown_short() -> None:
    assert shown(0.1234567891) == "0.123457"
    assert shown("a" * 100) == "a" * 30 + "…" + "a" * 29
    assert shown(None) == "None"
    assert shown((1, "<")) == "1, &lt;"
    assert "and 60 more" in fields("many", {f"p{i}": i for i in range(100)}, {})
    assert table(("a", "b"), [(1, 2)]).count("<td") == 2


def test_a_curve_takes_two_numbers_and_is_never_long() -> None:
    nan = float("nan")
    assert curve([], []) == ""
    assert curve([1.0, nan], [nan, nan]) == ""
    drawn = curve([1.0, nan, 0.5], [1.0, 1.0, 0.5])
    assert drawn.count("<circle") == 2
    assert drawn.count("<path") == 2
    ElementTree.fromstring(drawn)
    long = curve([float(i % 7) for i in range(100_000)], [0.0] * 100_000)
    assert 300 < long.count("<circle") <= 400
    assert curve([1e308, -1e308], [1e308, 1e308]).count("nan") == 0
