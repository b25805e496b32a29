"""What pictures say of a study without results, and in which order they show its parameters."""

from __future__ import annotations

import numpy as np

from asktell.errors import NothingObservedError
from asktell.insight import importance
from asktell.insight.subject import Study, state_of
from asktell.space.axes import Indices


def why_nothing(study: Study) -> str:
    """Return a sentence on a study of which nothing can be shown."""
    state = state_of(study)
    failures = state.failures
    if not failures:
        waiting = len(state.out)
        return (
            f"Nothing is observed yet; {waiting} pending."
            if waiting
            else "Nothing is observed yet."
        )
    reason = " ".join(failures[-1].reason.split())
    last = f" The last reason: {reason[:120]}" if reason else ""
    return f"Nothing is observed yet: all of {len(failures)} trials failed.{last}"


def in_order(study: Study, outcome: str | None) -> Indices:
    """Return the parameters of a study, the most important first, as far as the model knows."""
    try:
        return importance(study, outcome).order
    except NothingObservedError:
        return np.arange(state_of(study).space.dim)
