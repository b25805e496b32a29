"""The report of a tuning run in a real browser, with many operations and long names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import CHROMIUM, SIZES, assert_whole, launched

import asktell as at
from strategies import write_report
from strategies.history import SCHEMA

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: apt-get install it")

OPTIONS = ["w int8 sym tensor, a uint8 asym", "w int8 sym channel, a uint8 asym", "fp32"]


def history(operations: int, trials: int) -> dict[str, Any]:
    """Return the dicts of a run; every fifth trial failed."""
    names = [f"/model/encoder/layer.{i}/attention/output/dense (MatMul)" for i in range(operations)]
    space = at.Space(*(at.Categorical(name, OPTIONS) for name in names))
    rng = np.random.default_rng(2)
    found = []
    for number in range(trials):
        params = {name: OPTIONS[int(rng.integers(3))] for name in names}
        lost = 0.002 * sum(value == OPTIONS[0] for value in params.values())
        size = 1e6 + 1e5 * sum(value == "fp32" for value in params.values())
        failed = number % 5 == 4
        measured = {
            "accuracy": 0.9 - lost,
            "values": {"modelsize": size, "performance": size / 1e8},
            "std": {},
            "looked": None,
        }
        found.append(
            {
                "number": number,
                "params": params,
                "measurement": None if failed else measured,
                "failure": f"RuntimeError: node {number} has no kernel" if failed else None,
                "meets": not failed and lost < 0.009,
                "seconds": 1.5,
                "digest": None,
            }
        )
    objectives = ("modelsize", "performance")
    return {
        "schema": SCHEMA,
        "strategy": "bayesian",
        "model": "0",
        "criterion": {"loss": 0.01, "relative": True, "higher_is_better": True},
        "objectives": [
            {"name": name, "weight": 1.0, "higher_is_better": False} for name in objectives
        ],
        "constraints": [],
        "prepared": None,
        "knowledge": None,
        "engine": at.State.start(space).to_dict(),
        "baseline": {
            "accuracy": 0.9,
            "values": {"modelsize": 4e6, "performance": 0.04},
            "std": {},
            "looked": None,
        },
        "trials": found,
        "seconds": 60.0,
        "seconds_by_part": {"evaluating": 50.0, "asking": 2.0},
    }


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    yield from launched(playwright)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    runs = {"3 operations": (3, 12), "30 operations": (30, 40), "no trial": (3, 0)}
    found = {name: folder / f"{name}.html" for name in runs}
    for name, (operations, trials) in runs.items():
        write_report(history(operations, trials), found[name], model="best_model.onnx")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["3 operations", "30 operations", "no trial"])
def test_a_report_is_whole(
    browser: Any, pages: dict[str, Path], name: str, size: str, scheme: str
) -> None:
    assert_whole(browser, pages[name], size, scheme)
