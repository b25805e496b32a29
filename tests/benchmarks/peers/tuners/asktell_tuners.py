"""asktell's own strategies, measured as the others are."""

from __future__ import annotations

from typing import Any

import onnx
from client import Task

from strategies import Conf, tune


def main() -> None:
    """Tune."""
    task = Task()
    seen: list[bool] = []

    def evaluate(model: onnx.ModelProto) -> float:
        answer = task.evaluate(model.SerializeToString(), float32=not seen and not task.resume)
        seen.append(True)
        return float(answer["accuracy"])

    conf = Conf(
        {
            "model": {"framework": "onnxrt_integerops" if task.dynamic else "onnxrt_qlinearops"},
            "quantization": {"calibration": {"sampling_size": len(task.x)}},
            "tuning": {
                "accuracy_criterion": {**task.criterion, "higher_is_better": task.higher_is_better},
                "strategy": {"name": task.peer.removeprefix("asktell_")},
                "objective": "modelsize",
                "workspace": {"path": str(task.folder / "workspace")},
                "random_seed": task.seed,
                "exit_policy": {"timeout": 10**6, "max_trials": task.trials},
            },
        }
    )
    calibration: list[tuple[Any, Any]] = [(rows, None) for rows in task.batches()]
    tune(str(task.model), conf, calibration, eval_func=evaluate, quiet=True, report=False)


if __name__ == "__main__":
    main()
