"""Go on from saved states in a process of its own: JSON lines in, JSON lines out.

A line in is ``{"state": ..., "steps": n}``; the line out lists the n suggestions that followed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from spaces import score

import asktell as at


def main() -> None:
    for line in sys.stdin:
        task = json.loads(line)
        engine = at.Engine.from_dict(task["state"])
        suggestions = []
        for _ in range(task["steps"]):
            suggestion = engine.suggest()
            suggestions.append([suggestion.id, suggestion.params, suggestion.origin])
            if suggestion.id % 5 == 3:
                engine.fail(suggestion, "every fifth fails")
            elif suggestion.id % 5 != 1:  # every fifth stays pending
                engine.observe(suggestion, score(suggestion.params))
        print(json.dumps(suggestions))


if __name__ == "__main__":
    main()
