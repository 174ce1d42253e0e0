"""When a message may disturb somebody: now, later, together with others, in a digest, or only in the inbox (pure).

The same functions decide at delivery (``effects.telling``) and count for a preview (``count_messages``). The inbox
inside gtmops disturbs nobody and is outside all of this."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal, Protocol

DIRECT = frozenset({"email", "slack"})
"""Channels that reach one person."""
DISTURBING = DIRECT | {"slack_channel"}

MESSAGES_A_DAY = 20
GATHER = timedelta(seconds=5)
"""How long the first of a group waits for others."""
WINDOW = timedelta(minutes=15)
"""How long after a message the next of its group waits, to come as one with all that follow."""
NIGHT = (time(20), time(7))
"""Quiet where nobody wrote down working hours."""
DIGEST_AT = time(8)
"""For who is never quiet."""

What = Literal["now", "hold", "digest", "grouped", "inbox"]
Held = Literal["", "hold", "digest", "grouped"]


_HELD: Mapping[What, Held] = {
    "now": "",
    "inbox": "",
    "hold": "hold",
    "digest": "digest",
    "grouped": "grouped",
}


class WorkingDay(Protocol):
    """From the first opening of a day to its last closing; a lunch break is no quiet time."""

    def opens_at(self, at: datetime) -> datetime | None:
        """``at`` itself within a working day, else when the next one begins; None: none within reach."""


@dataclass(frozen=True)
class Preferences:
    """What a person chose. ``quiet_from`` and ``quiet_to`` are local times, used where ``quiet`` is "own"."""

    warning_by: frozenset[str] = DIRECT
    late_by: frozenset[str] = DIRECT
    quiet: Literal["working_hours", "own", "never"] = "working_hours"
    quiet_from: time = NIGHT[0]
    quiet_to: time = NIGHT[1]
    has_digest: bool = True
    messages_a_day: int = MESSAGES_A_DAY

    def takes(self, severity: str, channel: str) -> bool:
        if channel not in DIRECT:
            return True
        return channel in {"warning": self.warning_by, "late": self.late_by}.get(severity, DIRECT)


@dataclass(frozen=True)
class Receiver:
    """Who is told: a person, or a channel of a team (``is_person`` False: no budget, no digest)."""

    zone: tzinfo = UTC
    preferences: Preferences = Preferences()
    hours: WorkingDay | None = None
    is_person: bool = True

    def opens_at(self, at: datetime) -> datetime:
        """``at`` itself outside quiet hours, else their end."""
        chosen = self.preferences
        if chosen.quiet == "never":
            return at
        if chosen.quiet == "own":
            return _end_of_quiet(at, self.zone, chosen.quiet_from, chosen.quiet_to)
        opens = self.hours.opens_at(at) if self.hours else None
        return _end_of_quiet(at, self.zone, *NIGHT) if opens is None else opens

    def day_of(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def next_day_at(self, at: datetime) -> datetime:
        """When the digest of the next day is due."""
        begins = DIGEST_AT if self.preferences.quiet == "never" else time(0)
        tomorrow = datetime.combine(self.day_of(at) + timedelta(days=1), begins, tzinfo=self.zone)
        return self.opens_at(tomorrow.astimezone(at.tzinfo))


@dataclass(frozen=True)
class Waiting:
    """A message that was not sent yet. ``at``: when it may be looked at; ``held``: why it waits."""

    key: Hashable
    channel: str
    at: datetime
    severity: str = ""
    group: str = ""
    at_any_hour: bool = False
    held: Held = ""


@dataclass(frozen=True)
class Sent:
    """What one receiver got: messages of today, when the last of each (channel, group), and digests by day."""

    today: int = 0
    last_of_group: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    digests: frozenset[tuple[str, date]] = frozenset()


@dataclass(frozen=True)
class Decision:
    """``until``: when to look again. A digest whose ``until`` has come is due now."""

    what: What
    until: datetime

    @property
    def held(self) -> Held:
        return _HELD[self.what]


@dataclass(frozen=True)
class Bundle:
    """What leaves as one message."""

    channel: str
    items: tuple[Waiting, ...]
    is_digest: bool = False


@dataclass(frozen=True)
class Plan:
    """What becomes of messages that are due: some leave, some are held, some stand in the inbox only."""

    bundles: tuple[Bundle, ...] = ()
    held: tuple[tuple[Waiting, Decision], ...] = ()
    inbox: tuple[Waiting, ...] = ()


def ready_at(now: datetime, group: str, gather: timedelta = GATHER) -> datetime:
    """When a new message may leave: one of a group gives others a moment to join it."""
    return now + gather if group else now


def decide(
    message: Waiting, receiver: Receiver, sent: Sent, now: datetime, window: timedelta = WINDOW
) -> Decision:
    """What to do with one message that is due. ``at_any_hour`` wins over quiet hours, never over the budget."""
    chosen = receiver.preferences
    has_digest = receiver.is_person and chosen.has_digest
    if not chosen.takes(message.severity, message.channel):
        return Decision("inbox", now)
    opens = receiver.opens_at(now)
    if opens > now and not message.at_any_hour:
        return Decision("digest" if has_digest else "hold", opens)
    if message.held == "digest" and has_digest:
        was_sent = (message.channel, receiver.day_of(now)) in sent.digests
        return Decision("digest", receiver.next_day_at(now) if was_sent else now)
    if receiver.is_person and sent.today >= chosen.messages_a_day:
        return Decision("digest", receiver.next_day_at(now)) if has_digest else Decision("inbox", now)
    last = sent.last_of_group.get((message.channel, message.group)) if message.group else None
    if last is not None and now < last + window:
        return Decision("grouped", last + window)
    return Decision("now", now)


def settle(
    waiting: Sequence[Waiting], receiver: Receiver, sent: Sent, now: datetime, window: timedelta = WINDOW
) -> Plan:
    """Decide on everything due of one receiver; what waits beside it and belongs to it goes along."""
    today, last, digests = sent.today, dict(sent.last_of_group), set(sent.digests)
    bundles: list[Bundle] = []
    held: list[tuple[Waiting, Decision]] = []
    inbox: list[Waiting] = []
    left = {message.key: message for message in waiting}
    for message in [m for m in waiting if m.at <= now]:
        if message.key not in left:
            continue
        decision = decide(message, receiver, Sent(today, last, frozenset(digests)), now, window)
        is_digest = decision.what == "digest" and decision.until <= now
        if is_digest or decision.what == "now":
            items = tuple(m for m in left.values() if m.key == message.key or _joins(m, message, is_digest))
            bundles.append(Bundle(message.channel, items, is_digest))
            if is_digest:
                digests.add((message.channel, receiver.day_of(now)))
            else:
                today += 1
                last[message.channel, message.group] = now
        else:
            items = (message,)
            if decision.what == "inbox":
                inbox.append(message)
            else:
                held.append((message, decision))
        for item in items:
            del left[item.key]
    return Plan(tuple(bundles), tuple(held), tuple(inbox))


def _joins(other: Waiting, message: Waiting, is_digest: bool) -> bool:
    if other.channel != message.channel:
        return False
    if is_digest:
        return other.held == "digest"
    return bool(message.group) and other.group == message.group and other.held != "digest"


def _end_of_quiet(at: datetime, zone: tzinfo, begins: time, ends: time) -> datetime:
    local = at.astimezone(zone)
    now = local.time()
    if begins == ends or not (begins <= now < ends if begins < ends else now >= begins or now < ends):
        return at
    day = local.date() + timedelta(days=1) if ends <= now else local.date()
    return max(at, datetime.combine(day, ends, tzinfo=zone).astimezone(at.tzinfo))


# --- counting what would be sent -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planned:
    """A message that a rule would send to a person."""

    person: int
    at: datetime
    group: str
    channel: str
    severity: str = "late"
    at_any_hour: bool = False


@dataclass(frozen=True)
class Counts:
    """What one person would get. ``messages`` disturb (digests not among them); ``in_digests`` are what those hold;
    ``inbox`` counts what is to be found inside gtmops; ``most_a_day`` is of ``messages``."""

    messages: int = 0
    digests: int = 0
    in_digests: int = 0
    inbox: int = 0
    tasks: int = 0
    most_a_day: int = 0


def count_messages(
    planned: Iterable[Planned],
    receivers: Mapping[int, Receiver],
    *,
    gather: timedelta = GATHER,
    window: timedelta = WINDOW,
) -> dict[int, Counts]:
    """Person -> what would reach them, by the same decisions as at delivery. Who has no receiver has the defaults."""
    of_person: dict[int, list[Planned]] = defaultdict(list)
    for message in planned:
        of_person[message.person].append(message)
    return {
        person: _counted(messages, receivers.get(person, Receiver()), gather, window)
        for person, messages in of_person.items()
    }


def _counted(messages: Sequence[Planned], receiver: Receiver, gather: timedelta, window: timedelta) -> Counts:
    coming = sorted((m for m in messages if m.channel in DISTURBING), key=lambda m: m.at, reverse=True)
    inbox = sum(1 for m in messages if m.channel == "inbox")
    waiting: dict[Hashable, Waiting] = {}
    by_day: Counter[date] = Counter()
    last: dict[tuple[str, str], datetime] = {}
    digests: set[tuple[str, date]] = set()
    in_digests = 0
    while coming or waiting:
        next_up = [w.at for w in waiting.values()]
        now = min(next_up) if next_up else ready_at(coming[-1].at, coming[-1].group, gather)
        if coming:
            now = min(now, ready_at(coming[-1].at, coming[-1].group, gather))
        while coming and coming[-1].at <= now:
            new = coming.pop()
            key = len(coming)
            at = ready_at(new.at, new.group, gather)
            waiting[key] = Waiting(key, new.channel, at, new.severity, new.group, new.at_any_hour)
        day = receiver.day_of(now)
        plan = settle(
            list(waiting.values()), receiver, Sent(by_day[day], last, frozenset(digests)), now, window
        )
        for bundle in plan.bundles:
            if bundle.is_digest:
                digests.add((bundle.channel, day))
                in_digests += len(bundle.items)
            else:
                by_day[day] += 1
                last[bundle.channel, bundle.items[0].group] = now
            for item in bundle.items:
                del waiting[item.key]
        for message in plan.inbox:
            inbox += 1
            del waiting[message.key]
        for message, decision in plan.held:
            waiting[message.key] = replace(message, at=decision.until, held=decision.held)
    return Counts(
        messages=sum(by_day.values()),
        digests=len(digests),
        in_digests=in_digests,
        inbox=inbox,
        tasks=sum(1 for m in messages if m.channel == "crm_task"),
        most_a_day=max(by_day.values(), default=0),
    )
