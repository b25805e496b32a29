"""Measure the grids of ``suites.selection``, and write the tables.

``python tests/benchmarks/write_selection_tables.py`` takes some minutes; with names of data, only
those.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets, ensemble, linear_model, model_selection, neighbors, svm
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from suites import selection, tables
from suites.selection import GRIDS, Branch
from threadpoolctl import threadpool_limits

Array = NDArray[Any]

DATA = {
    "cancer": (datasets.load_breast_cancer, 569, 10, 2),
    "wine": (datasets.load_wine, 178, 6, 3),
    "digits": (datasets.load_digits, 360, 64, 1),
    "diabetes": (datasets.load_diabetes, 442, 10, 1),
}
"""Where each is loaded from, how many rows and columns are used, and how often it is cut in three
folds. With all columns, almost anything does for cancer and wine."""

TREES = 30


def estimator(p: dict[str, Any], classes: bool) -> BaseEstimator:
    """Return the estimator of a configuration."""
    model = p["model"]
    if model == "linear":
        penalty = "elasticnet" if p["penalty"] == "elastic" else p["penalty"]
        more = {"alpha": p["alpha"], "penalty": penalty, "l1_ratio": p.get("l1_ratio", 0.15)}
        more |= {"max_iter": 30, "tol": None, "random_state": 0}
        if classes:
            return linear_model.SGDClassifier(loss="log_loss", **more)
        return linear_model.SGDRegressor(**more)
    if model == "neighbours":
        metric = {"metric": "cosine"} if p["metric"] == "cosine" else {"p": p["power"]}
        kind = neighbors.KNeighborsClassifier if classes else neighbors.KNeighborsRegressor
        return kind(p["neighbours"], weights=p["weights"], algorithm="brute", **metric)
    if model == "svm":
        more = {name: p[name] for name in ("kernel", "C", "gamma", "degree") if name in p}
        return (svm.SVC if classes else svm.SVR)(**more, max_iter=3000)
    if model == "forest":
        more = {"max_features": p["features"], "min_samples_leaf": p["leaf"], "random_state": 0}
        more |= {"max_depth": p.get("forest_depth"), "n_estimators": TREES}
        kind = ensemble.RandomForestClassifier if classes else ensemble.RandomForestRegressor
        return kind(**more)
    more = {"learning_rate": p["rate"], "max_depth": p["boosting_depth"], "random_state": 0}
    more |= {"n_estimators": p["trees"], "subsample": p.get("rows", 1.0)}
    kind = ensemble.GradientBoostingClassifier if classes else ensemble.GradientBoostingRegressor
    return kind(**more)


def measured(branch: Branch, x: Array, y: Array, times: int, classes: bool) -> Iterator[float]:
    """Yield the losses of a branch; of boosting, fits of most trees give those of fewer."""
    splitter = model_selection.RepeatedStratifiedKFold if classes else model_selection.RepeatedKFold
    folds = list(splitter(n_splits=3, n_repeats=times, random_state=0).split(x, y))
    boosting = ("model", "boosting") in branch.choices
    for p in branch.configurations():
        if boosting and p["trees"] != GRIDS["trees"][-1]:
            continue
        losses = []
        for train, test in folds:
            model = estimator(p, classes)
            scaled = make_pipeline(StandardScaler(), model).fit(x[train], y[train])
            if boosting:
                stages = list(model.staged_predict(scaled[0].transform(x[test])))
                predicted = np.array([stages[int(n) - 1] for n in GRIDS["trees"]])
            else:
                predicted = scaled.predict(x[test])[None]
            if is_classifier(model):
                losses.append((predicted != y[test]).mean(axis=1))
            else:  # what is left of the variance, in which 1 is the mean alone
                left = np.minimum(((predicted - y[test]) ** 2).mean(axis=1) / y.var(), 2.0)
                losses.append(np.nan_to_num(left, nan=2.0))
        yield from np.mean(losses, axis=0).tolist()


def write(data: str) -> None:
    """Measure and write one table."""
    load, n, columns, times = DATA[data]
    x, y = load(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(x))[:n]
    values = []
    for branch in selection.BRANCHES:
        values += measured(branch, x[rows, :columns], y[rows], times, data != "diabetes")
        print(data, branch.choices, f"{min(values):.4g}", flush=True)
    tables.write(f"select_{data}", values)


def main() -> None:
    """Write all tables, or those named."""
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        for data in sys.argv[1:] or DATA:
            write(data)


if __name__ == "__main__":
    main()
