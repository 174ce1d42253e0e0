"""Whom a step reaches: their place, their borders, who stands in for them, and that it always reaches somebody."""

from __future__ import annotations

from typing import Any

import pytest

from effects.models import Effect
from slas.escalation.roster import Roster, Someone, load_roster
from slas.steps import To
from teams.models import Absence, Role
from tests.slas.builders import RULES, austin
from tests.slas.conftest import House
from tests.slas.test_warnings import steps, wake

EMEA, APAC = 1, 2
SASHA, LENA, BEA, MIRA, MAX, RAE, CORA = range(10, 17)


def someone(name: str, role: str, team: str, manager: int | None = None, *units: int) -> Someone:
    return Someone(
        f"{name.lower()}@fernhill.example", name, role, manager, team, "UTC", frozenset(units or (EMEA,))
    )


PEOPLE = {
    SASHA: someone("Sasha", "rep", "sdr", BEA),
    LENA: someone("Lena", "rep", "sdr", BEA, APAC),
    BEA: someone("Bea", "manager", "sdr"),
    MIRA: someone("Mira", "rep", "marketing", MAX),
    MAX: someone("Max", "leader", "marketing"),
    RAE: someone("Rae", "revops_admin", ""),
    CORA: someone("Cora", "rep", "sales", None, APAC),
}
Case = tuple[list[To], int | None, int | None, dict[int, int | None], list[int]]

REACHED: dict[str, Case] = {
    "the owner": ([To("owner")], SASHA, EMEA, {}, [SASHA]),
    "the owner's manager": ([To("manager")], SASHA, EMEA, {}, [BEA]),
    "nobody has it, so the team's manager": ([To("owner"), To("manager")], None, EMEA, {}, [BEA]),
    "the owner has left": ([To("owner")], 99, EMEA, {}, [BEA]),
    "the owner has no manager": ([To("manager")], BEA, EMEA, {}, [BEA]),
    "the team, as far as it may read it": ([To("team")], SASHA, EMEA, {}, [SASHA, BEA]),
    "the team of a record open to all": ([To("team")], SASHA, None, {}, [SASHA, LENA, BEA]),
    "the team without who is away": ([To("team")], SASHA, EMEA, {SASHA: CORA}, [BEA]),
    "the sender's manager": ([To("sender_team_manager")], SASHA, EMEA, {}, [MAX]),
    "a role": ([To("role", "leader")], SASHA, EMEA, {}, [MAX]),
    "a person": ([To("person", "mira@fernhill.example")], SASHA, EMEA, {}, [MIRA]),
    "a person behind a border": ([To("person", "cora@fernhill.example")], SASHA, EMEA, {}, [BEA]),
    "each once": ([To("manager"), To("team_manager"), To("role", "manager")], SASHA, EMEA, {}, [BEA]),
    "the cover of who is away": ([To("owner")], SASHA, EMEA, {SASHA: MIRA}, [MIRA]),
    "away without a cover": ([To("owner")], SASHA, EMEA, {SASHA: None}, [BEA]),
    "the cover is away, too": ([To("owner")], SASHA, EMEA, {SASHA: MIRA, MIRA: LENA}, [BEA]),
    "the manager's cover": ([To("team_manager")], SASHA, EMEA, {BEA: MIRA}, [MIRA]),
    "a cover who may not read it": ([To("team_manager")], SASHA, EMEA, {BEA: CORA}, [RAE]),
    "no manager there, so RevOps": ([To("owner")], None, EMEA, {BEA: None}, [RAE]),
    "nobody there, so RevOps all the same": ([To("owner")], None, EMEA, {BEA: None, RAE: None}, [RAE]),
}  # fmt: skip


@pytest.mark.parametrize("name", REACHED)
def test_a_step_reaches(name: str) -> None:
    to, owner, unit, away, people = REACHED[name]
    roster = Roster(PEOPLE, away)
    assert roster.reached(to, owner=owner, acting="sdr", sender="marketing", unit=unit) == people


def test_the_roster_knows_who_is_here_and_who_stands_in(house: House) -> None:
    house.person("gone", "Gil Past", team="sdr", is_active=False)
    for person, cover, begin, end, withdrawn in (
        (house.sasha, house.boss, "Thu 09:00", "Thu 12:00", None),
        (house.mira, house.boss, "Fri 09:00", "Fri 12:00", None),
        (house.boss, house.sasha, "Thu 09:00", "Thu 12:00", "Thu 09:30"),
    ):
        Absence.objects.create(
            person=person, cover=cover, entered_at=austin("Mon 09:00"), starts_at=austin(begin),
            ends_at=austin(end), withdrawn_at=austin(withdrawn) if withdrawn else None,
        )  # fmt: skip
    roster = load_roster(austin("Thu 10:00"))
    assert {p.name for p in roster.people.values()} == {"Sasha Field", "Bea Lead", "Mira Post", "Rae Ops"}
    assert roster.away == {house.sasha.pk: house.boss.pk}
    sasha = roster.people[house.sasha.pk]
    assert (sasha.team, sasha.manager, sasha.units) == ("sdr", house.boss.pk, frozenset({house.unit.pk}))


def told_by(house: House, *told: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """(channel, payload) of what leaves when a clock is late by rules with these steps."""
    steps(house, *told)
    house.become_mql("Thu 10:00", business_unit="emea")
    house.run_late("Thu 11:00")
    return sorted(((e.channel, e.payload) for e in Effect.objects.all()), key=lambda pair: pair[0])


def test_a_slack_channel_is_told_once_instead_of_people(house: House) -> None:
    [(channel, payload)] = told_by(house, {"when": "breached", "channel": "#sdr-late"})
    assert (channel, payload["channel"], payload["team"]) == ("slack_channel", "#sdr-late", "sdr")
    assert "person" not in payload


def test_a_step_leaves_by_every_way_it_names(house: House) -> None:
    step = {"when": "breached", "to": ["owner"], "by": ["slack", "crm_task", "email"], "at_any_hour": True}
    told = told_by(house, {**step, "channel": "late"})
    assert [channel for channel, _ in told] == ["crm_task", "email", "slack", "slack_channel"]
    assert {payload["severity"] for _, payload in told} == {"late"}
    assert {payload["at_any_hour"] for _, payload in told} == {True}
    assert {payload["due_at"] for _, payload in told} == {"2026-11-12T17:00:00+00:00"}


def test_two_steps_of_one_moment_tell_a_person_by_one_way_once(house: House) -> None:
    step = {"when": "breached", "to": ["owner"], "by": ["inbox"]}
    told = told_by(house, step, {**step, "to": ["owner", "manager"]})
    assert sorted(payload["person"] for _, payload in told) == sorted([house.sasha.pk, house.boss.pk])


def test_the_sender_is_told_of_what_the_receiver_has_not_done(house: House) -> None:
    lead = house.person("cmo", "Cleo Mark", team="marketing", role=Role.LEADER)
    [(_, payload)] = told_by(house, {"when": "breached", "to": ["sender_team_manager"]})
    assert payload["person"] == lead.pk


def test_a_warning_is_in_the_persons_own_time(house: House) -> None:
    house.sasha.time_zone = "America/Chicago"
    house.sasha.save()
    steps(house, {"when": {"at": "50%"}, "to": ["owner"]})
    house.become_mql("Thu 10:00")
    wake(house, "Thu 10:30")
    assert "Thu 12 Nov 11:00 (America/Chicago)" in Effect.objects.get().payload["body"]
    assert RULES["touch"]["sentence"] in Effect.objects.get().payload["body"]
