"""Facts about when a message may disturb somebody."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from effects.policy import (
    WINDOW,
    Bundle,
    Counts,
    Decision,
    Planned,
    Preferences,
    Receiver,
    Sent,
    Waiting,
    count_messages,
    decide,
    settle,
)

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
NOON = MONDAY.replace(hour=12)
NIGHT = MONDAY.replace(hour=22)


@dataclass(frozen=True)
class Daily:
    """Open from ``opens`` to ``closes`` UTC, Monday to Friday."""

    opens: int = 8
    closes: int = 17

    def opens_at(self, at: datetime) -> datetime | None:
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        for _ in range(10):
            begin, end = day + timedelta(hours=self.opens), day + timedelta(hours=self.closes)
            if day.weekday() < 5 and at < end:
                return max(at, begin)
            day += timedelta(days=1)
        return None


class Closed:
    def opens_at(self, at: datetime) -> datetime | None:
        return None


ANNA = Receiver(hours=Daily())


def late(key: int = 1, at: datetime = NOON, **more: object) -> Waiting:
    return replace(Waiting(key, "email", at, "late", "first_touch"), **more)  # type: ignore[arg-type]  # a table of facts


def chosen(**more: object) -> Receiver:
    return replace(ANNA, preferences=replace(Preferences(), **more))  # type: ignore[arg-type]  # a table of facts


TUESDAY_8 = datetime(2026, 3, 3, 8, tzinfo=UTC)

FACTS = [
    ("in working hours at once", late(), ANNA, Sent(), NOON, Decision("now", NOON)),
    ("at night with the digest", late(), ANNA, Sent(), NIGHT, Decision("digest", TUESDAY_8)),
    (
        "at night, no digest wanted",
        late(),
        chosen(has_digest=False),
        Sent(),
        NIGHT,
        Decision("hold", TUESDAY_8),
    ),
    ("at any hour", late(at_any_hour=True), ANNA, Sent(), NIGHT, Decision("now", NIGHT)),
    ("never quiet", late(), chosen(quiet="never"), Sent(), NIGHT, Decision("now", NIGHT)),
    (
        "on Friday evening until Monday",
        late(),
        ANNA,
        Sent(),
        datetime(2026, 3, 6, 18, tzinfo=UTC),
        Decision("digest", datetime(2026, 3, 9, 8, tzinfo=UTC)),
    ),
    ("budget spent", late(), ANNA, Sent(today=20), NOON, Decision("digest", TUESDAY_8)),
    (
        "at any hour, but the budget is spent",
        late(at_any_hour=True),
        ANNA,
        Sent(today=20),
        NOON,
        Decision("digest", TUESDAY_8),
    ),
    (
        "budget spent and no digest",
        late(),
        chosen(has_digest=False),
        Sent(today=20),
        NOON,
        Decision("inbox", NOON),
    ),
    (
        "one of its group went out before",
        late(),
        ANNA,
        Sent(last_of_group={("email", "first_touch"): NOON - timedelta(minutes=5)}),
        NOON,
        Decision("grouped", NOON + timedelta(minutes=10)),
    ),
    (
        "another channel's group is another",
        late(),
        ANNA,
        Sent(last_of_group={("slack", "first_touch"): NOON}),
        NOON,
        Decision("now", NOON),
    ),
    (
        "the window is over",
        late(),
        ANNA,
        Sent(last_of_group={("email", "first_touch"): NOON - WINDOW}),
        NOON,
        Decision("now", NOON),
    ),
    (
        "not by this channel",
        late(),
        chosen(late_by=frozenset({"slack"})),
        Sent(),
        NOON,
        Decision("inbox", NOON),
    ),
    (
        "a warning by another channel than what is late",
        late(severity="warning"),
        chosen(late_by=frozenset()),
        Sent(),
        NOON,
        Decision("now", NOON),
    ),
    ("the digest is due", late(held="digest"), ANNA, Sent(), TUESDAY_8, Decision("digest", TUESDAY_8)),
    (
        "there was a digest today",
        late(held="digest"),
        ANNA,
        Sent(digests=frozenset({("email", TUESDAY_8.date())})),
        TUESDAY_8,
        Decision("digest", datetime(2026, 3, 4, 8, tzinfo=UTC)),
    ),
    (
        "a channel has no budget",
        late(channel="slack_channel"),
        Receiver(hours=Daily(), is_person=False),
        Sent(today=500),
        NOON,
        Decision("now", NOON),
    ),
    (
        "a channel sleeps too",
        late(channel="slack_channel"),
        Receiver(hours=Daily(), is_person=False),
        Sent(),
        NIGHT,
        Decision("hold", TUESDAY_8),
    ),
]


@pytest.mark.parametrize(
    ("message", "receiver", "sent", "now", "decision"), [f[1:] for f in FACTS], ids=[f[0] for f in FACTS]
)
def test_what_becomes_of_a_message(
    message: Waiting, receiver: Receiver, sent: Sent, now: datetime, decision: Decision
) -> None:
    assert decide(message, receiver, sent, now) == decision


@pytest.mark.parametrize(
    ("begins", "ends", "at", "opens"),
    [
        (time(20), time(7), "2026-03-02T21:30", "2026-03-03T07:00"),
        (time(20), time(7), "2026-03-02T06:59", "2026-03-02T07:00"),
        (time(20), time(7), "2026-03-02T07:00", "2026-03-02T07:00"),
        (time(12), time(13), "2026-03-02T12:30", "2026-03-02T13:00"),
        (time(12), time(13), "2026-03-02T11:59", "2026-03-02T11:59"),
        (time(9), time(9), "2026-03-02T09:30", "2026-03-02T09:30"),
        # The night in which 02:00 to 03:00 does not exist.
        (time(20), time(2, 30), "2026-03-29T01:00", "2026-03-29T03:30"),
    ],
)
def test_own_quiet_hours_are_local(begins: time, ends: time, at: str, opens: str) -> None:
    receiver = Receiver(
        zone=BERLIN, preferences=Preferences(quiet="own", quiet_from=begins, quiet_to=ends), hours=Daily()
    )
    asked = datetime.fromisoformat(at).replace(tzinfo=BERLIN).astimezone(UTC)
    assert receiver.opens_at(asked) == datetime.fromisoformat(opens).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize("hours", [None, Closed()])
def test_nights_are_quiet_where_nobody_wrote_down_hours(hours: Closed | None) -> None:
    receiver = Receiver(zone=BERLIN, hours=hours)
    assert receiver.opens_at(NIGHT) == datetime(2026, 3, 3, 6, tzinfo=UTC)
    assert receiver.opens_at(NOON) == NOON


def test_a_flood_of_one_group_is_one_message() -> None:
    flood = [late(i) for i in range(300)]
    plan = settle(flood, ANNA, Sent(), NOON)
    assert plan.bundles == (Bundle("email", tuple(flood)),)


def test_what_still_gathers_goes_along_and_other_groups_do_not() -> None:
    joining, other = late(2, NOON + timedelta(seconds=4)), late(3, group="answer")
    plan = settle([late(1), joining, other], ANNA, Sent(), NOON)
    assert [tuple(i.key for i in b.items) for b in plan.bundles] == [(1, 2), (3,)]


def test_messages_without_a_group_are_never_put_together() -> None:
    plan = settle([late(1, group=""), late(2, group="")], ANNA, Sent(), NOON)
    assert len(plan.bundles) == 2


def test_the_night_is_one_digest() -> None:
    night = [late(i, TUESDAY_8, held="digest", group=f"rule {i % 3}") for i in range(12)]
    plan = settle([*night, late(99, TUESDAY_8)], ANNA, Sent(), TUESDAY_8)
    assert [(len(b.items), b.is_digest) for b in plan.bundles] == [(12, True), (1, False)]


def test_a_budget_of_two_lets_two_through_and_keeps_the_rest() -> None:
    plan = settle([late(i, group=f"{i}") for i in range(5)], chosen(messages_a_day=2), Sent(), NOON)
    assert (len(plan.bundles), [d.what for _, d in plan.held]) == (2, ["digest"] * 3)


@pytest.mark.parametrize(
    ("planned", "receiver", "counts"),
    [
        ([], ANNA, None),
        ([(NOON, "email")] * 41, ANNA, Counts(messages=1, most_a_day=1)),
        ([(NOON, "email"), (NOON, "inbox"), (NOON, "crm_task")], ANNA, Counts(1, 0, 0, 1, 1, 1)),
        ([(NIGHT, "email")] * 3, ANNA, Counts(digests=1, in_digests=3)),
        (
            [(NOON + timedelta(minutes=m), "email") for m in range(31)],
            ANNA,
            # At 12:00, one at the end of each of two windows, and the last one's.
            Counts(messages=3, most_a_day=3),
        ),
        ([(NOON, "email")] * 3, chosen(late_by=frozenset()), Counts(inbox=3)),
        ([(NIGHT, "email")] * 3, chosen(quiet="never"), Counts(messages=1, most_a_day=1)),
    ],
)
def test_a_preview_counts_what_would_reach_a_person(
    planned: list[tuple[datetime, str]], receiver: Receiver, counts: Counts | None
) -> None:
    messages = [Planned(7, at, "first_touch", channel) for at, channel in planned]
    assert count_messages(messages, {7: receiver}).get(7) == counts


moments = st.integers(0, 14 * 24 * 60).map(lambda m: MONDAY + timedelta(minutes=m))
some_messages = st.lists(
    st.builds(
        Planned,
        person=st.just(7),
        at=moments,
        group=st.sampled_from(["", "first_touch", "answer"]),
        channel=st.sampled_from(["email", "slack"]),
        severity=st.sampled_from(["warning", "late"]),
        at_any_hour=st.booleans(),
    ),
    max_size=25,
)
some_receivers = st.builds(
    Receiver,
    zone=st.sampled_from([BERLIN, ZoneInfo("America/Chicago")]),
    hours=st.sampled_from([None, Daily(), Closed()]),
    preferences=st.builds(
        Preferences,
        late_by=st.sampled_from([frozenset(), frozenset({"email"}), frozenset({"email", "slack"})]),
        quiet=st.sampled_from(["working_hours", "own", "never"]),
        has_digest=st.booleans(),
        messages_a_day=st.integers(1, 4),
    ),
)


@given(some_messages, some_receivers)
def test_no_day_has_more_messages_than_the_budget(planned: list[Planned], receiver: Receiver) -> None:
    counts = count_messages(planned, {7: receiver}).get(7, Counts())
    assert counts.most_a_day <= receiver.preferences.messages_a_day
    assert counts.messages + counts.in_digests + counts.inbox <= len(planned)
    assert not planned or counts.messages + counts.digests + counts.inbox > 0


@given(some_messages, some_receivers, moments)
def test_everything_due_is_settled_exactly_once(
    planned: list[Planned], receiver: Receiver, now: datetime
) -> None:
    waiting = [Waiting(i, m.channel, m.at, m.severity, m.group, m.at_any_hour) for i, m in enumerate(planned)]
    plan = settle(waiting, receiver, Sent(), now)
    settled = [
        *(item.key for bundle in plan.bundles for item in bundle.items),
        *(message.key for message, _ in plan.held),
        *(message.key for message in plan.inbox),
    ]
    assert len(settled) == len(set(settled))
    assert {w.key for w in waiting if w.at <= now} <= set(settled)
    assert all(decision.until > now for _, decision in plan.held)
