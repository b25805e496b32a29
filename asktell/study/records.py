"""An immutable sequence that grows in constant time and finds its records by id and values.

Sequences that grew from one another share their storage, as slices of one array do: appending to
the longest extends the storage, appending to an earlier one copies its part first. Nothing that a
sequence shows ever changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar, overload


class Record(Protocol):
    """Something that happened to one configuration."""

    @property
    def id(self) -> int | None:
        """Return the id of the suggestion it belongs to, if any."""
        ...

    @property
    def values(self) -> tuple[Any, ...]:
        """Return the canonical values of the configuration."""
        ...


R = TypeVar("R", bound=Record)


class _Storage(Generic[R]):
    """Append-only lists and look-ups, shared by the sequences that grew from one another."""

    def __init__(self, records: Iterable[R] = ()) -> None:
        self.lock = Lock()
        self.records: list[R] = []
        self.by_id: dict[int, list[int]] = {}
        self.by_values: dict[tuple[Any, ...], list[int]] = {}
        for record in records:
            self.append(record)

    def append(self, record: R) -> None:
        position = len(self.records)
        self.records.append(record)
        self.by_values.setdefault(record.values, []).append(position)
        if record.id is not None:
            self.by_id.setdefault(record.id, []).append(position)


class Records(Sequence[R]):
    """An immutable sequence of records, in order of arrival."""

    __slots__ = ("_length", "_storage")

    def __init__(self, records: Iterable[R] = ()) -> None:
        """Hold these records."""
        self._storage: _Storage[R] = _Storage(records)
        self._length = len(self._storage.records)

    def append(self, record: R) -> Records[R]:
        """Return the sequence with one more record, in amortised constant time."""
        grown: Records[R] = Records.__new__(Records)
        storage = self._storage
        with storage.lock:  # two threads may grow one sequence
            if len(storage.records) == self._length:
                storage.append(record)
            else:
                storage = _Storage([*storage.records[: self._length], record])
        grown._storage, grown._length = storage, self._length + 1
        return grown

    def of_id(self, suggestion_id: int) -> list[R]:
        """Return the records of the suggestion with this id."""
        return self._at(self._storage.by_id.get(suggestion_id, ()))

    def of_values(self, values: tuple[Any, ...]) -> list[R]:
        """Return the records of the configuration with these canonical values."""
        return self._at(self._storage.by_values.get(values, ()))

    def has_values(self, values: tuple[Any, ...]) -> bool:
        """Tell whether the configuration with these canonical values has a record."""
        positions = self._storage.by_values.get(values)
        return positions is not None and positions[0] < self._length

    def _at(self, positions: Sequence[int]) -> list[R]:
        return [self._storage.records[p] for p in positions if p < self._length]

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[R]:
        return iter(self._storage.records[: self._length])

    @overload
    def __getitem__(self, index: int) -> R: ...
    @overload
    def __getitem__(self, index: slice) -> list[R]: ...
    def __getitem__(self, index: int | slice) -> R | list[R]:
        if isinstance(index, slice):
            return self._storage.records[: self._length][index]
        return self._storage.records[range(self._length)[index]]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Records) and list(self) == list(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Records({list(self)!r})"

    def __reduce__(self) -> tuple[type[Records[R]], tuple[list[R]]]:
        """Pickle the records alone: a lock cannot be pickled, and look-ups need not be."""
        return Records, (list(self),)
