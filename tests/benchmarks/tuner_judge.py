"""What measures every model that a tuner makes: one function, in one version of ONNX Runtime."""

from __future__ import annotations

import hashlib
import time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from attrs import frozen
from numpy.typing import NDArray
from quantised_models import Task
from real_models import EVALUATED, MODELS, task

from strategies.conf import Metric
from strategies.metrics import metric_function

ROUNDS = 40
Array = NDArray[Any]


@frozen(eq=False, slots=False)
class Judge:
    """Measures files of one model."""

    name: str

    @property
    def of(self) -> Task:
        """Return the model with its data."""
        return task(self.name)

    @cached_property
    def labels(self) -> Array:
        """Return the labels of all rows to evaluate on."""
        return np.concatenate([labels for _, labels in self.of.evaluation])

    @cached_property
    def rows(self) -> Array:
        """Return all rows to evaluate on."""
        return np.concatenate([rows for rows, _ in self.of.evaluation])

    def measure(self, path: Path, chosen: list[int] | None = None) -> dict[str, Any]:
        """Return accuracy, bytes and digest of a file; of chosen rows alone also what each says.

        What each row says is 1 where the class is right, else the square of the error, negative.
        """
        return self.measured(onnx.load(path), chosen)

    def measured(self, model: onnx.ModelProto, chosen: list[int] | None = None) -> dict[str, Any]:
        """Return the same of a model."""
        serialised = model.SerializeToString(deterministic=True)
        rows, labels = self.rows, self.labels
        if chosen is not None:
            rows, labels = rows[chosen], labels[chosen]
        session, size = _session(serialised), EVALUATED
        starts = range(0, len(rows), size)
        outputs = np.concatenate([_run(session, rows[start : start + size]) for start in starts])
        (name, options), *_ = self.of.metric.items()
        options = options if isinstance(options, dict) else {"k": options}
        metric = metric_function(Metric(name, options))
        each = (
            (outputs.argmax(axis=1) == labels).astype(float)
            if "topk" in self.of.metric
            else -np.square(outputs[:, 0] - labels)
        )
        return {
            "accuracy": metric(outputs, labels),
            "bytes": len(serialised),
            "digest": hashlib.blake2b(serialised, digest_size=4).hexdigest(),
            "rows": len(labels),
            "each": each.tolist(),
        }

    def latency(self, path: Path, rows: int = 50) -> tuple[float, float]:
        """Return median milliseconds of the FP32 model and of another, measured in turns.

        These are of the processor: on one thread that is the latency where nobody else is at work.
        """
        sessions = [_session(p.read_bytes()) for p in (MODELS[self.name].path, path)]
        seconds: list[tuple[float, ...]] = []
        for _ in range(ROUNDS + 3):
            taken = []
            for session in sessions:
                start = time.process_time()
                _run(session, self.rows[:rows])
                taken.append(time.process_time() - start)
            seconds.append(tuple(taken))
        plain, quantised = 1000 * np.median(np.array(seconds[3:]), axis=0)
        return float(plain), float(quantised)


def _session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised, too
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, rows: Array) -> Array:
    return np.asarray(session.run(None, {session.get_inputs()[0].name: rows})[0])
