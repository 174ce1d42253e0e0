"""Changes of a CRM's own fields that somebody asked for: written once and together, then let go (decision 12)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q

from effects.tick import ring
from records import kinds
from records.canonical import Unreadable, canonical, remote_value
from records.ids import derive_id
from records.models import AskedChange, Connection, FieldMapping, Record, SchemaField
from records.own_fields import OWN_FIELD_BY_NAME
from records.services import mapped_remote_fields, record_act
from teams.models import Person

OWNER: Final = "owner"
LONGEST_WAIT: Final = timedelta(days=1)
"""What could not be written by then was asked in another situation: it is refused, and may be asked again."""
CRMS: Final = (Connection.Kind.SALESFORCE, Connection.Kind.HUBSPOT)
WRITING_OFF = "Writing to {crm} is off."
NOT_LIVE = "gtmops is not live for {crm} yet."
STAGE_OFF = "Moving stages in {crm} is not switched on."
OWNER_OFF = "Changing owners in {crm} is not switched on."
FIELDS_OFF = "Filling in fields of {crm} is not switched on."
GONE = "It is no longer in {crm}."
CHANGED = "Somebody changed {label} to “{value}” in the meantime."
UNREADABLE = "{label} can't be read in {crm} now, so nobody can tell whether it was changed."
TOO_LONG = "It could not be written within a day. Ask again if it still holds."


class AskError(Exception):
    """It can't be asked; ``text`` says why, ``fields`` which values are wrong (name -> text)."""

    def __init__(self, text: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.fields = dict(fields or {})


class NotOptedIn(AskError):
    """The connection, or the pipeline of the record, leaves this to people in the CRM."""


class KeyReused(AskError):
    """The key stands for another change."""


StageGuard = Callable[[Record, Collection[str]], Mapping[str, str]]
"""(record, fields) -> those of them that say a stage: "" when it may be moved from here, else why it may not."""

_guards: list[StageGuard] = []


def register_stage_guard(guard: StageGuard) -> None:
    """Said once, by the room that knows stages."""
    if guard not in _guards:
        _guards.append(guard)


# --- asking ----------------------------------------------------------------------------------------------------


def why_not(record: Record, fields: Iterable[str]) -> str:
    """Why these fields of a record can't be asked for; "" when they can. ``record`` with its connection."""
    connection = record.connection
    if connection.kind not in CRMS or not connection.is_writing:
        return WRITING_OFF.format(crm=connection.label)
    if connection.go_live_at is None:
        return NOT_LIVE.format(crm=connection.label)
    if record.deleted_at is not None or record.merged_into_id is not None:
        return GONE.format(crm=connection.label)
    return next((reason for reason in _switched_off(record, list(fields)).values() if reason), "")


def open_fields(record: Record, fields: Iterable[str]) -> set[str]:
    """Those of the fields that can be asked for now: mapped, readable and switched on."""
    mappings = mapped_remote_fields(record.connection, record.remote_object)
    there = [name for name in fields if name in mappings and not mappings[name].is_broken]
    if not there or why_not(record, ()):
        return set()
    return {name for name, reason in _switched_off(record, there).items() if not reason}


def _switched_off(record: Record, names: Collection[str]) -> dict[str, str]:
    """Field -> why it is not written, "" when it is."""
    connection = record.connection
    stages = {name: said for guard in _guards for name, said in guard(record, names).items()}
    found = {}
    for name in names:
        if name in OWN_FIELD_BY_NAME:
            found[name] = f"{OWN_FIELD_BY_NAME[name].label} is written by gtmops itself."
        elif name == OWNER:
            found[name] = "" if connection.is_writing_owner else OWNER_OFF.format(crm=connection.label)
        elif name in stages:
            found[name] = (
                stages[name] if connection.is_writing_stage else STAGE_OFF.format(crm=connection.label)
            )
        else:
            found[name] = "" if connection.is_writing_fields else FIELDS_OFF.format(crm=connection.label)
    return found


def ask(
    record: Record, values: Mapping[str, Any], *, by: Person | None, why: str, key: str, now: datetime
) -> AskedChange:
    """Have these logical fields of a record written to its CRM: once, in one write, while the CRM still shows what the
    record shows now. Joins the caller's transaction; the same key again is the same change.

    ``by`` None: a rule asks. ``why``: one line for the log. Raises NotOptedIn, KeyReused, or AskError with what is
    wrong of which field."""
    if not values:
        raise AskError("There is nothing to change.")
    pk = derive_id("asked", key)
    with transaction.atomic():
        record = (
            Record.objects.select_related("connection")
            .select_for_update(of=("self",), no_key=True)
            .get(pk=record.pk)
        )
        wanted = fitted(record, values)
        held = AskedChange.objects.filter(pk=pk).first()
        if held is not None:
            if (held.record_id, held.values) != (record.pk, wanted):
                raise KeyReused("This key was used for another change. Send a new one.")
            return held
        if reason := why_not(record, wanted):
            raise NotOptedIn(reason)
        expected = {name: record.values[name] for name in wanted if name in record.values}
        row = AskedChange.objects.create(
            id=pk, key=key, record=record, values=wanted, expected=expected, by=by, why=why[:300], asked_at=now,
            next_try_at=now,
        )  # fmt: skip
        record_act(
            kinds.FIELD_ASKED, record=record, key=f"asked:{pk}", occurred_at=now, now=now, actor=by,
            data={"asked": str(pk), "values": wanted, "expected": expected, "why": row.why},
        )  # fmt: skip
    ring("push")
    return row


def ask_of_key(key: str) -> AskedChange | None:
    """The change that was asked for with this key."""
    return AskedChange.objects.filter(pk=derive_id("asked", key)).first()


def fitted(record: Record, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values in canonical form. Raises AskError with every field that the CRM can't hold so."""
    mappings = mapped_remote_fields(record.connection, record.remote_object)
    options = options_there(record, values)
    found, faults = {}, {}
    for name, value in values.items():
        mapping = mappings.get(name)
        if mapping is None or mapping.is_broken:
            faults[name] = f"It is not a field that gtmops can write in {record.connection.label}."
            continue
        try:
            plain = value.replace("\r\n", "\n").strip() if isinstance(value, str) else value
            found[name] = canonical(mapping.field.type, plain)
            there = remote_value(mapping.field.type, found[name], mapping.value_map)
        except Unreadable:
            faults[name] = f"{mapping.field.label} can't be “{str(value)[:80]}”."
            continue
        if options.get(name) and there is not None and name != OWNER:
            chosen = str(there).split(";") if isinstance(found[name], list) else [str(there)]
            if any(part not in options[name] for part in chosen):
                faults[name] = f"{record.connection.label} has no option “{there}”."
    if faults:
        raise AskError(next(iter(faults.values())), faults)
    return found


def options_there(record: Record, fields: Iterable[str]) -> dict[str, dict[str, str]]:
    """Field -> {remote value: label} in the CRM's order, of those that have options there now. Two queries."""
    mappings = mapped_remote_fields(record.connection, record.remote_object)
    remote = {mappings[name].remote_name: name for name in fields if name in mappings}
    rows = SchemaField.objects.filter(
        connection=record.connection, remote_object=record.remote_object, name__in=remote, gone_at=None
    )
    return {remote[row.name]: {str(o[0]): str(o[1]) for o in row.options} for row in rows if row.options}


# --- for those who write ---------------------------------------------------------------------------------------


def due_asks(connection: Connection, now: datetime) -> Q:
    """The condition of asked changes that may be sent to a connection now."""
    return Q(state=AskedChange.State.WAITING, record__connection=connection, next_try_at__lte=now) & (
        Q(lease_until=None) | Q(lease_until__lt=now)
    )


def refusal(
    row: AskedChange, shown: Mapping[str, Any], mappings: Mapping[str, FieldMapping], now: datetime
) -> str:
    """Why an asked change must not be sent, "" when it may. ``shown``: what the CRM shows now; a field that already
    has the value asked for is no reason."""
    crm = row.record.connection.label
    if reason := why_not(row.record, row.values):
        return reason
    if now - row.asked_at > LONGEST_WAIT:
        return TOO_LONG
    for name, value in row.values.items():
        label = mappings[name].field.label if name in mappings else name
        if name not in shown:
            return UNREADABLE.format(label=label, crm=crm)
        if shown[name] != value and name in row.expected and shown[name] != row.expected[name]:
            words = CHANGED.format(label=label, value="" if shown[name] is None else shown[name])
            return f"{words} Our change may have been made before that." if row.sent_at else words
    return ""


def remote_values(
    row: AskedChange, mappings: Mapping[str, FieldMapping], raw: Mapping[str, Any]
) -> dict[str, Any]:
    """Remote name -> what is to be written; ``raw``: the CRM's present values by remote name."""
    found = {}
    for name, value in row.values.items():
        mapping = mappings[name]
        found[mapping.remote_name] = remote_value(
            mapping.field.type, value, mapping.value_map, raw.get(mapping.remote_name)
        )
    return found


def refuse(row: AskedChange, text: str, now: datetime) -> None:
    """End it unwritten, in words; the caller saves the row. In the caller's transaction."""
    row.state, row.text, row.finished_at = AskedChange.State.REFUSED, text[:2000], now
    row.lease_until = row.lease_token = None
    record_act(
        kinds.FIELD_REFUSED, record=row.record, key=f"asked:{row.pk}:refused", occurred_at=now, now=now, actor=row.by,
        data={"asked": str(row.pk), "values": row.values, "text": row.text},
    )  # fmt: skip


def withdraw(row: AskedChange, *, by: Person, now: datetime) -> bool:
    """Don't send it; False when it was sent or ended already."""
    with transaction.atomic():
        held = (
            AskedChange.objects.select_for_update(of=("self",), no_key=True)
            .select_related("record")
            .filter(pk=row.pk, state=AskedChange.State.WAITING, sent_at=None)
            .first()
        )
        if held is None:
            return False
        refuse(held, f"{by.name} took it back.", now)
        held.save()
        return True
