"""A quantisation space whose every configuration was measured with ONNX Runtime."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import strategies
from strategies.adaptors.base import FP32, Capability, Operation, TuneConfig
from strategies.tuning_space import option_label

TABLE = Path(__file__).parent / "data" / "quantisation_digits.json"

CONF = strategies.Conf(
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

    def __init__(self) -> None:
        document = table()
        self._keys = [tuple(key) for key in document["operations"]]
        self._labels = document["options"]
        self._measured = {tuple(row[:-2]): (row[-2], row[-1]) for row in document["rows"]}
        self._baseline = tuple(document["baseline"])

    def capability(self, model: Any) -> Capability:
        """Return the operations and options of the table."""
        operations = zip(self._keys, self._labels, strict=True)
        return Capability(
            tuple(Operation(*key, tuple(map(_option, labels))) for key, labels in operations)
        )

    def quantize(self, model: Any, tune_cfg: TuneConfig, dataloader: Any) -> Any:
        """Return the row's indices."""
        labels = [option_label(tune_cfg[key]) for key in self._keys]
        return tuple(options.index(label) for options, label in zip(self._labels, labels))

    def measured(self, model: Any) -> tuple[float, int]:
        """Return accuracy and size of a row; of anything else, those of the FP32 model."""
        return self._measured.get(model, self._baseline)

    def accuracy(self, model: Any) -> float:
        """Return the accuracy."""
        return self.measured(model)[0]

    def size(self, model: Any) -> int:
        """Return the bytes."""
        return self.measured(model)[1]


def _option(label: str) -> dict[str, dict[str, str]]:
    if label == "fp32":
        return {side: dict(values) for side, values in FP32.items()}
    weight, activation = (part.split()[1:] for part in label.split(", "))
    return {
        "weight": {"dtype": weight[0], "scheme": weight[1], "granularity": f"per_{weight[2]}"},
        "activation": {"dtype": activation[0], "scheme": activation[1]},
    }
