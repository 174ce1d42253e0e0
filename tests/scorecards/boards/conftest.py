from __future__ import annotations

from datetime import timedelta

import pytest

from records.models import Connection, OwnerMatch
from slas.due import due_clocks
from teams.models import Membership, Person, Team
from tests.handoffs.conftest import house, signed_in
from tests.scorecards.conftest import House

__all__ = ["House", "house", "signed_in"]
MQLS = 12


@pytest.fixture
def quarter(house: House) -> House:
    """Twelve MQLs three weeks ago. Two are SQL; two wait in a queue, untouched; the
    SDR has the others and has called six: four within the hour, two a day later."""
    # All of it is history: told at once, it comes to the same.
    conclude, house.conclude = house.conclude, lambda now=None: None  # type: ignore[method-assign]  # put back below
    hubspot = Connection.objects.get(name="hubspot")
    OwnerMatch.objects.create(connection=hubspot, remote_id="queue", name="Inbound queue", kind="queue")
    for i in range(MQLS):
        became = house.now - timedelta(days=20, hours=i)
        house.mql(
            f"C{i}", became, hubspot_owner_id="queue" if i >= MQLS - 2 else "sdr", email=f"c{i}@x.example",
            lead_origin="demo_request" if i < 8 else "webinar", region="NA" if i % 2 else "EMEA",
        )  # fmt: skip
        if i < 6:
            at = became + (timedelta(minutes=20) if i < 4 else timedelta(hours=26))
            call(house, f"T{i}", f"C{i}", at)
    for i in range(2):
        house.lead(f"L{i}", house.now - timedelta(days=15), Email=f"c{i}@x.example")
        house.say("salesforce", "Lead", f"L{i}", house.now - timedelta(days=14), Status="Qualified")
    house.conclude = conclude  # type: ignore[method-assign]  # as it was
    house.conclude()
    while due_clocks(house.now):
        house.conclude()
    return house


def call(house: House, call_id: str, contact: str, at: object) -> None:
    house.say(
        "hubspot", "calls", call_id, at, hs_timestamp=at.isoformat(), hubspot_owner_id="sdr",  # type: ignore[arg-type,attr-defined]  # a datetime
        hs_call_direction="OUTBOUND", about=contact,
    )  # fmt: skip


@pytest.fixture
def boss(house: House) -> Person:
    """The SDR's manager."""
    found = house.sdr.manager
    assert found is not None
    return found


@pytest.fixture
def stranger(house: House) -> Person:
    """A colleague of the SDR in the same unit who leads nobody."""
    made = Person.objects.create_user("tilda.marrow@fernhill.example", name="Tilda Marrow")
    made.business_units.set(house.sdr.business_units.all())
    team = Team.objects.get(key="marketing")
    Membership.objects.create(person=made, team=team, started_at=house.now - timedelta(days=400))
    return made
