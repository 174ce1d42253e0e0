"""Puller and pusher are killed with -9 at fifty moments: nothing is lost, and nothing is written twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection as database

from integrations import provision
from integrations.models import PullCursor
from integrations.standins.app import Running, running_standins
from records.models import Connection, DesiredField, Event, Record
from tests.integrations.conftest import connect, small_world
from tests.integrations.storm import Plan

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 240
KILLS = 25
SEED = 20261122
REMOTE = {"salesforce": ("Lead", "Gtm_Stage__c", "Email"), "hubspot": ("contacts", "gtm_stage", "email")}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]


@pytest.fixture
def crm(transactional_db: None) -> Iterator[Running]:
    with running_standins(small_world(PEOPLE)) as running:
        running.store.page_rows = 60
        yield running


def connections(crm: Running) -> list[Connection]:
    made = [
        connect(
            kind, crm.base_url, go_live_at=datetime(2026, 1, 1, tzinfo=UTC), is_writing=True, switches=True
        )
        for kind in REMOTE
    ]
    for one in made:
        provision.apply(one, datetime.now(UTC))
    return made


@contextmanager
def storm(plan: Plan) -> Iterator[subprocess.Popen[str]]:
    address = urlsplit(os.environ["DATABASE_URL"])
    name = urlunsplit(address._replace(path=f"/{database.settings_dict['NAME']}"))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integrations.storm", plan.as_argument()],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": name,
            "DJANGO_SETTINGS_MODULE": "gtmops.settings",
            "GTMOPS_CRM_HOSTS": "127.0.0.1",
            # What was sent twice must not be hidden by reading it between the two.
            "GTMOPS_PULL_SECONDS": "100000" if plan.fault == "write again" else "1",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


def is_settled(plan: Plan) -> bool:
    """Everything is read, and written; and the writes were read back, where anything is read again."""
    open_ = DesiredField.objects.exclude(state="in_sync")
    if plan.fault == "write again":
        open_ = DesiredField.objects.filter(sent_at=None)
    is_made = not plan.fault or Path(plan.marker).exists()
    return is_made and not (PullCursor.objects.filter(is_loaded=False).exists() or open_.exists())


def run(crm: Running, plan: Plan) -> list[Connection]:
    """Until the kills are over, everything is read and everything wanted is written."""
    made = connections(crm)
    with storm(plan) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "calm\n"
        deadline = time.monotonic() + 600
        while not is_settled(plan):
            left = Counter(DesiredField.objects.values_list("state", flat=True))
            errors = list(
                PullCursor.objects.exclude(last_error="").values_list("remote_object", "last_error")
            )
            assert time.monotonic() < deadline, f"not settled: {left}, {errors}"
            time.sleep(0.1)
    return made


def faults(crm: Running, made: list[Connection]) -> list[str]:
    """What was lost or done twice, in words; nothing when all is well."""
    found: list[str] = []
    for connection in made:
        name, remote_field, email = REMOTE[connection.kind]
        there = {row.remote_id: row for row in crm.store.all_of(connection.kind, name)}
        held = Record.objects.filter(connection=connection, remote_object=name)
        here = {record.remote_id: record for record in held}
        found += [f"{connection} {i} was lost" for i in sorted(there.keys() - here.keys())]
        for remote_id, record in here.items():
            if record.values["email"] != there[remote_id].fields[email]:
                found.append(f"{connection} {remote_id} differs")
        written = Counter(
            write["remote_id"]
            for write in crm.store.writes(connection.kind, "API")
            if write["object"] == name and remote_field in write["fields"]
        )
        found += [f"{connection} {i} was not written" for i in sorted(here.keys() - written.keys())]
        found += [f"{connection} {i} was written {n} times" for i, n in sorted(written.items()) if n > 1]
        told = Counter(
            Event.objects.filter(connection=connection, kind="baseline").values_list("record", flat=True)
        )
        found += [f"{connection} {i} began {n} times" for i, n in told.items() if n > 1]
    return found


def test_fifty_kills_lose_nothing_and_write_nothing_twice(crm: Running, tmp_path: Path) -> None:
    plan = Plan(datetime.now(UTC).isoformat(), KILLS, SEED, str(tmp_path / "marker"))
    made = run(crm, plan)
    assert faults(crm, made) == []
    assert Record.objects.filter(object="person").count() == 2 * PEOPLE


@pytest.mark.parametrize(
    ("fault", "seen"), [("mark first", "was lost"), ("write again", "was written 2 times")]
)
def test_the_same_test_sees_a_mistake(crm: Running, tmp_path: Path, fault: str, seen: str) -> None:
    begin = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    made = run(crm, Plan(begin, 0, SEED, str(tmp_path / "marker"), fault))
    assert any(seen in text for text in faults(crm, made))
