"""The command as a process: its standard output has answers and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

NOISY = """
import os, sys
from asktell.cli import process

command = process.main

def noisy():
    os.write(1, b"a library prints\\n")
    return command(sys.argv[1:])

process.main = noisy
sys.exit(process.command())
"""


def test_what_libraries_print_is_not_among_the_answers(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text("parameters:\n  x: {type: float, low: 0, high: 1}\n")

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        asked = [sys.executable, "-c", NOISY, *arguments]
        return subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=True)

    call("init", "space.yaml", "s.json")
    answered = call("suggest", "s.json", "-n", "2")

    assert [json.loads(line)["id"] for line in answered.stdout.splitlines()] == [0, 1]
    assert answered.stderr == "a library prints\n"


def test_letters_of_any_kind_come_through(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(
        "parameters:\n  x: {type: categorical, choices: [é]}\n", encoding="utf-8"
    )
    start = [sys.executable, "-m", "asktell"]
    subprocess.run([*start, "init", "space.yaml", "s.json"], cwd=tmp_path, check=True)
    asked = subprocess.run(
        [*start, "suggest", "s.json"], cwd=tmp_path, capture_output=True, check=True
    )

    assert json.loads(asked.stdout)["params"] == {"x": "é"}
