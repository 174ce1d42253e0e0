"""Messages on their way to people: held, grouped, put into a digest, told another way; never lost, never doubled."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings

from effects import outbox, receivers, registry, telling
from effects.models import Effect, InboxMessage, NotificationPreferences
from effects.outbox import Intent, deliver_due, enqueue, next_due, retry_dead
from effects.receivers import Hours
from effects.registry import NotNow, Refused
from teams.models import Person
from tests.effects.conftest import NOON, Postbox
from tests.effects.test_policy import NIGHT, TUESDAY_8, Daily

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
GATHERED = NOON + timedelta(seconds=settings.GTMOPS.message_gather_seconds)
WINDOW = timedelta(seconds=settings.GTMOPS.message_window_seconds)


@pytest.fixture
def anna(monkeypatch: pytest.MonkeyPatch) -> Person:
    """Works 8 to 17 UTC."""

    def load(people: Collection[int], teams: Collection[str], now: datetime) -> Hours:
        return Hours(dict.fromkeys(people, Daily()), dict.fromkeys(teams, Daily()))

    monkeypatch.setattr(receivers, "_load", [load])
    return Person.objects.create_user("anna@fernhill.example", name="Anna Brookfield")


@pytest.fixture
def mail(monkeypatch: pytest.MonkeyPatch) -> Postbox:
    return _box(monkeypatch, "email")


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Postbox:
    return _box(monkeypatch, "slack")


@pytest.fixture
def slack_channel(monkeypatch: pytest.MonkeyPatch) -> Postbox:
    return _box(monkeypatch, "slack_channel")


def _box(monkeypatch: pytest.MonkeyPatch, channel: str) -> Postbox:
    box = Postbox()
    monkeypatch.setitem(registry._channels, channel, box.deliver)
    return box


def tell(
    person: Person, *names: str, channel: str = "email", at: datetime = NOON, **payload: Any
) -> list[Effect]:
    intents = [
        Intent(
            channel,
            f"{name}:{channel}",
            {
                "person": person.pk, "severity": "late", "group": "first_touch", "group_name": "First human touch",
                "title": f"Late: {name}", "href": f"/clocks/{name}/", **payload,
            },
        )
        for name in names
    ]  # fmt: skip
    enqueue(intents, now=at)
    return list(Effect.objects.filter(key__in=[i.key for i in intents]).order_by("pk"))


def prefers(person: Person, **chosen: Any) -> None:
    NotificationPreferences.objects.update_or_create(person=person, defaults=chosen)


def states() -> dict[str, str]:
    return dict(Effect.objects.values_list("key", "state"))


def deliver_until(end: datetime) -> None:
    """As the ticker does: whenever something is due."""
    while (at := next_due(NOON)) is not None and at <= end:
        assert deliver_due(max(at, NOON)) > 0


def test_one_message_waits_a_moment_for_others_and_leaves(anna: Person, mail: Postbox) -> None:
    tell(anna, "a")
    assert (deliver_due(NOON), next_due(NOON)) == (0, GATHERED)
    deliver_due(GATHERED)
    assert mail.got == ["a:email"]


def test_a_flood_is_one_message_with_the_list(anna: Person, mail: Postbox) -> None:
    rows = tell(anna, *(f"lead {i}" for i in range(12)))
    deliver_due(GATHERED)
    carrier = Effect.objects.get(key=f"group:{rows[0].pk}")
    assert mail.got == [carrier.key]
    assert carrier.payload["title"] == "12 late: First human touch"
    assert [i["href"] for i in carrier.payload["sections"][0]["items"]][:2] == [
        "/clocks/lead 0/",
        "/clocks/lead 1/",
    ]
    assert set(states().values()) == {"done"}


def test_who_comes_later_in_the_window_comes_together(anna: Person, mail: Postbox) -> None:
    tell(anna, "a")
    deliver_until(GATHERED)
    tell(anna, "b", at=NOON + timedelta(minutes=2)), tell(anna, "c", at=NOON + timedelta(minutes=9))
    deliver_until(GATHERED + WINDOW - SECOND)
    assert len(mail.got) == 1
    deliver_until(GATHERED + WINDOW)
    assert len(mail.got) == 2
    assert Effect.objects.get(key=mail.got[1]).payload["title"] == "2 late: First human touch"


def test_the_night_comes_as_one_digest_when_the_day_begins(anna: Person, mail: Postbox) -> None:
    tell(anna, "a", "b", at=NIGHT)
    tell(anna, "c", at=NIGHT, group="answer", group_name="Answer a handoff", severity="warning")
    deliver_until(TUESDAY_8 - SECOND)
    assert mail.got == []
    assert set(Effect.objects.values_list("held", "next_try_at")) == {("digest", TUESDAY_8)}
    deliver_until(TUESDAY_8)
    assert mail.got == [f"digest:person:{anna.pk}:email:2026-03-03"]
    told = Effect.objects.get(key=mail.got[0]).payload
    assert told["title"] == "While it was quiet: 2 late, 1 due soon"
    assert [s["name"] for s in told["sections"]] == [
        "First human touch · 2 late",
        "Answer a handoff · 1 due soon",
    ]


def test_at_any_hour_is_not_held(anna: Person, mail: Postbox) -> None:
    tell(anna, "a", at=NIGHT, at_any_hour=True)
    deliver_due(NIGHT + timedelta(seconds=10))
    assert mail.got == ["a:email"]


def test_the_inbox_gets_everything_at_once(anna: Person) -> None:
    tell(anna, "a", "b", channel="inbox", at=NIGHT, record="7a1c8a1e-0000-4000-8000-000000000001")
    deliver_due(NIGHT)
    found = InboxMessage.objects.order_by("key").first()
    assert found is not None
    assert (InboxMessage.objects.count(), found.group, found.group_name) == (
        2,
        "first_touch",
        "First human touch",
    )
    assert str(found.record) == "7a1c8a1e-0000-4000-8000-000000000001"


def test_beyond_the_budget_it_waits_for_tomorrow(anna: Person, mail: Postbox) -> None:
    prefers(anna, messages_a_day=2)
    for i in range(5):
        tell(anna, f"{i}", group=f"rule {i}")
    deliver_until(GATHERED + timedelta(hours=4))
    assert mail.got == ["0:email", "1:email"]
    deliver_until(TUESDAY_8)
    assert mail.got[2:] == [f"digest:person:{anna.pk}:email:2026-03-03"]


def test_what_they_don_t_want_by_mail_stands_in_their_inbox_once(anna: Person, mail: Postbox) -> None:
    prefers(anna, late_by_email=False)
    tell(anna, "a"), tell(anna, "b"), tell(anna, "b", channel="inbox")
    deliver_until(GATHERED)
    assert mail.got == []
    assert sorted(InboxMessage.objects.values_list("title", flat=True)) == ["Late: a", "Late: b"]
    assert set(states().values()) == {"done"}
    assert Effect.objects.get(key="a:email").carried_by == Effect.objects.get(key="a:email>inbox")


def test_a_held_message_holds_up_nobody_else(anna: Person, mail: Postbox) -> None:
    boss = Person.objects.create_user("bo@fernhill.example", name="Bo Ashgrove")
    prefers(boss, quiet="never")
    order = {"order_key": "clock 1"}
    for who, name in ((anna, "owner"), (boss, "manager")):
        payload = {"person": who.pk, "severity": "late", "title": name, "href": "/"}
        enqueue([Intent("email", name, payload, **order)], now=NIGHT)
    deliver_due(NIGHT)
    assert mail.got == ["manager"]


def test_a_failing_mailbox_does_not_block_the_next_step(anna: Person, mail: Postbox) -> None:
    boss = Person.objects.create_user("bo@fernhill.example", name="Bo Ashgrove")
    for who, name in ((anna, "owner"), (boss, "manager")):
        payload = {"person": who.pk, "severity": "late", "title": name, "href": "/"}
        enqueue([Intent("email", name, payload, order_key="clock 1")], now=NOON)
    mail.does = lambda key: _fail() if key == "owner" else None
    deliver_due(NOON)
    assert mail.got == ["manager"]


def test_slack_refuses_and_the_mail_says_it(anna: Person, mail: Postbox, slack: Postbox) -> None:
    tell(anna, "a", channel="slack")
    slack.does = _refuse
    deliver_until(GATHERED)
    assert mail.got == ["a:slack>email"]
    dead = Effect.objects.get(key="a:slack")
    assert (dead.state, dead.last_error) == ("dead", "Slack knows nobody of this address.")


def test_slack_refuses_what_the_mail_says_already(anna: Person, mail: Postbox, slack: Postbox) -> None:
    tell(anna, "a", channel="slack"), tell(anna, "a")
    slack.does = _refuse
    deliver_until(GATHERED)
    assert mail.got == ["a:email"]
    assert list(InboxMessage.objects.values_list("title", flat=True)) == ["Late: a"]


def test_a_mail_given_up_stands_in_the_inbox(anna: Person, mail: Postbox) -> None:
    tell(anna, "a", "b")
    mail.does = lambda key: _fail()
    deliver_until(NOON + timedelta(days=1))
    assert {s for k, s in states().items() if not k.endswith("inbox")} == {"dead"}
    assert sorted(InboxMessage.objects.values_list("title", flat=True)) == ["Late: a", "Late: b"]
    mail.does = lambda key: None
    retry_dead(Effect.objects.all(), NOON + timedelta(days=2))
    deliver_due(NOON + timedelta(days=2))
    assert len(mail.got) == 1


def test_a_throttled_channel_waits_as_it_was_told(
    anna: Person, slack: Postbox, slack_channel: Postbox
) -> None:
    tell(anna, "a", "b", channel="slack", group="")

    def throttle(key: str) -> None:
        raise NotNow("Slack asks for a pause.", seconds=30)

    slack.does = throttle
    deliver_due(NOON)
    assert set(Effect.objects.values_list("next_try_at", flat=True)) == {NOON + timedelta(seconds=30)}
    slack.does = lambda key: None
    deliver_due(NOON + timedelta(seconds=30))
    assert slack.got == ["a:slack", "b:slack"]


def test_a_channel_sleeps_by_the_hours_of_its_team(anna: Person, slack_channel: Postbox) -> None:
    payload = {
        "channel": "#sdr-late",
        "team": "sdr",
        "severity": "late",
        "title": "Late",
        "group": "first_touch",
    }
    enqueue([Intent("slack_channel", f"{i}", {**payload, "title": f"{i}"}) for i in range(3)], now=NIGHT)
    deliver_until(TUESDAY_8 - SECOND)
    assert slack_channel.got == []
    deliver_until(TUESDAY_8)
    assert len(slack_channel.got) == 1
    assert Effect.objects.get(key=slack_channel.got[0]).payload["channel"] == "#sdr-late"


def test_only_one_worker_decides_at_a_time(
    anna: Person, mail: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(anna, "a")
    monkeypatch.setattr(telling, "_is_alone", lambda: False)
    assert deliver_due(GATHERED) == 0
    assert Effect.objects.get().planned_at is None


class Killed(BaseException):
    """As SIGKILL: nothing after it runs."""


@pytest.mark.parametrize("seed", range(25))
def test_kills_anywhere_lose_and_double_nothing(
    anna: Person, mail: Postbox, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Each round dies at one of: deciding, claiming, sending, storing the result; or at none."""
    dice = random.Random(seed)
    named = [f"lead {i}" for i in range(8)]
    for i, name in enumerate(named):
        at = NOON + timedelta(hours=dice.randrange(30))
        tell(anna, name, at=at, group=f"rule {i % 3}", at_any_hour=dice.random() < 0.3)
    real: dict[str, Callable[..., Any]] = {
        name: getattr(outbox, name) for name in ("plan_due", "_claim", "_deliver", "finish_carried")
    }
    at = NOON
    for _ in range(400):
        due = next_due(at)
        if due is None:
            break
        at = max(at, due) + SECOND
        dying = dice.choice([*real, "", "", ""])
        with monkeypatch.context() as patched:
            if dying:
                patched.setattr(outbox, dying, _dies_after(real[dying], before=dice.random() < 0.5))
            try:
                deliver_due(at)
            except Killed:
                at += timedelta(seconds=settings.GTMOPS.lease_seconds)
    assert set(states().values()) == {"done"}
    told = [told for key in mail.got for told in _told_by(key)]
    assert set(told) == {f"{name}:email" for name in named}
    doubled = {key for key in mail.got if mail.got.count(key) > 1}
    assert doubled <= set(Effect.objects.filter(may_be_repeated=True).values_list("key", flat=True))
    assert len({row.carried_by_id or row.pk for row in Effect.objects.filter(key__in=set(told))}) == len(
        set(mail.got)
    )


def _told_by(key: str) -> list[str]:
    carried = list(Effect.objects.filter(carried_by__key=key).values_list("key", flat=True))
    return carried or [key]


def _dies_after(call: Callable[..., Any], *, before: bool) -> Callable[..., Any]:
    def dying(*args: Any, **options: Any) -> Any:
        if before:
            raise Killed
        call(*args, **options)
        raise Killed

    return dying


def _refuse(key: str) -> None:
    raise Refused("Slack knows nobody of this address.")


def _fail() -> None:
    raise OSError("no route")
