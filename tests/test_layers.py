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
        {"errors"},
        {"numbers", "log", "html", "text"},
        {"space"},
        {"model"},
        {"acquisition"},
        {"study"},
        {"codec"},
        {"state"},
        {"telling"},
        {"asking"},
        {"insight"},
        {"tables"},
        {"card"},
        {"engine"},
        {"store"},
        {"drivers"},
        {"programs"},
        {"__init__"},
        {"plots"},
        {"reports"},
        {"cli", "__main__", "integrations"},
    ],
    "asktell.space": [
        {"axes", "door", "bounds", "absent"},
        {"conditions"},
        {"beginning"},
        {"arguments"},
        {"ranges", "choices", "constraints"},
        {"parameters"},
        {"activity", "column"},
        {"region"},
        {"projection", "tree"},
        {"counting"},
        {"first_point", "walk"},
        {"neighbours", "sampling", "slide"},
        {"domain", "definition"},
        {"space"},
        {"needs", "parts", "trend"},
        {"sum_of"},
        {"narrowed"},
        {"__init__"},
    ],
    "asktell.model": [
        {"kernels", "blas"},
        {"ascent", "warping", "dataset"},
        {"gp"},
        {"sources"},
        {"earlier"},
        {"members"},
        {"posterior", "draws"},
        {"calibration"},
        {"__init__"},
    ],
    "asktell.acquisition": [
        {"belief", "improvement", "normal", "target_space"},
        {"design"},
        {"directions", "feasibility", "hypervolume", "maximiser"},
        {"acq_max", "score"},
        {"__init__"},
    ],
    "asktell.study": [
        {"outcomes", "change"},
        {"problem"},
        {"trials"},
        {"earlier", "restated"},
        {"changing", "events", "views"},
        {"transitions", "history"},
        {"ranking"},
        {"draft"},
        {"__init__"},
    ],
    "asktell.codec": [
        {"reading", "answers"},
        {"fit_rows", "space_rows", "space_texts"},
        {"event_rows"},
        {"from_lists"},
        {"migrations"},
        {"state_document"},
        {"__init__"},
    ],
    "asktell.telling": [
        {"identify"},
        {"change", "delivery", "leases", "wishes"},
        {"correct"},
        {"__init__"},
    ],
    "asktell.asking": [
        {"evidence", "revisit", "taken", "worth"},
        {"branches", "first", "fitting", "known"},
        {"beforehand"},
        {"promise"},
        {"propose"},
        {"suggest"},
        {"know"},
        {"__init__"},
    ],
    "asktell.insight": [
        {"subject"},
        {"scales", "surrogate", "sobol", "lanes", "moves"},
        {"tried", "validation", "averages", "pairs"},
        {"over_time", "columns", "cuts", "sensitivity"},
        {"fronts"},
        {"__init__"},
    ],
    "asktell.plots": [
        {"theme"},
        {"canvas", "subject"},
        {"marks"},
        {"columns", "contours", "cuts", "fronts", "lanes", "over_time"},
        {"sensitivity", "validation"},
        {"__init__"},
    ],
    "asktell.reports": [
        {"page", "words", "vector", "rendering"},
        {"wanted", "failing", "pictures", "matters", "trust", "workers", "search"},
        {"answer"},
        {"trial_table", "reproducing"},
        {"study_report"},
        {"__init__"},
    ],
    "asktell.store": [
        {"files", "journal", "lock", "old_changes"},
        {"book"},
        {"store"},
        {"__init__"},
    ],
    "asktell.tables": [
        {"rows"},
        {"frame", "overview"},
        {"__init__"},
    ],
    "asktell.cli": [
        {"ending", "results", "words", "yaml_document"},
        {"command", "completion", "page", "predictions", "space_file"},
        {"look", "study_page"},
        {"begin", "ask_and_tell", "change", "correct", "live", "reports", "show"},
        {"run"},
        {"arguments"},
        {"main"},
        {"process"},
        {"__init__"},
    ],
    "asktell.integrations": [
        {"discovery", "held_choices"},
        {"optuna_spaces", "ray_spaces"},
        {"gest", "optuna", "ray"},
        {"__init__"},
    ],
    "asktell.drivers": [
        {"evaluated", "executors", "definition"},
        {"patience", "lines", "checkpoint"},
        {"summary", "mistakes"},
        {"progress", "run", "processes", "dask", "ray", "submitit"},
        {"optimize"},
        {"__init__"},
    ],
    "asktell.programs": [
        {"template", "reading", "program", "guard", "claims"},
        {"evaluation", "lifeline", "plan"},
        {"share"},
        {"crew"},
        {"__init__"},
    ],
    "strategies": [
        {"errors", "conf_schema", "earlier_keys", "latency", "sequential"},
        {"time_limit", "stopwatch", "examples"},
        {"timesheet", "timing"},
        {"conf"},
        {"adaptors", "metrics", "objective"},
        {"allowed"},
        {"tuning_space", "preparing", "looks"},
        {"knowledge"},
        {"trial", "policies"},
        {"report", "findings"},
        {"evaluation"},
        {"asking", "attempting", "learning"},
        {"sending"},
        {"workers"},
        {"crews"},
        {"history"},
        {"runner", "record"},
        {
            *("auto", "basic", "bayesian", "conservative", "exhaustive", "hawq", "mse", "random"),
            "costs",
        },
        {"operations"},
        {"sections"},
        {"page"},
        {"workspace"},
        {"cli"},
        {"__init__", "__main__"},
    ],
}
"""From the lowest up. Modules of one floor may import from each other, without a circle."""

PACKAGES = {package: Path(*package.split(".")) for package in FLOORS}


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
    return sorted((ROOT / PACKAGES[package]).rglob("*.py"))


def own_name(package: str, path: Path) -> str:
    """Return the name of a module within a package: that of its folder, if it is in one."""
    return path.relative_to(ROOT / PACKAGES[package]).parts[0].removesuffix(".py")


@pytest.mark.parametrize("package", FLOORS)
def test_every_module_has_a_floor(package: str) -> None:
    names = {own_name(package, path) for path in modules(package)}
    assert names == set().union(*FLOORS[package])


@pytest.mark.parametrize(
    ("package", "path"),
    [(package, path) for package in FLOORS for path in modules(package)],
    ids=lambda value: str(value.relative_to(ROOT)) if isinstance(value, Path) else value,
)
def test_a_module_imports_only_from_below(package: str, path: Path) -> None:
    own = floor(package, own_name(package, path))
    known = set().union(*FLOORS[package])
    for name, _ in imports(path):
        root = name.partition(".")[0]
        assert package == "strategies" or root != "strategies", f"{path} imports {name}"
        if not name.startswith(f"{package}."):
            continue
        module = name.removeprefix(f"{package}.").split(".")[0]
        assert floor(package, module if module in known else "__init__") <= own, f"{path}: {name}"


def test_importing_asktell_pulls_in_no_heavy_package() -> None:
    code = "import asktell, sys; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    heavy = {"sklearn", "matplotlib", "onnx", "onnxruntime", "torch", "yaml", "jsonschema", "rich"}
    frameworks = {"optuna", "gest_api", "libensemble", "ray", "pydantic", "sqlalchemy", "pandas"}
    assert not loaded & {*heavy, *frameworks, "portalocker", "jinja2"}
    assert "asktell.integrations" not in run.stdout.split()
    assert "scipy.stats" not in run.stdout.split()


SHELL = {
    "__main__.py",
    "cli/command.py",
    "cli/ending.py",
    "cli/live.py",
    "cli/main.py",
    "cli/process.py",
    "cli/reports.py",
    "cli/run.py",
    "cli/words.py",
    "cli/space_file.py",
    "drivers/checkpoint.py",
    "drivers/lines.py",
    "drivers/mistakes.py",
    "drivers/optimize.py",
    "drivers/processes.py",
    "drivers/progress.py",
    "drivers/submitit.py",
    "integrations/ray.py",
    "log.py",
    "model/blas.py",
    "programs/claims.py",
    "programs/crew.py",
    "programs/evaluation.py",
    "programs/guard.py",
    "programs/lifeline.py",
    "programs/program.py",
    "programs/reading.py",
    "programs/share.py",
    "reports/study_report.py",
    "reports/vector.py",
    "store/book.py",
    "store/files.py",
    "store/lock.py",
    "store/store.py",
}
"""The modules of ``asktell`` that read clocks and files, and the one that knows of BLAS that it
belongs to the whole process, which may fork. All others are pure."""


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
