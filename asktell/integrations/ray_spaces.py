"""Ray Tune's search spaces as spaces of the engine, and configs as params."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from attrs import define, field, frozen
from ray.tune.search.sample import (
    Categorical,
    Domain,
    Float,
    Integer,
    LogUniform,
    Quantized,
    Uniform,
)

import asktell as at
from asktell.errors import DefinitionError, ParamsError
from asktell.integrations.held_choices import HeldChoices
from asktell.space.parameters import Parameter

When = Mapping[str, Any] | None


@frozen
class Search:
    """A search space of Tune, and the engine's view of it.

    Nested keys are joined by slashes. A choice between options that hold domains is a parameter,
    whose values are the positions of the options; what an option holds is active with it, and has
    the position in its name: ``model/1/depth``. The same domain object under the same key in
    several options is one parameter, ``model/rate``.
    """

    space: at.Space
    held: HeldChoices
    _config: _Group

    @classmethod
    def of_space(cls, space: at.Space) -> Search:
        """Return the view of a space of the engine's own."""
        root = _Group({})
        for name in space.names:
            *path, last = name.split("/")
            group: _Node = root
            for key in path:
                group = group.items.setdefault(key, _Group({})) if _is_group(group) else group
            if not _is_group(group) or last in group.items:
                expected = "names of which none stands for a key within another"
                raise DefinitionError("$.space", name, expected)
            group.items[last] = _Leaf(name)
        return cls(space, HeldChoices(), root)

    @classmethod
    def of_config(cls, config: Mapping[str, Any]) -> Search:
        """Return the view of a config of Tune; anything that is not a domain is left to Tune.

        Raises:
            DefinitionError: the engine cannot search it.
        """
        reader = _Reader()
        root = reader.read(config, (), None)
        items = root.items if isinstance(root, _Group) else {}
        return cls(at.Space(*reader.parameters), reader.held, _Group(items))

    def config(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the nested config of params."""
        values = self.held.outward(params)
        return dict(_configs(self._config, values))

    def params(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """Return the params of a config, nested or flat; what is not searched is left out.

        Raises:
            ParamsError: a choice is unknown.
        """
        params = dict(self._found(self._config, config))
        flat = [name for name in self.space.names if "/" in name and name in config]
        params.update((name, config[name]) for name in flat)
        return self.held.inward(params)

    def _found(self, node: _Node, value: Any) -> Iterator[tuple[str, Any]]:
        """Yield the names and values that a part of a config has."""
        if isinstance(node, _Leaf):
            yield node.name, value
        elif isinstance(node, _Choice):
            yield from self._chosen(node, value)
        elif isinstance(node, _Group) and isinstance(value, Mapping):
            for key in node.items.keys() & value.keys():
                yield from self._found(node.items[key], value[key])

    def _chosen(self, choice: _Choice, value: Any) -> Iterator[tuple[str, Any]]:
        for position, option in enumerate(choice.options):
            if self._is_like(option, value):
                yield choice.name, position
                yield from self._found(option, value)
                return
        raise ParamsError(f"$.{choice.name}", value, "a config that one of the choices allows")

    def _is_like(self, node: _Node, value: Any) -> bool:
        """Tell whether an option of a choice may have this value."""
        match node:
            case _Constant():
                return bool(node.value == value)
            case _Choice():
                return any(self._is_like(option, value) for option in node.options)
            case _Group():
                return (
                    isinstance(value, Mapping)
                    and value.keys() == node.items.keys()
                    and all(self._is_like(item, value[key]) for key, item in node.items.items())
                )
        try:
            inward = self.held.inward({node.name: value})[node.name]
            self.space.parameters[self.space.index[node.name]].check(inward)
        except ParamsError:
            return False
        return True


# --- the parts of a config ---


@frozen
class _Constant:
    value: Any


@frozen
class _Leaf:
    name: str


@frozen
class _Choice:
    name: str
    options: Sequence[_Node]


@frozen
class _Group:
    items: dict[str, _Node]


_Node = _Constant | _Leaf | _Choice | _Group


def _is_group(node: _Node) -> TypeGuard[_Group]:
    return isinstance(node, _Group)


def _configs(group: _Group, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what is searched of a group, by key; what is not active is left out."""
    for key, node in group.items.items():
        if isinstance(node, _Leaf | _Choice):
            if node.name in values:
                yield key, _whole(node, values)
        elif isinstance(node, _Group) and (inner := dict(_configs(node, values))):
            yield key, inner


def _whole(node: _Node, values: Mapping[str, Any]) -> Any:
    """Return a part of a config, with what is constant in it."""
    match node:
        case _Constant():
            return node.value
        case _Leaf():
            return values[node.name]
        case _Choice():
            return _whole(node.options[values[node.name]], values)
    return {key: _whole(item, values) for key, item in node.items.items()}


# --- reading a config ---


@define
class _Reader:
    """Collects the parameters of a config."""

    parameters: list[Parameter] = field(factory=list)
    held: HeldChoices = field(factory=HeldChoices)

    def read(self, value: Any, path: tuple[str, ...], when: When) -> _Node:
        """Return a part of a config, and keep its parameters.

        Raises:
            DefinitionError: a grid search; a domain that the engine cannot search, in a list, or
                under a key that is not a string.
        """
        place = ".".join(["$.space", *path])
        if isinstance(value, Categorical) and any(map(_has_domain, value.categories)):
            return self._choice(value, path, when)
        if isinstance(value, Domain):
            self._add("/".join(path), value, when)
            return _Leaf("/".join(path))
        if isinstance(value, Mapping):
            if "grid_search" in value:
                raise DefinitionError(place, value, "a domain to search, such as tune.choice")
            if not _has_domain(value):
                return _Constant(value)
            return _Group({key: self._item(key, item, path, when) for key, item in value.items()})
        if _has_domain(value):
            raise DefinitionError(place, value, "no domain within a list")
        return _Constant(value)

    def _item(self, key: Any, item: Any, path: tuple[str, ...], when: When) -> _Node:
        if _has_domain(item) and (not isinstance(key, str) or "/" in key):
            place = ".".join(["$.space", *path])
            raise DefinitionError(place, key, "keys that are strings without a slash")
        return self.read(item, (*path, str(key)), when)

    def _choice(self, choice: Categorical, path: tuple[str, ...], when: When) -> _Choice:
        """Return a choice between options that hold domains."""
        name = "/".join(path)
        self.parameters.append(at.Categorical(name, list(range(len(choice.categories))), when=when))
        shared: dict[tuple[Any, int], _Node] = {}
        for key, domain, positions in _shared(choice.categories):
            node = self._item(key, domain, path, {name: positions})
            shared.update(((key, position), node) for position in positions)
        options = []
        for position, option in enumerate(choice.categories):
            inner, own = (*path, str(position)), {name: [position]}
            if not _has_domain(option) or not isinstance(option, Mapping):
                options.append(self.read(option, inner, own))
                continue
            items = {}
            for key, item in option.items():
                items[key] = shared.get((key, position)) or self._item(key, item, inner, own)
            options.append(_Group(items))
        return _Choice(name, options)

    def _add(self, name: str, domain: Domain, when: When) -> None:
        try:
            self.parameters.append(_parameter(name, domain, self.held, when))
        except DefinitionError as error:
            raise error.below(f"$.space.{name}") from None


def _shared(options: Sequence[Any]) -> list[tuple[Any, Domain, list[int]]]:
    """Return the domains that several options have under one key, and the options' positions."""
    found: dict[tuple[Any, int], tuple[Any, Domain, list[int]]] = {}
    for position, option in enumerate(options):
        if isinstance(option, Mapping):
            for key, item in option.items():
                if isinstance(item, Domain):
                    found.setdefault((key, id(item)), (key, item, []))[2].append(position)
    return [one for one in found.values() if len(one[2]) > 1]


def _has_domain(value: Any) -> bool:
    """Tell whether there is anything to search in a part of a config."""
    if isinstance(value, Domain):
        return True
    if isinstance(value, Mapping):
        return "grid_search" in value or any(map(_has_domain, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_domain, value))


def _parameter(name: str, domain: Domain, held: HeldChoices, when: When) -> Parameter:
    """Return the parameter that has the domain's values.

    Raises:
        DefinitionError: the engine cannot search it.
    """
    sampler, step = domain.get_sampler(), None
    if isinstance(sampler, Quantized):
        sampler, step = sampler.get_sampler(), sampler.q
    if domain.is_grid() or not isinstance(sampler, Uniform | LogUniform):
        expected = "uniform or loguniform numbers, or choices, also between dicts with such"
        raise DefinitionError("$", domain, expected)
    log = isinstance(sampler, LogUniform)
    match domain:
        case Float(lower=low, upper=high):
            return at.Float(name, low, high, log=log, step=step, when=when)
        case Integer(lower=low, upper=high):
            if step in (None, 1):
                return at.Int(name, low, high - 1, log=log, when=when)
            return at.Int(name, math.ceil(low / step) * step, high, log=log, step=step, when=when)
        case Categorical(categories=choices):
            return held.categorical(name, choices, when)
    raise DefinitionError("$", domain, "uniform or loguniform numbers, or choices")
