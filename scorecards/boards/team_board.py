"""What does a team owe, most urgent first: by person, or all in one list."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Q

from scorecards.boards.frame import Frame
from scorecards.keyset import KeysetPage, Order, keyset_page, read_cursor
from scorecards.links import clock_href
from scorecards.record_page import page_address
from slas.models import Clock
from slas.querysets import ClockQuerySet
from teams.models import BusinessUnit, Membership, Person, Team

COUNTED = 10_000
"""The most urgent so many are counted by person; of more it is said that there are more."""
ROWS_PER_LANE = 5
PER_PAGE = 50
SOON = timedelta(days=1)
BY_DUE = Order("due_at")
LATE, DUE, PAUSED, NOBODY = "late", "soon", "paused", "nobody"
SHOWS = (("", "All"), (LATE, "Late"), (DUE, "Due within a day"), (PAUSED, "Paused"), (NOBODY, "Nobody's"))
LIVE = ("running", "paused", "due", "breached", "breached_not_verified", "seen_late")


@dataclass(frozen=True)
class Item:
    """A clock of the board. ``menu``: as components/menu.html takes it."""

    clock: Clock
    title: str
    href: str
    why_href: str
    rule: str
    who: str
    menu: list[dict[str, str]]


@dataclass(frozen=True)
class Lane:
    """One person's, nobody's, or that of all whom the viewer may not name."""

    name: str
    n: int
    late: int
    soon: int
    paused: int
    items: list[Item]
    href: str
    late_href: str
    soon_href: str
    paused_href: str
    is_nobody: bool = False

    @property
    def rest(self) -> int:
        return self.n - len(self.items)


@dataclass(frozen=True)
class Page:
    team: Team | None
    lanes: list[Lane]
    items: list[Item]
    page: KeysetPage[Clock] | None
    is_capped: bool
    shows: list[tuple[str, str, int, bool]]
    """(href, label, count, is shown)."""

    @property
    def late(self) -> int:
        return sum(lane.late for lane in self.lanes)

    @property
    def n(self) -> int:
        return sum(lane.n for lane in self.lanes)


@dataclass(frozen=True)
class Counted:
    """Of one owner's clocks of a team."""

    owner: int | None
    n: int
    late: int
    soon: int
    paused: int
    first: tuple[uuid.UUID, ...]


def load(frame: Frame, cursor: str | None) -> Page:
    """Four queries beside names."""
    asked = frame.asked
    team = team_of(frame)
    if team is None:
        return Page(None, [], [], None, False, [])
    counted = count_owed(frame, team.pk)
    is_list = asked.by == "urgency" or asked.show != "" or asked.owner != ""
    page = None
    if is_list:
        page = keyset_page(
            _listed(frame, team),
            BY_DUE,
            read_cursor(cursor, BY_DUE),
            size=PER_PAGE,
            count=(_number(counted, asked.show, asked.owner), sum(c.n for c in counted) > COUNTED),
        )
        clocks = {clock.pk: clock for clock in page.rows}
    else:
        clocks = owed(frame.viewer).with_names().in_bulk([pk for c in counted for pk in c.first])
    return Page(
        team=team,
        lanes=_lanes(frame, counted, {} if is_list else clocks),
        items=[_item(frame, clock) for clock in page.rows] if page else [],
        page=page,
        is_capped=sum(c.n for c in counted) > COUNTED,
        shows=[
            (asked.href(show=code, by=asked.by), label, _number(counted, code, ""), asked.show == code)
            for code, label in SHOWS
        ],
    )


def owed(viewer: Person) -> ClockQuerySet:
    """What still waits for somebody since go-live."""
    return Clock.objects.for_person(viewer).filter(stopped_at=None, is_measured_only=False, state__in=LIVE)


def count_owed(frame: Frame, team: int) -> list[Counted]:
    """By owner, of the COUNTED most urgent ones; a statement whose cost does not grow with the clocks."""
    unit, rule, now = frame.asked.unit, frame.asked.rule, frame.now
    units = [row.pk for row in frame.unit_rows]
    where = ""
    params: dict[str, Any] = {
        "team": team, "now": now, "soon": now + SOON, "most": COUNTED + 1, "rows": ROWS_PER_LANE,
    }  # fmt: skip
    # Whoever may read every unit needs no look at the records.
    if unit or len(units) < BusinessUnit.objects.count():
        where = "AND (r.business_unit_id IS NULL OR r.business_unit_id = ANY(%(units)s)) "
        params["units"] = units
    if unit:
        where += "AND r.business_unit_id = (SELECT id FROM teams_businessunit WHERE key = %(unit)s) "
        params["unit"] = unit
    join = "JOIN records_record r ON r.id = c.record_id " if where else ""
    if rule:
        where += "AND c.rule_key = %(rule)s "
        params["rule"] = rule
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH owed AS (
                SELECT c.id, c.owner_id, c.state, c.due_at FROM slas_clock c {join}
                WHERE c.team_id = %(team)s AND c.stopped_at IS NULL AND NOT c.is_measured_only {where}
                ORDER BY c.due_at, c.id LIMIT %(most)s
            ), placed AS (
                SELECT *, row_number() OVER (PARTITION BY owner_id ORDER BY due_at, id) AS place FROM owed
            )
            SELECT owner_id, count(*),
                   count(*) FILTER (WHERE due_at <= %(now)s AND state NOT IN ('paused', 'seen_late')),
                   count(*) FILTER (WHERE due_at > %(now)s AND due_at <= %(soon)s AND state <> 'paused'),
                   count(*) FILTER (WHERE state = 'paused'),
                   array_agg(id ORDER BY place) FILTER (WHERE place <= %(rows)s)
            FROM placed GROUP BY owner_id
            """,  # noqa: S608 (all of it ours)
            params,
        )
        return [
            Counted(owner, n, late, soon, paused, tuple(first or ()))
            for owner, n, late, soon, paused, first in cursor.fetchall()
        ]


def team_of(frame: Frame) -> Team | None:
    """The team asked for; else the viewer's own. None while there is no team."""
    teams = frame.team_rows
    if asked := next((t for t in teams if t.key == frame.asked.team), None):
        return asked
    stay = Membership.objects.open().filter(person=frame.viewer).values_list("team_id", flat=True).first()
    own = next((t for t in teams if t.pk == stay), None)
    # Whoever has no clocks of their own begins with those who have the first ones.
    busy = next((t for t in teams if t.purpose == "sdr"), teams[0] if teams else None)
    return own if own is not None and own.purpose in ("sdr", "sales", "cs") else busy


def _listed(frame: Frame, team: Team) -> ClockQuerySet:
    asked = frame.asked
    found = owed(frame.viewer).with_names().filter(team=team, due_at__isnull=False)
    if asked.rule:
        found = found.filter(rule_key=asked.rule)
    if asked.unit:
        found = found.filter(record__business_unit__key=asked.unit)
    if asked.owner:
        found = found.filter(owner=int(asked.owner)) if asked.owner.isdecimal() else found
    narrow = {
        LATE: Q(due_at__lte=frame.now) & ~Q(state__in=["paused", "seen_late"]),
        DUE: Q(due_at__gt=frame.now, due_at__lte=frame.now + SOON) & ~Q(state="paused"),
        PAUSED: Q(state="paused"),
        NOBODY: Q(owner=None),
    }
    return found.filter(narrow.get(asked.show, Q()))


def _number(counted: Iterable[Counted], show: str, owner: str) -> int:
    found = 0
    for c in counted:
        if owner and str(c.owner) != owner:
            continue
        found += {
            "": c.n,
            LATE: c.late,
            DUE: c.soon,
            PAUSED: c.paused,
            NOBODY: c.n if c.owner is None else 0,
        }.get(show, c.n)
    return found


def _lanes(frame: Frame, counted: Sequence[Counted], clocks: Mapping[uuid.UUID, Clock]) -> list[Lane]:
    lanes, others = [], []
    for c in counted:
        if c.owner is not None and not frame.names.may_name(c.owner):
            others.append(c)
            continue
        owner = next((clocks[pk].owner for pk in c.first if pk in clocks), None)
        name = owner.name if owner is not None else "Nobody"
        items = [_item(frame, clocks[pk]) for pk in c.first if pk in clocks]
        own = {"show": NOBODY} if c.owner is None else {"owner": str(c.owner)}
        lanes.append(_lane(frame, name, (c.n, c.late, c.soon, c.paused), items, own))
    if others:
        first = sorted(
            (pk for c in others for pk in c.first if pk in clocks), key=lambda pk: _urgency(clocks[pk])
        )
        items = [_item(frame, clocks[pk]) for pk in first[:ROWS_PER_LANE]]
        name = f"{'The others' if lanes else 'The team'} ({len(others)})"
        n, late, soon, paused = (
            sum(getattr(c, part) for c in others) for part in ("n", "late", "soon", "paused")
        )
        lanes.append(_lane(frame, name, (n, late, soon, paused), items, {"by": "urgency"}))
    return sorted(lanes, key=lambda lane: (not lane.is_nobody, -lane.late, -lane.soon, -lane.n, lane.name))


def _lane(
    frame: Frame, name: str, counts: tuple[int, int, int, int], items: list[Item], own: Mapping[str, str]
) -> Lane:
    """``own``: what narrows the list to this lane."""
    n, late, soon, paused = counts
    late_href, soon_href, paused_href = (frame.asked.href(**{"show": s, **own}) for s in (LATE, DUE, PAUSED))
    return Lane(
        name, n, late, soon, paused, items, frame.asked.href(**own), late_href, soon_href, paused_href,
        is_nobody="show" in own,
    )  # fmt: skip


def _urgency(clock: Clock) -> tuple[bool, float]:
    return (clock.due_at is None, clock.due_at.timestamp() if clock.due_at else 0.0)


def _item(frame: Frame, clock: Clock) -> Item:
    team = clock.team.name if clock.team else ""
    who = frame.names.of(clock.owner_id, str(clock.receipt.get("holder") or "Nobody"), team)
    record = page_address(clock.record_id)
    title = clock.record.title or "A record"
    menu = [
        {"text": "Open record", "href": record, "icon": "person-lines-fill"},
        {"text": "Who owns it", "href": f"{record}#owner", "icon": "arrow-left-right"},
    ]
    if clock.owner is not None and frame.names.may_name(clock.owner_id) and clock.owner_id != frame.viewer.pk:
        ask = f"mailto:{clock.owner.email}?subject={title}"
        menu.append({"text": f"Ask {clock.owner.get_short_name()}", "href": ask, "icon": "chat"})
    menu.append({"text": "Why is this due?", "href": clock_href(clock.pk), "icon": "question-circle"})
    return Item(clock, title, record, clock_href(clock.pk), str(clock.rule.body["name"]), who, menu)


def export(frame: Frame) -> tuple[list[str], Iterator[list[Any]]]:
    team = team_of(frame)
    header = ["Buyer", "Clock", "State", "Due", "Started", "Who has it", "Team", "Page"]
    if team is None:
        return header, iter(())
    clocks = _listed(frame, team).order_by("due_at", "pk")
    return header, (_cells(_item(frame, clock), team.name) for clock in clocks.iterator(chunk_size=1000))


def _cells(item: Item, team: str) -> list[Any]:
    c = item.clock
    return [
        item.title,
        item.rule,
        c.state,
        c.due_at,
        c.started_at,
        item.who,
        team,
        settings.SITE_URL + item.why_href,
    ]
