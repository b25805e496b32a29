"""The trained models, the judge of tuners, the tables of their records, and the whole tables."""

from __future__ import annotations

from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import onnx
import pytest
from fronts import LOSS, OPTIONS, TABLES, beyond, front, hypervolume, table
from quantised_models import STATIC
from real_models import FOLDER, MODELS, task
from strategy_runs import STRATEGIES
from tuner_judge import Judge
from tuner_runs import PEERS, TUNERS, Run
from tuner_table import CRITERIA, RECORDS, Record, meets, outcome, page, read

RECORDED = sorted(path.stem for path in RECORDS.glob("*.jsonl"))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_as_good_on_rows_it_never_saw_as_is_said(name: str) -> None:
    found = Judge(name).measure(MODELS[name].path)
    assert found["accuracy"] == pytest.approx(MODELS[name].accuracy, abs=2e-3)
    assert found["bytes"] == MODELS[name].path.stat().st_size


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_better_than_guessing(name: str) -> None:
    labels = Judge(name).labels
    if "rmse" in MODELS[name].metric:
        assert MODELS[name].accuracy < 0.85 * np.std(labels)
    else:
        assert MODELS[name].accuracy > 1.25 * max(Counter(labels.tolist()).values()) / len(labels)


def test_rows_to_calibrate_with_are_not_evaluated_on() -> None:
    for model in MODELS.values():
        (rows, _), *_ = task(model.name).calibration
        assert len(rows) == 20
        known = {row.tobytes() for rows, _ in task(model.name).calibration for row in rows}
        shared = sum(row.tobytes() in known for row in Judge(model.name).rows)
        assert shared <= 1, model.name  # a line of code may occur in two files


def test_the_models_are_small_and_of_many_kinds() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 3_000_000
    operators: Counter[str] = Counter()
    for model in MODELS.values():
        operators.update(node.op_type for node in onnx.load(model.path).graph.node)
    assert {"Conv", "BatchNormalization", "Gemm", "MatMul", "Gather", "LSTM"} <= set(operators)
    assert {"LayerNormalization", "Erf", "Softmax", "Add", "Clip"} <= set(operators)
    deep = Counter(node.op_type for node in task("deep encoder").model.graph.node)
    assert deep["MatMul"] + deep["Gemm"] == 12 * 8 + 2
    assert [model.name for model in MODELS.values() if model.framework != STATIC] == ["lstm"]


def test_the_judge_measures_chosen_rows() -> None:
    judge = Judge("tumours")
    whole, few = (judge.measure(MODELS["tumours"].path, rows) for rows in (None, [3, 0]))
    assert few["each"] == [whole["each"][3], whole["each"][0]]
    assert np.mean(whole["each"]) == pytest.approx(whole["accuracy"])
    errors = Judge("diabetes").measure(MODELS["diabetes"].path)
    assert np.sqrt(-np.mean(errors["each"])) == pytest.approx(errors["accuracy"])


def test_a_run_counts_what_is_evaluated(tmp_path: Path) -> None:
    this = Run(Judge("tumours"), tmp_path, "1 %", limit=2)
    assert this.answer({"ready": True}, 1.0) == {}
    path = MODELS["tumours"].path
    whole = {"path": str(path), "rows": None, "float32": False}
    assert this.answer({**whole, "float32": True}, 1.0)["accuracy"] > 0.9
    assert this.trials == []
    this.answer({**whole, "rows": list(range(57))}, 1.0)
    assert this.evaluated == 0.25
    assert this.best == {}
    this.answer(whole, 1.0)
    assert [(s, kept.read_bytes()) for s, kept in this.best.values()] == [
        (path.stat().st_size, path.read_bytes())
    ] * len(CRITERIA)
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    assert "error" in this.answer({**whole, "path": str(tmp_path / "broken.onnx")}, 1.0)
    assert this.answer(whole, 1.0) == {"spent": True}
    assert [trial[1] for trial in this.trials] == [path.stat().st_size] * 2 + [None]


def test_a_criterion_is_mirrored_where_less_is_better() -> None:
    assert meets("words", "1 %", 0.99 * 0.737)
    assert not meets("words", "1 %", 0.98 * 0.737)
    assert not meets("words", "no loss", 0.736)
    assert meets("diabetes", "1 %", 1.01 * 0.598861)
    assert not meets("diabetes", "1 %", 1.02 * 0.598861)


RECORD: Record = {
    "model": "words",
    "criterion": "1 %",
    "seed": 0,
    "baseline": [0.737, 1000],
    "error": None,
    "trials": [
        [0.8, 300, 1.0, 0.1, "a", 0.25],
        [0.7, 200, 1.0, 0.1, "b", 1.0],
        [0.737, 500, 1.0, 0.1, "c", 1.0],
        [None, None, 1.0, 0.0, "ValueError: no", 1.0],
        [0.737, 500, 1.0, 0.1, "c", 1.0],
        [0.74, 400, 1.0, 0.1, "d", 1.0],
    ],
    "wall": 7.0,
    "evaluating": 1.0,
    "latency": [3.0, 2.0],
}


def test_what_a_run_comes_to() -> None:
    found = outcome(RECORD)
    assert (found.first, found.bytes, found.faster) == (2.25, 400, 1.5)
    assert (found.repeated, found.failed, found.own_seconds) == (1, 1, 1.0)
    assert outcome(RECORD, within=4.5).bytes == 500
    assert outcome(RECORD, within=1.5).first is None
    assert outcome(RECORD, within=1.5).bytes == 1000


def test_the_page_has_a_cell_for_every_run() -> None:
    text = page({"ours": {("words", "1 %", 0): RECORD}, "theirs": {}})
    assert "| words | 2.25, 0.4, 1.50 |  |" in text
    assert "| ours | 1 of 1 | 0.400 | 1 | 1 | 1.00 | 0 |" in text


OF_THREE_SEEDS = {"asktell_auto", "asktell_bayesian", "asktell_hawq", "global_settings"}


@pytest.mark.parametrize("name", RECORDED)
def test_records_are_whole(name: str) -> None:
    assert name in PEERS
    seeds = range(3) if name in OF_THREE_SEEDS else range(1)
    assert set(read(name)) == set(product(MODELS, CRITERIA, seeds))


def test_every_tuner_has_its_script() -> None:
    assert {peer.script for peer in PEERS.values()} == {
        path.stem for path in TUNERS.glob("*.py") if path.stem != "client"
    }
    assert {"asktell_bayesian", "asktell_random"} <= {f"asktell_{name}" for name in STRATEGIES}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_every_configuration(name: str) -> None:
    document = table(name)
    rows = [tuple(row[:-2]) for row in document["rows"]]
    assert set(rows) == set(product(range(len(OPTIONS)), repeat=len(document["operations"])))
    assert len(rows) == len(set(rows)) >= 1000
    unquantised = next(row for row in document["rows"] if set(row[:-2]) == {OPTIONS.index("fp32")})
    assert unquantised[-2] == pytest.approx(document["baseline"][0], abs=1e-6)
    spread = {row[-2] for row in document["rows"]}
    assert max(spread) - min(spread) > 1e-3
    assert LOSS < 1


def test_the_hypervolume_is_the_area_that_is_dominated() -> None:
    draws = np.random.default_rng(0)
    points = [tuple(point) for point in draws.uniform(-0.2, 1.0, (12, 2))]
    grid = (np.arange(1000) + 0.5) / 1000
    covered = np.zeros((1000, 1000), dtype=bool)
    for accuracy, size in points:
        covered |= (grid[:, None] < accuracy) & (grid[None, :] < size)
    assert hypervolume(points, (0.0, 0.0)) == pytest.approx(covered.mean(), abs=5e-3)
    assert front([(1.0, 2.0), (2.0, 1.0), (1.0, 1.0), (1.5, 1.0)]) == [(2.0, 1.0), (1.0, 2.0)]
    assert beyond([(2.0, 10.0), (1.0, 20.0)]) == (0.9, 9.0)
