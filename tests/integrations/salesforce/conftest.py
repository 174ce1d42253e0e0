from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, cast

import pytest

from integrations.registry import connector_for
from integrations.salesforce import bulk
from integrations.salesforce.connector import SalesforceConnector
from integrations.standins.app import Running, running_standins
from integrations.standins.world import World
from records.models import Connection
from tests.integrations.conftest import connect, small_world

Start = Callable[..., tuple[Running, Connection]]


@pytest.fixture
def start(db: None) -> Iterator[Start]:
    """``start(world, faults="…")`` serves a world and connects to its Salesforce."""
    with ExitStack() as stack:

        def begin(world: World | None = None, **kwargs: Any) -> tuple[Running, Connection]:
            running = stack.enter_context(running_standins(world or small_world(), **kwargs))
            return running, connect("salesforce", running.base_url)

        yield begin


@pytest.fixture
def salesforce(start: Start) -> tuple[Running, Connection]:
    return start()


def connector_of(connection: Connection) -> SalesforceConnector:
    return cast("SalesforceConnector", connector_for(connection))


@pytest.fixture
def many_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads of more than four rows go by Bulk, in answers of three and pieces of two, without waiting."""
    monkeypatch.setattr(bulk, "BULK_ROWS", 4)
    monkeypatch.setattr(bulk, "RESULT_ROWS", 3)
    monkeypatch.setattr(bulk, "WIDE_RESULT_ROWS", 3)
    monkeypatch.setattr(bulk, "PIECE_ROWS", 2)
    monkeypatch.setattr(bulk, "POLL_PAUSE_SECONDS", 0.0)
