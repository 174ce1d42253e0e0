"""What a rule may say: every fault has its place and says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from definitions.criteria import Catalogue
from definitions.sections import Context
from slas.durations import parse_duration
from slas.rule_checks import rule_faults
from slas.rules import RuleError, parse_rule
from slas.sections import calendar_faults
from tests.slas.builders import RULES

ONE_HOUR = {"elapsed": "1h"}
LATE_STEP = {"when": "breached", "to": ["owner"], "by": ["inbox"]}
FAULTS: dict[str, tuple[dict[str, Any], tuple[Any, ...], str]] = {
    "no name": ({"name": " "}, ("name",), "missing"),
    "no sentence": ({"sentence": None}, ("sentence",), "missing"),
    "no team": ({"to_team": 3}, ("to_team",), "missing"),
    "an unknown start": ({"start": {"moon_full": "x"}}, ("start",), "unknown"),
    "a start of nothing": ({"start": {"stage_entered": None}}, ("start",), "unknown"),
    "two starts": ({"start": {"stage_entered": "mql", "handoff_sent": "x"}}, ("start",), "unknown"),
    "no stop": ({"stop": "touch"}, ("stop",), "unknown"),
    "an unknown target": ({"target": {"soon": "1h"}}, ("target",), "unknown"),
    "no time": ({"target": {"business": "0m"}}, ("target", "business"), "duration"),
    "a strange time": ({"target": {"elapsed": "1 fortnight"}}, ("target", "elapsed"), "duration"),
    "no days": ({"target": {"business_days": 0}}, ("target", "business_days"), "duration"),
    "days as hours": ({"target": {"business_days": "8h"}}, ("target", "business_days"), "duration"),
    "an unknown event": ({"target": {"before": "lunch"}}, ("target", "before"), "unknown"),
    "nobody acts": ({"acts": "customer"}, ("acts",), "unknown"),
    "where as text": ({"where": "large"}, ("where",), "not_a_condition"),
    "of a moon": ({"on": "moon"}, ("on",), "unknown"),
    "no touches": ({"at_least": 0}, ("at_least",), "unknown"),
    "many touches": ({"at_least": 51}, ("at_least",), "unknown"),
    "several owners": ({"at_least": 2, "stop": {"owner_in_team": "sdr"}}, ("at_least",), "unknown"),
    "two targets": ({"targets": [{"target": {"elapsed": "1h"}}]}, ("targets",), "unknown"),
    "no evidence": ({"evidence": []}, ("evidence",), "unknown"),
    "strange evidence": ({"evidence": ["moon"]}, ("evidence",), "unknown"),
    "escalations as text": ({"escalate": "everybody"}, ("escalate",), "unknown"),
    "an unknown moment": ({"escalate": [{"when": "soon"}]}, ("escalate", 0, "when"), "unknown"),
    "to nobody": ({"escalate": [{**LATE_STEP, "to": []}]}, ("escalate", 0, "to"), "unknown"),
    "by pigeon": ({"escalate": [{**LATE_STEP, "by": ["pigeon"]}]}, ("escalate", 0, "by"), "unknown"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "path", "code"), FAULTS.values(), ids=FAULTS)
def test_a_fault_says_where_and_what(change: dict[str, Any], path: tuple[Any, ...], code: str) -> None:
    with pytest.raises(RuleError) as raised:
        parse_rule("touch", {**RULES["touch"], **change})
    assert [(f.path, f.code) for f in raised.value.faults] == [(path, code)]
    assert raised.value.faults[0].text.endswith(".")


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(RuleError) as raised:
        parse_rule("touch", {})
    assert {f.path[0] for f in raised.value.faults} >= {"name", "sentence", "start", "stop", "target"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("5m", 300), ("1h", 3600), ("1h30m", 5400), ("3d", 259_200), ("1 h 30 m", 5400),
     ("", 0), ("h", 0), ("1", 0), ("1h x", 0), ("-5m", 0)],
)  # fmt: skip
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


CONTEXT = Context(
    catalogue=Catalogue.from_spec(
        {"person": {"origin": {"type": "text"}}, "activity": {"kind": {"type": "text"}}, "deal": {}}
    ),
    teams=frozenset({"marketing", "sdr", "sales"}),
    bodies={
        "stages": {"mql": {}},
        "handoffs": {"sdr_to_ae": {}},
        "triggers": {"power_user": {}},
        "pipelines": {"new_business": {"stages": [{"key": "won"}]}},
        "calendars": {"austin": {"teams": ["sdr"]}},
    },
)
STRANGE: dict[str, tuple[str, dict[str, Any], tuple[str | int, ...]]] = {
    "a stage nobody knows": ("touch", {"start": {"stage_entered": "mqll"}}, ("start", "stage_entered")),
    "a team nobody knows": ("touch", {"stop": {"touch_by_team": "sdrs"}}, ("stop", "touch_by_team")),
    "a handoff nobody knows": ("notes", {"stop": {"handoff_sent": "x"}}, ("stop", "handoff_sent")),
    "a sender nobody knows": ("touch", {"from_team": "ads"}, ("from_team",)),
    "a key nothing reads": ("touch", {"escalates": []}, ("escalates",)),
    "a step's key nothing reads": (
        "touch",
        {"escalate": [{**LATE_STEP, "after": "1h"}]},
        ("escalate", 0, "after"),
    ),
    "a signer nobody knows": ("touch", {"agreed_by": ["sdr", "ads"]}, ("agreed_by", 1)),
    "a pipeline's stage nobody knows": (
        "touch",
        {"start": {"stage_entered": "new_business/one"}},
        ("start", "stage_entered"),
    ),
    "a trigger nobody knows": ("touch", {"start": {"trigger_fired": "x"}}, ("start", "trigger_fired")),
    "a field nobody knows": ("touch", {"start": {"field_set": "x"}}, ("start", "field_set")),
    "a field of the other object": (
        "touch",
        {"start": {"field_set": "origin"}, "on": "deal"},
        ("start", "field_set"),
    ),
    "any owner": ("touch", {"stop": {"owner_in_team": "any"}}, ("stop", "owner_in_team")),
    "a tier's key nothing reads": (
        "touch",
        {"target": None, "targets": [{"target": ONE_HOUR, "after": "1h"}]},
        ("targets", 0, "after"),
    ),
    "a condition on activities": ("touch", {"where": {"activity": "call"}}, ("where",)),
    "a field of a condition": (
        "touch",
        {"where": {"field": "moon", "op": "is", "value": "full"}},
        ("where", "field"),
    ),
    "hours nobody wrote down": ("touch", {"to_team": "sales"}, ("target", "business")),
}


@pytest.mark.parametrize(("name", "change", "path"), STRANGE.values(), ids=STRANGE)
def test_a_rule_names_only_what_exists(
    name: str, change: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    assert [f.path for f in rule_faults(name, {**RULES[name], **change}, CONTEXT)] == [path]


DEMO = {"field": "origin", "op": "is", "value": "demo"}
TIERS: dict[str, tuple[Any, list[tuple[tuple[Any, ...], str]]]] = {
    "no list": ("1h", [(("targets",), "unknown")]),
    "none": ([], [(("targets",), "unknown")]),
    "a text": (["1h"], [(("targets", 0), "unknown"), (("targets", 0, "target"), "unknown")]),
    "the last has a condition": (
        [{"name": "Demo", "when": DEMO, "target": ONE_HOUR}],
        [(("targets", 0, "when"), "no_fallback")],
    ),
    "one in between has none": (
        [{"name": "All", "target": ONE_HOUR}, {"target": ONE_HOUR}],
        [(("targets", 0, "when"), "missing")],
    ),
    "one has no name": (
        [{"when": DEMO, "target": ONE_HOUR}, {"target": ONE_HOUR}],
        [(("targets", 0, "name"), "missing")],
    ),
    "one has no time": (
        [{"name": "Demo", "when": DEMO}, {"target": {"elapsed": "0s"}}],
        [(("targets", 0, "target"), "unknown"), (("targets", 1, "target", "elapsed"), "duration")],
    ),
    "two have one name": (
        [{"name": "Demo", "when": DEMO, "target": ONE_HOUR}, {"name": "Demo", "target": ONE_HOUR}],
        [(("targets", 1, "name"), "repeated")],
    ),
    "before an event beside others": (
        [{"name": "Demo", "when": DEMO, "target": {"before": "meeting"}}, {"target": ONE_HOUR}],
        [(("targets", 0, "target", "before"), "alone")],
    ),
    "too many": (
        [*({"name": f"T{i}", "when": DEMO, "target": ONE_HOUR} for i in range(12)), {"target": ONE_HOUR}],
        [(("targets",), "unknown")],
    ),
}


@pytest.mark.parametrize(("tiers", "faults"), TIERS.values(), ids=TIERS)
def test_a_fault_of_a_tier_says_where(tiers: Any, faults: list[tuple[tuple[Any, ...], str]]) -> None:
    body = {key: value for key, value in RULES["touch"].items() if key != "target"}
    with pytest.raises(RuleError) as raised:
        parse_rule("touch", {**body, "targets": tiers})
    assert [(f.path, f.code) for f in raised.value.faults] == faults


def test_a_rule_knows_its_tiers_and_what_must_be_read_again() -> None:
    body = {key: value for key, value in RULES["touch"].items() if key != "target"}
    tiers = [{"name": "Demo", "when": DEMO, "target": ONE_HOUR}, {"target": {"business_days": 1}}]
    rule = parse_rule("touch", {**body, "targets": tiers, "evidence": ["person"]})
    assert [(t.name, t.target.words) for t in rule.targets] == [
        ("Demo", "within 1 h"),
        ("", "within 1 business day"),
    ]
    assert rule.with_tier(rule.targets[0]).target == rule.targets[0].target
    assert rule.evidence == ("person", "activity")


@pytest.mark.parametrize("name", RULES)
def test_the_rules_of_these_tests_are_faultless(name: str) -> None:
    assert rule_faults(name, RULES[name], CONTEXT) == []


def test_what_is_not_there_is_told_with_what_is() -> None:
    [fault] = rule_faults("touch", {**RULES["touch"], "start": {"stage_entered": "won"}}, CONTEXT)
    assert fault.text == "there is no stage “won”; known are: mql"


HOURS = {"mon": [["09:00", "17:00"]]}
UNFIT: dict[str, tuple[dict[str, Any], list[tuple[str | int, ...]]]] = {
    "nothing": ({}, [("name",), ()]),
    "a zone of another planet": ({"name": "A", "tz": "Mars/Base", "week": {}}, [()]),
    "no hours": ({"name": "A", "tz": "UTC", "week": {}}, [()]),
    "no name": ({"tz": "UTC", "week": HOURS}, [("name",)]),
    "a country nobody knows": (
        {"name": "A", "tz": "UTC", "week": HOURS, "holidays_of": {"country": "ZZ"}},
        [()],
    ),
    "a country as text": ({"name": "A", "tz": "UTC", "week": HOURS, "holidays_of": "DE"}, [()]),
    "holidays as text": ({"name": "A", "tz": "UTC", "week": HOURS, "holidays": "2026-12-25"}, [()]),
    "a team nobody knows": ({"name": "A", "tz": "UTC", "week": HOURS, "teams": ["sdrs"]}, [("teams", 0)]),
    "a key nothing reads": ({"name": "A", "tz": "UTC", "week": HOURS, "absences": []}, [("absences",)]),
    "a region nothing reads": (
        {"name": "A", "tz": "UTC", "week": HOURS, "holidays_of": {"country": "DE", "state": "BE"}},
        [("holidays_of", "state")],
    ),
}


@pytest.mark.parametrize(("body", "paths"), UNFIT.values(), ids=UNFIT)
def test_a_calendar_that_cannot_be_is_refused(
    body: dict[str, Any], paths: list[tuple[str | int, ...]]
) -> None:
    assert [fault.path for fault in calendar_faults("a", body, CONTEXT)] == paths


def test_a_target_in_business_days_says_so() -> None:
    rule = parse_rule("s5", {**next(iter(RULES.values())), "target": {"business_days": 3}})
    assert (rule.target.words, rule.target.needs_calendar) == ("within 3 business days", True)
