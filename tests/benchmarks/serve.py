"""Serve a peer over JSON lines on standard input and output; run by ``sessions.Remote``.

In: ``{"space": ..., "seed": 0, "budget": 50, "goal": "minimize"}`` starts a run, with
``"outcomes"`` one of several objectives or with constraints. ``{"tell": 0.5, "number": 0}`` reports
the value of the params asked for with this number, with null for a failure and a dict for outcomes,
and asks for more; ``{}`` asks for more while others are being evaluated. With ``"recommend": true``
the value is reported, and what is asked for is what the peer would choose now.

Out, after each: ``{"params": {...}, "seconds": 0.01, "version": "..."}``, or ``{"error": "..."}``
if the peer raised.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from typing import IO, Any

from peers import PEERS, Entry
from peers.dialogue import Dialogue


def serve(entry: Entry, lines: IO[str], answers: IO[str]) -> None:
    """Answer lines until there are no more."""
    run: Any = None
    for line in lines:
        message = json.loads(line)
        start = time.perf_counter()
        try:
            if "tell" in message:
                run.tell(message["tell"], message["number"])
            elif "space" in message:
                assert message["goal"] == "minimize", message
                more = {"outcomes": message["outcomes"]} if "outcomes" in message else {}
                arguments = (message["space"], message["seed"], message["budget"])
                run = Dialogue(entry.load()(*arguments, **more))
            params = run.recommend() if "recommend" in message else run.ask()
            seconds = time.perf_counter() - start
            answer = {"params": params, "seconds": seconds, "version": entry.version()}
        except Exception:  # whatever a peer raises goes to the parent
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def main() -> None:
    """Serve the peer that is named on the command line."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a peer prints is no answer
    serve(PEERS[sys.argv[1]], sys.stdin, answers)


if __name__ == "__main__":
    main()
