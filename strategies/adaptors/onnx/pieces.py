"""What a quantised graph is made of: new nodes and constants, by names that fit the model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from strategies.adaptors.onnx.affine import (
    FOUR_BITS,
    Array,
    Grid,
    Side,
    extremes,
    grid,
    halved,
    held_as,
    quantize,
    scales_of,
)
from strategies.adaptors.onnx.external import framed
from strategies.adaptors.onnx.opsets import opset

CONTRIB_DOMAIN = "com.microsoft"
PER_CHANNEL_OPSET = 13
"""Below it the standard Q/DQ operators have no axis; ONNX Runtime's own have, at any opset."""

LONGEST_STEM = 8
"""Longer names are not repeated in new ones: with a hundred small products they made 40 % of the
bytes."""


WORTH_KEEPING = 2**16
"""To read a constant of so many values takes longer than most of what is done with it."""


class Pieces(ABC):
    """New nodes and constants for a model, each name made only once.

    Where they go is up to the class: a rewrite puts them into a copy of the model, a
    :class:`Ruler` nowhere.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        """Find names and operators that fit the model."""
        graph = model.graph
        self._old = {tensor.name: tensor for tensor in graph.initializer}
        self._made: set[str] = set()
        self._seen: tuple[str, Array] = "", np.zeros(())
        every = (name for node in graph.node for name in (node.name, *node.input, *node.output))
        names = list(dict.fromkeys(every))
        self._numbers = {name: number for number, name in enumerate(names)}
        self._mark = "/q"  # in every new name and in no old one, so that they never meet
        while any(self._mark in name for name in names):
            self._mark += "q"
        self.domain = "" if opset(model) >= PER_CHANNEL_OPSET else CONTRIB_DOMAIN

    @abstractmethod
    def add_node(self, node: onnx.NodeProto) -> None:
        """Add a node."""
        ...

    @abstractmethod
    def add_constant(self, name: str, values: Array, dtype: str) -> None:
        """Add an initializer of a type that NumPy knows, or of 4 bits."""
        ...

    def quantized(self, weight: Array, side: Side, axis: int | None) -> tuple[Array, Grid]:
        """Return the integers of a weight, and their grid."""
        return quantize(weight, side, axis)

    def name(self, stem: str, *parts: str) -> str:
        """Return a name for something new."""
        if len(stem) > LONGEST_STEM and stem in self._numbers:
            stem = f"#{self._numbers[stem]}"
        return "_".join((stem + self._mark, *parts))

    def array(self, constant: str) -> Array:
        """Return the values of an initializer of the model; not to be changed."""
        if self._seen[0] == constant:
            return self._seen[1]
        values = numpy_helper.to_array(self._old[constant])
        if values.size >= WORTH_KEEPING:  # it is often asked for again soon, after its bias
            self._seen = constant, values
        return values

    def shape(self, constant: str) -> tuple[int, ...]:
        """Return the shape of an initializer of the model."""
        return tuple(self._old[constant].dims)

    def constant(self, name: str, values: npt.ArrayLike, dtype: str | None = None) -> str:
        """Make an initializer, of the type of the values unless another one is given."""
        if name not in self._made:
            self._made.add(name)
            array = np.asarray(values)
            self.add_constant(name, array, dtype or str(array.dtype))
        return name

    def node(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], **extra: Any
    ) -> str:
        """Make a node, and return its first output."""
        if outputs[0] not in self._made:
            self._made.add(outputs[0])
            extra.setdefault("name", outputs[0])
            self.add_node(onnx.helper.make_node(operator, inputs, outputs, **extra))
        return outputs[0]

    def round_trip(self, tensor: str, levels: Grid, side: Side) -> str:
        """Quantise a tensor and read it back."""
        name = self.name(tensor, side["dtype"], side["scheme"])
        inputs = self._grid(name, levels)
        steps = self.node("QuantizeLinear", [tensor, *inputs], [f"{name}_q"], domain=self.domain)
        return self.read_back(steps, name, levels)

    def read_back(self, steps: str, name: str, levels: Grid, axis: int | None = None) -> str:
        """Read integers back as floats."""
        along = {"axis": axis} if levels.scale.ndim else {}
        inputs = [steps, *self._grid(name, levels)]
        return self.node("DequantizeLinear", inputs, [name], domain=self.domain, **along)

    def half(self, constant: str) -> str:
        """Hold an initializer in 16 bits, and return it as read back."""
        steps = self.half_steps(constant)
        back = self.name(constant, "fp32")
        return self.node("Cast", [steps], [back], to=onnx.TensorProto.FLOAT)

    def half_steps(self, constant: str) -> str:
        """Hold an initializer in 16 bits."""
        return self.constant(self.name(constant, "fp16"), halved(self.array(constant)))

    def scaled(self, name: str, steps: Array, scale: Array) -> str:
        """Hold integers, and return them as cast to floats and multiplied by their scale."""
        held = self.constant(f"{name}_q", steps)
        whole = self.node("Cast", [held], [f"{name}_float"], to=onnx.TensorProto.FLOAT)
        return self.node("Mul", [whole, self.constant(f"{name}_scales", scale)], [f"{name}_scaled"])

    def dynamic_steps(self, tensor: str) -> list[str]:
        """Quantise a tensor on the range of the input as it comes."""
        outputs = [self.name(tensor, part) for part in ("q", "scale", "zero_point")]
        self.node("DynamicQuantizeLinear", [tensor], outputs)
        return outputs

    def _grid(self, name: str, levels: Grid) -> list[str]:
        scale = self.constant(f"{name}_scale", levels.scale)
        return [scale, self.constant(f"{name}_zero_point", levels.zero_point)]


class Ruler(Pieces):
    """Measures pieces instead of making them."""

    def __init__(self, model: onnx.ModelProto) -> None:
        """Look at the model."""
        super().__init__(model)
        self.read: set[str] = set()
        self.made: dict[str, int] = {}
        self.domains: set[str] = set()
        self._ends_of: Array | None = None
        self._ends: dict[Any, tuple[Array, Array]] = {}
        """The extremes of one weight, by how it is looked at."""

    def start(self) -> None:
        """Forget what was measured."""
        self._made, self.made, self.read, self.domains = set(), {}, set(), set()

    def add_node(self, node: onnx.NodeProto) -> None:
        """Measure a node."""
        self.made[f"{node.output[0]} node"] = framed(node.ByteSize())
        self.read.update(node.input)
        self.domains.add(node.domain)

    def add_constant(self, name: str, values: Array, dtype: str) -> None:
        """Measure an initializer."""
        tensor = onnx.TensorProto(name=name, dims=values.shape, data_type=tensor_type(dtype))
        length = (values.size + 1) // 2 if dtype in FOUR_BITS else values.nbytes
        self.made[name] = framed(tensor.ByteSize() + framed(length))

    def quantized(self, weight: Array, side: Side, axis: int | None) -> tuple[Array, Grid]:
        """Return a stand-in for the integers of a weight, and their grid, of 4 bits its shape."""
        stand_in = np.broadcast_to(np.zeros((), held_as(side)), weight.shape)
        if side["dtype"] in FOUR_BITS:  # nobody asks for more than how many scales there are
            scales = np.ones(scales_of(weight.shape, side, axis), np.float32)
            return stand_in, Grid(scales, scales.astype(held_as(side)))
        return stand_in, grid(*self._extremes(weight, side, axis), side)

    def _extremes(self, weight: Array, side: Side, axis: int | None) -> tuple[Array, Array]:
        """Return the extremes of a weight, of a large one worked out once for all options."""
        kept = self._seen[1]
        if not np.may_share_memory(weight, kept):
            return extremes(weight, side, axis)
        if self._ends_of is not kept:
            self._ends_of, self._ends = kept, {}
        key = weight.shape, weight.strides, side["granularity"], axis
        if key not in self._ends:
            self._ends[key] = extremes(weight, side, axis)
        return self._ends[key]


def tensor_type(dtype: str) -> int:
    """Return the number by which ONNX knows a type."""
    if dtype in FOUR_BITS:
        return int(onnx.TensorProto.DataType.Value(dtype.upper()))
    return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def packed(values: Array) -> bytes:
    """Return integers of 4 bits as bytes of two each, the first of them in the lower half."""
    halves = np.append(values.ravel(), [0] * (values.size % 2)).astype(np.uint8) & 15
    return (halves[0::2] | halves[1::2] << 4).tobytes()
