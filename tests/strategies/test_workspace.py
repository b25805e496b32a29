"""A run with files: history after every trial, the best model at the end."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import asdict
from fakes import (
    BEST,
    CALIBRATION,
    DEFAULT,
    EFFECTS,
    UNQUANTISED,
    Clock,
    FakeAdaptor,
    conf,
    effects,
)

import strategies.runner
import strategies.workspace
from asktell.errors import Interrupted, MissingExtraError
from strategies import Conf, Trial, TuneStrategy, tune
from strategies.errors import ResumeError
from strategies.findings import goal_of
from strategies.objective import Measurement
from strategies.report import log_baseline
from strategies.workspace import (
    HISTORY,
    MODEL,
    REPORT,
    STRATEGIES,
    load_history,
    save_history,
)


@pytest.fixture
def adaptor(monkeypatch: pytest.MonkeyPatch) -> FakeAdaptor:
    """Return the adaptor that every strategy of the test gets."""
    adaptor = FakeAdaptor()
    monkeypatch.setattr(strategies.runner, "adaptor_for", lambda conf: adaptor)
    return adaptor


def conf_of(folder: Path, resume: Path | None = None, **exit_policy: Any) -> Conf:
    workspace = {"path": str(folder), **({"resume": str(resume)} if resume else {})}
    return conf({"workspace": workspace}, **exit_policy)


def test_the_history_is_written_after_every_trial(tmp_path: Path, adaptor: FakeAdaptor) -> None:
    folder = tmp_path / "deep" / "below"
    saved: list[dict[str, Any]] = []
    seen: list[Trial] = []

    def on_trial(strategy: TuneStrategy, trial: Trial) -> None:
        saved.append(load_history(folder))
        seen.append(trial)
        assert strategy.trials[-1] is trial

    result = tune(
        "model",
        conf_of(folder, max_trials=4),
        CALIBRATION,
        eval_func=adaptor.accuracy,
        on_trial=on_trial,
    )
    assert result is not None
    assert [len(dicts["trials"]) for dicts in saved] == [1, 2, 3, 4]
    assert [asdict(trial) for trial in seen] == saved[-1]["trials"]
    assert saved[-1]["seconds"] > 0
    assert (folder / MODEL).read_text(encoding="utf-8") == repr(result.model.effect)
    assert {path.name for path in folder.iterdir()} == {HISTORY, MODEL, REPORT}


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_strategy_is_that_of_the_configuration(
    tmp_path: Path, adaptor: FakeAdaptor, name: str
) -> None:
    configuration = conf(
        {"strategy": {"name": name}, "workspace": {"path": str(tmp_path)}}, max_trials=1
    )
    assert tune("model", configuration, CALIBRATION, eval_func=adaptor.accuracy) is not None
    assert load_history(tmp_path)["strategy"] == name


def test_a_run_that_was_killed_goes_on_where_it_stopped(
    tmp_path: Path, adaptor: FakeAdaptor
) -> None:
    count = iter(range(100))

    def killed(model: Any) -> float:
        if next(count) == 5:
            raise KeyboardInterrupt
        return adaptor.accuracy(model)

    with pytest.raises(KeyboardInterrupt):
        tune("model", conf_of(tmp_path), CALIBRATION, eval_func=killed)
    assert (tmp_path / MODEL).exists()  # the best of the trials so far
    assert len(load_history(tmp_path)["trials"]) == 4

    numbers: list[int] = []
    result = tune(
        "model",
        conf_of(tmp_path / "second", tmp_path, max_trials=8),
        CALIBRATION,
        eval_func=adaptor.accuracy,
        on_trial=lambda _, trial: numbers.append(trial.number),
    )
    assert numbers == [4, 5, 6, 7]
    assert len(adaptor.evaluated) == len(set(adaptor.evaluated)) == 9
    assert result is not None
    assert result.model.effect in (BEST, (*BEST[:3], 100))
    assert len(load_history(tmp_path / "second")["trials"]) == 8
    assert len(load_history(tmp_path)["trials"]) == 4


def test_the_fp32_model_is_not_evaluated_again_after_an_interrupt_in_the_first_trial(
    tmp_path: Path, adaptor: FakeAdaptor
) -> None:
    def killed(model: Any) -> float:
        if model.effect != UNQUANTISED:
            raise KeyboardInterrupt
        return adaptor.accuracy(model)

    with pytest.raises(KeyboardInterrupt):
        tune("model", conf_of(tmp_path), CALIBRATION, eval_func=killed)
    tune(
        "model", conf_of(tmp_path, tmp_path, max_trials=2), CALIBRATION, eval_func=adaptor.accuracy
    )
    assert adaptor.evaluated.count(UNQUANTISED) == 1


def test_a_folder_resumed_into_has_the_history_too(tmp_path: Path, adaptor: FakeAdaptor) -> None:
    tune("model", conf_of(tmp_path, max_trials=2), CALIBRATION, eval_func=adaptor.accuracy)
    folder = tmp_path / "new"
    tune("model", conf_of(folder, tmp_path, max_trials=2), CALIBRATION, eval_func=adaptor.accuracy)
    assert load_history(folder)["trials"] == load_history(tmp_path)["trials"]


def test_the_timeout_counts_the_fp32_model_too(tmp_path: Path, adaptor: FakeAdaptor) -> None:
    clock = Clock()

    def eval_func(model: Any) -> float:
        clock.now += 10
        return adaptor.accuracy(model)

    tune("model", conf_of(tmp_path, timeout=15), CALIBRATION, eval_func=eval_func, clock=clock)
    assert load_history(tmp_path)["seconds"] == 20
    assert adaptor.evaluated == [UNQUANTISED, DEFAULT]


def test_a_run_that_was_over_gives_its_model_again(tmp_path: Path, adaptor: FakeAdaptor) -> None:
    first = tune("model", conf_of(tmp_path, max_trials=2), CALIBRATION, eval_func=adaptor.accuracy)
    count = len(adaptor.evaluated)
    folder = tmp_path / "new"
    again = tune(
        "model", conf_of(folder, tmp_path, max_trials=2), CALIBRATION, eval_func=adaptor.accuracy
    )
    assert first is not None
    assert again is not None
    assert again.trial == first.trial
    assert (folder / MODEL).read_text(encoding="utf-8") == repr(first.model.effect)
    assert len(adaptor.evaluated) == count


def test_data_and_metric_reach_the_strategy(tmp_path: Path, adaptor: FakeAdaptor) -> None:
    calibration = [(1, 2)]
    configuration = conf({"workspace": {"path": str(tmp_path)}}, metric={"topk": 1}, max_trials=1)
    result = tune("model", configuration, calibration, eval_dataloader=[(0, [0])])
    assert result is not None
    assert result.trial.measurement is not None
    assert result.trial.measurement.accuracy == 0.871
    assert adaptor.calibrated_with == [calibration]


def test_without_a_success_there_is_a_history_but_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adaptor = FakeAdaptor(dict.fromkeys(EFFECTS - {UNQUANTISED}, lambda: math.nan))
    monkeypatch.setattr(strategies.runner, "adaptor_for", lambda conf: adaptor)
    configuration = conf_of(tmp_path, max_trials=2)
    assert tune("model", configuration, CALIBRATION, eval_func=adaptor.accuracy) is None
    assert {path.name for path in tmp_path.iterdir()} == {HISTORY, REPORT}
    assert adaptor.quantized[0] == DEFAULT


# ---------------------------------------------------------------------------------- again


def run_in(folder: Path, adaptor: FakeAdaptor, resume: Path | None = None, n: int = 4) -> Any:
    configuration = conf_of(folder, resume, max_trials=n)
    return tune("model", configuration, CALIBRATION, eval_func=adaptor.accuracy)


def test_the_same_run_in_the_same_folder_goes_on(tmp_path: Path, adaptor: FakeAdaptor) -> None:
    run_in(tmp_path, adaptor, n=2)
    before = load_history(tmp_path)["trials"]
    run_in(tmp_path, adaptor, n=4)
    assert load_history(tmp_path)["trials"][:2] == before
    assert len(adaptor.evaluated) == len(set(adaptor.evaluated)) == 5
    run_in(tmp_path, adaptor, n=4)  # it is over, and nothing is evaluated
    assert len(adaptor.evaluated) == 5


@pytest.mark.parametrize(
    "other",
    [
        {"strategy": {"name": "random"}},
        {"objective": "accuracy"},
        {"accuracy_criterion": {"relative": 0.5}},
    ],
    ids=str,
)
def test_a_history_of_another_run_is_neither_gone_on_from_nor_overwritten(
    tmp_path: Path, adaptor: FakeAdaptor, other: dict[str, Any]
) -> None:
    run_in(tmp_path, adaptor, n=2)
    before, count = (tmp_path / HISTORY).read_bytes(), len(adaptor.evaluated)
    configuration = conf({**other, "workspace": {"path": str(tmp_path)}})
    with pytest.raises(ResumeError, match="name another folder, or move the file away") as caught:
        tune("model", configuration, CALIBRATION, eval_func=adaptor.accuracy)
    assert caught.value.place == "$.tuning.workspace.path"
    assert (tmp_path / HISTORY).read_bytes() == before
    assert len(adaptor.evaluated) == count


def test_a_history_of_another_model_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adaptor: FakeAdaptor
) -> None:
    run_in(tmp_path, adaptor, n=2)
    monkeypatch.setattr(FakeAdaptor, "digest", lambda self, model: "trained again")
    with pytest.raises(ResumeError, match=r"dicts\.model"):
        run_in(tmp_path, adaptor)


def test_a_run_that_was_resumed_elsewhere_goes_on_there(
    tmp_path: Path, adaptor: FakeAdaptor
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run_in(first, adaptor, n=2)
    run_in(second, adaptor, first, n=3)
    run_in(second, adaptor, first, n=5)
    assert len(load_history(second)["trials"]) == 5
    assert len(load_history(first)["trials"]) == 2
    run_in(first, adaptor, second, n=5)  # the longer one is where it goes on from
    assert load_history(first)["trials"] == load_history(second)["trials"]
    assert len(adaptor.evaluated) == len(set(adaptor.evaluated))


def test_a_history_of_another_run_cannot_be_resumed_elsewhere_either(
    tmp_path: Path, adaptor: FakeAdaptor
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run_in(first, adaptor, n=2)
    other = {"strategy": {"name": "random"}}
    workspace = {"path": str(second), "resume": str(first)}
    with pytest.raises(ResumeError) as caught:
        tune("m", conf({**other, "workspace": workspace}), CALIBRATION, eval_func=adaptor.accuracy)
    assert caught.value.place == "$.dicts.strategy"
    assert not second.exists()


def test_a_run_of_something_else_that_has_just_begun_is_not_overwritten(
    tmp_path: Path, adaptor: FakeAdaptor
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run_in(first, adaptor, n=2)
    save_history(second, {**load_history(first), "strategy": "random", "trials": []})
    before = (second / HISTORY).read_bytes()
    with pytest.raises(ResumeError):
        run_in(second, adaptor, first)
    assert (second / HISTORY).read_bytes() == before


def test_a_history_without_trials_in_the_way_is_refused(
    tmp_path: Path, adaptor: FakeAdaptor
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run_in(first, adaptor, n=2)
    save_history(second, {"trials": "none"})
    with pytest.raises(ResumeError, match="name another folder"):
        run_in(second, adaptor, first)
    assert load_history(second) == {"trials": "none"}


def test_two_histories_that_differ_are_left_as_they_are(
    tmp_path: Path, adaptor: FakeAdaptor
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    run_in(first, adaptor, n=2)
    run_in(second, adaptor, n=3)
    before = [(folder / HISTORY).read_bytes() for folder in (first, second)]
    with pytest.raises(ResumeError) as caught:
        run_in(second, adaptor, first)
    assert caught.value.place == "$.tuning.workspace.path"
    assert [(folder / HISTORY).read_bytes() for folder in (first, second)] == before


def test_the_best_model_is_written_as_soon_as_it_is_found(
    tmp_path: Path, adaptor: FakeAdaptor
) -> None:
    models: list[tuple[bool, str]] = []

    def on_trial(strategy: TuneStrategy, trial: Trial) -> None:
        written = (tmp_path / MODEL).read_text(encoding="utf-8")
        models.append((strategy.best_trial() == trial, written))
        best = strategy.result()
        assert best is not None
        assert written == repr(best.model.effect)

    configuration = conf_of(tmp_path)
    tune("model", configuration, CALIBRATION, eval_func=adaptor.accuracy, on_trial=on_trial)
    assert 1 < sum(is_best for is_best, _ in models) < len(models)


# ------------------------------------------------------------------------------- the report


def test_the_report_names_the_model_beside_it(tmp_path: Path, adaptor: FakeAdaptor) -> None:
    run_in(tmp_path, adaptor)
    text = (tmp_path / REPORT).read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert f"InferenceSession(&#34;{MODEL}&#34;)" in text


def test_no_report_is_written_where_none_is_wanted(tmp_path: Path, adaptor: FakeAdaptor) -> None:
    configuration = conf_of(tmp_path, max_trials=2)
    tune("m", configuration, CALIBRATION, eval_func=adaptor.accuracy, report=False)
    assert {path.name for path in tmp_path.iterdir()} == {HISTORY, MODEL}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MissingExtraError("a report needs jinja2"), "report: none: a report needs jinja2"),
        (OSError("disk full"), "report: it could not be written: OSError: disk full"),
    ],
)
def test_a_report_that_cannot_be_written_does_not_take_the_result_along(
    tmp_path: Path,
    adaptor: FakeAdaptor,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    told: str,
) -> None:
    def fails(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(strategies.workspace, "write_report", fails)
    caplog.set_level("INFO", logger="strategies")
    assert run_in(tmp_path, adaptor) is not None
    assert caplog.records[-1].getMessage() == told
    assert not (tmp_path / REPORT).exists()


# ------------------------------------------------------------------------------- what is said


def test_there_is_a_line_for_every_trial(
    tmp_path: Path, adaptor: FakeAdaptor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="strategies")
    run_in(tmp_path, adaptor, n=2)
    run_in(tmp_path, adaptor, n=3)
    lines = [record.getMessage() for record in caplog.records]
    fp32, space, known, first, _, done, parts, report, resumed, third, *_ = lines
    assert fp32.startswith("FP32: accuracy 0.9000, size 200 bytes; wanted: accuracy of at least 0.")
    assert space == "2 operations, 17 configurations"
    assert known.startswith("what 6 options do alone, in ")
    assert first.startswith("trial 0 (1 of 2): accuracy 0.8710, size 50 bytes, misses; ")
    assert first.endswith(" s")
    assert done.startswith("done: 2 trials in ")
    assert re.search(r"saving [0-9.]+ s.*; the tuner itself took [0-9]+ % of the work$", parts)
    assert report == f"report: {tmp_path / REPORT}"
    assert resumed == f"going on after 2 trials from {tmp_path}"
    assert third.startswith("trial 2 (3 of 3): ")


@pytest.mark.parametrize("quiet", [True, False])
def test_a_program_that_has_set_nothing_up_sees_the_lines(tmp_path: Path, quiet: bool) -> None:
    code = f"""
import sys; sys.path[:0] = {sys.path!r}
from fakes import CALIBRATION, FakeAdaptor, conf
import strategies, strategies.runner
adaptor = FakeAdaptor(faults={{}})
strategies.runner.adaptor_for = lambda conf: adaptor
configuration = conf({{"workspace": {{"path": {str(tmp_path)!r}}}}}, max_trials=2)
strategies.tune("m", configuration, CALIBRATION, eval_func=adaptor.accuracy, quiet={quiet})
strategies.BayesianTuneStrategy("m", configuration, CALIBRATION, eval_func=abs)  # says nothing
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == ""
    lines = ran.stderr.splitlines()
    words = [line.split()[0] for line in lines]
    if quiet:
        assert not words
    else:
        assert words[:6] == ["FP32:", "2", "what", "trial", "trial", "done:"]
        assert words[7:] == ["report:"]


def test_the_history_is_one_that_a_strategy_takes(tmp_path: Path, adaptor: FakeAdaptor) -> None:
    tune("model", conf_of(tmp_path, max_trials=3), CALIBRATION, eval_func=adaptor.accuracy)
    strategy = STRATEGIES["bayesian"](
        "model", conf(), CALIBRATION, eval_func=adaptor.accuracy, dicts=load_history(tmp_path)
    )
    assert effects(strategy) == adaptor.evaluated[1:]


# ---------------------------------------------------------------------------------- the files


def test_a_history_replaces_the_one_before(tmp_path: Path) -> None:
    save_history(tmp_path / "new", {"a": 1})
    save_history(tmp_path / "new", {"b": 0.1})
    assert load_history(tmp_path / "new") == {"b": 0.1}
    assert [path.name for path in (tmp_path / "new").iterdir()] == [HISTORY]


@pytest.mark.parametrize("wrong", [float("nan"), object()], ids=["nan", "no JSON"])
def test_what_cannot_be_written_leaves_the_history_before(tmp_path: Path, wrong: Any) -> None:
    save_history(tmp_path, {"a": 1})
    with pytest.raises((ValueError, TypeError)):
        save_history(tmp_path, {"long": ["x" * 100] * 1000, "wrong": wrong})
    assert load_history(tmp_path) == {"a": 1}


def test_what_cannot_be_written_leaves_no_rest(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        save_history(tmp_path, {"wrong": object()})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, "", "{", '{"a": 1'], ids=repr)
def test_a_history_that_cannot_be_read_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / HISTORY).write_text(content, encoding="utf-8")
    with pytest.raises(ResumeError) as caught:
        load_history(tmp_path)
    assert caught.value.place == "$.tuning.workspace.resume"
    assert str(tmp_path) in str(caught.value.got)


def test_a_history_of_something_else_is_refused_before_anything_is_evaluated(
    tmp_path: Path, adaptor: FakeAdaptor
) -> None:
    (tmp_path / HISTORY).write_text(json.dumps([1]), encoding="utf-8")
    with pytest.raises(ResumeError):
        tune("model", conf_of(tmp_path, tmp_path), CALIBRATION, eval_func=adaptor.accuracy)
    assert adaptor.evaluated == []


# ------------------------------------------------------------------------------- interrupts


@pytest.mark.parametrize("at", [0, 1, 3])
def test_an_interrupt_saves_all_and_says_how_to_go_on(
    tmp_path: Path, adaptor: FakeAdaptor, caplog: pytest.LogCaptureFixture, at: int
) -> None:
    count = iter(range(10**6))

    def eval_func(model: Any) -> float:
        if next(count) == at:
            raise KeyboardInterrupt
        return adaptor.accuracy(model)

    with pytest.raises(Interrupted) as caught:
        tune("m", conf_of(tmp_path, max_trials=5), CALIBRATION, eval_func=eval_func)
    assert caught.value.code == 130
    if at == 0:
        assert "nothing is saved" in str(caught.value)
        assert not (tmp_path / HISTORY).exists()
    else:
        assert str(caught.value) == (
            f"interrupted: {at - 1} of 5 trials are in {tmp_path}; run the same program to go on"
        )
        assert str(caught.value) in caplog.messages
        assert len(load_history(tmp_path)["trials"]) == at - 1
        assert (tmp_path / MODEL).exists() is (at > 1)
    result = tune("m", conf_of(tmp_path, max_trials=5), CALIBRATION, eval_func=eval_func)
    assert result is not None
    assert len(adaptor.evaluated) == len(set(adaptor.evaluated)) == 6


def test_a_second_interrupt_ends_it_at_once(
    tmp_path: Path, adaptor: FakeAdaptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(strategies.workspace, "_save_best", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        tune("m", conf_of(tmp_path, max_trials=5), CALIBRATION, eval_func=adaptor.accuracy)
    assert type(caught.value) is KeyboardInterrupt
    assert len(load_history(tmp_path)["trials"]) == 1


def test_an_interrupt_of_a_callback_is_its_own(tmp_path: Path, adaptor: FakeAdaptor) -> None:
    class Mine(KeyboardInterrupt):
        pass

    def stop(strategy: TuneStrategy, trial: Trial) -> None:
        raise Mine

    with pytest.raises(Mine):
        tune("m", conf_of(tmp_path), CALIBRATION, None, adaptor.accuracy, stop)


def test_of_a_great_many_configurations_the_order_of_magnitude_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="strategies")
    goal = goal_of(conf({"objective": "modelsize"}), Measurement(0.9, {"modelsize": 200.0}))
    log_baseline(goal, 400, 13**400)
    assert caplog.records[-1].getMessage() == "400 operations, about 10^446 configurations"
