"""New credentials: tried, then kept; refused ones are kept nowhere and shown to nobody."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from django.test import Client
from django.urls import reverse

from integrations import oauth
from integrations.connecting import guide
from integrations.models import Credential
from integrations.registry import connector_for
from integrations.secrets import TOKEN, load_credential
from integrations.standins.app import Running
from records.models import Connection
from teams.models import Person
from tests.integrations.conftest import connect
from tests.integrations.connecting.conftest import SECRETS, begin, page, sign_in

pytestmark = pytest.mark.django_db

BAD = {
    "salesforce": {"domain": "fernhill.my", "consumer_key": "key", "consumer_secret": "wrong"},
    "hubspot": {"access_token": "pat-canary-wrong"},
}


def place(connection: Connection, method: str) -> str:
    return reverse("integrations:credentials", args=[connection.name, method])


@pytest.mark.parametrize("kind", ["salesforce", "hubspot"])
def test_refused_credentials_say_so_and_are_kept_nowhere(
    admin: Client, standins: Running, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    connection = begin(admin, kind, standins.base_url)
    method, _ = SECRETS[kind]
    html = page(admin.post(place(connection, method), BAD[kind]), 422)
    assert "That did not work, and nothing was kept." in html
    assert "Enter the credentials again" in html
    assert not Credential.objects.exists()
    assert "wrong" not in html
    assert "wrong" not in caplog.text
    assert not Connection.objects.filter(name__startswith="trial-").exists()


def test_what_is_typed_wrong_is_said_beside_it_and_secrets_are_not_given_back(
    admin: Client, standins: Running
) -> None:
    connection = begin(admin, "salesforce", standins.base_url)
    typed = {"domain": "not a domain", "consumer_key": "key", "username": "u", "private_key": "canary"}
    html = page(admin.post(place(connection, "jwt_bearer"), typed), 422)
    assert "it looks like acme.my" in html
    assert "BEGIN PRIVATE KEY" in html
    assert "canary" not in html
    html = page(admin.post(place(connection, "client_credentials"), {"domain": "acme.my"}), 422)
    assert html.count("This field is required.") == 2


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("acme.my", "acme.my"),
        ("https://acme.my.salesforce.com/", "acme.my"),
        ("ACME--dev.sandbox.my.salesforce.com", "acme--dev.sandbox.my"),
        ("test", "test"),
    ],
)
def test_a_pasted_address_is_understood(typed: str, kept: str) -> None:
    from integrations.connecting.forms import SecretForm

    way = guide.way_of("salesforce", "client_credentials")
    assert way is not None
    form = SecretForm(way, {"domain": typed, "consumer_key": "k", "consumer_secret": "s"})
    assert form.is_valid(), form.errors
    assert form.secret()["domain"] == kept


def test_good_credentials_take_the_place_of_the_old_and_heal_the_connection(
    admin: Client, person: Person, standins: Running
) -> None:
    connection = connect("salesforce", standins.base_url)
    Connection.objects.filter(pk=connection.pk).update(state="broken", state_reason="expired")
    sign_in(admin, connection)
    connection.refresh_from_db()
    assert (connection.state, connection.state_reason) == ("active", "")
    assert connection.account_id
    row = Credential.objects.get()
    assert (row.entered_by, row.verified_at is not None) == (person, True)
    assert connector_for(connection).check().remote_id == connection.account_id


def test_bad_credentials_leave_the_old_ones_in_place(admin: Client, standins: Running) -> None:
    connection = connect("salesforce", standins.base_url)
    before = load_credential(connection)
    page(admin.post(place(connection, "client_credentials"), BAD["salesforce"]), 422)
    assert load_credential(connection) == before
    assert Connection.objects.get(pk=connection.pk).state == "active"


def test_the_credentials_of_another_organisation_are_refused(admin: Client, standins: Running) -> None:
    connection = connect("salesforce", standins.base_url)
    Connection.objects.filter(pk=connection.pk).update(account_id="00Dother", account_name="Old Acme")
    before = load_credential(connection)
    html = page(admin.post(place(connection, "client_credentials"), SECRETS["salesforce"][1]), 422)
    assert "was read from Old Acme" in html
    assert load_credential(connection) == before


@pytest.mark.parametrize("kind", ["salesforce", "hubspot"])
def test_signing_in_at_the_crm_and_back(admin: Client, standins: Running, kind: str, settings: Any) -> None:
    connection = begin(admin, kind, standins.base_url)
    app = {"client_id": "our-app", "client_secret": "only-a-test"} | (
        {"domain": "login"} if kind == "salesforce" else {}
    )
    going = admin.post(place(connection, "oauth"), app)
    assert going["Location"] == reverse("integrations:oauth_go", args=[connection.name])
    html = page(admin.get(going["Location"]))
    address = oauth_address(html, standins)
    assert "only-a-test" not in html
    back = consent(address, "allow")
    assert f"{back.scheme}://{back.netloc}" == settings.SITE_URL
    answer = admin.get(f"{back.path}?{back.query}")
    assert answer["Location"] == reverse("integrations:connection_test", args=[connection.name])
    method, secret = load_credential(connection)
    assert method == oauth.METHOD
    assert secret["refresh_token"]
    assert secret[TOKEN]["access_token"]
    assert connector_for(connection).check().remote_id == Connection.objects.get(pk=connection.pk).account_id
    again = page(admin.get(f"{back.path}?{back.query}", follow=True))
    assert "no sign-in begun in this browser" in again


def test_a_refusal_at_the_crm_comes_back_in_words(admin: Client, standins: Running) -> None:
    connection = begin(admin, "hubspot", standins.base_url)
    admin.post(place(connection, "oauth"), {"client_id": "our-app", "client_secret": "only-a-test"})
    html = page(admin.get(reverse("integrations:oauth_go", args=[connection.name])))
    back = consent(oauth_address(html, standins), "deny")
    shown = page(admin.get(f"{back.path}?{back.query}", follow=True))
    assert "Access was not granted there." in shown
    assert not Credential.objects.exists()


def test_a_code_that_is_not_ours_is_refused(admin: Client, standins: Running) -> None:
    connection = begin(admin, "hubspot", standins.base_url)
    admin.post(place(connection, "oauth"), {"client_id": "our-app", "client_secret": "only-a-test"})
    callback = reverse("integrations:oauth_callback")
    assert "no sign-in begun" in page(admin.get(callback, {"code": "x", "state": "theirs"}, follow=True))
    state = admin.session[oauth.SESSION_KEY]["state"]
    shown = page(admin.get(callback, {"code": "stolen", "state": state}, follow=True))
    assert "HubSpot" in shown
    assert not Credential.objects.exists()


def oauth_address(html: str, standins: Running) -> str:
    start = html.index(f'href="{standins.base_url}') + len('href="')
    return html[start : html.index('"', start)].replace("&amp;", "&")


def consent(address: str, answer: str) -> Any:
    """What a person does on the CRM's page; the address the browser is sent back to."""
    assert requests.get(address, timeout=20).status_code == 200
    parts = urlsplit(address)
    form = dict(parse_qsl(parts.query)) | {"answer": answer}
    sent = requests.post(
        f"{parts.scheme}://{parts.netloc}{parts.path}", data=form, allow_redirects=False, timeout=20
    )
    assert sent.status_code in (302, 303), sent.text
    back = urlsplit(sent.headers["Location"])
    assert parse_qs(back.query)["state"] == parse_qs(parts.query)["state"]
    return back


def test_an_organisation_that_is_connected_twice_is_said(admin: Client, standins: Running) -> None:
    for label in ("First", "Second"):
        connection = begin(admin, "hubspot", standins.base_url, label)
        sign_in(admin, connection)
        tested = reverse("integrations:connection_test", args=[connection.name])
        html = page(admin.post(tested, follow=True))
        assert ("This organisation is connected already." in html) == (label == "Second")


def test_an_address_where_no_crm_is_is_said_in_words(admin: Client, standins: Running) -> None:
    connection = begin(admin, "salesforce", f"{standins.base_url}/nothing-here")
    method, secret = SECRETS["salesforce"]
    shown = page(admin.post(reverse("integrations:credentials", args=[connection.name, method]), secret), 422)
    assert "Salesforce answers nothing at this address (404)" in shown
