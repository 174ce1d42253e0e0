"""What we write to your CRM; runs with live progress; the acts on them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations import provision
from integrations.models import ActivitySwitches, PullCursor, Run, WriteSwitch
from integrations.pull import pull_to_the_end
from integrations.push import push_due
from integrations.standins.app import Running
from records.models import Connection, DesiredField, Record
from records.own_fields import OWN_FIELDS
from teams.models import BusinessUnit, Person
from tests.integrations.conftest import connect

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(
        Person.objects.create(email="ops@fernhill.example", name="Ola Opsen", role="revops_admin")
    )
    return client


@pytest.fixture
def live(standins: Running) -> Connection:
    connection = connect(
        "hubspot",
        standins.base_url,
        go_live_at=datetime(2026, 1, 1, tzinfo=UTC),
        is_writing=True,
        switches=True,
    )
    provision.apply(connection, datetime.now(UTC))
    pull_to_the_end(connection)
    for record in Record.objects.filter(connection=connection, object="person"):
        DesiredField.objects.create(record=record, field="gtm_stage", writer="test", desired="MQL")
    return connection


def text(response: Any) -> str:
    assert response.status_code == 200, response.status_code
    return str(response.content.decode())


def test_a_connection_that_only_reads_says_so(admin: Client, standins: Running) -> None:
    connect("hubspot", standins.base_url)
    page = text(admin.get(reverse("integrations:writing")))
    assert "Reading only: nothing is written." in page
    assert "Pause all writing" not in page


def test_pausing_and_resuming_all_writing(admin: Client, live: Connection) -> None:
    ours = sum(own.direction == "out" and "person" in own.objects for own in OWN_FIELDS)
    assert f"Writing {ours} fields to Hubspot." in text(admin.get(reverse("integrations:writing")))
    page = text(admin.post(reverse("integrations:pause"), {"pause": "1"}, follow=True))
    assert "Resume writing" in page
    assert push_due(datetime.now(UTC)) == 0
    admin.post(reverse("integrations:pause"))
    assert push_due(datetime.now(UTC)) == 7


def test_the_preview_shows_before_and_after_within_the_border(admin: Client, live: Connection) -> None:
    unit = BusinessUnit.objects.create(key="other", name="Other")
    Record.objects.filter(remote_id="101").update(business_unit=unit)
    page = text(admin.get(reverse("integrations:preview", args=["hubspot"])))
    assert "7 changes in the next run" in page
    assert "Number2" in page
    assert "Number1" not in page


def test_a_switch_turns_one_field_off(admin: Client, live: Connection) -> None:
    switch = WriteSwitch.objects.get(field="gtm_stage")
    admin.post(reverse("integrations:switch", args=[switch.pk]))
    switch.refresh_from_db()
    assert not switch.is_on
    assert push_due(datetime.now(UTC)) == 0


def test_a_push_run_can_be_looked_at_and_undone(admin: Client, live: Connection) -> None:
    push_due(datetime.now(UTC))
    run = Run.objects.get(kind="push")
    page = text(admin.get(reverse("integrations:run", args=[run.pk])))
    assert "Undo run" in page
    assert "Records written" in page
    admin.post(reverse("integrations:undo", args=[run.pk]))
    assert DesiredField.objects.filter(hold=True).count() == 7
    assert "7 changes" in text(admin.get(reverse("integrations:preview", args=["hubspot"])))


def test_runs_answer_htmx_with_the_table_alone(admin: Client, live: Connection) -> None:
    Run.objects.create(id=uuid.uuid4(), kind="pull", connection=live, done=40, total=100)
    whole = text(admin.get(reverse("integrations:runs")))
    part = text(admin.get(reverse("integrations:runs"), headers={"HX-Request": "true"}))
    assert "<html" in whole
    assert "<html" not in part
    assert "40 of 100" in part


def test_reading_now_makes_every_object_due(admin: Client, live: Connection) -> None:
    PullCursor.objects.update(next_pull_at=datetime(2030, 1, 1, tzinfo=UTC))
    admin.post(reverse("integrations:read_now", args=["hubspot"]))
    assert not PullCursor.objects.filter(next_pull_at__gt=datetime.now(UTC)).exists()


def test_what_the_crm_refused_stands_in_its_own_words(admin: Client, live: Connection) -> None:
    DesiredField.objects.update(
        state="refused", last_error="FIELD_CUSTOM_VALIDATION_EXCEPTION: Ask Legal first"
    )
    page = text(admin.get(reverse("integrations:writing")))
    assert "Ask Legal first" in page
    admin.post(reverse("integrations:settle_refused", args=["hubspot", "retry"]), {"everything": "on"})
    assert push_due(datetime.now(UTC)) == 7


def test_a_rep_sees_none_of_it(client: Client) -> None:
    client.force_login(Person.objects.create(email="rep@fernhill.example", name="Rae Rep"))
    assert client.get(reverse("integrations:writing")).status_code == 403


def test_tasks_and_told_touches_are_switched_on_one_by_one(admin: Client, standins: Running) -> None:
    connection = connect("hubspot", standins.base_url)
    assert "Create tasks in this CRM" in text(admin.get(reverse("integrations:writing")))
    url = reverse("integrations:switch_activities", args=[connection.name])
    admin.post(url, {"what": "creates_tasks", "is_on": "1"})
    admin.post(url, {"what": "anything", "is_on": "1"})
    row = ActivitySwitches.objects.get()
    assert (row.creates_tasks, row.logs_touches) == (True, False)
    admin.post(url, {"what": "creates_tasks"})
    row.refresh_from_db()
    assert row.creates_tasks is False
