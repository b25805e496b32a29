"""A program: by how much the peak memory of this process rises by using a model.

It is run as a file, in a process of its own. Arguments: the framework (onnx or torch), the model's
file, the file of what it is run on, threads, and what to import modules from besides. It prints the
bytes.
"""

from __future__ import annotations

import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

FATAL_ONLY = 4

Use = Callable[[], object]
"""Loads the model and runs it once."""


def main(framework: str, model: str, feed: str, threads: int) -> int:
    """Return the bytes by which the peak rises from loading the model until it has run once."""
    use = {"onnx": _onnx, "torch": _torch}[framework](model, feed, threads)
    _forget_peak()
    before = _peak()
    used = use()  # kept until the peak is read
    risen = max(_peak() - before, 0)
    del used
    return risen


def _onnx(model: str, feed: str, threads: int) -> Use:
    import numpy as np
    import onnxruntime

    with np.load(feed) as arrays:
        inputs = {name: arrays[name] for name in arrays.files}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY

    def use() -> object:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return session, session.run(None, inputs)

    return use


def _torch(model: str, feed: str, threads: int) -> Use:
    import torch

    torch.set_num_threads(threads)
    args, kwargs = torch.load(feed, weights_only=False)
    with zipfile.ZipFile(model) as archive:
        is_program = any(name.endswith("/archive_format") for name in archive.namelist())

    def use() -> object:
        if is_program:
            loaded = torch.export.load(model).module()
        else:
            loaded = torch.load(model, weights_only=False)
        with torch.inference_mode():
            return loaded, loaded(*args, **kwargs)

    return use


def _peak() -> int:
    """Return the most resident bytes that this process has had.

    Linux tells it for the program alone; the other number, which other systems have, may be that
    of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _forget_peak() -> None:
    """Let the peak be what is resident now, where the system can do that."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    del sys.path[0]  # this folder: its modules are not meant by their bare names
    sys.path.extend(sys.argv[5:])
    print(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
