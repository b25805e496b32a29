"""NNCF: ``quantize`` as it comes, and its accuracy control, which puts operations back to float."""

from __future__ import annotations

import copy
from typing import Any

import nncf
import onnx
from client import Task
from nncf.data.dataset import Dataset
from nncf.onnx.graph.passes import compress_quantize_weights_transformation


def main() -> None:
    """Quantise."""
    task = Task()
    model = onnx.load(task.model)
    name = model.graph.input[0].name
    calibration = Dataset(range(len(task.x)), lambda row: {name: task.x[row : row + 1]})
    transformer = "encoder" in task.name
    settings: dict[str, Any] = {
        "subset_size": len(task.x),
        "model_type": nncf.ModelType.TRANSFORMER if transformer else None,
    }
    if task.peer == "nncf":
        made = nncf.quantize(model, calibration, **settings)
        task.evaluate(made.SerializeToString())
        return
    seen: list[bool] = []

    def validate(made: onnx.ModelProto, rows: Any) -> tuple[float, list[float]]:
        chosen = [int(row) for row in rows]
        whole = len(chosen) == task.n_rows
        if len(chosen) == 1:  # it finds out what this function returns
            return 0.0, [0.0]
        if seen:  # what it would return: weights are stored as floats until then
            made = copy.deepcopy(made)
            compress_quantize_weights_transformation(made)
        file = made.SerializeToString()
        answer = task.evaluate(file, None if whole else chosen, float32=not seen)
        seen.append(True)
        return task.sign * answer["accuracy"], answer["each"]

    loss, kind = task.loss, nncf.DropType.ABSOLUTE
    if task.relative and task.higher_is_better:
        kind = nncf.DropType.RELATIVE
    elif task.relative:  # of a number below zero it takes no share
        loss *= task.evaluate(str(task.model), float32=True)["accuracy"]
    nncf.quantize_with_accuracy_control(
        model,
        calibration,
        Dataset(range(task.n_rows), lambda row: {name: task.evaluation_x[row : row + 1]}),
        validate,
        max_drop=loss,
        drop_type=kind,
        **settings,
    )


if __name__ == "__main__":
    main()
