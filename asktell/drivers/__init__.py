"""Drivers: keep the workers of an executor busy with evaluations, for as long as it takes.

Executors of other packages have a module each: ``asktell.drivers.dask``, ``.ray``, ``.submitit``.
"""

from asktell.drivers.checkpoint import Checkpoint, resume, save_state
from asktell.drivers.evaluated import Evaluated
from asktell.drivers.executors import Executor
from asktell.drivers.maximize import maximize, maximize_front
from asktell.drivers.processes import ProcessWorkers, WorkerDied

__all__ = [
    "Checkpoint",
    "Evaluated",
    "Executor",
    "ProcessWorkers",
    "WorkerDied",
    "maximize",
    "maximize_front",
    "resume",
    "save_state",
]
