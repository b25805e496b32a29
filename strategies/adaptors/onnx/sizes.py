"""The size of a quantised model, worked out without making it.

The file of a model is a sum of pieces: nodes and initializers, each with its length in front. Which
of them a choice for a node adds and drops hardly depends on the choices for other nodes. Where it
does, because they share a piece, these few are looked at together, and what they come to is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from operator import contains, itemgetter
from typing import Any

import numpy as np
import onnx
from attrs import define, field, frozen

from strategies.adaptors.base import FP32, OpConfig, OpKey, TuneConfig
from strategies.adaptors.onnx.affine import Grid
from strategies.adaptors.onnx.dynamic import quantize_node
from strategies.adaptors.onnx.external import framed, graph_size, outside_size, tensor_size
from strategies.adaptors.onnx.graph import WeightedNode, kept_names, weighted_nodes
from strategies.adaptors.onnx.pieces import CONTRIB_DOMAIN, Ruler
from strategies.adaptors.onnx.static import (
    Ranges,
    quantize_bias,
    quantize_inputs,
    quantized_outputs,
)
from strategies.adaptors.onnx.weights import is_static

Pick = int
"""An option by its number; 0 for fp32."""

RangesOf = Callable[[TuneConfig], Ranges]
"""Returns the ranges that a tune configuration calibrates."""

MARGIN = 1000.0
"""A bias that fits in int32 with ranges so many times wider and narrower does so always."""

MOST_KNOWN = 100_000
"""So many choices of a group are kept, then it begins anew."""


@frozen
class _Change:
    """What an option of one node does to the model.

    Attributes:
        own: How many bytes more the nodes take that were there before.
        makes: The bytes of every new piece, by its name.
        frees: The initializers that the node no longer reads.
        is_contrib: Whether it takes operators of ONNX Runtime's own.
    """

    own: int = 0
    makes: Mapping[str, int] = field(factory=dict)
    frees: frozenset[str] = frozenset()
    is_contrib: bool = False


@define(eq=False)
class _End:
    """A Conv whose output may be quantised for readers without a weight.

    Attributes:
        node: The Conv.
        around: The places of the nodes on whose choices that depends, in the order of the graph.
        readers: For its tensors, the readers without a weight; one that reads it twice is twice.
    """

    node: WeightedNode
    around: tuple[int, ...]
    readers: dict[str, list[onnx.NodeProto]]


@define(eq=False)
class _Group:
    """Nodes that share pieces: what these come to depends on the choices for all of them.

    Attributes:
        places: Where the nodes are among all.
        makes: The names of the pieces that several of them may make.
        frees: The initializers that several of them read, with the places of these.
        ends: What is decided by these choices alone.
        known: Bytes, and by how much the nodes become longer that read outputs of several groups.
    """

    places: tuple[int, ...]
    makes: set[str] = field(factory=set)
    frees: dict[str, frozenset[int]] = field(factory=dict)
    ends: list[_End] = field(factory=list)
    known: dict[Any, tuple[int, tuple[tuple[str, int], ...]]] = field(factory=dict)
    look: Callable[[Sequence[Pick]], Any] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.look = itemgetter(*self.places)


class Sizes:
    """The bytes of a model for any tune configuration, as ``size(quantize(...))`` counts them.

    A call takes microseconds once it has seen the choices of nodes that share pieces.

    Args:
        model: A prepared model.
        nodes: Those that can be tuned, each with all its options.
        ranges_of: What the static approach calibrates; None for the dynamic approach.
    """

    def __init__(
        self,
        model: onnx.ModelProto,
        nodes: Mapping[WeightedNode, Sequence[OpConfig]],
        ranges_of: RangesOf | None,
    ) -> None:
        """Measure what every option of every node changes."""
        self._options: list[OpConfig] = [FP32]
        for offered in nodes.values():
            self._options += [option for option in offered if option not in self._options]
        self._seen = {id(option): number for number, option in enumerate(self._options)}
        """Numbers by the identity of an option: nothing else is looked up as fast."""
        self._met: list[OpConfig] = []
        """Those of the options seen that are not in the list itself; kept, as long as their
        identity stands for them."""
        self._nodes = tuple(nodes)
        self._keys = [(node.name, node.type) for node in nodes]
        self._ranges_of = ranges_of
        self._ruler = Ruler(model)
        self._kept = kept_names(model.graph)
        self._protos = {proto.name: proto for proto in model.graph.node}
        self._lengths = {name: proto.ByteSize() for name, proto in self._protos.items()}
        self._initializers = {t.name: framed(tensor_size(t)) for t in model.graph.initializer}
        self._place_of = {
            name: place for place, n in enumerate(self._nodes) for name in (n.adder, n.name)
        }
        self._measure_the_rest(model)
        self._ends = self._find_ends(model)
        readers = [{p.name for ps in end.readers.values() for p in ps} for end in self._ends]
        self._joining = {name for name, times in Counter(chain(*readers)).items() if times > 1}
        ranges = ranges_of({}) if ranges_of else {}
        self._changes = [
            {self._options.index(o): self._change(node, o, ranges) for o in offered}
            for node, offered in nodes.items()
        ]
        self._contrib = [
            frozenset(chosen for chosen, change in changes.items() if change.is_contrib)
            for changes in self._changes
        ]
        self._shared, self._groups = self._find_groups()
        self._own = [
            {0: 0} | {chosen: self._alone(change) for chosen, change in changes.items()}
            for changes in self._changes
        ]
        self._calibrated: dict[tuple[int, Pick], dict[Any, int]] = {}
        """What takes the place of those bytes where they depend on the calibration."""
        wider, narrower = (_scaled(ranges, factor) for factor in (MARGIN, 1 / MARGIN))
        for place, (node, changes) in enumerate(zip(nodes, self._changes, strict=True)):
            for chosen, change in changes.items():
                option = self._options[chosen]
                others = (self._change(node, option, moved) for moved in (wider, narrower))
                depends = ranges_of and is_static(option)
                if depends and any(other != change for other in others):
                    self._own[place][chosen] = 0
                    self._calibrated[place, chosen] = {}

    def __call__(self, tune_cfg: TuneConfig) -> int:
        """Return the bytes of the model that ``tune_cfg`` asks for."""
        seen = self._seen
        try:
            picks = [seen[id(tune_cfg[key])] for key in self._keys]
        except KeyError:
            picks = [self._pick(tune_cfg.get(key, FP32)) for key in self._keys]
        total = self._graph
        for own, chosen in zip(self._own, picks, strict=True):
            total += own[chosen]
        for place, chosen in self._calibrated:
            if picks[place] == chosen:
                total += self._as_calibrated(place, chosen, tune_cfg)
        grown: dict[str, int] = {}
        for group in self._groups:
            together = group.look(picks)
            if together not in group.known:
                if len(group.known) >= MOST_KNOWN:
                    group.known.clear()
                group.known[together] = self._together(group, picks)
            size, growing = group.known[together]
            total += size
            for name, more in growing:
                grown[name] = grown.get(name, 0) + more
        for name, more in grown.items():
            total += self._grown(name, more)
        total = self._rest + framed(total)
        if self._import and any(map(contains, self._contrib, picks)):
            total += self._import
        return total

    @property
    def constant(self) -> int:
        """Return the bytes of the model in floats, without the shapes that are left out."""
        return self._rest + framed(self._graph)

    def parts(self) -> Iterator[tuple[tuple[OpKey, ...], bool, Callable[[TuneConfig], int]]]:
        """Yield what add up to the size with the constant, but for a few bytes.

        That are the length of the length of the whole, and names of nodes that several groups
        make longer. Each comes with the nodes that it depends on, and whether it depends on the
        calibration too.
        """
        calibrated = {place for place, _ in self._calibrated}
        for place, key in enumerate(self._keys):
            yield (key,), place in calibrated, partial(self._own_part, place)
        for group in self._groups:
            keys = tuple(self._keys[place] for place in group.places)
            yield keys, False, partial(self._group_part, group)

    def _own_part(self, place: int, tune_cfg: TuneConfig) -> int:
        chosen = self._pick(tune_cfg.get(self._keys[place], FP32))
        if (place, chosen) in self._calibrated:
            return self._as_calibrated(place, chosen, tune_cfg)
        return self._own[place][chosen]

    def _group_part(self, group: _Group, tune_cfg: TuneConfig) -> int:
        picks = [0] * len(self._keys)
        for place in group.places:
            picks[place] = self._pick(tune_cfg.get(self._keys[place], FP32))
        size, growing = self._together(group, picks)
        return size + sum(self._grown(name, more) for name, more in growing)

    def _pick(self, option: OpConfig) -> Pick:
        if id(option) not in self._seen:
            self._seen[id(option)] = self._options.index(option)
            self._met.append(option)
        return self._seen[id(option)]

    def _measure_the_rest(self, model: onnx.ModelProto) -> None:
        """Measure what no choice changes."""
        read = {name for proto in model.graph.node for name in proto.input} | self._kept
        unread = sum(size for name, size in self._initializers.items() if name not in read)
        shapes = sum(framed(value.ByteSize()) for value in model.graph.value_info)
        self._graph = graph_size(model.graph) - unread - shapes
        self._rest = outside_size(model)
        known = {opset.domain for opset in model.opset_import}
        contrib = framed(onnx.helper.make_opsetid(CONTRIB_DOMAIN, 1).ByteSize())
        self._import = 0 if CONTRIB_DOMAIN in known else contrib

    # --- one node ---

    def _change(self, node: WeightedNode, option: OpConfig, ranges: Ranges) -> _Change:
        self._ruler.start()
        is_calibrated = self._ranges_of is not None and is_static(option)
        names = (node.name, node.adder) if is_calibrated else (node.name,)
        before = [self._protos[name] for name in dict.fromkeys(names)]
        after = [onnx.NodeProto.FromString(proto.SerializeToString()) for proto in before]
        if is_calibrated:
            scale = quantize_inputs(self._ruler, after[0], node, option, ranges)
            quantize_bias(self._ruler, after[-1], node, scale)
        elif quantize_node(self._ruler, after[0], node, option) is None:
            after = []
        left = {name for proto in after for name in proto.input} | self._ruler.read | self._kept
        frees = {name for proto in before for name in proto.input} - left
        own = sum(framed(p.ByteSize()) for p in after)
        own -= sum(framed(p.ByteSize()) for p in before)
        is_contrib = CONTRIB_DOMAIN in self._ruler.domains
        freed = frozenset(frees & self._initializers.keys())
        return _Change(own, self._ruler.made, freed, is_contrib)

    def _alone(self, change: _Change) -> int:
        """Return the bytes of a change that no other node has a part in."""
        made = sum(size for name, size in change.makes.items() if name not in self._shared)
        freed = sum(self._initializers[name] for name in change.frees if name not in self._shared)
        return change.own + made - freed

    def _as_calibrated(self, place: int, chosen: Pick, tune_cfg: TuneConfig) -> int:
        """Return the same where it depends on the ranges."""
        settings = tune_cfg.get("calib_sampling_size"), tune_cfg.get("calib_algorithm")
        known = self._calibrated[place, chosen]
        if settings not in known:
            ranges = self._ranges_of(tune_cfg) if self._ranges_of else {}
            change = self._change(self._nodes[place], self._options[chosen], ranges)
            known[settings] = self._alone(change)
        return known[settings]

    # --- several nodes ---

    def _find_ends(self, model: onnx.ModelProto) -> list[_End]:
        if self._ranges_of is None:
            return []
        weighted = weighted_nodes(model)
        others = {node.name for node in weighted} - {node.name for node in self._nodes}
        fixed = self._kept | {node.activation for node in weighted if node.name in others}
        ends = []
        for node in self._nodes:
            end = node.fused_output
            if node.type == "Conv" and end not in fixed:
                around = [p for p, n in enumerate(self._nodes) if n is node or n.activation == end]
                readers = {
                    tensor: [
                        proto
                        for proto in model.graph.node
                        if proto.name not in {n.name for n in weighted}
                        for name in proto.input
                        if name == tensor
                    ]
                    for tensor in {end, node.output}
                }
                ends.append(_End(node, tuple(around), readers))
        return ends

    def _find_groups(self) -> tuple[set[str], list[_Group]]:
        """Return the names of what nodes share, and the groups that share it."""
        makers: dict[str, set[int]] = {}
        for place, changes in enumerate(self._changes):
            for change in changes.values():
                for name in change.makes:
                    makers.setdefault(name, set()).add(place)
        for end in self._ends:
            for name in self._may_make(end):
                makers.setdefault(name, set()).update(end.around)
        readers: dict[str, set[int]] = {}
        for proto in self._protos.values():
            for name in self._initializers.keys() & set(proto.input):
                readers.setdefault(name, set()).add(self._place_of.get(proto.name, -1))
        makes = {n: frozenset(places) for n, places in makers.items() if len(places) > 1}
        makes |= {n: frozenset(end.around) for end in self._ends for n in self._may_make(end)}
        frees = {n: frozenset(places) for n, places in readers.items() if len(places) > 1}
        families = {*makes.values(), *(places for places in frees.values() if -1 not in places)}
        families |= {frozenset(end.around) for end in self._ends}
        largest = [a for a in families if not any(a < b for b in families)]
        groups = {places: _Group(tuple(sorted(places))) for places in sorted(largest, key=sorted)}

        def group_of(places: frozenset[int]) -> _Group:
            return next(group for family, group in groups.items() if places <= family)

        for name, places in makes.items():
            group_of(places).makes.add(name)
        for name, places in frees.items():
            if -1 not in places:
                group_of(places).frees[name] = places
        for end in self._ends:
            group_of(frozenset(end.around)).ends.append(end)
        return {*makes, *frees}, list(groups.values())

    def _may_make(self, end: _End) -> set[str]:
        """Return the names of all pieces that quantising the output of a Conv may take."""
        self._ruler.start()
        options = [option for option in self._options if is_static(option)]
        sides = [option["activation"] for option in options]
        for side in sides:
            for scheme in (side["scheme"], "asym"):
                for tensor in end.readers:
                    self._ruler.round_trip(tensor, NO_GRID, {**side, "scheme": scheme})
        return set(self._ruler.made)

    def _together(
        self, group: _Group, picks: Sequence[Pick]
    ) -> tuple[int, tuple[tuple[str, int], ...]]:
        """Return the bytes of what the nodes of a group share."""
        quantised = {p: picks[p] for p in group.places if picks[p]}
        changes = {place: self._changes[place][chosen] for place, chosen in quantised.items()}
        made = {
            name: size
            for change in changes.values()
            for name, size in change.makes.items()
            if name in group.makes
        }
        freed = sum(
            self._initializers[name]
            for name, places in group.frees.items()
            if all(p in changes and name in changes[p].frees for p in places)
        )
        size = -freed
        growing: dict[str, int] = {}
        for end in group.ends:
            nodes = [self._nodes[place] for place in end.around]
            choices = {
                self._nodes[place].name: self._options[quantised[place]]
                for place in end.around
                if place in quantised and is_static(self._options[quantised[place]])
            }
            shared = quantized_outputs(self._kept, nodes, choices)
            for tensor in end.readers.keys() & shared.keys():
                side, _ = shared[tensor]
                self._ruler.start()
                name = self._ruler.round_trip(tensor, NO_GRID, side)
                if end.readers[tensor]:
                    made |= self._ruler.made
                for proto in end.readers[tensor]:
                    longer = framed(len(name.encode())) - framed(len(tensor.encode()))
                    growing[proto.name] = growing.get(proto.name, 0) + longer
        size += sum(made.values())
        for name in growing.keys() - self._joining:
            size += self._grown(name, growing.pop(name))
        return size, tuple(growing.items())

    def _grown(self, name: str, more: int) -> int:
        """Return how many bytes more a node takes that has become longer by ``more``."""
        return framed(self._lengths[name] + more) - framed(self._lengths[name])


NO_GRID = Grid(np.zeros((), np.float32), np.zeros((), np.int8))


def _scaled(ranges: Ranges, factor: float) -> Ranges:
    return {name: (low * factor, high * factor) for name, (low, high) in ranges.items()}
