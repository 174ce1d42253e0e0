"""What both CRMs' pages have in common; each CRM's own part stands beside this file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from integrations.standins.forms import read_instant
from integrations.standins.store import Actor, Fields, Store, Stored


class PageFault(Exception):  # what a person is told, in the CRM's words
    """A refused write, as the page shows it."""


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """An object with a page: ``columns`` are shown in its list, after the record's name."""

    name: str
    label: str
    plural: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str


class Crm:
    """One CRM behind the pages. Values in and out are in the CRM's own form."""

    system: ClassVar[str]
    slug: ClassVar[str]
    name: ClassVar[str]
    band: ClassVar[str]
    pages: ClassVar[dict[str, ObjectPage]]
    loggable: ClassVar[tuple[str, ...]]

    def __init__(self, store: Store) -> None:
        self.store = store

    @property
    def path(self) -> str:
        return f"/{self.slug}"

    def people(self) -> list[Person]:
        """Those one can act as."""
        raise NotImplementedError

    def owner_of(self, row: Stored) -> str:
        """The id of the person who owns the record; of a queue, or of nobody, it is nobody's."""
        raise NotImplementedError

    def actor(self, person_id: str) -> Actor:
        raise NotImplementedError

    def actor_name(self, by: str, source: str) -> str:
        raise NotImplementedError

    def record_name(self, row: Stored) -> str:
        raise NotImplementedError

    def values(self, row: Stored) -> Fields:
        """All fields by name, those that the CRM keeps itself included."""
        raise NotImplementedError

    def is_ours(self, definition: Fields) -> bool:
        """Did gtmops make this field?"""
        return bool(definition.get("granted_only") or definition.get("made_by_api")) or definition[
            "name"
        ].lower().startswith("gtm")

    def group_of(self, definition: Fields) -> str:
        raise NotImplementedError

    def group_order(self, label: str) -> int:
        """Groups of the same number stay as the schema has them."""
        return label in ("System information", "Calculated by HubSpot")

    def is_editable(self, definition: Fields) -> bool:
        raise NotImplementedError

    def choices(self, object_name: str, definition: Fields) -> list[tuple[str, str]]:
        """(value, label) of a field with a list; empty for a free one."""
        raise NotImplementedError

    def target(self, definition: Fields, value: Any) -> tuple[str, str] | None:
        """(name, address) of the record a lookup points at."""
        raise NotImplementedError

    def create(self, object_name: str, fields: Fields, actor: Actor) -> Stored:
        raise NotImplementedError

    def update(self, row: Stored, fields: Fields, actor: Actor) -> Stored:
        raise NotImplementedError

    def log(self, row: Stored, kind: str, subject: str, notes: str, when: datetime, actor: Actor) -> None:
        """Write a call or a meeting down at this record."""
        raise NotImplementedError

    def acts(self, row: Stored) -> list[tuple[str, str]]:
        """(act, label) of what one can do with this record beyond saving it."""
        return []

    def act(self, row: Stored, act: str, other: str, actor: Actor) -> Stored:
        """The record to show afterwards; ``other`` is the id of a second one. Raises PageFault."""
        raise PageFault("There is no such act.")

    def activities(self, row: Stored) -> list[Fields]:
        """Newest first: at, kind, name, text, by, href."""
        raise NotImplementedError

    def related(self, row: Stored) -> list[Fields]:
        raise NotImplementedError

    def href(self, row: Stored) -> str:
        return f"{self.path}/{row.object}/{row.remote_id}"

    def text(self, definition: Fields, value: Any, object_name: str) -> str:
        """A value as a person reads it."""
        if value is None or value == "":
            return ""
        if definition["type"] in ("boolean", "bool"):
            return "Yes" if value in (True, "true") else "No"
        if definition["type"] == "datetime":
            return moment(str(value))
        labels = dict(self.choices(object_name, definition))
        if labels:
            return "; ".join(labels.get(part, part) for part in str(value).split(";"))
        if isinstance(value, float):
            return f"{value:,.2f}".rstrip("0").rstrip(".")
        return str(value)


def moment(text: str) -> str:
    """``2026-05-06 11:56:44 UTC``; a text that is no moment comes back as it is."""
    try:
        return f"{read_instant(text):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return text
