"""What a configuration file may say, as a JSON schema. A title tells what is expected."""

from __future__ import annotations

from typing import Any


def _one_of(*values: str) -> dict[str, Any]:
    return {"enum": list(values), "title": f"one of {list(values)}"}


def _mapping(*required: str, **properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": ["object", "null"] if not required else "object",
        "title": f"a mapping with the keys {sorted(properties)}",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def _one_or_many(values: list[str]) -> dict[str, Any]:
    one = _one_of(*values)
    many = {"type": "array", "items": one, "minItems": 1}
    return {"anyOf": [one, many], "title": f"one or a list of {values}"}


_BOOL = {"type": "boolean", "title": "true or false"}
_TEXT = {"type": "string", "minLength": 1, "title": "a string that is not empty"}
_SECONDS = {"type": "number", "minimum": 0, "title": "seconds, a number >= 0"}
_SIZE = {"type": "integer", "minimum": 1, "title": "an integer >= 1"}
_ITERATIONS = {
    "type": "integer",
    "minimum": -1,
    "not": {"const": 0},
    "title": "an integer >= 1, or -1 for as many as there are",
}
_OBJECTIVE = _one_of("accuracy", "footprint", "modelsize", "performance")
_PERCENTAGE = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)? ?%$"}
_LIMIT = _mapping(
    "at_most",
    at_most={
        "anyOf": [{"type": "number"}, _PERCENTAGE],
        "title": "a number, or a percentage of the FP32 model's such as 80%",
    },
)

_SIDE: dict[str, dict[str, Any]] = {
    "dtype": _one_or_many(["fp32", "fp16", "int8", "uint8", "int4", "uint4"]),
    "scheme": _one_or_many(["sym", "asym"]),
    "granularity": _one_or_many(
        ["per_tensor", "per_channel", "per_block", "per_token", "per_input"]
    ),
}
_OP = _mapping(
    weight=_mapping(**_SIDE, algorithm=_one_or_many(["minmax"])),
    activation=_mapping(**_SIDE),
)
_MODEL = _mapping(
    weight=_mapping(**_SIDE, algorithm=_one_or_many(["minmax"])),
    activation=_mapping(
        **_SIDE, algorithm=_one_or_many(["minmax", "entropy", "percentile", "mse"])
    ),
)

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **_mapping(
        "model",
        model=_mapping(
            "framework",
            name=_TEXT,
            framework=_one_of(
                *("onnxrt_qlinearops", "onnxrt_integerops", "onnxrt_weight_only"),
                *("pytorch", "pytorch_fx"),
            ),
        ),
        quantization=_mapping(
            approach=_one_of(
                "post_training_static_quant",
                "post_training_dynamic_quant",
                "post_training_weight_only",
                "post_training_auto_quant",
            ),
            calibration=_mapping(
                sampling_size={
                    "anyOf": [_SIZE, {"type": "array", "items": _SIZE, "minItems": 1}],
                    "title": "an integer >= 1, or a list of them",
                }
            ),
            op_wise={
                "type": ["object", "null"],
                "title": "a mapping from names or patterns of operations",
                "additionalProperties": _OP,
                "properties": {},
            },
            model_wise=_MODEL,
            recipes=_mapping(
                fast_bias_correction=_BOOL,
                smooth_quant={"enum": ["auto", False], "title": "auto or false"},
            ),
        ),
        tuning=_mapping(
            strategy=_mapping(
                name=_one_of(
                    "bayesian",
                    "auto",
                    "hawq",
                    "basic",
                    "mse",
                    "conservative",
                    "random",
                    "exhaustive",
                )
            ),
            accuracy_criterion=_mapping(
                relative={
                    "anyOf": [{"type": "number"}, _PERCENTAGE],
                    "title": "a number, or a percentage such as 1%",
                },
                absolute={"type": "number", "title": "a number"},
                higher_is_better=_BOOL,
            ),
            objective=_OBJECTIVE,
            multi_objectives=_mapping(
                "objective",
                objective={
                    "type": "array",
                    "items": _OBJECTIVE,
                    "minItems": 1,
                    "uniqueItems": True,
                    "title": "a list of different objectives",
                },
                weight={
                    "type": "array",
                    "items": {"type": "number", "exclusiveMinimum": 0, "title": "a number > 0"},
                    "title": "a list of numbers > 0",
                },
                higher_is_better={"type": "array", "items": _BOOL, "title": "a list of bools"},
            ),
            constraints=_mapping(footprint=_LIMIT, modelsize=_LIMIT, performance=_LIMIT),
            exit_policy=_mapping(
                timeout=_SECONDS,
                max_trials={"type": "integer", "minimum": 1, "title": "an integer >= 1"},
                performance_only=_BOOL,
                trial_timeout=_SECONDS,
            ),
            workers=_SIZE,
            random_seed={"type": "integer", "minimum": 0, "title": "an integer >= 0"},
            workspace=_mapping(path=_TEXT, resume=_TEXT),
        ),
        evaluation=_mapping(
            accuracy=_mapping(
                metric={
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "title": "one metric with its options, such as topk: 1",
                    "properties": {
                        "topk": {
                            "anyOf": [_SIZE, _mapping(k=_SIZE), {"type": "null"}],
                            "title": "k, an integer >= 1",
                        },
                        "f1": _mapping(average=_one_of("macro", "micro", "weighted", "binary")),
                        "mse": _mapping(),
                        "mae": _mapping(),
                        "rmse": _mapping(),
                    },
                    "additionalProperties": False,
                },
                looks=_BOOL,
                iteration=_ITERATIONS,
            ),
            performance=_mapping(
                warmup={"type": "integer", "minimum": 0, "title": "an integer >= 0"},
                iteration=_ITERATIONS,
                configs=_mapping(cores_per_instance=_SIZE),
            ),
        ),
    ),
}
