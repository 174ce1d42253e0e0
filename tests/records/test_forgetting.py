"""A field that is unmapped, mapped elsewhere or gone, and told anew: unknown in between, and never a change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import transaction

from records.forgetting import count_known, forget_values
from records.incoming import IncomingRecord
from records.journeys import relink
from records.kinds import CHANGE, FIELD_LOST
from records.loading import load_records
from records.models import Connection, Event, FieldMapping, Record, Touched
from records.services import store_page
from tests.records.conftest import NOON

Contact = Callable[..., IncomingRecord]
LATER = NOON + timedelta(hours=1)
LAST = NOON + timedelta(hours=2)


def test_a_forgotten_value_is_unknown_from_then_on_and_known_before(
    hubspot: Connection, contact: Contact
) -> None:
    store_page(hubspot, [contact(), contact("102")], now=NOON)
    relink(Record.objects.values_list("pk", flat=True))
    Touched.objects.all().delete()
    assert len(forget_values(hubspot, "contacts", ["fleet_size"], LATER)) == 2
    (record,) = load_records([Record.objects.get(remote_id="101").pk])
    assert "fleet_size" not in record.values
    assert record.values["company"] == "Kestrel Haulage"
    assert record.value_at("fleet_size", NOON) == (True, 40)
    assert record.value_at("fleet_size", LATER) == (False, None)
    assert Touched.objects.count() == 2


def test_forgetting_twice_or_what_nobody_has_changes_nothing(hubspot: Connection, contact: Contact) -> None:
    store_page(hubspot, [contact()], now=NOON)
    forget_values(hubspot, "contacts", ["fleet_size"], LATER)
    assert forget_values(hubspot, "contacts", ["fleet_size", "no_such"], LATER) == []
    assert forget_values(hubspot, "contacts", [], LATER) == []
    assert forget_values(hubspot, "calls", ["company"], LATER) == []
    assert Event.objects.filter(kind=FIELD_LOST).count() == 1


def test_batches_forget_each_record_once_and_in_order(hubspot: Connection, contact: Contact) -> None:
    store_page(hubspot, [contact(str(n)) for n in range(101, 106)], now=NOON)
    assert count_known(hubspot, "contacts", ["fleet_size"]) == 5
    last, told = None, []
    while ids := forget_values(hubspot, "contacts", ["fleet_size"], LATER, after=last, most=2):
        told += ids
        last = ids[-1]
    assert told == sorted(Record.objects.values_list("pk", flat=True))
    assert Event.objects.filter(kind=FIELD_LOST).count() == 5
    assert count_known(hubspot, "contacts", ["fleet_size"]) == 0


def test_what_is_read_again_is_a_baseline_from_then_on_and_no_change(
    hubspot: Connection, contact: Contact
) -> None:
    store_page(hubspot, [contact()], now=NOON)
    for moment, value in ((LATER, "40"), (LAST, "55")):
        forget_values(hubspot, "contacts", ["fleet_size"], moment - timedelta(minutes=1))
        store_page(hubspot, [contact(fleet_size=value)], now=moment)
    (record,) = load_records([Record.objects.get().pk])
    assert record.values["fleet_size"] == 55
    assert record.value_at("fleet_size", LATER) == (True, 40)
    assert record.value_at("fleet_size", LAST - timedelta(seconds=1)) == (False, None)
    assert record.value_at("fleet_size", LAST) == (True, 55)
    assert not Event.objects.filter(kind=CHANGE, field="fleet_size").exists()


def test_a_row_that_says_the_same_after_a_loss_is_known_again(hubspot: Connection, contact: Contact) -> None:
    mapping = FieldMapping.objects.filter(remote_name="fleet_size")
    store_page(hubspot, [contact()], now=NOON)
    mapping.update(is_broken=True)
    store_page(hubspot, [contact(at=LATER)], now=LAST)
    mapping.update(is_broken=False)
    store_page(hubspot, [contact(at=LATER)], now=LAST)
    (record,) = load_records([Record.objects.get().pk])
    assert record.values["fleet_size"] == 40
    assert record.value_at("fleet_size", LAST + timedelta(seconds=1)) == (True, 40)


def test_a_field_that_is_mapped_later_is_known_since_the_row_last_changed(
    hubspot: Connection, contact: Contact
) -> None:
    mapping = FieldMapping.objects.get(remote_name="fleet_size")
    field = mapping.field
    mapping.delete()
    store_page(hubspot, [contact()], now=NOON)
    FieldMapping.objects.create(
        connection=hubspot, field=field, remote_object="contacts", remote_name="fleet_size"
    )
    store_page(hubspot, [contact()], now=LATER)
    (record,) = load_records([Record.objects.get().pk])
    assert record.value_at("fleet_size", NOON) == (True, 40)


@pytest.mark.django_db(transaction=True)
def test_others_may_say_something_of_a_record_while_its_values_are_forgotten(
    hubspot: Connection, contact: Contact
) -> None:
    """An event refers to its record, which locks the record's key: at the latest when it is committed."""
    store_page(hubspot, [contact()], now=NOON)
    pk = Record.objects.get().pk
    other = database.copy()
    try:
        with transaction.atomic():
            assert forget_values(hubspot, "contacts", ["fleet_size"], LATER) == [pk]
            with other.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
                cursor.execute(
                    "INSERT INTO records_event (connection_id, external_key, kind, record_id, field, data,"
                    " occurred_at, observed_at, caused_by) VALUES (%s, 'said', 'change', %s, '', '{}', %s, %s, '')",
                    [hubspot.pk, pk, LATER, LATER],
                )
    finally:
        other.close()
    assert Event.objects.filter(external_key="said").exists()
