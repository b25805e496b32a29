"""Make the environments of the tasks and of the peers, each from a file of pinned requirements.

``python tests/benchmarks/environments.py NAME ...`` makes those named, or all of them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "peers" / "requirements"
VARIABLE = "ASKTELL_BENCHMARKS"


def root() -> Path:
    """Return the folder of all environments: of the variable, or below the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(VARIABLE) or Path(cache) / "asktell-benchmarks")


def names() -> list[str]:
    """Return the names of the environments that there are requirements for."""
    return sorted(path.stem for path in REQUIREMENTS.glob("*.txt"))


def python(name: str) -> Path:
    """Return the interpreter of an environment."""
    return root() / name / "bin" / "python"


def packages(name: str) -> Path:
    """Return the folder of an environment's packages, made with this version of Python."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return root() / name / "lib" / version / "site-packages"


def make(name: str) -> None:
    """Make an environment of exactly what its file lists, whatever its packages ask for."""
    venv.create(root() / name, with_pip=True, clear=True)
    pip = [str(python(name)), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "setuptools<81", "wheel"], check=True)
    options = ["--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *options, "-r", str(REQUIREMENTS / f"{name}.txt")], check=True)


def main() -> None:
    """Make the environments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names())}")
    parser.add_argument("--environments", metavar="FOLDER", help="where they are")
    arguments = parser.parse_args()
    if arguments.environments:
        os.environ[VARIABLE] = arguments.environments
    for name in arguments.names or names():
        print(f"making {root() / name}", flush=True)
        make(name)


if __name__ == "__main__":
    main()
