from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests
from simple_salesforce import Salesforce, SalesforceAuthenticationFailed, SalesforceMalformedRequest
from simple_salesforce.exceptions import SalesforceExpiredSession, SalesforceResourceNotFound

from integrations.standins.app import Running
from integrations.standins.world import salesforce_id
from tests.integrations.standins.conftest import (
    QUEUE,
    REP,
    START,
    Start,
    ToStandin,
    salesforce_at,
    small_world,
)

ONE = salesforce_id("00Q", 1)
TWO = salesforce_id("00Q", 2)


def collections(sf: Salesforce, records: list[dict[str, Any]], **more: Any) -> Any:
    return sf.restful("composite/sobjects", method="PATCH", json={"records": records, **more})


def changed(remote_id: str, **fields: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Lead"}, "id": remote_id, **fields}


def test_a_wrong_secret_opens_no_session(running: Running) -> None:
    session = requests.Session()
    session.mount("https://", ToStandin(running.base_url))
    with pytest.raises(SalesforceAuthenticationFailed):
        Salesforce(consumer_key="key", consumer_secret="wrong", domain="fernhill.my", session=session)


def test_a_refresh_token_rotates_and_its_second_use_revokes_the_family(running: Running) -> None:
    def use(token: str) -> requests.Response:
        data = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "key"}
        return requests.post(f"{running.base_url}/services/oauth2/token", data=data, timeout=10)

    first = running.application.salesforce.sessions.new_refresh_token()
    second = use(first).json()["refresh_token"]
    assert use(first).json()["error"] == "invalid_grant"
    assert use(second).json()["error"] == "invalid_grant"


def test_sessions_expire_when_told_to(start: Start) -> None:
    running = start(faults="expire:3")
    token = salesforce_at(running).session_id
    session = requests.Session()
    session.mount("https://", ToStandin(running.base_url))
    sf = Salesforce(session_id=token, instance_url="https://fernhill.my.salesforce.com", session=session)
    for _ in range(3):
        sf.query("SELECT Id FROM Lead LIMIT 1")
    with pytest.raises(SalesforceExpiredSession):
        sf.query("SELECT Id FROM Lead LIMIT 1")


def test_a_write_moves_the_stamp_and_says_who(sf: Salesforce) -> None:
    before = sf.Lead.get(ONE)
    assert sf.Lead.update(ONE, {"Status": "Working - Contacted"}) == 204
    after = sf.Lead.get(ONE)
    assert after["Status"] == "Working - Contacted"
    assert after["SystemModstamp"] > before["SystemModstamp"]
    assert after["LastModifiedById"] != before["LastModifiedById"]
    assert after["CreatedDate"] == before["CreatedDate"] == "2026-03-02T09:00:00.000+0000"


def test_history_tells_the_change(sf: Salesforce) -> None:
    sf.Lead.update(ONE, {"Status": "Working - Contacted", "Title": "untracked"})
    rows = sf.query("SELECT LeadId, Field, OldValue, NewValue FROM LeadHistory")["records"]
    assert [(r["LeadId"], r["Field"], r["OldValue"], r["NewValue"]) for r in rows] == [
        (ONE, "Status", "Open - Not Contacted", "Working - Contacted")
    ]


def test_a_change_of_owner_is_two_rows(sf: Salesforce) -> None:
    sf.Lead.update(ONE, {"OwnerId": QUEUE})
    rows = sf.query("SELECT Field, OldValue, NewValue FROM LeadHistory ORDER BY CreatedDate, Id")["records"]
    assert sorted((r["Field"], r["OldValue"], r["NewValue"]) for r in rows) == [
        ("Owner", REP, QUEUE),
        ("Owner", "Rey Moss", "Inbound"),
    ]


def test_the_assignment_rule_fires_unless_told_not_to(running: Running) -> None:
    salesforce_at(running).Lead.update(ONE, {"Title": "Fleet manager"})
    salesforce_at(running, auto_assign=True).Lead.update(TWO, {"Title": "Fleet manager"})
    sf = salesforce_at(running)
    assert (sf.Lead.get(ONE)["OwnerId"], sf.Lead.get(TWO)["OwnerId"]) == (REP, QUEUE)


def test_a_collection_keeps_order_and_fails_row_by_row(sf: Salesforce) -> None:
    missing = salesforce_id("00Q", 999)
    results = collections(
        sf,
        [
            changed(TWO, Title="b"),
            changed(missing, Title="c"),
            changed(ONE, Company="x" * 300),
            changed(ONE, Title="a"),
        ],
    )
    assert [r["success"] for r in results] == [True, False, False, True]
    assert [e["errors"][0]["statusCode"] for e in results if not e["success"]] == [
        "INVALID_CROSS_REFERENCE_KEY",
        "STRING_TOO_LONG",
    ]
    assert "id" not in results[1]
    assert (sf.Lead.get(ONE)["Title"], sf.Lead.get(TWO)["Title"]) == ("a", "b")


def test_all_or_none_writes_nothing_when_one_fails(sf: Salesforce) -> None:
    results = collections(sf, [changed(ONE, Title="a"), changed(TWO, Nonsense__c=1)], allOrNone=True)
    assert [r["errors"][0]["statusCode"] for r in results] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "INVALID_FIELD",
    ]
    assert sf.Lead.get(ONE)["Title"] is None


@pytest.mark.parametrize("records", [[], [{"id": ONE}], [changed(ONE)] * 201])
def test_a_collection_that_is_no_collection_is_refused_whole(sf: Salesforce, records: list[Any]) -> None:
    with pytest.raises(SalesforceMalformedRequest):
        collections(sf, records)


def test_a_binned_row_is_not_found_to_read_and_deleted_to_write(sf: Salesforce) -> None:
    sf.Lead.delete(ONE)
    codes = []
    for act in (lambda: sf.Lead.get(ONE), lambda: sf.Lead.delete(ONE)):
        with pytest.raises(SalesforceResourceNotFound) as refused:
            act()
        codes.append(refused.value.content[0]["errorCode"])
    assert codes == ["NOT_FOUND", "ENTITY_IS_DELETED"]


def test_a_created_field_is_seen_only_after_the_grant(sf: Salesforce, running: Running) -> None:
    def seen() -> bool:
        return "GtmScore__c" in {f["name"] for f in sf.Lead.describe()["fields"]}

    metadata = {"label": "Score", "type": "Number", "precision": 5, "scale": 2}
    body = {"FullName": "Lead.GtmScore__c", "Metadata": metadata}
    sf.toolingexecute("sobjects/CustomField/", method="POST", data=body)
    query = "SELECT Id, DeveloperName, TableEnumOrId FROM CustomField WHERE TableEnumOrId = 'Lead'"
    found = sf.toolingexecute("query/", params={"q": query})
    assert [f["DeveloperName"] for f in found["records"]] == ["GtmScore"]
    assert not seen()

    user = sf.query("SELECT Id FROM User WHERE FirstName = 'gtmops'")["records"][0]["Id"]
    permission_set = sf.PermissionSet.create({"Name": "Gtmops_Integration", "Label": "gtmops"})["id"]
    grant = {"ParentId": permission_set, "SobjectType": "Lead", "Field": "Lead.GtmScore__c"}
    sf.FieldPermissions.create({**grant, "PermissionsRead": True, "PermissionsEdit": True})
    assert not seen()
    sf.PermissionSetAssignment.create({"PermissionSetId": permission_set, "AssigneeId": user})
    assert seen()
    sf.Lead.update(ONE, {"GtmScore__c": 4.25})
    assert sf.query("SELECT GtmScore__c FROM Lead WHERE GtmScore__c > 4")["records"][0]["GtmScore__c"] == 4.25
    assert running.store.writes("salesforce", "API")[-1]["fields"] == {"GtmScore__c": 4.25}

    with pytest.raises(SalesforceMalformedRequest) as again:
        sf.PermissionSetAssignment.create({"PermissionSetId": permission_set, "AssigneeId": user})
    assert again.value.content[0]["errorCode"] == "DUPLICATE_VALUE"
    with pytest.raises(SalesforceMalformedRequest):
        sf.toolingexecute("sobjects/CustomField/", method="POST", data=body)


def test_an_opportunity_keeps_a_picture_of_each_stage(start: Start) -> None:
    world = small_world()
    world["salesforce"]["Opportunity"] = [
        {
            "id": salesforce_id("006", 1),
            "fields": {"Name": "Fleet", "StageName": "Qualification", "Amount": 100.0, "OwnerId": REP},
            "created": START,
            "modified": START + timedelta(days=2),
            "history": [
                {
                    "field": "StageName",
                    "old": "Prospecting",
                    "new": "Qualification",
                    "at": START + timedelta(days=2),
                    "by": REP,
                }
            ],
        }
    ]
    sf = salesforce_at(start(world))
    sf.Opportunity.update(salesforce_id("006", 1), {"StageName": "Closed Won"})
    rows = sf.query("SELECT StageName, Amount, Probability FROM OpportunityHistory ORDER BY CreatedDate")[
        "records"
    ]
    assert [r["StageName"] for r in rows] == ["Prospecting", "Qualification", "Closed Won"]
    deal = sf.Opportunity.get(salesforce_id("006", 1))
    assert (deal["IsClosed"], deal["IsWon"], deal["Probability"]) == (True, True, 100.0)


def test_every_answer_says_how_much_of_the_limit_is_used(sf: Salesforce, running: Running) -> None:
    headers = {"Authorization": f"Bearer {sf.session_id}"}
    answer = requests.get(f"{running.base_url}/services/data/v62.0/limits", headers=headers, timeout=10)
    assert answer.headers["Sforce-Limit-Info"].startswith("api-usage=")
    assert answer.json()["DailyApiRequests"]["Max"] == 5_000_000


def test_a_very_long_address_gets_html_instead_of_json(sf: Salesforce, running: Running) -> None:
    headers = {"Authorization": f"Bearer {sf.session_id}"}
    address = f"{running.base_url}/services/data/v62.0/query?q={'x' * 17_000}"
    answer = requests.get(address, headers=headers, timeout=10)
    assert (answer.status_code, answer.text[0]) == (414, "<")


def test_some_rows_were_stamped_by_the_system_a_second_after_the_person(start: Start) -> None:
    rows = salesforce_at(start(small_world(leads=400))).query_all(
        "SELECT LastModifiedDate, SystemModstamp FROM Lead"
    )
    differing = [r for r in rows["records"] if r["LastModifiedDate"] != r["SystemModstamp"]]
    assert 1 <= len(differing) <= 2
    assert all(r["LastModifiedDate"] < r["SystemModstamp"] for r in differing)


def test_hidden_fields_are_the_same_ones_every_time_and_never_the_required(start: Start) -> None:
    sf = salesforce_at(start(faults="hidden:0.5"))
    shown = {f["name"] for f in sf.Lead.describe()["fields"]}
    assert shown == {f["name"] for f in sf.Lead.describe()["fields"]}
    everything = {f["name"] for f in salesforce_at(start()).Lead.describe()["fields"]}
    hidden = everything - shown
    assert 5 < len(hidden) < len(everything) - 5
    assert not hidden & {"Id", "LastName", "Company", "Status", "OwnerId", "SystemModstamp"}
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
        sf.query(f"SELECT {sorted(hidden)[0]} FROM Lead")


def test_history_begins_when_it_was_switched_on(start: Start) -> None:
    world = small_world()
    old = {"field": "Status", "old": None, "new": "Open - Not Contacted", "at": START, "by": REP}
    world["salesforce"]["Lead"][0]["history"] = [old]
    for faults, count in (("", 2), ("history:1", 1)):
        sf = salesforce_at(start(world, faults=faults))
        sf.Lead.update(ONE, {"Status": "Working - Contacted"})
        assert sf.query("SELECT COUNT() FROM LeadHistory")["totalSize"] == count


def test_the_log_of_the_deleted_reaches_back_no_further_than_it_says(start: Start) -> None:
    running = start(faults="forgets:0")
    sf = salesforce_at(running)
    sf.Lead.delete(ONE)
    now = running.store.clock()
    told = sf.Lead.deleted(now - timedelta(days=10), now + timedelta(minutes=2))
    assert told["earliestDateAvailable"] > (now - timedelta(days=10)).isoformat()
