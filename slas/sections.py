"""What slas adds to the model files: calendars and SLA rules."""

from __future__ import annotations

from django.db.models import QuerySet

from definitions.files.reading import Reader, unknown_keys
from definitions.sections import Body, Context, Fault, Pages, Section
from records.models import Record
from slas.calendars.business_time import Calendar
from slas.calendars.public_holidays import place_name
from slas.calendars.sections import CALENDAR_KEYS, PLACE_KEYS, calendar_spec
from slas.calendars.times import week_words
from slas.editor.standing import standing_of_rules
from slas.models import Clock
from slas.rule_checks import rule_faults, rule_remarks
from slas.touch_sections import TOUCHES, touch_faults, touch_sentence


def calendar_faults(key: str, body: Body, context: Context) -> list[Fault]:
    read = Reader(body)
    read.text("name", most=120)
    read.some_of("teams", context.teams, "team", required=False)
    read.some_of("agreed_by", context.teams, "team", required=False)
    people = read.some_of("people", None, "e-mail address", required=False)
    regions = read.some_of("regions", None, "region", required=False)
    for name, mine in (("people", people), ("regions", regions)):
        for i, who in enumerate(mine):
            twin = _also_named(name, who, key, context)
            if twin:
                read.fault(
                    "repeated", f"“{who}” stands in the working hours “{twin}” too; remove one", name, i
                )
    faults = [
        *read.faults,
        *unknown_keys(body, CALENDAR_KEYS),
        *unknown_keys(body.get("holidays_of"), PLACE_KEYS, "holidays_of"),
    ]
    try:
        Calendar.from_spec(calendar_spec(body))
    except (ValueError, TypeError) as error:
        faults.append(Fault((), "calendar", str(error)))
    return faults


def _also_named(name: str, who: str, key: str, context: Context) -> str:
    """Another calendar that names the same person or region, "" for none."""
    return next(
        (
            other
            for other, body in sorted(context.bodies.get("calendars", {}).items())
            if other != key and who.lower() in [str(one).lower() for one in body.get(name) or []]
        ),
        "",
    )


def calendar_remarks(key: str, body: Body, context: Context) -> list[Fault]:
    if body.get("holidays_of") or body.get("holidays") or body.get("yearly"):
        return []
    text = "it knows no holidays: clocks run on them; name the country under holidays_of, or list the days"
    return [Fault((), "no_holidays", text)]


def calendar_sentence(body: Body) -> str:
    """ "Mon–Fri 08:30–17:30 in America/Chicago, for sdr; public holidays of United States, Texas." """
    named = [str(one) for key in ("teams", "regions") for one in body.get(key) or []]
    if people := len(body.get("people") or []):
        named.append("one person" if people == 1 else f"{people} people")
    whose = f", for {', '.join(named)}" if named else ""
    place = body.get("holidays_of") or {}
    off = (
        f"; public holidays of {place_name(str(place['country']), place.get('subdivision'))}"
        if place.get("country")
        else ""
    )
    return f"{week_words(body.get('week') or {}) or 'Open on single days only'} in {body['tz']}{whose}{off}."


def with_open_clocks() -> QuerySet[Record]:
    """Whose clocks still run by somebody's working hours: an edit of hours can move no other."""
    counting = Clock.objects.filter(state__in=Clock.OPEN, calendar__isnull=False)
    return Record.objects.filter(pk__in=counting.values("record"))


def clocks_moved_by(body: Body) -> QuerySet[Record]:
    """Whose clocks a version of a rule moves while they run; nobody's, unless it says so."""
    if body.get("open_clocks") != "move":
        return Record.objects.none()
    return Record.objects.filter(pk__in=Clock.objects.filter(state__in=Clock.OPEN).values("record"))


SECTIONS = (
    Section(
        name="calendars",
        label="Working hours",
        parse=calendar_faults,
        title=lambda body: str(body["name"]),
        sentence=lambda body, _: calendar_sentence(body),
        lint=calendar_remarks,
        population=lambda body: with_open_clocks(),
        pages=Pages(
            edit="slas:hours",
            new="slas:hours_new",
            trial="slas:hours_trial",
            trial_title="Which clocks it would move",
        ),
        on_retire="From now on nobody counts by these hours.",
    ),
    Section(
        name="sla_rules",
        label="Clocks",
        parse=rule_faults,
        title=lambda body: str(body["name"]),
        sentence=lambda body, _: str(body["sentence"]),
        lint=rule_remarks,
        population=clocks_moved_by,
        pages=Pages(
            edit="slas:edit_rule", new="slas:new_rule", trial="slas:try_rule", watched="slas:watched_rule"
        ),
        standing=standing_of_rules,
        on_retire="From now on it starts no clock. Clocks that run already go on by it to their end.",
    ),
    Section(
        name=TOUCHES,
        label="Touches",
        parse=touch_faults,
        title=lambda body: str(body["name"]),
        sentence=lambda body, _: touch_sentence(body),
        on_retire="From now on the usual answer holds: calls, e-mails, meetings and messages by people of ours.",
    ),
)
