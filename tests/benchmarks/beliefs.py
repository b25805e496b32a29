"""How much a belief saves or costs: ``python tests/benchmarks/beliefs.py --seeds 5``.

For each task of ``suites.beliefs`` the engine runs without beliefs, with right and with wrong ones
(``likely``) of all parameters. What is recorded already is not run again; delete
``records_gains/*/likely.jsonl`` to measure anew. The table is printed in Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import gains
from gains import WITHOUT, Case
from suites.beliefs import Belief, beliefs

import asktell as at

RECORDS = Path(__file__).parent / "records_gains"
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


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", action="append", help="all if none is named")
    parser.add_argument("--seeds", type=int, default=5, help="run the seeds 0, 1, ...")
    parser.add_argument("--records", type=Path, default=RECORDS, metavar="FOLDER")
    arguments = parser.parse_args()
    chosen = [b for b in beliefs() if not arguments.task or b.task.name in arguments.task]
    cases = [case(belief) for belief in chosen]
    for one in cases:
        gains.record(one, arguments.seeds, SUITE, arguments.records)
    print("\n".join(gains.rows(cases, SUITE, arguments.records)))


if __name__ == "__main__":
    main()
