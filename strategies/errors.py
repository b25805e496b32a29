"""The errors that a strategy or an adaptor raises."""

from __future__ import annotations

from asktell.errors import AskTellError, InvalidValueError


class StrategyError(AskTellError):
    """The root of the errors of this package."""


class ConfError(InvalidValueError, StrategyError):
    """A configuration file has an unknown key or a value that is not allowed."""


class ArgumentError(InvalidValueError, StrategyError):
    """An argument of a strategy is not what it must be."""


class ResumeError(InvalidValueError, StrategyError):
    """A saved dict is corrupt, or belongs to another model or configuration."""


class AdaptorError(StrategyError):
    """A framework was asked for something that it cannot do, or was given what it cannot read."""


class FirstEvaluationError(StrategyError):
    """The FP32 model or the first quantised model cannot be evaluated, so none ever could."""


class NotFiniteError(StrategyError):
    """What was measured is not a finite number."""
