"""Seconds by part: on the clock that is given, whatever happens meanwhile."""

from __future__ import annotations

import pickle

import pytest
from fakes import Clock, FakeAdaptor, FakeModel, conf, make

from strategies import BayesianTuneStrategy
from strategies.errors import ResumeError
from strategies.timesheet import Timesheet, parts_line


def test_seconds_are_added_up_by_part() -> None:
    clock = Clock()
    sheet = Timesheet(clock)
    for part, seconds in (("asking", 1), ("evaluating", 3), ("asking", 1)):
        with sheet.of(part):
            clock.now += seconds
    with pytest.raises(OSError, match="disk"):
        fail(sheet, clock)
    assert list(sheet.seconds.items()) == [("saving", 4), ("evaluating", 3), ("asking", 2)]
    assert sheet.taken() == {"saving": 4, "evaluating": 3, "asking": 2}
    assert not sheet.seconds


def fail(sheet: Timesheet, clock: Clock) -> None:
    with sheet.of("saving"):
        clock.now += 4
        raise OSError("disk")


def test_a_sheet_is_sent_empty() -> None:
    sheet = Timesheet(Clock())
    sheet.add({"asking": 3})
    assert not pickle.loads(pickle.dumps(sheet)).seconds


def test_the_line_has_the_share_of_the_tuner() -> None:
    seconds = {"waiting": 100.0, "evaluating": 6.0, "quantising": 2.0, "asking": 1.5, "saving": 0.5}
    assert parts_line(seconds) == (
        "waiting 100.0 s, evaluating 6.0 s, quantising 2.0 s, asking 1.5 s, saving 0.5 s; "
        "the tuner itself took 20 % of the work"
    )
    assert parts_line({}) == ""


def test_a_strategy_knows_what_its_time_went_into() -> None:
    clock, adaptor = Clock(), FakeAdaptor()

    def eval_func(model: FakeModel) -> float:
        clock.now += 5
        return adaptor.accuracy(model)

    strategy = make(
        BayesianTuneStrategy, adaptor, conf(max_trials=3), eval_func=eval_func, clock=clock
    )
    strategy.traverse()
    assert strategy.seconds_by_part["evaluating"] == 20  # the FP32 model, too
    assert {"asking", "quantising", "measuring"} <= strategy.seconds_by_part.keys()
    resumed = make(
        BayesianTuneStrategy, adaptor, conf(max_trials=4), strategy.dicts, eval_func, clock
    )
    resumed.traverse()
    assert resumed.seconds_by_part["evaluating"] == 25


@pytest.mark.parametrize("value", [-1.0, "1", None, float("nan")])
def test_seconds_that_are_none_are_refused(value: object) -> None:
    dicts = make(BayesianTuneStrategy, FakeAdaptor()).dicts
    dicts["seconds_by_part"] = {"asking": value}
    with pytest.raises(ResumeError, match=r"^\$\.dicts\.seconds_by_part\.asking"):
        make(BayesianTuneStrategy, FakeAdaptor(), dicts=dicts)
