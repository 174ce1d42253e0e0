"""CRM credentials at rest: encrypted JSON under a ring of keys, of which the first encrypts and all decrypt."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.fernet import InvalidToken
from django.db import transaction

from integrations.errors import Misconfigured
from integrations.models import Credential
from records.models import Connection
from teams.secrets import Sealed, first_key, key_ring, opens, rotate_addresses


def seal(secret: Mapping[str, Any]) -> bytes:
    return key_ring().encrypt(json.dumps(dict(secret)).encode())


def unseal(token: bytes | memoryview) -> dict[str, Any]:
    """Raises Misconfigured when no key of the ring opens it."""
    try:
        opened: dict[str, Any] = json.loads(key_ring().decrypt(bytes(token)))
    except InvalidToken:
        raise Misconfigured(
            "The stored credentials can't be decrypted: the key they were saved with is not in GTMOPS_ENCRYPTION_KEYS. "
            "Put it back, or enter the credentials again."
        ) from None
    return opened


def store_credential(connection: Connection, method: str, secret: Mapping[str, Any]) -> bool:
    """Set the credentials; True when that changed something."""
    with transaction.atomic():
        row = Credential.objects.select_for_update(no_key=True).filter(connection=connection).first()
        if row is not None and row.method == method and _given(unseal(row.secret)) == dict(secret):
            return False
        Credential.objects.update_or_create(
            connection=connection, defaults={"method": method, "secret": seal(secret), "verified_at": None}
        )
    return True


def load_credential(connection: Connection) -> tuple[str, dict[str, Any]]:
    """(method, secret). Raises Misconfigured when there are none."""
    row = Credential.objects.filter(connection=connection).first()
    if row is None:
        raise Misconfigured("This connection has no credentials yet.")
    return row.method, unseal(row.secret)


def remember_token(connection: Connection, token: Mapping[str, Any]) -> None:
    """Keep a session's token beside the credentials; call with the row locked."""
    row = Credential.objects.get(connection=connection)
    row.secret = seal({**unseal(row.secret), TOKEN: dict(token)})
    row.save(update_fields=["secret"])


def refreshed(
    connection: Connection, stale_access_token: str, refresh: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> dict[str, Any]:
    """A session's token answer (``access_token`` and what the provider adds) that is not the stale one.

    One refresher at a time: the credential's row stays locked while ``refresh(secret)`` asks the CRM, and whoever
    waited gets what it stored. A rotated ``refresh_token`` is committed before the new session is used, because using
    an old one again ends the whole family. What ``refresh`` raises changes nothing. Raises Misconfigured without
    credentials; not to be called inside a transaction, whose end could take the new token back."""
    with transaction.atomic(durable=True):
        row = Credential.objects.select_for_update(no_key=True).filter(connection=connection).first()
        if row is None:
            raise Misconfigured("This connection has no credentials yet.")
        secret = unseal(row.secret)
        held: dict[str, Any] | None = secret.get(TOKEN)
        if held and held.get("access_token") != stale_access_token:
            return held
        answer = dict(refresh(_given(secret)))
        rotated = answer.pop("refresh_token", None)
        if rotated:
            secret["refresh_token"] = rotated
        row.secret = seal({**secret, TOKEN: answer})
        row.save(update_fields=["secret"])
        return answer


def mark_verified(connection: Connection, now: datetime) -> None:
    Credential.objects.filter(connection=connection).update(verified_at=now)


def is_verification_due(connection: Connection, before: datetime) -> bool:
    """Whether the credentials were last tried before that, or never."""
    return not Credential.objects.filter(connection=connection, verified_at__gt=before).exists()


def forget_verification(connection: Connection) -> None:
    Credential.objects.filter(connection=connection).update(verified_at=None)


@dataclass(frozen=True)
class Rotated:
    """``rotated``: encrypted anew with the first key; ``fresh``: they were already."""

    rotated: int
    fresh: int


def rotate(*, is_dry: bool = False) -> Rotated:
    """Encrypt every credential and every address of a calendar with the first key; ``is_dry`` only counts.

    Each is committed by itself, so what a killed run did stays done and the next one goes on. Raises Misconfigured
    for what no key opens, naming it; before anything is changed, so that the old key is not let go too early."""
    ring, first = key_ring(), first_key()
    rows = list(Credential.objects.select_related("connection").order_by("pk"))
    for row in rows:
        try:
            ring.decrypt(bytes(row.secret))
        except InvalidToken:
            raise Misconfigured(f"No key opens the credentials of {row.connection.label}.") from None
    try:
        rotated, fresh = rotate_addresses(is_dry=is_dry)
    except Sealed as error:
        raise Misconfigured(str(error)) from None
    for row in rows:
        if opens(first, bytes(row.secret)):
            fresh += 1
            continue
        rotated += 1
        if not is_dry:
            _rotate_one(row.pk)
    return Rotated(rotated, fresh)


def _rotate_one(pk: int) -> None:
    with transaction.atomic():
        # Read again under the lock: a session that was renewed meanwhile must not be taken back.
        row = Credential.objects.select_for_update(no_key=True).filter(pk=pk).first()
        if row is not None:
            row.secret = key_ring().rotate(bytes(row.secret))
            row.save(update_fields=["secret"])


TOKEN = "session"  # the key under which a session's token lies beside what the admin entered  # noqa: S105


def _given(secret: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in secret.items() if name != TOKEN}
