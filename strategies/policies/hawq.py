"""A search along the frontier of damage and cost, and for single savings beyond it."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from strategies.knowledge import Knowledge
from strategies.policies.engine import BAYESIAN
from strategies.policies.frontier import Frontier, Step, frontier_of
from strategies.policies.policy import Context, Params
from strategies.policies.script import Outcome, Steps, begin, margin, meets


def along(context: Context, most: int | None = None) -> Steps[dict[str, Any] | None]:
    """Try what is first, then search the frontier for the last configuration that meets.

    Where the accuracy crosses the limit is guessed from damages and accuracies on both sides;
    every other time the middle is tried, so that the search ends soon whatever they say; at the
    latest after ``most`` trials. Returns that configuration.
    """
    knowledge = context.knowledge
    if knowledge is None or context.unquantised is None:
        yield from begin(context)
        return None
    points = [(0.0, (yield context.unquantised))]
    for params in context.starts:
        outcome = yield params
        points.append((knowledge.damage(params), outcome))
        if meets(outcome):
            break
    frontier = frontier_of(knowledge, context.starts[0])
    low, high = 0, len(frontier.steps) + 1
    tried = 0
    while high - low > 1 and tried != most:
        at = (low + high) // 2 if tried % 2 else _guess(frontier, points, low, high)
        outcome = yield frontier.params(at)
        tried += 1
        points.append((frontier.damages[at], outcome))
        # what is accurate enough and still misses is too large or too slow: further on is better
        goes_on = meets(outcome) or margin(outcome) >= 0.0
        low, high = (at, high) if goes_on else (low, at)
    return frontier.params(low)


def _guess(
    frontier: Frontier, points: list[tuple[float, Outcome | None]], low: int, high: int
) -> int:
    """Return the count of steps between low and high at which the limit is expected."""
    bad = [(damage, one.margin) for damage, one in points if one is not None and not one.meets]
    if not bad:
        return high - 1
    most, missed = min(bad)
    if missed >= 0.0:  # it is not the accuracy that was missed
        return (low + high) // 2
    good = [(d, one.margin) for d, one in points if one is not None and one.meets and d <= most]
    least, met = max(good, default=(0.0, 0.0))
    limit = least + (most - least) * (met / (met - missed))
    count = sum(damage <= limit for damage in frontier.damages) - 1
    return min(max(count, low + 1), high - 1)


def hawq(context: Context) -> Steps[None]:
    """Search the frontier; then save single bytes beyond what it came to, while that does no harm.

    Of all ways to save bytes in one operation the one goes first whose bytes cost least damage. One
    that missed is not tried again.
    """
    found = yield from along(context)
    if found is None or context.knowledge is None:
        return
    params: Params = found
    missed: set[tuple[str, str]] = set()
    while savings := _savings(context.knowledge, params, missed):
        best = min(savings, key=lambda step: step.price)
        more = {**params, best.name: best.after}
        if meets((yield more)):
            params = more
        else:
            missed.add((best.name, best.after))


def _savings(knowledge: Knowledge, params: Params, missed: set[tuple[str, str]]) -> list[Step]:
    cost, steps = knowledge.cost, []
    for one in knowledge.operations:
        now = one.effect(params[one.name])
        steps += [
            Step(one.name, after.option, after.damage - now.damage, cost(now) - cost(after))
            for after in one.effects
            if cost(after) < cost(now) and (one.name, after.option) not in missed
        ]
    return steps


HAWQ = evolve(BAYESIAN, name="hawq", first=hawq)
"""The frontier of damage and cost, searched for where the criterion is met."""
