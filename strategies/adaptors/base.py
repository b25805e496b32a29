"""What a strategy asks of a framework: the choices it offers, and the model it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from attrs import field, frozen

OpKey = tuple[str, str]
"""An operation of the model: its name and its type. One name may occur under two types."""

OpConfig = Mapping[str, Mapping[str, str]]
"""How one operation is quantised: ``{"weight": {...}, "activation": {...}}``.

Each side holds ``dtype``, and unless that is ``fp32`` or ``fp16`` also ``scheme`` and
``granularity``. A side that is ``fp32`` is left as it is.
"""

TuneConfig = dict[Any, Any]
"""``{(op_name, op_type): OpConfig, ..., "calib_sampling_size": int, "calib_algorithm": str}``,
and where activations can be smoothed ``"smooth_quant": str``."""

Dataloader = Iterable[tuple[Any, Any]]
"""Yields ``(input, label)``; can be iterated any number of times."""

FP32: OpConfig = {"weight": {"dtype": "fp32"}, "activation": {"dtype": "fp32"}}
"""The configuration of an operation that is left as it is."""


@frozen
class Operation:
    """One operation that can be quantised, and every way to do it.

    The first option is the framework's default; the last is :data:`FP32`. All differ in effect.

    Attributes:
        name: as in the model.
        type: its operator.
        options: what there is to choose from.
        ranks: where each option stands when they are put in order by how exact they are, as far as
            that can be told without an evaluation: 0 for the most exact. None where nothing is
            known.
        is_passive: whether it has no weight and hardly any arithmetic (Add, Concat, pooling):
            quantising it saves no bytes, and time only where its neighbours are quantised.
        has_weight: whether quantising it saves bytes.
    """

    name: str
    type: str
    options: tuple[OpConfig, ...]
    ranks: tuple[int, ...] | None = None
    is_passive: bool = False
    has_weight: bool = True

    @property
    def key(self) -> OpKey:
        """Return the key of this operation in a tune configuration."""
        return self.name, self.type


@frozen
class LeftOut:
    """An operation that cannot be tuned, and why."""

    name: str
    type: str
    reason: str


@frozen
class Capability:
    """Everything about a model that can be tuned, in the order of its graph.

    Without calibration algorithms nothing is calibrated. What is ``left_out`` stays as it is.
    ``smooth_quant`` holds how strongly activations can be smoothed, "off" first; nothing where
    that makes no sense.
    """

    operations: tuple[Operation, ...]
    calibration_algorithms: tuple[str, ...] = field(default=("minmax",))
    left_out: tuple[LeftOut, ...] = ()
    smooth_quant: tuple[str, ...] = ()


@frozen
class Sensitivity:
    """What an operation does, and what it does to the model if it alone is quantised.

    Attributes:
        multiplications: of one sample.
        errors: the squared change of its own output beside its square, one for each option.
        damages: the squared change of the model's outputs beside their square, one for each option.
    """

    multiplications: int
    errors: tuple[float, ...]
    damages: tuple[float, ...]


@frozen(eq=False)
class SizePart:
    """What some operations add to the size of a model, whatever the others are.

    Attributes:
        keys: these operations: one, or a few that share a piece.
        settings: the other keys of a tune configuration that it depends on.
        bytes_of: takes a tune configuration with these keys alone.
    """

    keys: tuple[OpKey, ...]
    settings: tuple[str, ...]
    bytes_of: Callable[[TuneConfig], float]


@frozen(eq=False)
class SumOfParts:
    """The size of a model for any tune configuration, and the parts of which it is about the sum.

    ``constant`` and the parts miss the size by a few bytes at most; a search asks about so many
    configurations that it is worth it.
    """

    size_of: Callable[[TuneConfig], float]
    constant: float
    parts: tuple[SizePart, ...]

    def __call__(self, tune_cfg: TuneConfig) -> float:
        """Return the size, exactly."""
        return self.size_of(tune_cfg)


class Adaptor(Protocol):
    """A framework, as the strategies see it. Models are opaque to everything but the adaptor."""

    def load(self, model: Any) -> Any:
        """Return the model, given as a path or an object, as the object that evaluations get."""
        ...

    def capability(self, model: Any) -> Capability:
        """Return what can be tuned in the FP32 model."""
        ...

    def quantize(self, model: Any, tune_cfg: TuneConfig, dataloader: Dataloader | None) -> Any:
        """Return a new model, quantised as ``tune_cfg`` says; ``model`` is not changed.

        An operation that ``tune_cfg`` does not name stays as it is.
        """
        ...

    def evaluate(
        self, model: Any, dataloader: Dataloader, metric: Callable[[Any, Any], float]
    ) -> float:
        """Return ``metric(outputs, labels)`` over the whole loader, as one number."""
        ...

    def predictions(self, model: Any, dataloader: Dataloader) -> Iterator[tuple[Any, Any]]:
        """Yield ``(outputs, labels)`` batch by batch; a batch is read and run when it is due."""
        ...

    def size(self, model: Any) -> int:
        """Return the bytes that the model takes on disk."""
        ...

    def sizes(self, model: Any, dataloader: Dataloader | None) -> Callable[[TuneConfig], float]:
        """Return a fast function: the size of what ``quantize`` would make of a ``tune_cfg``.

        Where it is a :class:`SumOfParts`, searches are faster.
        """
        ...

    def sensitivities(
        self, model: Any, options: Mapping[OpKey, Sequence[OpConfig]], dataloader: Dataloader
    ) -> Mapping[OpKey, Sensitivity]:
        """Return what these options of operations do, each alone, in a bounded time.

        The same model and data give the same numbers.
        """
        ...

    def digest(self, model: Any) -> str:
        """Return the same text for the same model, and another one for any other."""
        ...

    def timer(self, model: Any, dataloader: Dataloader) -> Callable[[], float]:
        """Return what runs the first batch once, and returns the seconds; loading is aside."""
        ...

    def footprint(self, model: Any, dataloader: Dataloader) -> int:
        """Return the bytes of memory that loading the model and running the first batch takes."""
        ...

    def save(self, model: Any, path: str) -> None:
        """Write the model to ``path``."""
        ...
