"""Write ``docs/reference.md`` from the docstrings of what the packages export.

``--print`` prints it instead.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asktell
import asktell.drivers
import asktell.errors
import asktell.insight
import asktell.plots
import asktell.reports
import asktell.store
import asktell.tables
import strategies

PAGE = Path(__file__).with_name("reference.md")

HEAD = """\
# Reference
Written from the docstrings by `make docs`.
"""


def main() -> None:
    """Write or print the page."""
    page = HEAD + "".join(
        section(title, module, names)
        for title, module, names in (
            ("asktell", asktell, asktell.__all__),
            ("asktell.store", asktell.store, asktell.store.__all__),
            ("asktell.tables", asktell.tables, asktell.tables.__all__),
            ("asktell.errors", asktell.errors, error_names()),
            ("asktell.drivers", asktell.drivers, asktell.drivers.__all__),
            ("asktell.insight", asktell.insight, asktell.insight.__all__),
            ("asktell.plots", asktell.plots, asktell.plots.__all__),
            ("asktell.reports", asktell.reports, asktell.reports.__all__),
            ("strategies", strategies, strategies.__all__),
        )
    )
    if "--print" in sys.argv[1:]:
        sys.stdout.write(page)
    else:
        PAGE.write_text(page, encoding="utf-8")


def error_names() -> list[str]:
    """Return the names of all errors."""
    named = vars(asktell.errors).items()
    return [n for n, v in named if inspect.isclass(v) and issubclass(v, Exception)]


def section(title: str, module: Any, names: list[str]) -> str:
    """Return the part on one package."""
    parts = [f"\n## {title}\n{inspect.getdoc(module)}\n"]
    for name in names:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            parts += entry(name, value, 3)
            parts += members(name, value) if inspect.isclass(value) else []
    return "".join(parts)


def members(owner: str, value: type) -> Iterator[str]:
    """Return the parts on the public methods and properties of a class, inherited ones included."""
    for base in reversed(value.__mro__[:-1]):
        if not base.__module__.startswith(("asktell", "strategies")):
            continue
        for name, member in vars(base).items():
            if name.startswith("_") or getattr(value, name, None) is None:
                continue
            target = member.__func__ if isinstance(member, classmethod) else member
            if inspect.isfunction(target) or isinstance(target, property):
                yield from entry(f"{owner}.{name}", target, 4)


def entry(name: str, value: Any, level: int) -> Iterator[str]:
    """Return the heading, the signature and the docstring of one thing."""
    doc = inspect.getdoc(value)
    if doc:
        yield f"\n{'#' * level} {name}\n{signature(name, value)}```text\n{doc}\n```\n"


def signature(name: str, value: Any) -> str:
    """Return the signature as a block of code, or nothing for properties and errors."""
    if isinstance(value, property) or (inspect.isclass(value) and issubclass(value, Exception)):
        return ""
    shown = re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(inspect.signature(value)))
    called = name if inspect.isclass(value) else name.rpartition(".")[2]
    return f"```\n{called}{shown}\n```\n"


if __name__ == "__main__":
    main()
