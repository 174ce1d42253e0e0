"""The model over the API: read, ask, agree."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from definitions.agreement import drafts
from definitions.models import Version
from records.models import Connection
from teams.models import Person, Scope, Team
from teams.tokens import issue_token
from tests.definitions.agreement_people import Cast, cast, load_little_model, stricter
from tests.definitions.conftest import NOW

pytestmark = pytest.mark.django_db

MQL = "/api/v1/model/definitions/mql/"


@pytest.fixture
def people(
    catalogue: None, hubspot: Connection, salesforce: Connection, house_teams: dict[str, Team]
) -> Cast:
    load_little_model()
    return cast(house_teams)


@pytest.fixture
def draft(people: Cast) -> Version:
    opened = drafts.open_draft("definitions", "mql", people.ines, NOW)
    return drafts.save(opened, stricter(opened.body), opened.revision, people.ines, NOW)


def as_(person: Person) -> Client:
    _, secret = issue_token(person, name="test", scope=Scope.WRITE)
    return Client(headers={"Authorization": f"Bearer {secret}"})


def post(person: Person, path: str, body: dict[str, Any]) -> Any:
    return as_(person).post(path, body, content_type="application/json")


def test_the_model_is_listed(draft: Version, people: Cast) -> None:
    found = as_(people.dana).get("/api/v1/model/?section=definitions").json()
    assert {i["key"]: (i["version"], i["draft"], i["draft_state"]) for i in found} == {
        "mql": (1, 2, "draft"),
        "mql_by_sales": (1, None, None),
        "sql": (1, None, None),
    }


def test_one_thing_has_its_body_its_versions_and_their_signatures(draft: Version, people: Cast) -> None:
    found = as_(people.dana).get(MQL).json()
    assert found["in_force"] == 1
    assert found["body"]["criteria"]["all"][0]["value"] == 10
    newest, first = found["versions"]
    assert (newest["number"], newest["standing"], newest["asks"]) == (2, "Draft", ["marketing", "sdr"])
    assert sorted((s["team"], s["is_forced"]) for s in first["signatures"]) == [
        ("marketing", True),
        ("sdr", True),
    ]


def test_asked_and_agreed_it_is_in_force(draft: Version, people: Cast) -> None:
    for _ in range(2):
        asked = post(people.ines, f"{MQL}propose/", {"revision": draft.revision})
        assert asked.status_code == 200, asked.json()
    body = {"version": 2, "revision": draft.revision}
    for team, person in (("marketing", people.theo), ("sdr", people.marisol)):
        for _ in range(2):
            assert post(person, f"{MQL}sign/", {**body, "team": team}).status_code == 200
    assert as_(people.dana).get(MQL).json()["in_force"] == 2
    assert post(people.ines, f"{MQL}propose/", {"revision": draft.revision}).status_code == 200


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [
        ("rosalind", {"version": 2, "revision": 2, "team": "sdr"}, 403),
        ("marisol", {"version": 2, "revision": 1, "team": "sdr"}, 409),
        ("marisol", {"version": 9, "revision": 2, "team": "sdr"}, 409),
        ("marisol", {"version": 2}, 400),
        ("dana", {"version": 2, "revision": 2, "team": "sdr"}, 403),
    ],
)
def test_what_is_refused_says_why(
    draft: Version, people: Cast, name: str, body: dict[str, Any], status: int
) -> None:
    post(people.ines, f"{MQL}propose/", {"revision": draft.revision})
    assert post(getattr(people, name), f"{MQL}sign/", body).status_code == status


def test_faults_of_a_draft_are_listed(draft: Version, people: Cast) -> None:
    body = {**draft.body, "criteria": {"field": "fleet_sise", "op": "is_empty"}}
    saved = drafts.save(draft, body, draft.revision, people.ines, NOW)
    answer = post(people.ines, f"{MQL}propose/", {"revision": saved.revision})
    assert answer.status_code == 422
    assert "fleet_sise" in answer.json()["faults"][0]


def test_what_nobody_wrote_is_not_found(people: Cast) -> None:
    assert as_(people.dana).get("/api/v1/model/definitions/none/").status_code == 404
