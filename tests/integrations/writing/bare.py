"""A connection that writes to a CRM made of a dict: for what does not depend on how a CRM answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.base import PushResult, ReadResult, Wanted, Write
from integrations.models import WriteSwitch
from integrations.writing import sending
from records.ids import derive_id
from records.models import CatalogueField, Connection, DesiredField, FieldMapping, Record
from records.own_fields import OwnField

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass
class DictCrm:
    """Takes everything but what ``refuses`` names; ``effects`` is every value it took."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    refuses: dict[str, str] = field(default_factory=dict)
    effects: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    fails: list[Exception] = field(default_factory=list)

    def push(self, remote_object: str, writes: Sequence[Write]) -> list[PushResult]:
        if self.fails:
            raise self.fails.pop(0)
        found = []
        for remote_id, values in writes:
            if remote_id in self.refuses:
                found.append(PushResult(remote_id, "refused", self.refuses[remote_id], "NO"))
                continue
            self.effects.append((remote_id, dict(values)))
            self.rows.setdefault(remote_id, {}).update(values)
            found.append(PushResult(remote_id, "written"))
        return found

    def read(self, remote_object: str, remote_ids: Sequence[str], wanted: Wanted) -> ReadResult:
        return ReadResult([])

    def remove_fields(self, remote_object: str, fields: Sequence[OwnField]) -> list[str]:
        if self.fails:
            raise self.fails.pop(0)
        names = [f"{remote_object}.{own.name}" for own in fields]
        self.removed += [name for name in names if name not in self.removed]
        return names

    @property
    def written(self) -> set[str]:
        return {remote_id for remote_id, _ in self.effects}


@dataclass
class Bare:
    connection: Connection
    crm: DictCrm

    def want(self, value: str, field: str = "gtm_stage") -> None:
        """Of every record; one that is there already is changed."""
        for record in Record.objects.filter(connection=self.connection):
            DesiredField.objects.update_or_create(
                record=record,
                field=field,
                defaults={
                    "writer": "test", "desired": value, "state": "different", "next_try_at": NOW, "is_known": True,
                },
            )  # fmt: skip

    def of(self, remote_id: str, field: str = "gtm_stage") -> DesiredField:
        return DesiredField.objects.get(record__remote_id=remote_id, field=field)


def make_bare(monkeypatch: pytest.MonkeyPatch, count: int = 5) -> Bare:
    """``count`` people 1, 2, … of whom the even ones are in the region EU."""
    connection = Connection.objects.create(
        name="hub",
        label="HubSpot",
        kind="hubspot",
        is_writing=True,
        go_live_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    crm = DictCrm()
    monkeypatch.setattr(sending, "connector_for", lambda connection: crm)
    region, _ = CatalogueField.objects.get_or_create(
        object="person", name="region", defaults={"label": "Region", "type": "text"}
    )
    FieldMapping.objects.create(
        connection=connection, remote_object="contacts", field=region, remote_name="region"
    )
    for name in ("gtm_stage", "gtm_missing"):
        WriteSwitch.objects.create(
            connection=connection, remote_object="contacts", field=name, is_on=True, provisioned_at=NOW
        )
    for n in range(1, count + 1):
        Record.objects.create(
            id=derive_id("test", f"person {n}"),
            connection=connection,
            object="person",
            remote_object="contacts",
            remote_id=str(n),
            title=f"Person {n}",
            values={"region": "EU" if n % 2 == 0 else "US"},
        )
    return Bare(connection, crm)
