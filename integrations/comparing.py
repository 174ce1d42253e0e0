"""What differs between the ids of a CRM and ours (pure): a merge of two streams in the order of ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeVar

MISSING_HERE: Final = "missing_here"
MISSING_THERE: Final = "missing_there"
STALE: Final = "stale"
FEW_GONE = 100
LARGEST_SHARE_GONE = 0.1


@dataclass(frozen=True, slots=True)
class There:
    """A live record as the CRM lists it."""

    remote_id: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Here:
    """A record that we hold as live. ``seen_at``: since when."""

    remote_id: str
    modified_at: datetime | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    kind: Literal["missing_here", "missing_there", "stale"]
    remote_id: str
    modified_at: datetime | None = None


T = TypeVar("T", There, Here)


class OutOfOrder(ValueError):
    """A stream that does not grow by id can't be merged."""


def differences(
    there: Iterable[There], here: Iterable[Here], *, settled_at: datetime, listed_at: datetime
) -> Iterator[Found]:
    """Each record that one side lacks, or that changed there and not here. Both streams grow by id, code point by code
    point, without repeats; raises OutOfOrder.

    What changed there since ``settled_at`` is not expected here yet, nor in a list that began at ``listed_at`` what we
    first saw after it."""
    theirs, ours = _growing(there), _growing(here)
    one, other = next(theirs, None), next(ours, None)
    while one is not None or other is not None:
        if one is not None and (other is None or one.remote_id < other.remote_id):
            if one.modified_at < settled_at:
                yield Found(MISSING_HERE, one.remote_id, one.modified_at)
            one = next(theirs, None)
        elif other is not None and (one is None or other.remote_id < one.remote_id):
            if other.seen_at < listed_at:
                yield Found(MISSING_THERE, other.remote_id)
            other = next(ours, None)
        elif one is not None and other is not None:
            is_older = other.modified_at is None or other.modified_at < one.modified_at
            if is_older and one.modified_at < settled_at:
                yield Found(STALE, one.remote_id, one.modified_at)
            one, other = next(theirs, None), next(ours, None)


def is_too_much_gone(gone: int, here: int) -> bool:
    """Whether that many missing there look like rights that were lost, rather than records."""
    return gone > max(FEW_GONE, here * LARGEST_SHARE_GONE)


def _growing(rows: Iterable[T]) -> Iterator[T]:
    last: str | None = None
    for row in rows:
        if last is not None and row.remote_id <= last:
            raise OutOfOrder(f"{row.remote_id!r} came after {last!r}")
        last = row.remote_id
        yield row
