"""The report of a study: its sections in order, and the file."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

import asktell
from asktell.errors import NothingObservedError
from asktell.insight import (
    Fitted,
    Importance,
    LeftOut,
    Progress,
    Study,
    fitted,
    importance,
    left_out,
    progress,
    timeline,
)
from asktell.insight.subject import state_of
from asktell.reports.answer import answer_of, answer_section, at_edge, lead_of
from asktell.reports.failing import failed_of, failures_section
from asktell.reports.matters import importance_table, matters_section, ranking_text, sees_anything
from asktell.reports.page import Block, Folded, Page, Prose, Section
from asktell.reports.pictures import Gallery
from asktell.reports.rendering import rendered
from asktell.reports.reproducing import reproducing_section
from asktell.reports.search import search_section
from asktell.reports.trial_table import trials_section
from asktell.reports.trust import trust_section
from asktell.reports.wanted import title_of
from asktell.reports.words import moment
from asktell.reports.workers import workers_section
from asktell.state import State
from asktell.store.files import replace
from asktell.study.views import Observation

_RETRY = (
    "Once the cause is mended, engine.retry_failed() puts them back in the queue; on the command "
    "line it is: asktell retry STATE --failed"
)


def write_report(study: Study, path: str | os.PathLike[str], *, now: float | None = None) -> None:
    """Write the report of a study to a file; one that is there is written anew.

    Args:
        study: an engine, a state, or anything with a ``state``.
        path: of the file.
        now: the moment it is written, in seconds since 1970, to be shown; None to show none.

    Raises:
        MissingExtraError: an ``ImportError``; the packages jinja2 or matplotlib are not installed.
        OSError: the file cannot be written.
    """
    text = report(study, now=now)  # nothing is written unless all of it is there
    replace(Path(path), text.encode())


def report(study: Study, *, now: float | None = None) -> str:
    """Return the report of a study as one HTML page that needs nothing else, nor a network.

    It says what the best is, how it was found, which parameters mattered, how good the model is,
    and what failed and why; it shows the trials, and holds the whole study to go on with.

    Args:
        study: an engine, a state, or anything with a ``state``.
        now: the moment it is written, in seconds since 1970, to be shown; None to show none.

    Raises:
        MissingExtraError: an ``ImportError``; the packages jinja2 or matplotlib are not installed.
    """
    with np.errstate(all="ignore"):  # scales of pictures overflow where numbers are huge
        page = page_of(state_of(study), now)
    return rendered(page)


def page_of(state: State, now: float | None) -> Page:
    """Return the report of a state as values."""
    known, answer, spans = _known(state), answer_of(state), timeline(state)
    gallery, came = Gallery(known or state), progress(state)
    sections = [
        answer_section(state, answer),
        search_section(state, came, _curves(state, gallery, came)),
        *_model_sections(known, gallery, state, answer.best),
        failures_section(state.space, failed_of(state), _succeeded(state), _RETRY),
        trials_section(state, answer),
        workers_section(spans, (gallery.timeline(spans),) if len(spans.starts) else ()),
        reproducing_section(state),
    ]
    written = "" if now is None else f" on {moment(now)}"
    return Page(
        title_of(state.problem),
        lead_of(state, answer),
        tuple(section for section in sections if section is not None),
        f"Written by asktell {asktell.__version__}{written}.",
    )


def _known(state: State) -> Fitted | None:
    """Return the state with its models; None where nothing is measured, or no model can be made."""
    try:
        return fitted(state) if state.n_observed else None
    except NothingObservedError:
        return None


def _succeeded(state: State) -> list[dict[str, Any]]:
    return [trial.params for trial in state.kept if trial.is_observed]


def _curves(state: State, gallery: Gallery, came: Progress) -> tuple[Block, ...]:
    """Return how the objectives came along; nothing where nothing is over."""
    names = [state.problem.outcomes[i].name for i in state.problem.objectives]
    if not state.n_over:
        return ()
    if len(names) == 1:
        return (gallery.progress(names[0], came),)
    if not state.n_observed:
        return ()
    every = tuple(gallery.progress(name, came) for name in names)
    return gallery.front(), gallery.hypervolume(), Folded("Objective by objective", every)


def _model_sections(
    known: Fitted | None, gallery: Gallery, state: State, best: Observation | None
) -> list[Section | None]:
    """Return what mattered and how sure the model is; nothing where there is no model."""
    if known is None:
        return []
    problem, edges = state.problem, at_edge(state, best) if best else []
    names = [problem.outcomes[i].name for i in problem.objectives]
    names += [one.name for one in problem.outcomes if one.name not in names]
    important = [importance(known, name) for name in names]
    trusted = [left_out(known, name) for name in names]
    drawn = [_pictures(gallery, one, best) for one in important]
    others: list[Block] = []
    for one, pictures in zip(important[1:], drawn[1:], strict=True):
        inside: list[Block] = [Prose(ranking_text(one)), *pictures]
        others.append(Folded(f"The same for {one.outcome}", tuple(inside)))
    checked = tuple((one, _compared(gallery, one)) for one in trusted)
    return [matters_section(important[0], edges, drawn[0], tuple(others)), trust_section(checked)]


def _pictures(gallery: Gallery, known: Importance, best: Observation | None) -> tuple[Block, ...]:
    """Return the pictures of an outcome; none where the model sees no difference to draw."""
    if not sees_anything(known):
        return ()
    if len(known.names) == 1:
        return (gallery.slices(known, best),)
    table = Folded("These shares as numbers", (importance_table(known),))
    return gallery.importance(known), table, gallery.slices(known, best)


def _compared(gallery: Gallery, known: LeftOut) -> tuple[Block, ...]:
    return () if math.isnan(known.explained) else (gallery.left_out(known.outcome),)
