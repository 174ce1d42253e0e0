from __future__ import annotations

import pytest
from django.core.cache import cache

from tests.handoffs.conftest import House, house, signed_in

__all__ = ["House", "house", "signed_in"]


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """What a page keeps for half a minute must not cross from one test into the next."""
    cache.clear()
