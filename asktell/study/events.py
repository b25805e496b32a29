"""What happens to trials, as data: everything that a state is made from, in order.

Events hold outcomes, not calls: a suggestion has its params, a renewed lease its end. So replaying
them needs no model, and later versions replay what earlier ones wrote. ``at`` is the moment on the
caller's clock, where the caller gave it.

Adding a field to one of these classes adds it to states, journals and databases: the codec reads
the layout off the class.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from attrs import frozen

from asktell.space.space import Space
from asktell.study.earlier import Lessons
from asktell.study.problem import Deviations, Numbers
from asktell.study.trials import Configuration, Origin, Part, described

Kind = Literal[
    "suggested",
    "renewed",
    "expired",
    "lost",
    "told",
    "failed",
    "retried",
    "amended",
    "voided",
    "forgotten",
    "requeued",
]
"""What can happen to a trial; the columns of the table in ``transitions``."""

LARGEST_ID = 2**53
"""Ids count up from 0; counting never gets beyond the integers that JSON holds exactly."""


def _repr(event: Any) -> str:
    shown: dict[str, Any] = {}
    for name in event.__slots__:
        value = getattr(event, name, None) if name != "__weakref__" else None
        if isinstance(value, Configuration):
            shown["params"] = value.params
        elif value is not None:
            shown[name] = value
    return described(type(event).__name__, **shown)


@frozen(repr=False)
class Suggested:
    """Params were handed out, for the first time or again."""

    kind: ClassVar[Kind] = "suggested"
    id: int
    configuration: Configuration
    origin: Origin | None
    expires: float | None
    at: float | None
    __repr__ = _repr


@frozen(repr=False)
class Renewed:
    """A suggestion has a new lease; one that had expired is out again."""

    kind: ClassVar[Kind] = "renewed"
    configuration: ClassVar[None] = None
    id: int
    expires: float
    at: float | None
    __repr__ = _repr


@frozen(repr=False)
class Expired:
    """The lease of a suggestion ended; its params are offered again."""

    kind: ClassVar[Kind] = "expired"
    configuration: ClassVar[None] = None
    id: int
    at: float | None
    __repr__ = _repr


@frozen(repr=False)
class Lost:
    """The lease of a suggestion ended once too often: its params count as failed."""

    kind: ClassVar[Kind] = "lost"
    configuration: ClassVar[None] = None
    id: int
    reason: str
    at: float | None
    __repr__ = _repr


@frozen(repr=False)
class Told:
    """A result came, for a suggestion or for params alone."""

    kind: ClassVar[Kind] = "told"
    id: int | None
    configuration: Configuration | None
    numbers: Numbers
    at: float | None
    std: Deviations | None = None
    __repr__ = _repr


@frozen(repr=False)
class Failed:
    """An evaluation failed, and the failure counts."""

    kind: ClassVar[Kind] = "failed"
    id: int | None
    configuration: Configuration | None
    reason: str
    at: float | None
    __repr__ = _repr


@frozen(repr=False)
class Retried:
    """An evaluation failed, and its params are tried again."""

    kind: ClassVar[Kind] = "retried"
    configuration: ClassVar[None] = None
    id: int
    reason: str
    at: float | None
    __repr__ = _repr


@frozen(repr=False)
class Amended:
    """A wrong outcome was replaced by a result."""

    kind: ClassVar[Kind] = "amended"
    id: int | None
    configuration: Configuration | None
    numbers: Numbers
    at: float | None
    std: Deviations | None = None
    __repr__ = _repr


@frozen(repr=False)
class Voided:
    """A wrong outcome was replaced by a failure."""

    kind: ClassVar[Kind] = "voided"
    id: int | None
    configuration: Configuration | None
    reason: str
    at: float | None
    __repr__ = _repr


@frozen(repr=False)
class Forgotten:
    """An outcome was taken back."""

    kind: ClassVar[Kind] = "forgotten"
    id: int | None
    configuration: Configuration | None
    at: float | None
    __repr__ = _repr


@frozen(repr=False)
class Requeued:
    """A trial that failed, or was forgotten, is offered again as if nobody had answered."""

    kind: ClassVar[Kind] = "requeued"
    id: int | None
    configuration: Configuration | None
    at: float | None
    __repr__ = _repr


@frozen
class Fit:
    """The hyper-parameters that were found for a model, and from how many reports.

    Attributes:
        model: the model they belong to. Another model's are kept, and searched for afresh.
        n: how many reports were known.
        found: the hyper-parameters, as nested tuples and dicts of plain values.
        earlier: those of each earlier study, likewise.
    """

    model: str
    n: int
    found: Any
    earlier: Any = ()


@frozen
class Fitted:
    """The model's hyper-parameters were searched for."""

    fit: Fit
    at: float | None


@frozen
class Skipped:
    """The ids below this one are taken: another system gave them to trials of its own."""

    next_id: int
    at: float | None


# --- what happens to the study as a whole ---


@frozen
class Enqueued:
    """Somebody wishes for params; what the wish leaves open is filled in when it is suggested."""

    wish: Part
    at: float | None


@frozen
class SpaceChanged:
    """What is searched has changed; every trial is said anew, or left out.

    Attributes:
        space: the new one.
        had: what trials had of parameters that they were not told with, and what of parameters that
            are no more; None for nothing.
    """

    space: Space
    had: Part | None
    at: float | None


@frozen
class Learned:
    """Results of an earlier study came, said in the space and the outcomes of this one."""

    lessons: Lessons
    at: float | None


TrialEvent = (
    Suggested
    | Renewed
    | Expired
    | Lost
    | Told
    | Failed
    | Retried
    | Amended
    | Voided
    | Forgotten
    | Requeued
)
Event = TrialEvent | Fitted | Skipped | Enqueued | SpaceChanged | Learned
