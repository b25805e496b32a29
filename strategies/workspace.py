"""A run with files: what the configuration's workspace asks for, around a strategy.

The strategy itself touches no file. Here its ``dicts`` are saved after every trial, so that a run
that was killed goes on where it stopped.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from asktell.errors import MissingExtraError
from asktell.store.files import replace
from strategies.adaptors.base import Dataloader
from strategies.bayesian import BayesianTuneStrategy
from strategies.conf import Conf
from strategies.errors import ResumeError
from strategies.evaluation import error_text
from strategies.exhaustive import ExhaustiveTuneStrategy
from strategies.page import write_report
from strategies.policies import BAYESIAN, EXHAUSTIVE, RANDOM
from strategies.random import RandomTuneStrategy
from strategies.report import log_end, log_report, log_resumed, shown
from strategies.runner import TuneStrategy
from strategies.stopwatch import Clock
from strategies.trial import Result, Trial

HISTORY = "history.json"
MODEL = "best_model.onnx"
PYTORCH_MODEL = "best_model.pt2"
REPORT = "report.html"

_OF_A_RUN = ("strategy", "criterion", "objectives", "baseline")
"""What two histories of one run have in common, apart from trials."""

STRATEGIES: dict[str, type[TuneStrategy]] = {
    BAYESIAN.name: BayesianTuneStrategy,
    RANDOM.name: RandomTuneStrategy,
    EXHAUSTIVE.name: ExhaustiveTuneStrategy,
}


def tune(
    model: Any,
    conf: Conf,
    q_dataloader: Dataloader | None,
    eval_dataloader: Dataloader | None = None,
    eval_func: Any = None,
    on_trial: Callable[[TuneStrategy, Trial], None] | None = None,
    *,
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

    Args:
        model: the FP32 model; this and the data are as for a strategy.
        conf: the configuration; it names the strategy and the workspace.
        q_dataloader: data for calibration.
        eval_dataloader: data for evaluation.
        eval_func: takes a model and returns its accuracy.
        on_trial: called with the strategy and each trial, once the trial is saved.
        quiet: whether to show nothing; else there is a line for each trial on standard error, or
            wherever the program's own logging puts what ``strategies`` logs.
        report: whether to write the report. :func:`write_report` writes it at any other time.
        clock: returns seconds that never go back; times the run.

    Returns:
        The best trial with its model, or None without a trial that succeeded.

    Raises:
        ResumeError: a ``ValueError``; a history cannot be read, or is of something else.
        FirstEvaluationError: the FP32 model or the first quantised model cannot be evaluated.
    """
    with nullcontext() if quiet else shown():
        folder = Path(conf.workspace)
        source = _source(folder, Path(conf.resume) if conf.resume else None)
        kind = STRATEGIES[conf.strategy]
        arguments = (model, conf, q_dataloader, None, eval_dataloader, eval_func)
        try:
            dicts = load_history(source) if source else None
            strategy = kind(*arguments, dicts, clock=clock)
        except ResumeError as error:
            if source != folder:
                raise
            raise _refused(folder, error) from error
        if source:
            log_resumed(len(strategy.trials), str(source))
        strategy.measure_baseline()
        save_history(folder, strategy.dicts)
        saved: Trial | None = None
        for trial in strategy.run():
            save_history(folder, strategy.dicts)
            if strategy.best_trial() == trial:
                saved = _save_best(folder, strategy)
            if on_trial:
                on_trial(strategy, trial)
        if strategy.best_trial() != saved:
            _save_best(folder, strategy)
        log_end(strategy.best_trial(), len(strategy.trials), strategy.seconds)
        result = strategy.result()
        if report:
            _write_report(folder, strategy, result)
        return result


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
    name = _model_of(strategy)
    fresh = folder / f"{name}.new"
    strategy.adaptor.save(result.model, str(fresh))
    os.replace(fresh, folder / name)
    return result.trial


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
