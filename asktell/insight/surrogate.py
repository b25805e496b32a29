"""The model that insights come from: one of each outcome as it was told, over all of the space.

The members that suggestions come from cut or warp what is bad, for they are after the best. Looked
at over all of the space, they are flat where the outcome is bad. So insights have a member of their
own, which sees the outcome as it is, but for values that are far off; docs/decisions, number 12,
has how they compare.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen

from asktell.asking.evidence import dataset_of, signs_of
from asktell.errors import NothingObservedError
from asktell.insight.subject import Study, state_of
from asktell.model.blas import one_blas_thread
from asktell.model.calibration import stretch
from asktell.model.dataset import Dataset
from asktell.model.gp import GaussianProcesses, Noise, condition, fit
from asktell.model.kernels import Array
from asktell.model.members import Member, embedding_of
from asktell.model.warping import Function, Seen, seen, unchanged
from asktell.space.axes import Indices
from asktell.space.domain import Domain
from asktell.state import State

_FENCE = 10.0
"""So many times the distance of the quartiles below them a target is cut, as a loss of 1e10 would
drown all others. Not tuned: on the functions that insights were compared on nothing is cut."""

_FITTED = 256
"""The most points that the search for hyper-parameters sees, as for suggestions."""

_FLOORS = (1e-7, 1e-4, 1e-2)
"""The least noise; the next where the kernel matrix cannot be factorised with the one before."""


@frozen(eq=False)
class Surrogate:
    """What the model believes of one outcome, in its own unit.

    Attributes:
        process: the Gaussian process, a single member; it maximises.
        observed: what was told at its points (n,); means of replicates.
        location: the number in the outcome's unit whose value is 0.
        scale: of a value in the outcome's unit; negative where the outcome is minimised.
        stretch: by what deviations are multiplied; see ``model/calibration.py``.
        trials: the numbers of the trials of the points (n,).
    """

    process: GaussianProcesses
    observed: Array
    location: float
    scale: float
    stretch: float
    trials: Indices

    def values(self, points: Array) -> Array:
        """Return means (m,) at points (m, d) as the process has them: of a size that squares."""
        return np.asarray(self.process.predict(points))[:, 0]

    def at(self, points: Array) -> tuple[Array, Array]:
        """Return means and deviations (m,) at points (m, d)."""
        mean, deviation = self.process.predict(points, return_std=True)
        return self.in_units(mean[:, 0]), self.deviations(deviation[:, 0])

    def averages(
        self, points: Array, dimensions: Sequence[int], moved: Array
    ) -> tuple[Array, Array]:
        """Return means and deviations (g,) of averages; see ``GaussianProcesses.averages``."""
        mean, deviation = self.process.averages(points, dimensions, moved)
        return self.in_units(mean), self.deviations(deviation)

    def difference(self, points: Array) -> float:
        """Return how sure the model is of the difference of its function at two points (2, d)."""
        covariance = self.process.joint(points, 0)[1]
        variance = covariance[0, 0] + covariance[1, 1] - 2.0 * covariance[0, 1]
        return float(self.deviations(np.sqrt(np.maximum(variance, 0.0))))

    def in_units(self, values: Array) -> Array:
        """Return values of the process in the outcome's unit."""
        return np.asarray(values * self.scale + self.location)

    def deviations(self, values: Array) -> Array:
        """Return deviations of the process in the outcome's unit, stretched."""
        return np.asarray(values * abs(self.scale) * self.stretch)


@frozen(eq=False)
class Fitted:
    """A state with the models of its outcomes; every insight takes it in place of the study.

    Attributes:
        state: what was looked at.
        models: one for every outcome; empty where nothing is observed.
    """

    state: State
    models: tuple[Surrogate, ...]


def fitted(study: Study) -> Fitted:
    """Return a study with the model fitted, for several insights or pictures of it.

    The search for hyper-parameters takes most of the time of an insight. Those that are given what
    this returns use its models, where each would make its own.

    Args:
        study: an engine, a state, or anything with a ``state``; left as it is.
    """
    if isinstance(study, Fitted):
        return study
    state = state_of(study)
    if not state.n_observed:
        return Fitted(state, ())
    outcomes = range(len(state.problem.outcomes))
    return Fitted(state, tuple(surrogate_of(state, place) for place in outcomes))


def surrogate_of(study: Any, outcome: int) -> Surrogate:
    """Return the model of an outcome.

    Raises:
        NothingObservedError: nothing is observed yet, or no model can be made of it.
    """
    state = state_of(study)
    if not state.n_observed:
        raise NothingObservedError("the model knows nothing yet: observe a target first")
    if isinstance(study, Fitted):
        return study.models[outcome]
    with one_blas_thread(), np.errstate(all="ignore"):
        return _made(state, outcome)


def _made(state: State, outcome: int) -> Surrogate:
    data = dataset_of(state).thinned(state.problem.method.n_modelled)
    low, high = data.bounds[outcome]
    view = seen(_far_cut, data.targets[:, outcome], low, high)
    process = _process(state.space.domain, data, outcome, view)
    means, deviations = process.left_out()
    sign = float(signs_of(state.problem)[outcome])
    location, scale = view.unit
    return Surrogate(
        process,
        sign * data.targets[:, outcome],
        sign * location,
        sign * scale,
        stretch(np.abs(view.values - means[0]) / deviations[0]),
        _owners(state, data.points),
    )


def _process(domain: Domain, data: Dataset, outcome: int, view: Seen) -> GaussianProcesses:
    embedding, part = embedding_of(domain, data.points), data.thinned(_FITTED)
    for floor in _FLOORS:
        member = Member(_far_cut, noise_mode=-8.0, noise_spread=3.0, noise_floor=floor)
        prior = member.prior(domain)
        noise, fewer = (_noise(some, outcome, view, floor) for some in (data, part))
        try:
            (found,) = fit(
                embedding,
                [prior],
                part.points,
                view.of(part.targets[:, outcome])[None],
                fewer,
                [[prior.mode()]],
            )
            return condition(embedding, [found], data.points, view.values[None], noise)
        except np.linalg.LinAlgError:
            continue
    message = "no model can be made of what is observed: its kernel matrix is singular"
    raise NothingObservedError(message)


def _noise(data: Dataset, outcome: int, view: Seen, floor: float) -> Noise:
    known = view.variances(data.targets[:, outcome], data.deviations[:, outcome])
    return Noise(data.counts, np.maximum(known, floor)[None])  # NaN stays


def _owners(state: State, points: Array) -> Indices:
    """Return the numbers of the trials that lie at points."""
    trials = [trial for trial in state.kept if trial.is_observed]
    encoded = state.space.encode([trial.configuration.values for trial in trials])
    numbers = {point.tobytes(): t.number for point, t in zip(encoded, trials, strict=True)}
    return np.array([numbers[point.tobytes()] for point in points], dtype=np.int64)


def _far_cut(targets: Array, low: float, high: float) -> Function:
    """Raise targets that lie very far below the others; those near a bound stay."""
    first, third = np.quantile(targets, [0.25, 0.75])
    reach = _FENCE * (third - first)
    below = min([first - reach, *(bound for bound in (low, high) if np.isfinite(bound))])
    if not reach > 0.0:
        return unchanged(targets, low, high)
    return lambda numbers: np.asarray(np.maximum(numbers, below))
