"""A framework that is missing is named, with what installs it; the rest works without."""

from __future__ import annotations

import importlib
import sys

import pytest

FRAMEWORKS = {"optuna": "optuna", "gest": "gest_api", "ray": "ray"}


@pytest.mark.parametrize("extra", FRAMEWORKS)
def test_a_missing_extra_is_named(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = FRAMEWORKS[extra]
    for name in [name for name in sys.modules if name.partition(".")[0] == root]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, root, None)
    monkeypatch.delitem(sys.modules, f"asktell.integrations.{extra}", raising=False)
    with pytest.raises(ImportError, match=rf"pip install asktell\[{extra}\]"):
        importlib.import_module(f"asktell.integrations.{extra}")
