from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from looked_at import all_failed, bounded, branched, one_trial, plain, several, small, told

import asktell as at
from asktell import insight
from asktell.errors import DefinitionError, NothingObservedError, ParamsError
from asktell.insight import surrogate
from asktell.model import gp as process


def test_slices_go_through_the_best_along_every_parameter() -> None:
    engine = told()
    found = insight.slices(engine, n=20)
    best = engine.best()
    assert [one.axis.name for one in found] == list(engine.space.names)
    for one, size in zip(found, (20, 20, 20, 12, 19, 4, 3, 2), strict=True):
        assert len(one.grid) == len(one.mean) == len(one.deviation) == size
        assert len(one.tried) == len(one.values) == 27
        assert len(one.failed) == 3
        assert one.outcome == "target"
    assert found[0].through == best.params["x"]
    assert found[1].grid[[0, -1]] == pytest.approx([1e-5, 1.0])
    assert found[6].axis.labels[int(found[6].through)] == str(best.params["kernel"])
    along = np.argmin(np.abs(found[3].grid - best.params["depth"]))
    for one in found[4:]:  # all slices meet in the best
        place = np.argmin(np.abs(one.grid - one.through))
        if one.grid[place] == one.through:
            assert one.mean[place] == pytest.approx(found[3].mean[along])


def test_a_slice_shows_the_function_and_its_direction() -> None:
    for goal in ("minimize", "maximize"):
        x, y, z = insight.slices(plain(goal=goal), around={"x": 0.5, "y": 0.5, "z": 0.5}, n=11)
        assert x.mean == pytest.approx(4.0 * x.grid + 0.5, abs=0.15)
        assert y.mean == pytest.approx(2.0 + y.grid, abs=0.15)
        assert np.ptp(z.mean) < 0.15
        assert (x.deviation > 0.0).all()
        assert x.through == 0.5


def test_where_nothing_weighs_several_objectives_a_slice_goes_through_the_best_in_one() -> None:
    engine = several()
    feasible = [one for one in engine.observations if one.feasible]
    best = max(feasible, key=lambda one: float(one.target["accuracy"]))
    assert insight.slices(engine, "accuracy")[0].through == best.params["x"]
    least = min(feasible, key=lambda one: float(one.target["size"]))
    assert insight.slices(engine)[0].through == least.params["x"]


def test_dependence_averages_over_all_other_parameters() -> None:
    engine = plain()
    x = insight.dependence(engine, "x", n=9)
    assert x.mean == pytest.approx(4.0 * x.grid + 0.5, abs=0.1)
    y = insight.dependence(engine, "y", n=9)
    assert y.mean == pytest.approx(2.0 + y.grid, abs=0.1)
    assert len(x.tried) == 25
    assert len(x.failed) == 0
    assert ((x.deviation > 0.0) & (x.deviation < 0.1)).all()


def test_a_contour_is_over_two_parameters_in_this_order() -> None:
    engine = plain()
    both = insight.contour(engine, "y", "x", n=6)
    assert both.mean.shape == (6, 6)
    assert both.mean[0] == pytest.approx(both.first_grid, abs=0.15)
    assert both.mean[:, 0] == pytest.approx(4.0 * both.second_grid, abs=0.15)
    assert both.deviation.shape == (6, 6)
    assert both.tried[0].tolist() == [
        engine.observations[0].params["y"],
        engine.observations[0].params["x"],
    ]
    mixed = insight.contour(told(), "kernel", "lr", n=5)
    assert mixed.mean.shape == (5, 3)
    assert mixed.failed.shape == (3, 2)


def test_what_was_fitted_is_used_again_and_gives_the_same() -> None:
    engine = told()
    known = insight.fitted(engine)
    assert insight.fitted(known) is known
    for one, other in zip(insight.slices(engine, n=5), insight.slices(known, n=5), strict=True):
        assert np.array_equal(one.mean, other.mean)
    fresh, used = insight.dependence(engine, "lr", n=5), insight.dependence(known, "lr", n=5)
    assert np.array_equal(fresh.mean, used.mean)
    assert insight.fitted(small()).models == ()


def test_looking_changes_nothing() -> None:
    engine, same = told(), told()
    insight.importance(insight.fitted(engine))
    assert engine.to_dict() == same.to_dict()
    assert engine.suggest() == same.suggest()


def test_what_was_told_is_seen_as_it_is_but_for_what_is_far_off() -> None:
    engine = plain()
    engine.observe({"x": 1.0, "y": 1.0, "z": 1.0}, 1e12)
    found = insight.slices(engine, around={"x": 0.5, "y": 0.5, "z": 0.5}, n=5)
    assert found[0].values.max() == 1e12
    assert found[0].mean[:-1] == pytest.approx(4.0 * found[0].grid[:-1] + 0.5, abs=1.0)


def test_known_noise_is_believed() -> None:
    def study(std: float) -> at.Engine:
        engine = at.Engine(at.Space(at.Float("x", 0.0, 1.0)))
        for x in np.linspace(0.0, 1.0, 9).tolist():
            engine.observe({"x": x}, x + (0.5 if x == 0.5 else 0.0), std=std if x == 0.5 else 0.01)
        return engine

    trusting, doubting = (insight.slices(study(std))[0] for std in (0.01, 2.0))
    middle = np.argmin(np.abs(trusting.grid - 0.5))
    assert trusting.mean[middle] == pytest.approx(1.0, abs=0.15)
    assert doubting.mean[middle] < trusting.mean[middle] - 0.2


def test_one_trial_is_enough() -> None:
    x, n = insight.slices(one_trial())
    assert x.mean == pytest.approx(0.5)
    assert n.grid.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize("study", [small(), all_failed()])
def test_without_an_observation_nothing_is_known(study: at.Engine) -> None:
    for call in (
        lambda: insight.slices(study),
        lambda: insight.dependence(study, "x"),
        lambda: insight.contour(insight.fitted(study), "x", "n"),
        lambda: insight.importance(study),
        lambda: insight.left_out(study),
    ):
        with pytest.raises(NothingObservedError, match="the model knows nothing yet"):
            call()


def test_bad_arguments_are_refused() -> None:
    study = told()
    with pytest.raises(DefinitionError, match=r"\$.outcome: got 'loss', expected one of"):
        insight.slices(study, "loss")
    with pytest.raises(DefinitionError, match=r"\$.n: got 1, expected an integer >= 2"):
        insight.dependence(study, "x", n=1)
    with pytest.raises(DefinitionError, match=r"\$.second: got 'rate'"):
        insight.contour(study, "x", "rate")
    with pytest.raises(DefinitionError, match=r"\$.second: got 'x', expected another parameter"):
        insight.contour(study, "x", "x")
    with pytest.raises(ParamsError, match=r"\$.x: got nothing"):
        insight.slices(study, around={"lr": 0.1})


def test_where_a_kernel_cannot_be_factorised_more_noise_is_assumed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    floors: list[float] = []

    def condition(*arguments: Any) -> Any:
        floors.append(arguments[1][0].noise)
        if len(floors) < at_most:
            raise np.linalg.LinAlgError
        return process.condition(*arguments)

    at_most = 3
    monkeypatch.setattr(surrogate, "condition", condition)
    assert np.isfinite(insight.slices(plain())[0].mean).all()
    assert floors[0] < floors[2]
    assert floors[2] >= 1e-2
    at_most = 9
    with pytest.raises(NothingObservedError, match="its kernel matrix is singular"):
        insight.slices(plain())


def test_equal_points_of_many_scales_make_a_model_all_the_same() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0.0, 1.0)))
    for place in range(40):
        engine.observe({"x": 0.5 + place * 1e-15}, float(place % 2))
    assert np.isfinite(insight.slices(engine)[0].mean).all()


# --- conditions and constraints ---


def test_slices_are_of_what_is_active_and_have_gaps_where_nothing_is() -> None:
    engine = branched()
    best = engine.best().params
    found = {one.axis.name: one for one in insight.slices(engine, n=9)}
    assert list(found) == list(best)
    assert all(np.isfinite(one.mean).all() for one in found.values())
    for name, one in found.items():
        active = [o for o in engine.observations if name in o.params]
        assert len(one.tried) == len(one.values) == len(one.feasible) == len(active)
        assert not np.isnan(one.tried).any()
    svm = {"model": "svm", "C": 1.0, "kernel": "rbf", "bias": False}
    assert [one.axis.name for one in insight.slices(engine, around=svm)] == list(svm)
    x1, x2 = insight.slices(bounded(), around=CENTRE, n=11)[2:4]
    assert x1.grid[np.isfinite(x1.mean)].max() == pytest.approx(0.7)
    assert np.array_equal(np.isnan(x1.mean), np.isnan(x1.deviation))
    assert 0.25 in x2.grid  # where the configuration itself lies
    assert x1.mean[x1.grid == 0.35] == pytest.approx(x2.mean[x2.grid == 0.25])


CENTRE = {
    "model": "mlp",
    "bias": True,
    "x1": 0.35,
    "x2": 0.25,
    "low": 2,
    "high": 3,
    "a": 0.25,
    "b": 0.25,
    "c": 0.5,
}


def test_a_dependence_is_over_the_params_in_which_it_is_active() -> None:
    engine = branched()
    # of a score that is known: for forests 0.8 - 0.2 |log(trees / 200)|, and 0.15 for the bias
    trees = insight.dependence(engine, "trees", n=9)
    expected = 0.95 - 0.2 * np.abs(np.log(trees.grid / 200.0))
    assert trees.mean == pytest.approx(expected, abs=0.2)
    assert len(trees.tried) == sum("trees" in one.params for one in engine.observations)
    failed = insight.dependence(engine, "layers").failed
    assert failed.tolist() == [4.0] * len(engine.failures)
    x1 = insight.dependence(bounded(), "x1", n=5)
    assert np.isfinite(x1.mean[:-1]).all()
    assert (np.diff(x1.mean[:-1]) > 0.2).all()


def test_a_contour_is_empty_where_there_is_nothing() -> None:
    found = insight.contour(branched(), "model", "C", n=4)
    assert np.isfinite(found.mean[:, 0]).all()
    assert np.isnan(found.mean[:, 1:]).all()
    assert np.isnan(found.deviation[:, 1:]).all()
    assert not np.isnan(found.tried).any()
    assert np.isnan(found.best).any()  # it is no svm
    found = insight.contour(bounded(), "low", "high", n=10)
    assert np.array_equal(np.isfinite(found.mean), np.triu(np.ones((10, 10))).T == 1.0)
