from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from teams.models import ApiToken, Person
from teams.tokens import find_token, hash_secret, issue_token, revoke_token
from tests.teams.conftest import NOW

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def test_a_token_is_found_by_its_secret_which_is_kept_nowhere(dana: Person) -> None:
    token, secret = issue_token(dana, name="Export")
    assert find_token(secret, NOW) == token
    stored = ApiToken.objects.values().get()
    assert secret not in map(str, stored.values())
    assert stored["secret_hash"] == hash_secret(secret)


def test_a_token_is_no_good_once_expired_revoked_or_its_person_gone(dana: Person) -> None:
    _, expired = issue_token(dana, name="Expired", expires_at=NOW)
    revoked_token, revoked = issue_token(dana, name="Revoked")
    revoke_token(revoked_token, NOW)
    _, good = issue_token(dana, name="Good", expires_at=NOW + HOUR)
    assert [bool(find_token(secret, NOW)) for secret in (expired, revoked, "gtm_guess", good)] == [
        False,
        False,
        False,
        True,
    ]
    Person.objects.filter(pk=dana.pk).update(is_active=False)
    assert find_token(good, NOW) is None


def test_its_use_is_noted_once_a_minute(dana: Person) -> None:
    token, secret = issue_token(dana, name="Export")
    for seconds, noted in [(0, 0), (30, 0), (61, 61)]:
        find_token(secret, NOW + timedelta(seconds=seconds))
        token.refresh_from_db()
        assert token.last_used_at == NOW + timedelta(seconds=noted)


@pytest.mark.parametrize("scheme", ["Bearer", "Token"])
def test_the_api_says_who_a_token_belongs_to(client: Client, dana: Person, scheme: str) -> None:
    _, secret = issue_token(dana, name="Export")
    answer = client.get(reverse("api:me"), headers={"Authorization": f"{scheme} {secret}"})
    assert answer.status_code == 200
    assert answer.json() == {
        "id": dana.pk,
        "email": "dana@fernhill.example",
        "name": "Dana Okwell",
        "job_title": "",
        "role": "rep",
        "time_zone": "UTC",
        "team": None,
        "business_units": [{"key": "fleet", "name": "Fleet"}],
    }


def test_a_bad_token_is_not_rescued_by_a_session(client: Client, dana: Person) -> None:
    client.force_login(dana)
    assert client.get(reverse("api:me"), headers={"Authorization": "Bearer gtm_wrong"}).status_code == 401


def test_creating_one_shows_the_secret_once(client: Client, dana: Person) -> None:
    client.force_login(dana)
    page = client.post(reverse("teams:token_add"), {"name": "Export", "scope": "write", "days": "30"})
    token = dana.api_tokens.get()
    secret = page.context["secret"]
    assert secret in page.text
    assert find_token(secret, timezone.now()) == token
    assert token.expires_at is not None
    assert secret not in client.get(reverse("teams:profile")).text


def test_revoking_asks_first(client: Client, dana: Person) -> None:
    token, secret = issue_token(dana, name="Export")
    client.force_login(dana)
    address = reverse("teams:token_revoke", args=[token.pk])
    assert "Whatever uses it stops working" in client.get(address).text
    assert find_token(secret, timezone.now())
    client.post(address)
    assert find_token(secret, timezone.now()) is None
