from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests
from hubspot.crm.contacts.exceptions import ApiException
from hubspot.crm.properties.exceptions import ApiException as PropertyException

from integrations.standins.app import Running
from tests.integrations.standins.conftest import START, Start, contact, hubspot_at, small_world


def search(hs: Any, filters: list[dict[str, Any]], **more: Any) -> Any:
    body = {"filterGroups": [{"filters": filters}], "limit": 200, **more}
    return hs.crm.contacts.search_api.do_search(public_object_search_request=body)


def test_a_list_is_paged_to_its_end(start: Start) -> None:
    hs = hubspot_at(start(small_world(contacts=230)))
    seen, after, pages = [], None, 0
    while True:
        page = hs.crm.contacts.basic_api.get_page(limit=100, after=after, properties=["email"])
        seen += [c.id for c in page.results]
        pages += 1
        if page.paging is None:
            break
        after = page.paging.next.after
    assert (pages, len(set(seen))) == (3, 230)


def test_history_is_newest_first_and_its_head_is_the_value(start: Start) -> None:
    world = small_world(contacts=0)
    later = START + timedelta(days=1)
    row = contact(1, lifecyclestage="marketingqualifiedlead")
    row["history"] = [
        {"field": "lifecyclestage", "old": "lead", "new": "marketingqualifiedlead", "at": later, "by": ""}
    ]
    world["hubspot"]["contacts"] = [row]
    hs = hubspot_at(start(world))
    hs.crm.contacts.basic_api.update("1001", {"properties": {"lifecyclestage": "opportunity"}})
    found = hs.crm.contacts.basic_api.get_by_id("1001", properties_with_history=["lifecyclestage"])
    versions = found.properties_with_history["lifecyclestage"]
    assert [v.value for v in versions] == ["opportunity", "marketingqualifiedlead", "lead"]
    assert [v.source_type for v in versions][:2] == ["API", "AUTOMATION_PLATFORM"]
    assert versions[2].timestamp == START + timedelta(seconds=1)


def test_the_lifecycle_stage_goes_forward_and_silently_not_back(hs: Any) -> None:
    api = hs.crm.contacts.basic_api
    api.update("1001", {"properties": {"lifecyclestage": "salesqualifiedlead"}})
    answer = api.update("1001", {"properties": {"lifecyclestage": "marketingqualifiedlead"}})
    assert answer.properties["lifecyclestage"] == "salesqualifiedlead"
    api.update("1001", {"properties": {"lifecyclestage": ""}})
    assert (
        api.update("1001", {"properties": {"lifecyclestage": "lead"}}).properties["lifecyclestage"] == "lead"
    )


def test_search_by_last_modified_in_order(hs: Any) -> None:
    after = int((START + timedelta(seconds=4)).timestamp() * 1000)
    filters = [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(after)}]
    found = search(hs, filters, sorts=[{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}])
    assert [c.id for c in found.results] == ["1004", "1005", "1006", "1007"]
    wrong = [{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(after)}]
    assert search(hs, wrong).total == 0


OPERATORS = [
    ({"propertyName": "email", "operator": "EQ", "value": "PERSON3@company.example"}, ["1003"]),
    ({"propertyName": "email", "operator": "IN", "values": ["person3@company.example"]}, ["1003"]),
    ({"propertyName": "email", "operator": "IN", "values": ["Person3@company.example"]}, []),
    ({"propertyName": "lifecyclestage", "operator": "NEQ", "value": "lead"}, []),
    ({"propertyName": "jobtitle", "operator": "HAS_PROPERTY"}, []),
    ({"propertyName": "hs_object_id", "operator": "GT", "value": "1005"}, ["1006", "1007"]),
    (
        {"propertyName": "hs_object_id", "operator": "BETWEEN", "value": "1002", "highValue": "1003"},
        ["1002", "1003"],
    ),
    ({"propertyName": "lastname", "operator": "CONTAINS_TOKEN", "value": "*7"}, ["1007"]),
]


@pytest.mark.parametrize(("item", "ids"), OPERATORS)
def test_search_operators(hs: Any, item: dict[str, Any], ids: list[str]) -> None:
    assert sorted(c.id for c in search(hs, [item]).results) == ids


BEYOND = [
    {"limit": 201},
    {"limit": 200, "after": "9900"},
    {"filterGroups": [{"filters": []}] * 6},
    {"sorts": [{"propertyName": "email"}, {"propertyName": "lastname"}]},
    {"query": "x" * 3001},
]


@pytest.mark.parametrize("body", BEYOND)
def test_search_has_limits(hs: Any, body: dict[str, Any]) -> None:
    with pytest.raises(ApiException) as refused:
        hs.crm.contacts.search_api.do_search(public_object_search_request=body)
    assert refused.value.status == 400


def test_search_is_late_when_told_so_but_reading_by_id_is_not(start: Start) -> None:
    hs = hubspot_at(start(faults="late:30"))
    hs.crm.contacts.basic_api.update("1001", {"properties": {"lastname": "Renamed"}})
    created = hs.crm.contacts.basic_api.create({"properties": {"email": "new@company.example"}})
    named = [{"propertyName": "lastname", "operator": "EQ", "value": "Renamed"}]
    fresh = [{"propertyName": "email", "operator": "EQ", "value": "new@company.example"}]
    assert (search(hs, named).total, search(hs, fresh).total) == (0, 0)
    assert hs.crm.contacts.basic_api.get_by_id("1001").properties["lastname"] == "Renamed"
    assert hs.crm.contacts.basic_api.get_by_id(created.id).id == created.id


def test_batch_read_names_the_missing_in_one_error(hs: Any) -> None:
    answer = hs.crm.contacts.batch_api.read(
        {"inputs": [{"id": "1002"}, {"id": "77"}, {"id": "78"}], "properties": ["email"]}
    )
    assert [c.id for c in answer.results] == ["1002"]
    assert answer.num_errors == 1
    assert answer.errors[0].context["ids"] == ["77", "78"]


def test_batch_read_takes_50_with_history_and_no_id_twice(hs: Any) -> None:
    for inputs, more in (
        ([{"id": str(n)} for n in range(51)], {"propertiesWithHistory": ["email"]}),
        ([{"id": "1001"}] * 2, {}),
    ):
        with pytest.raises(ApiException) as refused:
            hs.crm.contacts.batch_api.read({"inputs": inputs, **more})
        assert refused.value.status == 400


def test_one_bad_value_refuses_the_whole_batch(hs: Any) -> None:
    inputs = [
        {"id": "1001", "properties": {"lastname": "Good"}},
        {"id": "1002", "properties": {"hs_lead_status": "NOT_AN_OPTION"}},
    ]
    with pytest.raises(ApiException) as refused:
        hs.crm.contacts.batch_api.update({"inputs": inputs})
    assert "INVALID_OPTION" in refused.value.body
    assert hs.crm.contacts.basic_api.get_by_id("1001").properties["lastname"] == "Tern 1"


def test_batch_create_tells_apart_by_trace_id(hs: Any) -> None:
    inputs = [
        {"objectWriteTraceId": "a", "properties": {"email": "fresh@company.example"}},
        {"objectWriteTraceId": "b", "properties": {"email": "person1@company.example"}},
    ]
    answer = hs.crm.contacts.batch_api.create({"inputs": inputs})
    assert len(answer.results) == 1
    assert answer.errors[0].context["objectWriteTraceId"] == ["b"]


def test_batch_upsert_says_what_is_new(hs: Any) -> None:
    inputs = [
        {"idProperty": "email", "id": "person1@company.example", "properties": {"lastname": "Known"}},
        {"idProperty": "email", "id": "unknown@company.example", "properties": {"lastname": "New"}},
    ]
    answer = hs.crm.contacts.batch_api.upsert({"inputs": inputs})
    assert [r.new for r in answer.results] == [False, True]


REFUSED = [
    ({"nonsense": "1"}, "PROPERTY_DOESNT_EXIST"),
    ({"createdate": "2026-01-01T00:00:00Z"}, "READ_ONLY_VALUE"),
    ({"hubspot_owner_id": "501 "}, "LEADING_TRAILING_WHITESPACE"),
    ({"associatedcompanyid": "many"}, "INVALID_LONG"),
]


@pytest.mark.parametrize(("properties", "code"), REFUSED)
def test_a_bad_value_is_refused_with_its_code(hs: Any, properties: dict[str, str], code: str) -> None:
    with pytest.raises(ApiException) as refused:
        hs.crm.contacts.basic_api.update("1001", {"properties": properties})
    assert refused.value.status == 400
    assert code in refused.value.body


def test_the_same_email_twice_is_a_conflict(hs: Any) -> None:
    with pytest.raises(ApiException) as refused:
        hs.crm.contacts.basic_api.create({"properties": {"email": "person1@company.example"}})
    assert refused.value.status == 409
    assert "Existing ID: 1001" in refused.value.body


def test_an_unknown_email_answers_html(hs: Any) -> None:
    with pytest.raises(ApiException) as refused:
        hs.crm.contacts.basic_api.get_by_id("nobody@company.example", id_property="email")
    assert refused.value.status == 404
    assert refused.value.body.startswith("<!DOCTYPE html>")


def test_archived_records_are_listed_apart(hs: Any) -> None:
    hs.crm.contacts.basic_api.archive("1001")
    assert "1001" not in {c.id for c in hs.crm.contacts.basic_api.get_page().results}
    assert [c.id for c in hs.crm.contacts.basic_api.get_page(archived=True).results] == ["1001"]


def test_properties_are_made_once_and_come_back_when_archived(hs: Any) -> None:
    api = hs.crm.properties
    api.groups_api.create("contacts", {"name": "gtmops", "label": "GTM Ops"})
    body = {
        "name": "gtm_sla_state",
        "label": "SLA state",
        "type": "enumeration",
        "fieldType": "select",
        "groupName": "gtmops",
        "options": [{"label": "Running", "value": "running", "displayOrder": 0, "hidden": False}],
    }
    made = api.core_api.create("contacts", body)
    assert [o.value for o in made.options] == ["running"]
    with pytest.raises(PropertyException) as again:
        api.core_api.create("contacts", body)
    assert again.value.status == 409
    assert "PROPERTY_WITH_NAME_EXISTS" in again.value.body
    hs.crm.contacts.basic_api.update("1001", {"properties": {"gtm_sla_state": "running"}})
    api.core_api.archive("contacts", "gtm_sla_state")
    assert api.core_api.create("contacts", body).archived is False
    assert (
        hs.crm.contacts.basic_api.get_by_id("1001", properties=["gtm_sla_state"]).properties["gtm_sla_state"]
        == "running"
    )


def test_a_logged_call_hangs_at_its_contact_without_moving_it(hs: Any) -> None:
    before = hs.crm.contacts.basic_api.get_by_id("1001")
    link = {
        "to": {"id": "1001"},
        "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 194}],
    }
    properties = {"hs_timestamp": "2026-03-03T10:00:00Z", "hs_call_title": "First call"}
    call = hs.crm.objects.calls.basic_api.create({"properties": properties, "associations": [link]})
    read = hs.crm.associations.v4.batch_api.get_page("contacts", "calls", {"inputs": [{"id": "1001"}]})
    assert [(r._from.id, r.to[0].to_object_id) for r in read.results] == [("1001", call.id)]
    after = hs.crm.contacts.basic_api.get_by_id("1001", properties=["notes_last_contacted"])
    assert after.properties["notes_last_contacted"] == "2026-03-03T10:00:00.000Z"
    assert after.updated_at == before.updated_at


def test_owners_and_pipelines(hs: Any) -> None:
    assert [o.id for o in hs.crm.owners.owners_api.get_page().results] == ["501"]
    stages = hs.crm.pipelines.pipelines_api.get_all("deals").results[0].stages
    assert [s.metadata["isClosed"] for s in stages][-2:] == ["true", "true"]


def test_limits_stand_in_the_headers_but_not_on_search(running: Running) -> None:
    headers = {"Authorization": "Bearer pat-na1-demo"}
    plain = requests.get(f"{running.base_url}/account-info/v3/details", headers=headers, timeout=10)
    searched = requests.post(
        f"{running.base_url}/crm/v3/objects/contacts/search", json={}, headers=headers, timeout=10
    )
    assert int(plain.headers["X-HubSpot-RateLimit-Remaining"]) < 190
    assert "X-HubSpot-RateLimit-Remaining" not in searched.headers
    assert searched.headers["X-HubSpot-Correlation-Id"]


def test_without_a_token_nothing_is_answered(running: Running) -> None:
    answer = requests.get(f"{running.base_url}/crm/v3/objects/contacts", timeout=10)
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")
