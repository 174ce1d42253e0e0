"""What a seed says of absences. The rest of a seed is told where its rooms are tested."""

from datetime import UTC, datetime, timedelta

import pytest

from gtmops.seeding import SeedError, seed
from teams.models import Absence

NOW = datetime(2026, 9, 14, 9, 0, tzinfo=UTC)
PEOPLE = [
    {"email": "priya@fern.example", "name": "Priya Sundarel", "since": NOW - timedelta(days=90)},
    {"email": "nadia@fern.example", "name": "Nadia Femmeroy", "since": NOW - timedelta(days=90)},
]
AWAY = {
    "person": "Priya@fern.example",
    "starts_at": "2026-08-03T08:30:00-05:00",
    "ends_at": "2026-08-14T17:30:00-05:00",
    "cover": "nadia@fern.example",
    "entered_at": "2026-08-17T09:00:00-05:00",
}

pytestmark = pytest.mark.django_db


def test_an_absence_is_added_once():
    for _ in range(2):
        seed({"people": PEOPLE, "absences": [AWAY]}, NOW)
    away = Absence.objects.get()
    assert (away.person.email, away.cover.email) == ("priya@fern.example", "nadia@fern.example")
    assert away.starts_at == datetime(2026, 8, 3, 13, 30, tzinfo=UTC)
    assert away.entered_at == datetime(2026, 8, 17, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"person": "nobody@fern.example"}, "nobody with the address"),
        ({"cover": "nobody@fern.example"}, "nobody with the address"),
        ({"ends_at": "2026-08-01T08:30:00-05:00"}, "row 1: say person, starts_at and a later ends_at"),
        ({"starts_at": None}, "row 1: say person"),
        ({"starts_at": "2026-08-03T08:30:00"}, "starts_at must be an ISO instant with offset"),
    ],
)
def test_an_absence_that_cant_be_meant_writes_nothing(change, said):
    with pytest.raises(SeedError, match=said):
        seed({"people": PEOPLE, "absences": [AWAY | change]}, NOW)
    assert not Absence.objects.exists()
