"""ONNX Runtime as the strategies see it: quantisation of an ONNX graph, node by node."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from numbers import Integral
from pathlib import Path
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
    SizePart,
    SumOfParts,
    TuneConfig,
)
from strategies.adaptors.evaluating import EMPTY, evaluated
from strategies.adaptors.footprint import footprint
from strategies.adaptors.onnx import external
from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.calibration import ALGORITHMS as RANGE_ALGORITHMS
from strategies.adaptors.onnx.calibration import Observations, Range, observe
from strategies.adaptors.onnx.checking import check
from strategies.adaptors.onnx.correction import channel_axis, correct_floats
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
from strategies.adaptors.onnx.smoothing import OFF, STRENGTHS, smooth, smoothable
from strategies.adaptors.onnx.static import quantize_static
from strategies.adaptors.onnx.weightless import WeightlessNode, operation, weightless_nodes
from strategies.adaptors.onnx.weightless import options as weightless_options
from strategies.adaptors.onnx.weights import is_weight_only
from strategies.errors import AdaptorError

ALGORITHMS = {STATIC: RANGE_ALGORITHMS, DYNAMIC: (), WEIGHT_ONLY: ()}
SETTINGS = ("calib_sampling_size", "calib_algorithm", "smooth_quant")
DEFAULT_SAMPLING_SIZE, DEFAULT_ALGORITHM = 100, "minmax"
EVERY_SAMPLE = 2**62
REMEMBERED_CALIBRATIONS = 16
FINE = 1e-6
"""Seconds: a clock that is coarser does not tell short runs apart."""

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
        approach: "post_training_static_quant", "post_training_dynamic_quant" or
            "post_training_weight_only".
        threads: Threads that ONNX Runtime computes with, at least 1.
        bias_correction: Whether biases make up for how rounded weights shift what is added to
            them, in the static approach.

    Raises:
        AdaptorError: An attribute is not one of these.
    """

    approach: str = field(default=STATIC, validator=_approach_known)
    threads: int = field(default=1, validator=_at_least_one)
    bias_correction: bool = True
    _observations: dict[tuple[bytes, int], Observations] = field(
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
        operations = {}
        for node in self._nodes(prepared):
            names = filter(None, (node.weight, node.recurrence))
            weights = [numpy_helper.to_array(constants[name]) for name in names]
            distinct, ranks = distinct_options(node, weights, self.approach, four_bits)
            ranks = (*(1 + rank for rank in ranks), 0)
            operations[node.name] = Operation(node.name, node.type, (*distinct, FP32), ranks)
        for other in weightless_nodes(prepared, self.approach):
            operations[other.name] = operation(other, self.approach)
        in_order = (operations.get(proto.name) for proto in prepared.graph.node)
        is_static = self.approach == STATIC
        return Capability(
            tuple(one for one in in_order if one is not None),
            ALGORITHMS[self.approach],
            left_out(prepared, operations.keys()),
            smooth_quant=STRENGTHS if is_static and smoothable(prepared) else (),
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
        prepared = self._prepare(model)
        nodes, others = self._nodes(prepared), weightless_nodes(prepared, self.approach)
        choices = self._choices(nodes, others, tune_cfg, can_be_raised(prepared))
        settings = tune_cfg if self.approach == STATIC else {}
        size, algorithm = _calibration_settings(settings)
        strength = _strength(settings, prepared)
        if self.approach != STATIC or all(map(is_weight_only, choices.values())):
            made = quantize_dynamic(prepared, choices)
            self._correct_floats(made, prepared, nodes, choices, dataloader, size)
            return made
        if strength != OFF:
            prepared = self._smoothed(prepared, nodes, dataloader, size, strength)
            nodes, others = self._nodes(prepared), weightless_nodes(prepared, self.approach)
        chosen_others = [node for node in others if node.name in choices]
        seen = self._observed(prepared, (*nodes, *chosen_others), dataloader, size)
        means = _means(nodes, seen) if self.bias_correction else {}
        made = quantize_static(prepared, choices, seen.ranges(algorithm), means)
        self._correct_floats(made, prepared, nodes, choices, dataloader, size)
        return made

    def check(self, model: Model, tune_cfg: TuneConfig) -> dict[OpKey, OpConfig]:
        """Return what every operation of ``tune_cfg`` is in a model that was quantised with it.

        It is read back from the graph: types of integers, zero points and scales.

        Raises:
            AdaptorError: An operation is not what ``tune_cfg`` says.
        """
        wanted = {key: config for key, config in tune_cfg.items() if key not in SETTINGS}
        return check(_load(model), wanted)

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
        session = open_session(_load(model), self.threads)
        for feed, label in batches(session, dataloader):
            if label is None:
                raise AdaptorError("dataloader: the label is None, expected one to compare with")
            outputs = run(session, feed)
            yield (outputs[0] if len(outputs) == 1 else outputs), label

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

    def sizes(self, model: Model, dataloader: Dataloader | None) -> SumOfParts:
        """Return a function of a tune configuration: the size of the model that it asks for.

        Nothing is quantised, unless nodes without a weight are chosen: these save no bytes. The
        static approach is calibrated with the first few samples where that has not been done,
        since a bias that does not fit in int32 stays float.

        Raises:
            AdaptorError: As :meth:`quantize`.
        """
        prepared = self._prepare(model)
        weightless = [(n.name, n.type) for n in weightless_nodes(prepared, self.approach)]
        weighted = [(n.name, n.type) for n in self._nodes(prepared)]
        plain = self._sizes(prepared, dataloader)

        @cache
        def smoothed() -> Sizes:  # strengths differ in numbers alone
            nodes = self._nodes(prepared)
            strong = self._smoothed(prepared, nodes, dataloader, DEFAULT_SAMPLING_SIZE, "0.5")
            return self._sizes(strong, dataloader)

        def size_of(tune_cfg: TuneConfig) -> int:
            if any(tune_cfg.get(key, FP32) != FP32 for key in weightless):
                return self.size(self.quantize(prepared, tune_cfg, dataloader))
            if tune_cfg.get("smooth_quant", OFF) == OFF:
                return plain(tune_cfg)
            is_smoothed = any(not is_weight_only(tune_cfg.get(key, FP32)) for key in weighted)
            return (smoothed() if is_smoothed else plain)(tune_cfg)

        def smoothing(tune_cfg: TuneConfig) -> int:
            is_off = tune_cfg.get("smooth_quant", OFF) == OFF
            return 0 if is_off else smoothed().constant - plain.constant

        parts = [
            SizePart(keys, SETTINGS[:2] if is_calibrated else (), bytes_of)
            for keys, is_calibrated, bytes_of in plain.parts()
        ]
        if self.approach == STATIC and smoothable(prepared):
            parts.append(SizePart((), ("smooth_quant",), smoothing))
        return SumOfParts(size_of, plain.constant, tuple(parts))

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
        alone = OnnxRuntimeAdaptor(
            self.approach, bias_correction=self.bias_correction
        )  # it calibrates operations, not models

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

        def save(to: Path, inputs: Path) -> None:
            self.save(model, str(to))
            np.savez(inputs, **piece)  # type: ignore[arg-type]

        return footprint("onnx", save, self.threads)

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

    def _sizes(self, prepared: onnx.ModelProto, dataloader: Dataloader | None) -> Sizes:
        nodes, four_bits = self._nodes(prepared), can_be_raised(prepared)
        offered = {node: options(node, self.approach, four_bits) for node in nodes}

        def ranges(tune_cfg: TuneConfig) -> Mapping[str, Range]:
            size, algorithm = _calibration_settings(tune_cfg)
            return self._observed(prepared, nodes, dataloader, size).ranges(algorithm)

        return Sizes(prepared, offered, ranges if self.approach == STATIC else None)

    def _correct_floats(
        self,
        made: onnx.ModelProto,
        prepared: onnx.ModelProto,
        nodes: Iterable[WeightedNode],
        choices: Mapping[str, OpConfig],
        dataloader: Dataloader | None,
        size: int,
    ) -> None:
        """Correct the biases of nodes whose weights alone are held in fewer bits."""
        alone = [n for n in nodes if n.name in choices and is_weight_only(choices[n.name])]
        if alone and self.bias_correction and dataloader is not None:
            means = _means(alone, self._observed(prepared, nodes, dataloader, size))
            correct_floats(made, prepared, alone, choices, means)

    def _smoothed(
        self,
        prepared: onnx.ModelProto,
        nodes: Iterable[WeightedNode],
        dataloader: Dataloader | None,
        size: int,
        strength: str,
    ) -> onnx.ModelProto:
        seen = self._observed(prepared, nodes, dataloader, size).seen
        peaks = {tensor: seen[tensor].channels[-1].peak for tensor in smoothable(prepared)}
        return smooth(prepared, peaks, float(strength))

    def _choices(
        self,
        nodes: Iterable[WeightedNode],
        others: Iterable[WeightlessNode],
        tune_cfg: TuneConfig,
        four_bits: bool,
    ) -> dict[str, OpConfig]:
        offered = {(n.name, n.type): options(n, self.approach, four_bits) for n in nodes}
        offered |= {(n.name, n.type): weightless_options(self.approach) for n in others}
        choices = {}
        for key, config in tune_cfg.items():
            if key in SETTINGS:
                continue
            if key not in offered:
                raise AdaptorError(f"tune_cfg[{key!r}]: no such node, expected one of {[*offered]}")
            if config != FP32:
                check_option(config, offered[key], key)
                choices[key[0]] = config
        return choices

    def _observed(
        self,
        prepared: onnx.ModelProto,
        nodes: Iterable[WeightedNode | WeightlessNode],
        dataloader: Dataloader | None,
        size: int,
    ) -> Observations:
        """Return what the tensors that these nodes read and write hold on the samples."""
        if dataloader is None:
            raise AdaptorError("dataloader is None, but static quantisation needs one")
        key = external.digest(prepared).digest(), size
        known = self._observations.get(key, Observations({}))
        missing = {n: axes for n, axes in _tensors(nodes).items() if n not in known.seen}
        if missing:
            more = observe(
                prepared,
                missing,
                lambda session: first_samples(batches(session, dataloader), size),
                self.threads,
            )
            self._observations[key] = known = known | more
            if len(self._observations) > REMEMBERED_CALIBRATIONS:
                self._observations.pop(next(iter(self._observations)), None)
        return known


def _keys(prepared: onnx.ModelProto) -> list[tuple[str, str]]:
    return [(node.name, node.type) for node in weighted_nodes(prepared)]


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
        loaded = external.read(model)
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise AdaptorError(f"model: {model} cannot be read as an ONNX file: {error}") from error
    if not loaded.graph.node:
        raise AdaptorError(f"model: {model} holds no graph, expected an ONNX file")
    return loaded


def _tensors(nodes: Iterable[WeightedNode | WeightlessNode]) -> dict[str, list[int]]:
    """Return the tensors that nodes read and write, with the axes to look at by channel."""
    tensors: dict[str, list[int]] = {}
    for node in nodes:
        if isinstance(node, WeightlessNode):
            tensors |= {name: tensors.get(name, []) for name in node.inputs}
        elif node.type in PRODUCTS:
            tensors.setdefault(node.activation, []).append(channel_axis(node))
        else:
            continue  # its activation stays as it is
        tensors.setdefault(node.fused_output, [])
    return tensors


def _means(nodes: Iterable[WeightedNode], seen: Observations) -> dict[str, Array]:
    plain = (node for node in nodes if node.plain and node.type in PRODUCTS)
    found = ((node, seen.seen[node.activation].channels) for node in plain)
    return {n.name: c[channel_axis(n)].mean for n, c in found if channel_axis(n) in c}


def _strength(tune_cfg: TuneConfig, prepared: onnx.ModelProto) -> str:
    strength = tune_cfg.get("smooth_quant", OFF)
    expected = STRENGTHS if strength == OFF or smoothable(prepared) else (OFF,)
    if strength not in expected:
        raise AdaptorError(
            f"tune_cfg['smooth_quant'] is {strength!r}, expected one of {', '.join(expected)}"
        )
    return str(strength)


def _calibration_settings(tune_cfg: TuneConfig) -> tuple[int, str]:
    size = tune_cfg.get("calib_sampling_size", DEFAULT_SAMPLING_SIZE)
    if not isinstance(size, Integral) or size < 1:
        raise AdaptorError(
            f"tune_cfg['calib_sampling_size'] is {size!r}, expected an integer of at least 1"
        )
    algorithm = tune_cfg.get("calib_algorithm", DEFAULT_ALGORITHM)
    if algorithm not in ALGORITHMS[STATIC]:
        raise AdaptorError(
            f"tune_cfg['calib_algorithm'] is {algorithm!r}, "
            f"expected one of {', '.join(ALGORITHMS[STATIC])}"
        )
    return int(size), algorithm
