"""ONNX Runtime as the strategies see it: quantisation of an ONNX graph, node by node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import onnx
import onnxruntime
from attrs import Attribute, Factory, field, frozen
from onnx import numpy_helper

from strategies.adaptors.base import (
    FP32,
    Capability,
    Dataloader,
    OpConfig,
    Operation,
    OpKey,
    Sensitivity,
    SumOfParts,
    TuneConfig,
)
from strategies.adaptors.evaluating import evaluated
from strategies.adaptors.onnx import external, loading, measuring
from strategies.adaptors.onnx.asked import ALGORITHMS, SETTINGS, SIZE
from strategies.adaptors.onnx.checking import check
from strategies.adaptors.onnx.coverage import left_out
from strategies.adaptors.onnx.damages import Part, sensitivities
from strategies.adaptors.onnx.loading import Model
from strategies.adaptors.onnx.observed import Observed
from strategies.adaptors.onnx.options import APPROACHES, CALIBRATED, STATIC, distinct_options
from strategies.adaptors.onnx.prepared import Prepared, prepared
from strategies.adaptors.onnx.quantising import Quantiser
from strategies.adaptors.onnx.running import Feed, batches, first_samples, pieces_of
from strategies.adaptors.onnx.smoothing import STRENGTHS, smoothable
from strategies.adaptors.onnx.weightless import operation
from strategies.errors import AdaptorError

EVERY_SAMPLE = 2**62


def _approach_known(_: Any, attribute: Attribute[str], value: str) -> None:
    if value not in APPROACHES:
        raise AdaptorError(
            f"{attribute.name} is {value!r}, expected one of {', '.join(APPROACHES)}"
        )


def _at_least_one(_: Any, attribute: Attribute[int], value: int) -> None:
    if not isinstance(value, int) or value < 1:
        raise AdaptorError(f"{attribute.name} is {value!r}, expected an integer of at least 1")


@frozen
class OnnxRuntimeAdaptor:
    """Quantise, measure and save ONNX models with ONNX Runtime, on the processor.

    The nodes with constant float32 weights can be tuned: Conv, ConvTranspose, Gemm, MatMul, a
    Gather from a table, LSTM and GRU. Each of them can hold its weights in fewer bits and compute
    in floats. In integers ONNX Runtime computes the products, in the dynamic approach an LSTM too;
    a static ConvTranspose it stores in 8 bits and computes in float. A MatMul of two computed
    tensors can be tuned as well, and in the static approach passive nodes (Add, Concat, pooling,
    ...). Other nodes are not quantised themselves, but may read what a quantised Conv wrote in 8
    bits: see :func:`~strategies.adaptors.onnx.static.quantize_static`.

    A model is a path to an ONNX file or an ``onnx.ModelProto``, and never changed; every model
    returned is an ``onnx.ModelProto``.

    What calibration saw is kept, and the ranges of every algorithm are made of it: for the last few
    models, by their bytes, and sampling sizes. The dataloader is not part of that key: use one
    adaptor with one calibration dataloader, which gives the same samples each time.

    Attributes:
        approach: "post_training_static_quant", "post_training_dynamic_quant",
            "post_training_weight_only", or "post_training_auto_quant" for all side by side.
        threads: Threads that ONNX Runtime computes with, at least 1.
        bias_correction: Whether biases make up for how rounded weights shift what is added to
            them, in the static approach.

    Raises:
        AdaptorError: An attribute is not one of these.
    """

    approach: str = field(default=STATIC, validator=_approach_known)
    threads: int = field(default=1, validator=_at_least_one)
    bias_correction: bool = True
    _prepared: dict[bytes, Prepared] = field(factory=dict, init=False, repr=False, eq=False)
    _observed: Observed = field(
        default=Factory(lambda self: Observed(self.threads), takes_self=True),
        init=False,
        repr=False,
        eq=False,
    )

    def load(self, model: Model) -> onnx.ModelProto:
        """Return the model as an object; an object is returned as it is.

        Raises:
            AdaptorError: The file is not an ONNX model, or ``model`` is something else.
        """
        return loading.load(model)

    def capability(self, model: Model) -> Capability:
        """Return the nodes that can be tuned, and the options of each.

        A node without a name is called after its operator and its place in the graph, here and in
        the quantised model; of several nodes with one name all but the first get a number.

        The default option comes first: weight int8 (uint8 for a dynamic Conv), symmetric, per
        channel where the weight has channels; activation uint8, asymmetric, or fp32 where no kernel
        computes in integers. No two options of a node represent the same weights and activations,
        and what is never better than another is not offered: see
        :func:`~strategies.adaptors.onnx.options.distinct_options`. Only the static approach has
        calibration algorithms: in the others nothing is calibrated.

        Raises:
            AdaptorError: The file is not an ONNX model; or the approach is dynamic and the model is
                older than opset 11.
        """
        ready = self._prepare(model)
        constants = {tensor.name: tensor for tensor in ready.model.graph.initializer}
        operations = {}
        for node in ready.nodes:
            names = filter(None, (node.weight, node.recurrence))
            weights = [numpy_helper.to_array(constants[name]) for name in names]
            distinct, ranks = distinct_options(node, weights, self.approach, ready.four_bits)
            ranks = (*(1 + rank for rank in ranks), 0)
            operations[node.name] = Operation(node.name, node.type, (*distinct, FP32), ranks)
        for other in ready.others:
            operations[other.name] = operation(other, self.approach)
        in_order = (operations.get(proto.name) for proto in ready.model.graph.node)
        is_smoothable = self.approach in CALIBRATED and smoothable(ready.model, ready.weighted)
        return Capability(
            tuple(one for one in in_order if one is not None),
            ALGORITHMS[self.approach],
            left_out(ready.model, operations.keys()),
            smooth_quant=STRENGTHS if is_smoothable else (),
        )

    def quantize(
        self, model: Model, tune_cfg: TuneConfig, dataloader: Dataloader | None
    ) -> onnx.ModelProto:
        """Return the model with each node quantised as ``tune_cfg`` says for it.

        A node that is not in ``tune_cfg`` stays float32. The static approach looks at the first
        ``calib_sampling_size`` samples (default 100; all, if there are fewer) of the dataloader,
        with ``calib_algorithm`` (default "minmax"). Other approaches have
        nothing to calibrate; given data, they still correct float biases beside weights alone.

        Raises:
            AdaptorError: ``tune_cfg`` names an unknown node or asks for what ONNX Runtime cannot
                do, or the dataloader is missing, empty, or does not fit the model.
        """
        return self._quantiser(model, dataloader).quantize(tune_cfg)

    def check(self, model: Model, tune_cfg: TuneConfig) -> dict[OpKey, OpConfig]:
        """Return what every operation of ``tune_cfg`` is in a model that was quantised with it.

        It is read back from the graph: types of integers, zero points and scales.

        Raises:
            AdaptorError: An operation is not what ``tune_cfg`` says.
        """
        wanted = {key: config for key, config in tune_cfg.items() if key not in SETTINGS}
        return check(loading.load(model), wanted)

    def evaluate(
        self, model: Model, dataloader: Dataloader, metric: Callable[[Any, Any], float]
    ) -> float:
        """Return ``metric(outputs, labels)`` over all batches of the dataloader.

        ``outputs`` is the array of the model's output, or a list of arrays if it has several, and
        ``labels`` the array of all labels; both joined along their first axis, the samples.

        Raises:
            AdaptorError: The model cannot be loaded, or the dataloader is empty or does not fit.
        """
        return evaluated(self.predictions(model, dataloader), metric)

    def predictions(self, model: Model, dataloader: Dataloader) -> Iterator[tuple[Any, Any]]:
        """Yield outputs and labels of each batch; outputs are an array, or a list of several.

        Raises:
            AdaptorError: The model cannot be loaded, or a batch does not fit or has no label.
        """
        return measuring.predictions(loading.load(model), dataloader, self.threads)

    def size(self, model: Model) -> int:
        """Return the bytes of the model's files, or of the file that it would be saved to.

        Data that lies beside the file counts too. An object counts as if one file could hold it.

        Raises:
            AdaptorError: There is no such file, or it is not an ONNX model.
        """
        return loading.size(model)

    def sizes(self, model: Model, dataloader: Dataloader | None) -> SumOfParts:
        """Return a function of a tune configuration: the size of the model that it asks for.

        Nothing is quantised, unless nodes without a weight are chosen: these save no bytes. The
        static approach is calibrated with the first few samples where that has not been done,
        since a bias that does not fit in int32 stays float.

        Raises:
            AdaptorError: As :meth:`quantize`.
        """
        return self._quantiser(model, dataloader).sizes()

    def sensitivities(
        self, model: Model, options: Mapping[OpKey, Sequence[OpConfig]], dataloader: Dataloader
    ) -> dict[OpKey, Sensitivity]:
        """Return what these options of nodes do, each alone, on a few samples of the dataloader.

        Raises:
            AdaptorError: As :meth:`quantize`.
        """
        ready = self._prepare(model)
        adders = {node.name: node.adder for node in ready.nodes if node.bias}
        weighted = {node.name: node for node in ready.nodes}
        parts = [
            Part(
                key,
                frozenset({key[0], adders.get(key[0], key[0])}),
                tuple(some),
                weighted.get(key[0]),
            )
            for key, some in options.items()
        ]
        alone = OnnxRuntimeAdaptor(
            self.approach, bias_correction=self.bias_correction
        )  # it calibrates operations, not models

        def made(
            operation: onnx.ModelProto, key: OpKey, option: OpConfig, feeds: Sequence[Feed]
        ) -> onnx.ModelProto:
            tune_cfg = {key: option, SIZE: EVERY_SAMPLE}
            return alone.quantize(operation, tune_cfg, [(feed, None) for feed in feeds])

        def some_feeds(session: onnxruntime.InferenceSession, count: int) -> list[Feed]:
            feeds = first_samples(batches(session, dataloader), count)
            return [piece for feed in feeds for piece in pieces_of(session, feed)]

        return sensitivities(ready.model, parts, made, some_feeds)

    def digest(self, model: Model) -> str:
        """Return a digest of everything in the model."""
        return external.digest(loading.load(model)).hexdigest()

    def timer(self, model: Model, dataloader: Dataloader) -> Callable[[], float]:
        """Return what runs the first batch once, and returns the seconds; loading is aside.

        With one thread, these are the seconds that the processor works for it: the latency on a
        machine that does nothing else meanwhile. With more, they are those that pass.

        Raises:
            AdaptorError: The model cannot be loaded, or the dataloader is empty or does not fit.
        """
        return measuring.timer(loading.load(model), dataloader, self.threads)

    def footprint(self, model: Model, dataloader: Dataloader) -> int:
        """Return by how many bytes the peak memory of a process rises by using the model.

        The process is one of its own, and does nothing else: it loads the model from a file and
        runs the first batch. What Python and ONNX Runtime take without a model is not counted.

        Raises:
            AdaptorError: As :meth:`timer`; or the process fails.
        """
        return measuring.footprint(loading.load(model), dataloader, self.threads)

    def save(self, model: Model, path: str) -> None:
        """Write the model to ``path``, in the ONNX format.

        The data of a model beyond 1.9 GB goes to ``<path>.<digest>.data``.

        Raises:
            AdaptorError: ``model`` is a file, but not an ONNX model.
        """
        external.write(loading.load(model), path)

    def _prepare(self, model: Model) -> Prepared:
        loaded = loading.load(model)
        key = external.digest(loaded).digest()
        if key not in self._prepared:
            self._prepared.clear()  # one model is tuned at a time
            self._prepared[key] = prepared(loaded, self.approach, key)
        return self._prepared[key]

    def _quantiser(self, model: Model, dataloader: Dataloader | None) -> Quantiser:
        return Quantiser(self._prepare(model), self._observed, dataloader, self.bias_correction)
