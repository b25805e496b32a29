"""Optuna's TPE over ONNX Runtime's global settings, as Olive and Quark search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import onnx
import optuna
from client import SpentError, Task
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

TYPES = {"int8": QuantType.QInt8, "uint8": QuantType.QUInt8}


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Rows to calibrate with, in batches."""

    def __init__(self, task: Task, name: str) -> None:
        self._feeds: Iterator[dict[str, Any]] = iter({name: rows} for rows in task.batches())

    def get_next(self) -> dict[str, Any] | None:
        """Return the next batch."""
        return next(self._feeds, None)


def main() -> None:
    """Search."""
    task = Task()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    prepared, made = task.folder / "prepared.onnx", task.folder / "made.onnx"
    try:
        quant_pre_process(str(task.model), str(prepared))
    except Exception:  # it cannot infer the shapes of all
        prepared = task.model
    name = onnx.load(prepared).graph.input[0].name
    base = task.evaluate(str(task.model), float32=True)["accuracy"] * task.sign
    least = base - (task.loss * abs(base) if task.relative else task.loss)

    def objective(trial: optuna.Trial) -> float:
        approach = trial.suggest_categorical("approach", ["static", "dynamic"])
        weight = trial.suggest_categorical("weight", list(TYPES))
        common: dict[str, Any] = {
            "weight_type": TYPES[weight],
            "per_channel": trial.suggest_categorical("per_channel", [False, True]),
            "reduce_range": trial.suggest_categorical("reduce_range", [False, True]),
        }
        extra: dict[str, Any] = {
            "WeightSymmetric": trial.suggest_categorical("weight_symmetric", [True, False])
        }
        if approach == "dynamic":
            quantize_dynamic(str(prepared), str(made), extra_options=extra, **common)
        else:
            method = trial.suggest_categorical("method", ["MinMax", "Entropy", "Percentile"])
            activation = trial.suggest_categorical("activation", list(TYPES))
            symmetric = trial.suggest_categorical("symmetric", [False, True])
            form = trial.suggest_categorical("format", ["QDQ", "QOperator"])
            quantize_static(
                str(prepared),
                str(made),
                Reader(task, name),
                quant_format=QuantFormat[form],
                activation_type=TYPES[activation],
                calibrate_method=CalibrationMethod[method],
                extra_options={**extra, "ActivationSymmetric": symmetric},
                **common,
            )
        answer = task.evaluate(made.read_bytes())
        trial.set_user_attr("short", least - task.sign * answer["accuracy"])
        return float(answer[task.objective])

    sampler = optuna.samplers.TPESampler(
        seed=task.seed,
        multivariate=True,
        group=True,
        constraints_func=lambda trial: [trial.user_attrs.get("short", 1.0)],
    )
    storage = f"sqlite:///{task.folder / 'study.db'}"
    study = optuna.create_study(
        sampler=sampler, storage=storage, study_name="study", load_if_exists=True
    )

    def attempt(trial: optuna.Trial) -> float:
        try:
            return objective(trial)
        except (SpentError, optuna.TrialPruned):
            raise
        except Exception as error:  # a failed trial counts as one
            task.ask(failed=f"{type(error).__name__}: {str(error)[:80]}")
            raise optuna.TrialPruned from error

    study.optimize(attempt, n_trials=task.trials - len(study.trials))


if __name__ == "__main__":
    main()
