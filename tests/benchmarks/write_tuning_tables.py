"""Measure every configuration of the tuning suite, and write the tables.

``python tests/benchmarks/write_tuning_tables.py`` takes some minutes; with names, only those.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import numpy as np
from sklearn import datasets, metrics, model_selection, preprocessing
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import ElasticNet, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, SVR
from suites import tables, tuning
from suites.task import Params
from threadpoolctl import threadpool_limits

_SCALERS: dict[str, Callable[[], BaseEstimator | str]] = {
    "none": lambda: "passthrough",
    "standard": preprocessing.StandardScaler,
    "range": preprocessing.MinMaxScaler,
    "quantile": lambda: preprocessing.QuantileTransformer(n_quantiles=50),
}


def _without(params: Params, *names: str) -> dict[str, object]:
    return {name: value for name, value in params.items() if name not in names}


def _svc(p: Params) -> BaseEstimator:
    return make_pipeline(_SCALERS[p["scaler"]](), SVC(**_without(p, "scaler"), max_iter=3000))


def _boosting(p: Params) -> BaseEstimator:
    return HistGradientBoostingClassifier(**p, random_state=0, early_stopping=False, max_bins=31)


def _forest(p: Params) -> BaseEstimator:
    return RandomForestClassifier(**p, random_state=0)


def _neighbours(p: Params) -> BaseEstimator:
    model = KNeighborsClassifier(**_without(p, "scaler", "components"), algorithm="brute")
    return make_pipeline(_SCALERS[p["scaler"]](), PCA(p["components"], random_state=0), model)


def _network(p: Params) -> BaseEstimator:
    hidden = (p["width"],) * p["layers"]
    rest = _without(p, "width", "layers")
    model = MLPRegressor(hidden_layer_sizes=hidden, **rest, max_iter=25, random_state=0)
    return TransformedTargetRegressor(model, transformer=preprocessing.StandardScaler())


def _elastic(p: Params) -> BaseEstimator:
    model = ElasticNet(alpha=p["alpha"], l1_ratio=p["l1_ratio"], max_iter=300)
    transformer = (
        preprocessing.StandardScaler()
        if p["target"] == "plain"
        else make_pipeline(
            preprocessing.FunctionTransformer(np.log, np.exp), preprocessing.StandardScaler()
        )
    )
    features = preprocessing.PolynomialFeatures(p["degree"], include_bias=False)
    pipeline = make_pipeline(_SCALERS[p["scaler"]](), features, model)
    return TransformedTargetRegressor(pipeline, transformer=transformer)


def _gradient(p: Params) -> BaseEstimator:
    model = SGDClassifier(**p, max_iter=15, tol=None, random_state=0)
    return make_pipeline(preprocessing.StandardScaler(), model)


def _kernel(p: Params) -> BaseEstimator:
    return make_pipeline(preprocessing.StandardScaler(), SVR(**p, max_iter=3000))


_MODELS = {
    "svc_digits": (_svc, datasets.load_digits, 500, "error"),
    "boosting_cancer": (_boosting, datasets.load_breast_cancer, 300, "log"),
    "forest_wine": (_forest, datasets.load_wine, 178, "log"),
    "neighbours_digits": (_neighbours, datasets.load_digits, 700, "error"),
    "network_diabetes": (_network, datasets.load_diabetes, 300, "square"),
    "elastic_diabetes": (_elastic, datasets.load_diabetes, 442, "square"),
    "gradient_digits": (_gradient, datasets.load_digits, 500, "error"),
    "kernel_diabetes": (_kernel, datasets.load_diabetes, 442, "square"),
}


def _loss(model: BaseEstimator, x: np.ndarray, y: np.ndarray, measure: str) -> float:
    """Return the cross-validated loss: share of errors, log loss, or root mean square error."""
    if measure == "square":
        folds = model_selection.KFold(3, shuffle=True, random_state=0)
        predicted = model_selection.cross_val_predict(model, x, y, cv=folds)
        return float(min(np.sqrt(((predicted - y) ** 2).mean()), 1000.0))
    folds = model_selection.StratifiedKFold(3, shuffle=True, random_state=0)
    method = "predict" if measure == "error" else "predict_proba"
    predicted = model_selection.cross_val_predict(model, x, y, cv=folds, method=method)
    return float((predicted != y).mean() if measure == "error" else metrics.log_loss(y, predicted))


def write(name: str) -> None:
    """Measure and write one table."""
    make, load, n, measure = _MODELS[name]
    space = tuning.SPACES[name]
    assert space.size is not None
    x, y = load(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(x))[:n]
    configurations = (space.params(space.configuration(i)) for i in range(space.size))
    print(f"{name}: {space.size} configurations", flush=True)
    tables.write(name, [_loss(make(p), x[rows], y[rows], measure) for p in configurations])


def main() -> None:
    """Write all tables, or those named."""
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        for name in sys.argv[1:] or _MODELS:
            write(name)


if __name__ == "__main__":
    main()
