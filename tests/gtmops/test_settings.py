from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from gtmops.settings import redis_urls
from gtmops.tuning import Tuning, TuningError

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set. Set it, or start the embedded servers"),
        ({"REDIS_URL": ""}, "REDIS_URL is not set."),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set. Set it to 50 or more random characters"),
        ({"GTMOPS_ENCRYPTION_KEYS": ""}, "GTMOPS_ENCRYPTION_KEYS is not set. Make one with"),
        ({"DATABASE_URL": "sqlite:///db"}, "DATABASE_URL must name a PostgreSQL"),
        ({"REDIS_URL": "memcached://x"}, "REDIS_URL must look like"),
        ({"GTMOPS_PULL_SECONDS": "soon"}, "GTMOPS_PULL_SECONDS must be a number above 0, not 'soon'"),
    ],
)
def test_a_wrong_setting_is_said_with_its_remedy(variables: dict[str, str], told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import gtmops.settings"],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert told in done.stderr


@pytest.mark.parametrize(
    ("url", "broker", "cache"),
    [
        ("redis://redis:6379", "redis://redis:6379/0", "redis://redis:6379/1"),
        ("rediss://:secret@host:1/9", "rediss://:secret@host:1/0", "rediss://:secret@host:1/1"),
        ("unix:///run/v.sock", "redis+socket:///run/v.sock?virtual_host=0", "unix:///run/v.sock?db=1"),
    ],
)
def test_one_redis_serves_broker_and_cache_in_two_databases(url: str, broker: str, cache: str) -> None:
    assert redis_urls(url) == (broker, cache)


def test_an_address_without_a_host_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured):
        redis_urls("redis://")


def test_every_figure_can_be_set_and_all_faults_are_named_at_once() -> None:
    assert Tuning.from_environ({"GTMOPS_PULL_SECONDS": "2.5", "GTMOPS_TICK_BATCH": "7"}) == Tuning(
        pull_seconds=2.5, tick_batch=7
    )
    with pytest.raises(
        TuningError, match=r"GTMOPS_TICK_BATCH must be a whole number.*GTMOPS_LEASE_SECONDS must be"
    ):
        Tuning.from_environ({"GTMOPS_TICK_BATCH": "7.5", "GTMOPS_LEASE_SECONDS": "-1"})


def test_a_lease_outlives_the_request_it_covers() -> None:
    with pytest.raises(TuningError, match="GTMOPS_LEASE_SECONDS must be greater"):
        Tuning.from_environ({"GTMOPS_LEASE_SECONDS": "30", "GTMOPS_HTTP_TOTAL_SECONDS": "30"})


def test_celery_only_rings() -> None:
    from gtmops.celery import app

    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    assert app.conf.task_ignore_result
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_time_limit < app.conf.broker_transport_options["visibility_timeout"]
    assert app.conf.timezone == "UTC"
    assert [entry["task"] for entry in app.conf.beat_schedule.values()] == ["gtmops.tasks.tick"]
    assert app.conf.beat_schedule["tick"]["schedule"] == settings.GTMOPS.tick_seconds


@pytest.mark.parametrize("path", ["/healthz", "/nowhere-at-all", "/static/app.css"])
@pytest.mark.django_db
def test_the_strict_headers_stand_on_every_response(client: Client, path: str) -> None:
    answer = client.get(path)
    policy = answer["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "object-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_an_answer_carries_the_id_of_its_request(client: Client) -> None:
    assert (
        client.get("/healthz", headers={"x-request-id": "proxy-0815-4711"})["X-Request-ID"]
        == "proxy-0815-4711"
    )
    assert "<" not in client.get("/healthz", headers={"x-request-id": "<script>"})["X-Request-ID"]
