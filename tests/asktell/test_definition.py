"""Resuming with another definition: what differs is told, with what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from evaluations import parabola
from spaces import QUICK

import asktell as at
from asktell import errors
from asktell.drivers import optimize, resume, save_state
from asktell.errors import NOTHING


def parameters(**changed: Any) -> dict[str, Any]:
    made = {
        "x": at.Float("x", 0.0, 1.0),
        "n": at.Int("n", 1, 20),
        "kernel": at.Categorical("kernel", ["rbf", "poly"]),
    }
    return {name: one for name, one in {**made, **changed}.items() if one is not None}


def engine(*, space: at.Space | None = None, seed: int = 3, **options: Any) -> at.Engine:
    options = {"objectives": {"loss": "minimize"}, "settings": QUICK, **options}
    return at.Engine(space or at.Space(*parameters().values()), seed, **options)


def space(**changed: Any) -> at.Space:
    return at.Space(*parameters(**changed).values())


def test_the_same_definition_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    assert resume(path, expect=engine()) is None
    first = engine()
    first.observe({"x": 0.5, "n": 3, "kernel": "rbf"}, 1.0)
    save_state(path, first.to_dict())
    resumed = resume(path, expect=engine())
    assert resumed is not None
    assert resumed.state == first.state


@pytest.mark.parametrize(
    ("changed", "differences"),
    [
        ({"seed": 4}, [("$.seed", 3, 4)]),
        (
            {"settings": evolve(QUICK, n_candidates=32)},
            [("$.settings.n_candidates", QUICK.n_candidates, 32)],
        ),
        (
            {"space": space(x=at.Float("x", 0.0, 2.0, step=0.1))},
            [
                ("$.space.parameters.x.high", 1.0, 2.0),
                ("$.space.parameters.x.step", None, 0.1),
            ],
        ),
        (
            {"space": space(kernel=at.Categorical("kernel", ["rbf", "cosine"]))},
            [("$.space.parameters.kernel.choices", ["rbf", "poly"], ["rbf", "cosine"])],
        ),
        (
            {"space": at.Space(*reversed(parameters().values()))},
            [("$.space.parameters (their order)", ["x", "n", "kernel"], ["kernel", "n", "x"])],
        ),
        (
            {"objectives": {"loss": "maximize"}},
            [("$.outcomes.loss.goal", "minimize", "maximize")],
        ),
    ],
    ids=["seed", "settings", "bounds", "choices", "order", "goal"],
)
def test_what_differs_is_told(
    tmp_path: Path, changed: dict[str, Any], differences: list[tuple[str, Any, Any]]
) -> None:
    path = tmp_path / "study.json"
    save_state(path, engine().to_dict())
    with pytest.raises(errors.ChangedDefinitionError) as caught:
        resume(path, expect=engine(**changed))
    assert isinstance(caught.value, ValueError)
    assert list(caught.value.differences) == differences
    for place, there, here in differences:
        assert f"{place}: {there!r} in the file, {here!r} here" in str(caught.value)
    assert resume(path) is not None


def test_what_the_file_or_the_program_lacks_is_told(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    save_state(path, engine().to_dict())
    other = engine(
        space=space(n=None, depth=at.Int("depth", 1, 3)),
        constraints={"heat": at.AtMost(3.0)},
    )
    with pytest.raises(errors.ChangedDefinitionError) as caught:
        resume(path, expect=other)
    found = {place: (there, here) for place, there, here in caught.value.differences}
    assert found["$.space.parameters.n"][1] is NOTHING
    assert found["$.space.parameters.depth"][0] is NOTHING
    assert found["$.outcomes.heat"][0] is NOTHING
    assert "$.outcomes.heat: nothing in the file, {'name': 'heat'" in str(caught.value)


def test_many_differences_are_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    save_state(path, at.Engine(at.Space(*(at.Bool(f"a{i}") for i in range(9)))).to_dict())
    with pytest.raises(errors.ChangedDefinitionError, match="and 10 more"):
        resume(path, expect=at.Engine(at.Space(*(at.Bool(f"b{i}") for i in range(9)))))


def test_what_to_do_depends_on_what_is_recorded(tmp_path: Path) -> None:
    path = tmp_path / "study.json"
    first = at.Engine(at.Space(at.Int("n", 1, 9)), settings=QUICK)
    first.suggest()
    save_state(path, first.to_dict())
    other = at.Engine(at.Space(at.Int("n", 1, 8)), settings=QUICK)
    with pytest.raises(errors.ChangedDefinitionError, match="Nothing is recorded in it yet"):
        resume(path, expect=other)
    optimize(first, parabola, 2, checkpoint=path)
    with pytest.raises(errors.ChangedDefinitionError, match="To go on with its 2 trials"):
        resume(path, expect=other)
