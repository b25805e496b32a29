"""The report of a tuning run, from its history alone."""

from __future__ import annotations

import base64
import gzip
import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import evolve
from fakes import BEST, DEFAULT, EFFECTS, UNQUANTISED, FakeAdaptor, conf, effect, keys, make

import asktell as at
from asktell.reports.pictures import Gallery
from strategies import (
    BayesianTuneStrategy,
    Conf,
    ExhaustiveTuneStrategy,
    TuneStrategy,
    write_report,
)
from strategies.costs import Cost, costs_of
from strategies.errors import ResumeError
from strategies.operations import costs_section, letters_of
from strategies.page import report
from strategies.record import Record, record_of


def run(
    adaptor: FakeAdaptor | None = None,
    configuration: Conf | None = None,
    **exit_policy: Any,
) -> TuneStrategy:
    configuration = configuration or conf(**exit_policy)
    strategy = make(ExhaustiveTuneStrategy, adaptor or FakeAdaptor(), configuration)
    strategy.traverse()
    return strategy


@pytest.fixture(scope="module")
def whole() -> TuneStrategy:
    """Return a run that has tried everything."""
    return run()


def recorded(dicts: Any) -> Record:
    record = record_of(dicts)
    assert record is not None
    return record


# --- what is known beforehand ---


def test_damages_bytes_and_multiplications_are_beside_the_costs(whole: TuneStrategy) -> None:
    strategy = make(BayesianTuneStrategy, FakeAdaptor(), conf(max_trials=4))
    strategy.traverse()
    page = report(strategy)
    assert "damage alone" in page
    assert "multiplications" in page
    known = recorded(strategy).knowledge
    assert known is not None
    best = recorded(strategy).best
    assert best is not None
    for one in known.operations:
        effect = one.effect(best.params[one.name])
        assert f"{100.0 * effect.damage**0.5:.2g} %" in page
        assert f"{effect.size:+,.0f}" in page
    assert "damage alone" not in report(whole)  # nothing was measured for it


def test_times_are_beside_the_costs_where_latency_matters() -> None:
    fake = FakeAdaptor()
    strategy = make(BayesianTuneStrategy, fake, conf({"objective": "performance"}, max_trials=4))
    strategy.traverse()
    page = report(strategy)
    assert ">time<" in page
    assert "-73.0 %" in page  # one operation takes all the time, and 27 % of it in 8 bits
    blind = make(BayesianTuneStrategy, FakeAdaptor(blind=True), conf(max_trials=4))
    blind.traverse()
    assert "damage alone" not in report(blind)


# --- what is recorded ---


def test_the_record_knows_what_the_strategy_does(whole: TuneStrategy) -> None:
    record = recorded(whole)
    assert record.trials == whole.trials
    assert record.best == whole.best_trial()
    assert record.goal == whole.goal
    assert record.operations == ("block (Conv)", "block (MatMul)")
    assert recorded(whole.dicts) == record
    assert recorded(json.loads(json.dumps(whole.dicts))) == record


def test_the_study_has_the_trials_with_their_numbers_and_fp32_last(whole: TuneStrategy) -> None:
    record = recorded(whole)
    state = record.study(with_baseline=True)
    assert len(state.trials) == len(whole.trials) + 1
    for trial, tuned in zip(state.trials, whole.trials, strict=False):
        assert tuned.measurement is not None
        assert trial.params == tuned.params
        assert trial.target["accuracy"] == tuned.measurement.accuracy
        assert trial.target["size (kB)"] == pytest.approx(
            tuned.measurement.values["modelsize"] / 1000
        )
    last = state.trials[-1]
    assert {last.params[name] for name in record.operations} == {"fp32"}
    assert last.target["accuracy"] == record.goal.baseline.accuracy
    assert record.study(with_baseline=False).trials == state.trials[:-1]


def test_the_front_is_that_of_accuracy_and_objectives(whole: TuneStrategy) -> None:
    front = recorded(whole).front
    for one in front:
        for other in whole.trials:
            a, b = one.measurement, other.measurement
            assert a is not None
            assert b is not None
            better = (b.accuracy or 0) >= (a.accuracy or 0)
            smaller = b.values["modelsize"] <= a.values["modelsize"]
            strictly = (b.accuracy, b.values) != (a.accuracy, a.values)
            assert not (better and smaller and strictly)


def test_a_run_without_the_fp32_model_has_not_begun() -> None:
    strategy = make(BayesianTuneStrategy, FakeAdaptor())
    assert record_of(strategy) is None
    assert "The run has not begun" in report(strategy)


def test_histories_of_the_first_schema_are_read(whole: TuneStrategy) -> None:
    dicts = json.loads(json.dumps(whole.dicts)) | {"schema": 1}
    del dicts["model"]
    assert recorded(dicts).trials == whole.trials
    assert "the smallest model" in report(dicts)


@pytest.mark.parametrize(
    ("change", "place"),
    [({"trials": 3}, "$.dicts.trials"), ({"schema": 0}, "$.dicts.schema"), ({"x": 1}, "$.dicts")],
)
def test_a_corrupt_history_is_refused(
    whole: TuneStrategy, change: Mapping[str, Any], place: str
) -> None:
    with pytest.raises(ResumeError, match=re.escape(place)):
        report({**whole.dicts, **change})


# --- costs ---


def test_costs_are_those_of_the_fake_model(whole: TuneStrategy) -> None:
    costs = costs_of(recorded(whole))
    assert costs is not None
    by_name = {cost.operation: cost for cost in costs.costs}
    conv, matmul = by_name["block (Conv)"], by_name["block (MatMul)"]
    assert conv.option == matmul.option  # per channel, in the best
    assert conv.points == pytest.approx(0.004, abs=0.002)
    assert matmul.points == pytest.approx(0.002, abs=0.002)
    assert costs.costs[0] == conv
    assert conv.n_fp32 > 0
    assert conv.is_quantised
    assert conv.is_clear


def test_an_operation_that_stays_in_fp32_is_compared_with_its_best_option() -> None:
    # Only an FP32 convolution meets the criterion.
    losses = {effect: lambda: 0.5 for effect in EFFECTS if effect[0] != "fp32"}
    record = recorded(run(FakeAdaptor(losses)))
    costs = costs_of(record)
    assert costs is not None
    conv = next(cost for cost in costs.costs if cost.operation == "block (Conv)")
    assert not conv.is_quantised
    assert conv.points > 0.2
    assert conv.option != "fp32"
    assert "FP32; at best" in report(run(FakeAdaptor(losses)))


def test_where_less_is_better_costs_turn_round() -> None:
    adaptor = FakeAdaptor()
    strategy = make(
        ExhaustiveTuneStrategy,
        adaptor,
        conf({"accuracy_criterion": {"relative": 0.01, "higher_is_better": False}}),
        eval_func=lambda model: 1.0 - adaptor.accuracy(model),
    )
    strategy.traverse()
    costs = costs_of(recorded(strategy))
    assert costs is not None
    assert costs.costs[0].points > 0.0


def test_what_is_not_known_of_the_rest_does_not_blur_a_cost(whole: TuneStrategy) -> None:
    costs = costs_of(recorded(whole))
    assert costs is not None
    model = costs.known.models[0]
    points = model.process.points[:2]
    apart = model.at(points)[1]
    assert 0.0 < model.difference(points) < np.hypot(*apart)
    assert model.difference(points[[0, 0]]) == 0.0


def test_what_quantising_gains_is_told(whole: TuneStrategy) -> None:
    record = recorded(whole)
    costs = costs_of(record)
    assert costs is not None
    first, *others = costs.costs
    gain = evolve(first, points=-0.05, deviation=0.01)
    unknown = [evolve(one, deviation=1.0) for one in others]

    def told(some: list[Cost]) -> str:
        known = evolve(costs, costs=tuple(some))
        prose = costs_section(record, known, Gallery(record.study(False))).blocks[0]
        return str(prose.text)

    assert told([gain, *unknown]) == (
        "As the model sees it, quantising gains accuracy, in percentage points: block (Conv) (5). "
        "Of the others, the trials do not tell whether it does."
    )
    assert "do not tell" not in told([gain])
    loss = evolve(first, points=0.05, deviation=0.01)
    both = told([loss, gain])
    assert "quantising costs accuracy" in both
    assert "And quantising gains accuracy" in both


def test_nothing_is_known_of_costs_without_a_success_or_accuracies(whole: TuneStrategy) -> None:
    record = recorded(whole)
    assert costs_of(evolve(record, best=None)) is None
    unmeasured = evolve(record.goal, baseline=evolve(record.goal.baseline, accuracy=None))
    assert costs_of(evolve(record, goal=unmeasured)) is None


# --- the page ---


def test_the_answer_comes_first(whole: TuneStrategy) -> None:
    text = report(whole, model="best.onnx", now=1.77e9)
    best = whole.best_trial()
    assert best is not None
    which = f"the smallest model that meets the criterion is trial {best.number}: accuracy 89.30 %"
    assert (
        f"After {len(whole.trials)} trials, {which}, where FP32 has 90.00 %; size 0.054 kB" in text
    )
    assert "The criterion is an accuracy of at least 89.10 %" in text
    assert "InferenceSession(&#34;best.onnx&#34;)" in text
    assert "2026-02-02" in text


def test_no_model_is_loaded_where_none_is_named(whole: TuneStrategy) -> None:
    assert "InferenceSession" not in report(whole)


def test_a_run_in_which_nothing_meets_says_what_is_nearest() -> None:
    adaptor = FakeAdaptor({effect: lambda: 0.5 for effect in EFFECTS - {UNQUANTISED, DEFAULT}})
    assert "no model meets the criterion. The nearest is trial 0" in report(run(adaptor))


def test_a_run_in_which_everything_failed_says_why() -> None:
    adaptor = FakeAdaptor(dict.fromkeys(EFFECTS - {UNQUANTISED}, lambda: math.nan))
    text = report(run(adaptor, max_trials=4))
    assert "All 4 trials failed." in text
    assert "NotFiniteError: the accuracy is nan" in text
    assert "Choices for each operation" not in text


def test_a_run_that_has_only_begun_has_a_report() -> None:
    strategy = make(BayesianTuneStrategy, FakeAdaptor())
    strategy.measure_baseline()
    text = report(strategy)
    assert "No quantised model was tried yet." in text
    assert "All trials" not in text


def test_several_objectives_are_shown() -> None:
    document = keys()
    del document["tuning"]["objective"]
    document["tuning"]["multi_objectives"] = {"objective": ["modelsize", "performance"]}
    text = report(run(configuration=Conf(document)))
    assert "Tuning a model for size and latency" in text
    assert "the best model that meets" in text
    assert "Accuracy against size and latency" in text


def test_the_accuracy_may_be_all_that_is_wanted() -> None:
    document = keys()
    document["tuning"]["objective"] = "accuracy"
    text = report(run(configuration=Conf(document)))
    assert "Tuning a model for accuracy" in text
    assert '<h2 id="front-title">The front</h2>' in text


def test_without_accuracies_there_is_a_report_of_the_objectives() -> None:
    strategy = run(performance_only=True)
    text = report(strategy)
    assert "What each operation costs" not in text
    assert "Wanted was" not in text
    assert "All trials" in text


def test_letters_go_on_after_z() -> None:
    names = [f"option {i}" for i in range(30)]
    space = at.Space(at.Categorical("op (Conv)", [*names, "fp32"]))
    record = evolve(recorded(run(max_trials=1)), space=space)
    letters = letters_of(record)
    assert letters["fp32"] == "FP32"
    assert [letters[name] for name in names[24:29]] == ["Y", "Z", "AA", "AB", "AC"]


def test_the_history_within_makes_the_same_strategy(whole: TuneStrategy, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(whole, path)
    text = path.read_text(encoding="utf-8")
    (content,) = re.findall(r'download="history.json.gz" href="data:[^,]*,([^"]*)"', text)
    dicts = json.loads(gzip.decompress(base64.b64decode(content)))
    again = make(ExhaustiveTuneStrategy, FakeAdaptor(), dicts=dicts)
    assert again.trials == whole.trials


def test_the_best_of_the_fake_is_known(whole: TuneStrategy) -> None:
    best = whole.best_trial()
    assert best is not None
    assert effect(whole.tuning_space.tune_cfg(best.params)) == BEST
