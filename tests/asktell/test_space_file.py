"""space.yaml: the contract's form, every fault with its line and path, and the schema beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from spaces import conditional, constrained, every_kind

import asktell as at
from asktell.cli import space_file
from asktell.cli.space_file import Definition, definition_of, read_definition
from asktell.cli.yaml_document import read_yaml
from asktell.errors import NOTHING
from asktell.space.arguments import defaults_of
from asktell.space.parameters import KINDS

SCHEMA = json.loads(Path(space_file.__file__).with_name("space.schema.json").read_text())

EVERY_KIND = """\
parameters:
  x: {type: float, low: -1.0, high: 2.0}
  lr: {type: float, low: 1e-5, high: 1, log: true}
  momentum: {type: float, low: 0.0, high: 0.99, step: 0.01}
  depth: {type: int, low: 1, high: 12}
  width:
    type: int
    low: 1
    high: 1000
    log: true
  bits: {type: ordinal, values: [2, 3, 4, 8]}
  kernel: {type: categorical, choices: [rbf, poly, null]}
  bias: {type: bool}
"""

CONDITIONAL = """\
parameters:
  model: {type: categorical, choices: [svm, forest, mlp]}
  C: {type: float, low: 1e-3, high: 1e3, log: true, when: {model: svm}, default: 1}
  kernel: {type: categorical, choices: [rbf, poly, null], when: {model: svm}}
  trees: {type: int, low: 10, high: 500, log: true, when: {model: [forest]}}
  layers: {type: int, low: 1, high: 4, when: {model: mlp}, likely: 2}
  dropout_3: {type: float, low: 0, high: 0.8, step: 0.1, when: {layers: {at_least: 3}}}
  bits: {type: ordinal, values: [2, 3, 4, 8], when: {layers: {at_least: 2, at_most: 3}}}
  warm:
    type: bool
    when:
      bits: [4, 8]
      dropout_3: {at_most: 0.4}
  bias: {type: bool}
"""

CONSTRAINED = """\
parameters:
  model: {type: categorical, choices: [svm, mlp]}
  bias: {type: bool}
  x1: {type: float, low: 0, high: 1}
  x2: {type: float, low: 0, high: 1}
  low: {type: int, low: 1, high: 10}
  high: {type: int, low: 1, high: 10}
  a: {type: float, low: 0, high: 1}
  b: {type: float, low: 0, high: 1}
  c: {type: float, low: 0, high: 1}
constraints:
- {linear: {x1: 1, x2: 1}, at_most: 1}
- {ordered: [low, high]}
- {forbidden: {model: svm, bias: true}}
- {simplex: [a, b, c], total: 1}
"""

WANTED = "parameters: {x: {type: bool}}\n"
NUMBERS = (
    "parameters:\n  low: {type: int, low: 1, high: 10}\n  high: {type: int, low: 1, high: 10}\n"
)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "space.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "space"),
    [(EVERY_KIND, every_kind()), (CONDITIONAL, conditional()), (CONSTRAINED, constrained())],
    ids=["every kind", "conditional", "constrained"],
)
def test_a_space_is_read(tmp_path: Path, text: str, space: at.Space) -> None:
    assert read_definition(written(tmp_path, text)) == Definition(space, None, {})
    document, _ = read_yaml(text)
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


def test_json_is_yaml(tmp_path: Path) -> None:
    document = {"parameters": {"b": {"type": "bool"}, "n": {"type": "int", "low": 1, "high": 3}}}
    expected = at.Space(at.Bool("b"), at.Int("n", 1, 3))
    assert read_definition(written(tmp_path, json.dumps(document))).space == expected


def test_what_is_wanted_is_read(tmp_path: Path) -> None:
    text = (
        WANTED
        + """
objectives:
  accuracy: maximize
  size: {goal: minimize, reference: 40}
  seconds: {goal: minimize}
outcome_constraints:
  accuracy: {at_least: 0.97}
  memory: {at_most: 3, at_least: 1}
"""
    )
    space = at.Space(at.Bool("x"))
    given = read_definition(written(tmp_path, text))
    state = at.State.start(space, objectives=given.objectives, constraints=given.constraints)
    engine = at.Engine.from_state(state)
    assert engine.objectives == {
        "accuracy": "maximize",
        "size": at.Minimize(reference=40.0),
        "seconds": "minimize",
    }
    assert engine.constraints == {
        "accuracy": at.AtLeast(0.97),
        "memory": (at.AtLeast(1.0), at.AtMost(3.0)),
    }


def test_constraints_do_without_objectives(tmp_path: Path) -> None:
    given = read_definition(written(tmp_path, WANTED + "outcome_constraints: {m: {at_most: 3}}"))
    assert given == Definition(at.Space(at.Bool("x")), None, {"m": [at.AtMost(3.0)]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "space.yaml: $: got None, expected a mapping with the key parameters"),
        ("parameters:", "space.yaml:1: $.parameters: got None, expected a mapping from names"),
        ("parameters: {}", "space.yaml:1: $.parameters: got (), expected at least one parameter"),
        ("{}", "space.yaml:1: $.parameters: got nothing, expected a mapping from names"),
        ("\nspace: {}", "space.yaml:2: $.space: got {}, expected one of the keys ['parameters', "),
        (
            "parameters:\n  x: 3",
            "space.yaml:2: $.parameters.x: got 3, expected a mapping with the key type",
        ),
        (
            "parameters:\n  x: {low: 1}",
            "space.yaml:2: $.parameters.x.type: got nothing, expected one of ['float', 'int',",
        ),
        (
            "parameters:\n  x:\n    type: real",
            "space.yaml:3: $.parameters.x.type: got 'real', expected one of ['float', 'int',",
        ),
        (
            "parameters:\n  x:\n    type: int\n    low: 1",
            "space.yaml:2: $.parameters.x.high: got nothing, expected a value",
        ),
        (
            "parameters:\n  x:\n    type: bool\n    low: 1",
            "space.yaml:4: $.parameters.x.low: got 1, expected one of the keys "
            "['type', 'when', 'default', 'likely']",
        ),
        (
            "parameters:\n  x:\n    type: float\n    lo: 1\n    high: 2",
            "space.yaml:4: $.parameters.x.lo: got 1, expected one of the keys "
            "['type', 'low', 'high', 'log', 'step', 'when', 'default', 'likely'] "
            "(did you mean low?)",
        ),
        (
            "parameters:\n  x: {type: bool, 3: 1}",
            "space.yaml:2: $.parameters.x.3: got 1, expected one of the keys ['type', 'when', ",
        ),
        (
            "parameters:\n  x:\n    type: integer",
            "space.yaml:3: $.parameters.x.type: got 'integer', expected one of ['float', 'int', "
            "'ordinal', 'categorical', 'bool'] (did you mean int?)",
        ),
        (
            "parameter:\n  x: {type: bool}",
            "space.yaml:1: $.parameter: got {'x': {'type': 'bool'}}, expected one of the keys "
            "['parameters', 'constraints', 'objectives', 'outcome_constraints'] "
            "(did you mean parameters?)",
        ),
        (
            "parameters:\n  x:\n    type: int\n    low: 1\n    high: -1",
            "space.yaml:5: $.parameters.x.high: got -1, expected a number >= low = 1",
        ),
        (
            "parameters:\n  x:\n    type: ordinal\n    values:\n    - 1\n    - [2]",
            "space.yaml:6: $.parameters.x.values[1]: got [2], expected a string, a number, a bool",
        ),
        (
            "parameters:\n  1: {type: bool}",
            "space.yaml:2: $.parameters.1.name: got 1, expected a name",
        ),
        (
            "parameters:\n  x: {type: bool}\n\n  x: {type: bool}",
            "space.yaml: line 4: got 'x', expected a key that is not in $.parameters before",
        ),
        (
            WANTED + "objectives:\n  size: smallest",
            "space.yaml:3: $.objectives.size: got 'smallest', expected one of ['maximize', ",
        ),
        (
            WANTED + "objectives:\n  size: minimise",
            "space.yaml:3: $.objectives.size: got 'minimise', expected one of ['maximize', "
            "'minimize'] (did you mean minimize?)",
        ),
        (
            WANTED + "objectives:\n  size:\n    gaol: minimize",
            "space.yaml:3: $.objectives.size.goal: got nothing, expected one of ['maximize', ",
        ),
        (
            WANTED + "objectives:\n  size:\n    goal: minimize\n    wieght: 2",
            "space.yaml:5: $.objectives.size.wieght: got 2, expected one of the keys "
            "['goal', 'weight', 'reference'] (did you mean weight?)",
        ),
        (
            WANTED + "objectives:\n  size:\n    goal: minimize\n    weight: 0",
            "space.yaml:5: $.objectives.size.weight: got 0.0, expected a number > 0, or None",
        ),
        (
            WANTED + "objectives:\n  size: {goal: minimize, weight: 2}\n  a: maximize",
            "space.yaml:2: $.objectives: got [2.0, None], expected a weight for every objective",
        ),
        (WANTED + "objectives: {}", "space.yaml:2: $.objectives: got {}, expected a mapping from"),
        (
            WANTED + "objectives:\n  3: minimize",
            "space.yaml:2: $.objectives: got 3, expected a name",
        ),
        (
            WANTED + "objective: {}",
            "space.yaml:2: $.objective: got {}, expected one of the keys ['parameters', "
            "'constraints', 'objectives', 'outcome_constraints'] (did you mean objectives?)",
        ),
        (
            WANTED + "outcome_constraints: [size]",
            "space.yaml:2: $.outcome_constraints: got ['size'], expected a mapping from outcomes",
        ),
        (
            WANTED + "outcome_constraints:\n  size: 3",
            "space.yaml:3: $.outcome_constraints.size: got 3, expected a mapping with at_least",
        ),
        (
            WANTED + "outcome_constraints:\n  size:\n    atmost: 3",
            "space.yaml:4: $.outcome_constraints.size.atmost: got 3, expected one of the keys "
            "['at_least', 'at_most'] (did you mean at_most?)",
        ),
        (
            WANTED + "outcome_constraints:\n  size:\n    at_most: low",
            "space.yaml:4: $.outcome_constraints.size.at_most: got 'low', expected a finite number",
        ),
        (
            WANTED + "outcome_constraints:\n  size: {at_least: 3, at_most: 2}",
            "space.yaml:3: $.outcome_constraints.size: got [AtLeast(bound=3.0), ",
        ),
        (
            "parameters:\n  x: {type: bool}\n  y:\n    type: bool\n    when: {z: true}",
            "space.yaml:5: $.parameters.y.when.z: got 'z', expected the name of a parameter: one "
            "of ['x', 'y']",
        ),
        (
            "parameters:\n  x: {type: bool}\n  y:\n    type: bool\n    when:\n      x: maybe",
            "space.yaml:6: $.parameters.y.when.x: got 'maybe', expected True or False",
        ),
        (
            NUMBERS + "  y:\n    type: bool\n    when:\n      low: {atleast: 3}",
            "space.yaml:7: $.parameters.y.when.low.atleast: got 3, expected one of the keys",
        ),
        (
            NUMBERS + "  y:\n    type: bool\n    when:\n      low: {at_least: 30}",
            "space.yaml:7: $.parameters.y.when.low: got 'is at least 30', expected bounds that",
        ),
        (
            "parameters:\n  x: {type: bool, when: {y: true}}\n  y: {type: bool, when: {x: true}}",
            "space.yaml:1: $.parameters: got ['x', 'y'], expected conditions that do not go round",
        ),
        (
            "parameters:\n  x:\n    type: bool\n    default: 7",
            "space.yaml:4: $.parameters.x.default: got 7, expected True or False",
        ),
        (
            "parameters:\n  x:\n    type: int\n    low: 1\n    high: 3\n    likely: [2, 5]",
            "space.yaml:6: $.parameters.x.likely[1]: got 5, expected an integer in [1, 3]",
        ),
        (
            NUMBERS + "constraints: {ordered: [low, high]}",
            "space.yaml:4: $.constraints: got {'ordered': ['low', 'high']}, expected a list of",
        ),
        (
            NUMBERS + "constraints:\n- {ordred: [low, high]}",
            "space.yaml:5: $.constraints[0]: got {'ordred': ['low', 'high']}, expected a mapping "
            "with one of the keys ['linear', 'ordered', 'forbidden', 'simplex']",
        ),
        (
            NUMBERS + "constraints:\n- {ordered: [low, high]}\n- linear:\n    low: 1\n    x3: 1\n"
            "  at_most: 1",
            "space.yaml:8: $.constraints[1].linear.x3: got 'x3', expected the name of a parameter: "
            "one of ['low', 'high']",
        ),
        (
            NUMBERS + "constraints:\n- linear: {low: 1}\n  at_moist: 1",
            "space.yaml:6: $.constraints[0].at_moist: got 1, expected only the keys",
        ),
        (
            NUMBERS + "constraints:\n- linear: {low: 1, high: zero}\n  at_most: 1",
            "space.yaml:5: $.constraints[0].linear.high: got 'zero', expected a finite number",
        ),
        (
            NUMBERS + "constraints:\n- linear: {low: 1, high: 1}",
            "space.yaml:5: $.constraints[0].at_most: got None, expected a bound: at_least, at_most",
        ),
        (
            NUMBERS + "constraints:\n- ordered:\n  - low\n  - hihg",
            "space.yaml:7: $.constraints[0].ordered[1]: got 'hihg', expected the name of a param",
        ),
        (
            NUMBERS + "constraints:\n- ordered: low",
            "space.yaml:5: $.constraints[0].ordered: got 'low', expected a list of names",
        ),
        (
            NUMBERS + "constraints:\n- simplex: [low, high]",
            "space.yaml:5: $.constraints[0].simplex[0]: got 'low', expected the name of a Float",
        ),
        (
            NUMBERS + "  m: {type: bool}\nconstraints:\n- ordered: [low, m]",
            "space.yaml:6: $.constraints[0].ordered[1]: got 'm', expected the name of a parameter "
            "whose values are numbers",
        ),
        (
            NUMBERS + "constraints:\n- forbidden:\n    low: 3\n    high: 11",
            "space.yaml:7: $.constraints[0].forbidden.high: got 11, expected an integer in [1, 10]",
        ),
        ("parameters: {x: ", "space.yaml: line 1: got"),
        ("a: b: c", "space.yaml: line 1: got 'mapping values are not allowed here', expected YAML"),
        ("parameters: !!python/name:os.system", "space.yaml: line 1: got"),
        ("a: &a [*a]", "space.yaml: line 1: got"),
        ("? [a]\n: b", "space.yaml: line 1: got 'a list or mapping', expected a key"),
        ("a: 1\n--- \nb: 2", "space.yaml: line 2: got"),
        ("a: \x00", "space.yaml: line 1: got"),
        ("x: !!int z", "space.yaml: line 1: got"),
    ],
)
def test_a_fault_is_named_with_its_line_and_path(
    tmp_path: Path, text: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(at.errors.DefinitionError) as caught:
        read_definition("space.yaml")
    assert str(caught.value).startswith(message)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "space.yaml"
    path.write_bytes(b"parameters: \xff")
    with pytest.raises(at.errors.DefinitionError, match="text in UTF-8"):
        read_definition(path)


def test_values_are_what_they_look_like(tmp_path: Path) -> None:
    text = (
        "parameters: {c: {type: categorical, choices: [no, on, 16:9, 010, 1e3, 2024-01-01, ~, 7]}}"
    )
    (parameter,) = read_definition(written(tmp_path, text)).space.parameters
    assert isinstance(parameter, at.Categorical)
    assert parameter.choices == ("no", "on", "16:9", "010", 1000.0, "2024-01-01", None, 7)


# --- the schema ---


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_has_what_the_constructors_take() -> None:
    kinds = SCHEMA["properties"]["parameters"]["additionalProperties"]["properties"]["type"]["enum"]
    assert kinds == list(KINDS)
    for name, kind in KINDS.items():
        options = {key: default for key, default in defaults_of(kind).items() if key != "name"}
        definition = SCHEMA["$defs"][name]
        assert list(definition["properties"]) == ["type", *options]
        for option, default in options.items():
            shown = definition["properties"][option]
            assert (option in definition["required"]) is (default is NOTHING)
            assert shown.get("default", NOTHING) == default


def test_the_schema_has_what_constraints_take() -> None:
    for kind in (at.Linear, at.Forbidden, at.Simplex, at.Ordered):
        name = kind.__name__.lower()
        options = list(defaults_of(kind).items())[1:]  # the first is the constraint's own
        definition = SCHEMA["$defs"][name]["properties"]
        assert list(definition) == [name, *(option for option, _ in options)]
        assert all(definition[option]["default"] == default for option, default in options)


def test_the_schema_has_what_objectives_and_bounds_take() -> None:
    for kind in (at.Maximize, at.Minimize):
        definition = SCHEMA["$defs"]["objective"]["properties"]
        assert list(definition) == ["goal", *defaults_of(kind)]
        assert all(definition[name]["default"] is None for name in defaults_of(kind))


def of(**parameter: Any) -> dict[str, Any]:
    return {"parameters": {"p": parameter}}


def wanted(**keys: Any) -> dict[str, Any]:
    return {**of(type="bool"), **keys}


FLOAT, INT = {"type": "float", "low": 1, "high": 2}, {"type": "int", "low": 1, "high": 2}


def when(condition: Any) -> dict[str, Any]:
    names = {"p": {"type": "int", "low": 1, "high": 9}, "q": {"type": "bool", "when": condition}}
    return {"parameters": names}


def bound(*constraints: Any) -> dict[str, Any]:
    kind = {"type": "float", "low": 0, "high": 1}
    return {"parameters": {"p": kind, "q": kind, "n": INT}, "constraints": list(constraints)}


@pytest.mark.parametrize(
    ("document", "good"),
    [
        (of(**FLOAT), True),
        (of(**FLOAT, log=True, step=0.25), True),
        (of(**FLOAT, step=None), True),
        (of(**FLOAT, step=0), False),
        (of(**FLOAT, log=1), False),
        (of(**{**FLOAT, "low": "1"}), False),
        (of(type="float", low=1), False),
        (of(**INT), True),
        (of(**INT, log=True, step=1), True),
        (of(**INT, step=0), False),
        (of(**INT, step=None), False),
        (of(**{**INT, "high": 2.5}), False),
        (of(**INT, values=[1]), False),
        (of(type="ordinal", values=[1, "a", None, True]), False),
        (of(type="ordinal", values=[1, "a", None]), True),
        (of(type="ordinal", values=[]), False),
        (of(type="ordinal", values="ab"), False),
        (of(type="ordinal", values=[[1]]), False),
        (of(type="categorical", choices=["a", 0.5, False]), True),
        (of(type="categorical", choices=["a", "a"]), False),
        (of(type="categorical"), False),
        (of(type="bool"), True),
        (of(type="bool", low=0), False),
        (of(type="text"), False),
        (of(), False),
        (wanted(objectives={"a": "maximize", "b": {"goal": "minimize", "reference": 1}}), True),
        (wanted(objectives={"a": {"goal": "minimize", "weight": 0.5}}), True),
        (wanted(objectives={"a": {"goal": "minimize", "weight": None}}), True),
        (wanted(objectives={"a": {"goal": "minimize", "weight": 0}}), False),
        (wanted(objectives={"a": {"goal": "minimize", "reference": "1"}}), False),
        (wanted(objectives={"a": {"weight": 1}}), False),
        (wanted(objectives={"a": "max"}), False),
        (wanted(objectives={"": "maximize"}), False),
        (wanted(objectives={}), False),
        (wanted(objectives=["a"]), False),
        (wanted(outcome_constraints={"a": {"at_least": 1}, "b": {"at_most": 2.5}}), True),
        (wanted(outcome_constraints={"a": {"at_least": 1, "at_most": 1}}), True),
        (wanted(outcome_constraints={}), True),
        (wanted(outcome_constraints={"a": {}}), False),
        (wanted(outcome_constraints={"a": {"at_least": None}}), False),
        (wanted(outcome_constraints={"a": {"above": 1}}), False),
        (wanted(outcome_constraints={"a": 1}), False),
        (wanted(outcome_constraints=[1]), False),
        (of(**FLOAT, default=1, likely=1.5), True),
        (of(**FLOAT, default=None, likely=[1, 2.0], when=None), True),
        (of(**FLOAT, default="1"), False),
        (of(**FLOAT, likely={"at": 1}), False),
        (of(**INT, default=1, likely=[1, 2]), True),
        (of(**INT, likely=[1, 1.5]), False),
        (of(type="bool", default=True, likely=False), True),
        (of(type="bool", default=1), False),
        (of(type="ordinal", values=[1, "a"], default="a", likely=["a", 1]), True),
        (of(type="categorical", choices=["a"], default="a", likely="a"), True),
        (of(type="categorical", choices=["a"], default=["a"]), False),
        (when({"p": 3}), True),
        (when({"p": [3, 4]}), True),
        (when({"p": {"at_least": 3}}), True),
        (when({"p": {"at_least": 3, "at_most": 4}}), True),
        (when(None), True),
        (when({}), False),
        (when({"p": {}}), False),
        (when({"p": []}), False),
        (when({"p": [[3]]}), False),
        (when({"p": {"above": 3}}), False),
        (when(["p"]), False),
        (bound(), True),
        (bound({"linear": {"p": 1, "q": -2.5}, "at_most": 1}), True),
        (bound({"linear": {"p": 1, "n": 1}, "at_least": 1, "at_most": 1.5}), True),
        (bound({"linear": {"p": 1, "q": 1}}), False),
        (bound({"linear": {"p": 1, "q": 0}, "at_most": 1}), False),
        (bound({"linear": {}, "at_most": 1}), False),
        (bound({"linear": ["p"], "at_most": 1}), False),
        (bound({"linear": {"p": 1}, "at_most": "1"}), False),
        (bound({"ordered": ["p", "q", "n"]}), True),
        (bound({"ordered": ["p"]}), False),
        (bound({"ordered": ["p", "p"]}), False),
        (bound({"ordered": "pq"}), False),
        (bound({"ordered": ["p", "q"], "at_most": 1}), False),
        (bound({"forbidden": {"n": 1, "p": {"at_least": 0.5}}}), True),
        (bound({"forbidden": {}}), False),
        (bound({"simplex": ["p", "q"]}), True),
        (bound({"simplex": ["p", "q"], "total": 1.5}), True),
        (bound({"simplex": ["p", "q"], "total": None}), False),
        (bound({"simplex": ["p", "q"], "ordered": ["p", "q"]}), False),
        (bound({}), False),
        (bound("p <= q"), False),
        ({**bound(), "constraints": {}}, False),
        ({"parameters": {}}, False),
        ({"parameters": {"": {"type": "bool"}}}, False),
        ({"parameters": []}, False),
        ({"parameters": {"p": {"type": "bool"}}, "more": 1}, False),
        ({}, False),
        ([], False),
    ],
)
def test_the_schema_refuses_nothing_that_the_reader_takes(document: Any, good: bool) -> None:
    valid = jsonschema.Draft202012Validator(SCHEMA).is_valid(document)
    if good:
        assert valid
        definition_of(document)
        return
    with pytest.raises(at.errors.DefinitionError):
        definition_of(document)
    # of what both could know, the schema lets pass only that 1 and true are equal
    assert not valid or document == of(type="ordinal", values=[1, "a", None, True])
