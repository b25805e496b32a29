"""``asktell run`` with programs that sleep, killed at random moments: nothing lost, nothing twice.

``python tests/benchmarks/program_farm.py`` runs 200 trials with eight workers, kills the run five
times, and prints what it saw; then a run that nobody kills, and what a trial costs beside its
program. ``tests/asktell/test_program_farm.py`` runs a smaller one. What is slept and when the kills
come is drawn from a seed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import asktell as at
from asktell.store import Store
from asktell.study.events import Expired, Failed, Suggested, Told

SPACE = at.Space(
    at.Float("x", 0.0, 1.0), at.Int("n", 1, 2**40), at.Categorical("kernel", ["rbf", "poly"])
)

PROGRAM = """\
id=$1 seconds=$2 folder=$3
echo "$$" >> "$folder/began"
sleep "$seconds"
echo "$id" > "$folder/ended"
echo "$id"
"""
"""It leaves a line in ``began`` each time that it starts, and tells its id as the target."""

Figures = dict[str, Any]


class Farm:
    """A study in a folder, and the command that runs it.

    Each trial sleeps for ``shortest + x * (longest - shortest)`` seconds: its own x says how long.
    """

    def __init__(self, folder: Path, trials: int, workers: int, *, with_model: bool) -> None:
        folder.mkdir()
        self.folder, self.trials, self.workers = folder, trials, workers
        self.path = folder / "study.json"
        settings = at.Settings() if with_model else at.Settings(n_initial=10**6)
        Store(self.path).create(at.State.start(SPACE, seed=1, settings=settings))
        self.program = folder / "sleep.sh"
        self.program.write_text(PROGRAM)

    def begin(self) -> subprocess.Popen[bytes]:
        """Start ``asktell run``."""
        command = [sys.executable, "-m", "asktell", "run", str(self.path), "--plain"]
        command += ["--trials", str(self.trials), "--workers", str(self.workers), "--"]
        command += ["sh", str(self.program), "{id}", "{x}", "{folder}"]
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            return subprocess.Popen(command, stdout=out, stderr=err)

    def check(self) -> Figures:
        """Check that each trial has one outcome, told once; return what happened."""
        state = Store(self.path).read()
        assert state.n_over == state.n_observed == self.trials, (state.n_over, state.n_observed)
        assert not state.out
        assert not state.queue
        assert sorted(one.id for one in state.observations) == list(range(self.trials))
        assert all(one.target == one.id for one in state.observations)
        kinds = Counter(type(event) for event in state.events)
        assert kinds[Suggested] == kinds[Told] == self.trials, kinds
        assert kinds[Expired] == kinds[Failed] == 0, kinds
        lines = (self.folder / "out").read_text().splitlines()
        answered = [json.loads(line)["id"] for line in lines]
        assert len(answered) == len(set(answered))
        folders = [self.folder / "study.json.trials" / str(n) for n in range(self.trials)]
        begun = [(folder / "began").read_text().splitlines() for folder in folders]
        assert all((folder / "ended").exists() for folder in folders)
        running = [pid for pids in begun for pid in pids if Path("/proc", pid).exists()]
        assert not running, running
        assert not list((self.folder / "study.json.trials" / "runs").iterdir())
        return {
            "trials": self.trials,
            "answered": len(answered),
            "programs begun": sum(map(len, begun)),
            "begun again": sum(len(pids) > 1 for pids in begun),
        }


def killed(farm: Farm, kills: int, seed: int) -> Figures:
    """Kill the run so many times, at random moments; then let it end."""
    random = np.random.default_rng(seed)
    left = []
    for _ in range(kills):
        run = farm.begin()
        before = Store(farm.path).read().n_over
        while Store(farm.path).read().n_over == before:  # it is at work
            assert run.poll() is None, (farm.folder / "err").read_text()
            time.sleep(0.01)
        time.sleep(float(random.uniform(0.0, 2.0)))
        run.kill()
        run.wait()
        left.append(len(Store(farm.path).read().out))
    assert farm.begin().wait() == 0, (farm.folder / "err").read_text()
    return {"kills": kills, "pending at each": left, **farm.check()}


def overhead(farm: Farm) -> Figures:
    """Let the run end, and compare its time with what its programs slept."""
    start = time.perf_counter()
    assert farm.begin().wait() == 0, (farm.folder / "err").read_text()
    seconds = time.perf_counter() - start
    figures = farm.check()
    slept = [one.params["x"] for one in Store(farm.path).read().observations]
    ideal = sum(slept) / farm.workers
    return {
        "trials": figures["trials"],
        "seconds": round(seconds, 1),
        "ideal seconds": round(ideal, 1),
        "milliseconds a trial over that": round((seconds - ideal) / farm.trials * 1e3),
    }


SIZES = {"full": (200, 8, 5), "small": (24, 4, 2)}
"""Trials, workers, kills."""


def main() -> None:
    """Run the farm, and print a line of figures each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="on which disk (that of temporary files)")
    arguments = parser.parse_args()
    trials, workers, kills = SIZES[arguments.size]
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        farm = Farm(Path(folder, "killed"), trials, workers, with_model=False)
        print(json.dumps({"killed": killed(farm, kills, arguments.seed)}), flush=True)
        if arguments.size == "small":
            return
        for name, with_model in (("initial design", False), ("model", True)):
            farm = Farm(Path(folder, name), trials, workers, with_model=with_model)
            print(json.dumps({f"not killed, {name}": overhead(farm)}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
