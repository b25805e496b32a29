"""A quantisation space whose every configuration was measured with ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import strategies
from strategies.adaptors.base import FP32, Capability, Operation, TuneConfig
from strategies.allowed import option_label
from strategies.objective import Measurement

TABLE = Path(__file__).parent / "data" / "quantisation_digits.json"


def conf(seed: int = 0) -> strategies.Conf:
    """Return the configuration that the table was made with."""
    return strategies.Conf(
        {
            "model": {"framework": "onnxrt_qlinearops"},
            "quantization": {
                "model_wise": {
                    "weight": {"dtype": ["int8", "fp32"], "scheme": "sym"},
                    "activation": {"dtype": ["uint8", "int8", "fp32"], "algorithm": "minmax"},
                },
                "op_wise": {
                    name: {"activation": {"dtype": ["uint8", "fp32"]}}
                    for name in ("conv1", "conv2", "conv4", "fc1")
                },
            },
            "tuning": {
                "accuracy_criterion": {"relative": 0.01},
                "objective": "modelsize",
                "random_seed": seed,
                "exit_policy": {"timeout": 3600, "max_trials": 10**6},
            },
            "evaluation": {"accuracy": {"metric": {"topk": 1}}},
        }
    )


@cache
def table() -> dict[str, Any]:
    """Return the table as it was written."""
    document: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return document


class TableAdaptor:
    """An adaptor that looks its answers up; a model is the tune configuration it was made from."""

    def __init__(self, document: dict[str, Any] | None = None) -> None:
        document = document or table()
        self._keys = [tuple(key) for key in document["operations"]]
        self._labels = document["options"]
        self._measured = {tuple(row[:-2]): (row[-2], row[-1]) for row in document["rows"]}
        self._baseline = tuple(document["baseline"])

    def load(self, model: Any) -> Any:
        """Return the model as it is."""
        return model

    def capability(self, model: Any) -> Capability:
        """Return the operations and options of the table."""
        operations = zip(self._keys, self._labels, strict=True)
        return Capability(
            tuple(Operation(*key, tuple(map(option_of, labels))) for key, labels in operations)
        )

    def quantize(self, model: Any, tune_cfg: TuneConfig, dataloader: Any) -> Any:
        """Return the row's indices."""
        labels = [option_label(tune_cfg[key]) for key in self._keys]
        return tuple(
            options.index(label) for options, label in zip(self._labels, labels, strict=True)
        )

    def measured(self, model: Any) -> tuple[float, int]:
        """Return accuracy and size of a row; of anything else, those of the FP32 model."""
        return self._measured.get(model, self._baseline)

    def accuracy(self, model: Any) -> float:
        """Return the accuracy."""
        return self.measured(model)[0]

    def size(self, model: Any) -> int:
        """Return the bytes."""
        return self.measured(model)[1]

    def sizes(self, model: Any, dataloader: Any) -> Callable[[TuneConfig], float]:
        """Return what looks the bytes up."""
        return lambda tune_cfg: self.size(self.quantize(model, tune_cfg, dataloader))

    def digest(self, model: Any) -> str:
        """Return a name for the table and the row."""
        return f"{TABLE.stem} {model}"


class Tuning:
    """The Bayesian strategy on the table, against random search."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._adaptor = TableAdaptor()
        self._strategy = strategies.BayesianTuneStrategy(
            None, conf(seed), [(0, 0)], eval_func=self._adaptor.accuracy, adaptor=self._adaptor
        )

    def trials_to_the_best(self, share: float) -> int:
        """Return how many trials the strategy needs to meet the best share of configurations."""
        run = self._strategy.run()
        trial = next(run)
        least = self._least_rank(share)
        while self._rank(trial.measurement) < least:
            trial = next(run)
        return trial.number + 1

    def random_trials_to_the_best(self, share: float) -> int:
        """Return the same for random search without repeats."""
        self._strategy.next_tune_cfg().send(None)  # the goal is known once the baseline is
        ranks, least = self._ranks(), self._least_rank(share)
        order = np.random.default_rng(self._seed).permutation(len(ranks))
        return next(i for i, row in enumerate(order, start=1) if ranks[row] >= least)

    def _ranks(self) -> list[tuple[bool, float]]:
        return [self._rank(Measurement(row[-2], {"modelsize": row[-1]})) for row in table()["rows"]]

    def _least_rank(self, share: float) -> tuple[bool, float]:
        ranks = sorted(self._ranks(), reverse=True)
        return ranks[int(share * len(ranks)) - 1]

    def _rank(self, measurement: Measurement | None) -> tuple[bool, float]:
        assert measurement is not None
        return self._strategy.goal.rank(measurement)


FIELDS = ("dtype", "scheme", "granularity")


def option_of(label: str) -> dict[str, dict[str, str]]:
    """Return the option that ``option_label`` calls so."""
    if label == "fp32":
        return {side: dict(values) for side, values in FP32.items()}
    weight, activation = (part.split()[1:] for part in label.split(", "))
    return {
        "weight": dict(zip(FIELDS, (*weight[:2], f"per_{weight[2]}"), strict=True)),
        "activation": dict(zip(FIELDS, (*activation, "per_tensor"), strict=True)),
    }
