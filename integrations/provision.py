"""Our own fields in a CRM: which are missing, and creating them. Nothing else is ever created or changed there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from integrations import runs
from integrations.base import Connector
from integrations.errors import ConnectorError
from integrations.models import Run, WriteSwitch
from integrations.registry import connector_for
from integrations.wanted import remote_objects_of
from records.models import CatalogueField, Connection, FieldMapping
from records.own_fields import OWN_FIELDS, OwnField


@dataclass(frozen=True)
class PlannedField:
    """One of our fields on one remote object; ``is_there``: it exists and is visible to us."""

    remote_object: str
    field: OwnField
    remote_name: str
    is_there: bool


def plan(connection: Connection, connector: Connector | None = None) -> list[PlannedField]:
    """Every field of ours that this connection's mapped objects should have. Raises ConnectorError."""
    connector = connector or connector_for(connection)
    found: list[PlannedField] = []
    for own in OWN_FIELDS:
        for remote_object in remote_objects_of(connection, list(own.objects)):
            name = connector.own_field_name(own)
            found.append(PlannedField(remote_object, own, name, name in connector.describe(remote_object)))
    return found


def apply(connection: Connection, now: datetime) -> Run:
    """Create what is missing, then read and (once switched on) write it. Safe to repeat; the run says what happened."""
    run = runs.open_run(Run.Kind.PROVISION, connection, "Fields we will create", now)
    try:
        connector = connector_for(connection)
        planned = plan(connection, connector)
        run.total = len(planned)
        for remote_object in sorted({p.remote_object for p in planned}):
            some = [p for p in planned if p.remote_object == remote_object]
            connector.create_fields(remote_object, [p.field for p in some])
            _remember(connection, some, now)
            run.done += len(some)
            run.counts["created"] = run.counts.get("created", 0) + sum(not p.is_there for p in some)
            runs.save_progress(run, now)
    except ConnectorError as error:
        runs.close_run(run, now, error=str(error))
    else:
        runs.close_run(run, now)
    return run


def _remember(connection: Connection, planned: Sequence[PlannedField], now: datetime) -> None:
    """Switches and mappings, so that the next pull reads the fields back."""
    mapped = connection.mappings.values_list("remote_object", "field__object").distinct().order_by()
    objects: dict[str, set[str]] = {}
    for remote_object, object_name in mapped:
        objects.setdefault(remote_object, set()).add(object_name)
    with transaction.atomic():
        for item in planned:
            for object_name in objects[item.remote_object] & set(item.field.objects):
                field, _ = CatalogueField.objects.get_or_create(
                    object=object_name,
                    name=item.field.name,
                    defaults={
                        "label": item.field.label,
                        "type": "text" if item.field.type == "url" else item.field.type,
                        "options": list(item.field.options),
                    },
                )
                FieldMapping.objects.get_or_create(
                    connection=connection,
                    remote_object=item.remote_object,
                    field=field,
                    defaults={"remote_name": item.remote_name},
                )
            WriteSwitch.objects.update_or_create(
                connection=connection,
                remote_object=item.remote_object,
                field=item.field.name,
                defaults={"provisioned_at": now},
            )
