"""What our fields should say, as their CRM can hold it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from records import desired
from records.desired import Declaration, writable_records
from records.loading import load_batch
from records.models import Connection, DesiredField, Event, Journey, Record
from records.own_fields import OWN_FIELD_BY_NAME
from tests.records.conftest import NOON


def person_of(hubspot: Connection) -> Record:
    """Alone in a journey of the same id, of a connection that went live the day before."""
    Connection.objects.update(go_live_at=NOON - timedelta(days=1))
    journey = Journey.objects.create(id=uuid.UUID(int=1), key="hubspot:contacts:1")
    return Record.objects.create(
        id=journey.pk, connection=hubspot, object="person", remote_object="contacts", remote_id="1", journey=journey
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "fitted"),
    [
        ("gtm_has_it", "Dana Okwell", "Dana Okwell"),
        ("gtm_has_it", "x" * 255, "x" * 255),
        ("gtm_has_it", "x" * 256, "x" * 254 + "…"),
        ("gtm_has_it", "x" * 253 + " yz", "x" * 253 + "…"),
        ("gtm_has_it", None, None),
        ("gtm_handoff_link", "h" * 300, "h" * 300),  # half an address leads nowhere
    ],
)
def test_a_text_is_cut_to_what_its_field_holds(field: str, value: Any, fitted: Any) -> None:
    assert OWN_FIELD_BY_NAME[field].fit(value) == fitted


@pytest.mark.parametrize(
    ("kind", "occurred", "not_before", "caused_by", "is_news"),
    [
        ("change", 0, None, "", True),
        ("change", 0, None, "run-1", False),  # our own echo
        ("change", -2, None, "", False),
        ("baseline", 0, None, "", False),
        ("baseline", 0, -2, "", False),  # of an old record: a field that is read since, or again
        ("baseline", 0, 0, "", True),
        # By a remapping, or by a right that our user lost: of every record at once.
        ("field_lost", 0, None, "", False),
        ("touch.call", 0, None, "", True),
    ],
)
def test_only_what_happened_to_the_buyer_since_the_go_live_lets_us_write(
    hubspot: Connection, kind: str, occurred: int, not_before: int | None, caused_by: str, is_news: bool
) -> None:
    record = person_of(hubspot)
    Event.objects.create(
        connection=hubspot, external_key="1", kind=kind, record=record, field="email", caused_by=caused_by,
        occurred_at=NOON + timedelta(days=occurred),
        not_before=None if not_before is None else NOON + timedelta(days=not_before),
    )  # fmt: skip
    journey = load_batch([record.pk], NOON).journeys[record.pk]
    assert [r.id for r in writable_records(journey)] == ([record.pk] if is_news else [])


def test_what_is_declared_too_long_is_wanted_cut_and_differs_only_once(
    hubspot: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = person_of(hubspot)
    Event.objects.create(
        connection=hubspot, external_key="1", kind="change", record=record, field="email", occurred_at=NOON
    )
    said = Declaration("test", ("gtm_has_it",), lambda _: {(record.pk, "gtm_has_it"): "long " * 60})
    monkeypatch.setattr(desired, "_declarations", {"test": said})

    for later in (0, 1):
        desired.refresh(load_batch([record.pk], NOON + timedelta(hours=later)))

    row = DesiredField.objects.get()
    assert (len(row.desired), row.desired[-6:], row.desired_at) == (255, " long…", NOON)
