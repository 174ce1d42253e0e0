"""What counts as a touch, as the model file says it: patterns of plain words, bounded; every fault has its place."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.criteria import Catalogue
from definitions.sections import Context
from slas.touch_rules import TouchRules, looks_like, parse_touch_rules
from slas.touch_sections import touch_faults, touch_sentence

BODY: dict[str, Any] = {
    "name": "What counts as a human touch",
    "agreed_by": ["sdr"],
    "kinds": ["call", "email"],
    "auto_replies": ["Automatic reply", "*vacation*until*"],
    "form_bookings": True,
    "self_reported": False,
    "not_held": ["NO_SHOW"],
}
CONTEXT = Context(Catalogue.from_spec({}), teams=frozenset({"sdr"}), bodies={"touches": {"human": BODY}})


@pytest.mark.parametrize(
    ("pattern", "subject", "is_one"),
    [
        ("Automatic reply", "AUTOMATIC REPLY: Your offer", True),
        ("Automatic reply", "Re: your automatic reply", False),
        ("Out of office*back", "Out of office, back on Monday", True),
        ("Out of office*back", "Out of office", False),
        ("*on vacation*", "I am on vacation", True),
        ("Abwesenheits*notiz", "abwesenheitsNOTIZ", True),
        (".*", "anything", False),
        ("a*b*c", "a c b", False),
    ],
)
def test_a_pattern_is_how_a_subject_begins_and_a_star_any_letters(
    pattern: str, subject: str, is_one: bool
) -> None:
    assert looks_like(pattern, subject.casefold()) is is_one
    assert TouchRules(auto_replies=(pattern,)).is_auto_reply(f"  {subject}") is is_one


@given(pattern=st.text(alphabet="ab*", max_size=12), text=st.text(alphabet="ab", max_size=20))
def test_a_pattern_finds_what_a_regular_expression_would(pattern: str, text: str) -> None:

    expected = re.match(".*".join(re.escape(part) for part in pattern.split("*")), text) is not None
    assert looks_like(pattern, text) is expected


def test_an_empty_subject_is_no_automatic_answer() -> None:
    assert not TouchRules().is_auto_reply(None)
    assert not TouchRules().is_auto_reply(" ")


FAULTS: dict[str, tuple[dict[str, Any], tuple[Any, ...], str]] = {
    "no name": ({"name": None}, ("name",), "missing"),
    "a task": ({"kinds": ["call", "task"]}, ("kinds", 1), "unknown"),
    "no kinds": ({"kinds": []}, ("kinds",), "missing"),
    "an inbound kind that doesn't count": ({"inbound": ["meeting"]}, ("inbound", 0), "unknown"),
    "every subject": ({"auto_replies": ["ok", "**"]}, ("auto_replies", 1), "matches_all"),
    "a long subject": ({"auto_replies": ["a" * 81]}, ("auto_replies", 0), "too_long"),
    "many stars": ({"auto_replies": ["a*b*c*d*e*f"]}, ("auto_replies", 0), "too_many"),
    "many subjects": ({"auto_replies": [f"s{i}" for i in range(61)]}, ("auto_replies",), "too_many"),
    "many outcomes": ({"not_held": [f"o{i}" for i in range(21)]}, ("not_held",), "too_many"),
    "a word for yes": ({"self_reported": "yes"}, ("self_reported",), "not_a_flag"),
    "a signer nobody knows": ({"agreed_by": ["ads"]}, ("agreed_by", 0), "unknown"),
    "a key nothing reads": ({"regex": ".*"}, ("regex",), "unknown_key"),
}


@pytest.mark.parametrize(("change", "path", "code"), FAULTS.values(), ids=FAULTS)
def test_a_fault_says_where_and_what(change: dict[str, Any], path: tuple[Any, ...], code: str) -> None:
    assert [(f.path, f.code) for f in touch_faults("human", {**BODY, **change}, CONTEXT)] == [(path, code)]


def test_there_is_one_answer() -> None:
    assert touch_faults("human", BODY, CONTEXT) == []
    assert [f.code for f in touch_faults("another", BODY, CONTEXT)] == ["repeated"]


def test_it_reads_as_a_sentence() -> None:
    assert touch_sentence(BODY) == (
        "A person of the team reached the buyer when calls and e-mails of theirs say so; what the buyer sent or began "
        "doesn't count; a meeting that the buyer booked with one of them counts from the booking on; what people "
        "report themselves doesn't count. Never: what a machine sent, tasks, automatic answers (“Automatic reply”, "
        "“*vacation*until*”), meetings that fell through."
    )
    assert parse_touch_rules({}) == TouchRules()
