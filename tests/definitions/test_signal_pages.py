"""The pages of signals and of expansion signals."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from definitions.files.model_files import ModelTree, apply
from definitions.models import Firing, Version
from definitions.signals.events import read_event
from definitions.signals.storing import store_signals
from effects.tick import now_utc
from records.models import Connection, Record
from teams.models import BusinessUnit, Membership, Person, Role, Team
from tests.definitions.conftest import LONG_AGO, NOW, make_record
from tests.definitions.test_triggers import POWER_USER

pytestmark = pytest.mark.django_db


@pytest.fixture
def agreed(catalogue: None, hubspot: Connection, house_teams: dict[str, Team]) -> None:
    other = {**POWER_USER, "name": "Growing fleet", "owner": "sales", "shared_with": []}
    tree = ModelTree({"triggers": {"power_user": POWER_USER, "growing_fleet": other}})
    apply(tree, now=NOW, force=True, effective_from=LONG_AGO)


def person(client: Client, role: str, team: Team | None = None) -> Person:
    found = Person.objects.create_user(f"{role}@fernhill.example", name=role.title(), role=role)
    if team:
        Membership.objects.create(person=found, team=team, started_at=LONG_AGO)
    client.force_login(found)
    return found


def firing(record: Record, trigger: str = "power_user", **more: object) -> Firing:
    version = Version.objects.get(section="triggers", key=trigger)
    return Firing.objects.create(
        **{
            "id": record.pk, "record": record, "journey": record.journey, "trigger": trigger, "version": version,
            "fired_at": now_utc() - timedelta(hours=2), "because": ["=5 signals"], **more,
        }
    )  # fmt: skip


def test_an_admin_without_signals_is_told_how_to_connect(client: Client, agreed: None) -> None:
    person(client, Role.REVOPS_ADMIN)
    page = client.get("/signals/").content.decode()
    assert "No signal has come yet." in page
    assert "Authorization: Bearer $TOKEN" in page
    assert "gtm_" not in page
    assert "Never came" in page


def test_the_names_the_readers_and_who_waits(client: Client, agreed: None, hubspot: Connection) -> None:
    person(client, Role.REVOPS_ADMIN)
    told = [
        {"event": name, "userId": f"u_{i}", "messageId": str(i)}
        for i, name in enumerate(["Report Exported"] * 2 + ["X"])
    ]
    store_signals("product", [read_event(event, now_utc()) for event in told], now_utc())
    page = client.get("/signals/").content.decode()
    assert "report_exported" in page
    assert reverse("definitions:item", args=["triggers", "power_user"]) in page
    assert "Nothing yet" in page
    assert "2 of 2 users" in page
    assert "u_2" in page


def test_the_list_shows_what_is_open_inside_the_border(
    client: Client, agreed: None, hubspot: Connection, house_teams: dict[str, Team]
) -> None:
    rep = person(client, Role.REP, house_teams["sales"])
    mine, theirs, over, early = (make_record(hubspot, str(i), {}) for i in range(4))
    unit = BusinessUnit.objects.create(key="yards", name="Yards")
    Record.objects.filter(pk=theirs.pk).update(business_unit=unit)
    firing(mine)
    firing(theirs)
    firing(over, ended_at=now_utc())
    firing(early, is_measured_only=True)
    page = client.get("/triggers/").content.decode()
    assert "Record 0" in page
    assert "CS has it" in page
    assert not any(f"Record {i}" in page for i in (1, 2, 3))
    everything = client.get("/triggers/?state=all").content.decode()
    assert [f"Record {i}" in everything for i in range(4)] == [True, False, True, True]
    assert "Before go-live" in everything
    rep.business_units.add(unit)
    assert "Record 1" in client.get("/triggers/").content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("trigger=power_user", {"0"}),
        ("trigger=growing_fleet", {"1"}),
        ("team=sales", {"1"}),
        ("since=1", {"0"}),
        ("since=30", {"0", "1"}),
        ("q=record 1", {"1"}),
        ("state=handled", {"2"}),
        ("state=nonsense&since=x&team=%00", {"0", "1"}),
    ],
)
def test_the_list_and_its_file_are_filtered(
    client: Client, agreed: None, hubspot: Connection, query: str, found: set[str]
) -> None:
    viewer = person(client, Role.LEADER)
    records = [make_record(hubspot, str(i), {}) for i in range(3)]
    firing(records[0])
    firing(records[1], "growing_fleet", fired_at=now_utc() - timedelta(days=9))
    firing(records[2], handled_at=now_utc(), handled_by=viewer)
    page = client.get(f"/triggers/?{query}").content.decode()
    assert {i for i in "012" if f"Record {i}" in page} == found
    text = client.get(f"/triggers/export/?{query}").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {row["Buyer"].removeprefix("Record ") for row in rows} == found
    assert {row["Because"] for row in rows} == {"'=5 signals"}


def test_a_colleague_marks_it_as_handled(
    client: Client, agreed: None, hubspot: Connection, house_teams: dict[str, Team]
) -> None:
    record = make_record(hubspot, "1", {})
    one = firing(record)
    stranger = person(client, Role.MANAGER, house_teams["marketing"])
    page = client.get("/triggers/").content.decode()
    assert ">Handled</button>" not in page
    client.post(reverse("definitions:handle_trigger", args=[one.pk]))
    one.refresh_from_db()
    assert one.handled_at is None
    rep = person(client, Role.REP, house_teams["sales"])
    assert ">Handled</button>" in client.get("/triggers/").content.decode()
    answer = client.post(
        reverse("definitions:handle_trigger", args=[one.pk]), {"next": "https://elsewhere.example/"}
    )
    assert answer["Location"] == "/triggers/"
    one.refresh_from_db()
    assert (one.handled_by, stranger.pk != rep.pk) == (rep, True)


def test_without_triggers_an_admin_is_led_to_set_up(client: Client, house_teams: dict[str, Team]) -> None:
    person(client, Role.REVOPS_ADMIN)
    assert reverse("definitions:set_up") in client.get("/triggers/").content.decode()
    person(client, Role.REP)
    assert reverse("definitions:set_up") not in client.get("/triggers/").content.decode()


def test_the_page_of_a_record_says_who_has_it(
    client: Client, agreed: None, hubspot: Connection, house_teams: dict[str, Team]
) -> None:
    person(client, Role.REP, house_teams["sales"])
    record = make_record(hubspot, "1", {})
    one = firing(record)
    page = reverse("records:record", args=[record.pk])
    assert "CS has it" in client.get(page).content.decode()
    Firing.objects.filter(pk=one.pk).update(handled_at=now_utc())
    assert "CS has it" not in client.get(page).content.decode()
