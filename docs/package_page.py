"""What a package index shows of asktell: the README with whole addresses, and the project's links.

The address of the repository is a setting in ``pyproject.toml``, ``repository`` of this hook of
hatchling. While it is empty, a link to a file is its text alone, and there are no pictures, so that
nothing leads nowhere.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

PICTURE = re.compile(r"!\[[^]]*\]\((?!\w+:)(?P<path>[^)]+)\)\n*")
LINK = re.compile(r"(?<!!)\[(?P<text>[^]]+)\]\((?!\w+:|#)(?P<path>[^)]+)\)")


class PackagePage(MetadataHookInterface):
    """Fills in ``readme`` and ``urls`` when the package is built."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Write both into the metadata."""
        repository = self.config.get("repository", "").rstrip("/")
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": absolute(text, repository),
        }
        metadata["urls"] = urls(repository)


def absolute(text: str, repository: str) -> str:
    """Return a page of the repository as it reads anywhere else."""
    if not repository:
        return LINK.sub(r"\g<text>", PICTURE.sub("", text))
    text = PICTURE.sub(lambda found: in_full(found, f"{repository}/raw/HEAD/"), text)
    return LINK.sub(lambda found: in_full(found, f"{repository}/blob/HEAD/"), text)


def in_full(found: re.Match[str], start: str) -> str:
    """Return a link with the address in place of the path."""
    return found[0].replace(f"({found['path']})", f"({start}{found['path']})")


def urls(repository: str) -> dict[str, str]:
    """Return the links of the project."""
    if not repository:
        return {}
    return {
        "Documentation": f"{repository}/blob/HEAD/docs/start.md",
        "Source": repository,
        "Issues": f"{repository}/issues",
        "Changelog": f"{repository}/blob/HEAD/CHANGELOG.md",
    }
