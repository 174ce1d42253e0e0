from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.test import Client
from django.urls import reverse

from teams import demo
from teams.models import Person, Role
from teams.services import change_email, end_sessions

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXP"
PASSWORD = "a-long-password"


def sign_in(client: Client, email: str = "dana@fernhill.example", password: str = PASSWORD) -> bool:
    client.post(reverse("account_login"), {"login": email, "password": password})
    return "_auth_user_id" in client.session


def code(secret: str = SECRET) -> str:
    return format_hotp_value(hotp_value(secret, next(yield_hotp_counters_from_time())))


@pytest.mark.parametrize("email", ["dana@fernhill.example", "Dana@Fernhill.Example"])
def test_the_email_in_any_case_and_the_password_sign_in(client: Client, dana: Person, email: str) -> None:
    assert sign_in(client, email)


def test_signing_in_gives_the_session_another_id(client: Client, dana: Person) -> None:
    client.get(reverse("account_login"))
    session = client.session
    session["seen"] = 0
    session.save()
    before = session.session_key
    sign_in(client)
    assert client.session.session_key != before


@pytest.mark.parametrize(
    ("email", "password"),
    [("dana@fernhill.example", "wrong-password"), ("nobody@fernhill.example", PASSWORD)],
)
def test_a_wrong_password_and_an_unknown_person_read_the_same(
    client: Client, dana: Person, email: str, password: str
) -> None:
    page = client.post(reverse("account_login"), {"login": email, "password": password})
    assert "The email address and/or password you specified are not correct." in page.text
    assert 'role="alert"' in page.text


def test_after_five_wrong_passwords_even_the_right_one_waits(client: Client, dana: Person) -> None:
    for _ in range(5):
        sign_in(client, password="wrong-password")
    assert not sign_in(client)
    assert sign_in(Client(), "dana@fernhill.example") is False


def test_someone_deactivated_cannot_sign_in_and_loses_the_session(client: Client, dana: Person) -> None:
    assert sign_in(client)
    Person.objects.filter(pk=dana.pk).update(is_active=False)
    assert client.get(reverse("teams:profile")).status_code == 302
    assert not sign_in(Client())


def test_someone_without_a_password_cannot_sign_in(client: Client, db: None) -> None:
    Person.objects.create_user("queue@fernhill.example", name="Inbound queue")
    assert not sign_in(client, "queue@fernhill.example", "")


def test_nobody_signs_up(client: Client, db: None) -> None:
    answer = client.post(
        reverse("account_signup"),
        {"email": "x@fernhill.example", "password1": PASSWORD, "password2": PASSWORD},
    )
    assert answer.status_code == 302
    assert not Person.objects.exists()


def test_the_reset_link_sets_the_password_and_ends_other_sessions(client: Client, dana: Person) -> None:
    other = Client()
    assert sign_in(other)
    client.post(reverse("account_reset_password"), {"email": "dana@fernhill.example"})
    link = re.search(r"http://testserver(/\S+)", str(mail.outbox[0].body))
    assert link
    form = client.get(link[1], follow=True)
    client.post(
        form.request["PATH_INFO"], {"password1": "another-long-one-7", "password2": "another-long-one-7"}
    )
    dana.refresh_from_db()
    assert dana.check_password("another-long-one-7")
    assert other.get(reverse("teams:profile")).status_code == 302


def test_nobody_gets_mail_for_an_unknown_address(client: Client, db: None) -> None:
    page = client.post(reverse("account_reset_password"), {"email": "nobody@fernhill.example"}, follow=True)
    assert "If there is an account with that address" in page.text
    assert mail.outbox == []


def test_an_email_address_that_was_changed_no_longer_signs_in(client: Client, dana: Person) -> None:
    EmailAddress.objects.create(user=dana, email=dana.email, primary=True, verified=True)
    change_email(dana, "Dana.Okwell@fernhill.example")
    assert not sign_in(client)
    assert sign_in(client, "dana.okwell@fernhill.example")


def test_signing_out_everywhere_ends_every_session(client: Client, dana: Person) -> None:
    other = Client()
    assert sign_in(client)
    assert sign_in(other)
    client.post(reverse("teams:sign_out_everywhere"))
    assert [c.get(reverse("teams:profile")).status_code for c in (client, other)] == [302, 302]
    assert end_sessions(dana) == 0


def add_authenticator(person: Person) -> None:
    TOTP.activate(person, SECRET)


def test_the_authenticator_secret_is_kept_encrypted(dana: Person) -> None:
    add_authenticator(dana)
    assert SECRET not in str(Authenticator.objects.values().get())


def test_with_an_authenticator_the_password_alone_is_not_enough(client: Client, dana: Person) -> None:
    add_authenticator(dana)
    assert not sign_in(client)
    client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert "_auth_user_id" not in client.session
    client.post(reverse("mfa_authenticate"), {"code": code()})
    assert "_auth_user_id" in client.session


def test_a_reset_password_does_not_go_round_the_authenticator(client: Client, dana: Person) -> None:
    add_authenticator(dana)
    dana.set_password("another-long-one-7")
    dana.save()
    assert not sign_in(client, password="another-long-one-7")
    assert client.get(reverse("teams:profile")).status_code == 302


@pytest.mark.parametrize("role", Role.values)
def test_admins_get_nowhere_before_they_have_an_authenticator(
    client: Client, dana: Person, settings: object, role: str
) -> None:
    settings.TOTP_REQUIRED_ROLES = ["revops_admin", "system_admin"]  # type: ignore[attr-defined]  # pytest-django's
    Person.objects.filter(pk=dana.pk).update(role=role)
    sign_in(client)
    page, api = client.get(reverse("teams:people")), client.get(reverse("api:me"))
    if role in {"revops_admin", "system_admin"}:
        assert page["Location"] == reverse("mfa_activate_totp")
        assert api.status_code == 403
        client.post(
            f"{reverse('account_reauthenticate')}?next={reverse('mfa_activate_totp')}", {"password": PASSWORD}
        )
        set_up = client.get(reverse("mfa_activate_totp"))
        client.post(reverse("mfa_activate_totp"), {"code": code(set_up.context["form"].secret)})
    assert client.get(reverse("teams:people")).status_code == 200


def test_a_fragment_is_led_to_the_sign_in_page_whole(client: Client, db: None) -> None:
    answer = client.get(reverse("teams:people"), headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (401, reverse("account_login"))


def test_the_demo_shows_its_sign_ins_and_only_the_demo(
    client: Client, dana: Person, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "_sign_ins", [demo.DemoSignIn("SDR (Austin)", dana.email)])
    assert "SDR (Austin)" not in client.get(reverse("account_login")).text
    settings.DEMO = True  # type: ignore[attr-defined]  # pytest-django's fixture
    assert "SDR (Austin)" in client.get(reverse("account_login")).text


def test_the_clock_of_the_page_is_the_viewers(client: Client, dana: Person) -> None:
    Person.objects.filter(pk=dana.pk).update(time_zone="America/Chicago")
    client.force_login(dana)
    assert 'data-zone="America/Chicago"' in client.get(reverse("teams:profile")).text
