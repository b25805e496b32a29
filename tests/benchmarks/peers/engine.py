"""This project's engine."""

from __future__ import annotations

from typing import Any

import asktell as at
from peers import Params, Value
from peers.outcomes import Document


class AskTell:
    """The engine, with its default settings unless there are others."""

    def __init__(
        self,
        space: dict[str, Any],
        seed: int,
        budget: int,
        outcomes: Document | None = None,
        settings: at.Settings | None = None,
    ) -> None:
        """Start an engine; a state's dict is how it takes a space's dict."""
        any_space = at.Space(at.Bool("any"))
        if outcomes is None:
            empty = at.State.start(any_space, seed, "minimize", settings)
        else:
            empty = at.State.start(any_space, seed, settings=settings, **_wanted(outcomes))
        self._engine = at.Engine.from_dict({**empty.to_dict(), "space": space})

    def ask(self) -> Params:
        """Return the next suggestion's params."""
        return self._engine.suggest().params

    def tell(self, params: Params, value: Value) -> None:
        """Report the outcome of params."""
        if value is None:
            self._engine.fail(params)
        else:
            self._engine.observe(params, value)

    def recommend(self) -> Params:
        """Return the best params, as the engine sees it."""
        return self._engine.best().params


def _wanted(outcomes: Document) -> dict[str, Any]:
    kinds = {"at_least": at.AtLeast, "at_most": at.AtMost}
    constraints = {
        name: [kinds[kind](bound) for kind, bound in bounds.items()]
        for name, bounds in outcomes["constraints"].items()
    }
    return {"objectives": outcomes["objectives"], "constraints": constraints}
