"""A hundred times kill -9 among two tickers and two workers: each breach once, each step once, nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection, transaction

from effects.models import Effect, InboxMessage
from records.incoming import IncomingRecord
from records.kinds import VERIFIED
from records.models import Event, Touched
from records.services import store_page
from slas.models import Clock, TakenStep
from tests.slas.builders import RULES, austin
from tests.slas.conftest import House
from tests.slas.storm import Plan

ROOT = Path(__file__).resolve().parents[2]
NOON = austin("Thu 12:00")
KILLS = 100
LEADS = 12
SEED = 20261122
SETTINGS = {
    # Small bites and short leases, so that a kill hits work that is under way and the next takes it over soon.
    "GTMOPS_TICK_BATCH": "4",
    "GTMOPS_PIPELINE_BATCH": "2",
    "GTMOPS_LEASE_SECONDS": "1",
    "GTMOPS_HTTP_TOTAL_SECONDS": "0.5",
    "GTMOPS_EFFECT_ATTEMPTS": "1000",
    "GTMOPS_POSTPONE_SECONDS": "1",
}
LATE = ("breached", "after1")


def steps(*moments: object) -> list[dict[str, object]]:
    return [{"when": when, "to": ["owner", "manager"], "by": ["inbox", "crm_task"]} for when in moments]


@pytest.fixture
def storm_house(transactional_db: None) -> House:
    """Leads become MQL between eleven and a few seconds past: late from noon on by one rule, and by the other half
    way through their time."""
    return House()


def leads(house: House, number: int, apart: timedelta) -> None:
    for key, target, moments in (
        ("touch", "1h", ("breached", {"after": "1s"})),
        ("slow", "2h", ({"at": "50%"},)),
    ):
        body = {**RULES["touch"], "name": key, "target": {"elapsed": target}, "escalate": steps(*moments)}
        house.publish("sla_rules", key, body, since=austin("Mon 00:00"))
    began = austin("Thu 11:00")
    for stage, at, learned in (
        ("lead", began - timedelta(hours=1), began - timedelta(hours=1)),
        ("mql", began, NOON - timedelta(seconds=1)),
    ):
        rows = [
            IncomingRecord(
                "contacts", str(100 + n),
                {"company": f"Kestrel {n}", "stage": stage, "owner": "sasha", "business_unit": None},
                modified_at=at + n * apart, created_at=at + n * apart,
            )
            for n in range(number)
        ]  # fmt: skip
        with transaction.atomic():
            store_page(
                house.hubspot, rows, now=learned + (number * apart if stage == "lead" else timedelta())
            )
        house.conclude(NOON - timedelta(seconds=1))
    assert set(Clock.objects.filter(rule_key__in=["touch", "slow"]).values_list("state", flat=True)) == {
        "running"
    }


@contextmanager
def storm(plan: Plan) -> Iterator[subprocess.Popen[str]]:
    address = urlsplit(os.environ["DATABASE_URL"])
    database = urlunsplit(address._replace(path=f"/{connection.settings_dict['NAME']}"))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.slas.storm", plan.as_argument()],
        cwd=ROOT,
        env={**os.environ, **SETTINGS, "DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "gtmops.settings"},
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


def is_settled() -> bool:
    return not (
        Touched.objects.exists()
        or Effect.objects.filter(state__in=["pending", "leased"]).exists()
        or Clock.objects.filter(rule_key="touch").exclude(state="breached").exists()
        or Clock.objects.filter(next_step_at__isnull=False).exists()
    )


def run(plan: Plan) -> None:
    """Until the kills are over and nothing is left to do."""
    with storm(plan) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "calm\n"
        deadline = time.monotonic() + 300
        quiet = 0
        while quiet < 3:
            quiet = quiet + 1 if is_settled() else 0
            assert time.monotonic() < deadline, f"not settled: {faults(plan)}"
            time.sleep(0.1)


def faults(plan: Plan) -> list[str]:
    """What was lost or done twice, in words; nothing when all is well."""
    found: list[str] = []
    people = 2
    clocks = {str(pk): key for pk, key in Clock.objects.values_list("pk", "rule_key")}
    for pk, key in clocks.items():
        if key not in ("touch", "slow"):
            continue
        wanted = LATE if key == "touch" else ("at50",)
        taken = Counter(TakenStep.objects.filter(clock_id=pk).values_list("step", flat=True))
        if taken != Counter(wanted):
            found.append(f"{key} {pk}: steps {dict(taken)}")
        told = Counter(
            (e.key.split(":")[2].partition("@")[0], e.channel)
            for e in Effect.objects.filter(key__startswith=f"clock:{pk}:")
        )
        if told != Counter({(step, by): people for step in wanted for by in ("inbox", "crm_task")}):
            found.append(f"{key} {pk}: effects {dict(told)}")
        asked = Event.objects.filter(kind="clock.due", data__clock=pk).count()
        if asked != (key == "touch"):
            found.append(f"{key} {pk}: asked for evidence {asked} times")
    if Effect.objects.exclude(state="done").exists():
        found.append(f"{Effect.objects.exclude(state='done').count()} effects are not done")
    inbox = Counter(InboxMessage.objects.values_list("key", flat=True))
    wanted_keys = set(Effect.objects.filter(channel="inbox").values_list("key", flat=True))
    if set(inbox) != wanted_keys or max(inbox.values(), default=1) > 1:
        found.append(f"{len(inbox)} messages in inboxes for {len(wanted_keys)} effects")
    return found + sink_faults(plan)


def sink_faults(plan: Plan) -> list[str]:
    """The receiver has each message, and one copy more at most for each death between its taking and our commit."""
    copies = Counter(Path(plan.sink).read_text().split()) if Path(plan.sink).exists() else Counter()
    rows = dict(Effect.objects.filter(channel="crm_task").values_list("key", "may_be_repeated"))
    found = [f"{key} never arrived" for key in rows if not copies[key]]
    found += [f"{key} arrived unasked" for key in copies if key not in rows]
    found += [
        f"{key} arrived {n} times, and we don't say so"
        for key, n in copies.items()
        if n > 1 and not rows.get(key)
    ]
    more = copies.total() - len(copies)
    return [*found, f"{more} copies more than messages"] if more > plan.kills else found


@pytest.mark.timeout(900)
def test_a_hundred_kills_lose_and_double_nothing(storm_house: House, tmp_path: Path) -> None:
    leads(storm_house, LEADS, apart=timedelta(milliseconds=350))
    plan = Plan((NOON - timedelta(seconds=0.5)).isoformat(), str(tmp_path / "sink"), KILLS, SEED)
    run(plan)
    assert faults(plan) == []
    assert Event.objects.filter(kind=VERIFIED).count() == LEADS
    breached = Clock.objects.filter(rule_key="touch")
    assert all(c.breached_at == c.due_at for c in breached)


@pytest.mark.timeout(900)
def test_the_same_test_sees_who_is_told_only_after_the_commit(storm_house: House, tmp_path: Path) -> None:
    leads(storm_house, 2, apart=timedelta(milliseconds=100))
    plan = Plan(
        (NOON - timedelta(seconds=0.2)).isoformat(),
        str(tmp_path / "sink"),
        0,
        SEED,
        fault="tell after commit",
    )
    run(plan)
    assert any("effects" in fault for fault in faults(plan))
