"""Drivers: keep the workers of an executor busy with evaluations, for as long as it takes.

Executors of other packages have a module each: ``asktell.drivers.dask``, ``.ray``, ``.submitit``.
"""

from asktell.drivers.checkpoint import Checkpoint, resume, save_state
from asktell.drivers.evaluated import Evaluated
from asktell.drivers.executors import Executor, WorkerDied, WorkerNotStarted
from asktell.drivers.optimize import optimize
from asktell.drivers.patience import Patience
from asktell.drivers.processes import ProcessWorkers
from asktell.drivers.summary import Summary
from asktell.errors import Interrupted

__all__ = [
    "Checkpoint",
    "Evaluated",
    "Executor",
    "Interrupted",
    "Patience",
    "ProcessWorkers",
    "Summary",
    "WorkerDied",
    "WorkerNotStarted",
    "optimize",
    "resume",
    "save_state",
]
