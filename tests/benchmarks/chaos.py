"""A farm at its worst, with real processes: ``python tests/benchmarks/chaos.py``.

Eight workers evaluate what a scheduler hands out. Of the evaluations 30 % are killed with SIGKILL;
of the others' results 20 % come twice, 20 % after their lease, 10 % never, and all in a random
order. The scheduler itself is killed with SIGKILL at random moments and started again from its
file. Time is the farm's own and moves a second a step, so that a run depends on its seed alone: not
on how quick the processes are, nor on when exactly a kill strikes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from attrs import define, field

import asktell as at
from asktell import errors
from asktell.drivers import save_state

N_WORKERS = 8
LEASE = 100.0
KILLED, TWICE, LATE, NEVER = 0.3, 0.2, 0.2, 0.1
REPORTED = 0.5
"""Of the killed, those that the farm reports as failed; nobody says a word of the others."""

Request = dict[str, Any]
Answer = dict[str, Any]

# --- the scheduler: a process that answers requests, and knows what its file knows ---


def new_engine() -> at.Engine:
    space = at.Space(at.Float("x", -2.0, 2.0), at.Float("y", 0.0, 1.0), at.Int("n", 1, 9))
    return at.Engine(space, seed=1, settings=at.Settings(n_initial=10**6, retries=3, expiries=5))


def act(engine: at.Engine, request: Request) -> Answer:
    """Do what a request says."""
    what = request["what"]
    try:
        if what == "suggest":
            suggestion = engine.suggest(now=request["now"], lease=LEASE)
            return {"id": suggestion.id, "params": suggestion.params}
        if what == "observe":
            return {"outcome": engine.observe(request["id"], request["target"])}
        if what == "fail":
            return {"outcome": engine.fail(request["id"], request["reason"])}
        return {"ended": [suggestion.id for suggestion in engine.expire(request["now"])]}
    except errors.ConflictError:
        return {"outcome": "conflict"}


def serve(path: Path) -> None:
    """Answer the requests on standard input, each once, whatever happens to this process.

    The number of the last request and its answer are saved with the state, in one file. A request
    that comes again, as its answer was never seen, gets the same answer and changes nothing.
    """
    record = {"number": 0, "answer": None, "state": new_engine().to_dict()}
    if path.exists():
        record = json.loads(path.read_text())
    engine = at.Engine.from_dict(record["state"])
    for line in sys.stdin:
        request = json.loads(line)
        if request["number"] != record["number"]:
            answer = act(engine, request)
            record = {"number": request["number"], "answer": answer, "state": engine.to_dict()}
            save_state(path, record)
        print(json.dumps(record["answer"]), flush=True)


@define
class Scheduler:
    """The farm's side of the scheduler: asks until it is answered, and logs what was."""

    path: Path
    kills: set[int]
    dice: random.Random
    log: list[tuple[Request, Answer]] = field(factory=list)
    restarts: int = 0
    _process: subprocess.Popen[str] | None = None

    def ask(self, what: str, **arguments: Any) -> Answer:
        request = {"number": len(self.log) + 1, "what": what, **arguments}
        strikes = request["number"] in self.kills
        while True:
            process = self._running()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
                if strikes and process.poll() is None:  # not one that the last strike ended
                    # before, while or after the file is written, or the answer
                    time.sleep(self.dice.uniform(0.0, 0.02))
                    process.kill()
                    process.wait()
                    strikes = False
                line = process.stdout.readline()
            except BrokenPipeError:
                line = ""
            if line.endswith("\n"):
                self.log.append((request, json.loads(line)))
                return self.log[-1][1]
            self.stop()
            self.restarts += 1

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            command = [sys.executable, __file__, "--serve", str(self.path)]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        return self._process

    def stop(self) -> None:
        if self._process is not None:
            end(self._process)
            self._process = None


# --- the farm ---

WORKER = """
import json, math, sys
for line in sys.stdin:
    p = json.loads(line)
    print(json.dumps(-(p["x"] - p["y"]) ** 2 - math.cos(p["n"])), flush=True)
"""


def target_of(params: dict[str, Any]) -> float:
    return float(-((params["x"] - params["y"]) ** 2) - math.cos(params["n"]))


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()
    process.wait()


@define
class Worker:
    """A process that evaluates, and is started anew when it was killed."""

    busy: Answer | None = None
    _process: subprocess.Popen[str] | None = None

    def begin(self, suggestion: Answer) -> None:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-E", "-c", WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(suggestion["params"]) + "\n")
        self._process.stdin.flush()
        self.busy = suggestion

    def result(self) -> float:
        assert self._process is not None
        assert self._process.stdout is not None
        self.busy = None
        return float(self._process.stdout.readline())

    def kill(self) -> None:
        self.busy = None
        if self._process is not None:
            end(self._process)
            self._process = None


@define
class Message:
    """What is on its way to the scheduler."""

    due: float
    what: str
    arguments: Request


@define
class Farm:
    scheduler: Scheduler
    dice: random.Random
    now: float = 0.0
    workers: list[Worker] = field(factory=lambda: [Worker() for _ in range(N_WORKERS)])
    messages: list[Message] = field(factory=list)
    fates: Counter[str] = field(factory=Counter)
    outcomes: Counter[str] = field(factory=Counter)

    def step(self) -> None:
        """Let one thing happen, and a second pass."""
        self.now += 1.0
        self.now_and_then_expire()
        idle = [worker for worker in self.workers if worker.busy is None]
        draw = self.dice.random()
        if draw < 0.5:
            self.deliver()
        elif idle and (draw < 0.75 or len(idle) == N_WORKERS):
            idle[0].begin(self.scheduler.ask("suggest", now=self.now))
        else:
            self.finish(self.dice.choice([w for w in self.workers if w.busy is not None]))

    def now_and_then_expire(self) -> None:
        if self.now % 10 == 0:
            self.scheduler.ask("expire", now=self.now)

    def finish(self, worker: Worker) -> None:
        """Let an evaluation end as its fate is."""
        assert worker.busy is not None
        trial, fate = worker.busy["id"], self.dice.random()
        if fate < KILLED:
            self.fates["killed"] += 1
            worker.kill()
            if self.dice.random() < REPORTED:
                self.send(0.0, "fail", id=trial, reason="its worker was killed")
            return
        target = worker.result()
        fate = self.dice.random()
        if fate < NEVER:
            self.fates["never"] += 1
            return
        late = LEASE if fate < NEVER + LATE else 0.0
        self.fates["late" if late else "in time"] += 1
        self.send(late, "observe", id=trial, target=target)
        if self.dice.random() < TWICE:
            self.fates["twice"] += 1
            self.send(late, "observe", id=trial, target=target)

    def send(self, late: float, what: str, **arguments: Any) -> None:
        due = self.now + late + self.dice.uniform(0.0, LEASE / 3)
        self.messages.append(Message(due, what, arguments))

    def deliver(self) -> None:
        """Deliver any message that is due, in no order."""
        due = [message for message in self.messages if message.due <= self.now]
        if due:
            message = self.dice.choice(due)
            self.messages.remove(message)
            answer = self.scheduler.ask(message.what, **message.arguments)
            self.outcomes[f"{message.what}: {answer['outcome']}"] += 1

    def observed(self) -> int:
        return self.outcomes["observe: recorded"] + self.outcomes["observe: late"]

    def settle(self, state: at.State) -> bool:
        """Let everything end that is under way; tell whether nothing is."""
        self.now += 1.0
        if self.messages:
            self.now = max(self.now, max(message.due for message in self.messages))
            self.deliver()
        elif any(worker.busy for worker in self.workers):
            self.finish(next(worker for worker in self.workers if worker.busy))
        elif state.due:
            self.workers[0].begin(self.scheduler.ask("suggest", now=self.now))
        elif state.pending:
            self.now += LEASE
            self.scheduler.ask("expire", now=self.now)
        else:
            return True
        return False


# --- what must hold ---


def check(path: Path, farm: Farm) -> at.State:
    """Return the state in the file, after every promise was looked at.

    Raises:
        AssertionError: one is broken.
    """
    state = at.State.from_dict(json.loads(path.read_text())["state"])
    log = farm.scheduler.log

    # every acknowledged result is in the ledger exactly once, in the order of its acknowledgement
    told = [
        (request["id"], request["target"])
        for request, answer in log
        if request["what"] == "observe" and answer["outcome"] in ("recorded", "late")
    ]
    assert [(o.id, o.target) for o in state.observations] == told
    assert len({trial for trial, _ in told}) == len(told)
    assert len({o.configuration for o in state.observations}) == len(told)
    assert all(o.target == target_of(o.params) for o in state.observations)

    # no suggestion is lost or pending for ever
    handed_out = [answer["id"] for request, answer in log if request["what"] == "suggest"]
    assert handed_out == list(range(state.next_id))
    assert (state.pending, state.due) == ([], [])
    assert sorted(id for trial in state.trials for id in trial.ids) == handed_out
    assert all(trial.is_over for trial in state.trials)

    # the state is the one that the acknowledged events make
    engine = new_engine()
    for request, answer in log:
        assert act(engine, request) == answer
    assert engine.state == state
    return state


def run(seed: int, n_evaluations: int, n_kills: int) -> tuple[at.State, Farm]:
    """Run a farm until so many evaluations are recorded and nothing is under way; check it.

    Raises:
        AssertionError: a promise is broken.
    """
    dice, kills = random.Random(seed), random.Random(seed)
    moments = set(kills.sample(range(2, 3 * n_evaluations), n_kills))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "state.json"
        scheduler = Scheduler(path, moments, kills)
        farm = Farm(scheduler, dice)
        try:
            while farm.observed() < n_evaluations:
                farm.step()
            while not farm.settle(at.State.from_dict(json.loads(path.read_text())["state"])):
                pass
        finally:
            scheduler.stop()
            for worker in farm.workers:
                worker.kill()
        return check(path, farm), farm


def main() -> None:
    """Run the farm and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", type=Path, help="be the scheduler of this file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--evaluations", type=int, default=500)
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    start = time.perf_counter()
    state, farm = run(options.seed, options.evaluations, options.kills)
    rows = {
        "evaluations recorded": len(state.observations),
        "configurations failed": len(state.failures),
        "suggestions handed out": state.next_id,
        "requests acknowledged": len(farm.scheduler.log),
        "schedulers killed and started again": farm.scheduler.restarts,
        **{f"evaluations, {fate}": n for fate, n in sorted(farm.fates.items())},
        **{f"results, {outcome}": n for outcome, n in sorted(farm.outcomes.items())},
        "seconds": round(time.perf_counter() - start),
    }
    for name, value in rows.items():
        print(f"{name:<40} {value:>8}")


if __name__ == "__main__":
    main()
