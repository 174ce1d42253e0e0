"""Conditions that nothing can meet, and those that everything meets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.criteria import Catalogue, Facts, parse
from definitions.criteria.reasoning import Verdict, decide

CATALOGUE = Catalogue.from_spec(
    {
        "person": {
            "size": {"type": "number"},
            "region": {"type": "picklist", "options": ["NA", "EMEA", "APAC"]},
            "title": {"type": "text"},
            "tags": {"type": "multi_picklist"},
            "is_customer": {"type": "boolean"},
            "seen_at": {"type": "datetime"},
            "closed_on": {"type": "date"},
        }
    }
)
NEVER, ALWAYS = Verdict.NEVER, Verdict.ALWAYS
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def c(field: str, op: str, *value: Any) -> dict[str, Any]:
    return {"field": field, "op": op, **({"value": value[0]} if value else {})}


def size(op: str, value: Any) -> dict[str, Any]:
    return c("size", op, value)


@pytest.mark.parametrize(
    ("tree", "verdict"),
    [
        ({"all": [size("at_least", 10), size("less_than", 10)]}, NEVER),
        ({"all": [size("at_least", 10), size("at_most", 10)]}, None),
        ({"all": [size("more_than", 1), size("less_than", 2)]}, None),
        ({"any": [size("at_least", 10), {"not": size("at_least", 10)}]}, ALWAYS),
        ({"any": [size("at_least", 10), size("less_than", 10)]}, None),  # an empty size is neither
        ({"all": [c("region", "is", "NA"), c("region", "is", "EMEA")]}, NEVER),
        ({"all": [c("title", "is", "CFO"), c("title", "is_not", "cfo")]}, NEVER),
        ({"all": [c("title", "is_empty"), c("title", "is", "x")]}, NEVER),
        ({"any": [c("title", "is_empty"), c("title", "is_not_empty")]}, ALWAYS),
        ({"all": [c("title", "contains", "a"), c("title", "is_empty")]}, None),  # left open
        ({"all": [c("is_customer", "is_true"), c("is_customer", "is_false")]}, NEVER),
        ({"all": [c("tags", "includes_all", ["a", "b"]), c("tags", "includes_none", ["b"])]}, NEVER),
        ({"all": [c("seen_at", "within_last", {"days": 7}), c("seen_at", "more_than_ago", {"days": 30})]}, NEVER),
        ({"all": [c("seen_at", "within_last", {"days": 30}), c("seen_at", "more_than_ago", {"days": 7})]}, None),
        ({"all": [c("closed_on", "before", "2026-01-01"), c("closed_on", "after", "2026-06-01")]}, NEVER),
        # Depends on today:
        ({"all": [c("seen_at", "before", "2020-01-01"), c("seen_at", "within_next", {"days": 1})]}, None),
        ({"all": [size("at_least", 1), {"any": [size("less_than", 0), c("is_customer", "is_true")]}]}, None),
    ],
)  # fmt: skip
def test_what_the_conditions_alone_decide(tree: Any, verdict: Verdict | None) -> None:
    assert decide(parse(tree, CATALOGUE, object="person")) is verdict


def test_many_fields_are_left_open_instead_of_taking_long() -> None:
    fields = {f"f{n}": {"type": "number"} for n in range(60)}
    tree = {
        "any": [{"all": [{"field": f"f{n}", "op": "at_least", "value": n} for n in range(60)]}, size("is", 1)]
    }
    known = Catalogue.from_spec({"person": {**fields, "size": {"type": "number"}}})
    assert decide(parse(tree, known, object="person")) is None


NUMBER_OPS = ["at_least", "at_most", "more_than", "less_than", "is", "is_not"]
comparisons = st.one_of(
    st.builds(size, st.sampled_from(NUMBER_OPS), st.integers(0, 3)),
    st.builds(c, st.just("region"), st.sampled_from(["is", "is_not"]), st.sampled_from(["NA", "EMEA"])),
    st.sampled_from([c("is_customer", "is_true"), c("size", "is_empty")]),
)
trees = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(lambda some: {"all": some}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda some: {"any": some}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda one: {"not": one}, inner),
    ),
    max_leaves=6,
)
EVERYTHING = [
    {"size": size, "region": region, "is_customer": is_customer}
    for size in (None, -1, 0, 0.5, 1, 1.5, 2, 2.5, 3, 4)
    for region in (None, "NA", "EMEA", "APAC")
    for is_customer in (None, True, False)
]


@given(tree=trees)
def test_the_verdict_is_what_trying_everything_says(tree: Any) -> None:
    criterion = parse(tree, CATALOGUE, object="person")
    truths = {criterion.evaluate(Facts(values), NOW).truth for values in EVERYTHING}
    wanted = NEVER if truths == {False} else ALWAYS if truths == {True} else None
    assert decide(criterion) is wanted
