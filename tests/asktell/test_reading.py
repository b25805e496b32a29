"""The target of a program: where it may stand, in which forms, and what is said without one."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import pytest

from asktell.programs.reading import (
    JsonFile,
    LastLine,
    Pattern,
    UnreadableError,
    last_line,
    tail,
)

ONE = ("target",)
TWO = ("accuracy", "size")


def printed(folder: Path, stdout: str = "", stderr: str = "") -> Path:
    (folder / "stdout").write_bytes(stdout.encode())
    (folder / "stderr").write_bytes(stderr.encode())
    return folder


@pytest.mark.parametrize(
    ("stdout", "names", "measured"),
    [
        ("0.93\n", ONE, (0.93, None)),
        ("0.93", ONE, (0.93, None)),
        ("epoch 1\n  -1e-5  \n\n \n", ONE, (-1e-5, None)),
        ('{"target": 3, "std": 0.5}\n', ONE, (3, 0.5)),
        ('{"target": 3, "epochs": 12}\n', ONE, (3, None)),
        ("7\n", ("loss",), (7.0, None)),
        ('{"loss": 7}\n', ("loss",), ({"loss": 7}, None)),
        ('{"target": 7}\n', ("loss",), (7, None)),
        ('{"size": 2, "accuracy": 0.5, "more": []}', TWO, ({"accuracy": 0.5, "size": 2}, None)),
        (
            '{"target": {"size": 2, "accuracy": 1}, "std": {"size": 0.1}}',
            TWO,
            ({"size": 2, "accuracy": 1}, {"size": 0.1}),
        ),
        ('{"std": 1, "mean": 2}', ("mean", "std"), ({"mean": 2, "std": 1}, None)),
        ("10%\r50%\r0.5\n", ONE, (0.5, None)),
        ("inf\n", ONE, (math.inf, None)),
        ("\x1b[1;32m0.5\x1b[0m\n", ONE, (0.5, None)),
    ],
)
def test_the_last_line(tmp_path: Path, stdout: str, names: tuple[str, ...], measured: Any) -> None:
    assert LastLine().measured(printed(tmp_path, stdout), names) == measured


@pytest.mark.parametrize(
    ("stdout", "names", "said"),
    [
        ("", ONE, 'it printed nothing; expected a number, or {"target": number}'),
        ("done\n", ONE, "its last line is 'done'; expected a number"),
        ("true\n", ONE, "its last line is True"),
        ("[1]\n", ONE, "its last line is [1]"),
        ('{"acuracy": 1}\n', ONE, "{'acuracy': 1}"),
        ('{"accuracy": 1}\n', TWO, 'expected {"accuracy": number, "size": number}'),
    ],
)
def test_a_last_line_without_a_target(
    tmp_path: Path, stdout: str, names: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UnreadableError, match=re.escape(said)):
        LastLine().measured(printed(tmp_path, stdout), names)


def test_the_last_line_of_a_large_output(tmp_path: Path) -> None:
    printed(tmp_path, "x" * 300_000 + "\n" + "0.5\n")
    assert LastLine().measured(tmp_path, ONE) == (0.5, None)
    assert last_line(tmp_path / "missing") == ""


def test_the_tail_is_what_a_person_saw_last(tmp_path: Path) -> None:
    printed(tmp_path, "a\n\nb  \n  1%\r 2%\r\nc\r\n")
    assert tail(tmp_path / "stdout", 3) == ["b", " 2%", "c"]
    (tmp_path / "stdout").write_bytes(b"\xff\xfe\n")
    assert tail(tmp_path / "stdout", 3) == ["\ufffd\ufffd"]


def test_nothing_in_it_steers_a_terminal(tmp_path: Path) -> None:
    printed(tmp_path, "", "\x1b[31mError\x1b[0m: \x1b]0;title\x07no\x07 \x1bcfile\tx\n")
    assert tail(tmp_path / "stderr", 1) == ["Error: no file\tx"]


# --- a file ---


def test_a_file_in_the_folder_of_the_trial(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"target": 1.5,\n "std": 0.1}\n')
    assert JsonFile("r.json").measured(tmp_path, ONE) == (1.5, 0.1)
    JsonFile("r.json").clear(tmp_path)
    JsonFile("r.json").clear(tmp_path)
    with pytest.raises(UnreadableError, match=r"r\.json: No such file .*; expected a number"):
        JsonFile("r.json").measured(tmp_path, ONE)


def test_a_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "out-7.json").write_text("0.25")
    folder = tmp_path / "trials" / "7"
    folder.mkdir(parents=True)
    assert JsonFile(f"{tmp_path}/out-{{id}}.json").measured(folder, ONE) == (0.25, None)


@pytest.mark.parametrize("content", ["", "0.5 # best", '{"target"', "[" * 100_000, "0" * (2 << 20)])
def test_a_file_that_is_no_target(tmp_path: Path, content: str) -> None:
    (tmp_path / "r.json").write_text(content)
    with pytest.raises(UnreadableError, match=r"r\.json.*expected a number"):
        JsonFile("r.json").measured(tmp_path, ONE)


# --- a pattern ---


def pattern(expression: str) -> Pattern:
    return Pattern(re.compile(expression))


def test_the_last_match_counts(tmp_path: Path) -> None:
    printed(tmp_path, "accuracy: 0.5\naccuracy: 0.75 accuracy: 0.8\ndone\n")
    assert pattern(r"accuracy: ([0-9.]+)").measured(tmp_path, ONE) == (0.8, None)
    assert pattern(r"[0-9.]+").measured(tmp_path, ONE) == (0.8, None)
    assert pattern(r"accuracy: ([0-9.]+)").measured(tmp_path, ("loss",)) == (0.8, None)


def test_named_groups_are_outcomes_on_one_line_or_several(tmp_path: Path) -> None:
    printed(tmp_path, "size 3\nepoch 1 accuracy 0.5\nepoch 2 accuracy 0.6\n")
    found = pattern(r"accuracy (?P<accuracy>\S+)|size (?P<size>\S+)").measured(tmp_path, TWO)
    assert found == ({"accuracy": 0.6, "size": 3.0}, None)
    found = pattern(r"epoch (?P<std>\d) accuracy (?P<target>\S+)").measured(tmp_path, ONE)
    assert found == (0.6, 2.0)


def test_standard_error_is_searched_where_standard_output_has_no_match(tmp_path: Path) -> None:
    printed(tmp_path, "nothing\n", "INFO accuracy: 0.4\n")
    assert pattern(r"accuracy: ([0-9.]+)").measured(tmp_path, ONE) == (0.4, None)
    pattern("x").clear(tmp_path)


def test_a_pattern_without_a_number(tmp_path: Path) -> None:
    printed(tmp_path, "accuracy: none\n")
    with pytest.raises(UnreadableError, match=r"no line matches; expected a line that matches 'x'"):
        pattern("x").measured(tmp_path, ONE)
    said = "'none' is not a number, in the line 'accuracy: none'"
    with pytest.raises(UnreadableError, match=said):
        pattern(r"accuracy: (\S+)").measured(tmp_path, ONE)
    with pytest.raises(UnreadableError, match="None is not a number"):
        pattern(r"accuracy: (\d)?").measured(tmp_path, ONE)
    printed(tmp_path, "accuracy: 0.5\n")
    with pytest.raises(UnreadableError, match=r'expected {"accuracy": number, "size": number}'):
        pattern(r"(?P<accuracy>0.5)").measured(tmp_path, TWO)
