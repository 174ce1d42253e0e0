"""A folder of reports inside Salesforce: tried, made, brought up to date and taken away again."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from io import BytesIO
from xml.etree import ElementTree

import pytest
from django.test import Client

from integrations import provision
from integrations.enforcement.acting import Refused
from integrations.models import Run
from integrations.reporting import services
from integrations.reporting.models import ReportItem
from integrations.salesforce import deploying
from integrations.salesforce.reports import DASHBOARD, LONGEST_TITLE, REPORTS, files_of
from integrations.standins.app import Running
from integrations.standins.store import Actor
from records.models import Connection
from teams.models import Person
from tests.integrations.salesforce.conftest import Start

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
LEADS = [report.name for report in REPORTS if report.remote_object == "Lead"]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploying, "PAUSE_SECONDS", 0.0)


@pytest.fixture
def ready(start: Start) -> tuple[Running, Connection]:
    """Our fields are on Lead, and writing is on."""
    running, connection = start()
    Connection.objects.update(is_writing=True)
    connection.refresh_from_db()
    assert not provision.apply(connection, NOW).error
    return running, connection


def kept(running: Running) -> set[str]:
    return {
        str(row.fields["DeveloperName"])
        for kind in ("Folder", "Report", "Dashboard")
        for row in running.store.all_of("salesforce", kind)
    }


def states(connection: Connection) -> dict[str, str]:
    return {line.name: line.state for line in services.view_of(connection).lines}


def test_only_reports_whose_fields_are_there_would_be_made(ready: tuple[Running, Connection]) -> None:
    _, connection = ready
    assert states(connection) == {
        **dict.fromkeys(LEADS, "planned"),
        "Gtmops_Deals_lacking": "waiting",
        "Gtmops_Late_deals": "waiting",
        DASHBOARD: "planned",
    }


def test_a_check_changes_nothing_there(ready: tuple[Running, Connection]) -> None:
    running, connection = ready
    assert not services.check(connection, NOW, "Ines").error
    assert kept(running) == set()
    assert not ReportItem.objects.exists()


def test_they_are_made_once_and_say_so(ready: tuple[Running, Connection]) -> None:
    running, connection = ready
    assert not services.create(connection, NOW, "Ines").error
    assert not services.create(connection, NOW, "Ines").error
    assert kept(running) == {"Gtmops", "Gtmops_Dashboards", DASHBOARD, *LEADS}
    assert {states(connection)[name] for name in (*LEADS, DASHBOARD)} == {"made"}
    report = next(
        r
        for r in running.store.all_of("salesforce", "Report")
        if r.fields["DeveloperName"] == "Gtmops_Late_leads"
    )
    assert report.fields["GroupedBy"] == "Lead.Gtm_Has_It__c"
    assert report.fields["Filters"] == "Lead.Gtm_Late__c notEqual empty"
    assert str(report.fields["Description"]).startswith("Kept by gtmops.")


def test_everything_of_ours_goes_again(ready: tuple[Running, Connection]) -> None:
    running, connection = ready
    services.create(connection, NOW)
    for _ in range(2):
        assert not services.remove(connection, NOW).error
        assert kept(running) == set()
        assert not ReportItem.objects.exists()


def test_what_others_put_into_the_folder_stays(ready: tuple[Running, Connection]) -> None:
    running, connection = ready
    services.create(connection, NOW)
    [report, *_] = running.store.all_of("salesforce", "Report")
    fields = {**report.fields, "DeveloperName": "Theirs"}
    running.store.create("salesforce", "Report", "00OFh0000000zzzAAA", fields, Actor("", "CRM_UI"))
    run = services.remove(connection, NOW)
    assert not run.error
    assert kept(running) == {"Theirs", "Gtmops"}
    assert any("Gtmops stays" in step["text"] for step in run.steps)


def test_salesforce_s_refusal_is_told_and_nothing_is_made(start: Start) -> None:
    running, connection = start(faults="deployfail")
    Connection.objects.update(is_writing=True)
    connection.refresh_from_db()
    provision.apply(connection, NOW)
    run = services.create(connection, NOW)
    assert "An unexpected error occurred" in run.error
    assert kept(running) == set()
    assert set(states(connection).values()) == {"making", "waiting"}


def test_a_field_that_somebody_deleted_is_named(ready: tuple[Running, Connection]) -> None:
    running, connection = ready
    running.store.drop_field("salesforce", "Lead", "Gtm_Late__c")
    run = services.check(connection, NOW)
    assert "Gtmops/Gtmops_Late_leads: columns-field: Invalid value specified: Lead.Gtm_Late__c" in run.error
    assert run.state == Run.State.FAILED


def test_nothing_is_made_where_nothing_may_be_written(ready: tuple[Running, Connection]) -> None:
    _, connection = ready
    Connection.objects.update(is_writing=False)
    connection.refresh_from_db()
    with pytest.raises(Refused, match="read only"):
        services.create(connection, NOW)


def test_without_our_fields_there_is_nothing_to_report_on(start: Start) -> None:
    _, connection = start()
    assert "None of our fields is there yet" in services.check(connection, NOW).error


def test_the_package_is_whole() -> None:
    files = files_of(REPORTS)
    for text in files.values():
        ElementTree.fromstring(text)
    assert all(len(report.title) <= LONGEST_TITLE for report in REPORTS)
    names = zipfile.ZipFile(BytesIO(deploying.packed(files))).namelist()
    assert set(names) == set(files)
    for report in REPORTS:
        assert (
            files[f"dashboards/Gtmops_Dashboards/{DASHBOARD}.dashboard"].count(f"Gtmops/{report.name}<") == 1
        )


def test_the_page_shows_makes_and_removes(ready: tuple[Running, Connection], client: Client) -> None:
    running, connection = ready
    client.force_login(
        Person.objects.create(email="ops@fernhill.example", name="Ola Opsen", role="revops_admin")
    )
    page = f"/crm/{connection.name}/reports/"
    assert b"Leads with something late" in client.get(page).content
    client.post(f"{page}create/")
    assert kept(running) >= set(LEADS)
    assert b"Bring up to date" not in client.get(page).content
    client.post(f"{page}remove/")
    assert kept(running) == set()
    assert client.post(f"{page}nothing/").status_code == 404
