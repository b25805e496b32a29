"""The searcher of Ray Tune, alone and in a job that is killed and restored."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import asktell as at
from asktell import errors

tune = pytest.importorskip("ray.tune", reason="pip install asktell[ray]")
searchers = pytest.importorskip("asktell.integrations.ray")

JOB = Path(__file__).with_name("ray_job.py")
QUICK: dict[str, Any] = {"n_candidates": 64, "n_starts": 2}
SPACE = {"x": tune.uniform(0.0, 1.0), "layers": {"n": tune.randint(1, 9)}, "fixed": 3}


def searcher_of(**arguments: Any) -> Any:
    defaults = {"space": SPACE, "metric": "loss", "mode": "min", "seed": 1, **QUICK}
    return searchers.AskTellSearcher(**{**defaults, **arguments})


def loss(config: dict[str, Any]) -> float:
    return (config["x"] - 0.3) ** 2 + config["layers"]["n"] / 10


def test_every_domain_that_can_be_searched() -> None:
    searcher = searcher_of(
        space={
            "uniform": tune.uniform(-1, 1),
            "loguniform": tune.loguniform(1e-4, 1),
            "quniform": tune.quniform(0.2, 0.8, 0.2),
            "qloguniform": tune.qloguniform(0.1, 10, 0.1),
            "randint": tune.randint(0, 3),
            "lograndint": tune.lograndint(1, 100),
            "qrandint": tune.qrandint(1, 12, 5),
            "qrandint_1": tune.qrandint(1, 12),
            "choice": tune.choice(["a", None, 2]),
            "odd": tune.choice([[1, 2], 1, True]),
        }
    )
    assert searcher.engine.state.space == at.Space(
        at.Float("uniform", -1, 1),
        at.Float("loguniform", 1e-4, 1, log=True),
        at.Float("quniform", 0.2, 0.8, step=0.2),
        at.Float("qloguniform", 0.1, 10, log=True, step=0.1),
        at.Int("randint", 0, 2),
        at.Int("lograndint", 1, 99, log=True),
        at.Int("qrandint", 5, 12, step=5),
        at.Int("qrandint_1", 1, 11),
        at.Categorical("choice", ["a", None, 2]),
        at.Categorical("odd", [0, 1, 2]),
    )
    config = searcher.suggest("first")
    assert config["odd"] == [1, 2]
    searcher.add_evaluated_point({**config, "odd": 1}, 0.5)
    with pytest.raises(errors.ParamsError, match=r"\$\.odd"):
        searcher.add_evaluated_point({**config, "odd": "none"}, 0.5)


def models() -> dict[str, Any]:
    """Return a space whose choices hold spaces, among them one of their own kind."""
    rate = tune.loguniform(1e-4, 1.0)
    sizes = tune.choice([[8], [8, 8]])
    deep = {"kind": "deep", "rate": rate, "top": tune.choice([None, {"size": tune.randint(1, 5)}])}
    return {
        "model": tune.choice(
            [
                {"kind": "line", "C": tune.uniform(0, 1), "options": {"dual": True}},
                {"kind": "net", "rate": rate, "C": tune.uniform(1, 9), "sizes": sizes},
                deep,
                "none",
                tune.uniform(2, 3),
            ]
        ),
        "x": tune.uniform(0, 1),
    }


def test_choices_that_hold_spaces() -> None:
    searcher = searcher_of(space=models())
    assert searcher.engine.space == at.Space(
        at.Categorical("model", [0, 1, 2, 3, 4]),
        at.Float("model/rate", 1e-4, 1.0, log=True, when={"model": [1, 2]}),
        at.Float("model/0/C", 0, 1, when={"model": 0}),
        at.Float("model/1/C", 1, 9, when={"model": 1}),
        at.Categorical("model/1/sizes", [0, 1], when={"model": 1}),
        at.Categorical("model/2/top", [0, 1], when={"model": 2}),
        at.Int("model/2/top/1/size", 1, 4, when={"model/2/top": 1}),
        at.Float("model/4", 2, 3, when={"model": 4}),
        at.Float("x", 0, 1),
    )
    for number in range(24):
        config = searcher.suggest(str(number))
        assert config.keys() == {"model", "x"}
        match config["model"]:
            case {"kind": "line", **rest}:
                assert rest.keys() == {"C", "options"}
                assert rest["options"] == {"dual": True}
            case {"kind": "net", **rest}:
                assert rest.keys() == {"rate", "C", "sizes"}
                assert rest["sizes"] in ([8], [8, 8])
            case {"kind": "deep", "top": top, **rest}:
                assert rest.keys() == {"rate"}
                assert top is None or 1 <= top["size"] <= 4
            case model:
                assert model == "none" or 2 <= model <= 3
        searcher.on_trial_complete(str(number), {"loss": config["x"]})
    params = [trial.params for trial in searcher.engine.trials]
    assert {one["model"] for one in params} == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("model", "params"),
    [
        ({"kind": "line", "C": 0.5, "options": {"dual": True}}, {"model": 0, "model/0/C": 0.5}),
        (
            {"kind": "net", "rate": 0.1, "C": 2.0, "sizes": [8, 8]},
            {"model": 1, "model/rate": 0.1, "model/1/C": 2.0, "model/1/sizes": 1},
        ),
        (
            {"kind": "deep", "rate": 0.1, "top": {"size": 3}},
            {"model": 2, "model/rate": 0.1, "model/2/top": 1, "model/2/top/1/size": 3},
        ),
        (
            {"kind": "deep", "rate": 0.1, "top": None},
            {"model": 2, "model/rate": 0.1, "model/2/top": 0},
        ),
        ("none", {"model": 3}),
        (2.5, {"model": 4, "model/4": 2.5}),
    ],
    ids=str,
)
def test_configs_of_choices_that_were_evaluated_elsewhere(model: Any, params: Any) -> None:
    searcher = searcher_of(space=models())
    searcher.add_evaluated_point({"model": model, "x": 0.25, "other": 1}, 0.5)
    assert searcher.engine.best().params == {**params, "x": 0.25}


@pytest.mark.parametrize(
    "model", [{"kind": "line"}, {"kind": "net", "rate": 7, "C": 2, "sizes": [8]}, "other", 1.5, []]
)
def test_configs_that_no_choice_allows(model: Any) -> None:
    with pytest.raises(errors.ParamsError, match=r"\$\.model"):
        searcher_of(space=models()).add_evaluated_point({"model": model, "x": 0.5}, 1.0)


def test_conditions_of_a_space_of_the_engine() -> None:
    space = at.Space(
        at.Categorical("model/kind", ["line", "net"]),
        at.Int("model/layers", 1, 2, when={"model/kind": "net"}),
        at.Float("model/rates/2", 0, 1, when={"model/layers": 2}),
    )
    searcher = searcher_of(space=space)
    found = [searcher.suggest(str(number)) for number in range(12)]
    assert {"model": {"kind": "line"}} in found
    assert {"model": {"kind": "net", "layers": 1}} in found
    searcher.add_evaluated_point({"model": {"kind": "net", "layers": 1}}, 0.5)
    assert searcher.engine.best().params == {"model/kind": "net", "model/layers": 1}
    with pytest.raises(errors.ParamsError, match=r"\$\.model/layers"):
        searcher.add_evaluated_point({"model": {"kind": "line", "layers": 1}}, 0.5)
    for names in (("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b")):
        with pytest.raises(errors.DefinitionError, match="within another"):
            searcher_of(space=at.Space(*(at.Bool(name) for name in names)))


def test_choices_that_hold_spaces_are_saved_and_restored(tmp_path: Path) -> None:
    path = str(tmp_path / "searcher.pkl")
    whole, parts = searcher_of(space=models()), searcher_of(space=models())
    for number in range(8):
        parts.save(path)
        parts = searchers.AskTellSearcher()
        parts.restore(path)
        parts.set_search_properties("loss", "min", models())
        config = whole.suggest(str(number))
        assert parts.suggest(str(number)) == config
        for one in (whole, parts):
            one.on_trial_complete(str(number), {"loss": config["x"]})
    assert whole.to_dict() == parts.to_dict()


@pytest.mark.parametrize(
    ("space", "place"),
    [
        ({"a": tune.choice([{"b": tune.grid_search([1])}, 1])}, r"\$\.space\.a\.0\.b"),
        ({"a": tune.choice([{"b": tune.sample_from(lambda spec: 1)}, 1])}, r"\$\.space\.a/0/b"),
        ({"a": tune.choice([{"b": [tune.uniform(0, 1)]}])}, r"\$\.space\.a\.0\.b"),
        ({"a": tune.choice([1, {4: tune.uniform(0, 1)}])}, r"\$\.space\.a\.1"),
        ({"a": tune.grid_search([1, 2])}, r"\$\.space\.a"),
        ({"a": {"b": tune.sample_from(lambda spec: 1)}}, r"\$\.space\.a/b"),
        ({"a": tune.randn(0, 1)}, r"\$\.space\.a"),
        ({"a": [tune.uniform(0, 1)]}, r"\$\.space\.a"),
        ({"a": {3: tune.uniform(0, 1)}}, r"\$\.space\.a"),
        ({"a/b": tune.uniform(0, 1)}, r"\$\.space"),
        ({"a": tune.uniform(1, 0)}, r"\$\.space\.a\.high"),
        ({"a": 1}, "at least one parameter"),
    ],
    ids=str,
)
def test_what_cannot_be_searched_is_refused(space: dict[str, Any], place: str) -> None:
    with pytest.raises(errors.DefinitionError, match=place):
        searcher_of(space=space)


def test_the_space_and_the_mode_of_the_tuner() -> None:
    searcher = searchers.AskTellSearcher(seed=1, **QUICK)
    with pytest.raises(errors.DefinitionError, match="a search space"):
        searcher.suggest("first")
    assert searcher.set_search_properties("loss", "min", SPACE)
    assert searcher.suggest("first") == searcher_of().suggest("first")
    assert searcher.engine.objectives == {"target": "minimize"}
    own = searcher_of(space=at.Space(at.Float("a/b", 0, 1), at.Int("c", 1, 3)), mode=None)
    with pytest.raises(errors.DefinitionError, match="a mode"):
        own.suggest("first")
    assert not own.set_search_properties("loss", "max", {})
    assert own.suggest("first") == {"a": {"b": 0.5}, "c": 2}
    own.add_evaluated_point({"a": {"b": 0.25}, "c": 1, "other": 7}, 1.0)
    own.add_evaluated_point({"a/b": 0.75, "c": 1}, 2.0)
    assert own.engine.best().params == {"a/b": 0.75, "c": 1}
    with pytest.raises(errors.ParamsError, match=r"\$\.a/b"):
        own.add_evaluated_point({"c": 1}, 2.0)
    with pytest.raises(errors.DefinitionError, match=r"\$\.mode"):
        searcher_of(mode="maximum")


def test_outcomes_of_trials() -> None:
    searcher = searcher_of()
    configs = {name: searcher.suggest(name) for name in "abcde"}
    assert searcher.suggest("a") == configs["a"]  # the same trial again
    searcher.on_trial_complete("a", {"loss": loss(configs["a"])})
    searcher.on_trial_complete("b", error=True)
    searcher.on_trial_complete("c", {"accuracy": 1.0})
    searcher.on_trial_complete("d", {"loss": float("nan")})
    searcher.on_trial_complete("e")
    searcher.on_trial_complete("unknown", {"loss": 0.0})
    assert searcher.suggest("a") == configs["a"]
    assert searcher.suggest("b") == configs["b"]
    reasons = [failure.reason for failure in searcher.engine.failures]
    assert reasons == ["error", "no loss", "the target is nan", "no loss"]
    with pytest.warns(UserWarning, match="the first outcome stays"):
        searcher.on_trial_complete("a", {"loss": 9.0})
    searcher.suggest("f")
    with pytest.raises(errors.TargetError):
        searcher.on_trial_complete("f", {"loss": "low"})


SEVERAL: dict[str, Any] = {
    "metric": {"loss": "min", "speed": "max"},
    "mode": None,
    "constraints": {"memory": at.AtMost(5.0)},
}


def results(config: dict[str, Any]) -> dict[str, Any]:
    return {"loss": loss(config), "speed": config["x"], "memory": config["layers"]["n"], "other": 1}


def test_several_metrics_and_constraints(tmp_path: Path) -> None:
    searcher = searcher_of(**SEVERAL)
    assert not searcher.set_search_properties("loss", "min", {})
    assert searcher.engine.objectives == {"loss": "minimize", "speed": "maximize"}
    assert searcher.engine.constraints == {"memory": at.AtMost(5.0)}
    for number in range(8):
        config = searcher.suggest(str(number))
        searcher.on_trial_complete(str(number), results(config))
    searcher.add_evaluated_point({"x": 0.5, "layers/n": 2}, {"loss": 0, "speed": 9, "memory": 1})
    (best,) = searcher.engine.pareto()
    assert best.target == {"loss": 0.0, "speed": 9.0, "memory": 1.0}
    searcher.suggest("8"), searcher.suggest("9")
    searcher.on_trial_complete("8", {"loss": 0.0, "speed": 9.0})
    searcher.on_trial_complete("9", {"loss": 0.0, "speed": float("nan"), "memory": 1})
    reasons = [failure.reason for failure in searcher.engine.failures]
    assert reasons == ["no memory", "the speed is nan"]
    path = str(tmp_path / "searcher.pkl")
    searcher.save(path)
    for again in (searcher_of(**SEVERAL), searchers.AskTellSearcher()):
        again.restore(path)
        again.set_search_properties(None, None, SPACE)
        assert again.to_dict() == searcher.to_dict()
        again.on_trial_complete(str(3), results(again.suggest("3")))
        assert again.metric == ["loss", "speed"]
        assert again.mode == ["min", "max"]
    for other in ({"constraints": {"memory": at.AtMost(4.0)}}, {"metric": ["loss"], "mode": "min"}):
        refusing = searcher_of(**{**SEVERAL, **other})
        before = refusing.to_dict()
        with pytest.raises(errors.DefinitionError, match=r"\$\.metric"):
            refusing.restore(path)
        assert refusing.to_dict() == before


def test_lists_of_metrics() -> None:
    searcher = searcher_of(metric=["loss", "speed"], mode=["min", "max"])
    assert searcher.engine.objectives == {"loss": "minimize", "speed": "maximize"}
    searcher = searcher_of(metric=["loss", "memory"], mode="min")
    assert searcher.engine.objectives == {"loss": "minimize", "memory": "minimize"}
    for arguments in (
        {"metric": ["loss", "speed"], "mode": ["min"]},
        {"metric": ["loss", "speed"], "mode": None},
        {"metric": ["loss"], "mode": [None]},
        {"metric": {"loss": "min"}, "mode": "min"},
        {"metric": {"loss": "minimum"}, "mode": None},
        {"metric": 3},
    ):
        with pytest.raises(errors.DefinitionError, match=r"\$\.(mode|metric)"):
            searcher_of(**arguments)


def test_a_constraint_beside_one_metric() -> None:
    bounds = {"loss": at.AtLeast(0.1), "memory": [at.AtLeast(1.0), at.AtMost(5.0)]}
    searcher = searchers.AskTellSearcher(SPACE, mode="min", constraints=bounds, **QUICK)
    with pytest.raises(errors.DefinitionError, match="a metric"):
        searcher.suggest("first")
    searcher.set_search_properties("loss", None, {})
    config = searcher.suggest("first")
    searcher.on_trial_complete("first", results(config))
    assert searcher.engine.best().target.keys() == {"loss", "memory"}
    other = searchers.AskTellSearcher()
    other.load_dict(searcher.to_dict())
    assert other.engine.constraints == searcher.engine.constraints
    with pytest.raises(errors.DefinitionError, match=r"\$\.metric"):
        other.set_search_properties("loss", "max", SPACE)
    with pytest.raises(errors.StateError, match=r"\$\.metric"):
        searchers.AskTellSearcher().load_dict({**searcher.to_dict(), "metric": 3})


def test_points_that_were_evaluated_elsewhere() -> None:
    searcher = searcher_of()
    for n in range(1, 5):
        searcher.add_evaluated_point({"x": 0.1 * n, "layers": {"n": n}, "fixed": 3}, 1.0 / n)
    searcher.add_evaluated_point({"x": 0.9, "layers/n": 8}, None, error=True)
    searcher.add_evaluated_point({"x": 0.8, "layers/n": 8}, 0.3, pruned=True)
    assert len(searcher.engine.observations) == 4
    assert [failure.reason for failure in searcher.engine.failures] == ["error", "pruned"]
    searcher.suggest("a")
    assert searcher.engine.pending[0].origin == "model"


def test_a_space_that_is_used_up() -> None:
    searcher = searcher_of(space={"a": tune.choice([1, 2])}, retries=1)
    assert {searcher.suggest("a")["a"], searcher.suggest("b")["a"]} == {1, 2}
    assert searcher.suggest("c") is None  # a trial that runs may fail, and be retried
    searcher.on_trial_complete("a", {"loss": 1.0})
    searcher.on_trial_complete("b", error=True)
    assert searcher.suggest("d") == searcher.suggest("b")
    searcher.on_trial_complete("d", {"loss": 2.0})
    assert searcher.suggest("e") == searchers.AskTellSearcher.FINISHED


def test_saved_and_restored_at_every_step(tmp_path: Path) -> None:
    path = str(tmp_path / "searcher.pkl")
    searchers.AskTellSearcher().save(path)
    searchers.AskTellSearcher().restore(path)  # nothing was known yet
    whole, parts = searcher_of(), searcher_of()
    for number in range(9):
        parts.save(path)
        parts = searchers.AskTellSearcher() if number % 2 else searcher_of()
        parts.restore(path)
        parts = pickle.loads(pickle.dumps(parts))
        config = whole.suggest(str(number))
        assert parts.suggest(str(number)) == config
        whole.on_trial_complete(str(number), {"loss": loss(config)})
        parts.on_trial_complete(str(number), {"loss": loss(config)})
    assert whole.to_dict() == parts.to_dict()


def test_states_that_are_refused(tmp_path: Path) -> None:
    searcher = searcher_of()
    searcher.suggest("a")
    state = searcher.to_dict()
    other = searcher_of(space={"y": tune.uniform(0, 1)})
    with pytest.raises(errors.DefinitionError, match=r"\$\.space"):
        other.load_dict(state)
    late = searchers.AskTellSearcher()
    late.load_dict(state)
    with pytest.raises(errors.DefinitionError, match=r"\$\.space"):
        late.set_search_properties("loss", "min", {"y": tune.uniform(0, 1)})
    for trials in ([], {"a": 5}, {"a": True}):
        with pytest.raises(errors.StateError, match=r"\$\.trials"):
            searcher_of().load_dict({**state, "trials": trials})
    with pytest.raises(errors.StateError, match="keys"):
        searcher_of().load_dict({"engine": state["engine"]})
    (tmp_path / "bad").write_text("{", encoding="utf-8")
    with pytest.raises(errors.StateError, match="JSON"):
        searcher_of().restore(str(tmp_path / "bad"))


def test_a_job_that_was_killed_and_restored_repeats_no_finished_trial(tmp_path: Path) -> None:
    with started(tmp_path) as job:
        while job.poll() is None and len(calls(tmp_path)) < 4:
            time.sleep(0.1)
        finished = killed_between_writes(job, tmp_path)
    assert 1 <= len(finished) < 10
    with started(tmp_path, "restore") as job:
        output, _ = job.communicate(timeout=120)
    trials = [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]
    assert len(trials) == 10
    assert len({json.dumps(trial["config"]) for trial in trials}) == 10
    assert {trial["id"] for trial in trials}.issuperset(finished)
    assert all(calls(tmp_path).count(trial_id) == 1 for trial_id in finished)


def calls(folder: Path) -> list[str]:
    path = folder / "calls.txt"
    return path.read_text(encoding="utf-8").split() if path.exists() else []


def killed_between_writes(job: subprocess.Popen[bytes], folder: Path) -> set[str]:
    """Kill a job while its files are whole, and return the trials that are over by them.

    Tune copies its files one after the other, each in place; those of a job that dies meanwhile
    cannot be restored, whatever the searcher does.
    """
    while job.poll() is None:
        os.killpg(job.pid, signal.SIGSTOP)
        with contextlib.suppress(ValueError):
            (path,) = (folder / "job").glob("experiment_state-*.json")
            saved = json.loads(path.read_text(encoding="utf-8"))["trial_data"]
            trials = [json.loads(trial) for trial, _ in saved]
            (path,) = (folder / "job").glob("searcher-state-*.pkl")
            suggested = json.loads(path.read_text(encoding="utf-8"))["trials"]
            if suggested.keys() == {trial["trial_id"] for trial in trials}:
                kill(job)
                break
        os.killpg(job.pid, signal.SIGCONT)
        time.sleep(0.05)
    return {trial["trial_id"] for trial in trials if trial["status"] == "TERMINATED"}


@contextlib.contextmanager
def started(folder: Path, *arguments: str) -> Any:
    environment = {"TUNE_GLOBAL_CHECKPOINT_S": "0", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}
    with (folder / "errors.txt").open("ab") as errors_file:
        job = subprocess.Popen(
            [sys.executable, str(JOB), str(folder), *arguments],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=errors_file,
            start_new_session=True,
        )
    with job:
        try:
            yield job
        finally:
            kill(job)


def kill(job: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(job.pid, signal.SIGKILL)
    job.wait()


def test_the_blocks_of_the_documentation_run(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "integrations.md").read_text(encoding="utf-8")
    block = "\n".join(re.findall(r"```python ray\n(.*?)```", page, re.DOTALL))
    environment = {**os.environ, "HOME": str(tmp_path), "RAY_AIR_NEW_OUTPUT": "0"}
    run = subprocess.run(
        [sys.executable, "-c", block], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert "'layers'" in run.stdout, run.stderr
    assert "'memory'" in run.stdout, run.stderr
