"""``asktell report``: one page, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from report_studies import STUDIES

from asktell.cli import reports
from asktell.cli.main import main
from asktell.store import Store

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a study, which is where commands run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reports.time, "time", lambda: 1.77e9)
    Store("study.json").create(STUDIES["one trial"]().state)
    return tmp_path


def test_a_report_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "study.json", "out.html"]) == 0
    text = (folder / "out.html").read_text(encoding="utf-8")
    assert "on 2026-02-02 02:40 UTC" in text
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"report": "out.html", "bytes": len(text.encode())}
    assert main(["report", "study.json", "out.html"]) == 0  # it is written anew


def test_a_state_is_not_taken_for_a_report(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "study.json").read_bytes()
    assert main(["report", "study.json", "study.json"]) == 3
    assert "expected a path that ends with .html" in capsys.readouterr().err
    assert (folder / "study.json").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["none.json", "out.html"], 5), (["study.json", "no-such-folder/out.html"], 5)],
)
def test_trouble_with_files_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    assert main(["report", *arguments]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("asktell: ")


def test_a_missing_package_is_named(folder: Path) -> None:
    code = """
import sys; sys.modules["jinja2"] = None
from asktell.cli.main import main
sys.exit(main(["report", "study.json", "out.html"]))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ran.returncode == 1
    assert "pip install 'asktell[report]'" in ran.stderr
    assert not (folder / "out.html").exists()


def test_other_commands_import_nothing_of_it(folder: Path) -> None:
    code = 'import sys; from asktell.cli.main import main; main(["status", "study.json"])'
    code += '; print([n for n in ("matplotlib", "jinja2", "asktell.reports") if n in sys.modules])'
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, env=environment
    )
    assert ran.stdout.splitlines()[-1] == "[]"
