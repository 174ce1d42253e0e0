"""New credentials are tried before they take the place of the old ones; what does not work is not kept."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from integrations.base import Account
from integrations.errors import Misconfigured
from integrations.models import Credential, PullCursor
from integrations.registry import connector_class
from integrations.secrets import TOKEN, load_credential, seal, store_credential
from records.models import Connection
from teams.models import Person

_LEFT_BEHIND = timedelta(hours=1)


def try_and_keep(
    connection: Connection,
    method: str,
    secret: Mapping[str, Any],
    person: Person,
    now: datetime,
    session: Mapping[str, Any] | None = None,
) -> Account:
    """Sign in with ``secret`` (and a ``session`` it already opened); once that works it is the connection's.

    Raises ConnectorError and keeps what was before. Raises Misconfigured for another organisation than the one this
    connection's records came from: two organisations in one mirror could never be told apart again."""
    trial = _trial(connection, now)
    try:
        store_credential(trial, method, {**secret, **({TOKEN: dict(session)} if session else {})})
        account = connector_class(connection.kind)(trial).check()  # type: ignore[call-arg]  # every connector takes one
        if connection.account_id and connection.account_id != account.remote_id:
            raise Misconfigured(
                f"These credentials open {account.name or account.remote_id}, but {connection.label} was read from "
                f"{connection.account_name or connection.account_id}. Connect the other one as a connection of its own."
            )
        _keep(connection, trial, account, person, now)
    finally:
        trial.delete()
    return account


def _trial(connection: Connection, now: datetime) -> Connection:
    """A connection for one attempt, of no CRM's kind in the database, so that nobody reads, writes or lists it."""
    Connection.objects.filter(
        name__startswith="trial-", setup__trial__lt=(now - _LEFT_BEHIND).isoformat()
    ).delete()
    trial = Connection.objects.create(
        name=f"trial-{uuid.uuid4().hex[:16]}",
        label="Trial",
        kind=Connection.Kind.GTMOPS,
        state=Connection.State.PAUSED,
        base_url=connection.base_url,
        setup={"trial": now.isoformat()},
    )
    trial.kind = connection.kind
    return trial


def _keep(connection: Connection, trial: Connection, account: Account, person: Person, now: datetime) -> None:
    method, secret = load_credential(trial)  # with the session that the attempt opened
    with transaction.atomic():
        locked = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        Credential.objects.update_or_create(
            connection=locked,
            defaults={
                "method": method,
                "secret": seal(secret),
                "verified_at": now,
                "entered_at": now,
                "entered_by": person,
                "found": {},
            },
        )
        locked.account_id = account.remote_id[:80]
        locked.account_name = account.name[:200]
        locked.is_sandbox = account.is_sandbox
        if locked.state == Connection.State.BROKEN:
            locked.state, locked.state_reason = Connection.State.ACTIVE, ""
            PullCursor.objects.filter(connection=locked).update(next_pull_at=now, failures=0, last_error="")
        if locked.disconnected_at is not None:
            locked.disconnected_at, locked.state_reason = (
                None,
                "Connected again; reading is resumed by a person.",
            )
        locked.save()
    connection.refresh_from_db()
