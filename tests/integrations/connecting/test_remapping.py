"""A field that goes in the CRM: who is told, what hangs on it, the likely successor, and the way there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from definitions.models import Version
from effects.models import Effect
from integrations.models import PullCursor
from integrations.pull import pull_to_the_end
from integrations.standins.app import Running
from records.kinds import CHANGE
from records.loading import load_records
from records.models import Connection, Event, FieldMapping, Record
from teams.models import Person
from tests.integrations.conftest import connect
from tests.integrations.connecting.conftest import finish_forgetting, page

pytestmark = pytest.mark.django_db

FIELD = {
    "name": "segment_of_company", "label": "Company segment", "type": "string", "fieldType": "text",
    "groupName": "contactinformation",
}  # fmt: skip


@pytest.fixture
def crm(standins: Running, person: Person) -> Connection:
    standins.store.put_fields(
        "hubspot", "contacts", [{**FIELD, "name": "company_segment", "label": "Segment"}]
    )
    found = connect("hubspot", standins.base_url)
    from integrations.setup import ensure_mappings

    ensure_mappings(
        found,
        [
            {
                "object": "person",
                "remote_object": "contacts",
                "field": "segment",
                "remote_name": "company_segment",
            }
        ],
    )
    pull_to_the_end(found)
    return found


def rename(standins: Running) -> None:
    """As an admin of the CRM does it: a new field, and the old one deleted."""
    standins.store.drop_field("hubspot", "contacts", "company_segment")
    standins.store.put_fields("hubspot", "contacts", [FIELD])


def mapping(connection: Connection) -> FieldMapping:
    return FieldMapping.objects.get(connection=connection, field__name="segment")


def changed(connection: Connection) -> str:
    return reverse("integrations:changed_fields", args=[connection.name])


def test_admins_are_told_once_and_the_values_are_unknown(crm: Connection, standins: Running) -> None:
    assert all("segment" in row.values for row in Record.objects.filter(object="person"))
    rename(standins)
    pull_to_the_end(crm)
    pull_to_the_end(crm)
    assert mapping(crm).is_broken
    finish_forgetting()
    assert not any("segment" in row.values for row in Record.objects.filter(object="person"))
    (told,) = Effect.objects.filter(channel="inbox")
    assert "“Segment” is gone in Hubspot" in told.payload["title"]
    assert told.payload["href"] == changed(crm)


def test_the_page_says_what_hangs_on_it_and_offers_the_likely_field(
    admin: Client, crm: Connection, standins: Running
) -> None:
    from django.utils import timezone

    body = {
        "name": "Right segment",
        "object": "person",
        "criteria": {"field": "segment", "op": "is", "value": "x"},
    }
    Version.objects.create(
        section="definitions",
        key="right",
        number=1,
        body=body,
        effective_from=timezone.now(),
        state="in_force",
    )
    assert "Nothing has changed" in page(admin.get(changed(crm)))
    rename(standins)
    pull_to_the_end(crm)
    html = page(admin.get(changed(crm)))
    assert "company_segment" in html
    assert "Right segment" in html
    assert 'value="segment_of_company" checked' in html
    assert "1 field gone" in page(admin.get(reverse("integrations:connection_fields", args=[crm.name])))
    assert "Choose other fields" in page(admin.get(reverse("integrations:connections")))


def test_one_click_reads_that_object_again_and_nothing_looks_changed(
    admin: Client, crm: Connection, standins: Running
) -> None:
    rename(standins)
    row = standins.store.get("hubspot", "contacts", "101")
    assert row is not None
    pull_to_the_end(crm)
    before = Event.objects.filter(kind=CHANGE).count()
    shown = page(
        admin.post(changed(crm), {"mapping": mapping(crm).pk, "to": "segment_of_company"}, follow=True)
    )
    assert "contacts is read again; nothing else is" in shown
    asked = PullCursor.objects.filter(connection=crm, history_asked_at__isnull=False)
    assert list(asked.values_list("remote_object", flat=True)) == ["contacts"]
    pull_to_the_end(crm)
    assert (mapping(crm).remote_name, mapping(crm).is_broken) == ("segment_of_company", False)
    records = Record.objects.filter(connection=crm, object="person")
    assert all("segment" in record.values for record in records)
    assert Event.objects.filter(kind=CHANGE).count() == before
    for record in load_records(records.values_list("pk", flat=True)):
        known, _ = record.value_at("segment", max(event.occurred_at for event in record.events))
        assert known
    assert "Nothing has changed" in page(admin.get(changed(crm)))


@pytest.mark.parametrize("sent", [{"to": ""}, {"other": "no_such"}])
def test_a_field_that_is_not_there_changes_nothing(
    admin: Client, crm: Connection, standins: Running, sent: dict[str, str]
) -> None:
    rename(standins)
    pull_to_the_end(crm)
    assert "Nothing was changed" in page(
        admin.post(changed(crm), {"mapping": mapping(crm).pk, **sent}, follow=True)
    )
    assert mapping(crm).remote_name == "company_segment"
    assert admin.post(changed(crm), {"mapping": "0"}).status_code == 404


def test_a_field_that_comes_back_is_read_again_by_itself(crm: Connection, standins: Running) -> None:
    rename(standins)
    pull_to_the_end(crm)
    standins.store.put_fields(
        "hubspot", "contacts", [{**FIELD, "name": "company_segment", "label": "Segment"}]
    )
    pull_to_the_end(crm)
    pull_to_the_end(crm)
    assert not mapping(crm).is_broken
    assert all("segment" in row.values for row in Record.objects.filter(connection=crm, object="person"))


def test_a_field_can_be_given_up(admin: Client, crm: Connection, standins: Running) -> None:
    rename(standins)
    pull_to_the_end(crm)
    admin.post(changed(crm), {"mapping": mapping(crm).pk, "unmap": "1"})
    assert not FieldMapping.objects.filter(field__name="segment").exists()
    assert "Nothing has changed" in page(admin.get(changed(crm)))


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ({"type": "number", "label": "Segment"}, "Its type was string and is number now"),
        ({"label": "Old segment, do not use"}, "It was called “Segment”"),
    ],
)
def test_another_type_or_label_is_said(
    admin: Client, crm: Connection, standins: Running, now: dict[str, Any], says: str
) -> None:
    standins.store.put_fields("hubspot", "contacts", [{**FIELD, "name": "company_segment", **now}])
    pull_to_the_end(crm)
    assert says in page(admin.get(changed(crm)))
