"""Connections from a plain dict, for ``seed`` and the demo. Safe to repeat: only what differs is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from integrations.models import WriteSwitch
from integrations.secrets import store_credential
from records.models import CatalogueField, Connection, FieldMapping
from records.own_fields import OWN_FIELD_BY_NAME

CONNECTION_FIELDS = (
    "label",
    "kind",
    "base_url",
    "record_url",
    "is_sandbox",
    "is_writing",
    "is_writing_stage",
    "is_writing_fields",
    "is_writing_owner",
    "go_live_at",
    "source_order",
    "state",
)
CATALOGUE_FIELDS = ("label", "type", "options")
MAPPING_FIELDS = ("remote_name", "has_history", "links_to", "value_map")


class SetupError(ValueError):
    """The dict can't be meant; the text names the place."""


def ensure_connection(spec: Mapping[str, Any], now: datetime) -> Connection:
    """Make or change one connection.

    Keys: ``name, label, kind, base_url, record_url, is_sandbox, is_writing, is_writing_stage, is_writing_fields,
    is_writing_owner, go_live_at`` (aware datetime or ISO text),
    ``method`` and ``secret`` (a dict), ``mappings`` (list of ``object, remote_object, field, remote_name, type, label,
    options, has_history, links_to, value_map, personal``), ``switches`` (own fields to switch on, all of them when
    True). What is left out keeps its value. Raises SetupError."""
    if not spec.get("name") or not spec.get("kind"):
        raise SetupError("a connection needs a name and a kind")
    if spec["kind"] not in Connection.Kind.values:
        raise SetupError(f"{spec['name']}: no such kind of connection: {spec['kind']}")
    values = {name: spec[name] for name in CONNECTION_FIELDS if name in spec}
    values.setdefault("label", str(spec["name"]))
    if isinstance(values.get("go_live_at"), str):
        values["go_live_at"] = datetime.fromisoformat(values["go_live_at"])
    with transaction.atomic():
        connection = Connection.objects.select_for_update(no_key=True).filter(
            name=spec["name"]
        ).first() or Connection(name=spec["name"])
        if _differs(connection, values):
            connection.save()
        if spec.get("secret") is not None:
            store_credential(connection, str(spec.get("method", "")), spec["secret"])
        ensure_mappings(connection, spec.get("mappings") or ())
        _ensure_switches(connection, spec.get("switches") or (), now)
    return connection


def ensure_mappings(connection: Connection, mappings: Sequence[Mapping[str, Any]]) -> None:
    """Catalogue fields and where they live. Raises SetupError."""
    fields = {(f.object, f.name): f for f in CatalogueField.objects.all()}
    held = {
        (m.remote_object, m.field.object, m.field.name): m
        for m in connection.mappings.select_related("field")
    }
    for item in mappings:
        if missing := [k for k in ("object", "remote_object", "field", "remote_name") if not item.get(k)]:
            raise SetupError(f"{connection.name}: a mapping lacks {', '.join(missing)}: {dict(item)}")
        key = (str(item["object"]), str(item["field"]))
        field = fields.get(key)
        if field is None:
            field = fields[key] = CatalogueField(
                object=key[0], name=key[1], label=_words(key[1]), type="text"
            )
        wanted = {name: item[name] for name in CATALOGUE_FIELDS if name in item}
        if "personal" in item:
            wanted["is_personal"] = bool(item["personal"])
        if wanted.get("type", "text") not in CatalogueField.Type.values:
            raise SetupError(f"{connection.name}: {key[0]}.{key[1]}: no such type: {wanted['type']}")
        if _differs(field, wanted) or field.pk is None:
            field.save()
        place = (str(item["remote_object"]), *key)
        mapping = held.get(place)
        if mapping is None:
            mapping = held[place] = FieldMapping(connection=connection, field=field, remote_object=place[0])
        if _differs(mapping, {name: item[name] for name in MAPPING_FIELDS if name in item}):
            mapping.save()


def _ensure_switches(connection: Connection, switches: bool | Sequence[str], now: datetime) -> None:
    names = list(OWN_FIELD_BY_NAME) if switches is True else list(switches or ())
    for name in names:
        own = OWN_FIELD_BY_NAME.get(name)
        if own is None:
            raise SetupError(f"{connection.name}: {name} is not one of our fields")
        places = connection.mappings.filter(field__object__in=own.objects).values_list(
            "remote_object", flat=True
        )
        for remote_object in sorted(set(places)):
            switch, _ = WriteSwitch.objects.get_or_create(
                connection=connection, remote_object=remote_object, field=name
            )
            if not switch.is_on:
                switch.is_on = True
                switch.save(update_fields=["is_on"])


def _differs(row: Any, values: Mapping[str, Any]) -> bool:
    """Set the values on the row; whether that changed anything, or the row is new."""
    changed = row.pk is None or row._state.adding
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed = True
    return bool(changed)


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
