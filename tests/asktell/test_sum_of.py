"""Known outcomes that are sums of parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from spaces import QUICK, every_kind, finite, tree

import asktell as at
from asktell import errors

PARTS: dict[Any, Any] = {
    "a": lambda params: 2.0 * params["a"],
    ("b", "d"): lambda params: float(len(params["b"])) * params["d"],
    "e": lambda params: params["e"],
}


def total(params: dict[str, Any]) -> float:
    return 1.0 + 2.0 * params["a"] + len(params["b"]) * params["d"] + params["e"]


def test_it_is_the_sum_of_its_parts_on_params_and_on_points() -> None:
    space, known = finite(), at.SumOf(PARTS, constant=1.0)
    rows = [space.configuration(index) for index in range(72)]
    params = [space.params(row) for row in rows]

    assert [known(one) for one in params] == [total(one) for one in params]
    assert known.on(space)(space.encode(rows)) == pytest.approx([total(one) for one in params])


def test_what_has_no_list_of_values_and_what_is_not_active_go_along() -> None:
    for space in (every_kind(), tree()):
        points = space.sample(np.random.default_rng(2).random((60, space.dim)))
        names = [name for name in space.names if name not in ("kernel", "model")]
        parts = {name: lambda params: float(sum(params.values(), 0.0)) for name in names}
        known = at.SumOf({**parts, tuple(names[:2]): lambda params: 10.0 * len(params)})

        sums = known.on(space)(points)

        expected = [known(space.params(values)) for values in space.decode(points)]
        assert sums == pytest.approx(expected)


def test_suggestions_are_those_of_the_function_and_parts_are_asked_once() -> None:
    asked: list[Any] = []

    def part(params: dict[str, Any]) -> float:
        asked.append(tuple(params.items()))
        return float(sum(params.values()))

    space = at.Space(*[at.Int(f"n{i}", 0, 9) for i in range(4)])
    engine = at.Engine(
        space, seed=3, goal="maximize", settings=QUICK, constraints={"cost": at.AtMost(12.0)}
    )
    for seed in range(6):
        params = dict(
            zip(space.names, np.random.default_rng(seed).integers(0, 10, 4).tolist(), strict=True)
        )
        engine.observe(
            params, {"target": math.sqrt(params["n0"]), "cost": float(sum(params.values()))}
        )

    plain = at.suggest(engine.state, 3, known={"cost": lambda params: float(sum(params.values()))})
    summed = at.suggest(engine.state, known={"cost": at.SumOf(dict.fromkeys(space.names, part))})

    assert summed[1] == plain[1][:1]
    assert len(asked) == len(set(asked)) <= 40


WRONG: dict[str, tuple[tuple[Any, ...], str]] = {
    "no mapping": ((list(PARTS),), "$.parts"),
    "nothing": (({},), "$.parts"),
    "no function": (({"a": 3.0},), "$.parts.a"),
    "no name": (({7: PARTS["a"]},), "$.parts.7"),
    "an empty tuple": (({(): PARTS["a"]},), "$.parts.()"),
    "no constant": ((PARTS, math.nan), "$.constant"),
}


@pytest.mark.parametrize(("arguments", "place"), WRONG.values(), ids=WRONG)
def test_a_wrong_definition_is_refused_by_its_place(arguments: Any, place: str) -> None:
    with pytest.raises(errors.DefinitionError) as caught:
        at.SumOf(*arguments)

    assert caught.value.place == place


@pytest.mark.parametrize("part", [lambda params: math.nan, lambda params: "3"])
def test_parts_that_do_not_fit_are_refused_by_their_place(part: Any) -> None:
    engine = at.Engine(finite(), settings=QUICK)
    for suggestion in engine.suggest_batch(5):
        engine.observe(suggestion, 1.0)

    for known, place in ((at.SumOf({"a": part}), "a"), (at.SumOf({("a", "x"): part}), "a, x")):
        with pytest.raises(errors.DefinitionError) as caught:
            engine.suggest(known={"target": known})
        assert caught.value.place == f"$.known.target.parts.{place}"


def test_a_sum_may_go_through_a_function() -> None:
    space = at.Space(at.Ordinal("a", [1, 2, 3]), at.Bool("b"))
    plain = at.SumOf({"a": lambda p: p["a"], "b": lambda p: 10.0 * p["b"]}, 0.5)
    squared = at.SumOf(dict(plain.parts), 0.5, lambda total: total**2)
    points = space.snap(space.sample(np.random.default_rng(0).random((20, 2))))
    expected = [plain(space.params(values)) ** 2 for values in space.decode(points)]
    assert squared.on(space)(points) == pytest.approx(expected)
    assert squared({"a": 2, "b": True}) == 12.5**2
    with pytest.raises(errors.DefinitionError, match=r"\$\.through"):
        at.SumOf({"a": lambda p: 1.0}, through=3)  # type: ignore[arg-type]


def test_no_sum_is_below_the_least() -> None:
    space = at.Space(
        at.Categorical("kind", ["a", "b", "c"]),
        at.Int("width", 1, 9),
        at.Ordinal("depth", [1, 2, 4], when={"kind": ["a", "b"]}),
        at.Float("x", 0.0, 1.0),
    )
    cost = {"a": 3.0, "b": 5.0, "c": 4.0}
    parts: dict[Any, Any] = {
        "kind": lambda params: cost[params["kind"]],
        ("width", "depth"): lambda params: params["width"] * params.get("depth", 0.5),
    }
    known = at.SumOf(parts, 10.0)
    assert known.least(space) == 10.0 + 3.0 + 0.5
    points = space.domain.sample(np.random.default_rng(0).random((200, space.dim)))
    assert (known.on(space)(points) >= known.least(space)).all()
    assert at.SumOf(parts, 10.0, through=abs).least(space) == -np.inf
    assert at.SumOf({**parts, "x": lambda params: params["x"]}).least(space) == -np.inf
