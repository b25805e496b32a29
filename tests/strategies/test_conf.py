"""The configuration: every key of the table arrives, or is refused with its path."""

from __future__ import annotations

import copy
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from strategies import Conf
from strategies.conf import Constraint, Criterion, ExitPolicy, Metric, Objective, Runs
from strategies.errors import ConfError

LEAST: dict[str, Any] = {"model": {"framework": "onnxrt_qlinearops"}}


def with_key(path: str, value: Any, base: dict[str, Any] = LEAST) -> dict[str, Any]:
    """Return the keys with a value at a path such as ``tuning.objective``."""
    document = copy.deepcopy(base)
    *way, last = path.split(".")
    inner = document
    for step in way:
        inner = inner.setdefault(step, {})
    inner[last] = value
    return document


def refused(source: Any) -> ConfError:
    with pytest.raises(ConfError) as caught:
        Conf(source)
    assert isinstance(caught.value, ValueError)
    return caught.value


# ------------------------------------------------------------------------------ what arrives


def test_defaults() -> None:
    conf = Conf(LEAST)
    assert conf.model_name == "model"
    assert conf.framework == "onnxrt_qlinearops"
    assert conf.approach == "post_training_static_quant"
    assert conf.sampling_sizes == (100,)
    assert conf.op_wise == {}
    assert conf.model_wise == {}
    assert conf.strategy == "bayesian"
    assert conf.criterion == Criterion(0.01, relative=True, higher_is_better=True)
    assert conf.objectives == (Objective("performance", 1.0, higher_is_better=False),)
    assert conf.exit_policy == ExitPolicy(0, 100, performance_only=False, trial_timeout=0)
    assert conf.random_seed == 1978
    assert conf.workspace == "./nc_workspace"
    assert conf.resume is None
    assert conf.metric is None
    assert conf.constraints == ()
    assert conf.runs == Runs(warm_up=5, most=None, threads=1)
    assert conf.looks
    assert conf.batches is None
    assert conf.ignored == ()
    assert conf.measured == ("performance",)


SIDE = {"dtype": ["int8", "fp32"], "scheme": "sym", "granularity": ["per_tensor"]}
LIMITS = {"weight": {**SIDE, "algorithm": "minmax"}, "activation": {"dtype": "uint8"}}


@pytest.mark.parametrize(
    ("path", "value", "field", "expected"),
    [
        ("model.name", "digits", "model_name", "digits"),
        ("model.framework", "onnxrt_integerops", "framework", "onnxrt_integerops"),
        (
            "model.framework",
            "onnxrt_integerops",
            "approach",
            "post_training_dynamic_quant",
        ),
        ("model.framework", "onnxrt_weight_only", "approach", "post_training_weight_only"),
        (
            "quantization.approach",
            "post_training_static_quant",
            "approach",
            "post_training_static_quant",
        ),
        ("quantization.calibration.sampling_size", 7, "sampling_sizes", (7,)),
        ("quantization.calibration.sampling_size", [9, 7, 9], "sampling_sizes", (7, 9)),
        ("quantization.op_wise", {"conv*": LIMITS}, "op_wise", {"conv*": LIMITS}),
        ("quantization.op_wise", {"conv*": None}, "op_wise", {"conv*": None}),
        ("quantization.model_wise", LIMITS, "model_wise", LIMITS),
        (
            "quantization.model_wise",
            {"activation": {"algorithm": ["minmax", "entropy", "percentile"]}},
            "model_wise",
            {"activation": {"algorithm": ["minmax", "entropy", "percentile"]}},
        ),
        ("quantization.recipes", {"fast_bias_correction": False}, "fast_bias_correction", False),
        ("quantization.recipes", {}, "fast_bias_correction", True),
        ("quantization.recipes", None, "smooth_quant", True),
        ("quantization.recipes.smooth_quant", "auto", "smooth_quant", True),
        ("quantization.recipes.smooth_quant", False, "smooth_quant", False),
        ("tuning.strategy.name", "bayesian", "strategy", "bayesian"),
        ("tuning.strategy.name", "random", "strategy", "random"),
        ("tuning.strategy.name", "exhaustive", "strategy", "exhaustive"),
        ("tuning.random_seed", 0, "random_seed", 0),
        (
            "tuning.constraints",
            {"modelsize": {"at_most": 500}, "performance": {"at_most": "80%"}},
            "constraints",
            (Constraint("modelsize", 500.0, False), Constraint("performance", 0.8, True)),
        ),
        ("evaluation.accuracy.looks", False, "looks", False),
        ("evaluation.accuracy.iteration", 3, "batches", 3),
        (
            "evaluation.performance",
            {"warmup": 2, "iteration": 9, "configs": {"cores_per_instance": 4}},
            "runs",
            Runs(warm_up=2, most=9, threads=4),
        ),
        ("tuning.workspace.path", "here", "workspace", "here"),
        ("tuning.workspace.resume", "there", "resume", "there"),
        ("evaluation.accuracy.metric", {"topk": 5}, "metric", Metric("topk", {"k": 5})),
        ("evaluation.accuracy.metric", {"topk": {"k": 5}}, "metric", Metric("topk", {"k": 5})),
        ("evaluation.accuracy.metric", {"topk": None}, "metric", Metric("topk", {})),
        (
            "evaluation.accuracy.metric",
            {"f1": {"average": "micro"}},
            "metric",
            Metric("f1", {"average": "micro"}),
        ),
        ("evaluation.accuracy.metric", {"f1": None}, "metric", Metric("f1", {})),
        ("evaluation.accuracy.metric", {"mse": {}}, "metric", Metric("mse", {})),
        ("evaluation.accuracy.metric", {"mae": None}, "metric", Metric("mae", {})),
        ("evaluation.accuracy.metric", {"rmse": None}, "metric", Metric("rmse", {})),
    ],
)
def test_a_key_arrives(path: str, value: Any, field: str, expected: Any) -> None:
    conf = Conf(with_key(path, value))
    assert getattr(conf, field) == expected
    others = {name for name in conf.__slots__ if not name.startswith("_")} - {field}
    implied = {"framework", "approach"} if path == "model.framework" else set()
    for other in others - implied:
        assert getattr(conf, other) == getattr(Conf(LEAST), other)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"relative": 0.02}, Criterion(0.02, True, True)),
        ({"relative": "2%"}, Criterion(0.02, True, True)),
        ({"relative": "0.5 %"}, Criterion(0.005, True, True)),
        ({"relative": "-2%"}, Criterion(-0.02, True, True)),
        ({"relative": -0.5}, Criterion(-0.5, True, True)),
        ({"relative": 0}, Criterion(0.0, True, True)),
        ({"absolute": 3}, Criterion(3.0, False, True)),
        ({"absolute": 0.25}, Criterion(0.25, False, True)),
        ({"absolute": -1}, Criterion(-1.0, False, True)),
        ({"higher_is_better": False}, Criterion(0.01, True, False)),
        ({"absolute": 3, "higher_is_better": True}, Criterion(3.0, False, True)),
    ],
    ids=str,
)
def test_an_accuracy_criterion_arrives(keys: dict[str, Any], expected: Criterion) -> None:
    assert Conf(with_key("tuning.accuracy_criterion", keys)).criterion == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"timeout": 1.5}, ExitPolicy(1.5, 100, False, 0.0)),
        ({"max_trials": 1}, ExitPolicy(0.0, 1, False, 0.0)),
        ({"performance_only": True}, ExitPolicy(0.0, 100, True, 0.0)),
        ({"trial_timeout": 60}, ExitPolicy(0.0, 100, False, 60.0)),
    ],
    ids=str,
)
def test_an_exit_policy_arrives(keys: dict[str, Any], expected: ExitPolicy) -> None:
    assert Conf(with_key("tuning.exit_policy", keys)).exit_policy == expected


@pytest.mark.parametrize(
    ("tuning", "expected"),
    [
        ({"objective": "modelsize"}, [("modelsize", 1.0, False)]),
        ({"objective": "performance"}, [("performance", 1.0, False)]),
        ({"objective": "accuracy"}, [("accuracy", 1.0, True)]),
        (
            {"objective": "accuracy", "accuracy_criterion": {"higher_is_better": False}},
            [("accuracy", 1.0, False)],
        ),
        (
            {"multi_objectives": {"objective": ["accuracy", "modelsize"]}},
            [("accuracy", 1.0, True), ("modelsize", 1.0, False)],
        ),
        (
            {"multi_objectives": {"objective": ["modelsize", "performance"], "weight": [2, 0.5]}},
            [("modelsize", 2.0, False), ("performance", 0.5, False)],
        ),
        (
            {
                "multi_objectives": {
                    "objective": ["modelsize", "accuracy"],
                    "higher_is_better": [True, False],
                }
            },
            [("modelsize", 1.0, True), ("accuracy", 1.0, False)],
        ),
    ],
    ids=str,
)
def test_objectives_arrive(tuning: dict[str, Any], expected: list[tuple[Any, ...]]) -> None:
    assert Conf({**LEAST, "tuning": tuning}).objectives == tuple(Objective(*o) for o in expected)


@pytest.mark.parametrize(
    "path",
    [
        "quantization",
        "quantization.calibration",
        "quantization.op_wise",
        "quantization.model_wise",
        "tuning",
        "tuning.strategy",
        "tuning.accuracy_criterion",
        "tuning.exit_policy",
        "tuning.workspace",
        "evaluation",
        "evaluation.accuracy",
    ],
)
@pytest.mark.parametrize("nothing", [None, {}])
def test_a_section_left_empty_means_its_defaults(path: str, nothing: Any) -> None:
    assert Conf(with_key(path, nothing)) == Conf(LEAST)


def test_what_becomes_of_the_mapping_does_not_matter() -> None:
    document = with_key("quantization.model_wise.weight.dtype", ["int8"])
    conf = Conf(document)
    document["quantization"]["model_wise"]["weight"]["dtype"].append("fp32")
    assert conf.model_wise == {"weight": {"dtype": ["int8"]}}


def test_it_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Conf(LEAST).random_seed = 1  # type: ignore[misc]


# ------------------------------------------------------------------------------- what is a file


def test_a_file_says_what_a_mapping_says(tmp_path: Path) -> None:
    path = tmp_path / "conf.yaml"
    path.write_text(
        """
        model: {name: größer, framework: onnxrt_qlinearops}
        tuning:
          accuracy_criterion: {relative: 1%}  # a comment
          exit_policy: {timeout: 1.0e+2}
        """,
        encoding="utf-8",
    )
    document = with_key("tuning.accuracy_criterion.relative", 0.01)
    document["model"]["name"] = "größer"
    document["tuning"]["exit_policy"] = {"timeout": 100}
    assert Conf(path) == Conf(str(path)) == Conf(document)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("model: [", "$"),
        ("\tmodel:", "$"),
        ("a: b: c", "$"),
        ("!!python/object:os.system {}", "$"),
        ("", "$"),
        ("# nothing but a comment", "$"),
        ("---", "$"),
        ("just text", "$"),
        ("- model", "$"),
        ("5", "$"),
    ],
    ids=repr,
)
def test_what_is_no_mapping_in_yaml_is_refused(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "conf.yaml"
    path.write_text(text, encoding="utf-8")
    error = refused(path)
    assert error.place == place
    assert "mapping with the keys" in str(error) or str(path) in str(error)


def test_a_file_that_is_not_there_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Conf(tmp_path / "none.yaml")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "conf.yaml"
    path.write_bytes(b"model: \xff")
    assert refused(path).place == "$"


@pytest.mark.parametrize("source", [None, 5, [LEAST]], ids=repr)
def test_what_is_neither_a_path_nor_a_mapping_is_refused(source: Any) -> None:
    assert refused(source).place == "$"


# ------------------------------------------------------------------------------ what is refused


@pytest.mark.parametrize("document", [{}, {"tuning": {}}])
def test_the_model_is_required(document: dict[str, Any]) -> None:
    assert refused(document).place == "$.model"


@pytest.mark.parametrize("model", [{}, {"name": "digits"}])
def test_the_framework_is_required(model: dict[str, Any]) -> None:
    error = refused({"model": model})
    assert error.place == "$.model.framework"
    assert "onnxrt_qlinearops" in str(error)


@pytest.mark.parametrize(
    ("section", "known"),
    [
        ("", "tuning"),
        ("model", "framework"),
        ("quantization", "op_wise"),
        ("quantization.calibration", "sampling_size"),
        ("quantization.recipes", "smooth_quant"),
        ("quantization.model_wise", "activation"),
        ("quantization.model_wise.weight", "granularity"),
        ("quantization.model_wise.activation", "algorithm"),
        ("quantization.op_wise.conv1", "weight"),
        ("quantization.op_wise.conv1.weight", "algorithm"),
        ("quantization.op_wise.conv1.activation", "scheme"),
        ("tuning", "random_seed"),
        ("tuning.strategy", "name"),
        ("tuning.accuracy_criterion", "absolute"),
        ("tuning.exit_policy", "max_trials"),
        ("tuning.workspace", "resume"),
        ("evaluation", "accuracy"),
        ("evaluation.accuracy", "metric"),
        ("evaluation.accuracy.metric", "rmse"),
        ("evaluation.accuracy.metric.topk", "k"),
        ("evaluation.accuracy.metric.f1", "average"),
    ],
)
def test_an_unknown_key_is_refused_at_every_level(section: str, known: str) -> None:
    path = f"{section}.typo".removeprefix(".")
    error = refused(with_key(path, 1))
    assert error.place == f"$.{path}"
    assert error.got == 1
    assert known in error.expected


def test_an_unknown_key_among_multi_objectives_is_refused() -> None:
    keys = {"objective": ["modelsize"], "typo": 1}
    assert refused(with_key("tuning.multi_objectives", keys)).place == (
        "$.tuning.multi_objectives.typo"
    )


def test_an_operation_has_no_calibration_algorithm_of_its_own() -> None:
    path = "quantization.op_wise.conv1.activation.algorithm"
    conf = Conf(with_key(path, "minmax"))
    assert conf.op_wise == {"conv1": {"activation": {}}}
    assert conf.ignored[0].startswith(path)


@pytest.mark.parametrize(
    ("path", "value", "allowed"),
    [
        ("model", [], "framework"),
        ("model.framework", "tensorflow", "onnxrt_qlinearops"),
        ("model.framework", None, "onnxrt_integerops"),
        ("model.name", 5, "string"),
        ("model.name", "", "string"),
        ("quantization", [], "op_wise"),
        ("quantization.approach", "quant_aware_training", "post_training_dynamic_quant"),
        ("quantization.calibration.sampling_size", "many", "integer >= 1"),
        ("quantization.calibration.sampling_size", 1.5, "integer >= 1"),
        ("quantization.calibration.sampling_size", True, "integer >= 1"),
        ("quantization.calibration.sampling_size", None, "integer >= 1"),
        ("quantization.recipes.fast_bias_correction", "yes", "true or false"),
        ("quantization.recipes.smooth_quant", 0.5, "auto or false"),
        ("quantization.op_wise", ["conv1"], "operations"),
        ("quantization.op_wise.conv1", "int8", "weight"),
        ("quantization.op_wise.conv1.weight", "int8", "dtype"),
        ("quantization.model_wise", "int8", "weight"),
        ("quantization.model_wise.weight.dtype", "int2", "uint8"),
        ("quantization.model_wise.weight.scheme", "both", "asym"),
        ("quantization.model_wise.weight.granularity", "per_group", "per_channel"),
        ("quantization.model_wise.weight.algorithm", "kl", "minmax"),
        ("quantization.model_wise.activation.algorithm", "max", "percentile"),
        ("quantization.model_wise.activation.dtype", 8, "int8"),
        ("quantization.op_wise.conv1.weight.dtype", "bf16", "fp32"),
        ("tuning", 5, "accuracy_criterion"),
        ("tuning.strategy", "bayesian", "name"),
        ("tuning.strategy.name", "best", "bayesian"),
        ("tuning.strategy.name", "lwq", "exhaustive"),
        ("tuning.accuracy_criterion.relative", [1], "1%"),
        ("tuning.accuracy_criterion.relative", True, "1%"),
        ("tuning.accuracy_criterion.relative", 1, "between -1 and 1"),
        ("tuning.accuracy_criterion.relative", -1.0, "between -1 and 1"),
        ("tuning.accuracy_criterion.relative", "100%", "between -1 and 1"),
        ("tuning.accuracy_criterion.relative", math.nan, "%"),
        ("tuning.accuracy_criterion.absolute", "one%", "number"),
        ("tuning.accuracy_criterion.absolute", None, "number"),
        ("tuning.accuracy_criterion.higher_is_better", "yes", "true or false"),
        ("tuning.accuracy_criterion.higher_is_better", 1, "true or false"),
        ("tuning.objective", "speed", "modelsize"),
        ("tuning.constraints.modelsize.at_most", "small", "80%"),
        ("tuning.constraints.modelsize.at_most", 0, "more than 0"),
        ("tuning.constraints.performance.at_most", "-5%", "more than 0"),
        ("evaluation.accuracy.looks", 1, "true or false"),
        ("evaluation.accuracy.iteration", 0, "-1"),
        ("evaluation.performance.warmup", -1, ">= 0"),
        ("tuning.objective", ["modelsize"], "modelsize"),
        ("tuning.multi_objectives", ["modelsize"], "objective"),
        ("tuning.multi_objectives", None, "objective"),
        ("tuning.exit_policy.timeout", -1, "seconds"),
        ("tuning.exit_policy.timeout", "1h", "seconds"),
        ("tuning.exit_policy.trial_timeout", -0.1, "seconds"),
        ("tuning.exit_policy.max_trials", 0, "integer >= 1"),
        ("tuning.exit_policy.max_trials", 1.5, "integer >= 1"),
        ("tuning.exit_policy.max_trials", True, "integer >= 1"),
        ("tuning.exit_policy.performance_only", 1, "true or false"),
        ("tuning.random_seed", -1, "integer >= 0"),
        ("tuning.random_seed", 1.5, "integer >= 0"),
        ("tuning.random_seed", "x", "integer >= 0"),
        ("tuning.workspace", "here", "path"),
        ("tuning.workspace.path", 5, "string"),
        ("tuning.workspace.resume", 5, "string"),
        ("evaluation.accuracy", 5, "metric"),
        ("evaluation.accuracy.metric", "topk", "metric"),
        ("evaluation.accuracy.metric", {}, "one metric"),
        ("evaluation.accuracy.metric", {"mse": None, "mae": None}, "one metric"),
        ("evaluation.accuracy.metric.topk", "all", "k"),
        ("evaluation.accuracy.metric.topk", 1.5, "k"),
        ("evaluation.accuracy.metric.f1", 1, "average"),
        ("evaluation.accuracy.metric.f1.average", "some", "weighted"),
        ("evaluation.accuracy.metric.mse", 1, "mapping"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value),
)
def test_a_value_that_is_not_allowed_is_refused_with_its_path(
    path: str, value: Any, allowed: str
) -> None:
    error = refused(with_key(path, value))
    assert error.place == f"$.{path}"
    assert allowed in error.expected
    assert f"$.{path}: got" in str(error)


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("quantization.calibration.sampling_size", [10, 0], "[1]"),
        ("quantization.model_wise.weight.dtype", ["int8", "int2"], "[1]"),
        ("tuning.multi_objectives", {"objective": ["modelsize", "speed"]}, ".objective[1]"),
        (
            "tuning.multi_objectives",
            {"objective": ["modelsize"], "higher_is_better": ["no"]},
            ".higher_is_better[0]",
        ),
        ("tuning.multi_objectives", {"objective": []}, ".objective"),
        ("tuning.multi_objectives", {"objective": ["accuracy", "accuracy"]}, ".objective"),
        ("tuning.multi_objectives", {"weight": [1]}, ".objective"),
        ("tuning.multi_objectives", {"objective": ["accuracy"], "weight": [0]}, ".weight[0]"),
        ("tuning.multi_objectives", {"objective": ["accuracy"], "weight": 1}, ".weight"),
        ("quantization.calibration.sampling_size", [], ""),
        ("quantization.calibration.sampling_size", 0, ""),
        ("quantization.model_wise.weight.dtype", [], ""),
        ("evaluation.accuracy.metric.topk", 0, ""),
        ("evaluation.accuracy.metric.topk", {"k": 0}, ".k"),
        ("tuning.accuracy_criterion.relative", "1", ""),
        ("tuning.accuracy_criterion.relative", "% 1", ""),
    ],
    ids=str,
)
def test_a_wrong_item_is_refused_with_its_place(path: str, value: Any, place: str) -> None:
    assert refused(with_key(path, value)).place == f"$.{path}{place}"


@pytest.mark.parametrize(
    ("path", "value", "allowed"),
    [
        ("quantization.calibration.sampling_size", 0, "an integer >= 1"),
        ("quantization.calibration.sampling_size", [], "an integer >= 1"),
        ("quantization.model_wise.weight.dtype", [], "one or a list of"),
        ("tuning.accuracy_criterion.relative", "1", "1%"),
        ("evaluation.accuracy.metric.topk", 0, "an integer >= 1"),
        ("tuning.multi_objectives", {"objective": ["accuracy"], "weight": [0]}, "> 0"),
        ("model.name", "", "not empty"),
    ],
    ids=str,
)
def test_a_message_says_what_is_expected(path: str, value: Any, allowed: str) -> None:
    assert allowed in refused(with_key(path, value)).expected


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("tuning.accuracy_criterion.absolute", math.nan),
        ("tuning.accuracy_criterion.absolute", math.inf),
        ("tuning.exit_policy.timeout", math.nan),
        ("tuning.exit_policy.trial_timeout", math.nan),
        ("tuning.exit_policy.trial_timeout", math.inf),
        ("tuning.multi_objectives", {"objective": ["accuracy"], "weight": [math.nan]}),
        ("tuning.multi_objectives", {"objective": ["accuracy"], "weight": [math.inf]}),
        ("quantization.calibration.sampling_size", 100.0),
        ("tuning.random_seed", 7.0),
        ("tuning.exit_policy.max_trials", 5.0),
        ("evaluation.accuracy.metric.topk", 1.0),
        ("quantization.op_wise", {1: {}}),
    ],
    ids=str,
)
def test_what_would_fail_later_is_refused(path: str, value: Any) -> None:
    assert refused(with_key(path, value)).place.startswith(f"$.{path}")


def test_relative_and_absolute_together_are_refused() -> None:
    error = refused(with_key("tuning.accuracy_criterion", {"relative": 0.1, "absolute": 0.1}))
    assert error.place == "$.tuning.accuracy_criterion"
    assert "not both" in error.expected


@pytest.mark.parametrize(
    ("framework", "approach"),
    [
        ("onnxrt_qlinearops", "post_training_dynamic_quant"),
        ("onnxrt_integerops", "post_training_static_quant"),
        ("onnxrt_weight_only", "post_training_static_quant"),
    ],
)
def test_an_approach_that_the_framework_does_not_follow_is_refused(
    framework: str, approach: str
) -> None:
    document = {"model": {"framework": framework}, "quantization": {"approach": approach}}
    error = refused(document)
    assert error.place == "$.quantization.approach"
    assert framework in error.expected


def test_one_objective_beside_several_is_refused() -> None:
    document = with_key("tuning.multi_objectives", {"objective": ["modelsize"]})
    assert refused(with_key("tuning.objective", "accuracy", document)).place == "$.tuning.objective"


@pytest.mark.parametrize(
    ("key", "items"),
    [
        ("weight", [1]),
        ("weight", [1, 1, 1]),
        ("weight", []),
        ("higher_is_better", [False]),
        ("higher_is_better", [False, True, True]),
    ],
)
def test_multi_objectives_of_unequal_lengths_are_refused(key: str, items: list[Any]) -> None:
    keys = {"objective": ["modelsize", "accuracy"], key: items}
    error = refused(with_key("tuning.multi_objectives", keys))
    assert error.place == f"$.tuning.multi_objectives.{key}"
    assert "2 items" in error.expected


@pytest.mark.parametrize(
    "tuning",
    [{"objective": "accuracy"}, {"multi_objectives": {"objective": ["modelsize", "accuracy"]}}],
)
def test_accuracy_as_objective_without_its_evaluation_is_refused(tuning: dict[str, Any]) -> None:
    document = {**LEAST, "tuning": {**tuning, "exit_policy": {"performance_only": True}}}
    assert refused(document).place == "$.tuning.exit_policy.performance_only"


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        ("jsonschema", "import strategies"),
        ("onnx", f"import strategies; strategies.adaptors.adaptor_for(strategies.Conf({LEAST}))"),
    ],
)
def test_a_package_that_is_not_installed_is_named_with_its_extra(missing: str, code: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.modules[{missing!r}] = None; {code}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert run.returncode == 1
    message = run.stderr.splitlines()[-1]
    assert message.startswith("asktell.errors.MissingExtraError: ")
    assert f"the package {missing}: pip install 'asktell[onnx]'" in message
