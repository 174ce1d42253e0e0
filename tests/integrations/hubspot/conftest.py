"""A HubSpot alone, connected, with the faults a test asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.base import Wanted, Window
from integrations.hubspot.connector import HubspotConnector
from integrations.registry import connector_for
from integrations.standins.app import Running, running_standins
from integrations.standins.world import World
from records.models import Connection
from tests.integrations.conftest import connect, small_world

UNTIL = datetime.now(UTC) + timedelta(days=1)
EMAIL = Wanted(fields=("email",))


@pytest.fixture(autouse=True)
def _nobody_waits_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rates are held elsewhere; here only time would pass."""
    monkeypatch.setattr("integrations.hubspot.session.RATES", ())


Begin = Callable[..., tuple[Running, Connection]]


@pytest.fixture
def begin(db: None) -> Iterator[Begin]:
    """``begin(world, faults, **connection)``: a HubSpot that runs until the test ends, and a connection to it."""
    with ExitStack() as stack:

        def start(world: World | None = None, faults: str = "", **more: Any) -> tuple[Running, Connection]:
            running = stack.enter_context(running_standins(world or small_world(), faults=faults))
            return running, connect("hubspot", running.base_url, **more)

        yield start


def connector_of(connection: Connection) -> HubspotConnector:
    found = connector_for(connection)
    assert isinstance(found, HubspotConnector)
    return found


def pulled(connection: Connection, remote_object: str, wanted: Wanted, window: Window) -> dict[str, Any]:
    """Every record of a window by its id, the last word on each."""
    pages = connector_of(connection).pull(remote_object, wanted, window, {})
    return {record.remote_id: record for page in pages for record in page.records}
