"""The model of one outcome, in the outcome's own unit and direction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import evolve, frozen

from asktell.asking.evidence import dataset_of, signs_of
from asktell.asking.know import model_of
from asktell.asking.suggest import fit_of
from asktell.errors import NothingObservedError
from asktell.insight.subject import Study, state_of
from asktell.model.blas import one_blas_thread
from asktell.model.calibration import calibrated
from asktell.model.gp import GaussianProcesses
from asktell.model.kernels import Array
from asktell.model.posterior import Posterior
from asktell.state import State, apply
from asktell.study.events import Fitted


def fitted(study: Study) -> State:
    """Return the state with the model's hyper-parameters as they are found from all of its reports.

    The search for them takes most of the time of an insight: begin with this where several follow,
    as they use what is found. Where the last search is recent enough, or nothing is observed, the
    state is returned as it is.

    Args:
        study: an engine, a state, or anything with a ``state``; left as it is.
    """
    state = state_of(study)
    if not state.n_observed:
        return state
    with one_blas_thread(), np.errstate(all="ignore"):
        data = dataset_of(state).thinned(state.problem.method.n_modelled)
        found = fit_of(state, evolve(data, pending=data.pending[:0]))
    return state if found is state.fit else apply(state, Fitted(found, None))


@frozen(eq=False)
class Surrogate:
    """What the model believes of one outcome, by its first member, whose scale is the outcome's.

    Attributes:
        process: that member.
        location: the number in the outcome's unit whose value is 0.
        scale: of a value in the outcome's unit; negative where the outcome is minimised.
        stretch: by what deviations are multiplied in reports; see ``model/calibration.py``.
        noise: the variance of the noise of the targets, as the member sees them.
    """

    process: GaussianProcesses
    location: float
    scale: float
    stretch: float
    noise: float

    def mean(self, points: Array) -> Array:
        """Return means (m,) at points (m, d)."""
        values = np.asarray(self.process.predict(points))
        return np.asarray(values[:, 0] * self.scale + self.location)

    def at(self, points: Array) -> tuple[Array, Array]:
        """Return means and deviations (m,) at points (m, d)."""
        mean, deviation = self.process.predict(points, return_std=True)
        return self._in_units(mean[:, 0], deviation[:, 0])

    def averages(
        self, points: Array, dimensions: Sequence[int], moved: Array
    ) -> tuple[Array, Array]:
        """Return means and deviations (g,) of averages; see ``GaussianProcesses.averages``."""
        return self._in_units(*self.process.averages(points, dimensions, moved))

    def _in_units(self, mean: Array, deviation: Array) -> tuple[Array, Array]:
        return mean * self.scale + self.location, deviation * abs(self.scale) * self.stretch


def surrogate_of(state: State, outcome: int) -> Surrogate:
    """Return the model of an outcome.

    Raises:
        NothingObservedError: nothing is observed yet, or no model can be made of it.
    """
    posterior = posterior_for(state)
    column = posterior.columns[outcome].start
    location, scale = posterior.seen[column].unit
    sign = float(signs_of(state.problem)[outcome])
    assert posterior.processes is not None  # no outcome is given here
    return Surrogate(
        posterior.processes.alone(column),
        sign * location,
        sign * scale,
        float(posterior.calibration[outcome]),
        posterior.noise(outcome),
    )


def posterior_for(state: State) -> Posterior:
    """Return what is believed of all outcomes, with the deviations that reports have.

    Raises:
        NothingObservedError: nothing is observed yet, or no model can be made of it.
    """
    if not state.n_observed:
        raise NothingObservedError("the model knows nothing yet: observe a target first")
    try:
        return calibrated(model_of(state))
    except np.linalg.LinAlgError:
        message = "no model can be made of what is observed: its kernel matrix is singular"
        raise NothingObservedError(message) from None
