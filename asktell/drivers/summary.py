"""What a run came to."""

from __future__ import annotations

from shlex import quote

from attrs import frozen

from asktell.asking import know
from asktell.drivers.lines import LONGEST_REASON, standing_and_whose
from asktell.state import State
from asktell.study.views import Observation
from asktell.text import duration, shortened

_MOST_ROWS = 5


@frozen
class Summary:
    """What a run came to.

    ``str`` says it in a few lines: the answer, how it was come by, and how to go on.

    Attributes:
        state: all that is known, from earlier runs as well.
        seconds: how long this run took, on the driver's clock.
        n_trials: how many trials it was to reach.
        path: the file that it is saved in, if there is one.
    """

    state: State
    seconds: float
    n_trials: int
    path: str | None = None

    @property
    def best(self) -> Observation:
        """Return the best observation, as ``engine.best()`` does.

        Raises:
            NothingObservedError: no evaluation has succeeded.
            SeveralObjectivesError: there are several objectives, and they have no weights.
        """
        return know.best(self.state)

    @property
    def front(self) -> list[Observation]:
        """Return the front, as ``engine.pareto()`` does; it is empty where there is none."""
        return know.pareto(self.state)

    @property
    def n_observed(self) -> int:
        """Return how many trials have a result."""
        return self.state.n_observed

    @property
    def n_failed(self) -> int:
        """Return how many trials failed."""
        return self.state.n_over - self.state.n_observed

    @property
    def n_pending(self) -> int:
        """Return how many suggestions wait for a result."""
        return len(self.state.out)

    @property
    def line(self) -> str:
        """Return one line: how far the study is, how good what was found is, and where it is."""
        counts = f"{self.state.n_over} of {self.n_trials} trials in {duration(self.seconds)}"
        saved = f"saved in {self.path}" if self.path else ""
        return "; ".join(filter(None, [counts, standing_and_whose(self.state), saved]))

    def _repr_html_(self) -> str:
        from asktell.card import card_of  # for notebooks alone

        return card_of(self, self.line)

    def __str__(self) -> str:
        return "\n".join([*self._answer(), self._counts(), *self._failed(), self._saved()])

    def _answer(self) -> list[str]:
        if not self.n_observed:
            return ["nothing was observed"]
        if self.state.problem.has_scale:
            best = self.best
            broken = "" if best.feasible else " (nothing holds all constraints yet; it is nearest)"
            expected = "" if best.expected is None else f", expected {best.expected}"
            return [f"best: {best.target}{expected}{broken}", f"  {best.params}"]
        front = self.front
        if not front:
            return ["front: empty, as nothing holds all constraints yet"]
        rows = [f"  {one.target}: {one.params}" for one in front[:_MOST_ROWS]]
        more = len(front) - len(rows)
        return [f"front: {len(front)} of {self.n_observed} observed", *rows] + (
            [f"  and {more} more"] if more else []
        )

    def _counts(self) -> str:
        counts = f"{self.state.n_over} of {self.n_trials} trials in {duration(self.seconds)}: "
        counts += f"{self.n_observed} observed, {self.n_failed} failed"
        return counts + (f", {self.n_pending} pending" if self.n_pending else "")

    def _failed(self) -> list[str]:
        failures = self.state.failures if self.n_failed else []
        if not failures:
            return []
        reason = shortened(failures[-1].reason, LONGEST_REASON) or "no reason given"
        again = "engine.retry_failed()"
        again += f", or asktell retry {quote(self.path)} --failed" if self.path else ""
        return [f"last failure: {reason}", f"to try what failed again: {again}"]

    def _saved(self) -> str:
        if self.path is None:
            return "in no file: engine.to_dict() has all of it"
        return f"saved in {self.path}; to look at it: asktell show {quote(self.path)}"
