"""Signing in opens on what the role came for."""

from __future__ import annotations

import pytest
from django.test import Client

from teams.models import Person


@pytest.mark.parametrize(("role", "home"), [("leader", "/map/"), ("rep", "/"), ("revops_admin", "/")])
def test_each_role_opens_on_its_own_page(db: None, role: str, home: str) -> None:
    Person.objects.create_user("mara@fernhill.example", "a long password", name="Mara Voss", role=role)
    answer = Client().post(
        "/accounts/login/", {"login": "mara@fernhill.example", "password": "a long password"}
    )
    assert (answer.status_code, answer["Location"]) == (302, home)
