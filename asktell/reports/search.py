"""How the answer was found: counts, the span of time, and the curve."""

from __future__ import annotations

from collections import Counter

import numpy as np

from asktell.insight import Progress
from asktell.reports.page import Block, Prose, Section, Tiles
from asktell.reports.wanted import measured
from asktell.reports.words import count, duration, listed, moment, number
from asktell.state import State
from asktell.study.trials import Origin

_ORIGINS: dict[Origin | None, str] = {
    "initial": "taken from the initial design",
    "model": "chosen by the model",
    "fallback": "drawn by chance, where the model could not choose",
    "enqueued": "wished for",
    "again": "offered again",
    "replicate": "measured once more",
    None: "told without having been suggested",
}


def tiles_of(state: State) -> Tiles:
    """Return how many trials there are of each kind."""
    done, failed = state.n_observed, state.n_over - state.n_observed
    known: list[tuple[str, int]] = [("trials", len(state.trials)), ("measured", done)]
    if state.problem.constraints:
        means = [measured(trial) for trial in state.kept]
        holds = sum(numbers is not None and state.problem.holds(numbers) for numbers in means)
        known.append(("hold all limits", holds))
    known.append(("failed", failed))
    rest = len(state.trials) - len(state.kept)
    others = (
        ("being evaluated", len(state.out)),
        ("queued", len(state.queue)),
        ("left out of the space", rest),
    )
    for name, n in others:
        if n:
            known.append((name, n))
    return Tiles(tuple((name, f"{n:,}") for name, n in known))


def search_section(state: State, known: Progress, pictures: tuple[Block, ...]) -> Section:
    """Return the section on the search."""
    blocks: list[Block] = [tiles_of(state), *pictures]
    sentences = [_origins(state), _span(known), _volume(known)]
    text = " ".join(sentence for sentence in sentences if sentence)
    if text:
        blocks.append(Prose(text))
    return Section("search", "How it was found", tuple(blocks))


def _origins(state: State) -> str:
    n = Counter(trial.origin for trial in state.trials)
    if not n:
        return ""
    if len(n) == 1:
        every = "The only trial was" if len(state.trials) == 1 else "All trials were"
        return f"{every} {_ORIGINS[next(iter(n))]}."
    parts = [
        f"{n[origin]:,} {'was' if n[origin] == 1 else 'were'} {text}"
        for origin, text in _ORIGINS.items()
        if n[origin]
    ]
    return f"Of {count(len(state.trials), 'trial')}, {listed(parts)}."


def _span(known: Progress) -> str:
    moments = known.moments[np.isfinite(known.moments)]
    if not len(known.trials):
        return ""
    if not len(moments):
        return "When results came is not known, as no moments were given."
    first, last = float(moments.min()), float(moments.max())
    if first == last:
        return f"The results came at {moment(first)}."
    return f"Results came from {moment(first)} to {moment(last)}: within {duration(last - first)}."


def _volume(known: Progress) -> str:
    if known.hypervolumes is None or not len(known.hypervolumes) or not known.hypervolumes[-1]:
        return ""
    volumes = known.hypervolumes
    if not np.isfinite(volumes[-1]):
        return ""
    half = int(np.argmax(volumes >= 0.95 * volumes[-1])) + 1
    return (
        f"The front dominates a hypervolume of {number(float(volumes[-1]))}; 95 % of it was there "
        f"after {count(half, 'trial')}."
    )
