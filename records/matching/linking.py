"""What people say of two records: they belong together, or they don't. Each word is an event; ``ManualLink`` is its
fold, so that a rebuild or another pull changes nothing of it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from records import kinds
from records.derived import write_derived
from records.ids import derive_id
from records.matching.models import ManualLink
from records.matching.said import Said, said_of
from records.models import Event, Record
from records.relations import REFERENCES
from records.services import record_act, touch
from teams.models import Person

BUYER, ACCOUNT = ManualLink.Kind.BUYER, ManualLink.Kind.ACCOUNT
NAMES = (kinds.JOINED, kinds.SPLIT, kinds.LINK_UNDONE)
_FIELDS = ("kind", "is_joined", "record", "other", "by", "why", "at", "undone_at", "undone_by")


class LinkError(Exception):
    """It can't be said; ``text`` says why and what to do."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def links_about(record: Record) -> QuerySet[ManualLink]:
    """Everything people said of a record, or of another one and it; taken back or not. Newest first."""
    return (
        ManualLink.objects.filter(Q(record=record) | Q(other=record))
        .select_related("record__connection", "other__connection", "by", "undone_by")
        .order_by("-at", "pk")
    )


# --- acts ------------------------------------------------------------------------------------------------------


def join_buyer(record: Record, other: Record, *, by: Person, why: str, key: str, now: datetime) -> ManualLink:
    """Both are of one buyer. Raises LinkError for accounts, activities, and what is one buyer already."""
    for one in (record, other):
        if one.object in ("account", "activity"):
            raise LinkError("Only people and deals make up a buyer. Choose one of those.")
    if record.pk == other.pk:
        raise LinkError("It is the same record. Choose another one.")
    if record.journey_id is not None and record.journey_id == other.journey_id:
        raise LinkError("They are records of one buyer already.")
    return _say(kinds.JOINED, BUYER, record, other, by, why, key, now)


def stand_alone(record: Record, *, by: Person, why: str, key: str, now: datetime) -> ManualLink:
    """It is another buyer than the records it shares an e-mail address or an id with. What people joined it with
    before is taken back. Raises LinkError for what stands alone already, accounts and activities."""
    if record.object in ("account", "activity"):
        raise LinkError("Only people and deals make up a buyer.")
    others = Record.objects.filter(journey=record.journey_id).exclude(object="activity").exclude(pk=record.pk)
    if record.journey_id is None or not others.exists():
        raise LinkError("It stands by itself already.")
    return _say(kinds.SPLIT, BUYER, record, None, by, why, key, now)


def join_account(
    record: Record, account: Record, *, by: Person, why: str, key: str, now: datetime
) -> ManualLink:
    """The person belongs to this account. Raises LinkError where a CRM names one for the record or its buyer: it is
    changed there."""
    _check_person(record)
    if account.object != "account":
        raise LinkError("Choose an account.")
    namer = who_names_account(record)
    if namer is not None:
        crm = namer.connection.label
        if namer.pk == record.pk:
            raise LinkError(f"{crm} itself says to which account it belongs. Change it in {crm}.")
        raise LinkError(
            f"{namer} says to which account this buyer belongs. Change it in {crm}, or take one of the two out."
        )
    return _say(kinds.JOINED, ACCOUNT, record, account, by, why, key, now)


def split_account(
    record: Record, account: Record | None, *, by: Person, why: str, key: str, now: datetime
) -> ManualLink:
    """The person does not belong to this account; None: to none at all."""
    _check_person(record)
    return _say(kinds.SPLIT, ACCOUNT, record, account, by, why, key, now)


def who_names_account(record: Record) -> Record | None:
    """The record of the same buyer by which a CRM names the buyer's account: this one first, then deals. One query."""
    if any(record.values.get(name) for name in REFERENCES):
        return record
    if record.journey_id is None:
        return None
    others = (
        Record.objects.present()
        .filter(journey=record.journey_id, object__in=("deal", "person"))
        .select_related("connection")
        .order_by("object", "pk")
    )
    return next((one for one in others if any(one.values.get(name) for name in REFERENCES)), None)


def undo(link: ManualLink, *, by: Person, now: datetime) -> bool:
    """Take back what was said; False when it was taken back already."""
    with transaction.atomic():
        held = ManualLink.objects.select_for_update(no_key=True).filter(pk=link.pk, undone_at=None).first()
        if held is None:
            return False
        record = Record.objects.get(pk=held.record_id)
        record_act(
            kinds.LINK_UNDONE, record=record, key=f"link:{held.pk}:undone", occurred_at=now, now=now, actor=by,
            data={"link": str(held.pk)},
        )  # fmt: skip
        held.undone_at, held.undone_by = now, by
        held.save(update_fields=["undone_at", "undone_by"])
        _touch_both(held, now)
    return True


def _check_person(record: Record) -> None:
    if record.object != "person":
        raise LinkError("Only people are matched to accounts here.")


def _say(
    event: str,
    kind: str,
    record: Record,
    other: Record | None,
    by: Person,
    why: str,
    key: str,
    now: datetime,
) -> ManualLink:
    """Once per key; the same key again is the same word."""
    pk = derive_id("manual link", key)
    data = {
        "link": str(pk),
        "kind": str(kind),
        "other": str(other.pk) if other else None,
        "why": why.strip()[:300],
    }
    with transaction.atomic():
        # One word at a time about a record, so that their order is the order of the log.
        Record.objects.select_for_update(no_key=True).get(pk=record.pk)
        held = ManualLink.objects.filter(pk=pk).first()
        if held is not None:
            if (held.record_id, held.other_id, held.kind) != (record.pk, other.pk if other else None, kind):
                raise LinkError("This page is older than what was said since. Load it again.")
            return held
        if kind == ACCOUNT:
            _check_new(said_of([record.pk]).get(record.pk, Said()), event, other)
        elif other is not None and _is_joined(record, other):
            raise LinkError("That was said already.")
        said = record_act(
            event, record=record, key=f"link:{pk}", occurred_at=now, now=now, actor=by, data=data
        )
        before = list(ManualLink.objects.filter(Q(record=record) | Q(other=record), undone_at=None))
        rows = _apply({row.pk: row for row in before}, said) if said else {}
        fresh = rows[pk]
        ManualLink.objects.bulk_update(before, ["undone_at", "undone_by"])
        fresh.save(force_insert=True)
        _touch_both(fresh, now)
    return fresh


def _is_joined(record: Record, other: Record) -> bool:
    pair = Q(record=record, other=other) | Q(record=other, other=record)
    return ManualLink.objects.filter(pair, kind=BUYER, is_joined=True, undone_at=None).exists()


def _check_new(stands: Said, event: str, account: Record | None) -> None:
    """Raises LinkError for a word that stands already."""
    if account is None:
        is_known = stands.apart and stands.joined is None
    elif event == kinds.JOINED:
        is_known = stands.joined == account.pk
    else:
        is_known = account.pk in stands.split
    if is_known:
        raise LinkError("That was said already.")


def _touch_both(link: ManualLink, now: datetime) -> None:
    people = [pk for pk in (link.record_id, link.other_id) if pk is not None]
    touch(people, now)


# --- the fold --------------------------------------------------------------------------------------------------


def rebuild_links() -> int:
    """Make ``ManualLink`` what the log says. Returns rows that differed."""
    rows: dict[uuid.UUID, ManualLink] = {}
    events = Event.objects.filter(kind__in=NAMES).order_by("occurred_at", "pk")
    for event in events.iterator(chunk_size=2000):
        _apply(rows, event)
    written = write_derived(ManualLink, list(rows.values()), fields=_FIELDS, scope=Q())
    return written.created + written.changed + written.removed


def _apply(rows: dict[uuid.UUID, ManualLink], event: Event) -> dict[uuid.UUID, ManualLink]:
    """One word more: who stands alone is no longer joined with anybody by an older word."""
    data: dict[str, Any] = event.data
    pk = uuid.UUID(data["link"])
    if event.kind == kinds.LINK_UNDONE:
        if pk in rows:
            _end(rows[pk], event)
        return rows
    other = uuid.UUID(data["other"]) if data.get("other") else None
    if event.kind == kinds.SPLIT and data["kind"] == BUYER:
        for row in rows.values():
            if row.kind == BUYER and row.is_joined and event.record_id in (row.record_id, row.other_id):
                _end(row, event)
    rows[pk] = ManualLink(
        pk=pk,
        kind=data["kind"],
        is_joined=event.kind == kinds.JOINED,
        record_id=event.record_id,
        other_id=other,
        by_id=event.actor_id,
        why=data.get("why", ""),
        at=event.occurred_at,
    )
    return rows


def _end(row: ManualLink, event: Event) -> None:
    if row.undone_at is None:
        row.undone_at, row.undone_by_id = event.occurred_at, event.actor_id
