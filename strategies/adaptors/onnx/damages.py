"""What each way to quantise an operation does, measured before the first trial.

Every operation is cut out of the model, quantised alone and run on what the model gives it: that is
the *error* of its own output. The error is then added to that output in the float model, and what
becomes of it at the outputs of the model is the *damage*. So there is one session of the whole
model, and hardly any evaluation; where options are many, the damages of some are worked out from
those whose error is next.

The same model and samples give the same numbers: one thread computes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
import onnx
import onnxruntime
from attrs import evolve, frozen
from onnx import helper, numpy_helper

from strategies.adaptors.base import FP32, OpConfig, OpKey, Sensitivity
from strategies.adaptors.onnx.affine import Array
from strategies.adaptors.onnx.graph import WeightedNode, attributes
from strategies.adaptors.onnx.options import MOST_LOOKED_AT
from strategies.adaptors.onnx.running import Feed, open_session, run_outputs
from strategies.errors import AdaptorError

SAMPLES = 32
"""So many samples are looked at, at most."""

RUNS = 400
"""So many runs of the model are made, about: one or more for each operation."""

WORK = 1e11
"""So many multiplications are made, about, if two samples can do with them."""

MEMORY = 2.0**28
"""So many bytes of tensors are held at once, if two samples can do with them."""

LEAST_SAMPLES = 2
THREADS = 1

Made = Callable[[onnx.ModelProto, OpKey, OpConfig, Sequence[Feed]], onnx.ModelProto]
"""Quantises the one operation of a model as an option says, calibrated on these feeds."""

Feeds = Callable[[onnxruntime.InferenceSession, int], list[Feed]]
"""Returns feeds of so many samples for a session, each of a size that the model takes."""


@frozen(eq=False)
class Part:
    """An operation of a prepared model, and what can be chosen for it.

    Attributes:
        key: Its name and its type.
        nodes: The names of its nodes: itself, and one that adds its bias, if there is one.
        options: What there is to choose from.
        weighted: The node itself, if it has a weight.
    """

    key: OpKey
    nodes: frozenset[str]
    options: tuple[OpConfig, ...]
    weighted: WeightedNode | None = None


def sensitivities(
    model: onnx.ModelProto, parts: Sequence[Part], made: Made, feeds: Feeds
) -> dict[OpKey, Sensitivity]:
    """Return what every option of every operation does alone.

    Args:
        model: A prepared model.
        parts: Its operations.
        made: Quantises an operation that was cut out.
        feeds: What the model is run on.

    Raises:
        AdaptorError: There are no samples, or the model cannot run them.
    """
    if not parts:
        return {}
    cuts = [_cut(model, part) for part in parts]
    probe = _Probe(model, cuts)
    first = probe.seen(feeds(probe.session, 1))
    if not first:
        raise AdaptorError("dataloader: it gave no sample, but damages need one")
    multiplications = [cut.multiplications(first[0]) for cut in cuts]
    n_samples = _affordable(multiplications, parts, first)
    probe.start(feeds(probe.session, n_samples))
    runs = min(RUNS, int(WORK / max(n_samples * sum(multiplications), 1)))
    each = max(1, runs // len(parts))
    return {
        cut.part.key: _sensitivity(cut, probe, made, each, times)
        for cut, times in zip(cuts, multiplications, strict=True)
    }


def _affordable(times: Sequence[int], parts: Sequence[Part], seen: Sequence[Feed]) -> int:
    """Return how many samples there are time and memory for."""
    held = sum(array.nbytes for feed in seen for array in feed.values())
    runs = sum(min(len(part.options), max(1, RUNS // len(parts))) for part in parts)
    alone = sum(n * len(part.options) for n, part in zip(times, parts, strict=True))
    work = sum(times) * runs + alone
    most = min(WORK / max(work, 1), MEMORY / max(held, 1), SAMPLES)
    return max(LEAST_SAMPLES, int(most))


def _sensitivity(cut: _Cut, probe: _Probe, made: Made, most: int, times: int) -> Sensitivity:
    """Return what the options of one operation do; ``most`` of them are put into the model.

    The errors of a large product are those of some of its channels.
    """
    inputs = [{name: feed[name] for name in cut.inputs} for feed in probe.tensors]
    cut, inputs = _with_rows_read(cut, inputs)
    options = [option for option in cut.part.options if option != FP32]
    errors: dict[int, float] = {}
    shifts: dict[int, list[list[Array]]] = {}
    part = _with_some_channels(cut)
    if part is not cut:
        shift_of_part, whole = _alone(part, inputs, made)
        errors = {n: _relative(shift_of_part(option), whole) for n, option in enumerate(options)}
    shift_of, whole = _alone(cut, inputs, made)
    if part is cut:
        shifts = {n: shift_of(option) for n, option in enumerate(options)}
        errors = {n: _relative(shift, whole) for n, shift in shifts.items()}
    order = sorted(errors, key=errors.__getitem__)
    count = min(most, len(order))
    picked = {order[round(at)] for at in np.linspace(0, len(order) - 1, count)} if order else set()
    if count == 1:
        picked = {order[len(order) // 2]}
    shifts |= {n: shift_of(options[n]) for n in picked - shifts.keys()}
    damages = {n: probe.damage(cut.outputs, shifts[n]) for n in picked}
    by_option = iter(range(len(options)))
    places = [None if option == FP32 else next(by_option) for option in cut.part.options]
    return Sensitivity(
        multiplications=times,
        errors=tuple(0.0 if place is None else errors[place] for place in places),
        damages=tuple(0.0 if p is None else _damage(errors[p], errors, damages) for p in places),
    )


def _alone(
    cut: _Cut, inputs: Sequence[Feed], made: Made
) -> tuple[Callable[[OpConfig], list[list[Array]]], list[list[Array]]]:
    """Return what gives the shift of the outputs by an option, and the outputs in floats."""
    whole = _outputs(cut.model(inputs[0]), inputs)

    def shift_of(option: OpConfig) -> list[list[Array]]:
        model = made(cut.model(inputs[0]), cut.part.key, option, inputs)
        return _differences(_outputs(model, inputs), whole)

    return shift_of, whole


def _damage(error: float, errors: Mapping[int, float], damages: Mapping[int, float]) -> float:
    """Return the damage of an error: by how much errors near it grew or shrank in the model."""
    known = sorted(
        (errors[place], damage) for place, damage in damages.items() if errors[place] > 0.0
    )
    if error <= 0.0 or not known:
        return 0.0
    at = np.log([size for size, _ in known])
    grown = [damage / size for size, damage in known]
    return float(error * np.interp(np.log(error), at, grown))


# --- operations alone ---


@frozen(eq=False)
class _Cut:
    """An operation as a model of its own; its inputs are those that are not constant."""

    part: Part
    whole: onnx.ModelProto
    nodes: tuple[onnx.NodeProto, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, onnx.TensorProto]

    def model(self, feed: Feed) -> onnx.ModelProto:
        """Return the model, for inputs of the kinds of this feed."""
        inputs = [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(feed[name].dtype), [None] * feed[name].ndim
            )
            for name in self.inputs
        ]
        ends, readers = self.outputs, []
        if not self.constants:  # what has no weight is quantised only where somebody reads it
            ends = tuple(f"{name}/end" for name in self.outputs)
            readers = [
                helper.make_node("Identity", [name], [end], name=end)
                for name, end in zip(self.outputs, ends, strict=True)
            ]
        outputs = [onnx.ValueInfoProto(name=end) for end in ends]
        for value in outputs:
            value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
        nodes = [*self.nodes, *readers]
        graph = helper.make_graph(
            nodes, "operation", inputs, outputs, list(self.constants.values())
        )
        return helper.make_model(
            graph, ir_version=self.whole.ir_version, opset_imports=self.whole.opset_import
        )

    def with_constants(self, arrays: Mapping[str, Array]) -> _Cut:
        """Return a cut with other values in the place of these constants."""
        tensors = {
            name: numpy_helper.from_array(np.ascontiguousarray(array), name)
            for name, array in arrays.items()
        }
        return evolve(self, constants={**self.constants, **tensors})

    def multiplications(self, feed: Feed) -> int:
        """Return how many multiplications a feed takes."""
        return sum(
            _multiplications(node, feed, feed[self.outputs[0]].size, self.constants)
            for node in self.nodes
        )


def _cut(model: onnx.ModelProto, part: Part) -> _Cut:
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    nodes = tuple(node for node in model.graph.node if node.name in part.nodes)
    made = [name for node in nodes for name in node.output if name]
    read = list(dict.fromkeys(name for node in nodes for name in node.input if name))
    inputs = tuple(name for name in read if name not in constants and name not in made)
    outputs = tuple(name for name in made if name not in read)
    return _Cut(
        part, model, nodes, inputs, outputs, {n: constants[n] for n in read if n in constants}
    )


def _with_rows_read(cut: _Cut, inputs: list[Feed]) -> tuple[_Cut, list[Feed]]:
    """Return the Gather of a large table with the rows that are read alone, and inputs for it.

    The rows with the least and the greatest value stay: one scale for all rows depends on them.
    """
    node = cut.part.weighted
    if node is None or node.type != "Gather" or not _is_large(cut, node):
        return cut, inputs
    table, name = numpy_helper.to_array(cut.constants[node.weight]), node.activation
    places = [np.where(feed[name] < 0, feed[name] + len(table), feed[name]) for feed in inputs]
    row = table.size // len(table)
    ends = np.array([table.argmin() // row, table.argmax() // row])
    read = np.unique(np.concatenate([ends, *(place.ravel() for place in places)]))
    found = [{name: np.searchsorted(read, p).astype(np.int64)} for p in places]
    return cut.with_constants({node.weight: table[read]}), found


def _with_some_channels(cut: _Cut) -> _Cut:
    """Return a large product with some of its output channels; else the same."""
    node = cut.part.weighted
    if node is None or node.type not in ("Gemm", "MatMul") or not _is_large(cut, node):
        return cut
    weight, axis = cut.constants[node.weight], node.axis
    channels = None if axis is None else weight.dims[axis]
    others = [tensor for name, tensor in cut.constants.items() if name != node.weight]
    if axis is None or any(tuple(tensor.dims) != (channels,) for tensor in others):
        return cut
    some = slice(None, None, int(np.prod(weight.dims)) // MOST_LOOKED_AT)
    values = numpy_helper.to_array(weight)
    biases = {tensor.name: numpy_helper.to_array(tensor)[some] for tensor in others}
    return cut.with_constants(
        {node.weight: values[some] if axis == 0 else values[:, some]} | biases
    )


def _is_large(cut: _Cut, node: WeightedNode) -> bool:
    return int(np.prod(cut.constants[node.weight].dims)) >= 2 * MOST_LOOKED_AT


def _multiplications(
    node: onnx.NodeProto, feed: Feed, n_outputs: int, constants: Mapping[str, onnx.TensorProto]
) -> int:
    """Return how many multiplications a node takes that writes so many numbers."""

    def shape(name: str) -> tuple[int, ...]:
        return tuple(constants[name].dims) if name in constants else feed[name].shape

    kind = node.op_type
    if kind in ("LSTM", "GRU", "RNN"):
        steps = shape(node.input[0])[:2]
        return int(np.prod(steps) * sum(np.prod(shape(name)) for name in node.input[1:3]))
    if kind not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    x, weight = shape(node.input[0]), shape(node.input[1])
    if kind == "ConvTranspose":
        return int(np.prod(x) * np.prod(weight[1:]))
    if kind == "Conv":
        return int(n_outputs * np.prod(weight[1:]))
    inner = x[0] if attributes(node).get("transA", 0) else x[-1]
    return int(n_outputs * inner)


def _outputs(model: onnx.ModelProto, feeds: Sequence[Feed]) -> list[list[Array]]:
    session = open_session(model, THREADS)
    return [run_outputs(session, None, feed) for feed in feeds]


def _differences(some: list[list[Array]], whole: list[list[Array]]) -> list[list[Array]]:
    return [
        [np.nan_to_num(a - b, posinf=0.0, neginf=0.0) for a, b in zip(*pair, strict=True)]
        for pair in zip(some, whole, strict=True)
    ]


def _relative(shifts: list[list[Array]], whole: list[list[Array]]) -> float:
    """Return the squared size of shifts beside that of all: the mean over the outputs."""
    return float(np.mean([_squared(a) / (_squared(b) or 1.0) for a, b in _columns(shifts, whole)]))


def _columns(*rows: list[list[Array]]) -> Iterator[tuple[list[Array], ...]]:
    """Yield for each output its arrays for all feeds."""
    return zip(
        *([list(column) for column in zip(*some, strict=True)] for some in rows), strict=True
    )


def _squared(arrays: list[Array]) -> float:
    return float(sum(np.square(array.astype(np.float64)).sum() for array in arrays))


# --- operations within the model ---


class _Probe:
    """The float model, to whose operations' outputs something can be added."""

    def __init__(self, model: onnx.ModelProto, cuts: Sequence[_Cut]) -> None:
        """Make a session that also shows what operations read and write."""
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        self._outputs = [value.name for value in model.graph.output]
        names = {name for node in copy.graph.node for name in (*node.input, *node.output)}
        self._mark = "/shift"
        while any(name.endswith(self._mark) for name in names):
            self._mark += "+"
        shifted = {name for cut in cuts for name in cut.outputs}
        _make_shifts(copy.graph, shifted, self._mark)
        constants = {tensor.name for tensor in copy.graph.initializer}
        given = {value.name for value in copy.graph.input} - constants
        wanted = dict.fromkeys(chain.from_iterable((*cut.inputs, *cut.outputs) for cut in cuts))
        self._wanted = [name for name in wanted if name not in given]
        shown = {value.name for value in copy.graph.output}
        copy.graph.output.extend(
            onnx.ValueInfoProto(name=name) for name in self._wanted if name not in shown
        )
        self.session = open_session(copy, THREADS)
        self.tensors: list[Feed] = []
        self._feeds: list[Feed] = []
        self._whole: list[list[Array]] = []

    def seen(self, feeds: Sequence[Feed]) -> list[Feed]:
        """Return the tensors that operations read and write, for each feed."""
        shown = ((feed, run_outputs(self.session, self._wanted, feed)) for feed in feeds)
        return [feed | dict(zip(self._wanted, arrays, strict=True)) for feed, arrays in shown]

    def start(self, feeds: list[Feed]) -> None:
        """Run the float model."""
        self._feeds = feeds
        self.tensors = self.seen(feeds)
        self._whole = [run_outputs(self.session, self._outputs, feed) for feed in feeds]

    def damage(self, names: Sequence[str], shifts: list[list[Array]]) -> float:
        """Return the relative squared change of the outputs if these tensors are shifted."""
        moved = [
            run_outputs(
                self.session,
                self._outputs,
                feed | {name + self._mark: array for name, array in zip(names, some, strict=True)},
            )
            for feed, some in zip(self._feeds, shifts, strict=True)
        ]
        return _relative(_differences(moved, self._whole), self._whole)


def _make_shifts(graph: onnx.GraphProto, shifted: set[str], mark: str) -> None:
    """Add an input to each of these tensors that is zero unless it is given."""
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        graph.node.append(node)
        written = graph.node[-1]
        for place, name in enumerate(written.output):
            if name in shifted:
                shift, before = name + mark, f"{name}{mark}ed"
                written.output[place] = before
                graph.node.append(helper.make_node("Add", [before, shift], [name]))
                graph.initializer.append(numpy_helper.from_array(np.zeros((), np.float32), shift))
                value = graph.input.add(name=shift)
                value.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
