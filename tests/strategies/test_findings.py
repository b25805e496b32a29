"""What a run has found out, without a run."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import OPTIONS, SIZES, conf

import asktell as at
from strategies.adaptors.base import Capability, Operation
from strategies.errors import StrategyError
from strategies.findings import Findings
from strategies.objective import Measurement
from strategies.trial import Progress, Trial
from strategies.tuning_space import TuningSpace

CONF = conf()
SPACE = TuningSpace.of(Capability((Operation("fc", "MatMul", (*OPTIONS.values(),)),)), CONF)
DEFAULT = SPACE.default()
FIRST, SECOND = ({**DEFAULT, "calib_sampling_size": size} for size in SIZES)
CHANNEL = SPACE.params({**SPACE.tune_cfg(DEFAULT), ("fc", "MatMul"): OPTIONS["channel"]})
BASELINE = Measurement(0.9, {"modelsize": 100.0})


def findings() -> Findings:
    found = Findings(Progress(), SPACE, CONF, at.Settings())
    found.add_baseline(BASELINE)
    return found


def trial(params: dict[str, Any], size: float | None, accuracy: float = 0.9, n: int = 0) -> Trial:
    if size is None:
        return Trial(n, params, None, "broken", False, 1.0)
    return Trial(n, params, Measurement(accuracy, {"modelsize": size}), None, True, 1.0)


def told(found: Findings) -> list[dict[str, Any]]:
    return [observation.params for observation in found.engine.observations]


def test_the_goal_is_known_once_the_fp32_model_is_measured() -> None:
    found = Findings(Progress(), SPACE, CONF, at.Settings())
    with pytest.raises(StrategyError, match="measure_baseline"):
        found.goal  # noqa: B018
    found.add_baseline(BASELINE)
    assert found.goal.baseline == BASELINE


def test_the_fp32_model_is_the_outcome_of_the_unquantised_configuration() -> None:
    found, unquantised = findings(), SPACE.unquantised()
    assert unquantised is not None
    assert told(found) == [unquantised]
    assert found.best is None


def test_the_best_is_the_first_of_equals_and_no_failure() -> None:
    found = findings()
    assert not found.improves(trial(FIRST, None))
    found.add(FIRST, trial(FIRST, None))
    assert found.best is None
    found.add(SECOND, trial(SECOND, 30.0))
    assert not found.improves(trial(CHANNEL, 30.0))
    assert found.improves(trial(CHANNEL, 29.0))
    assert not found.improves(trial(CHANNEL, 1.0, accuracy=0.1))
    found.add(CHANNEL, trial(CHANNEL, 29.0))
    assert found.best == trial(CHANNEL, 29.0)


def test_a_trial_is_told_and_kept_at_once() -> None:
    found = findings()
    found.add(FIRST, trial(FIRST, 30.0))
    found.add(SECOND, trial(SECOND, None))
    assert len(found.progress.trials) == 2
    assert FIRST in told(found)
    assert [failure.params for failure in found.engine.failures] == [SECOND]


def test_taking_up_progress_gives_the_same_findings() -> None:
    found = findings()
    for number, (params, size) in enumerate([(FIRST, 30.0), (SECOND, None), (CHANNEL, 30.0)]):
        found.add(params, trial(params, size, n=number))
    again = Findings(found.progress, SPACE, CONF, at.Settings())
    assert again.progress == found.progress
    assert again.best == found.best == trial(FIRST, 30.0)
