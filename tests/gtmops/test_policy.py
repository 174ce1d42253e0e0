"""The policy table against the routes that exist, and every route and method against the policy table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from gtmops.policy import POLICY
from teams.access import ANONYMOUS, allowed_principals
from teams.middleware import AccessMiddleware
from teams.models import BusinessUnit, Person, Role, Scope
from teams.services import deactivate
from teams.tokens import issue_token
from tests.gtmops.policy_objects import MAKERS
from tests.gtmops.routes import METHODS, WRITING, Route, routes

ROUTES = sorted(routes().values(), key=lambda route: route.name)
WITH_OBJECTS = [route for route in ROUTES if route.arguments and route.name in MAKERS]

#: Opening a door to the world takes a line here too.
OPEN_TO_EVERYONE = {
    "healthz",
    "readyz",
    "metrics",
    "account_login",
    "account_logout",
    "account_inactive",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "mfa_authenticate",
    "oidc_login",
    "oidc_callback",
    "sign_in_once",
    "integrations:hubspot_webhook",
}
#: Routes without a session: the sender signs each request, and the view verifies it.
SIGNED_BY_SENDER: set[str] = {"integrations:hubspot_webhook"}
#: Routes that only a token made for them opens, and no session.
TOKEN_ONLY = "scim:"

# --- the table is whole ---


def test_every_route_has_a_line() -> None:
    assert [route.name for route in ROUTES if route.name not in POLICY] == []


def test_every_line_has_a_route() -> None:
    assert sorted(set(POLICY) - set(routes())) == []


def test_every_view_of_ours_says_which_methods_it_takes() -> None:
    assert [route.name for route in ROUTES if route.is_ours and route.methods is None] == []


def test_every_method_a_view_takes_has_a_line() -> None:
    # What a library's view takes beyond its line is refused before it gets there.
    missing = [
        f"{route.name} {method}"
        for route in ROUTES
        for method in sorted(route.methods or ())
        if route.is_ours and method not in POLICY.get(route.name, {})
    ]
    assert missing == []


def test_no_line_allows_a_method_the_view_does_not_take() -> None:
    stale = [
        f"{route.name} {method}"
        for route in ROUTES
        for method in sorted(set(POLICY.get(route.name, {})) - (route.methods or frozenset()))
    ]
    assert stale == []


def test_every_route_with_arguments_has_a_maker() -> None:
    assert [route.name for route in ROUTES if route.arguments and route.name not in MAKERS] == []


def test_no_maker_is_stale() -> None:
    assert sorted(set(MAKERS) - set(routes())) == []


# --- the people who ask ---

READ_TOKEN, WRITE_TOKEN, EXPIRED_TOKEN, SCIM_TOKEN = (
    "read token",
    "write token",
    "expired token",
    "scim token",
)
OUTSIDER, DEACTIVATED = "outsider", "deactivated"
TOKENS = {READ_TOKEN, WRITE_TOKEN, EXPIRED_TOKEN, SCIM_TOKEN}
SCOPES = {READ_TOKEN: Scope.READ, SCIM_TOKEN: Scope.SCIM}
WHO = [ANONYMOUS, *Role.values, OUTSIDER, DEACTIVATED, *sorted(TOKENS)]


@dataclass(frozen=True)
class Principal:
    name: str
    as_policy_says: str  # a role, or anonymous
    client: Client
    person: Person | None = None


class Doorkeeper:
    """Sees whether the middleware let a request pass to its view, whatever the view then answered."""

    let_in: bool | None = None

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        process = AccessMiddleware.process_view

        def watched(middleware: AccessMiddleware, *args: Any) -> HttpResponseBase | None:
            self.let_in = False
            answer = process(middleware, *args)
            self.let_in = answer is None
            return answer

        monkeypatch.setattr(AccessMiddleware, "process_view", watched)


class Cast:
    """Everyone the matrix asks with, and the objects they ask for."""

    def __init__(self) -> None:
        self.unit = BusinessUnit.objects.create(key="fleet", name="Fleet")
        self.other_unit = BusinessUnit.objects.create(key="yards", name="Yards")
        self.people = {role: self.add(role, role) for role in Role.values}
        self.rep = self.people[Role.REP]
        self.owner = self.add("owner", Role.REP)
        self._paths: dict[str, str] = {}

    def add(self, name: str, role: str, unit: BusinessUnit | None = None) -> Person:
        person = Person.objects.create_user(f"{name}@fernhill.example", name=name, role=role)
        person.business_units.add(unit or self.unit)
        return person

    def principal(self, name: str) -> Principal:
        if name == ANONYMOUS:
            return Principal(name, ANONYMOUS, Client())
        if name in Role.values:
            return Principal(name, name, signed_in(self.people[name]), self.people[name])
        if name == OUTSIDER:
            person = self.add(name, Role.SYSTEM_ADMIN, self.other_unit)
            return Principal(name, person.role, signed_in(person), person)
        if name == DEACTIVATED:
            client = signed_in(self.people[Role.SYSTEM_ADMIN])
            deactivate(self.people[Role.SYSTEM_ADMIN], timezone.now())
            return Principal(name, ANONYMOUS, client)
        admin = self.people[Role.SYSTEM_ADMIN]
        lifetime = timedelta(seconds=-1) if name == EXPIRED_TOKEN else timedelta(hours=1)
        scope = SCOPES.get(name, Scope.WRITE)
        _, secret = issue_token(admin, name="matrix", scope=scope, expires_at=timezone.now() + lifetime)
        client = Client(headers={"Authorization": f"Bearer {secret}"})
        return Principal(name, ANONYMOUS if name == EXPIRED_TOKEN else admin.role, client)

    def path(self, route: Route) -> str:
        """The address of the route, for an object in the cast's own business unit that `owner` owns."""
        if route.name not in self._paths:
            arguments = MAKERS[route.name].make(self.unit, self.owner) if route.arguments else {}
            self._paths[route.name] = reverse(route.name, kwargs=dict(arguments))
        return self._paths[route.name]


def signed_in(person: Person, *, enforce_csrf_checks: bool = False) -> Client:
    client = Client(enforce_csrf_checks=enforce_csrf_checks)
    client.force_login(person)
    return client


@pytest.fixture
def doorkeeper(monkeypatch: pytest.MonkeyPatch) -> Doorkeeper:
    keeper = Doorkeeper()
    keeper.watch(monkeypatch)
    return keeper


@pytest.fixture
def cast(db: None) -> Cast:
    return Cast()


def ask(client: Client, method: str, path: str, **headers: str) -> HttpResponseBase:
    client.raise_request_exception = False
    return client.generic(method, path, content_type="application/x-www-form-urlencoded", headers=headers)


def is_api(path: str) -> bool:
    return path.startswith(settings.ACCESS_API_PREFIX)


def expected_refusal(who: Principal, route: str, method: str, path: str) -> int | None:
    """The status that the policy demands; None where the view may answer."""
    allowed = allowed_principals(route, method)
    if ANONYMOUS in allowed:
        return None
    if route.startswith(TOKEN_ONLY):
        if who.name not in TOKENS or who.name == EXPIRED_TOKEN:
            return 401
        return None if who.name == SCIM_TOKEN and allowed else 403 if allowed else 405
    # A token opens the API and nothing else.
    principal = ANONYMOUS if who.name in TOKENS and not is_api(path) else who.as_policy_says
    if principal == ANONYMOUS:
        return 401 if is_api(path) else 302
    if not allowed and POLICY[route]:
        return 405
    if principal not in allowed or (who.name == READ_TOKEN and method in WRITING) or who.name == SCIM_TOKEN:
        return 403
    return None


def is_sign_in(response: HttpResponseBase) -> bool:
    return response.status_code == 302 and response["Location"].startswith(reverse(settings.LOGIN_URL))


# --- every cell ---


@pytest.mark.parametrize("name", WHO)
def test_every_route_and_method_answers_as_the_policy_says(
    cast: Cast, doorkeeper: Doorkeeper, name: str
) -> None:
    who = cast.principal(name)
    faults = []
    for route in ROUTES:
        if name == SCIM_TOKEN and not route.name.startswith(("api", TOKEN_ONLY)):
            continue  # on pages all tokens are alike
        path = cast.path(route)
        for method in METHODS:
            doorkeeper.let_in = None
            response = ask(who.client, method, path)
            wanted, got = expected_refusal(who, route.name, method, path), response.status_code
            if got >= 500 and got != 503:
                faults.append(f"{method} {route.name}: {got}, a fault of ours")
            elif doorkeeper.let_in is not (wanted is None):
                faults.append(f"{method} {route.name}: {got}, but the policy says {wanted or 'come in'}")
            elif wanted is not None and (got != wanted or (got == 302 and not is_sign_in(response))):
                faults.append(f"{method} {route.name}: {got}, but the policy says {wanted}")
            if who.person and SESSION_KEY not in who.client.session:
                who.client.force_login(who.person)  # that route signs out
    assert faults == []


# --- the border ---


def without_csrf(response: HttpResponseBase) -> bytes:
    """The body without the masked CSRF token, which is another in every answer."""
    return re.sub(rb"[A-Za-z0-9]{64}", b"", getattr(response, "content", b""))


def missing(path: str) -> str:
    """The same address for an object that isn't there: its ids are ones nobody has."""
    uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    gone = re.sub(uuid, "00000000-0000-4000-8000-000000000000", path)
    return re.sub(r"(?<=/)\d+(?=/|$)", "987654321", gone)


def doors(route: Route) -> list[str]:
    """The methods to try on a route: those that its line opens to a system admin."""
    return [method for method in METHODS if Role.SYSTEM_ADMIN in allowed_principals(route.name, method)]


def test_objects_of_another_business_unit_look_like_missing_ones(cast: Cast) -> None:
    outsider = cast.principal(OUTSIDER)
    faults = []
    for route in WITH_OBJECTS:
        if not MAKERS[route.name].is_bordered:
            continue
        path = cast.path(route)
        for method in doors(route):
            foreign, absent = (ask(outsider.client, method, where) for where in (path, missing(path)))
            if foreign.status_code != 404 or without_csrf(foreign) != without_csrf(absent):
                faults.append(f"{method} {route.name}: {foreign.status_code} and {absent.status_code}")
    assert faults == []


def test_objects_of_another_person_look_like_missing_ones(cast: Cast) -> None:
    faults = []
    for name in Role.values:
        who = cast.principal(name)
        for route in WITH_OBJECTS:
            if not MAKERS[route.name].is_personal:
                continue
            path = cast.path(route)
            for method in doors(route):
                if name not in allowed_principals(route.name, method):
                    continue
                foreign, absent = (ask(who.client, method, where) for where in (path, missing(path)))
                if foreign.status_code != 404 or without_csrf(foreign) != without_csrf(absent):
                    faults.append(f"{method} {route.name} as {name}: {foreign.status_code}")
    assert faults == []


def test_the_objects_are_there_for_those_who_may_see_them(cast: Cast) -> None:
    faults = []
    for route in WITH_OBJECTS:
        made = MAKERS[route.name]
        viewer = cast.owner if made.is_personal else cast.people[Role.SYSTEM_ADMIN]
        if viewer.role not in allowed_principals(route.name, "GET"):
            continue
        got = ask(signed_in(viewer), "GET", cast.path(route)).status_code
        if made.is_bordered and got != 200:
            faults.append(f"{route.name}: {got}")
    assert faults == []


# --- nobody signed in ---


def test_only_these_routes_are_open_to_everyone() -> None:
    opened = {route for route, line in POLICY.items() if any(ANONYMOUS in who for who in line.values())}
    assert opened == OPEN_TO_EVERYONE


@pytest.mark.parametrize(
    "path",
    [
        "/admin/",
        "/.git/config",
        "/.env",
        "/debug/",
        "/__debug__/",
        "/server-status",
        "/manage.py",
        "/var/runtime.env",
        "/static/../gtmops/settings.py",
        "/static/%2e%2e/gtmops/settings.py",
        "/api/",
        "/api/v1/",
        "/nothing-here/",
    ],
)
def test_nothing_else_answers(client: Client, db: None, path: str) -> None:
    assert client.get(path).status_code in {302, 401, 404}


# --- requests that another site sends ---


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://elsewhere.example"}], ids=["no token", "wrong origin"]
)
def test_no_writing_request_passes_without_a_csrf_token(cast: Cast, headers: dict[str, str]) -> None:
    client = signed_in(cast.people[Role.SYSTEM_ADMIN], enforce_csrf_checks=True)
    passed = [
        f"{method} {route.name}: {got}"
        for route in ROUTES
        for method in sorted(set(POLICY[route.name]) & set(WRITING))
        if route.name not in SIGNED_BY_SENDER
        and not route.name.startswith(TOKEN_ONLY)
        and (got := ask(client, method, cast.path(route), **headers).status_code) != 403
    ]
    assert passed == []
