"""The steps of a rule: how they are written, when they are due, and which of them may still be taken."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from definitions.sections import Fault
from slas.counting import InHands
from slas.hands import Hand, Pause
from slas.rules import parse_rule
from slas.steps import (
    Planned,
    Standing,
    Step,
    Taken,
    When,
    due_steps,
    next_step_at,
    open_steps,
    parse_steps,
    planned,
    taken_until,
)
from tests.slas.builders import AUSTIN, RULES, austin

TOLD = {"to": ["owner"], "by": ["inbox"]}


def read(*steps: Any) -> tuple[Step, ...]:
    faults: list[Fault] = []
    found = parse_steps(list(steps), faults)
    assert faults == []
    return found


# --- as the model files say it ---


MOMENTS = {
    "when it is late": "breached",
    "at 75% of the time": {"at": "75%"},
    "15 min before it is due": {"before": "15m"},
    "1 h 30 min after it was due": {"after": "1h30m"},
}


@pytest.mark.parametrize("words", MOMENTS)
def test_a_moment_is_said_as_it_was_meant(words: str) -> None:
    assert read({"when": MOMENTS[words], **TOLD})[0].when.words == words


WRONG: dict[str, tuple[Any, tuple[str | int, ...]]] = {
    "no step": ("late", ("escalate", 0)),
    "no moment": (TOLD, ("escalate", 0, "when")),
    "two moments": ({"when": {"at": "50%", "after": "1h"}, **TOLD}, ("escalate", 0, "when")),
    "the whole time": ({"when": {"at": "100%"}, **TOLD}, ("escalate", 0, "when", "at")),
    "none of the time": ({"when": {"at": "0%"}, **TOLD}, ("escalate", 0, "when", "at")),
    "a part without a sign": ({"when": {"at": "0.75"}, **TOLD}, ("escalate", 0, "when", "at")),
    "no time": ({"when": {"before": "0m"}, **TOLD}, ("escalate", 0, "when", "before")),
    "words for a time": ({"when": {"after": "a while"}, **TOLD}, ("escalate", 0, "when", "after")),
    "nobody": ({"when": "breached", "to": [], "by": ["inbox"]}, ("escalate", 0, "to")),
    "a stranger": ({"when": "breached", "to": ["boss"]}, ("escalate", 0, "to")),
    "a role nobody has": ({"when": "breached", "to": [{"role": "pilot"}]}, ("escalate", 0, "to")),
    "two at once": ({"when": "breached", "to": [{"role": "rep", "person": "a@b.example"}]}, ("escalate", 0, "to")),
    "a pigeon": ({"when": "breached", "to": ["owner"], "by": ["pigeon"]}, ("escalate", 0, "by")),
    "a channel YAML took for a comment": ({"when": "breached", "channel": None}, ("escalate", 0, "channel")),
    "a team without a word": ({"when": "breached", "reassign": "sdr"}, ("escalate", 0, "reassign")),
    "an hour for any hour": ({"when": "breached", **TOLD, "at_any_hour": "yes"}, ("escalate", 0, "at_any_hour")),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_step_that_is_wrong_says_where(name: str) -> None:
    step, path = WRONG[name]
    faults: list[Fault] = []
    parse_steps([step], faults)
    assert [fault.path for fault in faults] == [path]


def test_a_step_may_only_tell_a_channel_or_only_give_it_to_the_next() -> None:
    channel, give = read(
        {"when": "breached", "channel": "sdr-late"}, {"when": "breached", "reassign": {"team": "sdr"}}
    )
    assert (channel.channel, channel.to, channel.by) == ("#sdr-late", (), ())
    assert (give.reassign, give.to) == ("sdr", ())


def test_a_crm_task_is_made_only_where_a_step_names_it() -> None:
    assert read({"when": "breached", "to": ["owner"]})[0].by == ("inbox",)


def test_two_steps_of_one_moment_are_two() -> None:
    names = [s.name for s in read({"when": "breached", **TOLD}, {"when": "breached", **TOLD})]
    assert names == ["breached", "breached:2"]


# --- when they are due ---


STEPS = read(
    {"when": {"at": "75%"}, **TOLD},
    {"when": {"before": "15m"}, **TOLD},
    {"when": "breached", **TOLD},
    {"when": {"after": "2h"}, **TOLD},
)
LUNCH = Pause(austin("Thu 11:00"), austin("Thu 11:00"), austin("Thu 12:00"), austin("Thu 12:00"))
AWAY = [Hand(austin("Mon 00:00"), 1, 7, AUSTIN), Hand(austin("Thu 16:30"), 1, 7, None, is_away=True),
        Hand(austin("Fri 09:00"), 2, 7, AUSTIN)]  # fmt: skip
ONE = [Hand(austin("Mon 00:00"), 1, 7, AUSTIN)]

WORKED_OUT: dict[str, tuple[dict[str, str], str, str, list[Hand], list[Pause], list[str]]] = {
    "elapsed": ({"elapsed": "4h"}, "Thu 16:00", "Thu 20:00", ONE, [],
        ["Thu 19:00", "Thu 19:45", "Thu 20:00", "Thu 22:00"]),
    "business time over night": ({"business": "4h"}, "Thu 16:00", "Fri 11:00", ONE, [],
        ["Fri 10:00", "Fri 10:45", "Fri 11:00", "Fri 13:00"]),
    "with a pause": ({"business": "4h"}, "Thu 10:00", "Thu 15:00", ONE, [LUNCH],
        ["Thu 14:00", "Thu 14:45", "Thu 15:00", "Thu 17:00"]),
    "in the hands of the next": ({"business": "2h"}, "Thu 16:00", "Fri 10:30", AWAY, [],
        ["Fri 10:00", "Fri 10:15", "Fri 10:30", "Fri 12:30"]),
    "days": ({"business_days": "2"}, "Thu 10:30", "16 Mon 17:30", ONE, [],
        ["16 Mon 11:15", "16 Mon 17:15", "16 Mon 17:30", "17 Tue 10:30"]),
    "before an event": ({"before": "meeting"}, "Thu 10:00", "Fri 10:00", ONE, [],
        ["Fri 04:00", "Fri 09:45", "Fri 10:00", "Fri 12:00"]),
    "less time than the warning": ({"elapsed": "10m"}, "Thu 10:00", "Thu 10:10", ONE, [],
        ["Thu 10:07:30", "Thu 10:10", "Thu 12:10"]),
    "while a pause lasts": ({"elapsed": "4h"}, "Thu 10:00", "Thu 14:00", ONE,
        [Pause(austin("Thu 15:00"), austin("Thu 15:00"))], ["Thu 13:00", "Thu 13:45", "Thu 14:00"]),
}  # fmt: skip


@pytest.mark.parametrize("name", WORKED_OUT)
def test_steps_count_as_the_target_does(name: str) -> None:
    target, start, due, in_hands, pauses, answers = WORKED_OUT[name]
    counting = InHands(parse_rule("touch", {**RULES["touch"], "target": target}), in_hands, pauses)
    plan = planned(STEPS, austin(start), austin(due), counting)
    assert [p.at.astimezone(UTC) for p in plan] == [austin(text) for text in answers]


def test_without_a_due_time_nothing_is_planned() -> None:
    counting = InHands(parse_rule("touch", RULES["touch"]), ONE, [])
    assert planned(STEPS, austin("Thu 10:00"), None, counting) == ()


WEEK = st.integers(0, 7 * 86_400)


@given(begin=WEEK, seconds=st.integers(60, 200_000), cuts=st.lists(WEEK, max_size=6, unique=True))
def test_what_has_counted_until_then_is_what_was_asked_for(begin: int, seconds: int, cuts: list[int]) -> None:
    monday = austin("Mon 00:00")
    cuts.sort()
    pauses = [
        Pause(monday + timedelta(seconds=a), monday, monday + timedelta(seconds=b), monday)
        for a, b in zip(cuts[::2], cuts[1::2], strict=False)
    ]
    for target in ({"elapsed": "1h"}, {"business": "1h"}):
        counting = InHands(parse_rule("touch", {**RULES["touch"], "target": target}), AWAY, pauses)
        start = monday + timedelta(seconds=begin)
        at = counting.after(start, seconds)
        assert at is not None
        assert counting.seconds(start, at) == seconds


# --- which may still be taken ---


DUE = austin("Thu 12:00")
PLAN = tuple(
    Planned(austin(at), step, DUE)
    for at, step in zip(("Thu 11:30", "Thu 11:45", "Thu 12:00", "Thu 14:00"), STEPS, strict=True)
)
RUNNING = Standing(is_running=True)
LATE = Standing(is_late=True)
DONE = Standing(is_late=True, is_over=True)


def taken(step: str, due: str, at: str) -> list[Taken]:
    return [Taken(step, austin(due), austin(at))]


CASES: dict[str, tuple[Standing, list[Taken], str, list[str], str | None]] = {
    "before the first": (RUNNING, [], "Thu 11:00", [], "Thu 11:30"),
    "the first": (RUNNING, [], "Thu 11:30", ["at"], "Thu 11:45"),
    "taken already": (RUNNING, taken("at75", "Thu 12:00", "Thu 11:30"), "Thu 11:31", [], "Thu 11:45"),
    "taken before its moment came again": (RUNNING, taken("at75", "Thu 11:50", "Thu 11:20"), "Thu 11:31", ["at"],
        "Thu 11:45"),
    "taken when its moment had come": (RUNNING, taken("at75", "Thu 11:50", "Thu 11:30"), "Thu 11:31", [], "Thu 11:45"),
    "both after an outage": (RUNNING, [], "Thu 11:50", ["at", "before"], None),
    "no warning after the due time": (RUNNING, [], "Thu 12:00", [], None),
    "the breach": (LATE, [], "Thu 12:01", ["breached"], "Thu 14:00"),
    "the breach is concluded late": (LATE, [], "Thu 15:00", ["breached", "after"], None),
    "told for another due time": (LATE, taken("breached", "Thu 09:00", "Thu 09:00"), "Thu 12:01", [], "Thu 14:00"),
    "late but done": (DONE, [], "Thu 15:00", ["breached"], None),
    "met": (Standing(), [], "Thu 15:00", [], None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_step_is_taken_once_and_only_while_it_means_something(name: str) -> None:
    standing, before, now, kinds, again = CASES[name]
    opened = open_steps(PLAN, standing, before)
    assert [p.step.when.kind for p in due_steps(opened, austin(now))] == kinds
    assert next_step_at(opened, austin(now)) == (austin(again) if again else None)


def test_a_preview_counts_what_would_have_been_sent() -> None:
    def sent(end: str | None, until: str = "Fri 12:00") -> list[str]:
        found = taken_until(PLAN, austin(end) if end else None, austin(until))
        return [p.step.when.kind for p in found]

    assert sent("Thu 11:40") == ["at"]
    assert sent("Thu 12:00") == ["at", "before"]
    assert sent("Thu 13:00") == ["at", "before", "breached"]
    assert sent(None) == ["at", "before", "breached", "after"]


def test_the_words_of_a_warning_are_of_a_warning() -> None:
    assert [When(kind).is_warning for kind in ("at", "before", "breached", "after")] == [
        True,
        True,
        False,
        False,
    ]
