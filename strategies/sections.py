"""The sections of the report of a tuning run."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import numpy as np

import asktell as at
from asktell.reports.page import (
    Block,
    Cell,
    Code,
    Download,
    Prose,
    Row,
    Section,
    Table,
    Tiles,
)
from asktell.reports.pictures import Gallery
from asktell.reports.words import clipped, count, duration, listed, number, share
from strategies.objective import ACCURACY, SIZE, Measurement
from strategies.operations import letters_of
from strategies.record import Record
from strategies.timesheet import parts_line
from strategies.trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from asktell.plots import Theme

HISTORY_WITHIN = "history.json.gz"

_LOAD = """\
import onnxruntime
session = onnxruntime.InferenceSession("{model}")
print([(one.name, one.shape) for one in session.get_inputs()])  # what session.run takes"""

_GO_ON = """\
import gzip, json
from strategies import {kind}
dicts = json.load(gzip.open("history.json.gz"))  # the other arguments are as they were
strategy = {kind}(model, conf, q_dataloader, eval_dataloader=eval_dataloader, dicts=dicts)
best_model = strategy.result().model  # strategy.traverse() goes on"""


# --- in sentences ---


def lead_of(record: Record) -> tuple[str, ...]:
    """Return the answer in a few sentences."""
    n, best = len(record.trials), record.best
    if best is None or best.measurement is None:
        return (f"All {count(n, 'trial')} failed." if n else "No quantised model was tried yet.",)
    told = _compared(record, best.measurement)
    after = f"After {count(n, 'trial')}"
    if not best.meets:
        none = f"{after}, no model meets the criterion"
        return (f"{none}. The nearest is trial {best.number}: {told}.",)
    meeting = sum(one.meets for one in record.trials)
    what = "smallest model" if _is_for_size(record) else "best model"
    return (
        f"{after}, the {what} that meets the criterion is trial {best.number}: {told}.",
        f"{_wanted(record)}{meeting:,} of {n:,} trials meet it.",
    )


def _is_for_size(record: Record) -> bool:
    return [one.name for one in record.goal.objectives] == [SIZE]


def _compared(record: Record, measurement: Measurement) -> str:
    """Return what was measured, each beside what the FP32 model has."""
    base = record.shown(record.goal.baseline)
    parts = []
    for name, value in record.shown(measurement).items():
        bare, _, unit = name.removesuffix(")").partition(" (")
        text = f"{bare} {shown(name, value)}{f' {unit}' if unit else ''}"
        if name == ACCURACY:
            text += f", where FP32 has {shown(name, base[name])}"
        elif base[name]:
            text += f", {share(value / base[name])} of FP32's"
        parts.append(text)
    return "; ".join(parts)


def _wanted(record: Record) -> str:
    parts: list[str] = []
    for name, bound in record.limits.items():
        bare, _, unit = name.removesuffix(")").partition(" (")
        side = "at least" if isinstance(bound, at.AtLeast) else "at most"
        article = "an" if name == ACCURACY else "a"
        text = f"{article} {bare} of {side} {shown(name, bound.bound)}{f' {unit}' if unit else ''}"
        parts.insert(0 if name == ACCURACY else len(parts), text)
    return f"The criterion is {listed(parts)}; " if parts else ""


def shown(name: str, value: float) -> str:
    """Return a measured value: an accuracy in per cent where it is a share."""
    if name == ACCURACY and 0.0 <= value <= 1.0:
        return f"{100.0 * value:.2f} %"
    return number(value, 5)


# --- the answer ---


def answer_section(record: Record, model: str | None) -> Section | None:
    """Return the section on the best model; None without one."""
    best = record.best
    if best is None or best.measurement is None:
        return None
    blocks: list[Block] = [_beside_fp32(record, best), _configuration(record, best)]
    if model is not None:
        blocks += [Prose("How to load it, where onnxruntime is installed:")]
        blocks += [Code(_LOAD.format(model=model))]
    return Section("answer", "The best model", tuple(blocks))


def _beside_fp32(record: Record, best: Trial) -> Table:
    baseline = record.shown(record.goal.baseline)
    assert best.measurement is not None  # the best was measured
    rows = []
    for name, value in record.shown(best.measurement).items():
        base = baseline[name]
        change = value / base - 1.0 if base else 0.0
        rows.append(
            Row(
                (
                    Cell(name),
                    Cell(shown(name, value)),
                    Cell(shown(name, base)),
                    Cell(f"{100.0 * change:+.2f} %"),
                )
            )
        )
    columns = ("what", f"trial {best.number}", "FP32", "change")
    caption = "The best model and the FP32 model"
    return Table(caption, columns, (False, True, True, True), tuple(rows))


def _configuration(record: Record, best: Trial) -> Table:
    rows = tuple(Row((Cell(name), Cell(str(best.params[name])))) for name in record.space.names)
    caption = "How each operation is quantised in it"
    return Table(caption, ("operation", "option"), (False, False), rows)


# --- what there was to choose from ---


def front_section(record: Record, gallery: Gallery) -> Section:
    """Return the section on accuracy against the objectives."""
    front = record.front
    blocks: list[Block] = []
    names = list(record.shown(record.goal.baseline))
    if len(names) > 1:
        text = "every model that was measured, by accuracy and objectives, and the front"
        caption = "Hollow models miss the criterion; the front is of those that meet it."
        blocks.append(gallery.drawn(lambda: _scatter(record, gallery.theme), text, caption))
    rows = []
    for trial in sorted(front, key=lambda one: list(record.shown(_of(one)).values())[-1]):
        numbers = record.shown(_of(trial))
        cells = [Cell(str(trial.number), trial.number)]
        cells += [Cell(shown(name, numbers[name]), numbers[name]) for name in names]
        cells += [Cell("yes" if trial.meets else "no", "yes" if trial.meets else "no")]
        rows.append(Row(tuple(cells), "best" if trial == record.best else ""))
    columns = ("trial", *names, "meets the criterion")
    caption = "Of all models, those that miss the criterion too: no other is better in all of it"
    numeric = (True, *(True for _ in names), False)
    blocks.append(Table(caption, columns, numeric, tuple(rows), sortable=True))
    return Section("front", f"{_side_by_side(names)}", tuple(blocks))


def _side_by_side(names: list[str]) -> str:
    bare = [name.partition(" (")[0] for name in names]
    return f"{bare[0].capitalize()} against {listed(bare[1:])}" if len(bare) > 1 else "The front"


def _scatter(record: Record, theme: Theme) -> Figure:
    """Draw the front, and where the criterion and the FP32 model lie."""
    from asktell import plots

    figure = plots.front(record.study(with_baseline=False), theme=theme)
    # The accuracy, where it is known, is the first outcome: it lies along the horizontal axis.
    for axes in figure.axes[: max(len(record.shown(record.goal.baseline)) - 1, 1)]:
        _levels(axes, record, theme)
    return figure


def _levels(axes: Axes, record: Record, theme: Theme) -> None:
    """Mark the criterion and the FP32 model along an axis of accuracies."""
    threshold, base = record.goal.threshold, record.goal.baseline.accuracy
    low, high = axes.get_xlim()
    for value, text, style in ((threshold, "criterion", "--"), (base, "FP32", ":")):
        if value is not None and np.isfinite(value):
            low, high = min(low, value), max(high, value)
            axes.axvline(value, color=theme.accent, linewidth=1.0, linestyle=style)
            axes.annotate(
                text,
                (value, 0.01),
                xycoords=("data", "axes fraction"),
                xytext=(-3, 0),
                textcoords="offset points",
                rotation=90,
                ha="right",
                va="bottom",
                color=theme.accent,
                fontsize=7.5,
            )
    room = 0.03 * (high - low)
    axes.set_xlim(low - room, high + room)


# --- all of it ---


def trials_section(record: Record) -> Section | None:
    """Return the section with all trials; None without one."""
    if not record.trials:
        return None
    names, letters = list(record.shown(record.goal.baseline)), letters_of(record)
    rows = []
    for trial in record.trials:
        numbers = {} if trial.measurement is None else record.shown(trial.measurement)
        reason = f"failed: {clipped(trial.failure or '', 60)}"
        status = reason if trial.measurement is None else "meets" if trial.meets else "misses"
        mark = "failed" if trial.measurement is None else "" if trial.meets else "breaks"
        if trial == record.best:
            status, mark = f"{status}, best", "best"
        cells = [Cell(str(trial.number), trial.number), Cell(status, status)]
        cells += [
            Cell(shown(name, numbers[name]), numbers[name]) if name in numbers else Cell("")
            for name in names
        ]
        cells += [Cell(number(trial.seconds, 3), trial.seconds)]
        texts = [letters.get(str(value), str(value)) for value in trial.params.values()]
        cells += [Cell(text, text) for text in texts]
        rows.append(Row(tuple(cells), mark))
    columns = ("trial", "criterion", *names, "seconds", *record.space.names)
    numeric = (True, False, *(True for _ in names), True, *(False for _ in record.space.names))
    caption = f"All {len(rows):,} trials" if len(rows) > 1 else "The only trial"
    table = Table(caption, columns, numeric, tuple(rows), sortable=True)
    line = parts_line(record.parts)
    spent = (Prose(f"What the time went into: {line}."),) if line else ()
    return Section("trials", "All trials", (tiles_of(record), *spent, table))


def tiles_of(record: Record) -> Tiles:
    """Return the run in a few figures."""
    n = len(record.trials)
    items = [
        ("trials", f"{n:,}"),
        ("meet", f"{sum(one.meets for one in record.trials):,}"),
        ("failed", f"{n - len(record.measured):,}"),
        ("took", duration(record.seconds)),
        ("operations", f"{len(record.operations):,}"),
        ("configurations", _size_text(record.space.size or 0)),
    ]
    return Tiles(tuple(items))


def _size_text(size: int) -> str:
    return f"{size:,}" if size < 1e9 else f"{size:.2g}"


def go_on_section(record: Record) -> Section:
    """Return the section with the history."""
    text = json.dumps(dict(record.dicts), allow_nan=False, separators=(",", ":"))
    content = gzip.compress(text.encode(), mtime=0)
    size = f"{max(len(content) / 1e3, 1):.0f} kB"
    blocks: list[Block] = [
        Prose(
            "This page holds the history of the run. With it, the best model is made again, and "
            "the run goes on where it stopped; nothing is evaluated twice. The model, the "
            "configuration and the data have to be the same as before."
        ),
        Download(HISTORY_WITHIN, f"Save {HISTORY_WITHIN} ({size})", content, "application/gzip"),
        Code(_GO_ON.format(kind=f"{record.strategy.capitalize()}TuneStrategy")),
        Prose(_criterion(record)),
    ]
    return Section("reproduce", "How to go on", tuple(blocks))


def _criterion(record: Record) -> str:
    one = record.goal.criterion
    loss = share(one.loss) if one.relative else number(one.loss)
    kind = "of the FP32 model's accuracy" if one.relative else "of accuracy"
    return f"At most {loss} {kind} may be lost. The strategy is {record.strategy}."


def _of(trial: Trial) -> Measurement:
    assert trial.measurement is not None  # of the front
    return trial.measurement
