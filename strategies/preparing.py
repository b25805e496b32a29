"""``q_func`` and ``q_hooks``: the functions of the user around quantising a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from attrs import frozen

from strategies.adaptors.base import Dataloader, TuneConfig
from strategies.errors import ArgumentError

ON_TRAIN_BEGIN, ON_TRAIN_END = "on_train_begin", "on_train_end"
BEFORE_QUANTIZE, AFTER_QUANTIZE = "before_quantize", "after_quantize"
HOOKS = (ON_TRAIN_BEGIN, ON_TRAIN_END, BEFORE_QUANTIZE, AFTER_QUANTIZE)

_WITHIN_TRAINING = ("on_epoch_begin", "on_epoch_end", "on_step_begin", "on_step_end")
"""Hooks of Neural Compressor's training loops. Training is q_func's own business here."""

Hooks = Mapping[str, Callable[..., Any]]


@frozen
class Preparation:
    """What is to be done with the FP32 model before it is tuned, once.

    Args:
        q_func: takes a copy of the FP32 model and returns the model to be quantised, or None if it
            changed the copy; None to quantise the FP32 model itself.
        q_hooks: functions by name, some of :data:`HOOKS`; None for none.

    Raises:
        ArgumentError: a ``ValueError``; something is no function, or has an unknown name.
    """

    q_func: Callable[[Any], Any] | None
    q_hooks: Hooks | None

    def __attrs_post_init__(self) -> None:
        """Check the arguments."""
        if self.q_func is not None and not callable(self.q_func):
            expected = "a function that takes the FP32 model, or None"
            raise ArgumentError("$.q_func", self.q_func, expected)
        if self.q_hooks is not None and not isinstance(self.q_hooks, Mapping):
            raise ArgumentError("$.q_hooks", self.q_hooks, "a mapping from names to functions")
        for name, hook in self.hooks.items():
            if name in _WITHIN_TRAINING:
                expected = f"one of {list(HOOKS)}: epochs and steps are those of your own q_func"
                raise ArgumentError(f"$.q_hooks.{name}", hook, expected)
            if name not in HOOKS:
                raise ArgumentError(f"$.q_hooks.{name}", hook, f"one of the names {list(HOOKS)}")
            if not callable(hook):
                raise ArgumentError(f"$.q_hooks.{name}", hook, "a function")
            if name in (ON_TRAIN_BEGIN, ON_TRAIN_END) and self.q_func is None:
                expected = "no such name without a q_func, which it is called around"
                raise ArgumentError(f"$.q_hooks.{name}", hook, expected)

    @property
    def hooks(self) -> Hooks:
        """Return the hooks."""
        return self.q_hooks or {}

    def prepared(self, model: Any, dataloader: Dataloader | None) -> Any:
        """Return the model to be quantised; ``model`` itself is left as it is.

        Raises:
            Exception: whatever ``q_func`` or a hook raised.
        """
        if self.q_func is None:
            return model
        copy = deepcopy(model)
        call(self.hooks, ON_TRAIN_BEGIN, dataloader)
        returned = self.q_func(copy)
        call(self.hooks, ON_TRAIN_END)
        return copy if returned is None else returned


def changed(hooks: Hooks, name: str, model: Any, tune_cfg: TuneConfig) -> Any:
    """Return what a hook makes of a model: what it returns, or the model itself."""
    returned = call(hooks, name, model, tune_cfg)
    return model if returned is None else returned


def call(hooks: Hooks, name: str, *arguments: Any) -> Any:
    """Call a hook, if there is one."""
    return hooks[name](*arguments) if name in hooks else None
