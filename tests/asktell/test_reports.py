"""Reports of studies as texts; see ``test_report_browser`` for what a browser makes of them."""

from __future__ import annotations

import base64
import gzip
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_studies import LONG, ODD, STUDIES, none, told, with_dim

import asktell as at
from asktell import plots
from asktell.errors import MissingExtraError, StateError
from asktell.insight import importance, left_out, progress
from asktell.plots import DARK, LIGHT, Theme
from asktell.reports import report, write_report
from asktell.reports.answer import answer_of, at_edge, lead_of
from asktell.reports.matters import edges_text, ranking_text
from asktell.reports.page import Folded, Page, Prose, Section, Table
from asktell.reports.pictures import Gallery
from asktell.reports.rendering import rendered
from asktell.reports.search import _origins, tiles_of
from asktell.reports.study_report import page_of
from asktell.reports.trial_table import MOST, trials_section
from asktell.reports.trust import verdict
from asktell.reports.wanted import title_of
from asktell.store import Store

REPORTS: dict[str, str] = {}


def report_of(name: str) -> str:
    """Return the report of a study, made once."""
    if name not in REPORTS:
        REPORTS[name] = report(STUDIES[name](), now=1.77e9)
    return REPORTS[name]


class Reader(HTMLParser):
    """Knows the elements of a page, and that they are closed in order."""

    VOID = ("meta", "link", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def elements(text: str) -> list[tuple[str, dict[str, str | None]]]:
    reader = Reader()
    reader.feed(text)
    assert reader.open == []
    return reader.found


@pytest.mark.parametrize("name", STUDIES)
def test_a_report_is_one_page_that_needs_nothing_else(name: str) -> None:
    text = report_of(name)
    assert text.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in text
    found = elements(text)
    for _, attributes in found:
        for key in ("src", "href", "action"):
            assert str(attributes.get(key, "#")).startswith(("#", "data:")), attributes
    ids = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert sum(tag == "h1" for tag, _ in found) == 1


@pytest.mark.parametrize("name", STUDIES)
def test_a_report_can_be_read_out(name: str) -> None:
    found = elements(report_of(name))
    svgs = [attributes for tag, attributes in found if tag == "svg"]
    pictures = [attributes for _, attributes in found if attributes.get("role") == "img"]
    assert len(svgs) == len(pictures)
    assert all(attributes["aria-label"] for attributes in pictures)
    n_tables = sum(tag == "table" for tag, _ in found)
    assert n_tables == sum(tag == "caption" for tag, _ in found)
    scopes = [attributes.get("scope") for tag, attributes in found if tag == "th"]
    assert set(scopes) == {"col", "row"}
    labels = [attributes["aria-labelledby"] for tag, attributes in found if tag == "section"]
    assert {attributes.get("id") for tag, attributes in found if tag == "h2"} == set(labels)


@pytest.mark.parametrize("name", STUDIES)
def test_a_report_holds_its_study(name: str) -> None:
    found = elements(report_of(name))
    (link,) = (attributes for _, attributes in found if "download" in attributes)
    _, _, content = str(link["href"]).partition("base64,")
    document = json.loads(gzip.decompress(base64.b64decode(content)))
    assert at.State.from_dict(document) == STUDIES[name]().state


def test_names_cannot_become_elements() -> None:
    text = report_of("12 parameters")
    assert ODD not in text
    assert "<b>poly</b>" not in text
    assert "&lt;b&gt;poly&lt;/b&gt;" in text
    assert [tag for tag, _ in elements(text)].count("script") == 1
    assert "□" in text  # where matplotlib's font has no glyph
    assert "🎉" in text  # where it is the page's


def test_the_same_study_gives_the_same_report() -> None:
    assert report(STUDIES["constant"]()) == report(STUDIES["constant"]())
    assert "2026-02-02 02:40 UTC" in report_of("constant")
    assert "UTC" not in report(STUDIES["constant"]())


# --- sentences ---


def lead(name: str) -> str:
    state = STUDIES[name]().state
    return " ".join(lead_of(state, answer_of(state)))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no trial", "The study has not begun: nothing was suggested or told yet."),
        ("one trial", "After 1 trial the best target is 1, found at trial 0."),
        ("only pending", "Nothing is measured yet: 3 trials are being evaluated."),
        ("all failed", "All 8 evaluations failed, so there is no best yet."),
    ],
)
def test_the_answer_comes_first(name: str, told: str) -> None:
    assert lead(name) == told


def test_the_answer_says_how_long_nothing_better_came() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0, 1)), goal="minimize")
    for x in (0.5, 0.1, 0.9, 0.7):
        engine.observe({"x": x}, x)
    assert lead_of(engine.state, answer_of(engine.state)) == (
        "After 4 trials the best target is 0.1, found at trial 1; the 2 after it brought nothing "
        "better.",
    )
    engine.observe({"x": 0.05}, 0.05)
    (text,) = lead_of(engine.state, answer_of(engine.state))
    assert text == "After 5 trials the best target is 0.05, found at trial 4, the last one."


def test_the_answer_says_whether_limits_hold() -> None:
    assert lead("infeasible").startswith("After 8 trials, none of the 8 measured holds all limits.")
    assert "wanted is at most 0.1" in lead("infeasible")
    engine = at.Engine(
        at.Space(at.Float("x", 0, 1)),
        objectives={"loss": "minimize"},
        constraints={"memory": at.AtMost(3), "loss": at.AtLeast(0)},
    )
    engine.observe({"x": 0.5}, {"loss": 0.5, "memory": 4})
    (text,) = lead_of(engine.state, answer_of(engine.state))
    assert "the only one measured does not hold all limits" in text
    engine.observe({"x": 0.2}, {"loss": 0.5, "memory": 2})
    (text,) = lead_of(engine.state, answer_of(engine.state))
    assert text.endswith("found at trial 1, the last one. It holds all limits: memory is 2.")


def test_the_answer_of_several_objectives_is_the_front() -> None:
    assert re.match(r"Of 20 measured trials, \d+ are on the front: ", lead("several objectives"))
    engine = at.Engine(
        at.Space(at.Float("x", 0, 1)),
        objectives={"a": at.Maximize(weight=1.0), "b": at.Minimize(weight=2.0)},
        constraints={"a": at.AtLeast(0.5)},
    )
    engine.observe({"x": 0.1}, {"a": 0.1, "b": 1})
    best, front = lead_of(engine.state, answer_of(engine.state))
    assert best.startswith("After 1 trial, the only one measured does not hold")
    assert front == "None of the 1 measured trial holds all limits."
    engine.observe({"x": 0.2}, {"a": 0.9, "b": 1})
    best, front = lead_of(engine.state, answer_of(engine.state))
    assert "the best a is 0.9 and b is 1" in best
    assert front.startswith("Of 2 measured trials, 1 is on the front")


def test_where_targets_are_noisy_the_answer_says_what_is_expected() -> None:
    assert "what is measured is noisy, and of this one the model expects target" in lead("noisy")


def test_a_failure_beside_pending_ones_is_told() -> None:
    engine = none()
    engine.fail(engine.suggest(), "no")
    engine.suggest()
    (text,) = lead_of(engine.state, answer_of(engine.state))
    assert text.startswith("The only evaluation failed, so there is no best yet, and 1 trial is")
    engine = none()
    engine.observe(engine.suggest(), 1.0)
    engine.forget(0)
    assert lead_of(engine.state, answer_of(engine.state)) == ("Nothing is measured yet.",)


def test_titles_say_what_is_wanted() -> None:
    titles = {name: title_of(STUDIES[name]().state.problem) for name in STUDIES}
    assert titles["one trial"] == "Maximising target"
    assert titles["several objectives"] == (
        "Maximising accuracy and minimising size, with accuracy at least 0.75 and memory at most 3"
    )


def test_a_best_at_the_edge_of_its_range_is_told() -> None:
    space = at.Space(
        at.Float("x", 0, 1), at.Int("n", 1, 9), at.Bool("flag"), at.Float("fixed", 2, 2)
    )
    engine = at.Engine(space)
    engine.observe({"x": 1.0, "n": 1, "flag": True, "fixed": 2.0}, 1.0)
    edges = at_edge(engine.state, engine.best())
    assert edges == [("x", "upper"), ("n", "lower")]
    assert (
        edges_text(edges[:1]) == "The best x lies at the upper end of its range: widen the range?"
    )
    assert "x (upper end) and n (lower end). Widen them?" in edges_text(edges)


# --- the model in words ---


def test_ranking_says_which_parameters_matter() -> None:
    known = importance(STUDIES["3 parameters"]().state)
    assert re.search(r"accuracy: rate in \d+ %", ranking_text(known))
    one = importance(STUDIES["constant"]().state)
    assert "sees no difference" in ranking_text(one)


@pytest.mark.parametrize(
    ("noise", "words"),
    [
        (0.0, "predicts what it has not seen well"),
        (0.08, "has a fair idea"),
        (0.17, "knows the direction, not the value"),
        (3.0, "hardly better than their mean"),
    ],
)
def test_the_verdict_on_the_model_is_that_of_its_predictions(noise: float, words: str) -> None:
    rng = np.random.default_rng(4)
    engine = at.Engine(at.Space(at.Float("x", 0, 1), at.Float("y", 0, 1)), seed=1)
    told(engine, 40, lambda params: params["x"] + noise * float(rng.normal()))
    known = left_out(engine.state)
    text = verdict(known)
    assert words in text
    assert f"R2 {known.explained:.2f}" in text


def test_the_verdict_on_few_results_is_that_they_are_few() -> None:
    engine = told(at.Engine(at.Space(at.Float("x", 0, 1))), 5, lambda params: params["x"])
    assert "little can be said yet" in verdict(left_out(engine.state))


# --- tables ---


def test_of_many_trials_the_best_and_the_last_are_shown() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0, 1)), goal="minimize")
    n = 3 * MOST
    for number in range(n):
        engine.observe({"x": number / n}, float(abs(number - 500)))
    section = trials_section(engine.state, answer_of(engine.state))
    assert section is not None
    table = table_of(section)
    numbers = [int(row.cells[0].text) for row in table.rows]
    assert len(numbers) == MOST
    assert numbers[-MOST // 2 :] == list(range(n - MOST // 2, n))
    assert 500 in numbers
    assert [row.cells[0].text for row in table.rows if row.mark == "best"] == ["500"]
    assert f"{MOST} of {n:,} trials" in table.caption
    assert "leaves trials out" in section.blocks[0].text


def table_of(section: Section) -> Table:
    (table,) = (block for block in section.blocks if isinstance(block, Table))
    return table


def test_the_table_says_what_became_of_each_trial() -> None:
    engine = STUDIES["several objectives"]()
    section = trials_section(engine.state, answer_of(engine.state))
    assert section is not None
    texts = [row.cells[1].text for row in table_of(section).rows]
    assert "breaks a limit" in texts
    assert any("on the front" in text for text in texts)
    assert any("observed 2 times" in text for text in texts)


# --- the shell ---


def test_a_report_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    engine = STUDIES["one trial"]()
    write_report(engine, path, now=1.77e9)
    assert path.read_text(encoding="utf-8") == report_of("one trial")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_the_lines_in_it_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = report_of("3 parameters")
    (content,) = re.findall(r'download="study.json.gz" href="data:[^,]*,([^"]*)"', text)
    (tmp_path / "study.json.gz").write_bytes(base64.b64decode(content))
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"<code>(import gzip.*?)</code>", text, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code.replace("&#34;", '"'), names)
    assert names["engine"].state.next_id == with_dim(3).state.next_id + 1


def test_every_colour_of_a_theme_is_one_of_the_page() -> None:
    style = (Path(str(sys.modules["asktell.reports"].__file__)).parent / "templates").joinpath(
        "page.css"
    )
    root, dark, _ = style.read_text(encoding="utf-8").split(":root", 3)[1:]
    for part, theme in ((root, LIGHT), (dark, DARK)):
        for name in Theme.__slots__:
            if name not in ("background", "colours", "__weakref__"):
                assert f"--plot-{name}: {getattr(theme, name)};" in part


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for name in [name for name in sys.modules if name.startswith("asktell.plots")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(at, "plots", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'asktell\[(report|plots)\]'"):
        report(none())


def test_an_empty_page_is_a_page() -> None:
    assert elements(rendered(Page("Nothing", (), (), "")))


def test_what_is_no_study_is_refused() -> None:
    with pytest.raises(at.errors.DefinitionError, match="an Engine"):
        report("study.json")  # type: ignore[arg-type]


def test_a_store_is_a_study(tmp_path: Path) -> None:
    store = Store(tmp_path / "study.json")
    store.create(STUDIES["one trial"]().state)
    assert report(store.read(), now=1.77e9) == report_of("one trial")
    with pytest.raises(StateError):
        at.State.from_dict({})


def test_long_names_are_whole_where_they_are_explained() -> None:
    page = page_of(with_dim(12).state, None)
    assert any(LONG[:56] in str(section) for section in page.sections)


# --- sections ---


def section_of(state: at.State, anchor: str) -> str:
    """Return the sentences of a section."""
    (section,) = (one for one in page_of(state, None).sections if one.anchor == anchor)
    return " ".join(getattr(block, "text", "") for block in section.blocks)


def test_a_hint_asks_for_a_wider_range_where_it_matters() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0, 1), at.Float("idle", 0, 1)), seed=1)
    told(engine, 20, lambda params: params["x"])
    engine.observe({"x": 1.0, "idle": 0.0}, 1.0)
    text = section_of(engine.state, "matters")
    assert "The best x lies at the upper end of its range: widen the range?" in text
    assert "idle" not in text.partition("widen")[0].partition("The best")[2]


def test_guesses_are_called_guesses() -> None:
    rng = np.random.default_rng(1)
    engine = at.Engine(at.Space(at.Float("x", 0, 1), at.Float("y", 0, 1)), seed=1)
    told(engine, 20, lambda params: 0.3 * params["x"] + float(rng.normal()))
    known = importance(engine.state)
    assert known.unexplained > 0.7
    if known.total.any():
        assert "take this for a guess" in ranking_text(known)


def test_origins_are_counted_in_a_sentence() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0, 1)))
    engine.observe({"x": 0.25}, 0.0)
    for target in (1.0, 2.0):
        engine.observe(engine.suggest(), target)
    text = section_of(engine.state, "search")
    assert "Of 3 trials, 2 were taken from the initial design and 1 was told without" in text


def test_workers_are_told_of_where_moments_are_known() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0, 1)))
    first, second = engine.suggest(now=0.0), engine.suggest(now=10.0)
    engine.observe(first, 1.0, now=20.0)
    engine.fail(second, "no", now=30.0)
    text = section_of(engine.state, "workers")
    assert text.startswith(
        "Of 2 evaluations, 1 ended with a result and 1 failed. Half of those that were answered "
    )
    assert "took up to 20 seconds, the longest 20 seconds. At most 2 were out at once, on" in text
    assert "on average 1.3." in text
    engine.observe(engine.suggest(), 2.0)
    assert "Of 1 more, the moments are not known." in section_of(engine.state, "workers")
    engine = at.Engine(at.Space(at.Float("x", 0, 1)))
    engine.observe(engine.suggest(now=5.0), 1.0, now=5.0)
    assert section_of(engine.state, "workers").rstrip().endswith("One at a time was out.")
    assert "The results came at 5." in section_of(engine.state, "search")


def test_where_no_model_can_be_made_the_rest_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(state: at.State) -> None:
        raise at.errors.NothingObservedError("no model")

    monkeypatch.setattr("asktell.reports.study_report.fitted", fails)
    anchors = [one.anchor for one in page_of(STUDIES["3 parameters"]().state, None).sections]
    assert anchors == ["answer", "search", "failures", "trials", "workers", "reproduce"]


def test_a_front_of_failures_has_no_curve() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0, 1)), objectives={"a": "maximize", "b": "minimize"})
    engine.fail(engine.suggest(), "no")
    assert "<svg" not in report(engine)


def test_of_many_suggestions_the_last_are_drawn() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0, 1)))
    suggestions = [engine.suggest(now=float(number)) for number in range(5)]
    for number, suggestion in enumerate(suggestions):
        engine.observe(suggestion, 1.0, now=number + 1.5)
    (axes,) = plots.timeline(engine, most=2).axes
    assert axes.get_title(loc="left") == "the last 2 of 5 suggestions, at most 2 at once"
    assert sum(len(one.get_paths()) for one in axes.collections) == 2
    (axes,) = plots.timeline(engine).axes
    assert axes.get_title(loc="left").startswith("5 suggestions")


@pytest.mark.parametrize("name", STUDIES)
def test_every_picture_is_drawn(name: str) -> None:
    assert "There is no picture" not in report_of(name)


def test_a_picture_that_cannot_be_drawn_leaves_a_sentence() -> None:
    def fails() -> Any:
        raise OverflowError

    drawn = Gallery(STUDIES["one trial"]()).drawn(fails, "what is huge")
    assert drawn == Prose("There is no picture of what is huge: its numbers are too far apart.")


def test_names_keep_their_letters_in_the_title() -> None:
    engine = at.Engine(
        at.Space(at.Float("x", 0, 1)), objectives={"AUC": "maximize", "RAM": "minimize"}
    )
    assert page_of(engine.state, None).title == "Maximising AUC and minimising RAM"


def test_halves_of_letters_do_not_stop_a_report(tmp_path: Path) -> None:
    engine = at.Engine(at.Space(at.Float("x", 0, 1)))
    engine.fail(engine.suggest(), "cut off: \udcff \x00 ]]>")
    write_report(engine, tmp_path / "report.html")
    assert "cut off: ?" in (tmp_path / "report.html").read_text()


def test_huge_numbers_do_not_hide_what_matters() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0, 1), at.Float("y", 0, 1)))
    told(engine, 15, lambda params: 1e300 * params["x"])
    assert "x in 99.9 %. The other one has a part in less than 2 %." in section_of(
        engine.state, "matters"
    )


def test_the_best_in_noise_may_break_a_limit_as_it_was_measured() -> None:
    """It is the one that the model expects to hold: that others hold must not be denied."""
    rng = np.random.default_rng(2)
    engine = at.Engine(
        at.Space(at.Float("x", 0, 1)),
        objectives={"a": "maximize"},
        constraints={"m": at.AtMost(0.5)},
    )
    for x in np.linspace(0, 1, 40):
        engine.observe({"x": x}, {"a": x + 0.2 * rng.normal(), "m": x + 0.1 * rng.normal()})
    engine.observe({"x": 0.46}, {"a": 1.0, "m": 0.55})
    assert not engine.best().feasible
    text = lead_of(engine.state, answer_of(engine.state))[0]
    assert "is the best: what is measured is noisy" in text
    assert "As it was measured, it does not: m is " in text
    assert "none of the" not in text


def test_a_range_of_two_numbers_has_no_edge() -> None:
    engine = at.Engine(at.Space(at.Int("two", 0, 1), at.Int("three", 0, 2), at.Float("one", 1, 1)))
    engine.observe({"two": 1, "three": 2, "one": 1.0}, 1.0)
    assert at_edge(engine.state, engine.best()) == [("three", "upper")]


def test_with_replicates_limits_are_of_the_mean() -> None:
    engine = at.Engine(
        at.Space(at.Float("x", 0, 1)),
        objectives={"a": "maximize"},
        constraints={"m": at.AtMost(1.0)},
        settings=at.Settings(replicates=True),
    )
    for m in (0.9, 1.3):
        engine.observe({"x": 0.5}, {"a": 1.0, "m": m})
    assert ("hold all limits", "0") in tiles_of(engine.state).items


def test_many_trials_are_said_to_be_selected() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0, 1)))
    for number in range(1200):
        engine.observe({"x": number / 1200}, float(number % 7))
    gallery = Gallery(engine)
    assert (
        gallery.progress("target", progress(engine)).caption
        == "Of so many trials, an even selection is drawn."
    )


# --- conditions and constraints ---


def tables_of(name: str) -> dict[str, Table]:
    page = page_of(STUDIES[name]().state, None)
    blocks = [block for section in page.sections for block in section.blocks]
    blocks += [inner for block in blocks if isinstance(block, Folded) for inner in block.blocks]
    return {block.caption: block for block in blocks if isinstance(block, Table)}


def test_a_report_says_when_what_is_active() -> None:
    tables = tables_of("conditional")
    space = tables["The space: a continuum"]
    assert space.columns == ("parameter", "kind", "range", "active where", "default", "likely")
    by_name = {row.cells[0].text: [cell.text for cell in row.cells[3:]] for row in space.rows}
    assert by_name["C"] == ["model is 'svm'", "1", ""]
    assert by_name["layers"] == ["model is 'mlp'", "", "2"]
    assert by_name["warm"] == ["bits is one of [4, 8] and dropout_3 is at most 0.4", "", ""]
    best = STUDIES["conditional"]().best().params
    assert [row.cells[0].text for row in tables["The best params"].rows] == list(best)
    trials = next(table for caption, table in tables.items() if caption.startswith("All "))
    assert {"", "svm"} <= {cell.text for row in trials.rows for cell in row.cells}
    assert not {"nan", "ABSENT"} & {cell.text for row in trials.rows for cell in row.cells}
    shares = next(table for caption, table in tables.items() if caption.startswith("Sobol"))
    assert shares.columns[-2:] == ("active in", "has a part in there")
    assert {row.cells[0].text: row.cells[3].text for row in shares.rows}["C"] == "33 %"


def test_a_report_says_which_constraints_hold() -> None:
    kept = tables_of("constrained")["Constraints on params"]
    assert [row.cells[0].text for row in kept.rows] == [
        "x1 + x2 <= 1",
        "low <= high",
        "never model is 'svm' and bias is True",
        "a + b + c = 1",
    ]
    page = report_of("constrained")
    assert "asktell init space.yaml study.json --seed 0 --goal maximize" in page
    assert "- {simplex: [a, b, c], total: 1}" in page


def test_importance_is_told_where_a_parameter_is_not_always_active() -> None:
    text = ranking_text(importance(STUDIES["conditional"]()))
    assert "A parameter that is not always active counts only where it is." in text
    assert "not always active" not in ranking_text(importance(STUDIES["constrained"]()))


def test_trials_that_a_change_of_space_left_out_are_named_and_not_counted() -> None:
    engine = at.Engine.from_state(STUDIES["conditional"]().state)
    names = ("C", "kernel", "layers", "bias")
    rest = [one for one in engine.space.parameters if one.name in names]
    engine.change_space(at.Space(at.Categorical("model", ["svm", "mlp"]), *rest))
    n = sum(trial.left_out is not None for trial in engine.trials)
    assert n > 5
    assert ("left out of the space", str(n)) in tiles_of(engine.state).items
    page = page_of(engine.state, None)
    (trials,) = (s for s in page.sections if s.anchor == "trials")
    (table,) = (block for block in trials.blocks if isinstance(block, Table))
    status = [row.cells[1].text for row in table.rows]
    assert sum(text.startswith("left out: its model was 'forest'") for text in status) > 5
    assert "left out" in engine._repr_html_()
    engine.enqueue({"model": "svm", "C": 1.0, "kernel": "rbf", "bias": False})
    engine.observe(engine.suggest(), 0.5)
    assert "1 was wished for" in _origins(engine.state)
