"""The driver on a Dask cluster: ``pip install 'asktell[dask]'``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from distributed import Client

    from asktell.drivers.executors import Executor


def dask_executor(client: Client, **options: Any) -> Executor:
    """Return an executor whose calls run on the cluster of a ``distributed.Client``.

    Args:
        client: connected to the cluster.
        options: ``workers``, ``resources``, ``allow_other_workers`` of ``Client.get_executor``.
    """
    # impure, or Dask would answer the retry of an evaluation with the failure that it remembers
    executor: Executor = client.get_executor(pure=False, **options)  # type: ignore[no-untyped-call]
    return executor
