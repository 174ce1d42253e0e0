"""Where conditions hold: always in gtmops, and in a CRM as far as it can express them. Says why not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from definitions.criteria import Criterion
from definitions.criteria.compiled import Compiled, RemoteField
from records.models import Connection, FieldMapping

Answer = Literal["yes", "partly", "no"]
_HOW = {
    Connection.Kind.SALESFORCE: "as a validation rule or a formula",
    Connection.Kind.HUBSPOT: "as the filter of a list or workflow",
}
MOST_REASONS = 4

Asked = Sequence[tuple[str, Criterion | None]]
"""(name of the part, its criterion)."""


@dataclass(frozen=True)
class Place:
    """One system. ``reasons``: which condition can't be held there and why, or how it is held."""

    name: str
    answer: Answer
    reasons: tuple[str, ...]


def places_of(asked: Asked, object_name: str, connections: Sequence[str]) -> Iterator[Place]:
    """gtmops first, then each CRM. Two queries."""
    told = [(name, criterion) for name, criterion in asked if criterion is not None]
    if not told:
        return
    yield Place("gtmops", "yes", ("Judged within seconds of every change.",))
    crms = list(Connection.objects.filter(kind__in=_HOW).order_by("source_order", "name"))
    mappings = _mappings(crms, object_name)
    for crm in crms:
        if connections and crm.name not in connections:
            yield Place(crm.label, "no", (f"It is not judged on records of {crm.label}.",))
        else:
            yield _place(crm, told, mappings.get(crm.pk, {}))


def _place(
    crm: Connection, told: Sequence[tuple[str, Criterion]], mappings: Mapping[str, Mapping[str, RemoteField]]
) -> Place:
    reasons: list[str] = []
    whole = 0
    for name, criterion in told:
        compiled = _compiled(crm, criterion, _best(mappings, criterion))
        whole += compiled.is_whole
        lead = f"{name}: " if len(told) > 1 else ""
        reasons += [f"{lead}{_sentence(refused.reason)}" for refused in compiled.refused]
    if whole == len(told):
        return Place(crm.label, "yes", (f"Can be held {_HOW[Connection.Kind(crm.kind)]}.",))
    reasons = [*dict.fromkeys(reasons)]
    if len(reasons) > MOST_REASONS:
        reasons = [*reasons[:MOST_REASONS], f"and {len(reasons) - MOST_REASONS} more."]
    return Place(crm.label, "partly" if whole else "no", tuple(reasons))


def _compiled(crm: Connection, criterion: Criterion, mapping: Mapping[str, RemoteField]) -> Compiled:
    if crm.kind == Connection.Kind.SALESFORCE:
        return criterion.to_salesforce(mapping)
    return criterion.to_hubspot(mapping)


def _mappings(crms: Sequence[Connection], object_name: str) -> dict[int, dict[str, dict[str, RemoteField]]]:
    """Connection -> the CRM's object -> logical field -> where it lives."""
    found: dict[int, dict[str, dict[str, RemoteField]]] = {}
    rows = FieldMapping.objects.filter(
        connection__in=crms, field__object=object_name, is_broken=False
    ).values_list("connection_id", "remote_object", "field__name", "remote_name", "value_map")
    for crm, remote_object, name, remote_name, value_map in rows:
        inside = found.setdefault(crm, {}).setdefault(remote_object, {})
        inside[name] = RemoteField(remote_name, values=value_map or {})
    return found


def _best(
    mappings: Mapping[str, Mapping[str, RemoteField]], criterion: Criterion
) -> Mapping[str, RemoteField]:
    """Of the CRM's objects that hold such records, the one that has most of the fields."""
    fields = criterion.fields()
    return max(mappings.values(), key=lambda m: len(fields & set(m)), default={})


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
