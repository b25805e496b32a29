"""The report of a tuning run: the best model first, and what there was to choose from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import asktell as at
from asktell.reports.failing import Failed, failures_section
from asktell.reports.page import Page, Section
from asktell.reports.pictures import Gallery
from asktell.reports.rendering import rendered
from asktell.reports.words import listed, moment
from asktell.store.files import replace
from strategies.costs import costs_of
from strategies.operations import choices_section, costs_section, left_out_section
from strategies.record import Record, Run, record_of
from strategies.sections import (
    answer_section,
    front_section,
    go_on_section,
    lead_of,
    trials_section,
)

_NAMES = {"modelsize": "size", "performance": "latency", "footprint": "memory"}


def write_report(
    run: Run,
    path: str | os.PathLike[str],
    *,
    model: str | None = None,
    now: float | None = None,
) -> None:
    """Write the report of a tuning run as one HTML file; one that is there is written anew.

    Args:
        run: a strategy, or the ``dicts`` of one, as ``load_history`` returns them.
        path: of the file.
        model: the path under which the best model is saved, to be named in the report.
        now: the moment it is written, in seconds since 1970, to be shown; None to show none.

    Raises:
        ResumeError: a ``ValueError`` that names the path; the history is corrupt.
        MissingExtraError: an ``ImportError``; the packages jinja2 or matplotlib are not installed.
        OSError: the file cannot be written.
    """
    replace(Path(path), report(run, model=model, now=now).encode())


def report(run: Run, *, model: str | None = None, now: float | None = None) -> str:
    """Return the report of a tuning run as HTML; the arguments are as for :func:`write_report`.

    Raises:
        ResumeError: a ``ValueError`` that names the path; the history is corrupt.
        MissingExtraError: an ``ImportError``; the packages jinja2 or matplotlib are not installed.
    """
    record = record_of(run)
    footer = f"Written by asktell {at.__version__}{'' if now is None else f' on {moment(now)}'}."
    if record is None:
        lead = ("The run has not begun: the FP32 model is not measured yet.",)
        return rendered(Page("Tuning a model", lead, (), footer))
    goals = record.goal.objectives
    sections = tuple(one for one in _sections(record, model) if one is not None)
    title = f"Tuning a model for {listed([_NAMES.get(one.name, one.name) for one in goals])}"
    return rendered(Page(title, lead_of(record), sections, footer))


def _sections(record: Record, model: str | None) -> Iterator[Section | None]:
    yield answer_section(record, model)
    if record.measured:
        gallery, costs = Gallery(record.study(with_baseline=False)), costs_of(record)
        yield front_section(record, gallery)
        yield choices_section(record)
        if costs is not None:
            yield costs_section(record, costs, gallery)
    yield left_out_section(record)
    failed = [Failed(one.number, one.params, one.failure) for one in record.trials if one.failure]
    yield failures_section(record.space, failed, [one.params for one, _ in record.measured])
    yield trials_section(record)
    yield go_on_section(record)
