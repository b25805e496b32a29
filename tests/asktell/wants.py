"""What may be wanted of a study: several outcomes, constraints, what is known, what is noisy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen
from spaces import finite, score

import asktell as at


@frozen
class Want:
    """Outcomes of a study, and how they are measured.

    Args:
        options: of an engine.
        evaluate: returns the target of params; ``value`` is a number that depends on them.
        known: the outcomes that are known without an evaluation.
        noisy: those whose standard deviation is told of every other trial.
    """

    options: dict[str, Any]
    evaluate: Callable[[dict[str, Any], float], Any]
    known: dict[str, Callable[[Any], float]] = field(factory=dict)
    noisy: tuple[str, ...] = ()

    def std(self, number: int) -> dict[str, float] | None:
        """Return the deviations that are told of a trial."""
        return dict.fromkeys(self.noisy, 0.01 * number) if number % 2 else None

    def tell(self, engine: at.Engine, suggestion: at.Suggestion) -> None:
        """Evaluate a suggestion and tell the engine."""
        params = suggestion.params
        engine.observe(suggestion, self.evaluate(params, value_of(params)), self.std(suggestion.id))


def value_of(params: dict[str, Any]) -> float:
    """Return a number that depends on all params of ``every_kind`` or ``finite``."""
    if "lr" in params:
        return score(params)
    place = finite().configuration
    return next(float((7 * i) % 72) for i in range(72) if finite().params(place(i)) == params) / 9


def size_of(params: Any) -> float:
    """Return an outcome that can be worked out."""
    return float(params["depth"] + params["bits"] if "depth" in params else params["a"])


WANTS: dict[str, Want] = {
    "one": Want({}, lambda params, value: value, noisy=("target",)),
    "constrained": Want(
        {"goal": "minimize", "constraints": {"size": [at.AtLeast(2.0), at.AtMost(9.0)]}},
        lambda params, value: {"target": -value, "size": size_of(params) + 0.1 * value},
        noisy=("size",),
    ),
    "two objectives": Want(
        {"objectives": {"value": "maximize", "size": at.Minimize(reference=30.0)}},
        lambda params, value: {"value": value, "size": size_of(params)},
        noisy=("value", "size"),
    ),
    "three objectives and a constraint": Want(
        {
            "objectives": {
                "value": at.Maximize(weight=1.0),
                "size": at.Minimize(weight=0.5),
                "square": at.Minimize(weight=0.1),
            },
            "constraints": {"value": at.AtLeast(-9.0), "square": at.AtMost(50.0)},
        },
        lambda params, value: {"value": value, "size": size_of(params), "square": value**2},
    ),
    "four objectives": Want(
        {"objectives": dict.fromkeys("abcd", "maximize")},
        lambda params, value: {"a": value, "b": -(value**2), "c": -size_of(params), "d": value % 2},
    ),
    "known": Want(
        {"objectives": {"size": "minimize"}, "constraints": {"value": at.AtLeast(0.0)}},
        lambda params, value: {"size": size_of(params), "value": value},
        known={"size": size_of},
        noisy=("value",),
    ),
    "a known constraint": Want(
        {"constraints": {"size": at.AtMost(8.0)}},
        lambda params, value: {"target": value, "size": size_of(params)},
        known={"size": size_of},
    ),
    "all known": Want(
        {"objectives": {"size": "minimize"}},
        lambda params, value: {"size": size_of(params)},
        known={"size": size_of},
    ),
    "a binary constraint": Want(
        {"constraints": {"works": at.AtLeast(0.5)}},
        lambda params, value: {"target": value, "works": float(size_of(params) < 8.0)},
    ),
    "nothing feasible": Want(
        {"constraints": {"size": at.AtMost(-1.0)}},
        lambda params, value: {"target": value, "size": size_of(params)},
    ),
}
