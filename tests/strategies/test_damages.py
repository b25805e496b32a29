"""What options do alone: errors of operations, damages of the model, and multiplications."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import MODELS, SHAPES, build, cnn, loader, matmul, normal, product, table
from quantised_models import MODELS as TASKS
from quantised_models import task

from strategies.adaptors.base import FP32, OpKey, Sensitivity
from strategies.adaptors.onnx import damages
from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
from strategies.adaptors.onnx.options import DYNAMIC, STATIC
from strategies.adaptors.onnx.running import batches, open_session, run
from strategies.errors import AdaptorError


def found(model: Any, data: Any, approach: str = STATIC) -> dict[OpKey, Sensitivity]:
    adaptor = OnnxRuntimeAdaptor(approach)
    return adaptor.sensitivities(model, offered(model, approach), data)


def offered(model: Any, approach: str = STATIC) -> Any:
    operations = OnnxRuntimeAdaptor(approach).capability(model).operations
    return {one.key: one.options for one in operations}


def moved(model: Any, tune_cfg: Any, data: Any, approach: str = STATIC) -> float:
    """Return by how much the outputs of a model that is really quantised move."""
    made = OnnxRuntimeAdaptor(approach).quantize(model, tune_cfg, data)
    before, after = (
        [run(session, feed)[0] for feed, _ in batches(session, data)]
        for session in (open_session(model, 1), open_session(made, 1))
    )
    whole = np.concatenate(before).astype(np.float64)
    return float(np.square(np.concatenate(after) - whole).sum() / np.square(whole).sum())


@pytest.mark.parametrize("approach", [STATIC, DYNAMIC])
@pytest.mark.parametrize("kind", MODELS)
def test_damages_are_those_of_models_that_are_quantised_in_one_operation(
    kind: str, approach: str
) -> None:
    model, data = MODELS[kind](), loader(SHAPES[kind])
    for key, one in found(model, data, approach).items():
        options = offered(model, approach)[key]
        assert one.errors[-1] == one.damages[-1] == 0.0  # FP32
        assert len(one.errors) == len(one.damages) == len(options)
        for option, damage in zip(options[:-1], one.damages[:-1], strict=True):
            really = moved(model, {key: option}, data, approach)
            # of a Conv whose output is quantised for readers without a weight it sees a part
            assert really / 4.0 < damage < really * 1.6, (key, option)


def test_of_an_operation_at_the_end_the_damage_is_the_error() -> None:
    model = build(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "only")],
        {"w": normal(1, 6, 4)},
        {"x": ("N", 6)},
        {"y": ("N", 4)},
    )
    data = loader((6,))
    (one,) = found(model, data).values()
    assert one.damages == pytest.approx(one.errors, rel=1e-6)
    (key, options) = next(iter(offered(model).items()))
    for option, damage in zip(options, one.damages, strict=True):
        assert damage == pytest.approx(moved(model, {key: option}, data), rel=1e-3)


def test_an_option_left_out_is_not_measured() -> None:
    model, data = matmul(), loader((6,))
    adaptor, key = OnnxRuntimeAdaptor(), ("down", "MatMul")
    options = offered(model)[key]
    (one,) = adaptor.sensitivities(model, {key: (options[2], FP32)}, data).values()
    whole = found(model, data)[key]
    assert one.errors == (whole.errors[2], 0.0)
    assert adaptor.sensitivities(model, {key: (FP32,)}, data)[key].damages == (0.0,)


def test_the_same_model_and_data_give_the_same_numbers() -> None:
    assert found(cnn(), loader((2, 6, 6))) == found(cnn(), loader((2, 6, 6)))


def test_a_model_of_a_fixed_batch_is_run_in_pieces() -> None:
    free, fixed = (found(cnn(batch), loader((2, 6, 6))) for batch in ("N", 1))
    for key, one in free.items():
        assert fixed[key].multiplications == one.multiplications
        assert fixed[key].damages == pytest.approx(one.damages, rel=1e-2)


# -------------------------------------------------------------------------- in a bounded time


@pytest.mark.parametrize("runs", [1, 12, 40])
def test_damages_that_are_not_measured_are_worked_out_from_errors(
    runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = task("digits")
    exact = found(one.model, one.calibration)
    probe, count = damages._Probe.damage, iter(range(10**6))
    monkeypatch.setattr(damages._Probe, "damage", lambda *given: (next(count), probe(*given))[1])
    monkeypatch.setattr(damages, "RUNS", runs)
    rough = found(one.model, one.calibration)
    assert next(count) == len(exact) * max(1, runs // len(exact))
    logs = [
        np.log10([damage for each in some.values() for damage in each.damages if damage > 0.0])
        for some in (exact, rough)
    ]
    assert np.corrcoef(logs)[0, 1] > {1: 0.85, 12: 0.95, 40: 0.97}[runs]
    assert {key: each.errors for key, each in rough.items()} == {
        key: each.errors for key, each in exact.items()
    }


@pytest.mark.parametrize("name", ["WORK", "MEMORY"])
def test_a_large_model_is_looked_at_with_few_samples(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[int] = []
    start = damages._Probe.start

    def counted(probe: Any, feeds: Any) -> None:
        rows.append(sum(len(feed["x"]) for feed in feeds))
        start(probe, feeds)

    monkeypatch.setattr(damages._Probe, "start", counted)
    data = loader((6,), samples=60, batch=20)
    found(matmul(), data)
    monkeypatch.setattr(damages, name, 1.0)
    found(matmul(), data)
    assert rows == [damages.SAMPLES, damages.LEAST_SAMPLES]


# ------------------------------------------------------------------------------------ counting


def test_multiplications_are_counted_for_one_sample() -> None:
    assert [one.multiplications for one in found(cnn(), loader((2, 6, 6))).values()] == [
        4 * 4 * 4 * 2 * 9,  # places, channels out, channels in, of 3 by 3
        2 * 2 * 5 * 4 * 9,
        3 * 20,
    ]
    assert [one.multiplications for one in found(matmul(), loader((6,))).values()] == [48, 32]
    (up,) = found(MODELS["up"](), loader((2, 4, 4))).values()
    assert up.multiplications == 2 * 4 * 4 * 3 * 4


def test_multiplications_of_recurrent_operations_are_those_of_all_steps() -> None:
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], "steps", hidden_size=3)
    weights = {"w": onnx.TensorProto(dims=(1, 12, 5)), "r": onnx.TensorProto(dims=(1, 12, 3))}
    feed = {"x": np.zeros((7, 2, 5), np.float32)}
    assert damages._multiplications(node, feed, 0, weights) == 7 * 2 * (12 * 5 + 12 * 3)
    other = helper.make_node("Gather", ["w", "x"], ["y"], "table")
    assert damages._multiplications(other, feed, 70, weights) == 0


# --------------------------------------------------------------------------------- what is worst


@pytest.mark.parametrize("name", ["digits", "scaled CNN"])
def test_damages_tell_which_configurations_lose_accuracy(name: str) -> None:
    one, adaptor = TASKS[name](), OnnxRuntimeAdaptor()
    options, known = offered(one.model), found(one.model, one.calibration)
    draws, pairs = np.random.default_rng(0), []
    for _ in range(15):
        picks = {key: int(draws.integers(len(some))) for key, some in options.items()}
        cfg = {key: options[key][pick] for key, pick in picks.items()}
        damage = sum(known[key].damages[pick] for key, pick in picks.items())
        pairs.append((damage, moved(one.model, cfg, one.calibration)))
    assert np.corrcoef(np.log(pairs).T)[0, 1] > 0.8
    assert adaptor.approach == STATIC


def test_without_a_sample_there_is_nothing_to_measure() -> None:
    with pytest.raises(AdaptorError, match="it gave no sample"):
        found(cnn(), [])


def test_names_that_look_like_ours_are_no_trouble() -> None:
    model = matmul()
    for node in model.graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name in ("h", "hb"):
                    names[place] = f"{name}/shift"
    model.graph.node[1].output[0] = model.graph.node[2].input[0] = "h"
    model.graph.node[0].output[0] = model.graph.node[1].input[0] = "h/shift"
    known, expected = found(model, loader((6,))), found(matmul(), loader((6,)))
    assert list(known.values()) == list(expected.values())


# ------------------------------------------------------------------------------- large weights


def looked_at(monkeypatch: pytest.MonkeyPatch, model: onnx.ModelProto, data: Any) -> Any:
    """Return what is found if weights of more than a thousand values are large, and the shapes."""
    shapes: list[tuple[int, ...]] = []
    quantize = OnnxRuntimeAdaptor.quantize

    def counted(adaptor: Any, model: onnx.ModelProto, *more: Any) -> onnx.ModelProto:
        shapes.append(tuple(model.graph.initializer[0].dims))
        return quantize(adaptor, model, *more)

    monkeypatch.setattr(OnnxRuntimeAdaptor, "quantize", counted)
    monkeypatch.setattr(damages, "MOST_LOOKED_AT", 1000)
    monkeypatch.setattr(damages, "RUNS", 1)
    return next(iter(found(model, data).values())), shapes


@pytest.mark.parametrize("options", [{}, {"operator": "Gemm"}, {"operator": "Gemm", "transB": 1}])
def test_the_errors_of_a_large_product_are_those_of_some_channels(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, data = product(100, 120, **options), loader((100,))
    (exact,) = found(model, data).values()
    rough, shapes = looked_at(monkeypatch, model, data)
    assert rough.errors == pytest.approx(exact.errors, rel=0.4)
    assert rough.damages == pytest.approx(exact.damages, rel=0.4)
    some = (10, 100) if "transB" in options else (100, 10)
    whole = (120, 100) if "transB" in options else (100, 120)
    assert shapes == [some] * (len(exact.errors) - 1) + [whole]


def test_a_large_product_whose_bias_is_no_number_a_channel_is_looked_at_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = product(100, 120, "Gemm")
    model.graph.initializer[1].dims[:] = [1, 120]
    _, shapes = looked_at(monkeypatch, model, loader((100,)))
    assert set(shapes) == {(100, 120)}


def test_of_a_large_table_the_rows_that_are_read_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, ids = table(50), np.arange(12).reshape(4, 3)
    data = [(np.where(ids < 6, ids, ids - 50), None)]
    (exact,) = found(model, data).values()
    few, shapes = looked_at(monkeypatch, model, data)
    assert few.errors == pytest.approx(exact.errors, rel=1e-6)
    assert shapes[0][0] in (12, 13, 14)  # those with the least and the greatest value too
    assert len(set(shapes)) == 1


def test_a_model_that_takes_long_is_run_once_for_each_operation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs: list[Any] = []
    damage = damages._Probe.damage
    monkeypatch.setattr(
        damages._Probe, "damage", lambda *given: (runs.append(given[1]), damage(*given))[1]
    )
    monkeypatch.setattr(damages, "WORK", 1.0)
    found(matmul(), loader((6,)))
    assert [*runs] == [("hb",), ("y",)]
