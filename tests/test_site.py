"""The documentation builds as a site, without a warning, and reads without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "mkdocs.yml"


def build(config: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Build as ``make site`` does: a warning, such as one about a link, fails.

    Not with ``--quiet``, which keeps warnings from being counted.
    """
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    return subprocess.run(
        [*command, "--config-file", str(config), "--site-dir", str(site)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    run = build(CONFIG, folder)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


class Loaded(HTMLParser):
    """Collects what a browser loads with a page, and where its links lead."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.append(given.get("href") or "")
        elif tag in {"script", "img", "iframe", "link"} and given.get("rel") != "canonical":
            self.loads.append(given.get("src") or given.get("href") or "")


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        for target in Loaded(page).loads:
            assert "//" not in target, f"{page.relative_to(site)} loads {target}"


def test_every_relative_link_of_the_site_leads_to_a_file(site: Path) -> None:
    for page in site.rglob("*.html"):
        if page.name == "404.html":  # shown at any address, so its links are absolute
            continue
        for link in Loaded(page).links:
            path = link.partition("#")[0]
            if path and ":" not in path:
                assert (page.parent / path).is_file(), f"{page.relative_to(site)}: {link}"


def test_links_that_leave_the_documentation_lead_to_their_pages(site: Path) -> None:
    landing = Loaded(site / "index.html").links
    assert {"architecture.html", "contributing.html", "changelog.html"} <= set(landing)
    assert "repository/LICENSE" in landing
    assert (site / "repository" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert "notation.html" in Loaded(site / "contributing.html").links


def test_the_site_has_no_programs_of_the_documentation(site: Path) -> None:
    assert not list(site.rglob("*.py"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a](other.md)", "docs/page.md links to 'docs/other.md', which is no file"),
        ("[a](#nowhere)", "contains a link '#nowhere'"),
        ("[a](../examples)", "links to 'examples', which is no file"),
    ],
)
def test_a_link_that_leads_nowhere_stops_the_build(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        (tmp_path / name).write_text("# A page\n", encoding="utf-8")
    (tmp_path / "docs" / "page.md").write_text(f"# A page\n{text}\n", encoding="utf-8")
    hooks = (ROOT / "docs" / "site_hooks.py").read_text(encoding="utf-8")
    (tmp_path / "docs" / "site_hooks.py").write_text(hooks, encoding="utf-8")
    config = tmp_path / "mkdocs.yml"
    head, _, rest = CONFIG.read_text(encoding="utf-8").partition("\nnav:\n")
    config.write_text(head + "\n" + rest[rest.index("\ntheme:") :], encoding="utf-8")
    run = build(config, tmp_path / "site")
    assert run.returncode != 0
    assert said in run.stderr + run.stdout
