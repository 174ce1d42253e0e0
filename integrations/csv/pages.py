"""What the pages of an import show, put together from what is stored."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from integrations.csv.cells import WAYS
from integrations.csv.detecting import ENCODINGS, SEPARATORS
from integrations.csv.drafting import DATED, OBJECTS, Draft, Known, is_address, known_field, read_samples
from integrations.csv.guessing import LOG_ONLY, ROLES, Choice
from integrations.csv.models import FileImport
from integrations.csv.profile import Column
from integrations.csv.uploads import columns_of, known_fields
from integrations.field_types import TYPE_WORDS
from records.models import CatalogueField, Connection, FieldMapping

State = FileImport.State
REFUSED_SHOWN = 10
DECIMALS = (("", "1234.5"), (".", "1,234.50"), (",", "1.234,50"))


@dataclass(frozen=True)
class Step:
    name: str
    href: str
    state: str
    note: str = ""


def steps_of(row: FileImport, here: str) -> list[Step]:
    """Choose, map, look, take in: for the bar of steps."""
    order = ("Choose a file", "Say what its columns are", "Look at what it would do", "Take it in")
    at = order.index(here)
    hrefs = ["", "", "", ""]
    if row.state in {State.DRAFT, State.CHECKED, State.CHECKING} and row.run_id is None:
        hrefs[1] = reverse("integrations:import_map", args=[row.pk])
    states = ["done" if n < at else "current" if n == at else "ahead" for n in range(len(order))]
    if row.state == State.DONE:
        states[-1] = "done"
    notes = [row.file_name if len(row.file_name) < 40 else f"{row.file_name[:37]}…", "", "", ""]
    return [Step(*item) for item in zip(order, hrefs, states, notes, strict=True)]


@dataclass(frozen=True)
class ColumnLine:
    """One column on the page of columns; ``samples``: (as it stands, as it is read, whether it can be)."""

    number: int
    column: Column
    choice: Choice
    held: Known | None
    type: str
    samples: list[tuple[str, str, bool]]
    fault: str
    is_address: bool = False

    @property
    def key(self) -> str:
        return f"c{self.number}"

    @property
    def has_field(self) -> bool:
        return self.choice.role in {"field", "since", "what"}

    @property
    def is_dated(self) -> bool:
        return self.choice.role in DATED or (
            self.choice.role == "field" and self.type in {"date", "datetime"}
        )

    @property
    def is_number(self) -> bool:
        return self.choice.role == "field" and self.type in {"number", "money"}

    @property
    def is_new(self) -> bool:
        return self.has_field and self.held is None

    @property
    def note(self) -> str:
        """What should make a person look twice."""
        if self.is_dated and self.column.is_ambiguous:
            return "Each of these dates can be read in two ways. Look whether day and month are right."
        if self.choice.role == "id" and not self.column.is_unique:
            return "Some values stand in more than one row."
        if self.samples and not all(ok for _, _, ok in self.samples):
            return "Not all of them can be read so; lines with such a value are refused."
        return ""


def map_context(row: FileImport, draft: Draft, faults: dict[str, str]) -> dict[str, Any]:
    columns = columns_of(row)
    known = known_fields(draft.object)
    lines = [
        _line(n, column, choice, draft, known, faults)
        for n, (column, choice) in enumerate(zip(columns, draft.columns, strict=True))
    ]
    roles = [(key, words) for key, words in ROLES.items() if draft.is_log or key not in LOG_ONLY]
    return {
        "row": row,
        "draft": draft,
        "lines": lines,
        "faults": faults,
        "roles": roles,
        "known": known,
        "objects": OBJECTS.items(),
        "types": [(key, TYPE_WORDS[key]) for key in CatalogueField.Type.values],
        "ways": WAYS,
        "decimals": DECIMALS,
        "sources": Connection.objects.filter(kind=Connection.Kind.CSV),
        "kinds_of_records": _kinds_of_records(draft),
        "encoding": ENCODINGS.get(row.encoding, row.encoding),
        "separator": SEPARATORS.get(row.separator, row.separator),
        "encodings": ENCODINGS.items(),
        "separators": SEPARATORS.items(),
        "mapped_as": _mapped_as(row),
        "steps": steps_of(row, "Say what its columns are"),
    }


def _line(
    n: int, column: Column, choice: Choice, draft: Draft, known: list[Known], faults: dict[str, str]
) -> ColumnLine:
    held = known_field(choice.field, known) if choice.field else None
    type_ = held.type if held else choice.type
    samples = read_samples(column, choice, type_, draft.zone)
    is_told = any(
        one.role == "field" and one.field.casefold() in {"email", "e-mail"} for one in draft.columns
    )
    told_by = choice.role == "id" and is_address(draft.object, column) and not is_told
    return ColumnLine(n, column, choice, held, type_, samples, faults.get(f"c{n}", ""), told_by)


def _kinds_of_records(draft: Draft) -> list[str]:
    rows = FieldMapping.objects.filter(
        connection__name=draft.connection, connection__kind=Connection.Kind.CSV
    )
    return sorted(set(rows.values_list("remote_object", flat=True)))


def _mapped_as(row: FileImport) -> FileImport | None:
    key = row.counts.get("mapped_as")
    return FileImport.objects.defer("content", "refused").filter(pk=key).first() if key else None


@dataclass(frozen=True)
class RefusedLine:
    line: str
    why: str


def refused_lines(row: FileImport) -> list[RefusedLine]:
    """The first of them."""
    if row.refused is None:
        return []
    with gzip.open(io.BytesIO(bytes(row.refused)), "rt", encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text)
        next(rows, None)
        return [RefusedLine(item[0], item[1]) for _, item in zip(range(REFUSED_SHOWN), rows, strict=False)]


def is_nothing_new(row: FileImport) -> bool:
    """Of a file that was read to its end: every record in it stood here already, and no line was refused."""
    counts = row.run.counts if row.run is not None else row.counts
    names = ("created", "changed", "refused_lines") if row.run is not None else ("new", "changed", "refused")
    is_read = row.state == (State.DONE if row.run is not None else State.CHECKED)
    return is_read and bool(counts.get("unchanged")) and not any(counts.get(name) for name in names)


def numbers_of(row: FileImport) -> list[dict[str, str]]:
    """What became of the file, as key and value."""
    counts = row.run.counts if row.run is not None else row.counts
    names = (
        ("rows", "Rows in the file"),
        ("created", "New"),
        ("changed", "Changed"),
        ("unchanged", "As before"),
        ("refused_lines", "Lines refused"),
    )
    return [{"label": label, "value": f"{counts.get(name, 0):,}"} for name, label in names]
