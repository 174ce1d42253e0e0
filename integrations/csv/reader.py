"""Rows of CSV files as records, every fault with its file and line. Reads no database."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from integrations.base import RemoteOwner
from integrations.csv.mapping import FileMapping, ImportMapping, MappingError, Moment, RecordMapping
from records.canonical import Unreadable, canonical, instant_text

MOST_FAULTS = 200
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Fault:
    file: str
    line: int
    column: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file} line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{place}: {self.text}"


@dataclass
class FileRecord:
    """What the files say of one record; several rows and files may say parts of it."""

    remote_object: str
    remote_id: str
    values: dict[str, Any] = field(default_factory=dict)
    history: dict[str, tuple[str, str, datetime]] = field(default_factory=dict)  # key -> field, value, at
    links: set[tuple[str, str]] = field(default_factory=set)
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass
class Reading:
    """All files, read whole before anything is stored."""

    records: dict[tuple[str, str], FileRecord] = field(default_factory=dict)
    owners: dict[str, RemoteOwner] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    rows: int = 0

    def fault(self, file: str, line: int, column: str, text: str) -> None:
        self.faults.append(Fault(file, line, column, text))


def read_files(mapping: ImportMapping, paths: Iterable[Path]) -> Reading:
    """Raises MappingError for a file without a mapping; everything else that is wrong stands in ``faults``."""
    reading = Reading()
    for path in paths:
        _read_file(reading, mapping.for_file(path), path)
    for record in reading.records.values():
        if record.modified_at is None and not reading.faults:
            reading.fault(
                record.remote_object,
                0,
                "",
                f"{record.remote_id} has no time: created, modified or a history date",
            )
    return reading


def _read_file(reading: Reading, mapping: FileMapping, path: Path) -> None:
    text = _text(reading, mapping, path)
    if text is None:
        return
    separator = mapping.separator or _separator(text)
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter="\t" if separator == "tab" else separator, strict=True
    )
    try:
        header = [name.strip() for name in next(rows)]
    except (StopIteration, csv.Error):
        reading.fault(path.name, 1, "", "the file is empty or has no header line")
        return
    wanted = set().union(*(r.columns() for r in mapping.records))
    if missing := sorted(wanted - set(header)):
        has = ", ".join(header)
        reading.fault(path.name, 1, "", f"there is no column {', '.join(missing)}; the file has {has}")
        return
    seen: dict[tuple[str, str], int] = {}
    for line, row in _lines(reading, path.name, rows):
        if not row:
            continue
        if len(row) != len(header):
            reading.fault(path.name, line, "", f"{len(row)} cells where the header has {len(header)}")
            continue
        reading.rows += 1
        cells = dict(zip(header, (cell.strip() for cell in row), strict=True))
        for record in mapping.records:
            _read_row(reading, record, cells, path.name, line, seen)
        if len(reading.faults) >= MOST_FAULTS:
            reading.fault(path.name, line, "", "too many faults; reading stopped here")
            return


def _text(reading: Reading, mapping: FileMapping, path: Path) -> str | None:
    try:
        data = path.read_bytes()
        if data.startswith(_GZIP):
            data = gzip.decompress(data)
    except (OSError, EOFError) as error:
        reading.fault(path.name, 0, "", f"can't be read: {error}")
        return None
    try:
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return data.decode("utf-16")
        is_utf8 = mapping.encoding.lower().replace("-", "") in {"utf8", "utf8sig"}
        return data.decode("utf-8-sig" if is_utf8 else mapping.encoding)
    except LookupError as error:
        raise MappingError(f"{path.name}: {mapping.encoding!r} is not a text encoding") from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        reading.fault(
            path.name,
            line,
            "",
            f"the file is not {mapping.encoding}; set encoding, for example cp1252, in the mapping",
        )
        return None


def _separator(text: str) -> str:
    """The commonest of the usual ones in the header line."""
    header = text.partition("\n")[0]
    return max(",;\t|", key=header.count)


def _lines(reading: Reading, file: str, rows: Any) -> Iterator[tuple[int, list[str]]]:
    """(the line a row ends on, its cells)."""
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            reading.fault(file, rows.line_num, "", f"not readable as CSV: {error}")
            return
        yield rows.line_num, row


def _read_row(
    reading: Reading, mapping: RecordMapping, cells: Mapping[str, str], file: str, line: int,
    seen: dict[tuple[str, str], int],
) -> None:  # fmt: skip
    remote_id = cells[mapping.id]
    if not remote_id or len(remote_id) > 80:
        reading.fault(
            file,
            line,
            mapping.id,
            "the id is empty" if not remote_id else "the id is longer than 80 characters",
        )
        return
    key = (mapping.remote_object, remote_id)
    if key in seen:
        reading.fault(file, line, mapping.id, f"{remote_id} stands on line {seen[key]} already")
        return
    seen[key] = line
    record = reading.records.setdefault(key, FileRecord(*key))

    def moment(at: Moment | None) -> datetime | None:
        if at is None or not cells[at.column]:
            return None
        try:
            return at.read(cells[at.column])
        except (ValueError, OverflowError) as error:
            reading.fault(file, line, at.column, str(error))
            return None

    for item in mapping.fields:
        text = cells[item.column]
        value: Any = text or None
        if item.moment is not None and text:
            found = moment(item.moment)
            if found is None:
                continue
            local = found.astimezone(item.moment.zone)
            value = local.date().isoformat() if item.type == "date" else instant_text(found)
        try:
            canonical(item.type, value, item.value_map)
        except Unreadable as error:
            reading.fault(file, line, item.column, str(error))
        record.values[item.name] = value
    for owner in mapping.owners:
        text = cells[owner.column]
        record.values[owner.field] = text or None
        if text:
            name = cells.get(owner.name_column, "") or f"{owner.label} {text[:8]}"
            reading.owners.setdefault(text, RemoteOwner(text, name, cells.get(owner.email_column, "")))
    for since in mapping.history:
        at = moment(since.at)
        if at is not None:
            record.history[f"{since.value}@{instant_text(at)}"] = (since.field, since.value, at)
    for link in mapping.links:
        if cells[link.column]:
            record.links.add((link.to, cells[link.column]))
    created, modified = moment(mapping.created), moment(mapping.modified)
    record.created_at = min((t for t in (record.created_at, created) if t), default=None)
    times = [t for t in (modified, created) if t][:1] or [at for _, _, at in record.history.values()][:1]
    record.modified_at = max((t for t in (record.modified_at, *times) if t), default=None)
