"""What weights in fewer bits cost, every operation alike: bytes and accuracy of small models.

Run as ``python tests/benchmarks/weights_alone.py``; it prints the table of decision 14.
"""

from __future__ import annotations

from collections.abc import Callable

from quantised_models import DYNAMIC as INTEGER_OPS
from quantised_models import MODELS, Task, task

from strategies.adaptors.base import FP32, OpConfig, Operation
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.options import DYNAMIC, STATIC
from strategies.conf import Metric
from strategies.metrics import metric_function

Choice = Callable[[Operation], OpConfig]


def alone(*wanted: str) -> Choice:
    """Return a choice of the first weight type that an operation has with a float activation."""

    def choose(operation: Operation) -> OpConfig:
        for dtype in wanted:
            for option in operation.options:
                if option["weight"]["dtype"] == dtype and option["activation"]["dtype"] == "fp32":
                    return option
        return FP32

    return choose


COLUMNS: dict[str, Choice] = {
    "FP32": lambda _: FP32,
    "default": lambda operation: operation.options[0],
    "int8 alone": alone("int8"),
    "fp16 alone": alone("fp16"),
    "int4 alone": alone("int4"),
    "uint4 alone": alone("uint4", "int4"),
}


def measured(one: Task) -> dict[str, tuple[int, float]]:
    """Return bytes and accuracy of each column."""
    adaptor = OnnxRuntimeAdaptor(DYNAMIC if one.framework == INTEGER_OPS else STATIC)
    ((name, options),) = one.metric.items()
    known = {"k": options} if isinstance(options, int) else options
    metric = metric_function(Metric(name, known))
    operations = adaptor.capability(one.model).operations
    found = {}
    for column, choose in COLUMNS.items():
        tune_cfg = {operation.key: choose(operation) for operation in operations}
        model = adaptor.quantize(one.model, tune_cfg, one.calibration)
        accuracy = adaptor.evaluate(model, one.evaluation, metric)
        found[column] = adaptor.size(model), accuracy
    return found


def main() -> None:
    """Print a table in Markdown."""
    print("| model |", " | ".join(COLUMNS), "|")
    print("|---|" + "---|" * len(COLUMNS))
    for name in MODELS:
        one = task(name)
        cells = []
        for size, accuracy in measured(one).values():
            shown = f"{accuracy:.3f}" if "rmse" in one.metric else f"{100 * accuracy:.2f} %"
            cells.append(f"{size:,}: {shown}")
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
