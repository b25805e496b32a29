"""FP32 models of many kinds, trained by ``train_models.py``, each with data that it never saw.

Vision: a CNN with badly scaled channels, a residual one that keeps its normalisation as nodes and a
depthwise one; two perceptrons on raw measurements; and of text an embedding model, an encoder of
two layers and an LSTM over characters. The encoder of twelve layers, on digits cut into 16 pieces,
has about a hundred products.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from attrs import field, frozen
from quantised_models import DYNAMIC, STATIC, Task

from strategies.examples import digits

FOLDER = Path(__file__).parent / "data" / "models"
CALIBRATED, EVALUATED = 20, 250
"""Rows of a batch."""


@frozen
class RealModel:
    """A model on disk, and what it is measured with.

    ``accuracy`` is that of the FP32 model on the rows to evaluate on: a share, or an error where
    higher is not better.
    """

    name: str
    kind: str
    data: str
    accuracy: float
    framework: str = STATIC
    metric: dict[str, Any] = field(factory=lambda: {"topk": 1})
    higher_is_better: bool = True

    @property
    def path(self) -> Path:
        """Return the file of the model."""
        return FOLDER / f"{self.name.replace(' ', '_')}.onnx"

    @property
    def rows(self) -> Path:
        """Return the file of ``calibration_x``, ``calibration_y``, ``evaluation_x`` and so on."""
        return FOLDER / f"{self.data}.npz"


MODELS = {
    model.name: model
    for model in (
        RealModel("channels", "CNN with badly scaled channels", "digits", 0.991655),
        RealModel("residual", "residual CNN", "digits", 0.997218),
        RealModel("depthwise", "depthwise CNN", "photographs", 0.987483),
        RealModel("tumours", "perceptron, tabular", "tumours", 0.960526),
        RealModel(
            "diabetes",
            "perceptron, regression",
            "diabetes",
            0.598861,
            metric={"rmse": {}},
            higher_is_better=False,
        ),
        RealModel("words", "embedding model", "words", 0.737),
        RealModel("encoder", "encoder of 2 layers", "words", 0.707),
        RealModel("deep encoder", "encoder of 12 layers", "digits", 0.979138),
        RealModel("lstm", "LSTM", "characters", 0.905556, framework=DYNAMIC),
    )
}


@cache
def task(name: str) -> Task:
    """Return the named model with its data."""
    model = MODELS[name]
    with np.load(model.rows) as rows:
        calibration = rows["calibration_x"], rows["calibration_y"]
        evaluation = rows["evaluation_x"], rows["evaluation_y"]
    return Task(
        onnx.load(model.path),
        digits.batches(calibration, CALIBRATED),
        digits.batches(evaluation, EVALUATED),
        metric=model.metric,
        higher_is_better=model.higher_is_better,
        framework=model.framework,
    )
