"""A real sign-in, through all redirects, and what makes it fail."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.test import Client
from django.urls import reverse

from integrations.standins.app import Running
from integrations.standins.identity_api import CLIENT_SECRET, IdentityApi
from teams.models import Person
from teams.sso.configured import SingleSignOn
from tests.teams.sso.conftest import DANA, NEW, SignIn, come_back

pytestmark = pytest.mark.django_db


def who(client: Client) -> str | None:
    pk = client.session.get("_auth_user_id")
    return Person.objects.get(pk=pk).email if pk else None


def test_somebody_who_is_here_signs_in_and_is_led_where_the_link_went(
    client: Client, dana: Person, sign_in: SignIn
) -> None:
    there = f"/people/{dana.pk}/?from=crm"
    wall = client.get(there)
    assert "next=" in wall["Location"]
    page = client.get(wall["Location"])
    assert "Sign in with Fernhill ID" in page.text
    assert f"{reverse('oidc_login')}?next=%2Fpeople%2F{dana.pk}%2F%3Ffrom%3Dcrm" in page.text
    answer = sign_in(client, DANA, to=there)
    assert (answer.status_code, answer["Location"], who(client)) == (302, there, DANA)


@pytest.mark.parametrize(
    "bad", ["https://elsewhere.example/", "//elsewhere.example/x", "javascript:alert(1)"]
)
def test_nobody_is_led_to_another_site(client: Client, dana: Person, sign_in: SignIn, bad: str) -> None:
    assert sign_in(client, DANA, to=bad)["Location"] == "/"


def test_somebody_new_is_made_with_what_the_provider_says(client: Client, sign_in: SignIn) -> None:
    sign_in(client, NEW, name="Nora Halverson", zoneinfo="Europe/Oslo")
    nora = Person.objects.get(email=NEW)
    assert (nora.name, nora.role, nora.time_zone, nora.follows_groups) == (
        "Nora Halverson",
        "rep",
        "Europe/Oslo",
        True,
    )
    assert not nora.has_usable_password()
    assert who(client) == NEW


def test_the_second_time_the_account_counts_whatever_the_address_became(
    client: Client, sign_in: SignIn
) -> None:
    sign_in(client, NEW)
    other = Client()
    sign_in(other, NEW, email="nora.wed@fernhill.example", email_verified=False)
    assert (who(other), Person.objects.count()) == (NEW, 1)


def test_an_account_made_anew_at_the_provider_takes_the_place_of_the_old_one(
    client: Client, dana: Person, sign_in: SignIn
) -> None:
    sign_in(client, DANA)
    sign_in(Client(), DANA, sub="another")
    assert SocialAccount.objects.get().extra_data["sub"] == "another"


def test_nothing_is_kept_of_what_the_provider_sent_but_whose_account_it_is(
    client: Client, dana: Person, sign_in: SignIn, single_sign_on: SingleSignOn
) -> None:
    sign_in(client, DANA, phone_number="+1 555 0100", sub="s-1")
    assert SocialAccount.objects.get().extra_data == {"iss": single_sign_on.url, "sub": "s-1"}
    assert not SocialToken.objects.exists()


def test_the_authenticator_app_is_still_asked_for(client: Client, dana: Person, sign_in: SignIn) -> None:
    TOTP.activate(dana, "JBSWY3DPEHPK3PXP")
    answer = sign_in(client, DANA)
    assert answer["Location"] == reverse("mfa_authenticate")
    assert who(client) is None


def test_a_password_still_signs_in_beside_it(
    client: Client, dana: Person, single_sign_on: SingleSignOn
) -> None:
    client.post(reverse("account_login"), {"login": DANA, "password": "a-long-password"})
    assert who(client) == DANA


def test_without_a_provider_there_is_no_button_and_no_way(client: Client, db: None) -> None:
    assert "oidc" not in client.get(reverse("account_login")).text
    assert client.get(reverse("oidc_login")).status_code == 404


# --- what goes wrong ---


def test_cancelling_there_says_so_here(client: Client, single_sign_on: SingleSignOn) -> None:
    out = client.get(reverse("oidc_login"))
    page = client.get(come_back(out["Location"], ""))
    assert page.status_code == 403
    assert "The sign-in was cancelled" in page.text


@pytest.mark.parametrize(
    "query", ["?code=x", "?code=x&state=made-up", "?state=made-up&error=server_error", ""]
)
def test_an_answer_that_nobody_asked_for_signs_nobody_in(
    client: Client, single_sign_on: SingleSignOn, query: str
) -> None:
    page = client.get(reverse("oidc_callback") + query)
    assert page.status_code == 403
    assert who(client) is None


def test_an_answer_is_good_for_the_browser_that_asked_and_once(
    client: Client, dana: Person, single_sign_on: SingleSignOn
) -> None:
    back = come_back(client.get(reverse("oidc_login"))["Location"], DANA)
    stranger = Client()
    assert stranger.get(back).status_code == 403
    assert client.get(back).status_code == 302
    client.logout()
    assert client.get(back).status_code == 403


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": "http://127.0.0.1:1/id"}, "could not be asked"),
        ({"client_secret": "wrong-canary"}, "answered 401"),
    ],
)
def test_a_provider_that_fails_is_told_to_the_log_and_never_with_the_secret(
    client: Client, dana: Person, single_sign_on: SingleSignOn, settings: Any,
    caplog: pytest.LogCaptureFixture, change: dict[str, str], says: str,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    settings.SINGLE_SIGN_ON = replace(single_sign_on, **change)
    answer = client.get(reverse("oidc_login"))
    if answer.status_code == 302:
        answer = client.get(come_back(answer["Location"], DANA))
    assert answer.status_code == 403
    assert "could not be reached" in answer.text
    assert says in caplog.text
    assert "wrong-canary" not in caplog.text + answer.text
    assert CLIENT_SECRET not in caplog.text + repr(single_sign_on)


def test_a_provider_that_calls_itself_otherwise_is_not_believed(
    client: Client, provider: Running, single_sign_on: SingleSignOn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(IdentityApi, "issuer", lambda api, request: "https://elsewhere.example")
    assert client.get(reverse("oidc_login")).status_code == 403


def test_an_id_token_of_another_account_than_userinfo_is_refused(
    client: Client,
    dana: Person,
    provider: Running,
    single_sign_on: SingleSignOn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    identity = provider.application.identity
    claims = identity._claims
    subjects = iter(["one", "another"])
    monkeypatch.setattr(identity, "_claims", lambda email: {**claims(email), "sub": next(subjects)})
    page = client.get(come_back(client.get(reverse("oidc_login"))["Location"], DANA))
    assert page.status_code == 403
    assert who(client) is None


@pytest.mark.parametrize(
    "said", [{"aud": "another-app"}, {"iss": "https://elsewhere.example"}, {"exp": 1}], ids=str
)
def test_an_id_token_for_others_or_out_of_date_signs_nobody_in(
    client: Client, dana: Person, sign_in: SignIn, said: dict[str, Any]
) -> None:
    assert sign_in(client, DANA, **said).status_code == 403
    assert who(client) is None
