"""What people say of two records stands, whatever is pulled or rebuilt after it, until somebody takes it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from gtmops.pipeline import rebuild
from records.matching import linking
from records.matching.linking import LinkError, join_account, join_buyer, split_account, stand_alone, undo
from records.models import Event, ManualLink, Record
from teams.models import Person
from tests.records.matching.conftest import NOW, account_of, conclude

LATER = NOW + timedelta(hours=1)
Tell = Callable[..., Record]
Key = Callable[[], str]


def buyers(*records: Record) -> int:
    """Of how many buyers these records are."""
    return len(
        set(Record.objects.filter(pk__in=[r.pk for r in records]).values_list("journey_id", flat=True))
    )


def fresh(record: Record) -> Record:
    return Record.objects.select_related("connection").get(pk=record.pk)


@pytest.fixture
def two(tell: Tell) -> tuple[Record, Record]:
    return (
        tell("hubspot", "contacts", "1", email="mara@kestrel.example"),
        tell("salesforce", "Lead", "L1", Email="m.lind@kestrel.example"),
    )


def test_two_records_are_joined_and_parted_again(two: tuple[Record, Record], ines: Person, key: Key) -> None:
    assert buyers(*two) == 2
    link = join_buyer(*two, by=ines, why="Same person, second address", key=key(), now=NOW)
    conclude()
    assert buyers(*two) == 1
    assert undo(link, by=ines, now=LATER)
    assert not undo(link, by=ines, now=LATER)
    conclude()
    assert buyers(*two) == 2
    told = Event.objects.filter(kind__startswith="link.").order_by("pk").values_list("kind", "actor__name")
    assert list(told) == [("link.joined", "Ines Kalderon"), ("link.undone", "Ines Kalderon")]


def test_a_join_survives_another_pull_and_a_rebuild(
    two: tuple[Record, Record], tell: Tell, ines: Person, key: Key
) -> None:
    join_buyer(*two, by=ines, why="", key=key(), now=NOW)
    tell("hubspot", "contacts", "1", email="mara@new.example", at=LATER)
    assert buyers(*two) == 1
    ManualLink.objects.all().delete()
    list(rebuild(LATER))
    assert buyers(*two) == 1
    assert ManualLink.objects.get().by == ines


def test_a_record_that_shares_an_address_can_stand_by_itself(tell: Tell, ines: Person, key: Key) -> None:
    lead = tell("salesforce", "Lead", "L1", Email="info@kestrel.example")
    contact = tell("hubspot", "contacts", "1", email="info@kestrel.example", salesforceleadid="L1")
    third = tell("salesforce", "Contact", "C1", Email="info@kestrel.example")
    assert buyers(lead, contact, third) == 1
    link = stand_alone(fresh(lead), by=ines, why="A shared mailbox", key=key(), now=NOW)
    conclude()
    assert buyers(contact, third) == 1
    assert buyers(lead, contact) == 2
    tell("salesforce", "Lead", "L1", Email="info@kestrel.example", Company="Kestrel", at=LATER)
    tell(
        "hubspot", "contacts", "1", email="info@kestrel.example", salesforceleadid="L1", company="K", at=LATER
    )
    ManualLink.objects.all().delete()
    list(rebuild(LATER))
    assert buyers(lead, contact) == 2
    undo(link, by=ines, now=LATER)
    conclude()
    assert buyers(lead, contact, third) == 1


def test_standing_alone_ends_what_was_joined_before_and_a_join_after_it_holds(
    two: tuple[Record, Record], ines: Person, key: Key
) -> None:
    join_buyer(*two, by=ines, why="", key=key(), now=NOW)
    conclude()
    stand_alone(fresh(two[1]), by=ines, why="", key=key(), now=LATER)
    conclude()
    assert buyers(*two) == 2
    join_buyer(fresh(two[0]), fresh(two[1]), by=ines, why="", key=key(), now=LATER + timedelta(minutes=1))
    conclude()
    assert buyers(*two) == 1
    rows = set(ManualLink.objects.values_list("is_joined", "undone_at"))
    linking.rebuild_links()
    assert set(ManualLink.objects.values_list("is_joined", "undone_at")) == rows
    assert len(rows) == 3


def test_an_account_is_chosen_and_refused_by_hand(tell: Tell, ines: Person, key: Key) -> None:
    one = tell("salesforce", "Account", "A1", Name="Kestrel", Website="kestrel.example")
    two = tell("salesforce", "Account", "A2", Name="Kestrel Rail", Website="kestrel.example")
    lead = tell("salesforce", "Lead", "L1", Email="mara@kestrel.example")
    assert account_of(lead) == ("exact", "")
    refused = split_account(fresh(lead), two, by=ines, why="", key=key(), now=NOW)
    conclude()
    assert account_of(lead) == ("exact", "A1")
    chosen = join_account(fresh(lead), two, by=ines, why="", key=key(), now=LATER)
    conclude()
    assert account_of(lead) == ("manual", "A2")
    none = split_account(
        fresh(lead), None, by=ines, why="A consultant", key=key(), now=LATER + timedelta(hours=1)
    )
    conclude()
    assert account_of(lead) is None
    for link in (none, chosen, refused):
        undo(link, by=ines, now=LATER + timedelta(hours=2))
    conclude()
    assert account_of(lead) == ("exact", "")
    assert one.object == "account"


def test_what_makes_no_sense_is_refused_in_words(
    tell: Tell, two: tuple[Record, Record], ines: Person
) -> None:
    account = tell("salesforce", "Account", "A1", Name="Kestrel", Website="kestrel.example")
    contact = tell("salesforce", "Contact", "C1", Email="c@kestrel.example", AccountId="A1")
    said = {"by": ines, "why": "", "key": "k", "now": NOW}
    for act, words in (
        (lambda: join_buyer(two[0], fresh(two[0]), **said), "same record"),
        (lambda: join_buyer(two[0], account, **said), "Only people and deals"),
        (lambda: stand_alone(fresh(two[0]), **said), "by itself already"),
        (lambda: join_account(two[0], two[1], **said), "Choose an account"),
        (lambda: join_account(account, account, **said), "Only people"),
        (lambda: join_account(fresh(contact), account, **said), "Salesforce itself says"),
    ):
        with pytest.raises(LinkError, match=words):
            act()
    assert not ManualLink.objects.exists()


def test_a_join_that_stands_is_not_said_again_before_it_is_concluded(
    two: tuple[Record, Record], ines: Person, key: Key
) -> None:
    join_buyer(*two, by=ines, why="", key=key(), now=NOW)
    with pytest.raises(LinkError, match="said already"):
        join_buyer(two[1], two[0], by=ines, why="", key=key(), now=NOW)
    assert ManualLink.objects.count() == 1


def test_the_same_key_says_it_once(two: tuple[Record, Record], ines: Person) -> None:
    for _ in range(2):
        join_buyer(*two, by=ines, why="", key="k", now=NOW)
    assert (ManualLink.objects.count(), Event.objects.filter(kind="link.joined").count()) == (1, 1)
    with pytest.raises(LinkError, match="Load it again"):
        stand_alone_twin(two, ines)


def stand_alone_twin(two: tuple[Record, Record], ines: Person) -> None:
    conclude()
    stand_alone(fresh(two[1]), by=ines, why="", key="k", now=NOW)
