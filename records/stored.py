"""Rows of a table by a condition in SQL, for what the pipeline asks each time: the statement is made once."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)
_Read = Callable[[Any], Any]


class Where(NamedTuple):
    """A condition in SQL with its parameters. Lists are for ``= ANY (%s)``, so that the text stays the same."""

    sql: str
    params: tuple[Any, ...] = ()


def rows_where(model: type[Row], where: Where, then: str = "") -> list[Row]:
    """The rows as ``model`` has them, with all columns. ``then``: how they are ordered and locked. One query."""
    names, readers = _columns(model)
    with connection.cursor() as cursor:
        cursor.execute(_select(model, where.sql, then), where.params)
        found = [list(row) for row in cursor.fetchall()]
    for row in found:
        for place, read in readers:
            row[place] = read(row[place])
    return [model.from_db(connection.alias, names, row) for row in found]


def rows_of_journeys(model: type[Row]) -> Callable[[list[uuid.UUID]], list[Row]]:
    """What loads the rows of journeys by their ids."""
    return lambda journeys: rows_where(model, Where("journey_id = ANY (%s)", (journeys,)))


@cache
def _columns(model: type[models.Model]) -> tuple[Sequence[str], Sequence[tuple[int, _Read]]]:
    """Names of the attributes, and which of them must be read otherwise than they come."""
    fields = model._meta.concrete_fields
    readers = [(place, read) for place, f in enumerate(fields) if (read := _reader(f)) is not None]
    return [f.attname for f in fields], readers


def _reader(field: models.Field[Any, Any]) -> _Read | None:
    """What makes the column's value the field's, as a queryset would; None for most."""
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    converters = [
        *connection.ops.get_db_converters(target.get_col(target.model._meta.db_table)),
        *target.get_db_converters(connection),
    ]
    if not converters:
        return None

    def read(value: Any) -> Any:
        for convert in converters:
            value = convert(value, None, connection)
        return value

    return read


@cache
def _select(model: type[models.Model], where: str, then: str) -> str:
    columns = ", ".join(f'"{f.column}"' for f in model._meta.concrete_fields)
    return f'SELECT {columns} FROM "{model._meta.db_table}" WHERE {where} {then}'  # noqa: S608 (all ours)
