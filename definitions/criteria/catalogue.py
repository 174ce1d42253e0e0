"""What a criterion may read: the logical fields, and if told the stages, events and currencies there are."""

# ruff: noqa: TRY004 (a wrong type in plain data is a wrong value: callers catch one error)
from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from definitions.criteria.currencies import Currency, read_currencies
from definitions.criteria.fields import Field, FieldType

__all__ = ["Catalogue", "Field", "FieldType"]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`objects`: object -> field name -> field. `relations`: object -> relation -> the object it leads to, beside
    the usual ones. `stages`: key -> label; `events`: names; None: any is accepted. `stage_labels`: what stages are
    called that need not exist yet. `currencies`: with their rates."""

    objects: Mapping[str, Mapping[str, Field]]
    relations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    stages: Mapping[str, str] | None = None
    events: Collection[str] | None = None
    currencies: tuple[Currency, ...] = ()
    stage_labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_spec(
        cls,
        spec: Mapping[str, Mapping[str, Mapping[str, Any]]],
        *,
        relations: Mapping[str, Mapping[str, str]] | None = None,
        stages: Mapping[str, str] | Collection[str] | None = None,
        events: Collection[str] | None = None,
        currencies: Mapping[str, Mapping[str, Any]] | None = None,
        stage_labels: Mapping[str, str] | None = None,
    ) -> Catalogue:
        """Build from {object: {field: {"type": …, "options": […], "label": …}}}.

        `options` are values, or {"value": …, "label": …}. `stages` are keys, or key -> label. `currencies` are as
        in the model files: {code: {"is_base": true, "rates": {date: number}}}. Raises ValueError for anything else.
        """
        if stages is not None and not isinstance(stages, Mapping):
            stages = {key: key for key in stages}
        return cls(
            {
                str(name): {str(key): _read_field(str(name), str(key), told) for key, told in fields.items()}
                for name, fields in spec.items()
            },
            relations or {},
            stages,
            None if events is None else frozenset(events),
            read_currencies(currencies or {}),
            stage_labels or {},
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
