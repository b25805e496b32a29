"""Reports in a real browser: Debian's chromium, driven by playwright."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import CHROMIUM, SIZES, assert_whole, launched, opened
from report_studies import STUDIES

from asktell.reports import report, write_report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install it")

SHOWN = (
    "3 parameters",
    "12 parameters",
    "40 parameters",
    "several objectives",
    "one trial",
    "only pending",
    "all failed",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from launched(playwright)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    found = {}
    for name in SHOWN:
        found[name] = folder / f"{name}.html"
        write_report(STUDIES[name](), found[name], now=1.77e9)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", SHOWN)
def test_a_report_is_whole(
    browser: Any, pages: dict[str, Path], name: str, size: str, scheme: str
) -> None:
    assert_whole(browser, pages[name], size, scheme)


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
