"""Steps are found by time and taken once: warnings while it runs, the others once the breach stands."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction

from effects.models import Effect
from records.incoming import IncomingRecord
from records.models import Record, Touched
from records.services import store_page
from slas import escalation
from slas.escalation import waking
from slas.models import Clock, TakenStep
from teams.models import Absence, Person
from tests.slas.builders import RULES, austin
from tests.slas.conftest import House

WARN = {"when": {"at": "50%"}, "to": ["owner"], "by": ["inbox"]}
LATE = {"when": "breached", "to": ["owner"], "by": ["inbox"]}
STILL = {"when": {"after": "2h"}, "to": ["manager"], "by": ["inbox", "email"]}


@pytest.fixture
def warned(house: House) -> House:
    """First touch within a business hour: a warning after half of it, again two hours after the breach."""
    steps(house, WARN, LATE, STILL)
    return house


def steps(house: House, *told: dict[str, Any], rule: str = "touch", **other: Any) -> None:
    house.publish(
        "sla_rules", rule, {**RULES[rule], **other, "escalate": list(told)}, since=austin("Mon 00:00")
    )


def wake(house: House, now: str) -> int:
    """The tick, and the pipeline it rang for."""
    found = escalation.due_steps(austin(now))
    house.conclude(now)
    return found


def delete(house: House, record: Record, at: str) -> None:
    row = IncomingRecord("contacts", record.remote_id, {}, modified_at=austin(at), is_deleted=True)
    with transaction.atomic():
        store_page(house.hubspot, [row], now=austin(at))


def said() -> list[str]:
    return [row.payload["title"].partition(":")[0] for row in Effect.objects.order_by("pk")]


def test_a_warning_is_given_when_its_time_has_come_and_once(warned: House) -> None:
    warned.become_mql("Thu 10:00")
    assert warned.clock().next_step_at == austin("Thu 10:30")
    assert escalation.next_due(austin("Thu 10:00")) == austin("Thu 10:30")
    assert wake(warned, "Thu 10:29") == 0
    assert wake(warned, "Thu 10:30") == 1
    assert wake(warned, "Thu 10:31") == 0
    assert (warned.told(), said()) == ([("Sasha Field", "inbox")], ["Due soon"])
    assert warned.clock().next_step_at is None
    payload = Effect.objects.get().payload
    assert (payload["severity"], payload["group"], payload["at_any_hour"]) == ("warning", "touch", False)
    assert payload["record"] == str(warned.clock().record_id)
    assert "Thu 12 Nov 17:00 (UTC)" in payload["body"]


def test_a_tick_that_died_after_it_had_touched_the_record_loses_nothing(warned: House) -> None:
    warned.become_mql("Thu 10:00")
    assert escalation.due_steps(austin("Thu 10:30")) == 1
    assert (warned.clock().next_step_at, Touched.objects.count(), said()) == (None, 1, [])
    warned.conclude("Thu 10:40")
    assert said() == ["Due soon"]


def test_what_is_done_is_not_warned_of(warned: House) -> None:
    warned.become_mql("Thu 10:00")
    warned.call("Thu 10:20")
    assert wake(warned, "Thu 10:30") == 1
    assert (said(), warned.clock().state, warned.clock().next_step_at) == ([], "met", None)


def test_what_follows_a_breach_waits_until_it_stands(warned: House) -> None:
    warned.become_mql("Thu 10:00")
    warned.tick("Thu 11:00")
    warned.conclude("Thu 13:30")
    assert (warned.clock().state, said()) == ("due", [])
    assert wake(warned, "Thu 13:31") == 0
    warned.serve_requests("Thu 13:40")
    warned.conclude("Thu 13:40")
    assert said() == ["Late", "Still late", "Still late"]


def test_after_the_breach_it_counts_from_the_due_time_in_business_time(warned: House) -> None:
    warned.become_mql("Thu 16:00")
    warned.run_late("Thu 17:00")
    assert warned.clock().next_step_at == austin("Fri 10:00")
    assert wake(warned, "Fri 10:00") == 1
    assert warned.told() == [("Bea Lead", "email"), ("Bea Lead", "inbox"), ("Sasha Field", "inbox")]


def test_a_late_one_that_is_done_by_then_goes_no_further(warned: House) -> None:
    warned.become_mql("Thu 10:00")
    warned.run_late("Thu 11:00")
    warned.call("Thu 12:00")
    warned.conclude("Thu 12:00")
    assert warned.clock().next_step_at is None
    assert wake(warned, "Thu 13:00") == 0
    assert said() == ["Late"]


def test_a_late_one_whose_record_is_gone_goes_no_further(warned: House) -> None:
    record = warned.become_mql("Thu 10:00")
    warned.run_late("Thu 11:00")
    delete(warned, record, "Thu 12:00")
    warned.conclude("Thu 12:00")
    assert warned.clock().next_step_at is None


def away(house: House, begin: str, end: str, noticed: str, cover: Person | None = None) -> None:
    Absence.objects.create(
        person=house.sasha,
        cover=cover,
        entered_at=austin(noticed),
        starts_at=austin(begin),
        ends_at=austin(end),
    )
    Touched.objects.create(record_id=house.clock().record_id)
    house.conclude(noticed)


def test_an_absence_moves_the_warning(warned: House) -> None:
    warned.become_mql("Thu 10:00")
    away(warned, "Thu 10:20", "Thu 15:00", noticed="Thu 10:20")
    assert (warned.clock().due_at, warned.clock().next_step_at) == (austin("Thu 15:40"), austin("Thu 15:10"))
    assert wake(warned, "Thu 10:30") == 0


def test_another_due_time_is_warned_of_when_the_moment_comes_again(house: House) -> None:
    steps(house, {**WARN, "when": {"before": "5m"}})
    house.become_mql("Thu 10:00")
    wake(house, "Thu 10:55")
    away(house, "Thu 10:20", "Thu 12:00", noticed="Thu 10:56")
    assert (house.clock().due_at, house.clock().next_step_at) == (austin("Thu 12:40"), austin("Thu 12:35"))
    wake(house, "Thu 12:35")
    assert said() == ["Due soon", "Due soon"]


def test_another_due_time_is_not_warned_of_when_its_moment_had_come(house: House) -> None:
    steps(house, {**WARN, "when": {"before": "5m"}})
    house.become_mql("Thu 10:00")
    wake(house, "Thu 10:55")
    away(house, "Thu 10:56", "Thu 14:00", noticed="Thu 10:57")
    assert (house.clock().due_at, house.clock().next_step_at) == (austin("Thu 14:04"), None)
    assert said() == ["Due soon"]


def test_the_cover_is_warned_in_place_of_who_is_away(warned: House) -> None:
    warned.become_mql("Thu 10:00")
    away(warned, "Thu 10:10", "Fri 12:00", noticed="Thu 10:10", cover=warned.boss)
    wake(warned, "Thu 10:30")
    assert warned.told() == [("Bea Lead", "inbox")]


def test_a_pause_takes_the_warning_away(house: House) -> None:
    steps(house, WARN, pause_while={"field": "company", "op": "is", "value": "Waiting"})
    house.become_mql("Thu 10:00")
    house.lead("Thu 10:10", company="Waiting", stage="mql", owner="sasha")
    house.conclude("Thu 10:10")
    assert (house.clock().state, house.clock().next_step_at) == ("paused", None)
    house.lead("Thu 11:00", company="Kestrel 101", stage="mql", owner="sasha")
    house.conclude("Thu 11:00")
    assert (house.clock().state, house.clock().next_step_at) == ("running", austin("Thu 11:20"))


def test_history_is_warned_of_in_silence(warned: House) -> None:
    warned.hubspot.go_live_at = austin("Fri 00:00")
    warned.hubspot.save()
    warned.become_mql("Thu 10:00")
    assert warned.clock().next_step_at is None
    warned.tick("Thu 11:00")
    warned.conclude("Thu 15:00")
    assert (warned.clock().state, said()) == ("breached", [])


def test_what_was_seen_only_when_it_was_late_is_shown_and_no_more(warned: House) -> None:
    warned.lead("Thu 10:00", now="Thu 14:00", stage="mql", owner="sasha")
    warned.conclude("Thu 14:00")
    states = set(Clock.objects.filter(rule_key="touch").values_list("state", flat=True))
    assert states <= {"seen_late"}
    assert said() == []


def test_concluding_anew_writes_and_tells_nothing(warned: House) -> None:
    warned.become_mql("Thu 10:00")
    wake(warned, "Thu 10:30")
    warned.run_late("Thu 11:00")
    wake(warned, "Thu 13:00")
    before = (list(Effect.objects.values_list("key", flat=True)), Clock.objects.order_by("pk").values())
    rows = list(before[1])
    Clock.objects.all().delete()
    Touched.objects.create(record_id=rows[0]["record_id"])
    warned.conclude("Thu 13:30")
    assert list(Effect.objects.values_list("key", flat=True)) == before[0]
    assert list(Clock.objects.order_by("pk").values()) == rows


def test_what_was_late_before_this_version_is_not_told_again(warned: House) -> None:
    warned.become_mql("Thu 10:00")
    warned.run_late("Thu 11:00")
    TakenStep.objects.all().delete()
    Effect.objects.all().delete()
    Touched.objects.create(record_id=warned.clock().record_id)
    warned.conclude("Thu 11:30")
    assert said() == []


def test_in_time_after_all_is_said_to_those_who_were_told_once_and_only_in_the_inbox(warned: House) -> None:
    warned.become_mql("Thu 10:00")
    wake(warned, "Thu 10:30")
    warned.run_late("Thu 11:00")
    wake(warned, "Thu 13:00")
    warned.call("Thu 10:50", now="Thu 13:30")
    warned.conclude("Thu 13:30")
    assert warned.clock().state == "withdrawn"
    after = [
        row for row in Effect.objects.order_by("pk") if row.payload["title"].startswith("In time after all")
    ]
    told = {row.payload["person"] for row in after}
    assert told == {warned.sasha.pk, warned.boss.pk}
    assert {(row.channel, row.payload["severity"]) for row in after} == {("inbox", "info")}
    assert "Call by Sasha Field was in time" in after[0].payload["body"]
    Touched.objects.create(record_id=warned.clock().record_id)
    warned.conclude("Thu 13:40")
    assert said().count("In time after all") == 2


def test_not_verified_says_so(warned: House) -> None:
    warned.become_mql("Thu 10:00")
    warned.run_late("Thu 11:00", outcome="unreadable")
    assert "not verified" in Effect.objects.get().payload["title"]


def test_the_tick_reads_the_partial_index(warned: House) -> None:
    warned.become_mql("Thu 10:00")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {waking.CLAIM}", [austin("Thu 11:00"), 100])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "clock_step" in plan
