from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.fernet import Fernet

from integrations import oauth
from integrations.errors import Misconfigured
from integrations.oauth import NotOurs, OAuthApp

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
APP = OAuthApp("the-id", "the-canary", "https://login.salesforce.com")


@pytest.fixture(autouse=True)
def _provider(monkeypatch: pytest.MonkeyPatch) -> None:
    def authorize_url(app: OAuthApp, state: str, challenge: str, redirect_uri: str) -> str:
        return f"{app.base_url}/go?state={state}&challenge={challenge}&to={redirect_uri}"

    monkeypatch.setattr(oauth, "provider_of", lambda kind: SimpleNamespace(authorize_url=authorize_url))


def _asked(session: dict[str, Any], now: datetime = NOW) -> Mapping[str, str]:
    address = oauth.begin(session, "crm", "salesforce", APP, now)
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_a_sign_in_comes_back_with_the_verifier_of_its_challenge() -> None:
    session: dict[str, Any] = {}
    asked = _asked(session)
    pending = oauth.finish(session, asked["state"], NOW)
    assert pending.connection == "crm"
    assert pending.app == APP
    digest = hashlib.sha256(pending.verifier.encode()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == asked["challenge"]
    assert 43 <= len(pending.verifier) <= 128


def test_an_answer_is_taken_once() -> None:
    session: dict[str, Any] = {}
    asked = _asked(session)
    oauth.finish(session, asked["state"], NOW)
    with pytest.raises(NotOurs):
        oauth.finish(session, asked["state"], NOW)


@pytest.mark.parametrize("state", ["", "another", "ä"])
def test_an_answer_with_another_state_is_refused_and_leaves_the_sign_in_alone(state: str) -> None:
    session: dict[str, Any] = {}
    asked = _asked(session)
    with pytest.raises(NotOurs, match="no sign-in begun in this browser"):
        oauth.finish(session, state, NOW)
    assert oauth.finish(session, asked["state"], NOW)


def test_the_first_of_two_sign_ins_no_longer_counts() -> None:
    session: dict[str, Any] = {}
    first = _asked(session)
    _asked(session)
    with pytest.raises(NotOurs):
        oauth.finish(session, first["state"], NOW)


def test_a_sign_in_that_took_too_long_is_refused() -> None:
    session: dict[str, Any] = {}
    asked = _asked(session)
    with pytest.raises(NotOurs, match="15 minutes"):
        oauth.finish(session, asked["state"], NOW + timedelta(seconds=oauth.LASTS_SECONDS + 1))


def test_neither_the_apps_secret_nor_the_verifier_stands_open_in_the_session() -> None:
    session: dict[str, Any] = {}
    asked = _asked(session)
    text = str(session)
    assert "canary" not in text
    assert oauth.finish(session, asked["state"], NOW).verifier not in text
    assert "canary" not in repr(APP)


@pytest.mark.parametrize("error", [*oauth.REFUSALS, "something_new", ""])
def test_every_refusal_says_what_it_means(error: str) -> None:
    text = oauth.refusal(error, "user\n denied")
    assert text.split()[0] in {"Access", "The", "Nobody"}
    assert "user denied" in text


def test_a_sign_in_without_a_refresh_token_is_not_kept() -> None:
    with pytest.raises(Misconfigured, match="offline_access"):
        oauth.secret_of(APP, {"access_token": "a"})
    assert oauth.secret_of(APP, {"access_token": "a", "refresh_token": "r"})["refresh_token"] == "r"


def test_a_key_that_is_gone_ends_the_sign_in_in_words(settings: Any) -> None:
    session: dict[str, Any] = {}
    asked = _asked(session)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(NotOurs, match="encryption keys changed"):
        oauth.finish(session, asked["state"], NOW)
