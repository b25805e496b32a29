"""A figure of matplotlib as SVG that belongs to its page: the page's colours, and its fonts."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]*)\)")
_FONT_FAMILY = re.compile(r"font-family:[^;]*;?\s*")
_STYLE = "style"
_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
_SETTINGS = {
    "svg.fonttype": "none",  # text as text
    "svg.hashsalt": "asktell",  # equal figures give equal texts
}


def inline_svg(figure: Figure, prefix: str, colours: Mapping[str, str]) -> str:
    """Return a figure as an ``svg`` element to stand in a page.

    Args:
        figure: is drawn; it stays as it is.
        prefix: goes before every id, so that figures of one page do not share any.
        colours: names of variables of the page's style by the colours that they take the place of,
            written as ``#rrggbb`` in small letters.
    """
    import matplotlib as mpl

    written = io.StringIO()
    with mpl.rc_context(_SETTINGS):
        figure.savefig(written, format="svg", metadata=_NO_METADATA)
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
