"""Fields that changed in the CRM under a mapping: what hangs on each, and what it has most likely become."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from django.db import transaction
from django.urls import NoReverseMatch, reverse

from definitions.catalogue import catalogue_from_db
from definitions.criteria import CriterionError, parse
from definitions.sections import sections
from definitions.versions import load_model
from integrations.base import Connector, RemoteField
from integrations.connecting.guessing import Remark, nearest, sample_remark, type_remark
from integrations.connecting.mapping import SAMPLED, shown_samples
from integrations.connecting.saving import read_again
from integrations.forgetting import Asked, ask_to_forget
from integrations.models import PullCursor
from records.models import Connection, FieldMapping, Record, SchemaField
from records.own_fields import OWN_FIELD_BY_NAME

RECENT = timedelta(days=30)
LIKELY = 45


@dataclass(frozen=True)
class Hanging:
    """One thing of the model that reads a field."""

    label: str
    title: str
    href: str


@dataclass(frozen=True)
class Candidate:
    name: str
    label: str
    type: str
    likeness: int
    samples: Sequence[str] = ()
    remarks: Sequence[Remark] = ()


@dataclass
class Changed:
    """A mapped field that is no longer what it was. ``gone``: deleted or hidden there, or called otherwise."""

    mapping: FieldMapping
    what: Literal["gone", "retyped", "renamed"]
    text: str
    since: datetime | None
    records: int = 0
    hanging: list[Hanging] = field(default_factory=list)
    candidates: list[Candidate] = field(default_factory=list)

    @property
    def best(self) -> Candidate | None:
        first = self.candidates[0] if self.candidates else None
        return first if first is not None and first.likeness >= LIKELY else None


def changed_fields(connection: Connection, now: datetime) -> list[Changed]:
    """Mapped fields that went, or changed their type or label within a month; the gone ones first. Four queries."""
    mappings = list(connection.mappings.select_related("field", "connection"))
    schema = {(row.remote_object, row.name): row for row in SchemaField.objects.filter(connection=connection)}
    found = [
        change
        for mapping in mappings
        if mapping.constant is None and mapping.field.name not in OWN_FIELD_BY_NAME
        and (change := _change(mapping, schema.get((mapping.remote_object, mapping.remote_name)), now)) is not None
    ]  # fmt: skip
    if not found:
        return []
    hanging = what_reads({(one.mapping.field.object, one.mapping.field.name) for one in found}, now)
    counts: dict[str, int] = {}
    for one in found:
        place = one.mapping.remote_object
        if place not in counts:
            counts[place] = Record.objects.filter(
                connection=connection, remote_object=place, deleted_at=None
            ).count()
        one.records = counts[place]
        one.hanging = hanging.get((one.mapping.field.object, one.mapping.field.name), [])
    return sorted(
        found, key=lambda one: (one.what != "gone", one.mapping.remote_object, one.mapping.remote_name)
    )


def lost_count(connection: Connection) -> int:
    return connection.mappings.filter(is_broken=True).count()


def offer(found: Sequence[Changed], connector: Connector) -> None:
    """Put beside each gone field what it may have become, with values of real records. Raises ConnectorError."""
    described = {place: connector.describe(place) for place in {one.mapping.remote_object for one in found}}
    schema = {
        (row.remote_object, row.name): row
        for row in SchemaField.objects.filter(connection=found[0].mapping.connection)
    } if found else {}  # fmt: skip
    taken: dict[str, set[str]] = {}
    for mapping in FieldMapping.objects.filter(connection__in={one.mapping.connection_id for one in found}):
        taken.setdefault(mapping.remote_object, set()).add(mapping.remote_name)
    wanted: dict[str, set[str]] = {}
    likely: dict[int, list[tuple[RemoteField, int]]] = {}
    for one in found:
        if one.what != "gone":
            continue
        place, name = one.mapping.remote_object, one.mapping.remote_name
        row = schema.get((place, name))
        gone = RemoteField(
            name,
            row.label if row else one.mapping.field.label,
            row.type if row else "",
            options=tuple((str(v), str(text)) for v, text in row.options) if row else (),
        )
        likely[one.mapping.pk] = nearest(gone, described[place], taken.get(place, set()))
        wanted.setdefault(place, set()).update(remote.name for remote, _ in likely[one.mapping.pk])
    samples = {
        place: connector.sample(place, sorted(names), SAMPLED) for place, names in wanted.items() if names
    }
    for one in found:
        rows = samples.get(one.mapping.remote_object, ())
        one.candidates = [
            _candidate(one.mapping, remote, score, rows) for remote, score in likely.get(one.mapping.pk, ())
        ]


def remap(mapping: FieldMapping, remote_name: str, now: datetime) -> Asked | None:
    """Read a logical field from another remote field from now on; only that object is read again.

    Its values become unknown first, in a run of its own; what is read then is a baseline, so nothing looks changed.
    None when it is read from there already, or nobody maps it any longer."""
    connection, place = mapping.connection, mapping.remote_object
    with transaction.atomic():
        list(
            PullCursor.objects.select_for_update(of=("self",), no_key=True)
            .filter(connection=connection, remote_object=place)
            .values_list("pk")
        )
        changed = (
            FieldMapping.objects.filter(pk=mapping.pk)
            .exclude(remote_name=remote_name, is_broken=False)
            .update(remote_name=remote_name, is_broken=False)
        )
        asked = ask_to_forget(connection, place, [mapping.field.name], now) if changed else None
    if asked is not None:
        read_again(connection, place, now)
    return asked


def unmap(mapping: FieldMapping, now: datetime) -> Asked | None:
    """Give a field up: its values become unknown, in a run of its own. None when somebody else did."""
    with transaction.atomic():
        held = FieldMapping.objects.select_for_update(of=("self",), no_key=True).filter(pk=mapping.pk).first()
        if held is None:
            return None
        asked = ask_to_forget(mapping.connection, mapping.remote_object, [mapping.field.name], now)
        held.delete()
    return asked


def what_reads(fields: Collection[tuple[str, str]], now: datetime) -> dict[tuple[str, str], list[Hanging]]:
    """Everything in force that reads one of these (object, logical field). Three queries."""
    model, catalogue = load_model(), catalogue_from_db()
    found: dict[tuple[str, str], list[Hanging]] = {}
    for name, section in sections().items():
        for key, version in model.in_force(name, now).items():
            read = {(one.object, one.field) for one in section.named(version.body)}
            for place in section.places(version.body):
                try:
                    criterion = parse(place.tree, catalogue, object=place.object)
                except CriterionError:
                    continue  # the check of the model tells it
                read |= {(place.object, one) for one in criterion.fields()}
            for wanted in read & set(fields):
                found.setdefault(wanted, []).append(
                    Hanging(section.label, section.title(version.body), _page_of(name, key))
                )
    return found


# --------------------------------------------------------------------------------------------------------------------


def _change(mapping: FieldMapping, row: SchemaField | None, now: datetime) -> Changed | None:
    if mapping.is_broken or (row is not None and row.gone_at is not None):
        since = row.gone_at if row else None
        return Changed(mapping, "gone", "It is deleted, renamed, or hidden from our user.", since)
    if row is None or row.before is None or row.changed_at is None or now - row.changed_at > RECENT:
        return None
    before: Mapping[str, Any] = row.before
    if before.get("type") != row.type:
        remote = RemoteField(row.name, row.label, row.type)
        remark = type_remark(mapping.field.type, remote)
        text = f"Its type was {before.get('type')} and is {row.type} now."
        return Changed(mapping, "retyped", f"{text} {remark.text if remark else ''}".strip(), row.changed_at)
    if before.get("label") != row.label:
        text = f"It was called “{before.get('label')}” and is called “{row.label}” now. Does it still mean the same?"
        return Changed(mapping, "renamed", text, row.changed_at)
    return None


def _candidate(
    mapping: FieldMapping, remote: RemoteField, score: int, rows: Sequence[Mapping[str, Any]]
) -> Candidate:
    remarks = [
        one
        for one in (
            type_remark(mapping.field.type, remote),
            sample_remark(mapping.field.type, [row.get(remote.name) for row in rows], mapping.value_map),
        )
        if one is not None
    ]
    return Candidate(remote.name, remote.label, remote.type, score, shown_samples(remote.name, rows), remarks)


def _page_of(section: str, key: str) -> str:
    try:
        return reverse("definitions:item", args=[section, key])
    except NoReverseMatch:
        return ""
