"""The lists of the explanation page: what counted, who had it, pauses, absences, moves, who was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Generic, TypeVar

from effects.models import Effect
from records.canonical import instant
from slas.counted import Counted, Span, shared_seconds
from slas.escalation import effect_key
from slas.models import Clock, TakenStep
from slas.moves import Cause, causes_at
from slas.retold import Retold
from slas.split import CLOSED, CUSTOMER, Segment
from slas.time_bar import TeamLook, moment_words
from slas.visibility import Names

MOST_ROWS = 6
"""More than these would not fit on one printed page; the API tells all."""
CHANNELS = {
    "inbox": "Inbox", "email": "E-mail", "slack": "Slack", "slack_channel": "Slack", "crm_task": "Task in the CRM",
}  # fmt: skip

Row = TypeVar("Row")


@dataclass(frozen=True)
class Interval:
    """Time that counted, [begin, end). ``hours``: the name of the calendar; empty: every hour counts."""

    begin: datetime
    end: datetime
    seconds: int
    hours: str
    who: str


@dataclass(frozen=True)
class Held:
    """One holder's stretch: ``seconds`` of it open, the rest closed hours. ``waited``: the buyer had it."""

    begin: datetime
    end: datetime
    who: str
    team: str
    seconds: int
    closed_seconds: int
    waited_seconds: int


@dataclass(frozen=True)
class Paused:
    """No time counted in [begin, end); None: it lasts."""

    begin: datetime
    end: datetime | None
    because: str


@dataclass(frozen=True)
class AwaySaid:
    """An absence in the time of a clock. ``cover`` empty: nobody. ``counted_not``: no time counted in it.

    ``was_late``: written down after the due time, which it moved no longer."""

    who: str
    begin: datetime
    end: datetime
    cover: str
    written_at: datetime
    counted_not: bool
    was_late: bool


@dataclass(frozen=True)
class Moved:
    """The due time was moved when we learned of something; None: it had or has none."""

    at: datetime
    old: datetime | None
    new: datetime | None
    whys: Sequence[str] = ()


@dataclass(frozen=True)
class Told:
    """``what`` is the channel in words; ``title`` what it said."""

    who: str
    channel: str
    what: str
    title: str
    at: datetime
    state: str


@dataclass(frozen=True)
class Given:
    """A step of the rule gave it to the next person of a team, or could only propose to."""

    who: str
    at: datetime
    was_asked: bool


@dataclass(frozen=True)
class Shown(Generic[Row]):
    """A list as the page shows it: ``left_out`` rows of a long one between ``first`` and ``last``."""

    first: Sequence[Row]
    last: Sequence[Row] = ()
    left_out: int = 0


def shown(rows: Sequence[Row]) -> Shown[Row]:
    if len(rows) <= MOST_ROWS:
        return Shown(rows)
    half = MOST_ROWS // 2
    return Shown(rows[:half], rows[-half:], len(rows) - 2 * half)


def intervals(told: Retold, names: Names, teams: Mapping[str, TeamLook]) -> list[Interval]:
    hours = {v.pk: str(v.body["name"]) for v in told.model.all() if v.section == "calendars"}
    team = teams[told.rule.acting_team].name if told.rule.acting_team in teams else ""

    def one(c: Counted) -> Interval:
        name = told.staff.names.get(c.person_id, "") if c.person_id is not None else ""
        who = names.of(c.person_id, name, team) if c.person_id is not None else ""
        return Interval(c.begin, c.end, c.seconds, hours.get(c.version or 0, ""), who)

    return [one(c) for c in told.counted]


def held(segments: Sequence[Segment], names: Names, teams: Mapping[str, TeamLook]) -> list[Held]:
    """Neighbouring stretches of one holder are one."""
    found = []
    for _, group in groupby(segments, key=lambda s: (s.who, s.person_id, s.team)):
        rows = list(group)
        first = rows[0]
        look = teams.get(first.team)
        team = look.name if look else first.team
        found.append(
            Held(
                begin=first.begin,
                end=rows[-1].end,
                who=names.of(first.person_id, first.who, team),
                team=team,
                seconds=sum(s.seconds for s in rows if s.party not in (CLOSED, CUSTOMER)),
                closed_seconds=sum(s.seconds for s in rows if s.party == CLOSED),
                waited_seconds=sum(s.seconds for s in rows if s.party == CUSTOMER),
            )
        )
    return found


def paused(clock: Clock, told: Retold) -> list[Paused]:
    """Those that were known while it ran."""
    known = (p.known(told.known_at) for p in told.pauses)
    return [
        Paused(max(p.begin, clock.started_at), p.end, p.because)
        for p in known
        if p is not None and p.begin < told.end and (p.end is None or p.end > clock.started_at)
    ]


def absences(clock: Clock, told: Retold, names: Names) -> list[AwaySaid]:
    """Of whoever had it, in its time."""
    people = dict.fromkeys(
        p
        for p in (*(h.person_id for h in told.owned), *(s.person_id for s in told.segments))
        if p is not None
    )
    had = {s.person_id for s in told.segments} | {clock.owner_id}
    found = []
    for person in (p for p in people if p in had):
        for away in told.staff.away.get(person, ()):
            if away.begin >= told.end or away.end <= clock.started_at or not away.is_known(told.known_at):
                continue
            span = (away.begin, away.end)
            counted_not = away.cover is None and _is_left_out(told, person, span)
            is_after = clock.due_at is not None and away.entered_at > clock.due_at
            cover = told.staff.names.get(away.cover, "") if away.cover is not None else ""
            found.append(
                AwaySaid(
                    who=names.of(person, told.staff.names.get(person, ""), "A colleague"),
                    begin=away.begin,
                    end=away.end,
                    cover=names.of(away.cover, cover, "a colleague") if cover else "",
                    written_at=away.entered_at,
                    counted_not=counted_not,
                    was_late=is_after and not counted_not,
                )
            )
    return sorted(found, key=lambda a: (a.begin, a.who))


def _is_left_out(told: Retold, person: int, span: Span) -> bool:
    """Whether none of an absence counted, and some of it would have."""
    counted, at_work = (
        [c.span for c in rows if c.person_id == person] for rows in (told.counted, told.at_work)
    )
    return not shared_seconds(counted, [span]) and bool(shared_seconds(at_work, [span]))


def moved(clock: Clock, told: Retold, names: Names, zone: tzinfo) -> list[Moved]:
    by_rule = _rule_moves(clock, told)
    return [
        Moved(at, _moment(row["old"]), _moment(row["new"]), by_rule.get(at) or _whys(at, told, names, zone))
        for row in clock.receipt.get("retargets", ())
        for at in [datetime.fromisoformat(row["at"])]
    ]


def _rule_moves(clock: Clock, told: Retold) -> dict[datetime, list[str]]:
    """When a later version of the rule began to hold for open clocks, too."""
    if "moved_by" not in clock.receipt:
        return {}
    return {
        version.effective_from: [f"version {version.number} of the rule holds for open clocks, too"]
        for version in told.model.history("sla_rules", clock.rule_key)
        if version.effective_from is not None and version.body.get("open_clocks") == "move"
    }


def _whys(at: datetime, told: Retold, names: Names, zone: tzinfo) -> list[str]:
    found = [_why(cause, names, zone) for cause in causes_at(at, told.owned, told.staff, told.pauses)]
    return list(dict.fromkeys(found))


def _why(cause: Cause, names: Names, zone: tzinfo) -> str:
    who = names.of(cause.person_id, cause.name, "a colleague")
    span = ""
    if cause.begin is not None and cause.end is not None:
        span = f", {moment_words(cause.begin, zone)} to {moment_words(cause.end, zone)}"
    return {
        "owner": f"{who} got it",
        "nobody": f"it came to {who}, who is no person of ours",
        "away": f"{who} is away{span}",
        "not_away": f"the absence of {who} was taken back",
        "paused": f"it was paused: {cause.because}",
        "resumed": "the pause was over",
        "hours": "other working hours came into force",
    }[cause.kind]


def told_to(clock: Clock, names: Names, told: Retold) -> list[Told]:
    """One query."""
    found = []
    for row in Effect.objects.filter(key__startswith=effect_key(clock.pk)).order_by("created_at", "pk"):
        person, channel = row.payload.get("person"), str(row.payload.get("channel") or "")
        name = told.staff.names.get(person)
        if name is None and not channel:
            continue
        who = channel if name is None else names.of(person, name, "A colleague")
        title = str(row.payload.get("title") or "")
        what = CHANNELS.get(row.channel, row.channel)
        found.append(Told(who, row.channel, what, title, row.done_at or row.created_at, row.state))
    return found


def given_to(clock: Clock, names: Names, told: Retold) -> list[Given]:
    """Of a clock ``with_receipt``."""
    return [
        Given(
            names.of(row["person"], told.staff.names[row["person"]], "a colleague") if row["person"] else "",
            instant(row["at"]),
            row["outcome"] == TakenStep.Outcome.ASKED,
        )
        for row in clock.given  # type: ignore[attr-defined]  # annotated
    ]


def _moment(text: object) -> datetime | None:
    return instant(text) if text else None
