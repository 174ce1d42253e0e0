"""Variants and exclusions: the first match wins; what nobody can tell stays unknown unless it can't matter. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.bodies import DefinitionBody, definition_body, definition_sentence
from definitions.criteria import Catalogue, Facts
from definitions.judging.judge import judge_one, missing_words, state_of

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FLAGS = ("e1", "e2", "w1", "c1", "w2", "c2", "c3")
CATALOGUE = Catalogue.from_spec(
    {"person": {**{name: {"type": "boolean"} for name in FLAGS}, "seen_at": {"type": "datetime"}}}
)


def yes(name: str) -> dict[str, Any]:
    return {"field": name, "op": "is_true"}


BODY: dict[str, Any] = {
    "name": "MQL",
    "object": "person",
    "exclusions": [
        {"key": "test", "name": "Test data", "when": yes("e1")},
        {"key": "customer", "name": "Existing customer", "when": yes("e2")},
    ],
    "variants": [
        {"key": "big", "name": "Enterprise", "when": yes("w1"), "criteria": yes("c1")},
        {"key": "mid", "name": "Middle", "when": yes("w2"), "criteria": yes("c2")},
        {"key": "rest", "name": "Everyone else", "criteria": yes("c3")},
    ],
}


def body(**changes: Any) -> DefinitionBody:
    return definition_body("mql", BODY | changes, CATALOGUE)


def facts(told: str) -> Facts:
    """ "c1 !w1 ?e1": c1 true, w1 false, e1 unknown; what isn't named is false."""
    values: dict[str, Any] = dict.fromkeys(FLAGS, False)
    for word in told.split():
        if word[0] == "?":
            del values[word[1:]]
        else:
            values[word] = True
    return Facts(values)


@pytest.mark.parametrize(
    ("told", "state", "variant", "exclusion"),
    [
        ("w1 c1", "met", "big", ""),
        ("w1 c2 c3", "missing", "big", ""),
        ("w1 w2 c2", "missing", "big", ""),
        ("w2 c2", "met", "mid", ""),
        ("c3", "met", "rest", ""),
        ("c1 c2", "missing", "rest", ""),
        ("e1 w1 c1", "missing", "", "test"),
        ("e1 e2 w1 c1", "missing", "", "test"),
        ("?e1 e2 w1 c1", "missing", "", "customer"),
        ("?e1 w1 c1", "unknown", "big", ""),
        ("?e1 w1", "missing", "big", ""),
        ("?w1 c1", "unknown", "", ""),
        ("?w1 c3", "unknown", "", ""),
        ("?w1", "missing", "", ""),
        ("?w1 c2", "missing", "", ""),
        ("?w1 w2 c2", "unknown", "", ""),
        ("w1 ?w2 c1", "met", "big", ""),
        ("?c3", "unknown", "rest", ""),
    ],
)
def test_the_first_match_decides(told: str, state: str, variant: str, exclusion: str) -> None:
    outcome = judge_one(body(), facts(told), NOW)
    assert (outcome.state, outcome.variant, outcome.exclusion) == (state, variant, exclusion)


@given(st.fixed_dictionaries({name: st.sampled_from([True, False, None]) for name in FLAGS}))
def test_the_whole_agrees_with_judging_piece_by_piece(told: dict[str, bool | None]) -> None:
    seen = Facts({name: value for name, value in told.items() if value is not None})
    definition = body()
    assert definition.whole is not None
    assert judge_one(definition, seen, NOW).state == state_of(definition.whole.evaluate(seen, NOW).truth)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("w1 c1", []),
        ("w1", ["C1 is yes"]),
        ("e2 w1 c1", ["excluded: Existing customer"]),
        ("?c3", ["C3 is yes (can't tell)"]),
        ("?e1 c3", ["not “Test data” (can't tell)"]),
        ("?w1 c1", ["which variant counts (can't tell)"]),
    ],
)
def test_what_is_missing_is_said_of_the_variant_that_counts(told: str, expected: list[str]) -> None:
    definition = body()
    assert missing_words(definition, judge_one(definition, facts(told), NOW)) == expected


def test_a_definition_without_variants_has_exclusions_too() -> None:
    definition = body(variants=None, criteria=yes("c1"))
    assert judge_one(definition, facts("c1"), NOW).state == "met"
    assert judge_one(definition, facts("c1 e1"), NOW).exclusion == "test"
    assert definition.criterion is not definition.whole


def test_what_was_looked_at_says_when_to_look_again() -> None:
    fresh = {"field": "seen_at", "op": "within_last", "value": {"hours": 1}}
    definition = body(exclusions=[{"key": "fresh", "name": "Fresh", "when": fresh}])
    seen = Facts(dict(facts("c3").values) | {"seen_at": "2026-03-02T08:30:00Z"})
    outcome = judge_one(definition, seen, NOW)
    assert (outcome.state, outcome.exclusion) == ("missing", "fresh")
    assert outcome.recheck_at is not None
    assert judge_one(definition, seen, outcome.recheck_at).state == "met"


def test_one_part_that_can_t_be_built_breaks_the_definition() -> None:
    broken = body(exclusions=[{"key": "gone", "name": "Gone", "when": yes("gone")}])
    assert (broken.criterion, broken.whole) == (None, None)
    outcome = judge_one(broken, facts("c3"), NOW)
    assert (outcome.state, outcome.evaluation) == ("unknown", None)
    assert "gone" in missing_words(broken, outcome)[0]


def test_the_paths_of_all_conditions_differ() -> None:
    whole = body().whole
    assert whole is not None
    paths = {leaf.path for leaf in whole.evaluate(facts(""), NOW).leaves}
    assert {"$.exclusions[0].when", "$.variants[0].when", "$.variants[2].criteria"} <= paths


def test_the_sentence_names_variants_and_exclusions() -> None:
    assert definition_sentence(body()) == (
        "A person is “MQL”: Enterprise (W1 is yes) when C1 is yes; Middle (W2 is yes) when C2 is yes; "
        "Everyone else when C3 is yes. Never: Test data (E1 is yes); Existing customer (E2 is yes)."
    )
