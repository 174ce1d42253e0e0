from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from teams.models import Membership, Person, Team, UnitGrant
from teams.services import PeopleReport, RowError, ensure_people, team_at
from tests.teams.conftest import NOW

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=30)
TEAMS = [
    {"key": "sdr", "name": "SDR Austin", "purpose": "sdr"},
    {"key": "ae", "name": "AE Berlin", "purpose": "sales"},
]
UNITS = [{"key": "fleet", "name": "Fleet"}, {"key": "yards", "name": "Yards"}]
DANA: dict[str, Any] = {
    "email": "Dana@Fernhill.example",
    "name": "Dana Okwell",
    "role": "rep",
    "team": "sdr",
    "manager": "marisol@fernhill.example",
    "business_units": ["fleet"],
    "time_zone": "America/Chicago",
    "since": "2026-01-05T09:00:00+00:00",
    "password": "a-long-password",
}
MARISOL: dict[str, Any] = {
    "email": "marisol@fernhill.example",
    "name": "Marisol Tannehurst",
    "role": "manager",
    "team": "sdr",
}


def ensure(*people: dict[str, Any], now: Any = NOW) -> PeopleReport:
    return ensure_people(people, teams=TEAMS, business_units=UNITS, now=now)


def snapshot() -> list[Any]:
    return [
        list(Person.objects.order_by("pk").values()),
        list(Membership.objects.order_by("pk").values()),
        list(UnitGrant.objects.order_by("pk").values()),
        list(Team.objects.order_by("pk").values()),
    ]


def test_people_are_made_as_said() -> None:
    assert ensure(DANA, MARISOL) == PeopleReport(created=2, updated=0, deactivated=0)
    dana = Person.objects.get(email="dana@fernhill.example")
    assert dana.manager == Person.objects.get(name="Marisol Tannehurst")
    assert [unit.key for unit in dana.business_units.all()] == ["fleet"]
    assert dana.check_password("a-long-password")
    assert dana.memberships.get().started_at.isoformat() == DANA["since"]


def test_someone_without_a_password_cannot_sign_in() -> None:
    ensure(MARISOL)
    assert not Person.objects.get().has_usable_password()


def test_a_second_time_changes_nothing() -> None:
    ensure(DANA, MARISOL)
    before = snapshot()
    assert ensure(DANA, MARISOL, now=LATER) == PeopleReport(created=0, updated=0, deactivated=0)
    assert snapshot() == before


def test_a_change_of_team_keeps_the_past() -> None:
    ensure(DANA, MARISOL)
    ensure({**DANA, "team": "ae"}, MARISOL, now=LATER)
    dana = Person.objects.get(email="dana@fernhill.example")
    before, after = team_at(dana, LATER - timedelta(seconds=1)), team_at(dana, LATER)
    assert before
    assert after
    assert (before.key, after.key) == ("sdr", "ae")


def test_a_password_that_was_changed_stays() -> None:
    ensure(DANA, MARISOL)
    dana = Person.objects.get(email="dana@fernhill.example")
    dana.set_password("my-own-password")
    dana.save()
    ensure(DANA, MARISOL, now=LATER)
    dana.refresh_from_db()
    assert dana.check_password("my-own-password")


def test_a_key_left_out_leaves_what_is_there() -> None:
    ensure(DANA, MARISOL)
    ensure({"email": DANA["email"], "name": "Dana Okwell-Reyes"}, now=LATER)
    dana = Person.objects.get(email="dana@fernhill.example")
    assert (dana.name, dana.time_zone) == ("Dana Okwell-Reyes", "America/Chicago")
    assert dana.business_units.count() == 1
    assert dana.manager is not None


def test_a_leaver_is_deactivated_and_leaves_the_team() -> None:
    ensure(DANA, MARISOL)
    left_at = NOW + timedelta(days=3)
    report = ensure({**DANA, "left_at": left_at}, MARISOL, now=LATER)
    assert report.deactivated == 1
    dana = Person.objects.get(email="dana@fernhill.example")
    assert not dana.is_active
    assert dana.memberships.get().ended_at == left_at


def test_a_leaver_who_was_never_seen_keeps_the_stay() -> None:
    ensure({**DANA, "left_at": "2026-02-01T09:00:00+00:00"}, MARISOL)
    stay = Membership.objects.get(person__email="dana@fernhill.example")
    assert stay.ended_at is not None
    assert stay.ended_at.isoformat() == "2026-02-01T09:00:00+00:00"


def test_who_is_not_listed_stays_untouched() -> None:
    ensure(DANA, MARISOL)
    ensure(MARISOL, now=LATER)
    assert Person.objects.get(email="dana@fernhill.example").is_active


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"team": "nowhere"}, "there is no team 'nowhere'"),
        ({"business_units": ["moon"]}, "there is no business unit 'moon'"),
        ({"manager": "ghost@fernhill.example"}, "there is no manager 'ghost@fernhill.example'"),
        ({"role": "king"}, "role 'king' is none of"),
        ({"time_zone": "Mars/Olympus"}, "is not a time zone"),
        ({"since": "2026-01-05T09:00:00"}, "is no time with a zone"),
        ({"name": ""}, "email and name are needed"),
        ({"colour": "red"}, "unknown keys: colour"),
    ],
)
def test_a_row_that_cannot_be_meant_writes_nothing(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(RowError, match=rf"people, row 2: .*{reason}"):
        ensure(MARISOL, {**DANA, **change})
    assert not Person.objects.exists()
    assert not Team.objects.exists()


def test_many_people_cost_as_many_queries_as_few(django_assert_num_queries: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for size in (3, 30):
        rows = [{**MARISOL, "email": f"p{size}-{n}@fernhill.example"} for n in range(size)]
        with CaptureQueriesContext(connection) as queries:
            ensure_people(rows, teams=TEAMS, business_units=UNITS, now=NOW + timedelta(days=size))
        counts.append(len(queries))
    assert counts[1] <= counts[0]
