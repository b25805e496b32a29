"""The tuning space: what the adaptor offers and the configuration allows, as an asktell space.

Each operation is one parameter. Its choices are all the ways to quantise it, and fp32, which leaves
it as it is; in order from the most exact on, where that is known and of use. Where no activation is
quantised, it makes no difference how ranges are chosen: only the first way is in the space there.
So different params mean different models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from attrs import field, frozen

import asktell as at
from strategies.adaptors.base import (
    FP32,
    Capability,
    OpConfig,
    OpKey,
    SizePart,
    SumOfParts,
    TuneConfig,
)
from strategies.allowed import allowed_options, in_order, listed, named
from strategies.conf import Conf
from strategies.errors import ArgumentError, ConfError

ALGORITHM = "calib_algorithm"
SAMPLING_SIZE = "calib_sampling_size"
SMOOTHING = "smooth_quant"
SETTINGS = (ALGORITHM, SAMPLING_SIZE, SMOOTHING)
"""What parameters are called that belong to the whole model."""

Params = Mapping[str, Any]


@frozen
class TuningSpace:
    """The operations with their allowed options by label, the first of each being the default.

    ``orders`` has the labels of an operation from the most exact on, where that is known.
    ``is_prepared`` says that the model is not the FP32 model that it is compared with, but what was
    made of that.
    """

    operations: Mapping[OpKey, Mapping[str, OpConfig]]
    algorithms: tuple[str, ...]
    sampling_sizes: tuple[int, ...]
    orders: Mapping[OpKey, tuple[str, ...]] = field(factory=dict)
    smoothings: tuple[str, ...] = ()
    is_prepared: bool = False
    space: at.Space = field(init=False)
    _names: tuple[tuple[str, OpKey, Mapping[str, OpConfig]], ...] = field(init=False, repr=False)

    @space.default
    def _laid_out(self) -> at.Space:
        parameters: list[at.Categorical | at.Ordinal] = [
            at.Ordinal(_label(key), self.orders[key])
            if key in self.orders
            else at.Categorical(_label(key), list(options))
            for key, options in self.operations.items()
        ]
        if len(self.algorithms) > 1:
            parameters.append(at.Categorical(ALGORITHM, self.algorithms))
        if len(self.sampling_sizes) > 1:
            parameters.append(at.Ordinal(SAMPLING_SIZE, self.sampling_sizes))
        if len(self.smoothings) > 1:
            parameters.append(at.Categorical(SMOOTHING, self.smoothings))
        return at.Space(*parameters, constraints=self._without_effect())

    def _without_effect(self) -> list[at.Forbidden]:
        """Return what the space leaves out: settings that change nothing, but for the first.

        How ranges are chosen, and what is smoothed, is of account only where an activation is
        quantised; how much is looked at, wherever anything is.
        """
        floats = [_labels(options, _is_float) for options in self.operations.values()]
        unquantised = [_labels(options, _is_unquantised) for options in self.operations.values()]
        names = [_label(key) for key in self.operations]
        settings = (
            (ALGORITHM, self.algorithms, floats),
            (SMOOTHING, self.smoothings, floats),
            (SAMPLING_SIZE, self.sampling_sizes, unquantised),
        )
        return [
            at.Forbidden({name: list(values[1:]), **dict(zip(names, without, strict=True))})
            for name, values, without in settings
            if len(values) > 1 and all(without)
        ]

    @_names.default
    def _named(self) -> tuple[tuple[str, OpKey, Mapping[str, OpConfig]], ...]:
        return tuple((_label(key), key, options) for key, options in self.operations.items())

    @classmethod
    def of(cls, capability: Capability, conf: Conf, by_exactness: bool = False) -> TuningSpace:
        """Return the options that the adaptor offers and the configuration allows.

        Operations without a weight save time, and no bytes: they are choices only where time is an
        objective, and stay as they are elsewhere.

        Args:
            capability: what the adaptor offers.
            conf: what is allowed of it.
            by_exactness: whether options are put in order where the adaptor knows it.

        Raises:
            ConfError: a ``ValueError``; the configuration leaves an operation no option, or names
                one that does not exist, or the model has nothing to quantise.
        """
        if not capability.operations:
            raise ConfError("$.model", conf.model_name, "a model with operations to quantise")
        for pattern in conf.op_wise:
            names = [op.name for op in capability.operations]
            if not named(pattern, names):
                raise ConfError(
                    "$.quantization.op_wise", pattern, f"a pattern that matches one of {names}"
                )
        timed = any(objective.name == "performance" for objective in conf.objectives)
        operations = [op for op in capability.operations if timed or op.has_weight]
        if not operations:
            expected = "performance, as no operation has a weight"
            raise ConfError("$.tuning.objective", conf.objectives[0].name, expected)
        names = [op.name for op in capability.operations]
        limits = [
            (f"$.quantization.op_wise.{pattern}", limit, named(pattern, names))
            for pattern, limit in conf.op_wise.items()
        ]
        limits.insert(0, ("$.quantization.model_wise", conf.model_wise, {*names}))
        allowed = {op.key: allowed_options(op, limits) for op in operations}
        wanted = listed((conf.model_wise.get("activation") or {}).get("algorithm"))
        algorithms = tuple(
            a for a in capability.calibration_algorithms if not wanted or a in wanted
        )
        if wanted and not algorithms:
            place = "$.quantization.model_wise.activation.algorithm"
            raise ConfError(place, wanted, f"one of {list(capability.calibration_algorithms)}")
        orders = {
            op.key: in_order(op, allowed[op.key]) for op in operations if by_exactness and op.ranks
        }
        sizes = conf.sampling_sizes if algorithms else ()
        smoothings = capability.smooth_quant if conf.smooth_quant else ()
        return cls(allowed, algorithms, sizes, orders, smoothings)

    def default(self) -> dict[str, Any]:
        """Return the params of the default configuration: the first option everywhere."""
        params = {name: next(iter(options)) for name, _, options in self._names}
        settings = self._settings({})
        return params | {name: settings[name] for name in SETTINGS if name in self.space.names}

    def most_exact(self) -> dict[str, Any]:
        """Return params that quantise every operation as exactly as is allowed, where known."""
        params = self.default()
        for key, order in self.orders.items():
            quantised = [label for label in order if self.operations[key][label] != FP32]
            params[_label(key)] = next(iter(quantised), order[0])
        return params

    def unquantised(self) -> dict[str, Any] | None:
        """Return params that stand for the FP32 model, or None if none do.

        These leave every operation as it is.
        """
        if self.is_prepared:
            return None
        params = self.default()
        for key, options in self.operations.items():
            label = next((label for label, option in options.items() if option == FP32), None)
            if label is None:
                return None
            params[_label(key)] = label
        return params

    def variants(self) -> tuple[dict[str, Any], ...]:
        """Return configurations of the whole model: another calibration, or one option everywhere.

        An operation that does not have that option keeps its default.
        """
        default = self.default()
        calibrations = [
            {ALGORITHM: algorithm, SAMPLING_SIZE: size}
            for algorithm in self.algorithms or (None,)
            for size in self.sampling_sizes or (None,)
        ]
        found = [
            default | {name: one[name] for name in one if name in default} for one in calibrations
        ]
        labels = dict.fromkeys(
            label
            for options in self.operations.values()
            for label, option in options.items()
            if option != FP32
        )
        for label in labels:
            same = {_label(k): label for k, options in self.operations.items() if label in options}
            found.append(default | same)
        found = [self.canonical(one) for one in found]
        return tuple(one for place, one in enumerate(found) if one not in found[:place])

    def tune_cfg(self, params: Mapping[str, Any]) -> TuneConfig:
        """Return the tune configuration that params stand for."""
        options = {key: options[params[name]] for name, key, options in self._names}
        return {**options, **self._settings(params)}

    def size_of(self, sizes: Callable[[TuneConfig], float]) -> Callable[[Params], float]:
        """Return the size as a function of params: a sum, where that is known."""
        parts_known = sizes.parts if isinstance(sizes, SumOfParts) else ()
        looked_at = {key for part in parts_known for key in part.keys}
        if not isinstance(sizes, SumOfParts) or not looked_at.issuperset(self.operations):
            return lambda params: sizes(self.tune_cfg(params))
        parts: dict[tuple[str, ...], list[SizePart]] = {}
        constant = sizes.constant
        for part in parts_known:
            keys = [key for key in part.keys if key in self.operations]
            settings = [name for name in part.settings if name in self.space.names]
            names = (*map(_label, keys), *settings)
            if names:
                parts.setdefault(names, []).append(part)
            else:
                constant += part.bytes_of(self._settings({}))
        asked: dict[str | tuple[str, ...], Callable[[dict[str, Any]], float]] = {
            names: remembered(partial(self._bytes_of, tuple(some))) for names, some in parts.items()
        }
        return at.SumOf(asked, constant)

    def _bytes_of(self, parts: tuple[SizePart, ...], params: Params) -> float:
        tune_cfg = self._settings(params)
        for key in {key for part in parts for key in part.keys if key in self.operations}:
            tune_cfg[key] = self.operations[key][params[_label(key)]]
        return sum(part.bytes_of(tune_cfg) for part in parts)

    def _settings(self, params: Params) -> TuneConfig:
        """Return how a tune configuration is calibrated and smoothed."""
        config: TuneConfig = {}
        if self.algorithms:
            config[ALGORITHM] = params.get(ALGORITHM, self.algorithms[0])
        if self.sampling_sizes:
            config[SAMPLING_SIZE] = params.get(SAMPLING_SIZE, self.sampling_sizes[0])
        if self.smoothings:
            config[SMOOTHING] = params.get(SMOOTHING, self.smoothings[0])
        return config

    def params(self, tune_cfg: TuneConfig) -> dict[str, Any]:
        """Return the params that stand for a tune configuration.

        Raises:
            ArgumentError: a ``ValueError``; an operation is missing, or has an option that is not
                in the space.
        """
        params: dict[str, Any] = {}
        for key, options in self.operations.items():
            if tune_cfg.get(key) not in options.values():
                raise ArgumentError(f"$.{key}", tune_cfg.get(key), f"one of {list(options)}")
            params[_label(key)] = next(
                n for n, option in options.items() if option == tune_cfg[key]
            )
        for name in SETTINGS:
            if name in self.space.names:
                params[name] = tune_cfg[name]
        return self.canonical(params)

    def canonical(self, params: Params) -> dict[str, Any]:
        """Return the params of the space that give the same model."""
        found = dict(params)
        for ban in self.space.constraints:
            if not ban.holds(found):
                setting = ban.names[0]
                found[setting] = self._settings({})[setting]
        return found


def remembered(part: Callable[[Params], float]) -> Callable[[dict[str, Any]], float]:
    """Return the function as one that works each answer out once."""
    answers: dict[tuple[Any, ...], float] = {}

    def answer(params: dict[str, Any]) -> float:
        key = tuple(params.values())  # of the same names in the same order
        if key not in answers:
            answers[key] = part(params)
        return answers[key]

    return answer


def _labels(options: Mapping[str, OpConfig], wanted: Callable[[OpConfig], bool]) -> list[str]:
    return [label for label, option in options.items() if wanted(option)]


def _is_float(option: OpConfig) -> bool:
    """Tell whether an option needs no range of activations."""
    side = option["activation"]
    return side["dtype"] == "fp32" or side.get("granularity") == "per_input"


def _is_unquantised(option: OpConfig) -> bool:
    return option == FP32


def _label(key: OpKey) -> str:
    return f"{key[0]} ({key[1]})"
