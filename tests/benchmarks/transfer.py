"""How much an earlier study saves: ``python tests/benchmarks/transfer.py --seeds 5``.

For each pair of ``suites.earlier`` the engine makes a study of the source, of 40 trials, and then
runs the target with ``engine.learn_from(study)`` and without. What is recorded already is not run
again; delete ``records_gains/*/transfer.jsonl`` to measure anew. The table is printed in Markdown.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import gains
from gains import WITHOUT, Case
from suites.earlier import Pair, pairs

import asktell as at

SUITE, LEARNED = "transfer", "learned"
STUDIES = 100
"""Added to a seed, for that of the study of the source."""


@cache
def _study(name: str, seed: int) -> dict[str, Any]:
    pair = next(pair for pair in pairs() if pair.name == name)
    engine = at.Engine(pair.source.space, seed=STUDIES + seed, goal="minimize")
    gains.run(engine, pair.source, gains.TRIALS)
    return engine.to_dict()


def plain(pair: Pair, seed: int) -> at.Engine:
    """Return an engine that knows nothing."""
    return at.Engine(pair.target.space, seed=seed, goal="minimize")


def learned(pair: Pair, seed: int) -> at.Engine:
    """Return an engine that knows the study of the source."""
    engine = plain(pair, seed)
    engine.learn_from(_study(pair.name, seed))
    return engine


def case(pair: Pair) -> Case:
    """Return a pair as a case."""
    engines = {WITHOUT: partial(plain, pair), LEARNED: partial(learned, pair)}
    return Case(pair.name, pair.kind, pair.target, engines)


if __name__ == "__main__":
    gains.command(__doc__, [case(pair) for pair in pairs()], SUITE)
