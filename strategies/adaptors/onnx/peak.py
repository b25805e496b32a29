"""A program: by how much the peak memory of this process rises by using a model.

It is run as a file, in a process of its own, which imports nothing of this package.
Arguments: the model's file, the feed's file (.npz), threads. It prints the bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

FATAL_ONLY = 4


def main(model: str, feed: str, threads: int) -> int:
    """Return the bytes by which the peak rises from loading the model until it has run once."""
    import numpy as np
    import onnxruntime

    with np.load(feed) as arrays:
        inputs = {name: arrays[name] for name in arrays.files}
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL_ONLY
    _forget_peak()
    before = _peak()
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    session.run(None, inputs)
    return max(_peak() - before, 0)


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
    del sys.path[0]  # this folder: its modules are not meant by their bare names
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
