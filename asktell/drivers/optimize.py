"""The run: every worker busy, a checkpoint after every result, and nothing lost.

Results are taken one at a time, in the order in which they came, and each is followed by the
suggestions that it makes room for. What is suggested therefore depends on the results and their
order alone, and a run that resumes from a checkpoint suggests what the first would have.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from asktell.asking.beforehand import Trends
from asktell.asking.known import Known
from asktell.drivers.checkpoint import Checkpoint
from asktell.drivers.evaluated import Evaluated, Measured
from asktell.drivers.executors import Executor, InThisThread, InThreads, Supply
from asktell.drivers.lines import Lines, standing
from asktell.drivers.patience import Patience, Tally
from asktell.drivers.progress import ProgressBar, wants_bar
from asktell.drivers.run import Run
from asktell.drivers.summary import Summary
from asktell.engine import Engine
from asktell.errors import DefinitionError, Interrupted
from asktell.log import LOGGER, shown
from asktell.numbers import is_count, is_finite
from asktell.state import State

Keep = str | Path | Callable[[Mapping[str, Any]], object] | None


def optimize(
    engine: Engine,
    evaluate: Callable[[dict[str, Any]], Measured],
    n_trials: int,
    executor: Executor | Callable[[], Executor] | None = None,
    n_workers: int = 1,
    *,
    known: Known | None = None,
    trends: Trends | None = None,
    timeout: float | None = None,
    checkpoint: Keep = None,
    callbacks: Iterable[Callable[[Evaluated], object]] = (),
    patience: Patience = Patience(),
    progress: bool | None = None,
    clock: Callable[[], float] = time.time,
) -> Summary:
    """Evaluate what the engine suggests until enough is known, and return what came of it.

    The engine says what is wanted: to minimise or to maximise, one objective or several, and
    within which constraints.

    Suggestions that are pending in the engine are evaluated first, under the ids that they have.
    An evaluation that raises, returns no finite numbers or loses its worker is a failure; the
    engine's ``Settings(retries=...)`` says whether its params are tried again. Where no evaluation
    has succeeded yet, one that raises or returns something else than a target ends the run instead:
    see :class:`Patience`. Whatever ends the run, the last state is saved, and what ran is pending
    in it.

    What happens is logged to the logger ``asktell``, a line for each trial, and shown on standard
    error unless the program has set up logging itself. Setting that logger's level to ``WARNING``
    leaves failures and what else you should know, ``CRITICAL`` nothing.

    Args:
        engine: holds the state before, during and after the run.
        evaluate: takes params and returns their target, a number, or ``{outcome: number}`` where
            the engine's outcomes have names; or a tuple of the target and the standard deviation
            of its noise, in the same form. The executor's workers call it.
        n_trials: the run ends when so many configurations have an outcome, observed or failed.
            Those that the engine knows already count, so that a resumed run completes the number.
            The run also ends when a finite space is used up.
        executor: where evaluations run: anything with ``submit`` that returns a future of
            ``concurrent.futures``; or a function without arguments, or a class, that makes one,
            so that an executor that breaks can be replaced. None for this process: this thread,
            or with several workers, as many others.
        n_workers: how many evaluations run at once.
        known: outcomes that are known without an evaluation, as functions of params by name; see
            :func:`asktell.suggest`. They are called here, not by the workers. A resumed run needs
            the same.
        trends: how outcomes are expected to go, by name; see :func:`asktell.suggest`. A resumed run
            needs the same.
        timeout: so many seconds after its submission an evaluation is late. It is cancelled where
            the executor can do that, and its params are offered again ``Settings.expiries`` times
            before they count as failed. Where it cannot be cancelled it keeps its worker until it
            ends, and its result is still welcome. None for no limit. It needs an executor.
        checkpoint: a file, or a function that takes the state's dict; saved after every result,
            before the callbacks. To a file, only what happened is written, to a journal beside it
            (``<path>.journal``, until the run ends; :func:`resume` reads both). A function gets
            the whole dict, which takes longer the more there is.
        callbacks: called with an :class:`Evaluated` after every result, in the caller's thread. One
            that raises ends the run.
        patience: after how many failures the run gives up.
        progress: whether to show a progress bar (extra ``progress``); None: on a terminal.
        clock: returns seconds; leases, and the moments of suggestions and results, are on this
            clock. A run that is to be resumed needs one that goes on between processes, as
            ``time.time`` does.

    Raises:
        DefinitionError: a ``ValueError``; an argument is not valid.
        MissingExtraError: ``progress`` is asked for, and the package tqdm is not installed.
        StateError: a ``ValueError``; the checkpoint's file knows more than the engine.
        TargetError: a ``ValueError``; ``evaluate`` returned something else than a target, and none
            has succeeded yet.
        NotSendableError: ``evaluate`` cannot be sent to the executor's processes.
        TooManyFailuresError: too many evaluations have failed in a row.
        ExecutorError: the executor broke, or late evaluations hold all of its workers, and
            no function was given that makes another.
        Interrupted: a ``KeyboardInterrupt``, and a ``SystemExit``; it was stopped by Ctrl-C.
    """
    _check(engine, evaluate, n_trials, executor, n_workers, timeout, patience)
    _check_listeners(checkpoint, callbacks)
    if executor is None:
        executor = InThisThread() if n_workers == 1 else InThreads()
    file = Checkpoint(checkpoint, engine) if isinstance(checkpoint, str | Path) else None
    begun = clock()
    with ExitStack() as stack:
        stack.enter_context(shown())
        listeners: list[Callable[[Evaluated], object]] = [Lines(lambda: engine.state), *callbacks]
        if wants_bar(progress):
            listeners.insert(1, stack.enter_context(closing(ProgressBar(engine, n_trials))))
        run = Run(
            engine,
            evaluate,
            Supply(executor),
            n_trials,
            n_workers,
            known,
            trends,
            timeout,
            file or (_saving_dicts(checkpoint) if callable(checkpoint) else None),
            listeners,
            clock,
            Tally(patience),
        )
        _log_start(engine.state, n_trials)
        try:
            try:
                run.complete()
            finally:
                run.close()
                if file:
                    file.close()
        except KeyboardInterrupt as error:
            if type(error) is not KeyboardInterrupt:
                raise  # a callback's own
            sentence = _interrupted(engine.state, n_trials, checkpoint)
            LOGGER.warning("%s", sentence)
            raise Interrupted(sentence) from None
        summary = Summary(engine.state, clock() - begun, n_trials, str(file.path) if file else None)
        LOGGER.info("%s", summary.line)
    return summary


def _saving_dicts(save: Callable[[Mapping[str, Any]], object]) -> Callable[[State], object]:
    return lambda state: save(state.to_dict())


def _log_start(state: State, n_trials: int) -> None:
    if state.n_over or state.out:
        counts = f"{state.n_over} of {n_trials} trials, {len(state.out)} pending"
        LOGGER.info("%s", "; ".join(["going on after " + counts, *filter(None, [standing(state)])]))


def _interrupted(state: State, n_trials: int, checkpoint: Keep) -> str:
    """Return the sentence that a run ends with on Ctrl-C."""
    if checkpoint is None:
        where, then = "in the engine", "with checkpoint='study.json' they would be in a file"
    else:
        where = "saved" if callable(checkpoint) else f"in {checkpoint}"
        then = "run the same program again to go on"
    counts = f"{state.n_over} of {n_trials} trials are {where}, {len(state.out)} pending"
    return f"interrupted: {counts}; {then}"


def _check_listeners(checkpoint: Any, callbacks: Any) -> None:
    if not (checkpoint is None or isinstance(checkpoint, str | Path) or callable(checkpoint)):
        expected = "the path of a file, a function that takes the state's dict, or None"
        raise DefinitionError("$.checkpoint", checkpoint, expected)
    if not isinstance(callbacks, Iterable):
        raise DefinitionError("$.callbacks", callbacks, "a list of functions")


def _check(
    engine: Any,
    evaluate: Any,
    n_trials: Any,
    executor: Any,
    n_workers: Any,
    timeout: Any,
    patience: Any,
) -> None:
    if not isinstance(engine, Engine):
        raise DefinitionError("$.engine", engine, "an Engine")
    if not callable(evaluate):
        raise DefinitionError("$.evaluate", evaluate, "a function that takes params")
    for place, value in (("$.n_trials", n_trials), ("$.n_workers", n_workers)):
        if not is_count(value):
            raise DefinitionError(place, value, "an integer >= 1")
    if executor is not None and not hasattr(executor, "submit") and not callable(executor):
        expected = "an executor, a function that makes one, or None for this process"
        raise DefinitionError("$.executor", executor, expected)
    if timeout is not None and (not is_finite(timeout) or timeout <= 0):
        raise DefinitionError("$.timeout", timeout, "seconds, a finite number > 0, or None")
    if timeout is not None and executor is None:
        expected = "None: an evaluation in this process cannot be stopped. Pass an executor that "
        expected += "can, such as ProcessWorkers()"
        raise DefinitionError("$.timeout", timeout, expected)
    if not isinstance(patience, Patience):
        raise DefinitionError("$.patience", patience, "Patience(...)")
