"""What holds the other tests: a request that HubSpot's descriptions don't have is found."""

from __future__ import annotations

import json

import pytest

from tests.integrations.hubspot.conftest import Begin, connector_of
from tests.integrations.hubspot_api.checking import faults_of, is_hubspot
from tests.integrations.hubspot_api.recorder import recording

INPUT = {"id": "1", "properties": {"email": "a@acme.example"}}
WRONG = [
    ("GET", "/crm/v3/contacts", {}, "is in no description"),
    ("PUT", "/crm/v3/objects/contacts/1", {}, "is in no description"),
    ("POST", "/crm/v3/objects/calls/merge", {}, "is in no description"),
    ("GET", "/crm/v3/objects/contacts?fields=email", None, "no parameter fields"),
    ("GET", "/crm/v3/objects/contacts?limit=many", None, "limit is 'many'"),
    ("GET", "/crm/v3/objects/contacts?archived=1", None, "archived is '1'"),
    ("GET", "/crm/v3/objects/contacts?after=1&after=2", None, "after stands more than once"),
    ("GET", "/crm/v3/objects/contacts", {"limit": 1}, "a body where none is described"),
    ("POST", "/crm/v3/objects/contacts/batch/update", {}, "body lacks inputs"),
    ("POST", "/crm/v3/objects/contacts/batch/update", {"inputs": [{"id": "1"}]}, "lacks properties"),
    ("POST", "/crm/v3/objects/contacts/batch/update", {"inputs": INPUT}, "body.inputs is no list"),
    ("POST", "/crm/v3/objects/contacts/batch/update", {"inputs": [{**INPUT, "id": 1}]}, "is int instead of"),
    (
        "POST",
        "/crm/v3/objects/contacts/batch/update",
        {"inputs": [INPUT], "dry": True},
        "body has no key dry",
    ),
    ("POST", "/crm/v3/objects/contacts/search", {"limit": "200"}, "body.limit is str"),
    ("POST", "/crm/v3/objects/contacts/search", {"sorts": ["email"]}, "body.sorts[0] is no object"),
    (
        "POST",
        "/crm/v3/objects/contacts/search",
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "LIKE", "value": "a"}]}]},
        "'LIKE', which is no allowed value",
    ),
    (
        "POST",
        "/crm/v3/properties/contacts",
        {"name": "x", "label": "X", "groupName": "g", "type": "url", "fieldType": "text"},
        "'url', which is no allowed value",
    ),
]
RIGHT = [
    ("GET", "/crm/v3/objects/contacts?limit=100&properties=email&properties=phone&archived=False", None),
    ("GET", "/crm/v3/owners/?limit=500&archived=true", None),
    ("POST", "/crm/v3/objects/contacts/batch/update", {"inputs": [INPUT]}),
    ("POST", "/crm/v3/objects/contacts/search", {}),
    ("GET", "/account-info/v3/details", None),
]


@pytest.fixture(autouse=True)
def _hubspot_is_asked_as_it_is_described() -> None:
    """Not here, where it is asked otherwise on purpose."""


@pytest.mark.parametrize(("method", "target", "body", "said"), WRONG)
def test_a_request_that_nobody_describes_is_named(method: str, target: str, body: object, said: str) -> None:
    found = faults_of(method, target, b"" if body is None else json.dumps(body).encode())
    assert any(said in fault for fault in found), found


@pytest.mark.parametrize(("method", "target", "body"), RIGHT)
def test_a_request_as_described_is_let_through(method: str, target: str, body: object) -> None:
    assert faults_of(method, target, b"" if body is None else json.dumps(body).encode()) == []


def test_a_form_is_held_to_its_fields() -> None:
    assert faults_of("POST", "/oauth/v3/token", b"grant_type=refresh_token&refresh_token=r") == []
    assert faults_of("POST", "/oauth/v3/token", b"grant_type=refresh_token&token=r") == [
        "POST /oauth/v3/token: no field token"
    ]


def test_pages_for_people_are_no_api() -> None:
    assert not is_hubspot("/oauth/authorize?client_id=x")
    assert not is_hubspot("/services/data/v62.0/query")


def test_the_recorder_sees_what_the_connector_sends(begin: Begin) -> None:
    """The negative control: a call that no description has, made through the connector's own door."""
    _, connection = begin()
    connector = connector_of(connection)
    with recording() as faults:
        connector.check()
        assert faults == []
        connector.session.get("/crm/v3/owners?limit=10&fields=name")
        assert faults == ["GET /crm/v3/owners: no parameter fields"]
