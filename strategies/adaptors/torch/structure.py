"""What a model is made of: the modules that can be quantised, and why others cannot."""

from __future__ import annotations

import hashlib
import re

import torch
from torch import nn
from torch.nn.utils import parametrize

from strategies.adaptors.base import LeftOut
from strategies.adaptors.torch.attention import Projection
from strategies.adaptors.torch.options import KINDS, RECURRENT, weights_of

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_PLAIN = (bool, int, float, str, type(None))


def quantisable(opened: nn.Module) -> dict[str, nn.Module]:
    """Return the modules that can be quantised, by name, in the order of their registration.

    A module that is registered under several names appears under the first.

    Args:
        opened: A model from :func:`~strategies.adaptors.torch.attention.opened`.
    """
    closed = _closed(opened)
    return {
        name: module
        for name, module in opened.named_modules()
        if isinstance(module, KINDS) and why_not(module) is None and module not in closed
    }


def left_out(opened: nn.Module) -> tuple[LeftOut, ...]:
    """Return all other modules with weights of their own, each with the reason."""
    found, closed = [], _closed(opened)
    for name, module in opened.named_modules():
        if module in closed or not any(True for _ in module.parameters(recurse=False)):
            continue
        if isinstance(module, nn.MultiheadAttention):
            reason: str | None = "its keys or values have another width, or a row is added to them"
        elif isinstance(module, KINDS):
            reason = why_not(module)
        else:
            reason = "it is of no kind that can be quantised"
        if reason:
            found.append(LeftOut(name, type(module).__name__, reason))
    return tuple(found)


def why_not(module: nn.Module) -> str | None:
    """Return why a module of a kind that can be quantised cannot be; None if it can."""
    kind = next(kind for kind in KINDS if isinstance(module, kind))
    if parametrize.is_parametrized(module):
        return "its weight is worked out from others: remove the parametrization first"
    if type(module).forward not in (kind.forward, Projection.forward):
        return f"it is a {kind.__name__} with a forward of its own"
    if module._forward_hooks or module._forward_pre_hooks:
        return "it has forward hooks, which a quantised module would lose"
    weights = weights_of(module)
    if not all(isinstance(w, torch.Tensor) and w.dtype == torch.float32 for w in weights):
        return f"its weight is {weights[0].dtype}, expected torch.float32"
    if not all(weight.numel() for weight in weights):
        return "its weight is empty"
    if isinstance(module, nn.Embedding) and module.max_norm is not None:
        return "its table changes as it is read (max_norm)"
    if isinstance(module, RECURRENT) and module.training:
        return "it is in training mode"
    return None


def names_of(opened: nn.Module) -> dict[nn.Module, list[str]]:
    """Return every name under which each module is registered."""
    names: dict[nn.Module, list[str]] = {}
    for name, module in opened.named_modules(remove_duplicate=False):
        names.setdefault(module, []).append(name)
    return names


def digest(model: nn.Module) -> str:
    """Return a digest of all tensors of a model, the classes of its modules and their settings."""
    hashed = hashlib.blake2b(digest_size=16)
    for name, module in model.named_modules(remove_duplicate=False):
        kind = type(module)
        settings = sorted(
            (key, _ADDRESS.sub("", repr(value)))
            for key, value in vars(module).items()
            if not key.startswith("_") and key != "training" and _is_plain(value)
        )
        described = _ADDRESS.sub("", module.extra_repr())
        hashed.update(
            repr((name, kind.__module__, kind.__qualname__, described, settings)).encode()
        )
    tensors = [*model.named_parameters(remove_duplicate=False)]
    for name, tensor in [*tensors, *model.named_buffers(remove_duplicate=False)]:
        tensor = tensor.detach().contiguous()
        hashed.update(repr((name, str(tensor.dtype), tuple(tensor.shape))).encode())
        hashed.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return hashed.hexdigest()


def bytes_of(model: nn.Module) -> int:
    """Return the bytes of all tensors of a model, each once."""
    tensors = {id(t): t for t in (*model.parameters(), *model.buffers())}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_is_plain(one) for one in value)
    return isinstance(value, _PLAIN)


def _closed(opened: nn.Module) -> set[nn.Module]:
    """Return the modules within attention of PyTorch's own, which reads weights past them."""
    attentions = [m for m in opened.modules() if isinstance(m, nn.MultiheadAttention)]
    return {child for one in attentions for child in one.modules() if child is not one}
