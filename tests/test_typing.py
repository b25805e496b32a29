"""What users write passes ``mypy --strict``, with no assertion and no ignored line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"

SECOND_SNIPPET = """\
from typing import Any

import asktell as at
from asktell.store import Store


def evaluate(params: dict[str, Any]) -> float:
    x, n = params.values()
    return float(-((x - 0.3) ** 2) - n)


space = at.Space(at.Float("x", 0.0, 1.0), at.Int("n", 1, 20))

state = at.State.start(space, seed=1, objectives={"loss": "minimize"})
state, suggestions = at.suggest(state, n=2, now=0.0, lease=60.0)
state = at.observe(state, suggestions[0], {"loss": evaluate(suggestions[0].params)}, now=1.0)
state = at.fail(state, suggestions[1].id, reason="disk full")
state = at.forget(state, suggestions[1])
state = at.retry(state, suggestions[1])
state, trials = at.retry_failed(state)
state = at.amend(state, suggestions[0], 0.5)
print(at.best(state).target, state.to_dict())

store = Store("study.json")
store.create(state)
for suggestion in store.suggest(2):
    outcome: at.Outcome = store.observe(suggestion, evaluate(suggestion.params))
    store.amend(suggestion, 0.25)
    store.forget(suggestion.id)
    store.retry(suggestion.id)
retried: list[at.Trial] = store.retry_failed()
deliveries: list[at.Delivery] = store.observe_batch([({"x": 0.5, "n": 3}, 0.1)])

engine = at.Engine.from_state(store.read())
for trial in engine.trials:
    params: dict[str, Any] = trial.params
    told_at: float | None = trial.told_at
    print(trial.number, trial.status, params, trial.ids, trial.target, trial.reason, told_at)
    if trial.status == "observed":
        engine.amend(trial, 0.125)
for event in engine.events:
    moment: float | None = event.at
    print(type(event).__name__, moment)
names: tuple[str, ...] = engine.space.names
best: at.Observation = engine.best()
print(best.params, best.target, engine.objectives, names)
"""


SEVERAL_OUTCOMES = """\
from collections.abc import Mapping
from typing import Any

import numpy as np

import asktell as at
from asktell.store import Store

space = at.Space(at.Float("x", 0.0, 1.0), at.Int("n", 1, 20))


def size(params: Mapping[str, Any]) -> float:
    return float(params["n"])


engine = at.Engine(
    space,
    objectives={"size": "minimize", "accuracy": at.Maximize(weight=2.0, reference=0.5)},
    constraints={"accuracy": at.AtLeast(0.9), "memory": [at.AtLeast(0), at.AtMost(4)]},
)
engine = at.Engine(space, goal="minimize", constraints={"size": at.AtMost(9)})
target = {"target": 1.0, "size": 3.0}
engine.observe(engine.suggest(known={"size": size}), target, std={"target": 0.1})
engine.observe_batch([({"x": 0.5, "n": 3}, target), ({"x": 0.25, "n": 3}, target, {"size": 0})])
engine.amend(0, target, {"size": 0.5})
best: at.Observation = engine.best()
feasible: bool = best.feasible
print(best.target["size"], best.std, best.expected, feasible, engine.best_observed().params)
front: list[at.Observation] = engine.pareto()
volume: float = engine.hypervolume() + engine.hypervolume({"target": 2.0})
means, deviations = engine.predict([{"x": 0.5, "n": 3}])["size"]
print(len(front), volume, np.sum(means + deviations), engine.objectives, engine.constraints)

state = at.State.start(space, objectives={"loss": at.Minimize()}, constraints=None)
state, suggestions = at.suggest(state, 2, known=None)
state = at.observe(state, suggestions[0], 1.0, 0.1)
store = Store("study.json")
store.create(state)
store.observe(store.suggest(known={"loss": size})[0], 1.0, std=0.1)
"""


def first_block(page: Path) -> str:
    found = re.search(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize(
    "code",
    [first_block(README), SECOND_SNIPPET, SEVERAL_OUTCOMES],
    ids=["README", "stores and trials", "several outcomes"],
)
def test_what_users_write_is_typed(code: str, tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(code, encoding="utf-8")
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = True\n", encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "study.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert run.stdout.startswith("Success"), run.stdout + run.stderr
