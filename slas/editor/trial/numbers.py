"""What a trial says: how many would have been met, in which time, by whom, and who would have been told (pure)."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo

from effects.policy import Counts, Planned, Receiver, count_messages
from slas.editor.trial.outcomes import Outcome

SMALLEST_GROUP = 5
"""Of fewer than these no share is told: it would tell of single people."""

GRID = ((900, "15 min"), (3600, "1 h"), (14_400, "4 h"), (86_400, "1 day"))
BUSINESS_GRID = (
    (900, "15 business min"), (3600, "1 business hour"), (14_400, "4 business hours"), (28_800, "8 business hours"),
)  # fmt: skip
NOBODY_NAMED = "Smaller groups"
DECIDED = ("met", "late")


@dataclass(frozen=True)
class Tally:
    """``share`` of those that are decided; None where there are none. ``started`` counts all of them."""

    started: int = 0
    met: int = 0
    late: int = 0
    open: int = 0
    off: int = 0
    unseen: int = 0

    @property
    def decided(self) -> int:
        return self.met + self.late

    @property
    def share(self) -> float | None:
        return self.met / self.decided if self.decided else None


@dataclass(frozen=True)
class AtTarget:
    """How many would have been met had the target been ``seconds``. ``decided``: those of which it can be said."""

    label: str
    seconds: int
    met: int
    decided: int

    @property
    def share(self) -> float | None:
        return self.met / self.decided if self.decided else None

    @property
    def percent(self) -> int:
        return round(100 * (self.share or 0))


@dataclass(frozen=True)
class Group:
    name: str
    tally: Tally


@dataclass(frozen=True)
class Turn:
    """Clocks that ``was`` so by the rule in force and would be ``will`` by the draft; "" for no clock at all."""

    was: str
    will: str
    count: int
    examples: tuple[Outcome, ...]


@dataclass(frozen=True)
class Told:
    """What one person would get, or each of several that the viewer may not name (``people`` of them)."""

    name: str
    people: int
    messages: int
    digests: int
    most_a_day: int
    inbox: int


@dataclass(frozen=True)
class Messages:
    """``total`` messages that disturb; ``busiest``: the day on which most of them are due, and how many."""

    told: tuple[Told, ...]
    total: int
    inbox: int
    busiest: tuple[date, int] | None


@dataclass(frozen=True)
class Side:
    """One of the two rules. Seconds as the rule counts them; None where nothing was done."""

    tally: Tally
    grid: tuple[AtTarget, ...]
    median_seconds: int | None
    p90_seconds: int | None
    tiers: tuple[Group, ...]
    owners: tuple[Group, ...]
    messages: Messages


Name = Callable[[int | None, str, str], str]
"""(person, holder's name, team key) -> what the viewer reads."""


def side_of(
    outcomes: Sequence[Outcome],
    *,
    is_business: bool,
    has_grid: bool,
    tiers: Sequence[str],
    name: Name,
    receivers: Mapping[int, Receiver],
    people: Mapping[int, tuple[str, str]],
    zone: tzinfo,
) -> Side:
    """``tiers``: in the order of the rule. ``people``: id -> (name, team key) of who may be told."""
    spent = sorted(
        o.spent_seconds for o in outcomes if o.how in DECIDED and o.stopped_at and o.spent_seconds is not None
    )
    by_tier = _grouped(outcomes, lambda o: o.tier)
    by_owner = _grouped(outcomes, lambda o: name(o.person_id, o.holder, o.team))
    grid = BUSINESS_GRID if is_business else GRID
    return Side(
        tally=tally_of(outcomes),
        grid=tuple(_at(outcomes, seconds, label) for seconds, label in grid) if has_grid else (),
        median_seconds=_percentile(spent, 50),
        p90_seconds=_percentile(spent, 90),
        tiers=tuple(
            Group(tier or "Everything else", tally_of(by_tier.get(tier, ())))
            for tier in tiers
            if len(tiers) > 1
        ),
        owners=_owners(by_owner),
        messages=messages_of([m for o in outcomes for m in o.told], name, receivers, people, zone),
    )


def tally_of(outcomes: Iterable[Outcome]) -> Tally:
    counted = Counter(o.how for o in outcomes)
    return Tally(sum(counted.values()), *(counted[how] for how in ("met", "late", "open", "off", "unseen")))


def _at(outcomes: Iterable[Outcome], seconds: int, label: str) -> AtTarget:
    met = decided = 0
    for o in outcomes:
        if o.spent_seconds is None or o.how in ("off", "unseen"):
            continue
        is_in_time = o.spent_seconds <= seconds
        if o.stopped_at is not None or not is_in_time:
            decided += 1
            met += o.stopped_at is not None and is_in_time
    return AtTarget(label, seconds, met, decided)


def _percentile(values: Sequence[int], percent: int) -> int | None:
    """The smallest value that so many per cent do not exceed."""
    return values[max(0, -(-len(values) * percent // 100) - 1)] if values else None


def _grouped(outcomes: Iterable[Outcome], key: Callable[[Outcome], str]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        found[key(outcome)].append(outcome)
    return found


def _owners(groups: Mapping[str, Sequence[Outcome]]) -> tuple[Group, ...]:
    large = [Group(n, tally_of(os)) for n, os in groups.items() if len(os) >= SMALLEST_GROUP]
    rest = [o for os in groups.values() if len(os) < SMALLEST_GROUP for o in os]
    found = sorted(large, key=lambda g: (-g.tally.started, g.name))
    return tuple(found + ([Group(NOBODY_NAMED, tally_of(rest))] if len(rest) >= SMALLEST_GROUP else []))


# --- what changes ----------------------------------------------------------------------------------------------


def turns_of(by_draft: Iterable[Outcome], as_now: Iterable[Outcome], *, shown: int = 10) -> tuple[Turn, ...]:
    """Clocks of which the two rules say different things, most first."""
    will, was = ({o.clock_id: o for o in outcomes} for outcomes in (by_draft, as_now))
    found: dict[tuple[str, str], list[Outcome]] = defaultdict(list)
    for pk in dict.fromkeys([*will, *was]):
        new, old = will.get(pk), was.get(pk)
        pair = (old.how if old else "", new.how if new else "")
        outcome = new or old
        if pair[0] != pair[1] and outcome is not None:
            found[pair].append(outcome)
    return tuple(
        Turn(*pair, len(outcomes), tuple(sorted(outcomes, key=lambda o: o.started_at, reverse=True)[:shown]))
        for pair, outcomes in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    )


def told_differently(by_draft: Iterable[Outcome], as_now: Iterable[Outcome]) -> list[uuid.UUID]:
    """Clocks of which other people would be told, or at other times."""
    will, was = ({o.clock_id: o.told for o in outcomes} for outcomes in (by_draft, as_now))
    return [pk for pk in dict.fromkeys([*will, *was]) if set(will.get(pk, ())) != set(was.get(pk, ()))]


# --- messages --------------------------------------------------------------------------------------------------


def messages_of(
    planned: Sequence[Planned],
    name: Name,
    receivers: Mapping[int, Receiver],
    people: Mapping[int, tuple[str, str]],
    zone: tzinfo,
) -> Messages:
    counted = count_messages(planned, receivers)
    groups: dict[str, list[Counts]] = defaultdict(list)
    for person, counts in counted.items():
        who, team = people.get(person, ("", ""))
        groups[name(person, who, team)].append(counts)
    told = [
        Told(
            who,
            len(each),
            sum(c.messages for c in each),
            sum(c.digests for c in each),
            max(c.most_a_day for c in each),
            sum(c.inbox for c in each),
        )
        for who, each in groups.items()
    ]
    days = Counter(m.at.astimezone(zone).date() for m in planned if m.channel != "inbox")
    busiest = min(days.items(), key=lambda item: (-item[1], item[0]), default=None)
    return Messages(
        tuple(sorted(told, key=lambda t: (-t.messages, -t.inbox, t.name))),
        sum(c.messages for c in counted.values()),
        sum(c.inbox for c in counted.values()),
        busiest,
    )
