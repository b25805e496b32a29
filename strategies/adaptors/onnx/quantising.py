"""From a prepared model, its data and a tune configuration to a quantised model, and its size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

import onnx
from attrs import evolve, frozen

from strategies.adaptors.base import (
    FP32,
    Dataloader,
    OpConfig,
    SizePart,
    SumOfParts,
    TuneConfig,
)
from strategies.adaptors.onnx import asked, external
from strategies.adaptors.onnx.calibration import Observations, Range
from strategies.adaptors.onnx.correction import correct_floats
from strategies.adaptors.onnx.dynamic import quantize_dynamic
from strategies.adaptors.onnx.graph import WeightedNode
from strategies.adaptors.onnx.observed import Observed, means
from strategies.adaptors.onnx.options import CALIBRATED, options
from strategies.adaptors.onnx.prepared import Prepared, described
from strategies.adaptors.onnx.sizes import Sizes
from strategies.adaptors.onnx.smoothing import OFF, smooth, smoothable
from strategies.adaptors.onnx.static import quantize_static
from strategies.adaptors.onnx.weightless import WeightlessNode
from strategies.adaptors.onnx.weights import is_static, is_weight_only


@frozen(eq=False)
class Quantiser:
    """Quantise one model, calibrated on one dataloader.

    Attributes:
        prepared: The model.
        observed: What calibration saw so far.
        dataloader: What to calibrate on; the static approach needs it.
        bias_correction: Whether biases make up for the rounding of weights.
    """

    prepared: Prepared
    observed: Observed
    dataloader: Dataloader | None
    bias_correction: bool

    def quantize(self, tune_cfg: TuneConfig) -> onnx.ModelProto:
        """Return the model with each node quantised as ``tune_cfg`` says for it.

        Raises:
            AdaptorError: ``tune_cfg`` asks for what there is not, or the dataloader is missing,
                empty, or does not fit the model.
        """
        choices = asked.choices(tune_cfg, self.prepared)
        is_calibrated = self.prepared.approach in CALIBRATED
        settings = tune_cfg if is_calibrated else {}
        wanted = asked.calibration(settings)
        strength = asked.strength(settings, self.prepared)
        if not is_calibrated or not any(map(is_static, choices.values())):
            made = quantize_dynamic(
                self.prepared.model, choices, self.prepared.weighted, self.prepared.others
            )
            self._correct_floats(made, choices, wanted.size)
            return made
        if strength != OFF:
            return self._smoothed(wanted.size, strength)._static(choices, wanted)
        return self._static(choices, wanted)

    def sizes(self) -> SumOfParts:
        """Return a function of a tune configuration: the size of the model that it asks for.

        Raises:
            AdaptorError: As :meth:`quantize`.
        """
        weightless = [(node.name, node.type) for node in self.prepared.others]
        weighted = [(node.name, node.type) for node in self.prepared.nodes]
        plain = self._sizes()

        @cache
        def smoothed() -> Sizes:  # strengths differ in numbers alone
            return self._smoothed(asked.DEFAULT_SAMPLING_SIZE, "0.5")._sizes()

        def size_of(tune_cfg: TuneConfig) -> int:
            if any(tune_cfg.get(key, FP32) != FP32 for key in weightless):
                return external.byte_size(self.quantize(tune_cfg))
            if tune_cfg.get(asked.SMOOTHING, OFF) == OFF:
                return plain(tune_cfg)
            is_smoothed = any(is_static(tune_cfg.get(key, FP32)) for key in weighted)
            return (smoothed() if is_smoothed else plain)(tune_cfg)

        def smoothing(tune_cfg: TuneConfig) -> int:
            is_off = tune_cfg.get(asked.SMOOTHING, OFF) == OFF
            return 0 if is_off else smoothed().constant - plain.constant

        parts = [
            SizePart(keys, (asked.SIZE, asked.ALGORITHM) if is_calibrated else (), bytes_of)
            for keys, is_calibrated, bytes_of in plain.parts()
        ]
        if self.prepared.approach in CALIBRATED and smoothable(
            self.prepared.model, self.prepared.weighted
        ):
            parts.append(SizePart((), (asked.SMOOTHING,), smoothing))
        return SumOfParts(size_of, plain.constant, tuple(parts))

    def _static(
        self, choices: Mapping[str, OpConfig], wanted: asked.Calibration
    ) -> onnx.ModelProto:
        nodes = self.prepared.nodes
        chosen_others = [node for node in self.prepared.others if node.name in choices]
        seen = self._seen((*nodes, *chosen_others), wanted.size)
        shifted = means(nodes, seen) if self.bias_correction else {}
        ranges = seen.ranges(wanted.algorithm)
        made = quantize_static(
            self.prepared.model,
            choices,
            ranges,
            shifted,
            weighted=self.prepared.weighted,
            others=self.prepared.others,
        )
        self._correct_floats(made, choices, wanted.size)
        return made

    def _correct_floats(
        self, made: onnx.ModelProto, choices: Mapping[str, OpConfig], size: int
    ) -> None:
        """Correct the biases of nodes whose weights alone are held in fewer bits."""
        nodes = self.prepared.nodes
        alone = [n for n in nodes if n.name in choices and is_weight_only(choices[n.name])]
        if alone and self.bias_correction and self.dataloader is not None:
            shifted = means(alone, self._seen(nodes, size))
            correct_floats(made, self.prepared.model, alone, choices, shifted)

    def _smoothed(self, size: int, strength: str) -> Quantiser:
        """Return the quantiser of the model with its activations smoothed."""
        prepared, model = self.prepared, self.prepared.model
        seen = self._seen(self.prepared.nodes, size).seen
        peaks = {
            tensor: seen[tensor].channels[-1].peak
            for tensor in smoothable(model, prepared.weighted)
        }
        smoother = smooth(model, peaks, float(strength))
        key = prepared.key + f" smoothed {strength} on {size}".encode()
        return evolve(self, prepared=described(smoother, prepared.approach, key))

    def _sizes(self) -> Sizes:
        prepared = self.prepared
        offered = {n: options(n, prepared.approach, prepared.four_bits) for n in prepared.nodes}

        def ranges(tune_cfg: TuneConfig) -> Mapping[str, Range]:
            wanted = asked.calibration(tune_cfg)
            return self._seen(prepared.nodes, wanted.size).ranges(wanted.algorithm)

        return Sizes(prepared.model, offered, ranges if prepared.approach in CALIBRATED else None)

    def _seen(self, nodes: Iterable[WeightedNode | WeightlessNode], size: int) -> Observations:
        return self.observed.of(self.prepared, nodes, self.dataloader, size)
