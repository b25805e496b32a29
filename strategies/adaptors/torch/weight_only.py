"""Modules whose weight is small and whose arithmetic is in float32."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from strategies.adaptors.torch.stored import Stored

Side = Mapping[str, str]


class StoredLinear(nn.Module):
    """A Linear that reads its weight back at each call."""

    def __init__(self, module: nn.Linear, side: Side) -> None:
        """Hold the weight of ``module`` as ``side`` says."""
        super().__init__()
        self.in_features, self.out_features = module.in_features, module.out_features
        self.stored, self.bias = Stored(module.weight, side), module.bias

    @property
    def weight(self) -> torch.Tensor:
        """Return the weight in float32, for whoever reads it."""
        return self.stored()

    def forward(self, x: torch.Tensor, rows: slice = slice(None)) -> torch.Tensor:
        """Return the outputs, or those of some rows of the weight."""
        bias = self.bias if self.bias is None else self.bias[rows]
        return nn.functional.linear(x, self.weight[rows], bias)


class StoredConv(nn.Module):
    """A Conv or a ConvTranspose of one to three dimensions that reads its weight back."""

    def __init__(self, module: nn.Module, side: Side) -> None:
        """Hold the weight of ``module`` as ``side`` says."""
        super().__init__()
        self.transposed = bool(module.transposed)
        self.stored = Stored(module.weight, side, channel_axis(module))
        self.bias = module.bias
        self._module = [without(module, "weight", "bias")]  # in a list: no child of this one

    @property
    def weight(self) -> torch.Tensor:
        """Return the weight in float32, for whoever reads it."""
        return self.stored()

    def forward(self, x: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        """Return the convolution."""
        (module,) = self._module
        if not self.transposed:
            return module._conv_forward(x, self.weight, self.bias)
        dimensions = len(module.kernel_size)
        padding = module._output_padding(
            x,
            output_size,
            module.stride,
            module.padding,
            module.kernel_size,
            dimensions,
            module.dilation,
        )
        convolve = getattr(nn.functional, f"conv_transpose{dimensions}d")
        return convolve(
            x,
            self.weight,
            self.bias,
            module.stride,
            module.padding,
            padding,
            module.groups,
            module.dilation,
        )

    def extra_repr(self) -> str:
        """Say what the module says."""
        return str(self._module[0].extra_repr())


class StoredEmbedding(nn.Module):
    """An Embedding that reads back the rows that it is asked for."""

    def __init__(self, module: nn.Embedding, side: Side) -> None:
        """Hold the table of ``module`` as ``side`` says."""
        super().__init__()
        self.num_embeddings, self.embedding_dim = module.num_embeddings, module.embedding_dim
        self.padding_idx, self.stored = module.padding_idx, Stored(module.weight, side)

    @property
    def weight(self) -> torch.Tensor:
        """Return the table in float32, for whoever reads it."""
        return self.stored()

    def forward(self, indices: torch.Tensor) -> torch.Tensor:
        """Return the rows at the indices."""
        return self.stored.rows(indices)


class StoredRecurrent(nn.Module):
    """An LSTM, a GRU or an RNN that reads its weights back; biases are held as they are."""

    def __init__(self, module: nn.RNNBase, side: Side) -> None:
        """Hold the weights of ``module`` as ``side`` says."""
        super().__init__()
        names = list(module._flat_weights_names)
        self._module = [without(module, *names)]
        self._names = names
        for name in names:
            weight = getattr(module, name)
            setattr(self, name, weight if name.startswith("bias") else Stored(weight, side))

    def forward(self, x: Any, hx: Any = None) -> Any:
        """Return what the module returns, for a tensor or a packed sequence."""
        module = _twin(self._module[0])  # so that calls from several threads do not meet
        held = [getattr(self, name) for name in self._names]
        vars(module)["_flat_weights"] = [one() if isinstance(one, Stored) else one for one in held]
        return module(x, hx)

    def extra_repr(self) -> str:
        """Say what the module says."""
        return str(self._module[0].extra_repr())


def channel_axis(module: nn.Module) -> int:
    """Return the axis of output channels of a module's weight."""
    return 1 if getattr(module, "transposed", False) else 0


def without(module: nn.Module, *names: str) -> nn.Module:
    """Return a module like this one that lacks some of its parameters."""
    other = _twin(module)
    other._parameters = {
        name: None if name in names else value for name, value in module._parameters.items()
    }
    for key in ("_flat_weights", "_flat_weight_refs"):
        if key in vars(module):
            vars(other)[key] = [None for _ in vars(module)[key]]
    return other


def _twin(module: nn.Module) -> nn.Module:
    """Return another module with the same attributes: what is set on it is not set on this one.

    ``copy.copy`` of a recurrent module looks at weights that ours lack.
    """
    kind: Any = type(module)
    twin = kind.__new__(kind)
    twin.__dict__ = dict(vars(module))
    return twin
