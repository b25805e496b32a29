"""This project's engine."""

from __future__ import annotations

from typing import Any

import asktell as at
from peers import Params


class AskTell:
    """The engine, with its default settings unless there are others."""

    def __init__(
        self,
        space: dict[str, Any],
        seed: int,
        budget: int,
        settings: at.Settings | None = None,
    ) -> None:
        """Start an engine; a state's dict is how it takes a space's dict."""
        empty = at.State.start(at.Space(at.Bool("any")), seed, "minimize", settings).to_dict()
        self._engine = at.Engine.from_dict({**empty, "space": space})

    def ask(self) -> Params:
        """Return the next suggestion's params."""
        return self._engine.suggest().params

    def tell(self, params: Params, value: float | None) -> None:
        """Report the outcome of params."""
        if value is None:
            self._engine.fail(params)
        else:
            self._engine.observe(params, value)
