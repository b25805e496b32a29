"""Train the small convolutional network of the examples and write it into the package.

Run ``python examples/train_digits.py``; it needs numpy, scikit-learn and onnx, and takes well under
a minute. Everything is seeded.

The trained network would be too easy to quantise, so its channels are then scaled badly on
purpose (:func:`scale_badly`): the FP32 outputs stay the same up to rounding, while one scale for a
whole tensor no longer fits. This is what batch normalisation folded into a convolution, or a
carelessly trained network, does in practice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from strategies.examples.digits import MODEL, Batch, split

Array = NDArray[np.float32]


class Layer(NamedTuple):
    """One layer that carries weights; all but the last are followed by a ReLU."""

    name: str
    shape: tuple[int, ...]
    """``(out, in, 3, 3)`` of a convolution that keeps the image size, ``(out, in)`` of a Gemm."""
    pool: bool = False
    """Whether a 2x2 maximum pooling follows the ReLU."""
    spread: float = 1.0
    """Its output channels are scaled by between 1 / spread and spread; see ``scale_badly``."""


LAYERS = (
    Layer("conv1", (12, 1, 3, 3), spread=1.5),
    Layer("conv2", (16, 12, 3, 3), pool=True, spread=8.8),
    Layer("conv3", (32, 16, 3, 3), spread=8.8),
    Layer("conv4", (32, 32, 3, 3), pool=True, spread=1.3),
    Layer("fc1", (64, 128), spread=5.5),
    Layer("fc2", (10, 64)),
)
"""The spreads were chosen by measuring: with int8 weights, one scale for each tensor costs 7 % of
the accuracy and one scale for each channel about 1 %, and no single layer is to blame."""
SEED = 0
EPOCHS = 40
BATCH_SIZE = 32
LEARNING_RATE = 2e-3


def patches(images: Array) -> Array:
    """Return every 3x3 neighbourhood, zeros outside: ``(n, c, h, w)`` to ``(n, h, w, c * 9)``."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = sliding_window_view(padded, (3, 3), axis=(2, 3)).transpose(0, 2, 3, 1, 4, 5)
    return windows.reshape(*windows.shape[:3], -1)


def convolve(images: Array, weight: Array) -> Array:
    """Convolve ``(n, in, h, w)`` with ``(out, in, 3, 3)`` to ``(n, out, h, w)``."""
    return (patches(images) @ weight.reshape(len(weight), -1).T).transpose(0, 3, 1, 2)


def pooling_blocks(images: Array) -> Array:
    """Return the 2x2 blocks as a view: ``(n, c, h, w)`` to ``(n, c, h / 2, 2, w / 2, 2)``."""
    count, channels, height, width = images.shape
    return images.reshape(count, channels, height // 2, 2, width // 2, 2)


class Parameters(NamedTuple):
    """The weight, as ``Layer.shape`` says, and the bias ``(out,)`` of one layer."""

    weight: Array
    bias: Array


class Trace(NamedTuple):
    """What the backward pass needs to know of one layer."""

    entering: Array
    activated: Array
    leaving: Array


def forward(network: Sequence[Parameters], images: Array) -> list[Trace]:
    """Run the network; ``leaving`` of the last trace are the logits ``(n, 10)``."""
    traces: list[Trace] = []
    values = images
    for layer, (weight, bias) in zip(LAYERS, network, strict=True):
        if weight.ndim == 4:
            entering = values
            linear = convolve(entering, weight) + bias[:, np.newaxis, np.newaxis]
        else:
            entering = values.reshape(len(values), -1)
            linear = entering @ weight.T + bias
        activated = linear if layer is LAYERS[-1] else np.maximum(linear, 0)
        values = pooling_blocks(activated).max(axis=(3, 5)) if layer.pool else activated
        traces.append(Trace(entering, activated, values))
    return traces


def backward(
    network: Sequence[Parameters], traces: Sequence[Trace], gradient: Array
) -> list[Parameters]:
    """Return the gradients of all parameters from that of the logits ``(n, 10)``."""
    gradients: list[Parameters] = []
    for layer, (weight, _), trace in reversed(list(zip(LAYERS, network, traces, strict=True))):
        gradient = gradient.reshape(trace.leaving.shape)
        if layer.pool:
            largest = trace.leaving[:, :, :, np.newaxis, :, np.newaxis]
            slopes = gradient[:, :, :, np.newaxis, :, np.newaxis]
            blocks = (pooling_blocks(trace.activated) == largest) * slopes
            gradient = blocks.reshape(trace.activated.shape)
        if layer is not LAYERS[-1]:
            gradient = gradient * (trace.activated > 0)
        if weight.ndim == 4:
            rows = gradient.transpose(1, 0, 2, 3).reshape(len(weight), -1)
            columns = patches(trace.entering).reshape(rows.shape[1], -1)
            gradients.append(Parameters((rows @ columns).reshape(weight.shape), rows.sum(axis=1)))
            gradient = convolve(gradient, weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1])
        else:
            gradients.append(Parameters(gradient.T @ trace.entering, gradient.sum(axis=0)))
            gradient = gradient @ weight
    return gradients[::-1]


def initial(generator: np.random.Generator) -> list[Parameters]:
    """Draw weights with He's variance, 2 / fan-in; biases are zero."""
    network = []
    for layer in LAYERS:
        deviation = np.sqrt(2 / np.prod(layer.shape[1:]))
        weight = (deviation * generator.standard_normal(layer.shape)).astype(np.float32)
        network.append(Parameters(weight, np.zeros(layer.shape[0], np.float32)))
    return network


def train(data: Batch) -> list[Parameters]:
    """Minimise the cross-entropy with Adam (Kingma and Ba, 2015), its rate decaying to zero."""
    images, labels = data
    generator = np.random.default_rng(SEED)
    network = initial(generator)
    parameters = [array for layer in network for array in layer]
    means = [np.zeros_like(array) for array in parameters]
    squares = [np.zeros_like(array) for array in parameters]
    steps = EPOCHS * -(-len(labels) // BATCH_SIZE)
    step = 0
    for _ in range(EPOCHS):
        order = generator.permutation(len(labels))
        for start in range(0, len(labels), BATCH_SIZE):
            chosen = order[start : start + BATCH_SIZE]
            traces = forward(network, images[chosen])
            logits = traces[-1].leaving
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            errors = odds / odds.sum(axis=1, keepdims=True)
            errors[np.arange(len(chosen)), labels[chosen]] -= 1
            layered = backward(network, traces, errors / np.float32(len(chosen)))
            gradients = [array for layer in layered for array in layer]
            rate = LEARNING_RATE * (1 - step / steps)
            step += 1
            for array, mean, square, slope in zip(
                parameters, means, squares, gradients, strict=True
            ):
                mean += 0.1 * (slope - mean)
                square += 0.001 * (slope**2 - square)
                unbiased = square / (1 - 0.999**step)
                array -= rate * mean / (1 - 0.9**step) / (np.sqrt(unbiased) + 1e-8)
    return network


def scale_badly(network: Sequence[Parameters]) -> list[Parameters]:
    """Scale each channel between two layers by a factor of its own, and undo it in the next layer.

    ReLU and maximum pooling are positively homogeneous, so for any ``s > 0``, channel by channel,
    ``next / s @ relu(s * weight @ x + s * bias)`` equals ``next @ relu(weight @ x + bias)``.
    The factors are log-uniform in ``[1 / spread, spread]``.
    """
    generator = np.random.default_rng(SEED)
    scaled = list(network)
    for index, layer in enumerate(LAYERS[:-1]):
        exponents = generator.uniform(-1, 1, layer.shape[0])
        factors = np.power(layer.spread, exponents).astype(np.float32)
        weight, bias = scaled[index]
        outwards = factors.reshape(-1, *[1] * (weight.ndim - 1))
        scaled[index] = Parameters(weight * outwards, bias * factors)
        weight, bias = scaled[index + 1]
        by_channel = weight.reshape(len(weight), len(factors), -1) / factors[:, np.newaxis]
        scaled[index + 1] = Parameters(by_channel.reshape(weight.shape), bias)
    return scaled


def onnx_model(network: Sequence[Parameters]) -> onnx.ModelProto:
    """Build the ONNX graph, nodes named after the layers, with a dynamic batch dimension."""
    nodes: list[onnx.NodeProto] = []
    initializers: list[onnx.TensorProto] = []

    def add(operation: str, name: str, *inputs: str, **attributes: Any) -> str:
        output = f"{name}.output"
        nodes.append(helper.make_node(operation, inputs, [output], name=name, **attributes))
        return output

    values = "images"
    flat = False
    for layer, arrays in zip(LAYERS, network, strict=True):
        name = layer.name
        parameters = (f"{name}.weight", f"{name}.bias")
        initializers += map(numpy_helper.from_array, arrays, parameters)
        if arrays.weight.ndim == 4:
            values = add("Conv", name, values, *parameters, kernel_shape=[3, 3], pads=[1] * 4)
        else:
            if not flat:
                values = add("Flatten", "flatten", values)
                flat = True
            values = add("Gemm", name, values, *parameters, transB=1)
        if layer is not LAYERS[-1]:
            values = add("Relu", f"{name}.relu", values)
        if layer.pool:
            values = add("MaxPool", f"{name}.pool", values, kernel_shape=[2, 2], strides=[2, 2])
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 1, 8, 8])
    logits = helper.make_tensor_value_info(
        values, TensorProto.FLOAT, ["batch", LAYERS[-1].shape[0]]
    )
    graph = helper.make_graph(nodes, "digits_cnn", [image], [logits], initializers)
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    onnx.checker.check_model(model, full_check=True)
    return model


def accuracy(network: Sequence[Parameters], data: Batch) -> float:
    """Return the share of images whose largest logit is that of their label."""
    images, labels = data
    return float((forward(network, images)[-1].leaving.argmax(axis=1) == labels).mean())


def main() -> None:
    """Train, scale badly, and write the model."""
    training, held_out = split()
    trained = train(training)
    network = scale_badly(trained)
    for name, data in (("training", training), ("held out", held_out)):
        print(
            f"{name}: accuracy {accuracy(trained, data):.4f}, {accuracy(network, data):.4f} scaled"
        )
    onnx.save(onnx_model(network), MODEL)
    print(f"wrote {MODEL.name}, {MODEL.stat().st_size} bytes")


if __name__ == "__main__":
    main()
