"""The frame for pandas: types that fit the space, and what is missing."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from spaces import conditional, score_conditional

import asktell as at
from asktell.errors import MissingExtraError
from asktell.tables import to_frame

pandas = pytest.importorskip("pandas")

SPACE = at.Space(
    at.Float("lr", 1e-5, 1.0, log=True),
    at.Int("depth", 1, 12),
    at.Ordinal("huge", [1, 2**70]),
    at.Ordinal("bits", [2, 3, 4, 8]),
    at.Ordinal("ratio", [1, 2.5]),
    at.Ordinal("size", ["small", "large"]),
    at.Categorical("kernel", ["rbf", 2, False]),
    at.Categorical("norm", ["batch", None]),
    at.Bool("bias"),
)


def frame_of(engine: at.Engine) -> Any:
    return engine.to_frame()


def test_a_frame_has_a_row_a_trial_and_types_that_fit() -> None:
    engine = at.Engine(SPACE, seed=1, goal="minimize")
    first, second, _ = engine.suggest_batch(3, now=1.0)
    engine.observe(first, 0.5, now=2.0)
    engine.fail(second, "no such file")
    frame = frame_of(engine)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        "trial": "int64",
        "status": "object",
        "ids": "object",
        "origin": "object",
        "params.lr": "float64",
        "params.depth": "int64",
        "params.huge": "object",
        "params.bits": "int64",
        "params.ratio": "float64",
        "params.size": "category",
        "params.kernel": "category",
        "params.norm": "object",
        "params.bias": "bool",
        "target": "float64",
        "std": "float64",
        "feasible": "boolean",
        "left_out": "object",
        "reason": "object",
        "cause": "object",
        "suggested_at": "float64",
        "told_at": "float64",
        "seconds": "float64",
    }
    assert frame["params.size"].cat.ordered
    assert list(frame["params.size"].cat.categories) == ["small", "large"]
    assert not frame["params.kernel"].cat.ordered
    assert list(frame["status"]) == ["observed", "failed", "pending"]
    assert frame["target"].isna().tolist() == [False, True, True]
    assert frame["seconds"][0] == 1.0
    for number, trial in enumerate(engine.trials):
        assert {name: frame[f"params.{name}"][number] for name in trial.params} == trial.params


def test_a_frame_of_nothing_has_its_columns() -> None:
    frame = to_frame(at.Engine(SPACE).state)
    assert len(frame) == 0
    assert str(frame["params.depth"].dtype) == "int64"


def test_the_outcomes_of_a_frame_have_their_names() -> None:
    engine = at.Engine(SPACE, objectives={"loss": "minimize", "speed": "maximize"})
    engine.observe(engine.suggest(), {"loss": 1, "speed": 2})
    frame = frame_of(engine)
    assert frame.filter(like="target.").columns.tolist() == ["target.loss", "target.speed"]
    assert str(frame["target.loss"].dtype) == "float64"


def test_without_pandas_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'asktell\[frames\]'"):
        at.Engine(SPACE).to_frame()


def test_neither_an_engine_nor_tables_import_pandas() -> None:
    code = "import asktell.tables, sys; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_what_is_not_active_is_missing() -> None:
    engine = at.Engine(conditional())
    svm = {"model": "svm", "C": 1.0, "kernel": None, "bias": True}
    mlp = {"model": "mlp", "layers": 3, "dropout_3": 0.2, "bits": 4, "warm": True, "bias": False}
    for params in (svm, mlp, {"model": "forest", "trees": 20, "bias": True}):
        engine.observe(params, score_conditional(params))
    frame = frame_of(engine)
    missing = {
        name.removeprefix("params."): frame[name].isna().tolist()
        for name in frame
        if name.startswith("params.")
    }
    assert missing.pop("kernel") == [True, True, True]  # for pandas, None is missing as well
    assert frame["params.kernel"][0] is None
    assert frame["params.kernel"][1] is pandas.NA
    assert missing == {
        "model": [False] * 3,
        "bias": [False] * 3,
        "C": [False, True, True],
        "trees": [True, True, False],
        **{name: [True, False, True] for name in ("layers", "dropout_3", "bits", "warm")},
    }
    assert frame["params.trees"].dtype == "Int64"
    assert frame["params.warm"].dtype == "boolean"
    assert frame["params.C"].dtype == "float64"
    assert frame["params.layers"][1] == 3


def test_of_a_trial_that_is_left_out_there_is_what_the_space_knows() -> None:
    engine = at.Engine(conditional())
    engine.observe({"model": "svm", "C": 0.5, "kernel": "rbf", "bias": True}, 1.0)
    engine.observe({"model": "forest", "trees": 20, "bias": False}, 2.0)
    kernel = at.Categorical("kernel", ["rbf"], when={"model": "svm"})
    space = at.Space(at.Categorical("model", ["svm"]), kernel, at.Int("bias", 0, 1, default=0))
    engine.change_space(space)
    frame = frame_of(engine)
    assert frame["params.model"].tolist()[0] == "svm"
    assert frame["params.model"].isna().tolist() == [False, True]
    assert frame["params.bias"].isna().tolist()[1]  # it was a bool
    assert "forest" in frame["left_out"][1]
