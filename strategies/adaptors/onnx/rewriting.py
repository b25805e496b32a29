"""A copy of a graph whose nodes are being replaced."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper

from strategies.adaptors.onnx.affine import FOUR_BITS, Array
from strategies.adaptors.onnx.external import without_constants
from strategies.adaptors.onnx.graph import kept_names
from strategies.adaptors.onnx.opsets import raised
from strategies.adaptors.onnx.pieces import CONTRIB_DOMAIN, Pieces, packed, tensor_type


def without_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Take the shapes of inner tensors away, in place: nobody needs them to run the model."""
    del model.graph.value_info[:]
    return model


class Rewrite(Pieces):
    """A copy of a model whose nodes are being replaced.

    It takes over those constants alone that are still read at its end: a message of ONNX keeps the
    memory of what it once held.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        """Copy the model but for its constants."""
        super().__init__(model)
        self.nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._in_four_bits = False
        self._model = without_constants(model)

    def take_nodes(self) -> list[onnx.NodeProto]:
        """Return the nodes of the copy."""
        return list(self._model.graph.node)

    def add_node(self, node: onnx.NodeProto) -> None:
        """Add a node after those that were added so far."""
        self.nodes.append(node)

    def add_constant(self, name: str, values: Array, dtype: str) -> None:
        """Add an initializer to the copy."""
        if dtype in FOUR_BITS:
            kind, raw = tensor_type(dtype), packed(values)
            tensor = onnx.TensorProto(name=name, dims=values.shape, data_type=kind, raw_data=raw)
            self._in_four_bits = True
        else:
            array = np.ascontiguousarray(values) if values.ndim else values
            tensor = numpy_helper.from_array(array, name)
        self._constants.append(tensor)

    def finish(self) -> onnx.ModelProto:
        """Return the copy with the nodes that were added, and the initializers that are read."""
        graph = self._model.graph
        before = len(graph.node)
        graph.node.extend(self.nodes)
        del graph.node[:before]
        read = {name for node in graph.node for name in node.input} | kept_names(graph)
        constants = (*self._old.values(), *self._constants)
        graph.initializer.extend(tensor for tensor in constants if tensor.name in read)
        missing = {node.domain for node in graph.node} & {CONTRIB_DOMAIN}
        for domain in missing - {known.domain for known in self._model.opset_import}:
            self._model.opset_import.append(onnx.helper.make_opsetid(domain, 1))
        return raised(self._model) if self._in_four_bits else self._model
