"""Windows with ties, lost cursors and late rows; what conversion, merge, undelete and purge leave behind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.base import Wanted, Window
from integrations.salesforce import reading
from integrations.standins.app import Running
from integrations.standins.salesforce_life import convert, delete_whole, merge, purge, undelete
from integrations.standins.store import Actor, Stored
from integrations.standins.world import Row, World, salesforce_id
from records.models import Connection
from tests.integrations.conftest import ANNA, LEADS, START, lead_id, small_world
from tests.integrations.salesforce.conftest import Start, connector_of

PERSON = Actor(ANNA, "CRM_UI")
WINDOW = Window(until=datetime.now(UTC) + timedelta(days=1))
WANTED = Wanted(
    fields=("LastName", "Status", "IsConverted", "ConvertedContactId"), with_history=("Status", "IsConverted")
)


def tied_world(leads: int) -> World:
    """All leads changed within the same second."""
    world = small_world(leads)
    for row in world["salesforce"]["Lead"]:
        row["modified"] = START
    return world


def pulled(connection: Connection, name: str = "Lead", wanted: Wanted = WANTED) -> dict[str, Any]:
    pages = connector_of(connection).pull(name, wanted, WINDOW, {})
    return {record.remote_id: record for page in pages for record in page.records}


def stored(running: Running, n: int) -> Stored:
    row = running.store.get("salesforce", "Lead", lead_id(n))
    assert row is not None
    return row


def test_a_tie_that_is_larger_than_a_page_is_read_whole(start: Start) -> None:
    _, connection = start(tied_world(50), faults="pages:7")
    assert len(pulled(connection)) == 50


def test_a_tie_is_read_on_from_any_page(start: Start) -> None:
    _, connection = start(tied_world(20), faults="pages:6")
    pages = list(connector_of(connection).pull("Lead", WANTED, WINDOW, {}))
    assert len(pages) == 4
    for n, page in enumerate(pages):
        rest = connector_of(connection).pull("Lead", WANTED, WINDOW, page.state)
        seen = [r.remote_id for p in (*pages[: n + 1], *rest) for r in p.records]
        assert sorted(seen) == sorted(lead_id(n) for n in range(1, 21))


def test_control_a_place_that_is_a_stamp_alone_loses_ties(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = reading._window_queries
    monkeypatch.setattr(reading, "_window_queries", lambda *asked: iter(list(real(*asked))[-1:]))
    with pytest.raises(AssertionError):
        test_a_tie_is_read_on_from_any_page(start)


def test_a_cursor_that_salesforce_closed_is_gone_on_with_by_key(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, connection = start(tied_world(20), faults="pages:6")
    strikes = iter([True, False, True, True])
    faults = running.application.salesforce.faults
    monkeypatch.setattr(faults, "hits", lambda name: name == "locator" and next(strikes, False))
    assert len(pulled(connection)) == 20


def test_a_row_that_shows_up_late_is_read_by_the_next_overlap(start: Start) -> None:
    running, connection = start()
    running.store.lag_seconds = 3600.0
    running.store.update(stored(running, 1), {"LastName": "Late"}, PERSON)
    assert pulled(connection)[lead_id(1)].values["LastName"] == "Number1"
    running.store.execute("UPDATE late SET until = 0")
    assert pulled(connection)[lead_id(1)].values["LastName"] == "Late"


def test_a_converted_lead_says_when_and_into_what(start: Start) -> None:
    running, connection = start()
    made = convert(running.store, stored(running, 1), PERSON)
    lead = pulled(connection)[lead_id(1)]
    assert lead.values["IsConverted"] is True
    assert lead.values["ConvertedContactId"] == made["Contact"]
    assert [(h.old, h.new) for h in lead.history if h.remote_name == "IsConverted"] == [(False, True)]
    contact = pulled(connection, "Contact", Wanted(fields=("Email",)))[made["Contact"]]
    assert contact.values["Email"] == "p1@acme.example"
    assert contact.modified_at < lead.modified_at
    result = connector_of(connection).push("Lead", [(lead_id(1), {"LastName": "Other"})])
    assert [(r.outcome, r.code) for r in result] == [("gone", "CANNOT_UPDATE_CONVERTED_LEAD")]


def test_a_merged_lead_says_into_which_and_its_activities_move(start: Start) -> None:
    running, connection = start()
    merge(running.store, stored(running, 2), [stored(running, 1)], PERSON)
    found = pulled(connection)
    assert (found[lead_id(1)].is_deleted, found[lead_id(1)].merged_into) == (True, lead_id(2))
    tasks = pulled(connection, "Task", Wanted(fields=("WhoId",)))
    assert {record.values["WhoId"] for record in tasks.values()} == {lead_id(2)}


def test_a_deleted_lead_comes_back_undeleted_and_takes_its_activities_along(start: Start) -> None:
    running, connection = start()
    delete_whole(running.store, stored(running, 1), PERSON)
    assert pulled(connection)[lead_id(1)].is_deleted
    assert [r.is_deleted for r in pulled(connection, "Task", Wanted(fields=())).values()] == [True]
    undelete(running.store, stored(running, 1), PERSON)
    assert not pulled(connection)[lead_id(1)].is_deleted


def test_ids_are_those_alive_and_neither_deleted_nor_purged(start: Start) -> None:
    running, connection = start()
    delete_whole(running.store, stored(running, 1), PERSON)
    delete_whole(running.store, stored(running, 2), PERSON)
    purge(running.store, stored(running, 2))
    ids = [i for page in connector_of(connection).list_ids("Lead", "") for i, _ in page.ids]
    assert ids == [lead_id(n) for n in range(3, LEADS + 1)]


def test_archived_activities_are_alive(start: Start) -> None:
    running, connection = start()
    row = running.store.get("salesforce", "Task", salesforce_id("00T", 1))
    assert row is not None
    running.store.update(row, {"IsArchived": True}, PERSON)
    ids = [i for page in connector_of(connection).list_ids("Task", "") for i, _ in page.ids]
    assert ids == [row.remote_id]


def test_ids_go_on_from_any_page(start: Start) -> None:
    _, connection = start(faults="pages:3")
    pages = list(connector_of(connection).list_ids("Lead", ""))
    assert len(pages) == 3
    rest = connector_of(connection).list_ids("Lead", pages[0].after)
    assert [i for page in rest for i, _ in page.ids] == [i for page in pages[1:] for i, _ in page.ids]


def custom_world() -> World:
    world = small_world()
    row: Row = {
        "id": salesforce_id("a0X", 1), "fields": {"Name": "One", "Depot__c": "North", "OwnerId": ANNA},
        "created": START, "modified": START,
    }  # fmt: skip
    world["salesforce"]["Depot_Visit__c"] = [row]
    world["schema"] = {
        "salesforce": {
            "Depot_Visit__c": [
                {"name": "Name", "type": "string", "label": "Visit"},
                {"name": "Depot__c", "type": "string", "label": "Depot"},
                {"name": "OwnerId", "type": "reference", "label": "Owner", "reference_to": ["User"]},
            ]
        }
    }
    return world


def test_objects_are_listed_and_custom_ones_read_like_others(start: Start) -> None:
    _, connection = start(custom_world())
    connector = connector_of(connection)
    listed = [(o.name, o.is_custom) for o in connector.list_objects()]
    assert listed[:2] == [("Lead", False), ("Contact", False)]
    assert ("Depot_Visit__c", True) in listed
    assert not {"PermissionSet", "LeadHistory", "Group"} & {name for name, _ in listed}
    found = pulled(connection, "Depot_Visit__c", Wanted(fields=("Depot__c",), with_history=("Depot__c",)))
    assert [r.values for r in found.values()] == [{"Depot__c": "North"}]


@pytest.mark.parametrize(
    "name",
    [
        "Campaign",
        "CampaignMember",
        "User",
        "OpportunityContactRole",
        "Event",
        "Contact",
        "Account",
        "Opportunity",
    ],
)
def test_every_usual_object_can_be_read(salesforce: tuple[Running, Connection], name: str) -> None:
    connector = connector_of(salesforce[1])
    fields = tuple(connector.describe(name))
    for record in pulled(salesforce[1], name, Wanted(fields=fields, with_history=fields)).values():
        assert set(record.values) == set(fields)
    assert list(connector.sample(name, fields[:3], 5)) is not None


def test_a_sample_is_of_the_latest_and_of_fields_that_are_there(
    salesforce: tuple[Running, Connection],
) -> None:
    rows = connector_of(salesforce[1]).sample("Lead", ["LastName", "Nothing__c"], 2)
    assert [set(row) for row in rows] == [{"LastName"}] * 2
    assert {str(row["LastName"]) for row in rows} <= {f"Number{n}" for n in range(LEADS - 2, LEADS + 1)}


def test_a_field_that_is_hidden_is_left_out_and_not_read_as_empty(start: Start) -> None:
    running, connection = start()
    definition = dict(running.store.schema("salesforce", "Lead")["Status"])
    running.store.put_fields("salesforce", "Lead", [definition | {"granted_only": True}])
    assert "Status" not in pulled(connection)[lead_id(1)].values
