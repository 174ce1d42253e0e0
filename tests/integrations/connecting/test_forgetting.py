"""Values nobody can know any longer: forgotten by a run that may be killed, and before anything is read anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from integrations import forgetting
from integrations.connecting.remapping import remap, unmap
from integrations.forgetting import FORGETTING_LOCK, ask_to_forget, forget_due, forget_first
from integrations.models import Run
from records.incoming import IncomingRecord
from records.kinds import FIELD_LOST
from records.models import Connection, Event, FieldMapping, Record
from records.services import store_page
from tests.integrations.connecting.conftest import page
from tests.records.conftest import NOON, contact, hubspot

__all__ = ["contact", "hubspot"]
pytestmark = pytest.mark.django_db

Contact = Callable[..., IncomingRecord]
LATER = NOON + timedelta(hours=1)
SEVEN = [str(n) for n in range(101, 108)]


@pytest.fixture
def held(hubspot: Connection, contact: Contact, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """Seven records that know their fleet; three are forgotten at a time."""
    store_page(hubspot, [contact(key) for key in SEVEN], now=NOON)
    monkeypatch.setattr(forgetting, "BATCH", 3)
    return hubspot


def knowing() -> int:
    return Record.objects.filter(values__has_key="fleet_size").count()


def asked(connection: Connection) -> Run:
    asked = ask_to_forget(connection, "contacts", ["fleet_size"], LATER)
    assert asked is not None
    return asked.run


def to_the_end() -> int:
    batches = 0
    while forget_due(LATER):
        batches += 1
    return batches


def test_asking_changes_no_record_and_batches_do(held: Connection) -> None:
    run = asked(held)
    assert knowing() == 7
    forget_due(LATER)
    run.refresh_from_db()
    assert (knowing(), run.done, run.total, run.state) == (4, 3, 7, "running")
    to_the_end()
    run.refresh_from_db()
    assert (knowing(), run.done, run.state, run.counts["forgotten"]) == (0, 7, "done", 7)
    assert forget_due(LATER) == 0


@pytest.mark.parametrize("survived", range(5))
def test_a_run_that_is_killed_in_a_batch_goes_on_and_tells_nothing_twice(
    held: Connection, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    run, whole = asked(held), forgetting.save_progress
    for _ in range(survived):
        forget_due(LATER)

    def die(row: Run, now: datetime) -> None:
        raise KeyboardInterrupt

    before = knowing()
    monkeypatch.setattr(forgetting, "save_progress", die)
    if survived < 4:  # the fourth found nothing more to forget and ended the run
        with pytest.raises(KeyboardInterrupt):
            forget_due(LATER)
    monkeypatch.setattr(forgetting, "save_progress", whole)
    assert knowing() == before
    to_the_end()
    run.refresh_from_db()
    assert (knowing(), run.done, run.state) == (0, 7, "done")
    assert Event.objects.filter(kind=FIELD_LOST, field="fleet_size", occurred_at=LATER).count() == 7


def test_what_was_under_way_when_it_was_asked_for_is_forgotten_too(held: Connection) -> None:
    asked(held)
    forget_due(LATER)
    first = Record.objects.order_by("pk").first()
    assert first is not None
    Record.objects.filter(pk=first.pk).update(values={**first.values, "fleet_size": 40})
    to_the_end()
    assert knowing() == 0


def test_what_is_read_anew_waits_for_it(held: Connection, contact: Contact) -> None:
    asked(held)
    forget_first(held, "contacts", gone=())
    assert knowing() == 0
    store_page(held, [contact("101")], now=LATER + timedelta(minutes=1))
    assert to_the_end() == 0
    assert knowing() == 1


def test_nothing_waits_for_a_field_that_is_not_read(held: Connection) -> None:
    asked(held)
    forget_first(held, "contacts", gone={"fleet_size"})
    forget_first(held, "deals", gone=())
    assert knowing() == 7


def test_pages_show_how_far_it_is(admin: Client, held: Connection) -> None:
    unmap(FieldMapping.objects.get(remote_name="fleet_size"), LATER)
    run = Run.objects.get(kind=Run.Kind.RECALCULATE)
    pages: list[Any] = [
        reverse("integrations:connection", args=[held.name]),
        reverse("integrations:changed_fields", args=[held.name]),
    ]
    href = reverse("integrations:run", args=[run.pk])
    for address in pages:
        assert href in page(admin.get(address))
    forget_due(LATER)
    shown = page(admin.get(href))
    assert "Not known any longer in contacts: “fleet_size”" in shown
    assert "3 of 7" in " ".join(shown.replace("<strong>", "").replace("</strong>", "").split())
    to_the_end()
    for address in pages:
        assert href not in page(admin.get(address))
    assert "Values not known any longer" in page(admin.get(href))


def test_who_asks_again_joins_the_run_that_is_at_work(held: Connection) -> None:
    """What was told since the first asking is lost at the second, in every record, and the run counts them all."""
    run = asked(held)
    forget_due(LATER)
    first = Record.objects.order_by("pk").first()
    assert first is not None
    Record.objects.filter(pk=first.pk).update(values={**first.values, "fleet_size": 55})
    later = LATER + timedelta(minutes=5)
    again = ask_to_forget(held, "contacts", ["fleet_size"], later)
    assert again is not None
    assert (again.run.pk, again.is_joined) == (run.pk, True)
    to_the_end()
    run.refresh_from_db()
    assert Run.objects.count() == 1
    assert (knowing(), run.state, run.done, run.total) == (0, "done", 8, 8)
    lost = Event.objects.filter(kind=FIELD_LOST, record=first).values_list("occurred_at", flat=True)
    assert sorted(lost) == [LATER, later]


def test_another_field_of_the_object_is_forgotten_by_the_same_run(held: Connection) -> None:
    run = asked(held)
    forget_due(LATER)
    ask_to_forget(held, "contacts", ["company"], LATER)
    forget_first(held, "contacts", gone={"fleet_size"})
    run.refresh_from_db()
    assert (run.state, run.label) == ("done", "Not known any longer in contacts: “company”, “fleet_size”")
    assert not Record.objects.filter(values__has_any_keys=["company", "fleet_size"]).exists()
    asked(held)
    assert Run.objects.count() == 2


def test_two_who_ask_at_once_wait_for_each_other(held: Connection) -> None:
    other = database.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [f"{FORGETTING_LOCK}:{held.pk}"])
        database.cursor().execute("SET LOCAL lock_timeout = '50ms'")
        with pytest.raises(OperationalError), transaction.atomic():
            asked(held)
    finally:
        other.close()
    asked(held)


def test_the_second_click_says_that_one_is_at_work_and_shows_it(
    admin: Client, held: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = FieldMapping.objects.get(remote_name="fleet_size")
    remap(mapping, "fleet", LATER)
    run = Run.objects.get(kind=Run.Kind.RECALCULATE)
    href = reverse("integrations:run", args=[run.pk])
    address = reverse("integrations:changed_fields", args=[held.name])
    shown = page(admin.post(address, {"mapping": mapping.pk, "unmap": "1"}, follow=True))
    assert "already being made unknown" in shown
    assert href in shown
    assert Run.objects.filter(kind=Run.Kind.RECALCULATE).count() == 1
    shown = page(admin.post(address, {"mapping": mapping.pk, "unmap": "1"}, follow=True))
    assert "was taken out or changed meanwhile" in shown
    assert href in page(admin.get(reverse("integrations:connection_fields", args=[held.name])))
