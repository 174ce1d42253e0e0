"""What a page says of a judgement: excluded, by which variant, on paper, by exception; and to whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from definitions.evidence import exception_acts as acts
from definitions.evidence.visibility import judged_as, state_for
from definitions.judging.checklists import Check, checklist, checklists
from definitions.models import Judgement
from definitions.services import refresh
from records.loading import load_batch
from records.models import Connection, Record
from teams.models import Person, Role, Team
from tests.definitions.conftest import NOW, make_record
from tests.definitions.small_model import make_small_model
from tests.definitions.test_exceptions import DEAL, LATER, member

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_model")]

LEAD = {"fleet_size": 40, "demo_requested_at": "2026-03-01T10:00:00Z", "pain": None, "relationship": None}


@pytest.fixture
def small_model(db: None, house_teams: dict[str, Team]) -> None:
    make_small_model()


def owned(connection: Connection, values: dict[str, Any], owner: Person | None = None, **more: Any) -> Record:
    found = make_record(connection, "1", values, **more)
    found.owner = owner
    found.save(update_fields=["owner"])
    refresh(load_batch([found.journey_id], NOW))  # type: ignore[list-item]  # it has a journey
    return found


def shown(record: Record, viewer: Person | None = None) -> Check:
    return checklist(record, NOW, viewer=viewer)[0]


@pytest.mark.parametrize(
    ("values", "state", "variant", "sentence"),
    [
        (LEAD, "missing", "Everyone else", "Not an MQL: 1 of 3 conditions missing."),
        (LEAD | {"fleet_size": 800}, "met", "Enterprise", "An MQL: the condition is met."),
        (LEAD | {"fleet_size": 800, "demo_requested_at": None}, "missing", "Enterprise",
         "Not an MQL: 1 of 1 condition missing."),
    ],
)  # fmt: skip
def test_the_variant_that_counted_is_said(
    hubspot: Connection, values: dict[str, Any], state: str, variant: str, sentence: str
) -> None:
    check = shown(owned(hubspot, values))
    assert (check.state, check.variant, check.sentence) == (state, variant, sentence)


def test_an_exclusion_stands_above_all_with_what_made_it_hold(hubspot: Connection) -> None:
    check = shown(owned(hubspot, LEAD | {"relationship": "customer", "pain": "Downtime in Kiel"}))
    assert check.sentence == "Excluded: Existing customer. Goes to Customer Success."
    assert check.excluded is not None
    assert [(c.field, c.seen) for c in check.excluded.conditions] == [("relationship", "customer")]
    assert (check.parts, check.may_be_excepted) == ((), False)


def test_an_exclusion_that_nobody_can_tell_is_one_thing_that_cant_be_told(hubspot: Connection) -> None:
    values = {k: v for k, v in LEAD.items() if k != "relationship"} | {"pain": "Downtime in Kiel"}
    check = shown(owned(hubspot, values))
    assert check.sentence == "Can't tell (MQL): 1 of 4 conditions can't be read."
    assert check.parts[0].text == "not excluded as “Existing customer”"


@pytest.fixture
def manager(house_teams: dict[str, Team]) -> Person:
    return member(house_teams["sales"], "Maro", Role.MANAGER)


@pytest.fixture
def rep(house_teams: dict[str, Team], manager: Person) -> Person:
    return member(house_teams["sales"], "Rilla", manager=manager)


@pytest.fixture
def filled(salesforce: Connection, rep: Person) -> Record:
    return owned(salesforce, DEAL | {"success_criteria": "tbd"}, rep, object_name="deal")


def test_filler_is_said_to_the_owner_and_their_manager_only(
    filled: Record, rep: Person, manager: Person, admin: Person, house_teams: dict[str, Team]
) -> None:
    stored = Judgement.objects.get(record=filled)
    assert stored.state == "on_paper"
    colleague = member(house_teams["sales"], "Korin")
    for viewer in (rep, manager):
        check = shown(filled, viewer)
        assert check.sentence == "Ready to leave Negotiation on paper: 1 of 2 conditions may be filler."
        assert [part.state for part in check.parts] == ["on_paper", "met"]
        assert check.parts[0].doubts == ["This stands for an answer that was not given."]
    for other in (colleague, admin, None):
        check = shown(filled, other)
        assert (check.state, check.sentence) == (
            "met",
            "Ready to leave Negotiation: all 2 conditions are met.",
        )
        assert [(part.state, part.doubts) for part in check.parts] == [("met", []), ("met", [])]


def test_filler_in_a_definition_is_said_to_the_owner_too(
    hubspot: Connection, rep: Person, admin: Person
) -> None:
    lead = owned(hubspot, LEAD | {"pain": "tbd"}, rep)
    assert shown(lead, rep).sentence == "An MQL on paper: 1 of 3 conditions may be filler."
    assert shown(lead, admin).sentence == "An MQL: all 3 conditions are met."


def test_lists_and_states_follow_the_same_rule(
    filled: Record, rep: Person, manager: Person, admin: Person
) -> None:
    for viewer, state in ((rep, "on_paper"), (manager, "on_paper"), (admin, "met")):
        assert state_for(viewer, "on_paper", rep) == state
        for asked in ("met", "on_paper", "missing"):
            found = Judgement.objects.filter(judged_as(asked, viewer), record=filled).exists()
            assert found is (asked == state)
    assert state_for(rep, "on_paper", None) == "met"
    Record.objects.update(owner=None)
    assert Judgement.objects.filter(judged_as("met", rep), record=filled).exists()


def test_an_exception_is_said_with_who_asked_and_until_when(
    salesforce: Connection, rep: Person, manager: Person
) -> None:
    deal = owned(salesforce, DEAL, rep, object_name="deal")
    key = {"section": "pipelines", "key": "new_business/negotiation"}
    waiver = acts.ask(deal, rep, **key, reason="Signs on Friday", until=LATER, act_key="a", now=NOW)

    def look() -> Check:
        return checklists([deal.pk], NOW + timedelta(hours=1), waivers=acts.waivers_of([deal.pk]))[deal.pk][0]

    assert look().asked == waiver
    assert not look().may_be_excepted
    acts.grant(waiver, deal, manager, act_key="g", now=NOW + timedelta(minutes=1))
    check = look()
    assert (check.state, check.sentence) == ("waived", "May leave Negotiation by exception.")
    assert check.waiver is not None
    assert (check.waiver.requested_by, check.waiver.until) == (rep.pk, LATER)


def test_the_number_of_queries_does_not_grow_with_the_records(hubspot: Connection) -> None:
    records = [make_record(hubspot, str(i), LEAD) for i in range(6)]
    refresh(load_batch([r.journey_id for r in records if r.journey_id], NOW))

    def queries(some: list[Record]) -> int:
        with CaptureQueriesContext(database) as captured:
            assert len(checklists([r.pk for r in some], NOW)) == len(some)
        return len(captured)

    assert queries(records) == queries(records[:1])
