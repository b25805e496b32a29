"""From ten failures to a result, by the command line alone, in an empty folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

SPACE = """\
parameters:
  lr: {type: float, low: 1.0e-5, high: 1.0, log: true}
  depth: {type: int, low: 1, high: 12}
"""


def test_ten_failures_are_found_understood_retried_and_a_wrong_result_amended(
    tmp_path: Path,
) -> None:
    (tmp_path / "space.yaml").write_text(SPACE)

    def asktell(line: str, text: str = "") -> str:
        """Carry out a line as a shell would, and return what it printed."""
        program, *arguments = shlex.split(line)
        assert program == "asktell"
        done = subprocess.run(
            [sys.executable, "-m", "asktell", *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        )
        assert done.stderr == ""
        return done.stdout

    def answers(line: str, text: str = "") -> list[Any]:
        return [json.loads(answer) for answer in asktell(line, text).splitlines()]

    asktell("asktell init space.yaml study.json --goal minimize")
    first = answers("asktell suggest study.json -n 10")
    for suggestion in first:
        reason = "FileNotFoundError: train.csv" if suggestion["id"] < 7 else "CUDA out of memory"
        asktell(f"asktell fail study.json --id {suggestion['id']} --reason '{reason}'")

    # found
    seen = asktell("asktell show study.json")
    assert "Trials: 10 failed" in seen
    assert "7      0-6     FileNotFoundError: train.csv" in seen
    # understood
    failed = asktell("asktell show study.json --failed")
    assert "7 x FileNotFoundError: train.csv" in failed
    assert "3 x CUDA out of memory" in failed
    (look,) = re.findall(r"^  (asktell show .*)$", failed, re.MULTILINE)
    assert f"depth  {first[0]['params']['depth']}" in asktell(look)
    # retried, by the command that it said
    (retry,) = re.findall(r"^  (asktell retry .*)$", seen, re.MULTILINE)
    assert [answer["status"] for answer in answers(retry)] == ["queued"] * 10

    # evaluated again
    again = answers("asktell suggest study.json -n 10")
    assert [one["params"] for one in again] == [one["params"] for one in first]
    assert {one["origin"] for one in again} == {"again"}
    lines = "".join(json.dumps({**one, "target": 0.1 * one["id"]}) + "\n" for one in again)
    told = answers("asktell observe study.json -", lines)
    assert [answer["outcome"] for answer in told] == ["recorded"] * 10
    late = answers("asktell fail study.json --id 3 --reason 'FileNotFoundError: train.csv'")
    assert late == [{"id": 3, "outcome": "repeated"}]  # a message that came twice undoes nothing

    # done, but for one that was wrong
    seen = asktell("asktell show study.json")
    assert seen.startswith("Best: 1\n")
    assert "Trials: 10 observed\n" in seen
    assert "To do" not in seen
    (row,) = answers("asktell amend study.json --id 19 --target 0.5")
    assert (row["status"], row["target"]) == ("observed", 0.5)
    assert asktell("asktell show study.json").startswith("Best: 0.5\n")
    rows = answers("asktell export study.json --all")
    assert [row["status"] for row in rows] == ["observed"] * 10
    assert {tuple(row["ids"]) for row in rows} == {(n, n + 10) for n in range(10)}
