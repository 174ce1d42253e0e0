"""Validation rules of the stand-in Salesforce: made by the Tooling API, held at every door, passed by permission."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceError, SalesforceMalformedRequest

from integrations.standins.app import Running
from integrations.standins.world import salesforce_id
from tests.integrations.standins.conftest import REP, START, Start, salesforce_at, small_world

DEAL = salesforce_id("006", 1)
FORMULA = 'AND(ISCHANGED(StageName), ISPICKVAL(PRIORVALUE(StageName), "Qualification"), ISBLANK(NextStep))'
METADATA = {
    "active": True,
    "errorConditionFormula": FORMULA,
    "errorMessage": "Say what comes next.",
    "errorDisplayField": "NextStep",
    "description": "A test's.",
}


@pytest.fixture
def running(start: Start) -> Running:
    world = small_world()
    world["salesforce"]["Opportunity"] = [
        {
            "id": DEAL,
            "fields": {"Name": "Fleet", "StageName": "Qualification", "Amount": 100.0, "OwnerId": REP},
            "created": START,
            "modified": START,
        }
    ]
    return start(world)


def make(sf: Salesforce, name: str = "Next_Step", **more: Any) -> str:
    body = {"FullName": f"Opportunity.{name}", "Metadata": {**METADATA, **more}}
    return str(sf.restful("tooling/sobjects/ValidationRule/", method="POST", json=body)["id"])


def query(sf: Salesforce, soql: str) -> list[Any]:
    return list(sf.restful("tooling/query", params={"q": soql})["records"])


def test_a_rule_is_made_read_changed_and_deleted(sf: Salesforce) -> None:
    rule = make(sf, active=False)
    [row] = query(
        sf,
        "SELECT Id, ValidationName, Active, FullName, Metadata FROM ValidationRule"
        " WHERE EntityDefinition.QualifiedApiName = 'Opportunity' AND ValidationName = 'Next_Step'",
    )
    assert (row["FullName"], row["Active"], row["Metadata"]["errorConditionFormula"]) == (
        "Opportunity.Next_Step", False, FORMULA,
    )  # fmt: skip
    sf.restful(f"tooling/sobjects/ValidationRule/{rule}", method="PATCH", json={"Metadata": METADATA})
    assert sf.restful(f"tooling/sobjects/ValidationRule/{rule}")["Metadata"]["active"] is True
    sf.restful(f"tooling/sobjects/ValidationRule/{rule}", method="DELETE")
    assert query(sf, "SELECT Id FROM ValidationRule") == []


def test_formula_and_full_name_are_told_for_one_row_only_and_the_formula_has_no_column(
    sf: Salesforce,
) -> None:
    make(sf, "One")
    make(sf, "Two")
    for soql in (
        "SELECT FullName FROM ValidationRule",
        "SELECT ErrorConditionFormula FROM ValidationRule LIMIT 1",
    ):
        with pytest.raises(SalesforceMalformedRequest):
            query(sf, soql)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"errorConditionFormula": "AND(ISBLANK(NextStep)"}, "Error"),
        ({"errorConditionFormula": "ISBLANK(Next_Stepp__c)"}, "Next_Stepp__c"),
        ({"errorConditionFormula": "NOT($Permission.Nobody_Has_It)"}, "Nobody_Has_It"),
        ({"errorConditionFormula": "Amount + 1"}, "data type"),
        ({"errorMessage": "x" * 256}, "255"),
        ({"errorDisplayField": "Nowhere__c"}, "Nowhere__c"),
    ],
)
def test_what_can_be_no_rule_is_refused(sf: Salesforce, more: dict[str, Any], word: str) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        make(sf, **more)
    assert refused.value.content[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    assert word in refused.value.content[0]["message"]


def test_a_name_is_taken_once(sf: Salesforce) -> None:
    make(sf)
    with pytest.raises(SalesforceMalformedRequest) as refused:
        make(sf)
    assert refused.value.content[0]["errorCode"] == "DUPLICATE_DEVELOPER_NAME"


def test_an_active_rule_holds_at_the_row_and_in_a_collection(sf: Salesforce) -> None:
    make(sf)
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.Opportunity.update(DEAL, {"StageName": "Needs Analysis"})
    assert refused.value.content == [
        {
            "message": "Say what comes next.",
            "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "fields": ["NextStep"],
        }
    ]
    record = {"attributes": {"type": "Opportunity"}, "id": DEAL, "StageName": "Needs Analysis"}
    [item] = sf.restful("composite/sobjects", method="PATCH", json={"records": [record]})
    assert (item["success"], item["errors"][0]["statusCode"]) == (False, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    sf.Opportunity.update(DEAL, {"StageName": "Needs Analysis", "NextStep": "Call on Monday"})


def test_every_broken_rule_is_told_and_an_inactive_one_holds_nothing(sf: Salesforce) -> None:
    make(sf, "One", errorMessage="One.")
    make(sf, "Two", errorMessage="Two.")
    make(sf, "Three", errorMessage="Three.", active=False)
    with pytest.raises(SalesforceMalformedRequest) as refused:
        sf.Opportunity.update(DEAL, {"StageName": "Needs Analysis"})
    assert [e["message"] for e in refused.value.content] == ["One.", "Two."]


def test_who_has_the_permission_passes(sf: Salesforce) -> None:
    user = sf.oauth2("userinfo")["user_id"]
    permission = sf.CustomPermission.create({"DeveloperName": "Pass", "MasterLabel": "Pass"})["id"]
    make(sf, errorConditionFormula=f"AND(NOT($Permission.Pass), {FORMULA})")
    group = sf.PermissionSet.create({"Name": "Passing", "Label": "Passing"})["id"]
    sf.SetupEntityAccess.create({"ParentId": group, "SetupEntityId": permission})
    with pytest.raises(SalesforceMalformedRequest):
        sf.Opportunity.update(DEAL, {"StageName": "Needs Analysis"})
    sf.PermissionSetAssignment.create({"PermissionSetId": group, "AssigneeId": user})
    sf.Opportunity.update(DEAL, {"StageName": "Needs Analysis"})
    with pytest.raises(SalesforceError) as refused:
        sf.PermissionSet.delete(group)
    assert "assigned" in str(refused.value)


def test_a_person_reads_the_message_and_loses_nothing_typed(running: Running, sf: Salesforce) -> None:
    make(sf)
    form = {"StageName": "Needs Analysis", "Amount": "250", "Description": "Long thoughts"}
    page = requests.post(f"{running.base_url}/salesforce/Opportunity/{DEAL}/edit", data=form, timeout=10)
    assert page.status_code == 400
    assert "Review the errors on this page. Say what comes next." in page.text
    assert "Long thoughts" in page.text
    assert '<option value="Needs Analysis" selected>' in page.text
    page = requests.post(
        f"{running.base_url}/salesforce/Opportunity/{DEAL}/edit",
        data={**form, "NextStep": "Call"},
        timeout=10,
    )
    assert page.status_code == 200
    row = running.store.get("salesforce", "Opportunity", DEAL)
    assert row is not None
    assert (row.fields["StageName"], row.fields["Amount"]) == ("Needs Analysis", 250.0)


def test_a_person_sees_and_edits_the_rules_there(running: Running, sf: Salesforce) -> None:
    rule = make(sf)
    address = f"{running.base_url}/salesforce/ValidationRule"
    assert "Next_Step" in requests.get(address, timeout=10).text
    page = requests.post(f"{address}/{rule}/edit", data={"ErrorConditionFormula": "ISBLANK("}, timeout=10)
    assert page.status_code == 400
    requests.post(f"{address}/{rule}/edit", data={"Active": "false"}, timeout=10)
    sf.Opportunity.update(DEAL, {"StageName": "Needs Analysis"})


def package(formula: str) -> bytes:
    out = io.BytesIO()
    space = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
    inside = formula.replace("&", "&amp;").replace("<", "&lt;")
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("package.xml", f"<Package {space}/>")
        package.writestr("customPermissions/New_One.customPermission", f"<CustomPermission {space}/>")
        package.writestr(
            "objects/Opportunity.object",
            f"<CustomObject {space}><validationRules><fullName>Try</fullName><active>false</active>"
            f"<errorConditionFormula>{inside}</errorConditionFormula><errorMessage>No.</errorMessage>"
            "</validationRules></CustomObject>",
        )
    return out.getvalue()


@pytest.mark.parametrize(
    ("formula", "problem"),
    [("AND(NOT($Permission.New_One), Amount < 1)", ""), ("ISBLANK(Nothing__c)", "Nothing__c")],
)
def test_a_deploy_that_only_checks_says_what_would_fail_and_changes_nothing(
    running: Running, formula: str, problem: str
) -> None:
    sf = salesforce_at(running)
    options = json.dumps({"deployOptions": {"checkOnly": True}})
    body = requests.Request(
        "POST",
        "http://x",
        files={"json": (None, options, "application/json"), "file": ("deploy.zip", package(formula))},
    ).prepare()
    answer = sf.restful(
        "metadata/deployRequest",
        method="POST",
        data=body.body,
        headers={"Content-Type": body.headers["Content-Type"]},
    )
    told: dict[str, Any] = {"done": False}
    for _ in range(3):
        told = sf.restful(f"metadata/deployRequest/{answer['id']}", params={"includeDetails": "true"})[
            "deployResult"
        ]
    assert told["done"]
    assert told["success"] is (not problem)
    assert all(problem in f["problem"] for f in told["details"]["componentFailures"])
    assert query(sf, "SELECT Id FROM ValidationRule") == []
    assert sf.query("SELECT Id FROM CustomPermission")["records"] == []
