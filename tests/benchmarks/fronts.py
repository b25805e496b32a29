"""How much of the true front of accuracy and bytes a strategy finds, on whole tables.

``python tests/benchmarks/fronts.py --write`` measures every configuration of two models with the
options in ``OPTIONS`` and writes the tables, in some minutes. ``python tests/benchmarks/fronts.py``
runs the strategies on them, 60 trials each, and prints the share of the true hypervolume.
"""

from __future__ import annotations

import argparse
import json
from functools import cache
from itertools import product
from pathlib import Path
from statistics import mean
from typing import Any

from quantisation import TableAdaptor, option_of
from real_models import MODELS, task
from rich.progress import track
from threadpoolctl import threadpool_limits
from tuner_judge import Judge

from strategies import Conf
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.workspace import STRATEGIES

FOLDER = Path(__file__).parent / "data"
OPTIONS = (
    "w int8 sym tensor, a uint8 asym",
    "w int8 sym channel, a uint8 asym",
    "w int8 sym tensor, a int8 sym",
    "w int8 sym channel, a int8 sym",
    "w int8 asym tensor, a uint8 asym",
    "fp32",
)
"""Of every operation; the first is the default."""
TABLES = ("channels", "diabetes")
TRIALS, SEEDS = 60, 5
LOSS = 0.2
"""How much accuracy may be lost, relative to the FP32 model's: a criterion that nearly all meet."""
MARGIN = 0.1
"""How far beyond the worst of the true front the area begins, as a share of the front's extent."""

Point = tuple[float, float]
"""Accuracy and bytes, both with the sign that makes more better."""


@cache
def table(name: str) -> dict[str, Any]:
    """Return the table of a model, as it was written."""
    document: dict[str, Any] = json.loads(_path(name).read_text(encoding="utf-8"))
    return document


def _path(name: str) -> Path:
    return FOLDER / f"front_{name}.json"


def measure(name: str) -> dict[str, Any]:
    """Return a table of all configurations, each quantised and measured."""
    model, of, judge = MODELS[name], task(name), Judge(name)
    adaptor = OnnxRuntimeAdaptor()
    weighted = ("Conv", "Gemm", "MatMul")
    operations = [
        (one.name, one.type)
        for one in adaptor.capability(of.model).operations
        if one.type in weighted
    ]
    rows = []
    choices = list(product(range(len(OPTIONS)), repeat=len(operations)))
    for chosen in track(choices, description=name):
        options = {key: option_of(OPTIONS[i]) for key, i in zip(operations, chosen, strict=True)}
        made = adaptor.quantize(of.model, options, of.calibration)
        found = judge.measured(made)
        rows.append([*chosen, round(found["accuracy"], 6), found["bytes"]])
    base = judge.measure(model.path)
    return {
        "operations": [list(key) for key in operations],
        "options": [list(OPTIONS)] * len(operations),
        "baseline": [round(base["accuracy"], 6), base["bytes"]],
        "rows": rows,
    }


def front(points: list[Point]) -> list[Point]:
    """Return the points that no other is better than, the most accurate first."""
    kept: list[Point] = []
    for accuracy, size in sorted(set(points), reverse=True):
        if not kept or size > kept[-1][1]:
            kept.append((accuracy, size))
    return kept


def hypervolume(points: list[Point], beyond: Point) -> float:
    """Return the area that is dominated, within what is better than ``beyond``."""
    area, lowest = 0.0, beyond[1]
    for accuracy, size in front([p for p in points if p[0] > beyond[0] and p[1] > beyond[1]]):
        area += (accuracy - beyond[0]) * (size - lowest)
        lowest = size
    return area


def beyond(true: list[Point]) -> Point:
    """Return where the area of a true front begins: its worst in both, and a margin."""
    lows, highs = ([pick(column) for column in zip(*true, strict=True)] for pick in (min, max))
    low, other = (a - MARGIN * (b - a) for a, b in zip(lows, highs, strict=True))
    return low, other


def share(name: str, strategy: str, seed: int, trials: int = TRIALS) -> float:
    """Return the share of the true hypervolume that a run covers."""
    document, model = table(name), MODELS[name]
    adaptor = TableAdaptor(document)
    conf = Conf(
        {
            "model": {"framework": "onnxrt_qlinearops"},
            "quantization": {"model_wise": {"activation": {"algorithm": "minmax"}}},
            "tuning": {
                "accuracy_criterion": {
                    "relative": LOSS,
                    "higher_is_better": model.higher_is_better,
                },
                "multi_objectives": {
                    "objective": ["accuracy", "modelsize"],
                    "higher_is_better": [model.higher_is_better, False],
                },
                "random_seed": seed,
                "exit_policy": {"timeout": 10**6, "max_trials": trials},
            },
        }
    )
    run = STRATEGIES[strategy](None, conf, [(0, 0)], eval_func=adaptor.accuracy, adaptor=adaptor)
    sign = 1.0 if model.higher_is_better else -1.0
    whole = [(sign * accuracy, -size) for *_, accuracy, size in document["rows"]]
    found = [
        (sign * (trial.measurement.accuracy or 0.0), -trial.measurement.values["modelsize"])
        for trial in run.run()
        if trial.measurement is not None
    ]
    start = beyond(front(whole))
    return hypervolume(found, start) / hypervolume(whole, start)


def main() -> None:
    """Write the tables, or run the strategies on them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="measure the tables")
    parser.add_argument("--strategies", nargs="*", default=["bayesian", "random"])
    arguments = parser.parse_args()
    for name in TABLES if arguments.write else []:
        text = json.dumps(measure(name), separators=(",", ":"))
        _path(name).write_text(text, encoding="utf-8")
    print("| table | strategy | share of the hypervolume | worst seed |\n|---|---|---|---|")
    for name in TABLES:
        for strategy in arguments.strategies:
            shares = [share(name, strategy, seed) for seed in range(SEEDS)]
            print(f"| {name} | {strategy} | {mean(shares):.3f} | {min(shares):.3f} |", flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
