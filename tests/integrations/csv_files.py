"""The small world once more, as files that somebody uploaded."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from integrations.csv.models import FileImport
from integrations.csv.session import mapping_of
from integrations.setup import ensure_connection, ensure_mappings
from records.models import Connection
from tests.integrations.conftest import LEADS, START

TIMES: Mapping[str, Any] = {"created": "created", "modified": "modified"}
LEAD_FILE: Mapping[str, Any] = {
    "object": "person", "remote_object": "leads", "id": "id", **TIMES,
    "fields": {"first_name": "first", "last_name": "last", "email": "email"},
    "history": [
        {"field": "stage", "value": "open", "at": "created"},
        {"field": "stage", "value": "working", "at": "working_since"},
    ],
    "owners": {"owner": {"column": "owner", "name": "owner_name", "email": "owner_email"}},
}  # fmt: skip
CALL_FILE: Mapping[str, Any] = {
    "object": "activity", "remote_object": "calls", "id": "id", **TIMES,
    "fields": {"subject": "subject"},
    "links": [{"column": "about", "to": "leads"}],
}  # fmt: skip


def uploaded(
    connection: Connection, name: str, text: str, record: Mapping[str, Any], **more: Any
) -> FileImport:
    """A file that was read already."""
    values: dict[str, Any] = {
        "id": uuid.uuid4(),
        "connection": connection,
        "file_name": name,
        "size": len(text),
        "content": gzip.compress(text.encode()),
        "encoding": "utf-8",
        "separator": ",",
        "state": FileImport.State.DONE,
        "mapping": {"files": [{"match": name, "records": [record]}]},
    }
    row = FileImport.objects.create(**values | more)
    ensure_mappings(connection, [item for one in mapping_of(row).records for item in one.catalogue()])
    return row


def connect_files() -> Connection:
    connection = ensure_connection({"name": "csv", "kind": "csv", "label": "Files"}, datetime.now(UTC))
    at = [START + timedelta(minutes=n // 2) for n in range(LEADS + 1)]
    leads = [
        [
            str(100 + n), "Person", f"Number{n}", f"p{n}@acme.example", "501", "Anna Ostra", "anna@fernhill.example",
            START.isoformat(), at[n].isoformat(), (START + timedelta(seconds=30)).isoformat() if n == 1 else "",
        ]
        for n in range(1, LEADS + 1)
    ]  # fmt: skip
    header = "id,first,last,email,owner,owner_name,owner_email,created,modified,working_since"
    uploaded(connection, "leads.csv", _text(header, leads), LEAD_FILE)
    calls = [["900", "Call", "101", START.isoformat(), START.isoformat()]]
    uploaded(connection, "calls.csv", _text("id,subject,about,created,modified", calls), CALL_FILE)
    return connection


def _text(header: str, rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([header, *(",".join(row) for row in rows)]) + "\n"
