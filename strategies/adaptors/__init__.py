"""The frameworks, one a module; a framework is imported only where it is used."""

from __future__ import annotations

from strategies.adaptors.base import Adaptor
from strategies.conf import Conf


def adaptor_for(conf: Conf) -> Adaptor:
    """Return the adaptor of the configuration's framework.

    Raises:
        ImportError: the framework is not installed.
    """
    from strategies.adaptors.onnxrt import OnnxRuntimeAdaptor

    return OnnxRuntimeAdaptor(approach=conf.approach)
