from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gtmops.pipeline import process
from records.ids import record_id
from records.incoming import IncomingRecord
from records.models import AccountMatch, CatalogueField, Connection, FieldMapping, Record
from records.services import store_page
from teams.models import Person, Role

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

FIELDS = {
    "salesforce": {
        "Lead": (
            "person",
            {"email": "Email", "company": "Company", "converted_account": "ConvertedAccountId"},
        ),
        "Contact": ("person", {"email": "Email", "account": "AccountId"}),
        "Account": ("account", {"name": "Name", "website": "Website"}),
        "Opportunity": ("deal", {"name": "Name", "account": "AccountId"}),
    },
    "hubspot": {
        "contacts": ("person", {"email": "email", "company": "company", "lead": "salesforceleadid"}),
        "companies": ("account", {"name": "name", "domain": "domain"}),
    },
}


@pytest.fixture
def crms(db: None) -> dict[str, Connection]:
    found = {}
    for order, (name, objects) in enumerate(FIELDS.items()):
        connection = Connection.objects.create(
            name=name, label=name.title(), kind=name, source_order=10 + order, go_live_at=NOW
        )
        for remote_object, (object_name, fields) in objects.items():
            for field, remote in fields.items():
                row, _ = CatalogueField.objects.get_or_create(
                    object=object_name, name=field, defaults={"label": field, "type": "text"}
                )
                FieldMapping.objects.create(
                    connection=connection, field=row, remote_object=remote_object, remote_name=remote,
                    links_to="salesforce:Lead" if field == "lead" else "",
                )  # fmt: skip
        found[name] = connection
    return found


@pytest.fixture
def tell(crms: dict[str, Connection], django_capture_on_commit_callbacks: Any) -> Callable[..., Record]:
    """``tell("salesforce", "Lead", "L1", Email="…")``: what a pull brings, concluded at once."""

    def store(crm: str, remote_object: str, remote_id: str, *, at: datetime = NOW, **values: Any) -> Record:
        deleted = bool(values.pop("deleted", False))
        row = IncomingRecord(
            remote_object, remote_id, values, modified_at=at, created_at=at, is_deleted=deleted, raw=values
        )
        store_page(crms[crm], [row], now=at)
        conclude(at)
        return Record.objects.get(pk=record_id(crm, remote_object, remote_id))

    return store


def conclude(now: datetime = NOW) -> None:
    while process(now):
        pass


def account_of(record: Record) -> tuple[str, str] | None:
    """(how, the account's remote id, "" where several fit), or None."""
    row = AccountMatch.objects.filter(record=record).select_related("account").first()
    return (row.how, row.account.remote_id if row.account else "") if row else None


@pytest.fixture
def ines(db: None) -> Person:
    return Person.objects.create_user("ines@fernhill.example", name="Ines Kalderon", role=Role.REVOPS_ADMIN)


@pytest.fixture
def key() -> Callable[[], str]:
    return lambda: str(uuid.uuid4())
