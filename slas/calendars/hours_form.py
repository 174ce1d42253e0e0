"""Working hours as a form: the body of a calendar shown, and what was sent read back over it.

Works without a script: every button sends the whole form and is an act upon what it says (``do``). What can't be read
is given back as it was typed, with its fault beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.datastructures import MultiValueDict

from definitions.sections import Body, Fault
from slas.calendars.business_time import WEEKDAYS
from slas.calendars.sections import is_yearly_day
from slas.calendars.times import DAY_NAMES, Block, read_blocks, spilled

Posted = MultiValueDict[str, str]
MOST_ROWS = 200
MOST_NAME = 120


@dataclass(frozen=True)
class Special:
    """Days that are not like their weekday. ``closed``: date -> what it is; ``yearly``: MM-DD -> what it is;
    ``hours``: date -> blocks."""

    closed: dict[str, str] = field(default_factory=dict)
    yearly: dict[str, str] = field(default_factory=dict)
    hours: dict[str, list[list[str]]] = field(default_factory=dict)

    @property
    def as_json(self) -> str:
        return json.dumps({"closed": self.closed, "yearly": self.yearly, "hours": self.hours})

    def without(self, day: str) -> Special:
        """As if nothing was said of one date."""
        return Special(
            {d: n for d, n in self.closed.items() if d != day},
            {d: n for d, n in self.yearly.items() if d != day[5:]},
            {d: b for d, b in self.hours.items() if d != day},
        )


@dataclass(frozen=True)
class OpenDay:
    """The day whose panel is open. ``kind``: usual, closed or hours."""

    day: date
    kind: str = "usual"
    name: str = ""
    is_yearly: bool = False
    blocks: tuple[Block, ...] = ()
    fault: str = ""


@dataclass
class HoursForm:
    """What the page shows. ``faults``: field -> what is wrong with it; ``focus``: the control that takes the focus."""

    name: str = ""
    zone: str = ""
    teams: list[str] = field(default_factory=list)
    agreed_by: list[str] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    week: dict[str, list[Block]] = field(default_factory=lambda: {day: [] for day in WEEKDAYS})
    country: str = ""
    subdivision: str = ""
    special: Special = field(default_factory=Special)
    year: int = 0
    open_day: OpenDay | None = None
    wanted_from: str = ""
    faults: dict[str, list[str]] = field(default_factory=dict)
    focus: str = ""

    def fault(self, name: str, text: str) -> None:
        self.faults.setdefault(name, []).append(text)

    @property
    def has_faults(self) -> bool:
        return bool(self.faults) or any(block.fault for blocks in self.week.values() for block in blocks)

    @property
    def has_hours(self) -> bool:
        return any(self.week.values()) or any(self.special.hours.values())


# --- showing a body --------------------------------------------------------------------------------------------


def show(body: Body, year: int) -> HoursForm:
    """The form of a body; what a body can't mean is left out and named as a fault of its section anyway."""
    place = body.get("holidays_of")
    place = place if isinstance(place, Mapping) else {}
    week = body.get("week")
    week = week if isinstance(week, Mapping) else {}
    return HoursForm(
        name=str(body.get("name") or ""),
        zone=str(body.get("tz") or ""),
        teams=_texts(body.get("teams")),
        agreed_by=_texts(body.get("agreed_by")),
        people=_texts(body.get("people")),
        regions=_texts(body.get("regions")),
        week={day: read_blocks(*_split(week.get(day))) for day in WEEKDAYS},
        country=str(place.get("country") or ""),
        subdivision=str(place.get("subdivision") or ""),
        special=Special(
            _named(body.get("holidays")),
            _named(body.get("yearly")),
            {str(day): _pairs(blocks) for day, blocks in (body.get("exceptions") or {}).items()},
        ),
        year=year,
    )


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else []


def _named(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return {str(day): str(name or "") for day, name in value.items()}
    return dict.fromkeys(_texts(value), "")


def _pairs(blocks: Any) -> list[list[str]]:
    if not isinstance(blocks, list | tuple):
        return []
    return [[str(b[0]), str(b[1])] for b in blocks if isinstance(b, list | tuple) and len(b) == 2]


def _split(blocks: Any) -> tuple[list[str], list[str]]:
    pairs = _pairs(blocks)
    return [b for b, _ in pairs], [e for _, e in pairs]


# --- reading what was sent -------------------------------------------------------------------------------------


def read(posted: Posted, this_year: int) -> HoursForm:
    """What was sent, each field with its faults. Nothing is done yet: see ``act``."""
    form = HoursForm(
        name=posted.get("name", "").strip()[:MOST_NAME],
        zone=posted.get("tz", "").strip()[:80],
        teams=_chosen(posted, "teams"),
        agreed_by=_chosen(posted, "agreed_by"),
        people=[_address(text) for text in _chosen(posted, "people")],
        regions=_chosen(posted, "regions"),
        week=spilled(
            {day: read_blocks(posted.getlist(f"{day}-from"), posted.getlist(f"{day}-to")) for day in WEEKDAYS}
        ),
        country=posted.get("country", "").strip()[:10],
        subdivision=posted.get("subdivision", "").strip()[:40],
        special=_special(posted.get("special", "")),
        year=_year(posted.get("year", ""), this_year),
        wanted_from=posted.get("wanted_from", "").strip()[:20],
    )
    if day := _day(posted.get("open_day", "")):
        kind = posted.get("day-kind", "usual")
        form.open_day = OpenDay(
            day,
            kind if kind in {"usual", "closed", "hours"} else "usual",
            posted.get("day-name", "").strip()[:MOST_NAME],
            "day-yearly" in posted,
            tuple(read_blocks(posted.getlist("day-from"), posted.getlist("day-to"))),
        )
    return form


def _chosen(posted: Posted, name: str) -> list[str]:
    return list(dict.fromkeys(v.strip()[:200] for v in posted.getlist(name)[:MOST_ROWS] if v.strip()))


def _address(text: str) -> str:
    """ "Dana Okwell <dana@…>" -> dana@…"""
    inner = text.rpartition("<")[2].rstrip("> ") if text.endswith(">") else text
    return inner.strip().lower()


def _special(text: str) -> Special:
    try:
        told = json.loads(text) if len(text) < 200_000 else {}
    except ValueError:
        told = {}
    parts = (
        {name: part for name, part in told.items() if isinstance(part, dict)}
        if isinstance(told, dict)
        else {}
    )
    return Special(
        {day: str(n)[:MOST_NAME] for day, n in parts.get("closed", {}).items() if _day(day)},
        {day: str(n)[:MOST_NAME] for day, n in parts.get("yearly", {}).items() if is_yearly_day(day)},
        {day: _pairs(blocks) for day, blocks in parts.get("hours", {}).items() if _day(day)},
    )


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if len(text) == 10 and 1970 <= found.year <= 2199 else None


def _year(text: str, this_year: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and 1970 <= int(text[:5]) <= 2199 else this_year


# --- buttons ---------------------------------------------------------------------------------------------------


def act(form: HoursForm, do: str, posted: Posted) -> bool:
    """Carry out one button upon the form; False for one that there is not."""
    verb, _, rest = do.partition(":")
    match verb:
        case "add" if rest in WEEKDAYS:
            form.week[rest] = [*form.week[rest], Block()]
            form.focus = f"{rest}-{len(form.week[rest]) - 1}"
        case "remove":
            day, _, index = rest.partition(":")
            if day in WEEKDAYS and index.isdecimal():
                form.week[day] = [b for i, b in enumerate(form.week[day]) if i != int(index)]
                form.week = spilled({d: read_blocks(*_as_typed(blocks)) for d, blocks in form.week.items()})
                form.focus = f"add-{day}"
        case "copy" if rest in WEEKDAYS:
            for day in posted.getlist(f"{rest}-copy"):
                if day in WEEKDAYS and day != rest:
                    form.week[day] = list(form.week[rest])
            form.week = spilled({d: read_blocks(*_as_typed(blocks)) for d, blocks in form.week.items()})
            form.focus = f"copy-{rest}"
        case "people" | "regions":
            getattr(form, verb).append("")
            form.focus = verb
        case "year":
            form.year = _year(rest, form.year)
            form.focus = "year"
        case "open":
            _open(form, rest)
        case "date":
            _open(form, posted.get("day-date", ""))
        case "add-day-block" if form.open_day:
            day_now = form.open_day
            form.open_day = OpenDay(
                day_now.day, "hours", day_now.name, day_now.is_yearly, (*day_now.blocks, Block())
            )
            form.focus = "day"
        case "close":
            form.open_day = None
            form.focus = "year"
        case "set" if form.open_day:
            _set(form, form.open_day)
        case "forget":
            day = rest if len(rest) == 10 else f"2024-{rest}"
            form.special = form.special.without(day)
            form.focus = "year"
        case "holidays":
            form.focus = "country"
        case _:
            return False
    return True


def _as_typed(blocks: Sequence[Block]) -> tuple[list[str], list[str]]:
    return [b.begin for b in blocks], [b.end for b in blocks]


def _open(form: HoursForm, text: str) -> None:
    day = _day(text)
    if day is None:
        form.fault("day_date", "There is no such day. Write it as 2026-12-24.")
        return
    key, yearly = day.isoformat(), day.isoformat()[5:]
    special = form.special
    if key in special.hours:
        found = OpenDay(day, "hours", "", False, tuple(read_blocks(*_split(special.hours[key]))))
    elif yearly in special.yearly:
        found = OpenDay(day, "closed", special.yearly[yearly], True)
    elif key in special.closed:
        found = OpenDay(day, "closed", special.closed[key])
    else:
        found = OpenDay(day)
    form.open_day, form.year, form.focus = found, day.year, "day"


def _set(form: HoursForm, said: OpenDay) -> None:
    """Take over what the panel says of its day; with a fault it stays open."""
    key = said.day.isoformat()
    if said.kind == "hours":
        fault = "Give the hours of this day." if not said.blocks else ""
        if fault or any(b.fault for b in said.blocks):
            form.open_day = OpenDay(said.day, "hours", said.name, False, said.blocks, fault)
            form.fault("day", "The hours of this day can’t be read.")
            form.focus = "day"
            return
    special = form.special.without(key)
    if said.kind == "hours":
        special.hours[key] = [b.pair for b in said.blocks]
    elif said.kind == "closed":
        place = special.yearly if said.is_yearly else special.closed
        place[key[5:] if said.is_yearly else key] = said.name
    form.special, form.open_day, form.focus = special, None, "year"


# --- the body --------------------------------------------------------------------------------------------------


def body_of(form: HoursForm, base: Body) -> dict[str, Any]:
    """The body that the form says, over what it doesn't show. Order as in the files."""
    told: dict[str, Any] = {
        "name": form.name,
        "teams": _as_before(form.teams, base.get("teams")),
        "people": _as_before([p for p in form.people if p], base.get("people")),
        "regions": _as_before([r for r in form.regions if r], base.get("regions")),
        "agreed_by": _as_before(form.agreed_by, base.get("agreed_by")),
        "tz": form.zone,
        "week": {day: [b.pair for b in blocks] for day in WEEKDAYS if (blocks := _written(form.week[day]))},
        "holidays_of": _place(form),
        "holidays": _listed(form.special.closed),
        "yearly": _listed(form.special.yearly),
        "exceptions": {day: form.special.hours[day] for day in sorted(form.special.hours)},
    }
    others = {key: value for key, value in base.items() if key not in told}
    return {**{key: value for key, value in told.items() if value}, **others}


def _as_before(chosen: Sequence[str], before: Any) -> list[str]:
    """In the order they stood in, new ones last: boxes come in the order of the page, which is no change."""
    told = {name: i for i, name in enumerate(_texts(before))}
    return sorted(chosen, key=lambda name: told.get(name, len(told)))


def _written(blocks: Sequence[Block]) -> list[Block]:
    return [b for b in blocks if not b.is_blank]


def _place(form: HoursForm) -> dict[str, str]:
    if not form.country:
        return {}
    return {"country": form.country} | ({"subdivision": form.subdivision} if form.subdivision else {})


def _listed(days: Mapping[str, str]) -> list[str] | dict[str, str]:
    """With what they are where anything says so, else the days alone."""
    return {day: days[day] for day in sorted(days)} if any(days.values()) else sorted(days)


FIELDS = {
    "name": "name", "tz": "tz", "teams": "teams", "people": "people", "regions": "regions", "agreed_by": "agreed_by",
    "week": "week", "holidays_of": "country", "holidays": "days", "yearly": "days", "exceptions": "days",
}  # fmt: skip


def place_faults(form: HoursForm, faults: Sequence[Fault]) -> None:
    """Put what the section says against the body beside the fields it is about."""
    for fault in faults:
        name = FIELDS.get(str(fault.path[0])) if fault.path else None
        form.fault(name or "form", fault.text[:1].upper() + fault.text[1:])


def check(form: HoursForm, zones: frozenset[str], known_people: Mapping[str, str]) -> None:
    """What only the form asks for, beside its fields."""
    if not form.name:
        form.fault("name", "Give it a name, such as the office’s.")
    if not form.zone:
        form.fault("tz", "Choose a time zone.")
    elif form.zone not in zones:
        form.fault("tz", f"“{form.zone}” is no time zone. Type a city, such as Berlin, and choose.")
    for address in form.people:
        if address and address not in known_people:
            form.fault("people", f"Nobody here has the address {address}.")
    if not form.has_hours:
        form.fault("week", "Nobody would ever work: give at least one day a block of time.")


__all__ = [
    "DAY_NAMES",
    "HoursForm",
    "OpenDay",
    "Special",
    "act",
    "body_of",
    "check",
    "place_faults",
    "read",
    "show",
]
