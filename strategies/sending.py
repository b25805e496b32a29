"""What workers are sent, once, and what they do with it.

A task names by a digest what it takes. A worker that does not have that says so, and gets the task
again with all of it. So it works over any executor, also if a worker dies and another takes its
place, and large models do not travel with every task.
"""

from __future__ import annotations

import pickle
import time
import traceback
from typing import Any

from attrs import evolve

from asktell.errors import MissingExtraError, NotSendableError
from asktell.model.blas import one_blas_thread
from strategies.adaptors.base import TuneConfig
from strategies.attempting import Attempt, attempted
from strategies.errors import StrategyError
from strategies.evaluation import Evaluation, error_text


def packed(evaluation: Evaluation) -> bytes:
    """Return what a worker needs as bytes; functions of a script or a notebook by value.

    Raises:
        NotSendableError: something cannot be sent.
    """
    try:
        import cloudpickle
    except ModuleNotFoundError as error:
        message = "workers need the package cloudpickle: pip install 'asktell[onnx]'"
        raise MissingExtraError(message) from error
    try:
        content: bytes = cloudpickle.dumps(evaluation)
    except Exception as error:
        parts = ("adaptor", "model", "q_dataloader", "eval_dataloader", "eval_func", "hooks")
        guilty = [part for part in parts if not _can_be_packed(cloudpickle, evaluation, part)]
        raise NotSendableError(
            f"{', '.join(guilty) or 'the evaluation'} cannot be sent to a worker: "
            f"{error_text(error)}. Open files, sessions and locks where they are used, or use "
            "workers=1"
        ) from error
    return content


def _can_be_packed(pickler: Any, evaluation: Evaluation, part: str) -> bool:
    try:
        pickler.dumps(getattr(evaluation, part))
    except Exception:
        return False
    return True


# --- in the workers ---

_SENT: dict[str, Evaluation] = {}
"""What this process was sent last, by digest: it serves all tasks of a run."""


class WorkerSideError(StrategyError):
    """What a worker's error looked like there."""


def attempt_here(digest: str, content: bytes | None, tune_cfg: TuneConfig) -> Attempt | None:
    """Try a configuration in this process, with BLAS in one thread, and leave the model here.

    Args:
        digest: of what is needed for it.
        content: what is needed, packed; None if it should be here.
        tune_cfg: the configuration.

    Returns:
        What came of it; None if it takes the content.
    """
    evaluation = _SENT.get(digest)
    if content is not None:
        try:
            evaluation = pickle.loads(content)
        except Exception as error:
            failure = f"a worker cannot read what it was sent: {error_text(error)}"
            return Attempt(None, failure, _as_text(error), 0.0)
        _SENT.clear()  # of an earlier run
        _SENT[digest] = evaluation
    if evaluation is None:
        return None
    with one_blas_thread():
        attempt = attempted(lambda: evaluation.made(tune_cfg), time.perf_counter)
    mistake = _as_text(attempt.error) if attempt.is_mistake else None
    return evolve(attempt, model=None, error=mistake, parts=evaluation.timesheet.taken())


def _as_text(error: BaseException | None) -> WorkerSideError:
    """Return an error that can be sent, with the traceback as its text; others may not be."""
    return WorkerSideError("in the worker:\n" + "".join(traceback.format_exception(error)))
