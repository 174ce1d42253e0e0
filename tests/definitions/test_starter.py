"""The starter model: what an installation can use of it, in whose names, and in which order of SAL and SQL."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from definitions.files.model_files import check, load
from definitions.files.starter import STARTER_MODEL, Order, load_starter_model, prepare
from definitions.judging.publishing import publish_due
from definitions.models import Signature, Version
from definitions.versions import versions_in_force
from gtmops.demo import demo_seed
from gtmops.seeding import SeedError, seed
from records.models import CatalogueField, Connection
from teams.models import Person, Role, Team
from tests.definitions.conftest import NOW

pytestmark = pytest.mark.django_db

ALL = {
    "icp", "behaviour_score", "mql", "mql_by_sales", "sql", "sal", "fields_before_sales", "conversion", "pql", "eql",
    "expansion_pipeline", "closed_deal", "ready_for_onboarding",
}  # fmt: skip
TRIGGERS = {"power_user", "growing_fleet", "looks_at_more", "review_held"}


@pytest.fixture
def fernhill() -> list[str]:
    now = datetime.now(UTC)
    return seed(demo_seed("http://127.0.0.1:1", now), now)


def test_the_demo_company_has_all_of_it_and_the_files_have_no_fault(fernhill: list[str]) -> None:
    now = datetime.now(UTC)
    assert set(versions_in_force("definitions", now)) == ALL
    assert set(versions_in_force("triggers", now)) == TRIGGERS
    assert not [line for line in fernhill if "left out" in line]
    assert check(load(STARTER_MODEL), now).faults == ()
    mql = versions_in_force("definitions", now)["mql"].body
    assert [e["key"] for e in mql["exclusions"]] == [
        "test", "internal", "competitor", "student", "partner", "do_not_contact", "opted_out", "customer", "open_deal",
    ]  # fmt: skip
    assert all(v.body.get("examples") for v in versions_in_force("definitions", now).values())
    assert all(v.body.get("play") for v in versions_in_force("triggers", now).values())


def test_seeding_the_demo_again_changes_nothing(fernhill: list[str]) -> None:
    before = list(Version.objects.values())
    now = datetime.now(UTC)
    seed(demo_seed("http://127.0.0.1:1", now), now)
    assert list(Version.objects.values()) == before


@pytest.mark.parametrize(
    ("order", "stages"),
    [
        ("sql_before_sal", ["lead", "mql", "sql", "sal", "opportunity", "won"]),
        ("sal_before_sql", ["lead", "mql", "sal", "sql", "opportunity", "won"]),
        (None, ["lead", "mql", "sql", "opportunity", "won"]),
    ],
)
def test_the_order_of_sal_and_sql_is_told_and_never_assumed(
    catalogue: None, hubspot: Connection, salesforce: Connection, house_teams: dict[str, Team],
    order: Order | None, stages: list[str],
) -> None:  # fmt: skip
    load_starter_model(NOW, order=order)
    found = versions_in_force("stages", NOW)
    assert sorted(found, key=lambda key: found[key].body["order"]) == stages
    assert ("sal" in versions_in_force("definitions", NOW)) is (order is not None)
    if order == "sal_before_sql":
        assert found["sal"].body["claimed_when"]["values"] == ["Working"]
        assert "SQL" not in versions_in_force("definitions", NOW)["sal"].body["text"]


def test_a_stage_that_no_crm_claims_concerns_nobody(
    catalogue: None, hubspot: Connection, salesforce: Connection, house_teams: dict[str, Team]
) -> None:
    load_starter_model(NOW, order="sql_before_sal")
    while publish_due(NOW):
        pass
    assert not Version.objects.filter(population_done_at=None).exists()


def test_what_a_catalogue_lacks_is_left_out_and_said(
    catalogue: None, hubspot: Connection, salesforce: Connection, house_teams: dict[str, Team]
) -> None:
    prepared = prepare(NOW)
    told = {(one.section, one.key, one.part): one for one in prepared.left_out}
    assert "pql" not in prepared.bodies["definitions"]
    assert "product_plan" in str(told["definitions", "pql", ""])
    mql = prepared.bodies["definitions"]["mql"]
    assert mql["exclusions"] == []
    assert ("definitions", "mql", "never counts: Existing customer") in told
    assert "criteria" in mql


def test_a_stage_without_its_definition_stands_and_is_not_judged(
    catalogue: None, hubspot: Connection, salesforce: Connection, house_teams: dict[str, Team]
) -> None:
    CatalogueField.objects.filter(name="need_confirmed").delete()
    prepared = prepare(NOW)
    assert "definition" not in prepared.bodies["stages"]["sql"]
    assert {(one.key, one.part) for one in prepared.left_out} >= {("sql", ""), ("sql", "its definition")}


def test_teams_and_crms_go_by_the_names_they_have_here(catalogue: None) -> None:
    for key, purpose in [("growth", "marketing"), ("bdr", "sdr"), ("ae", "sales"), ("success", "cs")]:
        Team.objects.create(key=key, name=key, purpose=purpose)
    Connection.objects.create(name="crm", label="CRM", kind="salesforce")
    bodies = prepare(NOW).bodies
    assert bodies["definitions"]["mql"]["owner"] == "growth"
    assert bodies["definitions"]["mql"]["agreed_by"] == ["growth", "bdr"]
    assert bodies["definitions"]["mql"]["in"] == ["crm"]
    assert bodies["stages"]["sql"]["claimed_when"]["connection"] == "crm"
    assert bodies["sla_rules"]["s1_routed"]["stop"] == {"owner_in_team": "bdr"}
    assert bodies["calendars"]["berlin"]["teams"] == ["ae", "success"]


def test_an_installation_without_anything_gets_nothing_and_is_told_why(db: None) -> None:
    loaded = load_starter_model(NOW)
    assert loaded.published == ()
    assert {one.section for one in loaded.left_out} >= {"definitions", "stages", "triggers"}
    assert all(one.reasons for one in loaded.left_out)


def test_only_what_is_asked_for_and_as_drafts(starter: None) -> None:
    Version.objects.filter(section="definitions", key="mql_by_sales").delete()
    ines = Person.objects.create_user("ines@fernhill.example", name="Ines", role=Role.REVOPS_ADMIN)
    loaded = load_starter_model(
        NOW, by=ines, only={("definitions", "mql_by_sales"), ("definitions", "mql")}, as_drafts=True
    )
    (draft,) = loaded.drafted
    draft.refresh_from_db()
    assert (draft.key, draft.state, draft.created_by) == ("mql_by_sales", "draft", ines)
    assert not Signature.objects.filter(version=draft).exists()


@pytest.mark.parametrize("told", ["yes", ["sql_before_sal"], {}])
def test_a_seed_that_names_no_order_is_refused(told: object) -> None:
    if told:
        with pytest.raises(SeedError, match="sql_before_sal"):
            seed({"starter_model": told}, NOW)


def test_a_seed_may_say_true(catalogue: None, house_teams: dict[str, Team]) -> None:
    said = seed({"starter_model": True}, NOW)
    assert any("no stage SAL" in line for line in said)
    assert "mql" in versions_in_force("definitions", NOW)


def test_the_people_of_an_installation_stand_beside_the_starters_own_words(fernhill: list[str]) -> None:
    berlin = versions_in_force("calendars", datetime.now(UTC))["berlin"].body
    assert berlin["teams"] == ["sales", "cs"]
    assert len(berlin["people"]) == 5
    assert "emre.akbulan@fernhill.example" in berlin["people"]
