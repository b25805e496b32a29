"""Samplers on objectives with branches, in Optuna: ``python tests/benchmarks/optuna_branches.py``.

Prints a row for each task and sampler: the median and the worst of the best values of ten studies
of 60 trials, and the seconds of a study. ``--tasks`` and ``--studies`` choose a part.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import optuna
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from asktell.integrations.optuna import AskTellSampler

TRIALS = 60


def three(trial: Any) -> float:
    """Return a value from three branches, with one float that all share; the least is 0."""
    kind = trial.suggest_categorical("kind", ["a", "b", "c"])
    x = trial.suggest_float("x", 0.0, 1.0)
    if kind == "a":
        u, v = trial.suggest_float("a_u", 0.0, 1.0), trial.suggest_float("a_v", 0.0, 1.0)
        return 0.3 + (u - 0.2) ** 2 + (v - 0.7) ** 2 + (x - 0.4) ** 2
    if kind == "b":
        u = np.log10(trial.suggest_float("b_u", 1e-3, 1.0, log=True))
        return (u + 1.5) ** 2 / 3.0 + (x - 0.4) ** 2
    return 0.15 + abs(trial.suggest_float("c_u", 0.0, 1.0) - 0.5) + (x - 0.6) ** 2


def tree(trial: Any) -> float:
    """Return a value from a tree whose best leaf is under the root that looks worst."""
    root = trial.suggest_categorical("root", ["left", "middle", "right"])
    if root == "left":
        return 0.4 + (trial.suggest_float("l", -1.0, 1.0) - 0.3) ** 2
    if root == "middle":
        n = trial.suggest_int("n", 1, 4)
        loss = [(trial.suggest_float(f"m{i}", 0.0, 1.0) - 0.2 * i) ** 2 for i in range(n)]
        return 0.5 - 0.1 * n + sum(loss)
    if trial.suggest_categorical("side", ["in", "out"]) == "out":
        return 0.7 + trial.suggest_float("o", 0.0, 1.0)
    x, y = trial.suggest_float("p", 0.0, 1.0), trial.suggest_float("q", 0.0, 1.0)
    return 4.0 * (x - 0.6) ** 2 + 4.0 * (y - x) ** 2


@cache
def cancer() -> Any:
    features, labels = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    return features[order], labels[order]


def estimators(trial: Any) -> float:
    """Return the log loss of one of five estimators, each with parameters of its own."""
    name = trial.suggest_categorical("estimator", ["svm", "forest", "logistic", "near", "tree"])
    if name == "svm":
        kernel = trial.suggest_categorical("kernel", ["rbf", "linear"])
        c = trial.suggest_float("svm_C", 1e-3, 1e3, log=True)
        gamma = trial.suggest_float("gamma", 1e-5, 1e1, log=True) if kernel == "rbf" else "scale"
        model: Any = SVC(C=c, kernel=kernel, gamma=gamma)
    elif name == "forest":
        model = RandomForestClassifier(
            n_estimators=trial.suggest_int("trees", 4, 40, log=True),
            max_depth=trial.suggest_int("forest_depth", 1, 12),
            max_features=trial.suggest_float("share", 0.05, 1.0),
            random_state=0,
        )
    elif name == "logistic":
        model = LogisticRegression(C=trial.suggest_float("C", 1e-4, 1e3, log=True), max_iter=400)
    elif name == "near":
        weights = trial.suggest_categorical("weights", ["uniform", "distance"])
        model = KNeighborsClassifier(trial.suggest_int("neighbours", 1, 40), weights=weights)
    else:
        model = DecisionTreeClassifier(
            max_depth=trial.suggest_int("depth", 1, 12),
            min_samples_leaf=trial.suggest_int("leaf", 1, 40, log=True),
            random_state=0,
        )
    features, labels = cancer()
    fitted = make_pipeline(StandardScaler(), model).fit(features[:150], labels[:150])
    if hasattr(fitted, "predict_proba"):
        chances = fitted.predict_proba(features[150:])[:, 1]
    else:
        chances = 1.0 / (1.0 + np.exp(-2.0 * fitted.decision_function(features[150:])))
    return float(log_loss(labels[150:], np.clip(chances, 1e-3, 1.0 - 1e-3)))


@cache
def digits() -> Any:
    features, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))[:900]
    return features[order] / 16.0, labels[order]


def network(trial: Any) -> float:
    """Return the log loss of a network of one to four layers, each with a width of its own."""
    layers = trial.suggest_int("layers", 1, 4)
    widths = [trial.suggest_int(f"width_{n}", 2, 64, log=True) for n in range(layers)]
    rate = trial.suggest_float("rate", 1e-4, 1e-1, log=True)
    solver = trial.suggest_categorical("solver", ["adam", "sgd"])
    model = MLPClassifier(
        widths,
        activation=trial.suggest_categorical("activation", ["relu", "tanh"]),
        alpha=trial.suggest_float("alpha", 1e-6, 1.0, log=True),
        learning_rate_init=rate,
        momentum=trial.suggest_float("momentum", 0.0, 0.99) if solver == "sgd" else 0.9,
        solver=solver,
        max_iter=12,
        random_state=0,
    )
    features, labels = digits()
    model.fit(features[:300], labels[:300])
    chances = np.nan_to_num(model.predict_proba(features[300:]), nan=0.1)
    return float(log_loss(labels[300:], np.clip(chances, 1e-3, 1.0)))


TASKS: dict[str, Callable[[Any], float]] = {
    task.__name__: task for task in (three, tree, estimators, network)
}
SAMPLERS: dict[str, Callable[[int], optuna.samplers.BaseSampler]] = {
    "asktell": lambda seed: AskTellSampler(seed=seed),
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "tpe in groups": lambda seed: optuna.samplers.TPESampler(
        seed=seed, multivariate=True, group=True
    ),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


def best_of(task: str, sampler: str, seed: int, trials: int = TRIALS) -> float:
    """Return the best value of a study."""
    study = optuna.create_study(sampler=SAMPLERS[sampler](seed))
    study.optimize(TASKS[task], n_trials=trials)
    return float(study.best_value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--samplers", nargs="+", choices=SAMPLERS, default=list(SAMPLERS))
    parser.add_argument("--studies", type=int, default=10)
    parser.add_argument("--trials", type=int, default=TRIALS)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore")
    print("| task | sampler | median | worst | seconds |\n|---|---|---|---|---|")
    for task in arguments.tasks:
        for sampler in arguments.samplers:
            start = time.perf_counter()
            found = [best_of(task, sampler, s, arguments.trials) for s in range(arguments.studies)]
            seconds = (time.perf_counter() - start) / arguments.studies
            row = f"{statistics.median(found):.2g} | {max(found):.2g} | {seconds:.0f}"
            print(f"| {task} | {sampler} | {row} |", flush=True)


if __name__ == "__main__":
    main()
