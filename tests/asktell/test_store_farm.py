"""Many processes on one store, and writers that are killed. Real processes, a small run of each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FARM = Path(__file__).parents[1] / "benchmarks" / "store_farm.py"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the farm forks")


def test_processes_share_a_store_and_killed_writers_lose_nothing_acknowledged(
    tmp_path: Path,
) -> None:
    run = subprocess.run(  # a process of its own, for it forks
        [sys.executable, FARM, "--size", "small", "--folder", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    figures = [json.loads(line) for line in run.stdout.splitlines()]
    assert [f["observations"] for f in figures if "farm" in f] == [160, 160]
    assert [f["kills"] for f in figures if "killed" in f] == [20, 20]
