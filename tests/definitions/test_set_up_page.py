from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from definitions.models import Version
from definitions.versions import versions_in_force
from effects.tick import now_utc
from records.models import CatalogueField, Connection
from teams.models import Person, Role, Team
from tests.definitions.conftest import NOW

pytestmark = pytest.mark.django_db
URL = "/model/set-up/"


@pytest.fixture
def ines(client: Client) -> Person:
    person = Person.objects.create_user("ines@fernhill.example", name="Ines", role=Role.REVOPS_ADMIN)
    client.force_login(person)
    return person


@pytest.fixture
def installed(
    catalogue: None, hubspot: Connection, salesforce: Connection, house_teams: dict[str, Team]
) -> None:
    """An installation with CRMs, fields and teams, and no model yet."""


def taking(page: str) -> list[str]:
    return [part.partition('"')[0] for part in page.split('name="take" value="')[1:]]


def test_it_shows_each_text_and_says_what_cant_be_set_up_yet(
    client: Client, ines: Person, installed: None
) -> None:
    page = client.get(URL).content.decode()
    assert "A lead that fits our customers" in page
    assert "Demo request: call within the hour" in page
    assert "definitions/mql" in taking(page)
    assert "definitions/pql" not in taking(page)
    assert "Product qualified lead" in page
    assert "never counts: Existing customer" in page
    assert page.count('name="order"') == 2


def test_it_never_assumes_the_order(client: Client, ines: Person, installed: None) -> None:
    refused = client.post(URL, {"take": ["definitions/mql"]})
    assert refused.status_code == 422
    assert "Say which one it is." in refused.content.decode()
    assert not Version.objects.exists()


def test_a_first_start_puts_what_is_chosen_in_force(client: Client, ines: Person, installed: None) -> None:
    everything = taking(client.get(URL).content.decode())
    chosen = [one for one in everything if one != "definitions/mql_by_sales"]
    assert client.post(URL, {"order": "sal_before_sql", "take": chosen}).status_code == 302
    now = now_utc()
    assert {f"{v.section}/{v.key}" for v in Version.objects.all()} == set(chosen)
    assert versions_in_force("stages", now)["sal"].body["order"] == 25
    assert set(Version.objects.values_list("created_by", flat=True)) == {ines.pk}
    page = client.get(URL).content.decode()
    assert 'name="order"' not in page
    assert taking(page) == ["definitions/mql_by_sales"]
    assert "Open drafts" in page


def test_when_something_is_in_force_it_opens_drafts(client: Client, ines: Person, starter: Any) -> None:
    Version.objects.filter(key="mql_by_sales").delete()
    CatalogueField.objects.create(object="person", name="is_converted", label="Converted", type="boolean")
    page = client.get(URL).content.decode()
    assert {"definitions/mql_by_sales", "definitions/conversion", "stages/sal", "definitions/sal"} <= set(
        taking(page)
    )
    client.post(
        URL, {"order": "sql_before_sal", "take": ["definitions/conversion", "definitions/mql_by_sales"]}
    )
    drafts = Version.objects.filter(state="draft")
    assert {(d.key, d.created_by) for d in drafts} == {("conversion", ines), ("mql_by_sales", ines)}
    assert "conversion" not in versions_in_force("definitions", NOW)


def test_an_installation_without_anything_says_what_to_do(client: Client, ines: Person) -> None:
    page = client.get(URL).content.decode()
    assert "Nothing can be set up yet." in page
    assert taking(page) == []


def test_nothing_chosen_changes_nothing(client: Client, ines: Person, installed: None) -> None:
    answer = client.post(URL, {"order": "sql_before_sal"})
    assert answer.status_code == 422
    assert "Choose what to set up." in answer.content.decode()


@pytest.mark.parametrize("role", [Role.REP, Role.MANAGER, Role.LEADER])
def test_only_an_admin_sets_up(client: Client, role: str, installed: None) -> None:
    client.force_login(Person.objects.create_user("dana@fernhill.example", name="Dana", role=role))
    assert client.get(URL).status_code == 403
    assert client.post(URL, {"order": "sql_before_sal", "take": ["definitions/mql"]}).status_code == 403
