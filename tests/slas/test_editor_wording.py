"""A rule as a sentence, and what it means on a time line."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from slas.editor.example import example_of
from slas.editor.wording import Names, sentence_of
from tests.slas.builders import STAFF, austin, rule

NAMES = Names(
    teams={"sdr": "SDR", "sales": "Sales Team", "marketing": "Marketing"},
    stages={"mql": "MQL", "new_business/demo": "Demo done"},
    subjects={"mql": "person", "new_business/demo": "deal"},
    handoffs={"sdr_to_ae": "SDR to AE"},
    triggers={"more_seats": "More seats"},
    signals={"trial_started": "trial started"},
    fields={("deal", "amount"): "Amount"},
)
BASE: dict[str, Any] = {
    "from_team": "marketing", "to_team": "sdr", "start": {"stage_entered": "mql"}, "stop": {"touch_by_team": "sdr"},
    "target": {"business": "1h"},
}  # fmt: skip
SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({}, "When a lead becomes MQL, a person of the SDR team touches it within 1 business hour."),
    (
        {"start": {"stage_entered": "new_business/demo"}, "stop": {"meeting_held": "sales"}},
        "When a deal becomes Demo done, a meeting with the Sales Team is held within 1 business hour.",
    ),
    (
        {"start": {"handoff_sent_back": "sdr_to_ae"}, "stop": {"handoff_sent": "sdr_to_ae"}, "acts": "sender"},
        "When “SDR to AE” is sent back, Marketing sends “SDR to AE” within 1 business hour.",
    ),
    (
        {"start": {"field_set": "amount"}, "on": "deal", "target": {"elapsed": "90m"}},
        "When Amount of a deal is set, a person of the SDR team touches it within 90 minutes.",
    ),
    (
        {"at_least": 5, "target": {"business_days": 3}, "hours": "team"},
        ("When a lead becomes MQL, a person of the SDR team touches it at least 5 times within 3 business days, "
        "by the team’s hours."),
    ),
    (
        {"start": {"trigger_fired": "any"}, "stop": {"trigger_handled": "any"}},
        "When a trigger fires, SDR handles it within 1 business hour.",
    ),
    (
        {"stop": {"touch_by_team": "any"}, "target": {"before": "meeting"}},
        "When a lead becomes MQL, a person of any team touches it before the meeting.",
    ),
    (
        {
            "start": {"signal": "trial_started"},
            "target": None,
            "targets": [
                {"name": "Demo request", "when": {}, "target": {"business": "15m"}}, {"target": {"business": "1h"}},
            ],
        },
        ("When the product tells “trial started”, a person of the SDR team touches it within 15 business minutes "
        "(Demo request), otherwise within 1 business hour."),
    ),
    ({"target": {"someday": 1}}, ""),
    ({"start": None}, ""),
]  # fmt: skip


@pytest.mark.parametrize(("other", "wanted"), SENTENCES)
def test_a_rule_is_said_in_one_sentence(other: dict[str, Any], wanted: str) -> None:
    assert sentence_of({**BASE, **other}, NAMES) == wanted


def told(**other: Any) -> list[tuple[str, str]]:
    """(moment in Austin, kind) of the example of a rule that is written on a Thursday."""
    found = example_of(
        rule("touch", **other), STAFF, austin("Thu 12:00"), ZoneInfo("UTC"), NAMES.teams,
        weekday=other.pop("weekday", None), at=None,
    )  # fmt: skip
    assert found.zone.key == "America/Chicago"
    return [(f"{m.at.astimezone(found.zone):%a %H:%M}", m.kind) for m in found.lines[0].moments]


STEPS = [
    {"when": {"at": "75%"}, "to": ["manager"], "by": ["slack"]},
    {"when": "breached", "to": ["owner"], "by": ["inbox"]},
    {"when": {"after": "30m"}, "to": ["team_manager"], "by": ["inbox"]},
]


def test_the_example_begins_shortly_before_the_weekend() -> None:
    assert told(escalate=[]) == [("Fri 17:10", "start"), ("Mon 09:10", "due")]


def test_steps_are_told_in_their_time() -> None:
    # An hour from Friday 17:10: 20 minutes on Friday, 40 on Monday from 08:30; three quarters of it are 45 minutes.
    assert told(escalate=STEPS) == [
        ("Fri 17:10", "start"), ("Mon 08:55", "warning"), ("Mon 09:10", "due"), ("Mon 09:10", "late"),
        ("Mon 09:40", "late"),
    ]  # fmt: skip


def test_days_end_with_the_last_closing() -> None:
    assert told(escalate=[], target={"business_days": 2})[-1] == ("Tue 17:30", "due")


def test_before_a_meeting_is_due_when_it_begins() -> None:
    assert told(escalate=[], target={"before": "meeting"})[-1] == ("Mon 10:30", "due")


def test_a_start_of_ones_own_choice() -> None:
    found = example_of(
        rule("touch"), STAFF, datetime(2026, 11, 12, tzinfo=UTC), ZoneInfo("UTC"), NAMES.teams, weekday=5, at=time(23)
    )  # fmt: skip

    assert found.start == datetime(2026, 11, 15, 5, tzinfo=UTC)
    assert found.lines[0].due_at == austin("16 Mon 09:30")


def test_a_friday_that_is_a_holiday_is_passed_over() -> None:
    # Thursday the 26th is closed; the example still is the Friday after it, which is worked.
    found = example_of(rule("touch"), STAFF, austin("21 Sat 12:00"), ZoneInfo("UTC"), NAMES.teams)

    assert f"{found.start.astimezone(found.zone):%d %a %H:%M}" == "27 Fri 17:10"
