"""The best beginnings that are known, and then the model."""

from __future__ import annotations

from attrs import evolve

from strategies.policies.engine import BAYESIAN
from strategies.policies.hawq import along
from strategies.policies.policy import Context
from strategies.policies.script import Steps

MOST_ALONG = 6
"""So many configurations of the frontier are tried: the search is near its end by then."""


def beginnings(context: Context) -> Steps[None]:
    """Try the default, the most exact, and the frontier of damage and cost."""
    yield from along(context, MOST_ALONG)


AUTO = evolve(BAYESIAN, name="auto", first=beginnings)
"""What is known to be good comes first; the model goes on from there."""
