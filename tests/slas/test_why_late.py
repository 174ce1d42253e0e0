"""Why it was late, and whose time most of it was: what was so until the time was up counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from slas.why_late import REASONS, longest_party, why_late

START = datetime(2026, 11, 12, 9, tzinfo=UTC)


def segments(*parts: tuple[str, int]) -> list[dict[str, object]]:
    """(party, minutes) one after the other."""
    found, at = [], START
    for party, minutes in parts:
        end = at + timedelta(minutes=minutes)
        found.append({"party": party, "from": at.isoformat(), "to": end.isoformat()})
        at = end
    return found


@pytest.mark.parametrize(
    ("parts", "until", "party"),
    [
        ([], None, ""),
        ([("system", 95), ("sender", 20), ("receiver", 75)], None, "system"),
        ([("closed", 900), ("receiver", 10)], None, "receiver"),  # a night is nobody's time
        ([("closed", 900)], None, ""),
        ([("system", 20), ("receiver", 300)], 60, "receiver"),
        ([("system", 40), ("receiver", 300)], 60, "system"),
        ([("receiver", 30), ("customer", 31)], None, "customer"),
    ],
)
def test_the_longest_party_is_by_open_time(
    parts: list[tuple[str, int]], until: int | None, party: str
) -> None:
    end = START + timedelta(minutes=until) if until else None
    assert longest_party(segments(*parts), end) == party


@pytest.mark.parametrize(
    ("parts", "acts", "has_it", "reason"),
    [
        ([("system", 50), ("receiver", 500)], "receiver", "receiver", "no_owner"),
        ([("receiver", 200)], "receiver", "receiver", "not_worked"),
        ([("sender", 50), ("receiver", 500)], "receiver", "receiver", "other_side"),
        ([("sender", 200)], "sender", "sender", "not_worked"),
        ([("receiver", 200)], "sender", "receiver", "other_side"),
        ([("customer", 200)], "receiver", "customer", "on_customer"),
        # Nobody has done it yet: who has it now.
        ([], "receiver", "system", "no_owner"),
        ([], "receiver", "receiver", "not_worked"),
    ],
)
def test_the_reason_is_what_held_it_until_the_time_was_up(
    parts: list[tuple[str, int]], acts: str, has_it: str, reason: str
) -> None:
    found = why_late(
        is_verified=True, acts=acts, segments=segments(*parts), has_it=has_it, started_at=START,
        due_at=START + timedelta(hours=1),
    )  # fmt: skip
    assert found == reason
    assert reason in REASONS


def test_an_absence_before_the_due_time_explains_it_and_one_after_does_not() -> None:
    def reason(begin: int, end: int, *, is_verified: bool = True) -> str:
        away = (START + timedelta(minutes=begin), START + timedelta(minutes=end))
        return why_late(
            is_verified=is_verified, acts="receiver", segments=segments(("receiver", 300)), has_it="receiver",
            started_at=START, due_at=START + timedelta(hours=1), absences=[away],
        )  # fmt: skip

    assert reason(30, 600) == "away"
    assert reason(-600, 10) == "away"
    assert reason(60, 600) == "not_worked"
    assert reason(-600, 0) == "not_worked"
    # A CRM that could not be read says nothing of anybody.
    assert reason(30, 600, is_verified=False) == "unreadable"
