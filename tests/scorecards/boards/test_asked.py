"""What an address asks for, and the address that asks for it again."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl

import pytest

from scorecards.boards.asked import DEFAULT_BOUNDS, read_asked, read_bounds
from scorecards.boards.speed import bounds_words
from scorecards.facts import FactSet, is_took
from scorecards.periods import Period
from scorecards.segments import size_band

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("1h 24h", (3600, 86_400)),
        ("5 min, 1 h, 24 h", (300, 3600, 86_400)),
        ("24h 1h 1h", (3600, 86_400)),
        ("1d", (86_400,)),
        ("", ()),
        ("soon", ()),
        ("5s", ()),
        ("9999999999d", ()),
        ("1h then 2h", (3600, 7200)),
    ],
)
def test_buckets_are_read_as_people_write_them(text: str, bounds: tuple[int, ...]) -> None:
    assert read_bounds(text) == bounds


def test_buckets_are_named_in_hours() -> None:
    assert [label for label, _ in bounds_words((300, 3600, 86_400, 259_200))] == [
        "Under 5 min", "5 min to 1 h", "1 h to 24 h", "24 h to 3 d", "Over 3 d",
    ]  # fmt: skip
    assert bounds_words(DEFAULT_BOUNDS)[1] == ("1 h to 24 h", "3600-86400")


def test_an_address_means_the_same_read_again() -> None:
    query = {
        "period": "4w",
        "rule": "s2",
        "team": "sdr",
        "region": "NA",
        "bounds": "5m 1h",
        "touches": "4",
        "x": "y",
    }
    asked = read_asked(query, TODAY)
    again = read_asked(dict(parse_qsl(asked.href().removeprefix("?"))), TODAY)
    assert again == asked
    assert asked.facts("in_time", part="s2").where == (("team", "sdr"), ("region", "NA"))


@pytest.mark.parametrize(
    ("text", "is_known"),
    [
        ("0-3600", True), ("3600-", True), ("never", True), ("no_clock", True), ("few-6", True),
        ("-", False), ("x-3600", False), ("-3600", False), ("few-", False), ("few-x", False), ("few-6-7", False),
        ("", False), ("99999999999-", False), ("²-", False),
    ],
)  # fmt: skip
def test_a_response_time_of_an_address_is_one_of_a_few_forms(text: str, is_known: bool) -> None:
    assert is_took(text) == is_known


def test_a_set_of_facts_survives_its_own_address() -> None:
    wanted = FactSet("mql_to_sql", Period(TODAY, TODAY), "", "1", "", (("lead_origin", "partner"),), "0-3600")
    assert FactSet.read(wanted.query) == wanted


@pytest.mark.parametrize(
    ("value", "band"),
    [(None, None), (True, None), ("12", None), (0, "Under 20"), (19.5, "Under 20"), (20, "20 to 99"),
     (499, "100 to 499"), (500, "500 and more")],
)  # fmt: skip
def test_sizes_fall_into_bands(value: object, band: str | None) -> None:
    assert size_band(value) == band
