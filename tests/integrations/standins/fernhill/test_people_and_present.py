from collections import Counter
from datetime import timedelta

from integrations.standins.fernhill import DEMO_PEOPLE, PEOPLE
from tests.integrations.standins.fernhill.conftest import ANCHOR

TWO_DAYS = timedelta(days=2)


def user_id(role):
    return next(p.user_id for p in PEOPLE if p.email == DEMO_PEOPLE[role])


def test_forty_people_are_active_and_three_have_left():
    active = Counter(p.team for p in PEOPLE if p.active)
    assert active == {"SDR": 11, "AE": 15, "CS": 7, "Marketing": 4, "RevOps": 2, "Executive": 1}
    assert Counter(p.team for p in PEOPLE if not p.active) == {"SDR": 2, "AE": 1}


def test_users_and_owners_are_the_same_people(world):
    assert [u["email"] for u in world["users"]] == [o["email"] for o in world["owners"]]
    for user, owner in zip(world["users"], world["owners"], strict=True):
        assert user["email"].isascii()
        assert user["active"] is not owner["archived"]
        assert user["time_zone"] in ("America/Chicago", "Europe/Berlin")


def test_every_demo_sign_in_is_an_active_person():
    assert len(DEMO_PEOPLE) == 7
    assert all(any(p.email == email and p.active for p in PEOPLE) for email in DEMO_PEOPLE.values())


def test_demo_sdr_and_demo_ae_share_a_business_unit_across_offices():
    sdr, ae = (next(p for p in PEOPLE if p.email == DEMO_PEOPLE[role]) for role in ("sdr", "ae"))
    assert (sdr.office, ae.office) == ("Austin", "Berlin")
    assert set(sdr.units) & set(ae.units)


def leads_of(world, owner):
    return [lead for lead in world["salesforce"]["Lead"] if lead["fields"]["OwnerId"] == owner]


def test_the_demo_sdr_finds_fresh_mqls_of_various_age(world):
    contacts = {c["id"]: c for c in world["hubspot"]["contacts"]}
    ages, touched = [], 0
    for lead in leads_of(world, user_id("sdr")):
        history = contacts[lead["fields"]["HubSpot_Contact_Id__c"]]["history"]
        entered = [c["at"] for c in history if c["new"] == "marketingqualifiedlead"]
        if entered and ANCHOR - entered[0] <= TWO_DAYS:
            ages.append(ANCHOR - entered[0])
            touched += any(t["fields"]["WhoId"] == lead["id"] for t in world["salesforce"]["Task"])
            touched += any(
                link["to_id"] == lead["fields"]["HubSpot_Contact_Id__c"]
                for call in world["hubspot"]["calls"]
                for link in call["associations"]
            )
    assert len(ages) == 6
    assert min(ages) < timedelta(minutes=30)
    assert max(ages) > timedelta(hours=12)
    assert touched >= 1


def test_qualified_leads_wait_for_the_demo_ae_with_a_meeting_ahead(world):
    ae, sdr = user_id("ae"), user_id("sdr")
    ahead = {
        e["fields"]["WhoId"]: e["fields"]
        for e in world["salesforce"]["Event"]
        if e["fields"]["StartDateTime"] > ANCHOR
    }
    waiting = [
        lead["fields"]
        for lead in world["salesforce"]["Lead"]
        if lead["id"] in ahead and lead["fields"]["Status"] == "Qualified" and lead["fields"]["AE__c"] == ae
        if "Gtm_Handoff_Answer__c" not in lead["fields"]
    ]
    assert Counter(f["OwnerId"] == sdr for f in waiting) == {True: 2, False: 2}
    assert all(f["Pain__c"] for f in waiting)
    for fields in waiting:
        complete = all(fields[name] for name in ("Impact__c", "Timeline__c", "Stakeholders__c"))
        assert complete is (fields["OwnerId"] != sdr)


def test_the_demo_ae_has_accepted_three_handoffs_and_sent_one_back_to_the_demo_sdr(world):
    answered = [lead for lead in world["salesforce"]["Lead"] if "Gtm_Handoff_Answer__c" in lead["fields"]]
    assert {lead["fields"]["AE__c"] for lead in answered} == {user_id("ae")}
    said = Counter(lead["fields"]["Gtm_Handoff_Answer__c"] for lead in answered)
    assert said == {"Accept": 3, "Send back": 1}
    back = next(lead for lead in answered if lead["fields"]["Gtm_Handoff_Reason__c"])
    assert back["fields"]["OwnerId"] == user_id("sdr")
    for lead in answered:
        at = {c["field"]: c["at"] for c in lead["history"] if c["old"] is None or c["field"] == "Status"}
        assert at["Status"] < at["Gtm_Handoff_Answer__c"] == lead["modified"] <= ANCHOR
    called = [t for t in world["salesforce"]["Task"] if t["fields"]["OwnerId"] == user_id("ae")]
    assert sum(t["fields"]["WhoId"] in {lead["id"] for lead in answered} for t in called) == 1


def test_customer_success_has_two_deals_of_the_last_two_days_to_receive(world):
    won = [
        o
        for o in world["salesforce"]["Opportunity"]
        if any(c["new"] == "Closed Won" and ANCHOR - c["at"] <= TWO_DAYS for c in o["history"])
    ]
    assert len(won) >= 2
