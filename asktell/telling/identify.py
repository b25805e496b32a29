"""Which trial an outcome belongs to.

All suggestions of the same params wait for one outcome: the first for any of them settles the
params. (With replicates, every suggestion has outcomes of its own.)
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

from attrs import frozen

from asktell.errors import ConflictError, ParamsError
from asktell.state import State
from asktell.study.draft import unknown
from asktell.study.trials import Configuration, Fault, Part, Ticket, Trial
from asktell.study.views import Suggestion

TrialLike = Suggestion | Trial | int | Mapping[str, Any]
"""What an outcome belongs to: a suggestion, its id, or params; or a trial."""


@frozen
class Named:
    """What a caller meant: a suggestion or params alone, and the trial if there is one."""

    ticket: Ticket | None
    configuration: Configuration
    trial: Trial | None

    @property
    def id(self) -> int | None:
        """Return the id of the suggestion that is meant, None for params alone."""
        return None if self.ticket is None else self.ticket.id

    @property
    def event_configuration(self) -> Configuration | None:
        """Return the params for an event; None where its id says enough."""
        return self.configuration if self.ticket is None else None


def identify(state: State, trial: TrialLike) -> Named:
    """Return what is meant.

    Params mean their pending suggestion. Without one they mean the suggestion that was pending
    last, if nobody has reported an outcome for the params; otherwise no suggestion is meant.

    Raises:
        ParamsError: a ``ValueError``; the params do not lie in the space.
        UnknownSuggestionError: a ``ValueError``; no suggestion has this id.
        ConflictError: a ``ValueError``; the suggestion is not this state's: its params differ.
    """
    if isinstance(trial, Trial):
        trial = _name_of(trial)
    if isinstance(trial, Mapping):
        return _of_params(state, trial)
    wanted = trial.id if isinstance(trial, Suggestion) else trial
    if isinstance(wanted, bool) or not isinstance(wanted, Integral):
        raise ParamsError("$", trial, "a Suggestion, the id of one, or params")
    found = state.history.of_id(int(wanted))
    if found is None:
        raise unknown(int(wanted))
    if isinstance(trial, Suggestion) and not _is_of(found, trial):
        raise ConflictError("$.params", trial.params, f"{found.params}, the params of id {wanted}")
    return Named(found.ticket(int(wanted)), found.configuration, found)


def trial_of(state: State, trial: TrialLike) -> Trial:
    """Return the trial that is meant, as it is in this state.

    Raises:
        ParamsError, UnknownSuggestionError, ConflictError: as :func:`identify` does; also where
            there is no trial of these params.
    """
    named = identify(state, trial)
    if named.trial is None:
        raise ParamsError("$.params", named.configuration.params, "params of a trial")
    return named.trial


def _name_of(trial: Trial) -> int | Mapping[str, Any]:
    """Return what a trial is named by: its params, or an id where the space has changed since."""
    if trial.left_out is None:
        return trial.params
    if not trial.ids:
        expected = f"a trial that lies in the space, or has an id; {trial.left_out}"
        raise ParamsError("$", trial.params, expected)
    return trial.ids[-1]


def _is_of(trial: Trial, suggestion: Suggestion) -> bool:
    """Tell whether a suggestion's params are the trial's: now, or in the space it was made in."""
    if trial.configuration == suggestion.configuration:
        return True
    return trial.known is not None and Part.of(suggestion.params).agrees(trial.known.params)


def _of_params(state: State, params: Mapping[str, Any]) -> Named:
    values = state.space.check(params)
    trial = state.history.of_values(values)
    if trial is None:
        return Named(None, Configuration(state.space.names, values), None)
    ticket = next((ticket for ticket in trial.tickets if ticket.standing == "out"), None)
    if ticket is None and trial.tickets and not _was_reported(trial):
        ticket = trial.tickets[-1]
    return Named(ticket, trial.configuration, trial)


def _was_reported(trial: Trial) -> bool:
    """Tell whether somebody reported an outcome that counts."""
    causes = [report.cause for report in trial.reports if isinstance(report, Fault)]
    return bool(trial.results) or "reported" in causes
