"""A progress bar with the best so far, or the front."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from asktell.asking.know import best_or_none, hypervolume, pareto
from asktell.drivers.evaluated import Evaluated
from asktell.engine import Engine
from asktell.state import State

_NOTHING = "nothing feasible yet"


def wants_bar(progress: bool | None) -> bool:
    """Tell whether to show a bar: as asked, or by default on a terminal."""
    if progress is not None:
        return progress
    return sys.stderr.isatty() and find_spec("tqdm") is not None


class ProgressBar:
    """A callback that shows a bar on standard error; it needs the extra ``progress``."""

    def __init__(self, engine: Engine, n_trials: int) -> None:
        """Show the bar."""
        from tqdm import tqdm

        self._engine = engine
        finished = engine.state.n_over
        self._bar = tqdm(initial=finished, total=n_trials, unit="trial", file=sys.stderr)

    def __call__(self, evaluated: Evaluated) -> None:
        """Move the bar."""
        self._bar.set_postfix_str(standing(self._engine.state), refresh=False)
        self._bar.update(evaluated.finished - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


def standing(state: State) -> str:
    """Return in a few words how good what was found is.

    A hypervolume is only shown where all objectives have a reference: it could shrink otherwise, as
    the inferred reference moves with the front.
    """
    problem = state.problem
    if not state.n_observed:
        return ""
    if problem.has_scale:
        best = best_or_none(state)
        return f"best {_shown(best.target)}" if best and best.feasible else _NOTHING
    front = len(pareto(state))
    if not front:
        return _NOTHING
    if any(problem.outcomes[i].reference is None for i in problem.objectives):
        return f"front {front}"
    return f"front {front}, hypervolume {hypervolume(state):.6g}"


def _shown(target: Any) -> str:
    if isinstance(target, dict):
        return ", ".join(f"{name} {number:.6g}" for name, number in target.items())
    return f"{target:.6g}"
