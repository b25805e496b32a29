"""The sections of the report of a tuning run."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from string import ascii_uppercase
from typing import TYPE_CHECKING

import numpy as np

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
from asktell.reports.trust import verdict
from asktell.reports.words import clipped, count, duration, listed, number, share
from strategies.costs import Cost, Costs
from strategies.objective import ACCURACY, SIZE, Measurement
from strategies.record import FP32_LABEL, Record, options_of
from strategies.trial import Trial

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from asktell.plots import Theme

HISTORY_WITHIN = "history.json.gz"

_LOAD = """\
import onnxruntime
session = onnxruntime.InferenceSession("{model}")
print([(one.name, one.shape) for one in session.get_inputs()])  # what session.run takes"""

_GO_ON = """\
import gzip, json
from strategies import BayesianTuneStrategy
dicts = json.load(gzip.open("history.json.gz"))
strategy = BayesianTuneStrategy(model, conf, q_dataloader, eval_dataloader=data, dicts=dicts)
model = strategy.result().model  # made again, as it was; strategy.traverse() goes on"""


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
        f"{_wanted(record)}{meeting:,} of {n:,} trials reached it.",
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
    threshold = record.goal.threshold
    if threshold is None or not np.isfinite(threshold):
        return ""
    side = "at least" if record.goal.criterion.higher_is_better else "at most"
    return f"Wanted was an accuracy of {side} {shown(ACCURACY, threshold)}, and "


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
        caption = "Hollow models miss the criterion."
        blocks.append(gallery.drawn(lambda: _scatter(record, gallery.theme), text, caption))
    rows = []
    for trial in sorted(front, key=lambda one: list(record.shown(_of(one)).values())[-1]):
        numbers = record.shown(_of(trial))
        cells = [Cell(str(trial.number), trial.number)]
        cells += [Cell(shown(name, numbers[name]), numbers[name]) for name in names]
        cells += [Cell("yes" if trial.meets else "no", "yes" if trial.meets else "no")]
        rows.append(Row(tuple(cells), "best" if trial == record.best else ""))
    columns = ("trial", *names, "meets the criterion")
    caption = "The front: no other model is at least as good in all of these, and better in one"
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
    threshold, base = record.goal.threshold, record.goal.baseline.accuracy
    # The accuracy, where it is known, is the first outcome: it lies along the horizontal axis.
    axes = figure.axes[0]
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
    return figure


def choices_section(record: Record) -> Section:
    """Return the heat map of choices: how often each was tried, and how often it met."""
    letters = letters_of(record)
    best = record.best.params if record.best else {}
    rows = []
    for name in record.operations:
        tried = Counter(trial.params[name] for trial in record.trials)
        met = Counter(trial.params[name] for trial in record.trials if trial.meets)
        cells = [Cell(name, name)]
        for option in letters:
            if option not in _options(record, name):
                cells.append(Cell("-"))
                continue
            star = "★ " if best.get(name) == option else ""
            n = tried[option]
            part = met[option] / n if n else None
            cells.append(Cell(f"{star}{met[option]} of {n}" if n else "·", part, part))
        rows.append(Row(tuple(cells)))
    heads = tuple(letters.values())
    legend = Table(
        "Letters stand for options: w is for weights, a for activations",
        ("letter", "option"),
        (False, False),
        tuple(Row((Cell(letter), Cell(option))) for option, letter in letters.items()),
    )
    blocks: list[Block] = [
        Prose(
            "How many of the trials with an option met the criterion. The stronger the "
            "colour, the larger the share; a star marks what the best model has, a dot "
            "what was not tried, and a dash what there is not."
        ),
        Table(
            "Options by operation",
            ("operation", *heads),
            (False, *(True for _ in heads)),
            tuple(rows),
            sortable=True,
        ),
        legend,
    ]
    return Section("choices", "Choices for each operation", tuple(blocks))


def letters_of(record: Record) -> dict[str, str]:
    """Return a short name of every option, FP32 first: letters, as labels are long."""
    every = (option for name in record.operations for option in _options(record, name))
    options = [option for option in dict.fromkeys(every) if option != FP32_LABEL]
    letters = {option: _letter(place) for place, option in enumerate(options)}
    return {FP32_LABEL: "FP32", **letters}


def _letter(place: int) -> str:
    """Return A to Z, then AA, AB, ..."""
    before, last = divmod(place, len(ascii_uppercase))
    return f"{_letter(before - 1) if before else ''}{ascii_uppercase[last]}"


def _options(record: Record, name: str) -> tuple[str, ...]:
    return tuple(str(option) for option in options_of(record.space, name))


# --- costs ---


def costs_section(record: Record, costs: Costs, gallery: Gallery) -> Section:
    """Return the section on what quantising each operation costs."""
    clear = [cost for cost in costs.costs if cost.is_clear and cost.points > 0.0]
    unit, factor = ("percentage points", 100.0) if _is_share(record) else ("accuracy", 1.0)
    if clear:
        parts = [f"{one.operation} ({one.points * factor:.2g})" for one in clear]
        text = f"As the model sees it, quantising costs accuracy, in {unit}: {listed(parts)}."
        if len(clear) < len(costs.costs):
            text += " Of the others, the trials do not tell whether it does."
    else:
        text = "The trials do not tell of any operation whether quantising it costs accuracy."
    blocks: list[Block] = [Prose(text), Prose(verdict(costs.trust))]
    if costs.costs:
        rows = tuple(_cost_row(cost, factor) for cost in costs.costs)
        caption = f"What quantising loses, in {unit}, while the rest stays as in the best model"
        columns = ("operation", "option", "costs", "±", "how sure", "trials in FP32")
        numeric = (False, False, True, True, False, True)
        blocks.append(Table(caption, columns, numeric, rows, sortable=True))
    blocks.append(gallery.importance(ACCURACY, costs.known))
    return Section("costs", "What each operation costs", tuple(blocks))


def _is_share(record: Record) -> bool:
    base = record.goal.baseline.accuracy
    return base is not None and 0.0 <= base <= 1.0


def _cost_row(cost: Cost, factor: float) -> Row:
    option = cost.option if cost.is_quantised else f"FP32; at best {cost.option}"
    how = "clear" if cost.is_clear else "the model cannot tell"
    return Row(
        (
            Cell(cost.operation, cost.operation),
            Cell(option, option),
            Cell(f"{cost.points * factor:.2f}", cost.points),
            Cell(f"{cost.deviation * factor:.2f}", cost.deviation),
            Cell(how, how),
            Cell(f"{cost.n_fp32:,}", cost.n_fp32),
        )
    )


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
    return Section("trials", "All trials", (tiles_of(record), table))


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
        Code(_GO_ON),
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
