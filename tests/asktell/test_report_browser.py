"""Reports in a real browser: Debian's chromium, driven by playwright."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_studies import STUDIES

from asktell.reports import report, write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install it")

SIZES = {"desk": (1200, 900), "phone": (360, 780)}
SHOWN = (
    "3 parameters",
    "12 parameters",
    "40 parameters",
    "several objectives",
    "one trial",
    "only pending",
    "all failed",
)

CUT = """() => {
  const shown = (one) => one.getClientRects().length > 0;
  const cut = [];
  const texts = "th, td, h1, h2, p, dt, dd, summary, figcaption, a, code";
  for (const one of document.querySelectorAll(texts)) {
    if (shown(one) && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0) {
      cut.push(`${one.tagName}: ${one.textContent.slice(0, 80)}`);
    }
  }
  for (const svg of document.querySelectorAll(".picture svg")) {
    const frame = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      const over = Math.max(frame.left - box.left, box.right - frame.right,
                            frame.top - box.top, box.bottom - frame.bottom);
      if (shown(text) && over > 2) cut.push(`svg: ${text.textContent.slice(0, 80)} by ${over}`);
    }
  }
  return cut;
}"""

CONTRAST = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((c) => c / 255)
      .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const weak = [];
  for (const one of document.querySelectorAll("p, h1, h2, td, th, dt, dd, a, summary, svg text")) {
    const style = getComputedStyle(one);
    const ink = light(one.closest("svg") ? style.fill : style.color);
    if (ratio(ink, paper) < 4.5) weak.push(`${one.tagName}: ${one.textContent.slice(0, 40)}`);
  }
  return weak;
}"""

IDS = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  return ids.filter((id, place) => ids.indexOf(id) !== place);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        launched = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    found = {}
    for name in SHOWN:
        found[name] = folder / f"{name}.html"
        write_report(STUDIES[name](), found[name], now=1.77e9)
    return found


def opened(browser: Any, path: Path, size: str = "desk", **settings: Any) -> tuple[Any, list[str]]:
    """Return a page, and a list that gets whatever it complains about or asks a network for."""
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height}, **settings)
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: asked(request.url, troubles))
    page.goto(path.as_uri())
    return page, troubles


def asked(url: str, troubles: list[str]) -> None:
    if not url.startswith(("file:", "data:")):
        troubles.append(url)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHOWN)
def test_a_report_is_whole(
    browser: Any, pages: dict[str, Path], name: str, size: str, scheme: str
) -> None:
    page, troubles = opened(browser, pages[name], size, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    assert page.evaluate(CUT) == []
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(IDS) == []
    assert troubles == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_and_its_pictures_follow_the_scheme(
    browser: Any, pages: dict[str, Path], scheme: str
) -> None:
    page, _ = opened(browser, pages["3 parameters"], color_scheme=scheme)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    background = page.evaluate("getComputedStyle(document.querySelector('.picture path')).fill")
    assert (paper == "rgb(255, 255, 255)") is (scheme == "light")
    assert background == paper
    page.close()


def column(page: Any, number: int) -> list[str]:
    cells = page.locator(f".sortable tbody tr > :nth-child({number})").all_inner_texts()
    return [text for text in cells if text]


def test_tables_sort_by_numbers_and_by_words(browser: Any, pages: dict[str, Path]) -> None:
    page, troubles = opened(browser, pages["3 parameters"])
    page.evaluate("document.querySelector('#matters').remove()")  # its table sorts, too
    head = page.locator(".sortable thead th", has_text="accuracy")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    numbers = [float(text) for text in column(page, 3)]
    assert numbers == sorted(numbers)
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert [float(text) for text in column(page, 3)] == sorted(numbers, reverse=True)
    page.locator(".sortable thead th", has_text="kernel").locator("button").press("Enter")
    assert head.get_attribute("aria-sort") is None
    assert column(page, 6) == sorted(column(page, 6))
    assert troubles == []
    page.close()


def test_what_failed_goes_last_when_outcomes_are_sorted(
    browser: Any, pages: dict[str, Path]
) -> None:
    page, _ = opened(browser, pages["3 parameters"])
    head = page.locator("#trials thead th", has_text="accuracy")
    for _ in range(2):
        head.locator("button").click()
        last = page.locator("#trials tbody tr").last
        assert last.locator("td").nth(1).inner_text() == ""
    page.close()


def test_without_scripts_everything_is_there(browser: Any, pages: dict[str, Path]) -> None:
    page, troubles = opened(browser, pages["3 parameters"], java_script_enabled=False)
    assert page.locator("thead button").count() == 0
    assert page.locator("#trials tbody tr").count() > 30
    assert troubles == []
    page.close()


def test_on_paper_it_is_dark_on_white_and_nothing_is_folded(
    browser: Any, pages: dict[str, Path]
) -> None:
    page, _ = opened(browser, pages["40 parameters"], color_scheme="dark")
    assert page.locator(".paper").first.is_hidden()
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".paper").first.is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("[...document.querySelectorAll('details')].every((one) => one.open)")
    page.close()


def test_the_study_within_is_saved_by_a_click(
    browser: Any, pages: dict[str, Path], tmp_path: Path
) -> None:
    page, _ = opened(browser, pages["3 parameters"])
    with page.expect_download() as waiting:
        page.locator("a.download").click()
    waiting.value.save_as(tmp_path / "study.json.gz")
    assert waiting.value.suggested_filename == "study.json.gz"
    assert (tmp_path / "study.json.gz").read_bytes()[:2] == b"\x1f\x8b"
    page.close()


def test_nothing_in_a_study_becomes_a_part_of_the_page(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "odd.html"
    path.write_text(report(STUDIES["12 parameters"]()), encoding="utf-8")
    page, troubles = opened(browser, path)
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    assert page.locator("main script, main b").count() == 0
    assert "<script>alert('x')</script>" in page.locator("#answer").inner_text()
    assert troubles == []
    page.close()
