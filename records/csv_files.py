"""Tables as CSV files that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
Answer = TypeVar("Answer", bound=HttpResponseBase)


class _Line:
    """What csv.writer writes to: hands the line on instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def safe_cell(value: Any) -> str:
    """A value as text: instants in ISO 8601, empty for None. A text that a spreadsheet would run gets an apostrophe in
    front; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    text = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def csv_lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Line by line, the header first, behind the mark by which Excel knows UTF-8."""
    writer = csv.writer(_Line())
    yield "\ufeff" + writer.writerow(header)
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])


def csv_answer(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """A file of at most some thousand rows."""
    return _named(name, HttpResponse("".join(csv_lines(header, rows)), content_type=_TYPE))


def csv_streamed(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """A file of any length, sent line by line. ``rows`` is read in one transaction, which hands out the first rows of
    an ``iterator()`` before the last are found; outside one PostgreSQL reads the cursor to its end at once."""
    return _named(name, StreamingHttpResponse(_in_transaction(csv_lines(header, rows)), content_type=_TYPE))


_TYPE = "text/csv; charset=utf-8"


def _in_transaction(lines: Iterable[str]) -> Iterator[str]:
    with transaction.atomic():
        yield from lines


def _named(name: str, answer: Answer) -> Answer:
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer["Cache-Control"] = "private, no-store"
    return answer
