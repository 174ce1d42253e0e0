"""Why is this late: everything the explanation page says about one clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject

from definitions.models import Signature, Version
from definitions.versions import Model
from records.canonical import instant
from records.models import Connection
from slas import receipt_parts as parts
from slas.calendars.sections import calendar_spec
from slas.calendars.times import week_words
from slas.lateness import counted_seconds, late_seconds, spare_seconds, used_seconds, whole_seconds
from slas.models import Clock, Correction, TakenStep
from slas.querysets import LATE, ClockQuerySet
from slas.receipt_parts import AwaySaid, Given, Held, Interval, Moved, Paused, Shown, Told, shown
from slas.retold import Retold, retell
from slas.rules import Rule
from slas.split import SYSTEM, Segment
from slas.time_bar import Stretch, look_of, moment_words, stretches
from slas.visibility import Names, names_of
from teams.models import Person, Team


@dataclass(frozen=True)
class StartedBy:
    """``source`` is the CRM's label. Not exact: polling saw it between ``not_before`` and ``at``."""

    what: str
    source: str
    at: datetime
    is_exact: bool
    not_before: datetime | None
    has_history: bool


@dataclass(frozen=True)
class RuleSaid:
    """``tier``: which of the rule's targets this clock has, and ``target`` it in words."""

    sentence: str
    name: str
    number: int
    since: datetime | None
    agreed_by: Sequence[str]
    section: str
    key: str
    target: str
    tier: str
    has_tiers: bool


@dataclass(frozen=True)
class Hours:
    """The calendar in words, its version, and its days off between start and end."""

    name: str
    number: int
    since: datetime | None
    words: str
    zone: str
    holidays: Sequence[date]


@dataclass(frozen=True)
class Reading:
    """One re-reading: of which system, when, and whether it could be read."""

    source: str
    at: datetime
    was_readable: bool


@dataclass(frozen=True)
class StoppedBy:
    what: str
    who: str
    source: str
    at: datetime
    told_at: datetime
    href: str


@dataclass(frozen=True)
class CorrectionSaid:
    old_state: str
    new_state: str
    old_at: datetime | None
    new_at: datetime | None
    cause: str
    at: datetime


@dataclass(frozen=True)
class Explanation:
    """One clock, explained to one viewer. ``seconds``: late, to spare or left, as the rule counts; else wall time."""

    clock: Clock
    rule: Rule
    now: datetime
    seconds: int | None
    unowned_seconds: int
    bar: Sequence[Stretch]
    bar_start: str
    bar_words: str
    started_by: StartedBy
    said: RuleSaid
    hours: Hours | None
    readings: Sequence[Reading]
    stopped_by: StoppedBy | None
    has_it: str
    corrections: Sequence[CorrectionSaid]
    told: Sequence[Told]
    moved: Sequence[Moved]
    intervals: Sequence[Interval]
    held: Sequence[Held]
    pauses: Sequence[Paused]
    absences: Sequence[AwaySaid]
    given: Sequence[Given]
    used_seconds: int | None
    whole_seconds: int | None
    no_data: Sequence[str]
    names: Names
    retold: Retold

    @property
    def counted_seconds(self) -> int:
        return sum(i.seconds for i in self.intervals)

    @property
    def is_late(self) -> bool:
        return self.clock.state in LATE

    @property
    def is_frozen(self) -> bool:
        """Done: what is learned later changes nothing, and is added as a correction."""
        return self.clock.stopped_at is not None

    @property
    def shown_intervals(self) -> Shown[Interval]:
        return shown(self.intervals)

    @property
    def shown_held(self) -> Shown[Held]:
        return shown(self.held)

    @property
    def shown_told(self) -> Shown[Told]:
        return shown(self.told)

    @property
    def shown_moved(self) -> Shown[Moved]:
        return shown(self.moved)

    @property
    def is_open(self) -> bool:
        return self.clock.stopped_at is None

    @property
    def is_business(self) -> bool:
        return self.rule.target.needs_calendar


def with_receipt(clocks: ClockQuerySet) -> ClockQuerySet:
    """With all that ``explain`` reads of a clock itself, in the same query."""
    corrections = Correction.objects.filter(clock=OuterRef("pk")).order_by("corrected_at", "pk")
    signatures = Signature.objects.filter(version=OuterRef("rule")).order_by("team__name")
    steps = TakenStep.objects.filter(clock_id=OuterRef("pk")).exclude(outcome="").order_by("taken_at", "pk")
    return (
        clocks.with_names()
        .select_related("start_event__connection", "stop_event__record__connection")
        .annotate(
            corrected=ArraySubquery(
                corrections.values(
                    json=JSONObject(
                        old="old", new="new", at="corrected_at", kind="cause__kind",
                        object="cause__record__object", source="cause__connection__label",
                    )
                )
            ),
            agreed_by=ArraySubquery(signatures.values("team__name")),
            given=ArraySubquery(
                steps.values(json=JSONObject(person="given_to", at="taken_at", outcome="outcome"))
            ),
        )
    )  # fmt: skip


def explain(clock: Clock, viewer: Person, now: datetime) -> Explanation:
    """Everything about a clock that came ``with_receipt``. A clock that has not stopped is split as it stands."""
    zone, retold = viewer.zone, retell(clock, now)
    names = names_of(viewer, frozenset({viewer.pk, *retold.staff.reports_of(viewer.pk)}))
    rule, segments, connections = retold.rule, retold.segments, retold.connections
    teams = {t.key: look_of(t.name, t.purpose) for t in Team.objects.all()}
    end_what = _end_words(clock)
    return Explanation(
        clock=clock,
        rule=rule,
        now=now,
        seconds=_seconds(clock, segments, now),
        unowned_seconds=sum(s.seconds for s in segments if s.party == SYSTEM),
        bar=stretches(
            segments, teams, names, zone, f"{moment_words(clock.stopped_at or now, zone)} {end_what}"
        ),
        bar_start=f"{moment_words(clock.started_at, zone)} {_start_word(clock, retold)}",
        bar_words=f"from start to {end_what}",
        started_by=_started_by(clock, retold),
        said=_rule_said(clock, rule),
        hours=_hours(clock, clock.stopped_at or now),
        readings=_readings(clock, connections),
        stopped_by=_stopped_by(clock, names, connections),
        has_it=_has_it(clock, names),
        corrections=_corrections(clock),
        told=parts.told_to(clock, names, retold),
        moved=parts.moved(clock, retold, names, zone),
        intervals=parts.intervals(retold, names, teams),
        held=parts.held(segments, names, teams),
        pauses=parts.paused(clock, retold),
        absences=parts.absences(clock, retold, names),
        given=parts.given_to(clock, names, retold),
        used_seconds=used_seconds(clock, now),
        whole_seconds=whole_seconds(clock),
        no_data=[_label(connections, name) for name in clock.receipt.get("no_data") or ()],
        names=names,
        retold=retold,
    )


def _seconds(clock: Clock, segments: Sequence[Segment], now: datetime) -> int | None:
    """How late, how much to spare, or how much is left: a clock has one of them at most."""
    if clock.due_at is not None and clock.state in Clock.OPEN:
        return counted_seconds(clock, now, clock.due_at) if clock.due_at > now else None
    late = late_seconds(clock, now, [s.as_json() for s in segments])
    return spare_seconds(clock) if late is None else late


def _end_words(clock: Clock) -> str:
    if clock.stopped_at is None:
        return "now"
    stop = clock.receipt.get("stop")
    return str(stop["what"]).lower() if stop else "the end"


def _has_it(clock: Clock, names: Names) -> str:
    team = clock.team.name if clock.team else ""
    return names.of(clock.owner_id, str(clock.receipt.get("holder", "")), team)


def _start_word(clock: Clock, told: Retold) -> str:
    kind, subject = told.rule.start
    if kind == "field_set":
        return f"{subject.replace('_', ' ')} was set"
    if kind == "signal":
        return f"signal “{subject}”"
    what = str((clock.receipt.get("start") or {}).get("what") or "")
    if kind != "stage_entered":
        return what[:1].lower() + what[1:] if what else kind.replace("_", " ")
    at_start = partial(_in_force, clock, told.model)
    pipeline, _, part = subject.partition("/")
    if part:
        version = at_start("pipelines", pipeline)
        stages = version.body.get("stages") or () if version else ()
        return f"became {next((s['name'] for s in stages if s.get('key') == part), part)}"
    stage = at_start("stages", subject)
    return f"became {stage.body.get('short') or stage.body['name'] if stage else subject}"


def _in_force(clock: Clock, model: Model, section: str, key: str) -> Version | None:
    """When the clock started; of history from before the model, when its rule was written."""
    return model.at(section, key, clock.started_at) or model.at(section, key, clock.rule.created_at)


def _started_by(clock: Clock, told: Retold) -> StartedBy:
    event = clock.start_event
    what = _start_word(clock, told)
    return StartedBy(
        what=what[:1].upper() + what[1:],
        source=event.connection.label,
        at=clock.started_at,
        is_exact=bool(clock.receipt.get("is_exact", True)),
        not_before=event.not_before,
        has_history="history" in event.data,
    )


def _rule_said(clock: Clock, rule: Rule) -> RuleSaid:
    version: Version = clock.rule
    return RuleSaid(
        sentence=str(version.body["sentence"]),
        name=str(version.body["name"]),
        number=version.number,
        since=version.effective_from,
        agreed_by=clock.agreed_by,  # type: ignore[attr-defined]  # annotated
        section=version.section,
        key=version.key,
        target=rule.target.words,
        tier=str(clock.receipt.get("tier") or ""),
        has_tiers=len(rule.targets) > 1,
    )


def _hours(clock: Clock, end: datetime) -> Hours | None:
    if clock.calendar is None:
        return None
    body = clock.calendar.body
    zone = ZoneInfo(str(body["tz"]))
    first, last = clock.started_at.astimezone(zone).date(), end.astimezone(zone).date()
    off = {date.fromisoformat(str(day)) for day in calendar_spec(body)["holidays"]}
    return Hours(
        name=str(body["name"]),
        number=clock.calendar.number,
        since=clock.calendar.effective_from,
        words=week_words(body.get("week", {})),
        zone=str(body["tz"]),
        holidays=[day for day in sorted(off) if first <= day <= last],
    )


def _readings(clock: Clock, connections: Mapping[str, Connection]) -> list[Reading]:
    return [
        Reading(_label(connections, row["in"]), instant(row["at"]), bool(row["was_readable"]))
        for row in clock.receipt.get("read_again", [])
    ]


def _stopped_by(clock: Clock, names: Names, connections: Mapping[str, Connection]) -> StoppedBy | None:
    stop, event = clock.receipt.get("stop"), clock.stop_event
    if not stop or event is None or clock.stopped_at is None:
        return None
    team = clock.team.name if clock.team else ""
    record = event.record
    href = record.connection.record_url.replace("{object}", record.remote_object).replace(
        "{id}", record.remote_id
    )
    return StoppedBy(
        what=str(stop["what"]),
        who=names.of(stop.get("by"), str(stop.get("who") or ""), team),
        source=_label(connections, stop["in"]),
        at=clock.stopped_at,
        told_at=event.observed_at,
        href=href,
    )


def _corrections(clock: Clock) -> list[CorrectionSaid]:
    return [
        CorrectionSaid(
            old_state=str(row["old"]["state"]),
            new_state=str(row["new"]["state"]),
            old_at=_moment(row["old"].get("stopped_at")),
            new_at=_moment(row["new"].get("stopped_at")),
            cause=_cause_words(row["kind"], row["object"], row["source"]),
            at=instant(row["at"]),
        )
        for row in clock.corrected  # type: ignore[attr-defined]  # annotated
    ]


def _cause_words(kind: str, object_name: str, source: str) -> str:
    did = {"baseline": "logged", "deleted": "deleted", "restored": "restored"}.get(kind, "changed")
    what = "An activity" if object_name == "activity" else "The record"
    return f"{what} was {did} in {source}"


def _label(connections: Mapping[str, Connection], name: str) -> str:
    return connections[name].label if name in connections else name


def _moment(text: object) -> datetime | None:
    return instant(text) if text else None
