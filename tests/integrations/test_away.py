"""FLT12: a CRM that is away for two hours is asked once a minute at most, by all of us together, less and less often;
then everything is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import budget
from integrations.budget import Budget
from integrations.errors import Misconfigured, RetryLater
from integrations.models import PullCursor
from integrations.pull import next_due, pull_due
from integrations.pulling import passes
from integrations.standins.app import Application, Running
from integrations.standins.http import Request, Response
from integrations.standins.store import Actor
from integrations.writing import deciding
from records.models import Connection, Record
from tests.integrations.conftest import first_id

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DOWN = b"<html><body><h1>Down for maintenance</h1></body></html>"


# --- the pauses ----------------------------------------------------------------------------------------------------


@given(failures=st.integers(1, 32_000), lot=st.floats(0, 1))
def test_flt12_a_pause_of_reading_grows_to_a_quarter_of_an_hour_and_is_spread(
    failures: int, lot: float
) -> None:
    pause_is_bounded(failures, lot)


def pause_is_bounded(failures: int, lot: float) -> None:
    with patch.object(passes.random, "uniform", lambda low, high: low + lot * (high - low)):
        pause = (passes._next_try(RetryLater("away"), failures, NOW) - NOW).total_seconds()
        wrong = (passes._next_try(Misconfigured("no"), failures, NOW) - NOW).total_seconds()
    whole = min(900, 60 * 2 ** min(failures, 10))
    assert 0.8 * whole - 1 <= pause <= whole + 1e-3
    assert pause == pytest.approx(whole * (0.8 + 0.2 * lot), abs=0.01), "it is not spread"
    assert 48 <= wrong <= 900


@given(failures=st.integers(1, 32_000), lot=st.floats(0, 1))
def test_flt12_a_pause_of_writing_grows_to_a_quarter_of_an_hour_and_is_spread(
    failures: int, lot: float
) -> None:
    pause = deciding.pause_while_away(failures, lot).total_seconds()
    whole = min(900, 5 * 2 ** min(failures, 10))
    assert (60 if failures > 1 else 8) <= pause <= max(60, whole)
    if whole * 0.8 > 60:
        assert pause == pytest.approx(whole * (1 - lot / 5), abs=0.01), "it is not spread"


# --- two hours -----------------------------------------------------------------------------------------------------


def outage(connection: Connection, standins: Running, monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """Every call of two hours in which the reading is tried whenever it is due. What changed is read at the end."""
    now, calls = datetime.now(UTC), []
    while pull_due(now):
        pass
    remote_object, first = first_id(connection)
    row = standins.store.get(connection.kind, remote_object, first)
    assert row is not None
    name = "LastName" if connection.kind == "salesforce" else "lastname"
    standins.store.update(row, {name: "Changed"}, Actor("", "CRM_UI"))
    # Two that are read at times of their own.
    PullCursor.objects.filter(remote_object=remote_object).update(next_pull_at=now + timedelta(seconds=30))
    moment = now
    with monkeypatch.context() as patched:

        def away(app: Application, request: Request) -> Response:
            calls.append(moment)
            return Response((500, 502, 503, 504)[len(calls) % 4], DOWN)

        patched.setattr(Application, "__call__", away)
        while moment < now + timedelta(hours=2):
            pull_due(moment)
            due = next_due(moment)
            assert due is not None
            moment = max(due, moment + timedelta(seconds=1))
    gaps = [later - earlier for earlier, later in pairwise(calls)]
    assert gaps, "nobody asked"
    assert min(gaps) >= timedelta(seconds=60), f"two calls within {min(gaps)}"
    assert max(gaps) <= timedelta(seconds=915)
    assert len(calls) <= 15, f"{len(calls)} calls in two hours"
    later = moment + timedelta(seconds=passes.LONGEST_PAUSE_SECONDS)
    while pull_due(later):
        pass
    assert Record.objects.get(connection=connection, remote_id=first).values["last_name"] == "Changed"
    assert set(PullCursor.objects.values_list("failures", "last_error")) == {(0, "")}
    return calls


@pytest.mark.django_db
def test_flt12_two_hours_away_cost_a_call_a_minute_at_most_and_nothing_is_lost(
    connection: Connection, standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage(connection, standins, monkeypatch)


# --- all of us together --------------------------------------------------------------------------------------------


def asked_while_away(monkeypatch: pytest.MonkeyPatch, minutes: int) -> list[datetime]:
    """Four workers that try every five seconds, each with a budget of its own and one cache."""
    clock, calls = [datetime.now(UTC)], []

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]  # always UTC
            return clock[0]

    monkeypatch.setattr(budget, "datetime", Clock)
    monkeypatch.setattr(budget.time, "sleep", lambda seconds: None)
    for _ in range(minutes * 12):
        worker = Budget("away", (), lambda headers: None)
        try:
            worker.take("GET", "/")
        except RetryLater:
            pass  # it waits
        else:
            calls.append(clock[0])
            worker.fail("The CRM can't be reached.")
        clock[0] += timedelta(seconds=5)
    return calls


def one_a_minute(calls: list[datetime], minutes: int) -> None:
    gaps = [later - earlier for earlier, later in pairwise(calls)]
    assert min(gaps[budget.AWAY_AFTER - 1 :]) >= timedelta(seconds=55), "more than one call a minute"
    assert len(calls) <= minutes + budget.AWAY_AFTER
    assert len(calls) >= minutes - 2


def test_flt12_all_of_us_together_ask_once_a_minute(
    waits_are_kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_a_minute(asked_while_away(monkeypatch, 20), 20)


def test_flt12_one_answer_and_it_is_there(waits_are_kept: None) -> None:
    for _ in range(5):
        for _ in range(budget.AWAY_AFTER - 1):
            one = Budget("there", (), lambda headers: None)
            one.take("GET", "/")
            one.fail("The CRM can't be reached.")
        other = Budget("there", (), lambda headers: None)
        other.take("GET", "/")
        other.answer()


# --- and the tests can fail ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_control_objects_that_ask_each_for_itself_are_seen(
    connection: Connection, standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "_postpone", lambda connection, until: None)
    with pytest.raises(AssertionError, match=r"two calls within|calls in two hours"):
        outage(connection, standins, monkeypatch)


@pytest.mark.django_db
def test_control_a_pause_that_does_not_grow_is_seen(
    connection: Connection, standins: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "_next_try", lambda error, failures, now: now + timedelta(seconds=300))
    with pytest.raises(AssertionError, match="calls in two hours"):
        outage(connection, standins, monkeypatch)


def test_control_a_pause_that_is_not_spread_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    real = passes._next_try

    def alike(error: Exception, failures: int, now: datetime) -> datetime:
        with patch.object(passes.random, "uniform", lambda low, high: high):
            return real(error, failures, now)

    monkeypatch.setattr(passes, "_next_try", alike)
    with pytest.raises(AssertionError):
        pause_is_bounded(3, 0.2)


def test_control_failures_that_nobody_counts_are_seen(
    waits_are_kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Budget, "fail", lambda self, text: None)
    with pytest.raises(AssertionError, match="more than one call a minute"):
        one_a_minute(asked_while_away(monkeypatch, 5), 5)
