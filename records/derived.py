"""Write derived rows: what the fold wants against what is stored, and only the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db import models
from django.db.models import Q

Row = TypeVar("Row", bound=models.Model)


@dataclass(frozen=True)
class Written(Generic[Row]):
    """How many rows were made, changed and removed; ``rows`` holds every old and new version of those."""

    created: int = 0
    changed: int = 0
    removed: int = 0
    rows: tuple[Row, ...] = ()


def write_derived(
    model: type[Row],
    wanted: Sequence[Row],
    *,
    fields: Sequence[str],
    scope: Q,
    key: Sequence[str] = ("pk",),
) -> Written[Row]:
    """Make the stored rows in ``scope`` equal to ``wanted`` (matched by ``key``), writing only differences.

    A row that another scope still holds under a wanted primary key (its record changed journey) is taken over.
    """

    def key_of(row: Row) -> tuple[Any, ...]:
        return tuple(getattr(row, name) for name in key)

    where = scope
    if tuple(key) == ("pk",) and wanted:
        where = scope | Q(pk__in=[row.pk for row in wanted])
    held = {key_of(row): row for row in model._default_manager.filter(where)}
    fresh: list[Row] = []
    changed: list[Row] = []
    replaced: list[Row] = []
    kept: set[tuple[Any, ...]] = set()
    for row in wanted:
        name = key_of(row)
        kept.add(name)
        old = held.get(name)
        if old is None:
            fresh.append(row)
        elif any(_value(old, f) != _value(row, f) for f in fields):
            row.pk = old.pk
            changed.append(row)
            replaced.append(old)
    gone = [row for name, row in held.items() if name not in kept]
    if gone:
        model._default_manager.filter(pk__in=[row.pk for row in gone]).delete()
    if fresh:
        model._default_manager.bulk_create(fresh)
    if changed:
        model._default_manager.bulk_update(changed, list(fields), batch_size=500)
    return Written(len(fresh), len(changed), len(gone), (*fresh, *changed, *replaced, *gone))


def _value(row: models.Model, name: str) -> Any:
    field = row._meta.get_field(name)
    return getattr(row, getattr(field, "attname", name))
