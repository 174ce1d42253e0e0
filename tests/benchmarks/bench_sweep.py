"""Finding what is due by time: among ten thousand running clocks, and among a million; and how soon it is seen."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.benchmarks.database import start_database
from tests.benchmarks.measure import OPTIONS, Result, WrongAnswerError

FEW = 10_000
MANY = 1_000_000
DUE = 1_000
RECORDS = 100_000
GOAL_SECONDS = 5.0
RULE = {
    "name": "First human touch", "sentence": "A person touches it within 1 hour.", "from_team": "marketing",
    "to_team": "sdr", "start": {"stage_entered": "mql"}, "stop": {"touch_by_team": "sdr"}, "target": {"elapsed": "1h"},
    "evidence": ["person", "activity"],
}  # fmt: skip

PEOPLE = """
INSERT INTO records_journey (id, key, title)
SELECT md5('p' || n)::uuid, 'crm:p:' || n, '' FROM generate_series(1, %(n)s) n;
INSERT INTO records_record (id, journey_id, connection_id, object, remote_object, remote_id, title, values, fingerprint,
    seen_at)
SELECT md5('p' || n)::uuid, md5('p' || n)::uuid, %(crm)s, 'person', 'contacts', n::text, 'Person ' || n, '{}', '', now()
FROM generate_series(1, %(n)s) n;
"""
CLOCKS = """
INSERT INTO slas_clock (id, rule_key, rule_id, journey_id, record_id, start_event_id, started_at, due_at, state,
    is_measured_only, has_it, segments, receipt, next_step_at)
SELECT md5('c' || n)::uuid, 'touch', %(rule)s, md5('p' || 1 + n %% %(people)s)::uuid,
    md5('p' || 1 + n %% %(people)s)::uuid, %(event)s, due - interval '1 hour', due, 'running', false, 'receiver', '[]',
    '{"holder": "Sasha Field", "is_exact": true, "because": "", "retargets": [], "stop": null, "read_again": []}',
    due
FROM (SELECT n, %(now)s::timestamptz + CASE WHEN n <= %(due)s THEN -interval '1 second' * n
    ELSE interval '1 day' + interval '1 millisecond' * abs(hashint4(n)::bigint %% 86400000) END due
    FROM generate_series(1, %(n)s) n) told
"""


def compare() -> list[Result]:
    start_database()
    many = int(OPTIONS.get("records", MANY))
    ways: dict[str, Callable[[datetime], int]] = {
        f"find {DUE:,} due": _find,
        f"find {DUE:,} with a step due": _find_steps,
        f"claim {DUE:,} with a step due and touch their records": _claim_steps,
        f"claim {DUE:,} due": _mark,
        f"claim {DUE:,} due and ask for their evidence": _claim,
    }
    now = datetime.now(UTC)
    taken: dict[int, dict[str, float]] = {}
    for running in (FEW, many):
        began = time.perf_counter()
        fill_clocks(running, DUE, now)
        sys.stderr.write(f"{running:,} running clocks made in {time.perf_counter() - began:.1f} s\n")
        taken[running] = {what: _best(act, now) for what, act in ways.items()}
        for what, seconds in taken[running].items():
            sys.stderr.write(f"  {what}: {seconds * 1e3:.2f} ms\n")
    results = [
        Result(f"{what} among {many:,}", taken[many][what], f"among {FEW:,}", taken[FEW][what], 1 / 1.5)
        for what in ways
    ]
    delays = sorted(seen_after(due=2_000, over_seconds=20.0))
    p95 = delays[int(len(delays) * 0.95)]
    return [*results, Result(f"a breach among {many:,} is seen (p95)", p95, "the goal", GOAL_SECONDS, 1)]


def fill_clocks(running: int, due: int, now: datetime) -> None:
    """Replace all clocks by ``running`` ones, ``due`` of them due in the seconds before ``now``, the others spread over
    the day after tomorrow; each also has a step due then."""
    from django.db import connection

    from definitions.models import Version
    from records.models import Connection, Event, Record

    crm, _ = Connection.objects.get_or_create(
        name="crm",
        defaults={"label": "CRM", "kind": "hubspot", "go_live_at": datetime(2025, 1, 1, tzinfo=UTC)},
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE slas_clock, slas_noticeddue, records_refreshrequest, records_touched CASCADE"
        )
        # The rows are right; checking a million of them against five tables takes longer than what is measured.
        cursor.execute("SET session_replication_role = replica")
        if not Record.objects.filter(remote_object="contacts", connection=crm).exists():
            cursor.execute(PEOPLE, {"n": RECORDS, "crm": crm.pk})
        rule, _ = Version.objects.get_or_create(
            section="sla_rules",
            key="touch",
            number=1,
            defaults={"body": RULE, "state": "signed", "effective_from": datetime(2025, 1, 1, tzinfo=UTC)},
        )
        start, _ = Event.objects.get_or_create(
            connection=crm,
            external_key="start",
            defaults={"kind": "change", "record": Record.objects.order_by("pk")[0], "occurred_at": now},
        )
        told = {"rule": rule.pk, "event": start.pk, "people": RECORDS, "now": now, "due": due, "n": running}
        cursor.execute(CLOCKS, told)
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("VACUUM ANALYZE slas_clock")
        cursor.execute("VACUUM ANALYZE records_record")


def seen_after(*, due: int, over_seconds: float) -> list[float]:
    """Seconds from the due time to the moment the tick saw it, of ``due`` running clocks that fall due in the next
    ``over_seconds``; by the tick as it runs in production, on the clocks that are there."""
    from django.db import connection

    from effects import tick
    from records.models import Event
    from slas.kinds import CLOCK_DUE

    source = tick.tick_sources()["clocks"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE slas_clock SET state = 'paused' WHERE due_at <= now()")
        begin = datetime.now(UTC) + timedelta(seconds=2)
        cursor.execute(
            "WITH chosen AS (SELECT id, row_number() OVER () n FROM slas_clock WHERE state = 'running' LIMIT %s) "
            "UPDATE slas_clock c SET due_at = %s::timestamptz + interval '1 second' * chosen.n * %s / %s "
            "FROM chosen WHERE c.id = chosen.id",
            [due, begin, over_seconds, due],
        )
    before = Event.objects.filter(kind=CLOCK_DUE).count()
    stop = threading.Event()
    thread = threading.Thread(target=tick._loop, args=(source, stop), daemon=True)
    thread.start()
    deadline = time.monotonic() + over_seconds + 60
    while Event.objects.filter(kind=CLOCK_DUE).count() < before + due and time.monotonic() < deadline:
        time.sleep(0.5)
    stop.set()
    thread.join()
    rows = Event.objects.filter(kind=CLOCK_DUE, occurred_at__gte=begin).values_list(
        "occurred_at", "observed_at"
    )
    delays = [(seen - at).total_seconds() for at, seen in rows]
    if len(delays) != due:
        raise WrongAnswerError(f"{len(delays):,} of {due:,} were seen")
    return delays


# --- the ways --------------------------------------------------------------------------------------------------


def _best(act: Callable[[datetime], int], now: datetime, rounds: int = 5) -> float:
    """Seconds of the best round; each is rolled back."""
    from django.db import transaction

    best = float("inf")
    for _ in range(rounds):
        with transaction.atomic():
            began = time.perf_counter()
            found = act(now)
            best = min(best, time.perf_counter() - began)
            transaction.set_rollback(True)
        if found != DUE:
            raise WrongAnswerError(f"{found:,} found, {DUE:,} are due")
    return best


def _find(now: datetime) -> int:
    return _count("state = 'running' AND due_at <= %s ORDER BY due_at, id", now)


def _find_steps(now: datetime) -> int:
    return _count("next_step_at <= %s ORDER BY next_step_at", now)


def _count(which: str, now: datetime) -> int:
    """What the claims look for and use inside one statement: it is found in PostgreSQL and not handed over."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT id FROM slas_clock WHERE {which} LIMIT {DUE}) found", [now]
        )
        return int(cursor.fetchone()[0])


def _mark(now: datetime) -> int:
    from slas.due import claim

    return len(claim(now)) + len(claim(now))


def _claim(now: datetime) -> int:
    from slas.due import due_clocks

    return due_clocks(now) + due_clocks(now)


def _claim_steps(now: datetime) -> int:
    from slas.escalation import due_steps

    return due_steps(now) + due_steps(now)
