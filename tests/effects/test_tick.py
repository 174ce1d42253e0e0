from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import pytest

from effects import tick
from effects.models import TickBeat
from effects.tick import TickSource, run_source, tick_forever, tick_once


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Only these sources: name=run."""

    def only(**runs: Callable[[datetime], int]) -> None:
        monkeypatch.setattr(tick, "_sources", {name: TickSource(name, run) for name, run in runs.items()})

    return only


def counting(*units: int) -> Callable[[datetime], int]:
    left = list(units)
    return lambda now: left.pop(0) if left else 0


def broken(now: datetime) -> int:
    raise ValueError("a row nobody can read")


@pytest.mark.django_db
def test_a_source_runs_until_nothing_is_due(sources: Callable[..., None]) -> None:
    sources(clocks=counting(3, 2))
    assert run_source("clocks") == 5
    assert run_source("clocks") == 0
    assert TickBeat.objects.get(source="clocks").done_count == 5


@pytest.mark.django_db
def test_one_failing_source_does_not_stop_the_others(sources: Callable[..., None]) -> None:
    sources(first=counting(1), bad=broken, last=counting(2))
    assert tick_once() == {"first": 1, "bad": 0, "last": 2}
    beat = TickBeat.objects.get(source="bad")
    assert beat.last_error == "ValueError: a row nobody can read"
    assert beat.last_error_at is not None


@pytest.mark.django_db
def test_what_was_done_before_the_error_counts(sources: Callable[..., None]) -> None:
    left = [4]

    def run(now: datetime) -> int:
        return left.pop() if left else broken(now)

    sources(clocks=run)
    assert run_source("clocks") == 4
    assert TickBeat.objects.get(source="clocks").done_count == 4


@pytest.mark.django_db
def test_a_later_run_without_error_keeps_the_last_error_to_be_seen(sources: Callable[..., None]) -> None:
    sources(clocks=broken)
    run_source("clocks")
    sources(clocks=counting(1))
    run_source("clocks")
    beat = TickBeat.objects.get(source="clocks")
    assert beat.last_error_at is not None
    assert beat.ran_at > beat.last_error_at


@pytest.mark.django_db
def test_an_unknown_source_is_an_error(sources: Callable[..., None]) -> None:
    sources()
    with pytest.raises(KeyError):
        run_source("nothing")


@pytest.mark.django_db(transaction=True)
def test_a_slow_source_and_a_broken_one_hold_up_nobody(sources: Callable[..., None]) -> None:
    stop, is_slow, ran_often = threading.Event(), threading.Event(), threading.Event()
    runs = []

    def slow(now: datetime) -> int:
        is_slow.set()
        stop.wait(30)
        return 0

    def quick(now: datetime) -> int:
        runs.append(now)
        if len(runs) >= 2 and is_slow.is_set():
            ran_often.set()
        return 0

    sources(slow=slow, bad=broken, quick=quick)
    loop = threading.Thread(target=tick_forever, args=(stop,))
    loop.start()
    try:
        assert ran_often.wait(30)
    finally:
        stop.set()
        loop.join(30)
    assert not loop.is_alive()


@pytest.mark.django_db(transaction=True)
def test_two_at_once_both_count(sources: Callable[..., None]) -> None:
    meeting = threading.Barrier(2, timeout=30)
    lock, left = threading.Lock(), [1, 1]

    def run(now: datetime) -> int:
        with lock:
            units = left.pop() if left else 0
        if units:
            meeting.wait()
        return units

    def work() -> None:
        run_source("clocks")
        tick.connection.close()

    sources(clocks=run)
    both = [threading.Thread(target=work) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    assert TickBeat.objects.get(source="clocks").done_count == 2
