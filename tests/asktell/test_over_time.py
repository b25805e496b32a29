from __future__ import annotations

import numpy as np
import pytest
from looked_at import all_failed, several, small, told

import asktell as at
from asktell import insight


def test_progress_has_every_finished_trial_in_order_of_arrival() -> None:
    engine = small()
    first, second, third = engine.suggest_batch(3, now=1.0)
    engine.observe(third, 0.5, now=2.0)
    engine.fail(first, "no", now=3.0)
    engine.observe({"x": 0.9, "n": 5}, 0.75)
    known = insight.progress(engine)
    assert known.trials.tolist() == [2, 0, 3]
    assert known.values[:, 0] == pytest.approx([0.5, np.nan, 0.75], nan_ok=True)
    assert known.failed.tolist() == [False, True, False]
    assert known.feasible.tolist() == [True, False, True]
    assert known.origins == ("initial", "initial", None)
    assert known.best.tolist() == [0.5, 0.5, 0.75]
    assert known.moments == pytest.approx([2.0, 3.0, np.nan], nan_ok=True)
    assert known.hypervolumes is None
    assert second.id == 1


def test_the_best_so_far_is_in_the_unit_that_was_told() -> None:
    engine = at.Engine(
        at.Space(at.Float("x", 0.0, 1.0)),
        objectives={"loss": "minimize"},
        constraints={"size": at.AtMost(1.0)},
    )
    for x, loss, size in ((0.1, 1.0, 2.0), (0.2, 5.0, 1.0), (0.3, 3.0, 0.5), (0.4, 4.0, 0.1)):
        engine.observe({"x": x}, {"loss": loss, "size": size})
    known = insight.progress(engine)
    assert known.best == pytest.approx([np.nan, 5.0, 3.0, 3.0], nan_ok=True)
    assert known.feasible.tolist() == [False, True, True, True]
    assert known.best[-1] == engine.best().target["loss"]


def test_weights_make_a_best_of_several_objectives() -> None:
    assert np.isnan(insight.progress(several()).best).all()
    engine = several(weight=2.0)
    best = engine.best().target
    known = insight.progress(engine)
    assert known.best[-1] == pytest.approx(2.0 * best["accuracy"] - 2.0 * best["size"])


@pytest.mark.parametrize("k", [2, 3])
def test_hypervolumes_are_those_of_the_engine(k: int) -> None:
    engine = several(k=k)
    known = insight.progress(engine)
    assert known.hypervolumes is not None
    assert known.hypervolumes[~known.failed] == pytest.approx(engine.hypervolumes(), rel=1e-12)
    assert (np.diff(known.hypervolumes) >= 0.0).all()


def test_without_results_there_are_arrays_all_the_same() -> None:
    assert insight.progress(small()).values.shape == (0, 1)
    assert insight.progress(all_failed()).best.shape == (4,)
    engine = at.Engine(small().space, objectives={"a": "minimize", "b": "minimize"})
    engine.fail({"x": 0.1, "n": 1}, "no")
    volumes = insight.progress(engine).hypervolumes
    assert volumes is not None
    assert volumes.tolist() == [0.0]


def test_replicates_count_with_their_mean() -> None:
    engine = at.Engine(small().space, settings=at.Settings(replicates=True))
    for target in (1.0, 2.0):
        engine.observe({"x": 0.1, "n": 1}, target)
    assert insight.progress(engine).values.tolist() == [[1.5]]


def test_columns_are_scaled_to_their_axes() -> None:
    engine = told()
    rows = insight.parallel(engine)
    assert rows.n_parameters == 8
    assert [axis.name for axis in rows.axes] == [*engine.space.names, "target"]
    assert rows.shares.shape == rows.values.shape == (30, 9)
    assert rows.failed.sum() == 3
    assert np.isnan(rows.values[rows.failed, 8]).all()
    seen = rows.shares[~rows.failed]
    assert ((seen >= 0.0) & (seen <= 1.0)).all()
    best = engine.best()
    place = int(np.nanargmax(rows.values[:, 8]))
    assert rows.shares[place, 8] == 1.0
    assert rows.values[place, 0] == best.params["x"]
    assert rows.axes[6].labels[int(rows.values[place, 6])] == str(best.params["kernel"])


@pytest.mark.parametrize("k", [2, 3])
def test_a_front_is_that_of_the_engine(k: int) -> None:
    engine = several(k=k)
    found = insight.front(engine)
    assert found.goals == ("minimize", "maximize", "minimize")[:k]
    on_front = [one.numbers for one in engine.pareto()]
    assert sorted(map(tuple, found.values[found.on_front].tolist())) == sorted(on_front)
    assert found.feasible[found.on_front].all()
    front = np.array(on_front)
    assert found.reference[0] >= front[:, 0].max()
    assert found.reference[1] <= front[:, 1].min()
    assert len(found.trials) == len(engine.observations)


def test_with_nothing_observed_a_front_is_empty() -> None:
    found = insight.front(all_failed())
    assert found.values.shape == (0, 1)
    assert np.isnan(found.reference).all()
