"""Acts are appended once, and only the records of new ones are concluded about again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from records.ids import record_id
from records.kinds import OWNER_GIVEN
from records.models import Connection, Event, Record, Touched
from records.services import Act, append_acts, gtmops_connection, record_act

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def people() -> list[Record]:
    crm = Connection.objects.create(name="hub", label="HubSpot", kind="hubspot")
    return Record.objects.bulk_create(
        Record(
            id=record_id("hub", "contacts", str(n)), connection=crm, object="person", remote_object="contacts",
            remote_id=str(n), title=f"Person {n}", values={},
        )
        for n in range(60)
    )  # fmt: skip


def given(record: Record, key: str = "given") -> Act:
    return Act(OWNER_GIVEN, record.pk, f"{key}:{record.remote_id}", NOW, {"name": "Ola Opsen"})


def test_what_is_in_the_log_already_is_passed_over_and_touches_nothing(people: list[Record]) -> None:
    first, second, *_ = people
    record_act(OWNER_GIVEN, record=first, key="given:0", occurred_at=NOW, now=NOW)
    Touched.objects.all().delete()
    later = NOW + timedelta(minutes=1)
    assert append_acts([given(first), given(second), given(second)], later) == 1
    assert [row.record for row in Touched.objects.all()] == [second]
    event = Event.objects.get(external_key="given:1")
    assert (event.kind, event.occurred_at, event.observed_at) == (OWNER_GIVEN, NOW, later)
    assert (event.connection, event.data) == (gtmops_connection(), {"name": "Ola Opsen"})
    assert append_acts([given(first), given(second)], later) == 0
    assert append_acts([], later) == 0


def test_sixty_cost_as_many_statements_as_one(people: list[Record]) -> None:
    gtmops_connection()
    counts = []
    for key, some in (("one", people[:1]), ("all", people)):
        with CaptureQueriesContext(database) as told:
            append_acts([given(record, key) for record in some], NOW)
        counts.append(len(told))
    assert counts[0] == counts[1]
    assert Event.objects.count() == 61


def test_a_kind_that_nobody_registered_is_refused(people: list[Record]) -> None:
    with pytest.raises(KeyError):
        append_acts([Act("made.up", people[0].pk, "key", NOW)], NOW)
    assert not Event.objects.exists()
