"""What was known of a record at an instant, and how few queries it takes to know it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from definitions.in_force import load_typed_model
from definitions.judging.facts import FactsOf, load_facts
from definitions.models import Signal
from records.loading import load_batch
from records.models import Connection, Event, Journey, Record
from tests.definitions.conftest import NOW, change, make_record
from tests.definitions.populations import put_model_in_force

DAY = timedelta(days=1)
READS: list[dict[str, Any]] = [
    {"activity": "any"},
    {"related": "deals"},
    {"related": "account_deals"},
    {"stage": "sql", "op": "is_in"},
    {"event": "signal.seats"},
]


def add(
    person: Record, object_name: str, name: str, values: dict[str, Any], at: datetime, **more: Any
) -> Record:
    """A record seen first at `at`, which the CRM does not date."""
    record = Record.objects.create(
        id=uuid.uuid5(person.pk, name), connection=person.connection, object=object_name, remote_object=object_name,
        remote_id=name, values=values, **{"journey": person.journey, **more},
    )  # fmt: skip
    Event.objects.create(
        connection=person.connection, external_key=name, kind="baseline", record=record, data={"values": values},
        occurred_at=at,
    )  # fmt: skip
    return record


@pytest.fixture
def person(salesforce: Connection) -> Record:
    put_model_in_force()
    values = {"lifecycle_stage": "lead", "account": "A1"}
    return make_record(salesforce, "1", values, at=NOW - 30 * DAY)


def facts_of(person: Record, *reads: dict[str, Any]) -> FactsOf:
    batch = load_batch([person.journey_id] if person.journey_id else [], NOW)
    return load_facts(batch, load_typed_model(), reads or READS)


def of(facts: FactsOf, person: Record) -> Any:
    found = [record for journey in facts.batch.journeys.values() for record in journey.records]
    return next(record for record in found if record.id == person.pk)


def test_stages_are_told_as_of_an_instant(person: Record) -> None:
    change(person, "lifecycle_stage", "sql", NOW - 20 * DAY)
    change(person, "lifecycle_stage", "lead", NOW - 10 * DAY)
    facts = facts_of(person)
    record = of(facts, person)
    told = {days: facts.at(record, NOW - days * DAY).stages for days in (40, 25, 15, 5)}
    assert told[40] is None
    assert told[25] == ()
    assert told[15] is not None
    assert [(stay.values["stage"], stay.values["left_at"]) for stay in told[15]] == [("sql", None)]
    assert told[5] == facts.now(record).stages


def test_activities_that_had_happened_or_were_planned_count(person: Record) -> None:
    def activity(name: str, occurred_at: str, **more: Any) -> None:
        add(person, "activity", name, {"kind": "call", "occurred_at": occurred_at}, NOW, **more)

    activity("past", "2026-02-20T00:00:00Z")
    activity("later", "2026-03-01T00:00:00Z", created_at_remote=NOW - DAY)
    activity("planned", "2026-03-09T00:00:00Z", created_at_remote=NOW - 20 * DAY)
    activity("undated", "2026-03-10T00:00:00Z")
    facts = facts_of(person)
    known = facts.at(of(facts, person), NOW - 7 * DAY).activities
    assert known is not None
    assert sorted((item.values["occurred_at"][:10], item.is_sure) for item in known) == [
        ("2026-02-20", True),
        ("2026-03-09", True),
        ("2026-03-10", False),
    ]
    assert len(facts.now(of(facts, person)).activities or ()) == 4


def test_related_records_say_what_they_said_then(person: Record) -> None:
    deal = add(person, "deal", "D1", {"amount": 5}, NOW - 20 * DAY, created_at_remote=NOW - 25 * DAY)
    change(deal, "amount", 500, NOW - 5 * DAY)
    other = Journey.objects.create(id=uuid.uuid4(), key="other")
    add(person, "deal", "D2", {"account": "A1"}, NOW - 10 * DAY, journey=other)
    facts = facts_of(person)
    record = of(facts, person)
    then = {days: facts.at(record, NOW - days * DAY).related["deals"] for days in (28, 23, 15, 1)}
    assert {days: [dict(item.values) for item in items] for days, items in then.items()} == {
        28: [],
        23: [{}],
        15: [{"amount": 5}],
        1: [{"amount": 500}],
    }
    [unsure] = facts.at(record, NOW - 15 * DAY).related["account_deals"]
    assert (unsure.is_sure, dict(unsure.values)) == (False, {})
    [sure] = facts.now(record).related["account_deals"]
    assert (sure.is_sure, dict(sure.values)) == (True, {"account": "A1"})


def test_signals_that_had_come_count(person: Record) -> None:
    for number, days in enumerate((1, 10)):
        Signal.objects.create(
            source="product", message_id=str(number), name="seats", properties={"n": number}, record=person,
            occurred_at=NOW - days * DAY,
        )  # fmt: skip
    facts = facts_of(person)
    assert [item.values["n"] for item in facts.now(of(facts, person)).events or ()] == [1, 0]
    assert [item.values["n"] for item in facts.at(of(facts, person), NOW - 5 * DAY).events or ()] == [1]


def test_what_nobody_reads_costs_nothing_and_is_unknown(person: Record) -> None:
    batch, model = load_batch([person.journey_id] if person.journey_id else [], NOW), load_typed_model()
    with CaptureQueriesContext(connection) as asked:
        facts = load_facts(batch, model)
        known = facts.now(of(facts, person))
    assert len(asked) == 0
    assert (known.activities, known.stages, known.events, dict(known.related)) == (None, None, None, {})


def test_a_larger_batch_takes_no_more_queries(person: Record, salesforce: Connection) -> None:
    def count() -> int:
        batch, model = load_batch(Journey.objects.values_list("pk", flat=True), NOW), load_typed_model()
        with CaptureQueriesContext(connection) as asked:
            facts = load_facts(batch, model, READS)
            for journey in batch.journeys.values():
                for record in journey.records:
                    facts.now(record)
                    facts.at(record, NOW - DAY)
        return len(asked)

    add(person, "deal", "D0", {"account": "A1"}, NOW)
    before = count()
    for number in range(2, 9):
        other = make_record(salesforce, str(number), {"account": "A1"}, at=NOW)
        add(other, "deal", f"D{number}", {"account": "A1"}, NOW)
    assert count() == before
