"""Work that waits too long is given to the next person of a team: in turn, over those who are working now."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from effects.models import Effect
from records.models import AskedChange, Event, OwnerMatch
from slas.escalation.reassigning import next_in_turn
from slas.models import TakenStep
from teams.models import Absence, Person
from tests.slas.builders import austin
from tests.slas.conftest import AUSTIN, House
from tests.slas.test_warnings import steps

GIVE = {"when": "breached", "reassign": {"team": "sdr"}}


@pytest.fixture
def team(house: House) -> House:
    """Sasha has it; Lena and Omar could take it. HubSpot lets gtmops change owners."""
    for key, name in (("lena", "Lena Ruhrig"), ("omar", "Omar Vent")):
        person = house.person(key, name, team="sdr", manager=house.boss)
        OwnerMatch.objects.create(
            connection=house.hubspot, remote_id=key, kind="person", name=name, person=person
        )
    house.hubspot.is_writing = house.hubspot.is_writing_owner = True
    house.hubspot.save()
    return house


def late(house: House, *remote_ids: str, give: dict[str, Any] = GIVE, **rule: Any) -> None:
    steps(house, give, **rule)
    for remote_id in remote_ids:
        house.become_mql("Thu 10:00", remote_id=remote_id)
    house.run_late("Thu 11:00")


def asked() -> list[tuple[str, str]]:
    """(record, remote owner id) in the order in which it was asked."""
    rows = AskedChange.objects.select_related("record").order_by("record__remote_id")
    return [(row.record.remote_id, row.values["owner"]) for row in rows]


def inboxes() -> list[tuple[str, str]]:
    names = dict(Person.objects.values_list("pk", "name"))
    rows = Effect.objects.filter(channel="inbox")
    return sorted((names[e.payload["person"]], e.payload["title"].partition(":")[0]) for e in rows)


def test_it_is_asked_of_the_crm_written_into_the_log_and_told_to_who_gets_it(team: House) -> None:
    late(team, "101")
    assert asked() == [("101", "lena")]
    assert inboxes() == [("Lena Ruhrig", "Now yours")]
    event = Event.objects.get(kind="clock.reassigned")
    assert (event.data["name"], event.data["was"], event.data["team"]) == (
        "Lena Ruhrig",
        "Sasha Field",
        "sdr",
    )
    assert event.data["clock"] == str(team.clock().pk)
    taken = TakenStep.objects.get()
    assert (taken.outcome, taken.given_to and taken.given_to.name) == ("asked", "Lena Ruhrig")


def test_who_was_given_something_least_recently_is_next(team: House) -> None:
    late(team, "101", "102", "103", "104")
    assert Counter(owner for _, owner in asked()) == {"lena": 2, "omar": 2}


def test_concluding_anew_gives_nothing_away_again(team: House) -> None:
    late(team, "101")
    team.conclude("Thu 12:00")
    team.lead("Thu 12:30", company="Kestrel renamed", stage="mql", owner="sasha")
    team.conclude("Thu 12:30")
    assert (len(asked()), Event.objects.filter(kind="clock.reassigned").count()) == (1, 1)


def test_nobody_gets_it_who_is_away(team: House) -> None:
    Absence.objects.create(
        person=Person.objects.get(name="Lena Ruhrig"), entered_at=austin("Mon 09:00"),
        starts_at=austin("Thu 09:00"), ends_at=austin("Fri 09:00"),
    )  # fmt: skip
    late(team, "101")
    assert asked() == [("101", "omar")]


def test_nobody_gets_it_outside_their_hours(team: House) -> None:
    afternoon = {day: [["13:00", "17:30"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    team.publish("calendars", "late_shift", {
        **AUSTIN, "name": "Late shift", "teams": [], "people": ["lena@fernhill.example"], "week": afternoon,
    })  # fmt: skip
    late(team, "101")
    assert asked() == [("101", "omar")]


def test_around_the_clock_hours_don_t_matter(team: House) -> None:
    steps(team, GIVE, target={"elapsed": "1h"})
    team.become_mql("Thu 20:00")
    team.run_late("Thu 21:00")
    assert asked() == [("101", "lena")]


def test_nobody_gets_what_they_may_not_read(team: House) -> None:
    Person.objects.get(name="Lena Ruhrig").business_units.clear()
    steps(team, GIVE)
    team.become_mql("Thu 10:00", business_unit="emea")
    team.run_late("Thu 11:00")
    assert asked() == [("101", "omar")]


def test_where_the_crm_keeps_owners_to_itself_it_is_proposed_to_the_manager(team: House) -> None:
    team.hubspot.is_writing_owner = False
    team.hubspot.save()
    late(team, "101")
    assert (asked(), Event.objects.filter(kind="clock.reassigned").count()) == ([], 0)
    assert inboxes() == [("Bea Lead", "Give it to Lena Ruhrig? Kestrel 101 · First human touch")]
    body = Effect.objects.get().payload["body"]
    assert "Changing owners in HubSpot is not switched on." in body
    assert "only a proposal" in body
    assert TakenStep.objects.get().outcome == "proposed"


def test_with_nobody_else_there_the_manager_hears_of_it(team: House) -> None:
    OwnerMatch.objects.filter(remote_id__in=["lena", "omar"]).delete()
    late(team, "101")
    assert asked() == []
    assert inboxes() == [("Bea Lead", "Who takes it? Kestrel 101 · First human touch")]
    assert "Nobody else of SDR Austin is working now" in Effect.objects.get().payload["body"]


def test_those_who_are_told_read_who_gets_it(team: House) -> None:
    late(team, "101", give={**GIVE, "to": ["owner"], "by": ["inbox"]})
    told = Effect.objects.get(payload__person=team.sasha.pk)
    assert told.payload["body"].endswith("HubSpot is asked to give it to Lena Ruhrig.")


@given(st.integers(1, 7), st.integers(0, 60))
def test_turns_are_even(people: int, times: int) -> None:
    now = austin("Thu 10:00")
    last: dict[int, tuple[Any, int]] = {}
    given_to: Counter[int] = Counter()
    for number in range(times):
        who = next_in_turn(range(people), last)
        assert who is not None
        last[who] = (now + timedelta(minutes=number // 3), number)
        given_to[who] += 1
    assert max(given_to.values(), default=0) - min((given_to[p] for p in range(people)), default=0) <= 1
