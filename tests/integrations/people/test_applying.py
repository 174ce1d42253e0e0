"""An admin confirms what the owners of the CRMs mean, and it is done once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from effects.models import Effect
from effects.tick import now_utc
from integrations.base import RemoteOwner
from integrations.owners import store_owners
from integrations.people.applying import apply, load_plan
from integrations.people.planning import State
from integrations.people.showing import load_queues
from records.ids import record_id
from records.models import Connection, Journey, OwnerMatch, Record, Touched
from teams.models import BusinessUnit, Membership, PeopleRule, PeopleSetting, Person, Role, Team

Owners = Callable[..., None]


@pytest.fixture
def unit(db: None) -> BusinessUnit:
    return BusinessUnit.objects.create(key="fleet", name="Fleet")


@pytest.fixture
def ines(unit: BusinessUnit) -> Person:
    person = Person.objects.create_user(
        "ines@fernhill.example", name="Ines Kalderon", role=Role.REVOPS_ADMIN, time_zone="Europe/Berlin"
    )
    person.business_units.add(unit)
    return person


@pytest.fixture
def sdr(db: None) -> Team:
    team = Team.objects.create(key="sdr", name="SDR")
    PeopleRule.objects.create(source="role", text="SDR Austin", team=team)
    return team


@pytest.fixture
def crm(db: None) -> dict[str, Connection]:
    return {
        "sf": Connection.objects.create(name="sf", label="Salesforce", kind="salesforce", source_order=10),
        "hs": Connection.objects.create(name="hs", label="HubSpot", kind="hubspot", source_order=20),
    }


DANA = RemoteOwner("d", "Dana Okwell", "dana@fernhill.example", role="SDR Austin", manager_id="m")
BOSS = RemoteOwner("m", "Marisol Tann", "marisol@fernhill.example", role="Boss")
HUB_DANA = RemoteOwner("77", "Dana Okwell", "Dana@fernhill.example", teams=("Outbound",))
QUEUE = RemoteOwner("q", "Inbound", kind="queue", members=("d", "m"))


def do_all(by: Person, **more: Any) -> Any:
    chosen = {one.key: ("apply", one.digest) for one in load_plan(by, now_utc())}
    return apply(chosen, by=by, now=now_utc(), **more)


def states(by: Person) -> dict[str, State]:
    return {one.wanted.name: one.state for one in load_plan(by, now_utc())}


def test_owners_become_people_with_team_manager_role_and_unit(
    crm: dict[str, Connection], ines: Person, sdr: Team, unit: BusinessUnit
) -> None:
    store_owners(crm["sf"], [DANA, BOSS, QUEUE])
    store_owners(crm["hs"], [HUB_DANA])
    result = do_all(ines, units=[unit])
    assert sorted(p.name for p in result.created) == ["Dana Okwell", "Marisol Tann"]
    dana = Person.objects.get(email="dana@fernhill.example")
    assert (dana.manager and dana.manager.name, dana.role, dana.time_zone) == (
        "Marisol Tann",
        "rep",
        "Europe/Berlin",
    )
    assert (Person.objects.get(name="Marisol Tann").role, dana.has_usable_password()) == ("manager", False)
    assert Membership.objects.open().get(person=dana).team == sdr
    assert list(dana.business_units.all()) == [unit]
    assert set(OwnerMatch.objects.filter(person=dana).values_list("connection__name", flat=True)) == {
        "sf",
        "hs",
    }
    assert states(ines) == {"Dana Okwell": State.SAME, "Marisol Tann": State.SAME}
    assert do_all(ines).lines == []


def test_what_they_own_is_concluded_anew(crm: dict[str, Connection], ines: Person) -> None:
    journey = Journey.objects.create(id=record_id("a", "b", "c"), key="k")
    record = Record.objects.create(
        id=record_id("sf", "Lead", "1"), connection=crm["sf"], object="person", remote_object="Lead", remote_id="1",
        values={"owner": "d"}, journey=journey,
    )  # fmt: skip
    store_owners(crm["sf"], [DANA])
    do_all(ines)
    record.refresh_from_db()
    assert str(record.owner) == "Dana Okwell"
    assert Touched.objects.filter(record=record).exists()


def test_a_second_run_proposes_only_what_changed_since(
    crm: dict[str, Connection], ines: Person, sdr: Team
) -> None:
    store_owners(crm["sf"], [DANA, BOSS])
    do_all(ines)
    dana = Person.objects.get(email="dana@fernhill.example")
    sales = Team.objects.create(key="sales", name="Sales")
    Membership.objects.filter(person=dana).update(team=sales)
    assert states(ines)["Dana Okwell"] is State.SAME
    PeopleRule.objects.create(source="role", text="Closer", team=sdr)
    store_owners(
        crm["sf"], [RemoteOwner("d", "Dana Okwell", DANA.email, role="closer", manager_id="m"), BOSS]
    )
    assert states(ines)["Dana Okwell"] is State.SAME, "the team that was settled is the same"
    PeopleRule.objects.filter(text="Closer").update(team=Team.objects.create(key="ae", name="AE"))
    assert states(ines)["Dana Okwell"] is State.CHANGED
    result = do_all(ines)
    assert result.moved == 1
    stays = Membership.objects.filter(person=dana).order_by("started_at").values_list("team__key", "ended_at")
    assert [(key, end is None) for key, end in stays] == [("sales", False), ("ae", True)]


def test_who_is_left_out_or_somebody_else_is_remembered(crm: dict[str, Connection], ines: Person) -> None:
    store_owners(crm["sf"], [RemoteOwner("i", "Data User", "data@fernhill.example"), BOSS])
    store_owners(crm["hs"], [RemoteOwner("9", "Ines Kalderon", "i.kalderon@fernhill.example")])
    plan = {one.wanted.name: one for one in load_plan(ines, now_utc())}
    assert plan["Ines Kalderon"].state is State.UNCLEAR
    choices = {
        plan["Data User"].key: ("out", plan["Data User"].digest),
        plan["Ines Kalderon"].key: (f"same:{ines.pk}", plan["Ines Kalderon"].digest),
        plan["Marisol Tann"].key: ("apply", "an older page"),
    }
    result = apply(choices, by=ines, now=now_utc())
    assert (result.left_out, result.joined, [name for name, _ in result.skipped]) == (1, 1, ["Marisol Tann"])
    assert OwnerMatch.objects.get(remote_id="9").person == ines
    assert states(ines) == {
        "Data User": State.OUT, "Ines Kalderon": State.SAME, "Marisol Tann": State.NEW,
    }  # fmt: skip
    out = next(one for one in load_plan(ines, now_utc()) if one.state is State.OUT)
    apply({out.key: ("keep", out.digest)}, by=ines, now=now_utc())
    assert states(ines)["Data User"] is State.NEW


def test_somebody_of_another_business_unit_is_nobodys_to_decide(
    crm: dict[str, Connection], ines: Person
) -> None:
    other = Person.objects.create_user("wanda@fernhill.example", name="Wanda")
    other.business_units.add(BusinessUnit.objects.create(key="yards", name="Yards"))
    store_owners(crm["sf"], [RemoteOwner("w", "Wanda New", "wanda@fernhill.example")])
    assert load_plan(ines, now_utc()) == []
    root = Person.objects.create_user("root@fernhill.example", name="Root", role=Role.SYSTEM_ADMIN)
    store_owners(crm["sf"], [RemoteOwner("r", "Root New", root.email)])
    assert states(ines) == {"Root New": State.SAME}


@pytest.mark.parametrize(("at_once", "is_active"), [(False, True), (True, False)])
def test_whoever_is_switched_off_everywhere_is_told_of_and_may_lose_access_at_once(
    crm: dict[str, Connection], ines: Person, sdr: Team, at_once: bool, is_active: bool
) -> None:
    PeopleSetting.objects.create(deactivates_at_once=at_once)
    store_owners(crm["sf"], [DANA])
    store_owners(crm["hs"], [HUB_DANA])
    do_all(ines)
    off = {"is_active": False}
    store_owners(crm["sf"], [RemoteOwner("d", DANA.name, DANA.email, **off)])  # type: ignore[arg-type]  # one flag
    assert not Effect.objects.exists()
    store_owners(crm["hs"], [RemoteOwner("77", DANA.name, DANA.email, **off)])  # type: ignore[arg-type]  # one flag
    dana = Person.objects.get(email=DANA.email)
    assert (dana.is_active, Membership.objects.open().filter(person=dana).exists()) == (is_active, is_active)
    effect = Effect.objects.get()
    assert (effect.payload["person"], effect.payload["title"]) == (
        ines.pk, "Dana Okwell was switched off in the CRM",
    )  # fmt: skip


def test_an_admin_is_never_locked_out_by_a_crm(crm: dict[str, Connection], ines: Person) -> None:
    PeopleSetting.objects.create(deactivates_at_once=True)
    store_owners(crm["sf"], [RemoteOwner("i", ines.name, ines.email)])
    store_owners(crm["sf"], [RemoteOwner("i", ines.name, ines.email, is_active=False)])
    assert Person.objects.get(pk=ines.pk).is_active


def test_a_queue_says_who_takes_from_it(crm: dict[str, Connection]) -> None:
    gone = RemoteOwner("d", DANA.name, DANA.email, is_active=False)
    empty = RemoteOwner("e", "Empty", kind="queue", members=())
    silent = RemoteOwner("s", "Silent", kind="queue")
    alone = RemoteOwner("a", "Alone", kind="queue", members=("d",))
    store_owners(crm["sf"], [gone, BOSS, QUEUE, empty, silent, alone])
    found = {queue.name: queue for queue in load_queues()}
    assert found["Inbound"].members == (("Dana Okwell", False), ("Marisol Tann", True))
    assert {name for name, queue in found.items() if queue.is_unwatched} == {"Empty", "Alone"}


def test_many_people_cost_as_many_statements_as_few(
    crm: dict[str, Connection], ines: Person, sdr: Team
) -> None:
    counts = []
    for size, stem in ((3, "a"), (60, "b")):
        store_owners(
            crm["sf"],
            [
                RemoteOwner(
                    f"{stem}{n}",
                    f"{stem}{n}",
                    f"{stem}{n}@fernhill.example",
                    role="SDR Austin",
                    manager_id=f"{stem}0",
                )
                for n in range(size)
            ],
        )
        with CaptureQueriesContext(database) as told:
            result = do_all(ines)
        assert len(result.created) == size
        counts.append(len(told))
    assert counts[0] == counts[1] < 45


def test_the_page_shows_filters_confirms_and_exports(
    client: Client, crm: dict[str, Connection], ines: Person, sdr: Team, unit: BusinessUnit
) -> None:
    client.force_login(ines)
    page = reverse("integrations:people")
    assert b"No owner is known yet" in client.get(page).content
    store_owners(crm["sf"], [DANA, BOSS, QUEUE])
    html = client.get(page).content.decode()
    assert "2 wait for a decision" in html
    assert "Leads people there" in html
    assert BOSS.email not in client.get(page, {"q": "sdr austin"}).content.decode()
    assert "Dana Okwell, Marisol Tann" in client.get(page, {"state": "queues"}).content.decode()
    assert "Dana Okwell" in client.get(reverse("integrations:people_export")).content.decode()
    told = client.post(page, {"all": "1", "units": [unit.pk]}).content.decode()
    assert "2 people were added." in told
    assert "Nothing to decide" in client.get(page).content.decode()


def test_the_rules_are_edited_and_make_teams(
    client: Client, crm: dict[str, Connection], ines: Person, sdr: Team
) -> None:
    client.force_login(ines)
    store_owners(crm["sf"], [DANA, BOSS])
    page = reverse("integrations:people_rules")
    html = client.get(page).content.decode()
    assert "SDR Austin" in html
    answer = client.post(page, {"role:Boss": "new", "role:SDR Austin": "", "deactivates_at_once": "on"})
    assert answer.status_code == 302
    assert Team.objects.get(key="boss").name == "Boss"
    assert dict(PeopleRule.objects.values_list("text", "team__key")) == {"SDR Austin": None, "Boss": "boss"}
    assert PeopleSetting.objects.get().deactivates_at_once
