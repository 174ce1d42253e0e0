"""Which records make one journey, and that links can be withdrawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from records.incoming import IncomingRecord
from records.journeys import components, relink
from records.models import Connection, Journey, LinkKey, Record
from records.services import store_page
from tests.records.conftest import NOON

Contact = Callable[..., IncomingRecord]


def lead(remote_id: str, *, email: str | None = None, deal: str | None = None) -> IncomingRecord:
    values = {"Email": email, "Status": "Open", "ConvertedOpportunityId": deal}
    return IncomingRecord("Lead", remote_id, values, modified_at=NOON, created_at=NOON)


def all_ids() -> list[object]:
    return list(Record.objects.values_list("pk", flat=True))


def test_same_email_cross_id_and_conversion_join(
    hubspot: Connection, salesforce: Connection, contact: Contact
) -> None:
    store_page(hubspot, [contact("1", email="a@x.example"), contact("2", salesforceleadid="L2")], now=NOON)
    store_page(salesforce, [lead("L1", email="A@x.example", deal="O1"), lead("L2")], now=NOON)
    deal = IncomingRecord("Opportunity", "O1", {"Name": "Kestrel"}, modified_at=NOON)
    store_page(salesforce, [deal], now=NOON)
    relink(all_ids())
    groups = {frozenset(j.records.values_list("remote_id", flat=True)) for j in Journey.objects.all()}
    assert groups == {frozenset({"1", "L1", "O1"}), frozenset({"2", "L2"})}


def test_a_sandbox_joins_nobody_of_production(
    hubspot: Connection, salesforce: Connection, contact: Contact
) -> None:
    store_page(hubspot, [contact("1", email="a@x.example")], now=NOON)
    salesforce.is_sandbox = True
    salesforce.save()
    store_page(salesforce, [lead("L1", email="a@x.example"), lead("L2", email="A@x.example")], now=NOON)
    relink(all_ids())
    groups = {frozenset(j.records.values_list("remote_id", flat=True)) for j in Journey.objects.all()}
    assert groups == {frozenset({"1"}), frozenset({"L1", "L2"})}


def test_who_is_read_again_from_what_turned_out_to_be_a_sandbox_leaves_production(
    hubspot: Connection, salesforce: Connection, contact: Contact
) -> None:
    store_page(hubspot, [contact("1", email="a@x.example")], now=NOON)
    store_page(salesforce, [lead("L1", email="a@x.example")], now=NOON)
    salesforce.is_sandbox = True
    salesforce.save()
    store_page(salesforce, [lead("L1", email="a@x.example")], now=NOON)
    relink(all_ids())
    assert Journey.objects.filter(records__isnull=False).distinct().count() == 2


def test_an_activity_hangs_on_its_person_even_when_it_came_first(
    hubspot: Connection, salesforce: Connection
) -> None:
    call = IncomingRecord("Task", "T1", {"WhoId": "L1", "Subject": "Call"}, modified_at=NOON)
    store_page(salesforce, [call], now=NOON)
    relink(all_ids())
    assert Record.objects.get(remote_id="T1").journey is None
    store_page(salesforce, [lead("L1")], now=NOON)
    relink([Record.objects.get(remote_id="L1").pk])
    assert Record.objects.get(remote_id="T1").journey == Record.objects.get(remote_id="L1").journey


def test_an_activity_with_two_people_joins_nobody(hubspot: Connection, contact: Contact) -> None:
    store_page(hubspot, [contact("1"), contact("2")], now=NOON)
    call = IncomingRecord(
        "calls", "9", {"hs_timestamp": "2026-03-02T12:00:00Z"}, modified_at=NOON,
        links=(("contacts", "1"), ("contacts", "2")),
    )  # fmt: skip
    store_page(hubspot, [call], now=NOON)
    relink(all_ids())
    assert Journey.objects.count() == 2


def test_an_activity_stays_with_the_first_of_two_people_whoever_was_touched_last(
    hubspot: Connection, contact: Contact
) -> None:
    store_page(hubspot, [contact("1"), contact("2")], now=NOON)
    call = IncomingRecord(
        "calls", "9", {"hs_timestamp": "2026-03-02T12:00:00Z"}, modified_at=NOON,
        links=(("contacts", "1"), ("contacts", "2")),
    )  # fmt: skip
    store_page(hubspot, [call], now=NOON)
    relink(all_ids())
    first = Record.objects.get(remote_id="1")
    relink([Record.objects.get(remote_id="2").pk])
    assert Record.objects.get(remote_id="9").journey == first.journey


def test_an_activity_that_lost_its_person_leaves_that_journey_to_be_concluded(
    hubspot: Connection, contact: Contact
) -> None:
    store_page(hubspot, [contact("1")], now=NOON)
    call = IncomingRecord(
        "calls", "9", {"hs_timestamp": "2026-03-02T12:00:00Z"}, modified_at=NOON, links=(("contacts", "1"),)
    )
    store_page(hubspot, [call], now=NOON)
    relink(all_ids())
    activity = Record.objects.get(remote_id="9")
    LinkKey.objects.filter(record=activity).update(key="id:hubspot:contacts:gone")
    assert activity.journey_id in relink([activity.pk])
    assert Record.objects.get(remote_id="9").journey is None


def test_a_withdrawn_link_splits_and_an_empty_journey_goes(
    hubspot: Connection, salesforce: Connection, contact: Contact
) -> None:
    store_page(hubspot, [contact("1", email="a@x.example")], now=NOON)
    store_page(salesforce, [lead("L1", email="a@x.example")], now=NOON)
    relink(all_ids())
    assert Journey.objects.count() == 1
    later = NOON + timedelta(hours=1)
    store_page(hubspot, [contact("1", email="b@x.example", at=later)], now=later)
    relink([Record.objects.get(remote_id="1").pk])
    assert Journey.objects.count() == 2
    assert Record.objects.get(remote_id="L1").journey.key == "salesforce:Lead:L1"  # type: ignore[union-attr]


@given(st.dictionaries(st.uuids(), st.sets(st.sampled_from("abcdefgh"), max_size=3), max_size=12))
def test_components_are_the_reachable_sets(links: dict[object, set[str]]) -> None:
    groups = components(links)  # type: ignore[arg-type]
    assert sorted(pk for group in groups for pk in group) == sorted(links)
    for group in groups:
        outside = set(links) - group
        keys = {k for pk in group for k in links[pk]}
        assert not any(links[pk] & keys for pk in outside)
