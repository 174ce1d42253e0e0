"""Two readers of the same rows, merges whose winner comes later, links that come alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from records.incoming import IncomingRecord, StoredPage
from records.kinds import BASELINE, CHANGE, MERGED
from records.models import Connection, Event, LinkKey, Record, Touched
from records.services import store_page
from records.storing import copying, writing
from tests.records.conftest import NOON

Contact = Callable[..., IncomingRecord]
LATER = NOON + timedelta(hours=1)


@pytest.mark.parametrize("few", [0, 1000])
def test_a_record_that_another_reader_made_meanwhile_is_compared_with_what_that_one_wrote(
    few: int, hubspot: Connection, contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "FEW", few)
    real = writing.insert_records

    def another_first(*told: Any) -> set[Any]:
        monkeypatch.setattr(writing, "insert_records", real)
        store_page(hubspot, [contact("2", fleet_size="40")], now=NOON)
        return real(*told)

    monkeypatch.setattr(writing, "insert_records", another_first)
    page = [contact(n, at=LATER, fleet_size="55") for n in ("1", "2", "3")]
    assert store_page(hubspot, page, now=LATER) == StoredPage(read=3, created=2, changed=1)
    assert set(Record.objects.values_list("values__fleet_size", flat=True)) == {55}
    told = Event.objects.filter(record__remote_id="2").order_by("occurred_at")
    assert list(told.values_list("kind", "old", "new")) == [(BASELINE, None, None), (CHANGE, 40, 55)]
    assert Event.objects.count() == 4


def merged(contact: Contact, loser: str, winner: str) -> IncomingRecord:
    return replace(contact(loser, deleted=True), merged_into=winner)


@pytest.mark.parametrize(
    "order",
    [[["w"], ["l"]], [["l"], ["w"]], [["l", "w"]], [["w", "l"]]],
    ids=["winner first", "loser first", "one page", "one page, turned"],
)
def test_a_merged_record_follows_its_winner_whichever_comes_first(
    order: Sequence[Sequence[str]], hubspot: Connection, contact: Contact
) -> None:
    rows = {"w": contact("7"), "l": merged(contact, "3", "7")}
    for page in order:
        store_page(hubspot, [rows[name] for name in page], now=NOON)
    loser = Record.objects.get(remote_id="3")
    assert loser.merged_into == Record.objects.get(remote_id="7")
    assert Event.objects.get(kind=MERGED).record_id == loser.pk
    store_page(hubspot, list(rows.values()), now=LATER)
    assert Event.objects.filter(kind=MERGED).count() == 1


def test_a_link_that_alone_comes_or_goes_is_news(hubspot: Connection, contact: Contact) -> None:
    store_page(hubspot, [contact()], now=NOON)
    for links, wanted in (((("deals", "9"),), True), ((), False)):
        Touched.objects.all().delete()
        done = store_page(hubspot, [replace(contact(at=LATER), links=links)], now=LATER)
        assert done == StoredPage(read=1, changed=1)
        assert Touched.objects.count() == 1
        assert LinkKey.objects.filter(key="id:hubspot:deals:9").exists() == wanted
    assert Event.objects.count() == 1


def test_listeners_hear_of_the_objects_they_asked_for(
    hubspot: Connection, contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    from records.storing import page

    heard: list[str] = []
    monkeypatch.setattr(page, "_after_store", {})
    page.register_after_store("all", lambda ids, now: heard.append("all"))
    page.register_after_store("people", lambda ids, now: heard.append("people"), objects=("person",))
    page.register_after_store("accounts", lambda ids, now: heard.append("accounts"), objects=("account",))
    store_page(hubspot, [contact()], now=NOON)
    store_page(hubspot, [contact()], now=LATER)
    assert heard == ["all", "people"]
