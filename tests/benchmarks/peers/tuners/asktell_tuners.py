"""asktell's own strategies, measured as the others are."""

from __future__ import annotations

from typing import Any

import onnx
from client import Task

from strategies import Conf
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.workspace import STRATEGIES


def main() -> None:
    """Tune."""
    task = Task()
    seen: list[bool] = []

    def evaluate(model: onnx.ModelProto) -> float:
        answer = task.evaluate(model.SerializeToString(), float32=not seen)
        seen.append(True)
        return float(answer["accuracy"])

    conf = Conf(
        {
            "model": {"framework": "onnxrt_integerops" if task.dynamic else "onnxrt_qlinearops"},
            "quantization": {"calibration": {"sampling_size": len(task.x)}},
            "tuning": {
                "accuracy_criterion": {**task.criterion, "higher_is_better": task.higher_is_better},
                "objective": "modelsize",
                "random_seed": task.seed,
                "exit_policy": {"timeout": 10**6, "max_trials": task.trials},
            },
        }
    )
    calibration: list[tuple[Any, Any]] = [(rows, None) for rows in task.batches()]
    kind = STRATEGIES[task.peer.removeprefix("asktell_")]
    adaptor = OnnxRuntimeAdaptor(conf.approach)
    kind(str(task.model), conf, calibration, eval_func=evaluate, adaptor=adaptor).traverse()


if __name__ == "__main__":
    main()
