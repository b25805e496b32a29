from __future__ import annotations

import re
from threading import Event, Thread
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from asktell.reports.vector import MOST_MARKS, inline_svg


def figure(text: str = "a title") -> Figure:
    drawn = Figure(figsize=(3.0, 2.0), facecolor="#fffffe")
    axes = drawn.add_subplot()
    axes.plot([0, 1, 2], [0, 2, 1], color="#123456")
    axes.fill_between([0, 1], [0, 1], color="#ABCDEF", alpha=0.5)
    axes.set_title(text)
    return drawn


def test_colours_become_variables() -> None:
    svg = inline_svg(figure(), "p-", {"#123456": "--line", "#abcdef": "--area"})
    assert "stroke: var(--line)" in svg
    assert "fill: var(--area)" in svg
    assert "#123456" not in svg
    assert "#fffffe" in svg  # it has no variable


def test_text_is_text_in_the_font_of_the_page() -> None:
    svg = inline_svg(figure("<b> & more"), "p-", {})
    root = ElementTree.fromstring(svg)
    assert "<b> & more" in [text.text for text in root.iter("text")]
    assert "font-family" not in svg
    assert "font-size: 12px" in svg


def test_ids_have_the_prefix_and_so_do_references() -> None:
    root = ElementTree.fromstring(inline_svg(figure(), "p7-", {}))
    ids = {one.get("id") for one in root.iter() if one.get("id")}
    assert ids
    assert all(str(one).startswith("p7-") for one in ids)
    written = ElementTree.tostring(root, encoding="unicode")
    referred = set(re.findall(r"url\(#([^)]*)\)", written))
    referred |= {str(one.get("href"))[1:] for one in root.iter("use")}
    assert referred
    assert referred <= ids


def test_no_rule_for_the_whole_page_is_left() -> None:
    root = ElementTree.fromstring(inline_svg(figure(), "p-", {}))
    assert [one.tag for one in root.iter() if one.tag == "style"] == []
    assert root.get("viewBox") == "0 0 216 144"
    assert (root.get("width"), root.get("height")) == ("288", "192")


def test_equal_figures_give_equal_texts() -> None:
    assert inline_svg(figure(), "p-", {}) == inline_svg(figure(), "p-", {})


@pytest.mark.parametrize("n", [10, MOST_MARKS + 1, 20 * MOST_MARKS])
def test_marks_by_the_thousand_are_thinned_out(n: int) -> None:
    drawn = Figure()
    colours = np.linspace(0.0, 1.0, n)
    drawn.add_subplot().scatter(np.arange(n), np.zeros(n), c=colours, s=np.full(n, 9.0))
    root = ElementTree.fromstring(inline_svg(drawn, "p-", {}))
    (drawn_marks,) = (one for one in root.iter("g") if "Collection" in str(one.get("id")))
    marks = [one for one in drawn_marks.iter() if "fill: #" in str(one.get("style"))]
    assert len(marks) == min(n, MOST_MARKS)
    assert "#440154" in str(marks[0].get("style"))  # the first and the last are kept
    assert "#fde725" in str(marks[-1].get("style"))


def test_several_axes_share_what_is_drawn() -> None:
    drawn = Figure()
    for place in range(4):
        axes = drawn.add_subplot(2, 2, place + 1)
        axes.scatter(np.arange(3000), np.zeros(3000), color="#123456")
    root = ElementTree.fromstring(inline_svg(drawn, "p-", {}))
    marks = [one for one in root.iter("use") if "#123456" in str(one.get("style"))]
    assert len(marks) == 2 * MOST_MARKS


def test_law_10_threads_that_draw_at_once_leave_matplotlib_as_it_was_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second begins within the first and ends after it, if nothing keeps it from that."""
    before = dict(mpl.rcParams)
    began: list[str] = []
    second_began, one_is_over = Event(), Event()
    print_svg = FigureCanvasSVG.print_svg

    def meeting(*arguments: Any, **named: Any) -> None:
        began.append("one more")
        if len(began) == 1:
            second_began.wait(0.5)
        else:
            second_began.set()
            one_is_over.wait(0.5)
        print_svg(*arguments, **named)

    def draw() -> None:
        inline_svg(figure(), "p-", {})
        one_is_over.set()

    monkeypatch.setattr(FigureCanvasSVG, "print_svg", meeting)
    threads = [Thread(target=draw) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(began) == 2
    assert dict(mpl.rcParams) == before
