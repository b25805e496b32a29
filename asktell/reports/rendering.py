"""A page as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from importlib.resources import files
from typing import Any

from asktell.errors import MissingExtraError
from asktell.reports.page import Page

_TEMPLATES = "templates"


def rendered(page: Page) -> str:
    """Return a page as HTML: style, scripts, pictures and downloads are within.

    Raises:
        MissingExtraError: an ``ImportError``; the package jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError:
        message = "a report needs the package jinja2: pip install 'asktell[report]'"
        raise MissingExtraError(message) from None
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = _base64
    template = environment.get_template("page.html")
    text = template.render(page=page, style=_text("page.css"), script=_text("page.js"))
    return text.encode(errors="replace").decode()  # halves of letters, as cut output may hold


def _text(name: str) -> str:
    return files(__package__).joinpath(_TEMPLATES, name).read_text(encoding="utf-8")


def _base64(content: Any) -> str:
    return base64.b64encode(content).decode("ascii")
