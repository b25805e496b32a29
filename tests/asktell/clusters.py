"""Clusters on this computer, for tests of what runs there; skipped where they are not installed."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).parents[1]
PATHS = os.pathsep.join(map(str, (TESTS / "asktell", TESTS / "strategies", TESTS.parent)))
"""For workers that begin with a Python of their own."""


@contextlib.contextmanager
def dask(folder: Path) -> Iterator[Any]:
    """Yield an executor on a Dask cluster of two processes, which keeps its files in a folder."""
    distributed = pytest.importorskip("distributed")
    from asktell.drivers.dask import dask_executor

    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            silence_logs="CRITICAL",
            local_directory=str(folder),
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield dask_executor(client)


@contextlib.contextmanager
def ray(folder: Path) -> Iterator[Any]:
    """Yield an executor on a Ray of two processors."""
    ray = pytest.importorskip("ray")
    from asktell.drivers.ray import RayExecutor

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            runtime_env={"env_vars": {"PYTHONPATH": PATHS}},
        )
    try:
        yield RayExecutor()
    finally:
        ray.shutdown()
