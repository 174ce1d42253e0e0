"""Why a late clock may not be on somebody: what the data shows, and what it proves (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from slas.counted import Span, joined, shared_seconds, without
from slas.durations import duration_words
from slas.split import CUSTOMER, SYSTEM, Segment

UNOWNED, AWAY, HANDED_LATE, TOLD_LATE = "unowned", "away", "handed_late", "told_late"
UNREADABLE, CUSTOMER_HAD_IT, OTHER_HOURS, BULK, OTHER = (
    "unreadable", "customer", "other_hours", "bulk", "other",
)  # fmt: skip

SAYINGS: Final = {
    UNOWNED: "It had no owner",
    AWAY: "I was away, and nobody covered for me",
    HANDED_LATE: "I got it too late",
    TOLD_LATE: "The CRM told us late",
    UNREADABLE: "The CRM could not be read",
    CUSTOMER_HAD_IT: "We were waiting for the buyer",
    OTHER_HOURS: "It was outside my working hours",
    BULK: "It was part of a bulk change",
    OTHER: "Something else",
}
"""In the words of the person whom it is about."""
SAYINGS_OF_OTHERS: Final = SAYINGS | {
    AWAY: "They were away, and nobody covered for them",
    HANDED_LATE: "They got it too late",
    CUSTOMER_HAD_IT: "They were waiting for the buyer",
    OTHER_HOURS: "It was outside their working hours",
}
"""In the words of whoever says it for them."""
REASONS: Final = tuple(SAYINGS)

MOST: Final = 0.5
"""More than this share of the time that counted is most of it."""
LITTLE: Final = 0.1
"""Less than this share of the time was left: nobody could have done it."""
MANY_ALIKE: Final = 50
"""So many records changed in the same way within a minute are a bulk change."""
A_DAYS_LEAVE: Final = timedelta(hours=8)
"""What is shorter and written down only afterwards proves nothing."""


@dataclass(frozen=True)
class Leave:
    """An absence without cover, [begin, end). ``back_until``: the end of the first working day after it.

    ``done``: activities of theirs that were logged in its working hours; ``written_at``: when it was written down."""

    begin: datetime
    end: datetime
    written_at: datetime
    back_until: datetime
    done: int = 0


@dataclass(frozen=True)
class Facts:
    """What the data knows of one late clock and one person. ``counted``: the time that counted up to the due time;
    ``at_work``: the same had nobody been away; ``segments``: who had it, to the end or to now."""

    person_id: int
    started_at: datetime
    due_at: datetime
    learned_at: datetime
    ended_at: datetime
    could_be_read: bool
    counted: Sequence[Span]
    at_work: Sequence[Span]
    segments: Sequence[Segment]
    leaves: Sequence[Leave] = ()
    own_hours: Sequence[Span] | None = None
    """Of ``counted``, what is inside the person's own working hours; None: it is counted by these anyway."""
    counts_every_hour: bool = False
    alike: int = 0
    """Records of which the same field changed within a minute of the start, this one among them."""

    @property
    def counted_seconds(self) -> int:
        return sum(int((end - begin).total_seconds()) for begin, end in self.counted)


@dataclass(frozen=True)
class Suggestion:
    """A reason that the data shows. ``is_proved``: the data is enough; ``text``: what it shows."""

    reason: str
    is_proved: bool
    text: str

    @property
    def saying(self) -> str:
        return SAYINGS[self.reason]


def suggest(facts: Facts) -> list[Suggestion]:
    """What the data shows, what it proves first; ``OTHER`` is for whoever asks to offer."""
    looks = (_unowned, _away, _handed_late, _told_late, _unreadable, _customer, _other_hours, _bulk)
    found = [said for look in looks if (said := look(facts)) is not None]
    return sorted(found, key=lambda s: not s.is_proved)


def _unowned(facts: Facts) -> Suggestion | None:
    seconds, whole = shared_seconds(facts.counted, _spans(facts, SYSTEM)), facts.counted_seconds
    if not seconds:
        return None
    text = f"For {duration_words(seconds)} of the {duration_words(whole)} that counted it had no owner."
    return Suggestion(UNOWNED, seconds / whole > MOST, text)


def _customer(facts: Facts) -> Suggestion | None:
    seconds, whole = shared_seconds(facts.counted, _spans(facts, CUSTOMER)), facts.counted_seconds
    if not seconds:
        return None
    text = f"For {duration_words(seconds)} of the {duration_words(whole)} that counted the buyer had it."
    return Suggestion(CUSTOMER_HAD_IT, seconds / whole > MOST, text)


def _away(facts: Facts) -> Suggestion | None:
    """Proved: away for most of the time there was, nobody covering, done by the end of the first day back; and written
    down before it was due, or a day's leave in which nothing of theirs was logged."""
    whole = sum(int((end - begin).total_seconds()) for begin, end in facts.at_work)
    away = shared_seconds(facts.at_work, joined((leave.begin, leave.end) for leave in facts.leaves))
    if not away or not whole:
        return None
    first_due = facts.at_work[-1][1]
    hit = [leave for leave in facts.leaves if shared_seconds(facts.at_work, [(leave.begin, leave.end)])]
    is_told = all(leave.written_at <= first_due or _shows_itself(leave) for leave in hit)
    is_back = facts.ended_at <= max(leave.back_until for leave in hit)
    text = f"Away for {duration_words(away)} of the {duration_words(whole)} there was, and nobody covered."
    if any(leave.written_at > first_due for leave in hit):
        text += " Written down only afterwards"
        text += ", but nothing was logged in working hours then." if is_told else "."
    if not is_back:
        text += " Not done on the first day back either."
    return Suggestion(AWAY, away / whole > MOST and is_told and is_back, text)


def _shows_itself(leave: Leave) -> bool:
    return leave.end - leave.begin >= A_DAYS_LEAVE and not leave.done


def _handed_late(facts: Facts) -> Suggestion | None:
    """By how much of the time was left when it came to the person for the first time."""
    got_at = min((s.begin for s in facts.segments if s.person_id == facts.person_id), default=None)
    if got_at is None or got_at <= facts.started_at:
        return None
    if got_at >= facts.due_at:
        return Suggestion(HANDED_LATE, True, "It came after it was due.")
    whole = facts.counted_seconds
    left = shared_seconds(facts.counted, [(got_at, facts.due_at)])
    if not whole or left / whole >= MOST:
        return None
    text = f"When it came, {duration_words(left)} of the {duration_words(whole)} were left."
    return Suggestion(HANDED_LATE, left / whole < LITTLE, text)


def _told_late(facts: Facts) -> Suggestion | None:
    whole = facts.counted_seconds
    gone = shared_seconds(facts.counted, [(facts.started_at, max(facts.learned_at, facts.started_at))])
    if not whole or gone / whole < LITTLE:
        return None
    text = f"When the CRM told us, {duration_words(gone)} of the {duration_words(whole)} were gone."
    return Suggestion(TOLD_LATE, gone / whole > MOST, text)


def _unreadable(facts: Facts) -> Suggestion | None:
    if facts.could_be_read:
        return None
    return Suggestion(UNREADABLE, True, "The CRM could not be read, so nobody can tell whether it was done.")


def _other_hours(facts: Facts) -> Suggestion | None:
    """Where every hour counts, both teams have agreed on that: it is never proved."""
    if facts.own_hours is None or not facts.counted:
        return None
    whole = facts.counted_seconds
    outside = sum(
        int((end - begin).total_seconds()) for begin, end in without(facts.counted, facts.own_hours)
    )
    if outside / whole <= MOST:
        return None
    text = (
        f"{duration_words(outside)} of the {duration_words(whole)} that counted lay outside their own hours."
    )
    if facts.counts_every_hour:
        text += " This rule counts every hour."
    return Suggestion(OTHER_HOURS, outside / whole > 1 - LITTLE and not facts.counts_every_hour, text)


def _bulk(facts: Facts) -> Suggestion | None:
    if facts.alike < MANY_ALIKE:
        return None
    return Suggestion(BULK, True, f"{facts.alike} records were changed in the same way within a minute.")


def _spans(facts: Facts, party: str) -> Iterator[Span]:
    return ((s.begin, s.end) for s in facts.segments if s.party == party)
