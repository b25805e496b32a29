"""How sure the model is: what it expects of each point without it, in words."""

from __future__ import annotations

import math

from asktell.insight import LeftOut
from asktell.reports.page import Block, Prose, Section
from asktell.reports.words import count, share

TITLE = "How sure the model is"

_GOOD, _FAIR, _SOME = 0.9, 0.6, 0.2
_FEW = 10


def trust_section(known: tuple[tuple[LeftOut, tuple[Block, ...]], ...]) -> Section:
    """Return the section on the model, from what is left out of each outcome, with pictures."""
    if all(math.isnan(one.explained) for one, _ in known):
        return Section("trust", TITLE, tuple(Prose(verdict(one)) for one, _ in known))
    blocks: list[Block] = [
        Prose(
            "Each result is left out in turn, and the model is asked what it expects there. Points "
            "near the diagonal are expected right; the bars are what the model thinks it may be "
            "wrong by. The model's scales are found with all points, so it looks a little better "
            "here than it is."
        )
    ]
    for one, pictures in known:
        blocks += [Prose(verdict(one)), *pictures]
    return Section("trust", TITLE, tuple(blocks))


def verdict(one: LeftOut) -> str:
    """Return how good a model of an outcome is, in words."""
    n = len(one.observed)
    told = f"From {count(n, 'result')} of {one.outcome}, "
    if math.isnan(one.explained):
        return f"{told}nothing can be said: to the model all are equal."
    if n < _FEW:
        return f"{told}little can be said yet: R2 is {one.explained:.2f}."
    quality = (
        "the model predicts what it has not seen well"
        if one.explained >= _GOOD
        else "the model has a fair idea of what it has not seen"
        if one.explained >= _FAIR
        else "the model knows the direction, not the value"
        if one.explained >= _SOME
        else "the model predicts hardly better than their mean would, so do not rely on it"
    )
    explained = max(one.explained, 0.0)
    text = f"{told}{quality}. It explains {share(explained)} of the variance"
    text += f" (R2 {one.explained:.2f})."
    honest = (
        "which is surer than it should be"
        if one.within_2 < 0.88
        else "so it knows how wrong it may be"
    )
    return (
        f"{text} Its intervals that should hold 95 % of these hold {share(one.within_2)}, {honest}."
    )
