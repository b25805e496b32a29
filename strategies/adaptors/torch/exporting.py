"""Models in files: a program that PyTorch alone can load, or the module itself."""

from __future__ import annotations

import copy
import io
import os
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from attrs import define
from torch import nn
from torch.utils import _pytree

from strategies.adaptors.torch.running import Feed
from strategies.errors import AdaptorError

TOLERANCE = 1e-4
_ORIGINS = ("stack_trace", "nn_module_stack", "source_fn_stack", "from_node", "torch_fn")


@define(eq=False)
class Example:
    """A hook that keeps what a model was first called with."""

    feed: Feed | None = None

    def __call__(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Keep it."""
        if self.feed is None and not torch.compiler.is_compiling():
            self.feed = Feed(args, dict(kwargs))


def remember(model: nn.Module, feed: Feed | None) -> None:
    """Have a model remember what it is called with, so that it can be exported."""
    model.register_forward_pre_hook(Example(feed), with_kwargs=True)


def example_of(model: nn.Module) -> Feed | None:
    """Return what a model was called with, where it was told to remember."""
    hooks = (hook for hook in model._forward_pre_hooks.values() if isinstance(hook, Example))
    return next((hook.feed for hook in hooks if hook.feed is not None), None)


def save(model: nn.Module, path: str, feed: Feed | None) -> str | None:
    """Write a model to ``path``: as a program where it can be exported, else as the module.

    The program takes a batch of any size, and other axes of any length where the model does.
    ``torch.export.load(path).module()`` loads it, with PyTorch alone. A module is loaded by
    ``torch.load(path, weights_only=False)``, where its class and this package can be imported.

    Returns:
        None, or why it is not a program.
    """
    plain = copy.deepcopy(model)
    plain._forward_pre_hooks.clear()
    why: str | None = "it was never called, so there is no example of its input"
    if feed is not None:
        try:
            with _quiet():
                _write(exported(plain, feed), path)
        except Exception as error:  # whatever keeps a model from being traced
            why = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        else:
            return None
    torch.save(plain, path)
    return why


def exported(model: nn.Module, feed: Feed) -> torch.export.ExportedProgram:
    """Return a model in eval mode as a program, and see that it gives the same outputs.

    Raises:
        AdaptorError: The outputs differ.
        Exception: The model cannot be traced.
    """
    feed = _with_two_rows(feed)

    def any_length(value: Any) -> Any:
        if not _is_tensor(value):
            return None
        axes = (axis for axis, length in enumerate(value.shape) if length > 1)
        return dict.fromkeys(axes, torch.export.Dim.AUTO)

    shapes = _pytree.tree_map(any_length, feed.kwargs or feed.args)
    with torch.no_grad():
        program = torch.export.export(
            model, feed.args, dict(feed.kwargs), dynamic_shapes=shapes, strict=False
        )
        program.example_inputs = None  # which are not for others to see
        found = _pytree.tree_leaves(program.module()(*feed.args, **feed.kwargs))
        expected = _pytree.tree_leaves(model(*feed.args, **feed.kwargs))
    for one, other in zip(found, expected, strict=True):
        if _is_tensor(one):
            greatest = float(other.abs().max()) if other.numel() else 0.0
            if not torch.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE * greatest):
                raise AdaptorError("the exported program gives other outputs than the model")
    return program


def load(path: str | os.PathLike[str]) -> nn.Module:
    """Return the model in a file that :func:`save` wrote, or ``torch.save`` of a module.

    Unpickling a module runs what its file says: load none that you do not trust.

    Raises:
        AdaptorError: It holds no module and no program.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            is_program = any(name.endswith("/archive_format") for name in archive.namelist())
        with _quiet():
            if is_program:
                loaded = torch.export.load(path).module()
            else:
                loaded = torch.load(path, weights_only=False)
    except Exception as error:  # any class may be missing, or any pickle broken
        raise AdaptorError(
            f"model: {path} cannot be read as a module or an exported program: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(loaded, nn.Module):
        kind = type(loaded).__name__
        raise AdaptorError(
            f"model: {path} holds a {kind}, expected a module saved whole: torch.save(model, path)"
        )
    return loaded


def _write(program: torch.export.ExportedProgram, path: str) -> None:
    """Write a program, its text deflated and without the lines of code that it comes from."""
    for node in list(program.graph.nodes):
        for key in _ORIGINS:
            node.meta.pop(key, None)
        if node.target is torch.ops.aten._assert_tensor_metadata.default:
            program.graph.erase_node(node)
    written = io.BytesIO()
    torch.export.save(program, written)
    with zipfile.ZipFile(written) as plain, zipfile.ZipFile(path, "w") as archive:
        for entry in plain.infolist():
            is_text = entry.filename.endswith(".json")
            kind = zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
            archive.writestr(entry.filename, plain.read(entry), kind)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to itself what PyTorch warns of its own code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _with_two_rows(feed: Feed) -> Feed:
    """Return a feed of two samples, as an axis of length one would be taken for fixed."""
    if feed.rows != 1:
        return feed

    def twice(value: Any) -> Any:
        has_row = _is_tensor(value) and value.ndim and len(value) == 1
        return torch.cat((value, value)) if has_row else value

    return Feed(tuple(map(twice, feed.args)), {k: twice(v) for k, v in feed.kwargs.items()})


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)
