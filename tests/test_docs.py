"""Every block of code in the documentation runs, every example runs, the reference is current.

Blocks of ``python`` and ``shell`` run; those of ``py`` and ``sh`` are only shown, as they need a
cluster, a clone or a network.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_CODE = [page for page in PAGES if "```python" in page.read_text(encoding="utf-8")]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("page", WITH_CODE, ids=lambda page: page.name)
def test_the_blocks_of_a_page_run_in_order(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").symlink_to(ROOT / "tests")  # for the page that reads states of old
    monkeypatch.setenv("MPLBACKEND", "agg")
    namespace: dict[str, object] = {"__name__": page.stem}
    text = page.read_text(encoding="utf-8")
    for block in re.finditer(r"```(python|shell)\n(.*?)```", text, re.DOTALL):
        if block[1] == "shell":
            shell(block[2], tmp_path)
            continue
        line = text[: block.start()].count("\n") + 1
        code = compile("\n" * line + block[2], str(page), "exec")
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, namespace)


def shell(commands: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run commands in a folder, with this Python and ``asktell``; the first failure ends them."""
    if shutil.which("bash") is None:
        pytest.skip("no bash")
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, arguments in (("asktell", "-m asktell"), ("python", "")):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        program.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stderr
    return run


def test_the_page_on_the_command_line_runs_in_a_shell(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    run = shell("\n".join(re.findall(r"```shell\n(.*?)```", text, re.DOTALL)), tmp_path)
    assert run.stderr == ""
    lines = run.stdout.splitlines()
    assert "Trials: 4 observed, 3 failed, 1 pending" in lines  # of show, which is for people
    answers = [json.loads(line) for line in lines if line.startswith("{")]
    assert [answer["outcome"] for answer in answers[-9:]] == ["unasked"] * 9
    status = next(answer for answer in reversed(answers) if answer.get("observed"))
    assert (status["observed"], status["failed"], status["pending"]) == (9, 0, 1)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_documentation_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("name", ["ask_tell", "stateless"])
def test_small_examples_run(name: str) -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "examples" / f"{name}.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith("observation of {")


def test_the_demonstration_runs_from_end_to_end(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "examples" / "demo.py"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert "Stopped after 20 trials" in run.stdout
    assert "20 trials known already" in run.stdout
    assert "meets the criterion" in run.stdout
    output = tmp_path / "demo-output"
    assert {file.name for file in output.iterdir()} == {
        "history.json",
        "best_model.onnx",
        "report.html",
    }
    assert (output / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_every_example_is_known_here() -> None:
    run = {"ask_tell", "stateless", "demo", "tune_digits"}
    by_hand = {"train_digits"}  # writes the network of the examples anew
    assert {path.stem for path in EXAMPLES} == run | by_hand


def test_the_reference_is_what_the_docstrings_say() -> None:
    run = subprocess.run(
        [sys.executable, ROOT / "docs" / "write_reference.py", "--print"],
        capture_output=True,
        text=True,
        check=True,
    )
    written = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert run.stdout == written, "make docs writes it anew"
