"""Each unpleasantness of the stand-in HubSpot can be switched on, and is what HubSpot does."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from integrations.standins.app import Running
from integrations.standins.faults import FAULTS, Faults
from integrations.standins.hubspot_faults import NAMED, UNPLEASANT
from tests.integrations.standins.conftest import Start, small_world

TOKEN = {"Authorization": "Bearer pat-na1-demo"}


def call(running: Running, method: str, path: str, **more: Any) -> requests.Response:
    headers = {**TOKEN, **more.pop("headers", {})}
    return requests.request(method, f"{running.base_url}{path}", headers=headers, timeout=10, **more)


def search(running: Running, **body: Any) -> requests.Response:
    return call(running, "POST", "/crm/v3/objects/contacts/search", json=body)


def update(running: Running, *ids: str, **properties: str) -> requests.Response:
    inputs = [{"id": i, "properties": properties, "objectWriteTraceId": i} for i in ids]
    return call(running, "POST", "/crm/v3/objects/contacts/batch/update", json={"inputs": inputs})


def test_every_fault_has_a_switch_and_the_default_is_made_of_them() -> None:
    assert set(NAMED) <= set(FAULTS)
    found = Faults.parse(UNPLEASANT)
    assert all(found.value_of(part.partition(":")[0]) > 0 for part in UNPLEASANT.split(","))


def test_pages_come_empty_with_a_next_one(start: Start) -> None:
    running = start(faults="empty:1")
    listed = call(running, "GET", "/crm/v3/objects/contacts?limit=2&after=1003").json()
    assert (listed["results"], listed["paging"]["next"]["after"]) == ([], "1003")
    found = search(running, after="2").json()
    assert (found["results"], found["paging"]["next"]["after"], found["total"]) == ([], "2", 7)


def test_errors_come_without_a_category(start: Start) -> None:
    body = call(start(faults="bare:1"), "GET", "/crm/v3/objects/contacts/77").json()
    assert "category" not in body
    assert body["message"]


def test_a_search_beyond_the_second_is_refused_and_nothing_else(start: Start) -> None:
    running = start(faults="searches:1")
    running.application.hubspot.limits.clock = lambda: 0.0
    refused = [r for r in (search(running) for _ in range(3)) if r.status_code == 429]
    assert len(refused) == 2
    assert refused[0].json()["category"] == "RATE_LIMITS"
    assert "X-HubSpot-RateLimit-Remaining" not in refused[0].headers
    assert call(running, "GET", "/crm/v3/objects/contacts").status_code == 200


def test_a_burst_is_refused_by_its_policy(start: Start) -> None:
    running = start(faults="burst:2")
    running.application.hubspot.limits.clock = lambda: 0.0
    answers = [call(running, "GET", "/crm/v3/owners") for _ in range(6)]
    assert [a.status_code for a in answers[:2]] == [200, 200]
    assert {a.status_code for a in answers[2:]} == {429}
    assert answers[-1].json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert search(running).status_code == 200


def test_the_allowance_wobbles(start: Start) -> None:
    running = start(faults="wobble:1000")
    answers = [call(running, "GET", "/crm/v3/owners") for _ in range(5)]
    assert len({a.headers["X-HubSpot-RateLimit-Max"] for a in answers}) == 5
    left = [int(a.headers["X-HubSpot-RateLimit-Daily-Remaining"]) for a in answers]
    assert left != sorted(left, reverse=True)


def test_a_batch_update_fails_in_parts(start: Start) -> None:
    answer = update(start(faults="partial:1"), "1001", "1002", lastname="New")
    assert answer.status_code == 207
    assert answer.json()["results"] == []
    named = [e["context"]["objectWriteTraceId"] for e in answer.json()["errors"]]
    assert named == [["1001"], ["1002"]]


def test_a_bad_value_is_told_for_its_record(start: Start) -> None:
    answer = update(start(faults="traced:1"), "1001", hs_lead_status="NO_OPTION")
    assert (answer.status_code, answer.json()["errors"][0]["category"]) == (207, "VALIDATION_ERROR")


def test_a_property_is_silently_kept(start: Start) -> None:
    answer = update(start(faults="keeps:1"), "1001", lastname="New", phone="1")
    assert answer.status_code == 200
    assert answer.json()["results"][0]["properties"]["lastname"] == "Tern 1"


def test_a_record_is_locked(start: Start) -> None:
    assert update(start(faults="locked:1"), "1001", lastname="New").status_code == 423


@pytest.mark.parametrize(("faults", "survivor"), [("", None), ("keepid:1", "1001")])
def test_two_become_one(start: Start, faults: str, survivor: str | None) -> None:
    running = start(faults=faults)
    merged = call(
        running,
        "POST",
        "/crm/v3/objects/contacts/merge",
        json={"primaryObjectId": "1001", "objectIdToMerge": "1002"},
    ).json()
    assert merged["id"] not in {"1002", *(() if survivor else ("1001",))}
    path = "/crm/v3/objects/contacts"
    assert call(running, "GET", f"{path}/1002").json()["id"] == merged["id"]
    shown = call(running, "GET", f"{path}/{merged['id']}?properties=hs_merged_object_ids,email").json()
    assert shown["properties"]["hs_merged_object_ids"] == ("1002" if survivor else "1001;1002")
    assert shown["properties"]["email"] == "person1@company.example"
    read = call(running, "POST", f"{path}/batch/read", json={"inputs": [{"id": "1002"}]})
    assert read.status_code == 207
    for archived in ("false", "true"):
        ids = {
            r["id"] for r in call(running, "GET", f"{path}?limit=100&archived={archived}").json()["results"]
        }
        assert "1002" not in ids


def test_the_id_of_an_id_that_was_merged_is_followed(start: Start) -> None:
    running = start()
    path = "/crm/v3/objects/contacts"
    first = call(
        running, "POST", f"{path}/merge", json={"primaryObjectId": "1001", "objectIdToMerge": "1002"}
    ).json()["id"]
    last = call(
        running, "POST", f"{path}/merge", json={"primaryObjectId": "1003", "objectIdToMerge": first}
    ).json()["id"]
    assert {call(running, "GET", f"{path}/{i}").json()["id"] for i in ("1001", "1002", "1003", first)} == {
        last
    }
    shown = call(running, "GET", f"{path}/{last}?properties=hs_merged_object_ids").json()
    assert set(shown["properties"]["hs_merged_object_ids"].split(";")) == {"1001", "1002", "1003", first}


def test_a_privacy_deletion_leaves_nothing(start: Start) -> None:
    running = start()
    path = "/crm/v3/objects/contacts"
    body = {"objectId": "person1@company.example", "idProperty": "email"}
    assert call(running, "POST", f"{path}/gdpr-delete", json=body).status_code == 204
    assert call(running, "GET", f"{path}/1001").status_code == 404
    assert call(running, "GET", f"{path}/1001?archived=true").status_code == 404


def test_each_record_reaches_the_index_after_its_own_time(start: Start) -> None:
    running = start(small_world(contacts=60), faults="lag:100000")
    for n in range(60):
        call(running, "PATCH", f"/crm/v3/objects/contacts/{1001 + n}", json={"properties": {"phone": "1"}})
    untils = {r["until"] for r in running.store.fetch("SELECT until FROM late")}
    assert len(untils) > 40
    filters = [{"propertyName": "phone", "operator": "HAS_PROPERTY"}]
    assert search(running, filterGroups=[{"filters": filters}]).json()["total"] < 10


def test_a_record_changes_just_after_its_page_was_read(start: Start) -> None:
    running = start(faults="churn:1")
    page = call(running, "GET", "/crm/v3/objects/contacts?limit=2").json()["results"]
    again = call(running, "GET", f"/crm/v3/objects/contacts/{page[-1]['id']}").json()
    assert again["updatedAt"] > page[-1]["updatedAt"]
