"""When which trial was evaluated, where moments are known."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

from asktell.insight import Timeline
from asktell.insight.lanes import Fate
from asktell.reports.page import Block, Prose, Section
from asktell.reports.words import count, duration, listed, share

_FATES: dict[Fate, tuple[str, str]] = {
    "observed": ("ended with a result", "ended with a result"),
    "failed": ("failed", "failed"),
    "expired": ("got no answer before its lease ended", "got no answer before their lease ended"),
    "lost": ("was given up", "were given up"),
    "forgotten": ("was taken back", "were taken back"),
    "out": ("is still out", "are still out"),
}
"""What became of one, and of several."""


def workers_section(known: Timeline, pictures: tuple[Block, ...]) -> Section | None:
    """Return the section on workers; None where no moments are known."""
    if not len(known.starts):
        return None
    spans = known.ends - known.starts
    n, lanes = len(spans), int(known.lanes.max()) + 1
    whole = float(known.ends.max() - known.starts.min())
    fates = Counter(known.fates)
    parts = [f"{fates[f]:,} {words[fates[f] > 1]}" for f, words in _FATES.items() if fates[f]]
    text = f"Of {count(n, 'evaluation')}, {listed(parts)}. "
    answered = spans[[fate in ("observed", "failed") for fate in known.fates]]
    if len(answered) > 1:
        text += f"Half of those that were answered took up to {duration(np.median(answered))}, "
        text += f"the longest {duration(answered.max())}. "
    busy = float(spans.sum() / whole) if whole > 0.0 else math.nan
    if lanes == 1:
        text += f"One at a time was out{f', for {share(busy)} of the time' if busy > 0.0 else ''}."
    else:
        text += f"At most {lanes:,} were out at once"
        text += f", on average {busy:.{1 if busy < 100 else 0}f}." if busy > 0.0 else "."
    if known.unknown:
        text += f" Of {known.unknown:,} more, the moments are not known."
    blocks: list[Block] = [Prose(text), *pictures]
    return Section("workers", "Who worked when", tuple(blocks))
