"""Time finds what is due: evidence is asked for once, nobody is called late before it was read again."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections

import slas.due
import slas.services
from effects.models import Effect
from records.kinds import register_kinds
from records.models import Event, RefreshRequest, Touched
from slas.models import Clock, NoticedDue
from tests.slas.builders import austin
from tests.slas.conftest import House


def test_a_due_clock_is_noticed_its_evidence_asked_for_and_its_record_touched(house: House) -> None:
    record = house.become_mql("Thu 10:00")
    assert (house.tick("Thu 10:59"), Touched.objects.count()) == (0, 0)
    assert house.tick("Thu 11:00:02") == 1
    request = RefreshRequest.objects.get()
    assert (request.record, request.objects_wanted) == (record, ["person", "activity"])
    assert list(Touched.objects.values_list("record", flat=True)) == [record.pk]
    assert house.tick("Thu 11:00:03") == 0


def test_the_conclusion_remembers_that_it_was_asked(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.tick("Thu 11:00:02")
    house.conclude("Thu 11:00:02")
    assert (house.clock().state, NoticedDue.objects.count()) == ("due", 0)
    Clock.objects.all().delete()
    Touched.objects.create(record=house.lead("Thu 11:01", stage="mql", owner="sasha"))
    house.conclude("Thu 11:01")
    assert house.clock().state == "due"


def test_a_clock_concluded_between_its_due_time_and_the_tick_is_found_all_the_same(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.lead("Thu 11:00:01", stage="mql", owner="sasha", company="Kestrel renamed")
    house.conclude("Thu 11:00:01")
    assert house.tick("Thu 11:00:02") == 1
    assert RefreshRequest.objects.count() == 1


def test_a_tick_that_the_pipeline_overwrote_runs_again_and_asks_nothing_new(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.tick("Thu 11:00:02")
    NoticedDue.objects.all().delete()
    assert house.tick("Thu 11:00:03") == 1
    assert (RefreshRequest.objects.count(), Event.objects.filter(kind="clock.due").count()) == (1, 1)


def test_nothing_in_the_crm_makes_it_late_and_tells_each_once(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.tick("Thu 11:00:02")
    house.conclude("Thu 11:00:02")
    assert Effect.objects.count() == 0
    assert house.serve_requests("Thu 11:00:04") == 1
    house.conclude("Thu 11:00:05")
    clock = house.clock()
    assert (clock.state, clock.breached_at) == ("breached", austin("Thu 11:00"))
    assert [c for c in house.told() if c[0] == "Sasha Field"] == [
        ("Sasha Field", "email"),
        ("Sasha Field", "inbox"),
    ]


def test_a_touch_in_time_found_by_the_re_reading_prevents_it(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.tick("Thu 11:00:02")
    house.conclude("Thu 11:00:02")
    house.serve_requests("Thu 11:00:04", before=lambda: house.call("Thu 10:55", now="Thu 11:00:04"))
    house.conclude("Thu 11:00:05")
    assert (house.clock().state, house.told()) == ("met", [])


def test_a_touch_whose_own_mark_another_worker_holds_is_seen_all_the_same(house: House) -> None:
    record = house.become_mql("Thu 10:00")
    house.tick("Thu 11:00:02")
    house.conclude("Thu 11:00:02")
    house.serve_requests("Thu 11:00:04", before=lambda: house.call("Thu 10:55", now="Thu 11:00:04"))
    Touched.objects.exclude(record=record).delete()
    house.conclude("Thu 11:00:05")
    assert (house.clock().state, house.told()) == ("met", [])


def test_a_touch_told_after_the_breach_withdraws_it(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.run_late()
    house.call("Thu 10:55", now="Thu 13:00")
    house.conclude("Thu 13:00")
    clock = house.clock()
    assert (clock.state, clock.breached_at) == ("withdrawn", None)
    assert [(c.old["state"], c.new["state"]) for c in clock.corrections.all()] == [("breached", "withdrawn")]


def test_the_next_due_time_is_the_earliest_running_one(house: House) -> None:
    now = austin("Thu 10:00")
    assert slas.due.next_due(now) is None
    house.become_mql("Thu 10:00", owner=None)
    assert slas.due.next_due(now) == austin("Thu 10:05")
    house.tick("Thu 10:06")
    assert slas.due.next_due(now) == austin("Thu 11:00")


def test_the_tick_reads_the_partial_index(house: House) -> None:
    house.become_mql("Thu 10:00")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {slas.due.CLAIM}", [austin("Thu 11:00"), 100])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "clock_falls_due" in plan


def test_two_ticks_at_once_double_nothing(transactional_db: None) -> None:
    from slas.kinds import KINDS

    register_kinds(KINDS)
    house = House()
    for number in range(12):
        house.become_mql("Thu 10:00", remote_id=f"3{number}")
    found: list[int] = []
    ready = threading.Barrier(2)

    def tick() -> None:
        ready.wait()
        found.append(house.tick("Thu 11:00:01"))
        connections.close_all()

    threads = [threading.Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(found) == 12
    assert RefreshRequest.objects.count() == 12
    assert Event.objects.filter(kind="clock.due").count() == 12


@pytest.mark.django_db
def test_health_knows_how_long_the_oldest_has_waited(house: House) -> None:
    assert slas.due.oldest_due_at() is None
    house.become_mql("Thu 10:00")
    house.tick("Thu 11:00:02")
    assert slas.due.oldest_due_at() == austin("Thu 11:00")
    house.conclude("Thu 11:00:02")
    assert slas.due.oldest_due_at() == austin("Thu 11:00")
