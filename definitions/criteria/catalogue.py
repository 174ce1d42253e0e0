"""The logical fields a criterion may read."""

# ruff: noqa: TRY004 (a wrong type in plain data is a wrong value: callers catch one error)
from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    MONEY = "money"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    PICKLIST = "picklist"
    MULTI_PICKLIST = "multi_picklist"
    REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Field:
    """A logical field. `options` maps each picklist value to its label; empty means any value."""

    name: str
    type: FieldType
    label: str
    options: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Catalogue:
    objects: Mapping[str, Mapping[str, Field]]

    @classmethod
    def from_spec(cls, spec: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Catalogue:
        """Build from {object: {field: {"type": …, "options": […], "label": …}}}.

        `options` are values, or {"value": …, "label": …}. Raises ValueError for anything else.
        """
        return cls(
            {
                str(name): {str(key): _read_field(str(name), str(key), told) for key, told in fields.items()}
                for name, fields in spec.items()
            }
        )


def _read_field(object_name: str, name: str, told: Mapping[str, Any]) -> Field:
    try:
        field_type = FieldType(told.get("type", ""))
    except ValueError:
        raise ValueError(f"{object_name}.{name}: unknown type {told.get('type')!r}") from None
    label = str(told.get("label") or name.replace("_", " ").capitalize())
    return Field(name, field_type, label, _read_options(f"{object_name}.{name}", told.get("options") or ()))


def _read_options(where: str, options: Sequence[Any]) -> dict[str, str]:
    read: dict[str, str] = {}
    for option in options:
        value = option.get("value") if isinstance(option, Mapping) else option
        if not isinstance(value, str):
            raise ValueError(f"{where}: an option is text, not {option!r}")
        read[value] = str(option.get("label") or value) if isinstance(option, Mapping) else value
    return read
