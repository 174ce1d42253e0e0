"""How much is sent at once, when again, and when it is given up; no clock, no database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.writing.deciding import (
    GIVE_UP_AFTER,
    LONGEST_PAUSE_SECONDS,
    Standing,
    batch_size,
    is_given_up,
    next_day,
    pause_after,
)

NOW = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("full", "attempts", "failures", "left", "size"),
    [
        (200, 0, 0, None, 200),
        (200, 1, 0, None, 100),
        (200, 7, 0, None, 1),
        (100, 3, 0, None, 12),
        (100, 99, 0, None, 1),
        (200, 0, 1, None, 1),
        (200, 0, 0, 40, 40),
        (200, 2, 0, 40, 40),
        (200, 0, 0, 0, 0),
    ],
)
def test_the_size_of_a_batch(full: int, attempts: int, failures: int, left: int | None, size: int) -> None:
    assert batch_size(full, attempts=attempts, failures=failures, left=left) == size


@given(st.integers(1, 200), st.integers(1, 200))
def test_halving_finds_one_poisoned_record_in_any_batch(full: int, poisoned: int) -> None:
    """However the batches fall, the poisoned one is alone after as many attempts as the batch has halves."""
    records, attempts = full, 0
    while records > 1:
        attempts += 1
        records = min(records, batch_size(full, attempts=attempts, failures=0))
        assert attempts < GIVE_UP_AFTER
    assert records == 1


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 10), (1, 10), (2, 20), (3, 40), (8, LONGEST_PAUSE_SECONDS), (400, 900)]
)
def test_pauses_double_up_to_a_quarter_of_an_hour(attempts: int, seconds: int) -> None:
    assert pause_after(attempts) == timedelta(seconds=seconds)
    assert timedelta(seconds=seconds * 0.8) <= pause_after(attempts, 1.0) < pause_after(attempts)


def test_from_the_fourth_failure_on_there_is_at_most_one_try_a_minute() -> None:
    assert all(pause_after(n, 1.0) >= timedelta(minutes=1) for n in range(4, 100))


@pytest.mark.parametrize(
    ("attempts", "records", "ago_minutes", "is_dead"),
    [
        (GIVE_UP_AFTER, 1, 5, True),
        (GIVE_UP_AFTER - 1, 1, 5, False),
        (GIVE_UP_AFTER, 2, 5, False),
        (GIVE_UP_AFTER, 1, 61, False),
        (GIVE_UP_AFTER, 1, None, False),
    ],
)
def test_only_what_fails_alone_while_others_are_taken_is_given_up(
    attempts: int, records: int, ago_minutes: int | None, is_dead: bool
) -> None:
    at = None if ago_minutes is None else NOW - timedelta(minutes=ago_minutes)
    assert is_given_up(attempts=attempts, records=records, succeeded_at=at, now=NOW) is is_dead


@pytest.mark.parametrize(
    ("cap", "written", "in_flight", "left", "is_spent"),
    [
        (10, 0, 0, 10, False),
        (10, 4, 5, 1, False),
        (10, 4, 6, 0, False),
        (10, 10, 0, 0, True),
        (5, 9, 0, 0, True),
    ],
)
def test_what_a_day_still_allows(cap: int, written: int, in_flight: int, left: int, is_spent: bool) -> None:
    standing = Standing(cap, written, in_flight)
    assert (standing.left, standing.is_spent) == (left, is_spent)


def test_a_day_ends_at_midnight_utc() -> None:
    assert next_day(NOW) == datetime(2026, 3, 3, tzinfo=UTC)
