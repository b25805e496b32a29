"""AMD Quark's AutoSearchPro, which hands its settings to Optuna's TPE.

The space is its preset A8W8 without the fine tuning by thousands of gradient steps, which it does
after its search over calibrations, and with weights per channel, which its presets leave out.
"""

from __future__ import annotations

import copy
from typing import Any

import onnx
from client import Task
from onnxruntime.quantization import CalibrationDataReader
from quark.onnx import AutoSearchPro, get_auto_search_config

FINE_TUNING = ("algorithms", "adaquant_params", "adaround_params")


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Rows to calibrate with, in batches."""

    def __init__(self, task: Task, name: str) -> None:
        self._task, self._name = task, name
        self.reset_iter()

    def reset_iter(self) -> None:
        """Begin again."""
        self._feeds = iter({self._name: rows} for rows in self._task.batches())

    def get_next(self) -> dict[str, Any] | None:
        """Return the next batch."""
        return next(self._feeds, None)


def main() -> None:
    """Search."""
    task = Task()
    seen: list[bool] = []

    def evaluate(path: str) -> float:
        answer = task.evaluate(str(path), float32=not seen)
        seen.append(True)
        return task.sign * float(answer["accuracy"])

    config = copy.deepcopy(get_auto_search_config("A8W8_SEARCH"))
    space = {
        key: values for key, values in config["search_space"].items() if key not in FINE_TUNING
    }
    space["weight_params"]["quant_granularity"] = ["Tensor", "Channel"]
    config.update(
        search_space=space,
        n_trials=task.trials,
        two_stage_search=False,
        search_evaluator=evaluate,
        model_input=str(task.model),
        calib_data_reader=Reader(task, onnx.load(task.model).graph.input[0].name),
        output_dir=str(task.folder / "output"),
        temp_dir=str(task.folder / "temp"),
        study_storage_db="study.db",
        load_study_if_exists=True,
    )
    AutoSearchPro(config).run()


if __name__ == "__main__":
    main()
