"""Who had it: the hand-worked example of the explanation page, and that no second is lost or counted twice."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from records.journey_data import Batch
from slas.conditions import Conditions
from slas.evidence import holdings
from slas.fold import segments_until
from slas.split import Segment, split
from tests.slas.builders import OWNERS, STAFF, Buyer, austin, rule

TOUCH = rule("touch")


def stretches(segments: list[Segment] | tuple[Segment, ...]) -> list[tuple[str, str, int]]:
    return [(s.party, s.who, s.seconds) for s in segments]


def test_the_example_of_the_page_is_split_as_worked_out_by_hand() -> None:
    buyer = Buyer().became_mql("Thu 15:35").owned_by("mira", "Thu 17:10").owned_by("sasha", "Thu 19:00")
    clock = buyer.read_again(TOUCH, "Thu 16:35:03").activity("c", "Fri 09:45").clock(TOUCH, "Fri 12:00")
    assert clock.due_at == austin("Thu 16:35")
    assert stretches(clock.segments) == [
        ("system", "Nobody", 5700),  # 15:35 to 17:10, nobody owned it
        ("sender", "Mira Post", 1200),  # to 17:30, Marketing had it
        ("closed", "Mira Post", 5400),  # to 19:00, after hours
        ("closed", "Sasha Field", 48_600),  # 19:00 to 08:30
        ("receiver", "Sasha Field", 4500),  # to 09:45, the first call
    ]
    assert sum(s.seconds for s in clock.segments) == 65_400  # 18 h 10


def test_the_system_never_closes() -> None:
    assert stretches(Buyer().became_mql("Fri 17:00").clock(TOUCH, "Fri 17:01").segments) == []
    whole_weekend = list(split(TOUCH, austin("Fri 17:00"), austin("16 Mon 09:00"), [], STAFF))
    assert stretches(whole_weekend) == [("system", "Nobody", 64 * 3600)]


def test_a_queue_is_named_and_is_the_systems_doing() -> None:
    buyer = Buyer().owned_by("queue", "Thu 09:00").became_mql("Thu 10:00").owned_by("sasha", "Thu 10:30")
    segments = buyer.activity("c", "Thu 10:40").clock(TOUCH, "Thu 11:00").segments
    assert stretches(segments) == [("system", "Inbound queue", 1800), ("receiver", "Sasha Field", 600)]


def test_a_person_without_a_calendar_is_never_closed() -> None:
    buyer = Buyer().owned_by("ava", "Thu 09:00").became_mql("Thu 17:00")
    assert stretches(buyer.activity("c", "Fri 09:00").clock(TOUCH, "Fri 10:00").segments) == [
        ("receiver", "Ava Lind", 16 * 3600)
    ]


moments = st.integers(0, 40 * 86_400).map(lambda s: datetime(2026, 10, 20, tzinfo=UTC) + timedelta(seconds=s))
owners = st.sampled_from(["sasha", "mira", "ava", "gone", "queue", None])


@given(
    start=moments,
    length=st.integers(0, 20 * 86_400),
    fraction=st.integers(0, 999_999),
    changes=st.lists(st.tuples(moments, owners), max_size=8),
)
def test_segments_cover_every_second_once(
    start: datetime, length: int, fraction: int, changes: list[tuple[datetime, str | None]]
) -> None:
    buyer = Buyer()
    for at, owner in changes:
        buyer.tell("contact", "change", at, field="owner", new=owner)
    begin = start + timedelta(microseconds=fraction)
    end = start + timedelta(seconds=length, microseconds=fraction // 2)
    if end < begin:
        begin = end
    journey = buyer.journey()
    batch = Batch({}, OWNERS, now=end)
    owned = holdings(journey, journey.records[0], batch, STAFF)
    found = segments_until(journey.records[0], TOUCH, begin, end, owned, STAFF, Conditions())
    whole_begin, whole_end = begin.replace(microsecond=0), end.replace(microsecond=0)
    assert sum(s.seconds for s in found) == int((whole_end - whole_begin).total_seconds())
    edges = [whole_begin, *(s.end for s in found)]
    assert [s.begin for s in found] == edges[:-1]
    assert edges[-1] == whole_end
    assert all(s.seconds > 0 for s in found)
    assert all(
        (a.party, a.person_id) != (b.party, b.person_id) or a.who != b.who
        for a, b in itertools.pairwise(found)
    )
