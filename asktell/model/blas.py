"""One thread for linear algebra on small matrices, where more threads only wait for each other.

The same number of threads everywhere also means the same rounding everywhere.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_blas_thread() -> AbstractContextManager[object]:
    """Return a context within which BLAS uses one thread; the number before is restored."""
    context: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return context


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()  # looks through the loaded libraries, which takes milliseconds
