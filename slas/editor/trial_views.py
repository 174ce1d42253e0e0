"""What a rule would have done last month, and what a watched one would have done differently."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from definitions.models import Version
from definitions.views import draft_address, get_line, get_version
from effects.tick import now_utc
from records.csv_files import csv_streamed
from records.models import Record
from slas.editor.controls import read
from slas.editor.offers import load_offers
from slas.editor.trial.numbers import Turn
from slas.editor.trial.outcomes import Outcome
from slas.editor.trial.running import Trial, report_of, try_rule
from slas.editor.views import SECTION, base_of, values_of
from slas.editor.watching import window_of
from slas.editor.wording import sentence_of
from slas.rules import RuleError
from teams.access import person_of
from teams.models import Person

HOW = {
    "met": "in time", "late": "late", "open": "still running", "off": "no longer needed", "unseen": "seen too late",
    "": "no clock",
}  # fmt: skip
TONES = {"met": "ok", "late": "late", "open": "info"}
CSV_COLUMNS = ("record", "crm", "id there", "started", "now", "by the draft", "due by the draft", "due now")


@dataclass(frozen=True)
class Named:
    """One clock by the record it is about."""

    outcome: Outcome
    record: Record


@dataclass(frozen=True)
class NamedTurn:
    turn: Turn
    was: str
    will: str
    tone: str
    named: tuple[Named, ...]

    @property
    def more(self) -> int:
        return self.turn.count - len(self.named)


@require_safe
@never_cache
@vary_on_headers("HX-Request")
def try_draft(request: HttpRequest, key: str) -> HttpResponse:
    """A version as it was saved. Asked again it goes on with what is not counted yet."""
    told, line = get_line(SECTION, key)
    version = get_version(line, request.GET.get("version", ""), line.draft)
    context = {
        "key": key, "version": version, "title": told.title(version.body) or key, "draft_href": draft_address(version),
        "again_href": f"?version={version.number}",
        **_tried(request, key, version.body, is_last=request.headers.get("HX-Request") != "true"),
    }  # fmt: skip
    template = "slas/editor/try.html"
    return render(
        request, template + ("#trial" if request.headers.get("HX-Request") == "true" else ""), context
    )


@require_POST
@never_cache
def try_typed(request: HttpRequest) -> HttpResponse:
    """The form as it is typed; nothing is kept."""
    key = request.POST.get("key", "")
    offers = load_offers(now_utc())
    found = read(values_of(request.POST), base_of(key), generate=lambda body: sentence_of(body, offers.names))
    body = {"name": "-", "sentence": "-", **found.body}
    context = {"key": key, "is_typed": True, **_tried(request, key, body, is_last=False)}
    return render(request, "slas/editor/try.html#trial", context)


def _tried(request: HttpRequest, key: str, body: Mapping[str, Any], *, is_last: bool) -> dict[str, Any]:
    """``is_last``: the answer must be whole, because nobody will ask on; so is one whose beginning was lost."""
    now, viewer = now_utc(), person_of(request)
    sent: QueryDict = request.POST if request.method == "POST" else request.GET
    done = int(text) if (text := sent.get("done", "")).isdecimal() and len(text) < 7 else 0
    try:
        trial = try_rule(key, body, viewer, now, must_end=is_last)
        if done and trial.done <= done and not trial.is_done:
            trial = try_rule(key, body, viewer, now, must_end=True)
    except RuleError as error:
        return {"faults": [str(fault) for fault in error.faults][:5]}
    if not trial.is_done:
        return {"trial": trial}
    report = report_of(key, body, trial, viewer, now)
    return {"trial": trial, "report": report, "turns": named_turns(report.turns, viewer)}


@require_safe
@never_cache
def watched_rule(request: HttpRequest, key: str) -> HttpResponse:
    """What would have differed while a version of a rule was only watched."""
    told, line = get_line(SECTION, key)
    version = _watched(line, request)
    now, viewer = now_utc(), person_of(request)
    found = _watch(version, viewer, now)
    report = report_of(key, version.body, found, viewer, now)
    context = {
        "key": key,
        "version": version,
        "title": told.title(version.body) or key,
        "draft_href": draft_address(version),
        "is_running": version.watch_until is not None and version.watch_until > now,
        "trial": found,
        "report": report,
        "turns": named_turns(report.turns, viewer),
        "differ": sum(turn.count for turn in report.turns),
        "updated_at": now,
    }
    return render(request, "slas/editor/watched.html", context)


@require_safe
def export_watched_rule(request: HttpRequest, key: str) -> StreamingHttpResponse:
    """Every clock of which the two rules say different things."""
    _, line = get_line(SECTION, key)
    version = _watched(line, request)
    found = _watch(version, person_of(request), now_utc())
    name = f"{key}-version-{version.number}-watched"
    return csv_streamed(name, CSV_COLUMNS, _cells(found, person_of(request)))


def _watched(line: Any, request: HttpRequest) -> Version:
    version = get_version(line, request.GET.get("version", ""), line.draft)
    if version.watch_from is None:
        raise Http404
    return version


def _watch(version: Version, viewer: Person, now: datetime) -> Trial:
    since, until = window_of(version, now)
    try:
        return try_rule(version.key, version.body, viewer, now, since=since, until=until, must_end=True)
    except RuleError:
        raise Http404 from None


def named_turns(turns: Iterable[Turn], viewer: Person) -> list[NamedTurn]:
    """With the records behind them that the viewer may read. One query."""
    turns = list(turns)
    records = _records([o.record_id for turn in turns for o in turn.examples], viewer)
    return [
        NamedTurn(
            turn, HOW[turn.was], HOW[turn.will], TONES.get(turn.will, "neutral"),
            tuple(Named(o, records[o.record_id]) for o in turn.examples if o.record_id in records),
        )
        for turn in turns
    ]  # fmt: skip


def _records(ids: Iterable[uuid.UUID], viewer: Person) -> dict[uuid.UUID, Record]:
    return Record.objects.for_person(viewer).select_related("connection").in_bulk(list(ids))


def _cells(trial: Trial, viewer: Person) -> Iterator[tuple[Any, ...]]:
    will, was = ({o.clock_id: o for o in outcomes} for outcomes in (trial.by_draft, trial.as_now))
    differing = [
        pk for pk in dict.fromkeys([*will, *was])
        if (will[pk].how if pk in will else "") != (was[pk].how if pk in was else "")
    ]  # fmt: skip
    records = _records([(will.get(pk) or was[pk]).record_id for pk in differing], viewer)
    for pk in differing:
        new, old = will.get(pk), was.get(pk)
        either = will.get(pk) or was[pk]
        record = records.get(either.record_id)
        if record is None:
            continue
        yield (
            record.title, record.connection.label, record.remote_id, either.started_at,
            HOW[old.how if old else ""], HOW[new.how if new else ""],
            new.due_at if new else None, old.due_at if old else None,
        )  # fmt: skip
