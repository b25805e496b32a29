"""A state in a file: several processes, one state, and no acknowledged call lost."""

from asktell.store.store import Store

__all__ = ["Store"]
