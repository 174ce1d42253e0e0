"""What the page "What the CRM enforces" says: per connection and stage, and everything we made there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from definitions.criteria.targets import english
from integrations.enforcement.places import model_path, plans_for
from integrations.enforcement.plan import PERMISSION, StagePlan
from integrations.enforcement.services import Key, Kind, State, key_of
from integrations.models import EnforcementItem, StageCheck, WriteSwitch
from integrations.registry import CONNECTORS, connector_class
from records.models import Connection
from records.own_fields import OWN_FIELD_BY_NAME

SEVERITIES = {
    "active": ("ok", "shield-check"),
    "inactive": ("info", "pause-circle"),
    "planned": ("info", "check-circle"),
    "changed": ("late", "exclamation-triangle-fill"),
    "out_of_date": ("soon", "arrow-repeat"),
    "unfinished": ("soon", "hourglass-split"),
    "problem": ("late", "exclamation-triangle-fill"),
}
_OUT_OF_DATE = "out_of_date"


@dataclass(frozen=True)
class StageLine:
    """One stage in one CRM; ``state`` is a word of the group ``rule_state``."""

    plan: StagePlan
    item: EnforcementItem | None
    check: StageCheck | None
    today: date

    @property
    def state(self) -> str:
        plan, item = self.plan, self.item
        if item is not None and item.state == State.GIVEN_UP:
            return "given_up"
        if item is not None and item.state in (State.CREATING, State.REMOVING):
            return "unfinished"
        if item is not None and item.drift:
            return "changed"
        if plan.rule is None:
            return "by_hand" if plan.by_hand else "cannot"
        if item is not None:
            if item.fingerprint != plan.rule.fingerprint:
                return _OUT_OF_DATE
            return "active" if item.state == State.ACTIVE else "inactive"
        if not self.is_checked:
            return "not_enforced"
        return "problem" if self.check is not None and self.check.problem else "planned"

    @property
    def severity(self) -> str:
        return SEVERITIES.get(self.state, ("neutral", ""))[0]

    @property
    def icon(self) -> str:
        return SEVERITIES.get(self.state, ("neutral", ""))[1]

    @property
    def is_checked(self) -> bool:
        """Whether the last check was of what would be created now."""
        rule = self.plan.rule
        return self.check is not None and self.check.fingerprint == (rule.fingerprint if rule else "")

    @property
    def is_active_now(self) -> bool:
        """Whether a rule of ours refuses saves in the CRM, up to date or not."""
        return self.item is not None and self.item.state == State.ACTIVE and not self.item.drift

    @property
    def next_act(self) -> str:
        """The one step that comes next: check, create, activate, or none."""
        if self.plan.rule is None or self.state in ("changed", "given_up", "active", "problem"):
            return ""
        if self.state in ("not_enforced", _OUT_OF_DATE, "unfinished") and not self.is_checked:
            return "check"
        return "activate" if self.state == "inactive" else "create"

    @property
    def is_warning(self) -> bool:
        return self.plan.is_warning(self.today)

    @property
    def sentence(self) -> str:
        """What must be true to leave the stage."""
        return (
            english.describe(self.plan.criterion.root)
            if self.plan.criterion is not None
            else self.plan.broken
        )

    @property
    def value(self) -> str:
        """Which stage a button means."""
        return "|".join(self.plan.key)

    @property
    def creates(self) -> str:
        """What "Create inactive" makes, in a sentence."""
        rule = self.plan.rule
        if rule is None:
            return ""
        begin = "Brought up to date and switched off" if self.state == _OUT_OF_DATE else "Created, inactive"
        return (
            f"{begin}: the validation rule {rule.full_name}. Beside it, where missing: the custom permission "
            f"{PERMISSION}, a permission set of that name, and its assignment to our own user. "
            "Nobody is refused until you switch it on."
        )


@dataclass(frozen=True)
class MadeLine:
    """One thing of ours in a CRM. ``can_be_removed``: by us; else by hand, because it may hold data."""

    connection: Connection
    kind: str
    name: str
    state: str
    created_at: datetime | None
    seen_at: datetime | None = None
    can_be_removed: bool = True


@dataclass
class CrmView:
    connection: Connection
    can_enforce: bool
    lines: list[StageLine] = field(default_factory=list)
    orphans: list[EnforcementItem] = field(default_factory=list)
    drifted: list[EnforcementItem] = field(default_factory=list)
    made: list[MadeLine] = field(default_factory=list)

    @property
    def can_write(self) -> bool:
        return self.connection.is_writing and self.connection.writing_paused_at is None

    @property
    def active_count(self) -> int:
        return sum(line.is_active_now for line in self.lines)

    @property
    def removable_count(self) -> int:
        return sum(line.can_be_removed for line in self.made)

    @property
    def pipelines(self) -> list[tuple[str, str, list[StageLine]]]:
        """(name, page of the model, stages)."""
        found: dict[str, list[StageLine]] = {}
        for line in self.lines:
            found.setdefault(line.plan.pipeline, []).append(line)
        return [(lines[0].plan.pipeline_name, model_path(key), lines) for key, lines in found.items()]


def views_of(now: datetime) -> list[CrmView]:
    """Every CRM that is connected, first those that could hold something."""
    found = [view_of(c, now) for c in Connection.objects.filter(kind__in=CONNECTORS)]
    return sorted(found, key=lambda view: not view.lines)


def view_of(connection: Connection, now: datetime) -> CrmView:
    plans = plans_for(connection, now)
    items = list(EnforcementItem.objects.filter(connection=connection))
    rules = {key_of(i): i for i in items if i.kind == Kind.RULE}
    checks = {
        (c.pipeline, c.stage, c.remote_object): c for c in StageCheck.objects.filter(connection=connection)
    }
    planned: set[Key] = {plan.key for plan in plans}
    return CrmView(
        connection,
        connection.kind == Connection.Kind.SALESFORCE,
        [StageLine(p, rules.get(p.key), checks.get(p.key), now.date()) for p in plans],
        [item for key, item in rules.items() if key not in planned],
        [item for item in items if item.drift],
        made_in(connection, items),
    )


def made_in(connection: Connection, items: list[EnforcementItem] | None = None) -> list[MadeLine]:
    """Everything of ours in a CRM: what enforces, and our own fields."""
    if items is None:
        items = list(EnforcementItem.objects.filter(connection=connection))
    found = [
        MadeLine(
            connection, i.kind, i.name, i.drift or i.state, i.created_at, i.seen_at, i.state != State.GIVEN_UP
        )
        for i in items
    ]
    crm = connector_class(connection.kind)
    switches = WriteSwitch.objects.filter(connection=connection, provisioned_at__isnull=False)
    for switch in switches:
        own = OWN_FIELD_BY_NAME.get(switch.field)
        if own is not None:
            name = f"{switch.remote_object}.{crm.own_field_name(own)}"
            state = "written" if switch.is_on and own.direction == "out" else "created"
            found.append(
                MadeLine(connection, "own_field", name, state, switch.provisioned_at, can_be_removed=False)
            )
    return found
