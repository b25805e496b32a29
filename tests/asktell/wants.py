"""What may be wanted of a study: several outcomes, constraints, what is known, what is noisy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen
from hypothesis import strategies as st
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


# --- at random ---

GOALS = st.sampled_from(["maximize", "minimize"])
FINITE = st.floats(-1e9, 1e9)
BOUNDS = st.one_of(
    FINITE.map(at.AtLeast),
    FINITE.map(at.AtMost),
    st.tuples(FINITE, st.floats(0.0, 1e9)).map(
        lambda pair: [at.AtMost(pair[0] + pair[1]), at.AtLeast(pair[0])]
    ),
)


@st.composite
def definitions(draw: st.DrawFn, most: int = 3) -> dict[str, Any]:
    """Draw objectives, with weights or without, and constraints on these and others."""
    names = draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=most, unique=True))
    weighted = draw(st.booleans())
    objectives: dict[str, Any] = {}
    for name in names:
        reference = draw(st.none() | FINITE)
        weight = draw(st.floats(0.1, 10.0)) if weighted else None
        kind = at.Maximize if draw(GOALS) == "maximize" else at.Minimize
        objectives[name] = kind(weight, reference)
    constraints = draw(st.dictionaries(st.sampled_from("abcde"), BOUNDS, max_size=3))
    return {"objectives": objectives, "constraints": constraints}
