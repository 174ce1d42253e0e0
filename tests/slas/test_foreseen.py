"""What is foreseen is what comes: the same fold, asked before it is saved."""

from __future__ import annotations

from datetime import timedelta

import pytest

from definitions.judging.publishing import publish_due
from slas.foreseen import foresee_absence, foresee_hours
from slas.models import Clock
from slas.services import notice_absences
from slas.staff import Away
from teams.models import Absence
from tests.slas.builders import austin
from tests.slas.conftest import AUSTIN, House

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_clocks(house: House) -> House:
    house.become_mql("Thu 15:45", remote_id="102")  # due at 16:45
    house.become_mql("Thu 16:35")  # due on Friday at 08:35
    return house


def dues() -> dict[str, object]:
    return {str(c.pk): c.due_at for c in Clock.objects.filter(rule_key="touch")}


def test_an_edit_of_hours_moves_what_was_foreseen(open_clocks: House) -> None:
    week = {**AUSTIN["week"], "fri": [["10:00", "17:30"]]}
    body = AUSTIN | {"week": week}
    told = foresee_hours("austin", body, None, open_clocks.revops, austin("Thu 16:40"))
    before = dues()
    open_clocks.publish("calendars", "austin", body, austin("Thu 16:40"))
    while publish_due(austin("Thu 16:40")):
        pass
    open_clocks.conclude("Thu 16:40")
    moved = {pk: due for pk, due in dues().items() if before[pk] != due}
    assert {str(m.clock.pk): m.new for m in told.moves} == moved
    assert (len(told.moves), told.later_seconds, told.sooner_seconds) == (1, 5400, 0)


def test_hours_that_begin_later_move_only_what_is_still_open_then(open_clocks: House) -> None:
    body = AUSTIN | {"week": {"mon": [["10:00", "12:00"]]}}
    viewer, now = open_clocks.revops, austin("Thu 16:40")
    assert len(foresee_hours("austin", body, austin("Thu 17:00"), viewer, now).moves) == 1
    assert foresee_hours("austin", body, austin("Fri 09:00"), viewer, now).moves == ()


def test_foreseeing_writes_nothing(open_clocks: House) -> None:
    before = dues()
    foresee_hours(
        "austin",
        AUSTIN | {"week": {"mon": [["10:00", "12:00"]]}},
        None,
        open_clocks.revops,
        austin("Thu 16:40"),
    )
    assert dues() == before


def test_an_absence_moves_what_was_foreseen(open_clocks: House) -> None:
    begin, end = austin("Fri 00:00"), austin("Sat 00:00")
    sasha, now = open_clocks.sasha, austin("Thu 16:40")
    told = foresee_absence(sasha, sasha, now, add=[Away(begin, end, None, now)])
    assert [(m.old, m.new) for m in told.moves] == [(austin("Fri 08:35"), austin("16 Mon 08:35"))]
    assert told.passing == ()
    absence = Absence.objects.create(person=sasha, starts_at=begin, ends_at=end, entered_at=now)
    notice_absences(now)
    open_clocks.conclude(now)
    assert open_clocks.clock().due_at == austin("16 Mon 08:35")
    later = now + timedelta(minutes=1)
    back = foresee_absence(sasha, sasha, later, withdraw=[absence])
    assert [(m.old, m.new) for m in back.moves] == [(austin("16 Mon 08:35"), austin("Fri 08:35"))]


def test_with_a_cover_the_clock_passes_to_them(open_clocks: House) -> None:
    odd = open_clocks.person("odd", "Odd Moe", team="sdr")
    sasha, now = open_clocks.sasha, austin("Thu 16:40")
    away = Away(austin("Fri 00:00"), austin("Sat 00:00"), odd.pk, now)
    told = foresee_absence(sasha, sasha, now, add=[away])
    assert told.moves == ()
    assert [c.pk for c in told.passing if c.rule_key == "touch"] == [open_clocks.clock().pk]


def test_who_may_not_see_a_buyer_does_not_see_its_clock(open_clocks: House) -> None:
    Clock.objects.update(owner=open_clocks.mira)
    told = foresee_absence(open_clocks.sasha, open_clocks.sasha, austin("Thu 16:40"))
    assert (told.counted, told.moves) == (0, ())
