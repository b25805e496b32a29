"""Real processes on one store: many at once, and writers killed at random moments.

``python tests/benchmarks/store_farm.py`` runs both at full size and prints what it saw;
``tests/asktell/test_store_farm.py`` runs a smaller one. Everything is drawn from a seed, but for
the moments at which the system lets a process run.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import asktell as at
from asktell.store import Store

SPACE = at.Space(
    at.Float("x", 0.0, 1.0),
    at.Int("n", 1, 2**40),
    at.Ordinal("bits", [2, 3, 4, 8]),
    at.Categorical("kernel", ["rbf", "poly"]),
)
SETTINGS = at.Settings(n_initial=10**6, retries=1)
"""The initial design alone: what is tried here is the file, not the model."""

Figures = dict[str, Any]


def fork(work: Callable[[], None]) -> int:
    """Run ``work`` in a process of its own, and return its id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    finally:
        os._exit(1)  # unless the work has ended the process already


# --- many at once ---


def farm(path: Path, processes: int, rounds: int, journal_above: int) -> Figures:
    """Let every process suggest and observe so many times, and check what is in the file."""
    Store(path).create(at.State.start(SPACE, seed=1, settings=SETTINGS))

    def work() -> None:
        store = Store(path, timeout=600.0, journal_above=journal_above)
        for _ in range(rounds):
            (suggestion,) = store.suggest()
            outcome = store.observe(suggestion, float(suggestion.id))
            assert outcome == "recorded", outcome
        os._exit(0)

    at.suggest(at.State.start(SPACE), 2)  # so that not every child imports scipy.stats
    start = time.perf_counter()
    children = [fork(work) for _ in range(processes)]
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    seconds = time.perf_counter() - start
    assert codes == [0] * processes, codes
    state = Store(path).read()
    trials = processes * rounds
    assert state.next_id == trials
    assert not state.pending
    assert sorted(o.id for o in state.observations) == list(range(trials))
    assert all(o.target == o.id for o in state.observations)
    assert len({o.configuration for o in state.observations}) == trials
    return {
        "processes": processes,
        "observations": trials,
        "seconds": round(seconds, 1),
        "milliseconds a call": round(seconds / (2 * trials) * 1e3, 2),
    }


# --- killed ---


def step(state: at.State) -> tuple[at.State, int]:
    """Return the next state of a run in which the state alone decides what is done, and a number.

    The number counts the steps: all that any of them adds to the state.
    """
    done = steps_of(state)
    if not state.pending or (done % 3 == 0 and len(state.pending) < 5):
        state, _ = at.suggest(state, now=float(done), lease=20.0)
    elif done % 7 == 0:
        state = at.fail(state, state.pending[0], f"failed as number {done}, at length" * 20)
    else:
        state = at.observe(state, state.pending[-1], done / 7)
    return state, steps_of(state)


def steps_of(state: at.State) -> int:
    """Return how many steps led to a state."""
    return state.next_id + state.arrivals


def kill_writers(path: Path, kills: int, seed: int, journal_above: int) -> Figures:
    """Kill a writer so many times, each at a random moment, and compare what is left.

    After each the file must hold the state of the last acknowledged step, or of the one after it,
    and nothing else.
    """
    random = np.random.default_rng(seed)
    state = at.State.start(SPACE, seed=seed, settings=SETTINGS)
    Store(path).create(state)
    seen = {"written, not acknowledged": 0, "new file left": 0, "journal torn or closed": 0}
    acknowledged = 0
    for _ in range(kills):
        reader, writer = os.pipe()

        def work(writer: int = writer) -> None:
            store = Store(path, journal_above=journal_above)
            while True:
                os.write(writer, b"%d\n" % store.update(step))

        child = fork(work)
        os.close(writer)
        with open(reader, "rb") as acknowledgements:
            first = acknowledgements.readline()  # it is at work
            time.sleep(float(random.uniform(0.0, 0.03)))
            os.kill(child, signal.SIGKILL)
            lines = [first, *acknowledgements.read().splitlines()]
        os.waitpid(child, 0)
        last = int(lines[-1])
        while steps_of(state) < last:
            state, _ = step(state)
        acknowledged += len(lines)
        seen["new file left"] += path.with_name(path.name + ".new").exists()
        journal = path.with_name(path.name + ".journal")
        if journal.exists():
            data = journal.read_bytes()
            closed = b'"into"' in data.splitlines()[-1] if data else False
            seen["journal torn or closed"] += closed or not data.endswith(b"\n")
        found = Store(path, timeout=0.0).read()
        if found != state:
            state, _ = step(state)
            assert found == state, f"neither step {last} nor the one after it"
            seen["written, not acknowledged"] += 1
    return {"kills": kills, "acknowledged steps": acknowledged, **seen}


# --- the command ---

SIZES = {"full": (16, 100, 200), "small": (16, 10, 20)}
"""Processes, rounds of each, and kills."""


def main() -> None:
    """Run both, with files written anew and with journals, and print a line of figures each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="on which disk (that of temporary files)")
    arguments = parser.parse_args()
    processes, rounds, kills = SIZES[arguments.size]
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        for name, journal_above in (("journal", 4096), ("written anew", 10**9)):
            trials = Path(folder, f"{journal_above}-farm.json")
            figures = farm(trials, processes, rounds, journal_above)
            print(json.dumps({"farm": name, **figures}), flush=True)
            killed = Path(folder, f"{journal_above}-killed.json")
            figures = kill_writers(killed, kills, arguments.seed, journal_above)
            print(json.dumps({"killed": name, **figures}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
