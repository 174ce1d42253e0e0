"""FLT18: records merged in chains of three, read as the CRM tells it; and one record under its two ids."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.base import Wanted
from integrations.budget import Budget
from integrations.hubspot import records as hubspot_records
from integrations.legible import Illegible
from integrations.pull import pull_to_the_end
from integrations.registry import connector_for
from integrations.salesforce import names, reading
from integrations.standins import hubspot_merging, salesforce_life
from integrations.standins.app import Application, Running
from integrations.standins.http import Request, Response, json_response
from integrations.standins.store import Actor, Stored
from integrations.standins.world import salesforce_id_18
from records.models import Connection, Event, Record
from tests.integrations.conftest import LEADS, connect, first_id, lead_id

PERSON = Actor("", "CRM_UI")


@pytest.fixture(autouse=True)
def _no_pace_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Budget, "_wait", lambda self, rate: None)


# --- chains --------------------------------------------------------------------------------------------------------


def stored(connection: Connection, standins: Running, n: int) -> Stored:
    remote_id = lead_id(n) if connection.kind == "salesforce" else str(100 + n)
    row = standins.store.get(connection.kind, first_id(connection)[0], remote_id)
    assert row is not None
    return row


def chain(connection: Connection, standins: Running, is_read_between: bool, new_id: bool) -> list[str]:
    """The first goes into the second and that into the third. Ids in the order in which they lived on."""
    one, two, three = (stored(connection, standins, n) for n in (1, 2, 3))
    if connection.kind == "salesforce":
        salesforce_life.merge(standins.store, two, [one], PERSON)
        if is_read_between:
            assert pull_to_the_end(connection) == []
        salesforce_life.merge(standins.store, stored(connection, standins, 3), [two], PERSON)
        return [one.remote_id, two.remote_id, three.remote_id]
    first = hubspot_merging.merge(standins.store, two, one, PERSON, new_id=new_id)
    if is_read_between:
        assert pull_to_the_end(connection) == []
    last = hubspot_merging.merge(standins.store, three, first, PERSON, new_id=new_id)
    return [one.remote_id, two.remote_id, last.remote_id]


def survivor(record: Record) -> Record:
    """Where a record lives on; chains that go round would not end."""
    for _ in range(4):
        if record.merged_into is None:
            return record
        record = record.merged_into
    raise AssertionError("the chain goes round")


def chained(connection: Connection, standins: Running, is_read_between: bool, new_id: bool) -> None:
    assert pull_to_the_end(connection) == []
    told = set(Event.objects.filter(record__object="person").values_list("external_key", flat=True))
    *losers, last = chain(connection, standins, is_read_between, new_id)
    for _ in range(2):
        assert pull_to_the_end(connection, full=True) == []
        held = {r.remote_id: r for r in Record.objects.filter(object="person")}
        for loser in losers:
            assert held[loser].deleted_at is not None
            assert survivor(held[loser]).remote_id == last, "its survivor is not known"
        assert (held[last].deleted_at, held[last].merged_into) == (None, None)
        alive = [r for r in held.values() if r.deleted_at is None]
        assert len(alive) == LEADS - 2
    kept = set(Event.objects.filter(record__object="person").values_list("external_key", flat=True))
    assert told <= kept
    merged = Event.objects.filter(kind="merged").values_list("record__remote_id", flat=True)
    assert sorted(merged) == sorted(set(merged)), "one merge was told twice"
    assert set(losers) <= set(merged)


@pytest.mark.django_db
@pytest.mark.parametrize("is_read_between", [True, False], ids=["read between", "read at the end"])
def test_flt18_a_chain_of_three_leads_to_the_survivor(
    connection: Connection, standins: Running, is_read_between: bool
) -> None:
    chained(connection, standins, is_read_between, new_id=False)


@pytest.mark.django_db
@pytest.mark.parametrize("is_read_between", [True, False], ids=["read between", "read at the end"])
def test_flt18_a_chain_of_hubspot_in_which_each_survivor_is_new(
    standins: Running, is_read_between: bool
) -> None:
    chained(connect("hubspot", standins.base_url), standins, is_read_between, new_id=True)


# --- ids of 15 and 18 characters -----------------------------------------------------------------------------------


@given(st.text(string.ascii_letters + string.digits, min_size=15, max_size=15))
def test_flt18_a_short_id_has_one_long_one(short: str) -> None:
    assert names.record_id(short) == salesforce_id_18(short)
    assert names.record_id(names.record_id(short)) == names.record_id(short)


@given(st.text(string.ascii_letters + string.digits, min_size=15, max_size=15))
def test_flt18_two_ids_that_differ_in_a_capital_alone_are_two_whatever_case_is_made_of_the_long_ones(
    short: str,
) -> None:
    other = short.swapcase()
    if other != short:
        assert names.record_id(short).lower() != names.record_id(other).lower()


@pytest.mark.parametrize(
    "odd", [None, 7, "", "00Q", "00Q' OR Id != '", "00Q00000000000!", "0" * 16, "0" * 19]
)
def test_what_is_no_id_is_refused(odd: Any) -> None:
    with pytest.raises(Illegible):
        names.record_id(odd)


def shortened(monkeypatch: pytest.MonkeyPatch, chance: random.Random) -> None:
    """Answers in which some ids have 15 characters, as reports and formulas give them."""
    real = Application.__call__

    def short(app: Application, request: Request) -> Response:
        answer = real(app, request)
        if "/query" not in request.path or " FROM Lead " not in request.arg("q"):
            return answer
        said = json.loads(answer.body)
        for row in said["records"]:
            for name in ("Id", "MasterRecordId"):
                if row.get(name) and chance.random() < 0.5:
                    row[name] = row[name][:15]
        return json_response(said)

    monkeypatch.setattr(Application, "__call__", short)


def one_row_each(standins: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    salesforce = connect("salesforce", standins.base_url)
    shortened(monkeypatch, random.Random(18))
    for _ in range(3):
        assert pull_to_the_end(salesforce, full=True) == []
    salesforce_life.merge(
        standins.store, stored(salesforce, standins, 2), [stored(salesforce, standins, 1)], PERSON
    )
    for _ in range(3):
        assert pull_to_the_end(salesforce, full=True) == []
    held = {r.remote_id: r for r in Record.objects.filter(object="person")}
    assert held.keys() == {lead_id(n) for n in range(1, LEADS + 1)}, "one record has two rows"
    assert held[lead_id(1)].merged_into == held[lead_id(2)]
    asked = [lead_id(3)[:15], lead_id(4)]
    read = connector_for(salesforce).read("Lead", asked, Wanted(fields=("LastName",)))
    assert {r.remote_id for r in read.records} == {lead_id(3), lead_id(4)}
    assert list(read.missing) == [], "who was asked for by a short id is taken for gone"


@pytest.mark.django_db
def test_flt18_one_record_under_both_its_ids_is_one_row(
    standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_row_each(standins, monkeypatch)


# --- and the tests can fail ----------------------------------------------------------------------------------------


def deaf_to_merges(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = reading._record

    def silent(shape: Any, remote_id: str, row: dict[str, Any], history: Any) -> Any:
        return real(shape, remote_id, {**row, "MasterRecordId": None}, history)

    monkeypatch.setattr(reading, "_record", silent)
    for place in (hubspot_records, "integrations.hubspot.reading"):
        target = f"{place}.merged_away" if isinstance(place, str) else f"{place.__name__}.merged_away"
        monkeypatch.setattr(target, lambda remote_object, rows: [])


@pytest.mark.django_db
def test_control_a_reading_that_does_not_hear_of_merges_is_seen(
    connection: Connection, standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf_to_merges(monkeypatch)
    with pytest.raises(AssertionError):
        chained(connection, standins, is_read_between=False, new_id=False)


@pytest.mark.django_db
def test_control_ids_that_are_taken_as_they_come_are_seen(
    standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "record_id", lambda told: told)
    with pytest.raises(AssertionError, match="two rows"):
        one_row_each(standins, monkeypatch)
