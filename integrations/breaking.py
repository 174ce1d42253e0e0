"""What a person has to mend: credentials that are no longer good, an object our user may no longer read. Said once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.urls import reverse

from effects.models import Effect
from integrations.models import Credential
from integrations.warning import warn_admins
from records.models import Connection

AGAIN_AFTER: Final = timedelta(hours=1)
"""Where writing is refused and reading is not, the two take turns; nobody wants to hear of each."""


def mark_broken(connection: Connection, text: str, now: datetime) -> None:
    """Break a connection until its credentials work again, and tell admins when that is new.

    One that somebody paused meanwhile stays paused."""
    with transaction.atomic():
        rows = Connection.objects.filter(pk=connection.pk)
        reason = text[:2000]
        is_new = rows.filter(state=Connection.State.ACTIVE).update(
            state=Connection.State.BROKEN, state_reason=reason
        )
        if not is_new:
            rows.filter(state=Connection.State.BROKEN).update(state_reason=reason)
        elif not _was_told(connection, now):
            warn_admins(
                f"{_mark(connection)}{now.isoformat()}",
                title=f"{connection.label} has to be connected again",
                body=f"It said: {reason} Nothing is read or written until somebody signs in again; nothing is lost.",
                href=reverse("integrations:sign_in", args=[connection.name]),
                group=f"connection-broken:{connection.name}",
                now=now,
            )


def tell_unreadable(connection: Connection, remote_objects: Sequence[str], text: str, now: datetime) -> None:
    """Tell admins of objects that could be read before and can't until something is changed."""
    names = ", ".join(remote_objects)
    warn_admins(
        f"unreadable:{connection.pk}:{now.isoformat()}",
        title=f"{connection.label} no longer lets us read {names}",
        body=f"It said: {text} What we hold of it stays as it was; all else is read on.",
        href=reverse("integrations:connection_test", args=[connection.name]),
        group=f"unreadable:{connection.name}",
        now=now,
    )


def _mark(connection: Connection) -> str:
    return f"connection-broken:{connection.pk}:"


def _was_told(connection: Connection, now: datetime) -> bool:
    """A moment ago, and nobody has entered the credentials since."""
    told = Effect.objects.filter(
        key__startswith=_mark(connection), created_at__gt=now - AGAIN_AFTER, created_at__lte=now
    )
    entered = Credential.objects.filter(connection=connection).values_list("entered_at", flat=True).first()
    return (told.filter(created_at__gt=entered) if entered else told).exists()
