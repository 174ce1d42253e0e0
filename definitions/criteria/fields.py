"""Logical fields and their types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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
