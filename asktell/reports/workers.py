"""When which trial was evaluated, where moments are known."""

from __future__ import annotations

from collections import Counter

import numpy as np

from asktell.insight import Timeline
from asktell.insight.lanes import Fate
from asktell.reports.page import Block, Prose, Section
from asktell.reports.words import count, duration, listed, share

_FATES: dict[Fate, str] = {
    "observed": "ended with a result",
    "failed": "failed",
    "expired": "got no answer before their lease ended",
    "lost": "were given up",
    "forgotten": "were taken back",
    "out": "are still out",
}


def workers_section(known: Timeline, pictures: tuple[Block, ...]) -> Section | None:
    """Return the section on workers; None where no moments are known."""
    if not len(known.starts):
        return None
    spans = known.ends - known.starts
    n, lanes = len(spans), int(known.lanes.max()) + 1
    whole = float(known.ends.max() - known.starts.min())
    fates = Counter(known.fates)
    parts = [f"{fates[fate]:,} {text}" for fate, text in _FATES.items() if fates[fate]]
    text = f"Of {count(n, 'evaluation')}, {listed(parts)}. "
    text += f"Half of them took up to {duration(float(np.median(spans)))}, the longest "
    text += f"{duration(float(spans.max()))}. "
    busy = share(float(spans.sum()) / (whole * lanes)) if whole > 0.0 else ""
    if lanes == 1:
        text += f"One at a time was out{f', for {busy} of the time' if busy else ''}."
    else:
        text += f"At most {lanes:,} were out at once"
        text += f"; had as many been out all the time, that is {busy} used." if busy else "."
    if known.unknown:
        text += f" Of {known.unknown:,} more, the moments are not known."
    blocks: list[Block] = [Prose(text), *pictures]
    return Section("workers", "Who worked when", tuple(blocks))
