"""The best beginnings that are known, and then the model."""

from __future__ import annotations

import asktell as at
from strategies.policies.engine import EnginePolicy
from strategies.policies.hawq import along
from strategies.policies.policy import Context
from strategies.policies.script import Steps

MOST_ALONG = 6
"""So many configurations of the frontier are tried: the search is near its end by then."""


def beginnings(context: Context) -> Steps[None]:
    """Try the default, the most exact, and the frontier of damage and bytes."""
    yield from along(context, MOST_ALONG)


AUTO = EnginePolicy(
    "auto", at.Settings(n_initial=2), by_exactness=True, cautious=True, first=beginnings
)
"""What is known to be good comes first; the model goes on from there."""
