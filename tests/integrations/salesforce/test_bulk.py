"""Large reads by Bulk API 2.0: the same records as by REST, and nothing lost when a process or a job ends early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.base import Page, Wanted, Window
from integrations.salesforce import bulk
from integrations.standins.app import Running
from integrations.standins.salesforce_rules import delete
from integrations.standins.store import Actor
from integrations.standins.world import World, salesforce_id
from records.models import Connection
from tests.integrations.conftest import LEADS, START, lead_id, small_world
from tests.integrations.salesforce.conftest import Start, connector_of

WINDOW = Window(until=datetime.now(UTC) + timedelta(days=1))
FIELDS = ("LastName", "Email", "IsConverted", "NumberOfEmployees", "Description", "OwnerId", "Status")
WANTED = Wanted(fields=FIELDS, with_history=("Status",))


def odd_world() -> World:
    world = small_world()
    fields = world["salesforce"]["Lead"][2]["fields"]
    fields |= {"Description": 'two\nlines, "quoted" and 😀', "NumberOfEmployees": 12, "IsConverted": False}
    return world


def pull(connection: Connection, state: dict[str, Any] | None = None) -> list[Page]:
    return list(connector_of(connection).pull("Lead", WANTED, WINDOW, state or {}))


def seen(pages: list[Page]) -> dict[str, Any]:
    return {
        r.remote_id: (dict(r.values), r.modified_at, r.created_at, r.is_deleted, list(r.history))
        for page in pages
        for r in page.records
    }


def jobs(running: Running) -> int:
    return len(running.store.fetch("SELECT 1 FROM meta WHERE key LIKE 'bulk:%'"))


def test_bulk_reads_what_rest_reads(
    start: Start, many_are_few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, connection = start(odd_world())
    row = running.store.get("salesforce", "Lead", lead_id(2))
    assert row is not None
    delete(running.store, row, Actor("", "CRM_UI"))
    by_bulk = pull(connection)
    assert jobs(running) == 1
    assert [len(page.records) for page in by_bulk] == [0, 2, 1, 2, 1, 1]
    assert by_bulk[0].total == LEADS
    monkeypatch.setattr(bulk, "BULK_ROWS", 1_000)
    assert seen(by_bulk) == seen(pull(connection))
    assert jobs(running) == 1


def test_a_new_process_goes_on_from_any_piece_without_another_job(start: Start, many_are_few: None) -> None:
    running, connection = start()
    pages = pull(connection)
    for n, page in enumerate(pages):
        rest = pull(connection, dict(page.state))
        assert seen(pages[: n + 1]) | seen(rest) == seen(pages)
        assert not (seen(pages[: n + 1]).keys() & seen(rest).keys())
    assert jobs(running) == 1


def test_waiting_gives_the_turn_to_others(
    start: Start, many_are_few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, connection = start()
    monkeypatch.setattr(bulk, "POLL_SECONDS", 0.0)
    pages = pull(connection)
    assert [len(page.records) for page in pages][:3] == [0, 0, 0]
    assert all(page.state["job"] == pages[0].state["job"] for page in pages)


@pytest.mark.parametrize("fault", ["bulkfail", "bulkshort"])
def test_a_job_that_ends_badly_is_read_by_rest(start: Start, many_are_few: None, fault: str) -> None:
    _, connection = start(faults=fault)
    assert len(seen(pull(connection))) == LEADS


def test_a_job_that_is_gone_is_begun_anew(start: Start, many_are_few: None) -> None:
    running, connection = start()
    first = pull(connection)[2]
    running.store.execute("DELETE FROM meta WHERE key LIKE 'bulk:%'")
    again = pull(connection, dict(first.state))
    assert again[0].state == {}
    assert len(seen(again)) == LEADS
    assert jobs(running) == 1


def test_a_job_that_never_ends_is_stopped(
    start: Start, many_are_few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, connection = start()
    monkeypatch.setattr(bulk, "LONGEST_JOB_SECONDS", -1)
    assert len(seen(pull(connection))) == LEADS
    [job] = running.store.fetch("SELECT value FROM meta WHERE key LIKE 'bulk:%'")
    assert '"is_aborted": true' in job["value"]


def test_an_object_that_bulk_refuses_is_read_by_rest(
    start: Start, many_are_few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from integrations.standins import salesforce_bulk

    monkeypatch.setattr(salesforce_bulk, "REFUSED", {"Lead"})
    _, connection = start()
    assert len(seen(pull(connection))) == LEADS


def test_a_window_with_few_changes_makes_no_job(start: Start, many_are_few: None) -> None:
    running, connection = start()
    window = Window(until=WINDOW.until, since=START + timedelta(minutes=LEADS // 2))
    assert len(seen(list(connector_of(connection).pull("Lead", WANTED, window, {})))) == 2
    assert jobs(running) == 0


def test_ids_of_many_records_come_by_bulk_and_can_be_gone_on_with(start: Start, many_are_few: None) -> None:
    running, connection = start()
    connector = connector_of(connection)
    pages = list(connector.list_ids("Lead", ""))
    whole = {remote_id for page in pages for remote_id, _ in page.ids}
    assert whole == {lead_id(n) for n in range(1, LEADS + 1)}
    assert jobs(running) == 1
    rest = list(connector.list_ids("Lead", pages[2].after))
    early = {remote_id for page in pages[:3] for remote_id, _ in page.ids}
    assert early | {remote_id for page in rest for remote_id, _ in page.ids} == whole
    assert jobs(running) == 1


def test_a_query_that_takes_too_long_goes_by_bulk(start: Start, many_are_few: None) -> None:
    running, connection = start(faults="timeout")
    pages = list(connector_of(connection).pull("Lead", Wanted(fields=FIELDS), WINDOW, {}))
    assert len(seen(pages)) == LEADS
    assert jobs(running) == 1


def test_numbers_and_times_read_as_rest_gives_them() -> None:
    types = {
        "A": "boolean",
        "B": "int",
        "C": "currency",
        "D": "datetime",
        "E": "date",
        "F": "string",
        "G": "double",
    }
    row = {
        "A": "false",
        "B": "3",
        "C": "1.5",
        "D": "2026-03-02T09:00:00.000Z",
        "E": "2026-03-02",
        "F": "NA",
        "G": "",
    }
    assert bulk.typed(types, row) == {
        "A": False, "B": 3, "C": 1.5, "D": "2026-03-02T09:00:00.000+0000", "E": "2026-03-02", "F": "NA", "G": None,
    }  # fmt: skip


def test_an_unknown_id_stays_out_of_a_query() -> None:
    assert salesforce_id("00Q", 1) == lead_id(1)
