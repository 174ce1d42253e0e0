"""Reading HubSpot's answers: rows, the next page, times. What can't be read refuses the page whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from integrations.errors import RetryLater
from integrations.legible import Illegible

T = TypeVar("T")
Row = Mapping[str, Any]

_NOTHING_THERE = frozenset({"OBJECT_NOT_FOUND", "crm.associations.NO_ASSOCIATIONS_FOUND"})


def rows_of(answer: Row) -> list[Row]:
    rows = answer.get("results")
    if not isinstance(rows, list) or any(not isinstance(row, dict) for row in rows):
        raise Illegible("HubSpot's answer has no results in it.")
    return rows


def records_of(answer: Row) -> list[Row]:
    """Rows that are records. A record without properties would read as one whose every field is empty."""
    rows = rows_of(answer)
    for row in rows:
        check_record(row)
    return rows


def check_record(row: Row) -> None:
    remote_id = row.get("id")
    if not (isinstance(remote_id, str) and remote_id.isascii() and remote_id.isdigit()):
        raise Illegible(f"HubSpot sent a record whose id can't be read: {str(remote_id)[:40]!r}.")
    if not isinstance(row.get("properties"), dict):
        raise Illegible(f"HubSpot sent the record {remote_id} without properties.")


def records_read(answer: Row) -> list[Row]:
    """As ``rows_read``, of records."""
    rows = rows_read(answer)
    for row in rows:
        check_record(row)
    return rows


def rows_read(answer: Row) -> list[Row]:
    """The rows of a batch read. Raises RetryLater when a 207 says of some more than that they are not there."""
    for error in answer.get("errors") or []:
        if not {str(error.get("category")), str(error.get("subCategory"))} & _NOTHING_THERE:
            said = str(error.get("message") or error.get("category") or "no reason given")
            raise RetryLater(f"HubSpot answered for a part of the records only: {said[:500]}")
    return rows_of(answer)


def next_after(answer: Row) -> str | None:
    """Where the next page begins. Only a missing link ends a list: short and even empty pages have one."""
    paging = answer.get("paging")
    if paging is None:
        return None
    following = _part(paging, "paging").get("next")
    if following is None:
        return None
    found = _part(following, "next page").get("after")
    if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
        raise Illegible("HubSpot's link to the next page can't be read.")
    return str(found)


def _part(found: Any, name: str) -> Row:
    if not isinstance(found, dict):
        raise Illegible(f"HubSpot's {name} can't be read.")
    return found


def instant(text: Any) -> datetime:
    """Raises Illegible, so that a page with a time that can't be read is refused whole."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Illegible(f"HubSpot sent a time that can't be read: {str(text)[:40]!r}.") from error


def modified_of(row: Row, cursor: str) -> datetime:
    return instant((row.get("properties") or {}).get(cursor) or row.get("updatedAt"))


def milliseconds(at: datetime | None) -> int:
    return 1 if at is None else max(1, round(at.timestamp() * 1000))


def chunks(items: list[T], size: int) -> Iterator[list[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
