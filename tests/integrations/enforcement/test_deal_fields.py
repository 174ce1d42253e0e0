"""A deal says what is missing before it leaves its stage, and an exception granted in gtmops opens the CRM's rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from definitions.models import Version
from gtmops.pipeline import process
from integrations import provision
from integrations.enforcement import services
from integrations.models import WriteSwitch
from integrations.pull import pull_to_the_end
from integrations.push import push_due
from integrations.standins.app import Running
from records.models import Connection, Record
from records.services import record_act
from tests.integrations.enforcement.conftest import (
    EMPTY,
    KEY,
    PIPELINE,
    put_in_force,
    rules_there,
    save_in_the_crm,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def telling(crm: Running, salesforce: Connection) -> Connection:
    """Our fields are there and written; one criterion, so that the rest of the world doesn't matter."""
    stages = [dict(s) for s in PIPELINE["stages"]]
    stages[1] = {**stages[1], "exit_criteria": {"field": "success_criteria", "op": "is_not_empty"}}
    Version.objects.all().delete()
    put_in_force({**PIPELINE, "stages": stages})
    assert not provision.apply(salesforce, datetime.now(UTC)).error
    WriteSwitch.objects.update(is_on=True)
    save_in_the_crm(crm, EMPTY, Description="Something happened since go-live")
    turn(salesforce)
    return salesforce


def turn(connection: Connection) -> None:
    """Read, conclude, write."""
    assert pull_to_the_end(connection) == []
    while process(datetime.now(UTC)):
        pass
    push_due(datetime.now(UTC))
    assert pull_to_the_end(connection) == []


def there(crm: Running, field: str) -> Any:
    row = crm.store.get("salesforce", "Opportunity", EMPTY)
    assert row is not None
    return row.fields.get(field)


def test_our_fields_are_made_where_they_belong(crm: Running, telling: Connection) -> None:
    names = set(crm.store.schema("salesforce", "Opportunity"))
    assert {"Gtm_Missing__c", "Gtm_Exception__c"} <= names
    assert "Gtm_Stage__c" not in names
    assert "Gtm_Exception__c" not in crm.store.schema("salesforce", "Lead")
    mapped = telling.mappings.filter(remote_object="Opportunity", field__name__startswith="gtm_")
    assert set(mapped.values_list("field__object", flat=True)) == {"deal"}


def test_a_deal_says_what_is_missing_until_it_is_there(crm: Running, telling: Connection) -> None:
    assert there(crm, "Gtm_Missing__c") == "Success criteria is not empty"
    save_in_the_crm(crm, EMPTY, Success_Criteria__c="Two depots live by June")
    turn(telling)
    assert there(crm, "Gtm_Missing__c") is None


def test_an_exception_opens_the_rule_in_the_crm(crm: Running, telling: Connection) -> None:
    now = datetime.now(UTC)
    assert not services.check(telling, now).error
    assert not services.create(telling, [KEY], now).error
    assert not services.activate(telling, [KEY], now).error
    assert "Gtm_Exception__c" in rules_there(crm)[0]["ErrorConditionFormula"]
    assert save_in_the_crm(crm, EMPTY, StageName="Closed Won").status_code == 400
    grant(Record.objects.get(remote_id=EMPTY), now)
    turn(telling)
    assert there(crm, "Gtm_Exception__c") == "[new_business/negotiation]"
    assert save_in_the_crm(crm, EMPTY, StageName="Closed Won").status_code == 200


def grant(record: Record, now: datetime) -> None:
    until = (now + timedelta(days=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked = {
        "exception": "one", "section": "pipelines", "key": "new_business/negotiation", "paths": [],
        "reason": "Signed by the board", "until": until,
    }  # fmt: skip
    record_act("exception.requested", record=record, key="asked", occurred_at=now, now=now, data=asked)
    granted = {"exception": "one", "until": until}
    record_act("exception.granted", record=record, key="granted", occurred_at=now, now=now, data=granted)
