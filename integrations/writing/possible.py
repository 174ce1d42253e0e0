"""Everything that gtmops may ever write to a CRM, whether or not it is switched on: for the admin there to sign."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

from integrations.models import ActivitySwitches, EnforcementItem, WriteSwitch
from integrations.registry import connector_class
from integrations.reporting.models import ReportItem
from integrations.wanted import remote_objects_of
from integrations.writing.rows import broken_fields
from records.models import Connection, FieldMapping
from records.own_fields import OWN_FIELD_BY_NAME, OWN_FIELDS, OwnField

State = Literal["on", "off", "not created", "broken", "never"]

OURS: Final = "Our field"
THEIRS: Final = "Your field, when somebody asks"
CREATED: Final = "Record we create"
RULE: Final = "Rule"
REPORT: Final = "Report"

HEADER: Final = (
    "CRM", "Object", "Name there", "Label", "Kind", "Type", "What it means", "Who reads it", "When it is written",
    "State",
)  # fmt: skip

ACTIVITIES: Final = (
    (
        "creates_tasks",
        "Tasks",
        "A task for the owner of a record, when a rule says so.",
        "Whoever owns the record.",
        {"salesforce": "Task", "hubspot": "tasks"},
    ),
    (
        "logs_touches",
        "Calls, e-mails, meetings",
        "What a person says they did, marked as logged from gtmops.",
        "Whoever looks at the record's activities.",
        {"salesforce": "Task, Event", "hubspot": "calls, emails, meetings"},
    ),
)


@dataclass(frozen=True)
class PossibleWrite:
    """One thing we may write; ``name`` is its name in the CRM."""

    connection: Connection
    remote_object: str
    name: str
    label: str
    kind: str
    type: str
    what: str
    read_by: str
    when: str
    state: State

    def row(self) -> list[Any]:
        return [
            self.connection.label, self.remote_object, self.name, self.label, self.kind, self.type, self.what,
            self.read_by, self.when, self.state,
        ]  # fmt: skip


def possible_writes(connection: Connection) -> list[PossibleWrite]:
    """By object, ours first. Nothing is asked of the CRM; a constant number of queries."""
    found = [
        *_ours(connection),
        *_theirs(connection),
        *_created(connection),
        *_rules(connection),
        *_reports(connection),
    ]
    order = (OURS, THEIRS, CREATED, RULE, REPORT)
    return sorted(found, key=lambda w: (order.index(w.kind), w.remote_object))


def _ours(connection: Connection) -> Iterable[PossibleWrite]:
    switches = {(s.remote_object, s.field): s for s in WriteSwitch.objects.filter(connection=connection)}
    broken = broken_fields(connection)
    objects = {
        names: remote_objects_of(connection, list(names)) for names in {own.objects for own in OWN_FIELDS}
    }
    crm = connector_class(connection.kind)
    for own in OWN_FIELDS:
        for remote_object in objects[own.objects]:
            switch = switches.get((remote_object, own.name))
            yield PossibleWrite(
                connection, remote_object, crm.own_field_name(own), own.label, OURS, own.type, own.help, own.read_by,
                _when(own), _state(own, switch, (remote_object, own.name) in broken),
            )  # fmt: skip


def _when(own: OwnField) -> str:
    if own.direction == "in":
        return "Never: a person fills it there, and we read it."
    return "When what gtmops concludes differs from what stands there."


def _state(own: OwnField, switch: WriteSwitch | None, is_broken: bool) -> State:
    if own.direction == "in":
        return "never"
    if switch is None or switch.provisioned_at is None:
        return "not created"
    if is_broken:
        return "broken"
    return "on" if switch.is_on else "off"


def _theirs(connection: Connection) -> Iterable[PossibleWrite]:
    """Fields of the CRM's own that people may change from here, each once and only when asked (decision 12)."""
    rows = (
        FieldMapping.objects.filter(connection=connection, field__object__in=("person", "deal", "account"))
        .exclude(field__name__in=OWN_FIELD_BY_NAME)
        .select_related("field")
        .order_by("remote_object", "field__name")
    )
    for mapping in rows:
        if mapping.field.name == "owner":
            is_on, what = connection.is_writing_owner, "A late record is given to the next person."
        elif mapping.field.object != "deal":
            continue
        elif mapping.field.name == "stage":
            is_on, what = connection.is_writing_stage, "Whoever owns a deal moves it from its page."
        else:
            is_on, what = connection.is_writing_fields, "A stage asks for it, and it is typed into the move."
        yield PossibleWrite(
            connection, mapping.remote_object, mapping.remote_name, mapping.field.label, THEIRS, mapping.field.type,
            what, "As before: it is yours.", "Once, when a person or a rule asks, while it still shows what they saw.",
            "broken" if mapping.is_broken else "on" if is_on else "off",
        )  # fmt: skip


def _created(connection: Connection) -> Iterable[PossibleWrite]:
    row = ActivitySwitches.objects.filter(connection=connection).first() or ActivitySwitches()
    for what, label, text, read_by, objects in ACTIVITIES:
        if connection.kind in objects:
            yield PossibleWrite(
                connection, objects[connection.kind], "", label, CREATED, "record", text, read_by,
                "Once each; never changed afterwards.", "on" if getattr(row, what) else "off",
            )  # fmt: skip


def _rules(connection: Connection) -> Iterable[PossibleWrite]:
    if connection.kind != Connection.Kind.SALESFORCE:
        return
    items = EnforcementItem.objects.filter(connection=connection, kind=EnforcementItem.Kind.RULE)
    made = items.exclude(state=EnforcementItem.State.GIVEN_UP)
    yield PossibleWrite(
        connection, "Opportunity", "Gtm_Exit_…", "Exit criteria as validation rules", RULE, "validation rule",
        "Refuses to save a deal that leaves a stage without what the model asks.", "Whoever saves a deal.",
        "Only when an admin creates one, inactive first, and switches it on.", "on" if made.exists() else "off",
    )  # fmt: skip


def _reports(connection: Connection) -> Iterable[PossibleWrite]:
    if connection.kind != Connection.Kind.SALESFORCE:
        return
    yield PossibleWrite(
        connection, "Report, Dashboard", "Gtm_…", "Reports of our fields and a dashboard", REPORT, "report",
        "A folder of ours with reports on what our fields say.", "Leaders, with their own rights.",
        "Only when an admin makes them; made anew when they change.",
        "on" if ReportItem.objects.filter(connection=connection).exists() else "off",
    )  # fmt: skip
