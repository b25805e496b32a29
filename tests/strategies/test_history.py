"""Progress as plain dicts, and back. What is refused is tested with the strategies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import asktell as at
from strategies.adaptors.base import FP32, Capability, Operation
from strategies.allowed import option_label
from strategies.conf import Conf
from strategies.errors import ResumeError
from strategies.findings import goal_of, started
from strategies.history import SCHEMA, Identity, history_from_dict, history_to_dict
from strategies.knowledge import knowledge_of
from strategies.objective import Looked, Measurement
from strategies.policies import BAYESIAN, RANDOM
from strategies.trial import Progress, Trial
from strategies.tuning_space import TuningSpace

CONF = Conf({"model": {"framework": "onnxrt_qlinearops"}, "tuning": {"objective": "modelsize"}})
INT8 = {
    side: {"dtype": "int8", "scheme": "sym", "granularity": "per_tensor"}
    for side in ("weight", "activation")
}
SPACE = TuningSpace.of(Capability((Operation("conv", "Conv", (INT8, FP32)),)), CONF)
BASELINE = Measurement(0.75, {"modelsize": 36.0})
ENGINE = started(SPACE, CONF, BASELINE, BAYESIAN.settings)
LABEL = "w int8 sym tensor, a int8 sym"
KNOWLEDGE = knowledge_of(
    SPACE, None, lambda params: 9.0 if params["conv (Conv)"] == LABEL else 12.0
)
TRIAL = Trial(0, SPACE.default(), Measurement(0.5, {"modelsize": 9.0}), None, True, 1.5)

IDENTITY = Identity("digest")

finite = st.floats(allow_nan=False, allow_infinity=False)
measurements = st.builds(Measurement, finite, st.fixed_dictionaries({"modelsize": finite}))


@st.composite
def progresses(draw: st.DrawFn) -> Progress:
    trials = []
    for number in range(draw(st.integers(0, 4))):
        measurement = draw(st.none() | measurements)
        failure = draw(st.text()) if measurement is None else None
        meets, seconds = draw(st.booleans()), draw(finite)
        trials.append(Trial(number, SPACE.default(), measurement, failure, meets, seconds))
    baseline = draw(measurements)
    engine = started(SPACE, CONF, baseline, BAYESIAN.settings)
    parts = draw(st.dictionaries(st.text(), st.floats(0, 1e9)))
    knowledge = draw(st.sampled_from((None, KNOWLEDGE)))
    return Progress(engine, baseline, tuple(trials), draw(st.floats(0, 1e9)), parts, knowledge)


@settings(deadline=None)
@given(progresses())
def test_progress_comes_back_from_json(progress: Progress) -> None:
    text = json.dumps(history_to_dict(progress, BAYESIAN, IDENTITY, CONF), allow_nan=False)
    assert history_from_dict(json.loads(text), BAYESIAN, IDENTITY, CONF, SPACE) == progress


def test_the_start_of_a_run_comes_back() -> None:
    start = Progress(seconds=1.5)
    dicts = history_to_dict(start, BAYESIAN, IDENTITY, CONF)
    assert dicts["engine"] is dicts["baseline"] is None
    assert history_from_dict(dicts, BAYESIAN, IDENTITY, CONF, SPACE) == start


def test_the_layout_is_that_of_schema_4() -> None:
    progress = Progress(ENGINE, BASELINE, (TRIAL,), 2.5, {"asking": 0.5}, KNOWLEDGE)
    unknown = {"std": {}, "looked": None}
    assert history_to_dict(progress, RANDOM, IDENTITY, CONF) == {
        "schema": 4,
        "strategy": "random",
        "model": "digest",
        "prepared": None,
        "criterion": {"loss": 0.01, "relative": True, "higher_is_better": True},
        "objectives": [{"name": "modelsize", "weight": 1.0, "higher_is_better": False}],
        "constraints": [],
        "engine": ENGINE.to_dict(),
        "baseline": {**unknown, "accuracy": 0.75, "values": {"modelsize": 36.0}},
        "trials": [
            {
                "number": 0,
                "params": SPACE.default(),
                "measurement": {**unknown, "accuracy": 0.5, "values": {"modelsize": 9.0}},
                "failure": None,
                "meets": True,
                "seconds": 1.5,
                "digest": None,
            }
        ],
        "seconds": 2.5,
        "seconds_by_part": {"asking": 0.5},
        "knowledge": {
            "measured": False,
            "operations": [
                {
                    "name": "conv (Conv)",
                    "type": "Conv",
                    "multiplications": 0,
                    "effects": [
                        {"option": LABEL, "error": 0.5, "damage": 0.5, "size": -3.0, "time": 0.0},
                        {"option": "fp32", "error": 0.0, "damage": 0.0, "size": 0.0, "time": 0.0},
                    ],
                }
            ],
            "fastest": None,
            "byte_price": 1.0,
            "time_price": 0.0,
        },
    }


def test_schema_2_is_read() -> None:
    progress = Progress(ENGINE, BASELINE, (TRIAL,), 2.5)
    dicts = history_to_dict(progress, BAYESIAN, IDENTITY, CONF)
    old = {**dicts, "schema": 2}
    del old["constraints"]
    for one in (old["baseline"], old["trials"][0]["measurement"]):
        del one["std"], one["looked"]
    assert history_from_dict(old, BAYESIAN, IDENTITY, CONF, SPACE) == progress
    start = {**old, "baseline": None, "engine": None, "trials": []}
    assert history_from_dict(start, BAYESIAN, IDENTITY, CONF, SPACE) == Progress(seconds=2.5)
    for broken in ({"trials": 3}, {"trials": [3]}, {"baseline": 3}):
        with pytest.raises(ResumeError):
            history_from_dict({**old, **broken}, BAYESIAN, IDENTITY, CONF, SPACE)


PART = Measurement(0.5, {"modelsize": 9.0}, {"accuracy": 0.1}, Looked(10, 100))


def test_what_rests_on_some_samples_comes_back() -> None:
    part = evolve(TRIAL, measurement=PART, meets=False)
    progress = Progress(ENGINE, BASELINE, (part,), 2.5)
    text = json.dumps(history_to_dict(progress, BAYESIAN, IDENTITY, CONF))
    assert history_from_dict(json.loads(text), BAYESIAN, IDENTITY, CONF, SPACE) == progress


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"std": {"accuracy": -0.1}}, ".std.accuracy"),
        ({"std": {"accuracy": True}}, ".std.accuracy"),
        ({"std": {"accuracy": 0.1, "speed": 0.1}}, ".std.speed"),
        ({"std": {}}, ".std"),
        ({"looked": {"samples": 10}}, ".looked.of"),
        ({"looked": {"samples": 200, "of": 100}}, ".looked.samples"),
    ],
    ids=str,
)
def test_a_wrong_deviation_is_refused(change: dict[str, Any], place: str) -> None:
    part = evolve(TRIAL, measurement=PART, meets=False)
    dicts = history_to_dict(Progress(ENGINE, BASELINE, (part,), 2.5), BAYESIAN, IDENTITY, CONF)
    dicts["trials"][0]["measurement"].update(change)
    with pytest.raises(ResumeError) as caught:
        history_from_dict(dicts, BAYESIAN, IDENTITY, CONF, SPACE)
    assert caught.value.place == f"$.dicts.trials[0].measurement{place}"


def test_the_trials_of_schema_1_are_told_to_a_new_optimiser() -> None:
    dicts = history_to_dict(Progress(ENGINE, BASELINE, (TRIAL,), 2.5), BAYESIAN, IDENTITY, CONF)
    old = {**dicts, "schema": 1}
    del old["model"], old["knowledge"]
    penalised = at.State.start(SPACE.space, 3, "maximize")
    old["engine"] = at.observe(penalised, SPACE.default(), 0.25).to_dict()
    progress = history_from_dict(old, BAYESIAN, Identity("any model"), CONF, SPACE)
    assert progress.trials == (TRIAL,)
    assert progress.seconds == 2.5
    assert progress.engine is not None
    told = [(one.params, one.target) for one in progress.engine.observations]
    assert told == [
        (SPACE.unquantised(), {"modelsize": 36.0, "accuracy": 0.75}),
        (TRIAL.params, {"modelsize": 9.0, "accuracy": 0.5}),
    ]


def test_a_history_of_schema_2_goes_on_without_what_was_not_known_then() -> None:
    progress = Progress(ENGINE, BASELINE, (TRIAL,), 2.5)
    old = {**history_to_dict(progress, BAYESIAN, IDENTITY, CONF), "schema": 2}
    del old["knowledge"]
    assert history_from_dict(old, BAYESIAN, IDENTITY, CONF, SPACE) == progress


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": "other"}, "$.dicts.knowledge.operations"),
        ({"effects": []}, "$.dicts.knowledge.operations[0].effects"),
        ({"multiplications": "many"}, "$.dicts.knowledge.operations[0].multiplications"),
    ],
)
def test_knowledge_of_something_else_is_refused(change: dict[str, Any], place: str) -> None:
    dicts = history_to_dict(
        Progress(ENGINE, BASELINE, (), 0.0, knowledge=KNOWLEDGE), BAYESIAN, IDENTITY, CONF
    )
    dicts["knowledge"]["operations"][0] |= change
    with pytest.raises(ResumeError) as caught:
        history_from_dict(dicts, BAYESIAN, IDENTITY, CONF, SPACE)
    assert caught.value.place == place


def test_damages_are_not_negative() -> None:
    dicts = history_to_dict(
        Progress(ENGINE, BASELINE, (), 0.0, knowledge=KNOWLEDGE), BAYESIAN, IDENTITY, CONF
    )
    dicts["knowledge"]["operations"][0]["effects"][0]["damage"] = -1.0
    with pytest.raises(ResumeError, match="numbers >= 0"):
        history_from_dict(dicts, BAYESIAN, IDENTITY, CONF, SPACE)


def test_settings_that_changed_nothing_are_gone_from_what_schema_3_tried() -> None:
    alone = {"weight": INT8["weight"], "activation": {"dtype": "fp32"}}
    options = (INT8, alone, FP32)
    space = TuningSpace.of(
        Capability((Operation("conv", "Conv", options),), ("minmax", "entropy")), CONF
    )
    whole = at.Space(*space.space.parameters)
    same = {**space.default(), "conv (Conv)": option_label(alone)}
    tried = {**same, "calib_algorithm": "entropy"}
    goal = goal_of(CONF, BASELINE)
    engine = at.State.start(whole, objectives=goal.wanted, constraints=goal.limits)
    engine = at.observe(engine, tried, {"modelsize": 9.0, "accuracy": 0.5})
    trial = evolve(TRIAL, params=tried)
    progress = Progress(engine, BASELINE, (trial,), 2.5)
    old = {**history_to_dict(progress, BAYESIAN, IDENTITY, CONF), "schema": 3}
    old["knowledge"] = {"measured": True, "operations": []}  # times are not among it
    read = history_from_dict(old, BAYESIAN, IDENTITY, CONF, space)
    assert read.trials == (evolve(TRIAL, params=same),)
    assert read.knowledge is None
    assert read.engine is not None
    assert read.engine.space == space.space
    new = {**old, "schema": SCHEMA, "knowledge": None}
    with pytest.raises(ResumeError, match="the tuning space of this model"):
        history_from_dict(new, BAYESIAN, IDENTITY, CONF, space)
