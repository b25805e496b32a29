"""The user's configuration: a YAML file in, frozen values out, every key honoured or refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from attrs import frozen

from asktell.errors import MissingExtraError
from asktell.numbers import is_count, is_finite
from strategies.conf_schema import SCHEMA
from strategies.earlier_keys import translated
from strategies.errors import ConfError

try:
    import jsonschema
    import yaml
except ModuleNotFoundError as error:
    message = f"strategies need the package {error.name}: pip install 'asktell[onnx]'"
    raise MissingExtraError(message) from error

_APPROACHES = {
    "onnxrt_qlinearops": ("post_training_static_quant", "post_training_auto_quant"),
    "onnxrt_integerops": ("post_training_dynamic_quant",),
    "onnxrt_weight_only": ("post_training_weight_only",),
    "pytorch": ("post_training_static_quant", "post_training_dynamic_quant"),
    "pytorch_fx": ("post_training_static_quant", "post_training_dynamic_quant"),
}
"""What a framework can do; the first is the default."""


@frozen
class Criterion:
    """How much accuracy may be lost.

    ``loss`` is a share of the baseline where ``relative``, else a difference.
    """

    loss: float
    relative: bool
    higher_is_better: bool


@frozen
class Objective:
    """What is to be as good as possible while the criterion is met, and its weight."""

    name: str
    weight: float
    higher_is_better: bool


@frozen
class Constraint:
    """A limit on something that is measured, whether it is an objective or not.

    ``at_most`` is a share of the FP32 model's where ``relative``, else a value: bytes or seconds.
    """

    name: str
    at_most: float
    relative: bool


@frozen
class ExitPolicy:
    """When to stop.

    Args:
        timeout: seconds for the whole run; with 0 the run stops at the first trial that meets the
            criterion.
        max_trials: the most evaluations.
        performance_only: accuracy is not evaluated, and the criterion counts as met.
        trial_timeout: seconds for one trial, which fails after that; 0 for no limit.
    """

    timeout: float
    max_trials: int
    performance_only: bool
    trial_timeout: float


@frozen
class Runs:
    """How latency is measured.

    Args:
        warm_up: runs that do not count, at most.
        most: runs that count, at most; None for as many as are needed.
        threads: that a model computes with, also for its accuracy.
    """

    warm_up: int
    most: int | None
    threads: int


@frozen
class Metric:
    """A metric by name, with its options."""

    name: str
    options: Mapping[str, Any]


@frozen(init=False)
class Conf:
    """The configuration of a tuning run, read from a YAML file.

    Args:
        source: the path of a YAML file, or a mapping with the same keys. Keys of Neural Compressor
            1.x that make no difference here are in ``ignored``, each with the reason.

    Raises:
        ConfError: a ``ValueError`` that names the path of the key, what came and what is allowed.
        OSError: the file cannot be read.
    """

    model_name: str
    framework: str
    approach: str
    sampling_sizes: tuple[int, ...]
    op_wise: Mapping[str, Any]
    model_wise: Mapping[str, Any]
    strategy: str
    criterion: Criterion
    objectives: tuple[Objective, ...]
    exit_policy: ExitPolicy
    random_seed: int
    workers: int
    workspace: str
    resume: str | None
    metric: Metric | None
    fast_bias_correction: bool
    smooth_quant: bool
    constraints: tuple[Constraint, ...]
    runs: Runs
    looks: bool
    batches: int | None
    ignored: tuple[str, ...]

    def __init__(self, source: str | Path | Mapping[str, Any]) -> None:
        """Read, check and keep the configuration."""
        keys = deepcopy(dict(source)) if isinstance(source, Mapping) else read_document(source)
        keys, ignored = translated(keys)
        _check(keys)
        quantization, tuning = keys.get("quantization") or {}, keys.get("tuning") or {}
        framework = keys["model"]["framework"]
        approaches = _APPROACHES[framework]
        approach = quantization.get("approach", approaches[0])
        if approach not in approaches:
            expected = f"{' or '.join(approaches)}, which is what {framework} does"
            raise ConfError("$.quantization.approach", approach, expected)
        criterion = _criterion(tuning.get("accuracy_criterion") or {})
        sizes = (quantization.get("calibration") or {}).get("sampling_size", 100)
        recipes = quantization.get("recipes") or {}
        exit_policy = tuning.get("exit_policy") or {}
        workspace = tuning.get("workspace") or {}
        objectives = _objectives(tuning, criterion)
        if exit_policy.get("performance_only") and any(o.name == "accuracy" for o in objectives):
            place = "$.tuning.exit_policy.performance_only"
            raise ConfError(place, True, "false, since accuracy is an objective")
        self.__attrs_init__(
            model_name=keys["model"].get("name", "model"),
            framework=framework,
            approach=approach,
            sampling_sizes=tuple(sorted(set(sizes if isinstance(sizes, list) else [sizes]))),
            op_wise=quantization.get("op_wise") or {},
            model_wise=quantization.get("model_wise") or {},
            strategy=(tuning.get("strategy") or {}).get("name", "bayesian"),
            criterion=criterion,
            objectives=objectives,
            exit_policy=ExitPolicy(
                timeout=float(exit_policy.get("timeout", 0)),
                max_trials=exit_policy.get("max_trials", 100),
                performance_only=exit_policy.get("performance_only", False),
                trial_timeout=float(exit_policy.get("trial_timeout", 0)),
            ),
            workers=tuning.get("workers", 1),
            random_seed=tuning.get("random_seed", 1978),
            workspace=workspace.get("path", "./nc_workspace"),
            resume=workspace.get("resume"),
            metric=_metric(keys),
            fast_bias_correction=recipes.get("fast_bias_correction", True),
            smooth_quant=recipes.get("smooth_quant", "auto") == "auto",
            constraints=_constraints(tuning.get("constraints") or {}),
            runs=_runs((keys.get("evaluation") or {}).get("performance") or {}),
            looks=_accuracy(keys).get("looks", True),
            batches=_optional_count(_accuracy(keys).get("iteration", -1)),
            ignored=ignored,
        )

    @property
    def measured(self) -> tuple[str, ...]:
        """Return what is measured beside the accuracy: objectives, and what else is limited."""
        names = (*(one.name for one in self.objectives), *(one.name for one in self.constraints))
        return tuple(dict.fromkeys(names))


class _Loader(yaml.SafeLoader):
    """Reads tags of other programs, such as ``!Pruner``, as what they are on."""


def _untagged(loader: _Loader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_object(yaml.ScalarNode("tag:yaml.org,2002:str", node.value))


_Loader.add_multi_constructor("!", _untagged)


def read_document(path: Any) -> Any:
    """Return what a YAML file holds, unchecked.

    Raises:
        ConfError: a ``ValueError``; it is not YAML.
        OSError: the file cannot be read.
    """
    if not isinstance(path, str | os.PathLike):
        raise ConfError("$", path, "the path of a YAML file, or a mapping")
    try:
        return yaml.load(Path(path).read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfError("$", str(error), f"valid YAML in {path}") from None


_TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine_many(
    {
        "integer": lambda _, value: is_count(value, least=-(2**63)),  # 7.0 is not one
        "number": lambda _, value: is_finite(value),
    }
)
_Validator = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, type_checker=_TYPES
)


def _check(keys: Any) -> None:
    error = jsonschema.exceptions.best_match(_Validator(SCHEMA).iter_errors(keys))
    if error is None:
        for name in (keys.get("quantization") or {}).get("op_wise") or {}:
            if not isinstance(name, str):  # which YAML allows, and a JSON schema cannot forbid
                place = f"$.quantization.op_wise.{name}"
                raise ConfError(place, name, "a string: a name or a pattern")
        return
    place = "$" + "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path)
    if error.validator == "additionalProperties":
        allowed = sorted(error.schema["properties"])
        unknown = next(key for key in error.instance if key not in allowed)
        raise ConfError(f"{place}.{unknown}", error.instance[unknown], f"one of the keys {allowed}")
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        raise ConfError(f"{place}.{missing}", None, error.schema["properties"][missing]["title"])
    while "title" not in error.schema and error.parent is not None:
        error = error.parent
    raise ConfError(place, error.instance, error.schema.get("title", error.message))


def _criterion(keys: Mapping[str, Any]) -> Criterion:
    place = "$.tuning.accuracy_criterion"
    if "relative" in keys and "absolute" in keys:
        raise ConfError(place, dict(keys), "relative or absolute, not both")
    kind = "absolute" if "absolute" in keys else "relative"
    loss = keys.get(kind, 0.01)
    if isinstance(loss, str):
        loss = float(loss.rstrip("% ")) / 100
    if kind == "relative" and not abs(loss) < 1:
        raise ConfError(
            f"{place}.relative", keys[kind], "a share between -1 and 1, or -100% and 100%"
        )
    return Criterion(float(loss), kind == "relative", keys.get("higher_is_better", True))


def _objectives(tuning: Mapping[str, Any], criterion: Criterion) -> tuple[Objective, ...]:
    several = tuning.get("multi_objectives")
    if several and "objective" in tuning:
        raise ConfError(
            "$.tuning.objective", tuning["objective"], "this or multi_objectives, not both"
        )
    names = several["objective"] if several else [tuning.get("objective", "performance")]
    usual = [criterion.higher_is_better if name == "accuracy" else False for name in names]
    weights = (several or {}).get("weight", [1.0] * len(names))
    higher = (several or {}).get("higher_is_better", usual)
    for key, items in (("weight", weights), ("higher_is_better", higher)):
        if len(items) != len(names):
            place = f"$.tuning.multi_objectives.{key}"
            raise ConfError(place, items, f"{len(names)} items, one for each objective")
    return tuple(
        Objective(name, float(weight), better)
        for name, weight, better in zip(names, weights, higher, strict=True)
    )


def _constraints(keys: Mapping[str, Any]) -> tuple[Constraint, ...]:
    found = []
    for name, limit in keys.items():
        bound = limit["at_most"]
        relative = isinstance(bound, str)
        number = float(bound.rstrip("% ")) / 100 if relative else float(bound)
        if number <= 0:
            place = f"$.tuning.constraints.{name}.at_most"
            raise ConfError(place, bound, "more than 0: a number, or a percentage such as 80%")
        found.append(Constraint(name, number, relative))
    return tuple(found)


def _runs(keys: Mapping[str, Any]) -> Runs:
    threads = (keys.get("configs") or {}).get("cores_per_instance", 1)
    return Runs(keys.get("warmup", 5), _optional_count(keys.get("iteration", -1)), threads)


def _optional_count(value: int) -> int | None:
    return None if value == -1 else value


def _accuracy(keys: Mapping[str, Any]) -> Mapping[str, Any]:
    return (keys.get("evaluation") or {}).get("accuracy") or {}


def _metric(keys: Mapping[str, Any]) -> Metric | None:
    named = _accuracy(keys).get("metric")
    if not named:
        return None
    ((name, options),) = named.items()
    return Metric(name, options if isinstance(options, dict) else {"k": options} if options else {})
