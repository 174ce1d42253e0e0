"""Rows of CSV files as records, every fault with its file and line. Reads no database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from integrations.base import RemoteOwner
from integrations.csv.cells import Moment, read_boolean, read_number
from integrations.csv.detecting import decode, detect_separator, headings, rows_of, unpack
from integrations.csv.errors import Fault, NotATable
from integrations.csv.mapping import Field as FieldOfMapping
from integrations.csv.mapping import FileMapping, ImportMapping, MappingError, RecordMapping, Since
from records.canonical import canonical, instant_text

MOST_FAULTS = 200
MOST_REFUSED = 50_000  # lines kept for the file of refused lines
LONGEST_ID = 80
BEAT_ROWS = 2000
_TICK = timedelta(microseconds=1)

Entry = tuple[str, str, datetime]
"""(field, value, since when)"""


@dataclass
class FileRecord:
    """What the files say of one record; several rows and files may say parts of it."""

    remote_object: str
    remote_id: str
    values: dict[str, Any] = field(default_factory=dict)
    history: dict[str, Entry] = field(
        default_factory=dict
    )  # by field, value and moment, as the file says them
    links: set[tuple[str, str]] = field(default_factory=set)
    created_at: datetime | None = None
    modified_at: datetime | None = None
    file: str = ""
    line: int = 0
    cells: Sequence[str] = ()
    said_at: dict[str, datetime] = field(default_factory=dict)  # of a log: as of when each value is known
    moments: set[tuple[str, datetime]] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, str]:
        return (self.remote_object, self.remote_id)


@dataclass(frozen=True)
class Refused:
    """A line that is left out, as it stands in the file, with every reason."""

    line: int
    cells: Sequence[str]
    faults: Sequence[Fault]


@dataclass
class Reading:
    """All files, read whole before anything is stored."""

    records: dict[tuple[str, str], FileRecord] = field(default_factory=dict)
    owners: dict[str, RemoteOwner] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    refused_count: int = 0
    rows: int = 0
    passed_over: int = 0
    header: list[str] = field(default_factory=list)

    def fault(self, file: str, line: int, column: str, text: str) -> None:
        self.faults.append(Fault(file, line, column, text))

    def refuse(self, line: int, cells: Sequence[str], faults: Sequence[Fault]) -> None:
        self.faults += faults
        self.refused_count += 1
        if len(self.refused) < MOST_REFUSED:
            self.refused.append(Refused(line, tuple(cells), tuple(faults)))


def read_files(
    mapping: ImportMapping, paths: Iterable[Path], *, read_at: datetime, most_bytes: int = 500_000_000
) -> Reading:
    """Raises MappingError for a file without a mapping; everything else that is wrong stands in ``faults``."""
    reading = Reading()
    for path in paths:
        item = mapping.for_file(path)
        try:
            text = decode(unpack(path.read_bytes(), most_bytes), item.encoding)
        except LookupError as error:
            raise MappingError(f"{path.name}: {item.encoding!r} is not a text encoding") from error
        except OSError as error:
            reading.fault(path.name, 0, "", f"can't be read: {error}")
        except NotATable as error:
            reading.fault(path.name, error.line, "", str(error))
        else:
            read_text(reading, item, path.name, text, read_at=read_at)
    _require_times(
        reading, {r.remote_object for f in mapping.files for r in f.records if r.is_dated_by_reading}
    )
    return reading


def read_one(
    mapping: FileMapping,
    name: str,
    text: str,
    *,
    read_at: datetime,
    most_faults: int = MOST_REFUSED,
    beat: Callable[[], object] = lambda: None,
) -> Reading:
    """One file, of which bad lines are left out and named; ``beat`` is called now and then."""
    reading = Reading()
    read_text(reading, mapping, name, text, read_at=read_at, most_faults=most_faults, beat=beat)
    _require_times(reading, {r.remote_object for r in mapping.records if r.is_dated_by_reading})
    return reading


def _require_times(reading: Reading, dated_by_reading: set[str]) -> None:
    for record in list(reading.records.values()):
        if record.modified_at is not None or record.remote_object in dated_by_reading:
            continue
        text = f"{record.remote_id} has no time: created, modified or a history date"
        reading.refuse(record.line, record.cells, [Fault(record.file, record.line, "", text)])
        del reading.records[record.key]


def read_text(
    reading: Reading,
    mapping: FileMapping,
    name: str,
    text: str,
    *,
    read_at: datetime,
    most_faults: int = MOST_FAULTS,
    beat: Callable[[], object] = lambda: None,
) -> None:
    """Add what one file says. A line with any fault says nothing."""
    separator = "\t" if mapping.separator == "tab" else mapping.separator or detect_separator(text)
    rows = rows_of(text, separator)
    first = next((row for row in rows if row.fault or any(c.strip() for c in row.cells)), None)
    if first is None or first.fault:
        reading.fault(name, 1, "", "the file is empty or has no header line")
        return
    header = reading.header = headings(first.cells)
    wanted = set().union(*(r.columns() for r in mapping.records))
    if missing := sorted(wanted - set(header)):
        has = ", ".join(header)
        reading.fault(name, first.line, "", f"there is no column {', '.join(missing)}; the file has {has}")
        return
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        if not row.fault and not any(cell.strip() for cell in row.cells):
            continue
        reading.rows += 1
        if reading.rows % BEAT_ROWS == 0:
            beat()
        faults = _read_row(reading, mapping, header, row.line, row.cells, row.fault, name, seen, read_at)
        if faults:
            reading.refuse(row.line, row.cells, faults)
            if len(reading.faults) >= most_faults:
                reading.fault(name, row.line, "", "too many faults; reading stopped here")
                return


def _read_row(
    reading: Reading, mapping: FileMapping, header: Sequence[str], line: int, row: Sequence[str], fault: str,
    file: str, seen: dict[tuple[str, str], int], read_at: datetime,
) -> list[Fault]:  # fmt: skip
    if fault:
        return [Fault(file, line, "", fault)]
    if len(row) != len(header):
        return [Fault(file, line, "", f"{len(row)} cells where the header has {len(header)}")]
    cells = dict(zip(header, (cell.strip() for cell in row), strict=True))
    said: list[_Said] = []
    is_wanted = False
    for record in mapping.records:
        if any(cells[column] not in wanted for column, wanted in record.only):
            continue
        is_wanted = True
        one = _Said(record, cells, read_at)
        key = (record.remote_object, one.remote_id)
        if not one.faults and not record.is_log and key in seen:
            one.fault(record.id, f"{one.remote_id} stands on line {seen[key]} already")
        said.append(one)
    if not is_wanted:
        reading.passed_over += 1
        return []
    if faults := [Fault(file, line, column, text) for one in said for column, text in one.faults]:
        return faults
    for one in said:
        key = (one.mapping.remote_object, one.remote_id)
        seen.setdefault(key, line)
        if (held := reading.records.get(key)) is None:
            held = reading.records[key] = FileRecord(*key, file=file, line=line, cells=row)
        one.add_to(held, reading.owners)
    return []


class _Said:
    """What one row says of one record; with any fault it says nothing."""

    def __init__(self, mapping: RecordMapping, cells: Mapping[str, str], read_at: datetime) -> None:
        self.mapping = mapping
        self.cells = cells
        self.read_at = read_at
        self.faults: list[tuple[str, str]] = []
        self.remote_id = cells[mapping.id]
        if not self.remote_id or len(self.remote_id) > LONGEST_ID:
            long = f"the id is longer than {LONGEST_ID} characters"
            self.fault(mapping.id, long if self.remote_id else "the id is empty")
        self.values = dict(self._values())
        self.history = list(self._history())
        self.created = self._past(mapping.created)
        self.modified = self._past(mapping.modified)

    def fault(self, column: str, text: str) -> None:
        self.faults.append((column, text))

    def add_to(self, record: FileRecord, owners: dict[str, RemoteOwner]) -> None:
        happened = [at for _, _, at in self.history]
        if self.mapping.is_log:
            # Rows of a log come in any order: a value holds as of the latest row that gives it.
            at = self.modified or max(happened, default=self.read_at)
            for name, value in self.values.items():
                if at >= record.said_at.get(name, at):
                    record.values[name], record.said_at[name] = value, at
        else:
            record.values |= self.values
        for name, value, at in self.history:
            _add_entry(record, name, value, at)
        for owner in self.mapping.owners:
            if text := self.cells[owner.column]:
                name = self.cells.get(owner.name_column, "") or f"{owner.label} {text[:8]}"
                owners.setdefault(text, RemoteOwner(text, name, self.cells.get(owner.email_column, "")))
        for link in self.mapping.links:
            if self.cells[link.column]:
                record.links.add((link.to, self.cells[link.column]))
        begun = self.created or (min(happened, default=None) if self.mapping.is_log else None)
        record.created_at = min((t for t in (record.created_at, begun) if t), default=None)
        times = [t for t in (self.modified, self.created) if t][:1] or happened[
            : None if self.mapping.is_log else 1
        ]
        record.modified_at = max((t for t in (record.modified_at, *times) if t), default=None)

    def _values(self) -> Iterator[tuple[str, Any]]:
        for item in self.mapping.fields:
            text = self.cells[item.column]
            try:
                value = self._value(item, text) if text else None
                canonical(item.type, value, item.value_map)
            except ValueError as error:
                self.fault(item.column, str(error))
            else:
                yield item.name, value
        for owner in self.mapping.owners:
            yield owner.field, self.cells[owner.column] or None

    def _value(self, item: FieldOfMapping, text: str) -> Any:
        """Raises ValueError."""
        if item.moment is not None:
            found = item.moment.read(text)
            return (
                found.astimezone(item.moment.zone).date().isoformat()
                if item.type == "date"
                else instant_text(found)
            )
        if item.value_map and text in item.value_map:
            return text
        if item.type in {"number", "money"}:
            return read_number(text, item.decimal)
        return read_boolean(text) if item.type == "boolean" else text

    def _history(self) -> Iterator[Entry]:
        for since in self.mapping.history:
            at = self._past(since.at)
            value = self.cells[since.value_from] if since.value_from else since.value
            if self.mapping.is_log:
                self._require(since, value)
            if at is not None and value:
                yield since.field, value, at

    def _require(self, since: Since, value: str) -> None:
        if not value:
            self.fault(since.value_from, "what happened is empty")
        if not self.cells[since.at.column]:
            self.fault(since.at.column, "when it happened is empty")

    def _past(self, at: Moment | None) -> datetime | None:
        if at is None or not self.cells[at.column]:
            return None
        try:
            found = at.read(self.cells[at.column])
        except (ValueError, OverflowError) as error:
            if (at.column, str(error)) not in self.faults:
                self.fault(at.column, str(error))
            return None
        # A day's grace: a bare date of today may begin tomorrow in another time zone.
        if found > self.read_at + timedelta(days=1):
            self.fault(
                at.column,
                f"{self.cells[at.column]!r} lies in the future; what has not happened is no history",
            )
            return None
        return found


def _add_entry(record: FileRecord, name: str, value: str, at: datetime) -> None:
    """Keyed by what the file says; entries of one moment keep the file's order by a millionth of a second each."""
    key = f"{name}:{value}@{instant_text(at)}"
    if key in record.history:
        return
    while (name, at) in record.moments:
        at += _TICK
    record.moments.add((name, at))
    record.history[key] = (name, value, at)
