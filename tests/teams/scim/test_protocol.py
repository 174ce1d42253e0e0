"""Filters, pages, errors and what SCIM says of itself; nothing that comes is trusted."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.db.models import Q
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import InvalidFilterException

from teams.models import Person
from teams.scim import groups, people
from teams.scim.filters import condition_of
from teams.tokens import issue_token
from tests.teams.scim.conftest import ERROR, PATCH, Provider, user

db = pytest.mark.django_db


FINDS = [
    ('userName eq "nora@fernhill.example"', True),
    ('USERNAME Eq "NORA@fernhill.example"', True),
    ('externalId eq "x-nora@fernhill.example"', True),
    ('externalId eq "X-nora@fernhill.example"', False),
    ('emails.value eq "nora@fernhill.example"', True),
    ('emails[type eq "work"].value eq "nora@fernhill.example"', True),
    ('emails[type eq "work" and value eq "nora@fernhill.example"]', True),
    ('urn:ietf:params:scim:schemas:core:2.0:User:userName eq "nora@fernhill.example"', True),
    ('userName eq "nora@fernhill.example" and active eq true', True),
    ('userName eq "nora@fernhill.example" and active eq "False"', False),
    ('userName eq "x" or externalId eq "x-nora@fernhill.example"', True),
    ('displayName eq "nora halverson"', True),
    ('id eq "0"', False),
    ('id eq "1 or 1=1"', False),
    ('id eq "99999999999999999999999999"', False),
    ('id eq "١"', False),
    ("id eq 7", False),
    ("userName eq null", False),
    (r'userName eq "\u0000"', False),
    (r'userName eq "\ud800"', False),
    ('userName eq "\' OR 1=1; DROP TABLE teams_person; --"', False),
    ('userName eq "%"', False),
    (r'userName eq "\" or userName eq \"nora@fernhill.example"', False),
]


@db
def test_a_filter_finds_what_it_says_and_no_more(scim: Provider) -> None:
    scim.add()
    wrong = []
    for asked, found in FINDS:
        status, answer = scim("GET", f"Users?filter={quote(asked)}")
        names = [one["userName"] for one in answer.get("Resources", [])]
        if (status, names, answer.get("totalResults")) != (
            200,
            ["nora@fernhill.example"][: int(found)],
            int(found),
        ):
            wrong.append((asked, status, answer))
    assert wrong == []


@db
@pytest.mark.parametrize(
    "asked",
    [
        "userName", "userName eq", 'userName co "a"', 'userName ne "a"', "userName pr", 'password eq "a"', "((((",
        'userName eq "a" and', 'emails[type eq "work"]', 'emails[display eq "a"]', 'role eq "rep"', "'", "\x00",
        'userName eq "a"; delete', "not (" * 300 + 'userName eq "a"' + ")" * 300, 'userName eq "' + "a" * 3000 + '"',
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_an_invalid_filter(scim: Provider, asked: str) -> None:
    status, fault = scim("GET", f"Users?filter={quote(asked)}")
    assert (status, fault["schemas"], fault["scimType"]) == (400, [ERROR], "invalidFilter")
    assert fault["status"] == "400"


words = st.sampled_from(
    ["userName", "externalId", "emails", "emails.value", "id", "active", "members", "eq", "ne", "pr", "and", "or",
     "not", "(", ")", "[", "]", ".", '"', '"a"', r'"\u0000"', "true", "null", "7", "1e400", "urn:x:y", "\\", " "]
)  # fmt: skip


@given(
    st.one_of(st.text(max_size=60), st.lists(words, max_size=14).map(" ".join), st.lists(words).map("".join))
)
def test_reading_a_filter_never_raises_anything_but_its_error(text: str) -> None:
    for columns in (people.COLUMNS, groups.COLUMNS):
        try:
            read: object = condition_of(text, columns)
        except InvalidFilterException as fault:
            read = fault
        assert isinstance(read, (Q, InvalidFilterException))


@db
@pytest.mark.parametrize(
    ("query", "start", "shown"),
    [
        ("", 1, 4), ("startIndex=1&count=2", 1, 2), ("startIndex=3&count=2", 3, 2), ("startIndex=4&count=2", 4, 1),
        ("startIndex=99", 99, 0), ("count=0", 1, 0), ("startIndex=0&count=1", 1, 1), ("startIndex=-5&count=-1", 1, 0),
        ("count=100000", 1, 4),
    ],
)  # fmt: skip
def test_pages_hold_what_they_say(scim: Provider, query: str, start: int, shown: int) -> None:
    for name in ("a", "b", "c"):
        scim.add(f"{name}@fernhill.example")
    _, answer = scim("GET", f"Users?{query}")
    assert (answer["totalResults"], answer["startIndex"], answer["itemsPerPage"]) == (4, start, shown)
    assert len(answer["Resources"]) == shown


@db
def test_only_the_attributes_that_are_asked_for_come(scim: Provider) -> None:
    made = scim.add()
    _, some = scim("GET", f"Users/{made['id']}?attributes=userName,active")
    assert set(some) == {"schemas", "id", "userName", "active"}
    _, others = scim("GET", f"Users/{made['id']}?excludedAttributes=emails,groups")
    assert "emails" not in others
    assert others["userName"]


WRONG: list[tuple[str, str, Any, int, str | None]] = [
    ("POST", "Users", "not json", 400, "invalidSyntax"),
    ("POST", "Users", "[]", 400, "invalidSyntax"),
    ("POST", "Users", b"\xff\xfe", 400, "invalidSyntax"),
    ("POST", "Users", "[" * 100_000, 400, "invalidSyntax"),
    ("POST", "Users", {**user(), "userName": ""}, 400, "invalidValue"),
    ("POST", "Users", {**user(), "userName": "x" * 300}, 400, "invalidValue"),
    ("POST", "Users", {**user(), "userName": "no-address", "emails": []}, 400, "invalidValue"),
    ("POST", "Users", {**user(), "emails": "all"}, 400, "invalidValue"),
    ("POST", "Users", {**user(), "displayName": "a\x00b"}, 400, "invalidValue"),
    ("POST", "Users", {**user(), "displayName": "x" * 5000}, 400, "invalidValue"),
    ("POST", "Users", {**user(), "active": "perhaps"}, 400, "invalidValue"),
    ("POST", "Users", {**user(), "externalId": "x" * 256}, 400, "invalidValue"),
    ("POST", "Users", user("avery@fernhill.example", externalId=7), 400, "invalidValue"),
    ("PATCH", "Users/{me}", {"Operations": []}, 400, "invalidValue"),
    ("PATCH", "Users/{me}", {"Operations": "x"}, 400, "invalidValue"),
    ("PATCH", "Users/{me}", {"Operations": [7]}, 400, "invalidValue"),
    ("PATCH", "Users/{me}", {"Operations": [{"op": "melt", "path": "title"}]}, 400, "invalidValue"),
    ("PATCH", "Users/{me}", {"Operations": [{"op": "remove"}]}, 400, "noTarget"),
    ("PATCH", "Users/{me}", {"Operations": [{"op": "replace", "path": "((", "value": 1}]}, 400, "invalidPath"),
    ("PATCH", "Users/{me}", {"Operations": [{"op": "add", "path": "title", "value": "x"}] * 1001}, 400,
     "invalidValue"),
    ("GET", "Users?count=many", None, 400, "invalidValue"),
    ("GET", "Users/0", None, 404, None),
    ("GET", "Users/me", None, 404, None),
    ("GET", "Users/1%27%20or%201=1", None, 404, None),
    ("GET", "Groups/99999999999999999999", None, 404, None),
    ("GET", "Schemas/urn:nobody", None, 404, None),
    ("POST", "Bulk", {}, 404, None),
]  # fmt: skip


@db
def test_what_is_wrong_is_said_in_scims_own_shape_and_changes_nothing(scim: Provider, admin: Person) -> None:
    before = list(Person.objects.values("email", "name", "job_title"))
    odd = []
    for method, path, body, status, kind in WRONG:
        sent = {"schemas": [PATCH], **body} if isinstance(body, dict) and "Operations" in body else body
        got, fault = scim(method, path.replace("{me}", str(admin.pk)), sent)
        said = (got, fault.get("schemas"), fault.get("status"), fault.get("scimType"))
        if said != (status, [ERROR], str(status), kind):
            odd.append((method, path, str(body)[:60], said))
    assert odd == []
    assert list(Person.objects.values("email", "name", "job_title")) == before


@db
def test_what_scim_says_of_itself(scim: Provider) -> None:
    _, config = scim("GET", "ServiceProviderConfig")
    assert [config[what]["supported"] for what in ("patch", "filter", "bulk", "sort", "etag", "changePassword")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
    _, types = scim("GET", "ResourceTypes")
    assert {one["id"]: one["endpoint"] for one in types["Resources"]} == {
        "User": "/Users",
        "Group": "/Groups",
    }
    _, schemas = scim("GET", "Schemas")
    assert schemas["totalResults"] == 3
    for one in (*types["Resources"], *schemas["Resources"]):
        status, alone = scim("GET", one["meta"]["location"].partition("/scim/v2/")[2])
        assert (status, alone) == (200, one)


# --- the door ---


@db
@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("nobody", 401),
        ("session", 401),
        ("unknown", 401),
        ("read", 403),
        ("write", 403),
        ("rep", 403),
        ("scim", 200),
    ],
)
def test_only_a_token_for_scim_of_an_admin_opens_it(
    client: Client, admin: Person, dana: Person, who: str, status: int
) -> None:
    headers = {}
    if who == "session":
        client.force_login(admin)
    elif who == "unknown":
        headers = {"Authorization": "Bearer gtm_wrong"}
    elif who != "nobody":
        owner = dana if who == "rep" else admin
        _, secret = issue_token(owner, name="T", scope="scim" if who == "rep" else who)
        headers = {"Authorization": f"Bearer {secret}"}
    answer = client.get("/scim/v2/Users", headers=headers)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/scim+json"
    assert answer.json()["schemas"]


@db
def test_its_owner_needs_an_authenticator_where_the_role_does(scim: Provider, settings: Any) -> None:
    settings.TOTP_REQUIRED_ROLES = ["system_admin"]
    status, fault = scim("GET", "Users")
    assert (status, fault["schemas"]) == (403, [ERROR])
    assert "authenticator app" in fault["detail"]


@db
def test_a_token_for_scim_opens_nothing_else(client: Client, admin: Person) -> None:
    _, secret = issue_token(admin, name="T", scope="scim")
    assert client.get(reverse("api:me"), headers={"Authorization": f"Bearer {secret}"}).status_code == 403
