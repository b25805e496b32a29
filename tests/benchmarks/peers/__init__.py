"""Optimisers behind one interface: a class each, made of a space's dict, a seed and a budget.

This package and its modules run in environments that need not have anything but the peer itself:
nothing else of this project may be imported here, but for ``asktell`` in the module of that name.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any, NamedTuple, Protocol

Params = dict[str, Any]
Value = float | dict[str, float] | None
"""What a peer is told: None where an evaluation failed, a dict if it knows of outcomes."""


class Peer(Protocol):
    """An optimiser that minimises: asked for params, and told their values before the next.

    Those that run with several workers are told in any order, and asked before they are told.
    Those that know several objectives or constraints take a fourth argument, ``outcomes``: see the
    module of that name. Those that recommend other params than the best they were told have a
    method ``recommend``.
    """

    def __init__(self, space: dict[str, Any], seed: int, budget: int) -> None:
        """Start on a space, in the layout of a state's dict."""
        ...

    def ask(self) -> Params:
        """Return the params to evaluate next."""
        ...

    def tell(self, params: Params, value: Any) -> None:
        """Take the value of params; None where their evaluation failed."""
        ...


class Entry(NamedTuple):
    """Where a peer is: its module and class, its distribution, and its environment."""

    module: str
    name: str
    distribution: str
    environment: str | None

    def load(self) -> type[Peer]:
        """Return the class."""
        peer: type[Peer] = getattr(import_module(f"peers.{self.module}"), self.name)
        return peer

    def version(self) -> str:
        """Return the name and version of what it uses."""
        return f"{self.distribution} {version(self.distribution)}"


PEERS = {
    "random": Entry("samplers", "Random", "numpy", None),
    "sobol": Entry("samplers", "Sobol", "scipy", None),
    "asktell": Entry("engine", "AskTell", "asktell", None),
    "optuna_tpe": Entry("optuna_samplers", "Tpe", "optuna", "optuna"),
    "optuna_nsga2": Entry("optuna_samplers", "Nsga2", "optuna", "optuna"),
    "optuna_gp": Entry("optuna_samplers", "Gp", "optuna", "optuna"),
    "ax": Entry("ax_client", "Ax", "ax-platform", "ax"),
    "hebo": Entry("hebo_optimizer", "Hebo", "HEBO", "hebo"),
    "skopt": Entry("skopt_optimizer", "Skopt", "scikit-optimize", "skopt"),
    "bayes_opt": Entry("bayes_opt_optimizer", "BayesOpt", "bayesian-optimization", "bayes_opt"),
    "smac": Entry("smac_facades", "Smac", "smac", "smac"),
    "cma": Entry("cma_es", "Cma", "cma", "cma"),
}
"""All peers; those without an environment run in the project's own."""
