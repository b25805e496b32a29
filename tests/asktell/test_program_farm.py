"""``asktell run`` killed at random, as real processes: a small run of the farm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FARM = ROOT / "tests" / "benchmarks" / "program_farm.py"


@pytest.mark.skipif(sys.platform != "linux", reason="it looks for processes in /proc")
def test_a_run_that_is_killed_loses_no_trial_and_tells_none_twice(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, FARM, "--size", "small", "--folder", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr
    (figures,) = [json.loads(line)["killed"] for line in run.stdout.splitlines()]
    assert (figures["kills"], figures["trials"]) == (2, 24)
