"""Template tags of the component library. docs/ui.md shows each in use; the markup is in templates/components/."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.core.paginator import Page
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gtmops import phrases, words
from slas.lateness import late_seconds as seconds_late
from slas.lateness import used_seconds, whole_seconds
from slas.models import Clock

register = template.Library()

#: The colours of teams, lanes and holders; each has a class `tone-<name>` in assets/css/tokens.css.
TONES = ("slate", "sky", "violet", "amber", "green", "pink", "indigo", "closed")


@register.simple_tag
def word(code: str) -> str:
    """What pages say for a code word: {% word "judgement.met" %}. Raises UnknownWord."""
    return words.word(code)


@register.simple_tag
def word_of(group: str, code: str) -> str:
    """The same with the code in a variable: {% word_of "judgement" check.result %}."""
    return words.word(f"{group}.{code}")


@register.filter
def duration(seconds: float | None) -> str:
    """ "2 h 10 min"; nothing known is "–"."""
    return "–" if seconds is None else phrases.duration_words(seconds)


@register.filter
def working_duration(seconds: float | None) -> str:
    """ "35 h 10 min" of working time; nothing known is "–"."""
    return "–" if seconds is None else phrases.working_duration_words(seconds)


@register.filter
def business_duration(seconds: int) -> str:
    """ "1 business hour"."""
    return phrases.business_duration_words(seconds)


@register.filter
def grouped(number: float | Decimal | None) -> str:
    """ "8,120"; nothing known is "–"."""
    return "–" if number is None else phrases.grouped(number)


@register.filter
def total(page: Page[Any]) -> str:
    """How many rows a page is one of: "8,120", "10,000+" where nobody counts further."""
    is_capped = getattr(page.paginator, "is_capped", False)
    return f"{phrases.grouped(page.paginator.count)}{'+' if is_capped else ''}"


@register.filter
def share(value: float | None) -> str:
    """ "61%" of 0.61."""
    return phrases.share_words(value)


@register.filter
def money(amount: float | Decimal | None, currency: str) -> str:
    """ "EUR 86k"."""
    return "–" if amount is None else phrases.money_words(amount, currency)


@register.filter
def absolute(moment: datetime) -> str:
    """ "Thu 12 Nov 2026, 15:35:08 CET" in the viewer's zone."""
    return phrases.absolute_words(moment, timezone.get_current_timezone())


@register.simple_tag
def relative_time(moment: datetime | None, now: datetime | None = None) -> SafeString | str:
    """A <time> that keeps itself current and says the absolute time on hover; "never" for None."""
    if moment is None:
        return "never"
    zone = timezone.get_current_timezone()
    return format_html(
        '<time class="gt-time" datetime="{}" title="{}" data-relative>{}</time>',
        moment.isoformat(),
        phrases.absolute_words(moment, zone),
        phrases.relative_words(moment, now or timezone.now(), zone),
    )


@register.simple_tag
def icon(name: str) -> SafeString:
    """A Bootstrap icon that only decorates; words stand beside it."""
    return format_html('<i class="bi bi-{}" aria-hidden="true"></i>', name)


@register.inclusion_tag("components/due_chip.html")
def clock_chip(clock: Clock, href: str = "", now: datetime | None = None) -> dict[str, Any]:
    """The `due_chip` of a clock (with its calendar): late as its rule counts, and not growing once it is done; on hover
    also how much of its time is used."""
    moment = now or timezone.now()
    late = seconds_late(clock, moment) if clock.calendar_id else None
    chip = due_chip(
        clock.state, clock.due_at, finished_at=clock.stopped_at, late_seconds=late, href=href, now=moment
    )
    used, whole = used_seconds(clock, moment), whole_seconds(clock)
    if used is not None and whole:
        say = phrases.working_duration_words if clock.calendar_id else phrases.duration_words
        chip["title"] += f" · {say(used)} of {say(whole)} used"
    return chip


@register.inclusion_tag("components/due_chip.html")
def due_chip(
    state: str,
    due_at: datetime | None = None,
    *,
    finished_at: datetime | None = None,
    left_seconds: int | None = None,
    late_seconds: int | None = None,
    soon_seconds: int = 3600,
    href: str = "",
    now: datetime | None = None,
) -> dict[str, Any]:
    """How a clock stands, as word, icon and colour; a running one counts in the browser.

    `state` is a clock state (gtmops/words.py). `finished_at` with a due time before it makes a late end, which stays
    red. `left_seconds` is what remains of a paused clock, `late_seconds` overrides the wall time late with business
    seconds. `href` leads to the explanation.
    """
    moment = now or timezone.now()
    zone = timezone.get_current_timezone()
    live = False
    if state == "running" and due_at is None:
        state = "waiting"
    look = words.clock_look(state)
    late_words = phrases.duration_words if late_seconds is None else phrases.working_duration_words
    text, severity, icon_name = look.word, look.severity, look.icon
    if state == "running" and due_at is not None:
        live = True
        text = phrases.due_words(due_at, moment, zone)
        severity = phrases.due_severity(due_at, moment, soon_seconds=soon_seconds)
        icon_name = {"late": "exclamation-triangle-fill", "soon": "hourglass-split"}.get(severity, "clock")
    elif state == "breached_not_verified":
        if late_seconds is None and finished_at is not None and due_at is not None:
            late_seconds = int((finished_at - due_at).total_seconds())
        text = f"{late_words(late_seconds)} late, not verified" if late_seconds else text
    elif state in {"met", "met_late", "breached"}:
        if finished_at is not None and due_at is not None and late_seconds is None and finished_at > due_at:
            late_seconds = int((finished_at - due_at).total_seconds())
        if state == "breached" and finished_at is None and due_at is not None and late_seconds is None:
            live = True
            text = phrases.due_words(due_at, moment, zone)
        elif late_seconds and (state != "met" or finished_at is not None):
            look = words.clock_look("met_late")
            done = "Done " if finished_at is not None else ""
            text = f"{done}{late_words(late_seconds)} late"
            severity, icon_name = look.severity, look.icon
    elif state == "paused" and left_seconds is not None:
        text = f"{look.word}, {phrases.duration_words(left_seconds)} left"
    return {
        "text": text,
        "severity": severity,
        "icon": icon_name,
        "live": live,
        "due_at": due_at,
        "title": phrases.absolute_words(due_at, zone) if due_at else words.explanation(f"clock.{state}"),
        "soon_seconds": soon_seconds,
        "href": href,
    }


@register.inclusion_tag("components/check_badge.html")
def check_badge(judgement: str, note: str = "") -> dict[str, Any]:
    """A judgement as word, icon and colour; `note` replaces the explanation shown on hover."""
    return {
        "look": words.judgement_look(judgement),
        "note": note or words.explanation(f"judgement.{judgement}"),
    }


@register.inclusion_tag("components/pill.html")
def handoff_badge(state: str, href: str = "") -> dict[str, Any]:
    """Where a handoff stands as word, icon and colour."""
    look = words.handoff_look(state)
    return {"text": look.word, "severity": look.severity, "icon": look.icon, "href": href}


@register.inclusion_tag("components/pill.html")
def pill(text: str, severity: str = "neutral", icon: str = "", href: str = "") -> dict[str, Any]:
    """A word on a soft background. `severity`: ok, soon, late, info or neutral."""
    return {"text": text, "severity": severity, "icon": icon, "href": href}


@register.inclusion_tag("components/person.html")
def person(
    name: str, *, detail: str = "", href: str = "", gone: bool = False, small: bool = False
) -> dict[str, Any]:
    """A person or a queue: initials and name; `detail` is role and place, `gone` marks a leaver."""
    parts = [part for part in name.replace("@", " ").split() if part[0].isalnum()]
    initials = "".join(part[0] for part in (parts if len(parts) < 2 else [parts[0], parts[-1]])).upper()
    return {
        "name": name,
        "initials": initials or "?",
        "detail": detail,
        "href": href,
        "gone": gone,
        "small": small,
    }


@register.inclusion_tag("components/source.html")
def source(
    system: str, at: datetime | None = None, *, href: str = "", now: datetime | None = None
) -> dict[str, Any]:
    """Where a value comes from: "Salesforce · 2 h ago"."""
    return {"system": system, "at": at, "href": href, "now": now}


@dataclass(frozen=True, slots=True)
class Held:
    """One stretch of a time bar: who had it, in which colour, for how many wall seconds, and until which mark."""

    label: str
    tone: str
    seconds: int
    key: str = ""
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch with its place in percent."""

    label: str
    tone: str
    seconds: int
    x: float
    width: float
    shows_label: bool
    is_narrow: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """Text under the bar at a percentage; the first stands left, the last right, the others in the middle."""

    text: str
    x: float
    anchor: str


def _drawn(one: Held) -> int:
    """A room may draw closed hours smaller than they were (`drawn`), so that they don't hide the rest."""
    return getattr(one, "drawn", 0) or one.seconds


def place_stretches(held: Sequence[Held]) -> list[Stretch]:
    """Stretches beside each other over 100 percent; a zero stretch takes no place."""
    total = sum(map(_drawn, held)) or 1
    placed: list[Stretch] = []
    x = 0.0
    for one in held:
        width = _drawn(one) * 100 / total
        if one.seconds:
            placed.append(
                Stretch(
                    one.label, one.tone, one.seconds, round(x, 3), round(width, 3), width >= 6, width < 16
                )
            )
        x += width
    return placed


def place_marks(start: str, held: Sequence[Held], *, room: float = 15) -> list[Mark]:
    """The marks at the ends of stretches; a middle one without `room` percent to its neighbours is left out."""
    total = sum(map(_drawn, held)) or 1
    marks = [Mark(start, 0, "start")] if start else []
    x, last = 0.0, 0.0
    final = held[-1].mark if held else ""
    for one in held[:-1]:
        x += _drawn(one) * 100 / total
        if one.mark and x - last >= room * 1.4 and (not final or 100 - x >= room * 1.4):
            marks.append(Mark(one.mark, round(x, 3), "middle"))
            last = x
    if final:
        marks.append(Mark(final, 100, "end"))
    return marks


@register.inclusion_tag("components/time_bar.html")
def time_bar(
    held: Sequence[Held], *, start: str = "", total_words: str = "from start to end", slim: bool = False
) -> dict[str, Any]:
    """Who had it over time: one bar, its marks, a legend summed by who, and the sum of all.

    `start` is the text under the left end; each `Held.mark` stands under the end of its stretch. `slim` leaves only
    the bar with its spoken sentence.
    """
    sums: dict[tuple[str, str], int] = {}
    for one in held:
        name = (one.key or one.label, one.tone)
        sums[name] = sums.get(name, 0) + one.seconds
    legend = [
        {"label": label, "tone": tone, "seconds": seconds}
        for (label, tone), seconds in sums.items()
        if seconds
    ]
    total = sum(one.seconds for one in held)
    spoken = ", ".join(f"{entry['label']} {phrases.duration_words(sums_of(entry))}" for entry in legend)
    return {
        "stretches": place_stretches(held),
        "marks": place_marks(start, held),
        "legend": legend,
        "total": total,
        "total_words": total_words,
        "spoken": spoken,
        "slim": slim,
    }


def sums_of(entry: Mapping[str, Any]) -> int:
    """The seconds of a legend entry."""
    seconds: int = entry["seconds"]
    return seconds


@register.inclusion_tag("components/progress.html")
def progress(
    done: int, total: int, *, words: str = "done", note: str = "", severity: str = "info"
) -> dict[str, Any]:
    """A bar with its sentence, "3 of 5 done"; `total` 0 means that the end is not known yet."""
    return {
        "done": done,
        "total": total,
        "percent": min(100, round(done * 100 / total, 1)) if total else None,
        "words": words,
        "note": note,
        "severity": severity,
    }


@register.inclusion_tag("components/number_tile.html")
def number_tile(
    label: str,
    value: str,
    *,
    href: str = "",
    n: int | None = None,
    target: str = "",
    change: str = "",
    change_is_good: bool | None = None,
    reason: str = "",
) -> dict[str, Any]:
    """One number, a link to its records, with its label, target, change, the reason of the change, and n."""
    return {
        "label": label,
        "value": value,
        "href": href,
        "n": n,
        "target": target,
        "change": change,
        "change_is_good": change_is_good,
        "reason": reason,
    }


@register.inclusion_tag("components/sort_header.html", takes_context=True)
def sort_header(
    context: template.Context, label: str, field: str, *, numeric: bool = False, parameter: str = "sort"
) -> dict[str, Any]:
    """A <th> that says how it sorts now and sorts by `field` through the query: `?sort=field`, `?sort=-field`."""
    request = context["request"]
    current = request.GET.get(parameter, "")
    query = request.GET.copy()
    query.pop("page", None)
    query[parameter] = f"-{field}" if current == field else field
    return {
        "label": label,
        "href": f"?{query.urlencode()}",
        "aria_sort": {field: "ascending", f"-{field}": "descending"}.get(current, "none"),
        "numeric": numeric,
    }


@register.inclusion_tag("components/paging.html", takes_context=True)
def paging(context: template.Context, page: Any, *, noun: str = "records", one: str = "") -> dict[str, Any]:
    """Previous and next for a Django Page, with "1–50 of 8,120 records"; the other parameters of the query stay.

    ``one``: the noun for a single row, else without its last letter."""

    def href(number: int) -> str:
        query = context["request"].GET.copy()
        query["page"] = str(number)
        return f"?{query.urlencode()}"

    return {
        "page": page,
        "noun": noun,
        "one": one or noun[:-1],
        "previous": href(page.previous_page_number()) if page.has_previous() else "",
        "next": href(page.next_page_number()) if page.has_next() else "",
    }


@register.filter
def having(items: Iterable[Any], name: str) -> list[Any]:
    """The items whose attribute or key `name` is truthy."""
    return [
        item for item in items if (item.get(name) if isinstance(item, Mapping) else getattr(item, name, None))
    ]
