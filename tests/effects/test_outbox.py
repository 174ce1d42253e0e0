from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection, transaction

from effects import outbox
from effects.models import Effect
from effects.outbox import Intent, deliver_due, enqueue, next_due
from effects.registry import Refused
from tests.effects.conftest import NOON, Postbox

LEASE = timedelta(seconds=settings.GTMOPS.lease_seconds)


def put(*keys: str, order_key: str = "", at: datetime = NOON) -> int:
    return enqueue([Intent("postbox", key, {}, order_key) for key in keys], now=at)


def state(key: str) -> str:
    return Effect.objects.get(key=key).state


def lose_worker(*keys: str) -> None:
    """As if a worker had claimed them and died: before the result was stored, perhaps after the sending."""
    outbox._claim(NOON, 50, outbox.uuid.uuid4())
    assert set(Effect.objects.filter(state="leased").values_list("key", flat=True)) >= set(keys)


@pytest.mark.django_db
def test_an_effect_is_delivered_once(postbox: Postbox) -> None:
    put("a")
    assert (deliver_due(NOON), deliver_due(NOON)) == (1, 0)
    assert (postbox.got, state("a")) == (["a"], "done")


@pytest.mark.django_db
def test_the_same_key_is_one_effect(postbox: Postbox) -> None:
    assert (put("a", "a"), put("a", "b")) == (1, 1)
    deliver_due(NOON)
    assert put("a") == 0
    deliver_due(NOON + timedelta(hours=1))
    assert postbox.got == ["a", "b"]


@pytest.mark.django_db
def test_what_the_transaction_gives_up_is_never_sent(postbox: Postbox) -> None:
    with transaction.atomic():
        put("a")
        transaction.set_rollback(True)
    assert deliver_due(NOON) == 0


@pytest.mark.django_db
def test_a_leased_effect_is_left_alone_until_its_lease_is_over(postbox: Postbox) -> None:
    put("a")
    lose_worker("a")
    assert deliver_due(NOON + LEASE - timedelta(seconds=1)) == 0
    assert deliver_due(NOON + LEASE + timedelta(seconds=1)) == 1
    assert (postbox.got, Effect.objects.get(key="a").may_be_repeated) == (["a"], True)


@pytest.mark.django_db
def test_the_worker_that_lost_its_lease_does_not_overwrite_the_result(postbox: Postbox) -> None:
    put("a")
    token = outbox.uuid.uuid4()
    (late,) = outbox._claim(NOON, 50, token)
    deliver_due(NOON + LEASE + timedelta(seconds=1))
    postbox.does = _fail
    outbox._deliver(late, token, NOON)
    assert state("a") == "done"


@pytest.mark.django_db
def test_a_failing_effect_waits_longer_each_time_and_then_is_dead(postbox: Postbox) -> None:
    put("a")
    postbox.does = _fail
    waits, at = [], NOON
    while state("a") == "pending":
        assert deliver_due(at) == 1
        row = Effect.objects.get(key="a")
        waits.append((row.next_try_at - at).total_seconds())
        at = max(at, row.next_try_at)
    row = Effect.objects.get(key="a")
    assert (row.state, row.attempts) == ("dead", settings.GTMOPS.effect_attempts)
    assert row.last_error == "OSError: no route"
    assert waits[:3] == [10, 20, 40]
    assert max(waits) <= settings.GTMOPS.effect_backoff_cap_seconds
    assert deliver_due(at + timedelta(days=1)) == 0


@pytest.mark.django_db
def test_an_effect_that_kills_every_worker_is_dead_in_the_end(postbox: Postbox) -> None:
    put("a", "b")
    Effect.objects.filter(key="a").update(
        state="leased", lease_until=NOON, attempts=settings.GTMOPS.effect_attempts
    )
    deliver_due(NOON + timedelta(seconds=1))
    assert (state("a"), postbox.got) == ("dead", ["b"])


@pytest.mark.django_db
def test_what_the_receiver_refuses_is_dead_at_once_with_its_reason(postbox: Postbox) -> None:
    def refuse(key: str) -> None:
        raise Refused("No such mailbox.")

    put("a")
    postbox.does = refuse
    deliver_due(NOON)
    row = Effect.objects.get(key="a")
    assert (row.state, row.attempts, row.last_error) == ("dead", 1, "No such mailbox.")


@pytest.mark.django_db
def test_a_channel_nobody_registered_says_so() -> None:
    enqueue([Intent("pigeon", "a", {})], now=NOON)
    deliver_due(NOON)
    assert Effect.objects.get(key="a").last_error == "no channel named pigeon"


@pytest.mark.django_db
def test_effects_of_one_order_key_go_one_by_one_in_their_order(postbox: Postbox) -> None:
    put("a", "b", "c", order_key="deal 1")
    put("other")
    assert deliver_due(NOON) == 2
    assert postbox.got == ["a", "other"]
    assert (deliver_due(NOON), deliver_due(NOON), deliver_due(NOON)) == (1, 1, 0)
    assert postbox.got == ["a", "other", "b", "c"]


@pytest.mark.django_db
def test_one_that_waits_for_its_next_try_holds_those_behind_it(postbox: Postbox) -> None:
    put("a", "b", order_key="deal 1")
    postbox.does = _fail
    deliver_due(NOON)
    postbox.does = lambda key: None
    assert deliver_due(NOON) == 0
    assert next_due(NOON) == NOON + timedelta(seconds=10)
    deliver_due(NOON + timedelta(seconds=10))
    deliver_due(NOON + timedelta(seconds=10))
    assert postbox.got == ["a", "b"]


@pytest.mark.django_db
def test_many_waiting_behind_one_do_not_hold_up_the_others(postbox: Postbox) -> None:
    put(*[f"{i}" for i in range(30)], order_key="deal 1")
    put("other")
    assert deliver_due(NOON, limit=2) == 2
    assert postbox.got == ["0", "other"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_never_hold_one_order_key_both(postbox: Postbox) -> None:
    put("a", "b", order_key="deal 1")
    claimed: list[str] = []

    def claim() -> None:
        claimed.extend(e.key for e in outbox._claim(NOON, 50, outbox.uuid.uuid4()))
        connection.close()

    with transaction.atomic():
        list(Effect.objects.select_for_update().filter(key="a"))  # the first worker is at it
        second = threading.Thread(target=claim)
        second.start()
        second.join(10)
    assert claimed == []


@pytest.mark.django_db
def test_what_would_outlive_its_lease_is_given_back(
    postbox: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "GTMOPS", replace(settings.GTMOPS, lease_seconds=60))
    clock = iter([0.0, 0.0, 31.0])
    monkeypatch.setattr(outbox.time, "monotonic", lambda: next(clock))
    put("a", "b", "c")
    assert deliver_due(NOON) == 1
    assert postbox.got == ["a"]
    rest = Effect.objects.filter(key__in=["b", "c"])
    assert set(rest.values_list("state", "attempts", "may_be_repeated")) == {("pending", 0, False)}


@pytest.mark.django_db
def test_the_next_due_is_the_first_try_or_the_end_of_a_lost_lease(postbox: Postbox) -> None:
    assert next_due(NOON) is None
    put("a")
    lose_worker("a")
    put("b", at=NOON + timedelta(hours=1))
    assert next_due(NOON) == NOON + LEASE


def _fail(key: str) -> None:
    raise OSError("no route")
