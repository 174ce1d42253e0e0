"""Names on the side of files: a field has our own name there, a kind of record the name that the mapping gives it."""

from __future__ import annotations

from integrations.csv.mapping import FileMapping, RecordMapping
from records.own_fields import OwnField

ACTIVITY = "activity"


def own_field_name(field: OwnField) -> str:
    return field.name


def label_of(remote_object: str) -> str:
    return remote_object.replace("_", " ").replace("-", " ").capitalize()


def records_of(files: list[FileMapping], remote_object: str) -> list[RecordMapping]:
    """What the mappings say of one kind of record."""
    return [r for file in files for r in file.records if r.remote_object == remote_object]
