"""A command with places for params: what is filled in, and what is refused."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell.errors import DefinitionError
from asktell.programs.template import Template, environment_of, text_of

NAMES = ("lr", "depth", "kernel")
PARAMS = {"lr": 1e-05, "depth": 4, "kernel": "rbf"}
VALUES = {**PARAMS, "id": 7, "folder": "/x y/7", "params_file": "/x y/7/params.json"}


@pytest.mark.parametrize(
    ("argument", "filled"),
    [
        ("{lr}", "1e-05"),
        ("--depth={depth}", "--depth=4"),
        ("{depth}-{lr}-{depth}", "4-1e-05-4"),
        ("{{lr}}", "{lr}"),
        ('{"a": {"b": {depth}}}', '{"a": {"b": 4}}'),
        ("{lr}}", "1e-05}"),
        ("{print $1}", "{print $1}"),
        ("${{HOME}}", "${HOME}"),
        ("a{", "a{"),
        ("} {} { x; } {1..3}", "} {} { x; } {1..3}"),
        ("{folder}/{id}", "/x y/7/7"),
        ("{params_file}", "/x y/7/params.json"),
        ("no place", "no place"),
        ("", ""),
    ],
)
def test_places_are_filled(argument: str, filled: str) -> None:
    template = Template.of(["prog", argument], NAMES)
    assert template.filled(VALUES) == ["prog", filled]


@pytest.mark.parametrize(
    ("arguments", "filled"),
    [
        (["--depth", "{depth}", "--lr", "{lr}"], ["--lr", "1e-05"]),
        (["-d", "{depth}"], []),
        (["--depth={depth}", "depth={depth}", "model.depth={depth}", "{lr}"], ["1e-05"]),
        (["{depth}", "{lr}"], ["", "1e-05"]),
        (["--", "{depth}"], ["--", ""]),
        (["--fast=yes", "{depth}"], ["--fast=yes", ""]),
        (["-c", "train {lr} {depth}"], ["-c", "train 1e-05 "]),
        (["a={lr},{depth}"], ["a=1e-05,"]),
        (["--depth", "{{depth}}", "x={{depth}}"], ["--depth", "{depth}", "x={depth}"]),
        (["--depth", "{depth} {lr}"], ["--depth", " 1e-05"]),
        (["{kernel}", "{depth}"], ["rbf", ""]),
        (["-3", "{depth}"], ["-3", ""]),
    ],
)
def test_what_has_no_value_is_left_out_with_its_option(
    arguments: list[str], filled: list[str]
) -> None:
    values = {name: value for name, value in VALUES.items() if name != "depth"}
    assert Template.of(["prog", *arguments], NAMES).filled(values) == ["prog", *filled]
    everything = Template.of(["prog", *arguments], NAMES).filled(VALUES)
    assert len(everything) == len(arguments) + 1


def test_an_option_is_not_taken_from_a_value() -> None:
    values = {"kernel": "--rbf"}
    assert Template.of(["prog", "{kernel}", "{depth}"], NAMES).filled(values) == [
        "prog",
        "--rbf",
        "",
    ]


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("{dpeth}", "(did you mean depth?)"),
        ("${HOME}", "one of ['lr', 'depth', 'kernel', 'id', 'folder', 'params_file']"),
        ("${HOME}", "{{HOME}} if not a parameter"),
        ("{depth:d}", "(did you mean depth?)"),
    ],
)
def test_what_is_no_place_is_refused(argument: str, said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        Template.of(["prog", argument], NAMES)
    assert caught.value.place == "command[1]"
    assert said in str(caught.value)


def test_a_parameter_is_meant_where_it_has_the_name_of_something_else() -> None:
    template = Template.of(["{id}"], ("id",))
    assert template.filled({"id": 0.5}) == ["0.5"]


def test_it_knows_its_names() -> None:
    assert Template.of(["{lr}", "x{{depth}}", "{id}{lr}{ x }"], NAMES).names == {"lr", "id"}


def test_a_name_may_be_any_text() -> None:
    template = Template.of(["{learning rate}"], ["learning rate"])
    assert template.filled({"learning rate": 0.5}) == ["0.5"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (None, "null"), (3, "3"), ("a b; rm", "a b; rm"), ("", "")],
)
def test_values_as_text(value: Any, text: str) -> None:
    assert text_of(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_read_back_to_the_last_bit(value: float) -> None:
    back = float(text_of(value))
    assert (back, math.copysign(1.0, back)) == (value, math.copysign(1.0, value))


@given(st.text())
def test_any_string_is_one_argument(value: str) -> None:
    assert Template.of(["a{kernel}b"], NAMES).filled({"kernel": value}) == [f"a{value}b"]


def test_the_environment_says_all() -> None:
    params = {"lr": 0.5, "opt.name": "adam", "bias": True}
    environment = environment_of(params, 7, "/f/7")
    assert json.loads(environment.pop("ASKTELL_PARAMS")) == params
    assert environment == {
        "ASKTELL_ID": "7",
        "ASKTELL_FOLDER": "/f/7",
        "ASKTELL_PARAM_lr": "0.5",
        "ASKTELL_PARAM_opt_name": "adam",
        "ASKTELL_PARAM_bias": "true",
    }
