"""People and groups as SCIM has them, and what of it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import Field, field_validator
from scim2_models import (
    EnterpriseUser as ScimEnterpriseUser,
)
from scim2_models import (
    Group,
    InvalidValueException,
    Mutability,
    Reference,
    Required,
    ScimPolicy,
    User,
)
from scim2_models import (
    Manager as ScimManager,
)

from teams.models import Person, Provisioned, ProvisionedGroup, validate_time_zone
from teams.scim.filters import is_storable

POLICY: Final = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""Lenient where Entra ID and Okta leave the standard and nothing else can be meant."""

KEPT: Final = ("userName", "externalId", "displayName", "name", "title", "timezone", "emails")
"""Of the attributes of a user; nothing else is stored."""
READ_ONLY: Final = ("id", "meta", "groups")
LONGEST_NAME = 254


class Manager(ScimManager):
    """As providers send it: without an address, and with a name that the standard has us say."""

    ref: Annotated[Reference[Any] | None, Required.false] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    display_name: Annotated[str | None, Mutability.read_write] = None


class EnterpriseUser(ScimEnterpriseUser):
    """Entra ID sends a manager as the bare id."""

    manager: Manager | None = None

    @field_validator("manager", mode="before")
    @classmethod
    def _as_object(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"value": value} if value else None
        return value


ScimUser: Any = User[EnterpriseUser]
"""Any: the library makes this class when it is asked for it."""


def base_url() -> str:
    return f"{settings.SITE_URL}/scim/v2"


# --- from us -------------------------------------------------------------------------------------------------------


def user_of(person: Person) -> Any:
    """A person as SCIM has them. Uses `provisioned`, `manager` and `provisioned_groups` with `group`, loaded."""
    row = provisioned_of(person)
    said: Mapping[str, Any] = row.said if row else _said_of(person)
    href = f"{base_url()}/Users/{person.pk}"
    times = {"created": row.created_at, "lastModified": row.changed_at} if row else {}
    whole: dict[str, Any] = {
        **said,
        "schemas": [str(User.__schema__)],
        "id": str(person.pk),
        "active": person.is_active,
        "meta": {"resourceType": "User", "location": href, **times},
        "groups": [
            {"value": str(m.group_id), "display": m.group.name, "$ref": f"{base_url()}/Groups/{m.group_id}"}
            for m in person.provisioned_groups.all()
        ],
    }
    if manager := _manager_of(person, row):
        whole["schemas"].append(str(EnterpriseUser.__schema__))
        whole[str(EnterpriseUser.__schema__)] = {"manager": manager}
    with POLICY:
        return ScimUser.model_validate(whole)


def _manager_of(person: Person, row: Provisioned | None) -> dict[str, str]:
    if person.manager is not None:
        href = f"{base_url()}/Users/{person.manager_id}"
        return {"value": str(person.manager_id), "displayName": person.manager.name, "$ref": href}
    return {"value": row.manager_said} if row and row.manager_said else {}


def _said_of(person: Person) -> dict[str, Any]:
    """For somebody the provider has said nothing of yet."""
    return {
        "userName": person.email,
        "displayName": person.name,
        "name": {"formatted": person.name},
        "emails": [{"value": person.email, "type": "work", "primary": True}],
        **({"title": person.job_title} if person.job_title else {}),
    }


def provisioned_of(person: Person) -> Provisioned | None:
    row: Provisioned | None = getattr(person, "provisioned", None)
    return row


def group_of(group: ProvisionedGroup) -> Group:
    """A group as SCIM has it. Uses `members` with `person`, loaded."""
    href = f"{base_url()}/Groups/{group.pk}"
    whole = {
        "schemas": [str(Group.__schema__)],
        "id": str(group.pk),
        "displayName": group.name,
        **({"externalId": group.external_id} if group.external_id else {}),
        "members": [
            {
                "value": str(member.person_id),
                "display": member.person.name,
                "type": "User",
                "$ref": f"{base_url()}/Users/{member.person_id}",
            }
            for member in group.members.all()
        ],
        "meta": {
            "resourceType": "Group",
            "location": href,
            "created": group.created_at,
            "lastModified": group.changed_at,
        },
    }
    with POLICY:
        return Group.model_validate(whole)


# --- from the provider ---------------------------------------------------------------------------------------------


def said_by(user: Any) -> dict[str, Any]:
    """What is kept of a user, as JSON. Raises InvalidValueException for texts that can't be stored."""
    dumped = user.model_dump(mode="json")
    said = {key: dumped[key] for key in KEPT if dumped.get(key)}
    said["emails"] = [
        {k: v for k, v in one.items() if k in {"value", "type", "primary"}} for one in said.get("emails", [])
    ][:20]
    refuse_unstorable(said)
    return said


def refuse_unstorable(value: Any) -> None:
    if isinstance(value, str) and (not is_storable(value) or len(value) > 1000):
        raise InvalidValueException(detail="A text holds characters that can't be stored, or too many.")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        refuse_unstorable(part)


def user_name_of(user: Any) -> str:
    name = str(user.user_name or "").strip()
    if not name or len(name) > LONGEST_NAME:
        raise InvalidValueException(detail=f"userName is needed, with {LONGEST_NAME} characters at most.")
    return name.lower()


def email_of(user: Any) -> str:
    """The primary address, else that of work, else any, else a userName that is one. In lower case."""
    found = [one for one in user.emails or [] if one.value]
    found.sort(key=lambda one: (not one.primary, str(one.type or "") != "work"))
    email = str(found[0].value if found else user.user_name or "").strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidValueException(detail="An e-mail address is needed, in emails or as userName.") from None
    if len(email) > LONGEST_NAME:
        raise InvalidValueException(detail="The e-mail address is too long.")
    return email


def name_of(user: Any) -> str:
    """What people read: displayName, else the formatted name, else its parts, else the userName."""
    name = user.name
    parts = [name.given_name, name.family_name] if name else []
    texts = [
        user.display_name,
        name.formatted if name else None,
        " ".join(p for p in parts if p),
        user.user_name,
    ]
    whole = next((text for text in texts if text and text.strip()), "")
    return " ".join("".join(c for c in whole if c.isprintable()).split())[:120]


def time_zone_of(user: Any) -> str:
    """Empty where none is said that we know."""
    name = user.timezone or ""
    try:
        validate_time_zone(name)
    except (ValidationError, ValueError):
        return ""
    return str(name)


def manager_said_by(user: Any) -> str:
    extension = user[EnterpriseUser]
    manager: Manager | None = extension.manager if extension else None
    return str(manager.value or "").strip()[:LONGEST_NAME] if manager else ""
