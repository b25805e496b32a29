"""What tuners came to, read from their records, as tables in Markdown."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any

from attrs import frozen
from real_models import MODELS

RECORDS = Path(__file__).parent / "records_tuners"
CRITERIA: dict[str, dict[str, float]] = {"1 %": {"relative": 0.01}, "no loss": {"absolute": 0.0}}
WITHIN = 20

Trial = list[Any]
Record = dict[str, Any]
"""One run, a line of the file.

``trials`` are lists of accuracy, bytes, seconds of the tuner, seconds of the measurement, digest
and share of the rows that were evaluated; None twice, and the reason as the digest, where it
failed.
``baseline`` is the accuracy and the bytes of the FP32 model, ``latency`` its milliseconds and those
of the best model, measured in turns; ``wall`` and ``evaluating`` are seconds of the whole, and of
measurements within; ``error`` is what the tuner ended in, if it did.
"""

Key = tuple[str, str, int]
Records = dict[Key, Record]


def read(name: str) -> Records:
    """Return the records of a tuner."""
    path = RECORDS / f"{name}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    records = [json.loads(line) for line in lines]
    return {(r["model"], r["criterion"], r["seed"]): r for r in records}


def write(name: str, records: Records) -> None:
    """Write the records of a tuner, a line each."""
    RECORDS.mkdir(exist_ok=True)
    order = {key: place for place, key in enumerate((m, c) for m in MODELS for c in CRITERIA)}
    rows = sorted(records.values(), key=lambda r: (order[r["model"], r["criterion"]], r["seed"]))
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    (RECORDS / f"{name}.jsonl").write_text(text, encoding="utf-8")


def meets(model: str, criterion: str, accuracy: float) -> bool:
    """Tell whether an accuracy meets a criterion, up to what is rounded in the records."""
    of = MODELS[model]
    (kind, loss), *_ = CRITERIA[criterion].items()
    short = of.accuracy - accuracy if of.higher_is_better else accuracy - of.accuracy
    return short <= (loss * of.accuracy if kind == "relative" else loss) + 1e-6


@frozen
class Outcome:
    """What a run came to.

    ``first`` counts evaluations of all rows, those of some rows as the share that they are; None
    where no model met the criterion, and then ``bytes`` are those of the FP32 model.
    """

    first: float | None
    bytes: int
    faster: float | None
    repeated: int
    failed: int
    own_seconds: float
    error: str | None


def outcome(record: Record, within: float = WITHIN) -> Outcome:
    """Return what a run came to within so many evaluations."""
    spent, first, sizes, seen, repeated = 0.0, None, [], set(), 0
    for accuracy, found, _, _, digest, share in record["trials"]:
        if round(spent + share, 6) > within:
            break
        spent += share
        if accuracy is None or share < 1.0:
            continue
        repeated += digest in seen
        seen.add(digest)
        if meets(record["model"], record["criterion"], accuracy):
            first = spent if first is None else first
            sizes.append(found)
    latency = record["latency"]
    return Outcome(
        first,
        min(sizes, default=record["baseline"][1]),
        latency[0] / latency[1] if latency else None,
        repeated,
        sum(trial[0] is None for trial in record["trials"]),
        (record["wall"] - record["evaluating"]) / max(1, len(record["trials"])),
        record["error"],
    )


def page(tuners: dict[str, Records]) -> str:
    """Return a table for each criterion, and one of sums."""
    parts = []
    for criterion in CRITERIA:
        parts += [f"**{criterion}**", "", *_table(tuners, criterion), ""]
    return "\n".join([*parts, *_sums(tuners)])


def _table(tuners: dict[str, Records], criterion: str) -> list[str]:
    names = [name.replace("_", " ") for name in tuners]
    lines = [f"| model | {' | '.join(names)} |", "|---" * (1 + len(tuners)) + "|"]
    for model in MODELS:
        cells = [_cell(_outcomes(records, model, criterion)) for records in tuners.values()]
        lines.append(f"| {model} | {' | '.join(cells)} |")
    return lines


def _outcomes(records: Records, model: str, criterion: str) -> list[Outcome]:
    chosen = [record for key, record in records.items() if key[:2] == (model, criterion)]
    return [outcome(record) for record in chosen]


def _cell(outcomes: list[Outcome]) -> str:
    """Return the first evaluation that meets, the bytes in thousands and how much faster it is."""
    if not outcomes:
        return ""
    met = [one for one in outcomes if one.first is not None]
    error = next((one.error.split(":")[0].strip("`") for one in outcomes if one.error), "")
    if not met:
        return f"never {error}".strip()
    first = median(one.first or 0.0 for one in met)
    size = median(one.bytes for one in outcomes) / 1000
    faster = median(one.faster or 1.0 for one in met)
    missed = f" ({len(met)} of {len(outcomes)})" if len(met) < len(outcomes) else ""
    return f"{first:.3g}{missed}, {size:.1f}, {faster:.2f}" + (f" {error}" if error else "")


def _sums(tuners: dict[str, Records]) -> list[str]:
    """Return, over all cells: how many are met, bytes relative to FP32, repeats, own seconds."""
    head = ("tuner", "criteria met", "bytes of FP32", "repeated", "failed", "own seconds", "errors")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, records in tuners.items():
        outcomes = [(record, outcome(record)) for record in records.values()]
        if not outcomes:
            continue
        shares = [one.bytes / record["baseline"][1] for record, one in outcomes]
        values = (
            f"{sum(one.first is not None for _, one in outcomes)} of {len(outcomes)}",
            f"{sum(shares) / len(shares):.3f}",
            sum(one.repeated for _, one in outcomes),
            sum(one.failed for _, one in outcomes),
            f"{median(one.own_seconds for _, one in outcomes):.2f}",
            sum(one.error is not None for _, one in outcomes),
        )
        lines.append(f"| {name} | {' | '.join(map(str, values))} |")
    return lines
