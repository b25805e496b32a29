"""Small FP32 models of many kinds, to measure the strategies on.

Each is made in a second or two, the same every time: its last layer is fitted to one of
scikit-learn's data sets, the layers below are fitted too (the perceptrons) or are random features.
Rows are split once: 60 % to fit and to calibrate with, 40 % to evaluate on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnxruntime
from attrs import evolve, field, frozen
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits

from strategies.examples import digits

Array = NDArray[Any]
Batch = tuple[Array, Array]

STATIC, DYNAMIC = "onnxrt_qlinearops", "onnxrt_integerops"


@frozen(eq=False)
class Task:
    """A model with its data, and what a configuration says of them."""

    model: onnx.ModelProto
    calibration: list[Batch]
    evaluation: list[Batch]
    metric: dict[str, Any] = field(factory=lambda: {"topk": 1})
    higher_is_better: bool = True
    framework: str = STATIC
    sampling_size: int | list[int] = 100


class Network:
    """An ONNX graph in the making, whose tensors can be computed at any time."""

    def __init__(self, *shape: int, seed: int = 0) -> None:
        """Begin with the input ``x``, of shape ``(batch, *shape)``."""
        self.draws = np.random.default_rng(seed)
        self._input = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *shape])
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: Any) -> str:
        array = np.asarray(values)
        array = array if array.dtype == np.int64 else array.astype(np.float32)
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, operator: str, name: str, *inputs: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def conv(self, name: str, x: str, weight: Array, bias: Array) -> str:
        """Add a convolution that keeps the size of the image."""
        parameters = self.constant(f"{name}.w", weight), self.constant(f"{name}.b", bias)
        pad = weight.shape[-1] // 2
        return self.add("Conv", name, x, *parameters, pads=[pad] * 4)

    def gemm(self, name: str, x: str, weight: Array, bias: Array) -> str:
        """Add a dense layer; ``weight`` is ``(in, out)``."""
        return self.add(
            "Gemm", name, x, self.constant(f"{name}.w", weight), self.constant(f"{name}.b", bias)
        )

    def matmul(self, name: str, x: str, width: int, out: int, gain: float = 1.0) -> str:
        """Add a product with a random weight ``(width, out)``."""
        weight = gain * self.draws.standard_normal((width, out)) / np.sqrt(width)
        return self.add("MatMul", name, x, self.constant(f"{name}.w", weight))

    def filters(self, out: int, into: int, size: int = 3) -> tuple[Array, Array]:
        """Draw filters with He's variance, and small biases."""
        weight = self.draws.standard_normal((out, into, size, size))
        return weight * np.sqrt(2 / (into * size**2)), 0.1 * self.draws.standard_normal(out)

    def compute(self, name: str, x: Array) -> Array:
        """Return a tensor for the input ``x``."""
        session = onnxruntime.InferenceSession(self.finish(name).SerializeToString())
        return np.asarray(session.run(None, {"x": x.astype(np.float32)})[0])

    def classify(self, name: str, x: str, data: Batch, penalty: float = 1.0) -> onnx.ModelProto:
        """Fit a linear classifier on the tensor ``x``, and return the finished model."""
        features = self.compute(x, data[0])
        middle, scale = features.mean(axis=0), features.std(axis=0) + 1e-3
        fitted = LogisticRegression(C=1 / penalty, max_iter=300)
        fitted.fit((features - middle) / scale, data[1])
        weight = fitted.coef_.T / scale[:, None]
        return self.finish(self.gemm(name, x, weight, fitted.intercept_ - middle @ weight))

    def finish(self, output: str) -> onnx.ModelProto:
        outputs = [onnx.ValueInfoProto(name=output)]
        outputs[0].type.tensor_type.elem_type = TensorProto.FLOAT
        graph = helper.make_graph(
            self._nodes, "network", [self._input], outputs, list(self._constants)
        )
        model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
        return onnx.shape_inference.infer_shapes(model)


def digits_how_to() -> Task:
    """Return the how-to's example."""
    return Task(onnx.load(digits.MODEL), digits.calibration(), digits.validation())


def digits_demo() -> Task:
    """Return the demo: the same network with two sizes of calibration."""
    return Task(
        onnx.load(digits.MODEL), digits.calibration(), digits.validation(), sampling_size=[50, 100]
    )


def small_cnn() -> Task:
    """Return two convolutions and a dense layer, easy to quantise."""
    fitting, held_out = digits.split()
    net = Network(1, 8, 8, seed=1)
    x = net.add("Relu", "relu1", net.conv("conv1", "x", *net.filters(8, 1)))
    x = net.add("Relu", "relu2", net.conv("conv2", x, *net.filters(16, 8)))
    x = net.add("MaxPool", "pool", x, kernel_shape=[2, 2], strides=[2, 2])
    model = net.classify("dense", net.add("Flatten", "flat", x), fitting)
    return _task(model, fitting, held_out)


def scaled_cnn() -> Task:
    """Return three convolutions whose channels are scaled badly, as folded normalisation does."""
    fitting, held_out = digits.split()
    net = Network(1, 8, 8, seed=2)
    x, width, before = "x", 1, np.ones(1)
    for layer, (out, spread) in enumerate([(12, 2.0), (24, 8.0), (32, 3.0)], start=1):
        weight, bias = net.filters(out, width)
        factors = spread ** net.draws.uniform(-1, 1, out)
        weight = weight * factors[:, None, None, None] / before[None, :, None, None]
        x = net.add("Relu", f"relu{layer}", net.conv(f"conv{layer}", x, weight, bias * factors))
        width, before = out, factors
    x = net.add("MaxPool", "pool", x, kernel_shape=[2, 2], strides=[2, 2])
    model = net.classify("dense", net.add("Flatten", "flat", x), fitting)
    return _task(model, fitting, held_out)


def residual_cnn() -> Task:
    """Return a stem and two residual blocks, the second of which is weak beside its shortcut."""
    fitting, held_out = digits.split()
    net = Network(1, 8, 8, seed=3)
    x = net.add("Relu", "stem_relu", net.conv("stem", "x", *net.filters(16, 1)))
    for block, gain in enumerate([1.0, 0.3], start=1):
        y = net.conv(f"block{block}_a", x, *net.filters(16, 16))
        weight, bias = net.filters(16, 16)
        y = net.conv(f"block{block}_b", net.add("Relu", f"relu{block}", y), gain * weight, bias)
        x = net.add("Relu", f"joined{block}", net.add("Add", f"sum{block}", x, y))
    x = net.add("AveragePool", "pool", x, kernel_shape=[2, 2], strides=[2, 2])
    model = net.classify("dense", net.add("Flatten", "flat", x), fitting)
    return _task(model, fitting, held_out)


def perceptron() -> Task:
    """Return a trained perceptron on raw measurements, from 0.001 to 4,000 (breast cancer)."""
    rows = load_breast_cancer()
    fitting, held_out = _split(rows.data, rows.target)
    fitted = MLPClassifier((48, 32, 16), max_iter=60, random_state=0, learning_rate_init=0.003)
    middle, scale = fitting[0].mean(axis=0), fitting[0].std(axis=0)
    fitted.fit((fitting[0] - middle) / scale, fitting[1])
    weights, biases = [*fitted.coefs_], [*fitted.intercepts_]
    weights[-1] = np.hstack([0 * weights[-1], weights[-1]])  # two logits of the one
    biases[-1] = np.array([0.0, biases[-1][0]])
    return _task(_dense(middle, scale, weights, biases), fitting, held_out)


def regressor() -> Task:
    """Return a trained perceptron that predicts a number, where less error is better (diabetes)."""
    rows = load_diabetes(scaled=False)
    fitting, held_out = _split(rows.data, rows.target / 100)
    fitted = MLPRegressor(hidden_layer_sizes=(40, 24, 12), max_iter=80, random_state=0, alpha=0.1)
    middle, scale = fitting[0].mean(axis=0), fitting[0].std(axis=0)
    fitted.fit((fitting[0] - middle) / scale, fitting[1])
    model = _dense(middle, scale, fitted.coefs_, fitted.intercepts_, spread=8.0)
    task = _task(model, fitting, held_out)
    return evolve(task, metric={"rmse": {}}, higher_is_better=False)


def transformer() -> Task:
    """Return two encoder layers over the eight rows of a digit."""
    fitting, held_out = _digit_rows()
    return _task(_encoder(fitting), fitting, held_out)


def transformer_dynamic() -> Task:
    """Return the transformer, to be quantised without calibration."""
    fitting, held_out = _digit_rows()
    return evolve(_task(_encoder(fitting), fitting, held_out), framework=DYNAMIC)


def _digit_rows() -> tuple[Batch, Batch]:
    rows = load_digits()
    return _split(rows.images / 16, rows.target)


def _encoder(fitting: Batch, width: int = 24) -> onnx.ModelProto:
    net = Network(8, 8, seed=4)
    x = net.matmul("embed", "x", 8, width, gain=3.0)
    places = net.constant("places", 0.5 * net.draws.standard_normal((8, width)))
    x = net.add("Add", "placed", x, places)
    scale = net.constant("root", np.sqrt(width))
    for layer in (1, 2):
        query, key, value = (
            net.matmul(f"{part}{layer}", x, width, width, gain=2.0)
            for part in ("query", "key", "value")
        )
        turned = net.add("Transpose", f"turned{layer}", key, perm=[0, 2, 1])
        alike = net.add("MatMul", f"alike{layer}", query, turned)
        alike = net.add("Div", f"less_alike{layer}", alike, scale)
        heed = net.add("Softmax", f"heed{layer}", alike, axis=-1)
        mixed = net.add("MatMul", f"mixed{layer}", heed, value)
        x = _normal(net, f"a{layer}", x, net.matmul(f"out{layer}", mixed, width, width), width)
        wide = net.add("Relu", f"relu{layer}", net.matmul(f"up{layer}", x, width, 2 * width))
        x = _normal(net, f"b{layer}", x, net.matmul(f"down{layer}", wide, 2 * width, width), width)
    return net.classify("dense", net.add("Flatten", "flat", x), fitting, penalty=30.0)


def _normal(net: Network, name: str, x: str, y: str, width: int) -> str:
    # scales that differ, as trained ones do, make some channels of the activations stand out
    scales = net.constant(f"{name}.scale", np.exp(net.draws.normal(0, 0.7, width)))
    shift = net.constant(f"{name}.shift", np.zeros(width))
    added = net.add("Add", f"{name}.sum", x, y)
    return net.add("LayerNormalization", f"{name}.norm", added, scales, shift)


def _dense(
    middle: Array, scale: Array, weights: list[Array], biases: list[Array], spread: float = 1.0
) -> onnx.ModelProto:
    """Return dense layers for inputs of this middle and scale.

    One half of the scale is taken off before the first product, the other in its weight. Hidden
    channels are scaled by between 1 / spread and spread, and back in the next weight.
    """
    net = Network(len(middle))
    x = net.add("Sub", "centred", "x", net.constant("middle", middle))
    x = net.add("Div", "scaled", x, net.constant("root", np.sqrt(scale)))
    before = np.sqrt(scale)
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True), start=1):
        last = layer == len(weights)
        factors = spread ** net.draws.uniform(-1, 1, len(bias)) if not last else np.ones(len(bias))
        x = net.gemm(f"dense{layer}", x, weight * factors / before[:, None], bias * factors)
        before = factors
        if not last:
            x = net.add("Relu", f"relu{layer}", x)
    return net.finish(x)


def _split(rows: Array, targets: Array) -> tuple[Batch, Batch]:
    x, rest, y, others = train_test_split(
        rows.astype(np.float32), targets, test_size=0.4, random_state=0
    )
    return (x, y), (rest, others)


def _task(model: onnx.ModelProto, fitting: Batch, held_out: Batch) -> Task:
    calibration = digits.batches((fitting[0][:100], fitting[1][:100]), 20)
    return Task(model, calibration, digits.batches(held_out, 400))


MODELS: dict[str, Callable[[], Task]] = {
    "digits": digits_how_to,
    "digits, demo": digits_demo,
    "small CNN": small_cnn,
    "scaled CNN": scaled_cnn,
    "residual": residual_cnn,
    "perceptron": perceptron,
    "regressor": regressor,
    "transformer": transformer,
    "transformer, dynamic": transformer_dynamic,
}


@cache
def task(name: str) -> Task:
    """Return the named task."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # they are to be trained quickly
        return MODELS[name]()
