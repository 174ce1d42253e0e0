"""Absences out of an iCalendar file (pure): which entries count, expanded, as times and nothing else.

A file comes from outside, so its cost is bounded before a library sees it: it is cut to the entries that match first,
zones that it defines itself are thrown away, and a rule of repetition must be one that a person's leave can have."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

MAX_BYTES = 5_000_000
MAX_LINES = 400_000
MAX_MATCHING = 500
MAX_STEPS = 10_000
MAX_DATES = 1_000
DAYS_AHEAD = 400
DEFAULT_WORDS = (
    "OOO", "out of office", "vacation", "holiday", "annual leave", "parental leave", "PTO", "day off", "sick",
    "away", "Urlaub", "abwesend", "krank",
)  # fmt: skip
_STEP_DAYS = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 28, "YEARLY": 365}
_PARTS = frozenset(
    {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"}
)
_READ = (
    "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID", "SEQUENCE", "SUMMARY",
    "CATEGORIES", "TRANSP", "STATUS", "X-MICROSOFT-CDO-BUSYSTATUS", "ATTENDEE", "ORGANIZER",
)  # fmt: skip
_WEEKDAYS = re.compile(r"(MO|TU|WE|TH|FR|SA|SU)(,(MO|TU|WE|TH|FR|SA|SU))*")
_ORDINALS = re.compile(r"(-?[1-4])?(MO|TU|WE|TH|FR|SA|SU)(,(-?[1-4])?(MO|TU|WE|TH|FR|SA|SU))*")
_MONTH_DAYS = re.compile(r"-?([1-9]|1\d|2[0-8])(,-?([1-9]|1\d|2[0-8]))*")
_MAIL = re.compile(r"mailto:([^\s;,>\"]+)", re.IGNORECASE)


class NotACalendar(ValueError):
    """The bytes can't be taken; the text says why, for people."""


@dataclass(frozen=True)
class Matching:
    """Which entries are absences. ``words``: one of them stands in its title or category, or Outlook marks it out of
    office; entries that leave the time free or are cancelled never count. ``takes_parts``: also parts of a day, else
    whole days and what lasts one."""

    words: tuple[str, ...] = DEFAULT_WORDS
    takes_parts: bool = False

    @property
    def pattern(self) -> re.Pattern[str]:
        told = "|".join(re.escape(word) for word in self.words if word.strip()) or r"(?!)"
        return re.compile(rf"(?<!\w)(?:{told})(?!\w)", re.IGNORECASE)


@dataclass(frozen=True)
class Member:
    """Somebody whom entries may be about: of a person's own feed the only one, of a team's all of it."""

    id: int
    name: str
    email: str
    zone: ZoneInfo


@dataclass(frozen=True, order=True)
class FoundAbsence:
    """One absence. ``key`` names the entry and which of its repetitions, and tells nothing of it."""

    begin: datetime
    end: datetime
    person_id: int
    key: str


@dataclass
class Found:
    """``skipped``: entries that match and could not be read, by reason; ``nobody``: entries of a team's calendar that
    name no member."""

    absences: list[FoundAbsence] = field(default_factory=list)
    entries: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    nobody: int = 0

    def skip(self, reason: str, count: int = 1) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + count


TOO_OFTEN = "repeats too often, or since too long ago"
ODD_RULE = "repeats in a way that leave does not"
UNREADABLE = "has a time that can’t be read"


def read_absences(
    content: bytes, matching: Matching, members: Sequence[Member], now: datetime, *, is_team: bool = False
) -> Found:
    """The absences that end after ``now`` and begin within 400 days. Floating times and whole days are those of each
    person's zone. Raises NotACalendar."""
    found = Found()
    entries = list(_entries(_lines(content)))
    found.entries = len(entries)
    kept = _matching(entries, matching, found, now)
    if not kept or not members:
        return found
    window = now - timedelta(days=1), now + timedelta(days=DAYS_AHEAD)
    seen: set[tuple[int, str]] = set()
    for event in _expanded(kept, window, found):
        if not _counts(event, matching):
            continue
        about = [_member_of(event, members)] if is_team else [members[0]]
        for member in about:
            if member is None:
                found.nobody += 1
                continue
            absence = _absence(event, member, matching, window[1])
            if absence is None or absence.end <= now or (member.id, absence.key) in seen:
                continue
            seen.add((member.id, absence.key))
            found.absences.append(absence)
    found.absences.sort()
    return found


# --- cutting it down -------------------------------------------------------------------------------------------

Entry = dict[str, list[str]]
"""Name of a property -> its whole lines."""


def _lines(content: bytes) -> list[str]:
    if len(content) > MAX_BYTES:
        raise NotACalendar(f"The calendar is larger than {MAX_BYTES // 1_000_000} MB.")
    if b"BEGIN:VCALENDAR" not in content[:10_000].upper():
        raise NotACalendar("That is no iCalendar file (.ics).")
    if content.count(b"\n") > MAX_LINES:
        raise NotACalendar("The calendar has too many lines.")
    text = content.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"\n[ \t]", "", text).split("\n")


def _entries(lines: Iterable[str]) -> Iterator[Entry]:
    """The VEVENTs, without what is nested in them."""
    entry: Entry | None = None
    depth = 0
    for line in lines:
        upper = line[:16].upper()
        if upper.startswith("BEGIN:"):
            if entry is not None:
                depth += 1
            elif upper.startswith("BEGIN:VEVENT"):
                entry, depth = {}, 0
        elif upper.startswith("END:"):
            if entry is not None and depth == 0:
                yield entry
                entry = None
            depth = max(0, depth - 1)
        elif entry is not None and depth == 0:
            name = line.partition(":")[0].partition(";")[0].upper()
            entry.setdefault(name, []).append(line)


def _matching(entries: Sequence[Entry], matching: Matching, found: Found, now: datetime) -> list[Entry]:
    """The entries that match, with all that belongs to the same series: one of them may say that it was moved."""
    pattern = matching.pattern
    series = {_value(e, "UID") for e in entries if _says_away(e, pattern)}
    kept = [e for e in entries if _value(e, "UID") in series]
    if len(kept) > MAX_MATCHING:
        raise NotACalendar(f"More than {MAX_MATCHING} entries would count as absences. Narrow the words.")
    steps = 0
    good = []
    for entry in kept:
        reason, cost = _cost(entry, now)
        steps += cost
        if not reason and steps > MAX_STEPS:
            reason = TOO_OFTEN
        if reason:
            found.skip(reason)
        else:
            good.append(entry)
    return good


def _says_away(entry: Entry, pattern: re.Pattern[str]) -> bool:
    if _value(entry, "TRANSP").upper() == "TRANSPARENT" or _value(entry, "STATUS").upper() == "CANCELLED":
        return False
    if _value(entry, "X-MICROSOFT-CDO-BUSYSTATUS").upper() == "OOF":
        return True
    return any(pattern.search(_unescaped(_value(entry, name))) for name in ("SUMMARY", "CATEGORIES"))


def _value(entry: Entry, name: str) -> str:
    lines = entry.get(name)
    return lines[0].partition(":")[2].strip() if lines else ""


def _unescaped(text: str) -> str:
    return text.replace("\\,", ",").replace("\\;", ";").replace("\\n", " ").replace("\\\\", "\\")


def _cost(entry: Entry, now: datetime) -> tuple[str, int]:
    """(why it can't be taken, steps that expanding it takes at most)."""
    if sum(line.count(",") + 1 for name in ("EXDATE", "RDATE") for line in entry.get(name, ())) > MAX_DATES:
        return TOO_OFTEN, 0
    began = re.match(r"(\d{4})(\d{2})(\d{2})", _value(entry, "DTSTART"))
    if began is None:
        return UNREADABLE, 0
    rules = entry.get("RRULE", [])
    if not rules:
        return "", 1
    if len(rules) > 1 or "EXRULE" in entry:
        return ODD_RULE, 0
    parts = dict(part.partition("=")[::2] for part in _value(entry, "RRULE").upper().split(";") if part)
    frequency, interval = parts.get("FREQ", ""), parts.get("INTERVAL", "1")
    if frequency not in _STEP_DAYS or not interval.isdecimal() or not 1 <= int(interval) <= 99:
        return TOO_OFTEN if frequency in {"SECONDLY", "MINUTELY", "HOURLY"} else ODD_RULE, 0
    if not _is_ordinary(frequency, int(interval), parts):
        return ODD_RULE, 0
    try:
        start = date(*(int(part) for part in began.groups()))
    except ValueError:
        return UNREADABLE, 0
    days = (now.date() - start).days + DAYS_AHEAD
    steps = max(1, days // (_STEP_DAYS[frequency] * int(interval)) + 1)
    if "BYDAY" in parts or "BYMONTHDAY" in parts:
        steps *= parts.get("BYDAY", parts.get("BYMONTHDAY", "")).count(",") + 1
    return (TOO_OFTEN, 0) if steps > MAX_STEPS else ("", steps)


def _is_ordinary(frequency: str, interval: int, parts: dict[str, str]) -> bool:
    """Whether the rule is one that is sure to come true again: a search for a day that never is takes for ever."""
    if set(parts) - _PARTS:
        return False
    days, dates = parts.get("BYDAY"), parts.get("BYMONTHDAY")
    match frequency:
        case "DAILY":
            return not (dates or "BYMONTH" in parts or "BYSETPOS" in parts) and (
                days is None or (interval == 1 and _WEEKDAYS.fullmatch(days) is not None)
            )
        case "WEEKLY":
            return not (dates or "BYMONTH" in parts or "BYSETPOS" in parts) and (
                days is None or _WEEKDAYS.fullmatch(days) is not None
            )
        case "MONTHLY":
            if "BYMONTH" in parts or (days and dates):
                return False
            position = parts.get("BYSETPOS")
            if position is not None and (
                days is None or not re.fullmatch(r"-?[1-4]", position) or not _WEEKDAYS.fullmatch(days)
            ):
                return False
            return (days is None or _ORDINALS.fullmatch(days) is not None) and (
                dates is None or _MONTH_DAYS.fullmatch(dates) is not None
            )
        case _:
            plain = days is None and "BYSETPOS" not in parts
            month = parts.get("BYMONTH")
            return (
                plain
                and (month is None or re.fullmatch(r"[1-9]|1[0-2]", month) is not None)
                and (dates is None or _MONTH_DAYS.fullmatch(dates) is not None)
            )


# --- reading what is left --------------------------------------------------------------------------------------


def _expanded(
    entries: Sequence[Entry], window: tuple[datetime, datetime], found: Found
) -> Iterator[icalendar.Event]:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//gtmops//absences//EN"]
    for entry in entries:
        lines += [
            "BEGIN:VEVENT",
            *(line for name in _READ for line in entry.get(name, ())[:50]),
            "END:VEVENT",
        ]
    text = "\r\n".join([*lines, "END:VCALENDAR", ""])
    try:
        told = icalendar.Calendar.from_ical(text)
        yield from recurring_ical_events.of(told, skip_bad_series=True).between(*window)
    except (ValueError, KeyError, TypeError, OverflowError, AttributeError, IndexError):
        # What a library makes of garbage is its own affair; to people it is one thing.
        found.skip(UNREADABLE, len(entries))


def _counts(event: icalendar.Event, matching: Matching) -> bool:
    """Whether this one of a series is an absence: a moved one may be called otherwise."""
    if (
        str(event.get("TRANSP", "")).upper() == "TRANSPARENT"
        or str(event.get("STATUS", "")).upper() == "CANCELLED"
    ):
        return False
    if str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper() == "OOF":
        return True
    categories = event.get("CATEGORIES")
    told = categories if isinstance(categories, list) else [categories] if categories is not None else []
    words = " ".join(str(c) for one in told for c in getattr(one, "cats", [one]))
    return matching.pattern.search(f"{event.get('SUMMARY', '')} {words}") is not None


def _absence(
    event: icalendar.Event, member: Member, matching: Matching, until: datetime
) -> FoundAbsence | None:
    """None for what leaves out: a part of a day, an end before its start."""
    try:
        begin, end = event.start, event.end
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    is_whole_day = not isinstance(begin, datetime)
    starts, ends = _instant(begin, member.zone), _instant(end, member.zone)
    if ends <= starts or not (is_whole_day or matching.takes_parts or ends - starts >= timedelta(days=1)):
        return None
    which = event.get("RECURRENCE-ID")
    told = getattr(which, "dt", begin)
    key = hashlib.sha256(f"{event.get('UID', '')}\0{told.isoformat()}".encode()).hexdigest()[:32]
    return FoundAbsence(starts, min(ends, until + timedelta(days=1)), member.id, key)


def _instant(at: date | datetime, zone: ZoneInfo) -> datetime:
    """UTC; a date is its midnight, a time without a zone is one of ``zone``."""
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day, tzinfo=zone)
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC).replace(microsecond=0)


def _member_of(event: icalendar.Event, members: Sequence[Member]) -> Member | None:
    """Whom an entry of a team's calendar is about: by name in its title, else by its only invited member, else by a
    first name that only one of the team has."""
    title = str(event.get("SUMMARY", "")).casefold()
    named = [m for m in members if m.name.casefold() in title]
    if len(named) == 1:
        return named[0]
    lines = " ".join(str(event.get(name, "")) for name in ("ORGANIZER", "ATTENDEE"))
    addresses = {address.casefold() for address in _MAIL.findall(lines)}
    invited = [m for m in members if m.email.casefold() in addresses]
    if len(invited) == 1:
        return invited[0]
    words = set(re.findall(r"\w+", title))
    firsts = [m for m in members if m.name.partition(" ")[0].casefold() in words]
    return firsts[0] if len(firsts) == 1 else None
