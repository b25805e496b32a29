"""Neural Compressor 2.6: its own strategies, and asktell's engine as a strategy of its.

The engine's strategy is a class whose name ends in ``TuneStrategy``, registered as theirs are. It
chooses among the same candidates as their Bayesian strategy, and fp32.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
from client import Task
from neural_compressor import PostTrainingQuantConfig, quantization
from neural_compressor.config import AccuracyCriterion, TuningCriterion, options
from neural_compressor.objective import ModelSize
from neural_compressor.strategy.strategy import TuneStrategy, strategy_registry
from neural_compressor.strategy.utils.tuning_sampler import OpWiseTuningSampler
from neural_compressor.strategy.utils.tuning_structs import OpTuningConfig

SIZES: list[float] = []
"""Bytes of the models that were evaluated, or whatever else is to be as little as possible."""


class Loader:
    """Rows to calibrate with, in batches."""

    batch_size = 20

    def __init__(self, task: Task) -> None:
        self._task = task

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        for rows in self._task.batches(self.batch_size):
            yield rows, 0


@strategy_registry
class AsktellTuneStrategy(TuneStrategy):  # type: ignore[misc]
    """The engine proposes, Neural Compressor quantises and measures."""

    def next_tune_cfg(self) -> Iterator[dict[Any, Any]]:
        """Turn each ``yield`` into ask and tell."""
        import asktell as at

        space = self.tuning_space
        dtypes, _, initial = self.initial_tuning_cfg()
        sampler = OpWiseTuningSampler(space, [], [], dtypes, initial)
        candidates: dict[Any, list[Any]] = {
            key: list(configs) for key, configs in sampler.get_opwise_candidate().items()
        }
        for item in space.query_items_by_quant_mode("fp32"):
            if item.name in candidates:
                candidates[item.name].append(OpTuningConfig(*item.name, "fp32", space))
        free = {key: configs for key, configs in candidates.items() if len(configs) > 1}
        names = {key: f"{key[0]} ({key[1]})" for key in free}
        calibration = space.root_item.get_option_by_name("calib_sampling_size").options[0]
        engine = at.Engine(
            at.Space(*(at.Categorical(names[key], range(len(free[key]))) for key in free)),
            seed=options.random_seed,
            objectives={"bytes": "minimize"},
            constraints={"accuracy": at.AtLeast(self._least())},
        )
        engine.enqueue(dict.fromkeys(names.values(), 0))
        while True:
            suggestion = engine.suggest()
            chosen = {
                key: configs[suggestion.params[names[key]]] if key in names else configs[0]
                for key, configs in candidates.items()
            }
            self.last_tune_result = None
            try:
                yield {**deepcopy(chosen), "calib_sampling_size": calibration}
            finally:  # also when the run ends here, or an evaluation raised
                result = self.last_tune_result
                if result is None:
                    engine.fail(suggestion, reason="not evaluated")
                else:
                    told = {"accuracy": self._sign() * float(result[0]), "bytes": SIZES[-1]}
                    engine.observe(suggestion, told)

    def _sign(self) -> float:
        return 1.0 if self.config.accuracy_criterion.higher_is_better else -1.0

    def _least(self) -> float:
        criterion = self.config.accuracy_criterion
        base = self._sign() * float(self.baseline[0])
        lost = criterion.tolerable_loss
        return base - (lost * abs(base) if criterion.criterion == "relative" else lost)


def size_of_file(self: ModelSize) -> None:
    """Take the bytes of the file: its own function needs TensorFlow, and counts attributes."""
    self._result_list.append(SIZES[-1])


def main() -> None:
    """Tune."""
    task = Task()
    seen: list[bool] = []

    def evaluate(model: Any) -> float:
        answer = task.evaluate(model.SerializeToString(), float32=not seen)
        seen.append(True)
        SIZES.append(answer.get(task.objective, 1000))  # FP32 takes 1000 thousandths of its time
        return float(answer["accuracy"])

    ModelSize.end = size_of_file
    options.random_seed = task.seed
    options.workspace = str(task.folder)
    if task.resume:
        options.resume_from = str(task.folder / "history.snapshot")
    tuning = TuningCriterion(
        strategy="basic", timeout=10**6, max_trials=task.trials, objective="modelsize"
    )
    tuning._strategy = task.peer.removeprefix("neural_compressor_")
    accuracy = AccuracyCriterion(
        higher_is_better=task.higher_is_better,
        criterion="relative" if task.relative else "absolute",
        tolerable_loss=task.loss,
    )
    conf = PostTrainingQuantConfig(
        approach="dynamic" if task.dynamic else "static",
        tuning_criterion=tuning,
        accuracy_criterion=accuracy,
        calibration_sampling_size=[len(task.x)],
        quant_level=1,
    )
    quantization.fit(str(task.model), conf, calib_dataloader=Loader(task), eval_func=evaluate)


if __name__ == "__main__":
    main()
