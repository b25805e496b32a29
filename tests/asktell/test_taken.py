"""Which points are taken, beside decoding all of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import every_kind, finite

import asktell as at
from asktell.asking.taken import taken_of

EXAMPLES = settings(deadline=None, max_examples=40)

COARSE = at.Space(
    at.Float("far", 1e15, 1e15 + 1.0),
    at.Float("log", 1e300, 1.0000000001e300, log=True),
    at.Int("wide", 0, 2**53 - 1),
)
"""Neighbouring values of which lie far apart on the axis, or nearer than positions tell."""

CONDITIONAL = at.Space(
    at.Categorical("b", ["u", "v"]),
    at.Int("n", 1, 3, when={"b": "u"}),
    at.Float("x", 0.0, 1.0, step=0.25, when={"b": "v"}),
)


@EXAMPLES
@given(
    space=st.sampled_from([every_kind(), finite(), COARSE, CONDITIONAL]),
    seed=st.integers(0, 2**32),
    n=st.integers(1, 30),
)
def test_they_are_those_that_decode_to_values_of_a_trial(
    space: at.Space, seed: int, n: int
) -> None:
    random = np.random.default_rng(seed)
    state = at.State.start(space)
    points = space.domain.sample(random.random((n, space.dim)))
    for values in space.decode(points):
        if not state.is_taken(values):
            state = at.observe(state, space.params(values), 0.0)
    others = space.domain.sample(random.random((50, space.dim)))
    nudged = np.clip(points + random.uniform(-1e-12, 1e-12, points.shape) * (points >= 0), -1, 1)
    asked = np.vstack([points, others, space.encode(space.decode(points)), nudged])

    expected = [state.is_taken(values) for values in space.decode(asked)]

    assert taken_of(state)(asked).tolist() == expected


def test_nothing_is_taken_at_the_start() -> None:
    state = at.State.start(every_kind())

    assert not taken_of(state)(np.full((3, state.space.dim), 0.5)).any()
