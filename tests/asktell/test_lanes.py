from __future__ import annotations

import math

import numpy as np
from looked_at import small, told

import asktell as at
from asktell import insight


def test_a_timeline_says_what_became_of_every_suggestion() -> None:
    engine = at.Engine(small().space, settings=at.Settings(expiries=0, retries=1))
    first, second, third, _ = engine.suggest_batch(4, now=0.0, lease=100.0)
    engine.observe(first, 1.0, now=10.0)
    engine.fail(second, "no", now=20.0)
    engine.forget(first, now=30.0)
    engine.observe(third, 1.0, now=40.0)
    engine.expire(100.0)
    (again,) = engine.suggest_batch(1, now=110.0)
    engine.observe({"x": 0.9, "n": 1}, 0.5)
    known = insight.timeline(engine)
    assert known.ids.tolist() == [0, 1, 2, 3, again.id]
    assert known.fates == ("forgotten", "failed", "observed", "lost", "out")
    assert known.starts.tolist() == [0.0, 0.0, 0.0, 0.0, 110.0]
    assert known.ends.tolist() == [10.0, 20.0, 40.0, 100.0, 110.0]
    assert known.leases[:4].tolist() == [100.0] * 4
    assert math.isnan(known.leases[4])
    assert known.trials.tolist() == [0, 1, 2, 3, 1]
    assert known.now == 110.0
    assert known.unknown == 0


def test_a_corrected_suggestion_ended_when_it_was_first_answered() -> None:
    engine = small()
    one, two = engine.suggest_batch(2, now=0.0)
    engine.observe(one, 1.0, now=10.0)
    engine.amend(one, math.nan, now=500.0)
    engine.fail(two, "no", now=20.0)
    engine.amend(two, 2.0, now=600.0)
    known = insight.timeline(engine)
    assert known.fates == ("failed", "observed")
    assert known.ends.tolist() == [10.0, 20.0]


def test_what_was_lost_may_still_be_answered() -> None:
    engine = at.Engine(small().space, settings=at.Settings(expiries=0))
    one = engine.suggest(now=0.0, lease=10.0)
    engine.expire(11.0)
    assert insight.timeline(engine).fates == ("lost",)
    engine.observe(one, 1.0, now=30.0)
    known = insight.timeline(engine)
    assert (known.fates, known.ends.tolist()) == (("observed",), [30.0])


def test_an_outcome_without_a_moment_leaves_its_suggestion_out() -> None:
    engine = small()
    one, two = engine.suggest_batch(2, now=0.0)
    engine.observe(one, 1.0)
    engine.observe(two, 2.0, now=3.0)
    known = insight.timeline(engine)
    assert (known.ids.tolist(), known.unknown) == ([1], 1)


def test_an_expired_suggestion_ends_when_that_was_noticed() -> None:
    engine = small()
    suggestion = engine.suggest(now=0.0, lease=10.0)
    engine.expire(15.0)
    known = insight.timeline(engine)
    assert (known.fates, known.ends.tolist()) == (("expired",), [15.0])
    engine.observe(suggestion, 1.0, now=20.0)  # late, but welcome
    known = insight.timeline(engine)
    assert (known.fates, known.ends.tolist()) == (("observed",), [20.0])


def test_a_suggestion_that_another_settled_ends_with_it() -> None:
    engine = at.Engine(at.Space(at.Int("n", 1, 3)))
    first = engine.suggest(now=0.0, lease=5.0)
    engine.expire(6.0)
    again = engine.suggest(now=7.0)
    assert again.params == first.params
    engine.observe(first, 1.0, now=9.0)
    known = insight.timeline(engine)
    assert known.fates == ("observed", "observed")
    assert known.ends.tolist() == [9.0, 9.0]


def test_no_two_on_a_lane_overlap_and_lanes_are_as_few_as_can_be() -> None:
    engine = at.Engine(at.Space(at.Float("x", 0.0, 1.0)))
    random = np.random.default_rng(0)
    out, now = [], 0.0
    most = 0
    for _ in range(40):
        now += float(random.uniform(0.0, 3.0))
        if out and random.random() < 0.5:
            engine.fail(out.pop(int(random.integers(len(out)))), "no", now=now)
        else:
            x = engine.suggest(now=now)
            out.append(x)
        most = max(most, len(out))
    known = insight.timeline(engine)
    assert known.lanes.max() + 1 == most
    for lane in range(most):
        rows = known.lanes == lane
        assert (known.starts[rows][1:] >= known.ends[rows][:-1]).all()


def test_without_moments_a_timeline_is_empty() -> None:
    engine = small()
    engine.suggest()
    known = insight.timeline(engine)
    assert (len(known.ids), known.unknown, math.isnan(known.now)) == (0, 1, True)
    assert insight.timeline(told()).lanes.shape == (0,)
