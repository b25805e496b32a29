"""The floors: a module imports only from floors below its own, at its head."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = {
    "asktell": [
        {"axes", "errors", "numbers"},
        {"design", "kernels", "parameters", "records", "blas"},
        {"ascent", "layouts", "migrations"},
        {"acq_max", "acquisition", "gp", "warping", "space", "target_space"},
        {"state", "surrogate"},
        {"evidence", "trials", "coherence"},
        {"delivery", "leases"},
        {"core"},
        {"codec"},
        {"engine"},
        {"store"},
        {"drivers"},
        {"__init__"},
        {"cli", "__main__", "integrations"},
    ],
    "strategies": [
        {"errors", "conf_schema", "time_limit", "stopwatch", "policies"},
        {"conf"},
        {"adaptors", "metrics", "objective"},
        {"tuning_space", "trial"},
        {"history", "evaluation", "findings"},
        {"runner"},
        {"bayesian", "random", "exhaustive"},
        {"workspace"},
        {"__init__"},
    ],
}
"""From the lowest up. Modules of one floor may import from each other, without a circle."""

LAZY = {("asktell/state.py", "asktell.codec.state_codec")}
"""Imports inside a function that reach up: values know no dicts, their methods call the codec."""


def floor(package: str, module: str) -> int:
    return next(i for i, modules in enumerate(FLOORS[package]) if module in modules)


def imports(path: Path) -> list[tuple[str, bool]]:
    """Return the full names of modules imported in a file, and whether at its head."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    head = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in head) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            bare = node.module in FLOORS
            names = [f"{node.module}.{alias.name}" for alias in node.names] if bare else []
            found += [(name, id(node) in head) for name in names or [node.module]]
    return found


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", FLOORS)
def test_every_module_has_a_floor(package: str) -> None:
    names = {
        path.relative_to(ROOT / package).parts[0].removesuffix(".py") for path in modules(package)
    }
    assert names == set().union(*FLOORS[package])


@pytest.mark.parametrize(
    ("package", "path"),
    [(package, path) for package in FLOORS for path in modules(package)],
    ids=lambda value: str(value.relative_to(ROOT)) if isinstance(value, Path) else value,
)
def test_a_module_imports_only_from_below(package: str, path: Path) -> None:
    own = floor(package, path.relative_to(ROOT / package).parts[0].removesuffix(".py"))
    for name, at_head in imports(path):
        root, _, rest = name.partition(".")
        if root not in FLOORS:
            continue
        assert package == "strategies" or root == "asktell", f"{path} imports {name}"
        if root != package:
            continue
        if not at_head and (str(path.relative_to(ROOT)), name) in LAZY:
            continue
        module = rest.split(".")[0]
        known = module in set().union(*FLOORS[package])
        assert floor(package, module if known else "__init__") <= own, f"{path} imports {name}"


def test_importing_asktell_pulls_in_no_heavy_package() -> None:
    code = "import asktell, sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    heavy = {"sklearn", "matplotlib", "onnx", "onnxruntime", "torch", "yaml", "jsonschema", "rich"}
    frameworks = {"optuna", "gest_api", "libensemble", "ray", "pydantic", "sqlalchemy", "pandas"}
    assert not loaded & {*heavy, *frameworks, "filelock"}
    assert "asktell.integrations" not in run.stdout.split()
    assert "scipy.stats" not in run.stdout.split()


SHELL = {
    "__main__.py",
    "cli/commands.py",
    "cli/main.py",
    "cli/space_file.py",
    "drivers/checkpoint.py",
    "drivers/maximize.py",
    "drivers/processes.py",
    "drivers/progress.py",
    "drivers/submitit.py",
    "integrations/ray.py",
    "store/files.py",
    "store/store.py",
}
"""The modules of ``asktell`` that read clocks and files. All others are pure."""


def test_the_core_does_no_input_or_output() -> None:
    forbidden = {"time", "datetime", "os", "io", "pathlib", "logging", "random", "sys", "warnings"}
    for path in modules("asktell"):
        if path.relative_to(ROOT / "asktell").as_posix() in SHELL:
            continue
        roots = {name.partition(".")[0] for name, _ in imports(path)}
        assert not roots & forbidden, path
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = {call.id for call in calls if isinstance(call, ast.Name)}
        assert not names & {"print", "open", "input"}, path
