from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from effects.models import Effect, TickBeat
from gtmops import gauges, health


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> health.Registry:
    fresh = health.Registry()
    monkeypatch.setattr(health, "registry", fresh)
    return fresh


def test_it_is_alive_without_asking_any_server(client: Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.content) == (200, b"ok\n")


@pytest.mark.django_db
def test_it_is_ready_once_the_tick_ran(client: Client) -> None:
    gauges.register_gauges()
    assert client.get("/readyz").json()["not_ready"] == {"last_tick_age_seconds": "no reading"}
    TickBeat.objects.create(source="clocks", ran_at=timezone.now())

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["database"] == answer.json()["redis"] == "ok"


@pytest.mark.django_db
def test_an_old_tick_is_named_as_the_reason(client: Client) -> None:
    gauges.register_gauges()
    TickBeat.objects.create(source="clocks", ran_at=timezone.now() - timedelta(seconds=61))

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert list(answer.json()["not_ready"]) == ["last_tick_age_seconds"]


@pytest.mark.django_db
def test_a_gauge_above_its_limit_is_not_ready_and_a_missing_table_does_no_harm(client: Client) -> None:
    def missing() -> float:
        raise DatabaseError("no such table")

    health.register_gauge("missing_rows", missing, help="never there")
    health.register_gauge(
        "lag_seconds", lambda: {"sales": 3.0, "marketing": 90.0}, help="lag", label="connection", limit=60
    )

    answer = client.get("/readyz")

    assert answer.json()["not_ready"] == {"lag_seconds": "above 60"}
    assert answer.json()["missing_rows"] is None


@pytest.mark.django_db
def test_metrics_are_prometheus_text(client: Client) -> None:
    health.register_gauge("lag_seconds", lambda: {'the "big" one': 2.5}, help="How late.", label="connection")

    text = client.get("/metrics").content.decode()

    assert "# TYPE gtmops_lag_seconds gauge\n" in text
    assert 'gtmops_lag_seconds{connection="the \\"big\\" one"} 2.5\n' in text
    assert 'gtmops_up{part="database"} 1\n' in text


def test_two_gauges_of_one_name_are_refused() -> None:
    health.register_gauge("rows", lambda: 1.0, help="some")

    with pytest.raises(ValueError, match="already"):
        health.register_gauge("rows", lambda: 2.0, help="others")


@pytest.mark.django_db
def test_every_number_of_the_rooms_can_be_read_when_nothing_is_there(client: Client) -> None:
    gauges.register_gauges()

    body = client.get("/readyz").json()

    assert body["outbox_oldest_seconds"] is None
    assert body["connection_lag_seconds"] == {}
    assert body["outbox_rows"] == {"pending": 0, "leased": 0, "dead": 0}


@pytest.mark.django_db
def test_the_oldest_effect_still_waiting_is_told(client: Client) -> None:
    gauges.register_gauges()
    for key, state, age in [("a", "done", 900), ("b", "pending", 30), ("c", "leased", 60), ("d", "dead", 90)]:
        Effect.objects.create(
            key=key, channel="email", state=state, created_at=timezone.now() - timedelta(seconds=age)
        )

    body = client.get("/readyz").json()

    assert 60 <= body["outbox_oldest_seconds"] < 75
    assert body["outbox_rows"] == {"pending": 1, "leased": 1, "dead": 1}
