"""Many rows of any model at once, written only where they differ; for where Django's ``bulk_create`` is too slow.

Rows come as texts that PostgreSQL reads (None: null), in the order of the fields named. Many go through COPY into a
temporary table, few stand in the statement itself: a temporary table costs more than they do. Rows that are ``Made``
are made while PostgreSQL takes those before them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Generic, TypeVar

import orjson
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, IntegrityError, connection, models, transaction

Cells = Sequence[str | None]
Model = type[models.Model]
Thing = TypeVar("Thing")

FEW = 150
# Some 100 KB of payloads: fewer would be sent too often, more would let PostgreSQL wait for them.
SENT_AT_ONCE = 50
_as_django = DjangoJSONEncoder().default
# An escaped backslash is taken together with what it escapes, so that "\\u0000" stays the text it is.
_NUL = re.compile(r"(\\\\)|\\u0000")
_NO_NUMBER = re.compile(r"\b(NaN|Infinity)\b")


@dataclass(frozen=True)
class Upserted:
    created: int = 0
    changed: int = 0


@dataclass(frozen=True)
class Made(Generic[Thing]):
    """The row of each of ``things``, made whenever it is asked for."""

    things: Collection[Thing]
    cells: Callable[[Thing], Cells]

    def __len__(self) -> int:
        return len(self.things)

    def __iter__(self) -> Iterator[Cells]:
        return map(self.cells, self.things)

    def __contains__(self, row: object) -> bool:
        return any(row == made for made in self)


def upsert(
    objects: Sequence[models.Model], *, unique_fields: Sequence[str], update_fields: Sequence[str]
) -> Upserted:
    """Like ``bulk_create(update_conflicts=True)``, but a row that would stay as it is is neither written nor locked.

    ``objects`` are of one model; equal ``unique_fields`` may not come twice. Their ids are not filled in. At most two
    statements, of many rows some more. Raises IntegrityError for a row that meets another unique one, DataError for
    what no column holds.
    """
    if not objects:
        return Upserted()
    model = type(objects[0])
    is_key = set(unique_fields)
    names = [
        f.name for f in model._meta.concrete_fields if f.name in is_key or not isinstance(f, models.AutoField)
    ]
    rows = cells_of(model, names, objects)
    are_there = False
    if len(rows) > FEW:
        there = _number_there(model, unique_fields, cells_of(model, unique_fields, objects))
        if there == 0 and _copied_at_once(model, names, rows):
            return Upserted(len(rows))
        are_there = there == len(rows)
    with stage(model, names, rows) as staged:
        created = 0 if are_there else staged.insert_missing(unique_fields)
        is_all = created == len(rows)
        return Upserted(created, 0 if is_all else staged.update(unique_fields, update_fields))


def update(objects: Sequence[models.Model], fields: Sequence[str]) -> None:
    """Like ``bulk_update`` of rows that differ, whose CASE for each row and column takes Django longer than PostgreSQL
    takes to write. ``objects`` are of one model; one that is no longer there is passed over. One statement."""
    if objects:
        model = type(objects[0])
        pk = model._meta.pk.name
        names = [pk, *fields]
        with stage(model, names, cells_of(model, names, objects)) as staged:
            staged.update((pk,), fields, are_different=True)


def _number_there(model: Model, key: Sequence[str], keys: Collection[Cells]) -> int:
    """Of how many of these keys there is a row already."""
    columns = [(_quoted(field.column), _type(field)) for field in (_field(model, name) for name in key)]
    source, params = _inline(columns, keys)
    same = " AND ".join(f"t.{column} = s.{column}" for column, _ in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {_quoted(model._meta.db_table)} t JOIN {source} s ON {same}",  # noqa: S608 (ours)
            params,
        )
        return int(cursor.fetchone()[0])


def cells_of(model: Model, names: Sequence[str], objects: Collection[models.Model]) -> Collection[Cells]:
    """The values of the fields ``names`` of each object, as texts."""
    fields = [_field(model, name) for name in names]
    cells = [(field.attname, _to_cell(field)) for field in fields]
    return Made(
        objects,
        lambda row: [None if (value := getattr(row, name)) is None else cell(value) for name, cell in cells],
    )


def insert_new(
    model: Model, names: Sequence[str], rows: Collection[Cells], *, returning: str
) -> list[Any] | None:
    """Rows that are most likely new; one that meets a unique row is left out. Returns None when all were written, else
    ``returning`` of those that were."""
    if len(rows) > FEW and _copied_at_once(model, names, rows):
        return None
    with stage(model, names, rows) as staged:
        written = staged.insert(returning)
    return None if len(written) == len(rows) else written


def replace(
    model: Model, names: Sequence[str], rows: Collection[Cells], *, key: str, of: Collection[str]
) -> None:
    """Rows in the place of those of the same ``key``, which is ``of`` them, or new ones where there is none. Only for
    a table that nothing refers to."""
    if len(rows) > FEW:
        # Half the work of staging them: each is read, pressed and written once.
        column = _quoted(_field(model, key).column)
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {_quoted(model._meta.db_table)} "  # noqa: S608 (ours)
                f"WHERE {column} = ANY(%s::{_type(_field(model, key))}[])",
                [array_cell(of)],
            )
        insert_new(model, names, rows, returning=key)
        return
    with stage(model, names, rows) as staged:
        if staged.update((key,), [name for name in names if name != key], are_different=True) < len(rows):
            staged.insert_missing((key,))


def _copied_at_once(model: Model, names: Sequence[str], rows: Collection[Cells]) -> bool:
    """Straight into the table, half the work of staging; False, and nothing written, when one is there already."""
    rest = _left_out(model, names)
    columns = ", ".join(_quoted(_field(model, name).column) for name in (*names, *(f.name for f in rest)))
    defaults = tuple(_to_cell(f)(f.get_default()) for f in rest)
    whole = ((*row, *defaults) for row in rows) if defaults else rows
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            _copy(cursor, f"{_quoted(model._meta.db_table)} ({columns})", whole)
    except IntegrityError:
        return False
    return True


def _left_out(model: Model, names: Sequence[str]) -> list[Any]:
    """The fields that are not among ``names`` and may not be null."""
    return [
        field
        for field in model._meta.concrete_fields
        if field.name not in names and not field.null and not isinstance(field, models.AutoField)
    ]


def json_cell(value: Any, default: Callable[[Any], Any] = str) -> str:
    """JSON that PostgreSQL takes: without NUL, and without numbers that are none; ``default`` as for ``json.dumps``."""
    try:
        return _without_nul(orjson.dumps(value, default, orjson.OPT_PASSTHROUGH_DATETIME).decode())
    except TypeError:
        # It takes no lone surrogates, no keys but texts and no integers of more than 64 bits.
        return _without_nul(_encoded(value, default))


def _encoded(value: Any, default: Callable[[Any], Any]) -> str:
    text = json.dumps(value, default=default, ensure_ascii=False, separators=(",", ":"))
    if ("NaN" in text or "Infinity" in text) and _NO_NUMBER.search(text):
        plain = json.loads(text, parse_constant=lambda _: None)
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    return text


def instant_cell(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()


def _without_nul(text: str) -> str:
    # One character is found far sooner than six.
    if "\\" not in text or "\\u0000" not in text:
        return text
    return _NUL.sub(lambda found: found[1] or "", text)


def _to_cell(field: Any) -> Callable[[Any], str]:
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    if isinstance(field, models.JSONField):
        return lambda value: json_cell(value, _as_django)
    if isinstance(field, (models.DateTimeField, models.DateField)):
        return lambda value: str(value.isoformat())
    return str


# --- rows that wait for a statement ---------------------------------------------------------------------------


@contextmanager
def stage(model: Model, names: Sequence[str], rows: Collection[Cells]) -> Iterator[Staged]:
    """Rows for the fields ``names`` of ``model``, to be written inside the block; a transaction if there is none."""
    fields = [_field(model, name) for name in names]
    columns = [(_quoted(field.column), _type(field)) for field in fields]
    # A lone surrogate is no character: it becomes a question mark.
    params: list[Any] = []
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        if len(rows) > FEW:
            source = _copied(cursor, columns, rows)
        else:
            source, params = _inline(columns, rows)
        yield Staged(cursor, model, tuple(names), source, params)


class Staged:
    """Rows in a temporary table or in the statement. Each act is one statement and returns how many rows it wrote."""

    def __init__(
        self, cursor: Any, model: Model, names: tuple[str, ...], source: str, params: list[Any]
    ) -> None:
        self._cursor = cursor
        self._model = model
        self._table = _quoted(model._meta.db_table)
        self._names = names
        self._source = source
        self._params = params

    def update(self, key: Sequence[str], fields: Sequence[str], *, are_different: bool = False) -> int:
        """Those with a row of the same ``key`` that differs in ``fields``; ``are_different``: the caller knows."""
        wanted = self._columns(fields)
        guard = f" AND ({_list('t', wanted)}) IS DISTINCT FROM ({_list('s', wanted)})"
        self._cursor.execute(
            f"UPDATE {self._table} t SET {', '.join(f'{c} = s.{c}' for c in wanted)} FROM {self._source} s "  # noqa: S608 (ours)
            f"WHERE {self._same(key)}{'' if are_different else guard}",
            self._params,
        )
        return int(self._cursor.rowcount)

    def insert(self, returning: str) -> list[Any]:
        """Those that meet no unique row; gives ``returning`` of each that was written."""
        self._insert(f"DO NOTHING RETURNING {_quoted(_field(self._model, returning).column)}")
        return [row[0] for row in self._cursor.fetchall()]

    def insert_missing(self, key: Sequence[str]) -> int:
        """Those without a row of the same ``key``; what is there is neither written nor locked."""
        self._insert(f"({', '.join(self._columns(key))}) DO NOTHING")
        return int(self._cursor.rowcount)

    def delete(self, key: Sequence[str]) -> int:
        """The rows of the same ``key``."""
        self._cursor.execute(
            f"DELETE FROM {self._table} t USING {self._source} s WHERE {self._same(key)}",  # noqa: S608 (ours)
            self._params,
        )
        return int(self._cursor.rowcount)

    def _insert(self, on_conflict: str) -> None:
        columns, extra, values = self._insertable()
        self._cursor.execute(
            f"INSERT INTO {self._table} ({', '.join([*columns, *extra])}) "  # noqa: S608 (ours)
            f"SELECT {', '.join([_list('s', columns), *(['%s'] * len(extra))])} FROM {self._source} s "
            f"ON CONFLICT {on_conflict}",
            [*values, *self._params],
        )

    def _same(self, key: Sequence[str]) -> str:
        return " AND ".join(f"t.{c} = s.{c}" for c in self._columns(key))

    def _columns(self, names: Sequence[str]) -> list[str]:
        return [_quoted(_field(self._model, name).column) for name in names]

    def _insertable(self) -> tuple[list[str], list[str], list[Any]]:
        """Our columns; those left out that may not be null, and their defaults."""
        rest = _left_out(self._model, self._names)
        values = [field.get_db_prep_save(field.get_default(), connection) for field in rest]
        return self._columns(self._names), self._columns([field.name for field in rest]), values


def _field(model: Model, name: str) -> Any:
    return model._meta.get_field(name)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _list(alias: str, columns: Iterable[str]) -> str:
    return ", ".join(f"{alias}.{column}" for column in columns)


def _type(field: Any) -> str:
    found = str(field.db_type(connection))
    # A cast to varchar(n) would cut what is too long; from text it is refused.
    return "text" if found.startswith("varchar") else found


def _inline(columns: Sequence[tuple[str, str]], rows: Collection[Cells]) -> tuple[str, list[Any]]:
    casts = ", ".join(f"c{n}::{kind} AS {column}" for n, (column, kind) in enumerate(columns))
    names = ", ".join(f"c{n}" for n in range(len(columns)))
    arrays = ", ".join(["%s::text[]"] * len(columns))
    params = [array_cell(cells) for cells in zip(*rows, strict=True)]
    return f"(SELECT {casts} FROM unnest({arrays}) AS w({names}))", params  # noqa: S608 (ours)


def array_cell(cells: Iterable[str | None]) -> str:
    """An array as PostgreSQL reads it: one text is sent and read faster than many."""
    quoted = [
        "NULL" if cell is None else '"' + cell.replace("\\", "\\\\").replace('"', '\\"') + '"'
        for cell in cells
    ]
    text = "{" + ",".join(quoted) + "}"
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _copied(cursor: Any, columns: Sequence[tuple[str, str]], rows: Iterable[Cells]) -> str:
    """Into a temporary table that lives as long as the session: making one writes to the catalogue."""
    # As in the tables themselves: what was pressed here is not pressed anew there.
    parts = ", ".join(
        f"{name} {kind}{' COMPRESSION lz4' if kind == 'jsonb' else ''}" for name, kind in columns
    )
    table = _quoted(f"staged_{hashlib.blake2b(parts.encode(), digest_size=8).hexdigest()}")
    cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {table} ({parts}) ON COMMIT DELETE ROWS")
    cursor.execute(f"TRUNCATE {table}")
    _copy(cursor, table, rows)
    return table


def _copy(cursor: Any, target: str, rows: Iterable[Cells]) -> None:
    lines = _Lines(rows)
    try:
        # Django doesn't turn the errors of this call into its own.
        with connection.wrap_database_errors:
            cursor.copy_expert(f"COPY {target} FROM STDIN", lines)
    except DatabaseError:
        if lines.fault is not None:
            raise lines.fault from None
        raise


class _Lines:
    """Rows in the text format of COPY, read by psycopg2 some at a time: the next are made while the last are taken.

    ``fault``: why no more could be made, which would else reach the caller as an error of PostgreSQL's."""

    def __init__(self, rows: Iterable[Cells]) -> None:
        self._lines = map(_line, rows)
        self.fault: Exception | None = None

    def read(self, _size: int) -> bytes:
        try:
            some = list(islice(self._lines, SENT_AT_ONCE))
        except Exception as fault:
            self.fault = fault
            raise
        if not some:
            return b""
        some.append("")
        return "\n".join(some).encode("utf-8", "replace")


def _line(row: Cells) -> str:
    told = "".join([cell for cell in row if cell is not None])
    # Most rows hold nothing to escape: to ask once is quicker than to ask every cell.
    if "\\" in told or "\n" in told or "\t" in told or "\r" in told:
        row = [None if cell is None else _escaped(cell) for cell in row]
    return "\t".join(["\\N" if cell is None else cell for cell in row])


def _escaped(cell: str) -> str:
    if "\\" in cell:
        cell = cell.replace("\\", "\\\\")
    if "\n" in cell:
        cell = cell.replace("\n", "\\n")
    if "\t" in cell:
        cell = cell.replace("\t", "\\t")
    if "\r" in cell:
        cell = cell.replace("\r", "\\r")
    return cell
