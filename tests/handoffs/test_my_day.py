"""My day: one row per buyer, by how urgent it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from definitions.versions import load_model
from handoffs import services
from handoffs.day import LATER, NOW, TODAY, Day
from handoffs.my_day import hours_of, load_day, section_of
from slas.models import Clock
from teams.models import Person
from tests.handoffs.conftest import FULL, House
from tests.handoffs.test_acts import STEP

MORNING = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)  # 09:00 in Austin


@pytest.mark.parametrize(
    ("minutes", "section"),
    [
        (-5, NOW),
        (0, NOW),
        (59, NOW),
        (60, NOW),
        (61, TODAY),
        (14 * 60 + 59, TODAY),
        (15 * 60, LATER),
        (None, TODAY),
    ],
)
def test_sections_follow_the_persons_own_day(minutes: int | None, section: str) -> None:
    urgent_at = None if minutes is None else MORNING + timedelta(minutes=minutes)
    assert section_of(urgent_at, MORNING, ZoneInfo("America/Chicago")) == section


def labels(day: Day) -> dict[str, list[str]]:
    return {label: [row.action for row in rows] for label, rows in day.sections}


def due(remote_id: str, at: datetime, state: str = "running") -> None:
    """Set the first-touch clock of a contact, whose business time depends on the day the tests run."""
    clocks = Clock.objects.filter(record__remote_id=remote_id, rule_key="s2_first_touch")
    assert clocks.update(due_at=at, state=state) == 1


def test_a_late_lead_stands_before_one_of_this_afternoon(house: House) -> None:
    for remote_id in ("C1", "C2", "C3"):
        house.mql(remote_id, house.now - timedelta(minutes=20), company=f"{remote_id} Haulage")
    due("C1", house.now + timedelta(days=3))
    due("C2", house.now - timedelta(minutes=12), "breached")
    due("C3", house.now + timedelta(minutes=30))
    day = load_day(house.sdr, house.now)
    assert day.heading == "2 need you now"
    assert [row.title.split(" · ")[0] for row in day.rows] == ["C2 Haulage", "C3 Haulage", "C1 Haulage"]


def test_a_row_says_what_the_buyer_did_in_words(house: House) -> None:
    asked = house.now - timedelta(minutes=14)
    house.mql(
        "C1",
        asked,
        phone="+1 (512) 555-0100",
        demo_requested_at=asked.isoformat(),
        last_engagement="Requested a demo; viewed Pricing twice",
    )
    row = load_day(house.sdr, house.now).rows[0]
    assert row.title == "Tarnbrook Paving · Kip Salloway"
    assert (row.text, row.at, row.more) == ("Requested a demo", asked, "viewed Pricing twice")
    assert (row.action, row.action_href) == ("Call", "tel:+15125550100")
    assert [item["text"] for item in row.menu if item["text"].startswith("Open in")] == ["Open in HubSpot"]


def test_one_buyer_is_one_row(house: House) -> None:
    house.mql("C1", house.now - timedelta(minutes=20), email="l1@buyer.example")
    house.handoff("L1")
    assert len(load_day(house.sdr, house.now).rows) == 1


def test_a_handoff_is_a_row_for_whoever_has_the_move(house: House) -> None:
    handoff = house.handoff(**FULL)
    day = load_day(house.sdr, house.now)
    assert labels(day) == {"Today": ["Finish handoff"]}
    assert day.rows[0].text == "2 of 6 still missing: Agreed next step, Date of the next step"
    handoff = services.send(handoff, house.sdr, STEP, key="1", now=house.now)
    assert labels(load_day(house.ae, house.now)) == {"Today": ["Accept"]}
    day = load_day(house.sdr, house.now)
    assert labels(day) == {"Later": ["Book a meeting"]}, "the handoff is no longer theirs, the meeting is"
    handoff = services.ask(handoff, house.ae, text="Who signs?", key="2", now=house.now)
    day = load_day(house.sdr, house.now)
    assert (labels(day), day.rows[0].text) == ({"Today": ["Answer"]}, "“Who signs?”")
    handoff = services.send_back(handoff, house.ae, reason="no_authority", text="", key="3", now=house.now)
    assert load_day(house.sdr, house.now).rows[0].text == "“No budget owner named”"
    assert len(load_day(house.ae, house.now).waiting) == 1
    handoff = services.send(handoff, house.sdr, {}, key="4", now=house.now)
    services.accept(handoff, house.ae, key="5", now=house.now)
    assert labels(load_day(house.ae, house.now)) == {"Later": ["Confirm next step"]}
    assert load_day(house.ae, house.now).next_up is not None


def test_what_nobody_is_named_for_is_the_whole_teams(house: House, colleague: Person) -> None:
    services.send(house.handoff(**FULL), house.sdr, STEP, key="1", now=house.now)
    assert load_day(colleague, house.now).rows == ()
    Person.objects.filter(pk=house.ae.pk).update(is_active=False)
    assert labels(load_day(colleague, house.now)) == {"Today": ["Accept"]}


def test_a_manager_sees_what_is_late_in_the_team_and_a_rep_does_not(house: House) -> None:
    house.mql("C1", house.now - timedelta(minutes=20))
    due("C1", house.now - timedelta(minutes=5), "breached")
    manager = house.sdr.manager
    assert manager is not None
    late = load_day(manager, house.now).late_elsewhere
    assert [row.text for row in late] == [f"{house.sdr.name} has it · First human touch"]
    assert load_day(house.ae, house.now).late_elsewhere == ()


def test_a_manager_whose_team_is_in_time_sees_what_falls_due_next(house: House) -> None:
    house.mql("C1", house.now)
    manager = house.sdr.manager
    assert manager is not None
    day = load_day(manager, house.now)
    assert day.heading == "Your team is in time"
    assert [row.text for row in day.due_elsewhere] == [f"{house.sdr.name} has it · First human touch"]
    assert load_day(house.ae, house.now).due_elsewhere == ()


@pytest.mark.parametrize(
    ("at", "team", "words"),
    [
        (MORNING, "sdr", "your hours 08:30–17:30 Austin"),
        (MORNING, "sales", "your hours 09:00–12:30, 13:15–18:00 Berlin"),
        (datetime(2026, 3, 7, 15, tzinfo=UTC), "sdr", "closed today in Austin"),
        (datetime(2026, 12, 25, 15, tzinfo=UTC), "sales", "closed today in Berlin"),
        (MORNING, "executive", None),
    ],
)
def test_hours_are_those_of_the_teams_calendar_today(
    house: House, at: datetime, team: str, words: str | None
) -> None:
    hours = hours_of(load_model().in_force("calendars", house.now), team, at)
    assert (hours.words if hours else None) == words


def test_the_poll_swaps_nothing_until_something_changed(
    house: House, signed_in: Callable[[Person], Client]
) -> None:
    client = signed_in(house.sdr)
    address = reverse("handoffs:my_day")
    page = client.get(address).content.decode()
    assert "Nothing waiting" in page
    mark = page.split("mark=")[1].split('"')[0]
    poll = {"headers": {"HX-Request": "true"}}
    same = client.get(f"{address}?mark={mark}", **poll)
    assert same["HX-Reswap"] == "none"
    assert "hx-swap-oob" in same.content.decode()
    house.mql("C1", house.now - timedelta(minutes=1))
    fresh = client.get(f"{address}?mark={mark}", **poll)
    assert "HX-Reswap" not in fresh
    assert "Tarnbrook Paving" in fresh.content.decode()
    assert "<html" not in fresh.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_rows(
    house: House, signed_in: Callable[[Person], Client]
) -> None:
    client = signed_in(house.sdr)
    counts = []
    for more in (range(1, 2), range(2, 6)):
        for i in more:
            house.mql(f"C{i}", house.now - timedelta(minutes=i))
            house.handoff(f"L{i}")
        client.get(reverse("handoffs:my_day"))
        with CaptureQueriesContext(connection) as seen:
            assert client.get(reverse("handoffs:my_day")).status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]
    assert counts[0] <= 15
