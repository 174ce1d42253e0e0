"""Calendars are read again and again; what is here follows what is there, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from effects.fetching import CannotFetch, Target
from slas.absences import feeds
from slas.absences.ics import Matching
from teams.models import Absence, AbsenceFeed, Person, Role
from teams.secrets import rotate_addresses, unseal_text
from tests.slas.absences.test_ics import event, ics

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
URL = "https://calendar.example/private-3f9/a.ics"
DECEMBER = ("DTSTART;VALUE=DATE:20261201", "DTEND;VALUE=DATE:20261204")

Serve = Callable[..., None]


@pytest.fixture
def dana() -> Person:
    return Person.objects.create_user("dana@fernhill.example", name="Dana Okwell", time_zone="Europe/Berlin")


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """What the address answers from now on: entries, or an error."""

    def answer(*events: str, error: str = "") -> None:
        def fetched(url: str, **_: object) -> bytes:
            assert url == URL
            if error:
                raise CannotFetch(error)
            return ics(*events)

        monkeypatch.setattr(feeds, "fetch", fetched)
        monkeypatch.setattr(feeds, "admit", lambda url: Target("calendar.example", "93.184.216.34", "/"))

    return answer


def subscribed(dana: Person, cover: Person | None = None) -> AbsenceFeed:
    return feeds.subscribe(URL, Matching(), dana, None, cover, dana, NOW)


def standing() -> list[tuple[str, str]]:
    rows = Absence.objects.standing().order_by("starts_at")
    return [(f"{a.starts_at:%d %b %H}", f"{a.ends_at:%d %b %H}") for a in rows]


def test_the_address_is_kept_encrypted(dana: Person, serve: Serve) -> None:
    serve()
    feed = subscribed(dana)
    assert b"private-3f9" not in bytes(feed.address)
    assert unseal_text(feed.address) == URL
    assert rotate_addresses() == (0, 1)
    feed.refresh_from_db()
    assert unseal_text(feed.address) == URL


def test_reading_writes_down_times_and_nothing_else(dana: Person, serve: Serve) -> None:
    serve(event(*DECEMBER, "LOCATION:Secret island", summary="Vacation with Mo"))
    subscribed(dana)
    assert feeds.read_due(NOW) == 1
    assert standing() == [("30 Nov 23", "03 Dec 23")]
    (absence,) = Absence.objects.all()
    assert (absence.entered_at, absence.entered_by) == (NOW, dana)
    assert "Secret" not in str(Absence.objects.values().get()) + str(AbsenceFeed.objects.values().get())


def test_the_same_again_changes_nothing(dana: Person, serve: Serve) -> None:
    serve(event(*DECEMBER))
    feed = subscribed(dana)
    feeds.read_due(NOW)
    assert feeds.read_due(NOW) == 0
    feeds.read_now(feed, dana, NOW)
    assert feeds.read_due(NOW) == 1
    assert Absence.objects.count() == 1


def test_what_was_moved_there_is_taken_back_and_written_anew(dana: Person, serve: Serve) -> None:
    serve(event(*DECEMBER))
    subscribed(dana)
    feeds.read_due(NOW)
    serve(event("DTSTART;VALUE=DATE:20261202", "DTEND;VALUE=DATE:20261204"))
    later = NOW + timedelta(hours=1)
    feeds.read_due(later)
    assert standing() == [("01 Dec 23", "03 Dec 23")]
    assert [a.withdrawn_at for a in Absence.objects.order_by("pk")] == [later, None]


def test_what_is_gone_there_is_taken_back_unless_it_is_over(dana: Person, serve: Serve) -> None:
    serve(event(*DECEMBER))
    subscribed(dana)
    feeds.read_due(NOW)
    serve()
    feeds.read_due(datetime(2026, 12, 10, tzinfo=UTC))
    assert len(standing()) == 1
    AbsenceFeed.objects.update(next_read_at=NOW)
    feeds.read_due(datetime(2026, 12, 2, tzinfo=UTC))
    assert standing() == []


def test_what_goes_wrong_is_said_and_tried_again_later_and_later(dana: Person, serve: Serve) -> None:
    serve(event(*DECEMBER))
    feed = subscribed(dana)
    feeds.read_due(NOW)
    serve(error="calendar.example does not answer.")
    pauses, at = [], NOW
    for _ in range(8):
        feed.refresh_from_db()
        at = feed.next_read_at
        assert feeds.read_due(at) == 1
        feed.refresh_from_db()
        pauses.append((feed.next_read_at - at).total_seconds() / 60)
    assert pauses == [15, 30, 60, 120, 240, 360, 360, 360]
    assert feed.problem == "calendar.example does not answer."
    assert len(standing()) == 1
    serve(event(*DECEMBER))
    feeds.read_due(feed.next_read_at)
    feed.refresh_from_db()
    assert (feed.problem, feed.failures) == ("", 0)


def test_a_process_that_died_while_reading_is_taken_over(
    dana: Person, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    subscribed(dana)

    def die(*_: object, **__: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr(feeds, "fetch", die)
    with pytest.raises(KeyboardInterrupt):
        feeds.read_due(NOW)
    assert feeds.read_due(NOW) == 0
    serve(event(*DECEMBER))
    assert feeds.read_due(NOW + timedelta(minutes=2)) == 1
    assert len(standing()) == 1


def test_removing_takes_back_what_is_ahead(dana: Person, serve: Serve) -> None:
    serve(event(*DECEMBER))
    feed = subscribed(dana)
    feeds.read_due(NOW)
    assert feeds.unsubscribe(feed, dana, NOW) == 1
    assert feeds.unsubscribe(feed, dana, NOW) == 0
    assert standing() == []
    assert feeds.next_read(NOW) is None


def test_what_could_not_be_read_is_remarked(dana: Person, serve: Serve) -> None:
    serve(event("DTSTART:20200101T000000Z", "RRULE:FREQ=SECONDLY"), event(*DECEMBER, uid="two"))
    feed = subscribed(dana)
    feeds.read_due(NOW)
    feed.refresh_from_db()
    assert feed.remarks == ["1 entry left out: it repeats too often, or since too long ago."]
    assert feed.found == 1


def test_nobody_covers_for_themselves(dana: Person, serve: Serve) -> None:
    serve(event(*DECEMBER))
    subscribed(dana, cover=dana)
    feeds.read_due(NOW)
    assert Absence.objects.get().cover is None


def test_a_colleague_adds_no_calendar_and_a_manager_does(dana: Person, serve: Serve) -> None:
    serve()
    colleague = Person.objects.create_user("cal@fernhill.example", name="Cal Restrop")
    with pytest.raises(PermissionDenied):
        feeds.subscribe(URL, Matching(), dana, None, None, colleague, NOW)
    Person.objects.filter(pk=dana.pk).update(manager=colleague)
    dana.refresh_from_db()
    colleague.role = Role.MANAGER
    colleague.save()
    feed = feeds.subscribe(URL, Matching(), dana, None, None, colleague, NOW)
    with pytest.raises(PermissionDenied):
        feeds.unsubscribe(feed, Person.objects.create_user("x@fernhill.example", name="X"), NOW)
