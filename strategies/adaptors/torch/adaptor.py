"""PyTorch as the strategies see it: modules quantised one by one, on the processor."""

from __future__ import annotations

import copy
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, TypeAlias

import torch
from attrs import Attribute, field, frozen
from torch import nn

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
from strategies.adaptors.evaluating import EMPTY, evaluated
from strategies.adaptors.footprint import footprint
from strategies.adaptors.torch import exporting
from strategies.adaptors.torch.attention import opened, replace
from strategies.adaptors.torch.calibration import ALGORITHMS, Range, calibrate
from strategies.adaptors.torch.damages import SAMPLES, sensitivities
from strategies.adaptors.torch.integer import Levels
from strategies.adaptors.torch.options import (
    DYNAMIC,
    STATIC,
    check_option,
    has_integers,
    made,
    options,
    ranks,
)
from strategies.adaptors.torch.running import (
    Feed,
    computing,
    feeds,
    first_samples,
    labels,
    outputs,
    run,
)
from strategies.adaptors.torch.sizes import Sizes
from strategies.adaptors.torch.structure import (
    bytes_of,
    digest,
    left_out,
    names_of,
    quantisable,
)
from strategies.errors import AdaptorError

SETTINGS = ("calib_sampling_size", "calib_algorithm")
DEFAULT_SAMPLING_SIZE = 100
REMEMBERED_CALIBRATIONS = 16

Model: TypeAlias = "str | os.PathLike[str] | nn.Module"


def _approach_known(_: Any, attribute: Attribute[str], value: str) -> None:
    if value not in (STATIC, DYNAMIC):
        raise AdaptorError(f"{attribute.name} is {value!r}, expected one of {STATIC}, {DYNAMIC}")


def _at_least_one(_: Any, attribute: Attribute[int], value: int) -> None:
    if not isinstance(value, int) or value < 1:
        raise AdaptorError(f"{attribute.name} is {value!r}, expected an integer of at least 1")


@frozen
class TorchAdaptor:
    """Quantise, measure and save modules of PyTorch, on the processor.

    What can be tuned are the modules of the kinds Linear, Conv, ConvTranspose, Embedding, LSTM, GRU
    and RNN, and the two projections of MultiheadAttention. Each is replaced by a module that holds
    its weight as integers, and multiplies integers or reads the weight back, as is chosen.

    A model is an ``nn.Module``, or the path of one saved whole (``torch.save(model, path)``). It is
    never changed; every model returned is a copy of its class with some modules replaced.

    The ranges that calibration found are kept: the last few, by the digest of the model, the
    algorithm and the sampling size. The dataloader is not part of that key: use one adaptor with
    one calibration dataloader, which gives the same samples each time.

    Attributes:
        approach: "post_training_static_quant" or "post_training_dynamic_quant".
        threads: Threads that PyTorch computes with, at least 1.

    Raises:
        AdaptorError: An attribute is not one of these.
    """

    approach: str = field(default=STATIC, validator=_approach_known)
    threads: int = field(default=1, validator=_at_least_one)
    _calibrations: dict[tuple[str, str, int], dict[str, Range]] = field(
        factory=dict, init=False, repr=False, eq=False
    )

    def load(self, model: Model) -> nn.Module:
        """Return the model in eval mode: itself if it is, else a copy.

        Raises:
            AdaptorError: The file holds no module, ``model`` is something else, or its tensors are
                not in the processor's memory.
        """
        loaded = exporting.load(model) if isinstance(model, str | os.PathLike) else model
        if not isinstance(loaded, nn.Module):
            kind = type(loaded).__name__
            raise AdaptorError(f"model is a {kind}, expected an nn.Module or a path")
        for name, tensor in (*loaded.named_parameters(), *loaded.named_buffers()):
            if tensor.device.type != "cpu":
                raise AdaptorError(
                    f"model: {name} is on {tensor.device}, expected cpu: call model.cpu()"
                )
        if any(module.training for module in loaded.modules()):
            loaded = copy.deepcopy(loaded).eval()
        return loaded

    def capability(self, model: Model) -> Capability:
        """Return the modules that can be tuned, and the options of each.

        The default option comes first. With static quantisation that is, for a Linear or a Conv,
        weight int8, symmetric, per channel, and activation uint8, asymmetric; in the dynamic
        approach a Linear takes the range of its activations from each input. What cannot compute
        in integers is stored in 8 bits. The dynamic approach has no calibration algorithms.
        """
        whole = opened(self.load(model))
        operations = []
        for (name, kind), module in _keyed(whole).items():
            offered = options(module, self.approach)
            places = (*ranks(module, offered), 0)
            operations.append(Operation(name, kind, (*offered, FP32), places))
        algorithms = ALGORITHMS if self.approach == STATIC else ()
        return Capability(tuple(operations), algorithms, left_out(whole))

    def quantize(
        self, model: Model, tune_cfg: TuneConfig, dataloader: Dataloader | None
    ) -> nn.Module:
        """Return the model with each module quantised as ``tune_cfg`` says for it.

        A module that is not in ``tune_cfg`` stays as it is; nothing in the new model has gradients.
        Static options look at the first ``calib_sampling_size`` samples (default 100; all, if there
        are fewer) of the dataloader, with ``calib_algorithm`` (default "minmax"). Others use
        neither these two nor the dataloader.

        Raises:
            AdaptorError: ``tune_cfg`` names an unknown module or asks for what cannot be done, or
                the dataloader is missing, empty, or does not fit the model.
        """
        loaded = self.load(model)
        whole = opened(loaded)
        choices = self._choices(_keyed(whole), tune_cfg)
        ranges: dict[str, Range] = {}
        if self.approach == STATIC:
            size, algorithm = _calibration_settings(tune_cfg)
            if any(option["activation"]["dtype"] != "fp32" for option in choices.values()):
                ranges = self._calibrated(loaded, dataloader, algorithm, size)
        quantized = opened(loaded, set(choices))
        aliases = names_of(quantized)
        for name, option in choices.items():
            module = quantized.get_submodule(name)
            replacement = made(module, option, self._levels(name, option, ranges)).eval()
            if not name:
                quantized = replacement
            for alias in filter(None, aliases[module]):
                replace(quantized, alias, replacement)
        quantized.requires_grad_(False)  # integers have no gradients
        seen = None if dataloader is None else next(feeds(dataloader), None)
        exporting.remember(quantized, seen[0] if seen else None)
        return quantized

    def evaluate(
        self, model: Model, dataloader: Dataloader, metric: Callable[[Any, Any], float]
    ) -> float:
        """Return ``metric(outputs, labels)`` over all batches of the dataloader.

        ``outputs`` is the array of the model's output, or a list of arrays if it has several, and
        ``labels`` the array of all labels; both joined along their first axis, the samples.

        Raises:
            AdaptorError: The model cannot be run, or the dataloader is empty or does not fit.
        """
        return evaluated(self.predictions(model, dataloader), metric)

    def predictions(self, model: Model, dataloader: Dataloader) -> Iterator[tuple[Any, Any]]:
        """Yield outputs and labels of each batch; outputs are an array, or a list of several.

        Raises:
            AdaptorError: The model cannot be run, or a batch does not fit or has no label.
        """
        loaded = self.load(model)
        for feed, label in feeds(dataloader):
            truth = labels(label)
            with computing(self.threads):
                found = outputs(run(loaded, feed))
            yield (found[0] if len(found) == 1 else found), truth

    def size(self, model: Model) -> int:
        """Return the bytes of the model's tensors, each once.

        A saved program holds them and, besides, its graph: text of a few kilobytes for each module,
        which depends on the release of PyTorch and is not counted.
        """
        return bytes_of(self.load(model))

    def sizes(self, model: Model, dataloader: Dataloader | None) -> Sizes:
        """Return a function of a tune configuration: the size of the model that it asks for."""
        whole = opened(self.load(model))
        return Sizes(whole, _keyed(whole))

    def sensitivities(
        self, model: Model, options: Mapping[OpKey, Sequence[OpConfig]], dataloader: Dataloader
    ) -> dict[OpKey, Sensitivity]:
        """Return what these options of modules do, each alone, on a few samples of the dataloader.

        Raises:
            AdaptorError: As :meth:`quantize`.
        """
        whole = opened(self.load(model))
        some = list(first_samples(feeds(dataloader), SAMPLES))
        with computing(self.threads):
            return sensitivities(
                opened(whole, {key[0] for key in options}),
                _keyed(whole),
                options,
                some,
                lambda key, option: self.quantize(model, {key: option}, dataloader),
            )

    def digest(self, model: Model) -> str:
        """Return a digest of all tensors of the model, its classes and their settings."""
        return digest(self.load(model))

    def timer(self, model: Model, dataloader: Dataloader) -> Callable[[], float]:
        """Return what runs the first batch once, and returns the seconds.

        Raises:
            AdaptorError: The dataloader is empty or does not fit.
        """
        loaded, feed = self.load(model), _first(dataloader)

        def seconds() -> float:
            with computing(self.threads):
                start = time.perf_counter()
                run(loaded, feed)
                return time.perf_counter() - start

        return seconds

    def footprint(self, model: Model, dataloader: Dataloader) -> int:
        """Return by how many bytes the peak memory of a process rises by using the model.

        The process is one of its own, and does nothing else: it loads the model from a file and
        runs the first batch. What Python and PyTorch take without a model is not counted.

        Raises:
            AdaptorError: The dataloader is empty or does not fit, or the process fails.
        """
        loaded, feed = self.load(model), _first(dataloader)

        def save(to: Path, inputs: Path) -> None:
            exporting.save(loaded, str(to), feed)
            torch.save((feed.args, dict(feed.kwargs)), inputs)

        return footprint("torch", save, self.threads)

    def save(self, model: Model, path: str) -> None:
        """Write the model to ``path``: see :func:`~strategies.adaptors.torch.exporting.save`.

        A model that PyTorch cannot export is written as a module; the logger ``strategies`` has the
        reason.
        """
        loaded = self.load(model)
        why = exporting.save(loaded, path, exporting.example_of(loaded))
        if why is not None:
            logging.getLogger("strategies").warning(
                "%s is the module itself, which needs asktell to be loaded: no program (%s)",
                path,
                why,
            )

    def _choices(
        self, modules: Mapping[OpKey, nn.Module], tune_cfg: TuneConfig
    ) -> dict[str, OpConfig]:
        choices = {}
        for key, config in tune_cfg.items():
            if key in SETTINGS:
                continue
            if key not in modules:
                raise AdaptorError(
                    f"tune_cfg[{key!r}]: no such module, expected one of {[*modules]}"
                )
            if config != FP32:
                check_option(config, options(modules[key], self.approach), key)
                choices[key[0]] = config
        return choices

    def _levels(self, name: str, option: OpConfig, ranges: Mapping[str, Range]) -> Levels | None:
        side = option["activation"]
        if self.approach == DYNAMIC or side["dtype"] == "fp32":
            return None
        if name not in ranges:
            raise AdaptorError(
                f"module {name!r} was never called with the calibration data, so its range is not "
                "known: leave it out, with quantization.op_wise"
            )
        return Levels.of(*ranges[name], side)

    def _calibrated(
        self, model: nn.Module, dataloader: Dataloader | None, algorithm: str, size: int
    ) -> dict[str, Range]:
        """Return the ranges of what modules are given that can compute in integers."""
        if dataloader is None:
            raise AdaptorError("dataloader is None, but static quantisation needs one")
        key = digest(model), algorithm, size
        if key not in self._calibrations:
            whole = opened(model)
            modules = {
                name: module
                for name, module in quantisable(whole).items()
                if has_integers(module, STATIC)
            }
            with computing(self.threads):
                self._calibrations[key] = calibrate(
                    whole, modules, algorithm, lambda: first_samples(feeds(dataloader), size)
                )
            if len(self._calibrations) > REMEMBERED_CALIBRATIONS:
                self._calibrations.pop(next(iter(self._calibrations)), None)
        return self._calibrations[key]


def _first(dataloader: Dataloader) -> Feed:
    """Return the first batch."""
    feed, _ = next(feeds(dataloader), (None, None))
    if feed is None:
        raise AdaptorError(EMPTY)
    return feed


def _keyed(whole: nn.Module) -> dict[OpKey, nn.Module]:
    return {(name, _kind(module)): module for name, module in quantisable(whole).items()}


def _kind(module: nn.Module) -> str:
    """Return the class of PyTorch that a module is of."""
    return "Linear" if isinstance(module, nn.Linear) else type(module).__name__


def _calibration_settings(tune_cfg: TuneConfig) -> tuple[int, str]:
    size = tune_cfg.get("calib_sampling_size", DEFAULT_SAMPLING_SIZE)
    if not isinstance(size, Integral) or size < 1:
        raise AdaptorError(
            f"tune_cfg['calib_sampling_size'] is {size!r}, expected an integer of at least 1"
        )
    algorithm = tune_cfg.get("calib_algorithm", ALGORITHMS[0])
    if algorithm not in ALGORITHMS:
        raise AdaptorError(
            f"tune_cfg['calib_algorithm'] is {algorithm!r}, expected one of {', '.join(ALGORITHMS)}"
        )
    return int(size), algorithm
