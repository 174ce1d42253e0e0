"""The steps of an import, without a browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from integrations.csv.drafting import Draft
from integrations.csv.models import FileImport
from integrations.csv.running import serve_imports
from integrations.csv.uploads import draft_from, keep, start_check, start_run, take_upload

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def check(name: str, sent: str | bytes, now: datetime = NOW, **chosen: Any) -> FileImport:
    """Taken, mapped as guessed but for what is ``chosen``, and checked."""
    row = take_upload(name, sent.encode() if isinstance(sent, str) else sent, None, now)
    draft: Draft = replace(draft_from(row), **chosen)
    if not draft.connection and not draft.source:
        draft = replace(draft, source="Old CRM")
    keep(row, draft, now)
    faults = start_check(row, now)
    assert not faults, faults
    return serve(row, now)


def run(name: str, sent: str | bytes, now: datetime = NOW, **chosen: Any) -> FileImport:
    """Checked and stored."""
    row = check(name, sent, now, **chosen)
    assert start_run(row, now), (row.state, row.error)
    return serve(row, now)


def serve(row: FileImport, now: datetime = NOW) -> FileImport:
    while serve_imports(now):
        pass
    return FileImport.objects.get(pk=row.pk)
