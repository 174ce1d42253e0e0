"""A provider's client: its token, and the shapes Entra ID and Okta send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from teams.models import BusinessUnit, Person, Role, Scope
from teams.tokens import issue_token

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


@dataclass
class Provider:
    client: Client

    def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer: Any = self.client.generic(
            method, f"/scim/v2/{path}", body if isinstance(body, (bytes, str)) else _json(body),
            content_type="application/scim+json",
        )  # fmt: skip
        assert answer.status_code == 204 or answer["Content-Type"] == "application/scim+json", answer.content[
            :200
        ]
        return answer.status_code, answer.json() if answer.content else None

    def add(self, user_name: str = "nora@fernhill.example", **more: Any) -> dict[str, Any]:
        status, made = self("POST", "Users", user(user_name, **more))
        assert status == 201, made
        return dict(made)

    def add_group(self, name: str, *members: Any) -> dict[str, Any]:
        body = {"schemas": [GROUP], "displayName": name, "members": [{"value": str(m)} for m in members]}
        status, made = self("POST", "Groups", body)
        assert status == 201, made
        return dict(made)

    def patch(self, path: str, *operations: Any) -> tuple[int, Any]:
        return self("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})


def _json(body: Any) -> str:
    import json

    return "" if body is None else json.dumps(body)


def user(user_name: str = "nora@fernhill.example", **more: Any) -> dict[str, Any]:
    email = user_name if "@" in user_name else f"{user_name}@fernhill.example"
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": f"x-{user_name}",
        "userName": user_name,
        "active": True,
        "displayName": "Nora Halverson",
        "emails": [{"primary": True, "type": "work", "value": email}],
        "name": {"formatted": "Nora Halverson", "familyName": "Halverson", "givenName": "Nora"},
        **more,
    }


def provider_of(admin: Person) -> Provider:
    _, secret = issue_token(admin, name="Provisioning", scope=Scope.SCIM)
    return Provider(Client(headers={"Authorization": f"Bearer {secret}"}))


@pytest.fixture
def admin(fleet: BusinessUnit) -> Person:
    person = Person.objects.create_user(
        "avery@fernhill.example", name="Avery Stonewell", role=Role.SYSTEM_ADMIN
    )
    person.business_units.add(fleet)
    return person


@pytest.fixture
def scim(admin: Person) -> Provider:
    return provider_of(admin)
