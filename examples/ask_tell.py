"""The loop in ten lines: ask for params, evaluate them anywhere, tell the target."""

import asktell as at

space = at.Space(at.Float("x", -5, 10), at.Float("y", 0, 15), at.Categorical("kind", ["a", "b"]))
engine = at.Engine(space, seed=7, goal="minimize")
for _ in range(25):
    suggestion = engine.suggest()
    x, y, kind = suggestion.params.values()
    engine.observe(suggestion, (x - 2) ** 2 + (y - 3) ** 2 + (0 if kind == "b" else 5))
print(engine.best())
