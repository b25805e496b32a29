"""The order of Neural Compressor's basic strategy, with damages in place of its fixed order."""

from __future__ import annotations

from attrs import evolve

from strategies.knowledge import Knowledge
from strategies.policies.engine import BAYESIAN
from strategies.policies.policy import Context, Params
from strategies.policies.script import Steps, begin, margin, meets


def basic(context: Context) -> Steps[None]:
    """Try variants of the whole model, then operations in FP32: one alone, then more and more.

    From the best variant on, each operation alone falls back to FP32, the most damaging first; then
    all fall back together that helped, one after the other, from the most helpful on.
    """
    base, is_met = yield from begin(context)
    if not is_met:
        base, is_met = yield from _best_variant(context, base)
    if not is_met and context.knowledge is not None:
        is_met = yield from _fall_back(context.knowledge, base)
    for params in context.variants:  # noqa: UP028 - a tuple cannot be sent outcomes
        yield params  # those after the first that met: one may be smaller


def _best_variant(context: Context, base: Params) -> Steps[tuple[Params, bool]]:
    """Return the first variant that meets, else the most accurate of all."""
    best = margin((yield base))
    for params in context.variants:
        outcome = yield params
        if meets(outcome):
            return params, True
        if margin(outcome) > best:
            base, best = params, margin(outcome)
    return base, False


def _fall_back(knowledge: Knowledge, base: Params) -> Steps[bool]:
    names = fallbacks(knowledge, base)
    gained: dict[str, float] = {}
    for name in names:
        outcome = yield {**base, name: names[name]}
        if meets(outcome):
            return True
        gained[name] = margin(outcome)
    params = dict(base)
    for name in sorted(gained, key=lambda one: -gained[one]):
        params[name] = names[name]
        if meets((yield params)):
            return True
    return False


def fallbacks(knowledge: Knowledge, params: Params, by: str = "damage") -> dict[str, str]:
    """Return what leaves quantised operations as they are: options by name, the worst first."""
    worst = {
        one.name: getattr(one.effect(params[one.name]), by)
        for one in knowledge.operations
        if one.unquantised not in (None, params[one.name])
    }
    every = {one.name: one.unquantised for one in knowledge.operations}
    return {name: every[name] or "" for name in sorted(worst, key=lambda one: -worst[one])}


BASIC = evolve(BAYESIAN, name="basic", first=basic)
"""What the whole model can be, then operations that fall back to FP32."""
