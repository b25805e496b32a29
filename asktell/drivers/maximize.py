"""The run: every worker busy, a checkpoint after every result, and nothing lost.

Results are taken one at a time, in the order in which they came, and each is followed by the
suggestions that it makes room for. What is suggested therefore depends on the results and their
order alone, and a run that resumes from a checkpoint suggests what the first would have.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from asktell.asking.known import Known
from asktell.drivers.checkpoint import Checkpoint
from asktell.drivers.evaluated import Evaluated, Measured
from asktell.drivers.executors import Executor, Supply
from asktell.drivers.progress import ProgressBar, wants_bar
from asktell.drivers.run import Run
from asktell.engine import Engine
from asktell.errors import DefinitionError, SeveralObjectivesError
from asktell.numbers import is_count, is_finite
from asktell.state import State
from asktell.study.views import Observation


def maximize(
    engine: Engine,
    evaluate: Callable[[dict[str, Any]], Measured],
    executor: Executor | Callable[[], Executor],
    n_trials: int,
    n_workers: int,
    *,
    known: Known | None = None,
    timeout: float | None = None,
    checkpoint: str | Path | Callable[[Mapping[str, Any]], object] | None = None,
    callbacks: Iterable[Callable[[Evaluated], object]] = (),
    progress: bool | None = None,
    clock: Callable[[], float] = time.time,
) -> Observation:
    """Evaluate what the engine suggests until enough is known, and return the best.

    The engine's own goal counts: with ``goal="minimize"`` the lowest target is the best. So do its
    constraints. Several objectives need weights here; :func:`maximize_front` needs none.

    Suggestions that are pending in the engine are evaluated first, under the ids that they have.
    An evaluation that raises, returns no finite numbers or loses its worker is a failure; the
    engine's ``Settings(retries=...)`` says whether its params are tried again. Whatever ends the
    run, a ``KeyboardInterrupt`` included, the last state is saved, and what ran is pending in it.

    Args:
        engine: holds the state before, during and after the run.
        evaluate: takes params and returns their target, a number, or ``{outcome: number}`` where
            the engine's outcomes have names; or a tuple of the target and the standard deviation
            of its noise, in the same form. The executor's workers call it.
        executor: where evaluations run: anything with ``submit`` that returns a future of
            ``concurrent.futures``; or a function without arguments, or a class, that makes one,
            so that an executor that breaks can be replaced.
        n_trials: the run ends when so many configurations have an outcome, observed or failed.
            Those that the engine knows already count, so that a resumed run completes the number.
            The run also ends when a finite space is used up.
        n_workers: how many evaluations run at once.
        known: outcomes that are known without an evaluation, as functions of params by name; see
            :func:`asktell.suggest`. They are called here, not by the workers. A resumed run needs
            the same.
        timeout: so many seconds after its submission an evaluation is late. It is cancelled where
            the executor can do that, and its params are offered again ``Settings.expiries`` times
            before they count as failed. Where it cannot be cancelled it keeps its worker until it
            ends, and its result is still welcome. None for no limit.
        checkpoint: a file, or a function that takes the state's dict; saved after every result,
            before the callbacks. To a file, only what happened is written, to a journal beside it
            (``<path>.journal``, until the run ends; :func:`resume` reads both). A function gets
            the whole dict, which takes longer the more there is.
        callbacks: called with an :class:`Evaluated` after every result, in the caller's thread. One
            that raises ends the run.
        progress: whether to show a progress bar (extra ``progress``); None: on a terminal.
        clock: returns seconds; leases are on this clock. A run that is to be resumed needs one
            that goes on between processes, as ``time.time`` does.

    Returns:
        What ``engine.best()`` returns.

    Raises:
        NothingObservedError: the run has ended, and no evaluation succeeded.
        SeveralObjectivesError: before anything is evaluated; several objectives have no weights.
        DefinitionError: a ``ValueError``; ``n_trials``, ``n_workers`` or ``timeout`` is not valid.
        StateError: a ``ValueError``; the checkpoint's file knows more than the engine.
        ExecutorError: the executor broke, or late evaluations hold all of its workers, and
            no function was given that makes another.
    """
    if not engine.state.problem.has_scale:
        message = "several objectives without weights have no best: use maximize_front, which "
        message += "returns the front, or give each a weight, as in {'size': Minimize(weight=2.0)}"
        raise SeveralObjectivesError(message)
    maximize_front(
        engine,
        evaluate,
        executor,
        n_trials,
        n_workers,
        known=known,
        timeout=timeout,
        checkpoint=checkpoint,
        callbacks=callbacks,
        progress=progress,
        clock=clock,
    )
    return engine.best()


def maximize_front(
    engine: Engine,
    evaluate: Callable[[dict[str, Any]], Measured],
    executor: Executor | Callable[[], Executor],
    n_trials: int,
    n_workers: int,
    *,
    known: Known | None = None,
    timeout: float | None = None,
    checkpoint: str | Path | Callable[[Mapping[str, Any]], object] | None = None,
    callbacks: Iterable[Callable[[Evaluated], object]] = (),
    progress: bool | None = None,
    clock: Callable[[], float] = time.time,
) -> list[Observation]:
    """Evaluate what the engine suggests until enough is known, and return the front.

    This is :func:`maximize` for several objectives: the arguments and what happens are the same.

    Returns:
        What ``engine.pareto()`` returns: what holds all constraints and is not dominated. It is
        empty where nothing is.

    Raises:
        DefinitionError, StateError, ExecutorError: as :func:`maximize` does.
    """
    _check(n_trials, n_workers, timeout)
    file = Checkpoint(checkpoint, engine) if isinstance(checkpoint, str | Path) else None
    save: Callable[[State], object] | None = file
    if file is None and checkpoint is not None:
        save = _saving_dicts(checkpoint)  # type: ignore[arg-type]  # a path is a file
    listeners = list(callbacks)
    bar = ProgressBar(engine, n_trials) if wants_bar(progress) else None
    if bar:
        listeners.insert(0, bar)
    run = Run(
        engine,
        evaluate,
        Supply(executor),
        n_trials,
        n_workers,
        known,
        timeout,
        save,
        listeners,
        clock,
    )
    try:
        run.complete()
    finally:
        run.close()
        if file:
            file.close()
        if bar:
            bar.close()
    return engine.pareto()


def _saving_dicts(save: Callable[[Mapping[str, Any]], object]) -> Callable[[State], object]:
    return lambda state: save(state.to_dict())


def _check(n_trials: Any, n_workers: Any, timeout: Any) -> None:
    for place, value in (("$.n_trials", n_trials), ("$.n_workers", n_workers)):
        if not is_count(value):
            raise DefinitionError(place, value, "an integer >= 1")
    if timeout is not None and (not is_finite(timeout) or timeout <= 0):
        raise DefinitionError("$.timeout", timeout, "seconds, a finite number > 0, or None")
