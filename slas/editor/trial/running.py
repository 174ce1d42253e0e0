"""A trial in pieces: each request folds what it can in its time and keeps the rest for the next one.

What is folded is kept in the cache for some minutes, for this viewer and these words; nothing else is written."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache

from definitions.in_force import load_typed_model
from definitions.models import Version
from definitions.versions import version_at
from effects.receivers import load_receivers
from slas.editor.trial.numbers import Side, Turn, side_of, told_differently, turns_of
from slas.editor.trial.outcomes import Outcome, Setting, outcomes_of
from slas.editor.trial.population import journeys_started
from slas.escalation.roster import Roster, load_roster
from slas.in_force import load_staff, rule_of
from slas.rules import Rule, parse_rule
from slas.visibility import names_for
from teams.models import Person, Team

MONTH = timedelta(days=30)
CHUNK = 200
BUDGET_SECONDS = 1.5
KEPT_SECONDS = 600


@dataclass
class Trial:
    """What is folded so far of one trial. ``total``: journeys there are; of more than ``ids`` these are a sample."""

    since: datetime
    until: datetime
    ids: tuple[uuid.UUID, ...]
    total: int
    done: int = 0
    by_draft: list[Outcome] = field(default_factory=list)
    as_now: list[Outcome] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        return self.done >= len(self.ids)

    @property
    def is_sampled(self) -> bool:
        return len(self.ids) < self.total


@dataclass(frozen=True)
class Report:
    """``now`` is None where nothing is in force."""

    trial: Trial
    draft: Side
    now: Side | None
    turns: tuple[Turn, ...]
    told_differently: int


def try_rule(
    key: str,
    body: Mapping[str, Any],
    viewer: Person,
    now: datetime,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    budget_seconds: float = BUDGET_SECONDS,
    must_end: bool = False,
) -> Trial:
    """Fold the clocks that start in [since, until), by default last month, until the time is used up.

    Called again it goes on where it was. ``must_end``: go on to the end, whatever it takes.
    Raises RuleError for a body that is no rule."""
    draft = parse_rule(key, body)
    held = _held(key, now)
    name = _name(key, body, held, viewer, since, until)
    trial: Trial | None = cache.get(name)
    if trial is None:
        trial = _begin(draft, held, viewer, since or now - MONTH, min(until or now, now))
    began = time.monotonic()
    setting: Setting | None = None
    while not trial.is_done:
        setting = setting or _setting(trial, viewer, now)
        chunk = trial.ids[trial.done : trial.done + CHUNK]
        by_draft, as_now = outcomes_of(chunk, draft, _rule(held), setting)
        trial.by_draft += by_draft
        trial.as_now += as_now
        trial.done += len(chunk)
        if not must_end and time.monotonic() - began > budget_seconds:
            break
    cache.set(name, trial, KEPT_SECONDS)
    return trial


def report_of(
    key: str,
    body: Mapping[str, Any],
    trial: Trial,
    viewer: Person,
    now: datetime,
    roster: Roster | None = None,
) -> Report:
    """What the trial says to this viewer. A constant number of queries."""
    draft, held = parse_rule(key, body), _held(key, now)
    roster = roster or load_roster(now)
    names, teams = names_for(viewer), dict(Team.objects.values_list("key", "name"))
    told = {m.person for o in (*trial.by_draft, *trial.as_now) for m in o.told}
    receivers = load_receivers(told, now)
    people = {pk: (roster.people[pk].name, roster.people[pk].team) for pk in told if pk in roster.people}

    def name(person: int | None, who: str, team: str) -> str:
        return names.of(person, who, teams.get(team, team))

    def side(rule: Rule, outcomes: list[Outcome]) -> Side:
        return side_of(
            outcomes,
            is_business=any(tier.target.needs_calendar for tier in rule.targets),
            has_grid=rule.target.kind != "before",
            tiers=[tier.name for tier in rule.targets],
            name=name,
            receivers=receivers,
            people=people,
            zone=viewer.zone,
        )

    return Report(
        trial,
        side(draft, trial.by_draft),
        side(rule_of(held), trial.as_now) if held is not None else None,
        turns_of(trial.by_draft, trial.as_now) if held is not None else (),
        len(told_differently(trial.by_draft, trial.as_now)) if held is not None else 0,
    )


def _begin(draft: Rule, held: Version | None, viewer: Person, since: datetime, until: datetime) -> Trial:
    rules = [draft] + ([rule_of(held)] if held is not None else [])
    population = journeys_started(rules, since, until, viewer)
    return Trial(since, until, population.ids, population.total)


def _setting(trial: Trial, viewer: Person, now: datetime) -> Setting:
    typed = load_typed_model()
    staff, roster = load_staff(typed.versions), load_roster(now)
    return Setting(typed, staff, roster, viewer, trial.since, trial.until, now)


def _held(key: str, now: datetime) -> Version | None:
    return version_at("sla_rules", key, now)


def _rule(held: Version | None) -> Rule | None:
    return rule_of(held) if held is not None else None


def _name(
    key: str,
    body: Mapping[str, Any],
    held: Version | None,
    viewer: Person,
    since: datetime | None,
    until: datetime | None,
) -> str:
    told = json.dumps([key, body, held.pk if held else 0, viewer.pk, str(since), str(until)], sort_keys=True)
    return f"rule-trial:1:{hashlib.sha256(told.encode()).hexdigest()}"
