"""The merge of two streams of ids says exactly what a comparison of two whole sets would say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.comparing import Found, Here, OutOfOrder, There, differences, is_too_much_gone

NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BEFORE = NOON - HOUR


def found(there: list[There], here: list[Here]) -> list[tuple[str, str]]:
    return [(one.kind, one.remote_id) for one in differences(there, here, settled_at=NOON, listed_at=NOON)]


def test_the_same_on_both_sides_is_no_difference() -> None:
    assert (
        found([There("1", BEFORE), There("2", BEFORE)], [Here("1", BEFORE, BEFORE), Here("2", NOON, BEFORE)])
        == []
    )


@pytest.mark.parametrize(
    ("there", "here", "kinds"),
    [
        ([There("1", BEFORE)], [], [("missing_here", "1")]),
        ([], [Here("1", BEFORE, BEFORE)], [("missing_there", "1")]),
        ([There("1", BEFORE)], [Here("1", BEFORE - HOUR, BEFORE)], [("stale", "1")]),
        ([There("1", BEFORE)], [Here("1", None, BEFORE)], [("stale", "1")]),
        # Not read yet, because it changed since: no difference.
        ([There("1", NOON)], [], []),
        ([There("1", NOON)], [Here("1", BEFORE, BEFORE)], []),
        # First seen since the list began.
        ([], [Here("1", BEFORE, NOON)], []),
        # Code points, not letters of a language.
        ([There("00QA", BEFORE), There("00Qa", BEFORE)], [Here("00QA", BEFORE, BEFORE)], [("missing_here", "00Qa")]),
    ],
)  # fmt: skip
def test_each_kind_of_difference(there: list[There], here: list[Here], kinds: list[tuple[str, str]]) -> None:
    assert found(there, here) == kinds


def test_a_stream_that_does_not_grow_is_refused() -> None:
    with pytest.raises(OutOfOrder, match="'1' came after '2'"):
        found([There("2", BEFORE), There("1", BEFORE)], [])


IDS = st.text("0129Aaz", min_size=1, max_size=3)
STAMPS = st.integers(-3, 3).map(lambda hours: NOON + hours * HOUR)


@given(st.dictionaries(IDS, STAMPS), st.dictionaries(IDS, st.tuples(st.none() | STAMPS, STAMPS)))
def test_it_says_what_two_whole_sets_say(
    there: dict[str, datetime], here: dict[str, tuple[datetime | None, datetime]]
) -> None:
    wanted = set()
    for remote_id, at in there.items():
        if remote_id not in here:
            wanted |= {Found("missing_here", remote_id, at)} if at < NOON else set()
        elif at < NOON and (here[remote_id][0] or at - HOUR) < at:
            wanted.add(Found("stale", remote_id, at))
    wanted |= {Found("missing_there", i) for i, (_, seen) in here.items() if i not in there and seen < NOON}
    told = differences(
        [There(i, at) for i, at in sorted(there.items())],
        [Here(i, at, seen) for i, (at, seen) in sorted(here.items())],
        settled_at=NOON,
        listed_at=NOON,
    )
    assert set(told) == wanted


@pytest.mark.parametrize(
    ("gone", "here", "too_much"),
    [(100, 10, False), (101, 10, True), (101, 2000, False), (201, 2000, True), (0, 0, False)],
)
def test_so_many_gone_that_it_looks_like_lost_rights(gone: int, here: int, too_much: bool) -> None:
    assert is_too_much_gone(gone, here) is too_much
