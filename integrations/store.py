"""Records of several remote objects into ``records``, and records that are known only to be gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from records.incoming import IncomingRecord, StoredPage
from records.models import Connection
from records.services import remote_objects, store_page


def store_records(connection: Connection, records: Sequence[IncomingRecord], *, now: datetime) -> StoredPage:
    """Store pages by remote object in the caller's transaction; what is not mapped is left out."""
    mapped = set(remote_objects(connection))
    by_object: dict[str, list[IncomingRecord]] = {}
    for record in records:
        if record.remote_object in mapped:
            by_object.setdefault(record.remote_object, []).append(record)
    done = StoredPage()
    # In the order of names: two workers storing the same objects must lock them alike.
    for remote_object in sorted(by_object):
        done += store_page(connection, by_object[remote_object], now=now)
    return done


def tombstones(
    remote_object: str, remote_ids: Iterable[str], at: datetime, merged_into: str | None = None
) -> list[IncomingRecord]:
    """Records the CRM no longer shows: deleted, and nothing is said of their fields."""
    return [
        IncomingRecord(remote_object, remote_id, {}, at, is_deleted=True, merged_into=merged_into)
        for remote_id in remote_ids
        if remote_id != merged_into
    ]
