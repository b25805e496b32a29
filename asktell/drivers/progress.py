"""A progress bar with the best so far."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Any

from asktell.drivers.evaluated import Evaluated


def wants_bar(progress: bool | None) -> bool:
    """Tell whether to show a bar: as asked, or by default on a terminal."""
    if progress is not None:
        return progress
    return sys.stderr.isatty() and find_spec("tqdm") is not None


class ProgressBar:
    """A callback that shows a bar on standard error; it needs the extra ``progress``."""

    def __init__(self, finished: int, n_trials: int) -> None:
        """Show the bar."""
        from tqdm import tqdm

        self._bar = tqdm(initial=finished, total=n_trials, unit="trial", file=sys.stderr)

    def __call__(self, evaluated: Evaluated) -> None:
        """Move the bar."""
        if evaluated.best is not None:
            self._bar.set_postfix_str(f"best {_shown(evaluated.best.target)}", refresh=False)
        self._bar.update(evaluated.finished - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._bar.close()


def _shown(target: Any) -> str:
    if isinstance(target, dict):
        return ", ".join(f"{name} {number:.6g}" for name, number in target.items())
    return f"{target:.6g}"
