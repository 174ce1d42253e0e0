from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.agreement.differences import (
    Speaker,
    align,
    arrow,
    in_trees,
    in_words,
    is_wording_only,
    merged,
)

NAMES = {"fleet_size": "Fleet size", "role_level": "Role", "region": "Region"}


def english(tree: Any, noun: str = "") -> str:
    if "not" in tree:
        return f"not ({english(tree['not'])})"
    for kind, word in (("all", " and "), ("any", " or ")):
        if kind in tree:
            return word.join(english(child) for child in tree[kind])
    op = tree["op"].replace("_", " ") if tree["op"] == "is" else f"is {tree['op'].replace('_', ' ')}"
    return f"{NAMES[tree['field']]} {op.replace('is is', 'is')} {tree.get('value', '')}".strip()


SPEAK = Speaker(condition=english, named=lambda key, value: {"sales": "Sales"}.get(value, value))
FLEET = {"field": "fleet_size", "op": "at_least", "value": 10}
LARGER = FLEET | {"value": 20}
USER = {"field": "role_level", "op": "is", "value": "user"}
REGION = {"field": "region", "op": "is_not_empty"}


def words(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    base = {"object": "person"}
    return [str(d) for d in in_words(base | old, base | new, SPEAK)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (FLEET, FLEET, []),
        (FLEET, LARGER, ["Fleet size is at least 10 → 20"]),
        (FLEET, {"all": [FLEET, REGION]}, ["Added: Region is not empty"]),
        ({"all": [FLEET, REGION]}, FLEET, ["Removed: Region is not empty"]),
        ({"all": [FLEET, REGION]}, {"all": [REGION, LARGER]}, ["Fleet size is at least 10 → 20"]),
        ({"any": [FLEET, REGION]}, {"any": [FLEET]}, ["Removed as a way: Region is not empty"]),
        ({"any": [FLEET]}, {"any": [FLEET, REGION]}, ["Added as another way: Region is not empty"]),
        (
            {"all": [FLEET, REGION]},
            {"any": [FLEET, REGION]},
            ["All of these → Any of these: Fleet size is at least 10 or Region is not empty"],
        ),
        ({"not": USER}, {"not": USER | {"value": "guest"}}, ["not (Role is user → guest)"]),
        (
            {"all": [FLEET, {"any": [USER, REGION]}]},
            {"all": [FLEET, {"any": [USER, LARGER]}]},
            ["Added as another way: Fleet size is at least 20", "Removed as a way: Region is not empty"],
        ),
        (USER, {"not": USER}, ["Removed: Role is user", "Added: not (Role is user)"]),
    ],
)
def test_conditions_differ_in_words(old: Any, new: Any, said: list[str]) -> None:
    assert words({"criteria": old}, {"criteria": new}) == said


EXCLUSION = {"key": "customer", "name": "Existing customer", "when": USER}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"name": "MQL"}, {"name": "Marketing lead"}, ["Name: “MQL → Marketing lead”"]),
        (
            {"text": "A lead that fits our customers."},
            {"text": "A lead that suits our customers."},
            ["Text: “A lead that fits → suits our customers.”"],
        ),
        ({"agreed_by": ["sdr"]}, {"agreed_by": ["sdr", "sales"]}, ["Agreed by: added Sales"]),
        (
            {},
            {"exclusions": [EXCLUSION]},
            ["Exclusion “Existing customer” added: applies when Role is user"],
        ),
        ({"exclusions": [EXCLUSION]}, {"exclusions": []}, ["Exclusion “Existing customer” removed"]),
        (
            {"exclusions": [EXCLUSION]},
            {"exclusions": [EXCLUSION | {"when": USER | {"value": "guest"}}]},
            ["Exclusion “Existing customer” › Applies when: Role is user → guest"],
        ),
        (
            {"exclusions": [EXCLUSION, {"key": "b", "name": "B"}]},
            {"exclusions": [{"key": "b", "name": "B"}, EXCLUSION]},
            ["Exclusions: order Existing customer, B → B, Existing customer"],
        ),
        (
            {"stages": [{"key": "a", "name": "A", "exit_criteria": FLEET}]},
            {"stages": [{"key": "a", "name": "A", "exit_criteria": LARGER, "guidance": "Ask."}]},
            ["Stage “A”: Guidance: added Ask.", "Stage “A” › To leave: Fleet size is at least 10 → 20"],
        ),
        ({"target": {"business": "1h"}}, {"target": {"business": "2h"}}, ["Target: Business: 1h → 2h"]),
        (
            {"form": [{"key": "x", "required": True}]},
            {"form": [{"key": "x"}]},
            ["Field “x”: Required: removed yes"],
        ),
        ({"order": 1}, {"order": 2}, ["Order: 1 → 2"]),
    ],
)
def test_the_rest_differs_in_words(old: dict[str, Any], new: dict[str, Any], said: list[str]) -> None:
    assert words(old, new) == said


@pytest.mark.parametrize(
    ("old", "new", "only_words"),
    [
        ({"name": "A", "criteria": FLEET}, {"name": "B", "criteria": FLEET}, True),
        ({"examples": ["a"]}, {"examples": ["b"], "play": "Call."}, True),
        ({"variants": [{"key": "a", "name": "A"}]}, {"variants": [{"key": "a", "name": "B"}]}, True),
        ({"variants": [{"key": "a", "name": "A"}]}, {"variants": []}, False),
        ({"criteria": FLEET}, {"criteria": LARGER}, False),
        ({"owner": "sdr"}, {"owner": "sales"}, False),
        ({"agreed_by": ["sdr", "sales"]}, {"agreed_by": ["sdr"]}, False),
        (None, {"name": "A"}, False),
    ],
)
def test_only_what_nothing_is_judged_by_is_wording(old: Any, new: Any, only_words: bool) -> None:
    assert is_wording_only(old, new) is only_words


def test_two_trees_stand_side_by_side() -> None:
    old = {"object": "person", "criteria": {"all": [FLEET, {"any": [USER, REGION]}]}}
    new = {"object": "person", "criteria": {"all": [LARGER, {"any": [USER]}]}}
    [tree] = in_trees(old, new, SPEAK)
    assert tree.title == "Conditions"
    assert [(line.depth, line.mark, line.old, line.new) for line in tree.lines] == [
        (0, "same", "All of these", "All of these"),
        (1, "changed", "Fleet size is at least 10", "Fleet size is at least 20"),
        (1, "same", "Any of these", "Any of these"),
        (2, "same", "Role is user", "Role is user"),
        (2, "removed", "Region is not empty", ""),
    ]


def test_a_new_tree_is_added_whole() -> None:
    [tree] = in_trees(None, {"object": "person", "criteria": {"all": [FLEET, REGION]}}, SPEAK)
    assert {line.mark for line in tree.lines} == {"added"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a b c", "a x c", "a b → x c"),
        ("a", "b", "a → b"),
        ("a b", "a b c", "a b nothing → c"),
        ("", "a", "nothing → a"),
    ],
)
def test_an_arrow_says_once_what_stays(old: str, new: str, said: str) -> None:
    assert arrow(old, new) == said


def test_two_changes_of_different_keys_become_one_body() -> None:
    base = {"name": "A", "text": "t", "target": {"business": "1h", "x": 1}}
    mine, theirs = base | {"name": "B"}, base | {"target": {"business": "2h", "x": 1}}
    assert merged(base, mine, theirs) == (
        {"name": "B", "text": "t", "target": {"business": "2h", "x": 1}},
        [],
    )


def test_where_both_changed_the_same_mine_stands_and_it_is_said() -> None:
    body, clashes = merged({"name": "A"}, {"name": "B"}, {"name": "C"})
    assert (body, clashes) == ({"name": "B"}, [("name",)])


def test_a_key_that_they_removed_is_gone() -> None:
    assert merged({"a": 1, "b": 1}, {"a": 1, "b": 2}, {"b": 1}) == ({"b": 2}, [])


LEAF = st.builds(
    lambda f, v: {"field": f, "op": "at_least", "value": v}, st.sampled_from("abc"), st.integers(0, 3)
)
TREES = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(lambda c: {"not": c}, inner),
        st.builds(lambda c: {"all": c}, st.lists(inner, min_size=1, max_size=4)),
        st.builds(lambda c: {"any": c}, st.lists(inner, min_size=1, max_size=4)),
    ),
    max_leaves=12,
)


@given(old=TREES, new=TREES)
def test_words_are_silent_exactly_where_nothing_differs_but_order(old: Any, new: Any) -> None:
    said = in_words({"criteria": old}, {"criteria": new})
    assert not (old == new and said)
    if canonical(old) != canonical(new):
        assert said


@given(old=TREES, new=TREES)
def test_every_line_of_a_tree_has_a_side(old: Any, new: Any) -> None:
    for tree in in_trees({"criteria": old}, {"criteria": new}):
        for line in tree.lines:
            assert line.old or line.new
            assert (line.mark == "added") == (not line.old)
            assert (line.mark == "removed") == (not line.new)


def canonical(tree: Any) -> Any:
    """Groups without regard to order; a group of one is its child."""
    for kind in ("all", "any"):
        if kind in tree:
            told = [canonical(child) for child in tree[kind]]
            return told[0] if len(told) == 1 else (kind, tuple(sorted(map(repr, told))))
    return ("not", canonical(tree["not"])) if "not" in tree else ("leaf", repr(sorted(tree.items())))


def test_nothing_and_something_align() -> None:
    assert align(None, FLEET).mark == "added"
    assert align(FLEET, None).mark == "removed"
