"""Pages in a real browser, Debian's chromium, and what may be wrong with them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

SIZES = {"desk": (1200, 900), "phone": (360, 780)}

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


def launched(playwright: Any) -> Iterator[Any]:
    """Yield a browser."""
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


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


def assert_whole(browser: Any, path: Path, size: str, scheme: str) -> None:
    """Check that nothing is cut, pale or doubled, and that the page complains about nothing."""
    page, troubles = opened(browser, path, size, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))")
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    assert page.evaluate(CUT) == []
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(IDS) == []
    assert troubles == []
    page.close()
