"""What a run says while it goes on: a line at its start, one for each trial, and one at its end.

The lines go to the logger ``strategies`` at the level INFO, which nobody sees unless they want to:
``strategies.tune`` does, and a program that sets up logging.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

import asktell.log
from asktell.reports.words import count
from strategies.adaptors.base import LeftOut
from strategies.knowledge import Knowledge
from strategies.objective import Measurement, TuningGoal
from strategies.timesheet import parts_line
from strategies.timing import Times
from strategies.trial import Trial

LOGGER = logging.getLogger("strategies")
LOGGER.addHandler(logging.NullHandler())

MOST_REASONS = 4
"""So many kinds of what cannot be tuned are named in a line."""

_COUNTED = 10**9
"""From so many configurations on, their number is told by its order of magnitude."""

_SHOWN = {
    "modelsize": lambda value: f"size {value:,.0f} bytes",
    "performance": lambda value: f"latency {value * 1e3:.4g} ms",
    "footprint": lambda value: f"memory {value / 1e6:.4g} MB",
}


def shown() -> AbstractContextManager[None]:
    """Show the lines on standard error, unless the program has set up logging itself."""
    return asktell.log.shown(LOGGER)


def log_baseline(
    goal: TuningGoal, operations: int, configurations: int, left_out: Sequence[LeftOut] = ()
) -> None:
    """Say what the FP32 model is like, what meets the criterion, and how much there is to tune."""
    threshold = goal.threshold
    side = "least" if goal.criterion.higher_is_better else "most"
    wanted = [] if threshold is None else [f"accuracy of at {side} {threshold:.4f}"]
    for one in goal.constraints:
        text = _SHOWN[one.name](goal.bound(one)).partition(" ")
        wanted.append(f"{text[0]} of at most {text[2]}")
    told = f"; wanted: {', '.join(wanted)}" if wanted else ""
    LOGGER.info("FP32: %s%s", described(goal.baseline), told)
    count = f"{configurations:,}"
    if configurations >= _COUNTED:
        count = f"about 10^{math.log10(configurations):.0f}"
    LOGGER.info("%d operations, %s configurations", operations, count)
    if left_out:
        LOGGER.info("%s", coverage_line(operations, left_out))


def coverage_line(operations: int, left_out: Sequence[LeftOut]) -> str:
    """Return how many operations can be tuned, and which others cannot for which reason."""
    tuned = f"{count(operations, 'operation')} can be tuned"
    if not left_out:
        return tuned
    alike = Counter((one.type, one.reason) for one in left_out)
    parts = [f"{n} {kind} ({reason})" for (kind, reason), n in alike.most_common(MOST_REASONS)]
    more = len(alike) - len(parts)
    if more:
        parts.append(f"{count(more, 'other kind')}")
    return f"{tuned}, {len(left_out)} cannot: {', '.join(parts)}"


def log_knowledge(knowledge: Knowledge, seconds: float) -> None:
    """Say what was measured of the options, and which operations are the most delicate."""
    if not knowledge.measured:
        return
    options = sum(len(one.effects) for one in knowledge.operations)
    worst = sorted(
        ((one.effects[0].damage, one.name) for one in knowledge.operations), reverse=True
    )[:3]
    LOGGER.info(
        "what %d options do alone, in %.1f s; by default the outputs move most with %s",
        options,
        seconds,
        ", ".join(f"{name} {100.0 * math.sqrt(damage):.2g} %" for damage, name in worst),
    )


def log_times(times: Times, seconds: float) -> None:
    """Say how long options take, and what it took to find out."""
    LOGGER.info(
        "how long options take, from %d models in %.1f s; the fastest takes %.1f %% of FP32's time",
        times.models,
        seconds,
        100.0 * times.share,
    )


def log_untimed(reason: str) -> None:
    """Say that a model cannot be timed."""
    LOGGER.info("time of options: a model cannot be timed (%s)", reason)


def log_unknown(reason: str) -> None:
    """Say that the damage of options cannot be measured."""
    LOGGER.info("damage of options: not measured (%s); their order is guessed", reason)


def log_ignored(notes: Sequence[str]) -> None:
    """Say which keys of a configuration make no difference here."""
    if notes:
        LOGGER.info("ignored: %s", "; ".join(notes))


def log_resumed(trials: int, source: str) -> None:
    """Say that a run goes on."""
    LOGGER.info("going on after %d trials from %s", trials, source)


def log_trial(trial: Trial, most: int, best: Trial | None) -> None:
    """Say what came of a trial."""
    LOGGER.info("%s", trial_line(trial, most, best))


def log_end(best: Trial | None, trials: int, seconds: float, parts: Mapping[str, float]) -> None:
    """Say what the run came to, and what its time went into."""
    LOGGER.info("done: %d trials in %.1f s; %s", trials, seconds, best_line(best))
    LOGGER.info("%s", parts_line(parts))


def log_smallest() -> None:
    """Say that the best model is as small as any, for which a run may have ended early."""
    LOGGER.info("no other configuration makes a smaller model")


def log_interrupted() -> None:
    """Say that an interrupt has come."""
    LOGGER.warning("interrupted: saving; once more to end at once")


def log_report(where: str) -> None:
    """Say where the report is, or why there is none."""
    LOGGER.info("report: %s", where)


def trial_line(trial: Trial, most: int, best: Trial | None) -> str:
    """Return a line on a trial: its number, what was measured, the best so far, the seconds."""
    if trial.measurement is None:
        outcome = f"failed: {trial.failure}"
    else:
        outcome = f"{described(trial.measurement)}, {'meets' if trial.meets else 'misses'}"
    best_so_far = "this is the best" if best == trial else best_line(best)
    number = f"trial {trial.number} ({trial.number + 1} of {most})"
    return f"{number}: {outcome}; {best_so_far}; {trial.seconds:.1f} s"


def best_line(best: Trial | None) -> str:
    """Return a few words on the best trial."""
    if best is None or best.measurement is None:
        return "nothing has succeeded yet"
    verdict = "" if best.meets else ", which misses the criterion"
    return f"best: trial {best.number} ({described(best.measurement)}){verdict}"


def described(measurement: Measurement) -> str:
    """Return accuracy and objectives as text."""
    parts = [] if measurement.accuracy is None else [f"accuracy {measurement.accuracy:.4f}"]
    if measurement.looked is not None and not measurement.is_whole:
        seen = measurement.looked
        doubt = measurement.std["accuracy"]
        parts[0] += f" ± {doubt:.4f} ({seen.samples:,} of {seen.of:,} samples)"
    parts += [_SHOWN[name](value) for name, value in measurement.values.items() if name in _SHOWN]
    return ", ".join(parts)
