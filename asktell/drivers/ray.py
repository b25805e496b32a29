"""The driver on a Ray cluster: ``pip install 'asktell[ray]'``."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import ray

from asktell.drivers.executors import relayed, settle


class RayExecutor:
    """An executor whose calls are Ray tasks; cancelling one kills its worker.

    ``ray.init`` comes first, or Ray starts a cluster of its own.

    Args:
        options: of ``ray.remote``: ``num_cpus``, ``num_gpus``, ``resources``, ... Ray repeats
            nothing by itself unless ``max_retries`` says so: the engine's settings decide.
    """

    def __init__(self, **options: Any) -> None:
        """Take the options of the tasks."""
        self._options = {"max_retries": 0, **options}
        self._exported: tuple[Callable[..., Any], Any] | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Call the function in a Ray task."""
        if self._exported is None or self._exported[0] is not fn:

            def call(*args: Any) -> Any:  # Ray takes functions, and nothing else that is called
                return fn(*args)

            self._exported = fn, ray.remote(**self._options)(call)
        reference = self._exported[1].remote(*args)
        future = relayed(lambda: ray.cancel(reference, force=True))
        reference.future().add_done_callback(lambda done: settle(future, done.result))
        return future
