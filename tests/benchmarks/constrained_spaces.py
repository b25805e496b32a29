"""Ten thousand suggestions over a hundred random constrained spaces: how many are wrong.

``python tests/benchmarks/constrained_spaces.py [--spaces 100] [--suggestions 100]`` prints a line
for each fault, and a summary. A fault is a suggestion that breaks a constraint, that
was made before, or that comes although all configurations of a finite space were.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import asktell as at
from asktell.errors import SpaceExhausted
from asktell.space.constraints import Forbidden, Linear, Ordered

sys.path.insert(0, str(Path(__file__).parents[1] / "asktell"))

from spaces import QUICK, random_constrained

_EQUAL = 1e-12
"""By how much the sum of floats that has to be one number may miss it, relative to its terms."""


def broken(space: at.Space, params: dict[str, Any]) -> list[str]:
    """Return the constraints that params break: inequalities without any tolerance."""
    return [
        str(constraint)
        for constraint in space.constraints
        if all(name in params for name in constraint.names) and not _holds(constraint, params)
    ]


def _holds(constraint: Any, params: dict[str, Any]) -> bool:
    if isinstance(constraint, Ordered | Forbidden):
        return constraint.holds(params)
    if isinstance(constraint, Linear):
        terms = [weight * params[name] for name, weight in constraint.coefficients]
        low, high = constraint.at_least, constraint.at_most
    else:
        terms = [params[name] for name in constraint.names]
        low = high = constraint.total
    total = math.fsum(terms)
    slack = _EQUAL * max(map(abs, terms)) if low == high else 0.0
    return (low is None or total >= low - slack) and (high is None or total <= high + slack)


def faults(space: at.Space, seed: int, n: int) -> Iterator[str]:
    """Ask and tell n times, and yield what is wrong; at the end, how it ended."""
    engine, seen = at.Engine(space, seed=seed, settings=QUICK), set()
    random = np.random.default_rng(seed)
    for k in range(n):
        try:
            suggestion = engine.suggest()
        except SpaceExhausted:
            if space.size != k:
                yield f"exhausted after {k} of {space.size}"
            return
        params = space.check(suggestion.params)
        if params in seen:
            yield f"suggestion {k} was made before: {suggestion.params}"
        seen.add(params)
        for constraint in broken(space, suggestion.params):
            yield f"suggestion {k} breaks {constraint}: {suggestion.params}"
        engine.observe(suggestion, float(random.random()))
    if space.size is not None and space.size < n:
        yield f"{n} suggestions of {space.size} configurations"


def main() -> None:
    """Run all spaces and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spaces", type=int, default=100)
    parser.add_argument("--suggestions", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the seed of the first space")
    arguments = parser.parse_args()
    found = asked = 0
    begin = time.process_time()
    for seed in range(arguments.first, arguments.first + arguments.spaces):
        random = np.random.default_rng([14, seed])
        space = random_constrained(random, finite=bool(random.random() < 0.3))
        most = arguments.suggestions
        asked += most if space.size is None else min(most, space.size)
        for fault in faults(space, seed, most):
            found += 1
            print(f"space {seed}: {fault}", flush=True)
    seconds = time.process_time() - begin
    print(f"{asked} suggestions over {arguments.spaces} spaces: {found} faults, {seconds:.0f} s")


if __name__ == "__main__":
    main()
