"""A peer's run, in any process: what it asked for by number, and what it was told."""

from __future__ import annotations

from typing import Any

from peers import Params, Peer, Value


class Dialogue:
    """Keeps what a peer asked for and was told, so that outcomes can name it by number."""

    def __init__(self, peer: Peer) -> None:
        """Start with nothing asked."""
        self._peer = peer
        self._asked: list[Params] = []
        self._told: list[tuple[Value, int]] = []

    def ask(self) -> Params:
        """Return what the peer asks for next."""
        self._asked.append(self._peer.ask())
        return self._asked[-1]

    def tell(self, value: Value, number: int) -> None:
        """Report the value of the params asked for with this number from 0."""
        self._told.append((value, number))
        self._peer.tell(self._asked[number], value)

    def recommend(self) -> Params:
        """Return what the peer recommends; of one that does not say, what had the least value."""
        own: Any = getattr(self._peer, "recommend", None)
        if own is not None:
            params: Params = own()
            return params
        _, number = min((value, number) for value, number in self._told if value is not None)
        return self._asked[number]
