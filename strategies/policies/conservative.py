"""From the FP32 model on, never below the criterion."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve

from strategies.knowledge import Effect, Knowledge, Operation
from strategies.policies.engine import BAYESIAN
from strategies.policies.policy import Context, Params
from strategies.policies.script import Steps, begin, meets


def conservative(context: Context) -> Steps[None]:
    """Quantise the types of operations one after the other, and keep what meets the criterion.

    As everywhere the default configuration goes first: it shows that the model can be quantised,
    and if it meets the criterion, that is all. Else it begins with FP32. The type that saves most
    goes first. Where a whole type will not do, its operations are quantised one by one, from
    the least damage on. Each takes the option of the default configuration, or where that misses,
    that of the most exact one.
    """
    _, is_met = yield from begin(context)
    if is_met or context.unquantised is None or context.knowledge is None:
        return
    kept: Params = context.unquantised
    for some in _types(context.knowledge, context.starts[0]):
        whole = yield from _first_that_meets(context.starts, kept, some)
        if whole is None and len(some) > 1:
            for one in sorted(some, key=lambda one: _default_of(one, context.starts[0]).damage):
                kept = (yield from _first_that_meets(context.starts, kept, [one])) or kept
        kept = whole or kept


def _types(knowledge: Knowledge, default: Params) -> list[list[Operation]]:
    """Return the operations that save something by default, by type, the greatest saving first."""
    kinds: dict[str, list[Operation]] = {}
    costs = {o.name: knowledge.cost(_default_of(o, default)) for o in knowledge.operations}
    for one in knowledge.operations:
        if costs[one.name] < 0.0:
            kinds.setdefault(one.type, []).append(one)
    sums = {kind: sum(costs[one.name] for one in some) for kind, some in kinds.items()}
    return [kinds[kind] for kind in sorted(kinds, key=sums.__getitem__)]


def _default_of(operation: Operation, default: Params) -> Effect:
    return operation.effect(default[operation.name])


def _first_that_meets(
    starts: Sequence[Params], kept: Params, some: Sequence[Operation]
) -> Steps[Params | None]:
    """Quantise operations as one of the first configurations has them."""
    for start in starts:
        params = {**kept, **{one.name: start[one.name] for one in some}}
        if meets((yield params)):
            return params
    return None


CONSERVATIVE = evolve(BAYESIAN, name="conservative", first=conservative)
"""Types, then operations, quantised as long as the criterion is met."""
