"""Sizes without quantising: byte for byte those of the models that quantising makes."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import (
    MODELS,
    SHAPES,
    build,
    cnn,
    loader,
    normal,
    product,
    recurrent,
    residual,
    skewed,
    table,
)
from quantised_models import DYNAMIC as INTEGER_OPS
from quantised_models import MODELS as TASKS
from quantised_models import task

import asktell as at
from strategies import Conf
from strategies.adaptors.base import FP32, Operation, TuneConfig
from strategies.adaptors.onnx import sizes as onnx_sizes
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.options import APPROACHES, DYNAMIC, STATIC
from strategies.errors import AdaptorError
from strategies.tuning_space import TuningSpace

IMAGES = ("N", 2, 4, 4)


def random_cfg(operations: tuple[Operation, ...], random: np.random.Generator) -> TuneConfig:
    """Leave some operations out, some fp32, and some as any option says."""
    chosen = random.random(len(operations)) < random.choice([0.2, 0.6, 1.0])
    return {
        operation.key: operation.options[random.integers(len(operation.options))]
        for operation, is_chosen in zip(operations, chosen, strict=True)
        if is_chosen
    }


def check(model: Any, approach: str, data: Any, count: int = 40, **more: Any) -> None:
    adaptor, random = OnnxRuntimeAdaptor(approach), np.random.default_rng(0)
    operations = adaptor.capability(model).operations
    size_of = adaptor.sizes(model, data)
    configs: list[TuneConfig] = [{}, {o.key: o.options[0] for o in operations}]
    configs += [random_cfg(operations, random) | more for _ in range(count)]
    for tune_cfg in configs:
        expected = adaptor.size(adaptor.quantize(model, tune_cfg, data))
        assert size_of(tune_cfg) == size_of(dict(tune_cfg)) == expected, tune_cfg


def mixed() -> onnx.ModelProto:
    """Return a table whose rows an LSTM reads, and products that share a weight behind it."""
    nodes = [
        helper.make_node("Gather", ["t", "x"], ["e"], "table"),
        helper.make_node("LSTM", ["e", "W", "R"], ["", "h"], "lstm", hidden_size=8),
        helper.make_node("Squeeze", ["h"], ["s"], "last"),
        helper.make_node("Gather", ["t", "x"], ["again"], "once_more"),
        helper.make_node("MatMul", ["s", "w"], ["m"], "one"),
        helper.make_node("Gemm", ["m", "w"], ["y"], "two", transB=1),
    ]
    weights = {
        "t": skewed(1, 50, 40),
        "W": normal(2, 1, 32, 40),
        "R": normal(3, 1, 32, 8),
        "w": skewed(4, 8, 8),
    }
    model = build(nodes, weights, {"x": (4, 3)}, {"y": (3, 8), "again": (4, 3, 40)})
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    return model


@pytest.mark.parametrize("approach", APPROACHES)
@pytest.mark.parametrize("kind", MODELS)
def test_sizes_are_those_of_quantised_models(kind: str, approach: str) -> None:
    check(MODELS[kind](), approach, loader(SHAPES[kind]))


@pytest.mark.parametrize("approach", APPROACHES)
@pytest.mark.parametrize(
    ("model", "x"),
    [
        (product(), normal(0, 4, 100)),
        (product(operator="Gemm"), normal(0, 4, 100)),
        (product(operator="Gemm", transB=1, opset=11), normal(0, 4, 100)),
        (table(40), np.zeros((4, 3), np.int64)),
        (table(4, 5), np.zeros((4, 3), np.int64)),
        (recurrent(), normal(0, 7, 3, 5)),
        (recurrent("GRU", 2), normal(0, 7, 3, 5)),
        (mixed(), np.zeros((4, 3), np.int64)),
    ],
    ids=["MatMul", "Gemm", "old Gemm", "table", "cubes", "LSTM", "GRU", "mixed"],
)
def test_sizes_of_every_kind(model: Any, x: Any, approach: str) -> None:
    check(model, approach, [(x, 0)], 60)


@pytest.mark.parametrize("name", TASKS)
def test_sizes_of_larger_models(name: str) -> None:
    one = task(name)
    check(one.model, DYNAMIC if one.framework == INTEGER_OPS else STATIC, one.calibration, 25)


@pytest.mark.parametrize("approach", APPROACHES)
@pytest.mark.parametrize("opset", [11, 12, 13, 17])
def test_sizes_at_every_opset(opset: int, approach: str) -> None:
    """Below 13, static quantisation takes operators of another domain."""
    check(cnn(opset=opset), approach, loader(SHAPES["cnn"]), 12)


@pytest.mark.parametrize("skip", ["r1", "x"])
def test_sizes_where_readers_without_a_weight_follow(skip: str) -> None:
    check(residual(skip), STATIC, loader((3, 4, 4)))


def followers() -> onnx.ModelProto:
    """Return Convs that share a weight, one of which two others and a Sum read."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], "a"),
        helper.make_node("Conv", ["a", "w"], ["b"], "b"),
        helper.make_node("Conv", ["a", "w"], ["c"], "c"),
        helper.make_node("Sum", ["a", "b", "c", "a"], ["y"], "sum"),
    ]
    return build(nodes, {"w": skewed(1, 2, 2, 1, 1)}, {"x": IMAGES}, {"y": IMAGES})


def float_reader() -> onnx.ModelProto:
    """Return a Conv whose output is read by a node that cannot be tuned, and is an output too."""
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], "a"),
        helper.make_node("Conv", ["a", "w2"], ["b"], "b"),
        helper.make_node("Add", ["a", "b"], ["s"], "sum"),
        helper.make_node("Mul", ["s", "unused_but_here"], ["t"], "scaled"),
    ]
    weights = {
        "w1": skewed(1, 2, 2, 1, 1),
        "w2": skewed(2, 2, 2, 1, 1),
        "unused_but_here": normal(3, 1),
        "never_read": normal(4, 50),
    }
    return build(nodes, weights, {"x": IMAGES}, {"t": IMAGES, "b": IMAGES})


def shared_bias() -> onnx.ModelProto:
    """Return Gemms that share a weight and a bias, which an Add reads as well."""
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], "one", transB=1),
        helper.make_node("Gemm", ["h", "w", "b"], ["i"], "two"),
        helper.make_node("MatMul", ["i", "w"], ["j"], "three"),
        helper.make_node("Add", ["j", "c"], ["k"], "plus"),
        helper.make_node("MatMul", ["k", "w"], ["l"], "four"),
        helper.make_node("Add", ["l", "c"], ["m"], "plus_again"),
        helper.make_node("Add", ["m", "b"], ["y"], "last"),
    ]
    weights = {"w": skewed(1, 5, 5), "b": normal(2, 5), "c": normal(3, 5)}
    return build(nodes, weights, {"x": ("N", 5)}, {"y": ("N", 5)})


def subgraphs() -> onnx.ModelProto:
    """Return an If whose branches read a Conv's output and its weight."""
    branches = {
        f"{name}_branch": helper.make_graph(
            [helper.make_node(operator, ["c", "w"], ["o"], "inner")],
            name,
            [],
            [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)],
        )
        for name, operator in (("then", "Add"), ("else", "Sub"))
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("ReduceMax", ["r"], ["m"], keepdims=0),
        helper.make_node("Cast", ["m"], ["condition"], to=TensorProto.BOOL),
        helper.make_node("If", ["condition"], ["i"], **branches),
        helper.make_node("Add", ["i", "r"], ["y"], "sum"),
    ]
    return build(nodes, {"w": skewed(1, 2, 2, 1, 1)}, {"x": (2, 2, 1, 1)}, {"y": (2, 2, 1, 1)})


@pytest.mark.parametrize("approach", APPROACHES)
@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (followers(), (2, 4, 4)),
        (float_reader(), (2, 4, 4)),
        (shared_bias(), (5,)),
    ],
    ids=["followers", "float reader", "shared bias"],
)
def test_sizes_where_nodes_share(model: Any, shape: tuple[int, ...], approach: str) -> None:
    check(model, approach, loader(shape), 60)


@pytest.mark.parametrize("approach", APPROACHES)
def test_sizes_with_subgraphs(approach: str) -> None:
    check(subgraphs(), approach, [(normal(0, 2, 2, 1, 1), 0)])


@pytest.mark.parametrize("attributes", [{"transA": 1}, {"alpha": 0.5}, {"beta": 3.0}], ids=str)
def test_sizes_of_a_gemm_that_is_not_plain(attributes: dict[str, Any]) -> None:
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "g", **attributes)
    weights = {"w": skewed(1, 4, 3), "b": normal(2, 3)}
    model = build([node], weights, {"x": (4, 4)}, {"y": (4, 3)})
    check(model, STATIC, [(normal(0, 4, 4), 0)])


@pytest.mark.parametrize("size", [1e7, 1e8, 1e9])
@pytest.mark.parametrize("algorithm", ["minmax", "percentile"])
def test_sizes_where_a_bias_may_be_beyond_int32(size: float, algorithm: str) -> None:
    model = cnn()
    (bias,) = [t for t in model.graph.initializer if t.name == "b3"]
    bias.CopyFrom(numpy_helper.from_array(np.float32([size, -size, 0]), "b3"))
    data = loader(SHAPES["cnn"])
    more = {"calib_algorithm": algorithm, "calib_sampling_size": 8}
    check(model, STATIC, data, 30, **more)


@pytest.mark.parametrize("strength", ["off", "0.3", "0.5", "0.7"])
def test_sizes_of_smoothed_models(strength: str) -> None:
    one = task("transformer")
    check(one.model, STATIC, one.calibration, 6, smooth_quant=strength)


def test_only_so_many_choices_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_sizes, "MOST_KNOWN", 3)
    check(followers(), STATIC, loader((2, 4, 4)))


def test_static_sizes_take_data() -> None:
    with pytest.raises(AdaptorError, match="dataloader is None"):
        OnnxRuntimeAdaptor().sizes(cnn(), None)
    assert OnnxRuntimeAdaptor(DYNAMIC).sizes(cnn(), None)({}) > 0


def test_a_size_takes_microseconds() -> None:
    one, random = task("transformer"), np.random.default_rng(0)
    adaptor = OnnxRuntimeAdaptor()
    weighted = [o for o in adaptor.capability(one.model).operations if o.has_weight]
    operations, size_of = tuple(weighted), adaptor.sizes(one.model, one.calibration)
    configs = [random_cfg(operations, random) for _ in range(500)]
    seconds = []
    for _ in range(5):
        start = time.process_time()
        for tune_cfg in configs:
            size_of(tune_cfg)
        seconds.append((time.process_time() - start) / len(configs))
    assert min(seconds) < 100e-6  # 15 where nothing else runs
    assert FP32 in operations[0].options


@pytest.mark.parametrize("name", ["digits", "residual", "transformer"])
def test_a_search_is_given_the_size_as_a_sum(name: str) -> None:
    one = task(name)
    adaptor = OnnxRuntimeAdaptor()
    document = {"model": {"framework": "onnxrt_qlinearops"}, "tuning": {"objective": "modelsize"}}
    conf = Conf(document)
    tuned = TuningSpace.of(adaptor.capability(one.model), conf, by_exactness=True)
    exact = adaptor.sizes(one.model, one.calibration)
    asked = tuned.size_of(exact)
    assert isinstance(asked, at.SumOf)
    points = tuned.space.sample(np.random.default_rng(0).random((50, tuned.space.dim)))
    params = [tuned.space.params(values) for values in tuned.space.decode(points)]
    sums, sizes = asked.on(tuned.space)(points), [exact(tuned.tune_cfg(one)) for one in params]
    assert sums == pytest.approx([asked(one) for one in params])
    plain = np.array([one.get("smooth_quant", "off") == "off" for one in params])
    assert plain.any()
    assert np.abs(sums - sizes)[plain].max() <= 30  # names that are longer, a domain
    assert np.abs(sums / sizes - 1.0).max() < 0.03


def test_what_is_not_a_sum_is_asked_as_it_is() -> None:
    adaptor = OnnxRuntimeAdaptor()
    document = {"model": {"framework": "onnxrt_qlinearops"}, "tuning": {"objective": "performance"}}
    model = MODELS["shared"]()
    operations = adaptor.capability(model).operations
    assert any(not one.has_weight for one in operations)
    space = TuningSpace.of(adaptor.capability(model), Conf(document))
    exact = adaptor.sizes(model, loader(SHAPES["shared"]))
    assert not isinstance(space.size_of(exact), at.SumOf)
    assert space.size_of(exact)(space.default()) == exact(space.tune_cfg(space.default()))
    assert space.size_of(lambda tune_cfg: 7.0)(space.default()) == 7.0
