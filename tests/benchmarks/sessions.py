"""Runs of a peer as the benchmark sees them: in this process, or in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import environments
from attrs import define, frozen
from peers import PEERS, Value
from peers.dialogue import Dialogue

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
)
ONE_ORDER = {"PYTHONHASHSEED": "0"}
"""Of sets, which SMAC's suggestions depend on: a seed alone does not repeat its runs."""


class PeerError(RuntimeError):
    """A peer raised an error, or died; the message is what it wrote."""


@frozen
class Asked:
    """What a peer wants to know, and how many seconds it took to tell and to ask."""

    params: dict[str, Any]
    seconds: float


class Session(Protocol):
    """A peer at work: one run after the other."""

    def start(self, space: dict[str, Any], seed: int, budget: int, outcomes: Any = None) -> Asked:
        """Start a run, and ask for the first params."""
        ...

    def more(self) -> Asked:
        """Ask for params while others are being evaluated."""
        ...

    def tell(self, value: Value, number: int) -> Asked:
        """Report the value of the params asked for with this number from 0, and ask for more."""
        ...

    def recommend(self, value: Value, number: int) -> Asked:
        """Report a value without asking for more, and return what the peer recommends now."""
        ...


@define
class Local:
    """A peer in this process."""

    make: Any
    _run: Dialogue | None = None

    def start(self, space: dict[str, Any], seed: int, budget: int, outcomes: Any = None) -> Asked:
        """Start a run, and ask for the first params."""
        begin = time.perf_counter()
        more = {} if outcomes is None else {"outcomes": outcomes}
        self._run = Dialogue(self.make(space, seed, budget, **more))
        return Asked(self._run.ask(), time.perf_counter() - begin)

    def more(self) -> Asked:
        """Ask for params while others are being evaluated."""
        assert self._run is not None
        begin = time.perf_counter()
        return Asked(self._run.ask(), time.perf_counter() - begin)

    def tell(self, value: Value, number: int) -> Asked:
        """Report the value of the params asked for with this number from 0, and ask for more."""
        assert self._run is not None
        begin = time.perf_counter()
        self._run.tell(value, number)
        return Asked(self._run.ask(), time.perf_counter() - begin)

    def recommend(self, value: Value, number: int) -> Asked:
        """Report a value without asking for more, and return what the peer recommends now."""
        assert self._run is not None
        begin = time.perf_counter()
        self._run.tell(value, number)
        return Asked(self._run.recommend(), time.perf_counter() - begin)


class Remote:
    """A peer in a process of its own, with one thread; a context manager that ends it."""

    def __init__(self, peer: str) -> None:
        """Start the process."""
        environment = PEERS[peer].environment
        python = environments.python(environment) if environment else Path(sys.executable)
        if not python.exists():
            raise FileNotFoundError(f"make it: {Path(environments.__file__).name} {environment}")
        self.peer, self.version = peer, ""
        self._process = subprocess.Popen(
            [str(python), str(Path(__file__).parent / "serve.py"), peer],
            env={**os.environ, **ONE_THREAD, **ONE_ORDER},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Remote:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def start(self, space: dict[str, Any], seed: int, budget: int, outcomes: Any = None) -> Asked:
        """Start a run, and ask for the first params."""
        message = {"space": space, "seed": seed, "budget": budget, "goal": "minimize"}
        return self._send(message if outcomes is None else {**message, "outcomes": outcomes})

    def more(self) -> Asked:
        """Ask for params while others are being evaluated."""
        return self._send({})

    def tell(self, value: Value, number: int) -> Asked:
        """Report the value of the params asked for with this number from 0, and ask for more."""
        return self._send({"tell": value, "number": number})

    def recommend(self, value: Value, number: int) -> Asked:
        """Report a value without asking for more, and return what the peer recommends now."""
        return self._send({"recommend": True, "tell": value, "number": number})

    def _send(self, message: dict[str, Any]) -> Asked:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the process has ended"}
        if "error" in answer:
            raise PeerError(answer["error"])
        self.version = answer["version"]
        return Asked(answer["params"], answer["seconds"])
