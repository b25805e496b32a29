"""Tune the quantisation of the digits network; stop at any trial, and go on in another process.

``python examples/tune_digits.py FOLDER --until 20`` stops after 20 trials with its history saved;
the same command without ``--until`` goes on from there and finishes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from strategies import BayesianTuneStrategy, Conf
from strategies.examples import digits
from strategies.workspace import HISTORY, MODEL, load_history, save_history


def main() -> None:
    """Run trials until the exit policy or ``--until`` ends them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the history and the best model are kept")
    parser.add_argument("--until", type=int, help="stop after so many trials in all")
    arguments = parser.parse_args()
    tune(arguments.folder, arguments.until)


def tune(folder: Path, until: int | None) -> None:
    """Run trials, save the history after each, and the best model at the end."""
    conf = Conf(Path(__file__).with_name("digits.yaml"))
    resumed = (folder / HISTORY).exists()
    strategy = BayesianTuneStrategy(
        str(digits.MODEL),
        conf,
        q_dataloader=digits.calibration(),
        eval_dataloader=digits.validation(),
        dicts=load_history(folder) if resumed else None,
    )
    console = Console()
    configurations = f"{strategy.tuning_space.space.size:,} configurations"
    known = f", {len(strategy.trials)} trials known already" if resumed else ""
    console.print(f"{'Resuming' if resumed else 'Starting'}: {configurations}{known}")
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task(
            "no trial yet", total=conf.exit_policy.max_trials, completed=len(strategy.trials)
        )
        for _ in strategy.run():
            save_history(folder, strategy.dicts)
            progress.update(task, advance=1, description=best_so_far(strategy))
            if until is not None and len(strategy.trials) >= until:
                break
    if until is not None and not strategy.finished:
        console.print(f"Stopped after {len(strategy.trials)} trials; history in {folder / HISTORY}")
        return
    result = strategy.result()
    if result is None:
        raise SystemExit("no trial succeeded")
    strategy.adaptor.save(result.model, str(folder / MODEL))
    verdict = "meets" if result.meets else "misses"
    console.print(f"Done: trial {result.trial.number} is the best and {verdict} the criterion")


def best_so_far(strategy: BayesianTuneStrategy) -> str:
    """Return a line on the best trial."""
    best = strategy.best_trial()
    if best is None or best.measurement is None:
        return "nothing succeeded yet"
    size = best.measurement.values["modelsize"]
    mark = "meets" if best.meets else "misses"
    return f"best: {best.measurement.accuracy:.2%}, {size / 1024:.1f} KiB, {mark} the criterion"


if __name__ == "__main__":
    main()
