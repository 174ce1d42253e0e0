"""Which of several versions is in force when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from definitions.histories import in_force_at, read_by_at

DAY = timedelta(days=1)
FIRST = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass(frozen=True)
class One:
    name: str
    since: datetime
    until: datetime | None = None


LINE = [One("a", FIRST), One("b", FIRST + 2 * DAY, FIRST + 4 * DAY), One("c", FIRST + 6 * DAY)]


@pytest.mark.parametrize(
    ("days", "in_force", "read_by"),
    [
        (-1, None, "a"), (0, "a", "a"), (1.9, "a", "a"), (2, "b", "b"), (4, None, None), (5, None, None), (6, "c", "c"),
        (99, "c", "c"),
    ],
)  # fmt: skip
def test_the_latest_that_had_begun_unless_it_was_retired(
    days: float, in_force: str | None, read_by: str | None
) -> None:
    found = in_force_at(LINE, FIRST + days * DAY), read_by_at(LINE, FIRST + days * DAY)
    assert tuple(one and one.name for one in found) == (in_force, read_by)


def test_nothing_is_in_force_of_what_was_never_written() -> None:
    assert in_force_at([], FIRST) is None
    assert read_by_at([], FIRST) is None
