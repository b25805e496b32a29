from __future__ import annotations

import numpy as np
import pytest
from constrained_spaces import broken, faults, main, random_constrained

import asktell as at


@pytest.mark.parametrize("seed", range(8))
def test_no_suggestion_over_random_constrained_spaces_is_wrong(seed: int) -> None:
    space = random_constrained(np.random.default_rng([14, seed]), finite=seed % 2 == 0)
    assert list(faults(space, seed, 14)) == []


def test_what_is_broken_is_named() -> None:
    space = at.Space(
        at.Float("x", 0.0, 1.0),
        at.Float("y", 0.0, 1.0),
        constraints=[
            at.Linear({"x": 1.0, "y": 1.0}, at_most=1.0),
            at.Ordered("x", "y"),
            at.Simplex("x", "y"),
        ],
    )
    assert broken(space, {"x": 0.25, "y": 0.75}) == []
    assert broken(space, {"x": 0.75, "y": 0.5}) == ["x + y <= 1", "x <= y", "x + y = 1"]


def test_the_command_prints_a_summary(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["x", "--spaces=1", "--suggestions=2"])
    main()
    assert "2 suggestions over 1 spaces: 0 faults" in capsys.readouterr().out
