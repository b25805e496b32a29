"""A figure of matplotlib as SVG that belongs to its page: the page's colours, and its fonts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

if TYPE_CHECKING:
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

MOST_MARKS = 1000
"""Of one kind in one pair of axes; where many pairs have as many, fewer in each."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]*)\)")
_FONT_FAMILY = re.compile(r"font-family:[^;]*;?\s*")
_STYLE = "style"
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text as text
    "svg.hashsalt": "asktell",  # equal figures give equal texts
}
_ONE_AT_A_TIME = Lock()
"""The settings are those of the whole process. Of two threads that change and restore them at once,
the second would take those of the first for what it found, and leave them behind."""


def inline_svg(figure: Figure, prefix: str, colours: Mapping[str, str]) -> str:
    """Return a figure as an ``svg`` element to stand in a page.

    Of marks by the thousand an even selection is drawn: more would cover each other, and make the
    page slow.

    Args:
        figure: is drawn, and not to be used any more.
        prefix: goes before every id, so that figures of one page do not share any.
        colours: names of variables of the page's style by the colours that they take the place of,
            written as ``#rrggbb`` in small letters.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.collections import PathCollection

    many = [one for one in figure.findobj(PathCollection) if _count(one) > MOST_MARKS]
    for marks in many:
        _thin(marks, min(MOST_MARKS, max(2 * MOST_MARKS // len(many), MOST_MARKS // 4)))
    written = io.StringIO()
    canvas: Any = FigureCanvasSVG(figure)
    with _settings():
        # figure.savefig() would draw everything once more before, for the sake of other formats
        canvas.print_svg(written, metadata=_NO_METADATA)
    root = ElementTree.fromstring(written.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith("}style"):  # a rule for the whole page it would be
                parent.remove(child)
    for element in root.iter():
        _adapt(element, prefix, colours)
    width, height = (float(root.get(side, "0").removesuffix("pt")) for side in ("width", "height"))
    # A point of the figure is a pixel and a third of the page, so letters are as large as its own.
    root.set("width", f"{width * 4 / 3:.0f}")
    root.set("height", f"{height * 4 / 3:.0f}")
    root.set(_STYLE, f"--natural: {width * 4 / 3:.0f}px")
    root.set("aria-hidden", "true")  # whoever does not see it is told the alternative
    return ElementTree.tostring(root, encoding="unicode")


@contextmanager
def _settings() -> Iterator[None]:
    """Change only these: restoring all of them would undo what another thread changes meanwhile."""
    from matplotlib import rcParams

    with _ONE_AT_A_TIME:
        before = {name: rcParams[name] for name in _SETTINGS}
        try:
            rcParams.update(_SETTINGS)
            yield
        finally:
            rcParams.update(before)


def _thin(marks: PathCollection, most: int) -> None:
    """Leave an even selection of marks."""
    n = _count(marks)
    kept = np.linspace(0, n - 1, min(n, most)).astype(np.int64)
    marks.set_offsets(np.asarray(marks.get_offsets())[kept])
    for name in ("array", "facecolor", "edgecolor", "sizes"):  # one for all, or one for every mark
        values = np.atleast_1d(getattr(marks, f"get_{name}")())
        if len(values) == n:
            getattr(marks, f"set_{name}")(values[kept])


def _count(marks: PathCollection) -> int:
    return len(np.asarray(marks.get_offsets()))


def _adapt(element: ElementTree.Element, prefix: str, colours: Mapping[str, str]) -> None:
    element.tag = _bare(element.tag)
    attributes = {_bare(name): value for name, value in element.attrib.items()}
    element.attrib.clear()
    if element.text and not element.text.strip():
        element.text = None
    if element.tail and not element.tail.strip():
        element.tail = None
    for name, value in attributes.items():
        if name == "id":
            element.set(name, prefix + value)
        elif name == "href" and value.startswith("#"):
            element.set(name, f"#{prefix}{value[1:]}")
        elif name == "d":
            element.set(name, " ".join(_NUMBER.sub(_rounded, value).split()))
        elif name == _STYLE:
            coloured = _COLOUR.sub(lambda found: _variable(found[0], colours), value)
            element.set(name, _FONT_FAMILY.sub("", _referring(coloured, prefix)))
        else:
            element.set(name, _referring(value, prefix))


def _bare(name: str) -> str:
    return name.rpartition("}")[2]


def _referring(value: str, prefix: str) -> str:
    return _REFERENCE.sub(lambda found: f"url(#{prefix}{found[1]})", value)


def _variable(colour: str, colours: Mapping[str, str]) -> str:
    name = colours.get(colour.lower())
    return colour if name is None else f"var({name})"


def _rounded(found: re.Match[str]) -> str:
    return f"{float(found[0]):.2f}".rstrip("0").rstrip(".")
