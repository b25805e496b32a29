"""What is tried before the model knows anything: places of earlier studies, what trends say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from attrs import frozen

from asktell.acquisition.design import initial_point
from asktell.acquisition.maximiser import maximise
from asktell.asking.evidence import dataset_of, earlier_of, n_reports
from asktell.model.dataset import Dataset
from asktell.model.kernels import Array, squared_distances
from asktell.model.members import embedding_of
from asktell.space.axes import Indices
from asktell.space.narrowed import Narrowed
from asktell.space.trend import Sums
from asktell.state import State
from asktell.study.outcomes import Outcome

_BETWEEN = (1,)
"""Trials of the initial design between those of earlier studies. As long as all trials lie where an
earlier study is good, nothing tells whether it is right."""

_LEAST, _MOST = 2, 4
"""How many places of earlier studies are tried: one of each study, but so many at least and at
most. More of one study cost too much where it misleads."""

_DRAWN = 256
"""Random points from which the deviation of a trend is worked out; not tuned."""

_BEST = 0.1
"""The share of an earlier study's points that count as its best."""


def n_first(state: State) -> int:
    """Return how many trials come before the model is asked.

    They are fewer with earlier studies, as long as the best trial is one of theirs.
    """
    n_initial, studies = state.problem.method.n_initial, _studies(state)
    fewer = _tries(len(studies)) + len(_BETWEEN)
    if not studies or fewer >= n_initial or not state.n_observed:
        return n_initial
    return fewer if _is_of(studies, state) else n_initial


def place_to_try(state: State, part: Narrowed) -> Array | None:
    """Return the point (d,) of an earlier study to try now; None where it is the design's turn.

    The first is the best of the first study, the next the best of the next one. Once all had their
    turn, and if what they said was good, it is one of the best of a study: the one that is farthest
    from all that is tried.
    """
    trial = n_reports(state) + len(state.out)
    turn = trial - sum(trial > place for place in _BETWEEN)
    studies = _studies(state)
    if trial in _BETWEEN or not studies or turn >= _tries(len(studies)):
        return None
    if turn >= len(studies) and state.n_observed and not _is_of(studies, state):
        return None
    data = studies[turn % len(studies)]
    places = data.points[data.order]
    if part.fixed:
        places = part.domain.snap(places)
    free = [not state.is_taken(values) for values in part.decode(places)]
    best = places[free][: len(_best(data))]
    if not len(best):
        return None
    if turn < len(studies):
        return np.asarray(best[0])
    tried = state.space.encode([one.configuration.values for one in state.kept])
    features = embedding_of(state.space.domain, best, tried)
    distances = squared_distances(features(best), features(tried)).min(axis=1)
    return np.asarray(best[np.argmax(distances)])


def design_point(state: State, part: Narrowed, number: int) -> Array:
    """Return the point (d,) of the initial design that suggestion ``number`` is.

    After places of earlier studies the design goes on where it was: it begins at its first point,
    which is a good one.
    """
    seed = state.problem.seed
    for index in range(max(number - _MOST, 0), number) if _studies(state) else ():
        point = initial_point(part.domain, seed, index)
        if not state.is_taken(part.decode(point[None])[0]):
            return point
    return initial_point(part.domain, seed, number)


def _is_of(studies: list[Dataset], state: State) -> bool:
    """Tell whether the best trial is one of the best of an earlier study."""
    data = dataset_of(state)
    best = data.points[data.order[0]]
    return any(bool((study.points[_best(study)] == best).all(axis=1).any()) for study in studies)


def _best(study: Dataset) -> Indices:
    """Return the rows of a study's best points, the best first."""
    return study.order[: max(1, round(_BEST * len(study.order)))]


def _studies(state: State) -> list[Dataset]:
    """Return the earlier studies that measured the objectives."""
    if not state.earlier:
        return []
    objectives = state.problem.objectives
    return [
        data
        for data in earlier_of(state)
        if all(data.uses[objective] != "given" for objective in objectives)
    ]


def _tries(n: int) -> int:
    return min(max(n, _LEAST), _MOST)


# --- trends ---


@frozen(eq=False)
class _Hope:
    """The sum of what trends say, as a score of points: the greater, the better."""

    parts: tuple[Sums, ...]

    def __call__(self, points: Array) -> Array:
        return np.asarray(sum(part(points) for part in self.parts))

    def with_gradient(self, points: Array) -> tuple[Array, Array]:
        parts = [part.with_gradient(points) for part in self.parts]
        return self(points), np.asarray(sum(slope for _, slope in parts))


def hoped_point(
    state: State, part: Narrowed, trends: Mapping[str, Sums], random: np.random.Generator
) -> Array | None:
    """Return the point (d,) that trends say most of; None after the first trial.

    They are added up, each in units of its deviation over the space. Where no trend says anything
    of a parameter, it is where a search begins.
    """
    if len(state.history):
        return None
    domain = part.domain
    drawn = domain.sample(np.random.default_rng(0).random((_DRAWN, domain.dim)))
    parts = []
    for outcome in state.problem.outcomes:
        if outcome.name in trends and (sign := _wanted(outcome)):
            deviation = float(trends[outcome.name](drawn).std())
            parts += [trends[outcome.name].times(sign / deviation)] if deviation > 0.0 else []
    if not parts:
        return None
    method = state.problem.method
    start = initial_point(domain, state.problem.seed, 0)
    point = maximise(
        _Hope(tuple(parts)), domain, random, method.n_candidates, method.n_starts, start[None]
    )
    if domain.limits is None:
        silent = ~np.any([part.says_of(domain.dim) for part in parts], axis=0)
        point = np.where(silent, start, point)
    return point


def _wanted(outcome: Outcome) -> float:
    """Return 1 where an outcome should be great, -1 where it should be small, 0 for neither."""
    if outcome.goal is not None:
        return outcome.sign
    return float(outcome.at_least is not None) - float(outcome.at_most is not None)
