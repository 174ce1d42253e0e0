"""20,000 changes while we read: ties, late commits, merges, deletes, conversions; then both sides are the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from django.conf import LazySettings

from integrations.budget import Budget
from integrations.models import Difference
from integrations.pull import pull_to_the_end
from integrations.pulling import passes
from integrations.standins.app import Running, running_standins
from records import services
from records.models import Connection, Record
from tests.integrations.changes import OVERLAP_SECONDS, Changes, beginning, connect, during
from tests.integrations.conftest import SECRETS
from tests.integrations.mirrors import compare, differences

pytestmark = pytest.mark.django_db

RECORDS = 600
CHANGES = 10_000
EACH = 100
SEED = 20261122


@pytest.fixture
def quick(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is the changes' own, and no pace is kept: nothing here is about it."""
    settings.GTMOPS = replace(
        settings.GTMOPS,
        salesforce_overlap_seconds=OVERLAP_SECONDS,
        hubspot_overlap_seconds=OVERLAP_SECONDS,
        deletions_seconds=0,
    )
    monkeypatch.setattr(Budget, "take", lambda self, method, path: None)


@pytest.fixture(params=["salesforce", "hubspot"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def crm(kind: str) -> Iterator[Running]:
    with running_standins(beginning(kind, RECORDS)) as running:
        running.store.page_rows = 200
        yield running


def read_through(crm: Running, kind: str, count: int, each: int = EACH) -> tuple[Connection, Changes]:
    """The first load and all readings after it, with changes before each page of them."""
    changes = Changes(crm.store, kind, SEED)
    with during(changes, each, lambda: count):
        connection = connect(kind, crm.base_url, *SECRETS[kind])
        while changes.made < count:
            assert pull_to_the_end(connection) == []
        changes.settle()
        assert pull_to_the_end(connection) == []
    return connection, changes


def test_after_twenty_thousand_changes_both_are_the_same(quick: None, kind: str, crm: Running) -> None:
    connection, changes = read_through(crm, kind, CHANGES)
    assert changes.made == CHANGES
    purged = changes.purged
    assert len(purged) > 10
    left = differences(connection, crm.store, purged)
    # What leaves without a trace only a comparison of all ids can tell.
    assert [text for text in left if "was purged" not in text] == []
    with during(changes, 0, lambda: 0):
        compare(connection)
    assert differences(connection, crm.store, purged) == []
    named = set(Difference.objects.values_list("comparison__remote_object", "remote_id"))
    assert named <= purged
    assert len(named) == len(left)


def test_the_same_test_sees_a_mark_that_passes_late_rows(
    quick: None, kind: str, crm: Running, settings: LazySettings
) -> None:
    settings.GTMOPS = replace(settings.GTMOPS, salesforce_overlap_seconds=0, hubspot_overlap_seconds=0)
    connection, changes = read_through(crm, kind, 800, each=40)
    lost = [text for text in differences(connection, crm.store, changes.purged) if "purged" not in text]
    assert lost


def test_the_same_test_sees_a_page_that_is_passed_over(
    quick: None, kind: str, crm: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, stored = services.store_page, []

    def lose_some(connection: Connection, page: object, *, now: datetime) -> object:
        stored.append(1)
        return real(connection, [] if len(stored) == 3 else page, now=now)  # type: ignore[arg-type]  # as it came

    monkeypatch.setattr(passes, "store_page", lose_some)
    connection, changes = read_through(crm, kind, 0)
    assert any("missing here" in text for text in differences(connection, crm.store, changes.purged))
    with during(changes, 0, lambda: 0):
        compare(connection)
    assert differences(connection, crm.store, changes.purged) == []
    assert Difference.objects.filter(kind="missing_here").exists()
    assert Record.objects.exists()
