"""Ask and tell: what is pending comes first, then what the policy proposes.

Any number of configurations may be out at once. They are pending in the optimiser's state when the
policy is asked for another and when an outcome has been told: so it knows of them, and a run that
is resumed hands them out first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import asktell as at
from asktell.space.space import Values
from strategies.findings import Findings
from strategies.policies import Context, Policy
from strategies.trial import Trial


class Asking:
    """What one run hands out: no configuration twice, and none whose outcome is known.

    Args:
        findings: what is known so far.
        policy: what decides.
        context: returns what is known without an evaluation; called when it is first needed.
    """

    def __init__(self, findings: Findings, policy: Policy, context: Callable[[], Context]) -> None:
        """Begin with nothing handed out."""
        self._findings = findings
        self._policy = policy
        self._context = context
        self._given: dict[Values, dict[str, Any]] = {}
        """What was handed out and not told since."""

    def ask(self) -> dict[str, Any] | None:
        """Return the params to try next; None where there are none before another outcome."""
        params = self._waiting() or self._proposed()
        if params is not None:
            self._given[self._values(params)] = params
        return params

    def tell(self, params: Mapping[str, Any], trial: Trial) -> None:
        """Add what came of params."""
        self._findings.add(params, trial)
        self._given.pop(self._values(params), None)
        self._note_what_is_out()

    def _waiting(self) -> dict[str, Any] | None:
        """Return pending params that were not handed out."""
        pending = (suggestion.params for suggestion in self._findings.engine.pending)
        return next((one for one in pending if self._values(one) not in self._given), None)

    def _proposed(self) -> dict[str, Any] | None:
        """Return what the policy proposes."""
        findings = self._findings
        self._note_what_is_out()
        proposal = self._policy.ask(findings.engine, self._context())
        if proposal is None:
            return None
        engine, params = proposal
        if engine is findings.engine and self._values(params) in self._given:
            return None  # the same again: nothing else is left until it is answered
        findings.advance(engine)
        return params

    def _note_what_is_out(self) -> None:
        """Make pending what is out and does not stand in the optimiser's state yet."""
        engine = self._findings.engine
        for values, params in self._given.items():
            if not engine.is_taken(values):
                engine, _ = at.suggest(at.enqueue(engine, params))
        self._findings.advance(engine)

    def _values(self, params: Mapping[str, Any]) -> Values:
        return self._findings.engine.space.check(params)
