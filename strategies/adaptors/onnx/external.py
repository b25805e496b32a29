"""Models beyond 2 GB, which ONNX's format cannot hold in one file: their data lies beside it.

In memory a model is one message whatever its size; only writing it, reading it and handing it to
ONNX Runtime has to part the data of large constants from the rest.
"""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
from google.protobuf.message import Message
from onnx import numpy_helper
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

LIMIT = 1_900_000_000
"""A model of more bytes is not written as one file; the format can hold 2 GiB."""

LEAST_APART = 1024
"""Constants of fewer bytes stay in the file itself, as ONNX's own writer does it."""

_BITS: dict[int, int] = {
    onnx.TensorProto.FLOAT: 32,
    onnx.TensorProto.FLOAT16: 16,
    onnx.TensorProto.INT64: 64,
    onnx.TensorProto.INT32: 32,
    onnx.TensorProto.INT8: 8,
    onnx.TensorProto.UINT8: 8,
    onnx.TensorProto.INT4: 4,
    onnx.TensorProto.UINT4: 4,
}
"""Of the types that large constants have. To ask a constant for its data is to copy them."""


def byte_size(model: onnx.ModelProto) -> int:
    """Return the bytes of a model as if one file could hold it, however large."""
    return outside_size(model) + framed(graph_size(model.graph))


def outside_size(model: onnx.ModelProto) -> int:
    """Return the bytes of a model without its graph."""
    return int(_without(model, "graph").ByteSize())


def graph_size(graph: onnx.GraphProto) -> int:
    """Return the bytes of a graph, however large."""
    constants = sum(framed(tensor_size(tensor)) for tensor in graph.initializer)
    return constants + int(_without(graph, "initializer").ByteSize())


def tensor_size(tensor: onnx.TensorProto) -> int:
    """Return the bytes of a constant, without a copy of its data."""
    if not tensor.HasField("raw_data"):
        return int(tensor.ByteSize())
    return int(_without(tensor, "raw_data").ByteSize()) + framed(_data_size(tensor))


def _data_size(tensor: onnx.TensorProto) -> int:
    """Return the bytes of a constant's raw data, without a copy of them."""
    if not tensor.HasField("raw_data"):
        return 0
    bits = _BITS.get(tensor.data_type)
    if bits is None:
        return len(tensor.raw_data)
    count: int = math.prod(tensor.dims)
    return (count * bits + 7) // 8


def framed(length: int) -> int:
    """Return the bytes of a piece of this length with a tag and its length in front."""
    return 1 + max(1, (length.bit_length() + 6) // 7) + length


def digest(model: onnx.ModelProto, limit: int = LIMIT) -> hashlib.blake2b:
    """Return a hash of everything in the model."""
    found = hashlib.blake2b(digest_size=16)
    if byte_size(model) <= limit:
        found.update(model.SerializeToString(deterministic=True))
        return found
    light, apart = parted(model, "data")
    found.update(light.SerializeToString(deterministic=True))
    for tensor in apart:
        found.update(tensor.raw_data)
    return found


def without_constants(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of the model that lacks its initializers."""
    light: onnx.ModelProto = _without(model, "graph")
    light.graph.CopyFrom(_without(model.graph, "initializer"))
    return light


def parted(model: onnx.ModelProto, location: str) -> tuple[onnx.ModelProto, list[onnx.TensorProto]]:
    """Return the model without the data of its large constants, and those, in order.

    The model says that they lie one after the other in a file called ``location``.
    """
    light = without_constants(model)
    apart: list[onnx.TensorProto] = []
    offset = 0
    for tensor in model.graph.initializer:
        copy = light.graph.initializer.add()
        length = _data_size(tensor)
        if length < LEAST_APART:
            copy.CopyFrom(tensor)
            continue
        copy.CopyFrom(_without(tensor, "raw_data"))
        copy.data_location = onnx.TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", offset), ("length", length)):
            copy.external_data.add(key=key, value=str(value))
        apart.append(tensor)
        offset += length
    return light, apart


def read(path: str | os.PathLike[str]) -> onnx.ModelProto:
    """Return the model of a file, with the data beside it, as if it had been one file."""
    model = onnx.load(path, format="protobuf")
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.DEFAULT:
            tensor.ClearField("data_location")
    return model


def write(model: onnx.ModelProto, path: str, limit: int = LIMIT) -> None:
    """Write a model as one file, or one of more than ``limit`` bytes with its data beside it.

    These are in ``<path>.<digest>.data``: no two models share such a file, so that one can take the
    place of another at one stroke.
    """
    if byte_size(model) <= limit:
        onnx.save(model, path, format="protobuf")
        return
    beside = f"{Path(path).name}.{digest(model, limit).hexdigest()[:8]}.data"
    light, apart = parted(model, beside)
    with Path(path).with_name(beside).open("wb") as file:
        for tensor in apart:
            file.write(tensor.raw_data)
    onnx.save(light, path, format="protobuf")


def files_size(path: str | os.PathLike[str]) -> int:
    """Return the bytes of a model's file and of those that its data lies in."""
    size = os.path.getsize(path)
    model = onnx.load(path, format="protobuf", load_external_data=False)
    beside = {
        Path(path).parent / ExternalDataInfo(tensor).location
        for tensor in model.graph.initializer
        if uses_external_data(tensor)
    }
    return size + sum(os.path.getsize(file) for file in beside)


def session_of(
    model: onnx.ModelProto, options: onnxruntime.SessionOptions, limit: int = LIMIT
) -> onnxruntime.InferenceSession:
    """Return a session on the processor; it is handed large data one by one."""
    if byte_size(model) <= limit:
        return _opened(model, options)
    light, apart = parted(model, "data")
    arrays = [numpy_helper.to_array(tensor) for tensor in apart]
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in arrays]
    options.add_external_initializers([tensor.name for tensor in apart], values)
    session = _opened(light, options)
    session.asktell_data = arrays, values  # which it reads where they are
    return session


def _opened(
    model: onnx.ModelProto, options: onnxruntime.SessionOptions
) -> onnxruntime.InferenceSession:
    serialized = model.SerializeToString()
    return onnxruntime.InferenceSession(serialized, options, providers=["CPUExecutionProvider"])


def _without(message: Any, left_out: str) -> Any:
    """Return a copy of a message without one of its fields, which may be large: it is not read."""
    copy: Message = type(message)()
    for name in message.DESCRIPTOR.fields_by_name:
        if name == left_out:
            continue
        value = getattr(message, name)
        if hasattr(value, "extend"):
            getattr(copy, name).extend(value)
        elif not message.HasField(name):
            continue
        elif isinstance(value, Message):
            getattr(copy, name).CopyFrom(value)
        else:
            setattr(copy, name, value)
    return copy
