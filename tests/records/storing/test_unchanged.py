"""Work is proportional to change: what did not change is neither written nor locked, and goes into no log."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction

from records.incoming import HistoryEntry, IncomingRecord, StoredPage
from records.models import Connection, Event, LinkKey, Record, RecordPayload, Touched
from records.services import store_page
from records.storing import copying
from tests.records.conftest import NOON

Contact = Callable[..., IncomingRecord]
LATER = NOON + timedelta(hours=1)


@pytest.fixture(params=[0, 1000], ids=["by COPY", "in the statement"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "FEW", request.param)


def number_of_transaction() -> int | None:
    """None until the transaction writes or locks a row, or puts anything into the write-ahead log."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id_if_assigned()::text")
        return cursor.fetchone()[0]


def written(model: type) -> int:
    """Rows of which this transaction wrote a version; one deleted and made anew has one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n_tup_upd + greatest(n_tup_ins, n_tup_del) FROM pg_stat_xact_user_tables WHERE relname = %s",
            [model._meta.db_table],
        )
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_sync_that_repeats_unchanged_writes_and_locks_nothing(
    hubspot: Connection, contact: Contact
) -> None:
    entry = HistoryEntry("lifecyclestage", "lead", NOON, "h1")
    page = [
        contact("1", history=(entry,)),
        contact("2", deleted=True),
        contact("3", salesforceleadid="00Q1", company=None),
    ]
    store_page(hubspot, page, now=NOON)
    with transaction.atomic():
        again = [contact("1", history=(entry,), at=LATER), *page[1:]]
        assert store_page(hubspot, again, now=LATER) == StoredPage(read=3, unchanged=3)
        assert number_of_transaction() is None


@pytest.mark.django_db(transaction=True)
def test_the_same_check_sees_a_lock(hubspot: Connection, contact: Contact) -> None:
    store_page(hubspot, [contact()], now=NOON)
    with transaction.atomic():
        list(Record.objects.select_for_update())
        assert number_of_transaction() is not None


def test_records_written_are_the_records_changed(few: None, hubspot: Connection, contact: Contact) -> None:
    store_page(hubspot, [contact(str(n)) for n in range(30)], now=NOON)
    before = {model: written(model) for model in (Record, RecordPayload, Event, LinkKey, Touched)}
    page = [contact(str(n), at=LATER, fleet_size="41" if n in (3, 4) else "40") for n in range(30)]
    assert store_page(hubspot, page, now=LATER) == StoredPage(read=30, changed=2, unchanged=28)
    wrote = {model.__name__: written(model) - number for model, number in before.items()}
    assert wrote == {"Record": 2, "RecordPayload": 2, "Event": 2, "LinkKey": 0, "Touched": 2}


def test_the_same_in_other_words_changes_no_value_and_tells_nobody(
    hubspot: Connection, contact: Contact
) -> None:
    store_page(hubspot, [contact(fleet_size="40")], now=NOON)
    Touched.objects.all().delete()
    other = contact(fleet_size="40.0", at=LATER)
    assert store_page(hubspot, [other], now=LATER) == StoredPage(read=1, unchanged=1)
    assert Event.objects.count() == 1
    assert not Touched.objects.exists()
    # And from now on it is known by its mark.
    before = written(Record)
    store_page(hubspot, [other], now=LATER)
    assert written(Record) == before


def test_a_page_takes_the_same_number_of_statements_whatever_its_size(
    hubspot: Connection, contact: Contact, django_assert_max_num_queries: Callable[..., object]
) -> None:
    for size in (1, 100, 400):
        with django_assert_max_num_queries(30):  # type: ignore[attr-defined]  # pytest-django's fixture
            store_page(hubspot, [contact(f"{size}-{n}") for n in range(size)], now=NOON)
        with django_assert_max_num_queries(30):  # type: ignore[attr-defined]  # pytest-django's fixture
            page = [contact(f"{size}-{n}", at=LATER, company="Other") for n in range(size)]
            store_page(hubspot, page, now=LATER)
