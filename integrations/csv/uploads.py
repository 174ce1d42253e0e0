"""A file on its way in, step by step: taken, mapped, checked, run; each step can be left and come back to."""

from __future__ import annotations

import gzip
import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from effects.tick import ring
from integrations.csv.detecting import decode, detect_encoding, detect_separator, headings, rows_of, unpack
from integrations.csv.drafting import Draft, Known, again, draft_of, write_mapping
from integrations.csv.errors import NotATable
from integrations.csv.guessing import guess
from integrations.csv.models import FileImport
from integrations.csv.profile import Column, profile
from records.models import CatalogueField, Connection
from teams.models import Person

State = FileImport.State
OPEN = (State.DRAFT, State.CHECKING, State.CHECKED, State.FAILED)
MOST_COLUMNS = 300
SOURCE = "imports"


def take_upload(name: str, sent: bytes, person: Person | None, now: datetime) -> FileImport:
    """Keep a file as a draft with what it probably means. Raises NotATable with what is wrong with it."""
    data = unpack(sent, settings.GTMOPS.import_max_bytes)
    encoding = detect_encoding(data)
    row = FileImport(
        id=uuid.uuid4(),
        uploaded_by=person,
        uploaded_at=now,
        file_name=name[-200:],
        size=len(data),
        content=gzip.compress(data, 6),
        encoding=encoding,
    )
    _look_into(row, decode(data, encoding), "")
    _draft(row, person.time_zone if person else "UTC")
    row.changed_at = now
    row.save()
    return row


def look_again(row: FileImport, encoding: str, separator: str, now: datetime) -> None:
    """Read the columns anew with these letters and this separator. Raises NotATable, and keeps what was."""
    old_names, draft = [c.name for c in columns_of(row)], draft_from(row)
    try:
        text = decode(row.data(), encoding)
    except NotATable as error:
        raise NotATable(f"Line {error.line} can’t be read with these letters.", error.line) from error
    row.encoding = encoding
    _look_into(row, text, separator)
    if [c.name for c in columns_of(row)] != old_names:
        _draft(row, draft.zone)
    row.changed_at = now
    row.save()


def _look_into(row: FileImport, text: str, separator: str) -> None:
    row.separator = separator or detect_separator(text)
    rows = (r for r in rows_of(text, row.separator) if r.fault or any(c.strip() for c in r.cells))
    first = next(rows, None)
    if first is None or first.fault:
        raise NotATable(
            f"The first line can’t be read as names of columns: {first.fault if first else 'it is empty'}."
        )
    header = headings(first.cells)
    if len(header) > MOST_COLUMNS:
        raise NotATable(f"The file has {len(header)} columns; {MOST_COLUMNS} are the most. Leave some out.")
    columns, row.rows = profile(header, (r.cells for r in rows if not r.fault))
    if not row.rows:
        raise NotATable("The file has names of columns and no rows under them.")
    row.columns = [column.as_json() for column in columns]


def _draft(row: FileImport, zone: str) -> None:
    """Choices of the last import with these columns, else guessed."""
    columns = columns_of(row)
    fresh = draft_of(guess(row.file_name, columns), zone)
    last = FileImport.objects.filter(state=State.DONE, connection__isnull=False).select_related("connection")
    for old in last.defer("content", "refused").order_by("-uploaded_at")[:100]:
        found = again(Draft.from_json(old.choices), [c["name"] for c in old.columns], fresh, columns)
        if found is not None and old.connection is not None:
            row.connection = old.connection
            fresh = Draft.from_json(found.as_json() | {"connection": old.connection.name})
            row.counts = {"mapped_as": str(old.pk)}
            break
    row.choices = fresh.as_json()


def columns_of(row: FileImport) -> list[Column]:
    return [Column.from_json(item) for item in row.columns]


def draft_from(row: FileImport) -> Draft:
    return Draft.from_json(row.choices)


def known_fields(object_name: str) -> list[Known]:
    rows = CatalogueField.objects.filter(object=object_name).order_by("label")
    return [Known(f.name, f.label, f.type, f.is_personal) for f in rows]


def keep(row: FileImport, draft: Draft, now: datetime) -> None:
    """Save what is chosen so far; a check that was made of it counts no more."""
    row.choices = draft.as_json()
    row.state, row.changed_at, row.error = State.DRAFT, now, ""
    row.save(update_fields=["choices", "state", "changed_at", "error"])


def plan(row: FileImport) -> tuple[dict[str, Any], dict[str, str]]:
    """(the mapping that the choices make, faults by place: the name of an input, or ``c3`` of a column)."""
    draft = draft_from(row)
    mapping, faults = write_mapping(
        draft, columns_of(row), known_fields(draft.object),
        file_name=row.file_name, encoding=row.encoding, separator=row.separator,
    )  # fmt: skip
    if draft.connection and file_connection(draft.connection) is None:
        faults["connection"] = "There is no such source any more."
    return mapping, faults


def start_check(row: FileImport, now: datetime) -> dict[str, str]:
    """Have the whole file read by the mapping, nothing stored. Returns faults by place; empty when it was started."""
    mapping, faults = plan(row)
    if faults:
        return faults
    connection = file_connection(draft_from(row).connection)
    row.connection, row.mapping, row.state = connection, mapping, State.CHECKING
    row.counts, row.preview, row.refused, row.error, row.changed_at = {}, [], None, "", now
    row.lease_until = row.lease_token = None
    with transaction.atomic():
        row.save()
        ring(SOURCE)
    return {}


def start_run(row: FileImport, now: datetime) -> bool:
    """Let what was checked be stored; False when it is not in that state (any more)."""
    with transaction.atomic():
        held = (
            FileImport.objects.select_for_update(no_key=True).filter(pk=row.pk, content__isnull=False).first()
        )
        can_go_on = held is not None and held.state == State.FAILED and held.run_id is not None
        if held is None or (held.state != State.CHECKED and not can_go_on):
            return False
        if held.connection is None:
            held.connection = _new_connection(draft_from(held).source)
        held.state, held.changed_at, held.error = State.RUNNING, now, ""
        held.lease_until = held.lease_token = None
        held.save(update_fields=["connection", "state", "changed_at", "error", "lease_until", "lease_token"])
        ring(SOURCE)
    return True


def cancel(row: FileImport, now: datetime) -> None:
    """A draft goes with its file; one that runs stops after the page it is at, and what is stored stays."""
    with transaction.atomic():
        held = FileImport.objects.select_for_update(no_key=True).filter(pk=row.pk).first()
        if held is None:
            return
        if held.state == State.RUNNING or held.run_id is not None:
            if held.state in {State.RUNNING, State.FAILED}:
                held.state, held.changed_at = State.CANCELLED, now
                held.save(update_fields=["state", "changed_at"])
                ring(SOURCE)
        elif held.state in OPEN:
            held.delete()


def take_again(row: FileImport, person: Person | None, now: datetime) -> FileImport:
    """The same file as another draft: its rows may tell of several kinds of record. Raises ValueError once cleaned."""
    return take_upload(row.file_name, row.data(), person, now)


def file_connection(name: str) -> Connection | None:
    return Connection.objects.filter(kind=Connection.Kind.CSV, name=name).first() if name else None


def _new_connection(label: str) -> Connection:
    """One of that label, made when there is none; nothing in it is ever live: imports start no clocks."""
    label = " ".join(label.split())[:100]
    stem = slugify(label)[:50] or "files"
    values: dict[str, Any] = {"label": label, "kind": Connection.Kind.CSV}
    for name in (stem, f"{stem}-files", f"{stem}-{uuid.uuid4().hex[:6]}"):
        found, _ = Connection.objects.get_or_create(name=name, defaults=values)
        if found.kind == Connection.Kind.CSV:
            return found
    raise ValueError(f"no name is free for {label!r}")
