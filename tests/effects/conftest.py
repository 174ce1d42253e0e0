from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from effects import registry

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Postbox:
    """A channel that keeps what it was given; `does` is called first and may raise."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.does: Callable[[str], None] = lambda key: None

    def deliver(self, key: str, payload: Mapping[str, Any]) -> None:
        self.does(key)
        self.got.append(key)


@pytest.fixture
def postbox(monkeypatch: pytest.MonkeyPatch) -> Postbox:
    box = Postbox()
    monkeypatch.setitem(registry._channels, "postbox", box.deliver)
    return box
