"""An evaluation says which conditions decided, what was seen, and when to look again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from definitions.criteria import Facts, State
from tests.definitions.criteria.examples import NOW, leaf, read

GERMAN = leaf("country", "is", "DE")
LARGE = leaf("employees", "at_least", 100)
FUNDED = leaf("budget", "more_than", 0)
FRESH = leaf("touched_at", "within_last", {"hours": 2})


def test_each_condition_is_reported_with_what_was_seen() -> None:
    criterion = read({"all": [GERMAN, {"not": LARGE}, FUNDED, leaf("wants_demo", "is_true")]})
    facts = Facts.from_spec({"values": {"country": "DE", "employees": None, "wants_demo": "yes"}})
    leaves = criterion.evaluate(facts, NOW).leaves
    assert [(one.path, one.field, one.op, one.truth, one.state, one.value) for one in leaves] == [
        ("$.all[0]", "country", "is", True, State.VALUE, "DE"),
        ("$.all[1].not", "employees", "at_least", False, State.EMPTY, None),
        ("$.all[2]", "budget", "more_than", None, State.UNKNOWN, None),
        ("$.all[3]", "wants_demo", "is_true", None, State.UNKNOWN, None),
    ]
    assert leaves[0].text == "Country is DE"


@pytest.mark.parametrize(
    ("tree", "values", "truth", "deciding"),
    [
        ({"all": [GERMAN, LARGE, FUNDED]}, {"country": "DE", "employees": 1, "budget": 0}, False, [1, 2]),
        ({"all": [GERMAN, LARGE, FUNDED]}, {"country": "DE", "employees": 1}, False, [1]),
        ({"all": [GERMAN, LARGE, FUNDED]}, {"country": "DE", "employees": 100}, None, [2]),
        ({"all": [GERMAN, LARGE]}, {"country": "DE", "employees": 100}, True, [0, 1]),
        ({"any": [GERMAN, LARGE, FUNDED]}, {"country": "DE", "employees": 1}, True, [0]),
        ({"any": [GERMAN, LARGE]}, {"country": "FR", "employees": 1}, False, [0, 1]),
        ({"not": {"any": [GERMAN, LARGE]}}, {"country": "DE", "employees": 1}, False, [0]),
        (
            {"all": [GERMAN, {"any": [LARGE, FUNDED]}]},
            {"country": "DE", "employees": 1, "budget": 0},
            False,
            [1, 2],
        ),
    ],
)
def test_the_deciding_conditions_are_those_that_made_the_truth(
    tree: Any, values: dict[str, Any], truth: bool | None, deciding: list[int]
) -> None:
    evaluation = read(tree).evaluate(Facts.from_spec({"values": values}), NOW)
    assert evaluation.truth is truth
    assert list(evaluation.deciding) == [evaluation.leaves[index] for index in deciding]


@pytest.mark.parametrize(
    ("tree", "values", "recheck_at"),
    [
        (GERMAN, {"country": "DE"}, None),
        (FRESH, {"touched_at": "2026-11-23T10:00:00Z"}, "2026-11-23T12:00:00.000001+00:00"),
        (FRESH, {"touched_at": "2026-11-23T11:00:00Z"}, "2026-11-23T11:00:00+00:00"),
        (FRESH, {"touched_at": "2026-11-23T08:00:00Z"}, None),
        (FRESH, {"touched_at": None}, None),
        (FRESH, {}, None),
        (FRESH, {"touched_at": "recently"}, None),
        ({"not": FRESH}, {"touched_at": "2026-11-23T10:00:00Z"}, "2026-11-23T12:00:00.000001+00:00"),
        (leaf("touched_at", "more_than_ago", {"days": 1}), {"touched_at": "2026-11-23T10:00:00Z"},
         "2026-11-24T10:00:00.000001+00:00"),
        (leaf("touched_at", "more_than_ago", {"days": 1}), {"touched_at": "2026-11-20T10:00:00Z"}, None),
        (leaf("touched_at", "within_next", {"days": 1}), {"touched_at": "2026-11-23T10:30:00Z"},
         "2026-11-23T10:30:00.000001+00:00"),
        (leaf("touched_at", "within_next", {"days": 1}), {"touched_at": "2026-11-30T10:00:00Z"},
         "2026-11-29T10:00:00+00:00"),
        (leaf("touched_at", "before", "2026-12-01"), {"touched_at": "2026-11-23T10:30:00Z"}, None),
        (leaf("born_on", "within_last", {"days": 7}), {"born_on": "2026-11-20"}, "2026-11-28T00:00:00+00:00"),
        (leaf("born_on", "within_last", {"days": 7}), {"born_on": "2026-11-25"}, "2026-11-25T00:00:00+00:00"),
        (leaf("born_on", "more_than_ago", {"days": 7}), {"born_on": "2026-11-23"}, "2026-12-01T00:00:00+00:00"),
        (leaf("born_on", "within_last", {"days": 7}), {"born_on": "9999-12-31"}, "9999-12-31T00:00:00+00:00"),
        (leaf("born_on", "more_than_ago", {"days": 7}), {"born_on": "9999-12-31"}, None),
        # A condition that fails for good leaves nothing to wait for.
        ({"all": [GERMAN, FRESH]}, {"country": "FR", "touched_at": "2026-11-23T10:00:00Z"}, None),
        ({"any": [GERMAN, FRESH]}, {"country": "DE", "touched_at": "2026-11-23T10:00:00Z"}, None),
        ({"any": [GERMAN, FRESH]}, {"country": "FR", "touched_at": "2026-11-23T10:00:00Z"},
         "2026-11-23T12:00:00.000001+00:00"),
        # Of two that hold, the first to turn ends it.
        ({"all": [FRESH, leaf("born_on", "within_last", {"days": 7})]},
         {"touched_at": "2026-11-23T10:00:00Z", "born_on": "2026-11-20"}, "2026-11-23T12:00:00.000001+00:00"),
        # Two that fail must both turn before the whole can.
        ({"all": [leaf("touched_at", "more_than_ago", {"hours": 2}), leaf("born_on", "more_than_ago", {"days": 7})]},
         {"touched_at": "2026-11-23T10:00:00Z", "born_on": "2026-11-23"}, "2026-12-01T00:00:00+00:00"),
    ],
)  # fmt: skip
def test_recheck_at_is_the_first_moment_that_could_change_the_truth(
    tree: Any, values: dict[str, Any], recheck_at: str | None
) -> None:
    evaluation = read(tree).evaluate(Facts.from_spec({"values": values}), NOW)
    assert evaluation.recheck_at == (None if recheck_at is None else datetime.fromisoformat(recheck_at))


@pytest.mark.parametrize("spec", [{"value": {}}, {"values": []}, {"values": {}, "unknown": "country"}])
def test_malformed_facts_are_refused(spec: Any) -> None:
    with pytest.raises(ValueError, match=r"value|unknown"):
        Facts.from_spec(spec)
