"""The journal as bytes: entries that survive being torn off anywhere.

One entry is one line of JSON, ``["<checksum>",<entry>]``. A last line that lacks its end, or has a
hole of zeros where data never reached the disk, is left by a writer that was killed or lost power.
It was never acknowledged, and is dropped. Any other line that does not match its checksum is
damaged.
"""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

_HEAD = len('["00000000",')


class DamageError(ValueError):
    """A line that was whole once is damaged."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def encode(entry: Any) -> bytes:
    """Return the line of an entry."""
    content = json.dumps(entry, allow_nan=False, separators=(",", ":")).encode()
    return b'["%08x",%s]\n' % (crc32(content), content)


def decode(data: bytes) -> tuple[list[Any], int]:
    """Return all whole entries, and how many bytes they take.

    Raises:
        DamageError: a line that was whole once is damaged.
    """
    entries: list[Any] = []
    size = 0
    lines = data.split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        content = line[_HEAD:-1]
        if line != encode_line(content):
            if any(lines[number:]) or b"\0" not in line:
                raise DamageError(number)
            break
        entries.append(json.loads(content))
        size += len(line) + 1
    return entries, size


def encode_line(content: bytes) -> bytes:
    """Return the line of an entry's JSON, without its end."""
    return b'["%08x",%s]' % (crc32(content), content)
