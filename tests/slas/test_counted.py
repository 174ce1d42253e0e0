"""The intervals that counted add up to the target, whatever happened on the way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from slas.counted import counted_by_the_wall
from slas.hands import Pause
from slas.models import Clock
from slas.moves import Cause, causes_at
from slas.receipts import Explanation, explain, with_receipt
from slas.services import notice_absences
from slas.staff import Staff
from teams.models import Absence, Person
from tests.slas.builders import austin
from tests.slas.conftest import House


def explained(house: House, at: str, who: Person | None = None) -> Explanation:
    return explain(with_receipt(Clock.objects.all()).get(pk=house.clock().pk), who or house.boss, austin(at))


def away(who: Person, begin: str, end: str, written: str, cover: Person | None = None) -> None:
    Absence.objects.create(
        person=who, starts_at=austin(begin), ends_at=austin(end), entered_at=austin(written), cover=cover
    )
    notice_absences(austin(written))


def rows(x: Explanation) -> list[tuple[str, int]]:
    return [(f"{i.begin:%d %H:%M}", i.seconds) for i in x.intervals]


def test_a_night_between_two_opened_hours_counts_nothing(house: House) -> None:
    house.become_mql("Thu 17:00")
    house.run_late("Fri 09:00")
    x = explained(house, "Fri 09:30")
    assert rows(x) == [("12 23:00", 1800), ("13 14:30", 1800)]
    assert {i.hours for i in x.intervals} == {"Austin"}
    assert x.counted_seconds == 3600
    assert [(h.who, h.seconds, h.closed_seconds) for h in x.held] == [("Sasha Field", 5400, 54_000)]


def test_an_absence_counts_nothing_and_says_why_the_due_time_moved(house: House) -> None:
    house.become_mql("Thu 10:00")
    away(house.sasha, "Thu 10:30", "Fri 08:30", "Thu 10:20")
    house.conclude("Thu 10:20")
    x = explained(house, "Fri 08:40")
    assert x.clock.due_at == austin("Fri 09:00")
    assert rows(x) == [("12 16:00", 1800), ("13 14:30", 1800)]
    assert [m.whys for m in x.moved] == [["Sasha Field is away, Thu 16:30 to Fri 14:30"]]
    assert [(a.who, a.cover, a.was_late) for a in x.absences] == [("Sasha Field", "", False)]


def test_what_is_written_down_after_it_was_due_moves_nothing_and_is_said(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.run_late()
    away(house.sasha, "Thu 08:30", "Fri 08:30", "Thu 15:00")
    house.conclude("Thu 15:00")
    x = explained(house, "Thu 16:00")
    assert (x.clock.due_at, x.counted_seconds) == (austin("Thu 11:00"), 3600)
    assert [a.was_late for a in x.absences] == [True]
    assert x.moved == []


def test_a_new_owner_and_the_cover_stand_in_the_list_of_who_had_it(house: House) -> None:
    house.become_mql("Thu 10:00", owner=None)
    house.lead("Thu 10:20", stage="mql", owner="sasha")
    away(house.sasha, "Thu 10:30", "Fri 08:30", "Thu 09:00", cover=house.boss)
    house.conclude("Thu 10:40")
    x = explained(house, "Thu 10:40")
    assert [(h.who, h.seconds) for h in x.held] == [("Nobody", 1200), ("Sasha Field", 600), ("Bea Lead", 600)]
    assert [i.who for i in x.intervals] == ["", "Sasha Field", "Bea Lead"]
    assert x.counted_seconds == 3600
    as_read_by_mira = explained(house, "Thu 10:40", house.mira)
    assert {h.who for h in as_read_by_mira.held} == {"Nobody", "SDR Austin"}
    assert {i.who for i in as_read_by_mira.intervals} == {"", "SDR Austin"}
    assert as_read_by_mira.absences[0].who == "A colleague"


def test_what_is_done_is_explained_the_same_ever_after(house: House) -> None:
    house.become_mql("Thu 17:00")
    house.run_late("Fri 09:00")
    house.call("Fri 10:00")
    house.conclude("Fri 10:00")
    before = explained(house, "Fri 10:00")
    away(house.sasha, "Thu 08:30", "16 Mon 08:30", "Fri 17:00")
    house.lead("Fri 18:00", stage="mql", owner="mira")
    house.conclude("Fri 18:00")
    after = explained(house, "20 Fri 12:00")
    for part in ("seconds", "intervals", "held", "absences", "moved", "pauses", "bar"):
        assert getattr(after, part) == getattr(before, part), part
    assert after.is_frozen


def test_an_open_clock_says_how_much_of_its_time_is_used(house: House) -> None:
    house.become_mql("Thu 17:00")
    x = explained(house, "Fri 08:40")
    assert (x.used_seconds, x.whole_seconds) == (2400, 3600)
    assert explained(house, "Fri 12:00").used_seconds == 3600


@pytest.mark.parametrize(
    ("pauses", "expected"),
    [
        ([], [(0, 60)]),
        ([(10, 20)], [(0, 10), (20, 60)]),
        ([(0, 60)], []),
        ([(50, None), (10, 20)], [(0, 10), (20, 50)]),
    ],
)
def test_no_time_counts_in_a_pause(
    pauses: list[tuple[int, int | None]], expected: list[tuple[int, int]]
) -> None:
    start = austin("Thu 10:00")

    def at(minute: int) -> timedelta:
        return timedelta(minutes=minute)

    held = [Pause(start + at(a), start, None if b is None else start + at(b)) for a, b in pauses]
    found = counted_by_the_wall(start, start + at(60), held)
    assert [c.span for c in found] == [(start + at(a), start + at(b)) for a, b in expected]


def test_a_move_that_nothing_else_explains_came_of_other_hours() -> None:
    at = austin("Thu 10:00")
    pause = Pause(at, at, at + timedelta(hours=1), at + timedelta(hours=1), "They asked us to wait")
    assert causes_at(at, (), Staff(), (pause,)) == [Cause("paused", because="They asked us to wait")]
    assert causes_at(at + timedelta(hours=1), (), Staff(), (pause,))[0].kind == "resumed"
    assert causes_at(at + timedelta(hours=2), (), Staff(), (pause,)) == [Cause("hours")]
