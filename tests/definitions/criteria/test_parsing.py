"""A tree that is wrong is refused with the path to every mistake."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from definitions.criteria import Catalogue, CriterionError, parse
from tests.definitions.criteria.examples import CATALOGUE, leaf, read


def faults_of(tree: Any) -> list[tuple[str, str]]:
    with pytest.raises(CriterionError) as refused:
        read(tree)
    assert all(fault.text for fault in refused.value.faults)
    return [(path, code) for path, code, _ in refused.value.faults]


@pytest.mark.parametrize(
    ("tree", "path", "code"),
    [
        (None, "$", "not_a_condition"),
        ([], "$", "not_a_condition"),
        ("country is DE", "$", "not_a_condition"),
        ({}, "$", "not_a_condition"),
        ({"op": "is", "value": 1}, "$", "not_a_condition"),
        ({"all": [leaf("country", "is", "DE")], "any": []}, "$", "not_a_condition"),
        ({"all": []}, "$.all", "empty_group"),
        ({"any": {"field": "country"}}, "$.any", "wrong_value"),
        ({"any": None}, "$.any", "wrong_value"),
        ({"not": [leaf("country", "is", "DE")]}, "$.not", "not_a_condition"),
        ({"all": [leaf("country", "is", "DE")], "note": 1}, "$", "unknown_key"),
        ({**leaf("country", "is", "DE"), "days": 7}, "$", "unknown_key"),
        ({**leaf("country", "is", "DE"), 7: 7}, "$", "unknown_key"),
        (leaf("contry", "is", "DE"), "$.field", "unknown_field"),
        ({**leaf("", "is", "DE"), "field": ["country"]}, "$.field", "unknown_field"),
        ({"field": "country", "value": "DE"}, "$.op", "missing_key"),
        (leaf("country", "equals", "DE"), "$.op", "unknown_op"),
        ({"field": "born_on", "op": True, "value": "2026-01-01"}, "$.op", "unknown_op"),
        ({"field": "country", "op": {}, "value": "DE"}, "$.op", "unknown_op"),
        (leaf("country", "at_least", "DE"), "$.op", "op_not_for_type"),
        (leaf("owner", "contains", "5"), "$.op", "op_not_for_type"),
        (leaf("country", "is"), "$.value", "missing_key"),
        (leaf("country", "is_empty", None), "$.value", "unexpected_value"),
        (leaf("country", "is", "Germany"), "$.value", "unknown_option"),
        (leaf("country", "is", False), "$.value", "wrong_value"),
        (leaf("country", "is", None), "$.value", "wrong_value"),
        (leaf("country", "is", ["DE"]), "$.value", "wrong_value"),
        (leaf("country", "is", ""), "$.value", "wrong_value"),
        (leaf("country", "is_any_of", "DE"), "$.value", "wrong_value"),
        (leaf("country", "is_any_of", []), "$.value", "wrong_value"),
        (leaf("country", "is_any_of", ["DE", "XX"]), "$.value[1]", "unknown_option"),
        (leaf("interests", "includes_any", {"crm": 1}), "$.value", "wrong_value"),
        (leaf("job_title", "contains", "a\x00"), "$.value", "wrong_value"),
        (leaf("job_title", "contains", "\ud800"), "$.value", "wrong_value"),
        (leaf("job_title", "contains", "a" * 1001), "$.value", "out_of_range"),
        (leaf("job_title", "is_any_of", ["a"] * 501), "$.value", "too_large"),
        (leaf("employees", "is", "50"), "$.value", "wrong_value"),
        (leaf("employees", "is", True), "$.value", "wrong_value"),
        (leaf("employees", "is", float("nan")), "$.value", "out_of_range"),
        (leaf("employees", "is", Decimal("sNaN")), "$.value", "out_of_range"),
        (leaf("employees", "is", 10**5000), "$.value", "out_of_range"),
        (leaf("employees", "is", Decimal("1E+999999999")), "$.value", "out_of_range"),
        (leaf("employees", "is", Decimal("0.12345678901234567890")), "$.value", "out_of_range"),
        (leaf("employees", "between", [1]), "$.value", "wrong_value"),
        (leaf("employees", "between", [2, 1]), "$.value", "wrong_value"),
        (leaf("employees", "between", ["a", 1]), "$.value[0]", "wrong_value"),
        (leaf("born_on", "before", "soon"), "$.value", "wrong_value"),
        (leaf("born_on", "before", "2026-02-30"), "$.value", "wrong_value"),
        (leaf("born_on", "before", "2026-01-01T00:00:00Z"), "$.value", "wrong_value"),
        (leaf("born_on", "before", "0001-01-01"), "$.value", "out_of_range"),
        (leaf("touched_at", "before", "9999-12-31T23:59:59-01:00"), "$.value", "out_of_range"),
        (leaf("touched_at", "before", "2026-01-01T00:00:00"), "$.value", "wrong_value"),
        (leaf("touched_at", "is_on", "2026-01-01T00:00:00Z"), "$.value", "wrong_value"),
        (leaf("touched_at", "between", ["2026-01-02", "2026-01-01T23:00:00Z"]), "$.value", "wrong_value"),
        (leaf("touched_at", "within_last", 7), "$.value", "wrong_value"),
        (leaf("touched_at", "within_last", {"days": 1, "hours": 1}), "$.value", "wrong_value"),
        (leaf("touched_at", "within_last", {"months": 1}), "$.value", "wrong_value"),
        (leaf("touched_at", "within_last", {"days": 1.5}), "$.value.days", "wrong_value"),
        (leaf("touched_at", "within_last", {"days": True}), "$.value.days", "wrong_value"),
        (leaf("touched_at", "within_last", {"days": 0}), "$.value.days", "out_of_range"),
        (leaf("touched_at", "within_last", {"weeks": 10**5000}), "$.value.weeks", "out_of_range"),
        (leaf("born_on", "within_last", {"hours": 1}), "$.value", "wrong_value"),
    ],
)
def test_a_mistake_is_named_with_its_path(tree: Any, path: str, code: str) -> None:
    assert faults_of(tree) == [(path, code)]


def test_all_mistakes_are_named_at_once() -> None:
    tree = {
        "all": [
            leaf("contry", "is", "DE"),
            {"any": [leaf("country", "is_any_of", ["DE", "XX", 7]), {"not": {"all": []}}]},
            {"field": "nothing", "op": "equals"},
            leaf("country", "is", "DE"),
            {**leaf("employees", "is", "many"), "extra": 1},
        ]
    }
    assert faults_of(tree) == [
        ("$.all[0].field", "unknown_field"),
        ("$.all[1].any[0].value[1]", "unknown_option"),
        ("$.all[1].any[0].value[2]", "wrong_value"),
        ("$.all[1].any[1].not.all", "empty_group"),
        ("$.all[2].field", "unknown_field"),
        ("$.all[2].op", "unknown_op"),
        ("$.all[4]", "unknown_key"),
        ("$.all[4].value", "wrong_value"),
    ]


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(CriterionError, match="did you mean country"):
        read(leaf("contry", "is", "DE"))


def test_an_unknown_object_is_refused() -> None:
    with pytest.raises(CriterionError) as refused:
        parse(leaf("country", "is", "DE"), CATALOGUE, object="persn")
    assert refused.value.faults[0].code == "unknown_object"


def nested(depth: int) -> Any:
    tree: Any = leaf("country", "is", "DE")
    for _ in range(depth - 1):
        tree = {"not": tree}
    return tree


def holding_itself() -> Any:
    tree: dict[str, Any] = {"all": []}
    tree["all"].append(tree)
    return tree


def doubled(times: int) -> Any:
    tree: Any = leaf("country", "is", "DE")
    for _ in range(times):
        tree = {"all": [tree, tree]}
    return tree


@pytest.mark.parametrize(
    ("tree", "code"),
    [
        (nested(13), "too_deep"),
        (nested(100_000), "too_deep"),
        (holding_itself(), "too_deep"),
        ({"any": [leaf("country", "is", "DE")] * 501}, "too_large"),
        ({"any": [leaf("country", "is", "DE")] * 1_000_000}, "too_large"),
        ({"any": [{"all": []}] * 1_000_000}, "too_large"),
        (doubled(11), "too_large"),
        (doubled(60), "too_deep"),
    ],
    ids=["13 deep", "100,000 deep", "holds itself", "501 leaves", "a million leaves", "a million groups",
         "doubled 11 times", "doubled 60 times"],
)  # fmt: skip
def test_a_hostile_tree_is_refused_before_it_is_read(tree: Any, code: str) -> None:
    assert faults_of(tree) == [("$", code)]


def test_a_tree_at_the_limits_is_read() -> None:
    assert read(nested(12)).fields() == {"country"}
    assert len(read({"any": [leaf("country", "is", "DE")] * 500}).to_tree()["any"]) == 500


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    assert faults_of(leaf("country", "is_any_of", value)) == [("$.value[0]", "wrong_value")]


def test_the_canonical_tree_has_one_spelling() -> None:
    tree = {
        "any": (
            {"value": Decimal("5.0"), "op": "at_least", "field": "employees"},
            leaf("employees", "is_any_of", [1, 1.0, 2.5, -0.0]),
            leaf("born_on", "is_on", date(2026, 1, 2)),
            leaf("touched_at", "before", "2026-01-02T10:00:00.500000+01:00"),
            leaf("touched_at", "between", [date(2026, 1, 2), datetime(2026, 1, 3, tzinfo=UTC)]),
            leaf("interests", "includes_any", ["ops", "crm", "ops"]),
            leaf("touched_at", "within_last", {"days": 3}),
            {"not": leaf("owner", "is_empty")},
        )
    }
    canonical = read(tree).to_tree()
    assert canonical == {
        "any": [
            {"field": "employees", "op": "at_least", "value": 5},
            {"field": "employees", "op": "is_any_of", "value": [1, 2.5, 0]},
            {"field": "born_on", "op": "is_on", "value": "2026-01-02"},
            {"field": "touched_at", "op": "before", "value": "2026-01-02T09:00:00.500000Z"},
            {"field": "touched_at", "op": "between", "value": ["2026-01-02", "2026-01-03T00:00:00Z"]},
            {"field": "interests", "op": "includes_any", "value": ["ops", "crm"]},
            {"field": "touched_at", "op": "within_last", "value": {"days": 3}},
            {"not": {"field": "owner", "op": "is_empty"}},
        ]
    }
    assert read(canonical) == read(tree)


@pytest.mark.parametrize(
    "spec",
    [
        {"person": {"country": {"type": "colour"}}},
        {"person": {"country": {}}},
        {"person": {"country": {"type": "picklist", "options": [1]}}},
    ],
)
def test_a_malformed_catalogue_is_refused(spec: Any) -> None:
    with pytest.raises(ValueError, match="country"):
        Catalogue.from_spec(spec)
