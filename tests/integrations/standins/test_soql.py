from __future__ import annotations

from typing import Any

import pytest
from simple_salesforce import Salesforce, SalesforceMalformedRequest

from integrations.standins.app import Running
from tests.integrations.standins.conftest import QUEUE, REP, Start, lead, salesforce_at, small_world


def world() -> Any:
    out = small_world(leads=0)
    out["salesforce"]["Lead"] = [
        lead(1, LastName="Alder", Company="Larch & Co", Rating="Hot", NumberOfEmployees=20),
        lead(2, LastName="birch", Company="Larch's", NumberOfEmployees=200, OwnerId=QUEUE),
        lead(3, LastName="Cedar", Company="Oak", Status="Working - Contacted", IsConverted=True),
        lead(4, LastName="Elm", Company="Oak_2", Rating="Cold", Email="elm@oak.example"),
    ]
    return out


@pytest.fixture
def running(start: Start) -> Running:
    return start(world())


CASES = [
    ("LastName = 'Alder'", ["Alder"]),
    ("LastName = 'BIRCH'", ["birch"]),
    ("Company = 'Larch\\'s'", ["birch"]),
    ("LastName != 'Alder'", ["birch", "Cedar", "Elm"]),
    ("LastName <> 'Alder' AND Company LIKE 'Oak%'", ["Cedar", "Elm"]),
    ("Rating = null", ["birch", "Cedar"]),
    ("Rating != null", ["Alder", "Elm"]),
    ("Rating != 'Hot'", ["birch", "Cedar", "Elm"]),
    ("NumberOfEmployees > 20", ["birch"]),
    ("NumberOfEmployees <= 200", ["Alder", "birch"]),
    ("IsConverted = true", ["Cedar"]),
    ("IsConverted = false", ["Alder", "birch", "Elm"]),
    ("LastName IN ('Alder', 'Elm')", ["Alder", "Elm"]),
    ("Rating NOT IN ('Hot')", ["birch", "Cedar", "Elm"]),
    ("(LastName = 'Alder' OR LastName = 'Elm') AND NOT Rating = 'Cold'", ["Alder"]),
    ("LastName = 'Alder' OR LastName = 'Elm' AND Rating = 'Hot'", ["Alder"]),
    ("CreatedDate >= 2026-03-02T09:01:00Z", ["Cedar", "Elm"]),
    ("CreatedDate < 2026-03-02T10:01:00+01:00", ["Alder", "birch"]),
    (f"OwnerId = '{QUEUE[:15]}'", ["birch"]),
    ("Owner.Name = 'Rey Moss'", ["Alder", "Cedar", "Elm"]),
]


@pytest.mark.parametrize(("where", "names"), CASES)
def test_where_finds_exactly_these(sf: Salesforce, where: str, names: list[str]) -> None:
    records = sf.query_all(f"SELECT LastName FROM Lead WHERE {where} ORDER BY CreatedDate, Id")["records"]
    assert sorted(r["LastName"] for r in records) == sorted(names)


REFUSED = [
    ("SELECT Nonsense__c FROM Lead", "INVALID_FIELD"),
    ("SELECT Id FROM Nothing", "INVALID_TYPE"),
    ("SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
    ("SELECT Id FROM Lead WHERE Description = 'long text'", "INVALID_FIELD"),
    ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY"),
    ("SELECT Id FROM Lead LIMIT many", "MALFORMED_QUERY"),
    ("SELECT Id FROM CustomField", "INVALID_TYPE"),
    ("SELECT Id FROM LeadHistory WHERE NewValue = 'x'", "INVALID_FIELD"),
]


@pytest.mark.parametrize(("query", "code"), REFUSED)
def test_a_bad_query_is_refused_with_its_code(sf: Salesforce, query: str, code: str) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.query(query)
    assert refused.value.content[0]["errorCode"] == code


def test_parent_fields_come_as_an_object(sf: Salesforce) -> None:
    record = sf.query("SELECT Owner.Name, OwnerId FROM Lead WHERE LastName = 'Alder'")["records"][0]
    assert record["Owner"]["Name"] == "Rey Moss"
    assert record["OwnerId"] == REP


def test_count_gives_the_number_and_no_rows(sf: Salesforce) -> None:
    answer = sf.query("SELECT COUNT() FROM Lead WHERE Rating = null")
    assert (answer["totalSize"], answer["records"]) == (2, [])
    assert sf.query("SELECT COUNT(Id) FROM Lead")["records"][0]["expr0"] == 4


def test_limit_and_order(sf: Salesforce) -> None:
    records = sf.query("SELECT LastName FROM Lead ORDER BY NumberOfEmployees DESC NULLS LAST, Id LIMIT 2")[
        "records"
    ]
    assert [r["LastName"] for r in records] == ["birch", "Alder"]


def test_pages_share_ties_and_lose_nothing(start: Start) -> None:
    world = small_world(leads=4302)
    # Three share each minute; without the first one the boundary of the pages falls inside such a group.
    del world["salesforce"]["Lead"][0]
    sf = salesforce_at(start(world))
    query = "SELECT Id, SystemModstamp FROM Lead ORDER BY SystemModstamp, Id"
    first = sf.query(query)
    second = sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)
    assert (len(first["records"]), first["totalSize"], first["done"]) == (2000, 4301, False)
    assert first["records"][-1]["SystemModstamp"] == second["records"][0]["SystemModstamp"]
    assert len({r["Id"] for r in sf.query_all_iter(query)}) == 4301


def test_pages_are_smaller_with_a_long_text(start: Start) -> None:
    sf = salesforce_at(start(small_world(leads=1200)))
    assert len(sf.query("SELECT Id, Description FROM Lead")["records"]) == 1000


def test_a_locator_dies_with_its_session(start: Start) -> None:
    running = start(small_world(leads=2100))
    locator = salesforce_at(running).query("SELECT Id FROM Lead")["nextRecordsUrl"]
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce_at(running).query_more(locator, identifier_is_url=True)
    assert refused.value.content[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_deleted_rows_are_seen_by_query_all_only(sf: Salesforce) -> None:
    one = sf.query("SELECT Id FROM Lead WHERE LastName = 'Elm'")["records"][0]["Id"]
    sf.Lead.delete(one)
    assert sf.query("SELECT COUNT() FROM Lead")["totalSize"] == 3
    gone = sf.query("SELECT Id, IsDeleted FROM Lead WHERE IsDeleted = true", include_deleted=True)["records"]
    assert [(r["Id"], r["IsDeleted"]) for r in gone] == [(one, True)]
