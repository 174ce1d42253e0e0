"""Writing down who is away, changing it, taking it back, and what the page says before it is saved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from slas.absences import feeds
from teams.models import Absence, Membership, Person, Role, Team
from tests.slas.absences.test_ics import event, ics
from tests.slas.builders import LONG_AGO
from tests.slas.conftest import House

pytestmark = pytest.mark.django_db

AHEAD = timezone.now().date() + timedelta(days=30)
DAY = f"{AHEAD:%Y-%m-%d}"
NEXT = f"{AHEAD + timedelta(days=1):%Y-%m-%d}"


def client_of(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def written(person: Person, **other: str) -> dict[str, str]:
    return {
        "person": str(person.pk),
        "kind": "days",
        "first_day": DAY,
        "last_day": NEXT,
        "cover": "",
        **other,
    }


def test_whole_days_are_those_of_whoever_is_away(house: House) -> None:
    Person.objects.filter(pk=house.sasha.pk).update(time_zone="America/Chicago")
    answer = client_of(house.sasha).post("/people/absences/add/", written(house.sasha), follow=True)
    assert "You are away" in answer.content.decode()
    (absence,) = Absence.objects.all()
    assert (absence.starts_at.hour, absence.ends_at - absence.starts_at >= timedelta(hours=47)) in {
        (5, True),
        (6, True),
    }
    assert absence.entered_by == house.sasha


def test_hours_are_by_the_clock_of_whoever_is_away(house: House) -> None:
    Person.objects.filter(pk=house.sasha.pk).update(time_zone="Asia/Tokyo")
    told = written(house.sasha, kind="hours", starts="2040-02-02T09:00", ends="2040-02-02T12:00")
    assert client_of(house.boss).post("/people/absences/add/", told).status_code == 302
    assert Absence.objects.get().starts_at == datetime(2040, 2, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"first_day": ""}, "Say when it begins."),
        ({"last_day": f"{AHEAD - timedelta(days=3):%Y-%m-%d}"}, "It ends before it begins."),
        ({"last_day": f"{AHEAD + timedelta(days=500):%Y-%m-%d}"}, "more than a year"),
        ({"first_day": "2001-01-01", "last_day": "2001-01-02"}, "more than a year ago"),
        ({"first_day": "2041-02-29"}, "Enter a valid date."),
        ({"kind": "hours", "starts": "soon", "ends": "2040-02-02T12:00"}, "Write the day and time as in"),
        ({"kind": "hours", "starts": "2040-02-02T09:00"}, "Say when it ends."),
    ],
)
def test_what_can_not_be_meant_is_said_beside_its_field(
    house: House, change: dict[str, str], text: str
) -> None:
    answer = client_of(house.sasha).post("/people/absences/add/", written(house.sasha, **change))
    assert answer.status_code == 422
    assert text in answer.content.decode()
    assert not Absence.objects.exists()


def test_a_cover_must_be_there_and_another(house: House) -> None:
    odd = house.person("odd", "Odd Moe", team="sdr")
    client = client_of(house.boss)
    client.post("/people/absences/add/", written(odd))
    Person.objects.filter(pk=odd.pk).update(manager=house.boss)
    client.post("/people/absences/add/", written(odd))
    answer = client.post("/people/absences/add/", written(house.sasha, cover=str(odd.pk)))
    assert "Odd Moe is away, too" in answer.content.decode()
    answer = client.post("/people/absences/add/", written(house.sasha, cover=str(house.sasha.pk)))
    assert "Nobody covers for themselves." in answer.content.decode()


def test_a_cover_of_another_team_is_warned_of_and_allowed(house: House) -> None:
    told = written(house.sasha, cover=str(house.mira.pk))
    client = client_of(house.sasha)
    assert "Mira Post is of Marketing" in client.post("/people/absences/moves/", told).content.decode()
    assert client.post("/people/absences/add/", told).status_code == 302


def test_the_same_time_twice_is_refused(house: House) -> None:
    client = client_of(house.sasha)
    client.post("/people/absences/add/", written(house.sasha))
    answer = client.post("/people/absences/add/", written(house.sasha))
    assert "is away already" in answer.content.decode()
    assert Absence.objects.count() == 1


def test_a_change_takes_the_old_one_back_and_keeps_it(house: House) -> None:
    client = client_of(house.sasha)
    client.post("/people/absences/add/", written(house.sasha))
    old = Absence.objects.get()
    page = client.get(f"/people/absences/{old.pk}/edit/").content.decode()
    assert f'value="{DAY}"' in page
    told = written(house.sasha, last_day=DAY, instead_of=str(old.pk))
    assert client.post(f"/people/absences/{old.pk}/edit/", told).status_code == 302
    old.refresh_from_db()
    assert old.withdrawn_at is not None
    assert Absence.objects.standing().get().ends_at < old.ends_at
    assert client.post(f"/people/absences/{old.pk}/edit/", told).status_code == 404


def test_taking_back_keeps_it_in_the_history(house: House) -> None:
    client = client_of(house.sasha)
    client.post("/people/absences/add/", written(house.sasha))
    absence = Absence.objects.get()
    assert (
        "What taking it back moves" in client.get(f"/people/absences/{absence.pk}/withdraw/").content.decode()
    )
    client.post(f"/people/absences/{absence.pk}/withdraw/")
    absence.refresh_from_db()
    assert absence.withdrawn_at is not None


def test_who_may_write_down_for_whom(house: House) -> None:
    odd = house.person("odd", "Odd Moe", team="sdr")
    for viewer, expected in ((odd, 422), (house.boss, 302), (house.revops, 422)):
        answer = client_of(viewer).post("/people/absences/add/", written(house.sasha))
        assert answer.status_code == expected, viewer
    assert (
        "already"
        in client_of(house.revops).post("/people/absences/add/", written(house.sasha)).content.decode()
    )
    absence = Absence.objects.get()
    assert client_of(odd).get(f"/people/absences/{absence.pk}/edit/").status_code == 404
    assert client_of(house.boss).get(f"/people/absences/{absence.pk}/edit/").status_code == 200


def test_the_month_shows_who_is_away_and_who_covers(house: House) -> None:
    begin = timezone.now().replace(day=10, hour=0, minute=0, second=0, microsecond=0)
    Absence.objects.create(
        person=house.sasha, starts_at=begin, ends_at=begin + timedelta(days=2), cover=house.mira
    )
    Absence.objects.create(
        person=house.mira, starts_at=begin, ends_at=begin + timedelta(hours=3), withdrawn_at=timezone.now()
    )
    page = client_of(house.boss).get(f"/people/absences/?team=&month={begin:%Y-%m}").content.decode()
    assert page.count("gt-away-cell gt-away-covered") == 2
    assert "gt-away-cell gt-away-part" not in page


def test_the_list_asks_a_constant_number_of_questions(
    house: House, django_assert_max_num_queries: object
) -> None:
    for i in range(8):
        who = house.person(f"p{i}", f"Person {i}", team="sdr")
        Absence.objects.create(
            person=who, starts_at=timezone.now(), ends_at=timezone.now() + timedelta(days=2), cover=house.boss
        )
    client = client_of(house.boss)
    client.get("/people/absences/")
    with django_assert_max_num_queries(22):  # type: ignore[operator]  # pytest-django's
        client.get("/people/absences/")


# --- calendars -------------------------------------------------------------------------------------------------

ENTRY = event(f"DTSTART;VALUE=DATE:{AHEAD:%Y%m%d}", f"DTEND;VALUE=DATE:{AHEAD + timedelta(days=2):%Y%m%d}")


def feed_form(person: Person, **other: object) -> dict[str, object]:
    return {"whose": f"person:{person.pk}", "url": "", "words": "vacation, OOO", "cover": "", **other}


def test_an_address_is_looked_at_before_it_is_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "fetch", lambda url, **_: ics(ENTRY))
    told = feed_form(house.sasha, url="https://calendar.example/a.ics", do="look")
    page = client_of(house.sasha).post("/people/absences/calendars/add/", told).content.decode()
    assert "<strong>1 absence</strong> ahead, of 1 entry" in page
    assert not house.sasha.absence_feeds.exists()


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("", "Give the address of a calendar, or a file."),
        ("http://calendar.example/a.ics", "is not encrypted"),
        ("https://127.0.0.1/a.ics", "not on the public internet"),
        ("https://me:pw@calendar.example/a.ics", "user name or password"),
    ],
)
def test_an_address_that_is_refused_is_said_beside_it(house: House, url: str, text: str) -> None:
    for do in ("look", "subscribe"):
        told = feed_form(house.sasha, url=url, do=do)
        answer = client_of(house.sasha).post("/people/absences/calendars/add/", told)
        assert answer.status_code == 422
        assert text in answer.content.decode()


def test_a_file_is_shown_and_then_taken_once(house: House) -> None:
    client = client_of(house.sasha)
    file = SimpleUploadedFile("a.ics", ics(ENTRY), "text/calendar")
    page = client.post("/people/absences/calendars/add/", feed_form(house.sasha, file=file, do="look"))
    assert not Absence.objects.exists()
    taken = page.context["taken"]
    for _ in range(2):
        told = feed_form(house.sasha, taken=taken, do="take")
        assert client.post("/people/absences/calendars/add/", told).status_code == 302
    assert Absence.objects.count() == 1


def test_times_that_were_tampered_with_are_refused(house: House) -> None:
    told = feed_form(house.sasha, taken="W10:nonsense", do="take")
    answer = client_of(house.sasha).post("/people/absences/calendars/add/", told)
    assert answer.status_code == 422
    assert "Choose the file again" in answer.content.decode()


def test_a_file_of_somebody_else_is_not_taken(house: House) -> None:
    odd = house.person("odd", "Odd Moe", team="sdr")
    file = SimpleUploadedFile("a.ics", ics(ENTRY), "text/calendar")
    answer = client_of(odd).post(
        "/people/absences/calendars/add/", feed_form(house.sasha, file=file, do="look")
    )
    assert answer.status_code == 422


def test_a_manager_adds_the_calendar_of_their_team_only(house: House) -> None:
    Team.objects.create(key="far", name="Far away")
    assert [t.key for t in feeds.teams_in_care_of(house.boss)] == ["sdr"]
    assert feeds.teams_in_care_of(house.sasha) == []
    assert len(feeds.teams_in_care_of(house.revops)) == 4


def test_what_a_calendar_brought_is_changed_there(house: House) -> None:
    absence = Absence.objects.create(
        person=house.sasha,
        starts_at=timezone.now(),
        ends_at=timezone.now() + timedelta(days=1),
        source="feed:1:abc",
    )
    client = client_of(house.sasha)
    assert client.get(f"/people/absences/{absence.pk}/withdraw/").status_code == 404
    assert "from a calendar, changed there" in client.get("/people/absences/").content.decode()


def test_managers_see_their_peoples_calendars(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lead = house.person("lead", "Lead", role=Role.MANAGER)
    other = house.person("other", "Other", manager=lead)
    Membership.objects.create(person=other, team=house.teams["sales"], started_at=LONG_AGO)
    assert {t.key for t in feeds.teams_in_care_of(lead)} == {"sales"}
