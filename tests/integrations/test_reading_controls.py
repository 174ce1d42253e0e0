"""The tests of the faults of reading can fail: each is run with its mechanism taken away, and sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.base import Connector, Window
from integrations.errors import Misconfigured
from integrations.models import PullCursor
from integrations.pulling import passes
from integrations.salesforce import session
from integrations.standins.app import Running
from records.incoming import IncomingRecord
from records.models import Connection, Record
from tests.integrations import test_pull, test_reading_faults
from tests.integrations.conftest import connect
from tests.integrations.test_reading_faults import REFUSED, Answer, Line, heals, line, read

__all__ = ["line"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def hubspot(standins: Running, db: None) -> Connection:
    """Where it does not matter which CRM it is."""
    return connect("hubspot", standins.base_url)


def cut(request: Any, answer: Any) -> Any:
    answer.is_cut = True
    return answer


@pytest.mark.parametrize("act", [cut, REFUSED["half of it"]], ids=["FLT13", "FLT14"])
def test_a_cursor_that_moves_past_a_bad_page_is_seen(
    hubspot: Connection, line: Line, monkeypatch: pytest.MonkeyPatch, act: Answer
) -> None:
    """The mistake: what can't be read is taken for an empty page, and the mark moves on."""

    def moving(claim: object, cursors: list[PullCursor], error: object, *, is_history: bool = False) -> None:
        now = datetime.now(UTC)
        PullCursor.objects.filter(pk__in=[c.pk for c in cursors]).update(
            mark_at=now,
            is_loaded=True,
            last_error="",
            lease_until=None,
            lease_token=None,
            next_pull_at=now + timedelta(seconds=60),
        )

    now = datetime.now(UTC)
    line.always = act
    with monkeypatch.context() as patch:
        patch.setattr("integrations.pull.fail", moving)
        read(hubspot, now)
    line.always = None
    with pytest.raises(AssertionError):
        heals(hubspot, now + timedelta(hours=2))


def test_flt12_a_pause_that_does_not_grow_is_seen(
    hubspot: Connection, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "_next_try", lambda error, failures, now: now + timedelta(seconds=60))
    with pytest.raises(AssertionError):
        test_reading_faults.test_flt12_the_pause_grows_to_its_cap_and_it_heals(hubspot, line, 503)


def test_flt16_a_session_that_is_not_renewed_is_seen(
    standins: Running, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "SessionExpired", ZeroDivisionError)
    with pytest.raises(AssertionError):
        test_reading_faults.test_flt16_a_session_that_ends_between_pages_goes_on_with_another(standins, line)


Windowed = Callable[[Any, datetime, datetime], tuple[Window, dict[str, Any]]]


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``windows(since=…)`` changes what is asked for at every reading but the first."""

    def change(**changes: Any) -> None:
        real: Windowed = passes.window_of

        def window_of(work: Any, now: datetime, server_now: datetime) -> tuple[Window, dict[str, Any]]:
            window, at = real(work, now, server_now)
            return (replace(window, **changes) if window.since else window), at

        monkeypatch.setattr(passes, "window_of", window_of)

    return change


def test_flt17_a_reading_that_finds_only_what_webhooks_told_is_seen(
    hubspot: Connection, standins: Running, windows: Callable[..., None]
) -> None:
    windows(since=datetime.now(UTC) + timedelta(minutes=10), until=datetime.now(UTC) + timedelta(minutes=11))
    with pytest.raises(AssertionError):
        test_reading_faults.test_flt17_what_no_webhook_told_the_next_reading_finds(hubspot, standins)


def test_flt18_a_reading_that_shows_only_the_living_is_seen(
    hubspot: Connection, standins: Running, windows: Callable[..., None]
) -> None:
    windows(with_deleted=False)
    with pytest.raises(AssertionError):
        test_pull.test_a_deleted_record_is_seen(hubspot, standins)


def test_flt21_a_hidden_field_that_is_read_as_empty_is_seen(
    hubspot: Connection, standins: Running, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = passes.store_page

    def empty(connection: Connection, records: Sequence[IncomingRecord], *, now: datetime) -> object:
        filled = [replace(r, values={"first_name": None, **r.values}) for r in records]
        return real(connection, filled, now=now)

    monkeypatch.setattr("integrations.wanted.note_lost", lambda *lost: None)
    monkeypatch.setattr(passes, "store_page", empty)
    with pytest.raises(AssertionError):
        test_reading_faults.test_flt21_a_field_that_is_hidden_is_unknown_and_never_empty(hubspot, standins)


def test_flt21_an_object_that_may_not_be_read_and_is_taken_for_empty_is_seen(
    hubspot: Connection, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mistake: who is no longer shown is gone."""
    real = passes.read_object

    def deleting(work: passes.Pass, connector: Connector) -> tuple[int, bool]:
        try:
            return real(work, connector)
        except Misconfigured:
            rows = Record.objects.filter(connection=hubspot, remote_object=work.cursor.remote_object)
            rows.update(deleted_at=datetime.now(UTC))
            raise

    monkeypatch.setattr("integrations.pull.read_object", deleting)
    with pytest.raises(AssertionError):
        test_reading_faults.test_flt21_an_object_that_may_not_be_read_loses_nothing_and_others_go_on(
            hubspot, line, monkeypatch
        )
