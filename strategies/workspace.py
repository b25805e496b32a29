"""A run with files: what the configuration's workspace asks for, around a strategy.

The strategy itself touches no file. Here its ``dicts`` are saved after every trial, so that a run
that was killed goes on where it stopped.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from asktell.store.files import replace
from strategies.adaptors.base import Dataloader
from strategies.bayesian import BayesianTuneStrategy
from strategies.conf import Conf
from strategies.errors import ResumeError
from strategies.exhaustive import ExhaustiveTuneStrategy
from strategies.policies import BAYESIAN, EXHAUSTIVE, RANDOM
from strategies.random import RandomTuneStrategy
from strategies.runner import TuneStrategy
from strategies.stopwatch import Clock
from strategies.trial import Result, Trial

HISTORY = "history.json"
MODEL = "best_model.onnx"

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
    clock: Clock = time.monotonic,
) -> Result | None:
    """Run the strategy that the configuration names, and keep its history and its best model.

    ``workspace.path`` gets ``history.json`` after every trial and ``best_model.onnx`` at the end;
    ``workspace.resume`` is the folder of an earlier run to go on from.

    Args:
        model: the FP32 model; this and the data are as for a strategy.
        conf: the configuration; it names the strategy and the workspace.
        q_dataloader: data for calibration.
        eval_dataloader: data for evaluation.
        eval_func: takes a model and returns its accuracy.
        on_trial: called with the strategy and each trial, once the trial is saved.
        clock: returns seconds that never go back; times the run.

    Returns:
        The best trial with its model, or None without a trial that succeeded.

    Raises:
        ResumeError: a ``ValueError``; there is no readable history to resume from.
    """
    folder = Path(conf.workspace)
    dicts = load_history(Path(conf.resume)) if conf.resume else None
    strategy = STRATEGIES[conf.strategy](
        model, conf, q_dataloader, None, eval_dataloader, eval_func, dicts, clock=clock
    )
    strategy.measure_baseline()
    save_history(folder, strategy.dicts)
    for trial in strategy.run():
        save_history(folder, strategy.dicts)
        if on_trial:
            on_trial(strategy, trial)
    result = strategy.result()
    if result:
        strategy.adaptor.save(result.model, str(folder / MODEL))
    return result


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
        ResumeError: a ``ValueError``; the file is missing or is not JSON.
    """
    path = folder / HISTORY
    try:
        dicts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        place = "$.tuning.workspace.resume"
        raise ResumeError(place, str(path), f"a history to resume from ({error})") from None
    return dicts
