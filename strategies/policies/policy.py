"""What a policy is, and what it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import field, frozen

import asktell as at
from asktell.asking.known import Known
from strategies.knowledge import Knowledge

Params = Mapping[str, Any]

Proposal = tuple[at.State, dict[str, Any]]
"""The optimiser's next state, and the params to try."""


@frozen
class Context:
    """What is known of a model without evaluating.

    Attributes:
        known: outcomes that are known of every configuration: the size.
        unquantised: the params of the FP32 model, if any are.
        starts: what is tried first: the default configuration, and if it misses the criterion, the
            most exact quantised one.
        variants: configurations of the whole model: another calibration, or one option everywhere.
        canonical: returns the params of the space that give the same model as others.
        knowledge: what every option of every operation does; None for a policy that does not ask.
    """

    known: Known = field(factory=dict)
    unquantised: Params | None = None
    starts: tuple[Params, ...] = ()
    variants: tuple[Params, ...] = ()
    canonical: Callable[[Params], dict[str, Any]] = dict
    knowledge: Knowledge | None = None


class Policy(Protocol):
    """What a strategy asks for the params to try next."""

    @property
    def name(self) -> str:
        """Return the name by which a configuration chooses the policy."""
        ...

    @property
    def settings(self) -> at.Settings:
        """Return the settings that a run starts its optimiser with."""
        ...

    @property
    def by_exactness(self) -> bool:
        """Tell whether what is known of how exact options are is made use of.

        Then errors and damages are measured before the first trial, and the options are in order,
        as a model can make something of it.
        """
        ...

    def ask(self, state: at.State, context: Context) -> Proposal | None:
        """Return the next state and the params to try, or None when there are none left.

        Params that are pending in the state are taken; their outcome is not known yet. With some
        of them, None means that there are none left before one of them has an outcome.

        A policy that returns the same state may propose the same params again until they have an
        outcome.
        """
        ...


def handed_out(state: at.State, params: Params) -> Proposal:
    """Return the state in which params that are not taken are pending, and them."""
    state, (suggestion,) = at.suggest(at.enqueue(state, params))
    return state, suggestion.params
