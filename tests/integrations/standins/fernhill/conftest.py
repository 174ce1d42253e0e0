from datetime import UTC, datetime

import pytest

from integrations.standins.fernhill import build_world
from integrations.standins.world import World

ANCHOR = datetime(2026, 9, 16, 14, 20, tzinfo=UTC)


@pytest.fixture(scope="session")
def world() -> World:
    return build_world(ANCHOR)
