"""What a tune configuration asks for, checked against what there is."""

from __future__ import annotations

from numbers import Integral

from attrs import frozen

from strategies.adaptors.base import FP32, OpConfig, TuneConfig
from strategies.adaptors.onnx.calibration import ALGORITHMS as RANGE_ALGORITHMS
from strategies.adaptors.onnx.options import (
    AUTO,
    DYNAMIC,
    STATIC,
    WEIGHT_ONLY,
    check_option,
    options,
)
from strategies.adaptors.onnx.prepared import Prepared
from strategies.adaptors.onnx.smoothing import OFF, STRENGTHS, smoothable
from strategies.adaptors.onnx.weightless import options as weightless_options
from strategies.errors import AdaptorError

ALGORITHMS = {STATIC: RANGE_ALGORITHMS, DYNAMIC: (), WEIGHT_ONLY: (), AUTO: RANGE_ALGORITHMS}
"""By approach, how ranges can be chosen."""

SIZE, ALGORITHM, SMOOTHING = "calib_sampling_size", "calib_algorithm", "smooth_quant"
SETTINGS = (SIZE, ALGORITHM, SMOOTHING)
"""The keys of a tune configuration that are no operation."""

DEFAULT_SAMPLING_SIZE, DEFAULT_ALGORITHM = 100, "minmax"


@frozen
class Calibration:
    """How many samples are looked at, and how ranges are chosen of what they hold."""

    size: int
    algorithm: str


def calibration(tune_cfg: TuneConfig) -> Calibration:
    """Return what is asked of calibration.

    Raises:
        AdaptorError: It is out of range, or unknown.
    """
    size = tune_cfg.get(SIZE, DEFAULT_SAMPLING_SIZE)
    if not isinstance(size, Integral) or size < 1:
        raise AdaptorError(f"tune_cfg[{SIZE!r}] is {size!r}, expected an integer of at least 1")
    algorithm = tune_cfg.get(ALGORITHM, DEFAULT_ALGORITHM)
    if algorithm not in RANGE_ALGORITHMS:
        raise AdaptorError(
            f"tune_cfg[{ALGORITHM!r}] is {algorithm!r}, "
            f"expected one of {', '.join(RANGE_ALGORITHMS)}"
        )
    return Calibration(int(size), algorithm)


def strength(tune_cfg: TuneConfig, prepared: Prepared) -> str:
    """Return how strongly activations are to be smoothed.

    Raises:
        AdaptorError: Nothing in the model can be smoothed so.
    """
    wanted = tune_cfg.get(SMOOTHING, OFF)
    expected = (
        STRENGTHS if wanted == OFF or smoothable(prepared.model, prepared.weighted) else (OFF,)
    )
    if wanted not in expected:
        raise AdaptorError(
            f"tune_cfg[{SMOOTHING!r}] is {wanted!r}, expected one of {', '.join(expected)}"
        )
    return str(wanted)


def choices(tune_cfg: TuneConfig, prepared: Prepared) -> dict[str, OpConfig]:
    """Return the option of every node that is not to stay float32, by its name.

    Raises:
        AdaptorError: There is no such node, or it does not have that option.
    """
    approach, four_bits = prepared.approach, prepared.four_bits
    offered = {(n.name, n.type): options(n, approach, four_bits) for n in prepared.nodes}
    offered |= {(n.name, n.type): weightless_options(n, approach) for n in prepared.others}
    chosen = {}
    for key, config in tune_cfg.items():
        if key in SETTINGS:
            continue
        if key not in offered:
            raise AdaptorError(f"tune_cfg[{key!r}]: no such node, expected one of {[*offered]}")
        if config != FP32:
            check_option(config, offered[key], key)
            chosen[key[0]] = config
    return chosen
