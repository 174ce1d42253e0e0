from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from definitions.files.starter import load_starter_model
from records.ids import record_id
from records.models import CatalogueField, Connection, Event, Journey, Record
from teams.models import Person, Role, Team

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=400)

CATALOGUE: Mapping[str, Mapping[str, str]] = {
    "person": {
        "email": "text",
        "lifecycle_stage": "picklist",
        "lead_status": "picklist",
        "fleet_size": "number",
        "role_level": "picklist",
        "demo_requested_at": "datetime",
        "pricing_page_views": "number",
        "content_downloads": "number",
        "webinar_attended_at": "datetime",
        "need_confirmed": "boolean",
        "authority_confirmed": "boolean",
        "timeline_confirmed": "boolean",
        **dict.fromkeys(
            ["company", "job_title", "industry", "region", "lead_origin", "pain", "impact", "timeline"],
            "text",
        ),
        **dict.fromkeys(
            ["stakeholders", "buyer_words", "ae", "meeting", "next_step", "first_touch_at"], "text"
        ),
    },
    "deal": {
        "name": "text",
        "stage": "picklist",
        "pipeline": "picklist",
        "success_criteria": "text",
        "amount": "money",
        "close_date": "date",
    },
}


@pytest.fixture
def catalogue(db: None) -> None:
    CatalogueField.objects.bulk_create(
        CatalogueField(object=o, name=n, type=t, label=n.replace("_", " ").capitalize())
        for o, fields in CATALOGUE.items()
        for n, t in fields.items()
    )


@pytest.fixture
def hubspot(db: None) -> Connection:
    return Connection.objects.create(name="hubspot", label="HubSpot", kind="hubspot", go_live_at=LONG_AGO)


@pytest.fixture
def salesforce(db: None) -> Connection:
    return Connection.objects.create(
        name="salesforce", label="Salesforce", kind="salesforce", go_live_at=LONG_AGO
    )


@pytest.fixture
def house_teams(db: None) -> dict[str, Team]:
    keys = ["marketing", "sdr", "sales", "cs", "revops"]
    return {key: Team.objects.create(key=key, name=key.upper(), purpose=key) for key in keys}


@pytest.fixture
def starter(
    catalogue: None, hubspot: Connection, salesforce: Connection, house_teams: dict[str, Team]
) -> None:
    """The starter model, in force for 400 days."""
    load_starter_model(NOW, LONG_AGO)


@pytest.fixture
def admin(db: None) -> Person:
    return Person.objects.create_user("ona@fernhill.example", name="Ona Brandvold", role=Role.SYSTEM_ADMIN)


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        (tmp_path / name).write_text(text, "utf-8")
        return tmp_path

    return write


def make_record(
    connection: Connection,
    remote_id: str,
    values: Mapping[str, Any],
    *,
    object_name: str = "person",
    at: datetime = NOW,
    journey: Journey | None = None,
) -> Record:
    """A record with its baseline, made and seen at ``at``."""
    remote_object = {"person": "contacts", "deal": "deals"}[object_name]
    pk = record_id(connection.name, remote_object, remote_id)
    journey = journey or Journey.objects.create(id=pk, key=f"{connection.name}:{remote_object}:{remote_id}")
    record = Record.objects.create(
        id=pk,
        connection=connection,
        object=object_name,
        remote_object=remote_object,
        remote_id=remote_id,
        values=dict(values),
        journey=journey,
        title=f"Record {remote_id}",
    )
    Event.objects.create(
        connection=connection,
        external_key=f"{remote_object}:{remote_id}:baseline",
        kind="baseline",
        record=record,
        data={"values": dict(values)},
        occurred_at=at,
        not_before=at,
    )
    return record


def change(record: Record, field: str, new: Any, at: datetime) -> None:
    """The CRM says that a field changed at ``at``."""
    old = record.values.get(field)
    record.values = {**record.values, field: new}
    record.save(update_fields=["values"])
    Event.objects.create(
        connection=record.connection,
        external_key=f"{record.remote_object}:{record.remote_id}:{field}:{at.isoformat()}",
        kind="change",
        record=record,
        field=field,
        old=old,
        new=new,
        occurred_at=at,
    )
