"""The runs with latency as the objective: what is counted, recorded and printed."""

from __future__ import annotations

from pathlib import Path

import latency_runs
import pytest
from latency_runs import CRITERION, RECORDS, TRIALS, first, measured_again, page, read, write
from real_models import MODELS
from tuner_judge import Judge
from tuner_runs import PEERS, Run

RECORDED = sorted(path.stem for path in RECORDS.glob("*.jsonl"))

WORDS = {
    "model": "words",
    "trials": [[None, None], [0.7, 400], [0.737, 500], [0.737, 480]],
    "faster": 2.0,
    "error": None,
    "wall": 7.0,
    "evaluating": 1.0,
}


def test_where_latency_is_the_objective_the_fastest_model_is_kept(tmp_path: Path) -> None:
    this = Run(Judge("tumours"), tmp_path, CRITERION, TRIALS, objective="latency")
    path = MODELS["tumours"].path
    answer = this.answer({"path": str(path), "rows": None, "float32": False}, 1.0)
    thousandths, kept = this.best[CRITERION]
    assert answer["latency"] == thousandths == this.trials[0][1]
    assert 500 < thousandths < 2000  # it is the FP32 model itself
    assert kept.read_bytes() == path.read_bytes()
    float32 = this.answer({"path": str(path), "rows": None, "float32": True}, 1.0)
    assert "latency" not in float32


def test_the_first_that_meets_is_counted_from_1() -> None:
    assert first(WORDS) == 3
    assert first({**WORDS, "trials": [[0.7, 400]]}) is None


def test_what_is_level_with_the_fastest_is_bold() -> None:
    tuners = {
        name: {"words": {**WORDS, "faster": faster}}
        for name, faster in {"a": 2.0, "b_c": 1.97, "d": 1.9, "e": None}.items()
    }
    lines = page(tuners).splitlines()
    assert lines[0] == "| model | a | b c | d | e |"
    assert "| words | **2.00** | **1.97** | 1.90 | never |" in lines
    assert lines[-1] == "| own seconds | 1.50 | 1.50 | 1.50 | 1.50 |"


def test_kept_models_are_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKTELL_BENCHMARKS", str(tmp_path))
    monkeypatch.setattr(latency_runs, "RECORDS", tmp_path)
    monkeypatch.setattr(latency_runs, "AGAIN", 1)
    path = latency_runs.kept("ours", "tumours")
    path.parent.mkdir(parents=True)
    path.write_bytes(MODELS["tumours"].path.read_bytes())
    record = {**WORDS, "model": "tumours", "faster": 99.0}
    measured_again({"ours": {"tumours": record}, "theirs": {"words": WORDS}})
    assert 0.5 < read("ours")["tumours"]["faster"] < 2.0
    assert read("theirs") == {"words": WORDS}
    write("ours", {})
    assert read("ours") == {}


@pytest.mark.parametrize("name", RECORDED)
def test_records_are_whole(name: str) -> None:
    assert name in PEERS
    assert [*read(name)] == [*MODELS]
    for record in read(name).values():
        assert 1 <= len(record["trials"]) <= TRIALS
        assert (record["faster"] is None) == (first(record) is None)
