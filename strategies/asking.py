"""Ask and tell: what is pending comes first, then what the policy proposes.

Any number of configurations may be out at once. They are pending in the optimiser's state when the
policy is asked for another and when an outcome has been told: so it knows of them, and a run that
is resumed hands them out first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import asktell as at
from strategies.findings import Findings
from strategies.policies import Context, Policy
from strategies.trial import Trial
from strategies.tuning_space import Meaning, TuningSpace


class Asking:
    """What one run hands out: no configuration twice, and none whose outcome is known.

    Args:
        findings: what is known so far.
        policy: what decides.
        space: what is tuned.
        context: returns what is known without an evaluation; called when it is first needed.
    """

    def __init__(
        self, findings: Findings, policy: Policy, space: TuningSpace, context: Callable[[], Context]
    ) -> None:
        """Begin with nothing handed out."""
        self._findings = findings
        self._policy = policy
        self._space = space
        self._context = context
        self._given: dict[Meaning, dict[str, Any]] = {}
        """What was handed out and not told since."""

    def ask(self) -> dict[str, Any] | None:
        """Return the params to try next; None where there are none until another outcome is told.

        What is proposed but known is told to the optimiser on the way.
        """
        while True:
            params = self._waiting() or self._proposed()
            if params is None:
                return None
            meaning = self._space.canonical(params)
            if self._findings.knows(meaning):
                self._findings.repeat(params)
            elif meaning not in self._given:  # else it waits for the outcome of the one that is out
                self._given[meaning] = params
                return params

    def tell(self, params: Mapping[str, Any], trial: Trial) -> None:
        """Add what came of params."""
        self._findings.add(params, trial)
        self._given.pop(self._space.canonical(params), None)
        self._note_what_is_out()

    def _waiting(self) -> dict[str, Any] | None:
        """Return pending params that were not handed out, or whose outcome is known meanwhile."""
        for suggestion in self._findings.engine.pending:
            meaning = self._space.canonical(suggestion.params)
            if meaning not in self._given or self._findings.knows(meaning):
                return suggestion.params
        return None

    def _proposed(self) -> dict[str, Any] | None:
        """Return what the policy proposes."""
        findings = self._findings
        self._note_what_is_out()
        proposal = self._policy.ask(findings.engine, self._context())
        if proposal is None:
            return None
        engine, params = proposal
        if engine is findings.engine and self._is_given(params):
            return None  # the same again: nothing else is left until it is answered
        findings.advance(engine)
        return params

    def _note_what_is_out(self) -> None:
        """Make pending what is out and does not stand in the optimiser's state yet."""
        engine = self._findings.engine
        for meaning, params in self._given.items():
            is_known = self._findings.knows(meaning)
            if not is_known and not engine.is_taken(engine.space.check(params)):
                engine, _ = at.suggest(at.enqueue(engine, params))
        self._findings.advance(engine)

    def _is_given(self, params: dict[str, Any]) -> bool:
        return self._space.canonical(params) in self._given
