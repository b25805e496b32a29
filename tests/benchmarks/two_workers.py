"""A model of a hundred operations, tuned in two workers for ten minutes: what the time goes into.

``python tests/benchmarks/two_workers.py`` tunes the encoder of twelve layers for latency, with all
its operations, prints the seconds by part and writes them to ``records_tuners/two_workers.json``.
``--minutes`` and ``--objective`` change the run.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path

from real_models import MODELS, task

from strategies import BayesianTuneStrategy, Conf

RECORD = Path(__file__).parent / "records_tuners" / "two_workers.json"
NAME = "deep encoder"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--objective", default="performance", choices=["performance", "modelsize"])
    arguments = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(message)s")
    model = task(NAME)
    conf = Conf(
        {
            "model": {"framework": "onnxrt_qlinearops"},
            "quantization": {"approach": "post_training_auto_quant"},
            "tuning": {
                "objective": arguments.objective,
                "exit_policy": {"timeout": round(60 * arguments.minutes), "max_trials": 10**6},
            },
            "evaluation": {"accuracy": {"metric": MODELS[NAME].metric}},
        }
    )
    strategy = BayesianTuneStrategy(
        model.model, conf, model.calibration, eval_dataloader=model.evaluation
    )
    strategy.traverse(workers=2)
    best, baseline = strategy.best_trial(), strategy.baseline
    assert best is not None
    assert best.measurement is not None
    assert baseline is not None
    found = {
        "operations": len(strategy.tuning_space.operations),
        "trials": len(strategy.trials),
        "best": {"number": best.number, "accuracy": best.measurement.accuracy},
        "value": [
            baseline.values[arguments.objective],
            best.measurement.values[arguments.objective],
        ],
        "seconds": round(strategy.seconds, 1),
        "seconds_by_part": {part: round(s, 1) for part, s in strategy.seconds_by_part.items()},
    }
    text = json.dumps({arguments.objective: found}, indent=1)
    RECORD.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
