"""Real runs of libEnsemble with the engine as its generator, and what came of them.

``python tests/benchmarks/libensemble_runs.py`` runs every scenario with 200 evaluations over four
processes, and prints a line of JSON for each. A scenario starts this very file again, once for each
run, as libEnsemble's own scripts are started.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gest_api.vocs import VOCS

import asktell as at
from asktell.asking import know
from asktell.integrations.gest import AskTellGenerator

VOCS_OF_RUNS = VOCS(
    variables={"x": [-5.0, 10.0], "y": [0.0, 15.0], "mode": {"plain", "raised"}},
    objectives={"f": "MINIMIZE"},
    constants={"scale": 1.0},
)
WORKERS = 4
PLAN = "ASKTELL_RUN"
"""The environment variable that tells a run, and its workers, what to do."""


def branin(x: float, y: float) -> float:
    bowl = (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2
    return bowl + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


def objective(point: dict[str, Any]) -> float:
    return branin(point["x"], point["y"]) * point["scale"] + (point["mode"] == "raised")


def evaluate(point: dict[str, Any]) -> dict[str, float]:
    """Evaluate a point for a while that depends on it, so that results overtake each other."""
    plan = json.loads(os.environ[PLAN])
    time.sleep(0.002 + 0.02 * ((point["x"] * 7919.0) % 1.0))
    if point["y"] > 14.0:
        if plan["raises"]:
            raise RuntimeError("the simulation crashed")
        return {"f": math.nan}
    return {"f": objective(point)}


class SavedGenerator(AskTellGenerator):
    """A generator whose dict is on disk before an answer is given."""

    def suggest(self, num_points: int | None = None) -> list[dict[str, Any]]:
        points = super().suggest(num_points)
        self.save()
        return points

    def ingest(self, results: list[dict[str, Any]]) -> None:
        super().ingest(results)
        self.save()

    def save(self) -> None:
        path = Path(json.loads(os.environ[PLAN])["state"])
        path.with_suffix(".new").write_text(json.dumps(self.to_dict()), encoding="utf-8")
        path.with_suffix(".new").replace(path)


def run() -> None:
    """Do one run, as the plan says: the script that libEnsemble's manager and workers execute."""
    from libensemble import Ensemble
    from libensemble.alloc_funcs.start_only_persistent import only_persistent_gens
    from libensemble.specs import AllocSpecs, ExitCriteria, GenSpecs, LibeSpecs, SimSpecs

    plan = json.loads(os.environ[PLAN])
    path = Path(plan["state"])
    if path.exists():
        state = json.loads(path.read_text(encoding="utf-8"))
        generator = SavedGenerator.from_dict(VOCS_OF_RUNS, state, lost=True)
    else:
        generator = SavedGenerator(VOCS_OF_RUNS, seed=1, **plan["settings"])
    known = generator.engine.state
    ensemble = Ensemble(
        parse_args=True,
        libE_specs=LibeSpecs(gen_on_manager=True, final_gen_send=True, disable_log_files=True),
        gen_specs=GenSpecs(generator=generator, vocs=VOCS_OF_RUNS, initial_batch_size=WORKERS),
        sim_specs=SimSpecs(simulator=evaluate, vocs=VOCS_OF_RUNS),
        alloc_specs=AllocSpecs(alloc_f=only_persistent_gens, user={"async_return": True}),
        exit_criteria=ExitCriteria(
            sim_max=plan["evaluations"] - len(known.observations) - len(known.failures)
        ),
    )
    ensemble.run()


# --- scenarios ---


@contextmanager
def started(comms: str, folder: Path, **plan: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Start a run; whatever is left of it at the end is killed."""
    defaults = {"state": str(folder / "state.json"), "raises": False, "settings": {}}
    with (folder / "errors.txt").open("ab") as errors:
        process = subprocess.Popen(
            [sys.executable, __file__, "--comms", comms, "--nworkers", str(WORKERS)],
            cwd=folder,
            env={**os.environ, PLAN: json.dumps({**defaults, **plan})},
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the manager and its workers, with no chance to say anything."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def saved(folder: Path) -> at.State:
    return at.State.from_dict(json.loads((folder / "state.json").read_text(encoding="utf-8")))


def outcomes(state: at.State) -> list[Any]:
    return [*state.observations, *state.failures]


def undisturbed(comms: str, folder: Path, evaluations: int, **plan: Any) -> at.State:
    """Run to the end and return the state."""
    with started(comms, folder, evaluations=evaluations, **plan) as process:
        process.wait(timeout=600)
    return saved(folder)


def killed_and_resumed(
    comms: str, folder: Path, evaluations: int, **plan: Any
) -> tuple[at.State, at.State]:
    """Kill a run at half of its evaluations, resume it, and return the state then and at last."""
    with started(comms, folder, evaluations=evaluations, **plan) as process:
        while process.poll() is None:
            path = folder / "state.json"
            if path.exists() and len(outcomes(saved(folder))) >= evaluations // 2:
                break
            time.sleep(0.02)
        kill(process)
    half = saved(folder)
    return half, undisturbed(comms, folder, evaluations, **plan)


def raising_and_resumed(
    comms: str, folder: Path, evaluations: int, **plan: Any
) -> tuple[at.State, at.State]:
    """Run until a simulation raises, which ends libEnsemble's run; resume with failures told.

    Returns the state after the first run, and at last.
    """
    first = undisturbed(comms, folder, evaluations, raises=True, **plan)
    return first, undisturbed(comms, folder, evaluations, **plan)


def by_threads(evaluations: int, **settings: Any) -> at.State:
    """Do the same with threads and no libEnsemble."""
    os.environ.setdefault(PLAN, json.dumps({"raises": False}))
    generator = AskTellGenerator(VOCS_OF_RUNS, seed=1, **settings)
    with ThreadPoolExecutor(WORKERS) as pool:
        running = {pool.submit(evaluate, point): point for point in generator.suggest(WORKERS)}
        while len(outcomes(generator.engine.state)) < evaluations:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                generator.ingest([{**running.pop(future), **future.result()}])
                (point,) = generator.suggest(1)
                running[pool.submit(evaluate, point)] = point
    return generator.engine.state


def check(state: at.State, evaluations: int) -> None:
    """Raise an error where a point was evaluated twice, or too few were."""
    configurations = [outcome.configuration for outcome in outcomes(state)]
    if len(set(configurations)) != len(configurations):
        raise ValueError("a point came twice")
    if len(configurations) < evaluations:
        raise ValueError(f"only {len(configurations)} of {evaluations} evaluations")


def lost(before: at.State, after: at.State) -> int:
    """Return how many outcomes are not what they were."""
    return len({*map(repr, outcomes(before))} - {*map(repr, outcomes(after))})


def report(name: str, state: at.State, began: float, **more: Any) -> None:
    best = know.best_or_none(state)
    line = {
        "scenario": name,
        "observed": len(state.observations),
        "failed": len(state.failures),
        "best": best and round(best.target, 5),
        "seconds": round(time.perf_counter() - began, 1),
        **more,
    }
    print(json.dumps(line), flush=True)


def main(evaluations: int = 200) -> None:
    began = time.perf_counter()
    report("threads", by_threads(evaluations), began)
    for comms in ("local", "tcp"):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            state = undisturbed(comms, Path(folder), evaluations)
            check(state, evaluations)
            report(comms, state, began)
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            half, state = killed_and_resumed(comms, Path(folder), evaluations)
            check(state, evaluations)
            at_kill = len(outcomes(half))
            report(f"{comms}, killed", state, began, at=at_kill, lost=lost(half, state))
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        first, state = raising_and_resumed("local", Path(folder), evaluations)
        check(state, evaluations)
        report("local, raising", state, began, at=len(outcomes(first)), lost=lost(first, state))


if __name__ == "__main__":
    if PLAN in os.environ and len(sys.argv) > 1:
        run()
    else:
        main(*map(int, sys.argv[1:]))
