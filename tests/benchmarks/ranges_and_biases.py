"""What each way to choose ranges, and the correction of biases, loses: the table of decision 14.

``python tests/benchmarks/ranges_and_biases.py`` prints such a table, in minutes.
"""

from __future__ import annotations

import numpy as np
from quantised_models import MODELS, STATIC, Batch, Task, task

from strategies.adaptors.base import FP32, TuneConfig
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.calibration import ALGORITHMS
from strategies.conf import Metric
from strategies.examples import digits
from strategies.metrics import metric_function

DRAWS = 5
"""So many times half of the calibration samples are drawn."""


def losses(one: Task, corrected: bool, algorithm: str) -> list[float]:
    """Return the percent of the FP32 figure that the default configuration loses, for each draw."""
    ((name, options),) = one.metric.items()
    metric = metric_function(Metric(name, options if isinstance(options, dict) else {"k": options}))
    adaptor = OnnxRuntimeAdaptor(bias_correction=corrected)
    operations = adaptor.capability(one.model).operations
    tune_cfg: TuneConfig = {o.key: o.options[0] if o.has_weight else FP32 for o in operations}
    whole = adaptor.evaluate(one.model, one.evaluation, metric)
    found = []
    for seed in range(DRAWS):
        adaptor = OnnxRuntimeAdaptor(bias_correction=corrected)
        data = drawn(one, seed)
        made = adaptor.quantize(one.model, tune_cfg | {"calib_algorithm": algorithm}, data)
        left = adaptor.evaluate(made, one.evaluation, metric)
        found.append(100 * (whole - left if one.higher_is_better else left - whole) / whole)
    return found


def drawn(one: Task, seed: int) -> list[Batch]:
    """Return half of the calibration samples."""
    rows, labels = (np.concatenate(parts) for parts in zip(*one.calibration, strict=True))
    chosen = np.random.default_rng(seed).permutation(len(rows))[: len(rows) // 2]
    return digits.batches((rows[chosen], labels[chosen]), 10)


def main() -> None:
    """Print a row for each model."""
    columns = [(corrected, algorithm) for corrected in (False, True) for algorithm in ALGORITHMS]
    heads = [f"{name}, {'corrected' if corrected else 'plain'}" for corrected, name in columns]
    print("| model |", " | ".join(heads), "|")
    print("|---" * (len(columns) + 1) + "|")
    for name in MODELS:
        one = task(name)
        if one.framework == STATIC:
            means = [np.mean(losses(one, *column)) for column in columns]
            print(f"| {name} |", " | ".join(f"{mean:.2f}" for mean in means), "|", flush=True)


if __name__ == "__main__":
    main()
