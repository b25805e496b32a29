"""The commands: answers on standard output, messages on standard error, exit codes."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from asktell.cli.ending import carried_out
from asktell.errors import AskTellError, Interrupted, MissingExtraError
from strategies.adaptors import adaptor_for
from strategies.adaptors.base import FP32
from strategies.allowed import option_label
from strategies.cli.arguments import configured, parse
from strategies.cli.bar import Bar, wants_bar
from strategies.cli.data import Batches, Data, has_labels, read_data
from strategies.conf import Conf, read_document
from strategies.errors import ArgumentError
from strategies.objective import Measurement
from strategies.report import described, shown
from strategies.workspace import HISTORY, MODEL, REPORT, tune

DONE, FAULT, _WRONG_USAGE, REFUSED, MISSED, FILE_TROUBLE = range(6)

_CODES: tuple[tuple[type[Exception], int], ...] = (
    (MissingExtraError, FAULT),
    (OSError, FILE_TROUBLE),
    (AskTellError, REFUSED),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command, and return the exit code.

    Args:
        arguments: those of the process where None.

    Raises:
        SystemExit: wrong usage (2), or help was asked for (0).
    """
    parsed = parse(arguments)
    return carried_out(lambda: _COMMANDS[parsed.command](parsed), _CODES, _say, _stopped)


def _stopped(error: KeyboardInterrupt) -> None:
    if not isinstance(error, Interrupted):  # which a run has said already
        _say("stopped; the same command goes on from here")


def _tune(arguments: Namespace) -> int:
    data = _data(arguments)
    document = configured(read_document(arguments.conf) if arguments.conf else None, arguments)
    _add_metric(document, data)
    conf = Conf(document)
    baseline: list[Measurement] = []
    bar = Bar(conf.exit_policy) if wants_bar() and not arguments.quiet else None
    with nullcontext() if arguments.quiet else shown(), bar or nullcontext():

        def on_trial(strategy: Any, trial: Any) -> None:
            baseline[:] = [strategy.baseline]
            if bar is not None:
                bar(strategy, trial)

        result = tune(
            arguments.model,
            conf,
            data.calibration,
            data.evaluation,
            data.accuracy,
            on_trial,
            quiet=True,
        )
    folder = Path(conf.workspace)
    if result is None or result.trial.measurement is None:
        _say(f"no trial succeeded; their reasons are in {folder / HISTORY}")
        return MISSED
    if arguments.json:
        answer = {
            "model": str(folder / MODEL),
            "meets": result.meets,
            "trial": result.trial.number,
            "accuracy": result.trial.measurement.accuracy,
            **result.trial.measurement.values,
        }
        _answer(json.dumps(answer))
        return DONE if result.meets else MISSED
    _answer(f"best model   {folder / MODEL}")
    _answer(f"it has       {described(result.trial.measurement)}")
    for one in baseline:
        _answer(f"FP32 had     {described(one)}")
    _answer(f"criterion    it {'meets' if result.meets else 'misses'} it")
    if (folder / REPORT).exists():
        _answer(f"report       {folder / REPORT}")
    return DONE if result.meets else MISSED


def _data(arguments: Namespace) -> Data:
    data = read_data("--data", arguments.data, arguments.labels, arguments.batch)
    if arguments.calibration is not None:
        place = "--calibration"
        other = read_data(place, arguments.calibration, arguments.labels, arguments.batch)
        return Data(other.calibration or other.evaluation, data.evaluation, data.accuracy)
    if data.calibration is None and data.evaluation is not None:
        return Data(data.evaluation, data.evaluation, data.accuracy)
    return data


def _add_metric(document: dict[str, Any], data: Data) -> None:
    """Name the metric where that is plain: labels that are integers are classes.

    Raises:
        ArgumentError: a ``ValueError``; there are no labels, or it is not plain.
    """
    named = ((document.get("evaluation") or {}).get("accuracy") or {}).get("metric")
    if named or data.accuracy is not None or not isinstance(data.evaluation, Batches):
        return
    if not has_labels(data.evaluation):
        expected = "an array of labels to compare outputs with: name it with --labels"
        raise ArgumentError("--data", sorted(data.evaluation.inputs), expected)
    labels = data.evaluation.labels
    if labels is None or labels.dtype.kind not in "iu":
        raise ArgumentError("--metric", None, "a metric, since the labels are not classes")
    document["evaluation"] = {"accuracy": {"metric": {"topk": 1}}}


def _look(arguments: Namespace) -> int:
    document = read_document(arguments.conf) if arguments.conf else None
    conf = Conf(document or {"model": {"framework": "onnxrt_qlinearops"}})
    adaptor = adaptor_for(conf)
    capability = adaptor.capability(adaptor.load(arguments.model))
    for operation in capability.operations:
        options = [option_label(option) for option in operation.options if option != FP32]
        _answer(f"{operation.name} ({operation.type}): {'; '.join(options)}")
    for left_out in capability.left_out:
        _answer(f"{left_out.name} ({left_out.type}): not quantised: {left_out.reason}")
    return DONE


_COMMANDS = {"tune": _tune, "look": _look}


def _answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _say(message: str) -> None:
    sys.stderr.write(f"strategies: {message}\n")
