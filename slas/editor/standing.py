"""How each rule fares: what was in time lately, what is open, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.http import urlencode

from definitions.models import Version
from definitions.sections import Standing
from slas.in_force import rule_of
from slas.models import Clock
from slas.querysets import IN_TIME, LATE, OPEN
from slas.rules import Rule, RuleError
from teams.models import Person

DAYS = 30


def standing_of_rules(
    viewer: Person, rules: Mapping[str, Version], now: datetime
) -> Mapping[str, list[Standing]]:
    """Rule key -> attainment of the clocks that started in 30 days, open clocks, and who is told. One query:
    clocks that the viewer may read. ``rules``: by key, those in force."""
    recent = Q(started_at__gte=now - timedelta(days=DAYS))
    rows = (
        Clock.objects.for_person(viewer)
        .filter(recent | Q(state__in=OPEN))
        .order_by()
        .values("rule_key")
        .annotate(
            met=Count("pk", filter=recent & Q(state__in=IN_TIME)),
            late=Count("pk", filter=recent & Q(state__in=LATE)),
            open=Count("pk", filter=Q(state__in=OPEN)),
        )
    )
    counted = {row["rule_key"]: row for row in rows}
    found: dict[str, list[Standing]] = {}
    for key, version in rules.items():
        told = counted.get(key, {"met": 0, "late": 0, "open": 0})
        decided = told["met"] + told["late"]
        share = f"{told['met'] / decided:.0%} in time" if decided else "None due yet"
        found[key] = [Standing(f"{share}, {DAYS} days", _clocks(rule=key, period=DAYS))]
        if told["open"]:
            found[key].append(Standing(f"{told['open']:,} open", _clocks(rule=key, state="running")))
        if told["late"]:
            found[key].append(
                Standing(f"Why {told['late']:,} were late", _clocks(rule=key, state="late", period=DAYS))
            )
        try:
            found[key].append(Standing(told_words(rule_of(version))))
        except RuleError:
            # Agreed before the words of today: what it tells is then unknown here, and its page says what is wrong.
            continue
    return found


def told_words(rule: Rule) -> str:
    """ "Tells whoever has it and their manager when it is late"."""
    told = []
    for step in rule.escalations:
        who = [WORDS.get(to.kind, to.words) for to in step.to]
        who += [step.channel] if step.channel else []
        if who:
            told.append(f"{' and '.join(who)} {step.when.words}")
    return f"Tells {'; '.join(told)}" if told else "Tells nobody"


WORDS = {
    "owner": "whoever has it", "manager": "their manager", "team_manager": "the team’s manager",
    "team": "the whole team", "sender_team_manager": "the sending team’s manager",
}  # fmt: skip


def _clocks(**query: str | int) -> str:
    return f"{reverse('slas:clocks')}?{urlencode(query)}"
