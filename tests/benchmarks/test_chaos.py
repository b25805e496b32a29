"""The farm at its worst, for a short while; ``chaos.py`` is the whole of it."""

from __future__ import annotations

import chaos


def test_a_farm_at_its_worst_loses_nothing_and_depends_on_its_seed_alone() -> None:
    state, farm = chaos.run(seed=5, n_evaluations=20, n_kills=3)
    assert farm.scheduler.restarts == 3
    assert all(farm.fates[fate] > 0 for fate in ("killed", "twice", "late", "never"))
    undisturbed, _ = chaos.run(seed=5, n_evaluations=20, n_kills=0)
    assert undisturbed == state
