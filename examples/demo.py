"""The main job from end to end, on a real network: ``make demo``.

Tunes the quantisation of the digits network under a 1 % accuracy limit, stops half way, goes on
from the saved history in a new process, shows what was tried, loads the quantised model again to
check it, and writes a report to open in a browser.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import onnx
import onnxruntime
from rich.console import Console
from rich.table import Table

from strategies import BayesianTuneStrategy, Conf, Trial, write_report
from strategies.adaptors.base import OpConfig
from strategies.examples import digits
from strategies.workspace import HISTORY, MODEL, REPORT, load_history

HERE = Path(__file__).parent
OUTPUT = Path("demo-output")

SCRIPT = [sys.executable, str(HERE / "tune_digits.py"), str(OUTPUT)]


def main() -> None:
    """Run all steps, and fail loudly if one does not hold."""
    console = Console()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    console.rule("1. Tune, and stop half way")
    subprocess.run([*SCRIPT, "--until", "20"], check=True)
    console.rule("2. Go on in a new process")
    subprocess.run(SCRIPT, check=True)

    strategy = BayesianTuneStrategy(  # made from the history: nothing is evaluated again
        str(digits.MODEL),
        Conf(HERE / "digits.yaml"),
        q_dataloader=digits.calibration(),
        eval_dataloader=digits.validation(),
        dicts=load_history(OUTPUT),
    )
    console.rule("3. What was tried")
    console.print(table(strategy))
    console.rule("4. The saved model, loaded again")
    check(strategy, console)
    write_report(strategy, OUTPUT / REPORT, model=MODEL, now=time.time())
    console.print(f"History {OUTPUT / HISTORY}, model {OUTPUT / MODEL}, report {OUTPUT / REPORT}")


LEGEND = (
    "per operation: . the default (int8 symmetric weights per channel, uint8 activations), or what "
    "differs: T per tensor, a asymmetric, s symmetric activations, w weights alone in so many bits"
)


def table(strategy: BayesianTuneStrategy) -> Table:
    """Return a row for every trial, and for the FP32 model."""
    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), caption=LEGEND)
    shown.caption_justify = "left"
    for name in ("trial", "accuracy", "loss", "KiB"):
        shown.add_column(name, justify="right", no_wrap=True)
    operations = [name for name, _ in strategy.tuning_space.operations]
    for name in ("meets", *operations, "calibration"):
        shown.add_column(name, no_wrap=True)
    baseline = strategy.goal.baseline
    base, size = baseline.accuracy or 0.0, baseline.values["modelsize"] / 1024
    shown.add_row("FP32", f"{base:.2%}", "", f"{size:.1f}", end_section=True)
    best = strategy.best_trial()
    for trial in strategy.trials:
        style = "bold green" if trial == best else "" if trial.meets else "dim"
        shown.add_row(*row(strategy, trial, base), style=style)
    return shown


def row(strategy: BayesianTuneStrategy, trial: Trial, base: float) -> list[str]:
    """Return the cells of a trial."""
    config = strategy.tuning_space.tune_cfg(trial.params)
    cells = [short(config[key]) for key in strategy.tuning_space.operations]
    cells.append(f"{config['calib_algorithm']} {config['calib_sampling_size']}")
    if trial.measurement is None or trial.measurement.accuracy is None:
        return [str(trial.number), "failed", "", "", "no", *cells]
    accuracy, size = trial.measurement.accuracy, trial.measurement.values["modelsize"]
    loss = f"{(base - accuracy) / base:.2%}"
    meets = "yes" if trial.meets else "no"
    return [str(trial.number), f"{accuracy:.2%}", loss, f"{size / 1024:.1f}", meets, *cells]


def short(option: OpConfig) -> str:
    """Return what differs from the default, in a few letters: see ``LEGEND``."""
    weight, activation = option["weight"], option["activation"]
    if weight["dtype"] == "fp32":
        return "fp32"
    letters = [
        f"w{weight['dtype'].lstrip('uintfp')}" if activation["dtype"] == "fp32" else "",
        "a" if weight.get("scheme") == "asym" else "",
        "T" if weight.get("granularity") == "per_tensor" else "",
        "s" if activation.get("scheme") == "sym" else "",
    ]
    return "".join(letters) or "."


def check(strategy: BayesianTuneStrategy, console: Console) -> None:
    """Load the saved model and measure it again: it must be what the history says it is."""
    best = strategy.best_trial()
    if best is None or best.measurement is None:
        raise SystemExit("no trial succeeded")
    hits = total = 0
    session = onnxruntime.InferenceSession(str(OUTPUT / MODEL))
    for images, labels in digits.validation():
        (logits,) = session.run(None, {session.get_inputs()[0].name: images})
        hits += int((logits.argmax(axis=1) == labels).sum())
        total += len(labels)
    size = (OUTPUT / MODEL).stat().st_size
    baseline = strategy.goal.baseline
    share = size / baseline.values["modelsize"]
    console.print(f"accuracy {hits / total:.2%} of FP32's {baseline.accuracy:.2%}")
    console.print(f"size     {size / 1024:.1f} KiB, {share:.0%} of FP32's")
    if abs(hits / total - (best.measurement.accuracy or 0.0)) > 1e-9:
        raise SystemExit("the saved model is not as accurate as the history says")
    if size != best.measurement.values["modelsize"]:
        raise SystemExit("the saved model is not as large as the history says")
    first = strategy.trials[0]
    if not (best.meets and first.measurement and size < first.measurement.values["modelsize"]):
        raise SystemExit("a tuned model should meet the criterion, and be smaller than the default")
    onnx.checker.check_model(str(OUTPUT / MODEL))


if __name__ == "__main__":
    main()
