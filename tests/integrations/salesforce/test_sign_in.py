"""Three ways to sign in, each tried against the stand-in."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connections

from integrations import secrets
from integrations.errors import ConnectorError, Reconnect
from integrations.oauth import METHOD, OAuthApp, secret_of
from integrations.salesforce import oauth
from integrations.secrets import load_credential, store_credential
from integrations.standins.app import Running
from records.models import Connection
from tests.integrations.salesforce.conftest import Start, connector_of

CALLBACK = "https://gtmops.example/connections/callback/"
VERIFIER = "v" * 64
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def app_at(running: Running) -> OAuthApp:
    return OAuthApp("key", "only-a-test", running.base_url)


def allow(running: Running, *, answer: str = "allow", challenge: str = CHALLENGE) -> dict[str, str]:
    """What comes back to our callback when somebody answers on the consent page."""
    address = oauth.authorize_url(app_at(running), "the-state", challenge, CALLBACK)
    page = requests.get(address, timeout=10, allow_redirects=False)
    if page.status_code != 200:
        return _answer(page)
    asked = {k: v[0] for k, v in parse_qs(urlsplit(address).query).items()}
    assert "Allow" in page.text
    return _answer(
        requests.post(
            address.partition("?")[0], data={**asked, "answer": answer}, timeout=10, allow_redirects=False
        )
    )


def _answer(response: requests.Response) -> dict[str, str]:
    assert response.status_code == 303
    assert response.headers["Location"].startswith(CALLBACK)
    return {k: v[0] for k, v in parse_qs(urlsplit(response.headers["Location"]).query).items()}


def sign_in(running: Running, connection: Connection) -> None:
    answer = oauth.exchange(app_at(running), allow(running)["code"], VERIFIER, CALLBACK)
    store_credential(connection, METHOD, secret_of(app_at(running), answer))


def test_the_sign_in_page_brings_a_code_and_the_code_a_connection(
    salesforce: tuple[Running, Connection],
) -> None:
    running, connection = salesforce
    assert allow(running)["state"] == "the-state"
    sign_in(running, connection)
    assert connector_of(connection).check().name == "Fernhill"


def test_who_says_no_is_told_apart(salesforce: tuple[Running, Connection]) -> None:
    assert allow(salesforce[0], answer="deny")["error"] == "access_denied"


def test_without_a_challenge_there_is_no_sign_in(salesforce: tuple[Running, Connection]) -> None:
    assert allow(salesforce[0], challenge="")["error"] == "invalid_request"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"verifier": "another" * 8}, "invalid code verifier"),
        ({"code": "unknown"}, "expired authorization code"),
        ({"redirect_uri": "https://elsewhere.example/"}, "redirect_uri must match"),
    ],
)
def test_a_code_in_the_wrong_hands_opens_nothing(
    salesforce: tuple[Running, Connection], changed: dict[str, str], words: str
) -> None:
    running, _ = salesforce
    given = {"code": allow(running)["code"], "verifier": VERIFIER, "redirect_uri": CALLBACK} | changed
    with pytest.raises(ConnectorError, match=words):
        oauth.exchange(app_at(running), **given)


def test_a_code_can_be_used_once(salesforce: tuple[Running, Connection]) -> None:
    running, _ = salesforce
    code = allow(running)["code"]
    oauth.exchange(app_at(running), code, VERIFIER, CALLBACK)
    with pytest.raises(Reconnect):
        oauth.exchange(app_at(running), code, VERIFIER, CALLBACK)


def test_an_ended_session_is_renewed_and_the_new_refresh_token_kept(start: Start) -> None:
    running, connection = start(faults="expire:2")
    sign_in(running, connection)
    tokens = set()
    for _ in range(4):
        connector_of(connection).check()
        tokens.add(load_credential(connection)[1]["refresh_token"])
    assert len(tokens) > 1
    oauth.refresh(load_credential(connection)[1])


def test_a_refresh_token_that_somebody_used_before_us_asks_for_a_new_connection(
    salesforce: tuple[Running, Connection],
) -> None:
    running, connection = salesforce
    sign_in(running, connection)
    oauth.refresh(load_credential(connection)[1])
    with pytest.raises(Reconnect, match="expired access/refresh token"):
        connector_of(connection).check()


def test_a_session_always_in_use_is_renewed_once_a_day(
    salesforce: tuple[Running, Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, connection = salesforce
    sign_in(running, connection)
    connector_of(connection).check()
    before = load_credential(connection)[1]["refresh_token"]
    connector_of(connection).check()
    assert load_credential(connection)[1]["refresh_token"] == before
    monkeypatch.setattr(oauth, "KEEP_ALIVE_SECONDS", -1)
    connector_of(connection).check()
    assert load_credential(connection)[1]["refresh_token"] != before


@pytest.mark.django_db(transaction=True)
def test_many_at_once_use_one_refresh_token_once(start: Start) -> None:
    running, connection = start()
    sign_in(running, connection)
    connector_of(connection).check()
    running.store.execute("DELETE FROM meta WHERE key LIKE 'session:%'")

    def check(_: int) -> str:
        try:
            return connector_of(connection).check().name
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(check, range(4))) == {"Fernhill"}
    used = running.store.fetch("SELECT value FROM meta WHERE key LIKE 'refresh:%'")
    assert sum('"used": true' in row["value"] for row in used) == 2


def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, ""),
        ({"username": "unapproved@acme.example"}, "hasn't approved this consumer"),
        ({"username": "inactive@acme.example"}, "inactive user"),
    ],
)
def test_a_signed_assertion_opens_a_session(
    salesforce: tuple[Running, Connection], changed: dict[str, str], words: str
) -> None:
    _, connection = salesforce
    secret: dict[str, Any] = {
        "consumer_key": "key", "username": "gtmops@acme.example", "private_key": private_key(), "domain": "test",
    }  # fmt: skip
    store_credential(connection, "jwt_bearer", secret | changed)
    if words:
        with pytest.raises(Reconnect, match=words):
            connector_of(connection).check()
    else:
        assert connector_of(connection).check().name == "Fernhill"


@pytest.mark.parametrize("fault", ["401object", "401html"])
def test_an_ended_session_is_renewed_whatever_the_answer_looks_like(start: Start, fault: str) -> None:
    running, connection = start(faults=fault)
    connector_of(connection).check()
    running.store.execute("DELETE FROM meta WHERE key LIKE 'session:%'")
    assert connector_of(connection).check().name == "Fernhill"


def test_a_session_that_may_not_use_the_api_is_not_renewed(start: Start) -> None:
    running, connection = start(faults="notrest")
    with pytest.raises(Reconnect, match="not valid for use with the REST API"):
        connector_of(connection).check()
    assert len(running.store.fetch("SELECT 1 FROM meta WHERE key LIKE 'session:%'")) == 1


def test_a_lasting_refusal_is_asked_twice_and_no_more(start: Start) -> None:
    running, connection = start(faults="lasting401")
    with pytest.raises(Reconnect):
        connector_of(connection).check()
    assert len(running.store.fetch("SELECT 1 FROM meta WHERE key LIKE 'session:%'")) == 2


def test_the_session_lies_sealed_beside_the_credentials(salesforce: tuple[Running, Connection]) -> None:
    _, connection = salesforce
    connector_of(connection).check()
    assert load_credential(connection)[1][secrets.TOKEN]["host"] == "fernhill.my.salesforce.com"
