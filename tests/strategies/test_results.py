"""What a run has found, and runs by hand."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from fakes import (
    BEST,
    DEFAULT,
    OPTIONS,
    SHORT,
    UNQUANTISED,
    FakeAdaptor,
    Kind,
    conf,
    effect,
    effects,
    engine_of,
    make,
    plain,
    timeless,
)

from strategies import Trial, TuneStrategy
from strategies.objective import Measurement

# ------------------------------------------------------------------------------------ the result


def test_the_best_model_is_the_one_that_was_measured(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    models: dict[int, Any] = {}

    def eval_func(model: Any) -> float:
        models[id(model)] = model
        return adaptor.accuracy(model)

    strategy = make(kind, adaptor, eval_func=eval_func)
    result = strategy.traverse()
    assert result is not None
    assert result.meets
    assert result.trial.meets
    assert result.trial == strategy.best_trial()
    assert result.model.effect == effects(strategy)[result.trial.number]
    assert result.model.effect in (BEST, (*BEST[:3], 100))
    assert id(result.model) in models  # the very model that was evaluated
    assert len(adaptor.quantized) == len(strategy.trials)
    assert "model=" not in repr(result)  # a model may be 2 GB


def test_the_first_of_equals_is_the_best(kind: Kind) -> None:
    adaptor = FakeAdaptor(bytes_of=lambda effect: 1.0)
    strategy = make(kind, adaptor, conf({"accuracy_criterion": {"absolute": 1}}, max_trials=4))
    result = strategy.traverse()
    assert result is not None
    assert result.trial.number == 0
    resumed = make(kind, adaptor, strategy.conf, plain(strategy.dicts)).result()
    assert resumed is not None
    assert resumed.trial.number == 0


def test_the_nearest_model_is_kept_where_all_miss_the_criterion(kind: Kind) -> None:
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor, conf({"accuracy_criterion": {"relative": -0.05}}))
    result = strategy.traverse()
    assert result is not None
    assert not result.meets
    assert not any(trial.meets for trial in strategy.trials)
    accuracies = [trial.measurement.accuracy for trial in strategy.trials if trial.measurement]
    assert result.trial.measurement is not None
    assert result.trial.measurement.accuracy == max(filter(None, accuracies))


@pytest.mark.parametrize("loss", [0.01, -0.05], ids=["met", "missed"])
def test_after_a_resume_the_result_is_the_same_and_nothing_is_evaluated(
    kind: Kind, loss: float
) -> None:
    configuration = conf({"accuracy_criterion": {"relative": loss}})
    strategy = make(kind, FakeAdaptor(), configuration)
    result = strategy.traverse()
    second = FakeAdaptor()
    again = make(kind, second, configuration, plain(strategy.dicts)).result()
    assert result is not None
    assert again is not None
    assert (again.trial, again.meets) == (result.trial, result.meets)
    assert again.model.effect == result.model.effect
    assert second.evaluated == []
    assert second.quantized == [again.model.effect]


def test_the_result_is_quantised_only_once_after_a_resume(kind: Kind) -> None:
    strategy = make(kind, FakeAdaptor(), conf(max_trials=2))
    strategy.traverse()
    adaptor = FakeAdaptor()
    resumed = make(kind, adaptor, conf(max_trials=2), plain(strategy.dicts))
    first, second = resumed.result(), resumed.traverse()
    assert first is not None
    assert second is not None
    assert first.model is second.model
    assert len(adaptor.quantized) == 1


def test_the_best_before_a_resume_stays_the_best(kind: Kind) -> None:
    better = FakeAdaptor(bytes_of=lambda effect: 1.0 if effect == DEFAULT else 9.0)
    loose = {"accuracy_criterion": {"absolute": 1}}
    strategy = make(kind, better, conf(loose, max_trials=1))
    strategy.traverse()
    resumed = make(kind, better, conf(loose, max_trials=4), plain(strategy.dicts))
    result = resumed.traverse()
    assert result is not None
    assert result.trial.number == 0


# ------------------------------------------------------------------------------------ by hand


def test_tune_configurations_have_the_form_of_the_reference(kind: Kind) -> None:
    strategy = make(kind, FakeAdaptor())
    tune_cfg = next(strategy.next_tune_cfg())
    assert tune_cfg == {
        ("block", "Conv"): OPTIONS["tensor"],
        ("block", "MatMul"): OPTIONS["tensor"],
        "calib_algorithm": "minmax",
        "calib_sampling_size": 50,
    }


def test_a_generator_sent_trials_by_hand_does_what_a_run_does(kind: Kind) -> None:
    whole = make(kind, FakeAdaptor(), conf(max_trials=SHORT))
    whole.traverse()
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor, conf(max_trials=SHORT))
    configs = strategy.next_tune_cfg()
    tune_cfg = next(configs)
    while tune_cfg is not None:
        trial = by_hand(strategy, adaptor, tune_cfg)
        try:
            tune_cfg = configs.send(trial)
        except StopIteration:
            break
    assert timeless(strategy) == timeless(whole)
    assert strategy.best_trial() == timeless(whole)[whole.best_trial().number]  # type: ignore[union-attr]


def by_hand(strategy: TuneStrategy, adaptor: FakeAdaptor, tune_cfg: dict[Any, Any]) -> Trial:
    model = adaptor.quantize(strategy.model, tune_cfg, None)
    measurement = Measurement(adaptor.accuracy(model), {"modelsize": float(adaptor.size(model))})
    return Trial(
        number=len(strategy.trials),
        params=strategy.tuning_space.params(tune_cfg),
        measurement=measurement,
        failure=None,
        meets=strategy.goal.meets(measurement),
        seconds=0.0,
        digest=adaptor.digest(model),
    )


def test_the_result_follows_what_is_sent_by_hand(kind: Kind) -> None:
    adaptor = FakeAdaptor(bytes_of=lambda effect: 1.0 / len(adaptor.evaluated))  # ever better
    strategy = make(kind, adaptor, conf({"accuracy_criterion": {"absolute": 1}}))
    configs = strategy.next_tune_cfg()
    tune_cfg = next(configs)
    for number in range(3):
        done = effect(tune_cfg)
        tune_cfg = configs.send(by_hand(strategy, adaptor, tune_cfg))
        result = strategy.result()
        assert result is not None
        assert result.trial.number == number
        assert result.model.effect == done


def test_a_failure_can_be_sent_by_hand(kind: Kind) -> None:
    strategy = make(kind, FakeAdaptor(), conf(max_trials=2))
    configs = strategy.next_tune_cfg()
    params = strategy.tuning_space.params(next(configs))
    second = configs.send(Trial(0, params, None, "the board melted", False, 0.0))
    assert effect(second) != DEFAULT
    assert strategy.best_trial() is None
    assert engine_of(strategy).failures[0].reason == "the board melted"
    with pytest.raises(StopIteration):
        configs.send(Trial(1, strategy.tuning_space.params(second), None, "again", False, 0.0))


@pytest.mark.parametrize("done", [0, 2])
def test_a_configuration_without_an_answer_comes_first_after_a_resume(
    kind: Kind, done: int
) -> None:
    adaptor = FakeAdaptor()
    strategy = make(kind, adaptor)
    configs = strategy.next_tune_cfg()
    tune_cfg = next(configs)
    for _ in range(done):
        tune_cfg = configs.send(by_hand(strategy, adaptor, tune_cfg))
    with suppress(StopIteration):  # of an order that is fixed, nothing else can come before it
        assert configs.send(None) != tune_cfg
    resumed = make(kind, adaptor, dicts=plain(strategy.dicts))
    assert next(resumed.next_tune_cfg()) == tune_cfg
    assert UNQUANTISED in adaptor.evaluated
    assert adaptor.evaluated.count(UNQUANTISED) == 1
