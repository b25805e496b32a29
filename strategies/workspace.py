"""A run with files: what the configuration's workspace asks for, around a strategy.

The strategy itself touches no file. Here its ``dicts`` are saved after every trial, so that a run
that was killed goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Generator
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from asktell.drivers import Executor
from asktell.errors import Interrupted, MissingExtraError
from asktell.store.files import replace
from strategies.adaptors.base import Dataloader
from strategies.auto import AutoTuneStrategy
from strategies.basic import BasicTuneStrategy
from strategies.bayesian import BayesianTuneStrategy
from strategies.conf import Conf
from strategies.conservative import ConservativeTuneStrategy
from strategies.errors import ResumeError
from strategies.evaluation import error_text
from strategies.exhaustive import ExhaustiveTuneStrategy
from strategies.hawq import HAWQTuneStrategy
from strategies.mse import MSETuneStrategy
from strategies.page import write_report
from strategies.preparing import Hooks
from strategies.random import RandomTuneStrategy
from strategies.report import (
    LOGGER,
    log_end,
    log_interrupted,
    log_report,
    log_resumed,
    log_smallest,
    shown,
)
from strategies.runner import TuneStrategy
from strategies.stopwatch import Clock
from strategies.timesheet import SAVING
from strategies.trial import Result, Trial

HISTORY = "history.json"
MODEL = "best_model.onnx"
PREPARED = "prepared_model.onnx"
PYTORCH_MODEL = "best_model.pt2"
REPORT = "report.html"

_OF_A_RUN = ("strategy", "criterion", "objectives", "constraints", "baseline")
"""What two histories of one run have in common, apart from trials."""

STRATEGIES: dict[str, type[TuneStrategy]] = {
    kind.policy.name: kind
    for kind in (
        BayesianTuneStrategy,
        AutoTuneStrategy,
        HAWQTuneStrategy,
        BasicTuneStrategy,
        MSETuneStrategy,
        ConservativeTuneStrategy,
        RandomTuneStrategy,
        ExhaustiveTuneStrategy,
    )
}


def tune(
    model: Any,
    conf: Conf,
    q_dataloader: Dataloader | None,
    eval_dataloader: Dataloader | None = None,
    eval_func: Any = None,
    on_trial: Callable[[TuneStrategy, Trial], None] | None = None,
    *,
    q_func: Callable[[Any], Any] | None = None,
    q_hooks: Hooks | None = None,
    workers: int | None = None,
    executor: Executor | Callable[[], Executor] | None = None,
    quiet: bool = False,
    report: bool = True,
    clock: Clock = time.monotonic,
) -> Result | None:
    """Run the strategy that the configuration names; keep its history, best model and report.

    ``workspace.path`` gets ``history.json`` after every trial, and ``best_model.onnx`` (of PyTorch,
    ``best_model.pt2``) whenever a trial is the best so far; at the end, ``report.html``, where the
    packages of the extra ``report`` are installed. A history that is there already is gone on from
    if it is of the same model, space, strategy and goal, and never overwritten.
    ``workspace.resume`` is another folder with a history to go on from; that one is left as it is.
    What ``q_func`` made of the model is kept as ``prepared_model.onnx``, so it is not called again.

    Ctrl-C ends the run: what is being tried is dropped, and the next run begins with it; history
    and best model are saved. A second one ends it at once.

    Args:
        model: the FP32 model; this and the data are as for a strategy.
        conf: the configuration; it names the strategy and the workspace.
        q_dataloader: data for calibration.
        eval_dataloader: data for evaluation.
        eval_func: takes a model and returns its accuracy.
        on_trial: called with the strategy and each trial, once the trial is saved.
        q_func: makes the model to be quantised of the FP32 model; as for a strategy.
        q_hooks: functions around ``q_func`` and around each quantisation; as for a strategy.
        workers: how many configurations are tried at once; None for ``tuning.workers``.
        executor: where the workers are; as for :meth:`TuneStrategy.run`.
        quiet: whether to show nothing; else there is a line for each trial on standard error, or
            wherever the program's own logging puts what ``strategies`` logs.
        report: whether to write the report. :func:`write_report` writes it at any other time.
        clock: returns seconds that never go back; times the run.

    Returns:
        The best trial with its model, or None without a trial that succeeded.

    Raises:
        ResumeError: a ``ValueError``; a history cannot be read, or is of something else.
        FirstEvaluationError: the FP32 model or the first quantised model cannot be evaluated.
        NotSendableError: the model, the data or a function cannot be sent to a worker.
        ExecutorError: the executor cannot go on.
        Interrupted: a ``KeyboardInterrupt``, and a ``SystemExit``; it was stopped by Ctrl-C.
    """
    with nullcontext() if quiet else shown():
        folder = Path(conf.workspace)
        source = _source(folder, Path(conf.resume) if conf.resume else None)
        kind = STRATEGIES[conf.strategy]
        try:
            dicts = load_history(source) if source else None
            prepare = q_func and _prepared_once(q_func, source)
            strategy = kind(
                *(model, conf, q_dataloader, prepare, eval_dataloader, eval_func, dicts, q_hooks),
                clock=clock,
            )
        except ResumeError as error:
            if source != folder:
                raise
            raise _refused(folder, error) from error
        if source:
            log_resumed(len(strategy.trials), str(source))
        try:
            if q_func is not None:
                _keep(strategy, strategy.model, folder / PREPARED)
            strategy.measure_baseline()
            _run(strategy, folder, strategy.run(workers, executor), on_trial)
        except KeyboardInterrupt as error:
            if type(error) is not KeyboardInterrupt:
                raise  # on_trial's own
            raise _interrupted(strategy, folder) from None
        result = strategy.result()
        if report:
            _write_report(folder, strategy, result)
        return result


def _run(
    strategy: TuneStrategy,
    folder: Path,
    trials: Generator[Trial, None, None],
    on_trial: Callable[[TuneStrategy, Trial], None] | None,
) -> None:
    """Save the history after every trial, and the best model whenever there is a better one."""
    _save(strategy, folder)
    saved: Trial | None = None
    with closing(trials):
        for trial in trials:
            _save(strategy, folder)
            if strategy.best_trial() == trial:
                saved = _save_best(folder, strategy)
            if on_trial:
                on_trial(strategy, trial)
    if strategy.best_trial() != saved:
        _save_best(folder, strategy)
    _save(strategy, folder)
    seconds, parts = strategy.seconds, strategy.seconds_by_part
    log_end(strategy.best_trial(), len(strategy.trials), seconds, parts)
    if strategy.is_smallest:
        log_smallest()


def _interrupted(strategy: TuneStrategy, folder: Path) -> Interrupted:
    """Save what there is, unless another interrupt comes, and return what ends the run."""
    n, most = len(strategy.trials), strategy.conf.exit_policy.max_trials
    log_interrupted()
    if strategy.baseline is None:
        return Interrupted("interrupted before the FP32 model was measured: nothing is saved")
    _save(strategy, folder)
    if n:
        _save_best(folder, strategy)
    sentence = f"interrupted: {n} of {most} trials are in {folder}; run the same program to go on"
    LOGGER.warning("%s", sentence)
    return Interrupted(sentence)


def _prepared_once(q_func: Callable[[Any], Any], source: Path | None) -> Callable[[Any], Any]:
    """Return a function that reads what ``q_func`` made when the run began, if that is there."""
    kept = None if source is None else source / PREPARED
    return q_func if kept is None or not kept.exists() else lambda model: str(kept)


def _write_report(folder: Path, strategy: TuneStrategy, result: Result | None) -> None:
    """Write the report, and say where. What goes wrong with it must not take the result along."""
    try:
        name = None if result is None else _model_of(strategy)
        write_report(strategy, folder / REPORT, model=name, now=time.time())
    except MissingExtraError as error:
        log_report(f"none: {error}")
    except Exception as error:
        log_report(f"it could not be written: {error_text(error)}")
    else:
        log_report(str(folder / REPORT))


def _model_of(strategy: TuneStrategy) -> str:
    """Return the name of the best model's file."""
    return PYTORCH_MODEL if strategy.conf.framework.startswith("pytorch") else MODEL


def _source(folder: Path, resume: Path | None) -> Path | None:
    """Return the folder of the history to go on from, None for a new run.

    Raises:
        ResumeError: a ``ValueError``; there are two histories, and neither is a part of the other.
    """
    if not (folder / HISTORY).exists():
        return resume
    if resume is None or resume.resolve() == folder.resolve():
        return folder
    here, there = load_history(folder), load_history(resume)
    before, after = here.get("trials"), there.get("trials")
    if not isinstance(before, list) or not isinstance(after, list):
        return folder
    if all(here.get(key) == there.get(key) for key in _OF_A_RUN):
        if before[: len(after)] == after:
            return folder  # that is where the run went on
        if after[: len(before)] == before:
            return resume
    expected = f"one without {HISTORY}, as that is of another run than the one to resume"
    raise ResumeError("$.tuning.workspace.path", str(folder), expected)


def _refused(folder: Path, error: ResumeError) -> ResumeError:
    expected = (
        f"a folder without {HISTORY}, or one of the same run ({error}): name another folder, or "
        "move the file away to begin anew"
    )
    return ResumeError("$.tuning.workspace.path", str(folder), expected)


def _save_best(folder: Path, strategy: TuneStrategy) -> Trial | None:
    """Write the best model, if there is one, at one stroke; return its trial."""
    result = strategy.result()
    if result is None:
        return None
    _keep(strategy, result.model, folder / _model_of(strategy))
    return result.trial


def _keep(strategy: TuneStrategy, model: Any, path: Path) -> None:
    """Write a model at one stroke; of a large one, data may lie in files beside it."""
    with strategy.timesheet.of(SAVING):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"{path.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)  # of a run that was killed
        fresh.mkdir()
        try:
            strategy.adaptor.save(model, str(fresh / path.name))
            beside = {file.name for file in fresh.iterdir()} - {path.name}
            for name in (*beside, path.name):  # the file that names the others comes last
                os.replace(fresh / name, path.with_name(name))
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        for old in path.parent.glob(f"{path.name}.*.data"):
            if old.name not in beside:
                old.unlink()


def _save(strategy: TuneStrategy, folder: Path) -> None:
    with strategy.timesheet.of(SAVING):
        save_history(folder, strategy.dicts)


def save_history(folder: Path, dicts: dict[str, Any]) -> None:
    """Write ``dicts`` to the folder, which is made if it is missing.

    A crash leaves the old history or the new one, never a part. Only one process at a time may
    write to a folder.
    """
    text = json.dumps(dicts, allow_nan=False)
    folder.mkdir(parents=True, exist_ok=True)
    replace(folder / HISTORY, text.encode())


def load_history(folder: Path) -> dict[str, Any]:
    """Return the ``dicts`` that ``save_history`` wrote to the folder.

    Raises:
        ResumeError: a ``ValueError``; the file is missing, is not JSON or no mapping.
    """
    path = folder / HISTORY
    try:
        dicts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        place = "$.tuning.workspace.resume"
        raise ResumeError(place, str(path), f"a history to resume from ({error})") from None
    return dicts
