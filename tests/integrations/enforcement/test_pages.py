"""What the CRM enforces: the page and its buttons, in their order."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import EnforcementItem
from integrations.standins.app import Running
from integrations.standins.store import Actor
from records.models import Connection
from teams.models import BusinessUnit, Person
from tests.integrations.conftest import connect
from tests.integrations.enforcement.conftest import EMPTY, KEY, PIPELINE, mappings, put_in_force, rules_there

pytestmark = pytest.mark.django_db
STAGE = "|".join(KEY)


@pytest.fixture
def admin(client: Client, revops: Person) -> Client:
    client.force_login(revops)
    return client


def page(client: Client) -> str:
    response = client.get(reverse("integrations:rules"))
    assert response.status_code == 200
    return str(response.content.decode())


def press(client: Client, what: str, **data: str) -> str:
    address = reverse("integrations:rules_act", args=["salesforce", what])
    response: Any = client.post(address, data, follow=True)
    assert response.status_code == 200
    return str(response.content.decode())


def test_the_buttons_come_in_their_order(admin: Client, crm: Running, salesforce: Connection) -> None:
    first = page(admin)
    assert "Not enforced" in first
    assert "Create inactive" not in first
    checked = press(admin, "check")
    assert "Checked, not created" in checked
    assert "the validation rule Opportunity.Gtm_Exit_Negotiation" in checked
    assert "Switch on" not in checked
    created = press(admin, "create", stage=STAGE)
    assert "Created, inactive" in created
    assert "You can switch it off at any time." in created
    active = press(admin, "activate", stage=STAGE)
    assert "Active: refuses saves" in active
    assert rules_there(crm)[0]["Active"] is True
    assert "Created, inactive" in press(admin, "deactivate", stage=STAGE)
    removed = press(admin, "remove")
    assert "Not enforced" in removed
    assert rules_there(crm) == []


def test_what_can_not_be_held_and_what_is_exempt_stand_beside_the_stage(
    admin: Client, salesforce: Connection
) -> None:
    text = page(admin)
    assert "at least 1 call" in text
    assert "not asked when Amount is less than 5,000" in text


def test_those_refused_today_are_named_inside_the_border(
    admin: Client, salesforce: Connection, revops: Person
) -> None:
    from records.models import Record

    press(admin, "check")
    address = reverse("integrations:rules_refused", args=["salesforce", *KEY])
    assert address in page(admin)
    text = admin.get(address).content.decode()
    assert "1 could not leave Negotiation now" in text
    assert "Empty" in text
    other = BusinessUnit.objects.create(key="elsewhere", name="Elsewhere")
    Record.objects.filter(remote_id=EMPTY).update(business_unit=other)
    assert "Nobody would be refused" in admin.get(address).content.decode()


def test_drift_is_shown_with_both_ways_out(admin: Client, crm: Running, salesforce: Connection) -> None:
    for what in ("check", "create", "activate"):
        press(admin, what, stage=STAGE)
    [row] = crm.store.all_of("salesforce", "ValidationRule")
    crm.store.update(row, {"ErrorConditionFormula": "FALSE"}, Actor("", "CRM_UI"))
    text = press(admin, "look")
    assert "Somebody changed it" in text
    assert "Changed in the CRM" in text
    assert "Accept theirs" in text
    item = EnforcementItem.objects.get(kind="rule")
    admin.post(reverse("integrations:rule_put_back", args=[item.pk]))
    assert rules_there(crm)[0]["ErrorConditionFormula"] != "FALSE"
    crm.store.update(row, {"ErrorConditionFormula": "FALSE"}, Actor("", "CRM_UI"))
    press(admin, "look")
    admin.post(reverse("integrations:rule_accept", args=[item.pk]))
    assert "Theirs was accepted" in page(admin)


def test_a_connection_that_only_reads_shows_no_button_that_creates(
    admin: Client, salesforce: Connection
) -> None:
    salesforce.is_writing = False
    salesforce.save()
    text = press(admin, "check")
    assert "Reading only: rules can be checked, not created." in text
    assert "Create inactive" not in text
    assert "read only" in press(admin, "create", stage=STAGE)


def test_hubspot_gets_its_list_to_tick(admin: Client, crm: Running, salesforce: Connection) -> None:
    fields = {"stage": ("dealstage", "picklist"), "success_criteria": ("success_criteria", "text")}
    connect("hubspot", crm.base_url, mappings=mappings("deals", fields))
    put_in_force({**PIPELINE, "connection": "hubspot", "when": None, "exempt_below": None}, 2)
    text = page(admin)
    assert "By hand in the CRM" in text
    assert "<code>success_criteria</code>" in text
    assert "HubSpot lets no API require anything at a stage." in text
    response = admin.post(reverse("integrations:rules_act", args=["hubspot", "check"]), follow=True)
    assert "Checked: 0 records could not leave a stage now. Nothing was changed." in response.content.decode()


def test_everything_created_can_be_taken_away_as_a_file(admin: Client, salesforce: Connection) -> None:
    for what in ("check", "create"):
        press(admin, what, stage=STAGE)
    text = admin.get(reverse("integrations:rules_export")).content.decode()
    for name in ("Opportunity.Gtm_Exit_Negotiation", "Gtm_Bypass_Validation for our user"):
        assert name in text


@pytest.mark.parametrize("role", ["rep", "manager", "leader"])
def test_only_admins_come_here(client: Client, db: None, role: str) -> None:
    client.force_login(Person.objects.create(email="r@fernhill.example", name="Rey Moss", role=role))
    assert client.get(reverse("integrations:rules")).status_code == 403
