"""Small modules of PyTorch, untrained, that hold each kind of module that can be quantised."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

WIDTH = 16


class Convolutions(nn.Module):
    """Images of shape (n, 3, 8, 8) to five scores."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 16, 3, padding=1)
        self.norm = nn.BatchNorm2d(16)
        self.deep = nn.Conv2d(16, 16, (3, 5), padding="same", groups=16, bias=False)
        self.grouped = nn.Conv2d(16, 32, 3, stride=2, dilation=1, groups=4, padding=1)
        self.up = nn.ConvTranspose2d(32, 8, 2, stride=2, groups=2)
        self.line = nn.Conv1d(8, 6, 3, stride=2)
        self.out = nn.Linear(6, 5)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.norm(self.first(images)))
        x = self.up(torch.relu(self.grouped(torch.relu(self.deep(x)))))
        return self.out(torch.relu(self.line(x.flatten(2))).mean(-1))


class Perceptron(nn.Module):
    """Rows of shape (n, 16) to three scores; one Linear is used twice under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(WIDTH, 40)
        self.middle = nn.Linear(40, 40, bias=False)
        self.again = self.middle
        self.out = nn.Linear(40, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.middle(torch.relu(self.first(x))))
        return self.out(torch.relu(self.again(x)))


class Encoder(nn.Module):
    """Words (n, length), and where there are none, to three scores."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(30, 32, padding_idx=0)
        layer = nn.TransformerEncoderLayer(32, 4, 48, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.out = nn.Linear(32, 3)

    def forward(self, words: torch.Tensor, empty: torch.Tensor | None = None) -> torch.Tensor:
        x = self.encoder(self.table(words), src_key_padding_mask=empty)
        return self.out(x[:, 0])


class Recurrent(nn.Module):
    """Words (n, length) to two scores."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(30, 15)
        self.long = nn.LSTM(15, 8, num_layers=2, bidirectional=True, batch_first=True)
        self.gated = nn.GRU(16, 9, batch_first=True)
        self.out = nn.Linear(9, 2)

    def forward(self, words: torch.Tensor) -> torch.Tensor:
        _, last = self.gated(self.long(self.table(words))[0])
        return self.out(last[0])


def made(kind: type[nn.Module]) -> nn.Module:
    """Return a module of this kind with weights drawn from a seed."""
    torch.manual_seed(3)
    return kind().eval()


def data(kind: type[nn.Module], batches: int = 3, rows: int = 6) -> list[tuple[Any, Any]]:
    """Return batches for a module of this kind, as arrays."""
    rng = np.random.default_rng(5)

    def inputs() -> Any:
        if kind is Convolutions:
            return rng.normal(size=(rows, 3, 8, 8)).astype(np.float32)
        if kind is Perceptron:
            return rng.normal(size=(rows, WIDTH)).astype(np.float32)
        return rng.integers(1, 30, size=(rows, 7))

    return [(inputs(), rng.integers(0, 2, rows)) for _ in range(batches)]
