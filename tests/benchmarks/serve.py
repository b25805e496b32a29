"""Serve a peer over JSON lines on standard input and output; run by ``sessions.Remote``.

In: ``{"space": ..., "seed": 0, "budget": 50, "goal": "minimize"}`` starts a run, ``{"tell": 0.5,
"number": 0}`` reports the value of the params asked for with this number, with null for a failure,
and ``{}`` asks for more while others are being evaluated. Out, after each of them:
``{"ask": {...}, "seconds": 0.01, "version": "..."}``, or ``{"error": "..."}`` if the peer raised.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from typing import IO, Any

from peers import PEERS, Entry


def serve(entry: Entry, lines: IO[str], answers: IO[str]) -> None:
    """Answer lines until there are no more."""
    peer: Any = None
    asked: list[dict[str, Any]] = []
    for line in lines:
        message = json.loads(line)
        start = time.perf_counter()
        try:
            if "tell" in message:
                peer.tell(asked[message["number"]], message["tell"])
            elif "space" in message:
                assert message["goal"] == "minimize", message
                peer, asked = entry.load()(message["space"], message["seed"], message["budget"]), []
            asked.append(peer.ask())
            seconds = time.perf_counter() - start
            answer = {"ask": asked[-1], "seconds": seconds, "version": entry.version()}
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
