"""A connection's life: chosen objects, going live, pausing, and being disconnected with its history kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from effects.tick import ring
from integrations.connecting import standard
from integrations.models import ActivitySwitches, Credential, PullCursor, WebhookEvent, WriteSwitch
from integrations.pull import pull_now
from records.models import Connection, Event, Record
from teams.models import Person


def choose_objects(connection: Connection, objects: Mapping[str, str]) -> None:
    """Remember which remote objects are to be read as what; mappings of those no longer chosen go."""
    with transaction.atomic():
        locked = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        setup = dict(locked.setup or {})
        setup["objects"] = dict(objects)
        locked.setup = setup
        locked.save(update_fields=["setup"])
        locked.mappings.exclude(remote_object__in=objects).delete()
    connection.setup = setup


def unmapped_objects(connection: Connection) -> dict[str, str]:
    """Chosen objects that have no field yet, in the order in which they are best mapped."""
    mapped = set(connection.mappings.values_list("remote_object", flat=True))
    chosen = (connection.setup or {}).get("objects", {})
    order = {name: n for n, name in enumerate(standard.USUAL.get(connection.kind, {}))}
    names = sorted(chosen, key=lambda name: (order.get(name, len(order)), name))
    return {name: chosen[name] for name in names if name not in mapped}


def go_live(connection: Connection, now: datetime, *, from_now: bool) -> None:
    """Begin reading; ``from_now``: what happens from now on may be alerted and, once switched on, written.

    What happened before is history: measured, never alerted, escalated or written."""
    with transaction.atomic():
        locked = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        locked.setup = None
        locked.state, locked.state_reason = Connection.State.ACTIVE, ""
        if from_now and locked.go_live_at is None:
            locked.go_live_at = now
        locked.save()
    connection.refresh_from_db()
    pull_now(connection)


def pause(connection: Connection, person: Person, now: datetime) -> bool:
    """Stop reading and writing until somebody resumes; False when it is not running."""
    changed = Connection.objects.filter(
        pk=connection.pk, setup__isnull=True, disconnected_at=None, state__in=["active", "broken"]
    ).update(state=Connection.State.PAUSED, state_reason=f"Paused by {person} on {now:%d %b %Y, %H:%M} UTC.")
    return bool(changed)


def resume(connection: Connection) -> bool:
    """Go on where it was paused; False when it can't: it is not paused, or has no credentials."""
    if not Credential.objects.filter(connection=connection).exists():
        return False
    changed = Connection.objects.filter(
        pk=connection.pk, setup__isnull=True, disconnected_at=None, state=Connection.State.PAUSED
    ).update(state=Connection.State.ACTIVE, state_reason="")
    if changed:
        pull_now(connection)
        ring("push")
    return bool(changed)


@dataclass(frozen=True)
class Stays:
    """What a disconnected connection leaves here, and what goes."""

    records: int
    events: int
    mappings: int
    cursors: int
    switches: int
    webhooks: int


def what_stays(connection: Connection) -> Stays:
    return Stays(
        Record.objects.filter(connection=connection).count(),
        Event.objects.filter(connection=connection).count(),
        connection.mappings.count(),
        PullCursor.objects.filter(connection=connection).count(),
        WriteSwitch.objects.filter(connection=connection, is_on=True).count(),
        WebhookEvent.objects.filter(connection=connection, state=WebhookEvent.State.PENDING).count(),
    )


def disconnect(connection: Connection, person: Person, now: datetime) -> None:
    """Forget credentials, reading positions and switches; records, their history and every judgement stay.

    A reading or writing that is under way ends with its next step, because its claim is gone."""
    with transaction.atomic():
        locked = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        locked.state = Connection.State.PAUSED
        locked.state_reason = f"Disconnected by {person} on {now:%d %b %Y, %H:%M} UTC."
        locked.disconnected_at = now
        locked.is_writing = locked.is_writing_stage = locked.is_writing_fields = locked.is_writing_owner = (
            False
        )
        locked.save()
        Credential.objects.filter(connection=locked).delete()
        PullCursor.objects.filter(connection=locked).delete()
        WriteSwitch.objects.filter(connection=locked).update(is_on=False)
        ActivitySwitches.objects.filter(connection=locked).delete()
        WebhookEvent.objects.filter(connection=locked, state=WebhookEvent.State.PENDING).delete()
    connection.refresh_from_db()


def throw_away(connection: Connection) -> bool:
    """Remove a connection that never read anything; False for one that did."""
    with transaction.atomic():
        locked = Connection.objects.select_for_update().get(pk=connection.pk)  # whole: it is deleted
        if locked.setup is None or Record.objects.filter(connection=locked).exists():
            return False
        locked.delete()
    return True
