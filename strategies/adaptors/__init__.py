"""The frameworks, one a module; a framework is imported only where it is used."""

from __future__ import annotations

from asktell.errors import MissingExtraError
from strategies.adaptors.base import Adaptor
from strategies.conf import Conf


def adaptor_for(conf: Conf) -> Adaptor:
    """Return the adaptor of the configuration's framework.

    Raises:
        MissingExtraError: an ``ImportError``; the framework is not installed.
    """
    if conf.framework.startswith("pytorch"):
        return _torch(conf)
    try:
        from strategies.adaptors.onnx.adaptor import OnnxRuntimeAdaptor
    except ModuleNotFoundError as error:
        message = f"models of ONNX need the package {error.name}: pip install 'asktell[onnx]'"
        raise MissingExtraError(message) from error

    return OnnxRuntimeAdaptor(
        approach=conf.approach,
        threads=conf.runs.threads,
        bias_correction=conf.fast_bias_correction,
    )


def _torch(conf: Conf) -> Adaptor:
    try:
        from strategies.adaptors.torch.adaptor import TorchAdaptor
    except ModuleNotFoundError as error:
        message = f"models of PyTorch need the package {error.name}: pip install 'asktell[torch]'"
        raise MissingExtraError(message) from error

    return TorchAdaptor(approach=conf.approach, threads=conf.runs.threads)
