"""What a file would do: how many records are new, changed or as before, and the first ones as they will be stored."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time, tzinfo
from typing import Any

from integrations.csv.importing import pages_of
from integrations.csv.incoming import Joined, join, join_known
from integrations.csv.mapping import FileMapping
from integrations.csv.reader import FileRecord, Reading
from records.canonical import Unreadable, canonical
from records.models import CatalogueField, Connection

SHOWN = 20


def count_changes(
    connection: Connection | None,
    mapping: FileMapping,
    reading: Reading,
    read_at: datetime,
    beat: Callable[[], object] = lambda: None,
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """(counts, the first records as they will be stored); writes nothing."""
    counts: Counter[str] = Counter(
        {"rows": reading.rows, "refused": reading.refused_count, "passed_over": reading.passed_over}
    )
    labels = _Labels(mapping)
    shown: list[dict[str, Any]] = []
    for page in pages_of(reading.records.values()):
        beat()
        for record, joined in zip(page, _joined(connection, page, read_at), strict=True):
            counts[joined.change] += 1
            counts["events"] += joined.events
            if len(shown) < SHOWN:
                shown.append(_shown(record, joined, labels))
    counts["records"] = len(reading.records)
    return dict(counts), shown


def _joined(connection: Connection | None, page: Sequence[FileRecord], read_at: datetime) -> list[Joined]:
    if connection is None:
        return [join(record, None, read_at) for record in page]
    return join_known(connection, page, read_at)


class _Labels:
    """What the fields of a mapping are called, and of which type they are."""

    def __init__(self, mapping: FileMapping) -> None:
        self.zone: tzinfo = next((s.at.zone for r in mapping.records for s in r.history), UTC)
        held = {(f.object, f.name): f for f in CatalogueField.objects.all()}
        self.by_object: dict[str, dict[str, tuple[str, str, Mapping[str, Any]]]] = {}
        for record in mapping.records:
            self.by_object.setdefault(record.remote_object, {})
            for item in record.catalogue():
                known = held.get((item["object"], item["field"]))
                words = str(item["field"]).replace("_", " ").capitalize()
                label = str(item.get("label") or (known.label if known else words))
                self.by_object.setdefault(record.remote_object, {})[item["field"]] = (
                    label, known.type if known else item["type"], item.get("value_map") or {},
                )  # fmt: skip

    def when(self, at: datetime) -> str:
        """In the time zone of the file: its midnight is a bare date."""
        local = at.astimezone(self.zone)
        return f"{local:%Y-%m-%d}" if local.time() == time.min else f"{local:%Y-%m-%d %H:%M}"

    def of(self, record: FileRecord) -> Mapping[str, tuple[str, str, Mapping[str, Any]]]:
        return self.by_object[record.remote_object]


def _shown(record: FileRecord, joined: Joined, labels: _Labels) -> dict[str, Any]:
    fields = labels.of(record)
    cells = []
    for name, (label, kind, value_map) in fields.items():
        now = _text(kind, joined.record.values.get(name), value_map)
        was = _text(kind, joined.before.get(name), value_map)
        cells.append(
            {
                "label": label,
                "text": now,
                "was": was if joined.change == "changed" and was != now else None,
            }
        )
    return {
        "line": record.line,
        "id": record.remote_id,
        "change": joined.change,
        "cells": cells,
        "history": [
            {"label": fields[h.remote_name][0], "value": str(h.new), "at": labels.when(h.occurred_at)}
            for h in joined.record.history
            if h.remote_name in fields
        ][-6:],
        "links": [f"{to} {remote_id}" for to, remote_id in joined.record.links],
    }


def _text(kind: str, raw: Any, value_map: Mapping[str, Any]) -> str:
    try:
        value = canonical(kind, raw, value_map)
    except Unreadable:
        return ""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return ", ".join(value) if isinstance(value, list) else str(value)[:120]


def refused_file(reading: Reading) -> bytes | None:
    """Gzipped CSV: line, why, then the line as it stood, so that it can be mended and sent again."""
    if not reading.refused:
        return None
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["Line", "Why", *reading.header])
    for item in reading.refused:
        why = "; ".join(f"{f.column}: {f.text}" if f.column else f.text for f in item.faults)
        writer.writerow([item.line, why, *item.cells])
    return gzip.compress(text.getvalue().encode("utf-8-sig"))
