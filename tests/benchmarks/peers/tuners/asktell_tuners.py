"""asktell's own strategies, measured as the others are."""

from __future__ import annotations

from typing import Any

import onnx
from client import Task

from strategies import Conf, tune

TIMED = 50
"""Rows of the batch that is timed, as the judge does."""


def main() -> None:
    """Tune."""
    task = Task()
    seen: list[bool] = []

    def evaluate(model: onnx.ModelProto) -> float:
        answer = task.evaluate(model.SerializeToString(), float32=not seen and not task.resume)
        seen.append(True)
        return float(answer["accuracy"])

    is_timed = task.objective == "latency"
    is_dynamic = task.dynamic and not is_timed
    framework = "onnxrt_integerops" if is_dynamic else "onnxrt_qlinearops"
    conf = Conf(
        {
            "model": {"framework": framework},
            "quantization": {
                **({"approach": "post_training_auto_quant"} if is_timed else {}),
                "calibration": {"sampling_size": len(task.x)},
            },
            "tuning": {
                "accuracy_criterion": {**task.criterion, "higher_is_better": task.higher_is_better},
                "strategy": {"name": task.peer.removeprefix("asktell_")},
                "objective": "performance" if is_timed else "modelsize",
                "workspace": {"path": str(task.folder / "workspace")},
                "random_seed": task.seed,
                "exit_policy": {"timeout": 10**6, "max_trials": task.trials},
            },
        }
    )
    calibration: list[tuple[Any, Any]] = [(rows, None) for rows in task.batches()]
    timed = [(task.evaluation_x[:TIMED], None)]
    tune(
        str(task.model),
        conf,
        calibration,
        eval_dataloader=timed,
        eval_func=evaluate,
        quiet=True,
        report=False,
    )


if __name__ == "__main__":
    main()
