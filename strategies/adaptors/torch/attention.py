"""Multi-head attention whose projections are modules, and so can be quantised."""

from __future__ import annotations

import copy
import math
from typing import TypeAlias

import torch
from torch import nn

Mask: TypeAlias = "torch.Tensor | None"


class Projection(nn.Linear):
    """A Linear that can be asked for some of its outputs, as those that take its place can."""

    def forward(self, x: torch.Tensor, rows: slice = slice(None)) -> torch.Tensor:
        """Return the outputs, or those of some rows of the weight."""
        bias = None if self.bias is None else self.bias[rows]
        return nn.functional.linear(x, self.weight[rows], bias)


class Attention(nn.Module):
    """What ``nn.MultiheadAttention`` computes in eval mode, through two Linear modules.

    That module multiplies by its weights without calling anything, so nothing within it could be
    replaced. ``in_proj`` here projects query, key and value by its first, second and last third.
    """

    in_proj_bias = None  # read by TransformerEncoderLayer, which then computes step by step
    _qkv_same_embed_dim = True

    def __init__(self, module: nn.MultiheadAttention) -> None:
        """Take over the weights of ``module``, which :func:`is_plain`."""
        super().__init__()
        self.embed_dim, self.num_heads = module.embed_dim, module.num_heads
        self.batch_first = module.batch_first
        self.in_proj = _linear(module.in_proj_weight, module.in_proj_bias)
        self.out_proj = _linear(module.out_proj.weight, module.out_proj.bias)
        self.train(module.training)

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        key_padding_mask: Mask = None,
        need_weights: bool = True,
        attn_mask: Mask = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return the outputs and, if they are needed, the weights of attention."""
        batched, seconds = query.ndim == 3, self.batch_first
        if key is query and value is query:
            q, k, v = self.in_proj(query).chunk(3, -1)
        else:
            q, k, v = (self._projected(x, third) for third, x in enumerate((query, key, value)))
        q, k, v = (self._by_head(x, batched, seconds) for x in (q, k, v))
        mask = self._mask(attn_mask, key_padding_mask, q)
        weights = None
        if need_weights:
            scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
            weights = torch.softmax(scores if mask is None else scores + mask, -1)
            mixed = weights @ v
            weights = weights.mean(1) if average_attn_weights else weights
            weights = weights if batched else weights[0]
        else:
            mixed = nn.functional.scaled_dot_product_attention(q, k, v, mask)
        mixed = mixed.transpose(1, 2).flatten(-2)  # (batch, length, width)
        mixed = mixed[0] if not batched else mixed if seconds else mixed.transpose(0, 1)
        return self.out_proj(mixed), weights

    def _projected(self, x: torch.Tensor, third: int) -> torch.Tensor:
        width = self.embed_dim
        return self.in_proj(x, slice(third * width, (third + 1) * width))

    def _by_head(self, x: torch.Tensor, batched: bool, batch_first: bool) -> torch.Tensor:
        """Return (batch, heads, length, width of a head)."""
        x = x[None] if not batched else x if batch_first else x.transpose(0, 1)
        return x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def _mask(self, attention: Mask, padding: Mask, like: torch.Tensor) -> Mask:
        """Return what is added to the scores, of a shape that spreads over them."""
        if attention is not None:
            attention = _additive(attention, like)
            if attention.ndim == 3:
                attention = attention.unflatten(0, (-1, self.num_heads))
        if padding is None:
            return attention
        padding = _additive(padding, like)
        padding = padding[None] if padding.ndim == 1 else padding
        padding = padding[:, None, None, :]
        return padding if attention is None else attention + padding


def is_plain(module: nn.MultiheadAttention) -> bool:
    """Tell whether :class:`Attention` can stand for this module."""
    same_width = module.in_proj_weight is not None
    return same_width and module.bias_k is None and not module.add_zero_attn


def opened(model: nn.Module, names: set[str] | None = None) -> nn.Module:
    """Return a copy of the model in which every module is called that can be quantised.

    Attention is replaced by :class:`Attention`; encoders of PyTorch compute step by step instead of
    in one kernel, which reads weights past their modules. Outputs differ by rounding alone, except
    where an encoder was given a padding mask: that kernel puts zeros at padded places, which
    nothing should read.

    Args:
        model: In eval mode; not changed.
        names: The modules that are to be called; None for all.
    """
    copied = copy.deepcopy(model)

    def wanted(prefix: str) -> bool:
        inside = f"{prefix}." if prefix else ""
        return names is None or any(name.startswith(inside) for name in names)

    for name, module in list(copied.named_modules(remove_duplicate=False)):
        if isinstance(module, nn.TransformerEncoderLayer) and wanted(name):
            module.activation_relu_or_gelu = 0
        elif isinstance(module, nn.TransformerEncoder) and wanted(name):
            module.use_nested_tensor = False
    attentions: dict[nn.Module, Attention] = {}
    for name, module in list(copied.named_modules(remove_duplicate=False)):
        if type(module) is nn.MultiheadAttention and is_plain(module) and wanted(name):
            attentions.setdefault(module, Attention(module))
            if not name:
                return attentions[module]
            replace(copied, name, attentions[module])
    return copied


def replace(model: nn.Module, name: str, module: nn.Module) -> None:
    """Put a module in the place of the one of this name."""
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, module)


def _linear(weight: nn.Parameter, bias: nn.Parameter | None) -> Projection:
    rows, width = weight.shape
    linear = Projection(width, rows, bias=bias is not None, device="meta")
    linear.weight, linear.bias = weight, bias
    return linear


def _additive(mask: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    if mask.dtype != torch.bool:
        return mask.to(like.dtype)
    return torch.zeros_like(mask, dtype=like.dtype).masked_fill_(mask, float("-inf"))
