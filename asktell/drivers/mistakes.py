"""Mistakes in the program, which no other params would put right: they end a run, unrecorded."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any

from asktell.drivers.lines import LONGEST_REASON
from asktell.errors import NotSendableError, TargetError
from asktell.log import LOGGER
from asktell.text import shortened


def first_raised(error: BaseException, what: str, number: int) -> BaseException:
    """Warn that a run ends with what trial ``number`` raised, and return that to be raised."""
    message = "trial %d raised %s. No evaluation has succeeded yet, so the run ends. "
    message += "The trial stays pending: the next run evaluates it first"
    LOGGER.warning(message, number, shortened(what, LONGEST_REASON))
    return shown_last(error)


def shown_last(error: BaseException) -> BaseException:
    """Return what an evaluation raised, so that its own frames end the traceback.

    The frames of the executor go. Those of another process, which Python shows as the cause, become
    a note (from Python 3.11 on).
    """
    frames = error.__traceback__
    while frames is not None and _is_in_between(frames.tb_frame.f_globals.get("__name__", "")):
        frames = frames.tb_next
    remote, add_note = error.__cause__, getattr(error, "add_note", None)
    if add_note is not None and type(remote).__name__.endswith("RemoteTraceback"):
        add_note("In the worker:\n" + str(remote).strip('"\n'))
        error.__cause__ = None
    return error.with_traceback(frames)


def _is_in_between(module: str) -> bool:
    return module.startswith(("asktell.drivers.", "concurrent.futures.", "threading"))


def no_target(error: TargetError) -> TargetError:
    """Return the error for a program whose first evaluation returned something else."""
    expected = f"{error.expected}: this is what evaluate returns, alone or in a tuple "
    expected += "with the standard deviation of its noise"
    return TargetError(error.place, error.got, expected)


def check_sendable(
    evaluate: Callable[..., Any], params: dict[str, Any], error: BaseException
) -> None:
    """Check that an error is not about sending an evaluation to another process.

    Raises:
        NotSendableError: it is; the message says what to do.
    """
    if _cannot_be_sent((evaluate, params), error):
        raise NotSendableError(
            f"the evaluation cannot be sent to another process: {error}. Pass a function that "
            "is defined with def at the top of a module, as lambdas, functions within "
            "functions, and objects that hold locks or open files cannot be sent; or leave the "
            "executor out, and evaluate in this process"
        ) from None


def _cannot_be_sent(call: object, error: BaseException) -> bool:
    """Tell whether an error says that a call cannot be sent to another process.

    An executor reports that as if the call had raised it; so it is looked for here once more.
    """
    if not isinstance(error, pickle.PicklingError | AttributeError | TypeError):
        return False
    try:
        ForkingPickler.dumps(call)
    except Exception as own:
        return (type(own), str(own)) == (type(error), str(error))
    return False
