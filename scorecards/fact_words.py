"""What a set of facts is narrowed to, in words for pages."""

from __future__ import annotations

from typing import Final

from scorecards.facts import FEW, NOTHING, OPEN, FactSet
from scorecards.metrics.first_touch import NEVER, NO_CLOCK
from slas.durations import duration_words
from teams.models import Person, Team

UNKNOWN: Final = {
    "owner": "Nobody",
    "team": "No team",
    "lead_origin": "Not known",
    "lead_source": "Not known",
    "region": "No region",
    "size": "Size not known",
    "tier": "No tier",
}
"""What a dimension without a value is called."""


def label_words(dimension: str, label: str) -> str:
    """A label as pages say it; names of people and teams are looked up by who shows many."""
    if label in ("", NOTHING):
        return UNKNOWN.get(dimension, "Not known")
    text = label.replace("_", " ") if dimension in ("lead_origin", "party", "reason") else label
    return text[:1].upper() + text[1:]


def narrowing_words(wanted: FactSet) -> list[str]:
    """Each thing beyond metric, period and slice that the set is narrowed to."""
    found = []
    for dimension, label in wanted.where:
        if dimension == "owner" and label.isdecimal():
            found.append(Person.objects.filter(pk=label).values_list("name", flat=True).first() or "Someone")
        elif dimension == "team" and label != NOTHING:
            found.append(Team.objects.filter(key=label).values_list("name", flat=True).first() or label)
        else:
            found.append(label_words(dimension, label))
    if wanted.took:
        found.append(took_words(wanted.took))
    return found


def took_words(took: str) -> str:
    """ "first touch within 1 h", "never touched"."""
    if took == NEVER:
        return "never touched"
    if took == OPEN:
        return "still open"
    if took == NO_CLOCK:
        return "no clock waits for a touch"
    if took.startswith(FEW):
        return f"touched fewer than {took.removeprefix(FEW)} times, then left"
    first, _, last = took.partition("-")
    begin = duration_words(int(first))
    if not last:
        return f"after more than {begin}" if int(first) else "happened"
    end = duration_words(int(last))
    return f"within {end}" if first == "0" else f"after {begin} to {end}"
