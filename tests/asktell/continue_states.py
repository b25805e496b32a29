"""Go on from saved states in a process of its own: JSON lines in, JSON lines out.

A line in is ``{"state": ..., "steps": n}``; the line out lists the n suggestions that followed.
With ``"changes"`` the steps are those of a study whose space changes; with ``"first"`` those of a
farm, from that number on; with ``"want"`` those of a study that wants what has this name.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from spaces import learned_by, score_any, turns
from wants import WANTS

import asktell as at


def steps_of_a_loop(engine: at.Engine, steps: int) -> list[Any]:
    """Go on as one who evaluates one suggestion after the other."""
    suggestions = []
    for _ in range(steps):
        suggestion = engine.suggest()
        suggestions.append([suggestion.id, suggestion.params, suggestion.origin])
        if suggestion.id % 5 == 3:
            engine.fail(suggestion, "every fifth fails")
        elif suggestion.id % 5 != 1:  # every fifth stays pending
            engine.observe(suggestion, score_any(suggestion.params))
        if suggestion.id % 6 == 5:  # and what failed so far is tried again
            engine.retry_failed()
    return suggestions


def steps_of_a_want(engine: at.Engine, steps: int, want: str) -> list[Any]:
    """Go on as one who measures several outcomes, some with their deviations."""
    wanted, suggestions = WANTS[want], []
    for _ in range(steps):
        suggestion = engine.suggest(known=wanted.known)
        suggestions.append([suggestion.id, suggestion.params, suggestion.origin])
        if suggestion.id % 7 == 3:
            engine.fail(suggestion, "every seventh fails")
        elif suggestion.id % 7 != 1:  # every seventh stays pending
            wanted.tell(engine, suggestion)
    return suggestions


def steps_of_changes(engine: at.Engine, steps: int) -> list[Any]:
    """Go on as one who changes their mind: wishes, fixed values, other spaces, earlier studies."""
    suggestions = []
    for _ in range(steps):
        number = engine.state.next_id
        if number % 4 == 0:
            space, had = turns()[number // 4 % len(turns())]
            engine.change_space(space, had)
        if number % 6 == 1:
            engine.enqueue({"d": True})
        if number == 5:
            engine.learn_from(*learned_by(engine.space))
        fixed = {"b": "low"} if number % 5 == 2 else None
        suggestion = engine.suggest(fixed=fixed)
        suggestions.append([suggestion.id, suggestion.params, suggestion.origin])
        if number % 7 != 3:
            engine.observe(suggestion, suggestion.params["a"] - 0.1 * len(suggestion.params))
    return suggestions


def step_of_a_farm(engine: at.Engine, step: int) -> Any:
    """Go on as a farm, in which one in three fails, is late, or answers never; a second a step."""
    now = float(step)
    engine.expire(now)
    suggestion = engine.suggest(now=now, lease=2.5)
    if suggestion.id % 6 == 3:
        engine.fail(suggestion, "worker lost")
    elif suggestion.id % 6 not in (1, 5):
        engine.observe(suggestion, score_any(suggestion.params))
    if step % 4 == 3:
        lost = [
            ticket.id
            for trial in engine.trials
            for ticket in trial.tickets
            if ticket.standing == "expired"
        ]
        engine.observe_batch(
            (late, score_any(engine.state.suggestion(late).params)) for late in lost[-1:]
        )
    elif engine.pending:
        engine.renew(engine.pending[0], now, 0.5 + step % 3)
    return [suggestion.id, suggestion.params, suggestion.origin, suggestion.expires]


def main() -> None:
    for line in sys.stdin:
        task = json.loads(line)
        engine, steps = at.Engine.from_dict(task["state"]), task["steps"]
        if "first" in task:
            first = task["first"]
            print(json.dumps([step_of_a_farm(engine, first + step) for step in range(steps)]))
        elif task.get("changes"):
            print(json.dumps(steps_of_changes(engine, steps)))
        elif "want" in task:
            print(json.dumps(steps_of_a_want(engine, steps, task["want"])))
        else:
            print(json.dumps(steps_of_a_loop(engine, steps)))


if __name__ == "__main__":
    main()
