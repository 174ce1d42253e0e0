"""What columns are taken for: types, ways of writing dates and numbers, roles."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.csv.cells import WAYS, Moment, read_boolean, read_number
from integrations.csv.guessing import guess, name_for, plain
from integrations.csv.profile import Column, profile


def columns(header: str, *rows: str) -> list[Column]:
    return profile(header.split("|"), [row.split("|") for row in rows])[0]


@pytest.mark.parametrize(
    ("values", "kind", "ways", "decimal"),
    [
        (["2026-01-31", "2026-02-01"], "date", ("iso",), ""),
        (["2026-01-31 10:00", "2026-02-01"], "datetime", ("iso",), ""),
        (["31/01/2026", "01/02/2026"], "date", ("d/m/y",), ""),
        (["01/31/2026", "02/01/2026"], "date", ("m/d/y",), ""),
        (["01/02/2026", "03/04/2026"], "date", ("d/m/y", "m/d/y"), ""),
        (["31.01.26", "01.02.26"], "date", ("d.m.y",), ""),
        (["01/31/2026 9:30 PM"] * 2, "datetime", ("m/d/y",), ""),
        (["31 Jan 2026", "1 Feb 2026"], "date", ("d b y",), ""),
        (["Jan 31, 2026", "Feb 1, 2026"], "date", ("b d y",), ""),
        (["2026/01/31"], "date", ("y/m/d",), ""),
        (["1769860800", "1769860900"], "datetime", ("epoch",), ""),
        (["1769860800000", "1769860900000"], "datetime", ("epoch_ms",), ""),
        (["12", "7.5", "-3"], "number", (), ""),
        (["1,234.50", "99.00"], "number", (), "."),
        (["1.234,50", "99,00"], "number", (), ","),
        (["€ 1.234,50", "€ 9,00"], "number", (), ","),
        (["00123", "00456"], "text", (), ""),
        (["yes", "No", "yes"], "boolean", (), ""),
        (["0", "1", "1"], "boolean", (), ""),
        (["Won", "Lost", "Won", "Won", "Lost", "Won"], "picklist", (), ""),
        (["a;b", "b;c", "a"], "multi_picklist", (), ""),
        (["never", "2026-01-31", "2026-02-01", "2026-02-02"], "date", ("iso",), ""),
        (["a note", "another", "a third"], "text", (), ""),
        (["", ""], "text", (), ""),
    ],
)
def test_a_column_is_of_the_type_of_nearly_all_its_values(
    values: list[str], kind: str, ways: tuple[str, ...], decimal: str
) -> None:
    found = columns("x", *values)[0]
    assert (found.kind, found.ways, found.decimal) == (kind, ways, decimal)


@pytest.mark.parametrize(
    ("file", "header", "rows", "expected"),
    [
        (
            "leads.csv",
            "Record ID|First Name|E-mail|Create Date|Lead Owner Email|Annual revenue",
            [
                "1|Ola|o@a.example|2026-01-31|rep@f.example|12",
                "2|Ida|i@a.example|2026-02-01|rep@f.example|13",
            ],
            ["id", "field first_name", "field email", "created", "owner_email", "field annual_revenue"],
        ),
        (
            "sales_pipeline.csv",
            "opportunity_id|sales_agent|deal_stage|engage_date|close_date|close_value",
            ["A1|Mara L|Won|2026-01-01|2026-02-01|5", "A2|Mara L|Engaging|2026-01-02||"],
            ["id", "owner", "field stage", "since Engaging", "since from deal_stage", "field amount"],
        ),
        (
            "log.csv",
            "case_id|activity|resource|timestamp|lifecycle",
            ["7|Sent|11|2026-01-01T10:00:00+01:00|COMPLETE", "7|Won|11|2026-01-02T10:00:00+01:00|COMPLETE"],
            ["id", "what", "owner", "when", "field lifecycle"],
        ),
        ("closed.csv", "id|won_date", ["1|2026-01-31", "2|2026-02-01"], ["id", "since won"]),
        ("x.csv", "id|birthday", ["1|2026-01-31", "2|2026-02-01"], ["id", "created"]),
        ("x.csv", "id|note|empty", ["1|b|", "2|b|"], ["id", "field note", ""]),
        (
            "kunden.csv",
            "Kundennummer|E-Mail|Größe|Telefonnummer",
            ["K1|a@b.example|3|12", "K2|c@d.example|4|13"],
            ["id", "field email", "field Größe", "field phone"],
        ),
        ("x.csv", "E-Mail|Customer number", ["a@b.example|7", "c@d.example|8"], ["field email", "id"]),
    ],
)
def test_columns_are_taken_for_what_their_names_and_values_say(
    file: str, header: str, rows: list[str], expected: list[str]
) -> None:
    found = guess(file, columns(header, *rows))
    told = [
        " ".join(
            [c.role]
            + ([c.field] if c.role == "field" else [])
            + ([f"from {c.value_from}" if c.value_from else c.value] if c.role == "since" else [])
        )
        for c in found.columns
    ]
    assert told == expected


@pytest.mark.parametrize(
    ("file", "header", "row", "object_name", "is_log"),
    [
        ("contacts.csv", "id|email", "1|a@b.example", "person", False),
        ("opportunities.csv", "id|name", "1|x", "deal", False),
        ("accounts.csv", "account|sector", "A|b", "account", False),
        ("calls.csv", "id|subject", "1|x", "activity", False),
        ("what.csv", "id|activity|timestamp", "1|x|2026-01-01 10:00", "deal", False),
    ],
)
def test_the_kind_of_record_is_guessed(
    file: str, header: str, row: str, object_name: str, is_log: bool
) -> None:
    found = guess(file, columns(header, row))
    assert found.is_log is is_log
    if file != "what.csv":
        assert found.object == object_name


def test_a_log_is_told_by_ids_that_come_again_and_only_ends_count() -> None:
    rows = ["7|Sent|2026-01-01 10:00|START", "7|Sent|2026-01-01 11:00|COMPLETE"]
    found = guess("log.csv", columns("case|activity|timestamp|lifecycle:transition", *rows))
    assert (found.is_log, found.only_column, found.only_value) == (True, "lifecycle:transition", "COMPLETE")


@pytest.mark.parametrize(
    ("text", "decimal", "number"),
    [
        ("1.5", "", "1.5"), ("1,234.50", ".", "1234.50"), ("1.234,50", ",", "1234.50"), ("-7", ",", "-7"),
        ("$1,000", ".", "1000"), ("1 234,5", ",", "1234.5"), ("0,5", ",", "0.5"),
    ],
)  # fmt: skip
def test_numbers_are_read_as_they_are_written(text: str, decimal: str, number: str) -> None:
    assert read_number(text, decimal) == number


@pytest.mark.parametrize(("text", "decimal"), [("1.234,50", "."), ("12,34", "."), ("1.2", ","), ("n/a", ",")])
def test_a_number_written_otherwise_is_never_guessed(text: str, decimal: str) -> None:
    with pytest.raises(ValueError, match="is not a number written like"):
        read_number(text, decimal)


def test_yes_and_no_in_the_usual_words() -> None:
    assert [read_boolean(t) for t in ("Yes", "nein", "1", "maybe")] == ["true", "false", "true", "maybe"]


def test_names_of_our_own_are_made_of_anything() -> None:
    assert [plain(t) for t in ("Deal Stage", "dealStage", " deal-stage ")] == ["deal_stage"] * 3
    assert [name_for(t, "field") for t in ("", "2nd owner", "Größe")] == [
        "field",
        "field_2nd_owner",
        "grosse",
    ]


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    at=st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),
    way=st.sampled_from([w for w in WAYS if not w.key.startswith(("epoch", "iso"))]),
    with_time=st.booleans(),
)
def test_a_date_written_in_a_way_is_read_in_that_way(at: datetime, way: object, with_time: bool) -> None:
    form = next(f for f in way.formats if f.endswith("%Y" + " %H:%M" * with_time) or (  # type: ignore[attr-defined]  # a way
        f.startswith("%Y") and f.endswith("%d" + " %H:%M" * with_time)))  # fmt: skip
    read = Moment("x", way.formats, ZoneInfo("Europe/Berlin")).read(at.strftime(form))  # type: ignore[attr-defined]  # a way
    local = (
        at.replace(second=0, microsecond=0)
        if with_time
        else at.replace(hour=0, minute=0, second=0, microsecond=0)
    )
    assert read == local.replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
