"""Configurations of Neural Compressor 1.x: what arrives, what is named, what is refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeAdaptor, make

from strategies import BayesianTuneStrategy, Conf
from strategies.conf import Metric
from strategies.earlier_keys import IGNORED, translated
from strategies.errors import ConfError

WHOLE = """
version: 1.0
model: {name: resnet50, framework: onnxrt_qdq, inputs: x, outputs: [y]}
device: cpu
quantization:
  approach: post_training_auto_quant
  recipes: {first_conv_or_matmul_quantization: true, scale_propagation_concat: true}
  calibration:
    sampling_size: 50, 100
    dataloader: {batch_size: 1, dataset: {ImageFolder: {root: /data}}}
  model_wise:
    weight: {granularity: per_channel, scheme: "asym, sym", dtype: int8, bit: 7.0}
    activation: {algorithm: [minmax, kl], dtype: [uint8, bf16]}
  op_wise:
    conv1: {activation: {dtype: [fp32], algorithm: [minmax]}, weight: {dtype: [fp32]}}
tuning:
  strategy: {name: sigopt, sigopt_api_token: x, accuracy_weight: 1.0}
  accuracy_criterion: {absolute: 1%}
  objective: performance
  exit_policy: {timeout: 0, max_trials: 50, performance_only: false}
  random_seed: 9527
  tensorboard: false
  diagnosis: {op_list: [a]}
evaluation:
  accuracy:
    metric: {MSE: {compare_label: true}}
    iteration: 10
    configs: {cores_per_instance: 2}
    dataloader: {dataset: {ImageFolder: {root: /data}}}
  performance:
    warmup: 3
    iteration: 20
    configs: {intra_num_of_threads: 2, num_of_instance: 2}
    dataloader: {dataset: {dummy_v2: {input_shape: [1]}}}
pruning:
  approach: {weight_compression: {pruners: [!Pruner {names: [a], parameters: !Some [1]}, !One x]}}
"""


def refused(keys: dict[str, Any]) -> ConfError:
    with pytest.raises(ConfError) as caught:
        Conf({"model": {"framework": "onnxrt_qlinearops"}, **keys})
    return caught.value


def test_a_whole_configuration_is_read(tmp_path: Path) -> None:
    path = tmp_path / "conf.yaml"
    path.write_text(WHOLE)
    conf = Conf(path)
    assert (conf.framework, conf.approach) == ("onnxrt_qlinearops", "post_training_auto_quant")
    assert conf.sampling_sizes == (50, 100)
    assert conf.model_wise["weight"]["scheme"] == ["asym", "sym"]
    assert conf.model_wise["activation"] == {"algorithm": ["minmax", "entropy"], "dtype": ["uint8"]}
    assert conf.op_wise["conv1"]["activation"] == {"dtype": ["fp32"]}
    assert conf.strategy == "bayesian"
    assert (conf.criterion.loss, conf.criterion.relative) == (0.01, False)
    assert conf.metric == Metric("mse", {})
    assert (conf.batches, conf.runs.warm_up, conf.runs.most, conf.runs.threads) == (10, 3, 20, 2)
    named = {note.partition(" (")[0].partition(":")[0] for note in conf.ignored}
    assert named == {
        "version",
        "device",
        "model.inputs",
        "model.outputs",
        "quantization.calibration.dataloader",
        "quantization.recipes.first_conv_or_matmul_quantization",
        "quantization.recipes.scale_propagation_concat",
        "quantization.model_wise.weight.bit",
        "quantization.model_wise.activation.dtype",
        "quantization.op_wise.conv1.activation.algorithm",
        "tuning.strategy.name",
        "tuning.strategy.sigopt_api_token",
        "tuning.strategy.accuracy_weight",
        "tuning.tensorboard",
        "tuning.diagnosis",
        "evaluation.accuracy.dataloader",
        "evaluation.accuracy.configs",
        "evaluation.performance.dataloader",
        "evaluation.performance.configs.num_of_instance",
        "pruning",
    }


@pytest.mark.parametrize(
    ("framework", "approach", "expected"),
    [
        ("onnxruntime", "post_training_dynamic_quant", "onnxrt_integerops"),
        ("onnxruntime", "post_training_static_quant", "onnxrt_qlinearops"),
        ("onnxruntime", "post_training_auto_quant", "onnxrt_qlinearops"),
        ("onnxrt_integerops", "post_training_auto_quant", "onnxrt_integerops"),
    ],
)
def test_the_adaptor_follows_from_framework_and_approach(
    framework: str, approach: str, expected: str
) -> None:
    keys = {"model": {"framework": framework}, "quantization": {"approach": approach}}
    conf = Conf(keys)
    assert conf.framework == expected
    is_kept = conf.approach == approach
    assert (
        [note for note in conf.ignored if "approach" in note] == []
        if is_kept
        else ["quantization.approach: post_training_auto_quant (all are dynamic here)"]
    )


def test_a_mapping_is_left_as_it_is() -> None:
    keys = {"model": {"framework": "onnxruntime", "inputs": ["x"]}, "version": 1.0}
    Conf(keys)
    assert keys == {"model": {"framework": "onnxruntime", "inputs": ["x"]}, "version": 1.0}


def test_accuracy_is_top_1() -> None:
    keys = {"model": {"framework": "onnxruntime"}, "evaluation": {"accuracy": {"metric": {}}}}
    keys["evaluation"]["accuracy"]["metric"] = {"Accuracy": None}
    assert Conf(keys).metric == Metric("topk", {"k": 1})


@pytest.mark.parametrize(
    ("keys", "place", "advice"),
    [
        ({"device": "gpu"}, "$.device", "processor"),
        (
            {"evaluation": {"accuracy": {"metric": {"mAP": {}}}}},
            "$.evaluation.accuracy.metric.mAP",
            "eval_func",
        ),
        (
            {"evaluation": {"accuracy": {"metric": {"MSE": {"compare_label": False}}}}},
            "$.evaluation.accuracy.metric.MSE.compare_label",
            "labels",
        ),
        (
            {"evaluation": {"accuracy": {"multi_metrics": {"topk": 1}}}},
            "$.evaluation.accuracy.multi_metrics",
            "eval_func",
        ),
        (
            {"evaluation": {"accuracy": {"postprocess": {"transform": {"LabelShift": 1}}}}},
            "$.evaluation.accuracy.postprocess",
            "eval_dataloader",
        ),
        (
            {"quantization": {"recipes": {"first_conv_or_matmul_quantization": False}}},
            "$.quantization.recipes.first_conv_or_matmul_quantization",
            "op_wise",
        ),
        ({"quantization": {"optype_wise": {"Conv": {}}}}, "$.quantization.optype_wise", "op_wise"),
    ],
)
def test_what_would_mislead_is_refused_with_advice(
    keys: dict[str, Any], place: str, advice: str
) -> None:
    error = refused(keys)
    assert error.place == place
    assert advice in error.expected


@pytest.mark.parametrize("keys", [None, 3, [], {"quantization": 3}, {"model": {"framework": []}}])
def test_what_is_no_configuration_is_left_for_the_schema(keys: Any) -> None:
    assert translated(keys)[1] == ()


def test_what_is_ignored_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    conf = Conf({"model": {"framework": "onnxruntime"}, "tuning": {"tensorboard": True}})
    with caplog.at_level(logging.INFO, "strategies"):
        make(BayesianTuneStrategy, FakeAdaptor(), conf)
    assert [line for line in caplog.messages if "ignored" in line] == [
        f"ignored: tuning.tensorboard ({IGNORED['tuning.tensorboard']})"
    ]
