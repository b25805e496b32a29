"""Strategies at the keyboard: what a person types, sees and gets."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import onnx_models
import pytest
from fakes import Clock

import strategies.cli.main as cli
from strategies import Conf, TuneStrategy
from strategies.cli.arguments import configured, parse
from strategies.cli.bar import Bar, left, wants_bar
from strategies.cli.data import Batches, read_data
from strategies.errors import ArgumentError
from strategies.examples import digits
from strategies.workspace import HISTORY, MODEL


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (training, labels), (held_out, held_out_labels) = digits.split()
    np.savez(folder / "training.npz", images=training[:100], labels=labels[:100])
    np.savez(folder / "held_out.npz", images=held_out[:200], labels=held_out_labels[:200])
    np.savez(folder / "unlabelled.npz", images=held_out[:200])
    np.savez(folder / "numbers.npz", images=held_out[:20], labels=np.linspace(0, 1, 20))
    return folder


def typed(data: Path, folder: Path, *more: str) -> list[str]:
    return [
        *("tune", str(digits.MODEL), "--data", str(data / "held_out.npz")),
        *("--calibration", str(data / "training.npz"), "--workspace", str(folder), *more),
    ]


def test_a_run_keeps_its_best_model_and_says_what_it_has(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "strategies")
    code = cli.main(typed(data, tmp_path, "--trials", "3", "--loss", "2%"))
    out = capsys.readouterr().out
    assert code == cli.DONE
    assert (tmp_path / MODEL).exists()
    assert f"best model   {tmp_path / MODEL}" in out
    assert "meets it" in out
    assert "FP32 had" in out
    assert "trial 2 (3 of 3)" in caplog.text

    code = cli.main(typed(data, tmp_path, "--trials", "4", "--loss", "2%", "--quiet", "--json"))
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert (code, err) == (cli.DONE, "")
    assert answer["meets"]
    assert answer["modelsize"] == (tmp_path / MODEL).stat().st_size
    assert len(json.loads((tmp_path / HISTORY).read_text())["trials"]) == 4


def test_where_no_model_meets_the_criterion_the_exit_code_says_so(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = cli.main(typed(data, tmp_path, "--trials", "1", "--loss=-3%", "--quiet"))
    assert code == cli.MISSED
    assert "misses it" in capsys.readouterr().out


def test_a_python_file_has_the_data(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "data.py"
    source.write_text(
        "from strategies.examples import digits\n"
        "calibration = digits.calibration\n"
        "def accuracy(model):\n"
        "    return 0.5\n"
    )
    arguments = ["tune", str(digits.MODEL), "--data", str(source), "--trials", "1", "--quiet"]
    assert cli.main([*arguments, "--workspace", str(tmp_path)]) == cli.DONE
    assert "accuracy 0.5000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("missing.npz", None, "expected a file"),
        ("data.csv", "1,2", r"expected a file \.npz or \.py"),
        ("broken.npz", "no archive", "expected arrays that numpy.savez wrote"),
        ("empty.py", "x = 1", "expected a file that defines one of calibration, evaluation"),
        ("odd.py", "calibration = 3", "expected data that can be iterated"),
    ],
)
def test_data_that_cannot_be_read_are_refused(
    tmp_path: Path, name: str, content: str | None, expected: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(ArgumentError, match=expected):
        read_data("--data", tmp_path / name, "labels", 10)


def test_arrays_are_of_one_length_and_there_is_an_input(tmp_path: Path) -> None:
    np.savez(tmp_path / "uneven.npz", x=np.zeros(3), labels=np.zeros(4))
    with pytest.raises(ArgumentError, match="arrays of one length"):
        read_data("--data", tmp_path / "uneven.npz", "labels", 10)
    np.savez(tmp_path / "only.npz", labels=np.zeros(4))
    with pytest.raises(ArgumentError, match="an array for each input"):
        read_data("--data", tmp_path / "only.npz", "labels", 10)


def test_arrays_are_cut_into_batches_as_often_as_they_are_read() -> None:
    batches = Batches({"x": np.arange(5)}, np.arange(5) * 10, 2)
    for _ in range(2):
        assert [len(labels) for _, labels in batches] == [2, 2, 1]
        assert np.concatenate([x["x"] for x, _ in batches]).tolist() == [0, 1, 2, 3, 4]
    assert [labels for _, labels in Batches({"x": np.arange(3)}, None, 2)] == [None, None]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("unlabelled.npz", "--labels"), ("numbers.npz", "a metric, since the labels are not classes")],
)
def test_without_classes_a_metric_has_to_be_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, expected: str
) -> None:
    code = cli.main(["tune", str(digits.MODEL), "--data", str(data / name)])
    assert code == cli.REFUSED
    assert expected in capsys.readouterr().err


def test_a_missing_configuration_is_trouble_with_a_file(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = str(tmp_path / "conf.yaml")
    assert cli.main(typed(data, tmp_path, "--conf", conf)) == cli.FILE_TROUBLE
    assert conf in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--trials", "0"], ["--trials", "x"], []])
def test_wrong_usage(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(["tune", "model.onnx", *wrong])
    assert caught.value.code == 2


def arguments(*more: str) -> Namespace:
    return parse(["tune", "model.onnx", "--data", "data.npz", *more])


def test_arguments_take_the_place_of_keys() -> None:
    document: dict[str, Any] = {
        "model": {"framework": "onnxrt_qlinearops"},
        "tuning": {
            "accuracy_criterion": {"absolute": 0.1},
            "objective": "performance",
            "exit_policy": {"max_trials": 7, "timeout": 5},
        },
    }
    conf = Conf(configured(document, arguments()))
    assert (conf.exit_policy.max_trials, conf.exit_policy.timeout) == (7, 5.0)
    assert (conf.criterion.loss, conf.objectives[0].name) == (0.1, "performance")
    said = arguments(
        *("--loss", "0.02", "--objective", "modelsize", "--objective", "accuracy"),
        *("--metric", "mse", "--strategy", "random", "--trials", "9", "--seconds", "60"),
        *("--seed", "3", "--workspace", "there", "--workers", "2"),
    )
    conf = Conf(configured(document, said))
    assert (conf.criterion.loss, conf.criterion.relative) == (0.02, True)
    assert not conf.criterion.higher_is_better
    assert [objective.name for objective in conf.objectives] == ["modelsize", "accuracy"]
    assert conf.metric is not None
    assert conf.metric.name == "mse"
    assert (conf.strategy, conf.random_seed, conf.workspace) == ("random", 3, "there")
    assert (conf.exit_policy.max_trials, conf.exit_policy.timeout, conf.workers) == (9, 60.0, 2)
    assert document["tuning"]["objective"] == "performance"  # what came is not changed


def test_without_a_configuration_the_size_is_tuned() -> None:
    conf = Conf(configured(None, arguments()))
    assert conf.objectives[0].name == "modelsize"
    assert conf.exit_policy.max_trials == 40
    assert conf.exit_policy.timeout > 0


def test_look_says_what_can_be_quantised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_models.matmul().SerializeToString())
    assert cli.main(["look", str(path)]) == cli.DONE
    out = capsys.readouterr().out
    assert "up (MatMul): " in out
    assert "w int8 sym" in out
    assert "down (MatMul): " in out
    (tmp_path / "text.onnx").write_text("no model")
    assert cli.main(["look", str(tmp_path / "text.onnx")]) == cli.REFUSED


def test_a_bar_says_what_is_left(capsys: pytest.CaptureFixture[str]) -> None:
    document = configured(None, arguments("--trials", "3", "--seconds", "100"))
    document["evaluation"] = {"accuracy": {"metric": {"topk": 1}}}
    conf = Conf(document)
    clock = Clock()
    strategy = _strategy(conf, clock)
    with Bar(conf.exit_policy) as bar:
        for trial in strategy.run():
            bar(strategy, trial)
    err = capsys.readouterr().err
    assert "3/3 trials" in err
    assert "left" in err
    assert left(strategy, conf.exit_policy) == 0.0
    assert not wants_bar()  # there is no terminal


def _strategy(conf: Conf, clock: Clock) -> TuneStrategy:
    from strategies import RandomTuneStrategy

    return RandomTuneStrategy(
        str(digits.MODEL),
        conf,
        digits.calibration(20),
        eval_dataloader=digits.validation(),
        clock=clock,
    )


def test_a_run_that_is_interrupted_says_how_to_go_on(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "strategies", *typed(data, tmp_path, "--trials", "100000")]
    heed = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("trial 1 "):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
    assert process.returncode == -signal.SIGINT
    assert rest.count("to go on") == 1  # said once
    assert "Traceback" not in rest
    before = len(json.loads((tmp_path / HISTORY).read_text())["trials"])
    assert cli.main(typed(data, tmp_path, "--trials", str(before + 1), "--quiet")) == cli.DONE
