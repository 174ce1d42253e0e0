"""What the data shows, and what it proves: each reason as a story of one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from slas.appeals.reasons import Facts, Leave, suggest
from slas.counted import Span, joined, shared_seconds, without
from slas.split import CUSTOMER, RECEIVER, SYSTEM, Segment
from tests.slas.builders import MIRA, SASHA, austin


def span(begin: str, end: str) -> Span:
    return austin(begin), austin(end)


def segment(party: str, begin: str, end: str, person: int | None = None) -> Segment:
    return Segment(party, "", "sdr" if person else "", person, austin(begin), austin(end))


def facts(segments: Sequence[Segment] = (), **other: object) -> Facts:
    """A clock of one business hour, Thu 10:00 to 11:00, done at 12:30; Sasha had it from the start."""
    hour = [span("Thu 10:00", "Thu 11:00")]
    whole = Facts(
        person_id=SASHA,
        started_at=austin("Thu 10:00"),
        due_at=austin("Thu 11:00"),
        learned_at=austin("Thu 10:00"),
        ended_at=austin("Thu 12:30"),
        could_be_read=True,
        counted=hour,
        at_work=hour,
        segments=segments or [segment(RECEIVER, "Thu 10:00", "Thu 12:30", SASHA)],
    )
    return replace(whole, **other)  # type: ignore[arg-type]  # names of fields, given by the tests


def text_of(of: Facts, reason: str) -> str:
    return next(found.text for found in suggest(of) if found.reason == reason)


def said(of: Facts) -> list[tuple[str, bool]]:
    return [(s.reason, s.is_proved) for s in suggest(of)]


def test_who_had_it_all_the_time_has_no_reason() -> None:
    assert said(facts()) == []


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("Thu 10:06", [("unowned", False)]),
        ("Thu 10:30", [("unowned", False)]),
        ("Thu 10:31", [("unowned", True), ("handed_late", False)]),
        ("Thu 10:54", [("unowned", True), ("handed_late", False)]),
        ("Thu 10:55", [("unowned", True), ("handed_late", True)]),
        ("Thu 11:20", [("unowned", True), ("handed_late", True)]),
    ],
)
def test_it_had_no_owner_for_most_of_the_time(until: str, expected: list[tuple[str, bool]]) -> None:
    assert said(facts([
        segment(SYSTEM, "Thu 10:00", until), segment(RECEIVER, until, "Thu 12:30", SASHA),
    ])) == expected  # fmt: skip


def test_it_was_handed_over_after_it_was_due() -> None:
    of = facts([
        segment(RECEIVER, "Thu 10:00", "Thu 11:30", MIRA), segment(RECEIVER, "Thu 11:30", "Thu 12:30", SASHA),
    ])  # fmt: skip
    assert text_of(of, "handed_late") == "It came after it was due."
    assert said(replace(of, person_id=MIRA)) == []


def test_who_gave_it_away_and_got_it_back_had_it_from_the_first_time_on() -> None:
    of = facts([
        segment(RECEIVER, "Thu 10:00", "Thu 10:20", SASHA), segment(RECEIVER, "Thu 10:20", "Thu 11:30", MIRA),
        segment(RECEIVER, "Thu 11:30", "Thu 12:30", SASHA),
    ])  # fmt: skip
    assert said(of) == []


def leave(begin: str, end: str, written: str, back_until: str = "Fri 17:30", done: int = 0) -> Leave:
    return Leave(austin(begin), austin(end), austin(written), austin(back_until), done)


@pytest.mark.parametrize(
    ("away", "is_proved"),
    [
        (leave("Thu 08:30", "Fri 08:30", "Mon 09:00"), True),
        (leave("Thu 10:29", "Fri 08:30", "Mon 09:00"), True),
        (leave("Thu 10:30", "Fri 08:30", "Mon 09:00"), False),  # half of it is not most of it
        (leave("Thu 08:30", "Fri 08:30", "Fri 16:00"), True),  # a day's leave shows itself
        (leave("Thu 08:30", "Fri 08:30", "Fri 16:00", done=1), False),
        (leave("Thu 09:30", "Thu 11:30", "Thu 12:00"), False),  # two hours told afterwards do not
        (leave("Thu 09:30", "Thu 11:30", "Thu 09:00"), True),
        (leave("Thu 08:30", "Thu 11:30", "Mon 09:00", back_until="Thu 12:00"), False),  # nor done that day
    ],
)
def test_away_without_cover(away: Leave, is_proved: bool) -> None:
    assert said(facts(leaves=[away])) == [("away", is_proved)]


def test_a_leave_that_did_not_touch_it_is_no_reason() -> None:
    assert said(facts(leaves=[leave("Thu 11:00", "Fri 08:30", "Mon 09:00")])) == []


def test_two_leaves_over_each_other_count_once() -> None:
    both = [leave("Thu 10:00", "Thu 10:20", "Mon 09:00"), leave("Thu 10:05", "Thu 10:25", "Mon 09:00")]
    text = text_of(facts(leaves=both), "away")
    assert text == "Away for 25 min of the 1 h there was, and nobody covered."


@pytest.mark.parametrize(
    ("learned", "expected"),
    [("Thu 10:05", []), ("Thu 10:06", [("told_late", False)]), ("Thu 10:31", [("told_late", True)])],
)
def test_the_crm_told_us_late(learned: str, expected: list[tuple[str, bool]]) -> None:
    assert said(facts(learned_at=austin(learned))) == expected


def test_the_crm_could_not_be_read() -> None:
    assert said(facts(could_be_read=False)) == [("unreadable", True)]


def test_we_were_waiting_for_the_buyer() -> None:
    waited = [
        segment(CUSTOMER, "Thu 10:00", "Thu 10:40", SASHA), segment(RECEIVER, "Thu 10:40", "Thu 12:30", SASHA),
    ]  # fmt: skip
    assert said(facts(waited)) == [("customer", True)]


@pytest.mark.parametrize(
    ("own", "every_hour", "expected"),
    [
        ([], False, [("other_hours", True)]),
        ([span("Thu 10:00", "Thu 10:20")], False, [("other_hours", False)]),
        ([span("Thu 10:00", "Thu 10:30")], False, []),
        ([], True, [("other_hours", False)]),
        (None, False, []),
    ],
)
def test_outside_my_own_hours(
    own: list[Span] | None, every_hour: bool, expected: list[tuple[str, bool]]
) -> None:
    assert said(facts(own_hours=own, counts_every_hour=every_hour)) == expected


def test_a_bulk_change_is_fifty_alike_in_a_minute() -> None:
    assert said(facts(alike=49)) == []
    assert said(facts(alike=50)) == [("bulk", True)]


def test_what_is_proved_comes_first() -> None:
    of = facts([
        segment(SYSTEM, "Thu 10:00", "Thu 10:06"), segment(RECEIVER, "Thu 10:06", "Thu 12:30", SASHA),
    ], alike=612)  # fmt: skip
    assert said(of) == [("bulk", True), ("unowned", False)]


def test_a_clock_that_counted_no_time_has_no_shares() -> None:
    assert said(facts(counted=[], at_work=[], own_hours=[])) == []


# --- spans -----------------------------------------------------------------------------------------------------


def minutes(*pairs: tuple[int, int]) -> list[Span]:
    start: datetime = austin("Thu 10:00")
    return [(start + timedelta(minutes=a), start + timedelta(minutes=b)) for a, b in pairs]


def test_spans_are_cut_joined_and_shared() -> None:
    assert without(minutes((0, 60)), minutes((50, 70), (10, 20), (15, 30))) == minutes((0, 10), (30, 50))
    assert without(minutes((0, 10)), minutes((0, 10))) == []
    assert without(minutes((0, 10)), minutes((20, 30))) == minutes((0, 10))
    assert joined(minutes((5, 20), (0, 10), (30, 40))) == minutes((0, 20), (30, 40))
    assert shared_seconds(minutes((0, 30), (40, 50)), minutes((20, 45))) == 15 * 60
