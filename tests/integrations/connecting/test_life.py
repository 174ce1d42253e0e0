"""Adding, pausing, renaming, giving up and disconnecting a connection; and what its page says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.connecting.health import health_of
from integrations.models import Credential, PullCursor, Run, WriteSwitch
from integrations.pull import pull_due, pull_to_the_end
from integrations.standins.app import Running
from integrations.writing.models import PushState
from records.models import Connection, Event, FieldMapping, Record
from tests.integrations.conftest import connect
from tests.integrations.connecting.conftest import begin, page, sign_in

pytestmark = pytest.mark.django_db

NOW = datetime.now(UTC)


def url(name: str, connection: Connection) -> str:
    return reverse(f"integrations:{name}", args=[connection.name])


def test_nothing_is_connected_at_first(admin: Client) -> None:
    html = page(admin.get(reverse("integrations:connections")))
    assert "Connect your first CRM" in html
    assert page(admin.get(reverse("integrations:connection_new")))


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"kind": "salesforce", "label": ""}, "This field is required."),
        ({"kind": "sap", "label": "SAP"}, "Select a valid choice"),
        ({"kind": "salesforce", "label": "!!!"}, "at least one letter or number"),
        ({"kind": "salesforce", "label": "there"}, "There is a connection of that name already."),
        ({"kind": "hubspot", "label": "X", "base_url": "https://evil.example"}, "GTMOPS_CRM_HOSTS"),
    ],
)
def test_a_first_step_filled_in_wrong_says_what_is_wrong(
    admin: Client, sent: dict[str, str], says: str
) -> None:
    Connection.objects.create(name="there", label="There", kind="hubspot")
    assert says in page(admin.post(reverse("integrations:connection_new"), sent), 422)
    assert Connection.objects.count() == 1


def test_names_in_addresses_never_meet(admin: Client) -> None:
    made = [begin(admin, "hubspot", "", label) for label in ("New", "Ünïon", "Ünion!", "Unïon")]
    assert [one.name for one in made] == ["new-2", "union", "union-2", "union-3"]


def test_a_connection_that_is_being_set_up_reads_nothing_and_is_gone_on_with(
    admin: Client, standins: Running
) -> None:
    connection = begin(admin, "salesforce", standins.base_url)
    assert url("sign_in", connection) in page(admin.get(url("connection", connection)))
    sign_in(admin, connection)
    assert f'href="{url("connection_test", connection)}"' in page(admin.get(url("connection", connection)))
    FieldMapping.objects.all().delete()
    assert pull_due(datetime.now(UTC)) == 0
    assert "Being set up" in page(admin.get(reverse("integrations:connections")))
    answer = admin.post(url("connection_go_live", connection), {"when": "now"})
    assert answer.status_code == 422
    assert Connection.objects.get().setup is not None


def test_one_that_was_never_finished_can_be_given_up(admin: Client) -> None:
    connection = begin(admin, "hubspot", "")
    admin.post(url("connection_throw_away", connection))
    assert not Connection.objects.exists()


def test_a_connection_is_paused_and_resumed(admin: Client, standins: Running) -> None:
    connection = connect("hubspot", standins.base_url)
    pull_to_the_end(connection)
    assert "Paused by Ola Opsen" in page(
        admin.post(url("connection_pause", connection), {"pause": "1"}, follow=True)
    )
    assert pull_due(datetime.now(UTC) + timedelta(days=1)) == 0
    assert "is not running" in page(
        admin.post(url("connection_pause", connection), {"pause": "1"}, follow=True)
    )
    assert "goes on" in page(admin.post(url("connection_pause", connection), follow=True))
    assert Connection.objects.get().state == "active"
    Credential.objects.all().delete()
    admin.post(url("connection_pause", connection), {"pause": "1"})
    assert "sign in again first" in page(admin.post(url("connection_pause", connection), follow=True))


def test_it_can_be_called_otherwise(admin: Client) -> None:
    Connection.objects.create(name="other", label="Other", kind="hubspot")
    connection = Connection.objects.create(name="crm", label="CRM", kind="hubspot")
    admin.post(url("connection_rename", connection), {"label": "Sales CRM"})
    assert Connection.objects.get(name="crm").label == "Sales CRM"
    for wrong in ("", "other"):
        admin.post(url("connection_rename", connection), {"label": wrong})
        assert Connection.objects.get(name="crm").label == "Sales CRM"


def test_disconnecting_says_what_stays_and_asks_for_the_name(admin: Client, standins: Running) -> None:
    connection = connect("hubspot", standins.base_url, is_writing=True, switches=True)
    pull_to_the_end(connection)
    records, events = Record.objects.count(), Event.objects.count()
    assert (records, events) > (0, 0)
    html = page(admin.get(url("connection_disconnect", connection)))
    assert f"{records} records as last read" in html
    assert "That is not its name" in page(
        admin.post(url("connection_disconnect", connection), {"typed": "hubspot"}), 422
    )
    assert Credential.objects.exists()
    admin.post(url("connection_disconnect", connection), {"typed": "Hubspot"})
    assert not Credential.objects.exists()
    assert not PullCursor.objects.exists()
    assert not WriteSwitch.objects.filter(is_on=True).exists()
    assert (Record.objects.count(), Event.objects.count()) == (records, events)
    connection.refresh_from_db()
    assert (connection.state, connection.is_writing) == ("paused", False)
    assert pull_due(datetime.now(UTC) + timedelta(days=1)) == 0
    assert "Disconnected" in page(admin.get(reverse("integrations:connections")))
    shown = page(admin.get(url("connection", connection)))
    assert "Disconnected by Ola Opsen" in shown
    assert "Schedule and history" not in shown
    assert "in HubSpot: our fields" in html
    assert "Read Hubspot now" not in page(admin.get(reverse("integrations:runs")))
    assert page(admin.get(url("reading", connection)))

    sign_in(admin, connection)
    assert Connection.objects.get().disconnected_at is None
    admin.post(url("connection_pause", connection))
    pull_to_the_end(connection)
    assert (Record.objects.count(), Event.objects.count()) == (records, events), (
        "reading all again changes nothing"
    )


def test_health_in_words(standins: Running, db: None) -> None:
    connection = connect("hubspot", standins.base_url)

    def state() -> str:
        return health_of([Connection.objects.get(pk=connection.pk)], datetime.now(UTC))[0].state

    assert state() == "loading"
    pull_to_the_end(connection)
    assert state() == "well"
    (later,) = health_of([connection], datetime.now(UTC) + timedelta(hours=3))
    assert later.state == "behind"
    PullCursor.objects.filter(remote_object="contacts").update(paused_at=NOW)
    (partly,) = health_of([connection], datetime.now(UTC))
    assert (partly.state, [f.text for f in partly.troubles]) == ("well", ["Paused: contacts."])
    PullCursor.objects.update(paused_at=NOW)
    assert state() == "unread"
    PullCursor.objects.update(paused_at=None)
    PullCursor.objects.filter(remote_object="contacts").update(failures=2, last_error="HubSpot is away.")
    (health,) = health_of([Connection.objects.get()], datetime.now(UTC))
    assert health.state == "behind"
    assert [(fault.where, fault.text) for fault in health.troubles] == [
        ("Reading contacts", "HubSpot is away.")
    ]
    until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
    told = {"contacts": {"until": until, "text": "Scopes needed: crm.objects.contacts.write."}}
    state_of_writing = PushState.objects.create(connection=connection, paused_objects=told)
    (health,) = health_of([Connection.objects.get()], datetime.now(UTC))
    assert [(one.where, one.text) for one in health.troubles][1:] == [
        ("Writing contacts", "Scopes needed: crm.objects.contacts.write.")
    ]
    state_of_writing.delete()
    Connection.objects.update(state="broken", state_reason="The token was revoked.")
    (health,) = health_of([Connection.objects.get()], datetime.now(UTC))
    assert (health.state, [fault.text for fault in health.troubles]) == ("broken", ["The token was revoked."])


def test_health_of_many_costs_no_more_queries() -> None:
    def count(rows: list[Connection]) -> int:
        with CaptureQueriesContext(
            database,
        ) as seen:
            health_of(rows, NOW)
        return len(seen)

    first = Connection.objects.create(name="a", label="A", kind="hubspot")
    one = count([first])
    more = [Connection.objects.create(name=f"b{n}", label=f"B{n}", kind="salesforce") for n in range(5)]
    assert count([first, *more]) == one


def test_who_changed_what_is_told(admin: Client, standins: Running) -> None:
    connection = connect("salesforce", standins.base_url)
    sign_in(admin, connection)
    admin.post(url("connection_rename", connection), {"label": "Sales CRM"})
    html = page(admin.get(url("connection", connection)))
    assert "called Sales CRM" in html
    assert "Ola Opsen" in html
    assert "Lead.Email" in html


def test_a_sandbox_has_its_band_on_every_page_of_it(admin: Client, standins: Running) -> None:
    connection = connect("hubspot", standins.base_url, is_sandbox=True, label="HubSpot test")
    pull_to_the_end(connection)
    record = Record.objects.filter(object="person").first()
    assert record is not None
    Run.objects.all().delete()
    for path in (
        url("connection", connection),
        url("connection_fields", connection),
        url("changed_fields", connection),
        reverse("records:record", args=[record.pk]),
    ):
        html = page(admin.get(path))
        assert "gt-sandbox" in html, path
        assert "HubSpot test" in html
