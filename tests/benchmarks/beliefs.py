"""How much a belief saves or costs: ``python tests/benchmarks/beliefs.py --seeds 5``.

For each task of ``suites.beliefs`` the engine runs without beliefs, with right and with wrong ones
(``likely``) of all parameters. What is recorded already is not run again; delete
``records_gains/*/likely.jsonl`` to measure anew. The table is printed in Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import gains
from gains import WITHOUT, Case
from suites.beliefs import Belief, beliefs

import asktell as at

SUITE = "likely"


def believing(belief: Belief, values: Mapping[str, Any], seed: int) -> at.Engine:
    """Return an engine that believes that these values are likely."""
    empty = at.State.start(belief.task.space, seed, "minimize").to_dict()
    return at.Engine.from_dict({**empty, "space": belief.document(values)})


def case(belief: Belief) -> Case:
    """Return a task with beliefs as a case."""
    engines = {
        WITHOUT: partial(believing, belief, {}),
        "right": partial(believing, belief, belief.right),
        "wrong": partial(believing, belief, belief.wrong),
    }
    return Case(belief.task.name, "", belief.task, engines)


if __name__ == "__main__":
    gains.command(__doc__, [case(belief) for belief in beliefs()], SUITE)
