"""A job of Ray Tune, begun or gone on with: ``python ray_job.py FOLDER [restore]``.

Evaluations are noted in ``FOLDER/calls.txt``; at the end every trial is printed as a line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import ray
from ray import tune

from asktell.integrations.ray import AskTellSearcher

TRIALS = 10
SPACE = {
    "x": tune.uniform(0.0, 1.0),
    "layers": {"n": tune.randint(1, 9)},
    "shape": tune.choice([(1, 2), (3, 4)]),
}
FOLDER = Path(sys.argv[1])


def train(config: dict[str, Any]) -> dict[str, float]:
    time.sleep(0.2)
    with (Path(config["folder"]) / "calls.txt").open("a", encoding="utf-8") as file:
        file.write(f"{tune.get_context().get_trial_id()}\n")
    return {"loss": (config["x"] - 0.3) ** 2 + config["layers"]["n"] / 10}


def main(restore: bool) -> None:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    if restore:
        space = {**SPACE, "folder": str(FOLDER)}
        tuner = tune.Tuner.restore(str(FOLDER / "job"), trainable=train, param_space=space)
    else:
        tuner = tune.Tuner(
            train,
            param_space={**SPACE, "folder": str(FOLDER)},
            tune_config=tune.TuneConfig(
                search_alg=AskTellSearcher(seed=4, n_initial=100),
                metric="loss",
                mode="min",
                num_samples=TRIALS,
                max_concurrent_trials=2,
            ),
            run_config=tune.RunConfig(name="job", storage_path=str(FOLDER), verbose=0),
        )
    for result in tuner.fit():
        config = {key: value for key, value in result.config.items() if key != "folder"}
        line = {"id": result.metrics["trial_id"], "config": config, "loss": result.metrics["loss"]}
        print(json.dumps(line))


if __name__ == "__main__":
    main("restore" in sys.argv[2:])
