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
state = at.amend(state, suggestions[0], 0.5)
print(at.best(state).target, state.to_dict())

store = Store("study.json")
store.create(state)
for suggestion in store.suggest(2):
    outcome: at.Outcome = store.observe(suggestion, evaluate(suggestion.params))
    store.amend(suggestion, 0.25)
    store.forget(suggestion.id)
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


def first_block(page: Path) -> str:
    found = re.search(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize(
    "code", [first_block(README), SECOND_SNIPPET], ids=["README", "stores and trials"]
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
