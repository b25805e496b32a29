"""The handwritten digits of scikit-learn as batches, and the network trained on them.

The 1797 images are split once, stratified by digit and with a fixed seed: 60 % to train on and to
calibrate with, 40 % held out to evaluate on. Pixels are divided by 16, so they lie in [0, 1].
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

MODEL = Path(__file__).with_name("digits_cnn.onnx")
"""The FP32 network that ``examples/train_digits.py`` of the repository writes, 100 KB."""

Images = NDArray[np.float32]
"""Shape ``(n, 1, 8, 8)``, values in [0, 1]."""

Labels = NDArray[np.int64]
"""Shape ``(n,)``, values 0 to 9."""

Batch = tuple[Images, Labels]
"""Images and their labels, row by row."""


def split() -> tuple[Batch, Batch]:
    """Return the training part (1078 images) and the held-out part (719 images)."""
    digits = load_digits()
    images = (digits.images[:, np.newaxis] / 16).astype(np.float32)
    labels = digits.target.astype(np.int64)
    train_images, held_out_images, train_labels, held_out_labels = train_test_split(
        images, labels, test_size=0.4, random_state=0, stratify=labels
    )
    return (train_images, train_labels), (held_out_images, held_out_labels)


def batches(data: Batch, size: int) -> list[Batch]:
    """Cut ``data`` into batches of ``size`` rows, in order; the last may be smaller."""
    images, labels = data
    starts = range(0, len(labels), size)
    return [(images[start : start + size], labels[start : start + size]) for start in starts]


def calibration(samples: int = 100, batch_size: int = 10) -> list[Batch]:
    """Return the first ``samples`` images of the training part (already shuffled) in batches."""
    (images, labels), _ = split()
    return batches((images[:samples], labels[:samples]), batch_size)


def validation(batch_size: int = 100) -> list[Batch]:
    """Return the held-out images, on which nothing was trained or calibrated, in batches."""
    _, held_out = split()
    return batches(held_out, batch_size)
