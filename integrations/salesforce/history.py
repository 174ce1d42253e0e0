"""The changes Salesforce itself recorded: snapshots of opportunities, and field history of what is tracked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from integrations.errors import Misconfigured
from integrations.salesforce import names
from integrations.salesforce.session import Session
from integrations.salesforce.writing import chunks
from records.incoming import HistoryEntry

Row = Mapping[str, Any]
Entries = Iterator[tuple[str, HistoryEntry]]

IDS_PER_QUERY = 400  # of the 16 KB of an address


class Histories:
    """A history that is not there in this edition, or not for our user, is asked for once and then no more."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._hidden: set[str] = set()

    def of(
        self, remote_object: str, ids: Sequence[str], fields: Sequence[str]
    ) -> dict[str, list[HistoryEntry]]:
        """Changes of ``fields`` by record id, oldest first."""
        snapshots = [f for f in fields if remote_object == "Opportunity" and f in names.SNAPSHOT_FIELDS]
        tracked = set(fields) - set(snapshots)
        found: dict[str, list[HistoryEntry]] = {}
        for some in chunks(list(ids), IDS_PER_QUERY):
            if snapshots:
                self._add(found, "OpportunityHistory", self._snapshots(some, snapshots))
            if tracked:
                table, parent = names.history_of(remote_object)
                self._add(found, table, self._tracked(table, parent, some, tracked))
        return found

    def _add(self, found: dict[str, list[HistoryEntry]], table: str, entries: Entries) -> None:
        if table in self._hidden:
            return
        try:
            for remote_id, entry in entries:
                found.setdefault(remote_id, []).append(entry)
        except Misconfigured:
            self._hidden.add(table)  # the polled change stands

    def _tracked(self, table: str, parent: str, ids: list[str], fields: set[str]) -> Entries:
        soql = (
            f"SELECT Id, {parent}, Field, OldValue, NewValue, CreatedDate FROM {table} "  # noqa: S608 (ours)
            f"WHERE {parent} IN ({names.soql_ids(ids)}) ORDER BY CreatedDate, Id"
        )
        for row in self._session.rows(soql):
            at = names.instant(row["CreatedDate"])
            if row["Field"] == "leadConverted" and "IsConverted" in fields:
                yield row[parent], HistoryEntry("IsConverted", True, at, row["Id"], False)
            field = names.HISTORY_FIELD.get(row["Field"], row["Field"])
            if field not in fields:
                continue
            old, new = row.get("OldValue"), row.get("NewValue")
            # A lookup's change is two rows, one with names and one with ids; we keep ids.
            if field.endswith("Id") and not all(
                v is None or names.RECORD_ID.fullmatch(str(v)) for v in (old, new)
            ):
                continue
            yield row[parent], HistoryEntry(field, new, at, row["Id"], old)

    def _snapshots(self, ids: list[str], fields: Sequence[str]) -> Entries:
        soql = (
            f"SELECT Id, OpportunityId, CreatedDate, {', '.join(fields)} FROM OpportunityHistory "  # noqa: S608 (ours)
            f"WHERE OpportunityId IN ({names.soql_ids(ids)}) ORDER BY CreatedDate, Id"
        )
        last: dict[str, Row] = {}
        for row in self._session.rows(soql):
            before = last.get(row["OpportunityId"], {})
            at = names.instant(row["CreatedDate"])
            for field in fields:
                if row.get(field) != before.get(field):
                    key = f"{row['Id']}:{field}"
                    entry = HistoryEntry(field, row.get(field), at, key, before.get(field))
                    yield row["OpportunityId"], entry
            last[row["OpportunityId"]] = row
