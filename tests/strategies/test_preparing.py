"""``q_func`` and ``q_hooks``: when they are called, with what, and what comes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import BEST, CALIBRATION, UNQUANTISED, FakeAdaptor, FakeModel, conf, effects

import strategies.runner
from strategies import BayesianTuneStrategy, tune
from strategies.errors import ArgumentError, ResumeError
from strategies.preparing import HOOKS
from strategies.workspace import PREPARED, load_history


class Trained(FakeModel):
    """A model that was trained further: better by a hundredth."""


class TrainingAdaptor(FakeAdaptor):
    """Tells what was trained further from what was not."""

    def load(self, model: Any) -> FakeModel:
        if isinstance(model, str) and model.endswith(PREPARED):
            return Trained(UNQUANTISED)
        return model if isinstance(model, FakeModel) else FakeModel(UNQUANTISED)

    def quantize(self, model: FakeModel, tune_cfg: Any, dataloader: Any) -> FakeModel:
        return type(model)(super().quantize(model, tune_cfg, dataloader).effect)

    def accuracy(self, model: FakeModel) -> float:
        return super().accuracy(model) + 0.01 * isinstance(model, Trained)

    def digest(self, model: FakeModel) -> str:
        return type(model).__name__


def strategy_of(adaptor: FakeAdaptor, **arguments: Any) -> BayesianTuneStrategy:
    return BayesianTuneStrategy(
        "model", conf(), CALIBRATION, eval_func=adaptor.accuracy, adaptor=adaptor, **arguments
    )


def test_what_q_func_returns_is_quantised_and_compared_with_the_fp32_model() -> None:
    adaptor = TrainingAdaptor()
    called: list[FakeModel] = []

    def q_func(model: FakeModel) -> FakeModel:
        called.append(model)
        return Trained(model.effect)

    strategy = strategy_of(adaptor, q_func=q_func)
    assert len(called) == 1  # before anything is evaluated
    assert not adaptor.evaluated
    result = strategy.traverse()
    assert len(called) == 1
    assert strategy.baseline is not None
    assert strategy.baseline.accuracy == 0.9  # of the FP32 model as it was given
    assert isinstance(strategy.model, Trained)
    assert result is not None
    assert isinstance(result.model, Trained)
    # the trained model without quantisation is another one, so it is a configuration to try
    assert UNQUANTISED in effects(strategy)
    assert (strategy.dicts["model"], strategy.dicts["prepared"]) == ("FakeModel", "Trained")


def test_q_func_may_change_its_copy_in_place() -> None:
    seen: list[FakeModel] = []
    strategy = strategy_of(TrainingAdaptor(), q_func=seen.append)
    assert strategy.model is seen[0]
    assert strategy._original is not seen[0]
    strategy.traverse()
    assert UNQUANTISED not in effects(strategy)  # it is the same model, so it is known


def test_a_history_of_another_prepared_model_is_refused() -> None:
    first = strategy_of(TrainingAdaptor(), q_func=lambda model: Trained(model.effect))
    for trial in first.run():
        if trial.number == 3:
            break
    dicts = json.loads(json.dumps(first.dicts))
    resumed = strategy_of(
        TrainingAdaptor(), q_func=lambda model: Trained(model.effect), dicts=dicts
    )
    assert resumed.trials == first.trials
    with pytest.raises(ResumeError, match=r"^\$\.dicts\.prepared: .*no q_func"):
        strategy_of(TrainingAdaptor(), dicts=dicts)
    with pytest.raises(
        ResumeError, match=r"^\$\.dicts\.prepared: .*what q_func makes of the model"
    ):
        strategy_of(TrainingAdaptor(), q_func=lambda model: None, dicts=dicts)


def test_hooks_are_called_around_training_and_quantising() -> None:
    said: list[Any] = []
    adaptor = FakeAdaptor()

    def before(model: FakeModel, tune_cfg: Any) -> None:
        said.append(("before", model.effect))

    def after(model: FakeModel, tune_cfg: Any) -> FakeModel:
        said.append(("after", model.effect))
        return FakeModel(BEST)

    strategy = strategy_of(
        adaptor,
        q_func=lambda model: said.append("train"),
        q_hooks={
            "on_train_begin": lambda dataloader: said.append(dataloader),
            "on_train_end": lambda: said.append("trained"),
            "before_quantize": before,
            "after_quantize": after,
        },
    )
    assert said == [CALIBRATION, "train", "trained"]
    first = next(strategy.run())
    assert said[3:] == [("before", UNQUANTISED), ("after", effects(strategy)[0])]
    assert adaptor.evaluated == [UNQUANTISED, BEST]
    assert first.measurement is not None
    assert not strategy._context.known  # a hook may change the size


def test_a_hook_that_raises_makes_a_failed_trial() -> None:
    strategy = strategy_of(FakeAdaptor(), q_hooks={"after_quantize": fail_once_in_a_while})
    strategy.traverse()
    failures = {trial.failure for trial in strategy.trials}
    assert failures == {None, "ValueError: not this one"}


def fail_once_in_a_while(model: FakeModel, tune_cfg: Any) -> None:
    if model.effect == BEST:
        raise ValueError("not this one")


@pytest.mark.parametrize(
    ("arguments", "place", "expected"),
    [
        ({"q_func": 3}, "$.q_func", "a function that takes the FP32 model"),
        ({"q_hooks": abs}, "$.q_hooks", "a mapping"),
        ({"q_hooks": {"after": abs}}, "$.q_hooks.after", str(list(HOOKS))),
        ({"q_hooks": {"after_quantize": 1}}, "$.q_hooks.after_quantize", "a function"),
        ({"q_hooks": {"on_epoch_end": abs}}, "$.q_hooks.on_epoch_end", "of your own q_func"),
        ({"q_hooks": {"on_train_end": abs}}, "$.q_hooks.on_train_end", "without a q_func"),
    ],
)
def test_what_is_none_is_refused(arguments: dict[str, Any], place: str, expected: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        strategy_of(FakeAdaptor(), **arguments)
    assert caught.value.place == place
    assert expected in caught.value.expected


def test_tune_keeps_what_q_func_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adaptor = TrainingAdaptor()
    monkeypatch.setattr(strategies.runner, "adaptor_for", lambda conf: adaptor)
    called = []

    def q_func(model: FakeModel) -> FakeModel:
        called.append(model)
        return Trained(model.effect)

    for n in (2, 4):
        configuration = conf({"workspace": {"path": str(tmp_path)}}, max_trials=n)
        tune(
            "m",
            configuration,
            CALIBRATION,
            eval_func=adaptor.accuracy,
            q_func=q_func,
            report=False,
        )
    assert len(called) == 1
    assert (tmp_path / PREPARED).exists()
    assert len(load_history(tmp_path)["trials"]) == 4
