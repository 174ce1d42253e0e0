"""The fields that a move asks for: how each is typed in, and what was typed, read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from definitions.criteria import Catalogue
from records.asked import options_there
from records.canonical import Unreadable, canonical, instant_text
from records.models import FieldMapping, Record, SchemaField
from records.services import mapped_remote_fields

LONG_TYPES: Final = {"textarea", "longtextarea", "html"}
MOST_TEXT: Final = 10_000
MOST_CHOICES: Final = 500
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")


@dataclass(frozen=True)
class AskedField:
    """``kind``: text, long_text, number, money, date, datetime, boolean, picklist, multi_picklist or reference.

    ``value``: as typed, a list for several choices; ``options``: (value, label). ``conditions``: what it must satisfy,
    in words. ``unit``: the currency of money. ``is_condition``: ``error`` is a condition that doesn't hold."""

    name: str
    label: str
    kind: str
    value: str | list[str] = ""
    options: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    conditions: tuple[str, ...] = ()
    error: str = ""
    is_condition: bool = False

    @property
    def has_value(self) -> bool:
        return bool(self.value)


Typed = Mapping[str, str | Sequence[str]]


def describe_fields(
    record: Record, names: Sequence[str], catalogue: Catalogue, conditions: Mapping[str, Sequence[str]], zone: ZoneInfo
) -> list[AskedField]:  # fmt: skip
    """The fields with the record's present values. A constant number of queries."""
    mappings = mapped_remote_fields(record.connection, record.remote_object)
    there = options_there(record, names)
    kinds = dict(
        SchemaField.objects.filter(
            connection=record.connection,
            remote_object=record.remote_object,
            name__in=[mappings[n].remote_name for n in names if n in mappings],
        ).values_list("name", "type")
    )
    currency = str(record.values.get("currency") or "")
    found = []
    for name in names:
        mapping, known = mappings[name], catalogue.objects.get(record.object, {}).get(name)
        kind = mapping.field.type
        if kind == "text" and kinds.get(mapping.remote_name, "").lower() in LONG_TYPES:
            kind = "long_text"
        options = _options(mapping, there.get(name, {}), known.options if known else ())
        if kind == "reference":
            options = _people(record, name) or ()
        found.append(
            AskedField(
                name=name,
                label=mapping.field.label,
                kind="picklist" if options and kind in ("text", "reference") and there.get(name) else kind,
                value=shown(kind, record.values.get(name), zone),
                options=options
                if kind in ("picklist", "multi_picklist", "reference") or there.get(name)
                else (),
                unit=currency if kind == "money" else "",
                conditions=tuple(conditions.get(name, ())),
            )
        )
    return found


def _options(
    mapping: FieldMapping, there: Mapping[str, str], known: Iterable[str]
) -> tuple[tuple[str, str], ...]:
    """By logical value, in the CRM's order; what the CRM shows now goes before what the catalogue says."""
    if there:
        pairs = [(str(mapping.value_map.get(remote, remote)), label) for remote, label in there.items()]
        return tuple(dict(reversed(pairs[:MOST_CHOICES])).items())[::-1]
    return tuple((str(option), str(option)) for option in known)


def _people(record: Record, name: str) -> tuple[tuple[str, str], ...]:
    """For an owner: who a record can be given to there."""
    if name != "owner":
        return ()
    rows = record.connection.owner_matches.filter(is_active=True).order_by("name")
    return tuple(rows.values_list("remote_id", "name")[:MOST_CHOICES])


def shown(kind: str, value: Any, zone: ZoneInfo) -> str | list[str]:
    """A canonical value as a form field holds it."""
    if value is None:
        return [] if kind == "multi_picklist" else ""
    if kind == "multi_picklist":
        return [str(part) for part in value] if isinstance(value, list) else [str(value)]
    if kind == "boolean":
        return "true" if value is True else "false"
    if kind == "datetime":
        return datetime.fromisoformat(str(value)).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    return str(value)


def with_typed(field: AskedField, typed: Typed, zone: ZoneInfo) -> tuple[AskedField, Any]:
    """The field as it was typed, with its fault, and the canonical value (None: empty or not readable)."""
    if field.name not in typed:
        return field, None
    raw = typed[field.name]
    if field.kind == "multi_picklist":
        chosen = [raw] if isinstance(raw, str) else [str(part) for part in raw]
        chosen = [part for part in chosen if part]
        return replace(field, value=chosen), sorted(set(chosen)) or None
    text = (raw if isinstance(raw, str) else (raw[-1] if raw else "")).replace("\x00", "").strip()[:MOST_TEXT]
    kept = replace(field, value=text)
    if not text:
        return kept, None
    try:
        return kept, _read(field, text, zone)
    except (Unreadable, ValueError):
        return replace(kept, error=_FAULTS.get(field.kind, "This can't be read.")), None


def _read(field: AskedField, text: str, zone: ZoneInfo) -> Any:
    match field.kind:
        case "number" | "money":
            return canonical(
                "number", text.replace(",", "") if _GROUPED.fullmatch(text) else text.replace(" ", "")
            )
        case "date":
            return date.fromisoformat(text).isoformat()
        case "datetime":
            at = datetime.fromisoformat(text)
            return instant_text(at if at.tzinfo else at.replace(tzinfo=zone))
        case "long_text" | "text":
            return text.replace("\r\n", "\n")
    if field.options and text not in dict(field.options):
        raise ValueError(text)
    return canonical("boolean", text) if field.kind == "boolean" else text


_FAULTS: Final = {
    "number": "Write a number, like 1200 or 12.5.",
    "money": "Write an amount, like 24000 or 24,000.50.",
    "date": "Choose a day.",
    "datetime": "Choose a day and a time.",
    "boolean": "Choose yes or no.",
    "picklist": "Choose one of the options.",
    "reference": "Choose one of the options.",
}
