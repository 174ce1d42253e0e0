"""Which account a buyer belongs to where no CRM says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gtmops.pipeline import rebuild
from records.matching import matching
from records.matching.domains import Freemail
from records.matching.matching import Candidate, Found, Said, match
from records.models import AccountMatch, Connection, FreeDomain, Record, Touched
from records.related import find_related
from records.relations import relation
from scorecards.matching.listing import candidates_of
from teams.models import Person
from tests.records.matching.conftest import NOW, account_of, conclude

MANY_PEOPLE = """
INSERT INTO records_record (id, connection_id, object, remote_object, remote_id, title, values, fingerprint, seen_at)
SELECT gen_random_uuid(), %s, 'person', 'Lead', 'M' || n, '',
       jsonb_build_object('email', 'p@company' || n || '.example'), '', now()
FROM generate_series(1, 5000) n
"""
LATER = NOW + timedelta(hours=1)
A, B, C, D = (matching.uuid.UUID(int=n) for n in range(1, 5))
OWNERS = {
    "kestrel.example": [
        Candidate(A, "salesforce", 10, "kestrel.example", "kestrel.example"),
        Candidate(B, "salesforce", 10, "eu.kestrel.example", "kestrel.example"),
        Candidate(C, "hubspot", 20, "kestrel.example", "kestrel.example"),
    ],
    "eu.kestrel.example": [Candidate(B, "salesforce", 10, "eu.kestrel.example", "kestrel.example")],
    "twins.example": [
        Candidate(A, "salesforce", 10, "twins.example", "twins.example"),
        Candidate(B, "salesforce", 10, "twins.example", "twins.example"),
    ],
    "gmail.com": [Candidate(A, "salesforce", 10, "gmail.com", "gmail.com")],
}


@pytest.mark.parametrize(
    ("domain", "crm", "said", "found"),
    [
        ("kestrel.example", "salesforce", Said(), Found(A, "exact", "kestrel.example")),
        ("kestrel.example", "hubspot", Said(), Found(C, "exact", "kestrel.example")),
        ("kestrel.example", "csv", Said(), Found(A, "exact", "kestrel.example")),
        ("eu.kestrel.example", "salesforce", Said(), Found(B, "exact", "eu.kestrel.example")),
        ("us.kestrel.example", "salesforce", Said(), Found(None, "root", "us.kestrel.example", 2)),
        ("us.kestrel.example", "hubspot", Said(), Found(C, "root", "us.kestrel.example")),
        ("twins.example", "salesforce", Said(), Found(None, "exact", "twins.example", 2)),
        ("twins.example", "salesforce", Said(split=frozenset({A})), Found(B, "exact", "twins.example")),
        ("twins.example", "salesforce", Said(split=frozenset({A, B})), None),
        ("twins.example", "salesforce", Said(joined=D), Found(D, "manual", "twins.example")),
        ("twins.example", "salesforce", Said(apart=True), None),
        ("gmail.com", "salesforce", Said(), None),
        ("gmail.com", "salesforce", Said(joined=D), Found(D, "manual", "gmail.com")),
        ("nobody.example", "salesforce", Said(), None),
        ("", "salesforce", Said(), None),
    ],
)
def test_by_hand_first_then_the_same_domain_then_its_root(
    domain: str, crm: str, said: Said, found: Found | None
) -> None:
    assert match(domain, crm, said, OWNERS, Freemail()) == found


def test_a_lead_belongs_to_the_account_of_its_domain(tell: Callable[..., Record]) -> None:
    tell("salesforce", "Account", "A1", Name="Kestrel Haulage", Website="https://www.kestrel.example")
    lead = tell("salesforce", "Lead", "L1", Email="mara@mail.kestrel.example")
    free = tell("salesforce", "Lead", "L2", Email="mara@gmail.com")
    assert account_of(lead) == ("root", "A1")
    assert account_of(free) is None


def test_accounts_of_a_sandbox_are_those_of_its_own_people(tell: Callable[..., Record], ines: Person) -> None:
    Connection.objects.filter(name="salesforce").update(is_sandbox=True)
    account = tell("salesforce", "Account", "A1", Name="Kestrel", Website="kestrel.example")
    tell("salesforce", "Account", "A2", Name="Kestrel too", Website="kestrel.example")
    real = tell("hubspot", "contacts", "1", email="mara@kestrel.example")
    tried = tell("salesforce", "Lead", "L1", Email="otto@kestrel.example")
    assert account_of(real) is None
    assert account_of(tried) == ("exact", "")
    assert account in [one.account for one in candidates_of(ines, [tried])[tried.pk]]
    assert not candidates_of(ines, [real]).get(real.pk)


def test_an_account_that_comes_later_is_found_and_one_that_goes_is_lost(tell: Callable[..., Record]) -> None:
    lead = tell("salesforce", "Lead", "L1", Email="mara@kestrel.example")
    below = tell("salesforce", "Lead", "L2", Email="otto@eu.kestrel.example")
    other = tell("salesforce", "Lead", "L3", Email="ida@notkestrel.example")
    tell("salesforce", "Account", "A1", Name="Kestrel", Website="kestrel.example")
    assert [account_of(one) for one in (lead, below, other)] == [("exact", "A1"), ("root", "A1"), None]
    tell("salesforce", "Account", "A1", Name="Kestrel", Website="kestrel.example", at=LATER, deleted=True)
    assert account_of(lead) is None
    assert account_of(below) is None


def test_what_a_crm_says_itself_comes_first(tell: Callable[..., Record]) -> None:
    tell("salesforce", "Account", "A1", Name="Kestrel", Website="kestrel.example")
    contact = tell("salesforce", "Contact", "C1", Email="mara@kestrel.example", AccountId="A9")
    same_buyer = tell("hubspot", "contacts", "1", email="mara@kestrel.example")
    assert account_of(contact) is None
    assert account_of(same_buyer) is None


def test_conditions_over_an_account_reach_it(tell: Callable[..., Record]) -> None:
    account = tell("salesforce", "Account", "A1", Name="Kestrel", Website="kestrel.example")
    contact = tell("salesforce", "Contact", "C1", Email="otto@otto.example", AccountId="A1")
    deal = tell("salesforce", "Opportunity", "O1", Name="Fleet", AccountId="A1")
    lead = tell("salesforce", "Lead", "L1", Email="mara@kestrel.example")
    names = ("account", "account_people", "account_deals")
    wanted = {"person": [found for name in names if (found := relation("person", name))]}
    found = find_related(wanted, {"person": {lead.pk, contact.pk}})
    assert found[lead.pk] == {
        "account": (account.pk,), "account_people": (contact.pk,), "account_deals": (deal.pk,),
    }  # fmt: skip
    assert found[contact.pk]["account_people"] == (lead.pk,)
    back = relation("account", "people")
    assert back is not None
    people = find_related({"account": [back]}, {"account": {account.pk}})[account.pk]["people"]
    assert set(people) == {lead.pk, contact.pk}


def test_what_a_domain_is_can_be_said_here_and_taken_back(tell: Callable[..., Record], ines: Person) -> None:
    tell("salesforce", "Account", "A1", Name="Club of truckers", Website="truckers.example")
    lead = tell("salesforce", "Lead", "L1", Email="mara@truckers.example")
    assert account_of(lead) == ("exact", "A1")
    assert matching.say_domain("https://truckers.example/", is_free=True, by=ines, now=NOW) == 1
    conclude()
    assert account_of(lead) is None
    assert matching.forget_domain(FreeDomain.objects.get(), NOW) == 1
    conclude()
    assert account_of(lead) == ("exact", "A1")
    with pytest.raises(ValueError, match="no domain"):
        matching.say_domain("truckers", is_free=True, by=ines, now=NOW)


def test_a_rebuild_finds_the_same(tell: Callable[..., Record]) -> None:
    tell("salesforce", "Account", "A1", Name="Kestrel", Website="kestrel.example")
    tell("salesforce", "Account", "A2", Name="Kestrel Two", Website="two.kestrel.example")
    tell("salesforce", "Lead", "L1", Email="mara@kestrel.example")
    tell("salesforce", "Lead", "L2", Email="otto@x.kestrel.example")
    before = list(AccountMatch.objects.values_list("record_id", "account_id", "how", "candidates"))
    AccountMatch.objects.all().delete()
    list(rebuild(NOW))
    assert list(AccountMatch.objects.values_list("record_id", "account_id", "how", "candidates")) == before
    assert len(before) == 2


def test_a_hundred_people_cost_as_many_statements_as_one(tell: Callable[..., Record]) -> None:
    tell("salesforce", "Account", "A1", Name="Kestrel", Website="kestrel.example")
    for number in range(40):
        tell("salesforce", "Lead", f"L{number}", Email=f"p{number}@kestrel.example")
    counts = []
    for size in (1, 40):
        batch_ids = list(Record.objects.filter(object="person").values_list("journey_id", flat=True)[:size])
        batch = matching_batch(batch_ids)
        AccountMatch.objects.all().delete()
        with CaptureQueriesContext(connection) as told:
            matching.refresh(batch)
        counts.append(len(told))
    assert counts[0] == counts[1] <= 8
    with CaptureQueriesContext(connection) as told:
        matching.touch_people(["kestrel.example"], NOW)
    assert len(told) == 2
    assert Touched.objects.count() == 40


def matching_batch(journeys: list[object]) -> matching.Batch:
    from records.loading import load_batch

    return load_batch(journeys, NOW)  # type: ignore[arg-type]  # ids as the table gave them


def test_the_people_of_a_domain_are_found_by_its_index(tell: Callable[..., Record]) -> None:
    lead = tell("salesforce", "Lead", "L1", Email="mara@kestrel.example")
    with connection.cursor() as cursor:
        cursor.execute(MANY_PEOPLE, [lead.connection_id])
        cursor.execute("ANALYZE records_record")
        cursor.execute("EXPLAIN " + matching._TOUCH_UNDER, [NOW, ["kestrel.example"]])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "record_mail_domain" in plan
    assert "Seq Scan on records_record" not in plan
