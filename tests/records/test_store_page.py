"""What a stored page leaves behind: mirror, events and touched rows, and nothing for what did not change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from records.incoming import HistoryEntry, IncomingRecord, StoredPage
from records.journeys import relink
from records.kinds import BASELINE, CHANGE, DELETED, FIELD_LOST, RESTORED
from records.loading import load_batch
from records.models import Connection, DesiredField, Event, FieldMapping, Record, Touched
from records.services import store_page
from tests.records.conftest import NOON

Contact = Callable[..., IncomingRecord]
LATER = NOON + timedelta(hours=1)


def kinds_and_fields() -> list[tuple[str, str]]:
    return list(Event.objects.order_by("occurred_at", "external_key").values_list("kind", "field"))


def test_first_sight_writes_one_baseline_with_canonical_values(hubspot: Connection, contact: Contact) -> None:
    assert store_page(hubspot, [contact()], now=NOON) == StoredPage(read=1, created=1)
    record = Record.objects.get()
    assert record.values["fleet_size"] == 40
    assert record.values["owner"] is None
    assert record.title == "Kestrel Haulage · Mara"
    assert kinds_and_fields() == [(BASELINE, "")]
    assert Touched.objects.count() == 1


def test_the_same_row_again_writes_nothing(hubspot: Connection, contact: Contact) -> None:
    store_page(hubspot, [contact()], now=NOON)
    Touched.objects.all().delete()
    assert store_page(hubspot, [contact(at=LATER)], now=LATER) == StoredPage(read=1, unchanged=1)
    assert Event.objects.count() == 1
    assert not Touched.objects.exists()


def test_a_change_becomes_an_event_that_knows_how_early_it_may_have_been(
    hubspot: Connection, contact: Contact
) -> None:
    store_page(hubspot, [contact()], now=NOON)
    store_page(hubspot, [contact(at=LATER, fleet_size="55")], now=LATER)
    event = Event.objects.get(kind=CHANGE)
    assert (event.field, event.old, event.new) == ("fleet_size", 40, 55)
    assert (event.not_before, event.occurred_at) == (NOON, LATER)


def test_an_older_row_is_passed_over(hubspot: Connection, contact: Contact) -> None:
    store_page(hubspot, [contact(at=LATER, fleet_size="55")], now=LATER)
    store_page(hubspot, [contact(at=NOON, fleet_size="40")], now=LATER)
    assert Record.objects.get().values["fleet_size"] == 55


def test_the_crms_history_supersedes_what_polling_guessed(hubspot: Connection, contact: Contact) -> None:
    store_page(hubspot, [contact()], now=NOON)
    mql = {"lifecyclestage": "marketingqualifiedlead"}
    store_page(hubspot, [contact(at=LATER, **mql)], now=LATER)
    exact = NOON + timedelta(minutes=20)
    entry = HistoryEntry("lifecyclestage", "marketingqualifiedlead", exact, "h1", old="lead")
    store_page(hubspot, [contact(at=LATER, history=(entry,), **mql)], now=LATER)
    stage = Event.objects.effective().filter(field="lifecycle_stage", kind=CHANGE)
    assert [e.occurred_at for e in stage] == [exact]


def test_history_known_at_first_sight_is_kept_out_of_the_baseline(
    hubspot: Connection, contact: Contact
) -> None:
    created = NOON - timedelta(days=9)
    entry = HistoryEntry("lifecyclestage", "marketingqualifiedlead", NOON, "h1", old="lead")
    row = contact(at=LATER, created=created, history=(entry,), lifecyclestage="marketingqualifiedlead")
    store_page(hubspot, [row], now=LATER)
    assert "lifecycle_stage" not in Event.objects.get(kind=BASELINE).data["values"]
    journey = load_batch(relink([Record.objects.get().pk]), LATER).journeys.popitem()[1]  # type: ignore[attr-defined]
    (record,) = journey.records
    assert record.value_at("lifecycle_stage", created - timedelta(seconds=1)) == (False, None)
    assert record.value_at("lifecycle_stage", created) == (True, "lead")
    assert record.value_at("lifecycle_stage", NOON) == (True, "marketingqualifiedlead")
    assert record.value_at("fleet_size", NOON) == (False, None), "polling knows it only from the baseline on"


def test_a_field_that_can_no_longer_be_read_becomes_unknown_never_empty(
    hubspot: Connection, contact: Contact
) -> None:
    store_page(hubspot, [contact()], now=NOON)
    FieldMapping.objects.filter(remote_name="fleet_size").update(is_broken=True)
    store_page(hubspot, [contact(at=LATER)], now=LATER)
    assert "fleet_size" not in Record.objects.get().values
    assert Event.objects.get(kind=FIELD_LOST).field == "fleet_size"


@pytest.mark.parametrize("hostile", ["forty", "1e999", {"a": 1}, "\x00", True])
def test_a_value_of_the_wrong_type_is_unknown(hubspot: Connection, contact: Contact, hostile: object) -> None:
    store_page(hubspot, [contact(fleet_size=hostile, company="a\x00b")], now=NOON)
    values = Record.objects.get().values
    assert values.get("fleet_size") is None
    assert values["company"] == "ab"


def test_deleted_and_restored_are_events(hubspot: Connection, contact: Contact) -> None:
    store_page(hubspot, [contact()], now=NOON)
    store_page(hubspot, [contact(at=LATER, deleted=True)], now=LATER)
    assert Record.objects.get().deleted_at == LATER
    store_page(hubspot, [contact(at=LATER + timedelta(hours=1))], now=LATER)
    assert Record.objects.get().deleted_at is None
    assert [k for k, _ in kinds_and_fields()] == [BASELINE, DELETED, RESTORED]


def test_the_echo_of_our_own_write_updates_the_mirror_and_touches_nothing(
    hubspot: Connection, contact: Contact
) -> None:
    from records.models import CatalogueField

    field = CatalogueField.objects.create(object="person", name="gtm_stage", label="Stage", type="text")
    FieldMapping.objects.create(
        connection=hubspot, field=field, remote_object="contacts", remote_name="gtm_stage"
    )
    store_page(hubspot, [contact(gtm_stage=None)], now=NOON)
    record = Record.objects.get()
    DesiredField.objects.create(
        record=record, field="gtm_stage", writer="definitions", desired="MQL", state="sent",
        sent_at=NOON, sent_by="run-1",
    )  # fmt: skip
    Touched.objects.all().delete()
    store_page(hubspot, [contact(at=LATER, gtm_stage="MQL")], now=LATER)
    assert Event.objects.get(field="gtm_stage").caused_by == "run-1"
    assert DesiredField.objects.get().state == "in_sync"
    assert not Touched.objects.exists()


def test_a_field_others_change_twice_within_a_day_is_held(hubspot: Connection, contact: Contact) -> None:
    test_the_echo_of_our_own_write_updates_the_mirror_and_touches_nothing(hubspot, contact)
    for hours, value in ((2, "theirs"), (3, "theirs again")):
        at = NOON + timedelta(hours=hours)
        store_page(hubspot, [contact(at=at, gtm_stage=value)], now=at)
    row = DesiredField.objects.get()
    assert (row.state, row.hold, row.known) == ("different", True, "theirs again")


def test_records_follow_whom_their_owner_turns_out_to_be(hubspot: Connection, contact: Contact) -> None:
    from records.models import OwnerMatch
    from records.services import apply_owner_matches
    from teams.models import Person

    store_page(hubspot, [contact("1", hubspot_owner_id="77"), contact("2")], now=NOON)
    person = Person.objects.create_user("dana@fernhill.example", name="Dana Okwell")
    OwnerMatch.objects.create(connection=hubspot, remote_id="77", name="Dana Okwell", person=person)
    assert apply_owner_matches(hubspot) == 1
    assert apply_owner_matches(hubspot) == 0
    assert Record.objects.get(remote_id="1").owner == person
