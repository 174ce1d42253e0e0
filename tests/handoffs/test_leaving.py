"""Somebody leaves: what is open goes to whoever is chosen, from now, and what was before stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from gtmops.pipeline import rebuild
from handoffs.fold import fold_handoff
from records.ids import record_id
from records.kinds import OWNER_GIVEN
from records.models import AskedChange, Connection, Event, OwnerMatch, Record
from scorecards.leaving.giving import (
    LeavingError,
    leave,
    options_for,
    progress_of,
    still_theirs,
)
from scorecards.leaving.open_work import Kind, leavers_with_work, open_work_of
from slas.models import Clock
from teams.models import Absence, Leaving, Membership, Person
from tests.handoffs.conftest import House

SignIn = Callable[[Person], Client]


@pytest.fixture
def ines(house: House) -> Person:
    return Person.objects.get(email="ines.kalderon@fernhill.example")


@pytest.fixture
def mate(house: House) -> Person:
    """Another SDR of the same units, who owns in HubSpot only."""
    found = (
        Person.objects.filter(
            memberships__team__key="sdr", memberships__ended_at=None, is_active=True, role="rep"
        )
        .filter(business_units__in=house.sdr.business_units.all())
        .exclude(pk=house.sdr.pk)
        .order_by("pk")[0]
    )
    hubspot = Connection.objects.get(name="hubspot")
    OwnerMatch.objects.create(connection=hubspot, remote_id="mate", name=found.name, person=found)
    return found


def to(person: Person) -> str:
    return f"p{person.pk}"


def deals(person: Person, count: int, stem: str = "D") -> list[Record]:
    crm = Connection.objects.get(name="salesforce")
    return Record.objects.bulk_create(
        [
            Record(
                id=record_id("salesforce", "Opportunity", f"{stem}{n}"), connection=crm, object="deal",
                remote_object="Opportunity", remote_id=f"{stem}{n}", title=f"Deal {n}", owner=person,
                values={"owner": "ae", "amount": 1000, "currency": "EUR", "is_closed": n >= count - 1},
            )
            for n in range(count)
        ]
    )  # fmt: skip


def test_a_handoff_goes_to_who_takes_it_until_the_crm_names_somebody_else(
    house: House, ines: Person, colleague: Person
) -> None:
    handoff = house.handoff()
    assert handoff.receiver == house.ae
    leave(house.ae, {Kind.HANDOFFS: to(colleague)}, by=ines, now=house.now, token="t")
    house.conclude()
    assert house.read().receiver == colleague
    list(rebuild(house.now))
    assert house.read().receiver == colleague
    house.say("salesforce", "Lead", "L1", house.now + timedelta(minutes=1), AE__c="sdr")
    house.conclude()
    assert house.read().receiver == house.sdr


def test_a_clock_is_the_takers_from_now(house: House, ines: Person, mate: Person) -> None:
    house.mql("900", house.now - timedelta(minutes=3))
    house.conclude()
    mine = Clock.objects.filter(owner=house.sdr, stopped_at=None, is_measured_only=False)
    assert mine.exists()
    before = set(mine.values_list("pk", flat=True))
    leave(house.sdr, {Kind.BUYERS: to(mate)}, by=ines, now=house.now, token="t")
    house.conclude(house.now + timedelta(minutes=2))
    assert not mine.exists()
    assert set(Clock.objects.filter(owner=mate, pk__in=before).values_list("pk", flat=True)) == before
    assert {c.receipt["holder"] for c in Clock.objects.filter(pk__in=before)} == {mate.name}


def test_the_crm_is_asked_where_owners_may_be_changed_and_the_rest_is_a_list(
    house: House, ines: Person, mate: Person
) -> None:
    Connection.objects.update(is_writing=True, is_writing_owner=True)
    Connection.objects.filter(name="salesforce").update(is_writing_owner=False)
    contact = house.mql("900", house.now - timedelta(hours=1))
    deals(house.sdr, 3)
    chosen = {Kind.BUYERS: to(mate), Kind.DEALS: to(mate)}
    leaving = leave(house.sdr, chosen, by=ines, now=house.now, token="t")
    told = leaving.given["kinds"]
    assert (told["buyers"]["asked"], told["buyers"]["by_hand"]) == (1, {})
    assert told["deals"]["by_hand"] == {f"{mate.name} is no owner in Salesforce.": 2}
    asked = AskedChange.objects.get()
    assert (asked.record, asked.values, asked.by) == (contact, {"owner": "mate"}, ines)
    assert asked.expected == {"owner": "sdr"}
    assert (progress_of(leaving).waiting, progress_of(leaving).done) == (1, 0)
    assert [r.title for r in still_theirs(ines, house.sdr, house.now)] == ["Deal 0", "Deal 1"]
    assert Event.objects.filter(kind=OWNER_GIVEN).count() == 3


def test_access_ends_and_whom_they_lead_and_cover_passes_on(
    house: House, ines: Person, colleague: Person
) -> None:
    below = Person.objects.create_user("below@fernhill.example", name="Below", manager=house.ae)
    below.business_units.set(house.ae.business_units.all())
    ahead, begun = (
        Absence.objects.create(
            person=below, cover=house.ae, starts_at=house.now + timedelta(days=d),
            ends_at=house.now + timedelta(days=d + 2),
        )
        for d in (3, -1)
    )  # fmt: skip
    chosen = {Kind.REPORTS: to(colleague), Kind.COVERS: to(colleague)}
    leave(house.ae, chosen, by=ines, now=house.now, token="t")
    for row in (below, ahead, begun, house.ae):
        row.refresh_from_db()
    assert (below.manager, ahead.cover, begun.cover) == (colleague, colleague, house.ae)
    assert not house.ae.is_active
    assert not Membership.objects.open().filter(person=house.ae).exists()


def test_it_happens_once_and_not_to_oneself(house: House, ines: Person, colleague: Person) -> None:
    first = leave(house.ae, {}, by=ines, now=house.now, token="t")
    assert leave(house.ae, {}, by=ines, now=house.now, token="t") == first
    assert Leaving.objects.count() == 1
    for person, chosen, words in (
        (ines, {}, "yourself"),
        (colleague, {Kind.DEALS: "p0"}, "works here"),
        (colleague, {Kind.DEALS: to(house.ae)}, "works here"),
        (colleague, {Kind.HANDOFFS: "q1"}, "works here"),
        (Person.objects.get(role="system_admin"), {}, "system admin"),
    ):
        with pytest.raises(LeavingError, match=words):
            leave(person, chosen, by=ines, now=house.now, token="u")
    assert colleague.is_active


def test_queues_of_other_and_of_disconnected_crms_are_not_offered(house: House, ines: Person) -> None:
    sandbox = Connection.objects.create(name="sandbox", label="Sandbox", kind="salesforce", is_sandbox=True)
    salesforce = Connection.objects.get(name="salesforce")
    queues = [
        OwnerMatch.objects.create(connection=crm, remote_id="00G2", kind="queue", name="Waiting")
        for crm in (sandbox, salesforce)
    ]

    def offered() -> list[bool]:
        values = {option.value for option in options_for(ines, house.ae)}
        return [f"q{queue.pk}" in values for queue in queues]

    assert offered() == [False, True]
    salesforce.disconnected_at = house.now
    salesforce.save()
    assert offered() == [False, False]


def test_a_queue_takes_records_of_its_own_crm_only(house: House, ines: Person) -> None:
    queue = OwnerMatch.objects.create(
        connection=Connection.objects.get(name="salesforce"), remote_id="00G1", kind="queue", name="Inbound"
    )
    assert any(option.value == f"q{queue.pk}" for option in options_for(ines, house.ae))
    deals(house.ae, 3)
    leaving = leave(house.ae, {Kind.DEALS: f"q{queue.pk}"}, by=ines, now=house.now, token="t")
    assert leaving.given["kinds"]["deals"]["name"] == "Inbound"
    assert Event.objects.filter(kind=OWNER_GIVEN, data__person=None, data__name="Inbound").count() == 2


def test_sixty_deals_cost_as_many_statements_as_three(house: House, ines: Person, colleague: Person) -> None:
    crm = Connection.objects.get(name="salesforce")
    OwnerMatch.objects.create(connection=crm, remote_id="mate", name=colleague.name, person=colleague)
    Connection.objects.update(is_writing=True, is_writing_owner=True)
    counts = []
    for size, person in ((3, house.ae), (60, house.sdr)):
        deals(person, size, stem=f"D{size}-")
        with CaptureQueriesContext(database) as told:
            leave(person, {Kind.DEALS: to(colleague)}, by=ines, now=house.now, token="t")
        counts.append(len(told))
    assert AskedChange.objects.count() == 61
    assert counts[1] <= counts[0]


def test_the_page_says_what_is_open_gives_it_and_lists_the_rest(
    house: House, ines: Person, colleague: Person, signed_in: SignIn
) -> None:
    house.handoff()
    deals(house.ae, 4)
    house.conclude()
    work = open_work_of(ines, house.ae, house.now)
    assert {line.kind: line.n for line in work.lines}[Kind.DEALS] == 3
    page = reverse("people:leaver", args=[house.ae.pk])
    client = signed_in(ines)
    html = client.get(page).content.decode()
    assert "3 open deals" in html
    assert "EUR 3,000" in html
    assert client.post(page, {"deals": "p0", "token": "t"}).status_code == 422
    answer = client.post(page, {"deals": to(colleague), "handoffs": to(colleague), "token": "t"}, follow=True)
    html = answer.content.decode()
    assert f"3 open deals to {colleague.name}" in html
    assert "Still theirs in the CRM: 3" in html
    assert [one.person for one in leavers_with_work(ines) if one.person == house.ae] == [house.ae]
    assert house.ae.name in client.get(reverse("people:leavers")).content.decode()
    export = client.get(reverse("people:leaver_export", args=[house.ae.pk])).content.decode()
    assert export.count("Deal ") == 3


def test_what_is_on_its_way_is_not_offered_again(
    house: House, ines: Person, colleague: Person, signed_in: SignIn
) -> None:
    Connection.objects.update(is_writing=True, is_writing_owner=True)
    crm = Connection.objects.get(name="salesforce")
    OwnerMatch.objects.update_or_create(
        connection=crm, remote_id="mate", defaults={"name": colleague.name, "person": colleague}
    )
    house.handoff()
    deals(house.ae, 4)
    house.conclude()
    page, client = reverse("people:leaver", args=[house.ae.pk]), signed_in(ines)
    client.post(page, {"deals": to(colleague), "handoffs": to(colleague), "token": "t"})
    work = open_work_of(ines, house.ae, house.now)
    assert (work.lines, work.on_its_way) == ((), 4)
    html = client.get(page).content.decode()
    assert "All is given away" in html
    assert "being worked in" in html
    assert "Give it away" not in html
    # A second try, from a page that somebody had open, finds nothing to give.
    leave(
        house.ae, {Kind.DEALS: to(house.sdr), Kind.HANDOFFS: to(house.sdr)}, by=ines, now=house.now, token="u"
    )
    assert AskedChange.objects.count() == 3
    house.conclude()
    assert house.read().receiver == colleague
    # The CRM took one, and was read; took one, and was not read; refused the third.
    rows = list(AskedChange.objects.order_by("record__title"))
    for row, state, echoes in zip(
        rows, ("done", "done", "refused"), ({"owner": "polled"}, {}, {}), strict=True
    ):
        AskedChange.objects.filter(pk=row.pk).update(state=state, echoes=echoes, finished_at=house.now)
    Record.objects.filter(pk=rows[0].record_id).update(owner=colleague)
    work = open_work_of(ines, house.ae, house.now)
    assert ([line.text for line in work.lines], work.on_its_way) == (["1 open deal"], 1)
    assert [r.pk for r in still_theirs(ines, house.ae, house.now)] == [rows[2].record_id]
    assert open_work_of(ines, house.ae, house.now + timedelta(hours=2)).on_its_way == 0


def test_what_was_named_since_is_not_given_away(house: House, colleague: Person) -> None:
    handoff = house.handoff()
    event = Event(
        pk=1, kind="handoff.given", occurred_at=house.now,
        data={"side": "receiver", "was": house.ae.pk, "person": colleague.pk},
    )  # fmt: skip
    said = {"sender_id": None, "receiver_id": house.sdr.pk}
    folded = fold_handoff(handoff.pk, house.now, [event], **said)  # type: ignore[list-item]  # what it reads is there
    assert folded.receiver_id == house.sdr.pk
