from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

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
