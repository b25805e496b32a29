"""Measure every configuration of a small quantisation space, and write the table.

``python tests/benchmarks/write_quantisation_table.py`` takes about a minute. The space is that of
the digits network with three or five options an operation: 2,025 configurations.
"""

from __future__ import annotations

import json

from quantisation import TABLE, conf
from rich.progress import track

import strategies
from strategies.examples import digits


def main() -> None:
    """Run the exhaustive strategy and keep what it measured."""
    strategy = strategies.ExhaustiveTuneStrategy(
        str(digits.MODEL), conf(), digits.calibration(), eval_dataloader=digits.validation()
    )
    space = strategy.tuning_space.space
    for _ in track(strategy.run(), total=space.size):
        pass
    assert strategy.baseline is not None
    rows = [
        [trial.params[name] for name in space.names]
        + [trial.measurement.accuracy, int(trial.measurement.values["modelsize"])]
        for trial in strategy.trials
        if trial.measurement
    ]
    labels = [list(options) for options in strategy.tuning_space.operations.values()]
    table = {
        "operations": [list(key) for key in strategy.tuning_space.operations],
        "options": labels,
        "baseline": [strategy.baseline.accuracy, int(strategy.baseline.values["modelsize"])],
        "rows": [
            [*(labels[i].index(label) for i, label in enumerate(row[:-2])), *row[-2:]]
            for row in rows
        ],
    }
    TABLE.write_text(json.dumps(table, separators=(",", ":")), encoding="utf-8")


if __name__ == "__main__":
    main()
