""" "Start clocks for 134 leads?": what a machine began at once, or what was there before we came, is only measured.
RevOps is asked; a yes stands in the log as an event per clock, and the fold obeys it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.urls import reverse

from definitions.in_force import load_typed_model
from effects.outbox import Intent, enqueue
from effects.tick import ring
from records.journey_data import JourneyData
from records.kinds import event_kind
from records.models import Connection, Event, Touched
from records.services import gtmops_connection, touch
from slas.fold import ClockData
from slas.in_force import load_rules
from slas.kinds import CLOCK_STARTED
from slas.models import Clock, StartQuestion
from slas.querysets import ClockQuerySet
from slas.rules import Rule, RuleHistory
from teams.models import Person, Role

NEAR = timedelta(minutes=10)
"""Bulk changes of one kind that are no further apart are one."""
MINUTE = timedelta(minutes=1)
FIRST_LOAD, IMPORT = "first_load", "import"
_PAGE = 1000


# --- asking ----------------------------------------------------------------------------------------------------


def subject_of(rule: Rule) -> str:
    """What happened, as starts are counted: a stage, pipeline/stage, object.field or signal."""
    word, subject = rule.start
    return f"{rule.on}.{subject}" if word == "field_set" else subject


def ask_of_bulk(folded: Sequence[tuple[JourneyData, ClockData]], now: datetime) -> None:
    """Ask once about each bulk change whose clocks would be live but for their number. Two queries, or none."""
    seen: set[tuple[str, str, datetime]] = set()
    for journey, clock in folded:
        record = journey.record(clock.start.record_id)
        if record is None or not (clock.start.is_bulk and clock.is_measured_only):
            continue
        if record.go_live_at is not None and clock.start.at >= record.go_live_at:
            minute = clock.start.at.replace(second=0, microsecond=0)
            seen.add((record.connection, subject_of(clock.rule), minute))
    if not seen:
        return
    connections = dict(
        Connection.objects.filter(name__in={name for name, _, _ in seen}).values_list("name", "pk")
    )
    near = StartQuestion.objects.filter(
        kind=StartQuestion.Kind.BULK,
        connection__in=connections.values(),
        ends_at__gt=min(at for _, _, at in seen) - NEAR,
        begins_at__lt=max(at for _, _, at in seen) + NEAR,
    )
    held = list(near.select_for_update(no_key=True).order_by("pk"))
    for name, subject, minute in sorted(seen):
        of_kind = [q for q in held if (q.connection_id, q.subject) == (connections[name], subject)]
        if any(
            q.answer != StartQuestion.Answer.STARTED and q.begins_at <= minute < q.ends_at for q in of_kind
        ):
            continue
        open_ = [q for q in of_kind if not q.answer]
        grown = next((q for q in open_ if q.begins_at - NEAR <= minute <= q.ends_at + NEAR), None)
        if grown is None:
            held.append(
                StartQuestion.objects.create(
                    kind=StartQuestion.Kind.BULK, connection_id=connections[name], subject=subject,
                    begins_at=minute, ends_at=minute + MINUTE, asked_at=now,
                )
            )  # fmt: skip
        else:
            grown.begins_at = min(grown.begins_at, minute)
            grown.ends_at = max(grown.ends_at, minute + MINUTE)
            grown.save(update_fields=["begins_at", "ends_at"])
    ring("start questions")


def ask_of_load(connection: Connection, what: str, began: datetime, ended: datetime) -> None:
    """Ask about what a first load or an import brought, once its conclusions are drawn."""
    kind = StartQuestion.Kind.FIRST_LOAD if what == FIRST_LOAD else StartQuestion.Kind.IMPORT
    StartQuestion.objects.create(
        kind=kind, connection=connection, begins_at=began, ends_at=ended, asked_at=ended
    )
    ring("start questions")


def clocks_of(question: StartQuestion, rules: Sequence[RuleHistory] | None = None) -> ClockQuerySet:
    """The clocks that a yes would start: measured only, of work that still waits.

    Of a first load or an import only those whose time was not yet up: the others would all be late at once."""
    found = Clock.objects.filter(
        is_measured_only=True, stopped_at=None, record__connection=question.connection_id
    )
    if question.kind == StartQuestion.Kind.BULK:
        rules = load_rules(load_typed_model().versions) if rules is None else rules
        keys = {v.rule.key for h in rules for v in h.versions if subject_of(v.rule) == question.subject}
        live = Q(started_at__gte=F("record__connection__go_live_at"))
        return found.filter(
            live,
            rule_key__in=keys,
            started_at__gte=question.begins_at,
            started_at__lt=question.ends_at,
            receipt__start__is_bulk=True,
        )
    go_live_at = F("record__connection__go_live_at")
    before = Q(started_at__lt=go_live_at) | Q(record__connection__go_live_at=None)
    return found.filter(
        before,
        start_event__observed_at__gte=question.begins_at,
        start_event__observed_at__lte=question.ends_at,
        due_at__gt=question.begins_at,
    )


def open_questions() -> list[StartQuestion]:
    """Those that wait for an answer and were told, newest first."""
    return list(StartQuestion.objects.filter(answer="", told_at__isnull=False).select_related("connection"))


@dataclass(frozen=True)
class Asked:
    """A question with what it is about now. ``records`` that wait, ``late``: of their clocks, past their time."""

    question: StartQuestion
    records: int
    clocks: int
    late: int

    @property
    def title(self) -> str:
        return f"Start clocks for {self.records:,} lead{'' if self.records == 1 else 's'}?"

    @property
    def why(self) -> str:
        q = self.question
        if q.kind == StartQuestion.Kind.BULK:
            return (
                f"So many changed alike in {q.connection.label} at {q.begins_at:%d %b %Y, %H:%M} UTC that it looks "
                "like an import, a mass edit or a merge. Their clocks are only measured."
            )
        how = "read for the first time" if q.kind == StartQuestion.Kind.FIRST_LOAD else "imported"
        it, its = ("It was", "its") if self.records == 1 else ("They were", "their")
        clocks = "clock is" if self.clocks == 1 else "clocks are"
        return (
            f"{it} waiting when {q.connection.label} was {how}, and {its} time was not up yet. "
            f"{its.capitalize()} {clocks} only measured."
        )


def asked(question: StartQuestion) -> Asked:
    """One query, or three for a bulk change."""
    counts = clocks_of(question).aggregate(
        records=Count("record", distinct=True), clocks=Count("pk"), late=Count("pk", filter=Q(state__in=Clock.LATE))
    )  # fmt: skip
    return Asked(question, **counts)


# --- telling ---------------------------------------------------------------------------------------------------


def tell_questions(now: datetime) -> int:
    """Tell RevOps of each question once nothing of it is left to conclude; a question about nothing ends by itself."""
    with transaction.atomic():
        waiting = list(
            _untold()
            .select_related("connection")
            .select_for_update(skip_locked=True, of=("self",), no_key=True)
        )
        people = list(
            Person.objects.active().filter(role=Role.REVOPS_ADMIN).order_by("pk").values_list("pk", flat=True)
        )
        for question in waiting:
            told = asked(question)
            question.told_at = now
            if told.clocks:
                enqueue([_intent(told, person) for person in people], now=now)
            else:
                question.answer, question.answered_at = StartQuestion.Answer.LEFT, now
            question.save(update_fields=["told_at", "answer", "answered_at"])
    return len(waiting)


def next_question(now: datetime) -> datetime | None:
    return now if _untold().exists() else None


def _untold() -> QuerySet[StartQuestion]:
    unread = Touched.objects.filter(record__connection=OuterRef("connection"), attempts=0)
    is_live = Q(connection__go_live_at__isnull=False) | Q(kind=StartQuestion.Kind.IMPORT)
    return StartQuestion.objects.filter(is_live, ~Exists(unread), answer="", told_at=None)


def _intent(told: Asked, person: int) -> Intent:
    return Intent(
        channel="inbox",
        key=f"start-question:{told.question.pk}:{person}",
        payload={
            "person": person,
            "severity": "info",
            "title": told.title,
            "body": f"{told.why} Without an answer it stays so.",
            "href": reverse("slas:start_question", args=[told.question.pk]),
        },
    )


# --- answering -------------------------------------------------------------------------------------------------


def answer(question_id: int, *, starts: bool, by: Person, now: datetime) -> StartQuestion:
    """Start the clocks, or leave them measured; the first answer stands. Raises StartQuestion.DoesNotExist."""
    with transaction.atomic():
        question = (
            StartQuestion.objects.select_for_update(of=("self",), no_key=True)
            .select_related("connection")
            .get(pk=question_id)
        )
        if question.answer:
            return question
        found = clocks_of(question).values_list("pk", "record_id", "started_at")
        clocks = [(str(pk), record, at) for pk, record, at in found.order_by("pk")]
        question.answer = StartQuestion.Answer.STARTED if starts else StartQuestion.Answer.LEFT
        question.answered_at, question.answered_by, question.clocks = now, by, len(clocks)
        question.save()
        if starts:
            event_kind(CLOCK_STARTED)
            ours = gtmops_connection()
            Event.objects.bulk_create(
                [
                    Event(
                        connection=ours, external_key=f"clock:{clock}:started", kind=CLOCK_STARTED, record_id=record,
                        occurred_at=now, observed_at=now, actor=by, data={"clock": clock, "question": question.pk},
                    )
                    for clock, record, _ in clocks
                ],
                ignore_conflicts=True,
                batch_size=_PAGE,
            )  # fmt: skip
            touch({record for _, record, _ in clocks}, now)
    return question


def questions_near(connection: Connection, began: datetime, ended: datetime) -> list[Asked]:
    """Open questions of a connection that were asked in that time."""
    found = StartQuestion.objects.filter(
        connection=connection, answer="", asked_at__gte=began, asked_at__lte=ended
    ).select_related("connection")
    return [asked(question) for question in found]
