"""FLT19: 25,000 records with one identical stamp, as a mass update leaves them: all read, each page gone on from by a
new process, no loop. HubSpot's search ends at 10,000, and has to be asked beyond."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from integrations.base import Page, Wanted, Window
from integrations.budget import Budget
from integrations.errors import Rejected
from integrations.hubspot.reading import SEARCH_PAGE, Reading
from integrations.registry import connector_for
from integrations.salesforce import reading
from integrations.standins import hubspot_search
from integrations.standins.app import running_standins
from records.models import Connection
from tests.integrations.conftest import START, connect, first_id, lead_id, small_world

pytestmark = pytest.mark.django_db

TIED = 25_000
SOME = 1_000
AROUND = 3
"""Records changed a second before all the others, and as many a second after."""
WINDOW = Window(until=START + timedelta(days=1), since=START - timedelta(days=1), with_deleted=False)
ROWS = {"salesforce": 2_000, "hubspot": SEARCH_PAGE}
"""Of a page."""


@pytest.fixture(autouse=True)
def _no_pace_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Budget, "take", lambda self, method, path: None)


@contextmanager
def tied(kind: str, count: int) -> Iterator[Connection]:
    """A CRM in which ``count`` people were changed at the same moment."""
    world = small_world(count)
    people = world[kind]["Lead" if kind == "salesforce" else "contacts"]  # type: ignore[literal-required]  # one of two
    for row in people:
        row["modified"] = START
    for row in people[:AROUND]:
        row["modified"] = START - timedelta(seconds=1)
    for row in people[-AROUND:]:
        row["modified"] = START + timedelta(seconds=1)
    world["hubspot" if kind == "salesforce" else "salesforce"] = {}  # type: ignore[literal-required]  # the other
    with running_standins(world) as standins:
        standins.store.page_rows = ROWS["salesforce"]
        yield connect(kind, standins.base_url)


def read_all(connection: Connection, count: int) -> None:
    """Every page is asked for by who knows nothing but the place that was stored."""
    name, _ = first_id(connection)
    wanted = Wanted(fields=("LastName",) if connection.kind == "salesforce" else ("lastname",))
    connector = connector_for(connection)
    read: dict[str, datetime] = {}
    state: Mapping[str, Any] = {}
    most = count // ROWS[connection.kind] + 5
    for _ in range(most):
        page = next(connector.pull(name, wanted, WINDOW, state), None)
        if page is None:
            break
        read |= {record.remote_id: record.modified_at for record in page.records}
        if page.state == state:
            # HubSpot's last page has no place behind it: the window ends with it.
            assert len(page.records) < ROWS[connection.kind], "it goes round"
            break
        state = page.state
    else:
        raise AssertionError(f"after {most} pages it has not ended: it goes round")
    ids = {lead_id(n) if connection.kind == "salesforce" else str(100 + n) for n in range(1, count + 1)}
    assert len(ids - read.keys()) == 0, f"{len(ids - read.keys())} of {count} were not read"
    assert read.keys() == ids
    assert sum(at == START for at in read.values()) == count - 2 * AROUND


@pytest.mark.parametrize("kind", ["salesforce", "hubspot"])
def test_flt19_of_twenty_five_thousand_equal_stamps_all_are_read(kind: str) -> None:
    assert TIED > 2 * hubspot_search.CAP
    with tied(kind, TIED) as connection:
        read_all(connection, TIED)


# --- and the test can fail -----------------------------------------------------------------------------------------


def changed(monkeypatch: pytest.MonkeyPatch, **instead: Any) -> None:
    """HubSpot's place without its tie, and with what stands in ``instead``."""
    real = Reading._page

    def page(self: Reading, *told: Any, **more: Any) -> Page:
        found = real(self, *told, **more)
        at = {name: value for name, value in found.state.items() if name != "tie"}
        if "tie" in found.state:
            at |= {name: change(at) for name, change in instead.items()}
        return replace(found, state=at)

    monkeypatch.setattr(Reading, "_page", page)


def test_control_a_place_of_hubspot_that_is_a_stamp_alone_goes_round(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch)
    with tied("hubspot", SOME) as connection, pytest.raises(AssertionError, match="goes round"):
        read_all(connection, SOME)


def test_control_a_place_of_hubspot_that_passes_the_stamp_loses_ties(monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, stamp=lambda at: at["stamp"] + 1)
    with tied("hubspot", SOME) as connection, pytest.raises(AssertionError, match="were not read"):
        read_all(connection, SOME)


def test_control_a_search_that_is_paged_to_its_end_stops_where_hubspot_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mistake: one search, page after page by its own link."""
    monkeypatch.setattr(hubspot_search, "CAP", 3 * SEARCH_PAGE)

    def paged(
        self: Reading, name: str, wanted: Wanted, window: Window, state: Mapping[str, Any]
    ) -> Iterator[Page]:
        filters = [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": "1"}]
        after = state.get("after")
        answer, _ = self._search(name, wanted, filters, "lastmodifieddate", after)
        following = ((answer.get("paging") or {}).get("next") or {}).get("after")
        yield self._page(name, answer["results"], wanted, {}, {"after": following, "tie": 0}, None)

    monkeypatch.setattr(Reading, "_search_window", paged)
    with tied("hubspot", SOME) as connection, pytest.raises(Rejected, match="limited to"):
        read_all(connection, SOME)


def test_control_a_place_of_salesforce_that_is_a_stamp_alone_loses_ties(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(ROWS, "salesforce", 200)
    real = reading._window_queries
    monkeypatch.setattr(reading, "_window_queries", lambda *asked: iter(list(real(*asked))[-1:]))
    with tied("salesforce", SOME) as connection, pytest.raises(AssertionError, match="were not read"):
        read_all(connection, SOME)
