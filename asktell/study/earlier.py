"""What earlier studies found, said in the space and the outcomes of this one.

It counts as nothing else: it is not observed, not taken, and never the best.
"""

from __future__ import annotations

from attrs import frozen

from asktell.study.problem import Deviations
from asktell.study.trials import Configuration, Part

SomeNumbers = tuple[float | None, ...]
"""For every outcome its number, None where the earlier study did not measure it."""


@frozen
class Lesson:
    """One result of an earlier study.

    Attributes:
        configuration: its params, in the space of this study.
        numbers: one for every outcome of this study, in its order; None where it was not measured.
        std: their standard deviations, where any is known.
        left_out: why it does not lie in the space since that has changed; None where it does.
        known: its params as they were learned, where the space has changed since; None where they
            are those of its configuration.
    """

    configuration: Configuration
    numbers: SomeNumbers
    std: Deviations | None
    left_out: str | None = None
    known: Part | None = None


Lessons = tuple[Lesson, ...]


@frozen
class Earlier:
    """One earlier study: its results, in the order in which they came.

    Attributes:
        lessons: all of them, also those that a change of space has left out.
    """

    lessons: Lessons

    @property
    def kept(self) -> list[Lesson]:
        """Return the results that lie in the space: what a model may be shown.

        The same configuration may come several times, as replicates do.
        """
        return [lesson for lesson in self.lessons if lesson.left_out is None]
