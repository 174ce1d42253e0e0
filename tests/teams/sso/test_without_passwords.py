from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from teams.models import Person, Role
from teams.sso import once
from tests.teams.sso.conftest import DANA, SignIn

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_passwords(single_sign_on: object, settings: Any) -> None:
    settings.PASSWORDS = False


def test_no_password_signs_in_and_the_page_has_the_button_only(client: Client, dana: Person) -> None:
    page = client.get(reverse("account_login"))
    assert "Sign in with Fernhill ID" in page.text
    assert 'type="password"' not in page.text
    client.post(reverse("account_login"), {"login": DANA, "password": "a-long-password"})
    assert "_auth_user_id" not in client.session


def test_a_link_of_the_crm_goes_through_without_a_page(client: Client, dana: Person, sign_in: SignIn) -> None:
    there = f"/people/{dana.pk}/"
    assert client.get(there)["Location"] == f"{reverse('oidc_login')}?next={there}"
    assert sign_in(client, DANA, to=there)["Location"] == there
    assert client.get(there).status_code == 200


@pytest.mark.parametrize(
    "route", ["account_reset_password", "account_change_password", "account_set_password"]
)
def test_there_is_no_password_to_set(client: Client, dana: Person, route: str) -> None:
    client.force_login(dana)
    for answer in (client.get(reverse(route)), client.post(reverse(route), {"email": DANA})):
        assert (answer.status_code, answer["Location"]) == (302, reverse("account_login"))
    assert mail.outbox == []
    assert "Change your password" not in client.get(reverse("teams:profile")).text


# --- the way back in ---


@pytest.fixture
def avery(db: None) -> Person:
    return Person.objects.create_user("avery@fernhill.example", name="Avery", role=Role.SYSTEM_ADMIN)


def made_link(capsys: pytest.CaptureFixture[str], email: str = "Avery@fernhill.example") -> str:
    call_command("sign_in_link", email)
    found = re.search(r"http://testserver(/\S+)", capsys.readouterr().out)
    assert found
    return found[1]


def test_a_link_made_on_the_server_signs_a_system_admin_in_once(
    client: Client, avery: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    link = made_link(capsys)
    assert "Sign in as Avery?" in client.get(link).text
    assert "_auth_user_id" not in client.session
    assert client.post(link).status_code == 302
    assert client.session["_auth_user_id"] == str(avery.pk)
    assert Client().post(link).status_code == 404


@pytest.mark.parametrize("change", ["too old", "no longer active", "no longer admin", "made up"])
def test_a_link_that_is_no_good_says_so(
    client: Client,
    avery: Person,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    link = made_link(capsys)
    if change == "too old":
        monkeypatch.setattr(once, "GOOD_FOR_SECONDS", -1)
    elif change == "no longer active":
        Person.objects.update(is_active=False)
    elif change == "no longer admin":
        Person.objects.update(role=Role.REVOPS_ADMIN)
    else:
        link = reverse("sign_in_once", args=[f"{avery.pk}-abc-{'0' * 32}"])
    page = client.post(link)
    assert page.status_code == 404
    assert "no longer works" in page.text
    assert "_auth_user_id" not in client.session


def test_only_an_active_system_admin_gets_one(dana: Person, ines: Person) -> None:
    for email in (DANA, ines.email, "nobody@fernhill.example"):
        with pytest.raises(CommandError):
            call_command("sign_in_link", email)


def test_a_link_dies_with_any_other_sign_in(
    client: Client, avery: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    link = made_link(capsys)
    Person.objects.update(last_login=timezone.now())
    assert client.post(link).status_code == 404
