import re
from collections import Counter

import pytest

from integrations.standins.fernhill.stories import story_06_perfect_sdr
from integrations.standins.load import INTEGRATION_USER_ID
from integrations.standins.world import salesforce_id_18
from tests.integrations.standins.fernhill.conftest import ANCHOR

PREFIXES = {
    "Account": "001",
    "Contact": "003",
    "Lead": "00Q",
    "Opportunity": "006",
    "OpportunityContactRole": "00K",
    "Task": "00T",
    "Event": "00U",
    "Campaign": "701",
    "CampaignMember": "00v",
}


def ids(rows):
    return {row["id"] for row in rows}


def test_the_population_is_about_8120_people_and_1500_deals(world):
    assert len(world["hubspot"]["contacts"]) + len(world["salesforce"]["Lead"]) == 8120
    assert len(world["salesforce"]["Opportunity"]) == 1500


@pytest.mark.parametrize(("name", "prefix"), PREFIXES.items())
def test_salesforce_ids_are_valid_and_unique(world, name, prefix):
    rows = world["salesforce"][name]
    assert len(ids(rows)) == len(rows)
    for row in rows:
        assert row["id"].startswith(prefix)
        assert row["id"] == salesforce_id_18(row["id"][:15])


def test_hubspot_ids_are_numbers_and_unique_within_a_type(world):
    for rows in world["hubspot"].values():
        assert len(ids(rows)) == len(rows)
        assert all(re.fullmatch(r"\d+", row["id"]) for row in rows)


def test_every_lead_and_its_contact_name_each_other_and_share_the_address(world):
    contacts = {c["id"]: c["fields"] for c in world["hubspot"]["contacts"]}
    for lead in world["salesforce"]["Lead"]:
        contact = contacts[lead["fields"]["HubSpot_Contact_Id__c"]]
        assert contact["salesforceleadid"] == lead["id"]
        assert contact["email"] == lead["fields"]["Email"]
    assert sum(bool(c["salesforceleadid"]) for c in contacts.values()) == len(world["salesforce"]["Lead"])


def test_addresses_are_unique_and_nobodys(world):
    addresses = [str(c["fields"]["email"]) for c in world["hubspot"]["contacts"]]
    assert max(Counter(addresses).values()) == 1
    assert all(re.fullmatch(r"[a-z0-9.]+@[a-z0-9.]+\.example", a) for a in addresses)


def test_references_lead_somewhere(world):
    s = world["salesforce"]
    people = ids(s["Lead"]) | ids(s["Contact"])
    # What story 10 calls nobody's belongs to the integration user, who is no person.
    owners = ids(world["users"]) | ids(world["queues"]) | {INTEGRATION_USER_ID}
    for o in s["Opportunity"]:
        assert o["fields"]["AccountId"] in ids_of(s, "Account")
        assert o["fields"]["ContactId"] in ids_of(s, "Contact")
        assert o["fields"]["OwnerId"] in owners
    for role in s["OpportunityContactRole"]:
        assert role["fields"]["OpportunityId"] in ids_of(s, "Opportunity")
    for member in s["CampaignMember"]:
        assert member["fields"]["CampaignId"] in ids_of(s, "Campaign")
        assert member["fields"]["LeadId"] in ids_of(s, "Lead")
        assert member["fields"]["ContactId"] in {None, *ids_of(s, "Contact")}
    for activity in [*s["Task"], *s["Event"]]:
        assert activity["fields"]["WhoId"] in people
    contacts = ids(world["hubspot"]["contacts"])
    for kind in ("calls", "meetings", "emails"):
        assert all(
            link["to_id"] in contacts for row in world["hubspot"][kind] for link in row["associations"]
        )


_cache: dict[str, set[str]] = {}


def ids_of(salesforce, name):
    if name not in _cache:
        _cache[name] = ids(salesforce[name])
    return _cache[name]


def test_converted_leads_carry_account_contact_and_opportunity(world):
    s = world["salesforce"]
    opportunities = {o["id"]: o["fields"] for o in s["Opportunity"]}
    converted = [lead["fields"] for lead in s["Lead"] if lead["fields"]["Status"] == "Converted"]
    assert len(converted) == 498
    for fields in converted:
        deal = opportunities[fields["ConvertedOpportunityId"]]
        assert deal["AccountId"] == fields["ConvertedAccountId"]
        assert deal["ContactId"] == fields["ConvertedContactId"]
        assert fields["IsConverted"]


def test_fields_are_what_the_history_ends_with(world):
    for rows in [*world["salesforce"].values(), *world["hubspot"].values()]:
        for row in rows:
            history = row.get("history", [])
            assert [c["at"] for c in history] == sorted(c["at"] for c in history)
            last = {c["field"]: c["new"] for c in history}
            assert {name: row["fields"][name] for name in last} == last
            assert row["created"] <= row["modified"]
            assert all(row["created"] <= c["at"] <= row["modified"] for c in history)
            for before, after in pairs(history):
                assert after["old"] == before["new"]


def pairs(history):
    seen = {}
    for change in history:
        if change["field"] in seen:
            yield seen[change["field"]], change
        seen[change["field"]] = change


def test_values_stand_in_the_picklists_of_the_schema(world):
    for name, fields in world["schema"]["salesforce"].items():
        for spec in fields:
            if spec["type"] == "picklist":
                allowed = {v if isinstance(v, str) else v["value"] for v in spec["values"]} | {None}
                assert {row["fields"].get(spec["name"]) for row in world["salesforce"][name]} <= allowed
    for spec in world["schema"]["hubspot"]["contacts"]:
        if "options" in spec:
            allowed = {o["value"] for o in spec["options"]} | {None}
            assert {row["fields"][spec["name"]] for row in world["hubspot"]["contacts"]} <= allowed


def test_pain_is_written_by_people_who_do_not_repeat_themselves(world):
    pains = Counter(lead["fields"]["Pain__c"] for lead in world["salesforce"]["Lead"])
    del pains[None], pains["tbd"], pains[story_06_perfect_sdr.TEXT]
    assert max(pains.values()) < 10
    assert len(pains) > 0.85 * sum(pains.values())


def test_times_are_whole_seconds_in_utc(world):
    for rows in [*world["salesforce"].values(), *world["hubspot"].values()]:
        for row in rows:
            for moment in (row["created"], row["modified"], *(c["at"] for c in row.get("history", []))):
                assert moment.microsecond == 0
                assert moment.utcoffset() == ANCHOR.utcoffset()
