"""When the model is fitted, and to what: the hyper-parameters of a state."""

from __future__ import annotations

import numpy as np

from asktell.asking.evidence import dataset_of, n_reports
from asktell.asking.revisit import NOISY, is_noisy
from asktell.model.dataset import Dataset
from asktell.model.members import (
    MODEL,
    MODEL_WITH_TRENDS,
    Found,
    fit_earlier,
    fit_first,
    fit_members,
    sources_of,
)
from asktell.model.posterior import posterior_of
from asktell.state import State
from asktell.study.events import Fit

_FITTED = 256
"""The most points that a fit sees, as the time of each of its steps grows with their third power.
Not tuned by itself; docs/decisions, number 3, has what it saves together with others."""


def fit_of(state: State, data: Dataset) -> Fit:
    """Return hyper-parameters for the data: the last ones until a tenth more reports have come.

    So the number of fits grows with the logarithm of the number of reports. The tenth was measured
    only together with other savings: see docs/decisions, number 3.
    """
    last = _last_fit(state, data)
    if last is not None and not _is_due(state, last):
        return last
    domain = state.space.domain
    earlier = last.earlier if last else fit_earlier(domain, data)
    sources = sources_of(domain, data, earlier)
    found = fit_members(domain, data.thinned(_FITTED), last.found if last else None, sources)
    return Fit(_model_of(data), n_reports(state), found, earlier)


def _is_due(state: State, last: Fit) -> bool:
    return n_reports(state) >= last.n + max(1, last.n // 10)


def _last_fit(state: State, data: Dataset) -> Fit | None:
    """Return the last fit, if it is of the model and of what is to be modelled."""
    last = state.fit
    if last is None or last.model != _model_of(data) or not _fits(last, data):
        return None
    return last


def _model_of(data: Dataset) -> str:
    return MODEL_WITH_TRENDS if data.trends else MODEL


def infers_noise(state: State, outcome: int) -> bool:
    """Tell whether an outcome counts as noisy whose deviations were told as 0, or not at all.

    It is what ``is_noisy`` says of the posterior, from the hyper-parameters of one member alone.
    """
    data = dataset_of(state).thinned(state.problem.method.n_modelled)
    if data.earlier:
        fit = fit_of(state, data)
        posterior = posterior_of(state.space.domain, data, fit.found, None, fit.earlier)
        return is_noisy(posterior, outcome)
    last = _last_fit(state, data)
    if last is not None and not _is_due(state, last):
        first = last.found[outcome][0]
    else:
        seen = data.thinned(_FITTED)
        first = fit_first(state.space.domain, seen, last.found if last else None, outcome)
    inferred = np.where(np.isnan(data.deviations[:, outcome]), first.noise, 0.0)
    return float(np.median(inferred)) >= NOISY


def _fits(fit: Fit, data: Dataset) -> bool:
    """Tell whether a fit has hyper-parameters for just what is to be modelled."""
    if len(fit.earlier) != len(data.earlier):
        return False
    pairs = zip((fit.found, *fit.earlier), (data, *data.earlier), strict=True)
    return all(_is_of(found, part) for found, part in pairs)


def _is_of(found: Found, data: Dataset) -> bool:
    *outcomes, success = found
    modelled = all(
        bool(members) is (use != "given") for members, use in zip(outcomes, data.uses, strict=True)
    )
    return modelled and bool(success) is bool(len(data.failed))
