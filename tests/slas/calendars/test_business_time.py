"""Working time, worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from slas.calendars.business_time import Calendar

OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
NIGHTS = {day: [["22:00", "06:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
HOUR = 3600


def calendar(tz: str = "Europe/Berlin", week: dict[str, Any] | None = None, **more: Any) -> Calendar:
    return Calendar.from_spec({"tz": tz, "week": OFFICE if week is None else week, **more})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


BERLIN = calendar()
LUNCH = calendar(week={"mon": [["09:00", "12:00"], ["13:00", "17:00"]], "tue": [["09:00", "12:00"]]})
NIGHT = calendar(week=NIGHTS)
ROUND_THE_CLOCK = calendar(week=ALWAYS)

ADDED = [
    ("within one day", BERLIN, "2026-11-23T10:00+01:00", 2 * HOUR, "2026-11-23T12:00+01:00"),
    ("over a night", BERLIN, "2026-11-23T16:00+01:00", 2 * HOUR, "2026-11-24T10:00+01:00"),
    ("over a weekend", BERLIN, "2026-11-20T16:30+01:00", HOUR, "2026-11-23T09:30+01:00"),
    ("from outside hours", BERLIN, "2026-11-21T12:00+01:00", HOUR, "2026-11-23T10:00+01:00"),
    ("used up at closing is closing", BERLIN, "2026-11-20T16:00+01:00", HOUR, "2026-11-20T17:00+01:00"),
    ("one second past closing", BERLIN, "2026-11-20T16:00+01:00", HOUR + 1, "2026-11-23T09:00:01+01:00"),
    ("zero inside hours", BERLIN, "2026-11-23T10:00+01:00", 0, "2026-11-23T10:00+01:00"),
    ("zero at opening", BERLIN, "2026-11-23T09:00+01:00", 0, "2026-11-23T09:00+01:00"),
    ("zero at closing is the next opening", BERLIN, "2026-11-20T17:00+01:00", 0, "2026-11-23T09:00+01:00"),
    ("zero outside hours", BERLIN, "2026-11-21T03:00+01:00", 0, "2026-11-23T09:00+01:00"),
    ("back within one day", BERLIN, "2026-11-23T12:00+01:00", -2 * HOUR, "2026-11-23T10:00+01:00"),
    ("back over a weekend", BERLIN, "2026-11-23T10:00+01:00", -2 * HOUR, "2026-11-20T16:00+01:00"),
    ("back, used up at opening", BERLIN, "2026-11-23T10:00+01:00", -HOUR, "2026-11-23T09:00+01:00"),
    ("back from outside hours", BERLIN, "2026-11-21T12:00+01:00", -HOUR, "2026-11-20T16:00+01:00"),
    ("microseconds are cut", BERLIN, "2026-11-23T10:00:00.999999+01:00", 60, "2026-11-23T10:01+01:00"),
    ("input of another zone", BERLIN, "2026-11-23T08:30+00:00", 60, "2026-11-23T09:31+01:00"),
    ("over lunch", LUNCH, "2026-11-23T11:30+01:00", HOUR, "2026-11-23T13:30+01:00"),
    ("to lunch exactly", LUNCH, "2026-11-23T11:30+01:00", HOUR // 2, "2026-11-23T12:00+01:00"),
    ("a whole week on", LUNCH, "2026-11-23T09:00+01:00", 10 * HOUR + 1, "2026-11-30T09:00:01+01:00"),
    ("an overnight shift", NIGHT, "2026-11-23T23:00+01:00", 3 * HOUR, "2026-11-24T02:00+01:00"),
    ("an overnight shift to the next", NIGHT, "2026-11-24T05:00+01:00", 2 * HOUR, "2026-11-24T23:00+01:00"),
    ("spring: real seconds", ROUND_THE_CLOCK, "2026-03-29T00:00+01:00", 4 * HOUR, "2026-03-29T05:00+02:00"),
    ("autumn: real seconds", ROUND_THE_CLOCK, "2026-10-25T00:00+02:00", 4 * HOUR, "2026-10-25T03:00+01:00"),
    ("autumn: within the hour that comes twice", ROUND_THE_CLOCK, "2026-10-25T02:30+02:00", HOUR,
     "2026-10-25T02:30+01:00"),
    ("spring: a night shift is an hour shorter", NIGHT, "2026-03-28T22:00+01:00", 7 * HOUR,
     "2026-03-29T06:00+02:00"),
    ("autumn: a night shift is an hour longer", NIGHT, "2026-10-24T22:00+02:00", 9 * HOUR,
     "2026-10-25T06:00+01:00"),
]  # fmt: skip


@pytest.mark.parametrize(("hours", "start", "seconds", "expected"), [row[1:] for row in ADDED],
                         ids=[row[0] for row in ADDED])  # fmt: skip
def test_a_deadline_is_where_a_person_would_put_it(
    hours: Calendar, start: str, seconds: int, expected: str
) -> None:
    deadline = hours.add(at(start), seconds)
    assert deadline.astimezone(UTC) == at(expected)
    assert deadline.utcoffset() == at(expected).utcoffset()
    assert deadline.tzinfo is hours.zone


HOLIDAY = calendar(holidays=["2026-12-25"], exceptions={"2026-12-24": [["09:00", "12:00"]]})
NIGHT_HOLIDAY = calendar(week=NIGHTS, holidays=["2026-12-25"])
NIGHT_EXCEPTION = calendar(
    week=NIGHTS, holidays=["2026-12-24"], exceptions={"2026-12-24": [["10:00", "12:00"], ["23:00", "01:00"]]}
)
AWAY = calendar(absences=[["2026-08-03T09:00:00+02:00", "2026-08-07T17:00:00+02:00"],
                          ["2026-08-10T12:00:00+02:00", "2026-08-10T13:00:00+02:00"]])  # fmt: skip
IN_THE_GAP = calendar(week={"sun": [["02:30", "05:00"]]})
ACROSS_THE_GAP = calendar(week={"sun": [["01:00", "02:30"], ["03:00", "04:00"]]})
TWICE = calendar(week={"sun": [["01:00", "02:30"]]})
OPENS_TWICE = calendar(week={"sun": [["02:30", "04:00"]]})
LORD_HOWE = calendar("Australia/Lord_Howe", ALWAYS)
LORD_HOWE_EARLY = calendar("Australia/Lord_Howe", {"sun": [["01:00", "03:00"]]})
MIDNIGHT_GAP = calendar("America/Sao_Paulo", {"sat": [["22:00", "24:00"]], "sun": [["00:00", "02:00"]]})

ELAPSED = [
    ("one day", BERLIN, "2026-11-23T00:00+01:00", "2026-11-24T00:00+01:00", 8 * HOUR),
    ("one week", BERLIN, "2026-11-23T00:00+01:00", "2026-11-30T00:00+01:00", 40 * HOUR),
    ("a weekend", BERLIN, "2026-11-21T00:00+01:00", "2026-11-23T00:00+01:00", 0),
    ("end before start is negative", BERLIN, "2026-11-24T10:00+01:00", "2026-11-23T16:00+01:00", -2 * HOUR),
    ("microseconds are cut on both sides", BERLIN, "2026-11-23T10:00:00.9+01:00",
     "2026-11-23T10:00:01.1+01:00", 1),
    ("half day, then a holiday", HOLIDAY, "2026-12-23T17:00+01:00", "2026-12-28T09:00+01:00", 3 * HOUR),
    ("a holiday cuts what spills in, not what spills out", NIGHT_HOLIDAY,
     "2026-12-24T12:00+01:00", "2026-12-26T12:00+01:00", 2 * HOUR + 6 * HOUR),
    ("an exception replaces the date, beats a holiday and spills out", NIGHT_EXCEPTION,
     "2026-12-23T12:00+01:00", "2026-12-25T12:00+01:00", 2 * HOUR + 2 * HOUR + 2 * HOUR),
    ("an absence of a week", AWAY, "2026-08-03T00:00+02:00", "2026-08-10T00:00+02:00", 0),
    ("an absence of an hour", AWAY, "2026-08-10T00:00+02:00", "2026-08-11T00:00+02:00", 7 * HOUR),
    ("an opening inside the gap moves forward", IN_THE_GAP, "2026-03-29T00:00+01:00",
     "2026-03-29T12:00+02:00", 90 * 60),
    ("a closing inside the gap moves forward, overlap counts once", ACROSS_THE_GAP,
     "2026-03-29T00:00+01:00", "2026-03-29T12:00+02:00", 2 * HOUR),
    ("a closing that comes twice is the first", TWICE, "2026-10-25T00:00+02:00",
     "2026-10-25T12:00+01:00", 90 * 60),
    ("an opening that comes twice is the first", OPENS_TWICE, "2026-10-25T00:00+02:00",
     "2026-10-25T12:00+01:00", 150 * 60),
    ("Lord Howe in spring loses half an hour", LORD_HOWE, "2026-10-04T00:00+10:30",
     "2026-10-05T00:00+11:00", 23 * HOUR + HOUR // 2),
    ("Lord Howe in autumn gains half an hour", LORD_HOWE, "2026-04-05T00:00+11:00",
     "2026-04-06T00:00+10:30", 24 * HOUR + HOUR // 2),
    ("Lord Howe across its half hour", LORD_HOWE_EARLY, "2026-10-04T00:00+10:30",
     "2026-10-04T12:00+11:00", HOUR + HOUR // 2),
    ("a midnight that is skipped", MIDNIGHT_GAP, "2018-11-03T12:00-03:00",
     "2018-11-04T12:00-02:00", 3 * HOUR),
]  # fmt: skip


@pytest.mark.parametrize(("hours", "start", "end", "expected"), [row[1:] for row in ELAPSED],
                         ids=[row[0] for row in ELAPSED])  # fmt: skip
def test_elapsed_is_what_a_person_would_count(hours: Calendar, start: str, end: str, expected: int) -> None:
    assert hours.elapsed(at(start), at(end)) == expected
    assert hours.elapsed(at(end), at(start)) == -expected


def test_closing_is_not_open() -> None:
    opened = {"08:59:59": False, "09:00:00": True, "16:59:59": True, "17:00:00": False}
    assert {time: BERLIN.is_open(at(f"2026-11-23T{time}+01:00")) for time in opened} == opened


def test_intervals_are_cut_at_both_ends() -> None:
    found = LUNCH.intervals(at("2026-11-23T11:00+01:00"), at("2026-11-24T10:00+01:00"))
    assert found == [
        (at("2026-11-23T11:00+01:00"), at("2026-11-23T12:00+01:00")),
        (at("2026-11-23T13:00+01:00"), at("2026-11-23T17:00+01:00")),
        (at("2026-11-24T09:00+01:00"), at("2026-11-24T10:00+01:00")),
    ]
    assert LUNCH.intervals(at("2026-11-23T11:00+01:00"), at("2026-11-23T11:00+01:00")) == []
    assert LUNCH.intervals(at("2026-11-24T11:00+01:00"), at("2026-11-23T11:00+01:00")) == []


def test_touching_shifts_are_one() -> None:
    hours = calendar(week={"mon": [["09:00", "12:00"], ["12:00", "24:00"]], "tue": [["00:00", "06:00"]]})
    assert hours.intervals(at("2026-11-23T00:00+01:00"), at("2026-11-25T00:00+01:00")) == [
        (at("2026-11-23T09:00+01:00"), at("2026-11-24T06:00+01:00"))
    ]


def test_a_span_of_decades_is_counted_exactly() -> None:
    start, end = at("2000-01-03T00:00+01:00"), at("2030-01-07T00:00+01:00")
    weeks = 1566
    assert (end - start).days == weeks * 7
    assert BERLIN.elapsed(start, end) == weeks * 40 * HOUR
    assert BERLIN.add(start, weeks * 40 * HOUR) == at("2030-01-04T17:00+01:00")
    assert BERLIN.add(end, -weeks * 40 * HOUR) == at("2000-01-03T09:00+01:00")


def test_the_order_of_questions_does_not_matter() -> None:
    hours = calendar(week=NIGHTS)
    questions = [("2026-11-23T12:00+01:00", 10**6), ("1990-05-05T12:00+02:00", -(10**8)),
                 ("2050-05-05T12:00+02:00", 10**8), ("2026-11-23T12:00+01:00", 10**6)]  # fmt: skip
    answers = [hours.add(at(start), seconds) for start, seconds in questions]
    assert answers == [calendar(week=NIGHTS).add(at(start), seconds) for start, seconds in questions]


def test_dates_and_instants_may_be_objects() -> None:
    hours = calendar(
        holidays=[date(2026, 12, 25)],
        exceptions={date(2026, 12, 24): [["09:00", "12:00"]]},
        absences=[[datetime(2026, 12, 23, 8, tzinfo=UTC), datetime(2026, 12, 23, 9, tzinfo=UTC)]],
    )
    assert hours.elapsed(at("2026-12-23T00:00+01:00"), at("2026-12-26T00:00+01:00")) == 10 * HOUR


@pytest.mark.parametrize("naive", [datetime(2026, 11, 23, 10), datetime(2026, 11, 23)])
def test_naive_datetimes_are_refused(naive: datetime) -> None:
    aware = naive.replace(tzinfo=UTC)
    for ask in (
        lambda: BERLIN.add(naive, 60),
        lambda: BERLIN.elapsed(naive, aware),
        lambda: BERLIN.elapsed(aware, naive),
        lambda: BERLIN.is_open(naive),
        lambda: BERLIN.intervals(aware, naive),
    ):
        with pytest.raises(ValueError, match="aware"):
            ask()


@pytest.mark.parametrize("seconds", [1.5, "60", True, None])
def test_only_whole_seconds_are_added(seconds: Any) -> None:
    with pytest.raises(ValueError, match="whole number"):
        BERLIN.add(datetime(2026, 11, 23, tzinfo=UTC), seconds)


@pytest.mark.parametrize(
    "spec",
    [
        {"week": {}},
        {"week": {"mon": []}},
        {"week": {}, "exceptions": {"2026-12-24": []}},
        {
            "week": {},
            "exceptions": {"2026-12-24": [["09:00", "12:00"]]},
            "absences": [["2026-12-24T00:00+01:00", "2026-12-25T00:00+01:00"]],
        },
    ],
)
def test_a_calendar_without_working_time_is_refused(spec: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no working time"):
        Calendar.from_spec({"tz": "Europe/Berlin", **spec})


def test_running_out_of_working_time_ends_in_an_error_not_in_a_loop() -> None:
    hours = calendar(week={}, exceptions={"2026-12-24": [["09:00", "12:00"]]})
    assert hours.add(at("2026-01-01T00:00+01:00"), 3 * HOUR) == at("2026-12-24T12:00+01:00")
    for seconds in (3 * HOUR + 1, -1):
        with pytest.raises(ValueError, match="too little working time"):
            hours.add(at("2026-01-01T00:00+01:00"), seconds)


@pytest.mark.parametrize("text", ["1850-01-01T00:00+00:00", "9999-12-31T23:59:59+00:00"])
def test_a_date_centuries_away_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="within the years"):
        BERLIN.elapsed(datetime(2026, 1, 1, tzinfo=UTC), at(text))


@pytest.mark.parametrize(
    "broken",
    [
        {"tz": "Europe/Nowhere"},
        {"tz": None},
        {"tz": "../etc"},
        {"week": {"monday": [["09:00", "17:00"]]}},
        {"week": [["09:00", "17:00"]]},
        {"week": {"mon": "09:00-17:00"}},
        {"week": {"mon": [["09:00"]]}},
        {"week": {"mon": [["9:00", "17:00"]]}},
        {"week": {"mon": [["09:00", "24:01"]]}},
        {"week": {"mon": [["09:60", "17:00"]]}},
        {"week": {"mon": [["24:00", "06:00"]]}},
        {"week": {"mon": [["09:00", "09:00"]]}},
        {"week": {"mon": [[540, 1020]]}},
        {"holidays": ["25.12.2026"]},
        {"holidays": "2026-12-25"},
        {"holidays": ["2026-02-30"]},
        {"exceptions": {"soon": []}},
        {"absences": [["2026-08-03T09:00:00", "2026-08-07T17:00:00"]]},
        {"absences": [["2026-08-07T09:00:00+02:00", "2026-08-03T17:00:00+02:00"]]},
        {"absences": [["2026-08-07T09:00:00+02:00"]]},
        {"holiday": ["2026-12-25"]},
    ],
)
def test_a_malformed_calendar_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Calendar.from_spec({"tz": "Europe/Berlin", "week": OFFICE, **broken})


def test_an_adjacent_second_counts_one() -> None:
    start = at("2026-11-23T10:00+01:00")
    assert BERLIN.elapsed(start, start + timedelta(seconds=1)) == 1
