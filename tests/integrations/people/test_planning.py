"""What the owners of the CRMs mean for the people here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from integrations.people.planning import Change, Owner, Someone, State, loops, plan, suggest_team

SF, HS = 1, 2
DANA = Owner(1, (SF, "005D"), "Salesforce", 10, "Dana Okwell", "dana@fernhill.example", role="SDR Austin")
BOSS = Owner(
    2, (SF, "005M"), "Salesforce", 10, "Marisol Tann", "marisol@fernhill.example", role="SDR Manager"
)
HUB_DANA = Owner(3, (HS, "77"), "HubSpot", 20, "Dana Okwell", "Dana@Fernhill.example", teams=("Outbound",))
HERE = Someone(7, "Dana Okwell", "dana@fernhill.example", team=1)
RULES = {("role", "sdr austin"): 1, ("team", "outbound"): 1}


def one(owners: list[Owner], people: list[Someone] | None = None, rules: Any = RULES) -> Any:
    return plan(owners, people or [], rules)[0]


@pytest.mark.parametrize(
    ("owner", "people", "state"),
    [
        (DANA, [], State.NEW),
        (DANA, [HERE], State.SAME),
        (DANA, [replace(HERE, email="DANA@fernhill.example")], State.SAME),
        (replace(DANA, email="d@other.example"), [HERE], State.UNCLEAR),
        (replace(DANA, email="", name="Nobody Known"), [HERE], State.UNCLEAR),
        (replace(DANA, email="d@other.example", person=7), [HERE], State.SAME),
        (replace(DANA, name="HubSpot Integration"), [], State.UNCLEAR),
        (replace(DANA, name="Integra Sync-Bot"), [HERE], State.CHANGED),
        (replace(DANA, is_active=False), [], State.GONE),
        (replace(DANA, is_active=False), [HERE], State.LEFT),
        (replace(DANA, is_active=False), [replace(HERE, is_active=False)], State.SAME),
        (DANA, [replace(HERE, is_active=False)], State.CHANGED),
        (DANA, [replace(HERE, team=2)], State.CHANGED),
        (DANA, [replace(HERE, name="Dana O.")], State.CHANGED),
        (DANA, [replace(HERE, team=2, is_fixed=True)], State.SAME),
        (replace(DANA, settled={"out": True}), [], State.OUT),
        (replace(DANA, role="Something else"), [replace(HERE, team=2)], State.SAME),
    ],
)
def test_what_becomes_of_an_owner(owner: Owner, people: list[Someone], state: State) -> None:
    assert one([owner], people).state is state


def test_owners_of_several_crms_are_one_person() -> None:
    found = plan([DANA, HUB_DANA], [], RULES)
    assert [(p.state, [o.crm for o in p.owners]) for p in found] == [(State.NEW, ["Salesforce", "HubSpot"])]


def test_switched_off_in_one_of_two_crms_is_a_note_and_no_leaving() -> None:
    found = one([replace(DANA, is_active=False), HUB_DANA], [HERE])
    assert (found.state, found.notes) == (State.SAME, ("Switched off in Salesforce, not in HubSpot.",))
    both = [replace(DANA, is_active=False), replace(HUB_DANA, is_active=False)]
    assert one(both, [HERE]).state is State.LEFT


def test_the_crm_whose_word_comes_first_says_the_team() -> None:
    rules = {("role", "sdr austin"): 1, ("team", "outbound"): 2}
    found = one([DANA, HUB_DANA], [], rules)
    assert (found.wanted.team, found.notes) == (
        1,
        ("Salesforce, HubSpot say different teams; Salesforce counts.",),
    )
    assert one([HUB_DANA], [], rules).wanted.team == 2


def test_the_manager_comes_from_the_hierarchy_whether_here_or_not() -> None:
    dana = replace(DANA, manager=BOSS.key)
    here = plan([dana, BOSS], [HERE, Someone(9, "Marisol Tann", BOSS.email)], RULES)
    assert here[0].changes == (Change("manager", None, "p9"),)
    fresh = {p.wanted.name: p for p in plan([dana, BOSS], [], RULES)}
    assert fresh["Dana Okwell"].wanted.manager == "emarisol@fernhill.example"
    assert (fresh["Marisol Tann"].wanted.has_reports, fresh["Dana Okwell"].wanted.has_reports) == (
        True,
        False,
    )
    assert one([replace(DANA, manager=DANA.key)]).wanted.manager is None
    assert one([replace(DANA, manager=(SF, "gone"))]).wanted.manager is None


def test_what_was_decided_is_proposed_again_only_when_it_changes() -> None:
    moved = [replace(HERE, team=2)]
    first = one([DANA], moved)
    assert first.changes == (Change("team", 2, 1),)
    decided = replace(DANA, settled=first.settling(None))
    assert one([decided], moved).state is State.SAME
    assert one([decided], moved, {("role", "sdr austin"): 3}).changes == (Change("team", 2, 3),)
    assert one([replace(decided, name="Dana Okwell-Reed")], moved).changes == (
        Change("name", "Dana Okwell", "Dana Okwell-Reed"),
    )


def test_a_digest_changes_with_what_would_be_done() -> None:
    assert one([DANA]).digest == one([DANA]).digest
    assert one([DANA], [replace(HERE, team=2)]).digest != one([DANA], [HERE]).digest


@pytest.mark.parametrize(
    ("managers", "fresh", "looping"),
    [
        ({1: None, 2: 1}, {1: 2}, {1}),
        ({1: None, 2: None}, {1: 2}, set()),
        ({1: 2, 2: 3, 3: None}, {3: 1}, {3}),
        ({}, {1: 2, 2: 1}, {1, 2}),
        ({1: 1}, {2: 1}, set()),
    ],
)
def test_nobody_ends_up_above_themselves(
    managers: dict[int, int | None], fresh: dict[int, int], looping: set[int]
) -> None:
    assert loops(managers, fresh) == looping


@pytest.mark.parametrize(
    ("word", "team"),
    [
        ("SDR Austin", 1),
        ("sales", 2),
        ("Customer Success EMEA", 3),
        ("Janitors", None),
        ("AE Austin", None),
        ("", None),
    ],
)
def test_a_crms_word_suggests_the_team_it_sounds_like(word: str, team: int | None) -> None:
    teams = [(1, "sdr", "SDR"), (2, "sales", "Sales"), (3, "cs", "Customer Success")]
    assert suggest_team(word, teams) == team
