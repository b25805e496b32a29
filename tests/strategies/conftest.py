"""What the tests of strategies share."""

from __future__ import annotations

import pytest
from fakes import Kind

from strategies.workspace import STRATEGIES


@pytest.fixture(params=STRATEGIES.values(), ids=list(STRATEGIES))
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param
