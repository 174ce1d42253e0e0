"""What all boards share: tabs, filters with their choices, names of teams and people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.urls import reverse

from scorecards.boards.asked import Asked
from scorecards.fact_words import label_words
from scorecards.metrics import IN_TIME
from scorecards.periods import CHOICES
from slas.forms import rule_choices
from slas.visibility import Figures, Names, names_of
from slas.why_late import REASONS
from teams.access import business_units_of
from teams.models import BusinessUnit, Person, Team

TOO_FEW = 10
"""Below this many a share is not said."""

LABELS_SECONDS = 300
TABS = (
    ("board", "Team board"),
    ("late", "Late"),
    ("attainment", "In time"),
    ("first_touch", "First touch"),
    ("speed", "Speed pays"),
    ("black_hole", "Black hole"),
    ("misrouted", "Misrouted"),
    ("unowned", "Unowned"),
    ("appeals", "Not on me"),
    ("clocks", "All clocks"),
)
SEGMENT_LABELS = {
    "team": "Team",
    "owner": "Who has it",
    "lead_origin": "Where they came from",
    "lead_source": "Source in the CRM",
    "region": "Region",
    "size": "Size",
    "tier": "Tier",
    "party": "Who held it longest",
    "reason": "Why",
}


def tabs(here: str) -> list[dict[str, Any]]:
    """The pages about clocks, as templates/components/tabs.html takes them."""
    return [
        {
            "href": reverse(f"{'slas' if name in ('appeals', 'clocks') else 'scorecards'}:{name}"),
            "label": label,
            "is_here": name == here,
        }
        for name, label in TABS
    ]


@dataclass
class Frame:
    """One request for a board. Looks up what pages ask for, once."""

    viewer: Person
    asked: Asked
    now: datetime

    @cached_property
    def unit_rows(self) -> list[BusinessUnit]:
        """Those inside the viewer's border."""
        return list(business_units_of(self.viewer))

    @property
    def units(self) -> list[tuple[str, str]]:
        return [(unit.key, unit.name) for unit in self.unit_rows]

    @cached_property
    def team_rows(self) -> list[Team]:
        return list(Team.objects.order_by("name", "key"))

    @property
    def teams(self) -> dict[str, str]:
        return {team.key: team.name for team in self.team_rows}

    @cached_property
    def own_people(self) -> dict[str, str]:
        """Id -> name of those whose figures the viewer may read: their own and their people's."""
        rows = Person.objects.led_by(self.viewer).values_list("pk", "name")
        return {str(self.viewer.pk): self.viewer.name} | {str(pk): name for pk, name in rows}

    @cached_property
    def figures(self) -> Figures:
        return Figures(frozenset(map(int, self.own_people)))

    @cached_property
    def names(self) -> Names:
        return names_of(self.viewer, self.figures.people)

    @cached_property
    def rules(self) -> list[tuple[str, str]]:
        return rule_choices()

    def label(self, dimension: str, label: str) -> str:
        """A label as pages say it."""
        if dimension == "team" and label in self.teams:
            return self.teams[label]
        if dimension == "owner" and label in self.own_people:
            return self.own_people[label]
        return label_words(dimension, label)

    def filter_bar(self, *names: str) -> list[dict[str, Any]]:
        """The filters of these names, as components/filter_bar.html takes them; those without a choice left out."""
        found = []
        for name in names:
            choices = self._choices(name)
            value = self.asked.period.choice if name == "period" else getattr(self.asked, name)
            if len(choices) > 1:
                found.append({"name": name, "label": FILTERS[name], "value": value, "choices": choices})
        return found

    def hidden(self, *shown: str) -> list[tuple[str, str]]:
        """What the address says and no filter shows: it goes along."""
        return [(k, v) for k, v in self.asked.query.items() if k not in shown]

    def _choices(self, name: str) -> Sequence[tuple[str, str]]:
        if name == "period":
            found = [(key, label) for key, (label, _) in CHOICES.items()]
            return found if self.asked.period.choice else [("", self.asked.period.words), *found]
        if name == "rule":
            return self.rules
        if name == "unit":
            return [("", "All"), *self.units]
        if name == "team":
            return [("", "All teams"), *sorted(self.teams.items(), key=lambda pair: pair[1])]
        if name == "owner":
            people = sorted(self.own_people.items(), key=lambda pair: pair[1])
            return [("", "Everybody"), *people]
        if name in CODES:
            return [("", "All"), *CODES[name]]
        values = known_labels().get(name, ())
        return [("", "All"), *((value, self.label(name, value)) for value in values)]


FILTERS = SEGMENT_LABELS | {
    "period": "Period", "rule": "Clock", "unit": "Business unit", "appeal": "This is not on me",
}  # fmt: skip
CODES: Mapping[str, Sequence[tuple[str, str]]] = {
    "reason": [
        (code, text)
        for code, text in zip(
            REASONS,
            ("No owner", "Away", "Not worked", "Other team had it", "Waited for the customer", "CRM not readable"),
            strict=True,
        )
    ],
    "party": [
        ("system", "Nobody or a queue"), ("sender", "Sending team"), ("receiver", "Receiving team"),
        ("customer", "Customer"),
    ],
    "appeal": [("open", "Waiting"), ("granted", "Granted"), ("refused", "Refused"), ("none", "Not said")],
}  # fmt: skip


def known_labels() -> dict[str, list[str]]:
    """Dimension -> the values that occur among clocks with a result; kept for a while. One query."""
    kept: dict[str, list[str]] | None = cache.get("boards:labels")
    if kept is None:
        kept = {}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT dimension, label FROM scorecards_dimensionrollup "
                "WHERE metric = %s AND dimension = ANY(%s) AND label <> '' GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 500",
                [IN_TIME.key, ["lead_origin", "lead_source", "region", "size", "tier"]],
            )
            for dimension, label in cursor.fetchall():
                kept.setdefault(dimension, []).append(label)
        cache.set("boards:labels", kept, LABELS_SECONDS)
    return kept
