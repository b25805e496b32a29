"""Measure sizes and speeds within one run, and print them as a table: ``make benchmark``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import each_result
import numpy as np
from growth import measure

import asktell as at
from asktell.store import Store


def appends() -> dict[str, str]:
    """Time a million appends to a ledger, in tenths."""
    ledger = at.TargetSpace({f"x{i}": (0.0, 1.0) for i in range(3)})
    points = np.random.default_rng(0).random((1_000_000, 3))
    tenths = []
    for tenth in np.split(points, 10):
        start = time.perf_counter()
        for point in tenth:
            ledger.register(point, 0.5)
        tenths.append(time.perf_counter() - start)
    return {
        "appends a second": f"{len(points) / sum(tenths):,.0f}",
        "last tenth over first tenth": f"{tenths[-1] / tenths[0]:.2f}",
    }


def round_trip() -> dict[str, str]:
    """Time the way to JSON and back of 10,000 observations of 10 parameters."""
    state = at.State.start(at.Space(*(at.Float(f"x{i}", 0.0, 1.0) for i in range(10))))
    draws = np.random.default_rng(0).random((10_000, 11)).tolist()
    start = time.perf_counter()
    for *values, target in draws:
        params = dict(zip(state.space.names, values, strict=True))
        state = at.observe(state, params, target)
    observed = time.perf_counter()
    document = state.to_dict()
    json.dumps(document)
    again = at.State.from_dict(document)
    end = time.perf_counter()
    assert again == state
    return {
        "observe, microseconds each": f"{(observed - start) / len(draws) * 1e6:.0f}",
        "to_dict + dumps + from_dict, seconds": f"{end - observed:.3f}",
    }


def store() -> dict[str, str]:
    """Time calls through a store of 10,000 observations of 10 parameters, and count the bytes."""
    space = at.Space(*(at.Float(f"x{i}", 0.0, 1.0) for i in range(10)))
    state = at.State.start(space, settings=at.Settings(n_initial=10**6))
    for *values, target in np.random.default_rng(0).random((10_000, 11)).tolist():
        state = at.observe(state, dict(zip(space.names, values, strict=True)), target)
    at.suggest(state, 2)  # imports what it needs
    with tempfile.TemporaryDirectory() as folder:
        path, journal = Path(folder, "state.json"), Path(folder, "state.json.journal")
        shared = Store(path)
        shared.create(state)
        start = time.perf_counter()
        for _ in range(50):
            (suggestion,) = shared.suggest()
            shared.observe(suggestion, 0.5)
        each = (time.perf_counter() - start) / 100
        start = time.perf_counter()
        Store(path).read()
        reading = time.perf_counter() - start
        start = time.perf_counter()
        with open(Path(folder, "probe"), "wb") as probe:
            for _ in range(50):
                probe.write(b"x" * 300)
                probe.flush()
                os.fsync(probe.fileno())
        syncing = (time.perf_counter() - start) / 50
        return {
            "store: suggest or observe, n = 10,000, milliseconds": f"{each * 1e3:.1f}",
            "  of which the disk's own (fsync)": f"{syncing * 1e3:.1f}",
            "  bytes written each": f"{journal.stat().st_size / 100:.0f}",
            "  bytes of the file": f"{path.stat().st_size:,}",
            "  reading it in another process, seconds": f"{reading:.2f}",
        }


def imports() -> dict[str, str]:
    """Compare the time of ``import asktell`` to that of its numerical libraries alone."""

    def seconds(statement: str) -> float:
        code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
        command = [sys.executable, "-c", code]
        runs = [subprocess.run(command, capture_output=True, check=True) for _ in range(5)]
        return min(float(run.stdout) for run in runs)

    ratio = seconds("import asktell") / seconds("import numpy, scipy.linalg, scipy.optimize")
    return {"import asktell over import numpy, scipy": f"{ratio:.2f}"}


def suggestions() -> dict[str, str]:
    """Time suggest and observe over a Cholesky factorisation of 1000 x 1000, one thread each."""
    rows = {}
    for n, dim, steps in ((20, 6, 20), (50, 6, 20), (200, 6, 20), (1000, 10, 50), (10_000, 10, 20)):
        growth = measure(n, dim, steps)
        name = f"suggest and observe, n = {n}, d = {dim}, milliseconds"
        rows[name] = f"{growth.seconds * 1e3:.0f}"
        rows[f"  over Cholesky, n = {n}"] = f"{growth.ratio:.1f}"
    return rows


def memory() -> dict[str, str]:
    """Return the greatest memory of a process that suggests after 10,000 observations (Linux)."""
    # not getrusage: its figure begins with that of the parent, which has measured a lot
    code = "import growth; growth.measure(10_000, 10, 1); print(open('/proc/self/status').read())"
    command = [sys.executable, "-c", code]
    folder = Path(__file__).parent
    run = subprocess.run(command, capture_output=True, check=True, cwd=folder, text=True)
    (peak,) = (line.split()[1] for line in run.stdout.splitlines() if line.startswith("VmHWM"))
    return {"memory at n = 10000, d = 10, megabytes": f"{int(peak) / 1024:.0f}"}


MEASUREMENTS: tuple[Callable[[], dict[str, str]], ...] = (
    appends,
    round_trip,
    store,
    each_result.costs,
    imports,
    suggestions,
    memory,
)


def main() -> None:
    """Run all measurements and print a line each."""
    for measurement in MEASUREMENTS:
        for name, value in measurement().items():
            print(f"{name:<58} {value:>12}", flush=True)


if __name__ == "__main__":
    main()
