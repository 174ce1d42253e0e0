from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction

from integrations.errors import Misconfigured, Reconnect
from integrations.models import Credential
from integrations.secrets import TOKEN, load_credential, refreshed, remember_token, store_credential
from records.models import Connection

OAUTH = {"client_id": "the-id", "client_secret": "s", "base_url": "", "refresh_token": "first"}


def _connection() -> Connection:
    found = Connection.objects.create(name="crm", label="CRM", kind="hubspot")
    store_credential(found, "oauth", OAUTH)
    with transaction.atomic():
        remember_token(found, {"access_token": "stale"})
    return found


@pytest.mark.django_db
def test_a_rotated_refresh_token_is_stored_with_the_session() -> None:
    crm = _connection()
    asked: list[Mapping[str, Any]] = []

    def refresh(secret: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(secret)
        return {"access_token": "fresh", "refresh_token": "second", "expires_in": 1800}

    answer = refreshed(crm, "stale", refresh)
    assert answer == {"access_token": "fresh", "expires_in": 1800}
    assert asked == [OAUTH], "the CRM is asked with what was stored, without the old session"
    assert load_credential(crm)[1] == OAUTH | {"refresh_token": "second", TOKEN: answer}


@pytest.mark.django_db
def test_whoever_comes_late_gets_what_is_stored() -> None:
    crm = _connection()
    assert refreshed(crm, "older still", lambda secret: pytest.fail("asked again")) == {
        "access_token": "stale"
    }


@pytest.mark.django_db
def test_a_refresh_token_that_is_not_rotated_stays() -> None:
    crm = _connection()
    refreshed(crm, "stale", lambda secret: {"access_token": "fresh"})
    assert load_credential(crm)[1]["refresh_token"] == "first"


@pytest.mark.django_db
def test_a_refused_refresh_changes_nothing() -> None:
    crm = _connection()
    before = load_credential(crm)

    def refresh(secret: Mapping[str, Any]) -> dict[str, Any]:
        raise Reconnect("invalid_grant")

    with pytest.raises(Reconnect):
        refreshed(crm, "stale", refresh)
    assert load_credential(crm) == before


@pytest.mark.django_db
def test_without_credentials_it_says_so() -> None:
    crm = _connection()
    Credential.objects.all().delete()
    with pytest.raises(Misconfigured, match="no credentials"):
        refreshed(crm, "stale", lambda secret: {})


@pytest.mark.django_db(transaction=True)
def test_of_two_that_find_a_session_expired_exactly_one_asks_the_crm() -> None:
    crm = _connection()
    asked: list[str] = []
    answers: list[dict[str, Any]] = []

    def refresh(secret: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(secret["refresh_token"])
        if len(asked) == 1:
            _wait_until_another_is_waiting()
        return {"access_token": f"fresh {len(asked)}", "refresh_token": f"rotated {len(asked)}"}

    def work() -> None:
        try:
            answers.append(refreshed(crm, "stale", refresh))
        finally:
            database.close()

    both = [threading.Thread(target=work) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(timeout=60)
    assert asked == ["first"]
    assert answers == [{"access_token": "fresh 1"}] * 2
    assert load_credential(crm)[1]["refresh_token"] == "rotated 1"


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_that_could_take_the_token_back_it_refuses() -> None:
    crm = _connection()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        refreshed(crm, "stale", lambda secret: pytest.fail("asked"))


def _wait_until_another_is_waiting() -> None:
    """Until PostgreSQL says that another backend waits for a lock of ours; without a lock it never would."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    until = time.monotonic() + 30
    with database.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # or the transaction sees its first look again
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    pytest.fail("the second refresher did not wait for the first")
