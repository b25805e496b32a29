"""The memory that a model takes, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from strategies.adaptors import peak
from strategies.errors import AdaptorError

_SUFFIXES = {"onnx": ".onnx", "torch": ".pt2"}


def footprint(
    framework: Literal["onnx", "torch"], save: Callable[[Path, Path], None], threads: int
) -> int:
    """Return by how many bytes the peak memory of a fresh process rises by using a model.

    Args:
        framework: what runs it.
        save: writes the model, and what it is run on, to two paths.
        threads: that the framework computes with.

    Raises:
        AdaptorError: The process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        model, feed = Path(folder, f"model{_SUFFIXES[framework]}"), Path(folder, "feed.npz")
        save(model, feed)
        command = [sys.executable, peak.__file__, framework, str(model), str(feed), str(threads)]
        done = subprocess.run([*command, *sys.path], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise AdaptorError(f"the memory of the model cannot be measured: {last}")
    return int(done.stdout)
