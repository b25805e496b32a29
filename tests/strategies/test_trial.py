"""Trials as plain dicts, and back."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.objective import Measurement
from strategies.trial import Trial

finite = st.floats(allow_nan=False, allow_infinity=False)
measurements = st.builds(
    Measurement,
    st.none() | finite,
    st.dictionaries(st.sampled_from(["accuracy", "modelsize", "performance"]), finite),
)
parameters = st.dictionaries(st.text(), st.text() | st.integers())
succeeded = st.builds(
    Trial, st.integers(0), parameters, measurements, st.none(), st.booleans(), finite
)
failed = st.builds(Trial, st.integers(0), parameters, st.none(), st.text(), st.just(False), finite)


@given(succeeded | failed)
def test_a_trial_comes_back_from_json(trial: Trial) -> None:
    text = json.dumps(trial.to_dict(), allow_nan=False)
    assert Trial.from_dict(json.loads(text)) == trial


def test_the_layout_is_that_of_schema_1() -> None:
    trial = Trial(3, {"a": "int8"}, Measurement(0.5, {"modelsize": 9.0}), None, True, 1.5)
    assert trial.to_dict() == {
        "number": 3,
        "params": {"a": "int8"},
        "measurement": {"accuracy": 0.5, "values": {"modelsize": 9.0}},
        "failure": None,
        "meets": True,
        "seconds": 1.5,
    }


@pytest.mark.parametrize(
    "field", ["number", "params", "measurement", "failure", "meets", "seconds"]
)
def test_every_field_must_be_there(field: str) -> None:
    saved = Trial(0, {}, Measurement(math.pi, {}), None, True, 1.0).to_dict()
    del saved[field]
    with pytest.raises((KeyError, TypeError), match=field):
        Trial.from_dict(saved)


def test_no_other_field_may_be_there() -> None:
    saved = Trial(0, {}, None, "why", False, 1.0).to_dict()
    with pytest.raises(TypeError, match="extra"):
        Trial.from_dict({**saved, "extra": 1})
