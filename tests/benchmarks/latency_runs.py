"""Tuners side by side with latency as the objective, on the models of ``real_models``.

``python tests/benchmarks/latency_runs.py --peer NAME ...`` runs tuners as ``tuner_runs`` does, with
12 evaluations and at most 1 % lost, and records a run a line in ``records_latency/NAME.jsonl``;
what is on record is not run again, except with ``--again``. Then, or without a name, it prints the
records side by side. ``--models`` limits the runs.

Latency is the processor's time on one thread for a batch of 50 rows, in turns with the FP32 model.
What else a machine does falls on models unequally, through its caches: ``--measure`` measures the
fastest models of all tuners again, in turns, when it is quiet.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from environments import root
from real_models import MODELS
from tuner_judge import Judge
from tuner_runs import PEERS, Run, attempt
from tuner_table import meets

RECORDS = Path(__file__).parent / "records_latency"
TRIALS, CRITERION = 12, "1 %"
AGAIN = 7
LEVEL = 0.02

Record = dict[str, Any]
"""A run: ``trials`` are accuracy and thousandths of the FP32 model's time, None where one failed;
``faster`` is how many times faster the best model is, measured again; ``wall`` are seconds."""


def run(name: str, model: str) -> Record:
    """Run a tuner on a model."""
    with tempfile.TemporaryDirectory() as scratch:
        this = Run(Judge(model), Path(scratch), CRITERION, TRIALS, objective="latency")
        error = attempt(this, name, seed=0)
        wall = time.monotonic() - this.started
        best = this.best.get(CRITERION)
        if best is not None:
            kept(name, model).parent.mkdir(parents=True, exist_ok=True)
            kept(name, model).write_bytes(best[1].read_bytes())
    return {
        "model": model,
        "trials": [trial[:2] for trial in this.trials],
        "faster": None if best is None else round(1000 / best[0], 3),
        "error": error,
        "wall": round(wall, 1),
        "evaluating": round(this.measuring, 1),
    }


def kept(name: str, model: str) -> Path:
    """Return where the fastest model of a run is kept, beside the environments."""
    return root() / "latency_models" / name / MODELS[model].path.name


def measured_again(tuners: dict[str, dict[str, Record]]) -> None:
    """Measure the fastest models of all tuners in turns, and record the medians."""
    for model in MODELS:
        judge = Judge(model)
        paths = {name: kept(name, model) for name, of in tuners.items() if model in of}
        found: dict[str, list[float]] = {name: [] for name in paths if paths[name].exists()}
        for _ in range(AGAIN):
            for name, ratios in found.items():
                plain, quantised = judge.latency(paths[name])
                ratios.append(plain / quantised)
        for name, ratios in found.items():
            tuners[name][model]["faster"] = round(median(ratios), 3)
    for name, records in tuners.items():
        write(name, records)


def read(name: str) -> dict[str, Record]:
    """Return the records of a tuner by model."""
    path = RECORDS / f"{name}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {record["model"]: record for record in map(json.loads, lines)}


def write(name: str, records: dict[str, Record]) -> None:
    """Write the records of a tuner, a line each."""
    RECORDS.mkdir(exist_ok=True)
    rows = [records[model] for model in MODELS if model in records]
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    (RECORDS / f"{name}.jsonl").write_text(text, encoding="utf-8")


def page(tuners: dict[str, dict[str, Record]]) -> str:
    """Return how many times faster than FP32 the best models are; in bold, the best and its likes.

    Measured again, a model differs by a percent or so; what is nearer than ``LEVEL`` is level.
    """
    names = [name.replace("_", " ") for name in tuners]
    lines = [f"| model | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    for model in MODELS:
        found = [records.get(model, {}).get("faster") for records in tuners.values()]
        best = max((faster for faster in found if faster), default=0.0)
        cells = [_cell(one, best) for one in found]
        lines.append(f"| {model} | {' | '.join(cells)} |")
    seconds = [
        sum(record["wall"] - record["evaluating"] for record in records.values())
        / max(1, sum(len(record["trials"]) for record in records.values()))
        for records in tuners.values()
    ]
    lines.append(f"| own seconds | {' | '.join(f'{one:.2f}' for one in seconds)} |")
    return "\n".join(lines)


def _cell(faster: float | None, best: float) -> str:
    if faster is None:
        return "never"
    return f"**{faster:.2f}**" if faster >= best * (1.0 - LEVEL) else f"{faster:.2f}"


def first(record: Record) -> int | None:
    """Return the evaluation that first met the criterion, counted from 1."""
    met = (
        place
        for place, (accuracy, _) in enumerate(record["trials"], start=1)
        if accuracy is not None and meets(record["model"], CRITERION, accuracy)
    )
    return next(met, None)


def main() -> None:
    """Run what is not on record, and print what is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", nargs="*", default=[], choices=list(PEERS))
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--again", action="store_true", help="also what is on record")
    parser.add_argument("--measure", action="store_true", help="measure all that is kept again")
    arguments = parser.parse_args()
    for name in arguments.peer:
        for model in arguments.models:
            if model in read(name) and not arguments.again:
                continue
            record = run(name, model)
            write(name, {**read(name), model: record})
            shown = f"x{record['faster']}, first {first(record)}, {record['wall']} s"
            print(name, model, shown, record["error"] or "", file=sys.stderr, flush=True)
    tuners = {path.stem: read(path.stem) for path in sorted(RECORDS.glob("*.jsonl"))}
    if arguments.measure:
        measured_again(tuners)
    print(page(tuners))


if __name__ == "__main__":
    main()
