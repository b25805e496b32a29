"""A program: by how much the peak memory of this process rises by using a model.

It is run as a file, in a process of its own. Arguments: the model's file, the file of what it is
called with, threads, and what to import modules from. It prints the bytes.
"""

from __future__ import annotations

import sys
import warnings
import zipfile
from pathlib import Path


def main(model: str, feed: str, threads: int) -> int:
    """Return the bytes by which the peak rises from loading the model until it has run once."""
    import torch

    torch.set_num_threads(threads)
    args, kwargs = torch.load(feed, weights_only=False)
    before = _peak()
    with zipfile.ZipFile(model) as archive:
        is_program = any(name.endswith("/archive_format") for name in archive.namelist())
    if is_program:
        loaded = torch.export.load(model).module()
    else:
        loaded = torch.load(model, weights_only=False)
    with torch.inference_mode():
        loaded(*args, **kwargs)
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


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    del sys.path[0]  # this folder: its modules are not meant by their bare names
    sys.path.extend(sys.argv[4:])
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))  # noqa: T201
