from __future__ import annotations

import io
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import CommandError

from integrations import secrets
from integrations.errors import Misconfigured
from integrations.models import Credential
from integrations.secrets import load_credential, store_credential
from records.models import Connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection() -> Connection:
    found = Connection.objects.create(name="crm", label="CRM", kind="hubspot")
    store_credential(found, "private_app_token", {"access_token": "pat-canary"})
    return found


def test_a_secret_is_encrypted_and_never_shown(connection: Connection) -> None:
    row = Credential.objects.get()
    assert b"canary" not in bytes(row.secret)
    assert "canary" not in f"{row!r} {row} {row.__dict__}"
    assert load_credential(connection) == ("private_app_token", {"access_token": "pat-canary"})


def test_the_same_secret_again_writes_nothing(connection: Connection) -> None:
    assert not store_credential(connection, "private_app_token", {"access_token": "pat-canary"})
    assert store_credential(connection, "private_app_token", {"access_token": "another"})


def test_rotation_lets_the_old_key_go(connection: Connection, settings: Any) -> None:
    old, new = settings.ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, old]
    call_command("rotate_secrets")
    settings.ENCRYPTION_KEYS = [new]
    assert load_credential(connection)[1]["access_token"] == "pat-canary"
    settings.ENCRYPTION_KEYS = [old]
    with pytest.raises(Misconfigured, match="GTMOPS_ENCRYPTION_KEYS"):
        load_credential(connection)


def two_more() -> None:
    for name in ("second", "third"):
        row = Connection.objects.create(name=name, label=name.capitalize(), kind="hubspot")
        store_credential(row, "service_key", {"access_token": name})


def told(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rotate_secrets", *arguments, stdout=out)
    return out.getvalue()


def test_a_dry_run_counts_and_changes_nothing(connection: Connection, settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    before = bytes(Credential.objects.get().secret)
    assert told("--dry-run").startswith("1 secrets are under an older key; 0 under the first.")
    assert bytes(Credential.objects.get().secret) == before


def test_a_rotation_that_was_killed_is_gone_on_with(
    connection: Connection, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_more()
    new = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, *settings.ENCRYPTION_KEYS]
    done: list[int] = []
    whole = secrets._rotate_one

    def dies_after_one(pk: int) -> None:
        if done:
            raise KeyboardInterrupt
        whole(pk)
        done.append(pk)

    monkeypatch.setattr(secrets, "_rotate_one", dies_after_one)
    with pytest.raises(KeyboardInterrupt):
        call_command("rotate_secrets")
    monkeypatch.setattr(secrets, "_rotate_one", whole)
    assert told("--dry-run").startswith("2 secrets are under an older key; 1 under the first.")
    assert told().startswith("2 secrets are encrypted with the first key now; 1 were already.")
    settings.ENCRYPTION_KEYS = [new]
    for name, token in (("crm", "pat-canary"), ("second", "second"), ("third", "third")):
        assert load_credential(Connection.objects.get(name=name))[1]["access_token"] == token


def test_what_no_key_opens_is_named_and_nothing_is_changed(connection: Connection, settings: Any) -> None:
    two_more()
    Credential.objects.filter(connection__name="third").update(secret=b"of another installation")
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    before = [bytes(row.secret) for row in Credential.objects.order_by("pk")]
    with pytest.raises(CommandError, match="Third"):
        call_command("rotate_secrets")
    assert [bytes(row.secret) for row in Credential.objects.order_by("pk")] == before
