"""The Bayesian strategy beside the random one, on small models and criteria from no loss to 2 %.

``python tests/benchmarks/strategy_runs.py bayesian random`` runs both, writes their
records and prints the comparison; without names it prints the records that are there.
Options: ``--models`` and ``--criteria`` limit the runs (records of others are kept), ``--memory
FILE`` keeps what was evaluated for the next time, ``--name`` writes the records under another name.

A record holds, for a seed, the first trial that meets the criterion, counted from 1 and without the
FP32 model, or null; and the bytes of the smallest model that meets it after 20 and after 40 trials,
those of the FP32 model where there is none.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from attrs import define, field
from quantised_models import DYNAMIC, MODELS, Task, task
from threadpoolctl import threadpool_limits

from strategies import Conf, TuneStrategy
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.asked import ALGORITHMS
from strategies.metrics import metric_function
from strategies.workspace import STRATEGIES

RECORDS = Path(__file__).parent / "records_strategies"
CRITERIA: dict[str, dict[str, float]] = {
    "no loss": {"absolute": 0.0},
    "0.5 %": {"relative": 0.005},
    "1 %": {"relative": 0.01},
    "2 %": {"relative": 0.02},
}
SEEDS = 10
TRIALS = 40
NEVER = TRIALS + 1

Record = tuple[int | None, int, int]
"""The first trial that meets the criterion, and the least bytes after 20 and 40 trials."""

Records = dict[str, dict[str, list[Record]]]
"""By model and criterion, one for each seed."""


@define(eq=False)
class Remembering:
    """An adaptor whose models are ``(accuracy, bytes)``, each measured once; so are damages."""

    of: Task
    known: dict[str, tuple[float, int]]
    real: OnnxRuntimeAdaptor = field(init=False)
    _sizes: Any = field(init=False)
    _sensitivities: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.real = OnnxRuntimeAdaptor(list(ALGORITHMS)[self.of.framework == DYNAMIC])
        self._sizes = self.real.sizes(self.of.model, self.of.calibration)
        operations = self.real.capability(self.of.model).operations
        self._sensitivities = self.real.sensitivities(
            self.of.model, {one.key: one.options for one in operations}, self.of.calibration
        )

    def load(self, model: Any) -> Any:
        return model

    def capability(self, model: Any) -> Any:
        return self.real.capability(self.of.model)

    def quantize(self, model: Any, tune_cfg: Any, dataloader: Any) -> tuple[float, int]:
        key = repr(sorted(tune_cfg.items(), key=repr))
        if key not in self.known:
            made = self.real.quantize(self.of.model, tune_cfg, self.of.calibration)
            self.known[key] = self.measured(made)
        return self.known[key]

    def measured(self, model: Any) -> tuple[float, int]:
        conf = configuration(self.of, CRITERIA["1 %"], 0)
        metric = metric_function(conf.metric)
        return self.real.evaluate(model, self.of.evaluation, metric), self.real.size(model)

    def size(self, model: Any) -> int:
        return int(model[1])

    def sizes(self, model: Any, dataloader: Any) -> Any:
        return self._sizes

    def sensitivities(self, model: Any, options: Any, dataloader: Any) -> Any:
        return self._sensitivities

    def digest(self, model: Any) -> str:
        return str(model)


def accuracy(model: Any) -> float:
    return float(model[0])


def configuration(of: Task, criterion: dict[str, float], seed: int) -> Conf:
    return Conf(
        {
            "model": {"framework": of.framework},
            "quantization": {"calibration": {"sampling_size": of.sampling_size}},
            "tuning": {
                "accuracy_criterion": {**criterion, "higher_is_better": of.higher_is_better},
                "objective": "modelsize",
                "random_seed": seed,
                "exit_policy": {"timeout": 10**6, "max_trials": TRIALS},
            },
            "evaluation": {"accuracy": {"metric": of.metric}},
        }
    )


def run(kind: type[TuneStrategy], adaptor: Remembering, criterion: str, seed: int) -> Record:
    """Return what one run came to."""
    conf = configuration(adaptor.of, CRITERIA[criterion], seed)
    float_model = adaptor.known["float"]
    strategy = kind(float_model, conf, adaptor.of.calibration, eval_func=accuracy, adaptor=adaptor)
    meeting = [
        (trial.number + 1, int(trial.measurement.values["modelsize"]))
        for trial in strategy.run()
        if trial.meets and trial.measurement is not None
    ]
    least = [
        min([size for number, size in meeting if number <= trials], default=float_model[1])
        for trials in (TRIALS // 2, TRIALS)
    ]
    return (meeting[0][0] if meeting else None, least[0], least[1])


def read(name: str) -> Records:
    path = RECORDS / f"{name}.json"
    records: Records = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return records


def write(name: str, records: Records) -> None:
    RECORDS.mkdir(exist_ok=True)
    lines = []
    for model in MODELS:
        cells = records.get(model, {})
        rows = [f"  {json.dumps(c)}: {json.dumps(cells[c])}" for c in CRITERIA if c in cells]
        if rows:
            lines.append(f" {json.dumps(model)}: {{\n" + ",\n".join(rows) + "\n }")
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    (RECORDS / f"{name}.json").write_text(text, encoding="utf-8")


def medians(records: list[Record]) -> list[float]:
    """Return the median of each number; never counts as one trial more than there were."""
    firsts, *sizes = zip(*records, strict=True)
    return [float(np.median([NEVER if first is None else first for first in firsts]))] + [
        float(np.median(size)) for size in sizes
    ]


def comparison(ours: Records, others: Records) -> tuple[list[str], list[float]]:
    """Return a line for each cell, and what the cells come to for both.

    The sums are of first trials, of seeds without any, and of sizes relative to the smaller of the
    two medians.
    """
    lines = [f"{'':30} {'first trial':>13} {'bytes, 20':>17} {'bytes, 40':>17} {'never':>7}"]
    sums = np.zeros((2, 4))
    for model, cells in ours.items():
        for criterion, records in cells.items():
            theirs = others.get(model, {}).get(criterion)
            if theirs is None:
                continue
            pairs = list(zip(medians(records), medians(theirs), strict=True))
            never = tuple(sum(r[0] is None for r in side) for side in (records, theirs))
            named = zip(("first", "20", "40"), pairs, strict=True)
            worse = [what for what, (a, b) in named if a > b]
            (a, b), *sizes = pairs
            shown = f"{a:>6.1f} {b:>6.1f} " + " ".join(f"{a:>8.0f} {b:>8.0f}" for a, b in sizes)
            note = f"  loses: {', '.join(worse)}" if worse else ""
            lines.append(f"{model:22}{criterion:>8} {shown} {never[0]:>3} {never[1]:>3}{note}")
            for side in (0, 1):
                relative = [pair[side] / min(pair) for pair in pairs[1:]]
                sums[side] += [pairs[0][side], *relative, never[side]]
    for side, name in enumerate(("ours", "others'")):
        first, twenty, forty, never_ = sums[side]
        lines.append(
            f"sum, {name}: first trials {first:.1f}; sizes over the smaller one's {twenty:.3f} "
            f"after 20, {forty:.3f} after 40; {never_:.0f} runs without any"
        )
    return lines, sums.ravel().tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("strategies", nargs="*", help="what to run")
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--criteria", nargs="*", default=list(CRITERIA))
    parser.add_argument("--memory", type=Path, help="a file for what was evaluated")
    parser.add_argument("--name", help="of the records, instead of the strategy's")
    parser.add_argument("--against", default="random", help="the records to compare with")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    arguments = parser.parse_args()
    memory = arguments.memory
    known = json.loads(memory.read_text()) if memory and memory.exists() else {}
    for model in arguments.models if arguments.strategies else []:
        adaptor = Remembering(task(model), known.setdefault(model, {}))
        adaptor.known.setdefault("float", adaptor.measured(adaptor.of.model))
        for name in arguments.strategies:
            records = read(arguments.name or name)
            for criterion in arguments.criteria:
                kind, seeds = STRATEGIES[name], range(arguments.seeds)
                runs = [run(kind, adaptor, criterion, seed) for seed in seeds]
                records.setdefault(model, {})[criterion] = runs
                print(name, model, criterion, runs, file=sys.stderr)
            write(arguments.name or name, records)
        if memory:
            memory.write_text(json.dumps(known), encoding="utf-8")
    lines, _ = comparison(read(arguments.name or "bayesian"), read(arguments.against))
    print("\n".join(lines))


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
