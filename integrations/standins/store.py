"""What the stand-in CRMs hold, in one SQLite file: a ``kill -9`` loses nothing that was answered.

Both CRMs share the same few tables; a row's fields are JSON in the form the CRM itself sends (``forms.py``).
The store knows neither CRM's rules: those stand in ``salesforce_rules.py`` and ``hubspot_rules.py``.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from integrations.standins.forms import stamp
from integrations.standins.world import salesforce_id

Fields = dict[str, Any]

_TABLES = """
CREATE TABLE IF NOT EXISTS rows (
    seq INTEGER PRIMARY KEY, system TEXT NOT NULL, object TEXT NOT NULL, remote_id TEXT NOT NULL,
    fields TEXT NOT NULL, created TEXT NOT NULL, modified TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (system, object, remote_id)
);
CREATE INDEX IF NOT EXISTS rows_by_id ON rows (system, remote_id);
CREATE INDEX IF NOT EXISTS rows_by_stamp ON rows (system, object, modified, remote_id);
CREATE INDEX IF NOT EXISTS rows_by_number ON rows (object, deleted, CAST(remote_id AS INTEGER))
    WHERE system = 'hubspot';
CREATE TABLE IF NOT EXISTS history (
    seq INTEGER PRIMARY KEY, system TEXT NOT NULL, object TEXT NOT NULL, remote_id TEXT NOT NULL,
    field TEXT NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL, at TEXT NOT NULL, by TEXT NOT NULL,
    source TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS history_by_row ON history (system, object, remote_id, at);
CREATE INDEX IF NOT EXISTS history_by_time ON history (system, object, at);
CREATE TABLE IF NOT EXISTS associations (
    from_type TEXT NOT NULL, from_id TEXT NOT NULL, to_type TEXT NOT NULL, to_id TEXT NOT NULL,
    type_id INTEGER NOT NULL,
    PRIMARY KEY (from_type, from_id, to_type, to_id, type_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fields (
    seq INTEGER PRIMARY KEY, system TEXT NOT NULL, object TEXT NOT NULL, name TEXT NOT NULL, definition TEXT NOT NULL,
    UNIQUE (system, object, name)
);
CREATE TABLE IF NOT EXISTS writes (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, system TEXT NOT NULL, object TEXT NOT NULL, remote_id TEXT NOT NULL,
    fields TEXT NOT NULL, by TEXT NOT NULL, source TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS writes_by_row ON writes (system, object, remote_id);
CREATE TABLE IF NOT EXISTS late (
    system TEXT NOT NULL, object TEXT NOT NULL, remote_id TEXT NOT NULL, fields TEXT, modified TEXT,
    until REAL NOT NULL,
    PRIMARY KEY (system, object, remote_id)
);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS webhook_events (
    seq INTEGER PRIMARY KEY, target TEXT NOT NULL, event TEXT NOT NULL, due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS webhook_events_open ON webhook_events (due) WHERE done = 0;
CREATE TABLE IF NOT EXISTS mails (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, message_id TEXT NOT NULL, sender TEXT NOT NULL, recipients TEXT NOT NULL,
    subject TEXT NOT NULL, raw BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS slack_messages (
    seq INTEGER PRIMARY KEY, at TEXT NOT NULL, ts TEXT NOT NULL, channel TEXT NOT NULL, text TEXT NOT NULL
);
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as the CRM keeps it; ``created`` and ``modified`` in the CRM's own form."""

    system: str
    object: str
    remote_id: str
    fields: Fields
    created: str
    modified: str
    deleted: bool
    seq: int


@dataclass(frozen=True, slots=True)
class Actor:
    """Who writes and by which door: ``API`` for a client, ``CRM_UI`` for a person in the pages."""

    by: str
    source: str


@dataclass(frozen=True, slots=True)
class Written:
    """One committed-together write. ``changes`` maps a field to (old, new); ``kind``: create, update, delete, restore,
    and of HubSpot merge (``changes``: the primary id and the others), forget, associate (the other's type and id)."""

    kind: str
    row: Stored
    changes: Mapping[str, tuple[Any, Any]]
    actor: Actor
    at: datetime


def utc_now() -> datetime:
    return datetime.now(UTC)


class Store:
    """Thread-safe; every method may be called from any request thread.

    ``listeners`` are called inside the transaction of the write they are told about.
    """

    def __init__(self, path: str | Path, clock: Callable[[], datetime] = utc_now) -> None:
        self.clock = clock
        self.lag_seconds = 0.0
        self.spread_seconds = 0.0
        self.page_rows = 0
        self.hidden_share = 0.0
        self.history_days: float | None = None
        self.deleted_days = 15.0
        self.listeners: list[Callable[[Written], None]] = []
        self._lock = threading.RLock()
        self._depth = 0
        self._schemas: dict[tuple[str, str], dict[str, Fields]] = {}
        self._db = sqlite3.connect(str(path), check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.create_function("sfid", 2, salesforce_id, deterministic=True)
        # SQLite's own lower() knows A to Z only.
        self._db.create_function("lowered", 1, lambda text: text and str(text).lower(), deterministic=True)
        self._db.create_function("by_person", 2, by_person_at, deterministic=True)
        self._db.executescript(_TABLES)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # -- plain SQL -----------------------------------------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a nested one can fail by itself, the outermost commits."""
        with self._lock:
            name = f"level{self._depth}"
            self._db.execute(f"SAVEPOINT {name}" if self._depth else "BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                self._schemas.clear()
                self._db.execute(f"ROLLBACK TO {name}" if self._depth else "ROLLBACK")
                raise
            self._depth -= 1
            self._db.execute(f"RELEASE {name}" if self._depth else "COMMIT")

    def fetch(self, sql: str, params: Iterable[Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, tuple(params)).fetchall()

    def execute(self, sql: str, params: Iterable[Any] = ()) -> int:
        """Run one statement and return the number of rows it touched."""
        with self._lock:
            return self._db.execute(sql, tuple(params)).rowcount

    def executemany(self, sql: str, params: Iterable[Iterable[Any]]) -> None:
        rows = [tuple(p) for p in params]
        if rows:
            with self.transaction():
                self._db.executemany(sql, rows)

    def meta(self, key: str, default: Any = None) -> Any:
        found = self.fetch("SELECT value FROM meta WHERE key = ?", [key])
        return json.loads(found[0]["value"]) if found else default

    def set_meta(self, key: str, value: Any) -> None:
        self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, json.dumps(value)])

    def next_number(self, counter: str, start: int = 0) -> int:
        """The next number of a counter that survives restarts."""
        with self.transaction():
            number = int(self.meta(f"counter:{counter}", start)) + 1
            self.set_meta(f"counter:{counter}", number)
            return number

    # -- schema --------------------------------------------------------------------------------------------

    def objects(self, system: str) -> list[str]:
        sql = "SELECT object FROM fields WHERE system = ? GROUP BY object ORDER BY min(seq)"
        return [r["object"] for r in self.fetch(sql, [system])]

    def schema(self, system: str, object_name: str) -> dict[str, Fields]:
        """The fields of an object by name; empty when the CRM has no such object. Do not change the answer."""
        with self._lock:
            known = self._schemas.get((system, object_name))
            if known is None:
                sql = "SELECT name, definition FROM fields WHERE system = ? AND object = ? ORDER BY seq"
                rows = self.fetch(sql, [system, object_name])
                known = {r["name"]: json.loads(r["definition"]) for r in rows}
                self._schemas[system, object_name] = known
            return known

    def put_fields(self, system: str, object_name: str, definitions: Iterable[Mapping[str, Any]]) -> None:
        """Add fields, or replace those of the same name."""
        sql = (
            "INSERT INTO fields (system, object, name, definition) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (system, object, name) DO UPDATE SET definition = excluded.definition"
        )
        self.executemany(sql, [(system, object_name, d["name"], json.dumps(d)) for d in definitions])
        with self._lock:
            self._schemas.pop((system, object_name), None)

    def drop_field(self, system: str, object_name: str, name: str) -> None:
        self.execute(
            "DELETE FROM fields WHERE system = ? AND object = ? AND name = ?", [system, object_name, name]
        )
        with self._lock:
            self._schemas.pop((system, object_name), None)

    # -- rows ----------------------------------------------------------------------------------------------

    def get(self, system: str, object_name: str, remote_id: str) -> Stored | None:
        """The row, deleted or not."""
        sql = "SELECT * FROM rows WHERE system = ? AND object = ? AND remote_id = ?"
        found = self.fetch(sql, [system, object_name, remote_id])
        return stored(found[0]) if found else None

    def get_many(self, system: str, object_name: str, remote_ids: Iterable[str]) -> dict[str, Stored]:
        sql = (
            "SELECT * FROM rows WHERE system = ? AND object = ?"
            " AND remote_id IN (SELECT value FROM json_each(?))"
        )
        rows = self.fetch(sql, [system, object_name, json.dumps(list(remote_ids))])
        return {r["remote_id"]: stored(r) for r in rows}

    def find(self, system: str, remote_id: str) -> Stored | None:
        """The row with this id in whichever object (Salesforce ids are unique over all of them)."""
        found = self.fetch("SELECT * FROM rows WHERE system = ? AND remote_id = ?", [system, remote_id])
        return stored(found[0]) if found else None

    def all_of(
        self, system: str, object_name: str, where: str = "1", params: Iterable[Any] = ()
    ) -> list[Stored]:
        """Rows that are not deleted, in the order of their creation here; ``where`` is trusted SQL."""
        sql = f"SELECT * FROM rows WHERE system = ? AND object = ? AND deleted = 0 AND ({where}) ORDER BY seq"  # noqa: S608 (ours)
        return [stored(r) for r in self.fetch(sql, [system, object_name, *params])]

    def create(
        self,
        system: str,
        object_name: str,
        remote_id: str,
        fields: Fields,
        actor: Actor,
        at: datetime | None = None,
    ) -> Stored:
        at = at or self.clock()
        text = stamp(system, at)
        with self.transaction():
            self.execute(
                "INSERT INTO rows (system, object, remote_id, fields, created, modified) VALUES (?, ?, ?, ?, ?, ?)",
                [system, object_name, remote_id, json.dumps(fields), text, text],
            )
            self._remember_late(system, object_name, remote_id, None, None)
            self._log(system, object_name, remote_id, fields, actor, text)
            row = self.get(system, object_name, remote_id)
            if row is None:
                raise RuntimeError("a row that was just written is gone")
            self.tell(Written("create", row, {k: (None, v) for k, v in fields.items()}, actor, at))
        return row

    def update(
        self,
        row: Stored,
        changes: Fields,
        actor: Actor,
        *,
        asked: Fields | None = None,
        silent: Iterable[str] = (),
        at: datetime | None = None,
    ) -> Stored:
        """Write ``changes`` over the row and return it as it is now.

        ``asked`` is what the write log shows (default: ``changes``). Fields named in ``silent`` are calculated by
        the CRM: they get no history, tell nobody and move no stamp by themselves.
        """
        at = at or self.clock()
        text = max(stamp(row.system, at), row.modified)
        quiet = set(silent)
        with self.transaction():
            row = self.get(row.system, row.object, row.remote_id) or row
            differing = {k: v for k, v in changes.items() if row.fields.get(k) != v}
            loud = {k: (row.fields.get(k), v) for k, v in differing.items() if k not in quiet}
            moved = text if loud or asked is not None else row.modified
            self._remember_late(row.system, row.object, row.remote_id, row.fields, row.modified)
            self.execute(
                "UPDATE rows SET fields = ?, modified = ? WHERE seq = ?",
                [json.dumps({**row.fields, **differing}), moved, row.seq],
            )
            self.executemany(
                "INSERT INTO history (system, object, remote_id, field, old, new, at, by, source)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        row.system,
                        row.object,
                        row.remote_id,
                        k,
                        json.dumps(old),
                        json.dumps(new),
                        text,
                        actor.by,
                        actor.source,
                    )
                    for k, (old, new) in loud.items()
                ],
            )
            if loud or asked is not None:
                shown = asked if asked is not None else {k: new for k, (_, new) in loud.items()}
                self._log(row.system, row.object, row.remote_id, shown, actor, text)
            after = self.get(row.system, row.object, row.remote_id) or row
            if loud:
                self.tell(Written("update", after, loud, actor, at))
        return after

    def set_deleted(self, row: Stored, deleted: bool, actor: Actor, at: datetime | None = None) -> None:
        at = at or self.clock()
        text = max(stamp(row.system, at), row.modified)
        with self.transaction():
            if row.system == "hubspot":
                self._remember_late(row.system, row.object, row.remote_id, row.fields, row.modified)
            self.execute(
                "UPDATE rows SET deleted = ?, modified = ? WHERE seq = ?", [int(deleted), text, row.seq]
            )
            self._log(row.system, row.object, row.remote_id, {"deleted": deleted}, actor, text)
            after = self.get(row.system, row.object, row.remote_id) or row
            self.tell(Written("delete" if deleted else "restore", after, {}, actor, at))

    def _log(
        self, system: str, object_name: str, remote_id: str, fields: Fields, actor: Actor, at: str
    ) -> None:
        self.execute(
            "INSERT INTO writes (at, system, object, remote_id, fields, by, source) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [at, system, object_name, remote_id, json.dumps(fields), actor.by, actor.source],
        )

    def tell(self, written: Written) -> None:
        """Inside the transaction of the write that is told."""
        for listener in self.listeners:
            listener(written)

    # -- what a search or query sees while the index lags ---------------------------------------------------

    def _remember_late(
        self, system: str, object_name: str, remote_id: str, before: Fields | None, modified: str | None
    ) -> None:
        lag = self.lag_seconds
        if system == "hubspot":
            # Each record has a lag of its own, always the same.
            lag = max(lag, self.spread_seconds * (zlib.crc32(remote_id.encode()) % 1000) / 1000)
        if lag <= 0:
            return
        text = None if before is None else json.dumps(before)
        self.execute(
            "INSERT OR IGNORE INTO late VALUES (?, ?, ?, ?, ?, ?)",
            [system, object_name, remote_id, text, modified, time.time() + lag],
        )

    def source(self, system: str, object_name: str) -> tuple[str, list[Any]]:
        """A FROM item with the columns of ``rows``, as the CRM's index sees them now, and its parameters.

        ``is_late``: the index has not heard the last of this row."""
        self.execute("DELETE FROM late WHERE until <= ?", [time.time()])
        if not self.fetch(
            "SELECT 1 FROM late WHERE system = ? AND object = ? LIMIT 1", [system, object_name]
        ):
            return "(SELECT *, 0 AS is_late FROM rows WHERE system = ? AND object = ?)", [system, object_name]
        # Two halves, so that the index on the stamp serves all that isn't late.
        sql = (
            "(SELECT r.*, 0 AS is_late FROM rows r WHERE r.system = ? AND r.object = ? AND NOT EXISTS ("
            "SELECT 1 FROM late l WHERE l.system = r.system AND l.object = r.object AND l.remote_id = r.remote_id)"
            " UNION ALL SELECT r.seq, r.system, r.object, r.remote_id, l.fields, r.created, l.modified, r.deleted, 1"
            " FROM late l JOIN rows r ON r.system = l.system AND r.object = l.object AND r.remote_id = l.remote_id"
            " WHERE l.system = ? AND l.object = ? AND l.fields IS NOT NULL)"
        )
        return sql, [system, object_name] * 2

    # -- history, associations, logs ------------------------------------------------------------------------

    def history(self, system: str, object_name: str, remote_ids: Iterable[str]) -> list[sqlite3.Row]:
        """Changes of these rows, oldest first; ``old`` and ``new`` are JSON."""
        sql = (
            "SELECT * FROM history WHERE system = ? AND object = ?"
            " AND remote_id IN (SELECT value FROM json_each(?)) ORDER BY at, seq"
        )
        return self.fetch(sql, [system, object_name, json.dumps(list(remote_ids))])

    def writes(self, system: str | None = None, source: str | None = None) -> list[dict[str, Any]]:
        """The write log, oldest first: at, system, object, remote_id, fields, by, source."""
        sql = "SELECT * FROM writes WHERE coalesce(?, system) = system AND coalesce(?, source) = source ORDER BY seq"
        rows = self.fetch(sql, [system, source])
        return [{**{k: r[k] for k in r.keys()}, "fields": json.loads(r["fields"])} for r in rows]  # noqa: SIM118

    def associate(self, links: Iterable[tuple[str, str, str, str, int]]) -> None:
        """Add links (from type, from id, to type, to id, type id)."""
        self.executemany("INSERT OR IGNORE INTO associations VALUES (?, ?, ?, ?, ?)", links)

    def associated(self, from_type: str, from_ids: Iterable[str], to_type: str) -> list[sqlite3.Row]:
        sql = (
            "SELECT * FROM associations WHERE from_type = ? AND to_type = ?"
            " AND from_id IN (SELECT value FROM json_each(?)) ORDER BY from_id, CAST(to_id AS INTEGER), type_id"
        )
        return self.fetch(sql, [from_type, to_type, json.dumps(list(from_ids))])


def by_person_at(modified: str, seq: int) -> str:
    """LastModifiedDate: of one row in some 300 a second before the system's own stamp."""
    if seq % 298 != 297:
        return modified
    return stamp("salesforce", datetime.fromisoformat(modified) - timedelta(seconds=1))


def stored(row: sqlite3.Row) -> Stored:
    return Stored(
        system=row["system"],
        object=row["object"],
        remote_id=row["remote_id"],
        fields=json.loads(row["fields"]),
        created=row["created"],
        modified=row["modified"],
        deleted=bool(row["deleted"]),
        seq=row["seq"],
    )
