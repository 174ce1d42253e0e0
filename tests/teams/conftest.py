from __future__ import annotations

from datetime import UTC, datetime

import pytest

from teams.models import BusinessUnit, Person, Role, Team

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def fleet(db: None) -> BusinessUnit:
    return BusinessUnit.objects.create(key="fleet", name="Fleet")


@pytest.fixture
def yards(db: None) -> BusinessUnit:
    return BusinessUnit.objects.create(key="yards", name="Yards")


@pytest.fixture
def sdr_team(db: None) -> Team:
    return Team.objects.create(key="sdr", name="SDR Austin", purpose="sdr")


@pytest.fixture
def dana(fleet: BusinessUnit) -> Person:
    person = Person.objects.create_user("dana@fernhill.example", "a-long-password", name="Dana Okwell")
    person.business_units.add(fleet)
    return person


@pytest.fixture
def ines(fleet: BusinessUnit) -> Person:
    """RevOps, in the same business unit as Dana."""
    person = Person.objects.create_user(
        "ines@fernhill.example", "a-long-password", name="Ines Kalderon", role=Role.REVOPS_ADMIN
    )
    person.business_units.add(fleet)
    return person


@pytest.fixture
def wanda(yards: BusinessUnit) -> Person:
    """A rep of the other business unit."""
    person = Person.objects.create_user("wanda@fernhill.example", "a-long-password", name="Wanda Ashgrove")
    person.business_units.add(yards)
    return person
