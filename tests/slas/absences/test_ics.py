"""Which entries of a calendar are absences, and what hostile files cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from slas.absences.ics import MAX_BYTES, Found, Matching, Member, NotACalendar, read_absences

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
USUAL = Matching()
BERLIN = ZoneInfo("Europe/Berlin")
DANA = Member(1, "Dana Okwell", "dana@fernhill.example", BERLIN)
LUKAS = Member(2, "Lukas Brandtner", "lukas@fernhill.example", ZoneInfo("America/Chicago"))


def event(*lines: str, uid: str = "one", summary: str = "Vacation") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"SUMMARY:{summary}", *lines, "END:VEVENT"])


def ics(*events: str) -> bytes:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *events, "END:VCALENDAR", ""]).encode()


def found(*events: str, matching: Matching = USUAL) -> Found:
    return read_absences(ics(*events), matching, [DANA], NOW)


def spans(*events: str, matching: Matching = USUAL) -> list[tuple[str, str]]:
    told = found(*events, matching=matching).absences
    return [
        (f"{a.begin.astimezone(BERLIN):%d %b %H:%M}", f"{a.end.astimezone(BERLIN):%d %b %H:%M}") for a in told
    ]


ALL_DAY = ("DTSTART;VALUE=DATE:20261201", "DTEND;VALUE=DATE:20261204")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (event(*ALL_DAY), [("01 Dec 00:00", "04 Dec 00:00")]),
        (event("DTSTART;VALUE=DATE:20261201"), [("01 Dec 00:00", "02 Dec 00:00")]),
        (event(*ALL_DAY, summary="OOO"), [("01 Dec 00:00", "04 Dec 00:00")]),
        (event(*ALL_DAY, summary="[OOO] Dana"), [("01 Dec 00:00", "04 Dec 00:00")]),
        # A word inside another word is none.
        (event(*ALL_DAY, summary="Kangarooos at the zoo"), []),
        (event(*ALL_DAY, summary="Offsite"), []),
        (event(*ALL_DAY, "CATEGORIES:Team,Annual leave", summary="Busy"), [("01 Dec 00:00", "04 Dec 00:00")]),
        (event(*ALL_DAY, "X-MICROSOFT-CDO-BUSYSTATUS:OOF", summary="Away"), [("01 Dec 00:00", "04 Dec 00:00")]),
        (event(*ALL_DAY, "X-MICROSOFT-CDO-BUSYSTATUS:OOF", summary="Lisbon"), [("01 Dec 00:00", "04 Dec 00:00")]),
        (event(*ALL_DAY, "TRANSP:TRANSPARENT"), []),
        (event(*ALL_DAY, "STATUS:CANCELLED"), []),
        # Over already.
        (event("DTSTART;VALUE=DATE:20261101", "DTEND;VALUE=DATE:20261105"), []),
        # Parts of a day only where asked for; two nights are no part of a day.
        (event("DTSTART:20261201T090000Z", "DTEND:20261201T120000Z"), []),
        (event("DTSTART:20261201T090000Z", "DTEND:20261203T090000Z"), [("01 Dec 10:00", "03 Dec 10:00")]),
        (event("DTSTART:20261201T120000Z", "DTEND:20261201T090000Z"), []),
    ],
)  # fmt: skip
def test_an_entry_counts_or_does_not(entry: str, expected: list[tuple[str, str]]) -> None:
    assert spans(entry) == expected


@pytest.mark.parametrize(
    ("start", "end", "begins"),
    [
        # Floating: by the clock of whoever is away.
        ("DTSTART:20261201T090000", "DTEND:20261201T170000", "09:00"),
        ("DTSTART;TZID=America/New_York:20261201T090000", "DTEND;TZID=America/New_York:20261201T170000", "15:00"),
        # Outlook's own names of zones.
        ("DTSTART;TZID=Eastern Standard Time:20261201T090000", "DURATION:PT8H", "15:00"),
        # A zone that nobody knows is read as floating.
        ("DTSTART;TZID=Mars/Olympus:20261201T090000", "DTEND;TZID=Mars/Olympus:20261201T170000", "09:00"),
    ],
)  # fmt: skip
def test_zones(start: str, end: str, begins: str) -> None:
    (span,) = spans(event(start, end), matching=Matching(takes_parts=True))
    assert span[0] == f"01 Dec {begins}"


def test_whole_days_over_a_clock_change_are_days_by_the_wall() -> None:
    told = read_absences(
        ics(event("DTSTART;VALUE=DATE:20270327", "DTEND;VALUE=DATE:20270330")), Matching(), [DANA], NOW
    )
    (absence,) = told.absences
    assert absence.end - absence.begin == timedelta(hours=71)


def test_a_series_is_expanded_with_what_was_moved_and_left_out() -> None:
    told = spans(
        event("DTSTART;VALUE=DATE:20261204", "RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;VALUE=DATE:20261211"),
        event("RECURRENCE-ID;VALUE=DATE:20261218", "DTSTART;VALUE=DATE:20261217", summary="Vacation, moved"),
    )
    assert [begin for begin, _ in told] == ["04 Dec 00:00", "17 Dec 00:00", "25 Dec 00:00"]


def test_one_of_a_series_that_is_called_otherwise_is_no_absence() -> None:
    told = spans(
        event("DTSTART;VALUE=DATE:20261204", "RRULE:FREQ=WEEKLY;COUNT=2"),
        event("RECURRENCE-ID;VALUE=DATE:20261211", "DTSTART;VALUE=DATE:20261211", summary="Here after all"),
    )
    assert [begin for begin, _ in told] == ["04 Dec 00:00"]


def test_keys_tell_entries_and_repetitions_apart_and_nothing_else() -> None:
    series = event("DTSTART;VALUE=DATE:20261204", "RRULE:FREQ=WEEKLY;COUNT=3")
    first, again = found(series).absences, found(series).absences
    assert [a.key for a in first] == [a.key for a in again]
    assert len({a.key for a in first}) == 3
    assert all("one" not in a.key and len(a.key) == 32 for a in first)


def test_folded_lines_and_alarms_inside_are_read() -> None:
    text = event(*ALL_DAY, "BEGIN:VALARM", "SUMMARY:Not this", "TRIGGER:-PT15M", "END:VALARM")
    folded = text.replace("SUMMARY:Vacation", "SUMMARY:Vaca\r\n tion")
    assert len(found(folded).absences) == 1


def test_a_team_calendar_tells_whom_an_entry_is_about() -> None:
    told = read_absences(
        ics(
            event(*ALL_DAY, uid="a", summary="OOO Dana Okwell"),
            event(*ALL_DAY, uid="b", summary="Lukas vacation"),
            event(*ALL_DAY, "ATTENDEE:mailto:lukas@fernhill.example", uid="c", summary="Vacation"),
            event(*ALL_DAY, uid="d", summary="Company holiday"),
        ),
        Matching(), [DANA, LUKAS], NOW, is_team=True,
    )  # fmt: skip
    assert sorted((a.person_id, a.begin.hour) for a in told.absences) == [(1, 23), (2, 6), (2, 6)]
    assert told.nobody == 1


# --- hostile files ---------------------------------------------------------------------------------------------

DAY = "DTSTART;VALUE=DATE:20261201"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("DTSTART:20200101T000000Z", "RRULE:FREQ=SECONDLY"), "too often"),
        (("DTSTART:20200101T000000Z", "RRULE:FREQ=MINUTELY;COUNT=9999999"), "too often"),
        (("DTSTART:20200101T000000Z", "RRULE:FREQ=HOURLY;INTERVAL=1"), "too often"),
        (("DTSTART:00010101T000000Z", "RRULE:FREQ=DAILY"), "too often"),
        # Rules that never come true are searched for until the year 9999.
        ((DAY, "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), "leave does not"),
        ((DAY, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "leave does not"),
        ((DAY, "RRULE:FREQ=DAILY;INTERVAL=7;BYDAY=MO"), "leave does not"),
        ((DAY, "RRULE:FREQ=MONTHLY;BYSETPOS=300;BYDAY=MO"), "leave does not"),
        ((DAY, "RRULE:FREQ=YEARLY;BYHOUR=0,1,2,3;BYMINUTE=0,1,2;BYSECOND=0,1,2"), "leave does not"),
        ((DAY, "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"), "leave does not"),
        ((DAY, "EXRULE:FREQ=SECONDLY", "RRULE:FREQ=DAILY"), "leave does not"),
        ((DAY, "RRULE:FREQ=DAILY;INTERVAL=0"), "leave does not"),
        ((DAY, "RRULE:nonsense"), "leave does not"),
        ((DAY, "RDATE;VALUE=DATE:" + ",".join(["20261202"] * 1001)), "too often"),
        (("DTSTART:tomorrow",), "can’t be read"),
        (("DTSTART;VALUE=DATE:20261350", "RRULE:FREQ=DAILY"), "can’t be read"),
    ],
)  # fmt: skip
def test_a_series_that_no_leave_has_is_left_out_and_said(lines: tuple[str, ...], reason: str) -> None:
    told = found(event(*lines), event(*ALL_DAY, uid="good"))
    assert [reason in said for said in told.skipped] == [True]
    assert len(told.absences) == 1


def test_many_long_series_stop_at_a_bound() -> None:
    events = [event("DTSTART;VALUE=DATE:20161101", "RRULE:FREQ=DAILY", uid=str(i)) for i in range(100)]
    told = found(*events)
    assert sum(told.skipped.values()) == 98
    assert len(told.absences) == 2 * 401


def test_zones_that_a_file_defines_itself_are_thrown_away() -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19000101T000000\r\nRRULE:FREQ=SECONDLY\r\n"
        "TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0900\r\nEND:STANDARD\r\nEND:VTIMEZONE"
    )
    told = spans(
        zone, event("DTSTART;TZID=Europe/Berlin:20261201T090000", "DURATION:PT30H"),
    )  # fmt: skip
    assert told == [("01 Dec 09:00", "02 Dec 15:00")]


def test_ten_thousand_meetings_are_read_past() -> None:
    meetings = [
        event("DTSTART:20261201T090000Z", "DTEND:20261201T100000Z", uid=f"m{i}", summary=f"Meeting {i}")
        for i in range(10_000)
    ]
    told = found(*meetings, event(*ALL_DAY))
    assert (told.entries, len(told.absences)) == (10_001, 1)


def test_ten_thousand_absences_are_refused() -> None:
    with pytest.raises(NotACalendar, match="More than 500"):
        found(*(event(*ALL_DAY, uid=str(i)) for i in range(10_000)))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"<!doctype html><title>Sign in</title>", "no iCalendar"),
        (b"", "no iCalendar"),
        (b"\x00\xff" * 40, "no iCalendar"),
        (b"BEGIN:VCALENDAR\n" + b"x" * MAX_BYTES, "larger than 5 MB"),
        (b"BEGIN:VCALENDAR\n" + b"\n" * 400_001, "too many lines"),
    ],
)
def test_what_is_no_calendar_is_refused_in_words(content: bytes, text: str) -> None:
    with pytest.raises(NotACalendar, match=text):
        read_absences(content, Matching(), [DANA], NOW)


@pytest.mark.parametrize(
    "content",
    [
        ics(event(*ALL_DAY)).replace(b"END:VEVENT", b""),
        ics(event(*ALL_DAY, "DTEND;VALUE=DATE:99999999")),
        ics(event("DTSTART;VALUE=DATE:99991231", "DURATION:P99999999D")),
        ics(event(*ALL_DAY).replace("Vacation", "Vacation \\, \ufffd")),
        ics(event(DAY, "DURATION:-P5D")),
        ics("BEGIN:VEVENT\r\nBEGIN:VEVENT\r\nEND:VEVENT"),
    ],
)
def test_garbage_brings_nothing_down(content: bytes) -> None:
    told = read_absences(content, Matching(), [DANA], NOW)
    assert len(told.absences) <= 1
