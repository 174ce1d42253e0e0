"""Rules, working hours and conditions in the typed form that the fold reads: one load for a whole batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from definitions.bodies import StageBody, build_criterion
from definitions.criteria import Criterion
from definitions.criteria.criterion import any_of
from definitions.in_force import TypedModel
from definitions.models import Version
from definitions.triggers.services import trigger_histories
from definitions.versions import Model
from records.journey_data import RecordData
from records.standing import standing
from slas.calendars.sections import calendar_of
from slas.conditions import Conditions
from slas.rules import Rule, RuleHistory, RuleVersion, parse_rule
from slas.staff import Away, Hours, OwnHours, Staff
from slas.touch_rules import TouchHistory, parse_touch_rules
from slas.touch_sections import TOUCHES
from teams.models import Absence, Person, Team


@standing()
def load_rules(model: Model) -> list[RuleHistory]:
    return [
        RuleHistory(
            tuple(
                RuleVersion(v.pk, rule_of(v), v.effective_from, v.retired_at)
                for v in model.history("sla_rules", key)
                if v.effective_from is not None
            )
        )
        for key in model.keys("sla_rules")
    ]


@standing()
def load_touches(model: Model) -> TouchHistory:
    """What counts as a human touch, over time."""
    versions = sorted(
        (
            version
            for key in model.keys(TOUCHES)
            for version in model.history(TOUCHES, key)
            if version.effective_from is not None
        ),
        key=lambda v: (v.effective_from, v.pk),
    )
    return TouchHistory(
        tuple(v.effective_from for v in versions if v.effective_from is not None),
        tuple(parse_touch_rules(v.body) for v in versions),
    )


def rule_of(version: Version) -> Rule:
    """The rule of a version; parsed once per process, since a version never changes."""
    if version.pk not in _rules:
        _rules[version.pk] = parse_rule(version.key, version.body)
    return _rules[version.pk]


_rules: dict[int, Rule] = {}


@standing("teams_team")
def load_team_ids() -> Mapping[str, int]:
    """Key -> id. One query."""
    return dict(Team.objects.values_list("key", "pk").order_by())


@standing()
def load_versions(model: Model) -> Mapping[int, Version]:
    """Whatever was ever in force, by id."""
    return {version.pk: version for version in model.all()}


# --- people and their hours ------------------------------------------------------------------------------------


@standing("teams_person", "teams_membership", "teams_team", "teams_absence")
def load_staff(model: Model) -> Staff:
    """Everybody's teams and absences over time, and all working hours. Two queries."""
    stays: dict[int, list[tuple[datetime, datetime | None, str]]] = defaultdict(list)
    names, managers, by_email, active = {}, {}, {}, set()
    rows = Person.objects.order_by("pk", "memberships__started_at").values_list(
        "pk", "email", "name", "is_active", "manager_id",
        "memberships__started_at", "memberships__ended_at", "memberships__team__key",
    )  # fmt: skip
    for pk, email, name, is_active, manager, begin, end, team in rows:
        names[pk], managers[pk], by_email[email.lower()] = name, manager, pk
        if is_active:
            active.add(pk)
        if begin is not None:
            stays[pk].append((begin, end, team))
    away: dict[int, list[Away]] = defaultdict(list)
    for row in Absence.objects.order_by("person_id", "starts_at", "pk"):
        away[row.person_id].append(
            Away(row.starts_at, row.ends_at, row.cover_id, row.entered_at, row.withdrawn_at)
        )
    return Staff(
        active=frozenset(active),
        stays=stays,
        calendars=_team_hours(model),
        own={by_email[who]: hours for who, hours in _own_hours(model, "people").items() if who in by_email},
        regional=_own_hours(model, "regions"),
        away=away,
        names=names,
        managers=managers,
    )


def _team_hours(model: Model) -> Mapping[str, Sequence[Hours]]:
    found: dict[str, list[Hours]] = defaultdict(list)
    for key in model.keys("calendars"):
        for version in model.history("calendars", key):
            for team in version.body.get("teams", []):
                if version.effective_from is not None:
                    found[team].append((version.effective_from, version.pk, calendar_of(version)))
    return {team: sorted(rows, key=lambda r: r[:2]) for team, rows in found.items()}


def _own_hours(model: Model, named: str) -> Mapping[str, Sequence[OwnHours]]:
    """Person (by e-mail) or region -> hours over time, by the calendars that name them under ``named``."""
    history = [v for key in model.keys("calendars") for v in model.history("calendars", key)]
    begins = {v.effective_from for v in history} | {v.retired_at for v in history}
    whose = {str(who).lower() if named == "people" else str(who) for v in history for who in _named(v, named)}
    found: dict[str, list[OwnHours]] = defaultdict(list)
    for at in sorted(begin for begin in begins if begin is not None):
        held = [v for key in model.keys("calendars") if (v := model.at("calendars", key, at)) is not None]
        for who in sorted(whose):
            version = next((v for v in held if who in _folded(_named(v, named), named)), None)
            line: OwnHours = (at, version.pk, calendar_of(version)) if version else (at, None, None)
            if line[1] != (found[who][-1][1] if found[who] else None):
                found[who].append(line)
    return found


def _named(version: Version, named: str) -> Iterable[object]:
    told = version.body.get(named)
    return told if isinstance(told, list) else ()


def _folded(told: Iterable[object], named: str) -> set[str]:
    return {str(one).lower() if named == "people" else str(one) for one in told}


# --- conditions ------------------------------------------------------------------------------------------------


class ConditionsInForce:
    """What pauses a clock and what calls it off: the rule's own conditions, and the exclusions of the definition of
    the stage that started it, by the version in force then. Asked without a query."""

    def __init__(self, typed: TypedModel) -> None:
        self._typed = typed
        self._stages = {history.key: history for history in typed.stage_histories}
        self._definitions = typed.definition_histories
        self._triggers = {history.key: history for history in trigger_histories(typed)}
        self._known: dict[tuple[int, str, tuple[int, ...]], Conditions] = {}

    def __call__(self, rule: Rule, record: RecordData, at: datetime) -> Conditions:
        excluding = self._exclusions(rule, record, at)
        name = (id(rule), record.object, tuple(id(criterion) for criterion in excluding))
        if name not in self._known:
            cancels = [c for c in (self._built(rule.cancel_when, record.object), *excluding) if c]
            self._known[name] = Conditions(
                pause=self._built(rule.pause_while, record.object),
                cancel=any_of(cancels) if cancels else None,
                where=self._built(rule.where, record.object),
                tiers=tuple(self._built(tier.when, record.object) for tier in rule.targets),
            )
        return self._known[name]

    def _exclusions(self, rule: Rule, record: RecordData, at: datetime) -> list[Criterion]:
        if rule.start[0] == "trigger_fired":
            return self._of_trigger(rule.start[1], record, at)
        history = self._stages.get(self._stage_of(rule.start, at))
        stage: StageBody | None = history.at(at) if history else None
        versions = self._definitions.get(stage.definition) if stage else None
        version = versions.at(at) if versions else None
        if version is None or not version.body.is_about(record.object, record.connection):
            return []
        return [e.criterion for e in version.body.exclusions if e.criterion is not None]

    def _stage_of(self, start: tuple[str, str], at: datetime) -> str:
        """The lifecycle stage whose definition says who never counts; of a handoff the stage that opens it."""
        kind, subject = start
        if kind == "stage_entered":
            return subject
        template = self._typed.versions.at("handoffs", subject, at) if kind.startswith("handoff_") else None
        return str((template.body.get("opens_on") or {}).get("stage", "")) if template else ""

    def _of_trigger(self, trigger: str, record: RecordData, at: datetime) -> list[Criterion]:
        """Of one trigger; whichever it was keeps its own exclusions when it fires."""
        if trigger not in self._triggers:
            return []
        version = self._triggers[trigger].at(at)
        if version is None or not version.body.definition.is_about(record.object, record.connection):
            return []
        return [e.criterion for e in version.body.definition.exclusions if e.criterion is not None]

    def _built(self, tree: Mapping[str, object] | None, object_name: str) -> Criterion | None:
        if tree is None:
            return None
        return build_criterion(tree, self._typed.catalogue, object_name)[0]


@standing()
def load_conditions(typed: TypedModel) -> ConditionsInForce:
    """For rules that are in force; a draft's must not be asked of the same."""
    return ConditionsInForce(typed)
