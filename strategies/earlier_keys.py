"""Configurations of Neural Compressor 1.x in the keys of this package.

A key of 1.x that means the same is left as it is or renamed. One that makes no difference to the
result here is taken out and named in a note. One that cannot be honoured, and whose silent loss
would mislead, is refused with what to do instead. Everything else is for the schema to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from strategies.errors import ConfError

Keys = dict[str, Any]

_OTHER_JOB = "another job than quantisation"
_ITSELF = "ONNX Runtime decides itself"
_BIASES = "no key here chooses how biases are corrected"
_SIGOPT = "of SigOpt, which is not used here"

IGNORED = {
    "version": "every version of 1.x is read alike",
    "device": "it is the processor anyhow",
    "model.inputs": "an ONNX model names its inputs itself",
    "model.outputs": "an ONNX model names its outputs itself",
    "quantization.calibration.dataloader": "q_dataloader is what counts",
    "quantization.train": _OTHER_JOB,
    "quantization.advance": _BIASES,
    "quantization.use_bf16": "bf16 is not written",
    "quantization.recipes.weight_correction": _BIASES,
    "quantization.recipes.first_conv_or_matmul_quantization": "true is what happens anyhow",
    "quantization.recipes.scale_propagation_max_pooling": _ITSELF,
    "quantization.recipes.scale_propagation_concat": _ITSELF,
    "quantization.recipes.pre_post_process_quantization": _ITSELF,
    "tuning.tensorboard": "there is no TensorBoard here: the report shows each operation",
    "tuning.diagnosis": "the report shows each operation",
    "tuning.strategy.sigopt_api_token": _SIGOPT,
    "tuning.strategy.sigopt_project_id": _SIGOPT,
    "tuning.strategy.sigopt_experiment_name": _SIGOPT,
    "tuning.strategy.accuracy_weight": "the criterion is a constraint here, not a weighted part",
    "tuning.strategy.latency_weight": "weights go with tuning.multi_objectives",
    "evaluation.accuracy.dataloader": "eval_dataloader is what counts",
    "evaluation.accuracy.configs": "threads are set in evaluation.performance.configs",
    "evaluation.performance.dataloader": "latency is that of the first batch of eval_dataloader",
    "evaluation.performance.postprocess": "latency is that of the model alone",
    "evaluation.performance.configs.num_of_instance": "models are measured one at a time",
    "evaluation.performance.configs.inter_num_of_threads": "operations run one after the other",
    "evaluation.performance.configs.kmp_blocktime": _ITSELF,
    "evaluation.performance.configs.kmp_affinity": _ITSELF,
    "graph_optimization": _OTHER_JOB,
    "mixed_precision": _OTHER_JOB,
    "model_conversion": _OTHER_JOB,
    "pruning": _OTHER_JOB,
    "distillation": _OTHER_JOB,
    "auto_distillation": _OTHER_JOB,
    "nas": _OTHER_JOB,
    "train": _OTHER_JOB,
}
"""Keys that make no difference to the result, and why."""

_REFUSED = {
    "quantization.optype_wise": "no such key: limit operations by name with quantization.op_wise",
    "evaluation.accuracy.multi_metrics": "one metric; or pass an eval_func that combines them",
    "evaluation.accuracy.postprocess": "no such key: let eval_dataloader yield labels as the "
    "model counts them, or pass an eval_func",
}

_METRICS = {"MSE": "mse", "RMSE": "rmse", "MAE": "mae"}
_FOREIGN_METRICS = (
    *("mAP", "COCOmAP", "COCOmAPv2", "VOCmAP", "SquadF1", "F1", "Loss", "BLEU", "mIOU", "GLUE"),
    "ROC",
)
_FRAMEWORKS = ("onnxruntime", "onnxrt_qdq", "onnxrt_qdqops", "onnxrt_qoperator")
_STRATEGIES = {
    "sigopt": "bayesian",
    "tpe": "bayesian",
    "mse_v2": "mse",
    "hawq_v2": "hawq",
    "auto_mixed_precision": "auto",
}
_LISTS = ("dtype", "scheme", "granularity", "algorithm")


def translated(keys: Any) -> tuple[Any, tuple[str, ...]]:
    """Return a document in the keys of this package, and a note on each key that is ignored.

    Args:
        keys: a document, which is changed; anything else is returned as it is.

    Raises:
        ConfError: a ``ValueError``; a key cannot be honoured.
    """
    if not isinstance(keys, dict):
        return keys, ()
    notes: list[str] = []
    for step in _STEPS:
        step(keys, notes)
    return keys, tuple(notes)


def _refuse(keys: Keys, notes: list[str]) -> None:
    """Refuse what cannot be honoured."""
    for path, expected in _REFUSED.items():
        if (value := _taken(keys, path)) is not None:
            raise ConfError(f"$.{path}", value, expected)
    if keys.get("device", "cpu") != "cpu":
        raise ConfError("$.device", keys["device"], "cpu: models are run on the processor")
    recipes = _within(keys, "quantization.recipes")
    if recipes.get("first_conv_or_matmul_quantization") is False:
        place = "$.quantization.recipes.first_conv_or_matmul_quantization"
        expected = "true; name that operation in quantization.op_wise, with the dtype fp32"
        raise ConfError(place, False, expected)


def _frameworks(keys: Keys, notes: list[str]) -> None:
    """Name one of the two adaptors: with calibration or without."""
    model, quantization = _within(keys, "model"), _within(keys, "quantization")
    approach = quantization.get("approach")
    if model.get("framework") in _FRAMEWORKS:
        dynamic = approach == "post_training_dynamic_quant"
        model["framework"] = "onnxrt_integerops" if dynamic else "onnxrt_qlinearops"
    if approach == "post_training_auto_quant" and model.get("framework") != "onnxrt_qlinearops":
        del quantization["approach"]
        dynamic = model.get("framework") == "onnxrt_integerops"
        kind = "dynamic" if dynamic else "static"
        notes.append(f"quantization.approach: post_training_auto_quant (all are {kind} here)")


def _calibration(keys: Keys, notes: list[str]) -> None:
    """Read ``50, 100`` as a list."""
    calibration = _within(keys, "quantization.calibration")
    sizes = calibration.get("sampling_size")
    if isinstance(sizes, str) and all(text.isdigit() for text in _words(sizes)):
        calibration["sampling_size"] = [int(text) for text in _words(sizes)]


def _sides(keys: Keys, notes: list[str]) -> None:
    """Say the options of operations in the words of this package."""
    quantization = _within(keys, "quantization")
    places = {"quantization.model_wise": _within(quantization, "model_wise")}
    for name, limit in _within(quantization, "op_wise").items():
        places[f"quantization.op_wise.{name}"] = limit if isinstance(limit, dict) else {}
    for place, limit in places.items():
        for side in ("weight", "activation"):
            _side(_within(limit, side), f"{place}.{side}", notes)
    for place, limit in places.items():
        activation = _within(limit, "activation")
        if place != "quantization.model_wise" and "algorithm" in activation:
            del activation["algorithm"]
            why = "one algorithm calibrates the whole model: quantization.model_wise sets it"
            notes.append(f"{place}.activation.algorithm ({why})")


def _side(side: Keys, place: str, notes: list[str]) -> None:
    if "bit" in side:
        del side["bit"]
        notes.append(f"{place}.bit (the whole range of the dtype is used)")
    for key in _LISTS:
        value = side.get(key)
        if isinstance(value, str) and len(_words(value)) > 1:
            side[key] = value = _words(value)
        if value is None:
            side.pop(key, None)
    algorithms = side.get("algorithm")
    if algorithms is not None:
        side["algorithm"] = _each(algorithms, lambda one: "entropy" if one == "kl" else one)
    dtypes = side.get("dtype")
    if isinstance(dtypes, list) and "bf16" in dtypes and len(dtypes) > 1:
        side["dtype"] = [one for one in dtypes if one != "bf16"]
        notes.append(f"{place}.dtype: bf16 (it is not written)")


def _tuning(keys: Keys, notes: list[str]) -> None:
    """Find the strategy that is nearest, and read an absolute percentage."""
    strategy = _within(keys, "tuning.strategy")
    name = strategy.get("name")
    if name in _STRATEGIES:
        strategy["name"] = _STRATEGIES[name]
        notes.append(f"tuning.strategy.name: {name} ({_STRATEGIES[name]} takes its place)")
    criterion = _within(keys, "tuning.accuracy_criterion")
    absolute = criterion.get("absolute")
    if isinstance(absolute, str) and absolute.endswith("%"):
        number = absolute.rstrip("% ")
        if number.replace(".", "", 1).removeprefix("-").isdigit():
            criterion["absolute"] = float(number) / 100


def _metrics(keys: Keys, notes: list[str]) -> None:
    """Name metrics as here."""
    metric = _within(keys, "evaluation.accuracy.metric")
    place = "$.evaluation.accuracy.metric"
    for name in list(metric):
        if name in _FOREIGN_METRICS:
            expected = "topk, f1, mse, mae or rmse; for others, pass an eval_func"
            raise ConfError(f"{place}.{name}", metric[name], expected)
        if name == "Accuracy":
            del metric[name]
            metric["topk"] = 1
        if name in _METRICS:
            options = metric.pop(name) or {}
            if isinstance(options, dict) and options.pop("compare_label", True) is False:
                expected = "true; to compare with the FP32 model's outputs, let eval_dataloader "
                expected += "yield those as labels"
                raise ConfError(f"{place}.{name}.compare_label", False, expected)
            metric[_METRICS[name]] = options


def _threads(keys: Keys, notes: list[str]) -> None:
    """Take threads for cores."""
    configs = _within(keys, "evaluation.performance.configs")
    threads = configs.pop("intra_num_of_threads", None)
    if threads is not None:
        configs.setdefault("cores_per_instance", threads)


def _ignore(keys: Keys, notes: list[str]) -> None:
    """Take out what makes no difference."""
    for path, why in IGNORED.items():
        if _taken(keys, path) is not None:
            notes.append(f"{path} ({why})")
    recipes = _within(keys, "quantization").get("recipes")
    if recipes == {} or recipes is None:
        _within(keys, "quantization").pop("recipes", None)


_STEPS: tuple[Callable[[Keys, list[str]], None], ...] = (
    _refuse,
    _frameworks,
    _calibration,
    _sides,
    _tuning,
    _metrics,
    _threads,
    _ignore,
)


def _within(keys: Any, path: str) -> Keys:
    """Return the mapping at a path such as ``tuning.strategy``; an empty one if there is none."""
    for step in path.split("."):
        keys = keys.get(step) if isinstance(keys, Mapping) else None
    return keys if isinstance(keys, dict) else {}


def _taken(keys: Keys, path: str) -> Any:
    """Take the value at a path out; None if there is none."""
    way, _, last = path.rpartition(".")
    return (_within(keys, way) if way else keys).pop(last, None)


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _each(values: Any, change: Callable[[Any], Any]) -> Any:
    return [change(one) for one in values] if isinstance(values, list) else change(values)
