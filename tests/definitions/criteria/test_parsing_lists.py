"""A mistake in a condition on a list is named with its path; a hostile tree is refused before it is read."""

from __future__ import annotations

from typing import Any

import pytest

from definitions.criteria import Catalogue, CriterionError, all_of, any_of, not_, parse
from definitions.criteria.parsing.limits import MAX_FAULTS
from tests.definitions.criteria.examples import NOW, leaf
from tests.definitions.criteria.test_lists import CATALOGUE, INBOUND, read

CALL = {"activity": "call"}
DEALS = {"related": "deals"}
SIGNAL = {"event": "signal.seats"}
SQL = {"stage": "sql"}


def faults_of(tree: Any, catalogue: Catalogue = CATALOGUE) -> list[tuple[str, str]]:
    with pytest.raises(CriterionError) as refused:
        parse(tree, catalogue, object="person")
    assert all(fault.text for fault in refused.value.faults)
    return [(path, code) for path, code, _ in refused.value.faults]


@pytest.mark.parametrize(
    ("tree", "path", "code"),
    [
        ({"activity": "fax"}, "$.activity", "wrong_value"),
        ({"activity": ["call"]}, "$.activity", "wrong_value"),
        ({**CALL, "field": "amount"}, "$", "not_a_condition"),
        ({**CALL, "op": "is"}, "$", "unknown_key"),
        ({**CALL, "at_least": 0}, "$.at_least", "out_of_range"),
        ({**CALL, "at_least": True}, "$.at_least", "wrong_value"),
        ({**CALL, "at_most": -1}, "$.at_most", "out_of_range"),
        ({**CALL, "at_least": 10**9}, "$.at_least", "out_of_range"),
        ({**CALL, "at_least": 2, "at_most": 1}, "$.at_most", "wrong_value"),
        ({**CALL, "within": {"months": 1}}, "$.within", "wrong_value"),
        ({**CALL, "within": {"days": 0}}, "$.within.days", "out_of_range"),
        ({**CALL, "within": {"days": 1}, "within_next": {"days": 1}}, "$", "wrong_value"),
        ({**CALL, "where": {}}, "$.where", "not_a_condition"),
        ({**CALL, "where": leaf("subject", "is", "x")}, "$.where.field", "unknown_field"),
        ({**CALL, "where": {"all": [INBOUND, leaf("direction", "is", "up")]}}, "$.where.all[1].value",
         "unknown_option"),
        ({**CALL, "where": CALL}, "$.where", "nested_list"),
        ({**DEALS, "where": {"any": [SQL]}}, "$.where.any[0]", "nested_list"),
        ({"related": "friends"}, "$.related", "unknown_relation"),
        ({"related": 7}, "$.related", "unknown_relation"),
        ({**DEALS, "within": {"days": 1}}, "$", "unknown_key"),
        ({**DEALS, "where": leaf("industry", "is", "x")}, "$.where.field", "unknown_field"),
        ({"event": "Handoff accepted"}, "$.event", "unknown_event"),
        ({"event": "signal."}, "$.event", "unknown_event"),
        ({"event": "signal." + "x" * 81}, "$.event", "unknown_event"),
        ({**SIGNAL, "within_next": {"days": 1}}, "$", "unknown_key"),
        ({**SIGNAL, "where": leaf("seats", "is_empty")}, "$.where.op", "op_not_for_type"),
        ({**SIGNAL, "where": leaf("seats", "before", "2026-01-01")}, "$.where.op", "op_not_for_type"),
        ({**SIGNAL, "where": leaf("occurred_at", "is", "x")}, "$.where.field", "unknown_field"),
        ({**SIGNAL, "where": leaf("seats", "is_any_of", [1, "x"])}, "$.where.value[1]", "wrong_value"),
        (SQL, "$.op", "missing_key"),
        ({**SQL, "op": "was_in"}, "$.op", "unknown_op"),
        ({**SQL, "op": "is_in", "value": {"days": 1}}, "$.value", "unexpected_value"),
        ({**SQL, "op": "in_for_at_least"}, "$.value", "missing_key"),
        ({**SQL, "op": "in_for_at_least", "value": 14}, "$.value", "wrong_value"),
        ({"stage": "a/b/c", "op": "is_in"}, "$.stage", "unknown_stage"),
        ({"stage": None, "op": "is_in"}, "$.stage", "unknown_stage"),
        (leaf("amount", "at_least", 5) | {"currency": "Euro"}, "$.currency", "wrong_value"),
        (leaf("amount", "is_empty") | {"currency": "EUR"}, "$.currency", "unexpected_value"),
        (leaf("country", "is", "DE") | {"currency": "EUR"}, "$", "unknown_key"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_path(tree: Any, path: str, code: str) -> None:
    assert faults_of(tree) == [(path, code)]


def test_what_is_known_restricts_stages_and_events() -> None:
    known = Catalogue.from_spec({"person": {}}, stages=["mql"], events=["handoff.accepted"])
    assert faults_of({"stage": "sql", "op": "is_in"}, known) == [("$.stage", "unknown_stage")]
    assert faults_of(SIGNAL, known) == [("$.event", "unknown_event")]
    assert parse({"stage": "mql", "op": "is_in"}, known, object="person").reads().stages == {"mql"}


def test_a_where_over_an_object_that_is_not_there_is_refused() -> None:
    bare = Catalogue.from_spec({"person": {}})
    assert parse(DEALS, bare, object="person").reads().related == {"deals"}
    assert faults_of({**DEALS, "where": INBOUND}, bare) == [("$.where", "unknown_object")]


@pytest.mark.parametrize(
    ("name", "about", "read_as"),
    [
        ("deal", "person", "deals"), ("deals", "person", "deals"), ("person", "person", "people"),
        ("person", "deal", "people"), ("people", "account", "people"), ("account", "deal", "account"),
        ("accounts", "deal", "account"), ("activities", "deal", "activities"),
    ],
)  # fmt: skip
def test_a_relation_may_be_written_in_singular_or_plural(name: str, about: str, read_as: str) -> None:
    assert read({"related": name}, about).to_tree() == {"related": read_as, "at_least": 1}


def test_the_path_of_a_part_begins_where_the_part_stands() -> None:
    with pytest.raises(CriterionError) as refused:
        parse({"any": [{}]}, CATALOGUE, object="person", at="$.variants[1].when")
    assert refused.value.faults[0].path == "$.variants[1].when.any[0]"
    criterion = parse(CALL, CATALOGUE, object="person", at="$.exclusions[0].when")
    assert criterion.root.path == "$.exclusions[0].when"


def test_criteria_combine() -> None:
    call, deals = read(CALL), read(DEALS)
    assert all_of([call]) is not call
    assert all_of([call]).root is call.root
    assert any_of([call, not_(deals)]).to_tree() == {
        "any": [{"activity": "call", "at_least": 1}, {"not": {"related": "deals", "at_least": 1}}]
    }
    for wrong in ([], [call, read(leaf("amount", "is", 1), "deal")]):
        with pytest.raises(ValueError, match="about one object"):
            all_of(wrong)


def wrapped(depth: int) -> Any:
    tree: Any = INBOUND
    for _ in range(depth):
        tree = {"not": tree}
    return {**CALL, "where": tree}


def holding_itself() -> Any:
    tree: dict[str, Any] = {**CALL}
    tree["where"] = tree
    return tree


@pytest.mark.parametrize(
    ("tree", "code"),
    [
        (wrapped(11), "too_deep"),
        (wrapped(100_000), "too_deep"),
        (holding_itself(), "too_deep"),
        ({"all": [CALL] * 10_000}, "too_large"),
        ({"all": [{**CALL, "where": {"any": [INBOUND] * 250}}] * 2}, "too_large"),
        ({**CALL, "where": {"any": [INBOUND] * 1_000_000}}, "too_large"),
    ],
    ids=[
        "deep where",
        "100,000 deep",
        "holds itself",
        "10,000 conditions",
        "two wheres",
        "a million in where",
    ],
)
def test_a_hostile_tree_is_refused_before_it_is_read(tree: Any, code: str) -> None:
    assert faults_of(tree) == [("$", code)]


def test_no_more_faults_are_told_than_help() -> None:
    assert len(faults_of({"all": [{f"key {n}": 1 for n in range(1_000)} | CALL] * 400})) == MAX_FAULTS
    assert len(faults_of({"all": [leaf(f"feld{n}", "is", "x") for n in range(499)]})) == MAX_FAULTS


def test_a_pattern_is_only_text() -> None:
    criterion = read(leaf("country", "contains", "(a+)+$" * 100))
    truth, params = criterion.to_sql("r", NOW)
    assert "strpos" in truth
    assert "(a+)+$" * 100 in params


def test_at_the_limits_a_tree_is_read() -> None:
    assert read(wrapped(10)).reads().activities
    assert len(read({"all": [CALL] * 500}).to_tree()["all"]) == 500
