"""ONNX Runtime as the strategies see it: quantisation of an ONNX graph, node by node."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import onnx
import onnxruntime
from attrs import Attribute, field, frozen
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from strategies.adaptors.base import (
    FP32,
    Capability,
    Dataloader,
    OpConfig,
    Operation,
    OpKey,
    Sensitivity,
    TuneConfig,
)
from strategies.adaptors.onnx import external
from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.calibration import Range, calibrate
from strategies.adaptors.onnx.coverage import left_out
from strategies.adaptors.onnx.damages import Part, sensitivities
from strategies.adaptors.onnx.dynamic import DYNAMIC_OPSET, quantize_dynamic
from strategies.adaptors.onnx.graph import PRODUCTS, WeightedNode, prepare, weighted_nodes
from strategies.adaptors.onnx.opsets import (
    FOUR_BIT_OPSET,
    can_be_raised,
    converted,
    opset,
    raised,
)
from strategies.adaptors.onnx.options import (
    APPROACHES,
    DYNAMIC,
    STATIC,
    WEIGHT_ONLY,
    check_option,
    distinct_options,
    options,
)
from strategies.adaptors.onnx.running import (
    Feed,
    batches,
    first_samples,
    open_session,
    pieces_of,
    run,
)
from strategies.adaptors.onnx.sizes import Sizes
from strategies.adaptors.onnx.static import quantize_static
from strategies.adaptors.onnx.weights import is_weight_only
from strategies.errors import AdaptorError

ALGORITHMS = {STATIC: ("minmax", "entropy", "percentile"), DYNAMIC: (), WEIGHT_ONLY: ()}
SETTINGS = ("calib_sampling_size", "calib_algorithm")
DEFAULT_SAMPLING_SIZE = 100
EVERY_SAMPLE = 2**62
REMEMBERED_CALIBRATIONS = 16
WARM_UP_RUNS = 2
LEAST_RUNS, MOST_RUNS, ENOUGH_SECONDS = 5, 100, 0.2
EMPTY = "dataloader: it gave no batch, expected at least one"

Model = str | os.PathLike[str] | onnx.ModelProto
"""An ONNX file, with the data that lies beside it, or what was read from one."""


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
    a static ConvTranspose it stores in 8 bits and computes in float. Other nodes are not quantised
    themselves, but may read what a quantised Conv wrote in 8 bits: see
    :func:`~strategies.adaptors.onnx.static.quantize_static`.

    A model is a path to an ONNX file or an ``onnx.ModelProto``, and never changed; every model
    returned is an ``onnx.ModelProto``.

    Calibration takes most of the time of a static trial, so the ranges that it found are kept: the
    last few, by the bytes of the model, the algorithm and the sampling size. The dataloader is not
    part of that key: use one adaptor with one calibration dataloader, which gives the same samples
    each time.

    Attributes:
        approach: "post_training_static_quant", "post_training_dynamic_quant" or
            "post_training_weight_only".
        threads: Threads that ONNX Runtime computes with, at least 1.

    Raises:
        AdaptorError: An attribute is not one of these.
    """

    approach: str = field(default=STATIC, validator=_approach_known)
    threads: int = field(default=1, validator=_at_least_one)
    _calibrations: dict[tuple[bytes, str, int], dict[str, Range]] = field(
        factory=dict, init=False, repr=False, eq=False
    )
    _prepared: dict[bytes, onnx.ModelProto] = field(factory=dict, init=False, repr=False, eq=False)

    def load(self, model: Model) -> onnx.ModelProto:
        """Return the model as an object; an object is returned as it is.

        Raises:
            AdaptorError: The file is not an ONNX model, or ``model`` is something else.
        """
        return _load(model)

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
        prepared = self._prepare(model)
        constants = {tensor.name: tensor for tensor in prepared.graph.initializer}
        four_bits = can_be_raised(prepared)
        operations = []
        for node in self._nodes(prepared):
            names = filter(None, (node.weight, node.recurrence))
            weights = [numpy_helper.to_array(constants[name]) for name in names]
            distinct, ranks = distinct_options(node, weights, self.approach, four_bits)
            ranks = (*(1 + rank for rank in ranks), 0)
            operations.append(Operation(node.name, node.type, (*distinct, FP32), ranks))
        tuned = {operation.name for operation in operations}
        rest = left_out(prepared, tuned)
        return Capability(tuple(operations), ALGORITHMS[self.approach], rest)

    def quantize(
        self, model: Model, tune_cfg: TuneConfig, dataloader: Dataloader | None
    ) -> onnx.ModelProto:
        """Return the model with each node quantised as ``tune_cfg`` says for it.

        A node that is not in ``tune_cfg`` stays float32. The static approach looks at the first
        ``calib_sampling_size`` samples (default 100; all, if there are fewer) of the dataloader,
        with ``calib_algorithm`` (default "minmax"). The dynamic approach uses neither these two
        nor the dataloader.

        Raises:
            AdaptorError: ``tune_cfg`` names an unknown node or asks for what ONNX Runtime cannot
                do, or the dataloader is missing, empty, or does not fit the model.
        """
        prepared = self._prepare(model)
        nodes = self._nodes(prepared)
        choices = self._choices(nodes, tune_cfg, can_be_raised(prepared))
        if self.approach != STATIC:
            return quantize_dynamic(prepared, choices)
        size, algorithm = _calibration_settings(tune_cfg)
        if all(map(is_weight_only, choices.values())):
            return quantize_dynamic(prepared, choices)
        ranges = self._calibrated(prepared, nodes, dataloader, algorithm, size)
        return quantize_static(prepared, choices, ranges)

    def evaluate(
        self, model: Model, dataloader: Dataloader, metric: Callable[[Any, Any], float]
    ) -> float:
        """Return ``metric(outputs, labels)`` over all batches of the dataloader.

        ``outputs`` is the array of the model's output, or a list of arrays if it has several, and
        ``labels`` the array of all labels; both joined along their first axis, the samples.

        Raises:
            AdaptorError: The model cannot be loaded, or the dataloader is empty or does not fit.
        """
        session = open_session(_load(model), self.threads)
        results = [(run(session, feed), label) for feed, label in batches(session, dataloader)]
        if any(label is None for _, label in results):
            raise AdaptorError("dataloader: the label is None, expected one to compare with")
        if not results:
            raise AdaptorError(EMPTY)
        outputs = [_join(parts) for parts in zip(*(out for out, _ in results), strict=True)]
        labels = _join([label for _, label in results])
        return float(metric(outputs[0] if len(outputs) == 1 else outputs, labels))

    def size(self, model: Model) -> int:
        """Return the bytes of the model's files, or of the file that it would be saved to.

        Data that lies beside the file counts too. An object counts as if one file could hold it.

        Raises:
            AdaptorError: There is no such file, or it is not an ONNX model.
        """
        if isinstance(model, onnx.ModelProto):
            return external.byte_size(model)
        try:
            return external.files_size(model)
        except OSError as error:
            raise AdaptorError(f"model: {model} is not a file: {error}") from error
        except DecodeError as error:
            raise AdaptorError(f"model: {model} cannot be read as an ONNX file: {error}") from error

    def sizes(self, model: Model, dataloader: Dataloader | None) -> Sizes:
        """Return a function of a tune configuration: the size of the model that it asks for.

        Nothing is quantised. The static approach is calibrated with the first few samples where
        that has not been done, since a bias that does not fit in int32 stays float.

        Raises:
            AdaptorError: As :meth:`quantize`.
        """
        prepared = self._prepare(model)
        nodes = self._nodes(prepared)
        four_bits = can_be_raised(prepared)
        offered = {node: options(node, self.approach, four_bits) for node in nodes}

        def ranges(tune_cfg: TuneConfig) -> dict[str, Range]:
            size, algorithm = _calibration_settings(tune_cfg)
            return self._calibrated(prepared, nodes, dataloader, algorithm, size)

        return Sizes(prepared, offered, ranges if self.approach == STATIC else None)

    def sensitivities(
        self, model: Model, options: Mapping[OpKey, Sequence[OpConfig]], dataloader: Dataloader
    ) -> dict[OpKey, Sensitivity]:
        """Return what these options of nodes do, each alone, on a few samples of the dataloader.

        Raises:
            AdaptorError: As :meth:`quantize`.
        """
        prepared = self._prepare(model)
        adders = {node.name: node.adder for node in self._nodes(prepared) if node.bias}
        parts = [
            Part(key, frozenset({key[0], adders.get(key[0], key[0])}), tuple(some))
            for key, some in options.items()
        ]
        alone = OnnxRuntimeAdaptor(self.approach)  # it calibrates operations, not models

        def made(
            operation: onnx.ModelProto, key: OpKey, option: OpConfig, feeds: Sequence[Feed]
        ) -> onnx.ModelProto:
            tune_cfg = {key: option, "calib_sampling_size": EVERY_SAMPLE}
            return alone.quantize(operation, tune_cfg, [(feed, None) for feed in feeds])

        def some_feeds(session: onnxruntime.InferenceSession, count: int) -> list[Feed]:
            feeds = first_samples(batches(session, dataloader), count)
            return [piece for feed in feeds for piece in pieces_of(session, feed)]

        return sensitivities(prepared, parts, made, some_feeds)

    def digest(self, model: Model) -> str:
        """Return a digest of everything in the model."""
        return external.digest(_load(model)).hexdigest()

    def latency(self, model: Model, dataloader: Dataloader) -> float:
        """Return the median seconds that the first batch takes, after warming up, loading aside.

        Raises:
            AdaptorError: The model cannot be loaded, or the dataloader is empty or does not fit.
        """
        session = open_session(_load(model), self.threads)
        feed, _ = next(batches(session, dataloader), (None, None))
        if feed is None:
            raise AdaptorError(EMPTY)
        seconds: list[float] = []
        while len(seconds) < MOST_RUNS and (
            len(seconds) < WARM_UP_RUNS + LEAST_RUNS or sum(seconds) < ENOUGH_SECONDS
        ):
            start = time.perf_counter()
            run(session, feed)
            seconds.append(time.perf_counter() - start)
        return statistics.median(seconds[WARM_UP_RUNS:])

    def save(self, model: Model, path: str) -> None:
        """Write the model to ``path``, in the ONNX format.

        The data of a model beyond 1.9 GB goes to ``<path>.data``.

        Raises:
            AdaptorError: ``model`` is a file, but not an ONNX model.
        """
        external.write(_load(model), path)

    def _prepare(self, model: Model) -> onnx.ModelProto:
        loaded = _load(model)
        key = external.digest(loaded).digest()
        if key not in self._prepared:
            self._prepared.clear()  # one model is tuned at a time
            self._prepared[key] = self._as_new_as_needed(prepare(loaded))
        return self._prepared[key]

    def _as_new_as_needed(self, prepared: onnx.ModelProto) -> onnx.ModelProto:
        """Return a prepared model in an opset that quantising can build on."""
        newer = prepared if can_be_raised(prepared) else converted(prepared, FOUR_BIT_OPSET)
        if newer is not prepared and _keys(newer) != _keys(prepared):
            newer = prepared
        if self.approach != DYNAMIC or opset(newer) >= DYNAMIC_OPSET:
            return newer
        if not can_be_raised(newer, DYNAMIC_OPSET):
            raise AdaptorError(
                f"model: it is written in opset {opset(prepared)}, expected {DYNAMIC_OPSET} or "
                "later for dynamic quantisation, and ONNX cannot convert it: export it anew"
            )
        return raised(newer, DYNAMIC_OPSET)

    def _nodes(self, prepared: onnx.ModelProto) -> tuple[WeightedNode, ...]:
        return tuple(n for n in weighted_nodes(prepared) if options(n, self.approach))

    def _choices(
        self, nodes: Iterable[WeightedNode], tune_cfg: TuneConfig, four_bits: bool
    ) -> dict[str, OpConfig]:
        known = {(node.name, node.type): node for node in nodes}
        choices = {}
        for key, config in tune_cfg.items():
            if key in SETTINGS:
                continue
            if key not in known:
                raise AdaptorError(f"tune_cfg[{key!r}]: no such node, expected one of {[*known]}")
            if config != FP32:
                check_option(config, options(known[key], self.approach, four_bits), key)
                choices[known[key].name] = config
        return choices

    def _calibrated(
        self,
        prepared: onnx.ModelProto,
        nodes: Iterable[WeightedNode],
        dataloader: Dataloader | None,
        algorithm: str,
        size: int,
    ) -> dict[str, Range]:
        """Return the ranges of the tensors that quantised nodes read and write."""
        if dataloader is None:
            raise AdaptorError("dataloader is None, but static quantisation needs one")
        key = external.digest(prepared).digest(), algorithm, size
        if key not in self._calibrations:
            self._calibrations[key] = calibrate(
                prepared,
                (
                    tensor
                    for node in nodes
                    if node.type in PRODUCTS
                    for tensor in (node.activation, node.fused_output)
                ),
                algorithm,
                lambda session: first_samples(batches(session, dataloader), size),
                self.threads,
            )
            if len(self._calibrations) > REMEMBERED_CALIBRATIONS:
                self._calibrations.pop(next(iter(self._calibrations)), None)
        return self._calibrations[key]


def _keys(prepared: onnx.ModelProto) -> list[tuple[str, str]]:
    return [(node.name, node.type) for node in weighted_nodes(prepared)]


def _load(model: Model) -> onnx.ModelProto:
    if isinstance(model, onnx.ModelProto):
        return model
    if not isinstance(model, (str, os.PathLike)):
        kind = type(model).__name__
        raise AdaptorError(f"model is a {kind}, expected a path or an onnx.ModelProto")
    try:
        loaded = external.read(model)
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise AdaptorError(f"model: {model} cannot be read as an ONNX file: {error}") from error
    if not loaded.graph.node:
        raise AdaptorError(f"model: {model} holds no graph, expected an ONNX file")
    return loaded


def _join(parts: Iterable[Any]) -> Array:
    return np.concatenate([np.atleast_1d(np.asarray(part)) for part in parts])


def _calibration_settings(tune_cfg: TuneConfig) -> tuple[int, str]:
    size = tune_cfg.get("calib_sampling_size", DEFAULT_SAMPLING_SIZE)
    if not isinstance(size, Integral) or size < 1:
        raise AdaptorError(
            f"tune_cfg['calib_sampling_size'] is {size!r}, expected an integer of at least 1"
        )
    algorithm = tune_cfg.get("calib_algorithm", ALGORITHMS[STATIC][0])
    if algorithm not in ALGORITHMS[STATIC]:
        raise AdaptorError(
            f"tune_cfg['calib_algorithm'] is {algorithm!r}, "
            f"expected one of {', '.join(ALGORITHMS[STATIC])}"
        )
    return int(size), algorithm
