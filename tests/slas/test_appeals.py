"""This is not on me: people say so, the data or the other team decides, and the clock stays as it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from effects.models import Effect
from records.models import Event, Touched
from slas.appeals import acts, rows
from slas.appeals.acts import AppealError, KeyReused, NotYours, Said
from slas.appeals.counting import Attainment, attainment
from slas.appeals.fold import AppealData
from slas.models import Appeal, Clock
from teams.models import Absence, Person, Role
from tests.slas.builders import austin
from tests.slas.conftest import House

NOW = austin("Thu 12:00")


@pytest.fixture
def theo(house: House) -> Person:
    """Leads Marketing, whose leads they are."""
    return house.person("theo", "Theo March", team="marketing", role=Role.MANAGER)


@pytest.fixture
def late(house: House, theo: Person) -> Clock:
    """Sasha had it from the start, and an hour was not enough."""
    house.become_mql("Thu 10:00")
    house.run_late()
    return house.clock()


@pytest.fixture
def unowned(house: House, theo: Person) -> Clock:
    """Nobody had it for 50 minutes of the hour; then Sasha."""
    house.become_mql("Thu 10:00", owner=None)
    house.lead("Thu 10:50", stage="mql", owner="sasha")
    house.conclude("Thu 10:50")
    house.run_late()
    return house.clock()


def say(
    clock: Clock, who: Person, reason: str = "other", note: str = "They had paused it.", **how: Any
) -> AppealData:
    told = {"act_key": "k1", "now": NOW} | how
    person = told.pop("person", None)
    return acts.open_appeal(clock, who, Said(reason, note, person), **told)


def told(who: Person) -> list[str]:
    rows = Effect.objects.filter(key__startswith="appeal:", payload__person=who.pk).order_by("pk")
    return [str(effect.payload["title"]) for effect in rows]


def state_of(clock: Clock) -> list[tuple[str, str]]:
    return [(a.state, a.person.name if a.person else "") for a in clock.appeals.order_by("opened_at", "pk")]


# --- what the data proves ---------------------------------------------------------------------------------------


def test_what_the_data_proves_is_granted_at_once_and_nobody_is_asked(
    house: House, unowned: Clock, theo: Person
) -> None:
    before = Clock.objects.values().get(pk=unowned.pk)
    done = say(unowned, house.sasha, "unowned", "")
    assert (done.state, done.was_proved, done.decided_by) == ("granted", True, None)
    assert done.because == "For 50 min of the 1 h that counted it had no owner."
    assert told(theo) == told(house.sasha) == []
    assert Clock.objects.values().get(pk=unowned.pk) == before
    assert attainment(Clock.objects.filter(rule_key="touch")) == Attainment(met=0, late=1, granted=1)


def test_story_seven_a_leave_that_was_written_down_only_afterwards_shows_itself(
    house: House, late: Clock
) -> None:
    absence = Absence.objects.create(
        person=house.sasha,
        starts_at=austin("Thu 08:30"),
        ends_at=austin("Fri 08:30"),
        entered_at=austin("Fri 17:00"),
    )
    house.conclude("Fri 17:00")
    assert house.clock().due_at == late.due_at
    done = say(house.clock(), house.sasha, "away", "", now=austin("Fri 17:05"))
    assert done.state == "granted"
    assert "Written down only afterwards, but nothing was logged in working hours then." in done.because
    absence.refresh_from_db()


def test_who_called_somebody_in_that_leave_is_not_believed_by_the_data(house: House, late: Clock) -> None:
    house.become_mql("Thu 14:00", remote_id="102")
    house.call("Thu 15:00", about="102")
    house.conclude("Thu 15:00")
    Absence.objects.create(
        person=house.sasha,
        starts_at=austin("Thu 08:30"),
        ends_at=austin("Fri 08:30"),
        entered_at=austin("Fri 17:00"),
    )
    done = say(house.clock(), house.sasha, "away", "", now=austin("Fri 17:05"))
    assert (done.state, done.was_proved) == ("open", False)


# --- what people decide -----------------------------------------------------------------------------------------


def test_what_the_data_does_not_show_goes_to_the_other_team(house: House, late: Clock, theo: Person) -> None:
    opened = say(late, house.sasha)
    assert (opened.state, opened.team) == ("open", "marketing")
    assert told(theo) == ["Late, but not on SDR Austin? Kestrel 101"]
    granted = acts.grant(opened, late, theo, because="True.", act_key="g", now=NOW + timedelta(hours=1))
    assert (granted.state, granted.decided_by, granted.because) == ("granted", theo.pk, "True.")
    assert told(house.sasha) == ["It does not count: Kestrel 101 · First human touch"]
    assert attainment(Clock.objects.filter(rule_key="touch")) == Attainment(met=0, late=1, granted=1)


def test_refusing_needs_a_reason_and_the_person_may_say_something_else(
    house: House, late: Clock, theo: Person
) -> None:
    opened = say(late, house.sasha)
    with pytest.raises(AppealError, match="Say why not"):
        acts.refuse(opened, late, theo, because=" ", act_key="r", now=NOW)
    acts.refuse(opened, late, theo, because="It was yours.", act_key="r", now=NOW)
    assert attainment(Clock.objects.filter(rule_key="touch")) == Attainment(met=0, late=1, granted=0)
    again = say(
        late, house.sasha, note="The phone number was wrong.", act_key="k2", now=NOW + timedelta(hours=1)
    )
    assert again.state == "open"
    assert state_of(late) == [("refused", "Sasha Field"), ("open", "Sasha Field")]


def test_it_can_be_taken_back_while_nobody_has_decided(house: House, late: Clock, theo: Person) -> None:
    opened = say(late, house.sasha)
    with pytest.raises(NotYours):
        acts.withdraw(opened, late, theo, act_key="w", now=NOW)
    assert acts.withdraw(opened, late, house.sasha, act_key="w", now=NOW).state == "withdrawn"
    with pytest.raises(AppealError, match="It was taken back meanwhile"):
        acts.grant(opened, late, theo, act_key="g", now=NOW)


def test_a_manager_says_it_for_their_people_and_neither_of_them_decides(
    house: House, late: Clock, theo: Person
) -> None:
    opened = say(late, house.boss, person=house.sasha.pk)
    assert (opened.person_id, opened.opened_by) == (house.sasha.pk, house.boss.pk)
    Person.objects.filter(pk=house.sasha.pk).update(role=Role.REVOPS_ADMIN)
    for own in (house.boss, Person.objects.get(pk=house.sasha.pk)):
        with pytest.raises(NotYours, match="own matter"):
            acts.grant(opened, late, own, act_key=f"g{own.pk}", now=NOW)
    acts.refuse(opened, late, theo, because="No.", act_key="r", now=NOW)
    assert told(house.sasha) == told(house.boss) == ["It counts: Kestrel 101 · First human touch"]


def test_only_who_had_it_says_it_and_only_the_other_team_or_revops_decides(
    house: House, late: Clock, theo: Person
) -> None:
    for stranger in (house.mira, theo, house.revops):
        with pytest.raises(NotYours, match="Only who had it"):
            say(late, stranger)
    opened = say(late, house.sasha)
    for nobody in (house.boss, house.mira):
        with pytest.raises(NotYours, match="A manager of the other team"):
            acts.grant(opened, late, nobody, act_key=f"g{nobody.pk}", now=NOW)
    assert acts.grant(opened, late, house.revops, act_key="g", now=NOW).state == "granted"


def test_without_a_manager_of_the_other_team_revops_is_asked(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.run_late()
    say(house.clock(), house.sasha)
    assert told(house.revops) == ["Late, but not on Sasha Field? Kestrel 101"]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (Said("boredom", "x"), "Choose a reason"),
        (Said("other", " "), "Say what happened"),
        (Said("away", ""), "Say what happened"),
    ],
)
def test_what_is_missing_is_said(house: House, late: Clock, said: Said, text: str) -> None:
    with pytest.raises(AppealError, match=text):
        acts.open_appeal(late, house.sasha, said, act_key="k", now=NOW)
    assert not Appeal.objects.exists()


def test_nothing_is_said_of_a_clock_that_is_not_late_nor_twice_at_a_time(house: House, late: Clock) -> None:
    say(late, house.sasha)
    with pytest.raises(AppealError, match="It was said already"):
        say(late, house.sasha, act_key="k2")
    house.become_mql("Thu 14:00", remote_id="102")
    with pytest.raises(AppealError, match="It is not late"):
        say(house.clock(remote_id="102"), house.sasha, act_key="k3")


def test_it_can_be_said_after_it_was_done(house: House, late: Clock) -> None:
    house.call("Thu 13:00")
    house.conclude("Thu 13:00")
    done = house.clock()
    assert done.stopped_at == austin("Thu 13:00")
    assert say(done, house.sasha, now=austin("Fri 09:00")).state == "open"


# --- once, and the same from the log ----------------------------------------------------------------------------


def test_the_same_act_sent_twice_is_one(house: House, late: Clock, theo: Person) -> None:
    first = say(late, house.sasha)
    assert say(late, house.sasha, now=NOW + timedelta(minutes=1)) == first
    with pytest.raises(KeyReused):
        say(late, house.sasha, note="Something else.")
    granted = acts.grant(first, late, theo, act_key="g", now=NOW)
    assert acts.grant(first, late, theo, act_key="g", now=NOW) == granted
    assert Event.objects.filter(kind__startswith="appeal.").count() == 2
    assert (len(told(theo)), len(told(house.sasha))) == (1, 1)


def test_killed_in_the_middle_and_run_again(
    house: House, unowned: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for place in ("record_act", "appeals_of", "write_of_clock"):
        with monkeypatch.context() as patched:
            patched.setattr(acts, place, die)
            with pytest.raises(KeyboardInterrupt):
                say(unowned, house.sasha, "unowned", "")
        assert not Event.objects.filter(kind__startswith="appeal.").exists()
        assert not Appeal.objects.exists()
    assert say(unowned, house.sasha, "unowned", "").was_proved
    assert Event.objects.filter(kind__startswith="appeal.").count() == 2


def test_a_rebuild_gives_what_was_written_act_by_act(house: House, late: Clock, theo: Person) -> None:
    refused = say(late, house.sasha)
    acts.refuse(refused, late, theo, because="No.", act_key="r", now=NOW)
    say(late, house.boss, person=house.sasha.pk, act_key="k2", now=NOW + timedelta(hours=1))
    before = list(Appeal.objects.order_by("pk").values())
    assert len(before) == 2
    house.conclude("Thu 14:00")
    assert list(Appeal.objects.order_by("pk").values()) == before
    Clock.objects.all().delete()
    assert not Appeal.objects.exists()
    Touched.objects.create(record=late.record)
    house.conclude("Thu 14:00")
    assert list(Appeal.objects.order_by("pk").values()) == before


def test_a_person_who_was_erased_leaves_the_decision(house: House, late: Clock, theo: Person) -> None:
    opened = say(late, house.sasha)
    acts.grant(opened, late, theo, act_key="g", now=NOW)
    house.sasha.delete()
    theo.delete()
    found = rows.appeals_of(late.record_id)
    assert [(a.state, a.decided_by) for a in found] == [("granted", None)]
    house.conclude("Thu 14:00")
    assert state_of(late) == [("granted", "")]


# --- not mine ---------------------------------------------------------------------------------------------------


def test_of_one_that_is_not_late_the_manager_hears_that_it_is_not_theirs(house: House) -> None:
    house.become_mql("Thu 14:00")
    clock = house.clock()
    for _ in range(2):
        acts.say_not_mine(clock, house.sasha, "Odd works with them.", act_key="n", now=austin("Thu 14:05"))
    assert told(house.boss) == ["Not Sasha Field’s: Kestrel 101 · First human touch"]
    house.conclude("Thu 14:06")
    assert (house.clock().state, Appeal.objects.count()) == ("running", 0)
    with pytest.raises(NotYours):
        acts.say_not_mine(clock, house.mira, "Nor mine.", act_key="n2", now=austin("Thu 14:07"))
    with pytest.raises(AppealError, match="Say whose it is"):
        acts.say_not_mine(clock, house.sasha, " ", act_key="n3", now=austin("Thu 14:07"))
