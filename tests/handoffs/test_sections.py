"""What a handoff template may say in the model files: what nothing reads, and what does not exist, is refused."""

from __future__ import annotations

from typing import Any

import pytest

from definitions.criteria import Catalogue
from definitions.sections import Context
from handoffs.sections import template_faults

CONTEXT = Context(
    catalogue=Catalogue.from_spec(
        {"person": {name: {"type": "text"} for name in ("ae", "pain", "company", "words")}}
    ),
    teams=frozenset({"sdr", "sales"}),
    bodies={"stages": {"sql": {}}},
)
FIELD = {"key": "pain", "label": "Pain", "kind": "long_text", "required": True, "known_from": "pain"}
BODY: dict[str, Any] = {
    "name": "SDR to AE",
    "sentence": "The AE knows why the buyer talks to us.",
    "from_team": "sdr",
    "to_team": "sales",
    "agreed_by": ["sdr", "sales"],
    "opens_on": {"stage": "sql"},
    "receiver": {"field": "ae"},
    "form": [FIELD, {"key": "at", "label": "When", "kind": "datetime", "known_from": "meeting"}],
    "already_known": ["company"],
    "buyer_words": "words",
    "send_back_reasons": [{"key": "other", "label": "Other", "needs_text": True}],
}
FAULTS: dict[str, tuple[dict[str, Any], tuple[str | int, ...], str]] = {
    "a key nothing reads": ({"completed_when": "x"}, ("completed_when",), "unknown_key"),
    "a key beside the stage": (
        {"opens_on": {"stage": "sql", "team": "x"}},
        ("opens_on", "team"),
        "unknown_key",
    ),
    "a key beside the receiver": (
        {"receiver": {"field": "ae", "team": "x"}},
        ("receiver", "team"),
        "unknown_key",
    ),
    "a form field's key": ({"form": [{**FIELD, "requierd": True}]}, ("form", 0, "requierd"), "unknown_key"),
    "a reason's key": (
        {"send_back_reasons": [{"key": "a", "label": "A", "text": True}]},
        ("send_back_reasons", 0, "text"),
        "unknown_key",
    ),
    "a stage nobody knows": ({"opens_on": {"stage": "sqll"}}, ("opens_on", "stage"), "unknown"),
    "a team nobody knows": ({"to_team": "ads"}, ("to_team",), "unknown"),
    "a signer nobody knows": ({"agreed_by": ["ads"]}, ("agreed_by", 0), "unknown"),
    "a receiver's field nobody knows": ({"receiver": {"field": "a_e"}}, ("receiver", "field"), "unknown"),
    "a source nobody knows": (
        {"form": [{**FIELD, "known_from": "pian"}]},
        ("form", 0, "known_from"),
        "unknown",
    ),
    "a fact nobody knows": ({"already_known": ["companie"]}, ("already_known", 0), "unknown"),
    "words nobody knows": ({"buyer_words": "wrods"}, ("buyer_words",), "unknown"),
    "facts as text": ({"already_known": "company"}, ("already_known",), "not_a_list"),
    "a word for yes": ({"form": [{**FIELD, "required": "maybe"}]}, ("form", 0, "required"), "not_a_flag"),
    "a choice of nothing": ({"form": [{**FIELD, "kind": "choice"}]}, ("form", 0, "choices"), "missing"),
}


@pytest.mark.parametrize(("change", "path", "code"), FAULTS.values(), ids=FAULTS)
def test_a_fault_says_where_and_what(change: dict[str, Any], path: tuple[str | int, ...], code: str) -> None:
    assert [(f.path, f.code) for f in template_faults("x", {**BODY, **change}, CONTEXT)] == [(path, code)]


def test_what_is_not_there_is_told_with_what_is() -> None:
    [fault] = template_faults("x", {**BODY, "to_team": "ads"}, CONTEXT)
    assert fault.text == "there is no team “ads”; known are: sales, sdr"


@pytest.mark.parametrize(
    "change", [{}, {"receiver": None}, {"already_known": None}, {"form": [{**FIELD, "choices": None}]}]
)
def test_what_may_be_left_out_is_no_fault(change: dict[str, Any]) -> None:
    assert template_faults("x", {**BODY, **change}, CONTEXT) == []
