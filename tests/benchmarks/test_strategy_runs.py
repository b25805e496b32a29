"""The Bayesian strategy beside the random one: what is on record, and that it still holds."""

from __future__ import annotations

import pytest
from quantised_models import MODELS, task
from strategy_runs import (
    CRITERIA,
    SEEDS,
    STRATEGIES,
    TRIALS,
    Record,
    Remembering,
    comparison,
    medians,
    read,
    run,
)

CELLS = [(model, criterion) for model in MODELS for criterion in CRITERIA]


@pytest.mark.parametrize("name", ["bayesian", "random", "penalised"])
def test_the_records_are_whole(name: str) -> None:
    records = read(name)
    counts = {(m, c): len(runs) for m in records for c, runs in records[m].items()}
    more = MORE_SEEDS if name != "penalised" else {}
    assert counts == {**dict.fromkeys(CELLS, SEEDS), **more}


MORE_SEEDS = {("transformer", "no loss"): 30}
"""Where ten seeds tell little: see docs/decisions, number 4."""


@pytest.mark.parametrize(("model", "criterion"), CELLS)
def test_on_record_no_median_is_worse_than_by_chance(model: str, criterion: str) -> None:
    ours, random = (medians(read(name)[model][criterion]) for name in ("bayesian", "random"))
    assert all(a <= b for a, b in zip(ours, random, strict=True)), (ours, random)


def test_on_record_every_run_meets_its_criterion() -> None:
    records = read("bayesian")
    assert [(m, c) for m, c in CELLS if any(first is None for first, *_ in records[m][c])] == []


def test_the_comparison_counts_what_is_worse() -> None:
    ours: list[Record] = [(2, 50, 40), (None, 100, 30), (4, 60, 40)]
    others: list[Record] = [(3, 50, 20), (1, 80, 20), (None, 90, 20)]
    lines, _ = comparison({"a": {"1 %": ours}}, {"a": {"1 %": others}})
    assert lines[1].split() == [
        *("a", "1", "%", "4.0", "3.0", "60", "80", "40", "20", "1", "1"),
        *("loses:", "first,", "40"),
    ]
    assert medians(ours) == [4.0, 60.0, 40.0]
    assert medians([(None, 1, 1)]) == [TRIALS + 1, 1.0, 1.0]


@pytest.mark.parametrize(
    ("model", "criterion", "first"), [("small CNN", "no loss", 7), ("perceptron", "0.5 %", 10)]
)
def test_a_model_that_meets_the_criterion_is_found_soon(
    model: str, criterion: str, first: int
) -> None:
    """Random search takes 7.5 and 10.5 trials at the median."""
    adaptor = Remembering(task(model), {})
    adaptor.known["float"] = adaptor.measured(adaptor.of.model)
    found = run(STRATEGIES["bayesian"], adaptor, criterion, 0)
    assert found[0] is not None
    assert found[0] <= first
