"""A model beyond 2 GB tuned to the end: seconds by part, peak memory, bytes.

``python tests/benchmarks/large_model.py`` builds a transformer of about 2.3 GB in a folder for
temporary files, tunes it, goes on from the history, reads the best model back and checks it,
operation by operation. It writes ``records_large/record.json`` and removes the folder. It takes
6 GB of disk and a quarter of an hour. Options change the number of blocks and more.

Weights are random, as wide and as uneven as those of trained transformers; labels are what the FP32
model says, so the accuracy is how often both agree.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from attrs import define, field
from numpy.typing import NDArray
from onnx import TensorProto, helper

from strategies import Conf, tune
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.report import LOGGER
from strategies.runner import TuneStrategy
from strategies.trial import Result, Trial
from strategies.workspace import HISTORY, MODEL

RECORD = Path(__file__).parent / "records_large" / "record.json"
WIDTH, HEADS, INNER, WORDS, CLASSES, LENGTH = 2048, 16, 8192, 32_000, 256, 16
CALIBRATION, EVALUATION, BATCH = 8, 64, 8
THREADS = 2

Array = NDArray[Any]


@define(eq=False)
class Writer:
    """A graph whose constants go to a file as soon as they are made."""

    folder: Path
    random: np.random.Generator
    nodes: list[onnx.NodeProto] = field(factory=list)
    constants: list[onnx.TensorProto] = field(factory=list)
    offset: int = 0

    def constant(self, name: str, values: Array) -> str:
        """Write a constant beside the model."""
        tensor = TensorProto(name=name, dims=values.shape)
        tensor.data_type = helper.np_dtype_to_tensor_dtype(values.dtype)
        if values.nbytes < 1024:
            tensor.raw_data = values.tobytes()
        else:
            tensor.data_location = TensorProto.EXTERNAL
            place = {"location": "model.data", "offset": self.offset, "length": values.nbytes}
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))
            with (self.folder / "model.data").open("ab") as file:
                values.tofile(file)
            self.offset += values.nbytes
        self.constants.append(tensor)
        return name

    def node(self, operator: str, inputs: list[str], name: str, **extra: Any) -> str:
        """Add a node that writes one tensor called like itself."""
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **extra))
        return name

    def weight(self, name: str, rows: int, columns: int) -> str:
        """Write a weight whose columns are of uneven size."""
        values = self.random.standard_normal((rows, columns), np.float32)
        uneven = np.exp(0.3 * self.random.standard_normal(columns)).astype(np.float32)
        return self.constant(name, values * (uneven / np.float32(np.sqrt(rows))))

    def dense(self, tensor: str, name: str, rows: int, columns: int) -> str:
        """Add a MatMul with its bias."""
        product = self.node("MatMul", [tensor, self.weight(f"{name}.w", rows, columns)], name)
        bias = (0.1 * self.random.standard_normal(columns)).astype(np.float32)
        return self.node("Add", [product, self.constant(f"{name}.b", bias)], f"{name}.sum")

    def normalised(self, tensor: str, name: str) -> str:
        """Add a normalisation in which a few channels stand out."""
        scale = np.ones(WIDTH, np.float32)
        scale[self.random.choice(WIDTH, 8, replace=False)] = 5.0
        shift = np.zeros(WIDTH, np.float32)
        names = [self.constant(f"{name}.scale", scale), self.constant(f"{name}.shift", shift)]
        return self.node("LayerNormalization", [tensor, *names], name, axis=-1)

    def heads(self, tensor: str, name: str, order: list[int]) -> str:
        """Part the channels among heads."""
        parted = self.node("Reshape", [tensor, "to_heads"], f"{name}.parted")
        return self.node("Transpose", [parted], f"{name}.heads", perm=order)

    def block(self, tensor: str, name: str) -> str:
        """Add attention and two dense layers, each with a residual around it."""
        normal = self.normalised(tensor, f"{name}.norm1")
        parts = [self.dense(normal, f"{name}.{part}", WIDTH, WIDTH) for part in "qkv"]
        orders = ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
        q, k, v = (self.heads(part, part, order) for part, order in zip(parts, orders, strict=True))
        scores = self.node("Mul", [self.node("MatMul", [q, k], f"{name}.qk"), "unit"], f"{name}.s")
        shares = self.node("Softmax", [scores], f"{name}.shares", axis=-1)
        mixed = self.node("MatMul", [shares, v], f"{name}.mixed")
        back = self.node("Transpose", [mixed], f"{name}.back", perm=[0, 2, 1, 3])
        joined = self.node("Reshape", [back, "from_heads"], f"{name}.joined")
        attended = self.dense(joined, f"{name}.o", WIDTH, WIDTH)
        tensor = self.node("Add", [tensor, attended], f"{name}.r1")
        inner = self.dense(self.normalised(tensor, f"{name}.norm2"), f"{name}.up", WIDTH, INNER)
        inner = self.node("Relu", [inner], f"{name}.relu")
        return self.node("Add", [tensor, self.dense(inner, f"{name}.down", INNER, WIDTH)], name)


def build(folder: Path, blocks: int) -> Path:
    """Write the model, block by block, and return its path."""
    one = Writer(folder, np.random.default_rng(0))
    one.constant("to_heads", np.array([0, 0, HEADS, WIDTH // HEADS]))
    one.constant("from_heads", np.array([0, 0, WIDTH]))
    one.constant("unit", np.array((WIDTH // HEADS) ** -0.5, np.float32))
    words = one.weight("words", WORDS, WIDTH)
    tensor = one.node("Gather", [words, "ids"], "embedded")
    for number in range(blocks):
        tensor = one.block(tensor, f"block{number}")
    one.constant("along", np.array([1]))
    normal = one.normalised(tensor, "norm")
    mean = one.node("ReduceMean", [normal, "along"], "mean", keepdims=0)
    one.dense(mean, "classes", WIDTH, CLASSES)
    graph = helper.make_graph(
        one.nodes,
        "transformer",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["N", LENGTH])],
        [helper.make_tensor_value_info("classes.sum", TensorProto.FLOAT, ["N", CLASSES])],
        one.constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path = folder / "model.onnx"
    onnx.save(model, path, format="protobuf")
    return path


def batches(seed: int, count: int) -> Iterator[Array]:
    """Yield sequences of words, common ones more often."""
    random = np.random.default_rng(seed)
    ids = (WORDS * random.random((count, LENGTH)) ** 3).astype(np.int64)
    yield from (ids[start : start + BATCH] for start in range(0, count, BATCH))


def labelled(path: Path) -> list[tuple[Array, Array]]:
    """Return data with what the FP32 model says."""
    data = [(ids, np.zeros(len(ids))) for ids in batches(1, EVALUATION)]
    found = OnnxRuntimeAdaptor(threads=THREADS).predictions(str(path), data)
    said = [np.argmax(scores, axis=1) for scores, _ in found]
    return [(ids, labels) for (ids, _), labels in zip(data, said, strict=True)]


def peak() -> int:
    """Return the most resident bytes that this process has had since it was last asked."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return int(line.split()[1]) * 1024


class Stamped(logging.Handler):
    """Lines of the run with the seconds since it began, and the peak of memory since the last."""

    def __init__(self) -> None:
        """Begin now."""
        super().__init__()
        self.begun = time.monotonic()
        self.most = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Print a line."""
        self.say(record.getMessage())

    def say(self, what: str) -> None:
        """Print a line."""
        seconds, bytes_now = time.monotonic() - self.begun, peak()
        self.most = max(self.most, bytes_now)
        print(f"{seconds:7.1f} s  {bytes_now / 1e9:5.2f} GB  {what}", flush=True)


def document(folder: Path, options: argparse.Namespace, trials: int) -> dict[str, Any]:
    """Return the configuration of the run."""
    return {
        "model": {"framework": "onnxrt_qlinearops"},
        "quantization": {"approach": options.approach},
        "tuning": {
            "strategy": {"name": options.strategy},
            "accuracy_criterion": {"relative": 0.05},
            "objective": "modelsize",
            "exit_policy": {"max_trials": trials, "timeout": 10**6},
            "random_seed": 1,
            "workspace": {"path": str(folder / "run")},
        },
        "evaluation": {
            "accuracy": {"metric": {"topk": 1}},
            "performance": {"configs": {"cores_per_instance": THREADS}},
        },
    }


def run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Build the model, tune it, go on from the history, check what was saved; return the record."""
    lines = Stamped()
    LOGGER.addHandler(lines)
    LOGGER.setLevel(logging.INFO)
    path = build(folder, options.blocks)
    lines.say("built")
    data, calibration = labelled(path), [(ids, None) for ids in batches(2, CALIBRATION)]
    lines.say("labelled")
    strategies: list[TuneStrategy] = []
    begun = time.monotonic()
    result: Result | None

    def keep(strategy: TuneStrategy, _: Trial) -> None:
        strategies[:] = [strategy]

    for trials in (options.trials, options.trials + 1):  # the last one goes on from the history
        strategies.clear()
        result = None
        conf = Conf(document(folder, options, trials))
        result = tune(str(path), conf, calibration, data, None, keep, report=False, quiet=True)
    seconds = time.monotonic() - begun
    if result is None or result.trial.measurement is None:
        raise SystemExit("no trial succeeded")
    (strategy,) = strategies
    tune_cfg = strategy.tuning_space.tune_cfg(result.trial.params)
    number = result.trial.number
    files = {file.name: file.stat().st_size for file in (folder / "run").iterdir()}
    del result
    adaptor = OnnxRuntimeAdaptor(options.approach, threads=THREADS)
    saved = str(folder / "run" / MODEL)
    checked = adaptor.check(saved, tune_cfg)
    lines.say(f"{len(checked)} operations are what was asked for")
    agreed = np.concatenate(
        [np.argmax(scores, axis=1) == labels for scores, labels in adaptor.predictions(saved, data)]
    )
    lines.say(f"read back: {agreed.mean():.4f} agree")
    return {
        "blocks": options.blocks,
        "approach": options.approach,
        "strategy": options.strategy,
        "bytes": {"fp32": sum((folder / n).stat().st_size for n in ("model.onnx", "model.data"))}
        | {name: size for name, size in files.items() if name != HISTORY},
        "operations": len(checked),
        "trials": [
            [trial.measurement.accuracy, trial.measurement.values["modelsize"]]
            for trial in strategy.trials
            if trial.measurement
        ],
        "best": number,
        "agreed_when_read_back": float(agreed.mean()),
        "seconds": round(seconds, 1),
        "seconds_by_part": {k: round(v, 1) for k, v in strategy.seconds_by_part.items()},
        "peak_bytes": lines.most,
    }


def main() -> None:
    """Run it, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=10)
    parser.add_argument("--trials", type=int, default=3)
    parser.add_argument("--strategy", default="bayesian")
    parser.add_argument("--approach", default="post_training_static_quant")
    parser.add_argument("--folder", type=Path, help="where the files are made; default: /tmp")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        record = run(Path(folder), options)
    text = json.dumps(record, indent=1)
    print(text)
    if options.blocks == parser.get_default("blocks"):
        RECORD.parent.mkdir(exist_ok=True)
        RECORD.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
