"""A million changes in the stand-in CRMs while they are read: in the end both sides are the same, field by field."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

from tests.benchmarks.database import start_database
from tests.benchmarks.measure import OPTIONS, Result, WrongAnswerError

CHANGES = 1_000_000
RECORDS = 20_000
EACH = 4_000
SEED = 2026
GOAL_SECONDS = 1_800.0


def compare() -> list[Result]:
    start_database()
    changes = int(OPTIONS.get("changes", CHANGES))
    return [_read_through(kind, changes // 2) for kind in ("salesforce", "hubspot")]


def _read_through(kind: str, count: int) -> Result:
    """Read as ever, with changes before every page, until all are made; then once more."""
    from django.conf import settings

    from integrations.budget import Budget
    from integrations.pull import pull_to_the_end
    from integrations.standins.app import running_standins
    from tests.integrations.changes import OVERLAP_SECONDS, Changes, beginning, connect, differences, during
    from tests.integrations.conftest import SECRETS

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
        with running_standins(beginning(kind, min(RECORDS, count))) as running:
            running.store.page_rows = 2_000
            changes = Changes(running.store, kind, SEED, with_purges=False)
            with during(changes, EACH, lambda: count):
                connection = connect(kind, running.base_url, *SECRETS[kind])
                while changes.made < count:
                    _expect_none(pull_to_the_end(connection))
                    sys.stderr.write(
                        f"  {kind}: {changes.made:,} changes, {time.perf_counter() - began:.0f} s\n"
                    )
                changes.settle()
                _expect_none(pull_to_the_end(connection))
            taken = time.perf_counter() - began
            _expect_none(differences(connection, running.store, changes.purged))
            # Other benchmarks want the name.
            type(connection).objects.filter(pk=connection.pk).update(name=f"{kind}-changes")
    finally:
        settings.GTMOPS, Budget.take = told, pace  # type: ignore[method-assign]
    return Result(f"{count:,} changes in {kind}, read and the same", taken, "the goal for both", GOAL_SECONDS)


def _expect_none(faults: list[str]) -> None:
    if faults:
        raise WrongAnswerError(f"{len(faults):,} differences, the first: {faults[0]}")
