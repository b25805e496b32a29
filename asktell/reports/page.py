"""What a report is made of, before it is a file: sections of sentences, tables and pictures.

Values only; ``rendering`` turns a page into HTML. Texts are plain: they are escaped where they are
written, so anything may stand in them.
"""

from __future__ import annotations

from typing import Any, ClassVar

from attrs import field, frozen


@frozen
class Prose:
    """A paragraph."""

    kind: ClassVar[str] = "prose"
    text: str


@frozen
class Hint:
    """A paragraph that asks for attention: something to do, or to beware of."""

    kind: ClassVar[str] = "hint"
    text: str


@frozen
class Tiles:
    """A few figures at a glance: pairs of what it is and its value."""

    kind: ClassVar[str] = "tiles"
    items: tuple[tuple[str, str], ...]


@frozen
class Code:
    """Lines to be copied."""

    kind: ClassVar[str] = "code"
    text: str


@frozen
class Download:
    """A file within the file.

    Attributes:
        name: what it is called once saved.
        label: the text of the link.
        content: its bytes.
        media: its media type.
    """

    kind: ClassVar[str] = "download"
    name: str
    label: str
    content: bytes = field(repr=False)
    media: str


@frozen
class Picture:
    """A picture as SVG, and the same in words for those who do not see it."""

    kind: ClassVar[str] = "picture"
    svg: str = field(repr=False)
    alternative: str
    caption: str = ""


@frozen
class Cell:
    """A text in a table, and what it is sorted by; None goes last.

    ``shade`` from 0 to 1 fills the cell the more, the larger it is: a table is then a heat map.
    """

    text: str
    sort: float | str | None = None
    shade: float | None = None


@frozen
class Row:
    """A row of cells; the first heads the row. ``mark`` is a class of the style sheet."""

    cells: tuple[Cell, ...]
    mark: str = ""


@frozen
class Table:
    """A table.

    Attributes:
        caption: what it shows.
        columns: the heads.
        numeric: for each column, whether it is set to the right.
        rows: in the order in which they are shown.
        sortable: whether a click on a head sorts it.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[Row, ...] = field(repr=False)
    sortable: bool = False


@frozen
class Folded:
    """Blocks that are only shown on demand; on paper they are."""

    kind: ClassVar[str] = "folded"
    label: str
    blocks: tuple[Any, ...]


Block = Prose | Hint | Tiles | Code | Download | Picture | Table | Folded


@frozen
class Section:
    """A part of a page. ``anchor`` is its id, unique in the page."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]


@frozen
class Page:
    """A whole report.

    Attributes:
        title: its head.
        lead: the answer in a few sentences, shown first.
        sections: in order.
        footer: one line at the end.
    """

    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    footer: str
