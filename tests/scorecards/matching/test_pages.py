"""What waits for a choice, what one record belongs to, and which domains say nothing, as people see and change it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from records.models import CatalogueField, Connection, FieldMapping, FreeDomain, ManualLink, Record
from scorecards.matching.listing import candidates_of
from teams.models import BusinessUnit, Person, Role
from tests.records.matching.conftest import account_of, conclude

Tell = Callable[..., Record]


@pytest.fixture
def twins(tell: Tell) -> tuple[Record, Record, Record]:
    """Two accounts of one domain, and a lead who says which by the company's name."""
    one = tell("salesforce", "Account", "A1", Name="Kestrel Haulage", Website="kestrel.example")
    two = tell("salesforce", "Account", "A2", Name="Kestrel Rail", Website="www.kestrel.example")
    lead = tell("salesforce", "Lead", "L1", Email="mara@kestrel.example", Company="Kestrel  RAIL")
    return one, two, lead


def post(client: Client, record: Record, **told: str) -> str:
    answer = client.post(reverse("records:belongs", args=[record.pk]), {"token": "t", **told}, follow=True)
    conclude()
    return str(answer.content.decode())


def test_what_waits_is_listed_with_what_speaks_for_each(
    client: Client, twins: tuple[Record, Record, Record], tell: Tell, ines: Person
) -> None:
    tell("salesforce", "Contact", "C1", Email="otto@x.example", AccountId="A1")
    client.force_login(ines)
    one, two, lead = twins
    fitting = candidates_of(ines, [lead])[lead.pk]
    assert [(c.account, c.evidence) for c in fitting] == [
        (two, ("same domain, kestrel.example", "same name, Kestrel Rail")),
        (one, ("same domain, kestrel.example", "1 contact there")),
    ]
    html = client.get(reverse("records:matches")).content.decode()
    assert "same name, Kestrel Rail" in html
    post(client, lead, act="account", other=str(two.pk), **{"from": "matches"})
    assert account_of(lead) == ("manual", "A2")
    assert "Nothing to choose" in client.get(reverse("records:matches")).content.decode()
    joined = client.get(reverse("records:matches"), {"show": "manual", "q": "rail"}).content.decode()
    assert "Joined by hand" in joined
    assert (
        "Nobody found"
        in client.get(reverse("records:matches"), {"show": "manual", "q": "zz"}).content.decode()
    )
    assert "Kestrel Rail" in client.get(reverse("records:matches_export"), {"show": "all"}).content.decode()


def test_a_page_of_many_costs_as_much_as_one_of_few(client: Client, tell: Tell, ines: Person) -> None:
    client.force_login(ines)
    counts = []
    for size in (2, 12):
        for n in range(size):
            for side in "ab":
                tell(
                    "salesforce",
                    "Account",
                    f"A{size}{n}{side}",
                    Name=f"{n}{side}",
                    Website=f"c{size}{n}.example",
                )
            tell("salesforce", "Lead", f"L{size}{n}", Email=f"x@c{size}{n}.example")
        client.get(reverse("records:matches"))
        with CaptureQueriesContext(database) as told:
            client.get(reverse("records:matches"))
        counts.append(len(told))
    assert counts[0] == counts[1]


def test_a_record_is_given_an_account_none_and_back(
    client: Client, twins: tuple[Record, Record, Record], ines: Person
) -> None:
    client.force_login(ines)
    one, two, lead = twins
    page = reverse("records:belongs", args=[lead.pk])
    assert "Several fit" in client.get(page).content.decode()
    assert "Kestrel Haulage" in client.get(page, {"account": "haul"}).content.decode()
    assert "is not its account now" in post(client, lead, act="not_account", other=str(one.pk))
    assert account_of(lead) == ("exact", "A2")
    assert (
        "by the domain kestrel.example"
        in client.get(reverse("records:record", args=[lead.pk])).content.decode()
    )
    assert "no account now" in post(client, lead, act="no_account", token="u")
    assert account_of(lead) is None
    for link in ManualLink.objects.all():
        assert "Taken back" in post(client, lead, act="undo", link=str(link.pk))
    assert account_of(lead) == ("exact", "")
    assert "taken back already" in post(client, lead, act="undo", link=str(ManualLink.objects.all()[0].pk))
    assert two.object == "account"


def test_records_are_joined_and_taken_out(client: Client, tell: Tell, ines: Person) -> None:
    client.force_login(ines)
    lead = tell("salesforce", "Lead", "L1", Email="mara@kestrel.example", Company="Kestrel")
    contact = tell("hubspot", "contacts", "1", email="m.lind@kestrel.example", company="Kestrel Rail")
    page = reverse("records:belongs", args=[lead.pk])
    assert "Kestrel Rail" in client.get(page, {"record": "m.lind@kestrel.example"}).content.decode()
    assert "Same buyer as" in post(client, lead, act="join", other=str(contact.pk))
    assert "One buyer, 2 records" in client.get(page).content.decode()
    assert "stands by itself now" in post(client, lead, act="alone", token="u").lower()
    assert "this record only" in client.get(page).content.decode()
    for told in (
        {"act": "join"},
        {"act": "join", "other": "x"},
        {"act": "nonsense", "other": str(contact.pk)},
    ):
        assert "gt-late" in post(client, lead, **told)


def test_until_it_is_concluded_the_page_says_so_and_looks_again(
    client: Client, tell: Tell, ines: Person
) -> None:
    client.force_login(ines)
    lead = tell("salesforce", "Lead", "L1", Email="mara@kestrel.example", Company="Kestrel")
    contact = tell("hubspot", "contacts", "1", email="m.lind@kestrel.example", company="Kestrel Rail")
    page = reverse("records:belongs", args=[lead.pk])
    waiting = "What was said is being worked in"
    assert waiting not in client.get(page).content.decode()
    assert waiting in post(client, lead, act="join", other=str(contact.pk))
    assert waiting not in client.get(page).content.decode()


def test_who_is_found_is_offered_once_and_by_what_it_is(client: Client, tell: Tell, ines: Person) -> None:
    client.force_login(ines)
    lead = tell("salesforce", "Lead", "L1", Email="mara@kestrel.example", Company="Kestrel")
    contact = tell("hubspot", "contacts", "1", email="m.lind@kestrel.example", company="Kestrel Rail")
    page = reverse("records:belongs", args=[lead.pk])
    found = client.get(page, {"record": "m.lind@kestrel.example"}).content.decode()
    assert 'value="join"' in found
    assert "Hubspot contact" in found
    post(client, lead, act="join", other=str(contact.pk))
    found = client.get(page, {"record": "m.lind@kestrel.example"}).content.decode()
    assert 'value="join"' not in found
    assert "of this buyer already" in found


def test_what_taking_a_split_back_does_not_bring_back_is_said(
    client: Client, tell: Tell, ines: Person
) -> None:
    client.force_login(ines)
    lead = tell("salesforce", "Lead", "L1", Email="mara@kestrel.example", Company="Kestrel")
    contact = tell("hubspot", "contacts", "1", email="m.lind@kestrel.example", company="Kestrel Rail")
    post(client, lead, act="join", other=str(contact.pk))
    post(client, lead, act="alone", token="u")
    split = ManualLink.objects.get(is_joined=False)
    told = post(client, lead, act="undo", link=str(split.pk))
    assert f"Join it with {contact} again if they are one buyer" in told


def test_an_account_that_the_deal_names_is_the_buyers(client: Client, tell: Tell, ines: Person) -> None:
    client.force_login(ines)
    account = tell("salesforce", "Account", "A1", Name="Kestrel Haulage")
    deal = tell("salesforce", "Opportunity", "O1", Name="Forty trucks", AccountId="A1")
    lead = tell("salesforce", "Lead", "L1", Email="mara@kestrel.example", Company="Kestrel")
    post(client, lead, act="join", other=str(deal.pk))
    page = client.get(reverse("records:belongs", args=[lead.pk])).content.decode()
    assert "Kestrel Haulage" in page
    assert "Forty trucks says so, a Salesforce opportunity of the same buyer" in page
    assert "Kestrel Haulage" in client.get(reverse("records:record", args=[lead.pk])).content.decode()
    told = post(client, lead, act="account", other=str(account.pk), token="u")
    assert "Forty trucks says to which account this buyer belongs" in told
    assert ManualLink.objects.count() == 1


def test_what_was_said_of_an_account_is_said_once_and_shown(
    client: Client, twins: tuple[Record, Record, Record], ines: Person
) -> None:
    client.force_login(ines)
    one, two, lead = twins
    Record.objects.filter(pk=one.pk).update(title="Kestrel Co.")
    told = post(client, lead, act="not_account", other=str(one.pk))
    assert "Kestrel Co.." not in told
    assert "was said already" in post(client, lead, act="not_account", other=str(one.pk), token="u")
    post(client, lead, act="no_account", token="v")
    assert "was said already" in post(client, lead, act="no_account", token="w")
    page = client.get(reverse("records:belongs", args=[lead.pk])).content.decode()
    assert "None, as people said" in page
    post(client, lead, act="account", other=str(two.pk), token="x")
    assert "was said already" in post(client, lead, act="account", other=str(two.pk), token="y")


def test_only_who_is_concerned_may_say_it_and_nobody_sees_over_the_border(
    client: Client, twins: tuple[Record, Record, Record], ines: Person
) -> None:
    one, two, lead = twins
    rep, other = (Person.objects.create_user(f"{n}@fernhill.example", name=n) for n in ("rep", "other"))
    Record.objects.filter(pk=lead.pk).update(owner=other)
    client.force_login(rep)
    assert "RevOps can say this" in post(client, lead, act="account", other=str(one.pk))
    assert not ManualLink.objects.exists()
    unit = BusinessUnit.objects.create(key="yards", name="Yards")
    Record.objects.filter(pk=two.pk).update(business_unit=unit)
    assert [c.account for c in candidates_of(rep, [lead])[lead.pk]] == [one]
    Record.objects.filter(pk=lead.pk).update(business_unit=unit)
    assert client.get(reverse("records:belongs", args=[lead.pk])).status_code == 404
    assert "Nothing to choose" in client.get(reverse("records:matches")).content.decode()


def test_where_no_account_has_a_domain_the_page_says_what_to_do(
    client: Client, tell: Tell, ines: Person
) -> None:
    tell("salesforce", "Account", "A1", Name="Kestrel Haulage")
    tell("salesforce", "Lead", "L1", Email="mara@kestrel.example")
    client.force_login(ines)
    page = client.get(reverse("records:matches")).content.decode()
    assert "No account has a web address here" in page
    assert reverse("integrations:connections") in page
    rep = Person.objects.create_user("rep@fernhill.example", name="rep", role=Role.REP)
    client.force_login(rep)
    page = client.get(reverse("records:matches")).content.decode()
    assert "RevOps connects the field" in page
    assert reverse("integrations:connections") not in page


def test_domains_are_looked_up_added_and_taken_back(client: Client, tell: Tell, ines: Person) -> None:
    client.force_login(ines)
    page = reverse("records:match_domains")
    assert "says nothing" in client.get(page, {"q": "gmail.com"}).content.decode()
    assert "names a company" in client.get(page, {"q": "kestrel.example"}).content.decode()
    told = client.post(page, {"domain": "truckers.example", "is_free": "1"}, follow=True).content.decode()
    assert "Saved. 0 people" in told
    assert "is no domain" in client.post(page, {"domain": "??", "is_free": "1"}, follow=True).content.decode()
    row = FreeDomain.objects.get()
    client.post(page, {"forget": row.pk})
    assert not FreeDomain.objects.exists()
    rep = Person.objects.create_user("rep@fernhill.example", name="rep", role=Role.REP)
    client.force_login(rep)
    assert client.get(page).status_code == 403


def test_an_account_may_name_its_country_too(tell: Tell, crms: dict[str, Connection], ines: Person) -> None:
    for object_name, remote_object in (("person", "Lead"), ("account", "Account")):
        field, _ = CatalogueField.objects.get_or_create(
            object=object_name, name="country", defaults={"label": "Country", "type": "text"}
        )
        FieldMapping.objects.create(
            connection=crms["salesforce"], field=field, remote_object=remote_object, remote_name="Country"
        )
    tell("salesforce", "Account", "A1", Name="Kestrel DE", Website="kestrel.example", Country="Germany")
    tell("salesforce", "Account", "A2", Name="Kestrel FR", Website="kestrel.example", Country="France")
    lead = tell("salesforce", "Lead", "L1", Email="m@kestrel.example", Country="france")
    best = candidates_of(ines, [lead])[lead.pk][0]
    assert (best.account.title, best.evidence[1]) == ("Kestrel FR", "same country, France")
