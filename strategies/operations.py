"""The sections on operations: what was chosen for each, and what quantising it costs."""

from __future__ import annotations

import math
from collections import Counter
from string import ascii_uppercase

from asktell.insight import importance
from asktell.reports.matters import importance_table
from asktell.reports.page import Block, Cell, Folded, Prose, Row, Section, Table
from asktell.reports.pictures import Gallery
from asktell.reports.trust import verdict
from asktell.reports.words import listed
from strategies.costs import Cost, Costs
from strategies.objective import ACCURACY
from strategies.record import FP32_LABEL, Record, options_of


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


def left_out_section(record: Record) -> Section | None:
    """Return the section on what cannot be tuned; None where all can, or it is not known."""
    if not record.left_out:
        return None
    rows = tuple(
        Row((Cell(one.name, one.name), Cell(one.type, one.type), Cell(one.reason, one.reason)))
        for one in record.left_out
    )
    table = Table(
        "They stay as they are in every trial",
        ("operation", "type", "why"),
        (False, False, False),
        rows,
        sortable=True,
    )
    return Section("left-out", "What cannot be tuned", (table,))


# --- what it costs ---


def costs_section(record: Record, costs: Costs, gallery: Gallery) -> Section:
    """Return the section on what quantising each operation costs."""
    clear = [cost for cost in costs.costs if cost.is_clear and cost.points > 0.0]
    gains = [cost for cost in costs.costs if cost.is_clear and cost.points < 0.0]
    unit, factor = ("percentage points", 100.0) if _is_share(record) else ("its own unit", 1.0)
    if clear or gains:
        sentences = []
        for some, verb in ((clear, "costs"), (gains, "gains")):
            parts = [f"{one.operation} ({abs(one.points) * factor:.2g})" for one in some]
            if parts:
                sentences.append(f"quantising {verb} accuracy, in {unit}: {listed(parts)}.")
        text = f"As the model sees it, {' And '.join(sentences)}"
        if len(clear) + len(gains) < len(costs.costs):
            text += " Of the others, the trials do not tell whether it does."
    else:
        text = "The trials do not tell of any operation whether quantising it costs accuracy."
    blocks: list[Block] = [Prose(text), Prose(verdict(costs.trust))]
    if costs.costs:
        effects = _effects(record)
        rows = tuple(
            Row((*cells[:-1], *effects.get((cost.operation, cost.option), ()), cells[-1]))
            for cost, cells in ((cost, _cost_cells(cost, factor)) for cost in costs.costs)
        )
        caption = f"The accuracy that is lost, in {unit}, while the rest stays as in the best model"
        is_timed = record.knowledge is not None and record.knowledge.fastest is not None
        beforehand = ("damage alone", "bytes", *(["time"] if is_timed else []), "multiplications")
        beforehand = beforehand if effects else ()
        if effects:
            caption += "; and what was known before the first trial"
        columns = ("operation", "option", "costs", "±", "how sure", *beforehand, "trials in FP32")
        numeric = (False, False, True, True, False, *(True for _ in beforehand), True)
        blocks.append(Table(caption, columns, numeric, rows, sortable=True))
    shares = importance(costs.known, ACCURACY)
    table = Folded("These shares as numbers", (importance_table(shares),))
    blocks += [gallery.importance(shares), table]
    return Section("costs", "What each operation costs", tuple(blocks))


def _is_share(record: Record) -> bool:
    base = record.goal.baseline.accuracy
    return base is not None and 0.0 <= base <= 1.0


def _cost_cells(cost: Cost, factor: float) -> tuple[Cell, ...]:
    option = cost.option if cost.is_quantised else f"FP32; at best {cost.option}"
    how = "clear" if cost.is_clear else "the model cannot tell"
    return (
        Cell(cost.operation, cost.operation),
        Cell(option, option),
        Cell(f"{cost.points * factor:.2f}", cost.points),
        Cell(f"{cost.deviation * factor:.2f}", cost.deviation),
        Cell(how, how),
        Cell(f"{cost.n_fp32:,}", cost.n_fp32),
    )


def _effects(record: Record) -> dict[tuple[str, str], tuple[Cell, ...]]:
    """Return what was measured beforehand of every option, by operation and option.

    A damage is a percentage: the square root of the squared change of the outputs beside theirs; so
    is a time, of the FP32 model's.
    """
    if record.knowledge is None or not record.knowledge.measured:
        return {}
    is_timed = record.knowledge.fastest is not None
    return {
        (one.name, effect.option): (
            Cell(f"{100.0 * math.sqrt(effect.damage):.2g} %", effect.damage),
            Cell(f"{effect.size:+,.0f}", effect.size),
            *([Cell(f"{100.0 * effect.time:+.1f} %", effect.time)] if is_timed else []),
            Cell(f"{one.multiplications:,}", one.multiplications),
        )
        for one in record.knowledge.operations
        for effect in one.effects
    }
