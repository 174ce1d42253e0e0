"""Going on without meeting a check: who asks, who decides, until when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from definitions.evidence import exception_acts as acts
from definitions.evidence.exceptions import Waiver, exceptions_of, standing, waive
from definitions.models import Judgement
from definitions.services import refresh
from effects.models import Effect
from records.loading import load_batch
from records.models import Connection, Event, Record
from teams.models import Membership, Person, Role, Team
from tests.definitions.conftest import NOW, make_record
from tests.definitions.small_model import make_small_model

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("small_model")]

LATER = NOW + timedelta(days=14)
CHECK = {"section": "pipelines", "key": "new_business/negotiation"}
DEAL = {"pipeline": "New business", "stage": "Negotiation", "success_criteria": None, "amount": 9}


@pytest.fixture
def small_model(db: None, house_teams: dict[str, Team]) -> None:
    make_small_model()


def member(team: Team, name: str, role: Role = Role.REP, **more: Any) -> Person:
    person = Person.objects.create_user(f"{name.lower()}@fernhill.example", name=name, role=role, **more)
    Membership.objects.create(person=person, team=team, started_at=NOW - timedelta(days=100))
    return person


@pytest.fixture
def manager(house_teams: dict[str, Team]) -> Person:
    return member(house_teams["sales"], "Maro", Role.MANAGER)


@pytest.fixture
def rep(house_teams: dict[str, Team], manager: Person) -> Person:
    return member(house_teams["sales"], "Rilla", manager=manager)


@pytest.fixture
def deal(salesforce: Connection, rep: Person) -> Record:
    found = make_record(salesforce, "1", DEAL, object_name="deal")
    found.owner = rep
    found.save(update_fields=["owner"])
    judge(found)
    return found


def judge(record: Record, at: datetime = NOW) -> Judgement:
    refresh(load_batch([record.journey_id], at))  # type: ignore[list-item]  # it has a journey
    return Judgement.objects.get(record=record, **CHECK)


def ask(deal: Record, rep: Person, **more: Any) -> Waiver:
    told = {"reason": "Signs on Friday, criteria follow", "until": LATER, "act_key": "a", "now": NOW, **more}
    return acts.ask(deal, rep, **CHECK, **told)


def test_a_granted_exception_waives_what_is_missing_until_it_expires(
    deal: Record, rep: Person, manager: Person
) -> None:
    waiver = acts.grant(ask(deal, rep), deal, manager, act_key="g", now=NOW + timedelta(minutes=1))
    assert waiver.state == "granted"
    row = Judgement.objects.get(record=deal, **CHECK)
    assert (row.state, row.recheck_at) == ("waived", LATER)
    assert judge(deal, LATER).state == "missing"


def test_ended_early_it_is_missing_again(deal: Record, rep: Person, manager: Person) -> None:
    waiver = acts.grant(ask(deal, rep), deal, manager, act_key="g", now=NOW + timedelta(minutes=1))
    acts.end(waiver, deal, manager, act_key="e", now=NOW + timedelta(hours=1))
    assert Judgement.objects.get(record=deal, **CHECK).state == "missing"


def test_what_stands_is_told_by_the_events_alone(deal: Record, rep: Person, manager: Person) -> None:
    acts.grant(ask(deal, rep), deal, manager, act_key="g", now=NOW + timedelta(hours=1))
    journey = load_batch([deal.journey_id], NOW).journeys[deal.journey_id]  # type: ignore[list-item,index]  # it has one
    name = (CHECK["section"], CHECK["key"])
    assert list(standing(journey.events, NOW + timedelta(hours=2))) == [name]
    for at in (NOW, LATER, LATER + timedelta(days=1)):
        assert standing(journey.events, at) == {}
    [waiver] = exceptions_of(journey.events)
    assert waiver.state_at(LATER) == "expired"


@pytest.mark.parametrize(
    ("state", "exclusion", "expected"),
    [
        ("missing", "", "waived"),
        ("missing", "customer", "missing"),
        ("unknown", "", "unknown"),
        ("met", "", "met"),
    ],
)
def test_only_what_is_missing_is_waived(
    deal: Record, rep: Person, state: str, exclusion: str, expected: str
) -> None:
    waiver = ask(deal, rep)
    soon = NOW + timedelta(days=1)
    assert waive(state, soon, waiver, exclusion=exclusion) == (expected, soon)
    if expected == "waived":
        assert waive(state, None, waiver) == ("waived", LATER)


def test_the_same_key_asks_once_and_never_for_two_things(deal: Record, rep: Person) -> None:
    first = ask(deal, rep)
    assert ask(deal, rep) == first
    assert Event.objects.filter(kind="exception.requested").count() == 1
    with pytest.raises(acts.KeyReused):
        ask(deal, rep, reason="Something else")


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"until": NOW}, "until"),
        ({"until": NOW + timedelta(days=181)}, "until"),
    ],
)
def test_it_needs_a_reason_and_a_day_not_too_far(
    deal: Record, rep: Person, more: dict[str, Any], field: str
) -> None:
    with pytest.raises(acts.ExceptionError) as error:
        ask(deal, rep, **more)
    assert list(error.value.fields) == [field]


def test_nobody_asks_twice_or_for_what_is_not_missing(deal: Record, rep: Person) -> None:
    ask(deal, rep)
    with pytest.raises(acts.ExceptionError, match="already"):
        ask(deal, rep, act_key="b")
    Judgement.objects.filter(record=deal).update(state="met")
    Event.objects.filter(kind="exception.requested").delete()
    with pytest.raises(acts.ExceptionError, match="Nothing of this check"):
        ask(deal, rep, act_key="c")


def test_a_manager_of_the_owning_team_decides_and_nobody_for_themself(
    deal: Record, rep: Person, manager: Person, house_teams: dict[str, Team], admin: Person
) -> None:
    elsewhere = member(house_teams["marketing"], "Tesk", Role.MANAGER)
    colleague = member(house_teams["sales"], "Korin")
    waiver = ask(deal, rep)
    for person in (rep, colleague, elsewhere):
        with pytest.raises(acts.NotYours):
            acts.grant(waiver, deal, person, act_key="g", now=NOW)
    assert acts.grant(waiver, deal, admin, act_key="g", now=NOW + timedelta(hours=1)).state == "granted"


def test_nobody_decides_on_what_they_asked_for_themself(deal: Record, manager: Person) -> None:
    waiver = ask(deal, manager)
    with pytest.raises(acts.NotYours, match="themself"):
        acts.grant(waiver, deal, manager, act_key="g", now=NOW)


def test_a_refusal_says_why_and_is_final(deal: Record, rep: Person, manager: Person) -> None:
    waiver = ask(deal, rep)
    with pytest.raises(acts.ExceptionError, match="Say why not"):
        acts.refuse(waiver, deal, manager, note="", act_key="r", now=NOW)
    refused = acts.refuse(waiver, deal, manager, note="Not before legal", act_key="r", now=NOW + timedelta(1))
    assert (refused.state, refused.note) == ("refused", "Not before legal")
    with pytest.raises(acts.ExceptionError, match="meanwhile"):
        acts.grant(waiver, deal, manager, act_key="g", now=NOW + timedelta(2))
    assert Judgement.objects.get(record=deal, **CHECK).state == "missing"


def test_who_decides_and_who_asked_get_a_message(deal: Record, rep: Person, manager: Person) -> None:
    waiver = ask(deal, rep)
    acts.grant(waiver, deal, manager, act_key="g", now=NOW + timedelta(minutes=1))
    told = [(e.payload["person"], e.payload["title"].split(":")[0]) for e in Effect.objects.order_by("pk")]
    assert told == [
        (manager.pk, "Rilla asks for an exception"),
        (rep.pk, "Exception granted"),
    ]


# --- the page --------------------------------------------------------------------------------------------------


@pytest.fixture
def real_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("definitions.evidence.exception_views.now_utc", lambda: NOW + timedelta(minutes=5))


@pytest.fixture
def sign_in() -> Callable[[Person], Client]:
    def enter(person: Person) -> Client:
        client = Client()
        client.force_login(person)
        return client

    return enter


@pytest.mark.usefixtures("real_now")
def test_a_manager_grants_on_the_page(
    deal: Record, rep: Person, manager: Person, sign_in: Callable[[Person], Client]
) -> None:
    asked = sign_in(rep).post(
        reverse("definitions:ask_exception", args=[deal.pk]),
        {"section": CHECK["section"], "check": CHECK["key"], "reason": "Signs on Friday", "until": "2026-03-20",
         "act_key": "k"},
    )  # fmt: skip
    assert asked.status_code == 302
    [waiver] = acts.waivers_of([deal.pk])
    browser = sign_in(manager)
    page = browser.get(reverse("definitions:exceptions"))
    assert [line.may_decide for line in page.context["page"]] == [True]
    assert "New business: leaving Negotiation" in page.content.decode()
    browser.post(
        reverse("definitions:decide_exception", args=[waiver.id, "grant"]),
        {"until": "2026-03-10", "act_key": "g"},
    )
    page = browser.get(reverse("definitions:exceptions"))
    assert page.context["tab"] == "in_force"
    assert page.context["page"][0].waiver.until.date().isoformat() == "2026-03-10"
    assert [(g.name, g.granted, g.share) for g in page.context["grantings"]] == [("Maro", 1, None)]
    rows = browser.get(reverse("definitions:export_exceptions")).content.decode().splitlines()
    assert len(rows) == 2


@pytest.mark.usefixtures("real_now")
def test_a_mistake_comes_back_with_what_was_typed(
    deal: Record, rep: Person, sign_in: Callable[[Person], Client]
) -> None:
    answer = sign_in(rep).post(
        reverse("definitions:ask_exception", args=[deal.pk]),
        {"section": CHECK["section"], "check": CHECK["key"], "reason": "Signs on Friday", "until": "x"},
    )
    assert answer.status_code == 422
    assert "Signs on Friday" in answer.content.decode()


@pytest.mark.usefixtures("real_now")
def test_a_rep_reads_no_rates_of_managers(
    deal: Record, rep: Person, manager: Person, sign_in: Callable[[Person], Client]
) -> None:
    acts.grant(ask(deal, rep), deal, manager, act_key="g", now=NOW + timedelta(minutes=1))
    page = sign_in(rep).get(reverse("definitions:exceptions"))
    assert page.context["grantings"] == []
    assert [line.may_decide for line in page.context["page"]] == [False]


@pytest.mark.usefixtures("real_now")
def test_the_page_costs_the_same_for_one_and_for_many(
    salesforce: Connection, deal: Record, rep: Person, manager: Person,
    sign_in: Callable[[Person], Client], django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    ask(deal, rep)
    for number in range(2, 8):
        other = make_record(salesforce, str(number), DEAL, object_name="deal")
        judge(other)
        ask(other, rep, act_key=str(number))
    browser = sign_in(manager)
    browser.get(reverse("definitions:exceptions"))
    with django_assert_max_num_queries(12):
        browser.get(reverse("definitions:exceptions"))
