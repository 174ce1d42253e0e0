"""A small client for Bulk API 2.0 queries, for reads too large to be paged through by REST.

A job is a position (JSON) that another process can go on from: the job's id is stored before the first question about
it, and result pages stay as they are for as long as the job exists. Rows come in no order."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from integrations.errors import ConnectorError, Misconfigured, Rejected, RetryLater
from integrations.salesforce.session import Session

BULK_ROWS = 50_000
"""Reads of more rows than that go by Bulk: by REST one cursor would be open for hours, a call for every page."""
RESULT_ROWS = 5_000  # of one answer; what an answer may weigh is limited (GTMOPS_HTTP_MAX_BYTES)
WIDE_RESULT_ROWS = 1_000
PIECE_ROWS = 2_000  # stored together, like a page by REST
POLL_SECONDS = (
    10.0  # of waiting in one go; then the caller gets an empty piece and may give its turn to others
)
POLL_PAUSE_SECONDS = 1.0
LONGEST_POLL_PAUSE_SECONDS = 5.0
LONGEST_JOB_SECONDS = 6 * 3600
AT_WORK = {"UploadComplete", "InProgress"}
END = "null"  # what Salesforce calls the locator after the last page
_NUMBERS = {"double", "currency", "percent"}

csv.field_size_limit(max(csv.field_size_limit(), 1_000_000))  # a long text area holds 131,072 characters

Position = dict[str, Any]
Row = dict[str, Any]


class JobFailed(Exception):
    """The job ended without all its rows, or can't be started: read in another way."""


class JobGone(Exception):
    """Salesforce no longer has the job: start another."""


@dataclass(frozen=True)
class Piece:
    """Some rows as text by column, and where to go on after them; without rows while Salesforce is at work.

    ``total``: rows that are still to come, these among them, once Salesforce says so."""

    rows: list[dict[str, str]]
    position: Position
    total: int | None = None


class BulkQueries:
    def __init__(self, session: Session) -> None:
        self._session = session

    def start(self, soql: str, *, is_wide: bool = False) -> Position:
        """Where ``read`` begins; deleted rows are among the results. Raises JobFailed when Bulk does not take it."""
        body = {
            "operation": "queryAll",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        try:
            answer = self._session.rest("jobs/query", method="POST", json=body)
        except (Rejected, Misconfigured) as error:
            raise JobFailed(str(error)) from error
        return {
            "job": str(answer["id"]),
            "started": time.time(),
            "size": WIDE_RESULT_ROWS if is_wide else RESULT_ROWS,
        }

    def read(self, position: Mapping[str, Any]) -> Iterator[Piece]:
        """Every piece after ``position``; the iterator ends when all rows were given. Raises JobFailed, JobGone."""
        job = str(position["job"])
        at = dict(position)
        try:
            expected = yield from self._wait(at)
            while at.get("locator") != END:
                rows, following = self._results(job, str(at.get("locator") or ""), int(at["size"]))
                skipped = int(at.get("skip") or 0)
                seen = int(at.get("rows") or 0)
                for start in range(skipped, len(rows), PIECE_ROWS):
                    some = rows[start : start + PIECE_ROWS]
                    left = expected - seen
                    seen += len(some)
                    is_last = start + PIECE_ROWS >= len(rows)
                    if is_last and following == END:
                        self._verify(job, seen, expected)
                    at |= {"rows": seen, "skip": 0 if is_last else start + len(some)}
                    if is_last:
                        at["locator"] = following
                    yield Piece(some, dict(at), left)
                if skipped >= len(rows):
                    at |= {"skip": 0, "locator": following}
            self._verify(job, int(at.get("rows") or 0), expected)
        except Misconfigured as error:
            raise JobGone(str(error)) from error

    def abort(self, job: str) -> None:
        """Tell Salesforce to stop working for us; it may have ended by itself."""
        with suppress(ConnectorError):
            self._session.rest(f"jobs/query/{job}", method="PATCH", json={"state": "Aborted"})

    def _wait(self, position: Position) -> Generator[Piece, None, int]:
        """Wait until the job is complete; empty pieces meanwhile. Returns how many rows it gives."""
        job, pause, waited = str(position["job"]), POLL_PAUSE_SECONDS, 0.0
        while True:
            answer = self._session.rest(f"jobs/query/{job}")
            state = str(answer.get("state"))
            if state == "JobComplete":
                return int(answer["numberRecordsProcessed"])
            if state not in AT_WORK:
                raise JobFailed(f"{state}: {answer.get('errorMessage') or 'Salesforce gives no reason'}")
            if time.time() - float(position["started"]) > LONGEST_JOB_SECONDS:
                self.abort(job)
                raise JobFailed(f"still {state} after {LONGEST_JOB_SECONDS // 3600} hours")
            if waited >= POLL_SECONDS:
                waited = 0.0
                yield Piece([], dict(position))
            time.sleep(pause)
            waited += pause
            pause = min(pause * 1.5, LONGEST_POLL_PAUSE_SECONDS)

    def _results(self, job: str, locator: str, size: int) -> tuple[list[dict[str, str]], str]:
        """(rows, locator of the page after them)."""
        asked = {"maxRecords": str(size)} | ({"locator": locator} if locator else {})
        answer = self._session.text(f"jobs/query/{job}/results", asked)
        following = answer.headers.get("Sforce-Locator", "")
        count = answer.headers.get("Sforce-NumberOfRecords", "")
        try:
            rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8"), newline=""), strict=True))
        except (UnicodeDecodeError, csv.Error) as error:
            raise RetryLater(f"Salesforce's rows can't be read ({type(error).__name__}).") from error
        if not following or count != str(len(rows)) or any(None in r or None in r.values() for r in rows):
            raise RetryLater("Salesforce's page of rows came incomplete.")
        return rows, following

    def _verify(self, job: str, seen: int, expected: int) -> None:
        if seen != expected:
            raise JobFailed(f"job {job} said {expected:,} rows and gave {seen:,}")


def typed(types: Mapping[str, str], row: Mapping[str, str]) -> Row:
    """A row of text as REST would have given it; ``types``: what describe says of each column."""
    return {name: _value(types.get(name, ""), text) for name, text in row.items()}


def _value(kind: str, text: str) -> Any:
    if text == "":
        return None
    try:
        if kind == "boolean":
            return text.lower() == "true"
        if kind == "int":
            return int(text)
        if kind in _NUMBERS:
            return float(text)
    except ValueError as error:
        raise RetryLater(f"Salesforce sent a number that can't be read: {text[:40]!r}.") from error
    return text.removesuffix("Z") + "+0000" if kind == "datetime" and text.endswith("Z") else text
