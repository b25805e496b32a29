"""The bytes of a quantised model, worked out without making it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from attrs import define, field
from torch import nn

from strategies.adaptors.base import FP32, OpConfig, OpKey, TuneConfig
from strategies.adaptors.torch.options import weights_of
from strategies.adaptors.torch.stored import bytes_of as bytes_stored
from strategies.adaptors.torch.structure import bytes_of
from strategies.adaptors.torch.weight_only import channel_axis


@define(eq=False)
class Sizes:
    """The bytes of the tensors of a model for any tune configuration.

    A weight that several modules share is there as long as one of them is left as it is.

    Args:
        opened: The FP32 model.
        modules: Those that can be quantised.
    """

    opened: nn.Module
    modules: Mapping[OpKey, nn.Module]
    _base: int = field(init=False)
    _owners: dict[int, tuple[int, set[OpKey]]] = field(init=False, factory=dict)
    """The bytes of each float weight, by its identity, and whose it is."""
    _known: dict[tuple[OpKey, str], int] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Measure what no choice changes."""
        own = {id(p) for module in self.modules.values() for p in _parameters(module)}
        others = {
            id(p)
            for module in self.opened.modules()
            if module not in self.modules.values()
            for p in module.parameters(recurse=False)
        }
        for key, module in self.modules.items():
            for weight in _parameters(module):
                if id(weight) in own - others:
                    size = weight.numel() * weight.element_size()
                    self._owners.setdefault(id(weight), (size, set()))[1].add(key)
        self._base = bytes_of(self.opened) - sum(size for size, _ in self._owners.values())

    def __call__(self, tune_cfg: TuneConfig) -> int:
        """Return the bytes of the model that ``tune_cfg`` asks for."""
        chosen = {key for key in self.modules if tune_cfg.get(key, FP32) != FP32}
        total = self._base + sum(self._made(key, tune_cfg[key]) for key in chosen)
        return total + sum(size for size, keys in self._owners.values() if not keys <= chosen)

    def _made(self, key: OpKey, option: OpConfig) -> int:
        known = key, repr(option)
        if known not in self._known:
            module, side = self.modules[key], option["weight"]
            self._known[known] = sum(
                bytes_stored(tuple(weight.shape), side, channel_axis(module))
                for weight in weights_of(module)
            )
        return self._known[known]


def _parameters(module: nn.Module) -> list[torch.Tensor]:
    """Return the weights of a module as they are, without its biases."""
    return [
        parameter
        for name, parameter in module.named_parameters(recurse=False)
        if name.startswith("weight")
    ]
