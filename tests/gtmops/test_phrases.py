"""The server writes a moment first and the browser keeps it current: both must say the same words."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gtmops import phrases

ROOT = Path(__file__).resolve().parents[2]
FACTS = json.loads((Path(__file__).parent / "phrases.json").read_text())
ZONE = ZoneInfo(FACTS["zone"])
NOW = datetime.fromisoformat(FACTS["now"])

BROWSER = """
import { readFileSync } from "node:fs";
import { dueSeverity, dueWords, durationWords, relativeWords } from "./assets/js/phrases.js";
const facts = JSON.parse(readFileSync("tests/gtmops/phrases.json"));
const now = Date.parse(facts.now);
console.log(JSON.stringify({
  durations: facts.durations.map(([seconds]) => [seconds, durationWords(seconds)]),
  relative: facts.relative.map(([at]) => [at, relativeWords(Date.parse(at), now, facts.zone)]),
  due: facts.due.map(([at]) => [at, dueWords(Date.parse(at), now, facts.zone), dueSeverity(Date.parse(at), now, 3600)]),
}));
"""


@pytest.mark.parametrize(("seconds", "words"), FACTS["durations"])
def test_a_duration_is_said_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert phrases.duration_words(seconds) == words


@pytest.mark.parametrize(("at", "words"), FACTS["relative"])
def test_a_moment_is_said_relative_to_now(at: str, words: str) -> None:
    assert phrases.relative_words(datetime.fromisoformat(at), NOW, ZONE) == words


@pytest.mark.parametrize(("at", "words", "severity"), FACTS["due"])
def test_a_due_time_says_what_is_left_and_how_urgent_it_is(at: str, words: str, severity: str) -> None:
    due_at = datetime.fromisoformat(at)
    assert phrases.due_words(due_at, NOW, ZONE) == words
    assert phrases.due_severity(due_at, NOW, soon_seconds=3600) == severity


def test_the_browser_says_the_same() -> None:
    ran = subprocess.run(
        ["node", "--input-type=module", "--eval", BROWSER],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(ran.stdout) == {key: FACTS[key] for key in ("durations", "relative", "due")}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3600, "1 business hour"),
        (172800, "48 business hours"),
        (1800, "30 business minutes"),
        (5400, "1 h 30 min of business time"),
    ],
)
def test_a_rule_s_time_is_business_time(seconds: int, words: str) -> None:
    assert phrases.business_duration_words(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(20, "20 s"), (2760, "46 min"), (7800, "2 h 10 min"), (126_000, "35 h")]
)
def test_working_time_that_passed_never_becomes_days(seconds: int, words: str) -> None:
    assert phrases.working_duration_words(seconds) == words


@pytest.mark.parametrize(
    ("share", "words"), [(0.61, "61%"), (0.031, "3.1%"), (0.03, "3%"), (1, "100%"), (0, "0%"), (None, "–")]
)
def test_a_share_is_a_percentage(share: float | None, words: str) -> None:
    assert phrases.share_words(share) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (86_000, "EUR 86k"),
        (4_820_000, "EUR 4.82M"),
        (950, "EUR 950"),
        (9_500, "EUR 9,500"),
        (999_600, "EUR 1.00M"),
        (-24_000, "−EUR 24k"),
    ],
)
def test_money_keeps_three_figures(amount: int, words: str) -> None:
    assert phrases.money_words(amount, "EUR") == words
