"""The memory that a model takes, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from strategies.adaptors.onnx import peak
from strategies.adaptors.onnx.running import Feed
from strategies.errors import AdaptorError


def footprint(save: Callable[[str], None], feed: Feed, threads: int) -> int:
    """Return by how many bytes the peak memory of a fresh process rises by using a model.

    Args:
        save: writes the model to a path.
        feed: one batch, as the model takes it.
        threads: that ONNX Runtime computes with.

    Raises:
        AdaptorError: The process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        model, inputs = Path(folder, "model.onnx"), Path(folder, "feed.npz")
        save(str(model))
        np.savez(inputs, **feed)  # type: ignore[arg-type]
        command = [sys.executable, peak.__file__, str(model), str(inputs), str(threads)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise AdaptorError(f"the memory of the model cannot be measured: {last}")
    return int(done.stdout)
