from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from spaces import conditional, params_of

import asktell as at
from asktell.reports.failing import Failed, failures_section, groups_of

SPACE = at.Space(
    at.Float("rate", 1e-4, 1.0, log=True),
    at.Int("depth", 1, 100),
    at.Categorical("kernel", ["rbf", "poly", "linear"]),
    at.Ordinal("bits", [2, 4, 8]),
)


def drawn(n: int, seed: int = 0) -> list[dict[str, Any]]:
    points = SPACE.sample(np.random.default_rng(seed).random((n, SPACE.dim)))
    return [SPACE.params(values) for values in SPACE.decode(points)]


def split(fails: Any, n: int = 60) -> tuple[list[Failed], list[dict[str, Any]]]:
    rows = drawn(n)
    failed = [Failed(i, row, "no memory") for i, row in enumerate(rows) if fails(row)]
    return failed, [row for row in rows if not fails(row)]


@pytest.mark.parametrize(
    ("fails", "told"),
    [
        (lambda row: row["depth"] > 80, "depth is at least "),
        (lambda row: row["depth"] < 20, "depth is at most "),
        (lambda row: 40 < row["depth"] < 55, "depth is from "),
        (lambda row: row["kernel"] == "poly", "kernel is always poly (0 % of those"),
        (lambda row: row["bits"] == 8, "bits is always 8 (0 % of those that succeeded)."),
    ],
)
def test_what_failures_have_in_common_is_told(fails: Any, told: str) -> None:
    (group,) = groups_of(SPACE, *split(fails))
    assert len(group.common) == 1
    assert group.common[0].startswith(told)


def test_what_chance_would_give_is_not_told() -> None:
    told = 0
    for seed in range(40):
        rows = drawn(45, seed)
        failed = [Failed(i, row, "no memory") for i, row in enumerate(rows[:5])]
        told += len(groups_of(SPACE, failed, rows[5:])[0].common)
    assert told <= 6  # in 160 parameters; a twentieth of the studies may be told something


def test_parameters_that_are_not_always_active_are_compared_where_they_are() -> None:
    space = conditional()
    rows = params_of(space, 90)
    deep = [row for row in rows if row.get("layers", 0) >= 3]
    failed = [Failed(i, row, "no memory") for i, row in enumerate(deep)]
    (group,) = groups_of(space, failed, [row for row in rows if row not in deep])
    assert len(deep) > 9
    assert "layers is at least 3 (0 % of those that succeeded)." in group.common
    assert any(text.startswith("model is always mlp (") for text in group.common)
    # four svms among them hide the model, and layers are told of the others alone
    mixed = failed + [
        Failed(
            100 + i, {"model": "svm", "C": 1.0, "kernel": "rbf", "bias": bool(i % 2)}, "no memory"
        )
        for i in range(4)
    ]
    (group,) = groups_of(space, mixed, [row for row in rows if row not in deep])
    said = "layers is at least 3 (0 % of those that succeeded)"
    assert f"{said}, in the {len(deep)} where it is active." in group.common


def test_two_failures_or_no_success_tell_nothing() -> None:
    failed, succeeded = split(lambda row: row["depth"] > 80)
    assert groups_of(SPACE, failed[:2], succeeded)[0].common == ()
    assert groups_of(SPACE, failed, [])[0].common == ()


def test_reasons_that_differ_in_numbers_are_one() -> None:
    reasons = ["no 12 MiB", "timeout", "no 14.5 MiB", "at 0x7f3a", "at 0x7f3b", "no 3 MiB"]
    failed = [Failed(i, drawn(1)[0], reason) for i, reason in enumerate(reasons)]
    groups = groups_of(SPACE, failed, [])
    assert [group.numbers for group in groups] == [(0, 2, 5), (3, 4), (1,)]
    assert groups[0].reason == "no 12 MiB"


def test_a_section_says_how_many_and_what_to_do() -> None:
    failed, succeeded = split(lambda row: row["kernel"] == "poly")
    section = failures_section(SPACE, failed, succeeded, "Do this.")
    assert section is not None
    told, table, advice = section.blocks
    assert told.text.startswith(f"{len(failed)} trials failed, ")
    assert table.rows[0].cells[0].text == "no memory"
    assert advice.text == "Do this."
    assert failures_section(SPACE, [], succeeded) is None


def test_many_reasons_are_cut_and_none_is_said() -> None:
    row = drawn(1)[0]
    failed = [Failed(i, row, "" if i == 0 else "x" * (i + 400)) for i in range(30)]
    section = failures_section(SPACE, failed, [])
    assert section is not None
    table = section.blocks[1]
    assert len(table.rows) == 20
    assert table.caption.endswith("20 of 30")
    assert table.rows[0].cells[0].text == "no reason given"
    assert max(len(one.cells[0].text) for one in table.rows) == 300
