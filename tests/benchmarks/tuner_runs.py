"""Tuners side by side on the models of ``real_models``: the same data, the same evaluations.

``python tests/benchmarks/tuner_runs.py --peer NAME ...`` runs tuners, each in a process of its
environment (``environments.py`` makes them), and records a run a line in
``records_tuners/NAME.jsonl``; what is on record is not run again, except with ``--again``. Then, or
without a name, it prints the records side by side, in Markdown. Options: ``--models``,
``--criteria`` and ``--seeds`` limit the runs.

Every model that a tuner makes is measured here, in this process: see ``tuner_judge``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from itertools import product
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any, TextIO

from attrs import define, field, frozen
from environments import python
from quantised_models import DYNAMIC
from real_models import MODELS
from tuner_judge import Judge
from tuner_table import CRITERIA, RECORDS, Record, Trial, meets, page, read, write

TUNERS = Path(__file__).parent / "peers" / "tuners"
TRIALS = 20
MOST = 60
"""Evaluations after which a tuner that has no limit of its own is stopped."""
SECONDS = 300
"""After which a run is stopped."""
TIMED_OUT = 124
"""What the command ``timeout`` returns then."""


Process = subprocess.Popen[bytes]


@frozen
class Peer:
    """A tuner: its script, and the name of its environment, or None for this one."""

    script: str
    environment: str | None = None
    knows_no_criterion: bool = False


PEERS = {
    "nncf": Peer("nncf_tuners", "nncf", knows_no_criterion=True),
    "nncf_control": Peer("nncf_tuners", "nncf"),
    **{
        f"neural_compressor_{name}": Peer("neural_compressor_tuners", "neural_compressor")
        for name in ("basic", "bayesian", "mse", "asktell")
    },
    "quark": Peer("quark_search", "quark", knows_no_criterion=True),
    "global_settings": Peer("global_settings", "settings"),
    **{
        f"asktell_{name}": Peer("asktell_tuners")
        for name in ("bayesian", "random", "basic", "mse", "conservative", "hawq", "auto")
    },
}


@define
class Run:
    """What one tuner does on one model for one criterion; it answers the tuner's requests."""

    judge: Judge
    folder: Path
    criterion: str
    limit: float
    killed_at: int | None = None
    objective: str = "bytes"
    """What is to be as little as possible: bytes, or latency."""
    trials: list[Trial] = field(factory=list)
    evaluated: float = 0.0
    """Times that all rows were evaluated."""
    measuring: float = 0.0
    """Seconds spent in the judge."""
    best: dict[str, tuple[int, Path]] = field(factory=dict)
    """Bytes and file of the smallest model that meets each criterion; or latency and the fastest.

    Latency is counted in thousandths of the FP32 model's.
    """
    started: float = 0.0
    _last: float = 0.0

    def serve(self, connection: Connection, process: Process) -> None:
        """Answer until the tuner closes the connection, or kill it before one answer."""
        while True:
            try:
                request = json.loads(connection.recv_bytes())
            except (EOFError, ConnectionResetError):
                return
            before = time.monotonic()
            answer = self.answer(request, before)
            self._last = time.monotonic()
            self.measuring += self._last - before
            if len(self.trials) == self.killed_at:
                os.killpg(process.pid, signal.SIGKILL)
                return
            connection.send_bytes(json.dumps(answer).encode())

    def answer(self, request: dict[str, Any], now: float) -> dict[str, Any]:
        """Return the answer to a request that came at a moment."""
        if request.get("ready"):
            self.started = now
            return {}
        if self.evaluated >= self.limit:
            return {"spent": True}
        seconds = round(now - self._last, 3)
        if request.get("failed"):
            self._add([None, None, seconds, 0.0, request["failed"], 1.0])
            return {}
        path, rows = Path(request["path"]), request["rows"]
        try:
            found = self.judge.measure(path, rows)
        except Exception as error:  # whatever ONNX Runtime raises
            reason = f"{type(error).__name__}: {str(error)[:80]}"
            self._add([None, None, seconds, 0.0, reason, 1.0])
            return {"error": reason}
        if not request["float32"]:
            taken = round(time.monotonic() - now, 3)
            share = round(found["rows"] / len(self.judge.labels), 3)
            if self.objective == "latency":
                plain, quantised = self.judge.latency(path)
                found["latency"] = round(1000 * quantised / plain)
            accuracy, size = round(found["accuracy"], 6), found[self.objective]
            self._add([accuracy, size, seconds, taken, found["digest"], share])
            for criterion in CRITERIA if share == 1.0 else ():
                if meets(self.judge.name, criterion, found["accuracy"]):
                    self._keep(criterion, path, size)
        return found

    def _add(self, trial: Trial) -> None:
        self.trials.append(trial)
        self.evaluated += trial[-1]

    def _keep(self, criterion: str, path: Path, size: int) -> None:
        if criterion not in self.best or size < self.best[criterion][0]:
            kept = self.folder / f"best_{list(CRITERIA).index(criterion)}.onnx"
            kept.write_bytes(path.read_bytes())
            self.best[criterion] = size, kept


def run(name: str, model: str, criterion: str, seed: int) -> list[Record]:
    """Run a tuner; return the record, or one for each criterion if the tuner knows of none."""
    with tempfile.TemporaryDirectory() as scratch:
        limit = MOST if name == "nncf_control" else TRIALS
        this = Run(Judge(model), Path(scratch), criterion, limit)
        error = attempt(this, name, seed)
        ended = time.monotonic()
        latencies = {one: this.judge.latency(path) for one, (_, path) in this.best.items()}
    return [
        {
            "model": model,
            "criterion": one,
            "seed": seed,
            "baseline": [MODELS[model].accuracy, MODELS[model].path.stat().st_size],
            "trials": this.trials,
            "error": error,
            "wall": round(ended - this.started, 2),
            "evaluating": round(this.measuring, 2),
            "latency": [round(ms, 3) for ms in latencies[one]] if one in latencies else None,
        }
        for one in (CRITERIA if PEERS[name].knows_no_criterion else [criterion])
    ]


def attempt(this: Run, name: str, seed: int, resume: bool = False) -> str | None:
    """Run a tuner's process to its end, and return what it ended in, None if all was well."""
    model, peer = MODELS[this.judge.name], PEERS[name]
    address = this.folder / "socket"
    address.unlink(missing_ok=True)
    given = {
        "name": model.name,
        "peer": name,
        "model": str(model.path),
        "rows": str(model.rows),
        "criterion": CRITERIA[this.criterion],
        "higher_is_better": model.higher_is_better,
        "dynamic": model.framework == DYNAMIC,
        "trials": round(min(this.limit, TRIALS)),
        "objective": this.objective,
        "seed": seed,
        "folder": str(this.folder),
        "address": str(address),
        "resume": resume,
    }
    log = this.folder / "log"
    with Listener(str(address)) as listener, log.open("w") as output:
        process = _start(peer, given, output)
        connection = _accepted(listener, process)
        if connection is not None:
            with connection:
                this.serve(connection, process)
        code = process.wait()
    text = log.read_text(errors="replace")
    if connection is None:
        raise SystemExit(f"{name} did not start:\n{text[-2000:]}")
    if not this.trials:
        print(text[-2000:], file=sys.stderr)
    if code == TIMED_OUT:
        return f"TimeoutError: stopped after {SECONDS} s"
    last = (text.splitlines() or [""])[-1]
    return None if code == 0 or "SpentError" in last else last[:200]


def _start(peer: Peer, given: dict[str, Any], output: TextIO) -> Process:
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    path = {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONWARNINGS": "ignore"}
    interpreter = python(peer.environment) if peer.environment else Path(sys.executable)
    script = TUNERS / f"{peer.script}.py"
    return subprocess.Popen(
        ["timeout", str(SECONDS), str(interpreter), str(script), json.dumps(given)],
        stdout=output,
        stderr=output,
        env={**os.environ, **threads, **path},
        cwd=given["folder"],
        start_new_session=True,
    )


def _accepted(listener: Listener, process: Process) -> Connection | None:
    """Return the connection of the process, or None if it ends without one."""
    listener._listener._socket.settimeout(1.0)  # type: ignore[attr-defined]
    while process.poll() is None:
        try:
            return listener.accept()
        except TimeoutError:
            continue
    return None


def main() -> None:
    """Run what is not on record, and print what is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", nargs="*", default=[], choices=list(PEERS))
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--criteria", nargs="*", default=list(CRITERIA), choices=list(CRITERIA))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="also what is on record")
    arguments = parser.parse_args()
    for name in arguments.peer:
        done = set() if arguments.again else set(read(name))
        for key in product(arguments.models, arguments.criteria, range(arguments.seeds)):
            if key in done:
                continue
            records = run(name, *key)
            made = {(r["model"], r["criterion"], r["seed"]): r for r in records}
            done |= set(made)
            write(name, {**read(name), **made})
            shown = f"{len(records[0]['trials'])} evaluations, {records[0]['wall']:.0f} s"
            print(name, *key, shown, records[0]["error"] or "", file=sys.stderr, flush=True)
    print(page({path.stem: read(path.stem) for path in sorted(RECORDS.glob("*.jsonl"))}))


if __name__ == "__main__":
    main()
