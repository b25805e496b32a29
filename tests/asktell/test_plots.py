"""Pictures: each is drawn for every kind of study, and nothing on it is cut or overlaps."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from looked_at import all_failed, bounded, branched, one_trial, plain, several, small, told, wide
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

import asktell as at
from asktell import insight, plots
from asktell.errors import DefinitionError
from asktell.plots.canvas import rest, written
from asktell.plots.marks import view_of

Draw = Callable[..., Figure]

PICTURES: dict[str, Draw] = {
    "progress": plots.progress,
    "slices": plots.slices,
    "dependence": plots.dependence,
    "contour": plots.contour,
    "parallel": plots.parallel,
    "importance": plots.importance,
    "left_out": plots.left_out,
    "front": plots.front,
    "hypervolume": plots.hypervolume,
    "timeline": plots.timeline,
}


def farmed() -> at.Engine:
    """Return a study with moments, leases, deaths, and suggestions that are still out."""
    engine = at.Engine(at.Space(at.Float("x", 0.0, 1.0)), settings=at.Settings(expiries=1))
    for start in range(0, 400, 40):
        one, two, _ = engine.suggest_batch(3, now=float(start), lease=60.0)
        engine.observe(one, float(start), now=start + 30.0)
        engine.fail(two, "out of memory", now=start + 35.0)
        engine.expire(start + 39.0)
    engine.suggest(now=400.0, lease=3000.0)
    return engine


def strange() -> at.Engine:
    """Return a study whose names and values are hard to draw."""
    space = at.Space(
        at.Float("$x^{2", -1e300, 1e300),
        at.Categorical("学习率 🚀\nnew line", ["<b>", "$", "\\frac{1}{2}", ""]),
        at.Float("fixed", 2.0, 2.0),
        at.Int("only", 3, 3),
        at.Float("tiny", 1e-12, 1.1e-12, log=True),
    )
    engine = at.Engine(space, objectives={"$\\alpha$ \\ _": "minimize"})
    points = space.sample(np.random.default_rng(0).random((12, 5)))
    for place, values in enumerate(space.decode(points)):
        engine.observe(space.params(values), {"$\\alpha$ \\ _": 10.0 ** (3 * place)})
    engine.fail(space.params(space.decode(points * 0.5)[0]), "$ & <reason>\n" * 9)
    return engine


STUDIES: dict[str, at.Engine] = {
    "nothing": small(),
    "all failed": all_failed(),
    "one trial": one_trial(),
    "three parameters": plain(),
    "every kind": told(),
    "two objectives": several(),
    "two objectives, weighed": several(weight=1.0),
    "four objectives": several(k=4),
    "five objectives": several(k=5),
    "farm": farmed(),
    "strange": strange(),
    "twelve parameters": wide(12),
    "twenty parameters": wide(20),
    "forty parameters": wide(40),
    "conditional": branched(),
    "constrained": bounded(n=25),
}
KNOWN = {name: insight.fitted(study) for name, study in STUDIES.items()}


def drawn(figure: Figure) -> FigureCanvasAgg:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas


def boxes(texts: list[Text], canvas: FigureCanvasAgg) -> list[tuple[str, Bbox]]:
    shown = [text for text in texts if text.get_visible() and text.get_text().strip()]
    return [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in shown]


def assert_nothing_is_cut(figure: Figure) -> FigureCanvasAgg:
    canvas = drawn(figure)
    taken = figure.get_tightbbox(canvas.get_renderer())  # in inches
    width, height = figure.get_size_inches()
    assert taken.x0 >= -0.02
    assert taken.y0 >= -0.02
    assert taken.x1 <= width + 0.02
    assert taken.y1 <= height + 0.02
    return canvas


def assert_ticks_do_not_overlap(ax: Axes, canvas: FigureCanvasAgg) -> None:
    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        within = [
            tick.label1
            for tick in axis.get_major_ticks()
            if min(low, high) <= tick.get_loc() <= max(low, high)
        ]
        if within and within[0].get_rotation():
            continue  # turned labels have boxes that overlap where they do not
        found = boxes(within, canvas)
        for (text, one), (_, other) in pairwise(found):
            assert not one.overlaps(other), (ax.get_xlabel(), text)


@pytest.mark.parametrize("study", KNOWN)
@pytest.mark.parametrize("picture", PICTURES)
def test_every_picture_of_every_study_fits(picture: str, study: str) -> None:
    figure = PICTURES[picture](KNOWN[study])
    assert isinstance(figure, Figure)
    canvas = assert_nothing_is_cut(figure)
    for ax in figure.axes:
        assert_ticks_do_not_overlap(ax, canvas)


@pytest.mark.parametrize("theme", [plots.LIGHT, plots.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("picture", PICTURES)
def test_every_picture_has_the_colours_of_its_theme(picture: str, theme: plots.Theme) -> None:
    figure = PICTURES[picture](KNOWN["two objectives"], theme=theme)
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible() and text.get_window_extent().width:
            assert to_hex(text.get_color()) in (theme.ink, theme.muted, theme.accent), text
    assert figure.get_facecolor()[:3] == pytest.approx(
        tuple(int(theme.background[i : i + 2], 16) / 255 for i in (1, 3, 5)), abs=0.01
    )


def sentences(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text))


@pytest.mark.parametrize("picture", [name for name in PICTURES if name not in ("parallel",)])
def test_where_there_is_nothing_to_see_the_picture_says_why(picture: str) -> None:
    draw = PICTURES[picture]
    said = sentences(draw(small()))
    if picture in ("front", "hypervolume"):
        assert "takes several objectives" in said
        assert "Nothing is observed yet" in sentences(draw(several(0)))
    elif picture == "timeline":
        assert "No moments are known: give now=..." in said
    else:
        assert "Nothing is observed yet." in said
        failed = sentences(draw(all_failed()))
        assert "all of 4 trials failed. The last reason: no such file: train.csv" in failed
        waiting = small()
        waiting.suggest()
        assert "Nothing is observed yet; 1 pending." in sentences(draw(waiting))


def test_what_cannot_be_told_yet_is_said() -> None:
    assert "nothing tells the parameters apart yet" in sentences(plots.importance(one_trial()))
    assert "two different observations" in sentences(plots.left_out(one_trial()))
    lonely = at.Engine(at.Space(at.Float("x", 0.0, 1.0)))
    lonely.observe({"x": 0.5}, 1.0)
    assert "takes two parameters" in sentences(plots.contour(lonely))
    infeasible = several(0)
    infeasible.observe({"x": 0.0, "y": 0.0}, {"size": 1.0, "accuracy": 0.0})
    assert "There is no front" in sentences(plots.hypervolume(infeasible))
    assert "0 of 1 on the front" in sentences(plots.front(infeasible))


def test_pictures_go_where_they_are_put() -> None:
    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    axes = figure.subplots(3, 3).ravel()
    study = KNOWN["two objectives"]
    for name, ax in zip((n for n in PICTURES if n != "slices"), axes, strict=True):
        draw = PICTURES[name]
        assert (draw(study, "x", ax=ax) if name == "dependence" else draw(study, ax=ax)) is figure
    drawn(figure)
    (below, _) = figure.subfigures(2, 1)
    assert plots.progress(small(), ax=below.subplots()) is figure


def test_the_most_important_come_first_and_the_rest_are_named() -> None:
    figure = plots.slices(plain(), most=2)
    assert [ax.get_xlabel() for ax in figure.axes] == ["x", "y"]
    assert "1 more matter less: z" in sentences(figure)
    bars = plots.importance(plain()).axes[0].get_yticklabels()
    assert [text.get_text() for text in bars] == ["x", "y", "z"]
    lines = plots.parallel(plain(), most=1)
    assert [text.get_text() for text in lines.axes[0].get_xticklabels()] == ["x", "target"]


def test_what_is_drawn_can_be_chosen() -> None:
    study = KNOWN["two objectives"]
    assert "accuracy" in sentences(plots.progress(study, "accuracy"))
    assert "at least 0.3" in sentences(plots.progress(study, "accuracy"))
    through = plots.slices(study, "accuracy", around={"x": 0.5, "y": 0.5})
    assert "the others as at the star" in sentences(through)
    assert len(plots.dependence(study, ["y", "x"]).axes) == 2
    assert plots.dependence(study, "y").axes[0].get_xlabel() == "y"
    one = plots.contour(KNOWN["three parameters"], second="x").axes[0]
    assert (one.get_xlabel(), one.get_ylabel()) == ("y", "x")
    for call in (plots.progress, plots.slices, plots.parallel, plots.importance):
        with pytest.raises(DefinitionError, match=r"\$.outcome: got 'loss'"):
            call(study, "loss")  # type: ignore[operator]


def test_of_many_trials_some_are_drawn_as_lines() -> None:
    engine = plain(500)
    figure = plots.parallel(engine)
    assert "400 of 500 trials are drawn" in sentences(figure)


def test_a_background_may_be_transparent() -> None:
    theme = plots.Theme(**{**{a: getattr(plots.LIGHT, a) for a in _names()}, "background": "none"})
    for picture in PICTURES.values():
        file = io.BytesIO()
        picture(KNOWN["every kind"], theme=theme).savefig(file, format="png")
        assert file.getvalue().startswith(b"\x89PNG")


def _names() -> list[str]:
    return [attribute.name for attribute in plots.Theme.__attrs_attrs__]  # type: ignore[attr-defined]


# --- its parts ---


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("short", "short"),
        ("x" * 20 + "y" * 20, "x" * 12 + "…" + "y" * 13),
        ("two\n lines", "two lines"),
        ("a$b", r"a\$b"),
        ("学 x", "□ x"),
    ],
)
def test_text_is_written_so_that_it_can_be_drawn(text: str, shown: str) -> None:
    assert written(text) == shown


def test_a_note_names_as_many_as_fit() -> None:
    assert rest([]) == ""
    assert rest(["a", "b"]) == "2 more matter less: a, b"
    many = rest([f"parameter number {i}" for i in range(100)])
    assert len(many) < 260
    assert many.endswith(" others")


def test_a_view_holds_all_but_what_is_far_worse() -> None:
    near = np.linspace(0.0, 1.0, 20)
    view = view_of(np.append(near, 100.0), -1.0)  # minimised, so 100 is far worse
    assert view.high < 4.0
    assert view.beyond(np.array([0.5, 100.0])).tolist() == [False, True]
    assert view.clipped(np.array([100.0])).tolist() == [view.high]
    assert view_of(np.append(near, 100.0), 1.0).high == 100.0  # maximised, so it is the best
    assert view_of(np.append(near, 100.0), 0.0).high == 100.0
    assert view_of(np.geomspace(1e-3, 1e3, 20), -1.0).is_log
    assert not view_of(np.array([1.0, 1e9]), -1.0).is_log
    assert view_of(np.array([]), 1.0).low == 0.0


def test_without_matplotlib_the_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from asktell.errors import MissingExtraError\n"
        "try:\n    import asktell.plots\nexcept MissingExtraError as error:\n    print(error)"
    )
    run: Any = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'asktell[plots]'" in run.stdout, run.stderr


def test_pictures_leave_no_trace() -> None:
    code = (
        "import sys, asktell as at, asktell.plots as plots\n"
        "engine = at.Engine(at.Space(at.Float('x', 0.0, 1.0)))\n"
        "engine.observe({'x': 0.5}, 1.0)\n"
        "plots.progress(engine)\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


# --- what would mislead ---


def limited() -> at.Engine:
    """Return a study whose best has little of an outcome that only has a bound."""
    engine = at.Engine(
        at.Space(at.Float("x", 0.0, 1.0), at.Float("y", 0.0, 1.0)),
        objectives={"a": "maximize"},
        constraints={"m": at.AtMost(600.0)},
    )
    for x, y in ((0.2, 0.5), (0.9, 0.1), (0.4, 0.55), (0.95, 0.9)):
        engine.observe({"x": x, "y": y}, {"a": x, "m": 1000.0 * y})
    return engine


def texts(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text))


def test_the_best_is_the_best_whatever_outcome_is_drawn() -> None:
    engine = limited()
    assert insight.contour(engine, "x", "y", "m").best.tolist() == [0.9, 0.1]
    assert [one.through for one in insight.slices(engine, "m")] == [0.9, 0.1]
    (axes,) = plots.parallel(engine, "m").axes
    (best,) = [line for line in axes.lines if line.get_label() == "best"]
    assert best.get_ydata()[-1] == pytest.approx((100.0 - 100.0) / 800.0)  # of m, the last axis
    assert "the stronger, the greater its m" in texts(axes.figure)


def test_without_weights_a_bound_has_the_best_of_the_first_objective() -> None:
    engine = at.Engine(
        at.Space(at.Float("x", 0.0, 1.0), at.Float("y", 0.0, 1.0)),
        objectives={"a": "maximize", "b": "minimize"},
        constraints={"m": at.AtMost(0.6)},
    )
    for x, y in ((0.2, 0.5), (0.9, 0.1), (0.95, 0.9)):
        engine.observe({"x": x, "y": y}, {"a": x, "b": x, "m": y})
    assert insight.contour(engine, "x", "y", "m").best.tolist() == [0.9, 0.1]
    assert insight.contour(engine, "x", "y", "b").best.tolist() == [0.2, 0.5]


def test_without_a_trial_that_holds_no_star_is_on_a_contour() -> None:
    engine = at.Engine(
        at.Space(at.Float("x", 0.0, 1.0), at.Float("y", 0.0, 1.0)),
        objectives={"a": "maximize"},
        constraints={"m": at.AtLeast(9.0)},
    )
    engine.observe({"x": 0.5, "y": 0.5}, {"a": 1.0, "m": 0.0})
    assert np.isnan(insight.contour(engine, "x", "y").best).all()
    plots.contour(engine)


def test_a_contour_over_a_parameter_of_one_value_is_drawn() -> None:
    engine = at.Engine(at.Space(at.Float("one", 2.0, 2.0), at.Float("x", 0.0, 1.0)))
    for x in (0.1, 0.5, 0.8):
        engine.observe({"one": 2.0, "x": x}, x)
    figure = plots.contour(engine, "one", "x")
    drawn(figure)
    assert "averaged" not in texts(figure)


def test_a_bound_beyond_the_axis_is_told_below() -> None:
    engine = at.Engine(
        at.Space(at.Float("x", 0.0, 1.0)),
        objectives={"a": "maximize"},
        constraints={"m": at.AtMost(1e6)},
    )
    for x in (0.1, 0.5, 0.8):
        engine.observe({"x": x}, {"a": x, "m": x})
    figure = plots.progress(engine, "m")
    assert_nothing_is_cut(figure)
    assert "At most 1e+06 is wanted, which lies beyond the axis." in texts(figure)


def test_what_lies_beyond_the_side_of_a_front_is_a_triangle() -> None:
    engine = at.Engine(
        at.Space(at.Float("x", 0.0, 1.0)), objectives={"a": "minimize", "b": "maximize"}
    )
    for place in range(12):
        far = 1e6 if place == 5 else 0.0
        engine.observe({"x": place / 12}, {"a": place - 3.0 + far, "b": 5.0 - place})
    (axes,) = plots.front(engine).axes
    (far,) = [one for one in axes.collections if one.get_label() == "far off"]
    assert far.get_offsets().tolist() == [[view_of(insight.front(engine).values[:, 0], -1).high, 0]]


def test_an_infinite_hypervolume_is_told() -> None:
    engine = at.Engine(
        at.Space(at.Float("x", 0.0, 1.0)), objectives={"a": "maximize", "b": "maximize"}
    )
    for x in (0.1, 0.5, 0.8):
        engine.observe({"x": x}, {"a": 1e200 * x, "b": 1e200 * (1 - x)})
    assert "beyond what a number holds" in texts(plots.hypervolume(engine))


def test_powers_beyond_a_logarithmic_axis_are_drawn() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0.0, 1.0)), goal="minimize")
    for x in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        engine.observe({"x": x}, 10.0 ** (600 * x - 300))
    drawn(plots.progress(engine))


def test_leases_are_seen() -> None:
    figure = plots.timeline(STUDIES["farm"])
    (axes,) = figure.axes
    (leases,) = [one for one in axes.collections if one.get_label() == "lease"]
    start = leases.get_segments()[0][0][0]
    assert start < 0.9 * axes.get_xlim()[1]


def test_params_that_are_given_are_not_called_the_best() -> None:
    figure = plots.slices(STUDIES["three parameters"])
    assert "best" in [text.get_text() for text in figure.legends[0].get_texts()]
    given = STUDIES["three parameters"].state.trials[1].params
    figure = plots.slices(STUDIES["three parameters"], around=given)
    assert "best" not in [text.get_text() for text in figure.legends[0].get_texts()]


def test_what_was_worked_out_before_is_drawn() -> None:
    study = KNOWN["three parameters"]
    known = insight.importance(study)
    assert texts(plots.importance(known)) == texts(plots.importance(study))
    assert texts(plots.slices(study, order=known.order)) == texts(plots.slices(study))
