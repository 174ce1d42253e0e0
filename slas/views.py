from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from effects.tick import now_utc
from records.csv_files import csv_streamed
from slas.appeals.acts import deciding_teams, ids_to_speak_for
from slas.appeals.facts import who_had_it
from slas.appeals.page import line_of
from slas.forms import ClockFilter
from slas.lateness import late_seconds
from slas.models import Appeal, Clock
from slas.querysets import LATE, ClockQuerySet
from slas.receipts import explain, with_receipt
from slas.retold import Retold
from slas.visibility import Names, names_for
from teams.access import person_of
from teams.models import Person
from teams.paging import page_of

CLOCKS_PER_PAGE = 50
SORTS = {
    "due": ("due_at", "pk"),
    "started": ("started_at", "pk"),
    "buyer": ("record__title", "pk"),
    "clock": ("rule_key", "due_at", "pk"),
}
DEFAULT_SORT = "-due"
CSV_COLUMNS = (
    "clock", "buyer", "rule", "state", "started_at", "due_at", "stopped_at", "late_seconds", "who_has_it", "team",
    "is_measured_only",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A clock as the list shows it."""

    clock: Clock
    late_seconds: int | None
    who: str


@require_safe
@vary_on_headers("HX-Request")
def clocks(request: HttpRequest) -> HttpResponse:
    now, viewer = now_utc(), person_of(request)
    filters = ClockFilter(request.GET)
    found = _found(request, filters, now)
    page = page_of(request, found, CLOCKS_PER_PAGE)
    names = names_for(viewer)
    context = {
        "page": page,
        "lines": [_line(clock, names, now) for clock in page.object_list],
        "filter_bar": filters.bar(),
        "filters": filters.cleaned_data,
        "search": filters.cleaned_data.get("q", ""),
        "is_filtered": any(filters.cleaned_data.values()),
        "query": request.GET.urlencode(),
    }
    return render(request, "slas/clocks.html", context)


@require_safe
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The same clocks as a file, with the codes and instants of the API."""
    now = now_utc()
    found = _found(request, ClockFilter(request.GET), now)
    cells = _cells(found.iterator(chunk_size=1000), names_for(person_of(request)), now)
    return csv_streamed(f"clocks-{now:%Y-%m-%d}", CSV_COLUMNS, cells)


@require_safe
def clock(request: HttpRequest, clock_id: uuid.UUID) -> HttpResponse:
    """Why is this late?"""
    viewer = person_of(request)
    found = get_object_or_404(with_receipt(Clock.objects.for_person(viewer)), pk=clock_id)
    explained = explain(found, viewer, now_utc())
    names, teams = explained.names, deciding_teams(viewer, explained.retold.staff)
    rows = Appeal.objects.filter(clock=found).told_to(viewer, teams).with_clock().order_by("opened_at", "pk")
    context = {
        "x": explained,
        "appeals": [line_of(row, viewer, names, teams) for row in rows],
        "may_appeal": _may_appeal(found, viewer, explained.retold, rows),
        "is_mine": viewer.pk in who_had_it(found, explained.retold),
        "act_key": str(uuid.uuid4()),
    }
    return render(request, "slas/clock.html", context)


def _may_appeal(clock: Clock, viewer: Person, told: Retold, said: Iterable[Appeal]) -> bool:
    """Whether there is somebody for whom the viewer may say that it is not on them (or not theirs yet), and nobody
    has."""
    if clock.stopped_at is not None and clock.state not in LATE:
        return False
    done = {a.person_id for a in said if a.state in (Appeal.State.OPEN, Appeal.State.GRANTED)}
    return any(pk not in done for pk in ids_to_speak_for(viewer, clock, told))


def _found(request: HttpRequest, filters: ClockFilter, now: datetime) -> ClockQuerySet:
    viewer = person_of(request)
    found = filters.narrow(Clock.objects.for_person(viewer).with_names(), viewer, now)
    asked = request.GET.get("sort", DEFAULT_SORT)
    columns = SORTS.get(asked.removeprefix("-"), SORTS["due"])
    return found.order_by(*(f"-{c}" if asked.startswith("-") else c for c in columns))


def _line(clock: Clock, names: Names, now: datetime) -> Line:
    team = clock.team.name if clock.team else ""
    holder = str(clock.receipt.get("holder", ""))
    return Line(clock, late_seconds(clock, now), names.of(clock.owner_id, holder, team))


def _cells(clocks: Iterator[Clock], names: Names, now: datetime) -> Iterator[tuple[Any, ...]]:
    for line in (_line(clock, names, now) for clock in clocks):
        found = line.clock
        yield (
            found.pk, found.record.title, found.rule.body["name"], found.state, found.started_at, found.due_at,
            found.stopped_at, line.late_seconds, line.who, found.team.name if found.team else "",
            found.is_measured_only,
        )  # fmt: skip
