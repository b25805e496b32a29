"""What is measured of a model, and arguments that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from fakes import (
    CALIBRATION,
    DEFAULT,
    UNQUANTISED,
    FakeAdaptor,
    Kind,
    conf,
    keys,
    make,
)

from strategies import Conf, TuneStrategy
from strategies.errors import ArgumentError, FirstEvaluationError
from strategies.objective import Measurement

# ----------------------------------------------------------------------------------- objectives


def test_performance_is_the_latency_with_the_evaluation_data(kind: Kind) -> None:
    loaders: list[Any] = []

    class Recording(FakeAdaptor):
        def timer(self, model: Any, dataloader: Any) -> Callable[[], float]:
            loaders.append(dataloader)
            return super().timer(model, dataloader)

    for loader, calibration in (([1], [2]), (None, [2])):
        adaptor = Recording()
        strategy = kind(
            "model",
            conf({"objective": "performance"}, performance_only=True),
            calibration,
            eval_dataloader=loader,
            adaptor=adaptor,
        )
        result = strategy.traverse()
        assert result is not None
        assert result.model.effect[0] == "tensor"  # the fastest
        assert strategy.baseline == Measurement(None, {"performance": 0.1})
    assert [1] in loaders
    assert [2] in loaders
    assert loaders == sorted(loaders)


def test_performance_without_data_is_refused(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    configuration = conf({"objective": "performance"})
    with pytest.raises(ArgumentError, match=r"\$\.eval_dataloader"):
        kind("model", configuration, None, eval_func=adaptor.accuracy, adaptor=adaptor)


def test_data_that_do_not_know_their_length_are_data(kind: Kind) -> None:
    class Stream:
        def __len__(self) -> int:
            return 0

        def __iter__(self) -> Iterator[Any]:
            return iter([(0, 0)])

    loaders: list[Any] = []

    class Recording(FakeAdaptor):
        def timer(self, model: Any, dataloader: Any) -> Callable[[], float]:
            loaders.append(dataloader)
            return lambda: 1.0

    stream, adaptor = Stream(), Recording()
    configuration = conf({"objective": "performance"}, max_trials=1)
    make_with = {"eval_dataloader": stream, "eval_func": adaptor.accuracy, "adaptor": adaptor}
    kind("model", configuration, [(0, 0)], **make_with).traverse()
    assert len(loaders) >= 2
    assert all(loader is stream for loader in loaders)


def test_accuracy_can_be_an_objective(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor, conf({"objective": "accuracy"}))
    result = strategy.traverse()
    assert result is not None
    accuracies = [t.measurement.values["accuracy"] for t in strategy.trials if t.measurement]
    assert result.trial.measurement == Measurement(max(accuracies), {"accuracy": max(accuracies)})


def test_lower_is_better_where_the_criterion_says_so(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    criterion = {"accuracy_criterion": {"relative": 0.01, "higher_is_better": False}}
    strategy = make(
        kind, adaptor, conf(criterion), eval_func=lambda model: 1 - adaptor.accuracy(model)
    )
    result = strategy.traverse()
    assert result is not None
    assert strategy.goal.threshold == pytest.approx(0.101)
    assert not result.meets  # the nearest is 0.102
    assert result.trial.measurement is not None
    assert result.trial.measurement.accuracy == pytest.approx(0.102)


# --------------------------------------------------------------------------- evaluation, arguments


@pytest.mark.parametrize("name", ["q_dataloader", "eval_dataloader"])
def test_data_of_no_batch_are_an_error_at_once(kind: Kind, name: str) -> None:
    adaptor = FakeAdaptor()
    loaders: dict[str, Any] = {"q_dataloader": [(0, 0)], "eval_dataloader": [(0, 0)], name: []}
    strategy = kind("model", conf(metric={"topk": 1}), adaptor=adaptor, **loaders)
    with pytest.raises(FirstEvaluationError, match=f"{name} yields nothing: give at least one"):
        strategy.traverse()
    assert adaptor.evaluated == []


def test_static_quantisation_takes_calibration_data(kind: Kind) -> None:
    with pytest.raises(ArgumentError, match="data to calibrate with") as caught:
        kind("model", conf(), None, eval_func=abs, adaptor=FakeAdaptor())
    assert caught.value.place == "$.q_dataloader"
    dynamic = Conf({"model": {"framework": "onnxrt_integerops"}})
    kind("model", dynamic, [(0, 0)], eval_func=abs, adaptor=FakeAdaptor())


def test_the_metric_is_used_with_the_evaluation_data(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    loader = [(None, np.zeros(3, dtype=int)), (None, np.zeros(2, dtype=int))]
    configuration = conf(metric={"topk": 1}, max_trials=2)
    strategy = kind("model", configuration, CALIBRATION, eval_dataloader=loader, adaptor=adaptor)
    strategy.traverse()
    assert strategy.baseline is not None
    assert strategy.baseline.accuracy == 0.9
    assert adaptor.evaluated[:2] == [UNQUANTISED, DEFAULT]
    assert strategy.trials[0].measurement is not None
    assert strategy.trials[0].measurement.accuracy == 0.871


@pytest.mark.parametrize(
    ("configuration", "arguments", "place"),
    [
        (keys(), {"eval_func": abs}, "$.conf"),
        (None, {"eval_func": abs}, "$.conf"),
        (conf(), {"eval_func": abs, "q_func": 3}, "$.q_func"),
        (conf(), {"eval_func": abs, "q_hooks": [abs]}, "$.q_hooks"),
        (conf(), {}, "$.eval_func"),
        (conf(metric={"topk": 1}), {}, "$.eval_func"),
        (conf(), {"eval_dataloader": []}, "$.conf.evaluation.accuracy.metric"),
        (
            conf(metric={"topk": 1}),
            {"eval_dataloader": [], "eval_func": abs},
            "$.eval_func",
        ),
    ],
    ids=["keys", "None", "q_func", "q_hooks", "no eval", "metric alone", "no metric", "both"],
)
def test_wrong_arguments_are_refused(
    kind: Kind, configuration: Any, arguments: dict[str, Any], place: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        kind("model", configuration, CALIBRATION, adaptor=FakeAdaptor(), **arguments)
    assert caught.value.place == place
    assert isinstance(caught.value, ValueError)


def test_an_evaluation_that_is_no_function_is_refused(kind: Kind) -> None:
    with pytest.raises(ArgumentError) as caught:
        kind("model", conf(), CALIBRATION, eval_func=0.9, adaptor=FakeAdaptor())
    assert caught.value.place == "$.eval_func"


def test_performance_without_data_is_refused_before_anything_is_evaluated(kind: Kind) -> None:
    with pytest.raises(ArgumentError):
        kind(
            "model", conf({"objective": "performance"}), None, eval_func=abs, adaptor=FakeAdaptor()
        )


@pytest.mark.parametrize("name", ["q_dataloader", "eval_dataloader"])
def test_data_that_can_be_read_only_once_are_refused(kind: Kind, name: str) -> None:
    loaders: dict[str, Any] = {"q_dataloader": [(0, 0)], "eval_dataloader": [(0, 0)]}
    loaders[name] = iter(loaders[name])
    with pytest.raises(ArgumentError) as caught:
        kind("model", conf(metric={"topk": 1}), adaptor=FakeAdaptor(), **loaders)
    assert caught.value.place == f"$.{name}"


def test_an_evaluation_function_may_have_data_for_the_latency_beside_it(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    configuration = conf({"objective": "performance"}, max_trials=1)
    strategy = kind(
        "model", configuration, CALIBRATION, None, [(0, 0)], adaptor.accuracy, adaptor=adaptor
    )
    assert strategy.traverse() is not None


def test_the_base_alone_is_no_strategy() -> None:
    with pytest.raises(TypeError, match="abstract"):
        TuneStrategy("model", conf(), None, eval_func=abs)  # type: ignore[abstract]
