"""Every block of code in the documentation runs, every example runs, the reference is current."""

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
def test_the_blocks_of_a_page_run_in_order(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", list(sys.path))
    namespace: dict[str, object] = {"__name__": page.stem}
    for block in re.finditer(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        line = page.read_text(encoding="utf-8")[: block.start()].count("\n") + 1
        code = compile("\n" * line + block[1], str(page), "exec")
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, namespace)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_the_page_on_the_command_line_runs_in_a_shell(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```shell\n(.*?)```", text, re.DOTALL)
    command = tmp_path / "bin" / "asktell"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m asktell "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)},
    )
    assert (run.returncode, run.stderr) == (0, "")
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    assert [answer["outcome"] for answer in answers[-6:]] == ["unasked"] * 6
    status = next(answer for answer in reversed(answers) if answer.get("observed"))
    assert (status["observed"], status["failed"], status["pending"]) == (6, 1, 1)


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
        "accuracy.png",
    }
    assert (output / "accuracy.png").read_bytes().startswith(b"\x89PNG")


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
