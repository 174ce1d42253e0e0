"""Working hours as a form: what is shown comes back as it was, and every button does one thing."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils.datastructures import MultiValueDict

from slas.calendars.hours_form import HoursForm, act, body_of, check, read, show
from slas.calendars.sections import calendar_spec
from slas.calendars.year_view import listed_years, months_of, own_days

BODY: dict[str, Any] = {
    "name": "Berlin",
    "teams": ["sales", "cs"],
    "people": ["emre@fernhill.example"],
    "tz": "Europe/Berlin",
    "week": {"mon": [["09:00", "12:30"], ["13:15", "18:00"]], "fri": [["22:00", "06:00"]]},
    "holidays_of": {"country": "DE", "subdivision": "BE"},
    "holidays": {"2026-08-14": "Summer party"},
    "yearly": ["12-24"],
    "exceptions": {"2026-12-31": [["09:00", "12:00"]]},
}


def sent(form: HoursForm) -> MultiValueDict[str, str]:
    """What a browser sends of a form as it is shown."""
    told: dict[str, list[str]] = {
        "name": [form.name], "tz": [form.zone], "teams": form.teams, "people": form.people, "regions": form.regions,
        "agreed_by": form.agreed_by, "country": [form.country], "subdivision": [form.subdivision],
        "special": [form.special.as_json], "year": [str(form.year)],
    }  # fmt: skip
    for day, blocks in form.week.items():
        told[f"{day}-from"], told[f"{day}-to"] = [b.begin for b in blocks], [b.end for b in blocks]
    if form.open_day:
        told |= {"open_day": [form.open_day.day.isoformat()], "day-kind": [form.open_day.kind]}
    return MultiValueDict(told)


def pressed(do: str, body: dict[str, Any] = BODY, **more: str | list[str]) -> HoursForm:
    posted = sent(show(body, 2026))
    for name, value in more.items():
        posted.setlist(
            name.replace("_", "-", 1) if name.startswith("day_") else name,
            value if isinstance(value, list) else [value],
        )
    form = read(posted, 2026)
    assert act(form, do, posted)
    return form


def test_what_is_shown_and_sent_says_the_same() -> None:
    assert body_of(read(sent(show(BODY, 2026)), 2026), {}) == BODY


def test_boxes_in_another_order_are_no_change() -> None:
    posted = sent(show(BODY, 2026))
    posted.setlist("teams", ["cs", "sales"])
    assert body_of(read(posted, 2026), BODY)["teams"] == ["sales", "cs"]


def test_keys_that_the_form_does_not_show_stay() -> None:
    assert body_of(read(sent(show(BODY, 2026)), 2026), {**BODY, "note": "kept"})["note"] == "kept"


def test_a_block_is_added_and_removed() -> None:
    form = pressed("add:mon")
    assert len(form.week["mon"]) == 3
    assert form.focus == "mon-2"
    form = pressed("remove:mon:0")
    assert [b.pair for b in form.week["mon"]] == [["13:15", "18:00"]]


def test_a_day_is_copied_to_others() -> None:
    posted = sent(show(BODY, 2026))
    posted.setlist("mon-copy", ["tue", "wed", "mon", "never"])
    form = read(posted, 2026)
    assert act(form, "copy:mon", posted)
    assert form.week["tue"] == form.week["wed"] == form.week["mon"]
    assert form.week["thu"] == []


@pytest.mark.parametrize(
    ("fields", "key", "expected"),
    [
        ({"day-kind": "closed", "day-name": "Company day"}, "holidays",
         {"2026-08-14": "Summer party", "2026-10-05": "Company day"}),
        ({"day-kind": "closed", "day-yearly": "on"}, "yearly", ["10-05", "12-24"]),
        ({"day-kind": "hours", "day-from": "9", "day-to": "12"}, "exceptions",
         {"2026-10-05": [["09:00", "12:00"]], "2026-12-31": [["09:00", "12:00"]]}),
    ],
)  # fmt: skip
def test_a_day_is_set(fields: dict[str, str], key: str, expected: object) -> None:
    posted = sent(show(BODY, 2026))
    posted.update(
        MultiValueDict({name: [value] for name, value in {"open_day": "2026-10-05", **fields}.items()})
    )
    form = read(posted, 2026)
    assert act(form, "set", posted)
    assert form.open_day is None
    assert body_of(form, {})[key] == expected


def test_a_day_without_readable_hours_stays_open() -> None:
    posted = sent(show(BODY, 2026))
    posted.update(
        MultiValueDict(
            {"open_day": ["2026-10-05"], "day-kind": ["hours"], "day-from": ["x"], "day-to": ["12"]}
        )
    )
    form = read(posted, 2026)
    act(form, "set", posted)
    assert form.open_day is not None
    assert form.open_day.blocks[0].begin == "x"
    assert form.faults["day"]


def test_a_day_that_differs_opens_as_it_is_and_can_be_forgotten() -> None:
    opened = pressed("open:2027-12-24").open_day
    assert opened is not None
    assert (opened.kind, opened.is_yearly) == ("closed", True)
    assert "yearly" not in body_of(pressed("forget:12-24"), {})
    assert "exceptions" not in body_of(pressed("forget:2026-12-31"), {})


def test_a_day_that_there_is_not_is_said() -> None:
    form = pressed("date", **{"day-date": "2026-02-29"})
    assert form.faults["day_date"] == ["There is no such day. Write it as 2026-12-24."]


def test_a_button_that_there_is_not_does_nothing() -> None:
    posted = sent(show(BODY, 2026))
    assert not act(read(posted, 2026), "drop:tables", posted)


@pytest.mark.parametrize(
    "junk",
    ["", "[]", "{", '{"closed": 4}', '{"hours": {"soon": [], "2026-13-01": []}}', '{"yearly": {"W1": ""}}'],
)
def test_a_broken_list_of_days_is_none(junk: str) -> None:
    posted = sent(show(BODY, 2026))
    posted["special"] = junk
    body = body_of(read(posted, 2026), {})
    assert not {"holidays", "yearly", "exceptions"} & set(body)


@pytest.mark.parametrize(
    ("change", "field", "text"),
    [
        ({"name": ""}, "name", "Give it a name"),
        ({"tz": "Europe/Nowhere"}, "tz", "is no time zone"),
        ({"tz": ""}, "tz", "Choose a time zone"),
        (
            {"people": ["stranger@fernhill.example"]},
            "people",
            "Nobody here has the address stranger@fernhill.example",
        ),
        ({"week": {}, "exceptions": {}}, "week", "Nobody would ever work"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(change: dict[str, Any], field: str, text: str) -> None:
    form = read(sent(show({**BODY, **change}, 2026)), 2026)
    check(form, frozenset({"Europe/Berlin"}), {"emre@fernhill.example": ""})
    assert list(form.faults) == [field]
    assert text in form.faults[field][0]


def test_a_name_with_its_address_is_read_as_the_address() -> None:
    posted = sent(show(BODY, 2026))
    posted.setlist("people", ["Emre Akbulan <Emre@Fernhill.example>", "", "emre@fernhill.example"])
    assert set(read(posted, 2026).people) == {"emre@fernhill.example"}


def test_the_year_shows_what_each_day_is() -> None:
    form = show(BODY, 2026)
    cells = {
        cell.day.isoformat(): cell
        for month in months_of(form, 2026)
        for week in month.weeks
        for cell in week
        if cell
    }
    assert len(cells) == 365
    assert cells["2026-12-25"].kind == "public"
    assert cells["2026-08-14"].words == "Friday 14 August 2026: Summer party"
    assert (cells["2026-12-24"].kind, cells["2026-12-31"].kind) == ("closed", "hours")
    assert (cells["2026-12-28"].kind, cells["2026-12-29"].kind) == ("open", "off")


def test_the_import_is_named_before_it_is_taken() -> None:
    brought = dict(listed_years(show(BODY, 2026), 2026))
    assert [name for day, name in brought[2026] if day.isoformat() == "2026-03-08"] == ["Women's Day"]
    assert list(brought) == [2026, 2027]
    assert listed_years(show({**BODY, "holidays_of": {"country": "ZZ"}}, 2026), 2026) == [
        (2026, []),
        (2027, []),
    ]


def test_own_days_are_listed_in_words() -> None:
    assert [
        (own.label, own.words) for own in own_days(show({**BODY, "yearly": {"02-29": "Leap day"}}, 2026))
    ] == [
        ("Every 29 February", "Closed: Leap day (leap years only)"),
        ("Fri 14 Aug 2026", "Closed: Summer party"),
        ("Thu 31 Dec 2026", "09:00–12:00"),
    ]


def test_days_of_every_year_close_each_year_and_29_february_in_leap_years() -> None:
    days = calendar_spec({"tz": "UTC", "yearly": ["12-24", "02-29"]})["holidays"]
    assert {"2026-12-24", "2027-12-24", "2028-02-29"} <= set(days)
    assert "2027-02-29" not in days


@pytest.mark.parametrize("day", ["13-01", "02-30", "W1-1", "1224", "12-24-26"])
def test_what_is_no_day_of_a_year_is_refused(day: str) -> None:
    with pytest.raises(ValueError, match="MM-DD"):
        calendar_spec({"tz": "UTC", "yearly": [day]})
