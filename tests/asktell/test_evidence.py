"""What a state knows, as arrays: distinct, in canonical order, every outcome maximised."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asktell as at
from asktell.asking.evidence import dataset_of, n_reports
from asktell.model.dataset import Dataset
from asktell.study.trials import mean

EXAMPLES = settings(deadline=None, max_examples=50)

SPACE = at.Space(at.Int("x", 0, 10), at.Categorical("c", ["a", "b", "c"]))

Told = list[tuple[int, str, float]]


def state_of(told: Told, goal: str = "maximize", **options: Any) -> at.State:
    state = at.State.start(SPACE, goal=goal, settings=at.Settings(**options))  # type: ignore[arg-type]
    for x, c, target in told:
        state = at.observe(state, {"x": x, "c": c}, target)
    return state


def data_of(told: Told, goal: str = "maximize", **options: Any) -> Dataset:
    return dataset_of(state_of(told, goal, **options))


TOLD: Told = [(7, "b", 0.5), (2, "c", -1.0), (7, "a", 0.25), (0, "a", 4.0)]


# --- points and targets ---


def test_points_are_in_canonical_order_with_their_targets() -> None:
    data = data_of(TOLD)

    assert data.points.tolist() == [[0.0, 0.0], [0.2, 1.0], [0.7, 0.0], [0.7, 0.5]]
    assert data.targets.tolist() == [[4.0], [-1.0], [0.25], [0.5]]
    assert np.isnan(data.deviations).tolist() == [[True]] * 4
    assert data.uses == ("objective",)
    assert data.bounds.tolist() == [[-math.inf, math.inf]]
    assert data.order.tolist() == [0, 3, 2, 1]
    assert data.counts.tolist() == [1.0] * 4
    assert data.failed.shape == data.pending.shape == (0, 2)


def test_targets_to_be_minimised_change_their_sign() -> None:
    assert data_of(TOLD, goal="minimize").targets.tolist() == [[-4.0], [1.0], [-0.25], [-0.5]]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[1:])
def test_order_of_arrival_does_not_matter(order: tuple[int, ...]) -> None:
    expected = data_of(TOLD)

    data = data_of([TOLD[i] for i in order])

    assert data.points.tolist() == expected.points.tolist()
    assert data.targets.tolist() == expected.targets.tolist()


# --- several outcomes ---

OBJECTIVES: Any = {"gain": "maximize", "cost": "minimize"}


def two_outcomes(**options: Any) -> at.State:
    return at.State.start(SPACE, objectives=OBJECTIVES, settings=at.Settings(**options))


def test_every_outcome_has_a_column_and_is_maximised() -> None:
    state = two_outcomes()
    for x, c, number in TOLD:
        state = at.observe(state, {"x": x, "c": c}, {"gain": number, "cost": 10.0 * number})

    data = dataset_of(state)

    assert data.targets.tolist() == [[4.0, -40.0], [-1.0, 10.0], [0.25, -2.5], [0.5, -5.0]]
    assert data.uses == ("one of several", "one of several")


def test_replicates_of_every_outcome_are_averaged() -> None:
    state = two_outcomes(replicates=True)
    for gain, cost in [(1.0, 8.0), (2.0, 4.0)]:
        state = at.observe(state, {"x": 5, "c": "b"}, {"cost": cost, "gain": gain})
    state = at.observe(state, {"x": 0, "c": "a"}, {"cost": 0.5, "gain": -1.0})

    data = dataset_of(state)

    assert data.points.tolist() == [[0.0, 0.0], [0.5, 0.5]]
    assert data.targets.tolist() == [[-1.0, -0.5], [1.5, -6.0]]
    assert data.counts.tolist() == [1.0, 2.0]


# --- constraints ---


def constrained(told: Told, **constraints: Any) -> at.State:
    state = at.State.start(SPACE, goal="minimize", constraints=constraints)
    for x, c, number in told:
        state = at.observe(state, {"x": x, "c": c}, {"target": number, "size": 10.0 * number})
    return state


def test_bounds_of_what_is_minimised_change_their_sign_and_sides() -> None:
    state = constrained(
        [(7, "b", 0.5)], target=at.AtMost(2.0), size=[at.AtLeast(1.0), at.AtMost(6.0)]
    )

    data = dataset_of(state)

    assert data.bounds.tolist() == [[-2.0, math.inf], [1.0, 6.0]]
    assert data.uses == ("objective", "bound")
    assert data.targets.tolist() == [[-0.5, 5.0]]


def test_what_needs_no_model_is_given() -> None:
    state = constrained(TOLD, size=at.AtMost(6.0))

    assert dataset_of(state, ["size"]).uses == ("objective", "given")
    assert dataset_of(state, ["size", "target"]).uses == ("given", "given")
    assert dataset_of(state, ["size"]).targets.tolist() == dataset_of(state).targets.tolist()


def test_what_holds_the_constraints_comes_first_and_then_what_breaks_them_least() -> None:
    told = [(x, "a", float(number)) for x, number in enumerate([3.0, 1.0, 4.0, 2.0, 0.0])]

    data = dataset_of(constrained(told, size=[at.AtLeast(5.0), at.AtMost(25.0)]))

    # 1 and 2 hold the constraints, 3 and 0 miss them by 5, and 4 misses them by 15
    assert data.feasible.tolist() == [False, True, False, True, False]
    assert data.order.tolist() == [1, 3, 4, 0, 2]


def test_violations_count_in_units_of_their_spread() -> None:
    state = at.State.start(SPACE, constraints={"a": at.AtLeast(0.0), "b": at.AtMost(0.0)})
    rows = [(-1.0, 0.0), (0.0, 500.0), (-0.9, 1000.0), (-0.4, 0.0)]
    for x, (a, b) in enumerate(rows):
        state = at.observe(state, {"x": x, "c": "a"}, {"target": 1.0, "a": a, "b": b})

    # violations in units of 1 and 1000
    assert dataset_of(state).order.tolist() == [3, 1, 0, 2]


@pytest.mark.parametrize("bound", [-1e300, 1e300])
def test_bounds_and_targets_may_be_huge(bound: float) -> None:
    told = [(x, "a", number) for x, number in enumerate([1e299, -1e299, 0.0, 3.0])]
    state = constrained(told, size=at.AtLeast(bound), target=at.AtMost(-bound))

    assert sorted(dataset_of(state).order.tolist()) == [0, 1, 2, 3]


# --- fronts ---


def fronted(rows: list[tuple[float, float]]) -> list[int]:
    """Return the order of points with these gains and costs."""
    state = two_outcomes()
    for x, (gain, cost) in enumerate(rows):
        state = at.observe(state, {"x": x, "c": "a"}, {"gain": gain, "cost": cost})
    return [int(row) for row in dataset_of(state).order]


def test_fronts_come_one_after_the_other() -> None:
    order = fronted([(1.0, 1.0), (0.0, 2.0), (2.0, 2.0), (1.0, 3.0), (0.0, 0.0), (0.0, 9.0)])

    assert set(order[:3]) == {0, 2, 4}
    assert set(order[3:5]) == {1, 3}
    assert order[5] == 5


def test_fronts_do_not_depend_on_the_units() -> None:
    random = np.random.default_rng(0)
    rows = random.standard_normal((11, 2))

    assert fronted((rows * [1e-7, 1e9]).tolist()) == fronted(rows.tolist())


def test_within_a_front_the_order_is_that_of_the_sums() -> None:
    assert fronted([(0.0, 0.0), (10.0, 8.0), (6.0, 3.0), (5.0, 1.0)]) == [3, 2, 0, 1]


# --- deviations ---


def test_deviations_are_kept_where_they_are_known() -> None:
    state = constrained(TOLD[:2], size=at.AtMost(6.0))
    state = at.observe(state, {"x": 3, "c": "a"}, {"target": 1.0, "size": 2.0}, {"size": 0.5})
    state = at.observe(
        state, {"x": 4, "c": "a"}, {"target": 1.0, "size": 2.0}, {"size": 0.0, "target": 2}
    )

    deviations = dataset_of(state).deviations

    expected = [[math.nan] * 2, [math.nan, 0.5], [2.0, 0.0], [math.nan] * 2]
    assert deviations == pytest.approx(np.array(expected), nan_ok=True)


def test_deviation_of_a_mean_is_known_where_those_of_all_its_parts_are() -> None:
    state = at.State.start(SPACE, settings=at.Settings(replicates=True))
    for x, deviations in enumerate([(1.0, 2.0, 2.0), (0.5, None)]):
        for target, std in enumerate(deviations):
            state = at.observe(state, {"x": x, "c": "a"}, float(target), std)

    data = dataset_of(state)

    assert data.counts.tolist() == [3.0, 2.0]
    assert data.deviations == pytest.approx(np.array([[1.0], [math.nan]]), nan_ok=True)
    assert at.best_observed(state).std == pytest.approx(1.0)


@EXAMPLES
@given(st.permutations([0.1, 0.2, 0.3, 1e-9, 7.0]))
def test_order_of_deviations_does_not_change_a_bit(deviations: list[float]) -> None:
    state = at.State.start(SPACE, settings=at.Settings(replicates=True))
    for std in deviations:
        state = at.observe(state, {"x": 1, "c": "a"}, 1.0, std)

    expected = math.sqrt(sum(std**2 for std in (0.1, 0.2, 0.3, 1e-9, 7.0))) / 5.0
    assert dataset_of(state).deviations[0, 0] == at.best_observed(state).std
    assert at.best_observed(state).std == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize("huge", [1e300, 1e-300])
def test_deviations_may_be_huge_or_tiny(huge: float) -> None:
    state = at.State.start(SPACE, settings=at.Settings(replicates=True))
    for share in (0.25, 0.5, 0.75, 1.0):
        state = at.observe(state, {"x": 1, "c": "a"}, share * huge, huge)

    assert dataset_of(state).deviations[0, 0] == pytest.approx(huge / 2.0)


# --- replicates ---

REPLICATED: Told = [(7, "b", 0.1), (2, "c", -1.0), (7, "b", 0.3), (0, "a", 4.0), (7, "b", 0.7)]


def test_replicates_count_and_their_targets_are_averaged() -> None:
    data = data_of(REPLICATED, replicates=True)

    assert data.points.tolist() == [[0.0, 0.0], [0.2, 1.0], [0.7, 0.5]]
    assert data.counts.tolist() == [1.0, 1.0, 3.0]
    assert data.targets[:, 0] == pytest.approx([4.0, -1.0, 1.1 / 3.0])


def test_replicates_to_be_minimised_change_their_sign() -> None:
    data = data_of(REPLICATED, goal="minimize", replicates=True)

    assert data.targets[:, 0] == pytest.approx([-4.0, 1.0, -1.1 / 3.0])


@EXAMPLES
@given(st.permutations(REPLICATED))
def test_order_of_replicates_does_not_change_a_bit(told: Told) -> None:
    expected = data_of(REPLICATED, replicates=True)

    data = data_of(told, replicates=True)

    assert data.targets.tolist() == expected.targets.tolist()
    assert data.counts.tolist() == expected.counts.tolist()


@EXAMPLES
@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=9))
def test_mean_is_exact_but_for_the_last_digits(targets: list[float]) -> None:
    exact = sum(map(Fraction, targets)) / len(targets)
    largest = max(map(abs, targets))

    assert abs(Fraction(mean(tuple(targets))) - exact) <= (
        Fraction(largest) * Fraction(2) ** -52 + Fraction(2) ** -1070
    )


@EXAMPLES
@given(targets=st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6), data=st.data())
def test_mean_does_not_depend_on_order(targets: list[float], data: st.DataObject) -> None:
    assert mean(tuple(data.draw(st.permutations(targets)))) == mean(tuple(targets))


def test_mean_of_huge_targets_does_not_overflow() -> None:
    assert mean((1.7e308, 1.6e308, 1.5e308)) == pytest.approx(1.6e308)


def test_mean_of_one_target_is_itself() -> None:
    assert mean((0.1,)) == 0.1


# --- failures and pending suggestions ---


def test_failures_are_points_without_repeats_in_canonical_order() -> None:
    state = state_of(TOLD)
    for x, c in ((9, "a"), (3, "b"), (3, "a")):
        state = at.fail(state, {"x": x, "c": c}, "no")

    assert dataset_of(state).failed.tolist() == [[0.3, 0.0], [0.3, 0.5], [0.9, 0.0]]


def test_failure_of_params_that_were_also_observed_does_not_count() -> None:
    state = state_of(TOLD, replicates=True)
    state = at.fail(state, {"x": 7, "c": "b"}, "this time")
    state = at.fail(state, {"x": 8, "c": "b"}, "always")

    assert dataset_of(state).failed.tolist() == [[0.8, 0.5]]


def test_pending_suggestions_are_points_in_canonical_order() -> None:
    state, suggestions = at.suggest(state_of([(1, "a", 0.0)]), 4)

    pending = dataset_of(state).pending

    values = [suggestion.configuration.values for suggestion in suggestions]
    expected = SPACE.encode(values).tolist()
    assert pending.tolist() == sorted(expected)
    assert pending.tolist() != expected


def test_params_to_be_offered_again_are_pending_and_have_not_failed() -> None:
    state, (suggestion,) = at.suggest(state_of(TOLD, retries=1), 1)
    state = at.fail(state, suggestion.id, "this time")

    data = dataset_of(state)

    assert data.pending.tolist() == SPACE.encode([suggestion.configuration.values]).tolist()
    assert data.failed.shape == (0, 2)


def test_what_is_forgotten_is_not_known() -> None:
    state = at.forget(state_of(TOLD), {"x": 7, "c": "b"})

    data = dataset_of(state)

    assert data.points.tolist() == [[0.0, 0.0], [0.2, 1.0], [0.7, 0.0]]
    assert data.failed.shape == data.pending.shape == (0, 2)


def test_reports_that_count_are_counted() -> None:
    state, (suggestion,) = at.suggest(state_of(REPLICATED, replicates=True, retries=1), 1)
    state = at.fail(state, suggestion.id, "this time, which is retried")
    state = at.fail(state, {"x": 1, "c": "c"}, "for good")

    assert n_reports(state) == 6


# --- not too much ---


def many(n: int) -> Told:
    """Return n observations of distinct params, whose targets are 0 ... n - 1 in no order."""
    targets = np.random.default_rng(0).permutation(n).tolist()
    params = list(itertools.product(range(11), "abc"))
    return [(x, c, float(target)) for (x, c), target in zip(params, targets, strict=False)]


def test_what_is_kept_stays_in_canonical_order_with_its_counts() -> None:
    told = [*many(20), (0, "a", 100.0)]
    data = data_of(told, replicates=True).thinned(5)

    assert data.points.tolist() == np.unique(data.points, axis=0).tolist()
    assert data.counts.tolist() == [2.0, 1.0, 1.0, 1.0, 1.0]
    for point, (target,) in zip(data.points, data.targets, strict=True):
        same = [t for x, c, t in told if SPACE.encode([(x, c)])[0].tolist() == point.tolist()]
        assert target == pytest.approx(sum(same) / len(same))


def test_selection_of_the_others_is_spread_over_the_space() -> None:
    data = data_of([(x, "a", -float(x)) for x in range(11)]).thinned(6)

    # the better half is 0, 1, 2; of 3 ... 10 come the first, one in the middle and the last
    assert (10.0 * data.points[:, 0]).round().tolist() == [0, 1, 2, 3, 6, 10]


def test_failures_are_limited_too() -> None:
    state = state_of([(0, "a", 1.0)])
    for x in range(1, 6):
        state = at.fail(state, {"x": x, "c": "a"})

    assert dataset_of(state).thinned(2).failed.tolist() == [[0.1, 0.0], [0.5, 0.0]]


def test_order_of_arrival_does_not_change_what_is_kept() -> None:
    told = many(30)
    order = np.random.default_rng(1).permutation(30)

    first = data_of(told).thinned(10)
    second = data_of([told[i] for i in order]).thinned(10)

    assert first.points.tolist() == second.points.tolist()
    assert first.targets.tolist() == second.targets.tolist()
    assert np.isfinite(first.targets).all()


@pytest.mark.parametrize("n_modelled", [20, 6])
def test_model_sees_no_more_than_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, n_modelled: int
) -> None:
    seen: list[int] = []

    def watched(axes: Any, data: Dataset, *rest: Any) -> Any:
        seen.append(len(data.points))
        return real(axes, data, *rest)

    from asktell.asking import know, propose

    real = propose.posterior_of
    state = state_of(many(15), n_modelled=n_modelled)
    for module in (propose, know):
        monkeypatch.setattr(module, "posterior_of", watched)

    at.suggest(state)
    at.posterior(state, [{"x": 1, "c": "b"}])

    assert seen == [min(15, n_modelled)] * 2
