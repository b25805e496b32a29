"""A space as text from which the same one is made: Python code, and a space file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from asktell.codec.answers import goals_answer
from asktell.errors import NOTHING
from asktell.space.arguments import arguments_of, defaults_of
from asktell.space.constraints import Constraint, plain_constraint
from asktell.space.parameters import Parameter, kind_of
from asktell.space.space import Space
from asktell.study.problem import Problem

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_OTHER_THAN_TEXT = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
"""Words that a reader of YAML, of one version or another, takes for something else than text."""


_SHORT = 1e15
"""Larger numbers are shorter with an exponent."""


def python_text(space: Space) -> str:
    """Return the lines of Python that make a space, with ``asktell`` imported as ``at``."""
    parts = [_python_parameter(parameter) for parameter in space.parameters]
    if space.constraints:
        inner = "".join(f"        {_python_constraint(one)},\n" for one in space.constraints)
        parts.append(f"constraints=[\n{inner}    ]")
    return "import asktell as at\n\nspace = at.Space(\n    " + ",\n    ".join(parts) + ",\n)"


def space_file_text(problem: Problem) -> str:
    """Return the space file of a problem, with its objectives and the bounds on its outcomes."""
    goals = goals_answer(problem)
    lines = ["parameters:"]
    for parameter in problem.space.parameters:
        written = {"type": kind_of(parameter), **_given(parameter)}
        lines.append(f"  {_yaml(parameter.name)}: {_yaml(written)}")
    if problem.space.constraints:
        lines.append("constraints:")
        lines += [f"- {_yaml(_plain(one))}" for one in problem.space.constraints]
    for key in ("objectives", "outcome_constraints"):
        if key in goals:
            lines.append(f"{key}:")
            lines += [f"  {_yaml(name)}: {_yaml(value)}" for name, value in goals[key].items()]
    return "\n".join(lines)


def _given(parameter: Parameter) -> dict[str, Any]:
    """Return the arguments of a parameter that are not the default, without its name."""
    defaults = defaults_of(type(parameter))
    given: dict[str, Any] = {}
    for name, value in arguments_of(parameter).items():
        if name != "name" and value != defaults[name] and value != []:
            given[name] = value
    if "when" in given:
        given["when"] = _where(given["when"])
    if len(given.get("likely", ())) == 1 and given["likely"] != [None]:
        (given["likely"],) = given["likely"]
    return given


def _where(where: Mapping[str, Any]) -> dict[str, Any]:
    """Return plain conditions as a person writes them: one value without a list."""
    return {name: _condition(one) for name, one in where.items()}


def _condition(condition: Any) -> Any:
    if isinstance(condition, dict):
        return _short(condition)
    return condition[0] if len(condition) == 1 else condition


def _plain(constraint: Constraint) -> dict[str, Any]:
    plain = plain_constraint(constraint)
    if "forbidden" in plain:
        return {"forbidden": _where(plain["forbidden"])}
    return {key: _short(value) for key, value in plain.items()}


def _short(value: Any) -> Any:
    """Return numbers that are kept as floats without a fraction where they have none."""
    if isinstance(value, dict):
        return {name: _short(one) for name, one in value.items()}
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < _SHORT
    return int(value) if is_whole else value


def _python_parameter(parameter: Parameter) -> str:
    defaults = defaults_of(type(parameter))
    given = [
        repr(value) if defaults[name] is NOTHING else f"{name}={value!r}"
        for name, value in _given(parameter).items()
    ]
    return f"at.{type(parameter).__name__}({', '.join([repr(parameter.name), *given])})"


def _python_constraint(constraint: Constraint) -> str:
    plain = _plain(constraint)
    kind = next(iter(plain))
    own = plain.pop(kind)
    first = [repr(own)] if isinstance(own, dict) else [repr(name) for name in own]
    rest = [f"{name}={value!r}" for name, value in plain.items()]
    return f"at.{kind.title()}({', '.join([*first, *rest])})"


def _yaml(value: Any) -> str:
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_yaml(k)}: {_yaml(v)}' for k, v in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, str):
        return repr(value)
    if _WORD.match(value) and value.lower() not in _OTHER_THAN_TEXT:
        return value
    return f'"{"".join(map(_letter, value))}"'


def _letter(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"
