"""Conditions on lists: what counts, what can't be told, what was seen, and when to look again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from definitions.criteria import Catalogue, Criterion, Facts, Item, State, parse
from tests.definitions.criteria.examples import NOW, leaf

CATALOGUE = Catalogue.from_spec(
    {
        "person": {"amount": {"type": "money"}, "country": {"type": "text"}},
        "deal": {
            "amount": {"type": "money", "label": "Amount"},
            "close_date": {"type": "date", "label": "Closes"},
        },
        "account": {"industry": {"type": "text"}},
        "activity": {
            "direction": {"type": "picklist", "label": "Direction", "options": ["inbound", "outbound"]}
        },
    },
    currencies={"EUR": {"is_base": True}, "USD": {"rates": {"2026-01-01": 0.5, "2026-12-01": 2}}},
    stage_labels={"sql": "SQL"},
)
INBOUND = leaf("direction", "is", "inbound")
MEETING = {"kind": "meeting", "occurred_at": "2026-11-20T00:00:00Z", "direction": "inbound"}
T, F, U = True, False, None


def read(tree: Any, about: str = "person") -> Criterion:
    return parse(tree, CATALOGUE, object=about)


def judge(tree: Any, **facts: Any) -> bool | None:
    return read(tree).evaluate(Facts.from_spec({"values": {}, **facts}), NOW).truth


def met(**changes: Any) -> dict[str, Any]:
    found = MEETING | changes
    return {name: value for name, value in found.items() if value is not ...}


@pytest.mark.parametrize(
    ("tree", "activities", "truth"),
    [
        ({"activity": "meeting"}, [], F),
        ({"activity": "meeting"}, [MEETING], T),
        ({"activity": "any"}, [met(kind="call")], T),
        ({"activity": "call"}, [MEETING], F),
        ({"activity": "call"}, [met(kind=...)], U),
        ({"activity": "call"}, [met(kind=None)], F),
        ({"activity": "any"}, [met(kind=...)], T),
        ({"activity": "meeting", "at_most": 0}, [], T),
        ({"activity": "meeting", "at_most": 0}, [MEETING], F),
        ({"activity": "meeting", "at_least": 1, "at_most": 2}, [MEETING] * 3, F),
        ({"activity": "meeting", "within": {"days": 3}}, [met(occurred_at="2026-11-20T10:30:00Z")], T),
        ({"activity": "meeting", "within": {"days": 3}}, [met(occurred_at="2026-11-20T10:29:59Z")], F),
        ({"activity": "meeting", "within": {"days": 3}}, [met(occurred_at="2026-11-24T00:00:00Z")], F),
        ({"activity": "meeting", "within_next": {"days": 3}}, [met(occurred_at="2026-11-24T00:00:00Z")], T),
        ({"activity": "meeting", "within": {"days": 3}}, [met(occurred_at=None)], F),
        ({"activity": "meeting", "within": {"days": 3}}, [met(occurred_at="soon")], U),
        # Two are sure, one may count.
        ({"activity": "meeting", "at_least": 2, "where": INBOUND}, [MEETING, MEETING, met(direction=...)], T),
        ({"activity": "meeting", "at_least": 3, "where": INBOUND}, [MEETING, MEETING, met(direction=...)], U),
        ({"activity": "meeting", "at_least": 4, "where": INBOUND}, [MEETING, MEETING, met(direction=...)], F),
        ({"activity": "meeting", "at_most": 1, "where": INBOUND}, [MEETING, MEETING, met(direction=...)], F),
        ({"activity": "meeting", "at_most": 2, "where": INBOUND}, [MEETING, MEETING, met(direction=...)], U),
        ({"activity": "meeting", "at_most": 3, "where": INBOUND}, [MEETING, MEETING, met(direction=...)], T),
        ({"activity": "meeting", "where": {"not": INBOUND}}, [met(direction=None)], T),
    ],
)  # fmt: skip
def test_activities_are_counted(tree: Any, activities: list[Any], truth: bool | None) -> None:
    assert judge(tree, activities=activities) is truth


@pytest.mark.parametrize(
    ("tree", "unknown"),
    [
        ({"activity": "any"}, "activities"),
        ({"related": "deals", "at_most": 0}, "related.deals"),
        ({"stage": "sql", "op": "has_never_been"}, "stages"),
        ({"event": "handoff.accepted"}, "events"),
    ],
)
def test_a_list_that_cannot_be_read_is_unknown(tree: Any, unknown: str) -> None:
    assert judge(tree, unknown=[unknown]) is None
    assert judge(tree) is not None
    assert read(tree).evaluate(Facts({}), NOW).truth is None


def test_an_item_that_may_not_belong_to_the_list_is_perhaps() -> None:
    criterion = read({"related": "deals", "where": leaf("amount", "at_least", 5)})
    for amount, truth in ((10, None), (1, False)):
        facts = Facts({}, related={"deals": [Item({"amount": amount}, is_sure=False)]})
        assert criterion.evaluate(facts, NOW).truth is truth


@pytest.mark.parametrize(
    ("op", "value", "left", "truth"),
    [
        ("is_in", None, None, T),
        ("is_in", None, "2026-11-22T00:00:00Z", F),
        ("is_in", None, ..., U),
        ("is_not_in", None, None, F),
        ("is_not_in", None, "2026-11-22T00:00:00Z", T),
        ("has_been", None, "2026-11-22T00:00:00Z", T),
        ("has_never_been", None, "2026-11-22T00:00:00Z", F),
        ("in_for_at_least", {"days": 14}, None, T),
        ("in_for_at_least", {"days": 15}, None, F),
        ("in_for_at_least", {"days": 1}, "2026-11-22T00:00:00Z", F),
        ("in_for_less_than", {"days": 14}, None, F),
        ("in_for_less_than", {"days": 15}, None, T),
        ("entered_within_last", {"days": 14}, "2026-11-10T00:00:00Z", T),
        ("entered_within_last", {"days": 13}, None, F),
    ],
)
def test_stages_and_the_time_in_them(op: str, value: Any, left: Any, truth: bool | None) -> None:
    stay = {"stage": "sql", "entered_at": "2026-11-09T10:30:00Z"} | ({} if left is ... else {"left_at": left})
    tree = {"stage": "sql", "op": op} | ({"value": value} if value else {})
    assert judge(tree, stages=[stay]) is truth
    assert judge(tree) is (op in ("is_not_in", "has_never_been"))


def test_properties_of_events_are_typed_by_what_they_are_compared_with() -> None:
    event = {
        "event": "signal.seats",
        "occurred_at": "2026-11-20T00:00:00Z",
        "plan": "Pro",
        "seats": 12,
        "trial": True,
    }
    for where, truth in (
        (leaf("seats", "at_least", 10), T),
        (leaf("seats", "is", 12), T),
        (leaf("seats", "is", "12"), U),
        (leaf("plan", "is_any_of", ["PRO"]), T),
        (leaf("plan", "is", 3), U),
        (leaf("trial", "is_true"), T),
        (leaf("other", "is_true"), U),
    ):
        assert judge({"event": "signal.seats", "where": where}, events=[event]) is truth
    assert judge({"event": "signal.other"}, events=[event]) is False


@pytest.mark.parametrize(
    ("amount", "currency", "truth"),
    [
        (20, "USD", T), (19.99, "USD", F), (10, "EUR", T), (9.99, "EUR", F), (None, "EUR", F), (None, ..., F),
        (20, None, U), (20, ..., U), (20, "CHF", U), (20, "usd", U), (20, 7, U), ("20", "USD", U),
    ],
)  # fmt: skip
def test_money_is_compared_through_the_rates_of_the_day(
    amount: Any, currency: Any, truth: bool | None
) -> None:
    values = {"amount": amount} | ({} if currency is ... else {"currency": currency})
    tree = leaf("amount", "at_least", 10) | {"currency": "EUR"}
    assert judge(tree, values=values) is truth


def test_the_next_rate_may_change_the_truth() -> None:
    tree = leaf("amount", "at_least", 10) | {"currency": "EUR"}
    facts = Facts({"amount": 6, "currency": "USD"})
    evaluation = read(tree).evaluate(facts, NOW)
    assert (evaluation.truth, evaluation.recheck_at) == (
        False,
        datetime.fromisoformat("2026-12-01T00:00:00Z"),
    )
    assert read(tree).evaluate(facts, datetime.fromisoformat("2026-12-01T00:00:00Z")).truth is True
    assert read(tree).evaluate(Facts({"amount": 6, "currency": "EUR"}), NOW).recheck_at is None


def test_an_evaluation_shows_how_many_and_which_were_seen() -> None:
    criterion = read({"activity": "meeting", "at_least": 3, "where": INBOUND})
    perhaps = {"kind": "meeting", "subject": "?"}
    facts = Facts.from_spec(
        {"values": {}, "activities": [perhaps, *[MEETING] * 6, met(direction="outbound")]}
    )
    [seen] = criterion.evaluate(facts, NOW).leaves
    assert (seen.field, seen.truth, seen.state, seen.value, seen.perhaps) == (
        "activities",
        True,
        State.VALUE,
        6,
        1,
    )
    assert seen.items == (MEETING,) * 5
    [unknown] = criterion.evaluate(Facts({}), NOW).leaves
    assert (unknown.truth, unknown.state, unknown.value, unknown.items) == (None, State.UNKNOWN, None, ())


@pytest.mark.parametrize(
    ("tree", "facts", "recheck_at"),
    [
        # The second of three that leave the window tips "at least 2".
        ({"activity": "any", "at_least": 2, "within": {"days": 5}},
         {"activities": [met(occurred_at=f"2026-11-{day}T00:00:00Z") for day in (19, 20, 21)]},
         "2026-11-25T00:00:00.000001Z"),
        ({"activity": "any", "within": {"days": 5}}, {"activities": []}, None),
        ({"activity": "any", "within": {"days": 5}},
         {"activities": [met(occurred_at="2026-11-30T00:00:00Z")]}, "2026-11-30T00:00:00Z"),
        ({"stage": "sql", "op": "in_for_at_least", "value": {"days": 30}},
         {"stages": [{"stage": "sql", "entered_at": "2026-11-20T00:00:00Z", "left_at": None}]}, "2026-12-20T00:00:00Z"),
        ({"stage": "sql", "op": "is_in"},
         {"stages": [{"stage": "sql", "entered_at": "2026-11-20T00:00:00Z", "left_at": None}]}, None),
        ({"related": "deals", "where": leaf("close_date", "within_next", {"days": 7})},
         {"related": {"deals": [{"close_date": "2026-12-10"}]}}, "2026-12-03T00:00:00Z"),
    ],
)  # fmt: skip
def test_time_alone_changes_a_list_at_recheck_at(tree: Any, facts: Any, recheck_at: str | None) -> None:
    evaluation = read(tree).evaluate(Facts.from_spec({"values": {}, **facts}), NOW)
    assert evaluation.recheck_at == (recheck_at and datetime.fromisoformat(recheck_at))


@pytest.mark.parametrize(
    ("tree", "sentence"),
    [
        ({"activity": "meeting", "at_least": 2, "within": {"days": 30}, "where": INBOUND},
         "at least 2 meetings within the last 30 days where Direction is inbound"),
        ({"activity": "call", "at_most": 0, "within_next": {"weeks": 1}}, "no call within the next 1 week"),
        ({"activity": "any"}, "at least 1 activity"),
        ({"activity": "email", "at_least": 2, "at_most": 2}, "exactly 2 e-mails"),
        ({"activity": "email", "at_least": 2, "at_most": 4}, "2 to 4 e-mails"),
        ({"related": "account_deals", "at_most": 1}, "at most 1 deal of the account"),
        ({"related": "deals", "where": {"all": [leaf("amount", "at_least", 5), leaf("amount", "less_than", 9)]}},
         "at least 1 deal where (Amount is at least 5 and Amount is less than 9)"),
        ({"stage": "sql", "op": "in_for_at_least", "value": {"days": 14}}, "has been SQL for at least 14 days"),
        ({"stage": "new_business/won", "op": "is_in"}, "is in the stage new business / won"),
        ({"event": "signal.report_exported", "at_least": 5, "within": {"days": 7}},
         "at least 5 signals “report exported” within the last 7 days"),
        ({"event": "handoff.sent_back", "at_least": 2}, "at least 2 handoffs sent back"),
        (leaf("amount", "between", [5, 1000]) | {"currency": "EUR"}, "Amount is between EUR 5 and EUR 1,000"),
    ],
)  # fmt: skip
def test_conditions_on_lists_read_as_sentences(tree: Any, sentence: str) -> None:
    assert read(tree).to_english() == sentence


def test_a_criterion_says_what_it_reads() -> None:
    tree = {
        "any": [
            leaf("amount", "at_least", 1) | {"currency": "EUR"},
            {"not": {"activity": "call", "where": INBOUND}},
            {"related": "deal"},
            {"stage": "sql", "op": "is_in"},
            {"event": "handoff.accepted"},
        ]
    }
    assert read(tree).reads() == (
        {"amount", "currency"}, True, {"deals"}, {"sql"}, {"handoff.accepted"},
    )  # fmt: skip
