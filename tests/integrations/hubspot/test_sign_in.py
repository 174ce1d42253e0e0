"""Signing in to HubSpot: tokens that stay, and an app's whose tokens last half an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from integrations.errors import Misconfigured, Reconnect
from integrations.hubspot import oauth
from integrations.models import Credential
from integrations.oauth import METHOD, OAuthApp, secret_of
from integrations.secrets import TOKEN, load_credential, seal
from integrations.standins.app import Running
from records.models import Connection
from tests.integrations.hubspot.conftest import EMAIL, Begin, connector_of

BACK = "https://gtmops.example/connections/back/"


def allow(running: Running, app: OAuthApp, answer: str = "allow") -> dict[str, str]:
    """What the browser brings back from HubSpot's page, after a person has answered there."""
    address = oauth.authorize_url(app, "state-of-ours", "challenge", BACK)
    page = requests.get(address, timeout=10)
    assert page.status_code == 200
    assert app.client_id in page.text
    form = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    sent = requests.post(
        f"{running.base_url}/oauth/authorize",
        data={**form, "answer": answer},
        timeout=10,
        allow_redirects=False,
    )
    back = urlsplit(sent.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == BACK
    return {name: values[0] for name, values in parse_qs(back.query).items()}


def signed_in(running: Running, connection: Connection) -> OAuthApp:
    app = OAuthApp("an-app", "only-a-test", running.base_url)
    answer = oauth.exchange(app, allow(running, app)["code"], "verifier", BACK)
    Credential.objects.filter(connection=connection).update(
        method=METHOD, secret=seal(secret_of(app, answer))
    )
    return app


def session_of(connection: Connection) -> dict[str, Any]:
    found: dict[str, Any] = load_credential(connection)[1][TOKEN]
    return found


def end_all_tokens(running: Running) -> None:
    running.store.execute("UPDATE meta SET value = '0' WHERE key LIKE 'hubspot-token:%'")


def test_the_address_names_the_scopes_and_brings_our_state_back(begin: Begin) -> None:
    running, _ = begin()
    app = OAuthApp("an-app", "only-a-test", running.base_url)
    asked = parse_qs(urlsplit(oauth.authorize_url(app, "state-of-ours", "challenge", BACK)).query)
    assert asked["scope"] == [" ".join(oauth.SCOPES)]
    assert asked["optional_scope"] == [" ".join(oauth.OPTIONAL_SCOPES)]
    assert allow(running, app)["state"] == "state-of-ours"
    assert oauth.authorize_url(OAuthApp("x", "y"), "s", "c", BACK).startswith(
        "https://app.hubspot.com/oauth/authorize?"
    )


def test_a_person_who_says_no_is_heard(begin: Begin) -> None:
    running, _ = begin()
    back = allow(running, OAuthApp("an-app", "only-a-test", running.base_url), answer="deny")
    assert back["error"] == "access_denied"


def test_a_code_is_redeemed_once(begin: Begin) -> None:
    running, _ = begin()
    app = OAuthApp("an-app", "only-a-test", running.base_url)
    code = allow(running, app)["code"]
    answer = oauth.exchange(app, code, "verifier", BACK)
    lasts = datetime.fromisoformat(answer["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=25) < lasts <= timedelta(minutes=30)
    with pytest.raises(Reconnect, match="auth code"):
        oauth.exchange(app, code, "verifier", BACK)


@pytest.mark.parametrize(
    ("app", "uri", "error"),
    [
        (("an-app", "wrong"), BACK, Misconfigured),
        (("unknown", "only-a-test"), BACK, Misconfigured),
        (("an-app", "only-a-test"), f"{BACK}other", Misconfigured),
        (("another-app", "only-a-test"), BACK, Reconnect),
    ],
)
def test_a_code_in_the_wrong_hands_gives_nothing(
    begin: Begin, app: tuple[str, str], uri: str, error: type[Exception]
) -> None:
    running, _ = begin()
    code = allow(running, OAuthApp("an-app", "only-a-test", running.base_url))["code"]
    with pytest.raises(error):
        oauth.exchange(OAuthApp(*app, running.base_url), code, "verifier", uri)


def test_an_app_reads_and_its_token_is_kept(begin: Begin) -> None:
    running, connection = begin()
    signed_in(running, connection)
    assert connector_of(connection).check().remote_id
    first = session_of(connection)["access_token"]
    assert connector_of(connection).check().remote_id
    assert session_of(connection)["access_token"] == first


def test_a_token_is_renewed_before_it_ends(begin: Begin) -> None:
    running, connection = begin()
    signed_in(running, connection)
    connector_of(connection).check()
    row = Credential.objects.get(connection=connection)
    _, secret = load_credential(connection)
    soon = datetime.now(UTC) + timedelta(minutes=1)
    row.secret = seal({**secret, TOKEN: {**secret[TOKEN], "expires_at": soon.isoformat()}})
    row.save()
    first = session_of(connection)["access_token"]
    connector_of(connection).check()
    assert session_of(connection)["access_token"] != first


def test_a_token_that_ended_early_is_renewed_and_the_call_made_again(begin: Begin) -> None:
    running, connection = begin()
    signed_in(running, connection)
    connector = connector_of(connection)
    connector.check()
    first = session_of(connection)["access_token"]
    end_all_tokens(running)
    assert connector.read("contacts", ["101"], EMAIL).records[0].values["email"] == "p1@acme.example"
    assert session_of(connection)["access_token"] != first


def test_two_who_find_the_same_token_ended_renew_it_once(begin: Begin) -> None:
    running, connection = begin()
    signed_in(running, connection)
    one, other = connector_of(connection), connector_of(connection)
    one.check()
    other.check()
    end_all_tokens(running)
    one.check()
    renewed = session_of(connection)["access_token"]
    other.check()
    assert session_of(connection)["access_token"] == renewed


def test_an_app_that_was_removed_asks_for_a_person(begin: Begin) -> None:
    running, connection = begin()
    signed_in(running, connection)
    connector = connector_of(connection)
    connector.check()
    end_all_tokens(running)
    running.store.execute("DELETE FROM meta WHERE key LIKE 'hubspot-refresh:%'")
    with pytest.raises(Reconnect, match="refresh token"):
        connector.check()


def test_a_token_that_does_not_end_is_not_renewed(begin: Begin) -> None:
    _, connection = begin()
    Credential.objects.filter(connection=connection).update(secret=seal({"access_token": "pat-wrong"}))
    with pytest.raises(Reconnect, match="INVALID_AUTHENTICATION"):
        connector_of(connection).check()


@pytest.mark.parametrize("method", ["private_app_token", "service_key"])
def test_a_bearer_token_of_either_kind_is_used_as_it_is(begin: Begin, method: str) -> None:
    _, connection = begin()
    Credential.objects.filter(connection=connection).update(
        method=method, secret=seal({"access_token": "pat-only-a-test"})
    )
    assert connector_of(connection).check().remote_id


def test_a_missing_scope_is_named(begin: Begin) -> None:
    running, connection = begin()
    running.store.set_meta("hubspot-scopes:pat-only-a-test", ["crm.objects.contacts.read"])
    connector = connector_of(connection)
    assert connector.read("contacts", ["101"], EMAIL).records
    with pytest.raises(Misconfigured, match=r"Scopes needed: crm\.objects\.owners\.read"):
        connector.owners()
    with pytest.raises(Misconfigured, match=r"Scopes needed: crm\.objects\.contacts\.write"):
        connector.push("contacts", [("101", {"lastname": "X"})])
