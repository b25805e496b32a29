"""The members of the model: Gaussian processes that differ in what they assume of an outcome.

Each sees the targets warped in its own way and has its own prior on the noise; the acquisition
averages over them. How many an outcome has depends on what it is for. The members of all outcomes
stand side by side, as they share their points: then one call serves all.

Whether an evaluation succeeds is modelled like an outcome, once one has failed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from attrs import evolve, frozen

from asktell.model.dataset import Dataset, Use
from asktell.model.earlier import Guide, guide_of
from asktell.model.gp import GaussianProcesses, Hyperparameters, Noise, Prior, condition, fit
from asktell.model.kernels import Array, Embedding
from asktell.model.sources import EarlierStudy, Source, trend_source
from asktell.model.warping import (
    Seen,
    Warp,
    log_gap,
    power_transformed,
    seen,
    spread_at_bound,
    tukey_winsorised,
    unchanged,
    winsorised,
)
from asktell.space.axes import Axis
from asktell.space.domain import Domain


@frozen
class Member:
    """What one Gaussian process assumes: how targets are warped, and its prior on the noise.

    ``noise_mode`` is the mode in the logarithm of the variance.
    """

    warp: Warp
    noise_mode: float
    noise_spread: float
    noise_floor: float

    def prior(self, domain: Domain) -> Prior:
        """Return the prior for the d axes of a domain.

        Length scales follow the LogNormal(sqrt(2) + ln(d) / 2, sqrt(3)) of Hvarfner, Hellsten and
        Nardi 2024 (arXiv 2402.02229), a density of the length scale itself. Its factor 1/l moves
        the mode in the logarithm, where the search takes place, down by the variance 3.

        That is for a continuum. Where random positions lie further apart, as categories do, the
        length scale grows in proportion: two random points are equally alike on any axes. Where
        some are not always active, d is how many are on average.
        """
        mode = math.exp(math.sqrt(2.0) + 0.5 * math.log(domain.n_active) - 3.0)
        return Prior(
            tuple(mode * relative_spread(axis) for axis in domain.axes),
            math.sqrt(3.0),
            math.exp(self.noise_mode),
            self.noise_spread,
            self.noise_floor,
        )


def relative_spread(axis: Axis) -> float:
    """Return the root mean square distance of two random positions, over that of a continuum."""
    if axis.size is None or axis.size == 1:
        return 1.0
    if axis.categories:
        return math.sqrt(6.0 * (1.0 - 1.0 / axis.size))
    return math.sqrt((axis.size + 1.0) / (axis.size - 1.0))


MEMBERS: dict[Use, tuple[Member, ...]] = {
    "objective": (
        Member(tukey_winsorised, noise_mode=-5.0, noise_spread=1.0, noise_floor=1e-4),
        Member(log_gap, noise_mode=-8.0, noise_spread=3.0, noise_floor=1e-7),
        Member(power_transformed, noise_mode=-8.0, noise_spread=3.0, noise_floor=1e-7),
    ),
    "one of several": (
        Member(tukey_winsorised, noise_mode=-8.0, noise_spread=3.0, noise_floor=1e-7),
    ),
    "bound": (
        Member(winsorised, noise_mode=-5.0, noise_spread=1.0, noise_floor=1e-4),
        Member(spread_at_bound, noise_mode=-8.0, noise_spread=3.0, noise_floor=1e-7),
    ),
    "given": (),
}
SUCCESS = Member(unchanged, noise_mode=-5.0, noise_spread=1.0, noise_floor=1e-4)
"""The first of each sees the targets on their own scale, except for the worst: reports are made
from it. The others are for nearly noiseless and for ill-conditioned targets. ``SUCCESS`` sees 1
where an evaluation gave a result and 0 where it failed. See docs/decisions, numbers 3 and 11, for
what was tried in their place."""

MODEL = "members-by-use/1"
"""What states call this model. A change of the members, the kernel or what hyper-parameters mean
takes another name: states keep fits with the name of the model that they belong to."""

MODEL_WITH_TRENDS = f"{MODEL} with trends"
"""The same where trends say what is expected: hyper-parameters are then of what these leave open,
and of no use to those who are not told the trends."""

MODELS = (MODEL, MODEL_WITH_TRENDS)
"""Those whose fits this version makes, and reads."""

MODEL_OF_SCHEMA_2 = "three-members/1"
"""The model whose fits states of schemas 1 and 2 have, which do not say so."""

_FAILURE_QUANTILE = 0.2
"""The quantile of the targets that a failure counts as, besides what it says of success. With the
worst target, optima at the edge of what works were hardly tried; with the median, failures were
repeated (docs/decisions, number 3). With no stand-in, the search fails at every second step along
such an edge (number 11)."""

_LAID_OUT = 64
"""Of more categories than this, only those that are known have features of their own: 10,000 took
more memory than there was."""

_LEARNED_SPREAD = 0.7
"""The deviation of the logarithms of length scales that a source is trusted in."""

_UNKNOWN = 1e6
"""The variance of noise of a target that says nothing; those of the function are 1."""

Found = tuple[tuple[Hyperparameters, ...], ...]
"""The hyper-parameters of every member, for every outcome, and last for success; an outcome that is
given has none, and success has none before the first failure."""


@frozen(eq=False)
class Evidence:
    """Data as members see it that share their points.

    Attributes:
        points: (n, d).
        targets: (members, n).
        noise: that of the targets.
        priors: of each member.
        seen: of each member, what it makes of its outcome.
    """

    points: Array
    targets: Array
    noise: Noise
    priors: tuple[Prior, ...]
    seen: tuple[Seen, ...]

    def of(self, members: slice) -> Evidence:
        """Return what some of the members see."""
        return Evidence(
            self.points,
            self.targets[members],
            Noise(self.noise.counts, self.noise.known[members]),
            self.priors[members],
            self.seen[members],
        )

    def first(self, n: int) -> Evidence:
        """Return what is seen of the first n points."""
        noise = Noise(self.noise.counts[:n], self.noise.known[:, :n])
        return evolve(self, points=self.points[:n], targets=self.targets[:, :n], noise=noise)

    def guided(self, guide: Guide) -> Evidence:
        """Return what is left of the targets where it is said what is to be expected."""
        mean, amplitude = (part.T for part in guide.at(self.points))
        noise = Noise(self.noise.counts, self.noise.known / amplitude**2)
        return evolve(self, targets=(self.targets - mean) / amplitude, noise=noise)


def outcomes_seen(domain: Domain, data: Dataset) -> Evidence | None:
    """Return what the members of all outcomes see; None where all outcomes are given.

    Where evaluations failed, objectives count as worse than most that was observed, and of others
    nothing is known.
    """
    rows, variances, priors, views = [], [], [], []
    failures = np.ones(len(data.failed))
    for outcome, use in enumerate(data.uses):
        targets, (low, high) = data.targets[:, outcome], data.bounds[outcome]
        for member in MEMBERS[use]:
            view = seen(member.warp, targets, low, high)
            known = view.variances(targets, data.deviations[:, outcome])
            known = np.maximum(known, member.noise_floor)  # NaN stays
            if use == "bound":
                stand_in, doubt = 0.0, _UNKNOWN
            else:
                stand_in, doubt = float(np.quantile(view.values, _FAILURE_QUANTILE)), math.nan
            rows.append(np.concatenate([view.values, stand_in * failures]))
            variances.append(np.concatenate([known, doubt * failures]))
            views.append(view)
            priors.append(member.prior(domain))
    if not priors:
        return None
    return Evidence(
        np.vstack([data.points, data.failed]),
        np.stack(rows),
        Noise(np.concatenate([data.counts, failures]), np.stack(variances)),
        tuple(priors),
        tuple(views),
    )


def success_seen(domain: Domain, data: Dataset) -> Evidence | None:
    """Return what is seen of success; None where nothing has failed."""
    n, failures = len(data.points), len(data.failed)
    if not failures:
        return None
    view = seen(SUCCESS.warp, np.concatenate([np.ones(n), np.zeros(failures)]))
    noise = Noise(np.ones(n + failures), np.full((1, n + failures), np.nan))
    points = np.vstack([data.points, data.failed])
    return Evidence(points, view.values[None], noise, (SUCCESS.prior(domain),), (view,))


def fit_members(
    domain: Domain, data: Dataset, last: Found | None, sources: Sequence[Source] = ()
) -> Found:
    """Search for hyper-parameters, from the prior's mode and from the last ones found.

    With earlier studies and trends, they are those of what these leave to be modelled. The search
    then begins at what these make of them as well.
    """
    seen = outcomes_seen(domain, data)
    warm = last[:-1] if last else ()
    if sources and seen is not None:
        outcomes = _fitted_guided(domain, data, seen, warm, sources)
    else:
        outcomes = _fitted(domain, seen, warm)
    success = _fitted(domain, success_seen(domain, data), last[-1:] if last else ())
    return (*(outcomes[columns] for columns in columns_of(data.uses)), success)


def fit_earlier(domain: Domain, data: Dataset) -> tuple[Found, ...]:
    """Search for the hyper-parameters of the members of every earlier study."""
    return tuple(fit_members(domain, earlier, None) for earlier in data.earlier)


def fit_first(domain: Domain, data: Dataset, last: Found | None, outcome: int) -> Hyperparameters:
    """Search for those of an outcome's first member alone, as :func:`fit_members` does for all."""
    evidence = outcomes_seen(domain, data)
    assert evidence is not None  # who asks for a member has one
    place = columns_of(data.uses)[outcome].start
    one = evidence.of(slice(place, place + 1))
    return _fitted(domain, one, (last[outcome][:1],) if last else ())[0]


def _fitted(domain: Domain, evidence: Evidence | None, last: Found) -> tuple[Hyperparameters, ...]:
    if evidence is None:
        return ()
    warm = flat(last)
    starts = [[prior.mode()] for prior in evidence.priors]
    if len(warm) == len(starts):
        starts = [[*mode, known] for mode, known in zip(starts, warm, strict=True)]
    return _searched(domain, evidence, starts)


def _fitted_guided(
    domain: Domain, data: Dataset, evidence: Evidence, last: Found, sources: Sequence[Source]
) -> tuple[Hyperparameters, ...]:
    """Return what is found where earlier studies or trends guide the members."""
    starts = [[prior.mode()] for prior in evidence.priors]
    for source in sources:
        for column in source.columns.tolist():
            starts[column].append(source.guess(column, evidence.priors[column]))
    warm = flat(last)
    if len(warm) == len(starts):
        starts = [[*several, known] for several, known in zip(starts, warm, strict=True)]
    known = [several[-1] for several in starts]
    guide = guided_by(domain, data, evidence, known, sources)
    evidence = evidence.guided(guide)
    priors = [_learned(prior, guide, member) for member, prior in enumerate(evidence.priors)]
    return _searched(domain, evolve(evidence, priors=tuple(priors)), starts)


def _learned(prior: Prior, guide: Guide, member: int) -> Prior:
    """Return a member's prior with length scales as what guides it has them, if trusted.

    They are averages in the logarithm, of the modes and of the spreads.
    """
    trust, modes = float(guide.trust[member]), np.log(prior.length_scales)
    known = sum(
        (
            share * np.log(source.guess(member, prior).length_scales)
            for share, source in guide.speakers(member)
        ),
        np.zeros_like(modes),
    )
    return evolve(
        prior,
        length_scales=tuple(np.exp((1.0 - trust) * modes + trust * known).tolist()),
        length_scale_spread=prior.length_scale_spread ** (1.0 - trust) * _LEARNED_SPREAD**trust,
    )


def _searched(
    domain: Domain, evidence: Evidence, starts: Sequence[Sequence[Hyperparameters]]
) -> tuple[Hyperparameters, ...]:
    return fit(
        embedding_of(domain, evidence.points),
        evidence.priors,
        evidence.points,
        evidence.targets,
        evidence.noise,
        starts,
    )


def columns_of(uses: Sequence[Use]) -> tuple[slice, ...]:
    """Return which of the members, side by side, are those of each outcome."""
    ends = np.cumsum([len(MEMBERS[use]) for use in uses]).tolist()
    starts = [0, *ends]
    return tuple(slice(start, end) for start, end in zip(starts, ends, strict=False))


def condition_members(
    domain: Domain,
    evidence: Evidence | None,
    hyperparameters: Sequence[Hyperparameters],
    pending: Array | None = None,
) -> GaussianProcesses | None:
    """Return the members' posteriors, None where there are no members.

    Args:
        domain: where the points lie.
        evidence: what the members see.
        hyperparameters: of each.
        pending: points (q, d) that are to be believed later, so that their categories are known.

    Raises:
        numpy.linalg.LinAlgError: a kernel matrix cannot be factorised.
    """
    if evidence is None:
        return None
    known = [evidence.points] if pending is None else [evidence.points, pending]
    embedding = embedding_of(domain, *known)
    return condition(embedding, hyperparameters, evidence.points, evidence.targets, evidence.noise)


def sources_of(domain: Domain, data: Dataset, found: Sequence[Found]) -> tuple[Source, ...]:
    """Return what the members believe of each earlier study, given its hyper-parameters.

    What trends say comes after these.

    Raises:
        numpy.linalg.LinAlgError: a kernel matrix cannot be factorised.
    """
    sources: list[Source] = []
    places = columns_of(data.uses)
    for earlier, its in zip(data.earlier, found, strict=True):
        seen = outcomes_seen(domain, earlier)
        processes = condition_members(domain, seen, flat(its[:-1]))
        if processes is not None:
            told = [
                np.arange(place.start, place.stop)
                for place, members in zip(places, its[:-1], strict=True)
                if members
            ]
            sources.append(EarlierStudy(processes, np.concatenate(told)))
    for place, sums in zip(places, data.trends, strict=False):
        if sums is not None:
            trend = trend_source(sums, domain, data.points, np.arange(place.start, place.stop))
            sources += [] if trend is None else [trend]
    return tuple(sources)


def guided_by(
    domain: Domain,
    data: Dataset,
    evidence: Evidence,
    hyperparameters: Sequence[Hyperparameters],
    sources: Sequence[Source],
) -> Guide:
    """Return what members expect of earlier studies and trends, given what is observed.

    What is seen of failures is no evidence: it is made up.

    Raises:
        numpy.linalg.LinAlgError: a kernel matrix cannot be factorised.
    """
    processes = condition_members(domain, evidence.first(len(data.points)), hyperparameters)
    assert processes is not None  # there is evidence
    return guide_of(sources, processes, columns_of(data.uses))


def flat(found: Found) -> list[Hyperparameters]:
    """Return the hyper-parameters of all members, side by side."""
    return [one for members in found for one in members]


def embedding_of(domain: Domain, *known: Array) -> Embedding:
    """Return the features that the points of a domain have.

    Args:
        domain: where they lie.
        known: points (n, d) whose categories are told apart; of many, all others look alike.
    """
    categories, activity = tuple(axis.categories for axis in domain.axes), domain.activity
    listed = tuple(() if count > _LAID_OUT else None for count in categories)
    embedding = Embedding(categories, listed=listed)
    if activity is not None:
        dimensions = range(domain.dim)
        embedding = evolve(
            embedding,
            conditional=tuple(dimension in activity.conditional for dimension in dimensions),
            depths=activity.depths,
        )
    for points in known:
        embedding = embedding.listing(points)
    return embedding
