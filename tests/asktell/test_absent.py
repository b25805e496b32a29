"""What stands for nothing: one value in every process, and one position that no axis has."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from asktell.space.absent import ABSENT, NOWHERE
from asktell.space.axes import Axis, Interval, Levels, LogLevels, categories


def test_absent_is_itself_after_any_copy() -> None:
    assert pickle.loads(pickle.dumps(ABSENT)) is ABSENT
    assert copy.deepcopy(ABSENT) is ABSENT
    assert repr(ABSENT) == "ABSENT"


def test_absent_equals_no_value() -> None:
    for value in (None, False, 0, "", "absent", NOWHERE):
        assert value != ABSENT


@pytest.mark.parametrize(
    "axis", [Interval(), Levels(1), Levels(2**53), categories(3), LogLevels(9, 1.0, 0.5)]
)
def test_nowhere_is_no_position_of_any_axis(axis: Axis) -> None:
    assert axis.snap(np.array([NOWHERE])).tolist() == [0.0]
