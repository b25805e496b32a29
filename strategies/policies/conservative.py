"""From the FP32 model on, never below the criterion."""

from __future__ import annotations

from strategies.knowledge import Operation
from strategies.policies.policy import Context, Params
from strategies.policies.script import ScriptPolicy, Steps, meets


def conservative(context: Context) -> Steps[None]:
    """Quantise the types of operations one after the other, and keep what meets the criterion.

    The type that saves most bytes goes first. Where a whole type will not do, its operations are
    quantised one by one, from the least damage on. Each takes the option of the default
    configuration.
    """
    default = context.starts[0]
    if context.unquantised is None or context.knowledge is None:
        yield default
        return
    kept: Params = dict(context.unquantised)
    kinds: dict[str, list[Operation]] = {}
    for one in context.knowledge.operations:
        if default[one.name] != one.unquantised:
            kinds.setdefault(one.type, []).append(one)
    for some in sorted(kinds.values(), key=lambda some: _size(some, default)):
        whole = {**kept, **{one.name: default[one.name] for one in some}}
        if meets((yield whole)):
            kept = whole
            continue
        for one in sorted(some, key=lambda one: one.effect(default[one.name]).damage):
            more = {**kept, one.name: default[one.name]}
            if len(some) > 1 and meets((yield more)):
                kept = more


def _size(some: list[Operation], params: Params) -> float:
    return sum(one.effect(params[one.name]).size for one in some)


CONSERVATIVE = ScriptPolicy("conservative", conservative)
"""Types, then operations, quantised as long as the criterion is met."""
