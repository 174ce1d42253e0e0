"""A rule's body and the controls of its form: what the form can't show it keeps."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.files.model_yaml import read_yaml
from definitions.files.starter import STARTER_MODEL
from slas.editor.controls import controls_of, read, rearranged, with_row
from slas.editor.targets import show_target

RULE = {
    "name": "First human touch",
    "sentence": "When a lead becomes MQL, a person of the SDR team touches it within 1 business hour.",
    "from_team": "marketing",
    "to_team": "sdr",
    "start": {"stage_entered": "mql"},
    "stop": {"touch_by_team": "sdr"},
    "target": {"business": "1h"},
}
DEMO = {"field": "lead_source", "op": "is", "value": "demo"}
ODD: dict[str, dict[str, Any]] = {
    "empty": {},
    "nonsense": {"start": "soon", "stop": {"a": 1, "b": 2}, "target": ["1h"], "escalate": "never", "evidence": "all"},
    "unknown keys": {**RULE, "colour": "red", "escalate": [{"when": "breached", "to": ["owner"], "loud": True}]},
    "odd durations": {
        **RULE, "target": {"business": "1h 30m"}, "escalate": [{"when": {"before": "1h5m"}, "to": ["team"]}],
    },
    "no duration": {**RULE, "target": {"elapsed": "soon"}},
    "days": {**RULE, "target": {"business_days": 2}},
    "tiers": {
        **{k: v for k, v in RULE.items() if k != "target"},
        "targets": [
            {"name": "Demo", "when": DEMO, "target": {"business": "15m"}, "note": 1}, {"target": {"business": "1h"}},
        ],
    },
    "one tier": {**{k: v for k, v in RULE.items() if k != "target"}, "targets": [{"target": {"business": "1h"}}]},
    "steps": {
        **RULE,
        "escalate": [
            {"when": {"at": "75%"}, "to": ["owner", {"role": "leader"}, {"person": "a@b.example"}], "by": ["slack"]},
            {"when": {"after": "2h"}, "channel": "#late", "reassign": {"team": "sdr"}, "at_any_hour": True},
            {"when": "breached", "to": ["owner"], "at_any_hour": False},
        ],
    },
    "of a deal": {**RULE, "start": {"field_set": "amount"}, "on": "deal", "where": DEMO, "at_least": 3},
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_a_form_that_is_sent_as_it_was_shown_changes_nothing(name: str) -> None:
    found = read(controls_of(ODD[name]), ODD[name])

    assert found.body == ODD[name]


def test_every_rule_of_the_starter_set_comes_back_as_it_was() -> None:
    rules = read_yaml((STARTER_MODEL / "sla_rules.yaml").read_text())[0]["sla_rules"]

    assert rules
    for body in rules.values():
        found = read(controls_of(body), body)
        assert (found.body, found.faults) == (body, ())


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(0, 99) | st.text("ab1h:% m", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["at", "to", "when", "role", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip


@given(
    st.dictionaries(
        st.sampled_from(
            [*RULE, "targets", "escalate", "evidence", "agreed_by", "at_least", "on", "hours", "other"]
        ),
        _PLAIN,
    )
)
def test_whatever_a_body_says_the_form_keeps_what_it_has_no_word_for(body: dict[str, Any]) -> None:
    found = read(controls_of(body), body)

    if not found.faults:
        assert found.body == body


EDITS: list[tuple[str, dict[str, list[str]], dict[str, Any]]] = [
    ("more time", {"tiers-0-amount": ["4"]}, {"target": {"business": "4h"}}),
    (
        "other time",
        {"tiers-0-amount": ["2"], "tiers-0-unit": ["business_days"]},
        {"target": {"business_days": 2}},
    ),
    ("before the meeting", {"tiers-0-unit": ["before:meeting"]}, {"target": {"before": "meeting"}}),
    ("another start", {"start": ["handoff_sent:sdr_to_ae"]}, {"start": {"handoff_sent": "sdr_to_ae"}}),
    (
        "a deal's field",
        {"start": ["field_set:deal:amount"]},
        {"start": {"field_set": "amount"}, "on": "deal"},
    ),
    ("another team", {"stop_team": ["sales"]}, {"stop": {"touch_by_team": "sales"}}),
    ("another stop", {"stop": ["handoff_answered:x"]}, {"stop": {"handoff_answered": "x"}}),
    ("three touches", {"at_least": ["3"]}, {"at_least": 3}),
    ("whose hours", {"hours": ["team"]}, {"hours": "team"}),
    ("conditions", {"where": ["field: lead_source\nop: is\nvalue: demo"]}, {"where": DEMO}),
    ("evidence", {"evidence": ["person", "activity"]}, {"evidence": ["person", "activity"]}),
]


@pytest.mark.parametrize(("name", "typed", "wanted"), EDITS)
def test_what_is_typed_stands_in_the_body(
    name: str, typed: dict[str, list[str]], wanted: dict[str, Any]
) -> None:
    found = read({**controls_of(RULE), **typed}, RULE)

    assert found.faults == ()
    assert found.body == {**RULE, **wanted}


def test_a_step_is_added_with_its_moment_people_and_channel() -> None:
    values = with_row(controls_of(RULE), "escalate")
    values |= {
        "escalate-0-when": ["before"], "escalate-0-amount": ["15"], "escalate-0-unit": ["m"],
        "escalate-0-to": ["owner", "role:leader"], "escalate-0-people": ["bea@fernhill.example"],
        "escalate-0-by": ["slack"], "escalate-0-channel": ["late"], "escalate-0-reassign": ["sdr"],
        "escalate-0-at_any_hour": ["1"],
    }  # fmt: skip

    assert read(values, RULE).body["escalate"] == [
        {
            "when": {"before": "15m"},
            "to": ["owner", {"role": "leader"}, {"person": "bea@fernhill.example"}],
            "by": ["slack"],
            "channel": "#late",
            "reassign": {"team": "sdr"},
            "at_any_hour": True,
        }
    ]


def test_a_tier_is_added_before_the_one_for_all_the_rest() -> None:
    values = with_row(controls_of(RULE), "tiers")
    values |= {"tiers-0-name": ["Demo"], "tiers-0-when": ["field: lead_source\nop: is\nvalue: demo"]}

    found = read(values, RULE).body

    assert "target" not in found
    assert found["targets"] == [
        {"name": "Demo", "when": DEMO, "target": {"business": "15m"}},
        {"target": {"business": "1h"}},
    ]


def test_taking_the_tiers_away_leaves_one_target() -> None:
    body = ODD["tiers"]
    values = rearranged({**controls_of(body), "remove": ["tiers-0"]})

    found = read(values, body).body

    assert (found["target"], "targets" in found) == ({"business": "1h"}, False)


def test_a_step_moves_up() -> None:
    body = ODD["steps"]
    values = rearranged({**controls_of(body), "move": ["escalate-1"]})

    assert [step["when"] for step in read(values, body).body["escalate"]] == [
        {"after": "2h"}, {"at": "75%"}, "breached",
    ]  # fmt: skip


UNREADABLE = [
    ("tiers-0-amount", "an hour", "Write a whole number."),
    ("at_least", "many", "Write a whole number."),
    ("where", "field: [", ""),
]


@pytest.mark.parametrize(("control", "text", "said"), UNREADABLE)
def test_what_cannot_be_read_is_said_beside_its_control_and_changes_nothing(
    control: str, text: str, said: str
) -> None:
    found = read({**controls_of(RULE), control: [text]}, RULE)

    assert found.body == RULE
    assert [f.control for f in found.faults] == [control]
    assert said in found.faults[0].text


def test_a_sentence_is_written_anew_unless_somebody_wrote_their_own() -> None:
    values = controls_of(RULE)

    assert read(values, RULE, generate=lambda body: "New.").body["sentence"] == "New."
    own = {**values, "sentence": ["Ours."], "sentence_own": ["1"]}
    assert read(own, RULE, generate=lambda body: "New.").body["sentence"] == "Ours."


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        ({"business": "1h"}, ("1", "business_h")), ({"business": "90m"}, ("90", "business_m")),
        ({"elapsed": "3d"}, ("3", "elapsed_d")), ({"elapsed": "90s"}, ("90", "elapsed_s")),
        ({"business": "1d"}, ("24", "business_h")), ({"before": "meeting"}, ("", "before:meeting")),
        ({"someday": 1}, ("", "")), (None, ("", "")),
    ],
)  # fmt: skip
def test_a_target_is_shown_in_its_largest_whole_unit(target: Any, shown: tuple[str, str]) -> None:
    assert show_target(target) == shown
