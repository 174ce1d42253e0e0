"""The doors of the editor of conditions: what it is offered, what it says of a tree; nothing breaks them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from django.test import Client

from definitions.builder.tree_text import read_tree, write_tree
from records.models import CatalogueField, Connection, FieldMapping, Record
from teams.models import Person
from tests.definitions.conftest import make_record

FLEET = {"field": "fleet_size", "op": "at_least", "value": 10}
PREVIEW, TEXT = "/model/builder/preview/", "/model/builder/text/"


@pytest.fixture
def client(admin: Person, client: Client) -> Client:
    client.force_login(admin)
    return client


@pytest.fixture
def people(catalogue: None, hubspot: Connection) -> list[Record]:
    sizes = [3, 12, 40, None]
    return [
        make_record(hubspot, str(n), {"fleet_size": size, "email": "kip@tarnbrook.example", "region": "EMEA"})
        for n, size in enumerate(sizes)
    ]


def send(client: Client, url: str, body: Any) -> Any:
    answer = client.post(url, json.dumps(body), content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_offers_the_fields_with_where_they_come_from_and_what_stands_in_them(
    client: Client, people: list[Record], hubspot: Connection
) -> None:
    CatalogueField.objects.filter(name="email").update(is_personal=True)
    field = CatalogueField.objects.get(object="person", name="fleet_size")
    FieldMapping.objects.create(
        connection=hubspot, field=field, remote_object="contacts", remote_name="fleet_size"
    )
    offered = client.get("/model/builder/catalogue/").json()
    fields = {one["name"]: one for one in offered["objects"]["person"]["fields"]}
    assert fields["fleet_size"]["connections"] == ["HubSpot"]
    assert fields["fleet_size"]["fill"] == 0.75
    assert {one["value"] for one in fields["fleet_size"]["samples"]} == {"3", "12", "40"}
    assert fields["region"]["samples"] == [{"value": "EMEA"}]
    assert fields["email"]["samples"] == []
    assert fields["pain"]["fill"] is None
    assert {one["name"] for one in offered["operators"]} >= {"at_least", "within_last", "is_empty"}
    assert {one["name"] for one in offered["relations"]["person"]} >= {"deals"}
    assert "call" in [one["name"] for one in offered["activities"]]


def test_offers_stages_and_events(client: Client, starter: None) -> None:
    offered = client.get("/model/builder/catalogue/").json()
    assert "sql" in [one["name"] for one in offered["stages"]]
    assert "handoff.accepted" in [one["name"] for one in offered["events"]]
    assert "change" not in [one["name"] for one in offered["events"]]


def test_samples_end_at_the_border_of_the_business_unit(
    client: Client, people: list[Record], admin: Person
) -> None:
    from teams.models import BusinessUnit

    Record.objects.update(business_unit=BusinessUnit.objects.create(key="yards", name="Yards"))
    fields = client.get("/model/builder/catalogue/").json()["objects"]["person"]["fields"]
    assert all(one["samples"] == [] and one["fill"] is None for one in fields)
    assert send(client, PREVIEW, {"object": "person", "tree": FLEET})["words"] == "0 of 0 pass"


def test_says_and_counts_what_a_tree_would_pass(client: Client, people: list[Record]) -> None:
    told = send(client, PREVIEW, {"object": "person", "tree": {"all": [FLEET]}})
    assert told["words"] == "2 of 4 pass"
    assert told["leaves"] == {"$.all[0]": {"met": 2, "missing": 2, "unknown": 0}}
    assert "Fleet size is at least 10" in told["html"]
    assert f"/records/{people[1].pk}/" in told["html"]
    assert "gtmops" in told["html"]


def test_compares_with_what_is_in_force(client: Client, starter: None, hubspot: Connection) -> None:
    make_record(hubspot, "1", {"fleet_size": 12, "demo_requested_at": "2026-02-01T10:00:00Z"})
    told = send(
        client, PREVIEW,
        {"object": "person", "tree": {"field": "fleet_size", "op": "at_least", "value": 99}, "part": "criteria",
         "section": "definitions", "key": "mql", "connections": ["hubspot"]},
    )  # fmt: skip
    assert "In force now: 1 pass" in told["html"]
    assert "−1 gone" in told["html"]


def test_tells_each_fault_at_its_path(client: Client, people: list[Record]) -> None:
    tree = {
        "all": [FLEET, {"not": {"field": "fleet_siz", "op": "at_least", "value": 1}}, {**FLEET, "value": "x"}]
    }
    told = send(client, PREVIEW, {"object": "person", "tree": tree})
    assert [fault["path"] for fault in told["faults"]] == ["$.all[1].not.field", "$.all[2].value"]
    assert "did you mean fleet_size" in told["faults"][0]["text"]
    assert told["words"] == ""
    assert "2 things to mend" in told["html"]


def test_says_where_it_can_be_enforced_and_why_not(
    client: Client, people: list[Record], salesforce: Connection
) -> None:
    field = CatalogueField.objects.get(object="person", name="fleet_size")
    FieldMapping.objects.create(
        connection=salesforce, field=field, remote_object="Lead", remote_name="Fleet_Size__c"
    )
    told = send(client, PREVIEW, {"object": "person", "tree": FLEET})
    assert "Salesforce: " in told["html"]
    assert "as a validation rule or a formula" in told["html"]
    call = {"activity": "call", "at_least": 2}
    told = send(client, PREVIEW, {"object": "person", "tree": {"all": [FLEET, call]}})
    assert "count activities" in told["html"]


def test_a_connection_that_is_not_there_has_no_records(client: Client, people: list[Record]) -> None:
    body = {"object": "person", "tree": FLEET, "connections": ["closed_down"], "part": "criteria"}
    assert send(client, PREVIEW, body)["words"] == "0 of 0 pass"


def test_an_empty_tree_asks_for_a_condition(client: Client, people: list[Record]) -> None:
    assert "Add a condition" in send(client, PREVIEW, {"object": "person", "tree": None})["html"]


def test_writes_yaml_and_reads_it_back(client: Client, people: list[Record]) -> None:
    tree = {"all": [FLEET, {"any": [{"field": "region", "op": "is", "value": "EMEA"}, {"not": FLEET}]}]}
    text = send(client, TEXT, {"tree": tree})["text"]
    assert "field: fleet_size" in text
    assert send(client, TEXT, {"text": text, "object": "person"}) == {"tree": tree, "faults": []}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("all:\n  - {field: fleet_size, op: at_least, value: 10}\n  - {field: nope, op: is_true}\n", 3),
        ("all:\n  - {field: fleet_size, op: at_least\n", 3),
        ("all: [\n&a {field: x}]\n", 2),
        ("any:\n  - field: fleet_size\n    op: at_leest\n    value: 3\n", 3),
        ("- field: fleet_size\n", 1),
    ],
)
def test_tells_the_line_of_a_fault_in_text(
    client: Client, people: list[Record], text: str, line: int
) -> None:
    told = send(client, TEXT, {"text": text, "object": "person"})
    assert told["faults"][0]["line"] == line
    assert told["faults"][0]["text"]


HOSTILE: list[Any] = [
    b"",
    b"[]",
    b"null",
    b"{",
    b"\xff\xfe",
    b'{"object": "person", "tree": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"object": 7, "tree": {}}',
    b'{"object": "person", "tree": {"field": "fleet_size", "op": "is", "value": NaN}}',
    b'{"object": "person", "tree": {"field": "\\ud800", "op": "is", "value": 1}}',
    b'{"object": "person", "tree": {"field": "fleet_size", "op": "is", "value": ' + b"9" * 5000 + b"}}",
    b'{"object": "person", "tree": null, "connections": "hubspot"}',
    b'{"text": 7}',
    b'{"tree": "text"}',
    b" " * 600_000,
]


@pytest.mark.parametrize("url", [PREVIEW, TEXT])
@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_no_body_breaks_it(client: Client, catalogue: None, url: str, body: bytes) -> None:
    assert client.post(url, body, content_type="application/json").status_code in {200, 400}


ODD_TREES: list[Any] = [
    {}, [], 7, "text", True, {"all": []}, {"all": {}}, {"not": None}, {"not": {"not": {}}}, {"field": None},
    {"field": ["a"], "op": {}}, {"field": "fleet_size", "op": "at_least"},
    {"field": "\x00", "op": "is", "value": "\x00"},
    {"activity": 1}, {"activity": "call", "where": []}, {"related": None}, {"stage": {}, "op": 1},
    {"event": "signal."},
    {"all": [{"all": [{"all": []}]}] * 3000}, {"field": "email", "op": "is", "value": "<script>alert(1)</script>"},
    {"any": [{"field": "fleet_size", "op": "is_any_of", "value": list(range(600))}]},
]  # fmt: skip


@pytest.mark.parametrize("tree", ODD_TREES, ids=range(len(ODD_TREES)))
@pytest.mark.parametrize("object_name", ["person", "nobody", ""])
def test_no_tree_breaks_it(client: Client, people: list[Record], tree: Any, object_name: str) -> None:
    told = send(
        client, PREVIEW, {"object": object_name, "tree": tree, "part": "criteria", "section": "x", "key": 1}
    )
    assert "<script>alert" not in told["html"]
    assert told["faults"] or told["words"]
    for text in (json.dumps(tree), write_tree(tree) if isinstance(tree, dict) else ""):
        send(client, TEXT, {"text": text, "object": object_name})


def test_a_form_field_reads_json_as_well_as_yaml() -> None:
    assert read_tree(json.dumps({"all": [FLEET]}))[0] == {"all": [FLEET]}
    assert read_tree(write_tree({"all": [FLEET]}))[0] == {"all": [FLEET]}
    assert read_tree("  \n")[0] is None


def test_the_page_to_try_conditions_works_without_script(client: Client, people: list[Record]) -> None:
    page = client.get("/model/try/?object=deal")
    assert page.status_code == 200
    assert b'<option value="deal" selected>' in page.content
    assert b'name="tree"' in page.content
    assert client.get(f"/model/try/?object={uuid.uuid4()}").status_code == 200
