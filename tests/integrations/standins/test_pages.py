from __future__ import annotations

import html
import re

import pytest
import requests
from simple_salesforce import Salesforce

from integrations.standins.app import Running
from integrations.standins.world import salesforce_id
from tests.integrations.standins.conftest import (
    REP,
    Start,
    contact,
    hubspot_at,
    lead,
    salesforce_at,
    small_world,
)

ONE = salesforce_id("00Q", 1)


class Person:
    """Someone with a browser but no script."""

    def __init__(self, running: Running) -> None:
        self.base = running.base_url
        self.session = requests.Session()

    def see(self, path: str) -> str:
        answer = self.session.get(self.base + path, timeout=10)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer.text

    def send(self, path: str, **fields: str) -> requests.Response:
        return self.session.post(self.base + path, data=fields, timeout=10)


@pytest.fixture
def person(running: Running) -> Person:
    return Person(running)


def test_every_page_says_that_it_is_a_demo(person: Person) -> None:
    for path in (
        "/salesforce",
        "/salesforce/Lead",
        f"/salesforce/Lead/{ONE}",
        f"/salesforce/Lead/{ONE}/edit",
    ):
        assert '<a href="/salesforce">Demo Salesforce</a>' in person.see(path)
        assert "Not connected to Salesforce" in person.see(path)
    for path in ("/hubspot", "/hubspot/contacts", "/hubspot/contacts/1001", "/hubspot/deals/new"):
        assert "Not connected to HubSpot" in person.see(path)
    assert "Demo HubSpot" in person.see("/")


def test_a_list_is_searched_and_paged(start: Start) -> None:
    person = Person(start(small_world(leads=120)))
    assert "120 Leads" in person.see("/salesforce/Lead")
    assert "Page 3 of 3" in person.see("/salesforce/Lead?page=3")
    assert "1 Leads with “Company 77”" in person.see("/salesforce/Lead?q=Company+77")
    assert "Nothing found." in person.see("/salesforce/Lead?q=100%25_")


def test_texts_of_the_crm_are_escaped(start: Start) -> None:
    world = small_world()
    world["salesforce"]["Lead"] = [lead(1, LastName="<script>alert(1)</script>", Company="A & B")]
    person = Person(start(world))
    for path in ("/salesforce/Lead", f"/salesforce/Lead/{ONE}", f"/salesforce/Lead/{ONE}/edit"):
        assert "<script>" not in person.see(path)
    assert "A &amp; B" in person.see("/salesforce/Lead")


def test_an_edit_writes_what_was_changed_and_nothing_else(
    person: Person, sf: Salesforce, running: Running
) -> None:
    form = person.see(f"/salesforce/Lead/{ONE}/edit")
    inputs = dict(re.findall(r'<input id="f-\w+" name="(\w+)" type="[\w-]+" value="([^"]*)"', form))
    fields = {k: html.unescape(v) for k, v in inputs.items()}
    answer = person.send(
        f"/salesforce/Lead/{ONE}/edit",
        **{**fields, "Status": "Working - Contacted", "OwnerId": REP, "Title": "COO"},
    )
    assert "Saved." in answer.text
    assert running.store.writes("salesforce")[-1]["fields"] == {
        "Status": "Working - Contacted",
        "Title": "COO",
    }
    row = sf.Lead.get(ONE)
    assert (row["Status"], row["LastModifiedById"]) == ("Working - Contacted", REP)
    page = person.see(f"/salesforce/Lead/{ONE}")
    assert "<strong>Lead Status</strong>: Open - Not Contacted → Working - Contacted" in page
    assert "Rey Moss" in page


def test_a_refused_edit_says_why_and_keeps_what_was_typed(person: Person) -> None:
    answer = person.send(f"/salesforce/Lead/{ONE}/edit", Title="x" * 200)
    assert answer.status_code == 400
    assert "STRING_TOO_LONG" in answer.text
    assert "x" * 200 in answer.text


def test_a_person_may_move_the_lifecycle_stage_back(person: Person, running: Running) -> None:
    api = hubspot_at(running).crm.contacts.basic_api
    api.update("1001", {"properties": {"lifecyclestage": "opportunity"}})
    person.send("/hubspot/contacts/1001/edit", lifecyclestage="lead")
    assert api.get_by_id("1001", properties=["lifecyclestage"]).properties["lifecyclestage"] == "lead"


@pytest.mark.parametrize(("kind", "name"), [("call", "Task"), ("meeting", "Event")])
def test_an_activity_is_logged_at_a_lead(person: Person, sf: Salesforce, kind: str, name: str) -> None:
    person.send(f"/salesforce/Lead/{ONE}/log", kind=kind, subject="Spoke briefly", notes="Wants a demo")
    rows = sf.query(f"SELECT Subject, OwnerId FROM {name} WHERE WhoId = '{ONE}'")["records"]
    assert [(r["Subject"], r["OwnerId"]) for r in rows] == [("Spoke briefly", REP)]
    assert "Spoke briefly" in person.see(f"/salesforce/Lead/{ONE}")


@pytest.mark.parametrize(("kind", "plural"), [("call", "calls"), ("meeting", "meetings")])
def test_an_activity_is_logged_at_a_contact(person: Person, running: Running, kind: str, plural: str) -> None:
    person.send("/hubspot/contacts/1001/log", kind=kind, subject="Spoke", notes="", when="2026-03-05T10:00")
    hs = hubspot_at(running)
    links = hs.crm.associations.v4.basic_api.get_page("contacts", "1001", plural).results
    found = getattr(hs.crm.objects, plural).basic_api.get_by_id(
        links[0].to_object_id, properties=["hs_timestamp"]
    )
    assert found.properties["hs_timestamp"] == "2026-03-05T10:00:00.000Z"
    assert "Spoke" in person.see("/hubspot/contacts/1001")


def test_fields_made_by_api_stand_in_a_group_of_their_own(person: Person, running: Running) -> None:
    api = hubspot_at(running).crm
    api.properties.groups_api.create("contacts", {"name": "gtmops", "label": "GTM Ops"})
    body = {
        "name": "gtm_handoff_url",
        "label": "Handoff",
        "type": "string",
        "fieldType": "text",
        "groupName": "gtmops",
    }
    api.properties.core_api.create("contacts", body)
    link = "https://gtmops.example/h/1"
    api.contacts.basic_api.update("1001", {"properties": {"gtm_handoff_url": link}})
    page = person.see("/hubspot/contacts/1001")
    ours = page[page.index('class="ours"') : page.index("</section>")]
    assert f'<a href="{link}">' in ours


def test_the_button_turns_prepared_contacts_into_mqls_and_then_makes_new_ones(start: Start) -> None:
    world = small_world()
    world["hubspot"]["contacts"] = [contact(1, lifecyclestage="lead", country="United States")]
    world["live_leads"] = [{"contact_id": "1001", "properties": {"lifecyclestage": "marketingqualifiedlead"}}]
    running = start(world)
    person = Person(running)
    first = person.send("/hubspot/live-lead")
    assert '<a href="/hubspot/contacts/1001">Bo Tern 1</a> requested a demo' in first.text
    second = person.send("/hubspot/live-lead")
    made = second.url.rpartition("=")[2]
    api = hubspot_at(running).crm.contacts.basic_api
    for remote_id in ("1001", made):
        names = ["lifecyclestage", "recent_conversion_event_name", "country"]
        properties = api.get_by_id(remote_id, properties=names).properties
        assert [properties[n] for n in names] == ["marketingqualifiedlead", "Demo request", "United States"]


def test_addresses_of_the_real_crms_lead_to_the_record(person: Person) -> None:
    assert "Ada Brightwell 1" in person.see(f"/lightning/r/Lead/{ONE}/view")
    assert "Bo Tern 1" in person.see("/contacts/42424242/record/0-1/1001")


def test_a_form_of_another_site_is_refused(person: Person, sf: Salesforce) -> None:
    answer = person.session.post(
        f"{person.base}/salesforce/Lead/{ONE}/edit",
        data={"Title": "Taken over"},
        headers={"Origin": "https://elsewhere.example"},
        timeout=10,
    )
    assert answer.status_code == 403
    assert sf.Lead.get(ONE)["Title"] is None


def test_what_is_not_there_is_not_found(person: Person) -> None:
    for path in ("/nothing", "/salesforce/Nothing", "/salesforce/Lead/00Q", "/mail/7"):
        assert person.session.get(person.base + path, timeout=10).status_code == 404


def test_one_acts_as_the_owner_until_one_chose_a_person(start: Start) -> None:
    world = small_world()
    other = salesforce_id("005", 2)
    world["users"].insert(
        0, {"id": other, "first_name": "Una", "last_name": "Voss", "email": "u@f.example", "active": True}
    )
    running = start(world)
    person = Person(running)
    person.send(f"/salesforce/Lead/{ONE}/edit", Title="CFO")
    assert salesforce_at(running).Lead.get(ONE)["LastModifiedById"] == REP
    person.send("/salesforce/acting", person=other, back="/salesforce")
    person.send(f"/salesforce/Lead/{ONE}/edit", Title="COO")
    assert salesforce_at(running).Lead.get(ONE)["LastModifiedById"] == other
