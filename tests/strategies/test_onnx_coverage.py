"""What cannot be tuned is named, with the reason in plain words."""

from __future__ import annotations

import logging

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import build, cnn, normal, recurrent, skewed, table
from quantised_models import task

from strategies import BayesianTuneStrategy, Conf
from strategies.adaptors.base import LeftOut
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.options import DYNAMIC
from strategies.page import report
from strategies.report import coverage_line


def reasons(model: onnx.ModelProto, approach: str = DYNAMIC) -> dict[str, str]:
    left_out = OnnxRuntimeAdaptor(approach).capability(model).left_out
    return {one.name: one.reason for one in left_out}


def products() -> onnx.ModelProto:
    nodes = [
        helper.make_node("MatMul", ["x", "z"], ["xz"], "two_activations"),
        helper.make_node("MatMul", ["w", "xz"], ["wxz"], "weight_first"),
        helper.make_node("MatMul", ["wxz", "nan"], ["n"], "not_finite"),
        helper.make_node("MatMul", ["w", "w"], ["ww"], "constant"),
        helper.make_node("Add", ["n", "ww"], ["s"], "sum"),
        helper.make_node("Add", ["s", "w"], ["t"], "places"),
        helper.make_node("Add", ["t", "b"], ["u"], "bias"),
        helper.make_node("Einsum", ["u", "w"], ["e"], "einsum", equation="ij,jk->ik"),
        helper.make_node("MatMul", ["e", "w"], ["y"], "weighted"),
    ]
    weights = {"w": skewed(1, 4, 4), "nan": np.full((4, 4), np.nan), "b": normal(1, 4)}
    return build(nodes, weights, {"x": (4, 4), "z": (4, 4)}, {"y": (4, 4)})


def test_products() -> None:
    other = "no kernel holds its constants in fewer bits"
    assert reasons(products()) == {
        "weight_first": "its weight comes first",
        "not_finite": "its weight holds values that are not finite",
        "constant": "both sides are constants",
        "places": other,
        "einsum": other,
    }


def test_other_types_and_shapes() -> None:
    model = cnn()
    (weight,) = [t for t in model.graph.initializer if t.name == "w1"]
    weight.CopyFrom(numpy_helper.from_array(skewed(1, 4, 2, 3, 3).astype(np.float16), "w1"))
    assert reasons(model) == {"first": "its weight is float16, not float32"}
    weight.CopyFrom(numpy_helper.from_array(np.zeros((0, 2, 3, 3), np.float32), "w1"))
    assert reasons(model) == {"first": "its weight is empty"}


def test_tables() -> None:
    assert reasons(table(40)) == {}
    assert reasons(table(40, axis=1)) == {"table": "it does not gather the rows of a table"}
    fixed = table(40)
    indices = numpy_helper.from_array(np.zeros((4, 3), np.int64), "i")
    fixed.graph.node[0].input[1] = "i"
    fixed.graph.initializer.append(indices)
    assert reasons(fixed) == {"table": "it reads nothing but constants"}


def test_recurrences_that_are_computed() -> None:
    model = recurrent()
    (weight,) = [t for t in model.graph.initializer if t.name == "R"]
    model.graph.initializer.remove(weight)
    model.graph.input.append(helper.make_tensor_value_info("R", TensorProto.FLOAT, (1, 24, 6)))
    assert reasons(model) == {"recurrent": "both sides are computed"}


def test_subgraphs() -> None:
    inner = helper.make_node("MatMul", ["x", "v"], ["o"])
    weight = numpy_helper.from_array(skewed(1, 4, 4), "v")
    branches = {
        f"{name}_branch": helper.make_graph(
            [inner],
            name,
            [],
            [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)],
            [weight],
        )
        for name in ("then", "else")
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"], "outer"),
        helper.make_node("ReduceMax", ["m"], ["r"], keepdims=0),
        helper.make_node("Cast", ["r"], ["condition"], to=TensorProto.BOOL),
        helper.make_node("If", ["condition"], ["y"], "if", **branches),
    ]
    model = build(nodes, {"w": skewed(2, 4, 4)}, {"x": (4, 4)}, {"y": (4, 4)})
    left_out = OnnxRuntimeAdaptor().capability(model).left_out
    assert left_out == (LeftOut("o", "MatMul", "it is in a subgraph of If 'if'"),) * 2


def test_a_line_says_it() -> None:
    both = "both sides are computed"
    left_out = [LeftOut(n, "MatMul", both) for n in "ab"] + [LeftOut("c", "LSTM", "no kernel")]
    assert coverage_line(12, ()) == "12 operations can be tuned"
    assert coverage_line(1, left_out) == (
        "1 operation can be tuned, 3 cannot: 2 MatMul (both sides are computed), 1 LSTM (no kernel)"
    )
    many = [LeftOut(str(n), "Add", str(n)) for n in range(6)]
    assert coverage_line(2, many).endswith("1 Add (3), 2 other kinds")


def test_a_run_says_it_first_and_the_report_has_it(caplog: pytest.LogCaptureFixture) -> None:
    one = task("transformer")
    conf = Conf(
        {
            "model": {"framework": "onnxrt_weight_only"},
            "tuning": {"objective": "modelsize", "exit_policy": {"max_trials": 1}},
            "evaluation": {"accuracy": {"metric": {"topk": 1}}},
        }
    )
    strategy = BayesianTuneStrategy(one.model, conf, None, eval_dataloader=one.evaluation)
    with caplog.at_level(logging.INFO, "strategies"):
        strategy.traverse()
    assert (
        "14 operations can be tuned, 5 cannot: 4 MatMul (both sides are computed), "
        "1 Add (no kernel holds its constants in fewer bits)" in caplog.text
    )
    page = report(strategy)
    assert "What cannot be tuned" in page
    assert "both sides are computed" in page
    assert "What cannot be tuned" not in report(strategy.dicts)


def test_a_model_of_which_everything_can_be_tuned() -> None:
    assert OnnxRuntimeAdaptor().capability(cnn()).left_out == ()
