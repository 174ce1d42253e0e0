from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from definitions.models import Version
from definitions.services import refresh
from records.loading import load_batch
from records.models import Connection, Journey, Record
from teams.models import BusinessUnit, Person, Team
from tests.definitions.agreement_people import load_little_model
from tests.definitions.conftest import NOW, make_record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("little")]


@pytest.fixture
def little(
    catalogue: None, hubspot: Connection, salesforce: Connection, house_teams: dict[str, Team]
) -> None:
    load_little_model()


@pytest.fixture
def rep(client: Client) -> Person:
    person = Person.objects.create_user("dana@fernhill.example", name="Dana Okwell")
    person.business_units.add(BusinessUnit.objects.create(key="fleet", name="Fleet"))
    client.force_login(person)
    return person


def judge_all() -> None:
    refresh(load_batch(Journey.objects.values_list("pk", flat=True), NOW))


def test_the_model_page_says_what_the_words_mean(client: Client, rep: Person) -> None:
    page = client.get(reverse("definitions:model"))
    groups = {group.section.name: [item.key for item in group.items] for group in page.context["groups"]}
    assert groups["stages"] == ["lead", "mql", "sql", "opportunity", "won"]
    assert (
        "A person is “Marketing qualified lead” when Fleet size is at least 10 and (Demo requested at is not empty or "
        in page.text
    )
    assert "agreed by MARKETING and SDR" in page.text
    assert "Checked before leaving: Negotiation." in page.text


def test_counts_are_of_the_records_the_viewer_may_read(
    client: Client, rep: Person, hubspot: Connection
) -> None:
    other = BusinessUnit.objects.create(key="yards", name="Yards")
    for i, fleet_size in enumerate([50, 4, 4]):
        make_record(hubspot, str(i), {"fleet_size": fleet_size, "demo_requested_at": "2026-03-01T00:00:00Z"})
    Record.objects.filter(remote_id="2").update(business_unit=other)
    judge_all()
    page = client.get(reverse("definitions:model"))
    [definitions] = [g for g in page.context["groups"] if g.section.name == "definitions"]
    [mql] = [item for item in definitions.items if item.key == "mql"]
    assert (mql.counts.met, mql.counts.missing, mql.counts.unknown) == (1, 1, 0)


def test_the_page_costs_the_same_for_a_larger_model(
    client: Client, rep: Person, django_assert_max_num_queries: object
) -> None:
    old = Version.objects.get(section="definitions", key="mql")
    for i in range(20):
        Version.objects.create(
            section="definitions", key=f"d{i}", number=1, body=old.body, state="signed", effective_from=NOW
        )
    with django_assert_max_num_queries(15):  # type: ignore[operator]  # pytest-django's context manager
        client.get(reverse("definitions:model"))


@pytest.mark.parametrize(
    ("section", "key", "said"),
    [
        ("definitions", "sql", "Need confirmed is yes and Authority confirmed is yes"),
        ("stages", "mql", "Fits our customers and has shown high intent."),
        ("pipelines", "new_business", "Success criteria is not empty and Amount is more than 0"),
    ],
)
def test_one_item_shows_its_sentence_versions_and_file(
    client: Client, rep: Person, section: str, key: str, said: str
) -> None:
    address = reverse("definitions:item", args=[section, key])
    page = client.get(address)
    assert said in page.text
    assert "put in force without them" in client.get(f"{address}?tab=versions").text
    assert f"{section}:\n  {key}:\n    name:" in client.get(f"{address}?tab=yaml").text


def test_a_draft_says_how_many_would_pass(client: Client, rep: Person, hubspot: Connection) -> None:
    for i, fleet_size in enumerate([12, 50]):
        make_record(hubspot, str(i), {"fleet_size": fleet_size, "demo_requested_at": "2026-03-01T00:00:00Z"})
    judge_all()
    body = Version.objects.get(section="definitions", key="mql").body
    body["criteria"]["all"][0]["value"] = 40
    old = Version.objects.get(section="definitions", key="mql")
    Version.objects.create(section="definitions", key="mql", number=2, body=body, based_on=old)
    page = client.get(reverse("definitions:item", args=["definitions", "mql"]))
    assert "Unpublished changes." in page.text
    part = client.get(reverse("definitions:impact", args=["definitions", "mql"]))
    assert "Of all 2: 1 (now 2)" in part.text


def test_a_retired_item_says_that_it_is_not_in_force(client: Client, rep: Person) -> None:
    Version.objects.filter(section="definitions", key="sql").update(retired_at=NOW, state="retired")
    page = client.get(reverse("definitions:item", args=["definitions", "sql"]))
    assert "Nothing of this name is in force." in page.text


def test_a_definition_whose_field_is_gone_says_so(client: Client, rep: Person) -> None:
    from records.models import CatalogueField

    CatalogueField.objects.filter(name="need_confirmed").delete()
    page = client.get(reverse("definitions:model"))
    assert "Sales qualified lead can&#x27;t be judged now" in page.text


@pytest.mark.parametrize("path", ["/model/definitions/none/", "/model/nothing/mql/"])
def test_what_nobody_wrote_is_not_found(client: Client, rep: Person, path: str) -> None:
    assert client.get(path).status_code == 404
