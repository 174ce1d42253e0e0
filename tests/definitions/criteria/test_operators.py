"""Every operator on a table of stored values, in Python and in PostgreSQL."""

from __future__ import annotations

import json
from typing import Any

import pytest

from definitions.criteria import Facts
from definitions.criteria.operators import OPERATORS
from tests.definitions.criteria.examples import NOW, judge_in_sql, leaf, read

pytestmark = pytest.mark.django_db

T, F, U = True, False, None
ABSENT = object()

# One row per condition: its leaf, then stored value -> truth. NOW is Monday 2026-11-23 10:30 UTC.
TABLE: list[tuple[dict[str, Any], list[tuple[Any, bool | None]]]] = [
    (leaf("job_title", "is", "Head of Sales"),
     [("Head of Sales", T), ("HEAD OF sales", T), ("Head of Sale", F), ("", F), (None, F), (ABSENT, U),
      (7, U), (True, U), (["Head of Sales"], U), ({}, U)]),
    (leaf("job_title", "is", "ÄRZTIN"), [("ÄRztin", T), ("ärztin", F), ("Ärztin", T)]),
    (leaf("job_title", "is_not", "CEO"), [("ceo", F), ("CFO", T), ("", F), (None, F), (ABSENT, U), (7, U)]),
    (leaf("job_title", "is_any_of", ["CEO", "CFO"]), [("cfo", T), ("COO", F), (None, F), (ABSENT, U)]),
    (leaf("job_title", "is_none_of", ["CEO", "CFO"]), [("cfo", F), ("COO", T), (None, F), (ABSENT, U)]),
    (leaf("job_title", "contains", "50%_of"), [("my 50%_OF it", T), ("50 percent of", F), (None, F), (3, U)]),
    (leaf("job_title", "contains", "日本"), [("株式会社日本", T), ("日 本", F)]),
    (leaf("job_title", "starts_with", "Vice"), [("VICE president", T), ("Device", F), (None, F), (ABSENT, U)]),
    (leaf("job_title", "is_empty"), [("x", F), (" ", F), ("", T), (None, T), (ABSENT, U), (7, U)]),
    (leaf("job_title", "is_not_empty"), [("x", T), ("", F), (None, F), (ABSENT, U), (7, U)]),
    (leaf("employees", "is", 50),
     [(50, T), (50.0, T), (50.5, F), (None, F), ("", F), (ABSENT, U), ("50", U), (True, U), (10**400, U)]),
    (leaf("employees", "is", 0.1), [(0.1, T), (0.1 + 0.2 - 0.2, F), (1, F)]),
    (leaf("employees", "is_not", 50), [(50, F), (51, T), (None, F), (ABSENT, U), ("x", U)]),
    (leaf("employees", "is_any_of", [1, 2.5]), [(1, T), (2.5, T), (2, F), (None, F), ([], U)]),
    (leaf("employees", "is_none_of", [1, 2.5]), [(1, F), (2, T), (None, F), (ABSENT, U)]),
    (leaf("employees", "at_least", 50), [(49.999, F), (50, T), (51, T), (None, F), (ABSENT, U), (1e300, U)]),
    (leaf("employees", "at_most", -1), [(-1, T), (-0.5, F), (-2, T), (None, F)]),
    (leaf("budget", "more_than", 10000.5), [(10000.5, F), (10000.51, T), (None, F), ("10001", U)]),
    (leaf("budget", "less_than", 0), [(0, F), (-0.0, F), (-0.01, T), (None, F), (False, U)]),
    (leaf("budget", "between", [10, 20]), [(9.99, F), (10, T), (20, T), (20.01, F), (None, F), (ABSENT, U)]),
    (leaf("budget", "is_empty"), [(0, F), (None, T), ("", T), (ABSENT, U), ("0", U), (10**100, U)]),
    (leaf("wants_demo", "is_true"), [(True, T), (False, F), (None, F), ("", F), (ABSENT, U), (1, U), ("true", U)]),
    (leaf("wants_demo", "is_false"), [(True, F), (False, T), (None, F), (ABSENT, U), (0, U)]),
    (leaf("wants_demo", "is_not_empty"), [(True, T), (False, T), (None, F), ("", F), (ABSENT, U), (0, U)]),
    (leaf("born_on", "before", "2026-03-01"),
     [("2026-02-28", T), ("2026-03-01", F), (None, F), (ABSENT, U), ("2026-02-29", U), ("2026-02-30", U),
      ("0000-01-01", U), ("0001-01-01", T), ("9999-12-31", F), ("2026-2-3", U), ("20260228", U), ("today", U),
      ("infinity", U), ("2026-02-28 ", U), ("2026-02-28\n", U), ("2026-02-28T00:00:00Z", U),
      ("２０２６-02-28", U), (20260228, U)]),
    (leaf("born_on", "after", "2026-03-01"), [("2026-03-01", F), ("2026-03-02", T), ("9999-12-31", T), (None, F)]),
    (leaf("born_on", "is_on", "2024-02-29"), [("2024-02-29", T), ("2024-03-01", F), (None, F), (ABSENT, U)]),
    (leaf("born_on", "between", ["2026-03-01", "2026-03-31"]),
     [("2026-02-28", F), ("2026-03-01", T), ("2026-03-31", T), ("2026-04-01", F), (None, F)]),
    (leaf("born_on", "within_last", {"days": 7}),
     [("2026-11-15", F), ("2026-11-16", T), ("2026-11-23", T), ("2026-11-24", F), (None, F), (ABSENT, U)]),
    (leaf("born_on", "within_next", {"weeks": 1}),
     [("2026-11-22", F), ("2026-11-23", T), ("2026-11-30", T), ("2026-12-01", F), (None, F)]),
    (leaf("born_on", "more_than_ago", {"days": 7}), [("2026-11-15", T), ("2026-11-16", F), (None, F), ("x", U)]),
    (leaf("touched_at", "before", "2026-11-23"),
     [("2026-11-22T23:59:59.999999Z", T), ("2026-11-23T00:00:00Z", F), (None, F), (ABSENT, U)]),
    (leaf("touched_at", "before", "2026-11-23T10:00:00+01:00"),
     [("2026-11-23T08:59:59Z", T), ("2026-11-23T09:00:00Z", F), ("2026-11-23T09:59:59+01:00", T)]),
    (leaf("touched_at", "after", "2026-11-23"),
     [("2026-11-23T23:59:59.9Z", F), ("2026-11-24T00:00:00Z", T), ("2026-11-23T23:30:00-01:00", T)]),
    (leaf("touched_at", "after", "2026-11-23T09:00:00Z"),
     [("2026-11-23T09:00:00Z", F), ("2026-11-23T09:00:00.000001Z", T)]),
    (leaf("touched_at", "is_on", "2026-03-29"),
     [("2026-03-28T23:59:59Z", F), ("2026-03-29T00:00:00Z", T), ("2026-03-29T23:59:59.999999Z", T),
      ("2026-03-30T00:00:00Z", F), ("2026-03-30T01:30:00+02:00", T), (None, F)]),
    (leaf("touched_at", "between", ["2026-03-29", "2026-03-30T12:00:00Z"]),
     [("2026-03-28T23:59:59Z", F), ("2026-03-29T00:00:00Z", T), ("2026-03-30T12:00:00Z", T),
      ("2026-03-30T12:00:00.000001Z", F)]),
    (leaf("touched_at", "within_last", {"hours": 2}),
     [("2026-11-23T08:30:00Z", T), ("2026-11-23T08:29:59.999999Z", F), ("2026-11-23T10:30:00Z", T),
      ("2026-11-23T10:30:00.000001Z", F), (None, F), (ABSENT, U)]),
    (leaf("touched_at", "within_next", {"minutes": 30}),
     [("2026-11-23T10:29:59Z", F), ("2026-11-23T10:30:00Z", T), ("2026-11-23T11:00:00Z", T),
      ("2026-11-23T11:00:00.1Z", F)]),
    (leaf("touched_at", "more_than_ago", {"hours": 2}),
     [("2026-11-23T08:29:59.999999Z", T), ("2026-11-23T08:30:00Z", F), ("0001-01-01T00:00:00+14:00", T)]),
    (leaf("touched_at", "is_not_empty"),
     [("2026-11-23T10:30:00Z", T), ("2026-11-23T10:30:00.5+14:59", T), ("2026-11-23T24:00:00Z", U),
      ("2026-11-23T23:59:60Z", U), ("2026-11-23T10:30:00", U), ("2026-11-23T10:30:00z", U),
      ("2026-11-23 10:30:00Z", U), ("2026-11-23T10:30:00.1234567Z", U), ("2026-11-23T10:30:00+15:00", U),
      ("2026-11-31T10:30:00Z", U), ("2026-11-23T10:30:00+0100", U), ("2026-11-23", U), ("now", U),
      ("", F), (None, F), (1795430000, U)]),
    (leaf("country", "is", "DE"), [("DE", T), ("de", F), ("XX", F), ("", F), (None, F), (ABSENT, U), (["DE"], U)]),
    (leaf("country", "is_not", "DE"), [("DE", F), ("de", T), (None, F), (ABSENT, U)]),
    (leaf("country", "is_any_of", ["DE", "FR"]), [("FR", T), ("US", F), (None, F), (1, U)]),
    (leaf("country", "is_none_of", ["DE", "FR"]), [("FR", F), ("US", T), (None, F), (ABSENT, U)]),
    (leaf("interests", "includes_any", ["crm", "bi"]),
     [(["bi"], T), (["ops", "crm"], T), (["ops"], F), (["CRM"], F), ([], F), (None, F), ("", F), (ABSENT, U),
      ("crm", U), (["crm", 1], U), (["crm", None], U), ([["crm"]], U), ({"crm": 1}, U)]),
    (leaf("interests", "includes_all", ["crm", "bi"]),
     [(["bi", "crm", "ops"], T), (["crm"], F), ([], F), (None, F), (ABSENT, U), ([1], U)]),
    (leaf("interests", "includes_none", ["crm", "bi"]),
     [(["ops"], T), (["ops", "bi"], F), ([], F), (None, F), (ABSENT, U), (7, U)]),
    (leaf("interests", "is_empty"), [([], T), (None, T), ("", T), (["x"], F), ([""], F), ([1], U), ("x", U)]),
    (leaf("owner", "is", "005A"), [("005A", T), ("005a", F), (None, F), (ABSENT, U), (5, U)]),
    (leaf("owner", "is_any_of", ["005A", "005B"]), [("005B", T), ("", F), (ABSENT, U)]),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "cases"), TABLE, ids=[f"{row['field']} {row['op']}" for row, _ in TABLE])
def test_each_target_gives_the_truth_of_the_table(
    tree: dict[str, Any], cases: list[tuple[Any, bool | None]]
) -> None:
    criterion, field = read(tree), tree["field"]
    rows = [{} if stored is ABSENT else {field: stored} for stored, _ in cases]
    expected = [truth for _, truth in cases]
    in_python = [
        criterion.evaluate(Facts.from_spec({"values": json.loads(json.dumps(row))}), NOW).truth
        for row in rows
    ]
    assert list(zip(cases, in_python, strict=True)) == list(zip(cases, expected, strict=True))
    assert list(zip(cases, judge_in_sql(criterion, rows, NOW), strict=True)) == list(
        zip(cases, expected, strict=True)
    )


def test_the_table_leaves_no_operator_out() -> None:
    assert {tree["op"] for tree, _ in TABLE} == set(OPERATORS)


def test_groups_follow_kleene_in_each_target() -> None:
    true, false, unknown = leaf("employees", "is", 1), leaf("employees", "is", 2), leaf("budget", "is", 1)
    table: list[tuple[Any, bool | None]] = [
        ({"all": [true, true]}, T),
        ({"all": [true, unknown]}, U),
        ({"all": [false, unknown]}, F),
        ({"any": [false, false]}, F),
        ({"any": [false, unknown]}, U),
        ({"any": [true, unknown]}, T),
        ({"not": true}, F),
        ({"not": false}, T),
        ({"not": unknown}, U),
        ({"not": {"all": [unknown, {"not": {"any": [unknown, true]}}]}}, T),
    ]
    values = {"employees": 1}
    for tree, truth in table:
        criterion = read(tree)
        assert criterion.evaluate(Facts.from_spec({"values": values}), NOW).truth is truth, tree
        assert judge_in_sql(criterion, [values], NOW) == [truth], tree


def test_the_not_of_a_comparison_with_an_empty_value_is_true() -> None:
    for tree in (leaf("country", "is", "DE"), leaf("country", "is_not", "DE")):
        criterion = read({"not": tree})
        assert criterion.evaluate(Facts.from_spec({"values": {"country": None}}), NOW).truth is True
        assert judge_in_sql(criterion, [{"country": None}], NOW) == [True]


def test_a_field_told_unknown_is_unknown_whatever_its_value() -> None:
    facts = Facts.from_spec({"values": {"country": "DE"}, "unknown": ["country", "activities"]})
    assert read(leaf("country", "is", "DE")).evaluate(facts, NOW).truth is None


@pytest.mark.parametrize("alias", ["r; DROP TABLE x", 'r"', "", "1r", "r.values", "r" * 64])
def test_an_alias_that_is_no_identifier_is_refused(alias: str) -> None:
    with pytest.raises(ValueError, match="identifier"):
        read(leaf("country", "is", "DE")).to_sql(alias, NOW)


def test_naive_now_is_refused_by_each_target() -> None:
    criterion = read(leaf("country", "is", "DE"))
    with pytest.raises(ValueError, match="aware"):
        criterion.evaluate(Facts({}), NOW.replace(tzinfo=None))
    with pytest.raises(ValueError, match="aware"):
        criterion.to_sql("r", NOW.replace(tzinfo=None))
