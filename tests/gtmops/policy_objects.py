"""How to make an object for a route that names one: each room registers a maker here.

The authorisation matrix (test_policy.py) asks for two objects: one inside the business unit of the people it asks
with, one inside another. A maker gets the business unit and answers the route's arguments:

    @makes("records:record")
    def record(unit: BusinessUnit, owner: Person) -> dict[str, object]:
        return {"record_id": make_record(business_unit=unit).pk}

`owner` is a rep of that unit, for what belongs to one person. What only its owner may see says `is_personal=True`:
then everyone else gets 404, whatever their role."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

import handoffs.api
from effects.models import InboxMessage
from records.models import Connection, Event, Journey, Record
from records.services import record_act
from teams.models import BusinessUnit, Person, ProvisionedGroup
from teams.tokens import issue_token
from tests.handoffs.objects import handoff_of

Maker = Callable[[BusinessUnit, Person], Mapping[str, object]]


@dataclass(frozen=True)
class Made:
    make: Maker
    is_personal: bool = False
    #: False for what is the same for every business unit (a definition, a run): nobody is outside its border.
    is_bordered: bool = True


MAKERS: dict[str, Made] = {}


def makes(*routes: str, is_personal: bool = False, is_bordered: bool = True) -> Callable[[Maker], Maker]:
    """Register the maker of the arguments of `routes`."""

    def register(maker: Maker) -> Maker:
        for route in routes:
            MAKERS[route] = Made(maker, is_personal, is_bordered)
        return maker

    return register


# --- signing in ---


@makes("account_reset_password_from_key", is_bordered=False)
def reset_link(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"uidb36": "1", "key": "no-such-key"}


@makes("sign_in_once", is_bordered=False)
def sign_in_link(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"token": "no-such-token"}


# No session opens these, so that nobody stands at their border with one; tests/teams/scim has the border.
@makes("scim:user", is_bordered=False)
def scim_user(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"number": owner.pk}


@makes("scim:group", is_bordered=False)
def scim_group(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"number": ProvisionedGroup.objects.create(name=f"Group of {unit}").pk}


@makes("scim:resource_type", "scim:schema", is_bordered=False)
def scim_name(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"name": "User"}


@makes("scim:unknown", is_bordered=False)
def scim_rest(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"rest": "Bulk"}


@makes("account_confirm_email", is_bordered=False)
def confirm_link(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"key": "no-such-key"}


# --- teams ---


@makes("teams:person", "teams:person_edit", "people:leaver", "people:leaver_export")
def person(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"person_id": owner.pk}


@makes("teams:token_revoke", is_personal=True)
def token(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"token_id": issue_token(owner, name="Matrix")[0].pk}


# --- definitions ---


@makes("definitions:item", is_bordered=False)
def definition(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from definitions.models import Version

    Version.objects.get_or_create(
        section="definitions", key="mql", number=1, defaults={"body": {"name": "MQL", "object": "person"}}
    )
    return {"section": "definitions", "key": "mql"}


@makes(
    "definitions:edit",
    "definitions:compare",
    "definitions:impact",
    "definitions:changes",
    "definitions:export_changes",
    "definitions:watched",
    "definitions:export_watched",
    "api:model_item",
    "api:model_propose",
    "api:model_sign",
    is_bordered=False,
)
def written(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    """A draft that is watched."""
    from definitions.models import Version

    now = timezone.now()
    body = {"name": "MQL", "object": "person", "criteria": {"field": "fleet_size", "op": "is_empty"}}
    Version.objects.get_or_create(
        section="definitions",
        key="mql",
        number=2,
        defaults={"body": body, "watch_from": now, "watch_until": now},
    )
    return {"section": "definitions", "key": "mql"}


@makes("definitions:act", is_bordered=False)
def act_on_written(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {**written(unit, owner), "act": "propose"}


@makes("definitions:new", is_bordered=False)
def new_of_section(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"section": "definitions"}


@makes("definitions:ask_exception")
def checked_record(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"record_id": _asked(unit, owner).record_id}


@makes("definitions:decide_exception")
def waiver(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"exception_id": _asked(unit, owner).data["exception"], "act": "grant"}


def _asked(unit: BusinessUnit, owner: Person) -> Event:
    """An exception that `owner` asked for, of a record of the unit."""
    name = str(uuid.uuid4())
    kept = make_record(unit)
    data = {"exception": name, "section": "definitions", "key": "mql", "until": "2099-01-01T00:00:00Z"}
    now = timezone.now()
    event = record_act(
        "exception.requested", record=kept, key=name, occurred_at=now, now=now,
        actor=owner, data=data,
    )  # fmt: skip
    assert event is not None
    return event


# --- integrations ---


def crm_connection() -> Connection:
    """A CRM without an address or credentials: nothing is called."""
    return Connection.objects.get_or_create(name="crm", defaults={"label": "CRM", "kind": "hubspot"})[0]


@makes(
    "integrations:hubspot_webhook",
    "integrations:preview",
    *(
        f"api:writing_{what}"
        for what in ("preview", "log", "refused", "pause", "resume", "retry", "hold", "release")
    ),
    "integrations:provision",
    "integrations:switch_activities",
    "integrations:lift_hold",
    "integrations:preview_export",
    "integrations:start_or_stop",
    "integrations:limits",
    "integrations:dead",
    "integrations:write_log",
    "integrations:hold",
    "integrations:uninstall",
    "integrations:read_now",
    "integrations:reading",
    "integrations:pause_reading",
    "integrations:schedule",
    "integrations:compare_now",
    "integrations:repair",
    is_bordered=False,
)
def crm(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"name": crm_connection().name}


@makes(
    "integrations:connection",
    "integrations:connection_pause",
    "integrations:connection_rename",
    "integrations:connection_throw_away",
    "integrations:connection_disconnect",
    "integrations:sign_in",
    "integrations:oauth_go",
    "integrations:connection_test",
    "integrations:connection_objects",
    "integrations:connection_fields",
    "integrations:changed_fields",
    "integrations:connection_go_live",
    is_bordered=False,
)
def connected(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"name": crm_connection().name}


@makes("integrations:credentials", is_bordered=False)
def way_to_sign_in(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"name": crm_connection().name, "method": "service_key"}


@makes("integrations:connection_mapping", "integrations:connection_sample", is_bordered=False)
def mapped_object(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"name": crm_connection().name, "remote_object": "contacts"}


@makes("integrations:settle_refused", is_bordered=False)
def refused_values(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"name": crm_connection().name, "what": "retry"}


@makes("slas:start_question", is_bordered=False)
def start_question(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from slas.models import StartQuestion

    now = timezone.now()
    question = StartQuestion.objects.create(
        kind="import", connection=crm_connection(), begins_at=now, ends_at=now, asked_at=now
    )
    return {"pk": question.pk}


@makes("integrations:switch", is_bordered=False)
def write_switch(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from integrations.models import WriteSwitch

    row = WriteSwitch.objects.get_or_create(
        connection=crm_connection(), remote_object="contacts", field="gtm_stage"
    )[0]
    return {"pk": row.pk}


@makes(
    "integrations:import_map",
    "integrations:import_preview",
    "integrations:import_result",
    "integrations:import_refused",
    is_bordered=False,
)
def file_import(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from integrations.csv.uploads import take_upload

    row = take_upload("leads.csv", b"id,created\n1,2026-01-01\n", None, timezone.now())
    row.refused = row.content
    row.save()
    return {"pk": row.pk}


@makes("integrations:import_act", is_bordered=False)
def file_act(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {**file_import(unit, owner), "what": "cancel"}


@makes("integrations:run", "integrations:undo", is_bordered=False)
def push_run(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from integrations.models import Run

    return {
        "pk": Run.objects.create(id=uuid.uuid4(), kind="push", connection=crm_connection(), state="done").pk
    }


# --- handoffs ---


def make_handoff(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    found = handoff_of(unit, owner)
    return {"handoff_id": found.pk}


makes(
    "handoffs:handoff",
    "handoffs:draft",
    "api:handoff",
    *(f"api:handoff_{act}" for act in handoffs.api.ACTS),
)(make_handoff)


@makes("handoffs:act")
def handoff_act(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {**make_handoff(unit, owner), "act": "accept"}


# --- records and numbers ---


def make_record(unit: BusinessUnit) -> Record:
    """A person record in a journey of its own."""
    pk = uuid.uuid4()
    journey = Journey.objects.create(id=pk, key=f"crm:contacts:{pk}", business_unit=unit)
    return Record.objects.create(
        id=pk,
        connection=crm_connection(),
        object="person",
        remote_object="contacts",
        remote_id=str(pk),
        title="Kestrel Haulage · Mara Velt",
        journey=journey,
        business_unit=unit,
    )


@makes(
    "handoffs:snooze_until",
    "records:record",
    "records:belongs",
    "api:record",
    "slas:touch",
    "api:record_touches",
)
def record(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"record_id": make_record(unit).pk}


@makes("handoffs:snooze")
def snoozed(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"record_id": make_record(unit).pk, "until": "hour"}


def make_deal(unit: BusinessUnit) -> Record:
    found = make_record(unit)
    found.object, found.remote_object = "deal", "deals"
    found.save()
    return found


@makes("api:record_moves")
def moves_over_the_api(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"record_id": make_deal(unit).pk}


# Without htmx, and for a deal that nobody can move, the answer is the way back to the record.
@makes("records:moves", is_bordered=False)
def moves(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"record_id": make_deal(unit).pk}


@makes("records:move", is_bordered=False)
def move(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"record_id": make_deal(unit).pk, "stage": "won"}


@makes("records:withdraw_move")
def withdraw_move(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from records.models import AskedChange

    deal = make_deal(unit)
    ask = AskedChange.objects.create(id=uuid.uuid4(), key=str(deal.pk), record=deal, values={}, expected={})
    return {"record_id": deal.pk, "ask_id": ask.pk}


@makes("integrations:switch_crm_fields", is_bordered=False)
def crm_fields(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"name": crm_connection().name, "what": "stage"}


@makes("definitions:handle_trigger")
def firing(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from definitions.models import Firing

    told = make_record(unit)
    found, _ = Firing.objects.get_or_create(
        pk=uuid.uuid5(told.pk, "firing"),
        defaults={"record": told, "trigger": "power_user", "fired_at": timezone.now()},
    )
    return {"firing_id": found.pk}


@makes("api:journey")
def journey(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"journey_id": make_record(unit).journey_id}


@makes("scorecards:number", "scorecards:number_export", is_bordered=False)
def number(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"metric": "mql_to_sql"}


@makes("scorecards:board_export", is_bordered=False)
def board(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"page": "attainment"}


@makes("scorecards:view_act", is_personal=True)
def saved_view(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from scorecards.models import SavedView

    view, _ = SavedView.objects.get_or_create(
        owner=owner, page="late", name="Matrix", defaults={"saved_at": timezone.now()}
    )
    return {"view_id": view.pk, "act": "forget"}


# --- effects ---


@makes("effects:open", "effects:read", is_personal=True)
def inbox_message(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    key = f"matrix:{owner.pk}"
    return {"message_id": InboxMessage.objects.get_or_create(key=key, person=owner, title="Late")[0].pk}


# --- slas ---


@makes("slas:clock", "api:clock", "slas:appeal", "api:clock_appeals", "api:clock_not_mine")
def clock(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from tests.slas.objects import make_clock

    return {"clock_id": make_clock(unit, owner).pk}


@makes("slas:decide_appeal")
def decided_appeal(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {**appeal_to_decide(unit, owner), "act": "refuse"}


@makes(*(f"api:appeal_{act}" for act in ("grant", "refuse", "withdraw")))
def appeal_to_decide(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from tests.slas.objects import make_appeal, make_clock

    return {"appeal_id": make_appeal(make_clock(unit, owner)).pk}


@makes("slas:absence_edit", "slas:absence_withdraw")
def absence(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from teams.models import Absence

    now = timezone.now()
    made = Absence.objects.create(person=owner, starts_at=now, ends_at=now + timedelta(days=1))
    return {"absence_id": made.pk}


@makes("slas:feed_act")
def absence_feed(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from teams.models import AbsenceFeed

    far = timezone.now() + timedelta(days=1)
    made = AbsenceFeed.objects.create(person=owner, address=b"-", host="calendar.test", next_read_at=far)
    return {"feed_id": made.pk, "act": "read"}


@makes("slas:hours", "slas:hours_trial", is_bordered=False)
def working_hours(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from definitions.models import Version

    body = {"name": "Austin", "tz": "America/Chicago", "week": {"mon": [["09:00", "17:00"]]}}
    Version.objects.get_or_create(section="calendars", key="matrix", number=1, defaults={"body": body})
    return {"key": "matrix"}


@makes(
    "slas:edit_rule", "slas:try_rule", "slas:watched_rule", "slas:export_watched_rule", is_bordered=False
)  # fmt: skip
def rule_watched(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    """A draft of a rule that is watched."""
    from definitions.models import Version
    from tests.slas.builders import RULES

    now = timezone.now()
    told = {"body": RULES["touch"], "watch_from": now, "watch_until": now + timedelta(days=1)}
    Version.objects.get_or_create(section="sla_rules", key="matrix", number=1, defaults=told)
    return {"key": "matrix"}


# --- rules and reports in the CRMs ---


@makes("integrations:reports", is_bordered=False)
def crm_reports(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    told = {"label": "Salesforce", "kind": "salesforce"}
    return {"name": Connection.objects.get_or_create(name="crm_sf", defaults=told)[0].name}


@makes("integrations:reports_act", is_bordered=False)
def crm_reports_act(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {**crm_reports(unit, owner), "what": "check"}


@makes("integrations:rules_act", is_bordered=False)
def rules_act(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    return {"name": crm_connection().name, "what": "look"}


@makes("integrations:rules_refused", is_bordered=False)
def rules_refused(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from definitions.models import Version
    from records.models import CatalogueField, FieldMapping

    crm, stage = crm_connection(), {"key": "last", "name": "Last", "value": "Last"}
    field, _ = CatalogueField.objects.get_or_create(
        object="deal", name="matrix_stage", defaults={"type": "text"}
    )
    FieldMapping.objects.get_or_create(
        connection=crm, remote_object="Opportunity", field=field, defaults={"remote_name": "StageName"}
    )
    criteria = {"field": "matrix_stage", "op": "is_not_empty"}
    body = {
        "name": "Matrix", "object": "deal", "connection": crm.name, "stage_field": "matrix_stage",
        "stages": [{**stage, "exit_criteria": criteria}],
    }  # fmt: skip
    Version.objects.get_or_create(
        section="pipelines",
        key="matrix",
        number=1,
        defaults={"body": body, "state": "signed", "effective_from": datetime(2026, 1, 1, tzinfo=UTC)},
    )
    return {"name": crm.name, "pipeline": "matrix", "stage": "last", "remote_object": "Opportunity"}


@makes("integrations:rule_put_back", "integrations:rule_accept", is_bordered=False)
def enforcement_item(unit: BusinessUnit, owner: Person) -> Mapping[str, object]:
    from integrations.models import EnforcementItem

    item, _ = EnforcementItem.objects.get_or_create(
        connection=crm_connection(), kind="rule", name="Opportunity.Gtm_Exit_Matrix"
    )
    return {"pk": item.pk}
