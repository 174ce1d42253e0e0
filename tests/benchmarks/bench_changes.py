"""A million changes in the stand-in CRMs while they are read: in the end both sides are the same, field by field."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.benchmarks.database import start_database
from tests.benchmarks.measure import OPTIONS, Result, WrongAnswerError

if TYPE_CHECKING:
    from tests.integrations.changes import Changes

CHANGES = 1_000_000
MOST_RECORDS = 20_000
CHANGES_OF_A_RECORD = 10  # of few changes, so that most of them come after the first load
EACH = {"salesforce": 200, "hubspot": 100}
"""Changes before each answer with data; of HubSpot a page of changed records takes five."""
NIGHTS = 5
SEED = 2026
GOAL_SECONDS = 1_200.0
TOLD_SECONDS = 10.0
MIRROR = "records_record, records_event, records_linkkey, records_recordpayload, integrations_listedid"


def compare() -> list[Result]:
    start_database()
    changes = int(OPTIONS.get("changes", CHANGES))
    return [_read_through(kind, changes // 2) for kind in ("salesforce", "hubspot")]


def _read_through(kind: str, count: int) -> Result:
    """Read as ever, with changes before every page; in each night the comparison, which repairs what was purged. When
    all are made, once more both."""
    from django.conf import settings

    from integrations.budget import Budget
    from integrations.pull import pull_to_the_end
    from integrations.standins.app import running_standins
    from tests.integrations.changes import OVERLAP_SECONDS, Changes, beginning, connect, during
    from tests.integrations.conftest import SECRETS
    from tests.integrations.mirrors import compare as compare_at_night
    from tests.integrations.mirrors import likeness

    told, pace = settings.GTMOPS, Budget.take
    settings.GTMOPS = replace(
        told,
        salesforce_overlap_seconds=OVERLAP_SECONDS,
        hubspot_overlap_seconds=OVERLAP_SECONDS,
        deletions_seconds=0,
    )
    # Time is the changes' own; and no stand-in needs to be spared.
    Budget.take = lambda self, method, path: None  # type: ignore[method-assign]
    try:
        began = time.perf_counter()
        with running_standins(beginning(kind, min(MOST_RECORDS, count // CHANGES_OF_A_RECORD))) as running:
            running.store.page_rows = 2_000
            changes = Changes(running.store, kind, SEED)
            until = 0
            with during(changes, EACH[kind], lambda: until), _telling(changes), _vacuuming():
                connection = connect(kind, running.base_url, *SECRETS[kind])
                for night in range(1, NIGHTS + 1):
                    until = count * night // NIGHTS
                    while changes.made < until:
                        _expect_none(pull_to_the_end(connection))
                    # What is merged and unread would look gone, and the comparison holds back where much does.
                    _expect_none(pull_to_the_end(connection))
                    compare_at_night(connection)
                changes.settle()
                _expect_none(pull_to_the_end(connection))
                compare_at_night(connection)
            taken = time.perf_counter() - began
            found = likeness(connection, running.store, changes.purged)
            sys.stderr.write(
                f"  {kind}: {changes.made:,} changes, {len(changes.purged):,} purged, read in {taken:,.0f} s;"
                f" {found.records:,} records compared, {len(found.differences):,} differ\n"
            )
            _expect_none(found.differences)
            # Other benchmarks want the name.
            type(connection).objects.filter(pk=connection.pk).update(name=f"{kind}-changes")
    finally:
        settings.GTMOPS, Budget.take = told, pace  # type: ignore[method-assign]
    what = f"{changes.made:,} changes in {kind}, {found.records:,} records the same"
    return Result(what, taken, f"the goal for {CHANGES // 2:,}", GOAL_SECONDS, 1)


def _expect_none(faults: list[str]) -> None:
    if faults:
        raise WrongAnswerError(f"{len(faults):,} differences, the first: {faults[0]}")


@contextmanager
def _telling(changes: Changes) -> Iterator[None]:
    """Say every ten seconds how far it is."""
    began, made = time.perf_counter(), 0

    def tell() -> None:
        nonlocal made
        seconds, rate = time.perf_counter() - began, (changes.made - made) / TOLD_SECONDS
        made = changes.made
        sys.stderr.write(f"  {changes.kind}: {made:,} changes, {seconds:,.0f} s, {rate:,.0f} a second\n")

    with _beside(tell, TOLD_SECONDS, TOLD_SECONDS):
        yield


@contextmanager
def _vacuuming() -> Iterator[None]:
    """What autovacuum does in an installation; the throw-away server has it off."""
    from django.db import connection

    def vacuum() -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"VACUUM (ANALYZE) {MIRROR}")
        connection.close()

    with _beside(vacuum, 1, 60):
        yield


@contextmanager
def _beside(act: Callable[[], None], first_seconds: float, most_seconds: float) -> Iterator[None]:
    """In a thread, first after ``first_seconds``, then after twice as long each time up to ``most_seconds``."""
    is_over = threading.Event()

    def go_on() -> None:
        pause = first_seconds
        while not is_over.wait(pause):
            act()
            pause = min(most_seconds, pause * 2)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
