"""The policies alone: pure functions of the optimiser's state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen
from fakes import EFFECTS, FakeAdaptor, conf, effects, make
from hypothesis import given, settings
from hypothesis import strategies as st

import asktell as at
from asktell.asking.known import Known
from strategies import TuneStrategy
from strategies.policies import (
    AUTO,
    BASIC,
    BAYESIAN,
    CONSERVATIVE,
    EXHAUSTIVE,
    HAWQ,
    MSE,
    RANDOM,
    Context,
    Policy,
    Proposal,
    cautiously,
)
from strategies.workspace import STRATEGIES

SPACE = at.Space(at.Categorical("c", ["u", "v", "w"]), at.Ordinal("o", [1, 2, 5, 9]))
ORDER = [SPACE.params(SPACE.configuration(index)) for index in range(12)]
POLICIES: tuple[Policy, ...] = (
    *(BAYESIAN, AUTO, HAWQ, BASIC, MSE, CONSERVATIVE),
    *(RANDOM, EXHAUSTIVE),
)

CONTINUUM = at.Space(at.Float("x", 0.0, 1.0))
NOTHING = Context()

policies = pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)


def start(policy: Policy, seed: int = 3, space: at.Space = SPACE) -> at.State:
    return at.State.start(space, seed, "maximize", policy.settings)


def target(params: dict[str, Any]) -> float:
    return params["o"] * (1 + "uvw".index(params["c"]))


def asked(
    policy: Policy, steps: int, target: Callable[[dict[str, Any]], float] = target, seed: int = 3
) -> list[dict[str, Any]]:
    """Return what a policy proposes when each proposal is observed."""
    state, seen = start(policy, seed), []
    for _ in range(steps):
        proposal = policy.ask(state, NOTHING)
        if proposal is None:
            break
        state, params = proposal
        seen.append(params)
        state = at.observe(state, params, target(params))
    return seen


@policies
def test_asking_changes_nothing_and_gives_the_same_each_time(policy: Policy) -> None:
    state = at.observe(start(policy), ORDER[0], 1.0)
    state = at.observe(state, ORDER[5], 2.0)
    before = state.to_dict()
    first = policy.ask(state, NOTHING)
    assert first is not None
    assert state.to_dict() == before
    assert policy.ask(at.State.from_dict(before), NOTHING) == first


@policies
def test_every_configuration_is_proposed_once_and_then_none(policy: Policy) -> None:
    seen = asked(policy, 100)
    assert sorted(seen, key=ORDER.index) == ORDER


@policies
def test_what_failed_is_not_proposed(policy: Policy) -> None:
    state = start(policy)
    for params in ORDER[:-1]:
        state = at.fail(state, params, "broken")
    proposal = policy.ask(state, NOTHING)
    assert proposal is not None
    assert proposal[1] == ORDER[-1]
    assert policy.ask(at.fail(proposal[0], ORDER[-1], "broken"), NOTHING) is None


@pytest.mark.parametrize(("policy", "matter"), [(BAYESIAN, True), (RANDOM, False)])
def test_targets_matter_only_to_the_model(policy: Policy, matter: bool) -> None:
    upwards, downwards = asked(policy, 6), asked(policy, 6, lambda params: -target(params))
    assert (upwards != downwards) is matter


def test_the_seed_decides_what_is_random() -> None:
    assert asked(RANDOM, 5, seed=1) == asked(RANDOM, 5, seed=1) != asked(RANDOM, 5, seed=2)


def test_random_configurations_cover_the_space_evenly() -> None:
    space = at.Space(at.Categorical("c", ["u", "v"]), at.Int("n", 1, 1000))
    state, seen = start(RANDOM, space=space), []
    for _ in range(65):
        state, params = RANDOM.ask(state, NOTHING) or pytest.fail("none left")
        seen.append(params)
    after_the_centre = seen[1:]
    assert 24 <= sum(params["c"] == "u" for params in after_the_centre) <= 40
    quarters = [sum(250 * k < p["n"] <= 250 * (k + 1) for p in after_the_centre) for k in range(4)]
    assert min(quarters) >= 12


@settings(deadline=None)
@given(st.permutations(range(12)), st.integers(0, 12), st.data())
def test_exhaustion_goes_through_everything_whatever_was_told(
    order: list[int], known: int, data: st.DataObject
) -> None:
    state = start(EXHAUSTIVE)
    for index in order[:known]:
        if data.draw(st.booleans()):
            state = at.observe(state, ORDER[index], 1.0)
        else:
            state = at.fail(state, ORDER[index], "broken")
    rest = []
    while (proposal := EXHAUSTIVE.ask(state, NOTHING)) is not None:
        state, params = proposal
        rest.append(params)
        state = at.observe(state, params, 1.0)
    assert sorted(map(ORDER.index, rest)) == sorted(order[known:])


def test_exhaustion_is_in_the_order_of_the_space() -> None:
    assert asked(EXHAUSTIVE, 100) == ORDER
    state = at.observe(start(EXHAUSTIVE), ORDER[7], 1.0)  # as the FP32 model is known in a run
    for expected in (params for params in ORDER if params != ORDER[7]):
        state, params = EXHAUSTIVE.ask(state, NOTHING) or pytest.fail("none left")
        assert params == expected
        state = at.observe(state, expected, 1.0)


@policies
def test_what_is_pending_is_taken(policy: Policy) -> None:
    state, seen = start(policy), []
    while (proposal := policy.ask(state, NOTHING)) is not None:
        state, params = proposal
        seen.append(params)
        assert params in [one.params for one in state.pending]
    assert sorted(seen, key=ORDER.index) == ORDER


def test_a_continuum_cannot_be_exhausted() -> None:
    assert EXHAUSTIVE.ask(start(EXHAUSTIVE, space=CONTINUUM), NOTHING) is None


# ------------------------------------------------------------------------------------ caution

WHOLE = {"c": "w", "o": 9}


def size(params: Any) -> float:
    return 10.0 * params["o"]


def constrained(
    *told: tuple[dict[str, Any], float], settings: at.Settings = BAYESIAN.settings
) -> at.State:
    """Return a state that knows the accuracy of params, those of the FP32 model first."""
    state = at.State.start(
        SPACE,
        1,
        settings=settings,
        objectives={"modelsize": "minimize"},
        constraints={"accuracy": at.AtLeast(0.9)},
    )
    for params, accuracy in ((WHOLE, 1.0), *told):
        outcomes = {"modelsize": size(params), "accuracy": accuracy}
        state = at.observe(state, params, outcomes)
    return state


def test_small_savings_count_the_more_the_longer_nothing_holds_the_constraints() -> None:
    known: Known = {"modelsize": size}
    misses = [({"c": "u", "o": o}, 0.1) for o in (1, 2, 5)]
    for n in range(4):
        cautious = cautiously(constrained(*misses[:n]), known, WHOLE)["modelsize"]
        for o in (1, 2, 5, 9):
            saved = 1.0 - o / 9
            expected = 90.0 * (1.0 - saved ** (n + 1) ** -0.5)
            assert cautious({"c": "v", "o": o}) == pytest.approx(expected)
    assert cautious({"c": "v", "o": 18}) > 90.0  # what is larger than FP32 stays so


@pytest.mark.parametrize(
    ("state", "unquantised"),
    [
        (constrained(({"c": "u", "o": 1}, 0.95)), WHOLE),
        (constrained(({"c": "u", "o": 9}, 0.95)), WHOLE),
        (constrained(), None),
    ],
    ids=["smaller", "no smaller", "FP32 is no configuration"],
)
def test_once_a_model_holds_the_constraints_bytes_are_bytes(
    state: at.State, unquantised: Any
) -> None:
    known: Known = {"modelsize": size}
    assert cautiously(state, known, unquantised) is known


def test_caution_is_for_a_known_objective_that_is_minimised() -> None:
    known: Known = {"modelsize": size}
    for objectives in (
        {"modelsize": "maximize"},
        {"modelsize": "minimize", "performance": "minimize"},
    ):
        state = at.State.start(SPACE, objectives=objectives)
        assert cautiously(state, known, WHOLE) is known
    assert cautiously(start(BAYESIAN), {}, WHOLE) == {}


def test_what_is_known_leads_the_bayesian_policy_only() -> None:
    by_o = {1: 80.0, 2: 70.0, 5: 1.0, 9: 90.0}
    others: Known = {"modelsize": lambda params: by_o[params["o"]]}
    for policy, matters in ((BAYESIAN, True), (RANDOM, False)):
        state = constrained(({"c": "u", "o": 1}, 0.1), settings=policy.settings)
        one = policy.ask(state, Context(known={"modelsize": size}))
        other = policy.ask(state, Context(known=others))
        assert one is not None
        assert other is not None
        assert (one[1] != other[1]) is matters


# ------------------------------------------------------------------------------ in a strategy


@policies
def test_a_strategy_is_the_run_with_a_policy(policy: Policy) -> None:
    kind = STRATEGIES[policy.name]
    strategy = make(kind, FakeAdaptor())
    assert strategy.policy is policy
    assert strategy.dicts["strategy"] == policy.name
    assert [name for name in vars(kind) if not name.startswith("_")] == ["policy"]


@frozen
class Backwards:
    """The last configuration first; it looks at the engine's state only for what is told."""

    name: str
    settings: at.Settings
    by_exactness: bool = False

    def ask(self, state: at.State, context: Context) -> Proposal | None:
        told = [observation.params for observation in state.observations]
        for index in reversed(range(state.space.size or 0)):
            params = state.space.params(state.space.configuration(index))
            if params not in told:
                return state, params
        return None


class BackwardsTuneStrategy(TuneStrategy):
    policy = Backwards("backwards", at.Settings())


def test_a_policy_of_ones_own_makes_a_strategy() -> None:
    adaptor = FakeAdaptor()
    strategy = make(BackwardsTuneStrategy, adaptor)
    strategy.traverse()
    assert len(strategy.trials) == len(EFFECTS) - 1
    last = [("fp32", "channel", "minmax", 100), ("fp32", "channel", "minmax", 50)]
    assert effects(strategy)[:2] == last
    assert len(adaptor.evaluated) == len(set(adaptor.evaluated))
    stopped = make(BackwardsTuneStrategy, FakeAdaptor(), conf(max_trials=4))
    stopped.traverse()
    resumed = make(BackwardsTuneStrategy, FakeAdaptor(), dicts=stopped.dicts)
    resumed.traverse()
    assert effects(resumed) == effects(strategy)
