"""What was late, why, and whose time it was."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import CharField, Count, Exists, OuterRef, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from scorecards.boards.frame import Frame
from scorecards.facts import FactSet, facts_of, text_of
from scorecards.keyset import KeysetPage, Order, capped_count, keyset_page, read_cursor
from scorecards.metrics import IN_TIME
from scorecards.models import DimensionRollup, MetricFact
from slas.lateness import late_seconds
from slas.models import Appeal, Clock
from slas.why_late import REASONS
from teams.access import business_units_of
from teams.querysets import border

BY_ANCHOR = Order("anchor_at", is_descending=True)
PER_PAGE = 50
PARTIES = ("system", "sender", "receiver", "customer")


@dataclass(frozen=True)
class Part:
    """How many of the late ones have a reason or party, and the list of them."""

    code: str
    n: int
    share: float
    href: str
    is_here: bool


@dataclass(frozen=True)
class Row:
    """A late clock. ``seconds``: how late, in working time where ``is_working``; ``appeal``: the newest one's state."""

    clock: Clock
    seconds: int | None
    is_working: bool
    reason: str
    party: str
    who: str
    appeal: str


@dataclass(frozen=True)
class Page:
    rows: list[Row]
    page: KeysetPage[MetricFact]
    reasons: list[Part]
    parties: list[Part]
    facts: FactSet

    @property
    def n(self) -> int:
        return self.page.count


def load(frame: Frame, cursor: str | None) -> Page:
    """Four queries beside names, and two more where the address narrows."""
    asked = frame.asked
    wanted = _wanted(frame)
    facts = _facts(frame)
    counts = _counts(frame)
    reasons, parties = counts["reason"], counts["party"]
    is_narrowed = bool(frame.asked.narrowing or frame.asked.owner or frame.asked.appeal)
    page = keyset_page(
        facts,
        BY_ANCHOR,
        read_cursor(cursor, BY_ANCHOR),
        size=PER_PAGE,
        count=capped_count(facts) if is_narrowed else (sum(reasons.values()), False),
    )
    return Page(
        rows=_rows(frame, page.rows),
        page=page,
        reasons=[
            Part(
                code, n, share, asked.href(reason="" if asked.reason == code else code), asked.reason == code
            )
            for code, n, share in _shares(REASONS, reasons)
        ],
        parties=[
            Part(code, n, share, asked.href(party="" if asked.party == code else code), asked.party == code)
            for code, n, share in _shares(PARTIES, parties)
        ],
        facts=wanted,
    )


def _wanted(frame: Frame) -> FactSet:
    return frame.asked.facts(IN_TIME.key, part=frame.asked.rule, value="0")


def _facts(frame: Frame) -> Any:
    found = facts_of(frame.viewer, _wanted(frame))
    if state := frame.asked.appeal:
        text = Cast("clock_id", CharField())
        appeals = Appeal.objects.annotate(told=text).filter(told=OuterRef("clock_text"))
        found = found.annotate(clock_text=KeyTextTransform("clock", "dimensions"))
        found = found.filter(~Exists(appeals) if state == "none" else Exists(appeals.filter(state=state)))
    return found


def _counts(frame: Frame) -> dict[str, dict[str, int]]:
    """ "reason" and "party" -> late ones by their labels, whatever the address says of the same. From the roll-ups
    where they suffice."""
    asked = frame.asked
    found: dict[str, dict[str, int]] = {"reason": {}, "party": {}}
    if asked.appeal or asked.owner or asked.narrowing:
        for name, counts in found.items():
            facts = _facts(replace(frame, asked=asked.without(name))).order_by()
            rows = facts.annotate(label=text_of(name)).values_list("label").annotate(n=Count("pk"))
            counts.update(dict(rows))
        return found
    rollups = DimensionRollup.objects.filter(
        border(business_units_of(frame.viewer)),
        metric=IN_TIME.key,
        dimension__in=list(found),
        day__gte=asked.period.first,
        day__lte=asked.period.last,
    )
    if asked.rule:
        rollups = rollups.filter(slice=asked.rule)
    if asked.unit:
        rollups = rollups.filter(business_unit__key=asked.unit)
    late = Sum("count") - Sum("total")
    for dimension, label, n in rollups.order_by().values_list("dimension", "label").annotate(late=late):
        if n:
            found[dimension][label] = int(n)
    return found


def _shares(codes: Iterable[str], counts: Mapping[str, int]) -> Iterator[tuple[str, int, float]]:
    whole = sum(counts.values())
    for code in codes:
        if n := counts.get(code, 0):
            yield code, n, n / whole


def _rows(frame: Frame, facts: Iterable[MetricFact]) -> list[Row]:
    told = [
        (uuid.UUID(str(fact.dimensions["clock"])), fact) for fact in facts if fact.dimensions.get("clock")
    ]
    ids = [pk for pk, _ in told]
    clocks = Clock.objects.for_person(frame.viewer).with_names().in_bulk(ids)
    appeals = dict(
        Appeal.objects.filter(clock__in=ids).order_by("opened_at").values_list("clock_id", "state")
    )
    return [_row(frame, clocks[pk], fact, appeals) for pk, fact in told if pk in clocks]


def _row(frame: Frame, clock: Clock, fact: MetricFact, appeals: Mapping[Any, str]) -> Row:
    team = clock.team.name if clock.team else ""
    return Row(
        clock=clock,
        seconds=late_seconds(clock, frame.now),
        is_working=clock.calendar_id is not None,
        reason=str(fact.dimensions.get("reason") or "not_worked"),
        party=str(fact.dimensions.get("party") or "system"),
        who=frame.names.of(clock.owner_id, str(clock.receipt.get("holder") or "Nobody"), team),
        appeal=appeals.get(clock.pk, ""),
    )


def export(frame: Frame) -> tuple[list[str], Iterator[list[Any]]]:
    """All of them, page by page."""
    return (
        [
            "Buyer",
            "Clock",
            "Started",
            "Due",
            "Done",
            "Seconds late",
            "Why",
            "Who held it longest",
            "Who",
            "Appeal",
            "Id",
        ],
        _lines(frame),
    )


def _lines(frame: Frame) -> Iterator[list[Any]]:
    facts: list[MetricFact] = []
    for fact in _facts(frame).order_by("-anchor_at", "-pk").iterator(chunk_size=500):
        facts.append(fact)
        if len(facts) == 500:
            yield from _cells(frame, _rows(frame, facts))
            facts = []
    yield from _cells(frame, _rows(frame, facts))


def _cells(frame: Frame, rows: Iterable[Row]) -> Iterator[list[Any]]:
    for row in rows:
        c = row.clock
        yield [
            c.record.title, c.rule.body["name"], c.started_at, c.due_at, c.stopped_at, row.seconds,
            frame.label("reason", row.reason), frame.label("party", row.party), row.who, row.appeal, str(c.pk),
        ]  # fmt: skip
