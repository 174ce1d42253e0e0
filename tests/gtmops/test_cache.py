"""The cache while its server is away, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import BaseCache, cache, caches
from django.test import Client
from django.urls import reverse
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from gtmops.cache import ForgivingCache
from teams.models import BusinessUnit, Person, Role

PASSWORD = "a-long-password"


@pytest.fixture
def away(settings: Any, tmp_path: Path) -> BaseCache:
    """The cache's server is gone: nobody listens at its socket."""
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": f"unix://{tmp_path / 'gone.sock'}?db=1"}
    }
    return caches["default"]


@pytest.fixture
def ines(db: None) -> Person:
    unit = BusinessUnit.objects.create(key="fleet", name="Fleet")
    person = Person.objects.create_user(
        "ines@fernhill.example", PASSWORD, name="Ines Kalderon", role=Role.REVOPS_ADMIN
    )
    person.business_units.add(unit)
    return person


ANSWERS: list[tuple[str, Callable[[BaseCache], Any], Any]] = [
    ("get", lambda c: c.get("k"), None),
    ("get with a default", lambda c: c.get("k", 7), 7),
    ("get_many", lambda c: c.get_many(["k", "l"]), {}),
    ("get_or_set", lambda c: c.get_or_set("k", lambda: 3), 3),
    ("has_key", lambda c: "k" in c, False),
    ("set", lambda c: c.set("k", 1), None),
    ("set_many", lambda c: c.set_many({"k": 1}), ["k"]),
    ("add", lambda c: c.add("k", 1), True),
    ("touch", lambda c: c.touch("k"), False),
    ("delete", lambda c: c.delete("k"), False),
    ("delete_many", lambda c: c.delete_many(["k"]), None),
    ("clear", lambda c: c.clear(), None),
]


@pytest.mark.parametrize(("call", "answer"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_it_is_an_empty_cache_while_its_server_is_away(
    away: BaseCache, call: Callable[[BaseCache], Any], answer: Any
) -> None:
    assert call(away) == answer


def test_a_count_that_is_not_there_is_told_as_django_tells_it(away: BaseCache) -> None:
    with pytest.raises(ValueError, match="not found"):
        away.incr("k")


def test_an_outage_is_logged_once_and_the_server_is_left_alone_for_a_while(away: BaseCache) -> None:
    with capture_logs() as logs:
        for _ in range(5):
            away.get("k")

    assert [line["event"] for line in logs] == ["cache_away"]


def test_only_a_ping_raises(away: BaseCache) -> None:
    assert isinstance(away, ForgivingCache)

    with pytest.raises(RedisError):
        away.ping()


def test_with_its_server_it_keeps_what_it_is_given() -> None:
    cache.set("kept", 1)

    assert cache.incr("kept", 2) == 3
    assert cache.get_many(["kept"]) == {"kept": 3}
    assert (cache.add("kept", 9), cache.delete("kept"), cache.get("kept")) == (False, True, None)


def test_clearing_forgets_ours_and_leaves_another_installation_alone(settings: Any) -> None:
    mine = settings.CACHES["default"]
    settings.CACHES = {
        "default": {**mine, "KEY_PREFIX": f"{mine['KEY_PREFIX']}-a[b]"},
        "other": {**mine, "KEY_PREFIX": f"{mine['KEY_PREFIX']}-ab"},
    }
    caches["default"].set("k", 1)
    caches["other"].set("k", 2)

    caches["default"].clear()

    assert (caches["default"].get("k"), caches["other"].get("k")) == (None, 2)


@pytest.mark.django_db
def test_people_sign_in_and_every_page_answers_while_redis_is_away(
    client: Client, ines: Person, away: BaseCache
) -> None:
    wrong = client.post(reverse("account_login"), {"login": ines.email, "password": "wrong-password"})
    client.post(reverse("account_login"), {"login": ines.email, "password": PASSWORD})
    answers = {
        path: client.get(path, follow=True).status_code
        for path in ("/", "/records/", "/map/", "/handoffs/", "/api/v1/records/", "/api/v1/handoffs/")
    }

    assert wrong.status_code == 200
    assert answers == dict.fromkeys(answers, 200)
    assert client.get("/readyz").json()["redis"] == "ConnectionError"
