"""What is printed for people: text and tables, for a terminal or a pipe of any width."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from asktell.cli import words
from asktell.errors import MissingExtraError

LEAST = 20
"""Where there is no room for so much of the last column of a table, it is left out."""


class Page:
    """What is printed: text and tables, for a terminal or a pipe."""

    def __init__(self) -> None:
        """Look at what standard output is.

        Raises:
            MissingExtraError: the package rich is not installed.
        """
        try:
            from rich.console import Console
        except ImportError:
            message = "show needs the package rich: pip install 'asktell[cli]'"
            raise MissingExtraError(f"{message}; --json and --csv do not") from None
        self.console = Console(highlight=False, emoji=False, markup=False)

    def title(self, text: str) -> None:
        """Print a heading."""
        self.console.print(f"\n{words.harmless(text)}", style="bold")

    def text(self, text: str) -> None:
        """Print a paragraph."""
        self.console.print(words.harmless(text))

    def command(self, text: str, why: str) -> None:
        """Print what to do, and a command for it, which stays on one line."""
        self.console.print(words.harmless(why))
        self.console.print(f"  {words.harmless(text)}", style="bold", soft_wrap=True)

    def table(self, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
        """Print a table; its last column is cut where there is no room."""
        from rich.cells import cell_len
        from rich.table import Table
        from rich.text import Text

        heads = list(heads)
        lines = [[_in_one_line(cell) for cell in row] for row in rows]
        widths = [
            max(map(cell_len, (head, *(line[place] for line in lines))))
            for place, head in enumerate(heads)
        ]
        room = self.console.width - sum(widths[:-1]) - 2 * len(widths[:-1])
        if room < min(widths[-1], LEAST):
            heads, lines, room = heads[:-1], [line[:-1] for line in lines], widths[-2]
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=any(heads))
        for head in heads:
            table.add_column(head, no_wrap=True)
        for line in lines:
            table.add_row(*map(Text, (*line[:-1], _cut(line[-1], room))))
        self.console.print(table)

    def pairs(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Print names and their values, as many beside each other as there is room for."""
        from rich.columns import Columns
        from rich.text import Text

        cells = [
            Text.assemble((_in_one_line(name), "cyan"), " ", _in_one_line(text))
            for name, text in pairs
        ]
        self.console.print(Columns(cells, padding=(0, 3), column_first=True))


def _in_one_line(text: str) -> str:
    return words.harmless(text).replace("\n", "\\n")


def _cut(text: str, room: int) -> str:
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= room else set_cell_size(text, room - 3) + "..."


def printed(fill: Callable[[Page], None]) -> str:
    """Return what was put on a page."""
    page = Page()
    with page.console.capture() as captured:
        fill(page)
    lines = captured.get().lstrip("\n").splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)
