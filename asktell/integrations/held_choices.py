"""Choices that the engine cannot hold: objects, and values that equal each other.

The engine is given their positions, and callers the choices themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from asktell.errors import DefinitionError, ParamsError
from asktell.space.parameters import Categorical


@frozen
class HeldChoices:
    """Choices by the name of their parameter."""

    choices: dict[str, Sequence[Any]] = field(factory=dict)

    def categorical(
        self, name: str, choices: Sequence[Any], when: Mapping[str, Any] | None = None
    ) -> Categorical:
        """Return a parameter of these choices, or of their positions, where they are held here."""
        try:
            return Categorical(name, choices, when=when)
        except DefinitionError:
            positions = Categorical(name, list(range(len(choices))), when=when)
        self.choices[name] = choices
        return positions

    def outward(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return params in which choices stand for their positions."""
        return {
            name: self.choices[name][value] if name in self.choices else value
            for name, value in params.items()
        }

    def inward(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return params in which positions stand for choices.

        Raises:
            ParamsError: a ``ValueError``; there is no such choice.
        """
        positions = dict(params)
        for name in self.choices.keys() & params.keys():
            choices = list(self.choices[name])
            if params[name] not in choices:
                raise ParamsError(f"$.{name}", params[name], f"one of {choices}")
            positions[name] = choices.index(params[name])
        return positions
