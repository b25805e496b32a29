"""What a package index shows: the README with whole addresses, or none that lead nowhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SETTING = 'repository = ""'
ADDRESS = "https://code.example/asktell"


def metadata(folder: Path, repository: str) -> Any:
    """Return the metadata of a build with a setting for the address of the repository."""
    for name in ("README.md", "LICENSE", "docs/package_page.py", "asktell/__init__.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    settings = re.sub(r'(?m)^repository = ".*?"', f'repository = "{repository}"', settings)
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "hatchling", "metadata"],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    return json.loads(run.stdout)


def targets(text: str) -> list[str]:
    """Return where the links and pictures of a page lead."""
    without_code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return re.findall(r"\]\(([^)]+)\)", without_code)


def test_with_an_address_every_link_is_whole(tmp_path: Path) -> None:
    found = metadata(tmp_path, f"{ADDRESS}/")
    text = found["readme"]["text"]
    assert found["readme"]["content-type"] == "text/markdown"
    assert f"[Tutorial]({ADDRESS}/blob/HEAD/docs/tutorial.md)" in text
    written = targets((ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(targets(text)) == len(written)
    assert all(target.startswith("https://") for target in targets(text))
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", text)
    assert pictures
    assert all(picture.startswith(f"{ADDRESS}/raw/HEAD/docs/") for picture in pictures)
    assert found["urls"]["Source"] == ADDRESS
    assert {"Changelog", "Documentation", "Issues"} <= set(found["urls"])


def test_without_an_address_nothing_leads_nowhere(tmp_path: Path) -> None:
    found = metadata(tmp_path, "")
    text = found["readme"]["text"]
    assert all(target.startswith("https://") for target in targets(text))
    assert "- Tutorial: " in text
    assert not found.get("urls")


@pytest.mark.parametrize("repository", ["", ADDRESS])
def test_code_is_as_it_was_written(repository: str, tmp_path: Path) -> None:
    def blocks(page: str) -> list[str]:
        return re.findall(r"```.*?```", page, re.DOTALL)

    text = metadata(tmp_path, repository)["readme"]["text"]
    assert blocks(text) == blocks((ROOT / "README.md").read_text(encoding="utf-8"))
