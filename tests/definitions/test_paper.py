"""Texts that fill a field and say nothing; and the many short or odd ones that are simply true."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.criteria import Catalogue, Facts, parse
from definitions.criteria.catalogue import Field, FieldType
from definitions.evidence import paper
from definitions.evidence.paper import COPIED, LAST_SECOND, LOW_ENTROPY, PLACEHOLDER, TOO_SHORT, text_key
from records.journey_data import EventData, RecordData

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
TIMELINE = Field("timeline", FieldType.TEXT, "Timeline")
PAIN = Field("pain", FieldType.TEXT, "Pain")
CATALOGUE = Catalogue.from_spec(
    {"person": {"pain": {"type": "text"}, "timeline": {"type": "text"}, "fleet_size": {"type": "number"}}}
)

TRUE_TEXTS = [
    "Q3", "CFO", "yes, CFO", "none", "no", "No budget", "Price", "asap", "2027", "5", "333", "100", "Anna", "Otto",
    "Bo", "Xu Li", "Jo Ng", "AAA", "NA", "DHL", "SAP", "BMW", "REWE", "TomTom", "Wert", "Krk", "Rhythm", "Banana",
    "Property", "Mississippi", "typewriter", "Rolls-Royce", "New York, New York", "Test drive in March",
    "Dr. Strzyżewski", "GDPR",
    "unknown unknowns worry the CFO", "https://depot.example/plan", "hmm, 3 weeks", "left vm", "Ende Q2",
    "Wartungsrückstand", "未来の計画", "预算紧张", "3월", "к концу года", "früh im Jahr", "dès que possible",
    "TBD Logistics", "n/a for the Austin depot, else June", "no hard date. pushes if we can show ROI",
    "1 FTE just for chasing paper", "IT must approve (SSO!), ops owns budget", "Tyres. Buys too late, list price",
]  # fmt: skip


@pytest.mark.parametrize("text", TRUE_TEXTS)
def test_a_short_or_odd_answer_is_believed(text: str) -> None:
    assert paper.doubts(text, TIMELINE) == []


@pytest.mark.parametrize(
    "text",
    [
        "tbd", "TBD.", "n/a", "N.A.", "na", "x", "test", "Test 2", "testing 123", "...", "-", "?", "👍", "Pain",
        "pain:", "Pain:\nImpact:", "<insert pain>", "[company]", "{{pain}}", "lorem ipsum dolor", "to be determined",
        "idk", "k.A.", "keine Angabe", "wird nachgereicht", "à définir", "À DÉFINIR", "s/o", "por definir", "no aplica",
        "da definire", "nvt", "n.v.t.", "nie dotyczy", "okänt", "не указано", "тест", "未定", "待定", "미정", "unknown",
    ],
)  # fmt: skip
def test_a_placeholder_is_found(text: str) -> None:
    assert paper.doubts(text, PAIN) == [PLACEHOLDER]


@pytest.mark.parametrize(
    "text",
    [
        "asdfgh", "qwertyuiop", "lkjhgfdsa", "poiuztrewq", "yxcv", "aaaa", "xxx", "1111", "12345", "abababab", "hahaha",
        "blablabla", "yes yes yes", "sdkfjhsdkf", "aaa bbb ccc", "ababab abab baba abab",
    ],
)  # fmt: skip
def test_keys_over_and_over_are_found(text: str) -> None:
    assert paper.doubts(text, PAIN) == [LOW_ENTROPY]


@pytest.mark.parametrize(
    ("text", "field", "reasons"),
    [
        ("downtime", PAIN, [TOO_SHORT]),
        ("k", TIMELINE, [TOO_SHORT]),
        ("downtime in Kiel", PAIN, []),
        ("Wartungsrückstand", PAIN, []),
        ("成本", PAIN, []),
        ("ok", Field("success_criteria", FieldType.TEXT, "Success in the first 90 days"), [TOO_SHORT]),
    ],
)
def test_one_word_is_too_short_only_where_a_sentence_is_asked(
    text: str, field: Field, reasons: list[str]
) -> None:
    assert paper.doubts(text, field) == reasons


LONG = "Services slip because the foreman hears about mileage too late."


def test_a_text_that_stands_with_many_buyers_is_doubted() -> None:
    key = text_key(LONG)
    assert key is not None
    assert paper.doubts(LONG, PAIN, copied={("pain", key)}) == [COPIED]
    assert paper.doubts(LONG, PAIN, copied={("timeline", key)}) == []


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        (LONG, f"  {LONG.upper()} ", True),
        (LONG, LONG.replace(" ", "\n").replace(".", "!!"), True),
        (LONG, LONG.replace("late", "early"), False),
        ("Audit in March with 20 trucks in Kiel", "Audit in March with 30 trucks in Kiel", False),
    ],
)
def test_copies_differ_in_nothing_but_case_and_signs(one: str, other: str, are_same: bool) -> None:
    assert (text_key(one) == text_key(other)) is are_same


@pytest.mark.parametrize("text", ["Q3", "decision by end of Q3", "CFO signs, IT approves it", "", "x" * 200])
def test_what_many_may_say_truly_is_never_called_a_copy(text: str) -> None:
    assert text_key(text) is None


def found(tree: dict[str, Any], values: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    criterion = parse(tree, CATALOGUE, object="person")
    return [(p.field, p.reason) for p in paper.of(criterion, criterion.evaluate(Facts(values), NOW), **more)]


HAS_PAIN: dict[str, Any] = {"field": "pain", "op": "is_not_empty"}
HAS_TIMELINE: dict[str, Any] = {"field": "timeline", "op": "is_not_empty"}
BIG: dict[str, Any] = {"field": "fleet_size", "op": "at_least", "value": 10}


@pytest.mark.parametrize(
    ("tree", "values", "expected"),
    [
        ({"all": [HAS_PAIN, BIG]}, {"pain": "tbd", "fleet_size": 20}, [("pain", PLACEHOLDER)]),
        ({"all": [HAS_PAIN, BIG]}, {"pain": "tbd", "fleet_size": 2}, []),
        ({"all": [HAS_PAIN, BIG]}, {"pain": "tbd"}, []),
        ({"all": [HAS_PAIN, BIG]}, {"pain": LONG, "fleet_size": 20}, []),
        ({"any": [HAS_PAIN, BIG]}, {"pain": "tbd", "fleet_size": 20}, []),
        ({"any": [HAS_PAIN, BIG]}, {"pain": "tbd", "fleet_size": 2}, [("pain", PLACEHOLDER)]),
        ({"any": [HAS_PAIN, HAS_TIMELINE]}, {"pain": "tbd", "timeline": "x"},
         [("pain", PLACEHOLDER), ("timeline", PLACEHOLDER)]),
        ({"not": {"field": "pain", "op": "is_empty"}}, {"pain": "n/a"}, [("pain", PLACEHOLDER)]),
        ({"field": "pain", "op": "is", "value": "test"}, {"pain": "test"}, []),
        ({"field": "pain", "op": "is_not", "value": "none"}, {"pain": "test"}, [("pain", PLACEHOLDER)]),
        (HAS_PAIN, {"pain": None}, []),
        (HAS_PAIN, {}, []),
        ({"field": "pain", "op": "is_empty"}, {"pain": "tbd"}, []),
    ],
)  # fmt: skip
def test_it_is_on_paper_only_when_it_rests_on_filler(
    tree: dict[str, Any], values: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert found(tree, values) == expected


def test_typing_at_the_last_second_is_never_the_only_reason() -> None:
    late = {"typed_seconds": {"pain": 3}}
    assert found(HAS_PAIN, {"pain": LONG}, **late) == []
    assert found(HAS_PAIN, {"pain": "tbd"}, **late) == [("pain", PLACEHOLDER), ("pain", LAST_SECOND)]
    assert found(HAS_PAIN, {"pain": "tbd"}, typed_seconds={"pain": 600}) == [("pain", PLACEHOLDER)]


def _event(field: str, at: datetime, **more: Any) -> EventData:
    told = {"not_before": None, "caused_by": "", **more}
    return EventData(
        id=1, key=f"c:{field}{at}", kind="change", record_id=uuid.UUID(int=1), connection="c", field=field, old=None,
        new="x", data={}, actor_id=None, occurred_at=at, observed_at=at, source_order=1, **told,
    )  # fmt: skip


def test_seconds_are_counted_only_from_moments_that_are_known() -> None:
    events = (
        _event("pain", NOW - timedelta(hours=1)),
        _event("pain", NOW - timedelta(seconds=4)),
        _event("timeline", NOW - timedelta(seconds=9), not_before=NOW - timedelta(minutes=5)),
        _event("impact", NOW + timedelta(seconds=1)),
    )
    record = RecordData(
        uuid.UUID(int=1), "c:o:1", "c", "person", "o", "1", "", {}, None, None, None, None, events
    )
    names = ["pain", "timeline", "impact"]
    assert paper.typed_seconds_before(record, names, NOW) == {"pain": 4}


texts = st.one_of(st.text(max_size=80), st.sampled_from([*TRUE_TEXTS, "tbd", "asdf asdf", LONG]))
values = st.fixed_dictionaries(
    {},
    optional={
        "pain": st.none() | texts,
        "timeline": st.none() | texts | st.integers(),
        "fleet_size": st.integers(),
    },
)
trees = st.recursive(
    st.sampled_from([HAS_PAIN, HAS_TIMELINE, BIG, {"field": "pain", "op": "is_empty"}]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda rows: {"all": rows}),
        st.lists(inner, min_size=1, max_size=3).map(lambda rows: {"any": rows}),
        inner.map(lambda row: {"not": row}),
    ),
    max_leaves=6,
)


@given(trees, values)
def test_only_what_holds_is_ever_doubted_and_always_alike(tree: Any, values: dict[str, Any]) -> None:
    criterion = parse(tree, CATALOGUE, object="person")
    evaluation = criterion.evaluate(Facts(values), NOW)
    doubted = paper.of(criterion, evaluation)
    assert doubted == paper.of(criterion, criterion.evaluate(Facts(values), NOW))
    if evaluation.truth is not True:
        assert not doubted
    for one in doubted:
        assert isinstance(values.get(one.field), str)
        assert values[one.field].strip()
    if doubted:
        without = {**values, **{one.field: None for one in doubted}}
        assert criterion.evaluate(Facts(without), NOW).truth is not True or _asks_for_blank(tree)


def _asks_for_blank(tree: Any) -> bool:
    """Where a blank field can satisfy the criterion as well, blanking says nothing."""
    return "'is_empty'" in str(tree) or "'not'" in str(tree)


@given(st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    assert paper.doubts(text, PAIN) == paper.doubts(text, PAIN)
    assert text_key(text) is None or -(2**63) <= text_key(text) < 2**63  # type: ignore[operator]  # not None here
