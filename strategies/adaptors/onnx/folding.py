"""Work out beforehand what a graph makes of its constants, so that weights are seen as weights.

Only what changes nothing else is folded: a constant that others read too stays, as a second copy
would make the file larger. ONNX Runtime folds the same when it loads a float model; a quantised
weight, or a normalisation behind a quantised Conv, it leaves as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.opsets import STANDARD_DOMAINS

MOVES = ("Cast", "Concat", "Identity", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")
"""Operators that bring a constant into another form."""


class Folding:
    """A graph whose constants are being folded, in place.

    Args:
        model: Its float constants are initializers.
        kept: The tensors that someone beyond the nodes of the graph reads.
    """

    def __init__(self, model: onnx.ModelProto, kept: set[str]) -> None:
        """Look at the graph."""
        self._model = model
        self._graph = model.graph
        self._kept = kept
        self._constants = {tensor.name: tensor for tensor in model.graph.initializer}
        self._reads = Counter(name for node in model.graph.node for name in node.input)
        self._gone: set[str] = set()

    def fold(self) -> None:
        """Fold what can be folded."""
        before = len(self._graph.node) + 1
        while len(self._graph.node) < before:  # what one kept is freed where another is folded
            before = len(self._graph.node)
            self._fold_once()
        for place in reversed(range(len(self._graph.initializer))):
            if self._graph.initializer[place].name in self._gone:
                del self._graph.initializer[place]

    def _fold_once(self) -> None:
        for node in list(self._graph.node):
            if node.op_type in MOVES and node.domain in STANDARD_DOMAINS:
                self._fold_move(node)
        makers = {node.output[0]: node for node in self._graph.node if node.output}
        for node in list(self._graph.node):
            if node.op_type == "BatchNormalization" and node.domain in STANDARD_DOMAINS:
                self._fold_normalisation(node, makers.get(node.input[0]))

    def _fold_move(self, node: onnx.NodeProto) -> None:
        sources = [self._constants.get(name) for name in node.input if name]
        if node.output[0] in self._kept or not sources or any(one is None for one in sources):
            return
        given = [one for one in sources if one is not None]
        floats = [one for one in given if one.data_type in _FLOATS]
        if not floats or not all(self._is_only_here(one.name) for one in floats):
            return
        result = _computed(self._model, node, given)
        before = sum(numpy_helper.to_array(one).nbytes for one in floats)
        if result.dtype != np.float32 or result.nbytes > before:
            return
        self._drop(node, (one.name for one in floats))
        self._add(node.output[0], result)

    def _fold_normalisation(self, node: onnx.NodeProto, conv: onnx.NodeProto | None) -> None:
        """Multiply the weight of a Conv by the scale of the normalisation that alone reads it.

        The new bias takes the place of a constant that the normalisation alone reads; two of one
        residual sum often share their shift.
        """
        if conv is None or conv.op_type != "Conv" or len(node.output) > 1:
            return
        names = [*conv.input[1:3], *node.input[1:]]
        if any(name not in self._constants for name in names):
            return
        weight_name = conv.input[1]
        vectors = node.input[2], node.input[1], *node.input[3:]
        home = next(filter(self._is_only_here, vectors), None)
        if home is None or not all(map(self._is_only_here, (conv.output[0], weight_name))):
            return
        arrays = {name: numpy_helper.to_array(self._constants[name]) for name in names}
        scale, shift, mean, variance = (arrays[name].astype(np.float64) for name in node.input[1:])
        weight = arrays[weight_name]
        bias = arrays[conv.input[2]] if len(conv.input) > 2 else np.zeros(len(weight))
        (epsilon,) = [a.f for a in node.attribute if a.name == "epsilon"] or [1e-5]
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = scale / np.sqrt(variance + epsilon)
            scaled = weight * factor.reshape(-1, *(1,) * (weight.ndim - 1))
            moved = (bias - mean) * factor + shift
        if not (np.isfinite(scaled).all() and np.isfinite(moved).all()):
            return
        if weight.dtype != np.float32:
            return
        self._replace(weight_name, scaled.astype(np.float32))
        self._replace(home, moved.astype(np.float32))
        dropped = [name for name in (*conv.input[2:3], *node.input[1:]) if name != home]
        inputs = [*conv.input[:2], home]
        del conv.input[:]
        conv.input.extend(inputs)
        conv.output[0] = node.output[0]
        self._graph.node.remove(node)
        self._reads.subtract(dropped)
        self._gone.update(name for name in dropped if not self._reads[name])
        self._gone -= self._kept

    def _is_only_here(self, tensor: str) -> bool:
        return self._reads[tensor] == 1 and tensor not in self._kept

    def _drop(self, node: onnx.NodeProto, constants: Iterable[str]) -> None:
        self._gone.update(constants)
        self._graph.node.remove(node)

    def _add(self, name: str, values: Array) -> None:
        tensor = self._graph.initializer.add()
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), name))
        self._constants[name] = tensor

    def _replace(self, name: str, values: Array) -> None:
        self._constants[name].CopyFrom(numpy_helper.from_array(values, name))


_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.DOUBLE)


def _computed(
    model: onnx.ModelProto, node: onnx.NodeProto, constants: list[onnx.TensorProto]
) -> Array:
    output = onnx.ValueInfoProto(name=node.output[0])
    graph = onnx.helper.make_graph([node], "move", [], [output], constants)
    alone = onnx.helper.make_model(graph, opset_imports=model.opset_import)
    results: Any = ReferenceEvaluator(alone).run(None, {})
    return np.asarray(results[0])
