"""Models as callers give them: files, or what was read from one."""

from __future__ import annotations

import os

import onnx
from google.protobuf.message import DecodeError

from strategies.adaptors.onnx import external
from strategies.errors import AdaptorError

Model = str | os.PathLike[str] | onnx.ModelProto
"""An ONNX file, with the data that lies beside it, or what was read from one."""


def load(model: Model) -> onnx.ModelProto:
    """Return the model as an object; an object is returned as it is.

    Raises:
        AdaptorError: The file is not an ONNX model, or ``model`` is something else.
    """
    if isinstance(model, onnx.ModelProto):
        return model
    if not isinstance(model, (str, os.PathLike)):
        kind = type(model).__name__
        raise AdaptorError(f"model is a {kind}, expected a path or an onnx.ModelProto")
    try:
        loaded = external.read(model)
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise AdaptorError(f"model: {model} cannot be read as an ONNX file: {error}") from error
    if not loaded.graph.node:
        raise AdaptorError(f"model: {model} holds no graph, expected an ONNX file")
    return loaded


def size(model: Model) -> int:
    """Return the bytes of the model's files, or of the file that it would be saved to.

    Raises:
        AdaptorError: There is no such file, or it is not an ONNX model.
    """
    if isinstance(model, onnx.ModelProto):
        return external.byte_size(model)
    try:
        return external.files_size(model)
    except OSError as error:
        raise AdaptorError(f"model: {model} is not a file: {error}") from error
    except DecodeError as error:
        raise AdaptorError(f"model: {model} cannot be read as an ONNX file: {error}") from error
