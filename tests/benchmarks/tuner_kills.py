"""What is lost when a tuner is killed: a run is killed within an evaluation, then resumed.

The signal is SIGKILL. ``python tests/benchmarks/tuner_kills.py --peer NAME ...`` prints a row for
each: how many of the models measured before the kill are measured again, by their digests. A tuner
that ends before its eighth model takes another ``--model``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from real_models import MODELS
from tuner_judge import Judge
from tuner_runs import PEERS, TRIALS, Run, attempt

CRITERION, KILLED_AT = "no loss", 8


def killed(name: str, model: str, seed: int = 0) -> tuple[int, int, str | None]:
    """Return evaluations before the kill, how many were done again, and what the second ended in.

    The evaluation that the kill hits counts as neither.
    """
    with tempfile.TemporaryDirectory() as scratch:
        runs = [
            Run(Judge(model), Path(scratch), CRITERION, TRIALS, killed_at)
            for killed_at in (KILLED_AT, None)
        ]
        _, error = (
            attempt(run, name, seed, resume)
            for run, resume in zip(runs, (False, True), strict=True)
        )
    before, after = ([trial[4] for trial in run.trials] for run in runs)
    before = before[: KILLED_AT - 1]
    return len(before), sum(digest in before for digest in set(after)), error


def main() -> None:
    """Kill, resume, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--model", default="diabetes", choices=list(MODELS))
    arguments = parser.parse_args()
    print(
        "| tuner | evaluated before the kill | again after it | the second run |\n|---|---|---|---|"
    )
    for name in arguments.peer:
        before, again, error = killed(name, arguments.model)
        print(
            f"| {name.replace('_', ' ')} | {before} | {again} | {error or 'went on'} |", flush=True
        )


if __name__ == "__main__":
    main()
