"""Write the golden file of the schema of today: ``make golden``.

A golden file is written once for each schema and kept for ever; this script overwrites none.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import asktell as at
from asktell.codec.migrations import SCHEMA
from asktell.state import apply
from asktell.study.events import Skipped

SPACE = at.Space(
    at.Float("lr", 1e-5, 1.0, log=True),
    at.Float("momentum", 0.0, 0.99, step=0.01),
    at.Int("depth", 1, 12),
    at.Int("width", 8, 1024, log=True, step=8),
    at.Ordinal("bits", [2, 3, 4, 8]),
    at.Categorical("kernel", ["rbf", "poly", None, 0.5, False]),
    at.Bool("bias"),
    at.Float("slope", 0.0, 1.0, when={"bias": True, "depth": at.AtLeast(2)}, default=0.5),
    at.Float("low", 0.0, 1.0, likely=[0.25, 0.5]),
    at.Float("high", 0.0, 1.0),
    constraints=[
        at.Linear({"low": 1.0, "high": 1.0}, at_most=1.5),
        at.Ordered("low", "high"),
        at.Forbidden({"kernel": "poly", "bits": [2, 3]}),
    ],
)
OWN = {
    "lr": 0.1,
    "momentum": 0.57,
    "depth": 3,
    "width": 64,
    "bits": 4,
    "kernel": None,
    "bias": True,
    "slope": 0.25,
    "low": 0.25,
    "high": 0.5,
}

OTHER = at.Space(
    *(one for one in SPACE.parameters if one.name not in ("width", "momentum")),
    at.Float("momentum", 0.0, 0.5, step=0.25, default=0.5),
    at.Categorical("optimiser", ["sgd", "adam"]),
    constraints=SPACE.constraints,
)
"""A space that the study has for a while."""

OBJECTIVES = {
    "loss": at.Minimize(weight=2.0, reference=10.0),
    "speed": at.Maximize(weight=0.5, reference=-100.0),
}
CONSTRAINTS = {"speed": at.AtLeast(-50.0), "size": [at.AtLeast(0.5), at.AtMost(4.0)]}


def target(loss: float) -> dict[str, float]:
    """Return a target with a loss of so much, which holds the constraints if it is above -1."""
    return {"loss": loss, "speed": 10.0 * loss, "size": 1.5 + loss}


def golden() -> at.State:
    """Return a state in which every kind of event and every field has something to say."""
    settings = at.Settings(
        n_initial=2,
        n_candidates=32,
        n_starts=2,
        retries=1,
        expiries=1,
        replicates=True,
        revisits=True,
    )
    state = at.State.start(
        SPACE, seed=7, settings=settings, objectives=OBJECTIVES, constraints=CONSTRAINTS
    )
    state, suggestions = at.suggest(state, 4, now=0.0, lease=60.0)
    state = at.observe(state, suggestions[2], target(0.25), {"loss": 0.01, "size": 0.0}, now=1.5)
    state = at.observe(state, suggestions[2], target(0.5), {"loss": 0.02})  # a replicate
    state = at.observe(state, suggestions[0], target(-1.5))
    state = at.fail(state, suggestions[1], "worker lost", now=2.0)  # retried
    state, (again,) = at.suggest(state)
    state = at.fail(state, again, "out of memory", now=3.25)
    state = at.observe(state, OWN, target(1e-17))
    state = at.fail(state, {**OWN, "depth": 4}, "")
    state = apply(state, Skipped(next_id=10, at=4.0))  # ids of another system's
    state, (fifth, sixth) = at.suggest(state, 2, now=10.0, lease=50.5)
    state, _ = at.expire(state, 60.5)
    state, _ = at.suggest(state, 2, now=61.0, lease=10.0)
    state, _ = at.expire(state, 71.0)  # the second lease lost for two of them
    state = at.observe(state, fifth, target(2.0), now=72.0)  # late, and overrules that
    state = at.amend(state, suggestions[0], target(0.125), {"speed": 0.5}, now=73.0)
    state = at.amend(state, fifth, target(math.nan), now=73.5)
    state = at.amend(state, OWN, target(math.inf))  # voided
    state = at.amend(state, {**OWN, "depth": 4}, target(3.0))
    state = at.forget(state, again, now=74.0)
    state = at.observe(state, {**OWN, "depth": 5}, target(-0.0))
    state = at.forget(state, {**OWN, "depth": 5})
    state, _ = at.suggest(state, 3, now=80.0, lease=5.5)
    state = at.fail(state, sixth, "late")
    for now in (81.0, 82.0):
        state = at.renew(state, state.pending[0], now, 3600.0)
    state, expired = at.expire(state, 86.0)
    state = at.renew(state, expired[-1], 87.0, 0.1)
    state, _ = at.suggest(state)
    state, _ = at.suggest(state)
    state, _ = at.suggest(state, 1, now=90.0, lease=1.0)
    state, _ = at.expire(state, 91.0)
    state = at.fail(state, {**OWN, "depth": 6}, "no such file", now=92.0)
    state = at.retry(state, {**OWN, "depth": 6}, now=93.0)
    state = at.retry(state, fifth)
    return there_and_back(state)


def there_and_back(state: at.State) -> at.State:
    """Return a state that learned, and that had another space in between.

    Some of its trials were left out there, and come back.
    """
    earlier = at.State.start(OTHER, objectives={"loss": "minimize"})
    told = {**OWN, "momentum": 0.25, "optimiser": "sgd"}
    del told["width"]
    earlier = at.observe(earlier, told, {"loss": 0.75}, {"loss": 0.125})
    earlier = at.observe(earlier, {**told, "optimiser": "adam"}, {"loss": 1.25})
    had = {"width": 16, "optimiser": "sgd"}
    state, _ = at.learn_from(state, earlier, had, now=94.0)
    state = at.enqueue(state, {"bias": False, "lr": 0.25}, now=95.0)
    state, _ = at.change_space(state, OTHER, {"optimiser": "adam"}, now=96.0)
    state, _ = at.change_space(state, SPACE, {"optimiser": "adam", "width": 8}, now=97.0)
    return state


if __name__ == "__main__":
    path = Path(__file__).with_name(f"state-{SCHEMA}.json")
    if path.exists():
        sys.exit(f"{path} exists, and golden files are never rewritten")
    path.write_text(json.dumps(golden().to_dict(), indent=1) + "\n")
