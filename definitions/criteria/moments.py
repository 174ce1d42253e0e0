"""Dates, instants and windows as half-open ranges of whole numbers.

A date counts days (its ordinal), a datetime microseconds since the epoch, both in UTC. Every
temporal operator is then one question: is the value in [lowest, end)?
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from definitions.criteria.fields import FieldType
from definitions.criteria.nodes import Leaf, Window
from definitions.criteria.values import EPOCH, microsecond_of

MICROSECOND = timedelta(microseconds=1)
DAY_MICROSECONDS = 86_400_000_000
EPOCH_DAY = EPOCH.toordinal()
UNIT_MICROSECONDS = {
    "minutes": 60_000_000,
    "hours": 3_600_000_000,
    "days": DAY_MICROSECONDS,
    "weeks": 7 * DAY_MICROSECONDS,
}
DATE_UNITS = ("days", "weeks")


def utc(now: datetime) -> datetime:
    """`now` in UTC. Raises ValueError when it is naive."""
    if now.utcoffset() is None:
        raise ValueError("now must be an aware datetime")
    return now.astimezone(UTC)


def range_of(leaf: Leaf, now: datetime) -> tuple[int | None, int | None]:
    """The [lowest, end) that a temporal leaf asks for at `now` (UTC); None is unbounded."""
    if leaf.window is not None:
        here = _position(leaf, now)
        lowest, end = _offsets(leaf, leaf.window)
        return (None if lowest is None else here + lowest, here + end)
    first, last = leaf.moments[0], leaf.moments[-1]
    match leaf.op:
        case "before":
            return None, _span(leaf, first)[0]
        case "after":
            return _span(leaf, last)[1], None
        case _:
            return _span(leaf, first)[0], _span(leaf, last)[1]


def next_change(leaf: Leaf, value: int, now: datetime) -> datetime | None:
    """The first moment after `now` (UTC) at which time alone changes this leaf's truth; None if never."""
    if leaf.window is None:
        return None
    here = _position(leaf, now)
    ahead = [value + change for change in changes_of(leaf) if value + change > here]
    return _moment(leaf, min(ahead)) if ahead else None


def changes_of(leaf: Leaf) -> list[int]:
    """How far behind the value the truth changes: in days for a date, else in microseconds; none without a window."""
    if leaf.window is None:
        return []
    lowest, end = _offsets(leaf, leaf.window)
    # value in [t + lowest, t + end) holds for t in [value - end + 1, value - lowest + 1).
    return [1 - end] if lowest is None else [1 - end, 1 - lowest]


def _offsets(leaf: Leaf, window: Window) -> tuple[int | None, int]:
    length = window.count * UNIT_MICROSECONDS[window.unit]
    if leaf.field.type is FieldType.DATE:
        length //= DAY_MICROSECONDS
    match leaf.op:
        case "within_last":
            return -length, 1
        case "within_next":
            return 0, length + 1
        case "at_least_ago":  # only lists ask this, of their own times
            return None, 1 - length
        case _:
            return None, -length


def _position(leaf: Leaf, now: datetime) -> int:
    return now.toordinal() if leaf.field.type is FieldType.DATE else microsecond_of(now)


def _span(leaf: Leaf, moment: date | datetime) -> tuple[int, int]:
    """The [start, end) that an operand covers: a date covers its whole UTC day."""
    if isinstance(moment, datetime):
        start = microsecond_of(moment)
        return start, start + 1
    if leaf.field.type is FieldType.DATE:
        return moment.toordinal(), moment.toordinal() + 1
    start = (moment.toordinal() - EPOCH_DAY) * DAY_MICROSECONDS
    return start, start + DAY_MICROSECONDS


def _moment(leaf: Leaf, position: int) -> datetime | None:
    if leaf.field.type is FieldType.DATE:
        position = (position - EPOCH_DAY) * DAY_MICROSECONDS
    try:
        return EPOCH + position * MICROSECOND
    except OverflowError:  # past the year 9999
        return None
