"""The memory that a model takes, measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from torch import nn

from strategies.adaptors.torch import peak
from strategies.adaptors.torch.exporting import save
from strategies.adaptors.torch.running import Feed
from strategies.errors import AdaptorError


def footprint(model: nn.Module, feed: Feed, threads: int) -> int:
    """Return by how many bytes the peak memory of a fresh process rises by using a model.

    Args:
        model: Saved, and loaded there.
        feed: What it is called with, once.
        threads: That PyTorch computes with.

    Raises:
        AdaptorError: The process fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, name)) for name in ("model.pt2", "feed.pt")]
        save(model, files[0], feed)
        torch.save((feed.args, dict(feed.kwargs)), files[1])
        command = [sys.executable, peak.__file__, *files, str(threads), *sys.path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise AdaptorError(f"the memory of the model cannot be measured: {last}")
    return int(done.stdout)
