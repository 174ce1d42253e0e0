"""Who may do what: one table of routes, methods and roles, and the border in the query.

Nothing is allowed that the table (`settings.ACCESS_POLICY`) does not list. `teams.middleware` asks it
before every view, `teams.api_access` once more inside DRF."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import models
from django.http import HttpRequest
from django.utils.module_loading import import_string

from teams.models import BusinessUnit, Person, Role
from teams.querysets import border

ANONYMOUS = "anonymous"

NOBODY: frozenset[str] = frozenset()
SYSTEM = frozenset({Role.SYSTEM_ADMIN.value})
ADMINS = SYSTEM | {Role.REVOPS_ADMIN.value}
LEADERS = ADMINS | {Role.LEADER.value}
MANAGERS = LEADERS | {Role.MANAGER.value}
SIGNED_IN = frozenset(Role.values)
ANYONE = SIGNED_IN | {ANONYMOUS}

Policy = Mapping[str, Mapping[str, frozenset[str]]]


@cache
def _load(dotted: str) -> Policy:
    table = import_string(dotted)
    known = {"GET", "POST", "PUT", "PATCH", "DELETE"}
    for route, line in table.items():
        if unknown := set(line) - known:
            raise ImproperlyConfigured(f"{dotted}: {route} names methods no one can allow: {sorted(unknown)}")
        for method, principals in line.items():
            if strange := set(principals) - ANYONE:
                raise ImproperlyConfigured(f"{dotted}: {route} {method} names no role: {sorted(strange)}")
    return dict(table)


def policy() -> Policy:
    """The table of this installation. Raises ImproperlyConfigured for a line that can't be meant."""
    return _load(settings.ACCESS_POLICY)


def allowed_principals(route: str, method: str) -> frozenset[str]:
    """Roles (and perhaps `ANONYMOUS`) that may use `method` on `route`; empty where there is no line.

    HEAD follows GET. OPTIONS has no line of its own and is never allowed."""
    return policy().get(route, {}).get("GET" if method == "HEAD" else method, NOBODY)


def allowed_methods(route: str) -> list[str]:
    methods = sorted(policy().get(route, {}))
    return ["GET", "HEAD", *methods[methods.index("GET") + 1 :]] if "GET" in methods else methods


def person_of(request: HttpRequest) -> Person:
    """Who is signed in. Raises PermissionDenied for nobody, so a view can't be reached by mistake."""
    if isinstance(request.user, Person) and request.user.is_active:
        return request.user
    raise PermissionDenied


def may_edit(editor: Person, person: Person) -> bool:
    """Admins edit everyone but a system admin, whom only a system admin edits."""
    return editor.role == Role.SYSTEM_ADMIN or (editor.is_admin and person.role != Role.SYSTEM_ADMIN)


def business_units_of(person: Person) -> models.QuerySet[BusinessUnit]:
    """What `person` may read, as a query to nest: it costs none of its own and is never stale."""
    return BusinessUnit.objects.filter(people=person.pk)


_Row_co = TypeVar("_Row_co", bound=models.Model, covariant=True)


class BorderedQuerySet(models.QuerySet[_Row_co]):
    """A queryset whose rows belong to a business unit, directly or through foreign keys (`unit_field`)."""

    unit_field: ClassVar[str] = "business_unit"

    def for_person(self, person: Person | AnonymousUser) -> Self:
        """What `person` may read. Rows of no business unit are open to everyone who is signed in; no role
        reads across the border."""
        if not isinstance(person, Person) or not person.is_active:
            return self.none()
        return self.filter(border(business_units_of(person), self.unit_field))


def requires_totp(person: Person) -> bool:
    """True while `person` has a role that must, but has not, set up an authenticator app."""
    from allauth.mfa.utils import is_mfa_enabled

    required: Any = settings.TOTP_REQUIRED_ROLES
    return person.role in required and not is_mfa_enabled(person)
