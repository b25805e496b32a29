"""Record what hundreds of studies suggest, and see that another version suggests the same.

``python tests/benchmarks/studies.py record FILE`` runs every study on the code that Python finds
first, and writes what it suggested, with its state's dict at three points on the way.
``... compare FILE`` runs them all again, from the start and from each of those dicts, and tells
which ones differ. Bits depend on the machine and its BLAS, so a record is compared where it was
made, and none is kept in the repository.

A study is a client that is played by its own seeded draws: it evaluates, fails, is late, answers
twice or never. What it remembers is plain data, so that it goes on from any of its steps.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import math
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path += [str(HERE.parent / "asktell"), str(HERE.parent / "strategies")]

import asktell as at  # noqa: E402

Entries = list[Any]
Memory = dict[str, Any]

# --- spaces and objectives ---


def spaces() -> dict[str, at.Space]:
    """Return the spaces of the studies."""
    from spaces import every_kind, finite

    floats = {d: at.Space(*(at.Float(f"x{i}", -5.0, 5.0) for i in range(d))) for d in (1, 2, 6)}
    return {
        "every": every_kind(),
        "finite": finite(),
        "line": floats[1],
        "plane": floats[2],
        "six": floats[6],
        "choices": at.Space(*(at.Categorical(f"c{i}", list("abcd")) for i in range(10))),
        "integers": at.Space(
            at.Int("n", 1, 10**6, log=True), at.Int("k", -7, 90, step=3), at.Ordinal("o", [1, 5, 9])
        ),
        "network": at.Space(
            at.Float("lr", 1e-5, 1.0, log=True),
            at.Float("drop", 0.0, 0.9, step=0.1),
            at.Int("layers", 1, 5),
            at.Categorical("act", ["relu", "tanh", None]),
            at.Bool("norm"),
        ),
    }


def value(space: at.Space, params: dict[str, Any]) -> float:
    """Return a target with several peaks that depends on every parameter."""
    total = 0.0
    for place, parameter in enumerate(space.parameters):
        x = float(parameter.encode([params[parameter.name]])[0])
        total += math.sin(5.0 * x + place) - (x - 0.1 * (place % 9)) ** 2
    return total / len(space.parameters)


# --- clients of the engine: one step each, (engine, memory, step, draws) -> entries ---


def _shown(suggestion: Any) -> list[Any]:
    return [suggestion.id, suggestion.params, suggestion.origin, suggestion.expires]


def loop(engine: at.Engine, memory: Memory, step: int, draws: random.Random) -> Entries:
    """Ask, evaluate, tell."""
    suggestion = engine.suggest()
    target = value(engine.state.space, suggestion.params)
    return [_shown(suggestion), engine.observe(suggestion, target)]


def failing(engine: at.Engine, memory: Memory, step: int, draws: random.Random) -> Entries:
    """Fail one in four, in two ways, and say some things twice."""
    suggestion = engine.suggest()
    target = value(engine.state.space, suggestion.params)
    kind = draws.randrange(8)
    if kind == 0:
        answer = engine.fail(suggestion, "broken")
    else:
        answer = engine.observe(suggestion, math.nan if kind == 1 else target)
    entries = [_shown(suggestion), answer]
    if kind == 2:
        entries.append(engine.observe(suggestion.params, target))
    return entries


def pending(engine: at.Engine, memory: Memory, step: int, draws: random.Random) -> Entries:
    """Keep several suggestions out, and answer one of them, whichever it is."""
    out = memory.setdefault("out", [])
    entries: Entries = []
    while len(out) < 5:
        suggestion = engine.suggest()
        out.append([suggestion.id, suggestion.params])
        entries.append(_shown(suggestion))
    number, params = out.pop(draws.randrange(len(out)))
    if draws.random() < 0.15:
        entries.append(engine.fail(number, "lost"))
    elif draws.random() < 0.9:  # else it is never answered
        entries.append(engine.observe(number, value(engine.state.space, params)))
    return entries


def batches(engine: at.Engine, memory: Memory, step: int, draws: random.Random) -> Entries:
    """Ask for several at once, and answer them together."""
    suggestions = engine.suggest_batch(draws.choice([2, 3, 4]))
    results = [(s, value(engine.state.space, s.params)) for s in suggestions]
    draws.shuffle(results)
    deliveries = engine.observe_batch(results)
    return [*map(_shown, suggestions), [delivery.outcome for delivery in deliveries]]


def replicates(engine: at.Engine, memory: Memory, step: int, draws: random.Random) -> Entries:
    """Measure with noise, again under an old id or for old params."""
    suggestion = engine.suggest()
    clean = value(engine.state.space, suggestion.params)
    entries = [_shown(suggestion), engine.observe(suggestion, clean + draws.gauss(0, 0.2))]
    done = memory.setdefault("done", [])
    done.append([suggestion.id, suggestion.params])
    kind = draws.randrange(4)
    number, params = draws.choice(done)
    noisy = value(engine.state.space, params) + draws.gauss(0, 0.2)
    if kind == 0:
        entries.append(engine.observe(number, noisy))
    elif kind == 1:
        entries.append(engine.observe(params, noisy))
    elif kind == 2 and draws.random() < 0.3:
        entries.append(engine.fail(number, "this time"))
    return entries


def farm(engine: at.Engine, memory: Memory, step: int, draws: random.Random) -> Entries:
    """Work with leases: heartbeats, workers that die, results that come after all."""
    now = float(step)
    entries: Entries = [[s.id for s in engine.expire(now)]]
    given = memory.setdefault("given", [])
    suggestion = engine.suggest(now=now, lease=draws.choice([1.5, 2.5, 6.0]))
    given.append([suggestion.id, suggestion.params])
    entries.append(_shown(suggestion))
    for number, params in draws.sample(given, min(3, len(given))):
        kind = draws.randrange(6)
        target = value(engine.state.space, params)
        try:
            if kind < 2:
                entries.append(engine.observe(number, target))
            elif kind == 2:
                entries.append(engine.fail(number, "worker lost"))
            elif kind == 3:
                engine.renew(number, now, 3.0)
            elif kind == 4:
                entries.append(engine.observe(params, target))
        except at.errors.InvalidValueError as error:
            entries.append(type(error).__name__)
    return entries


def told(engine: at.Engine, memory: Memory, step: int, draws: random.Random) -> Entries:
    """Tell params of one's own now and then, some of them failures."""
    space = engine.state.space
    entries: Entries = []
    if draws.random() < 0.4:
        point = [[draws.random() for _ in space.names]]
        import numpy as np

        params = space.params(space.decode(space.sample(np.array(point)))[0])
        try:
            if draws.random() < 0.2:
                entries.append(engine.fail(params, "known not to work"))
            else:
                entries.append(engine.observe(params, value(space, params)))
        except at.errors.ConflictError as error:
            entries.append(type(error).__name__)
    return [*entries, *loop(engine, memory, step, draws)]


def functions(engine: at.Engine, memory: Memory, step: int, draws: random.Random) -> Entries:
    """Work with the pure functions, and leave some branches of the state behind."""
    state = engine.state
    abandoned, (other,) = at.suggest(state)
    at.observe(abandoned, other, 99.0)
    state, suggestions = at.suggest(state, 2)
    first, second = suggestions
    state = at.observe(state, second, value(state.space, second.params))
    state, answer = at.deliver(state, first.params, value(state.space, first.params))
    engine._state = state
    return [_shown(first), _shown(second), answer]


def crowd(engine: at.Engine, memory: Memory, step: int, draws: random.Random) -> Entries:
    """Know hundreds of observations before the first question."""
    space = engine.state.space
    if not engine.observations:
        import numpy as np

        points = np.random.default_rng(step).random((520, space.dim))
        for row in space.decode(space.sample(points)):
            params = space.params(row)
            engine.observe(params, value(space, params))
    return loop(engine, memory, step, draws)


Client = Callable[[at.Engine, Memory, int, random.Random], Entries]
QUICK = {"n_candidates": 64, "n_starts": 2}


def studies() -> Iterator[tuple[str, Client, str, dict[str, Any], int, str, int]]:
    """Yield name, client, space, settings, seed, goal and steps of every study."""
    plans: list[tuple[Client, list[str], dict[str, Any], int, int]] = [
        (loop, list(spaces()), {}, 2, 45),
        (loop, ["every", "six", "network"], {}, 1, 120),
        (loop, ["every", "integers", "choices"], {"n_modelled": 25, **QUICK}, 3, 50),
        (failing, list(spaces()), QUICK, 4, 40),
        (failing, ["every", "plane"], {"retries": 1}, 3, 30),
        (pending, list(spaces()), QUICK, 4, 40),
        (pending, ["every", "six"], {}, 2, 40),
        (batches, list(spaces()), QUICK, 4, 15),
        (replicates, list(spaces()), {"replicates": True, **QUICK}, 4, 40),
        (replicates, ["plane", "network"], {"replicates": True}, 2, 60),
        (farm, list(spaces()), {"retries": 1, "expiries": 1, **QUICK}, 4, 50),
        (farm, list(spaces()), {"retries": 2, "expiries": 3, "replicates": True, **QUICK}, 3, 50),
        (farm, ["every", "plane", "network"], {"retries": 0, "expiries": 0}, 2, 30),
        (told, list(spaces()), QUICK, 4, 30),
        (functions, list(spaces()), QUICK, 3, 15),
        (crowd, ["every"], QUICK, 1, 8),
        (crowd, ["six"], {}, 1, 6),
    ]
    for number, (client, names, settings, seeds, steps) in enumerate(plans):
        for name in names:
            for seed in range(seeds):
                goal = "maximize" if (seed + number) % 2 else "minimize"
                label = f"{number}-{client.__name__}-{name}-{seed}"
                yield label, client, name, settings, seed, goal, steps


def play(
    client: Client, engine: at.Engine, memory: Memory, label: str, first: int, last: int
) -> Iterator[tuple[int, Entries]]:
    """Play the steps of a study, and yield each; a space that is used up ends it."""
    for step in range(first, last):
        draws = random.Random(f"{label}/{step}")
        try:
            entries = client(engine, memory, step, draws)
        except at.SpaceExhausted:
            yield step, ["exhausted"]
            return
        yield step, entries


def run_study(
    label: str,
    client: Client,
    space: str,
    settings: dict[str, Any],
    seed: int,
    goal: Any,
    steps: int,
) -> dict[str, Any]:
    """Run one study from the start, and keep its dict at three points."""
    engine = at.Engine(spaces()[space], seed, goal, at.Settings(**settings))
    memory: Memory = {}
    cuts = set(random.Random(label).sample(range(steps), 3))
    entries, states = [], []
    for step, came in play(client, engine, memory, label, 0, steps):
        entries.append(came)
        if step in cuts:
            states.append([step + 1, engine.to_dict(), copy.deepcopy(memory)])
    return {"entries": entries, "states": states, "end": _end(engine)}


def _end(engine: at.Engine) -> Any:
    """Return what is known at the end: the best, and what the model expects."""
    if not engine.observations:
        return None
    best = engine.best()
    assert best is not None
    space = engine.state.space
    means, deviations = engine.posterior([o.params for o in engine.observations[:3]])
    counts = [len(engine.observations), len(engine.failures), len(engine.pending)]
    listed = [[o.id, o.params, o.target] for o in engine.observations]
    failed = [[f.id, f.params, f.reason, f.cause] for f in engine.failures]
    waiting = [_shown(s) for s in engine.pending]
    assert space == engine.state.space
    model = [means.tolist(), deviations.tolist()]
    return [best.id, best.params, best.target, model, counts, listed, failed, waiting, engine.due]


# --- clients in other people's loops ---


def optuna_study(seed: int, kind: str) -> dict[str, Any]:
    """Return what Optuna's trials were given."""
    import optuna

    from asktell.integrations.optuna import AskTellSampler

    optuna.logging.disable_default_handler()
    options = QUICK if seed % 2 else {}
    draws = random.Random(f"optuna-{kind}-{seed}")
    direction = "maximize" if seed % 3 else "minimize"
    study = optuna.create_study(direction=direction, sampler=AskTellSampler(seed, **options))

    def objective(trial: Any) -> float:
        x = trial.suggest_float("x", -3.0, 3.0)
        total = -((x - 1.0) ** 2)
        total += math.log10(trial.suggest_float("lr", 1e-4, 1.0, log=True))
        total += trial.suggest_int("n", 1, 9) / 10.0
        total += trial.suggest_categorical("c", ["u", "v", (1, 2), None]) == "v"
        if kind == "conditional" and trial.number % 2:
            total += trial.suggest_float("extra", 0.0, 1.0)
        if kind == "failing" and draws.random() < 0.2:
            raise optuna.TrialPruned
        return total if kind != "failing" or draws.random() > 0.1 else math.nan

    if kind == "asked":
        out: list[Any] = []
        for _ in range(25):
            while len(out) < 3:
                trial = study.ask()
                out.append((trial, objective(trial)))
            trial, target = out.pop(draws.randrange(3))
            study.tell(trial, target)
    else:
        study.optimize(objective, n_trials=25)
    entries = [[repr(sorted(t.params.items())), t.state.name, t.value] for t in study.trials]
    if kind == "asked":
        after = at.Engine.from_dict(study.sampler.to_dict(study)).suggest()
        entries.append([after.id, after.params, after.origin])
    return {"entries": json.loads(json.dumps(entries)), "states": [], "end": None}


def gest_vocs() -> Any:
    """Return a problem of the gest-api."""
    from gest_api.vocs import VOCS

    return VOCS(
        variables={"x": [-1.0, 2.0], "y": [0.0, 1.0], "bits": {8, 2, 4}, "shape": {(2, 2), (3, 1)}},
        objectives={"f": "MINIMIZE"},
        constants={"alpha": 0.55},
    )


def gest_steps(generator: Any, out: list[Any], label: str, first: int, last: int) -> Iterator[Any]:
    """Yield what each step of a generator's client was given."""
    for step in range(first, last):
        draws = random.Random(f"{label}/{step}")
        points = generator.suggest(draws.choice([1, 2, 3]))
        out += copy.deepcopy(points)
        results = []
        for _ in range(min(len(out), 2)):
            point = out.pop(draws.randrange(len(out)))
            target = (point["x"] - 0.5) ** 2 + point["y"] * point["bits"] / 9
            results.append({**point, "f": math.nan if draws.random() < 0.1 else target})
        generator.ingest(results)
        yield step, json.loads(json.dumps(points))


def gest_study(seed: int) -> dict[str, Any]:
    """Return what the generator gave out, with its dict at two points."""
    from asktell.integrations.gest import AskTellGenerator

    generator = AskTellGenerator(gest_vocs(), seed=seed, **(QUICK if seed % 2 else {}))
    out: list[Any] = []
    entries, states = [], []
    for step, points in gest_steps(generator, out, f"gest-{seed}", 0, 20):
        entries.append(points)
        if step in (6, 13):
            states.append([step + 1, generator.to_dict(), _listed(out)])
    return {"entries": entries, "states": states, "end": None}


def _listed(points: list[Any]) -> Any:
    return [[*point.items()] for point in copy.deepcopy(points)]


def strategy_study(seed: int, name: str) -> dict[str, Any]:
    """Return what a strategy tried, with its ``dicts`` at two points."""
    strategy = _strategy(seed, name, None)
    entries, states = [], []
    for step, trial in enumerate(strategy.run()):
        entries.append([trial.number, dict(trial.params), trial.meets, trial.failure])
        if step in (3, 9):
            states.append([step + 1, strategy.dicts, None])
    return {"entries": entries, "states": states, "end": None}


def _strategy(seed: int, name: str, dicts: Any) -> Any:
    from fakes import FakeAdaptor, conf, make

    import strategies

    kinds = {
        "bayesian": strategies.BayesianTuneStrategy,
        "random": strategies.RandomTuneStrategy,
        "exhaustive": strategies.ExhaustiveTuneStrategy,
    }
    adaptor = FakeAdaptor(broken=frozenset({("channel", "tensor", "minmax", 100)}))
    return make(kinds[name], adaptor, conf({"random_seed": seed, "objective": "modelsize"}), dicts)


# --- recording and comparing ---


def others() -> dict[str, Callable[[], dict[str, Any]]]:
    """Return the studies in other people's loops."""
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for seed in range(6):
        for kind in ("plain", "conditional", "failing", "asked"):
            found[f"optuna-{kind}-{seed}"] = lambda s=seed, k=kind: optuna_study(s, k)
    for seed in range(12):
        found[f"gest-{seed}"] = lambda s=seed: gest_study(s)
    for seed in range(6):
        for name in ("bayesian", "random", "exhaustive"):
            found[f"strategy-{name}-{seed}"] = lambda s=seed, n=name: strategy_study(s, n)
    return found


def record(path: Path) -> None:
    """Run every study and write what it gave."""
    records = {}
    for label, *plan in studies():
        records[label] = run_study(label, *plan)
        print(label, len(records[label]["entries"]), flush=True)
    for label, run in others().items():
        records[label] = run()
        print(label, len(records[label]["entries"]), flush=True)
    with gzip.open(path, "wt") as file:
        json.dump(records, file)
    print(f"{len(records)} studies")


def compare(path: Path, only: str) -> int:
    """Run every study again, whole and from its dicts; return how many runs differ."""
    with gzip.open(path, "rt") as file:
        records = json.load(file)
    plans = {label: plan for label, *plan in studies()}
    runs = others()
    total, differing = 0, 0

    def check(label: str, got: Any, expected: Any) -> None:
        nonlocal total, differing
        total += 1
        if json.loads(json.dumps(got)) != expected:
            differing += 1
            print(f"DIFFERS: {label}{_first_difference(got, expected)}", flush=True)

    for label, known in records.items():
        if only not in label:
            continue
        if label in plans:
            client, space, settings, seed, goal, steps = plans[label]
            fresh = run_study(label, client, space, settings, seed, goal, steps)
            check(label, [fresh["entries"], fresh["end"]], [known["entries"], known["end"]])
            for origin, states in (("its own", fresh["states"]), ("recorded", known["states"])):
                for first, document, memory in states:
                    for schema, dict_ in _schemas(document):
                        engine = at.Engine.from_dict(json.loads(json.dumps(dict_)))
                        entries = [
                            came
                            for _, came in play(
                                client, engine, copy.deepcopy(memory), label, first, steps
                            )
                        ]
                        place = f"{label} from step {first}, {origin} dict of schema {schema}"
                        got = [entries, _end(engine)]
                        check(place, got, [known["entries"][first:], known["end"]])
        else:
            fresh = runs[label]()
            check(label, fresh["entries"], known["entries"])
            for origin, states in (("its own", fresh["states"]), ("recorded", known["states"])):
                for first, document, memory in states:
                    entries = _resumed(label, first, document, memory)
                    check(f"{label} from step {first}, {origin}", entries, known["entries"][first:])
    print(f"{total} runs of {len(records)} studies, {differing} differ")
    return differing


def _resumed(label: str, first: int, document: Any, memory: Any) -> Entries:
    kind, *rest = label.split("-")
    if kind == "gest":
        from asktell.integrations.gest import AskTellGenerator

        generator = AskTellGenerator.from_dict(gest_vocs(), document)
        tuples = [{k: tuple(v) if k == "shape" else v for k, v in point} for point in memory]
        return [points for _, points in gest_steps(generator, tuples, label, first, 20)]
    strategy = _strategy(int(rest[1]), rest[0], document)
    return [[t.number, dict(t.params), t.meets, t.failure] for t in strategy.run()]


def _schemas(document: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the dict, and as one of schema 1 where that could have said the same."""
    yield document["schema"], document
    if document["schema"] != 2 or any(document[n] for n in ("due", "withdrawn", "retried")):
        return
    settings = dict(document["settings"])
    if (settings.pop("retries"), settings.pop("expiries")) != (0, 3):
        return
    if any(row["expires"] is not None for row in document["pending"]):
        return
    first = {k: v for k, v in document.items() if k not in ("due", "withdrawn", "retried")}
    first |= {"schema": 1, "settings": settings}
    for name, key in (("pending", "expires"), ("failures", "cause")):
        first[name] = [{k: v for k, v in row.items() if k != key} for row in document[name]]
    yield 1, first


def _first_difference(got: Any, expected: Any) -> str:
    got = json.loads(json.dumps(got))
    if isinstance(got, list) and isinstance(expected, list):
        for place, (one, other) in enumerate(zip(got, expected, strict=False)):
            if one != other:
                return f"[{place}]{_first_difference(one, other)}"
        return f": {len(got)} against {len(expected)} items"
    return f": {got!r:.200} against {expected!r:.200}"


def main() -> None:
    """Record or compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["record", "compare"])
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", default="", help="studies whose names contain this")
    arguments = parser.parse_args()
    if arguments.what == "record":
        record(arguments.file)
    else:
        sys.exit(compare(arguments.file, arguments.only) > 0)


if __name__ == "__main__":
    main()
