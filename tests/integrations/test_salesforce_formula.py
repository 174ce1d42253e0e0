"""The interpreter of Salesforce's formulas, held to what is known of Salesforce."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from integrations.standins.salesforce_formula import FormulaError, parse_formula

NOW = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
TYPES = {
    "Title": "string",
    "Other": "string",
    "Amount": "currency",
    "Probability": "percent",
    "IsHot": "boolean",
    "CloseDate": "date",
    "SeenAt": "datetime",
    "StageName": "picklist",
    "Interests": "multipicklist",
    "OwnerId": "reference",
}


def run(text: str, record: dict[str, Any] | None = None, **more: Any) -> Any:
    return parse_formula(text).evaluate(record or {}, now=NOW, types=TYPES, **more)


@pytest.mark.parametrize(
    ("text", "record", "expected"),
    [
        # blanks
        ("Amount < 5", {}, False),
        ("Amount = 0", {}, False),
        ("Amount <> 0", {}, False),
        ("CloseDate <> TODAY()", {}, False),
        ('Title = ""', {}, True),
        ('Title <> "x"', {}, True),
        ("Title = Other", {}, True),
        ("ISBLANK(Title)", {"Title": ""}, True),
        ("ISBLANK(TEXT(StageName))", {}, True),
        ("ISBLANK(Interests)", {}, True),
        ('ISBLANK(LEFT("abc", 0))', {}, True),
        ("ISBLANK(Amount + 5)", {}, True),
        ("IsHot", {}, False),
        ("IsHot = FALSE", {}, True),
        ('CONTAINS(Title, "a")', {}, False),
        ('BEGINS(Title, "a")', {}, None),
        ('NOT(BEGINS(Title, "a"))', {}, None),
        ('Title + "x"', {}, "x"),
        # case
        ('"a" = "A"', {}, False),
        ('CONTAINS(Title, "VP")', {"Title": "vp sales"}, False),
        ('CONTAINS(LOWER(Title), "vp")', {"Title": "VP Sales"}, True),
        ('ISPICKVAL(StageName, "won")', {"StageName": "Won"}, True),
        ('TEXT(StageName) = "won"', {"StageName": "Won"}, False),
        ('ISPICKVAL(StageName, "")', {}, True),
        ('INCLUDES(Interests, "crm")', {"Interests": "BI;CRM"}, True),
        ('INCLUDES(Interests, "BI;CRM")', {"Interests": "BI;CRM"}, False),
        ('CASE(TEXT(StageName), "A", 1, "B", 2, 0) = 2', {"StageName": "B"}, True),
        # order of operators
        ("2 * 3 ^ 2", {}, Decimal(36)),
        ("2 ^ 3 ^ 2", {}, Decimal(64)),
        ("1 + 2 * 3 = 7 && -1 < 0 || FALSE", {}, True),
        ("!TRUE", {}, False),
        ("1 /* a /* b */ + 2", {}, Decimal(3)),
        # numbers
        ("0.1 + 0.2 = 0.3", {}, True),
        ("Probability = 0.2", {"Probability": 20}, True),
        ("FLOOR(-1.4)", {}, Decimal(-1)),
        ("CEILING(-1.4)", {}, Decimal(-2)),
        ("ROUND(2.5, 0)", {}, Decimal(3)),
        ("AND(FALSE, 1 / 0 = 1)", {}, False),
        ("OR(TRUE, 1 / 0 = 1)", {}, True),
        # dates
        ("CloseDate + 3.9 = DATE(2026, 3, 2)", {"CloseDate": "2026-02-27"}, True),
        ("CloseDate - DATE(2026, 1, 1)", {"CloseDate": "2026-01-31"}, Decimal(30)),
        ('SeenAt >= DATETIMEVALUE("2026-11-23 10:00:00")', {"SeenAt": "2026-11-23T10:00:00.000+0000"}, True),
        ("SeenAt >= NOW() - 90 / 1440", {"SeenAt": "2026-11-23T22:00:00.000+0000"}, True),
        ("SeenAt >= NOW() - 89 / 1440", {"SeenAt": "2026-11-23T22:00:00.000+0000"}, False),
        ("NOW() - SeenAt", {"SeenAt": "2026-11-22T11:30:00.000+0000"}, Decimal("1.5")),
        # ids read as 15 characters
        ("OwnerId", {"OwnerId": "0058d000001A2BcAAK"}, "0058d000001A2Bc"),
        # literals
        (r'LEN("a\"b\\")', {}, Decimal(4)),
        (r'LEN("a\nb")', {}, Decimal(4)),
        ("LEN('it')", {}, Decimal(2)),
        ("TEXT(DATE(2026, 1, 2))", {}, "2026-01-02"),
        ("TEXT(Amount)", {"Amount": 0.5}, ".5"),
    ],
)
def test_a_formula_means_what_it_means_in_salesforce(
    text: str, record: dict[str, Any], expected: Any
) -> None:
    assert run(text, record) == expected


def test_today_is_the_users_and_now_is_everybodys() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert run("TODAY()") == date(2026, 11, 23)
    assert run("TODAY()", zone=berlin) == date(2026, 11, 24)
    assert run("DATEVALUE(NOW())", zone=berlin) == date(2026, 11, 24)
    assert run("NOW()", zone=berlin) == NOW


def test_a_change_is_seen_only_when_there_was_something_before() -> None:
    text = 'AND(ISCHANGED(StageName), ISPICKVAL(PRIORVALUE(StageName), "A"))'
    after, before = {"StageName": "B"}, {"StageName": "A"}
    assert run(text, after, prior=before) is True
    assert run(text, before, prior=before) is False
    assert run(text, after, prior=before, is_new=True) is False
    assert run("ISNEW()", is_new=True) is True
    assert run('TEXT(PRIORVALUE(StageName)) = "B"', after, prior=before, is_new=True) is True


def test_a_permission_is_asked_for_by_name() -> None:
    formula = parse_formula("AND(NOT($Permission.Gtm_Bypass_Validation), Amount > 5, ISCHANGED(StageName))")
    assert formula.permissions == {"Gtm_Bypass_Validation"}
    assert formula.fields == {"Amount", "StageName"}
    assert run("$Permission.Gtm_Bypass_Validation", permissions=frozenset({"Gtm_Bypass_Validation"})) is True
    assert run("$Permission.Gtm_Bypass_Validation") is False


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("AND(1 = 1", 9, "Missing ')'"),
        ("", 0, "the end"),
        ("1 = 1 2", 6, "Missing the end"),
        ('Title = "a\nb"', 8, "Found '\"'"),
        (r'Title = "a\qb"', 8, "Found '\"'"),
        ("Title = “a”", 8, "Found"),
        ("1 + VLOKUP(2)", 4, "Unknown function VLOKUP"),
        ("NOT(TRUE, FALSE)", 0, "Expected 1, received 2"),
        ("CASE(1, 2, 3)", 0, "number of parameters"),
        ("$User.Country", 0, "does not exist"),
        ("(" * 200 + "1" + ")" * 200, 61, "too deeply"),
    ],
)
def test_a_mistake_is_found_where_it_stands(text: str, position: int, says: str) -> None:
    with pytest.raises(FormulaError, match=r".*") as caught:
        parse_formula(text)
    assert caught.value.position == position
    assert says in caught.value.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('StageName = "Won"', "picklist field"),
        ("ISBLANK(StageName)", "picklist field"),
        ("ISBLANK(IsHot)", "received boolean"),
        ('CONTAINS(Interests, "x")', "Multi-select"),
        ('ISPICKVAL(Title, "x")', "takes a picklist field"),
        ("ISPICKVAL(StageName, Title)", "takes a text literal"),
        ('Amount = "5"', "Expected number, received text"),
        ("SeenAt > CloseDate", "Expected datetime, received date"),
        ("AND(1, TRUE)", "received number"),
        ("Nothing__c = 1", "does not exist"),
        ("IF(IsHot, 1, Title)", "one type"),
        ('1 & "x"', "received number"),
        ("CloseDate + CloseDate", "parameter type"),
    ],
)
def test_a_value_stands_only_where_it_may(text: str, says: str) -> None:
    with pytest.raises(FormulaError, match=says):
        parse_formula(text).check(TYPES)


@pytest.mark.parametrize(
    "text", ["1 / Amount = 1", "DATE(2026, 13, 1) = TODAY()", "DATEVALUE(Title) = TODAY()"]
)
def test_what_cannot_be_carried_out_stops_the_save(text: str) -> None:
    with pytest.raises(FormulaError):
        run(text, {"Amount": 0, "Title": "soon"})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("CloseDate - TODAY() > 5", "boolean"),
        ("CloseDate - TODAY()", "number"),
        ("NOW() + 1", "datetime"),
        ("IF(IsHot, NULL, Amount)", "number"),
        ("Probability * 2", "number"),
        ("LOWER(Title) & OwnerId", "text"),
    ],
)
def test_the_kind_of_a_result_is_known_before_there_are_values(text: str, kind: str) -> None:
    assert parse_formula(text).check(TYPES) == kind
