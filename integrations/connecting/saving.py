"""Keeping a mapping: what nobody can know any longer is forgotten, and only what is asked anew is read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from integrations.connecting import standard
from integrations.connecting.mapping import Chosen, held_mappings
from integrations.forgetting import ask_to_forget
from integrations.models import PullCursor
from integrations.pull import pull_now, read_history_now
from records.models import CatalogueField, Connection, FieldMapping


@dataclass(frozen=True)
class Saved:
    """Names of logical fields. ``is_read_again``: the object is read once more from the start; ``is_joined``: what is
    not known any longer is seen to by a run that was at work already."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    is_read_again: bool = False
    is_joined: bool = False

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def save_mapping(
    connection: Connection, remote_object: str, object_name: str, chosen: Iterable[Chosen], now: datetime
) -> Saved:
    """Make the mapping of one remote object what ``chosen`` says; lines of our own fields stay as they are.

    While the connection is being set up nothing is read. Later, values of what changed become unknown first, in a run
    of its own, and are then read again, beside the usual reading."""
    added: list[str] = []
    changed: list[str] = []
    removed: list[str] = []
    asks_history = False
    with transaction.atomic():
        # Whoever stores a page holds its cursor: values it told by the old mapping are there before we forget them.
        list(
            PullCursor.objects.select_for_update(of=("self",), no_key=True)
            .filter(connection=connection, remote_object=remote_object)
            .values_list("pk")
        )
        held = held_mappings(connection, remote_object)
        for one in chosen:
            row = held.get(one.name)
            if not one.remote_name:
                if row is not None:
                    row.delete()
                    removed.append(one.name)
                continue
            wanted = _wanted(connection, one)
            if row is None:
                field = _field(object_name, one)
                FieldMapping.objects.create(
                    connection=connection, field=field, remote_object=remote_object, **wanted
                )
                added.append(one.name)
                continue
            before = {name: getattr(row, name) for name in wanted}
            if _as_text(before["value_map"]) == _as_text(wanted["value_map"]):
                wanted["value_map"] = before["value_map"]
            if before == wanted and not row.is_broken:
                continue
            if (before["remote_name"], before["value_map"]) != (wanted["remote_name"], wanted["value_map"]):
                changed.append(one.name)
            asks_history = asks_history or (wanted["has_history"] and not before["has_history"])
            for name, value in wanted.items():
                setattr(row, name, value)
            row.is_broken = False
            row.save()
        is_live = connection.setup is None
        asked = ask_to_forget(connection, remote_object, [*changed, *removed], now) if is_live else None
    is_read_again = is_live and bool(added or changed or asks_history)
    if is_read_again:
        read_again(connection, remote_object, now)
    is_joined = asked is not None and asked.is_joined
    return Saved(tuple(added), tuple(changed), tuple(removed), is_read_again, is_joined)


def read_again(connection: Connection, remote_object: str, now: datetime) -> None:
    """Read one object once more from the start, beside the usual reading, which goes on."""
    cursor = PullCursor.objects.filter(connection=connection, remote_object=remote_object).first()
    if cursor is None or cursor.mark_at is None:
        pull_now(
            connection, remote_object=remote_object
        )  # it has not been read to its end yet: that is to come
        return
    read_history_now(connection, remote_object, now)


def _as_text(value_map: Mapping[str, Any]) -> dict[str, str]:
    """What a map does, as a form can send it: a value that stays what it is needs no word."""
    return {value: str(told) for value, told in value_map.items() if str(told) != value}


def _wanted(connection: Connection, one: Chosen) -> dict[str, Any]:
    places = standard.LINKS.get((connection.kind, one.name), ())
    links_to = ",".join(f"{connection.name}:{place}" for place in places)
    found: dict[str, Any] = {
        "remote_name": one.remote_name,
        "has_history": one.has_history and not one.remote_name.startswith("="),
        "value_map": dict(one.value_map),
    }
    return {**found, "links_to": links_to} if links_to else found


def _field(object_name: str, one: Chosen) -> CatalogueField:
    found, _ = CatalogueField.objects.get_or_create(
        object=object_name,
        name=one.name,
        defaults={
            "label": one.label or one.name,
            "type": one.type or "text",
            "options": list(one.options),
            "is_personal": one.is_personal,
        },
    )
    return found
