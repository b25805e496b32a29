"""ONNX Runtime as the strategies see it: 8-bit quantisation of an ONNX graph, node by node."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from numbers import Integral
from typing import Any

import numpy as np
import onnx
from attrs import Attribute, field, frozen
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from strategies.adaptors.base import (
    FP32,
    Capability,
    Dataloader,
    OpConfig,
    Operation,
    TuneConfig,
)
from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.calibration import Range, calibrate
from strategies.adaptors.onnx.dynamic import DYNAMIC_OPSET, quantize_dynamic
from strategies.adaptors.onnx.footprint import footprint
from strategies.adaptors.onnx.graph import WeightedNode, opset, prepare, weighted_nodes
from strategies.adaptors.onnx.options import (
    DYNAMIC,
    STATIC,
    check_option,
    distinct_options,
    options,
)
from strategies.adaptors.onnx.running import (
    batches,
    first_samples,
    open_session,
    pieces_of,
    run,
)
from strategies.adaptors.onnx.sizes import Sizes
from strategies.adaptors.onnx.static import quantize_static
from strategies.errors import AdaptorError

ALGORITHMS = {STATIC: ("minmax", "entropy", "percentile"), DYNAMIC: ()}
SETTINGS = ("calib_sampling_size", "calib_algorithm")
DEFAULT_SAMPLING_SIZE = 100
REMEMBERED_CALIBRATIONS = 16
FINE = 1e-6
"""Seconds: a clock that is coarser does not tell short runs apart."""
EMPTY = "dataloader: it gave no batch, expected at least one"

Model = str | os.PathLike[str] | onnx.ModelProto
"""An ONNX file or what was read from one; at most 2 GB, the limit of its format."""


def _approach_known(_: Any, attribute: Attribute[str], value: str) -> None:
    if value not in ALGORITHMS:
        raise AdaptorError(
            f"{attribute.name} is {value!r}, expected one of {', '.join(ALGORITHMS)}"
        )


def _at_least_one(_: Any, attribute: Attribute[int], value: int) -> None:
    if not isinstance(value, int) or value < 1:
        raise AdaptorError(f"{attribute.name} is {value!r}, expected an integer of at least 1")


@frozen
class OnnxRuntimeAdaptor:
    """Quantise, measure and save ONNX models with ONNX Runtime, on the processor.

    The nodes with a constant float32 weight can be tuned: Conv, Gemm and MatMul, and in the static
    approach ConvTranspose, which ONNX Runtime stores in 8 bits but computes in float. Other nodes
    are not quantised themselves, but may read what a quantised Conv wrote in 8 bits: see
    :func:`~strategies.adaptors.onnx.static.quantize_static`.

    A model is a path to an ONNX file or an ``onnx.ModelProto``, and never changed; every model
    returned is an ``onnx.ModelProto``.

    Calibration takes most of the time of a static trial, so the ranges that it found are kept: the
    last few, by the bytes of the model, the algorithm and the sampling size. The dataloader is not
    part of that key: use one adaptor with one calibration dataloader, which gives the same samples
    each time.

    Attributes:
        approach: "post_training_static_quant" or "post_training_dynamic_quant".
        threads: Threads that ONNX Runtime computes with, at least 1.

    Raises:
        AdaptorError: An attribute is not one of these.
    """

    approach: str = field(default=STATIC, validator=_approach_known)
    threads: int = field(default=1, validator=_at_least_one)
    _calibrations: dict[tuple[bytes, str, int], dict[str, Range]] = field(
        factory=dict, init=False, repr=False, eq=False
    )

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
        tensor; activation uint8, asymmetric. No two options of a node represent the same weights
        and activations: int8 and uint8 with the asymmetric scheme are the same numbers, so only
        int8 is offered. The dynamic approach has no calibration algorithms: nothing is calibrated.

        Raises:
            AdaptorError: The file is not an ONNX model; or the approach is dynamic and the model is
                older than opset 11.
        """
        prepared = self._prepare(model)
        constants = {tensor.name: tensor for tensor in prepared.graph.initializer}
        operations = []
        for node in self._nodes(prepared):
            weight = numpy_helper.to_array(constants[node.weight])
            distinct, ranks = distinct_options(node, weight, self.approach)
            ranks = (*(1 + rank for rank in ranks), 0)
            operations.append(Operation(node.name, node.type, (*distinct, FP32), ranks))
        return Capability(tuple(operations), ALGORITHMS[self.approach])

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
        choices = self._choices(nodes, tune_cfg)
        if self.approach == DYNAMIC:
            return quantize_dynamic(prepared, choices)
        size, algorithm = _calibration_settings(tune_cfg)
        if not choices:
            return prepared
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
        results = list(self.predictions(model, dataloader))
        if not results:
            raise AdaptorError(EMPTY)
        several = [out if isinstance(out, list) else [out] for out, _ in results]
        outputs = [_join(parts) for parts in zip(*several, strict=True)]
        labels = _join([label for _, label in results])
        return float(metric(outputs[0] if len(outputs) == 1 else outputs, labels))

    def predictions(self, model: Model, dataloader: Dataloader) -> Iterator[tuple[Any, Any]]:
        """Yield outputs and labels of each batch; outputs are an array, or a list of several.

        Raises:
            AdaptorError: The model cannot be loaded, or a batch does not fit or has no label.
        """
        session = open_session(_load(model), self.threads)
        for feed, label in batches(session, dataloader):
            if label is None:
                raise AdaptorError("dataloader: the label is None, expected one to compare with")
            outputs = run(session, feed)
            yield (outputs[0] if len(outputs) == 1 else outputs), label

    def size(self, model: Model) -> int:
        """Return the bytes of the model's file, or of the file that it would be saved to.

        Raises:
            AdaptorError: There is no such file.
        """
        if isinstance(model, onnx.ModelProto):
            return int(model.ByteSize())
        try:
            return os.path.getsize(model)
        except OSError as error:
            raise AdaptorError(f"model: {model} is not a file: {error}") from error

    def sizes(self, model: Model, dataloader: Dataloader | None) -> Sizes:
        """Return a function of a tune configuration: the size of the model that it asks for.

        Nothing is quantised. The static approach is calibrated with the first few samples where
        that has not been done, since a bias that does not fit in int32 stays float.

        Raises:
            AdaptorError: As :meth:`quantize`.
        """
        prepared = self._prepare(model)
        nodes = self._nodes(prepared)
        offered = {node: options(node, self.approach) for node in nodes}

        def ranges(tune_cfg: TuneConfig) -> dict[str, Range]:
            size, algorithm = _calibration_settings(tune_cfg)
            return self._calibrated(prepared, nodes, dataloader, algorithm, size)

        return Sizes(prepared, offered, None if self.approach == DYNAMIC else ranges)

    def digest(self, model: Model) -> str:
        """Return a digest of everything in the model."""
        serialized = _load(model).SerializeToString(deterministic=True)
        return hashlib.blake2b(serialized, digest_size=16).hexdigest()

    def timer(self, model: Model, dataloader: Dataloader) -> Callable[[], float]:
        """Return what runs the first batch once, and returns the seconds; loading is aside.

        With one thread, these are the seconds that the processor works for it: the latency on a
        machine that does nothing else meanwhile. With more, they are those that pass.

        Raises:
            AdaptorError: The model cannot be loaded, or the dataloader is empty or does not fit.
        """
        session = open_session(_load(model), self.threads)
        feed, _ = next(batches(session, dataloader), (None, None))
        if feed is None:
            raise AdaptorError(EMPTY)

        clock = _clock(self.threads)

        def seconds() -> float:
            start = clock()
            run(session, feed)
            return clock() - start

        return seconds

    def footprint(self, model: Model, dataloader: Dataloader) -> int:
        """Return by how many bytes the peak memory of a process rises by using the model.

        The process is one of its own, and does nothing else: it loads the model from a file and
        runs the first batch. What Python and ONNX Runtime take without a model is not counted.

        Raises:
            AdaptorError: As :meth:`timer`; or the process fails.
        """
        session = open_session(_load(model), self.threads)
        feed, _ = next(batches(session, dataloader), (None, None))
        if feed is None:
            raise AdaptorError(EMPTY)
        piece = pieces_of(session, feed)[0]
        return footprint(lambda path: self.save(model, path), piece, self.threads)

    def save(self, model: Model, path: str) -> None:
        """Write the model to ``path``, in the ONNX format.

        Raises:
            AdaptorError: ``model`` is a file, but not an ONNX model.
        """
        onnx.save(_load(model), path, format="protobuf")

    def _prepare(self, model: Model) -> onnx.ModelProto:
        prepared = prepare(_load(model))
        if self.approach == DYNAMIC and opset(prepared) < DYNAMIC_OPSET:
            raise AdaptorError(
                f"model: it is written in opset {opset(prepared)}, expected {DYNAMIC_OPSET} or "
                "later for dynamic quantisation: onnx.version_converter can raise it"
            )
        return prepared

    def _nodes(self, prepared: onnx.ModelProto) -> tuple[WeightedNode, ...]:
        return tuple(n for n in weighted_nodes(prepared) if options(n, self.approach))

    def _choices(self, nodes: Iterable[WeightedNode], tune_cfg: TuneConfig) -> dict[str, OpConfig]:
        known = {(node.name, node.type): node for node in nodes}
        choices = {}
        for key, config in tune_cfg.items():
            if key in SETTINGS:
                continue
            if key not in known:
                raise AdaptorError(f"tune_cfg[{key!r}]: no such node, expected one of {[*known]}")
            if config != FP32:
                check_option(config, options(known[key], self.approach), key)
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
        digest = hashlib.blake2b(prepared.SerializeToString()).digest()
        key = digest, algorithm, size
        if key not in self._calibrations:
            self._calibrations[key] = calibrate(
                prepared,
                (tensor for node in nodes for tensor in (node.activation, node.fused_output)),
                algorithm,
                lambda session: first_samples(batches(session, dataloader), size),
                self.threads,
            )
            if len(self._calibrations) > REMEMBERED_CALIBRATIONS:
                self._calibrations.pop(next(iter(self._calibrations)), None)
        return self._calibrations[key]


def _clock(threads: int) -> Callable[[], float]:
    """Return the clock that other programs disturb least."""
    own = time.get_clock_info("thread_time") if hasattr(time, "thread_time") else None
    is_fine = own is not None and own.resolution <= FINE
    return time.thread_time if threads == 1 and is_fine else time.perf_counter


def _load(model: Model) -> onnx.ModelProto:
    if isinstance(model, onnx.ModelProto):
        return model
    if not isinstance(model, (str, os.PathLike)):
        kind = type(model).__name__
        raise AdaptorError(f"model is a {kind}, expected a path or an onnx.ModelProto")
    try:
        loaded = onnx.load(model, format="protobuf")
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
