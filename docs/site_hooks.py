"""What the site needs beyond ``docs/``: the pages at the top of the repository, and linked files.

A link is written once, as it leads somewhere in the repository. In the site it leads to the page
made of that file, or to a copy of the file that the site takes along.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]

TOP = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
"""Files at the top of the repository, and the pages that are made of them."""

LINK = re.compile(r"^```.*?^```|`[^`\n]+`|(?<=\]\()(?!\w+:|#)(?P<path>[^)#\s]+)", re.M | re.S)
"""Code, or the path of a link or picture, without its anchor, that is not a whole address."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the top."""
    for name, page in TOP.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / name)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between files of the repository into links between files of the site."""
    here = in_repository(page.file.src_uri)
    if page.is_homepage:
        page.meta["hide"] = ["navigation"]

    def target(found: re.Match[str]) -> str:
        if not found["path"]:
            return found[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), found["path"]))
        file = in_site(path)
        if not files.get_file_from_path(file):
            if not (ROOT / path).is_file():
                raise PluginError(f"{here} links to {path!r}, which is no file of the repository")
            files.append(File.generated(config, file, abs_src_path=str(ROOT / path)))
        return posixpath.relpath(file, posixpath.dirname(page.file.src_uri) or ".")

    return LINK.sub(target, markdown)


def in_repository(page: str) -> str:
    """Return the path of the file that a page of the site is made of."""
    return next((name for name, made in TOP.items() if made == page), f"docs/{page}")


def in_site(path: str) -> str:
    """Return where a file of the repository is in the site."""
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    return TOP.get(path, f"repository/{path}")
