"""The arguments of the command line, and what of the configuration they stand for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_EPILOG = """\
data:
  DATA is a file of arrays, written by numpy.savez(path, images=images, labels=labels), each under
  the name of an input of the model; or a Python file that defines calibration and evaluation
  (batches of (input, label), or functions that return them), or accuracy, a function of a model.

examples:
  python -m strategies tune model.onnx --data held_out.npz --calibration training.npz
  python -m strategies tune model.onnx --data data.py --loss 0.5% --objective performance
  python -m strategies tune model.onnx --data data.npz --conf conf.yaml    # every key: see the docs
  python -m strategies look model.onnx                                     # what can be quantised

Stop it with Ctrl-C at any time; the same command goes on where it stopped.

exit codes:
  0  the best model meets the criterion
  1  a fault of strategies, or a package is missing
  2  wrong usage
  3  a value was refused: of the configuration, the data, the history
  4  no model meets the criterion; the nearest to it is kept
  5  trouble with a file
"""


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the arguments as a namespace.

    Raises:
        SystemExit: wrong usage (2), or help was asked for (0).
    """
    parser = argparse.ArgumentParser(
        prog="python -m strategies",
        description="Quantise a model as far as its accuracy allows.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_tune(commands.add_parser("tune", help="try configurations, and keep the best model"))
    look = commands.add_parser("look", help="say what can be quantised, and how")
    look.add_argument("model", help="an FP32 model")
    look.add_argument("--conf", type=Path, metavar="FILE", help="the configuration, as YAML")
    return parser.parse_args(arguments)


def _add_tune(tune: argparse.ArgumentParser) -> None:
    tune.add_argument("model", help="an FP32 model: an ONNX file")
    tune.add_argument(
        "--data", type=Path, required=True, metavar="DATA", help="to evaluate on: .npz or .py"
    )
    tune.add_argument(
        "--calibration",
        type=Path,
        metavar="DATA",
        help="to see ranges of values on; without it, the first rows of --data",
    )
    tune.add_argument(
        "--labels", default="labels", metavar="NAME", help="the array with the labels (labels)"
    )
    tune.add_argument("--batch", type=_count, default=64, help="rows at once, of arrays (64)")
    tune.add_argument("--conf", type=Path, metavar="FILE", help="the configuration, as YAML")
    shown = tune.add_argument_group("instead of keys of the configuration")
    shown.add_argument("--loss", metavar="1%", help="the relative loss of accuracy allowed (1%%)")
    shown.add_argument(
        "--objective",
        action="append",
        metavar="NAME",
        help="modelsize, performance, ...; several if given several times (modelsize)",
    )
    shown.add_argument("--metric", metavar="NAME", help="topk, f1, mse, mae, rmse")
    shown.add_argument("--strategy", metavar="NAME", help="what decides (bayesian)")
    shown.add_argument("--trials", type=_count, help="the most evaluations (40)")
    shown.add_argument("--seconds", type=float, help="for the whole run")
    shown.add_argument("--workers", type=_count, help="how many trials run at once (1)")
    shown.add_argument("--seed", type=int, help="of everything random")
    shown.add_argument("--workspace", metavar="FOLDER", help="for history, best model and report")
    tune.add_argument("--quiet", action="store_true", help="show nothing until the end")
    tune.add_argument("--json", action="store_true", help="answer with one JSON object")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not an integer of at least 1")
    return number


_WITHOUT = {"trials": 40, "seconds": 86_400.0, "objective": ["modelsize"]}
"""What holds without a configuration: a run of so many trials, a day at most."""

_LOWER_IS_BETTER = ("mse", "mae", "rmse")


def configured(document: dict[str, Any] | None, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return a configuration with what arguments say in place of its keys.

    Args:
        document: the configuration; None where there is no file.
        arguments: of ``tune``.
    """
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    if document is None:
        document = {"model": {"framework": "onnxrt_qlinearops"}}
        given = {**_WITHOUT, **given}
    document = dict(document)
    tuning = document["tuning"] = dict(document.get("tuning") or {})
    policy = tuning["exit_policy"] = dict(tuning.get("exit_policy") or {})
    criterion = dict(tuning.get("accuracy_criterion") or {})
    if "loss" in given:
        criterion.pop("absolute", None)
        criterion["relative"] = _share(given["loss"])
    if "metric" in given:
        document["evaluation"] = {"accuracy": {"metric": {given["metric"]: None}}}
        criterion["higher_is_better"] = given["metric"] not in _LOWER_IS_BETTER
    tuning["accuracy_criterion"] = criterion
    if "objective" in given:
        tuning.pop("multi_objectives", None)
        tuning.pop("objective", None)
        several = given["objective"][1:]
        tuning |= (
            {"multi_objectives": {"objective": given["objective"]}}
            if several
            else {"objective": given["objective"][0]}
        )
    if "strategy" in given:
        tuning["strategy"] = {**(tuning.get("strategy") or {}), "name": given["strategy"]}
    if "trials" in given:
        policy["max_trials"] = given["trials"]
    if "seconds" in given:
        policy["timeout"] = given["seconds"]
    if "workers" in given:
        tuning["workers"] = given["workers"]
    if "seed" in given:
        tuning["random_seed"] = given["seed"]
    if "workspace" in given:
        tuning["workspace"] = {**(tuning.get("workspace") or {}), "path": given["workspace"]}
    return document


def _share(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # a percentage, or refused by the configuration
