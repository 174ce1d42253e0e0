"""Runs SOQL over the store: pages, locators that belong to a session, history objects made of the history."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from integrations.standins.forms import salesforce_stamp
from integrations.standins.salesforce_rules import SYSTEM, picklist, readable
from integrations.standins.salesforce_validation import VALIDATION_RULE
from integrations.standins.schema import HISTORY_OBJECTS, TOOLING_OBJECTS
from integrations.standins.soql import Column, Query, SoqlError, parse, where_sql
from integrations.standins.store import Fields, Store
from integrations.standins.tooling import whole_extras
from integrations.standins.world import salesforce_id

PAGE = 2000
WIDE_PAGE = 1000
LONG_TEXT = 4000
_ROW_COLUMNS = {
    "Id": "r.remote_id",
    "IsDeleted": "r.deleted",
    "CreatedDate": "r.created",
    "LastModifiedDate": "by_person(r.modified, r.seq)",
    "SystemModstamp": "r.modified",
}
_STAGE_TABLES = {
    "LeadStatus": ("Lead", "Status"),
    "OpportunityStage": ("Opportunity", "StageName"),
    "TaskStatus": ("Task", "Status"),
}


@dataclass(frozen=True, slots=True)
class _Cursor:
    session: str
    query: Query
    seqs: list[int]
    page: int
    tooling: bool


class Queries:
    """Open locators live in memory: as with Salesforce, a client must be able to lose one."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._cursors: dict[str, _Cursor] = {}
        self._count = 0

    def start(
        self, text: str, session: str, *, base: str, deleted: bool, batch: int | None, tooling: bool
    ) -> Fields:
        """The first page; raises SoqlError."""
        query = parse(text)
        virtual = self._stage_rows(query)
        if virtual is not None:
            return {"totalSize": len(virtual), "done": True, "records": virtual}
        query.object = self._object(query.object, tooling)
        whole = _whole_columns(query)
        table = _Table(self._store, query.object, tooling)
        seqs = table.matching(query, deleted)
        if whole and len(seqs) > 1:
            raise SoqlError(
                "When retrieving results with Metadata or FullName fields, the query qualifications must specify no"
                f" more than one row for retrieval. Result size: {len(seqs)}"
            )
        if query.count:
            return {"totalSize": len(seqs), "done": True, "records": []}
        if query.aggregates:
            row: Fields = {"attributes": {"type": "AggregateResult"}}
            row |= {f"expr{n}": len(seqs) for n, _ in enumerate(query.aggregates)}
            return {"totalSize": 1, "done": True, "records": [row]}
        wide = any(
            table.column(path).type == "textarea" and table.length(path) > LONG_TEXT for path in query.select
        )
        page = min(max(batch or PAGE, 200), PAGE, WIDE_PAGE if wide else PAGE, self._store.page_rows or PAGE)
        answer = self._page(_Cursor(session, query, seqs, page, tooling), 0, base, None)
        for record in answer["records"] if whole else ():
            remote_id = str(record["attributes"]["url"]).rpartition("/")[2]
            found = self._store.get(SYSTEM, query.object, remote_id)
            extras = whole_extras(found) if found else {}
            record.update({name: extras.get(name) for name in whole})
        return answer

    def whole(self, text: str, *, deleted: bool) -> tuple[Query, list[int]]:
        """A query and its rows, in no order unless it asks for one; raises SoqlError."""
        query = parse(text)
        query.object = self._object(query.object, False)
        return query, _Table(self._store, query.object, False).matching(query, deleted)

    def columns(self, query: Query) -> dict[str, str]:
        """Type of each selected field, by its name."""
        table = _Table(self._store, query.object, False)
        return {path: table.column(path).type for path in query.select}

    def rows_of(self, query: Query, seqs: list[int]) -> list[Fields]:
        return _Table(self._store, query.object, False).read(query.select, seqs, "")

    def resume(self, locator: str, session: str, base: str) -> Fields:
        """A later page; raises SoqlError when the locator is unknown or of another session."""
        key, _, offset = locator.rpartition("-")
        with self._lock:
            cursor = self._cursors.get(key)
        if cursor is None or cursor.session != session or not offset.isdigit():
            raise SoqlError("invalid query locator", "INVALID_QUERY_LOCATOR")
        return self._page(cursor, int(offset), base, key)

    def _page(self, cursor: _Cursor, offset: int, base: str, key: str | None) -> Fields:
        seqs = cursor.seqs[offset : offset + cursor.page]
        table = _Table(self._store, cursor.query.object, cursor.tooling)
        out: Fields = {
            "totalSize": len(cursor.seqs),
            "done": offset + len(seqs) >= len(cursor.seqs),
            "records": table.read(cursor.query.select, seqs, base),
        }
        if not out["done"]:
            if key is None:
                with self._lock:
                    self._count += 1
                    key = salesforce_id("0r8", self._count)
                    self._cursors[key] = cursor
                    if len(self._cursors) > 200:
                        del self._cursors[next(iter(self._cursors))]
            out["nextRecordsUrl"] = f"{base}/query/{key}-{offset + cursor.page}"
        return out

    def _object(self, name: str, tooling: bool) -> str:
        names = {o.lower(): o for o in self._store.objects(SYSTEM)}
        found = names.get(name.lower())
        if found is None or (found in TOOLING_OBJECTS) != tooling:
            raise SoqlError(f"sObject type '{name}' is not supported.", "INVALID_TYPE")
        return found

    def _stage_rows(self, query: Query) -> list[Fields] | None:
        """LeadStatus, OpportunityStage and TaskStatus are read from the picklists; WHERE is not supported on them."""
        names = {k.lower(): k for k in _STAGE_TABLES}
        name = names.get(query.object.lower())
        if name is None:
            return None
        parent, field_name = _STAGE_TABLES[name]
        values = picklist(self._store.schema(SYSTEM, parent)[field_name])
        rows = []
        for n, value in enumerate(values, start=1):
            full = {
                "Id": salesforce_id("01J", n),
                "MasterLabel": value["label"],
                "ApiName": value["value"],
                "SortOrder": n,
                "IsActive": True,
                "IsDefault": n == 1,
                "IsConverted": bool(value.get("converted")),
                "IsClosed": bool(value.get("closed") or value["value"] == "Completed"),
                "IsWon": bool(value.get("won")),
                "DefaultProbability": value.get("probability"),
                "ForecastCategoryName": "Closed"
                if value.get("won")
                else "Omitted"
                if value.get("closed")
                else "Pipeline",
            }
            unknown = [s for s in query.select if s not in full]
            if unknown:
                raise SoqlError(f"No such column '{unknown[0]}' on entity '{name}'.", "INVALID_FIELD")
            rows.append({"attributes": {"type": name}, **{s: full[s] for s in query.select}})
        return rows


_OF_ENTITY = {VALIDATION_RULE: "EntityDefinitionId", "CustomField": "TableEnumOrId"}
"""Tooling objects to the field that names the object they belong to."""


def _whole_columns(query: Query) -> list[str]:
    """Take the columns that are answered for one row only out of the query, and say which."""
    if query.object not in _OF_ENTITY:
        return []
    names = {"fullname": "FullName", "metadata": "Metadata"}
    whole = [names[s.lower()] for s in query.select if s.lower() in names]
    query.select = [s for s in query.select if s.lower() not in names] or ["Id"]
    return whole


_NAME = (
    "(SELECT json_quote(json_extract(p.fields, '$.Name')) FROM rows p WHERE p.system = 'salesforce'"
    " AND p.remote_id = json_extract(h.{side}, '$'))"
)
# A change of owner is two rows: one with the ids, one with the names.
_HISTORY = (
    "(SELECT seq * 2 AS seq, remote_id, field, old, new, at, by FROM history"  # noqa: S608  # constants
    " WHERE system = 'salesforce' AND object = ? AND field IN (SELECT value FROM json_each(?))"
    f" UNION ALL SELECT h.seq * 2 + 1, h.remote_id, h.field, {_NAME.format(side='old')}, {_NAME.format(side='new')},"
    " h.at, h.by FROM history h WHERE h.system = 'salesforce' AND h.object = ? AND h.field = 'OwnerId')"
)


class _Table:
    def __init__(self, store: Store, object_name: str, tooling: bool) -> None:
        self._store = store
        self._object = object_name
        self._history = HISTORY_OBJECTS.get(object_name)
        self._fields = readable(store, object_name)
        self._names = {n.lower(): n for n in self._fields}

    def _name(self, path: str) -> str:
        name = self._names.get(path.lower())
        if name is None:
            raise SoqlError(
                f"SELECT {path}\n^\nERROR at Row:1:Column:8\nNo such column '{path}' on entity '{self._object}'. If you"
                " are attempting to use a custom field, be sure to append the '__c' after the custom field name.",
                "INVALID_FIELD",
            )
        return name

    def length(self, path: str) -> int:
        return int(self._fields[self._name(path)].get("length", 0)) if "." not in path else 0

    def column(self, path: str) -> Column:
        if "." in path:
            return self._parent_column(path)
        name = self._name(path)
        kind = self._fields[name]["type"]
        if self._history:
            own = {
                "Id": f"sfid('{self._history[2]}', r.seq)",
                "IsDeleted": "0",
                self._history[1]: "r.remote_id",
                "CreatedById": "r.by",
                "CreatedDate": "r.at",
                "Field": "CASE r.field WHEN 'OwnerId' THEN 'Owner' ELSE r.field END",
                "DataType": "'Text'",
                "OldValue": "json_extract(r.old, '$')",
                "NewValue": "json_extract(r.new, '$')",
            }
            return Column(own[name], kind, name not in ("OldValue", "NewValue"))
        long_text = kind == "textarea" and self._fields[name].get("length", 0) > 255
        return Column(_ROW_COLUMNS.get(name) or f"json_extract(r.fields, '$.{name}')", kind, not long_text)

    def _parent_column(self, path: str) -> Column:
        """A field one step up, such as ``Owner.Name``; Id and Name of the parent and its other fields."""
        relation, _, name = path.partition(".")
        if self._object in _OF_ENTITY and path.lower() == "entitydefinition.qualifiedapiname":
            return Column(f"json_extract(r.fields, '$.{_OF_ENTITY[self._object]}')", "string")
        lookup = relation[:-1] + "c" if relation.endswith("__r") else f"{relation}Id"
        own = self._name(lookup)
        for target in self._fields[own].get("reference_to", []):
            fields = readable(self._store, target)
            found = next((n for n in fields if n.lower() == name.lower()), None)
            if found:
                inner = _ROW_COLUMNS.get(found, f"json_extract(r.fields, '$.{found}')").replace("r.", "p.")
                sql = (
                    f"(SELECT {inner} FROM rows p WHERE p.system = 'salesforce'"  # noqa: S608 (ours)
                    f" AND p.remote_id = {self.column(own).sql})"
                )
                return Column(sql, fields[found]["type"])
        if name.lower() == "type":
            of = f"p.system = 'salesforce' AND p.remote_id = {self.column(own).sql}"
            return Column(f"(SELECT p.object FROM rows p WHERE {of})", "string")  # noqa: S608 (ours)
        raise SoqlError(f"Didn't understand relationship '{relation}' in field path.", "INVALID_FIELD")

    def _parent_type(self, relation: str) -> str:
        """A lookup to several objects answers ``Name``."""
        lookup = relation[:-1] + "c" if relation.endswith("__r") else f"{relation}Id"
        targets = self._fields[self._name(lookup)].get("reference_to", [])
        return str(targets[0]) if len(targets) == 1 else "Name"

    def _source(self, deleted: bool) -> tuple[str, list[Any]]:
        if self._history:
            parent = self._history[0]
            tracked = [n for n, d in self._store.schema(SYSTEM, parent).items() if d.get("tracked")]
            tracked += ["leadConverted"] if parent == "Lead" else []
            params = [parent, json.dumps(tracked), parent]
            if self._store.history_days is None:
                return _HISTORY, params
            since = self._store.clock() - timedelta(days=self._store.history_days)
            return f"(SELECT * FROM {_HISTORY} WHERE at >= ?)", [*params, salesforce_stamp(since)]  # noqa: S608 (ours)
        sql, params = self._store.source(SYSTEM, self._object)
        return (sql if deleted else f"(SELECT * FROM {sql} WHERE deleted = 0)"), params  # noqa: S608 (ours)

    def matching(self, query: Query, deleted: bool) -> list[int]:
        for path in query.select:
            self.column(path)
        source, params = self._source(deleted)
        where, more = where_sql(query.where, self.column) if query.where else ("1", [])
        order = []
        for path, descending, nulls_first in query.order:
            column = self.column(path)
            if not column.filterable:
                raise SoqlError(f"field '{path}' can not be sorted in a query call", "INVALID_FIELD")
            first = nulls_first if nulls_first is not None else True
            order.append(
                f"{column.sql} {'DESC' if descending else 'ASC'} NULLS {'FIRST' if first else 'LAST'}"
            )
        # Nothing is promised about rows that compare equal, so they come in an order nobody can lean on.
        order.append("(r.seq * 7919) % 10007")
        limit = f" LIMIT {query.limit}" if query.limit is not None else ""
        offset = f" OFFSET {query.offset}" if query.offset else ""
        sql = f"SELECT r.seq FROM {source} r WHERE {where} ORDER BY {', '.join(order)}{limit or ' LIMIT -1'}{offset}"  # noqa: S608 (ours)
        return [r["seq"] for r in self._store.fetch(sql, [*params, *more])]

    def read(self, select: list[str], seqs: list[int], base: str) -> list[Fields]:
        columns = [self.column(path) for path in select]
        picked = ", ".join(f"{c.sql} AS c{n}" for n, c in enumerate(columns))
        identity = self.column("Id").sql
        table, params = self._source(True)
        sql = f"SELECT r.seq, {identity} AS id, {picked} FROM {table} r WHERE r.seq IN (SELECT value FROM json_each(?))"  # noqa: S608 (ours)
        found = {r["seq"]: r for r in self._store.fetch(sql, [*params, json.dumps(seqs)])}
        return [self._record(select, columns, found[s], base) for s in seqs if s in found]

    def _record(self, select: list[str], columns: list[Column], row: Any, base: str) -> Fields:
        out: Fields = {
            "attributes": {"type": self._object, "url": f"{base}/sobjects/{self._object}/{row['id']}"}
        }
        for n, path in enumerate(select):
            value = typed(columns[n].type, row[f"c{n}"])
            if "." not in path:
                out[self._name(path)] = value
                continue
            relation, _, name = path.partition(".")
            parent = out.setdefault(relation, {})
            parent[name] = value
        for relation, parent in out.items():
            if relation != "attributes" and isinstance(parent, dict):
                if all(v is None for v in parent.values()):
                    out[relation] = None
                else:
                    out[relation] = {"attributes": {"type": self._parent_type(relation)}, **parent}
        return out


def typed(kind: str, value: Any) -> Any:
    """SQLite's value in the JSON type of the field."""
    if kind == "boolean":
        return bool(value)
    return value
