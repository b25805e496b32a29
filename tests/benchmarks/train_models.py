"""Train the models of ``real_models``, and write them with the data that they are measured on.

``python tests/benchmarks/train_models.py [NAME ...]``, in the environment ``models``, takes a few
minutes on one core. Data come with scikit-learn (digits, photographs, tumours, diabetes) or are
the standard library's own files: words of docstrings, split by docstring, and characters of lines,
split by file. Nothing is downloaded.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sysconfig
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.ndimage import zoom
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_sample_images
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

FOLDER = Path(__file__).parent / "data" / "models"
CALIBRATION = 100
OPSET = 17
Rows = tuple[np.ndarray, np.ndarray]

TOPICS = {
    "concurrency": ["asyncio", "concurrent", "multiprocessing", "threading.py", "queue.py"],
    "network": ["email", "http", "urllib", "smtplib.py", "ftplib.py", "socketserver.py"],
    "windows": ["tkinter", "turtle.py", "idlelib"],
    "testing": ["unittest", "doctest.py", "pdb.py", "bdb.py"],
    "markup": ["xml", "html", "json", "csv.py", "plistlib.py"],
    "numbers": ["statistics.py", "fractions.py", "_pydecimal.py", "random.py", "datetime.py"],
}
WORDS, SENTENCE, LINE = 1000, 16, 40


# --- data ---


def digits() -> tuple[Rows, Rows]:
    """Return 1,078 and 719 images (1, 8, 8) in [0, 1] of ten digits."""
    data = load_digits()
    return _split((data.images[:, None] / 16).astype(np.float32), data.target)


def photographs() -> tuple[Rows, Rows]:
    """Return digits somewhere on grey pieces (1, 16, 16) of two photographs, to be told.

    Digits and pieces to evaluate on, from the right of the photographs, are never trained on.
    """
    sides = []
    for part, ((images, labels), copies) in enumerate(zip(digits(), (6, 1), strict=True)):
        draws = np.random.default_rng(part)
        x, y = np.repeat(images[:, 0], copies, axis=0), np.repeat(labels, copies)
        large = np.stack([zoom(image, 1.5, order=1) for image in x])
        made = np.stack([_piece(draws, right=part == 1) for _ in y])
        for image, digit in zip(made, large, strict=True):
            top, left = draws.integers(0, 5, 2)
            place = image[top : top + 12, left : left + 12]
            np.maximum(place, digit, out=place)
        made = np.round(64 * made) / 64
        sides.append((made[:, None].astype(np.float32), y))
    return sides[0], sides[1]


@cache
def _photographs() -> list[np.ndarray]:
    greys = [image.mean(axis=2) / 255 for image in load_sample_images().images]
    return [0.5 * grey[::2, ::2] for grey in greys]


def _piece(draws: np.random.Generator, right: bool) -> np.ndarray:
    grey = _photographs()[draws.integers(2)]
    edge = int(0.65 * grey.shape[1])
    left = draws.integers(edge, grey.shape[1] - 16) if right else draws.integers(0, edge - 16)
    top = draws.integers(0, len(grey) - 16)
    return grey[top : top + 16, left : left + 16].copy()


def tumours() -> tuple[Rows, Rows]:
    """Return 30 measurements of 341 and 228 tumours, as they are: from 0.001 to 4,000."""
    data = load_breast_cancer()
    return _split(data.data.astype(np.float32), data.target)


def diabetes() -> tuple[Rows, Rows]:
    """Return ten measurements of 265 and 177 people, and how their illness went on, in hundreds."""
    data = load_diabetes(scaled=False)
    return _split(data.data.astype(np.float32), (data.target / 100).astype(np.float32), False)


def words() -> tuple[Rows, Rows]:
    """Return sentences of 16 words, as numbers below 1,000, from docstrings of six topics.

    1 stands for rare words. Docstrings to evaluate on are others than those to train on.
    """
    sides: list[list[tuple[list[str], int]]] = [[], []]
    for topic, (_, places) in enumerate(TOPICS.items()):
        texts = sorted({text for path in _files(places) for text in _docstrings(path)})
        for text in texts:
            found = re.findall(r"[a-z]+", text.lower())
            side = sides[sum(map(ord, text)) % 5 < 2]
            starts = range(0, len(found) - SENTENCE + 1, SENTENCE)
            side += [(found[start : start + SENTENCE], topic) for start in starts]
    counts = Counter(word for sentence, _ in sides[0] for word in sentence)
    numbers = {word: n for n, (word, _) in enumerate(counts.most_common(WORDS - 2), start=2)}
    return _shuffled(
        [([numbers.get(w, 1) for w in sentence], t) for sentence, t in side] for side in sides
    )


def characters() -> tuple[Rows, Rows]:
    """Return lines of 40 characters, as numbers below 96: code, or prose of comments."""
    sides: list[list[tuple[list[int], int]]] = [[], []]
    paths = [path for places in TOPICS.values() for path in _files(places)]
    for number, path in enumerate(paths):
        for line, kind in _lines(path):
            codes = [ord(c) - 32 if 32 <= ord(c) < 127 else 95 for c in line[:LINE]]
            sides[number % 5 == 0].append(([0] * (LINE - len(codes)) + codes, kind))
    draws = np.random.default_rng(0)
    few = []
    for side, size in zip(sides, (2000, 450), strict=True):
        of_kinds = [[row for row in side if row[1] == kind] for kind in range(2)]
        few.append([rows[i] for rows in of_kinds for i in draws.permutation(len(rows))[:size]])
    return _shuffled(few)


def _split(x: np.ndarray, y: np.ndarray, classes: bool = True) -> tuple[Rows, Rows]:
    parts = train_test_split(x, y, test_size=0.4, random_state=0, stratify=y if classes else None)
    return (parts[0], parts[2]), (parts[1], parts[3])


def _shuffled(sides: Iterator[list] | list[list]) -> tuple[Rows, Rows]:
    made = []
    for side in sides:
        order = np.random.default_rng(1).permutation(len(side))
        x, y = (np.array(column, dtype=np.int64)[order] for column in zip(*side, strict=True))
        made.append((x, y))
    return made[0], made[1]


def _files(places: list[str]) -> list[Path]:
    library = Path(sysconfig.get_path("stdlib"))
    found = [
        path
        for place in places
        for path in (
            [library / place] if place.endswith(".py") else (library / place).rglob("*.py")
        )
    ]
    return sorted(path for path in found if "test" not in path.parts and path.exists())


def _docstrings(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds))
    return [text for text in found if text]


def _lines(path: Path) -> Iterator[tuple[str, int]]:
    source = path.read_text(encoding="utf-8", errors="replace")
    numbers = dict.fromkeys(range(1, source.count("\n") + 2), 0)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.STRING and token.start[0] < token.end[0]:
            numbers.update(dict.fromkeys(range(token.start[0], token.end[0] + 1), 1))
        elif token.type == tokenize.COMMENT and token.line.lstrip().startswith("#"):
            numbers[token.start[0]] = 1
    for number, line in enumerate(source.splitlines(), start=1):
        text = line.strip().lstrip("#").strip("\"' ")
        if len(text) >= 12:
            yield text, numbers.get(number, 0)


# --- networks ---


class Residual(nn.Module):
    """Two convolutions beside a shortcut, as in a ResNet."""

    def __init__(self, into: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.a, self.b = _conv(into, out, stride=stride), _conv(out, out)
        self.shortcut = _conv(into, out, size=1, stride=stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.shortcut(x) + self.b(torch.relu(self.a(x))))


class Inverted(nn.Module):
    """Wider, a convolution of each channel alone, narrower again: the block of a MobileNet."""

    def __init__(self, into: int, out: int, stride: int = 1, wider: int = 4) -> None:
        super().__init__()
        wide = wider * into
        self.same = stride == 1 and into == out
        self.layers = nn.Sequential(
            *(_conv(into, wide, size=1), nn.ReLU6()),
            *(_conv(wide, wide, stride=stride, groups=wide), nn.ReLU6()),
            _conv(wide, out, size=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.same else self.layers(x)


class Attention(nn.Module):
    """Attention of several heads, written out."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.width = heads, width
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (self.apart(f(x)) for f in (self.query, self.key, self.value))
        alike = query @ key.transpose(-1, -2) * (self.width / self.heads) ** -0.5
        mixed = torch.softmax(alike, dim=-1) @ value
        return self.out(mixed.transpose(1, 2).reshape(-1, x.shape[1], self.width))

    def apart(self, x: Tensor) -> Tensor:
        return x.reshape(-1, x.shape[1], self.heads, self.width // self.heads).transpose(1, 2)


class Layer(nn.Module):
    """A layer of an encoder that is normalised first."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention, self.before = Attention(width, heads), nn.LayerNorm(width)
        self.between = nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.before(x))
        return x + self.down(nn.functional.gelu(self.up(self.between(x))))


class Encoder(nn.Module):
    """Layers over tokens, each of which ``embed`` makes of the input; their mean is classified."""

    def __init__(self, embed: nn.Module, tokens: int, width: int, layers: int, out: int) -> None:
        super().__init__()
        self.embed = embed
        self.places = nn.Parameter(0.1 * torch.randn(tokens, width))
        self.layers = nn.Sequential(*(Layer(width, 2) for _ in range(layers)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, out)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(self.layers(self.embed(x) + self.places)).mean(dim=1))


class Patches(nn.Module):
    """16 pieces of 2 by 2 of an image of 8 by 8, each as a token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embed = nn.Linear(4, width)

    def forward(self, x: Tensor) -> Tensor:
        pieces = x.reshape(-1, 4, 2, 4, 2).transpose(2, 3)
        return self.embed(pieces.reshape(-1, 16, 4))


class Bag(nn.Module):
    """The mean of the words' vectors, and two dense layers."""

    def __init__(self, out: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(WORDS, 40)
        self.layers = nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, out))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(self.embed(x).mean(dim=1))


class Recurrent(nn.Module):
    """An LSTM over characters, whose last state is classified."""

    def __init__(self, out: int) -> None:
        super().__init__()
        self.embed, self.lstm = nn.Embedding(96, 16), nn.LSTM(16, 64, batch_first=True)
        self.head = nn.Linear(64, out)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(self.embed(x))[1][0][-1])


def _conv(into: int, out: int, size: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(into, out, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out))


def channels() -> nn.Module:
    """Return three convolutions with normalisation."""
    layers: list[nn.Module] = []
    for into, out in ((1, 16), (16, 32), (32, 32)):
        layers += [_conv(into, out), nn.ReLU()]
    return nn.Sequential(*layers, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(512, 10))


def spread(network: nn.Module, factor: float = 12.0) -> None:
    """Scale channels by between 1 / ``factor`` and ``factor``, and back in the next layer.

    The network computes what it did, as a ReLU lets positive factors through.
    """
    draws = np.random.default_rng(5)
    blocks = [m for m in network if isinstance(m, nn.Sequential)]
    for block, after in pairwise(blocks):
        norm, weight = block[1], after[0].weight
        scales = torch.tensor(factor ** draws.uniform(-1, 1, len(norm.weight))).float()
        norm.weight.data *= scales
        norm.bias.data *= scales
        weight.data /= scales[None, :, None, None]


def residual() -> nn.Module:
    """Return a small ResNet."""
    blocks = Residual(16, 16), Residual(16, 32, stride=2), Residual(32, 32)
    end = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)
    return nn.Sequential(_conv(1, 16), nn.ReLU(), *blocks, *end)


def depthwise() -> nn.Module:
    """Return a small MobileNet."""
    blocks = Inverted(12, 16, 2), Inverted(16, 16), Inverted(16, 24, 2), Inverted(24, 24)
    end = _conv(24, 48, size=1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return nn.Sequential(_conv(1, 12), nn.ReLU6(), *blocks, *end, nn.Linear(48, 10))


def perceptron(into: int, widths: list[int], out: int) -> nn.Module:
    """Return dense layers on measurements as they are, which the first layer normalises."""
    layers: list[nn.Module] = [nn.BatchNorm1d(into, affine=False)]
    for before, width in zip([into, *widths[:-1]], widths, strict=True):
        layers += [nn.Linear(before, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], out))


class Recipe(NamedTuple):
    """How a model is made."""

    data: Callable[[], tuple[Rows, Rows]]
    network: Callable[[], nn.Module]
    epochs: int
    rate: float
    decay: float = 1e-2
    keeps_norm: bool = False
    """Whether normalisation stays a node, and is not folded into the layer before."""


MODELS = {
    "channels": Recipe(digits, channels, 15, 3e-3, decay=1e-4),
    "residual": Recipe(digits, residual, 15, 3e-3, decay=1e-4, keeps_norm=True),
    "depthwise": Recipe(photographs, depthwise, 8, 5e-3, decay=1e-3),
    "tumours": Recipe(tumours, lambda: perceptron(30, [64, 64, 32], 2), 30, 3e-3),
    "diabetes": Recipe(
        diabetes, lambda: perceptron(10, [64, 48, 32], 1), 30, 3e-3, decay=0.1, keeps_norm=True
    ),
    "words": Recipe(words, lambda: Bag(6), 12, 3e-3),
    "encoder": Recipe(
        words,
        lambda: Encoder(nn.Embedding(WORDS, 48), SENTENCE, 48, 2, 6),
        8,
        1e-3,
        decay=0.1,
    ),
    "deep encoder": Recipe(digits, lambda: Encoder(Patches(32), 16, 32, 12, 10), 60, 2e-3),
    "lstm": Recipe(characters, lambda: Recurrent(2), 15, 5e-3, decay=1e-3),
}


def train(name: str) -> tuple[nn.Module, tuple[Rows, Rows]]:
    """Return the trained network and its data."""
    recipe = MODELS[name]
    (x, y), held_out = data_of(recipe.data)
    torch.manual_seed(0)
    network = recipe.network()
    optimiser = torch.optim.AdamW(network.parameters(), recipe.rate, weight_decay=recipe.decay)
    inputs, targets = torch.tensor(x), torch.tensor(y)
    steps = recipe.epochs * (len(x) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=steps)
    loss = nn.CrossEntropyLoss() if y.dtype == np.int64 else nn.MSELoss()
    for _ in range(recipe.epochs):
        order = torch.randperm(len(x))
        for start in range(0, 64 * (len(x) // 64), 64):
            rows = order[start : start + 64]
            optimiser.zero_grad()
            loss(network(inputs[rows]).squeeze(-1), targets[rows]).backward()
            optimiser.step()
            schedule.step()
    network.eval()
    if name == "channels":
        spread(network)
    with torch.no_grad():
        for part, (rows, told) in (("trained on", (x, y)), ("held out", held_out)):
            outputs = network(torch.tensor(rows)).numpy()
            if told.dtype == np.int64:
                score = float((outputs.argmax(axis=1) == told).mean())
            else:
                score = float(np.sqrt(np.mean((outputs[:, 0] - told) ** 2)))
            print(f"{name}, {part}: {score:.4f} of {len(rows)} rows")
    return network, ((x, y), held_out)


@cache
def data_of(data: Callable[[], tuple[Rows, Rows]]) -> tuple[Rows, Rows]:
    """Return the data, made once."""
    return data()


def write(name: str) -> None:
    """Train a network; write it, and its data."""
    network, ((x, y), held_out) = train(name)
    recipe = MODELS[name]
    modes = torch.onnx.TrainingMode
    mode = modes.PRESERVE if recipe.keeps_norm else modes.EVAL
    path = FOLDER / f"{name.replace(' ', '_')}.onnx"
    torch.onnx.export(
        network,
        (torch.tensor(x[:2]),),
        str(path),
        input_names=["x"],
        output_names=["y"],
        dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}},
        opset_version=OPSET,
        training=mode,
        do_constant_folding=not recipe.keeps_norm,
        dynamo=False,
    )
    np.savez_compressed(
        FOLDER / f"{recipe.data.__name__}.npz",
        calibration_x=x[:CALIBRATION],
        calibration_y=y[:CALIBRATION],
        evaluation_x=held_out[0][:1000],
        evaluation_y=held_out[1][:1000],
    )


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(MODELS))
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    FOLDER.mkdir(exist_ok=True)
    for name in parser.parse_args().names:
        write(name)


if __name__ == "__main__":
    main()
