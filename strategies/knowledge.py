"""What is known of every option of every operation before the first trial.

It is measured once, is plain data, and is kept with the run: see ``history``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

import asktell as at
from strategies.adaptors.base import FP32, OpKey, Sensitivity
from strategies.conf import Objective
from strategies.errors import ResumeError
from strategies.objective import LATENCY, SIZE
from strategies.timing import Choice, Times
from strategies.tuning_space import TuningSpace

Params = Mapping[str, Any]


@frozen
class Effect:
    """What one option of one operation does, if all others stay as they are.

    Attributes:
        option: its label.
        error: the squared change of the operation's own output beside its square; 0 for FP32.
        damage: the squared change of the model's outputs beside their square; 0 for FP32.
        size: by how many bytes the model becomes larger than in FP32; negative where it is saved.
        time: by how much the model becomes slower than with this operation in FP32, as a share of
            the FP32 model's time; negative where it becomes faster, 0 where it was not measured.
    """

    option: str
    error: float
    damage: float
    size: float
    time: float = 0.0


@frozen
class Operation:
    """What is known of an operation.

    Attributes:
        name: as the space has it.
        type: its operator.
        multiplications: of one sample; 0 where nothing was measured.
        effects: of its options, the default first.
    """

    name: str
    type: str
    multiplications: int
    effects: list[Effect]

    def effect(self, option: Any) -> Effect:
        """Return what an option does."""
        return next(effect for effect in self.effects if effect.option == option)

    @property
    def unquantised(self) -> str | None:
        """Return the option that leaves it as it is; None if it must be quantised."""
        return next((one.option for one in self.effects if one.option == UNQUANTISED), None)


@frozen
class Knowledge:
    """What is known of all operations, in the order of the model.

    Attributes:
        measured: whether errors and damages are measured. Else they are guessed by the order of the
            options, from the most exact on.
        operations: each with its effects.
        fastest: the params of the fastest configuration that was timed; None where none was.
        byte_price: what a byte adds to the cost of a configuration.
        time_price: what the FP32 model's time adds to it.
    """

    measured: bool
    operations: list[Operation]
    fastest: dict[str, Any] | None = None
    byte_price: float = 1.0
    time_price: float = 0.0

    def damage(self, params: Params) -> float:
        """Return the sum of the damages of a configuration."""
        return sum(one.effect(params[one.name]).damage for one in self.operations)

    def size(self, params: Params) -> float:
        """Return about how many bytes larger than in FP32 the model is."""
        return sum(one.effect(params[one.name]).size for one in self.operations)

    def cost(self, effect: Effect) -> float:
        """Return what an option costs of what is to be saved: bytes, time or both."""
        return self.byte_price * effect.size + self.time_price * effect.time

    def trend(self, *, higher_is_better: bool) -> at.Trend:
        """Return how the accuracy is expected to go: against the sum of damages."""
        sign = -1.0 if higher_is_better else 1.0
        return self._trend(lambda effect: sign * effect.damage)

    def trend_of_time(self) -> at.Trend:
        """Return how the latency is expected to go."""
        return self._trend(lambda effect: effect.time)

    def _trend(self, of: Callable[[Effect], float]) -> at.Trend:
        table = {one.name: {e.option: of(e) for e in one.effects} for one in self.operations}
        return at.Trend(table)


UNQUANTISED = "fp32"
"""The label of the option that leaves an operation as it is."""


def knowledge_of(
    space: TuningSpace,
    sensitivities: Mapping[OpKey, Sensitivity] | None,
    size_of: Callable[[Params], float],
    times: Times | None = None,
    objectives: Sequence[Objective] = (),
) -> Knowledge:
    """Return what is known of the operations of a space.

    Args:
        space: what is tuned.
        sensitivities: of the options in the space's order; None where they cannot be measured.
        size_of: the bytes of a configuration.
        times: how long options take; None where that was not measured.
        objectives: what is to be saved; bytes, where there is nothing of that.
    """
    base = space.unquantised() or space.default()
    whole = size_of(base)
    operations = []
    names = space.space.names[: len(space.operations)]
    for name, (key, options) in zip(names, space.operations.items(), strict=True):
        measured = (sensitivities or {}).get(key) or _guessed(space, key)
        added = dict.fromkeys(options, 0.0) if times is None else times.added[name]
        effects = [
            Effect(
                label,
                error,
                damage,
                size_of({**base, name: label}) - whole,
                added[label] - added.get(UNQUANTISED, 0.0),
            )
            for label, error, damage in zip(options, measured.errors, measured.damages, strict=True)
        ]
        operations.append(Operation(name, key[1], measured.multiplications, effects))
    fastest = None if times is None else dict(times.fastest)
    prices = _prices(objectives, whole) if times is not None else (1.0, 0.0)
    return Knowledge(sensitivities is not None, operations, fastest, *prices)


def _prices(objectives: Sequence[Objective], whole: float) -> tuple[float, float]:
    """Return what a byte and the FP32 model's time cost, as the objectives weigh them."""
    weights = {one.name: one.weight for one in objectives}
    if not weights.get(LATENCY):
        return 1.0, 0.0
    return weights.get(SIZE, 0.0) / max(whole, 1.0), weights[LATENCY]


def choices_of(space: TuningSpace) -> list[Choice]:
    """Return the operations of a space as those who time them see them."""
    names = space.space.names[: len(space.operations)]
    return [
        Choice(
            name,
            key[1],
            {label: " ".join(one["activation"].values()) for label, one in options.items()},
            UNQUANTISED if UNQUANTISED in options else None,
        )
        for name, (key, options) in zip(names, space.operations.items(), strict=True)
    ]


def checked(knowledge: Knowledge | None, space: TuningSpace) -> Knowledge | None:
    """Return what was known in an earlier run, if it is of this space.

    Raises:
        ResumeError: a ``ValueError``; operations or options are not those of the space, or a
            number cannot be.
    """
    if knowledge is None:
        return None
    place = "$.dicts.knowledge.operations"
    names = [one.name for one in knowledge.operations]
    expected = [*space.space.names[: len(space.operations)]]
    if names != expected:
        raise ResumeError(place, names, f"{expected}, the operations of this model")
    for number, (one, options) in enumerate(
        zip(knowledge.operations, space.operations.values(), strict=True)
    ):
        labels = [effect.option for effect in one.effects]
        if labels != [*options]:
            raise ResumeError(f"{place}[{number}].effects", labels, f"the options {[*options]}")
        for effect in one.effects:
            if effect.error < 0.0 or effect.damage < 0.0:
                raise ResumeError(f"{place}[{number}].effects", effect, "numbers >= 0")
    try:
        return evolve(knowledge, fastest=_canonical(space, knowledge.fastest))
    except at.errors.ParamsError as error:
        raise ResumeError("$.dicts.knowledge.fastest", error.got, error.expected) from None


def _canonical(space: TuningSpace, params: Params | None) -> dict[str, Any] | None:
    return None if params is None else space.space.params(space.space.check(params))


def _guessed(space: TuningSpace, key: OpKey) -> Sensitivity:
    """Return errors in the order of the options, doubling from each to the next."""
    options = space.operations[key]
    order = [label for label in space.orders.get(key, options) if options[label] != FP32]
    sizes = {label: math.ldexp(1.0, place - len(order)) for place, label in enumerate(order)}
    errors = tuple(sizes.get(label, 0.0) for label in options)
    return Sensitivity(0, errors, errors)
