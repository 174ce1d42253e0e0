"""Why is this late, and the list that every number leads to."""

from __future__ import annotations

import csv
import html
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from slas.calendars.times import week_words
from slas.models import Clock
from slas.receipts import explain, with_receipt
from teams.models import BusinessUnit, Person, Role
from teams.paging import CappedPaginator
from teams.tokens import issue_token
from tests.slas.builders import austin
from tests.slas.conftest import House
from tests.slas.objects import make_clock


@pytest.fixture
def late(house: House) -> Clock:
    """The example of the page: nobody, Marketing, a night, the SDR, a first call."""
    house.publish("stages", "mql", {"name": "MQL", "order": 1, "claimed_when": STAGE_CLAIM})
    house.become_mql("Thu 15:35", owner=None, company="Kestrel Haulage")
    house.lead("Thu 17:10", stage="mql", owner="mira", company="Kestrel Haulage")
    house.conclude("Thu 17:10")
    house.run_late("Thu 17:11")
    house.lead("Thu 19:00", stage="mql", owner="sasha", company="Kestrel Haulage")
    house.conclude("Thu 19:00")
    house.call("Fri 09:45")
    house.conclude("Fri 09:45")
    return house.clock()


STAGE_CLAIM = {"connection": "hubspot", "object": "person", "field": "stage", "values": ["mql"]}


def read(who: Person, path: str) -> str:
    client = Client()
    client.force_login(who)
    answer = client.get(path)
    assert answer.status_code == 200, answer
    text = re.sub(
        r"<(script|style|head|nav)\b.*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL
    )
    return re.sub(r" (?=[.,:”])", "", " ".join(html.unescape(text).split()))


def test_the_page_says_how_late_and_whose_time_it_was(house: House, late: Clock) -> None:
    text = read(house.sasha, f"/clocks/{late.pk}/")
    assert "Late by 2 h 10 min. 1 h 35 min was before it had an owner." in text
    for said in (
        "System 1 h 35 min",
        "Marketing 20 min",
        "SDR Austin 1 h 15 min",
        "Closed 15 h",
        "= 18 h 10 min from start to call",
        "Became MQL in HubSpot",
        "touches it within 1 business hour.” Version 1, in force since 1 Jan 2025",
        "Austin, Mon–Fri 08:30–17:30 (America/Chicago), no holiday in between",
        "read again in HubSpot at 23:11:00: nothing that stops it",
        "Call, Sasha Field, in HubSpot",
        "Who was told",
    ):
        assert said in text, (said, text)


def test_a_colleague_reads_the_team_and_a_manager_and_revops_read_the_name(house: House, late: Clock) -> None:
    path = f"/clocks/{late.pk}/"
    assert "Sasha Field" not in read(house.mira, path)
    assert "SDR Austin, in HubSpot" in read(house.mira, path)
    assert "Call, Sasha Field, in HubSpot" in read(house.boss, path)
    assert "Call, Sasha Field, in HubSpot" in read(house.revops, path)


@pytest.mark.parametrize(
    ("state", "times", "words"),
    [
        ("met", {"stopped_at": austin("Thu 10:40")}, "In time, 20 min to spare."),
        ("met", {"stopped_at": austin("Thu 10:40"), "due_at": None}, "In time."),
        ("withdrawn", {"stopped_at": austin("Thu 10:40")}, "In time after all, 20 min to spare."),
        ("running", {"due_at": None}, "Running, without a due time yet."),
        ("running", {}, "The time is up. It is about to be checked."),
        ("due", {}, "The time is up. We are reading the CRM once more before calling it late."),
        ("seen_late", {}, "Seen late: nobody is charged with it."),
        ("cancelled", {"stopped_at": austin("Thu 10:40")}, "No longer needed: the record was deleted."),
        ("breached_not_verified", {}, "Not verified: the CRM could not be read"),
        ("breached", {"stopped_at": austin("Thu 12:00")}, "Late by 1 h."),
        ("breached", {"has_it": "system"}, "so far. Nobody owns it yet."),
    ],
)
def test_every_state_has_its_sentence(house: House, state: str, times: dict[str, object], words: str) -> None:
    clock = make_clock(house.unit, house.sasha, state=state, **times)
    assert words in read(house.sasha, f"/clocks/{clock.pk}/")


def test_a_running_clock_says_what_is_left_in_the_time_it_counts(house: House) -> None:
    house.become_mql("Thu 17:00")
    clock = with_receipt(Clock.objects.all()).get(pk=house.clock().pk)
    found = explain(clock, house.sasha, austin("Thu 17:20"))
    assert (found.seconds, found.clock.due_at) == (2400, austin("Fri 09:00"))
    assert sum(s.seconds for s in found.bar) == 1200
    assert found.is_open


def test_a_correction_is_shown_beside_what_it_corrects(house: House) -> None:
    house.become_mql("Thu 10:00")
    house.run_late()
    house.call("Thu 10:50", now="Thu 11:30")
    house.conclude("Thu 11:30")
    text = read(house.sasha, f"/clocks/{house.clock().pk}/")
    assert "In time after all, 10 min to spare. It was called late before the CRM told us." in text
    assert "Late → In time after all" in text
    assert "An activity was logged in HubSpot." in text


def test_outside_the_business_unit_it_is_not_found(house: House) -> None:
    other = BusinessUnit.objects.create(key="apac", name="APAC")
    client = Client()
    client.force_login(house.sasha)
    hidden, shown = make_clock(other, None), make_clock(house.unit, None)
    assert client.get(f"/clocks/{hidden.pk}/").status_code == 404
    assert [line.clock.pk for line in client.get("/clocks/").context["lines"]] == [shown.pk]


# --- the list ---


def found(who: Person, query: str) -> set[str]:
    client = Client()
    client.force_login(who)
    return {line.clock.record.title for line in client.get(f"/clocks/{query}").context["lines"]}


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", {"Late one", "Met one", "Open one"}),
        ("?state=late", {"Late one"}),
        ("?state=met", {"Met one"}),
        ("?state=running", {"Open one"}),
        ("?state=nonsense", {"Late one", "Met one", "Open one"}),
        ("?owner=me", {"Late one"}),
        ("?owner=reports", set()),
        ("?owner=nobody", {"Met one"}),
        ("?team=sdr", {"Open one"}),
        ("?rule=routed", {"Late one", "Met one", "Open one"}),
        ("?scope=live", {"Late one", "Open one"}),
        ("?q=one+late", {"Late one"}),
        ("?since=2026-11-13T00:00:00Z", set()),
        ("?until=2026-11-13T00:00:00Z&state=late", {"Late one"}),
    ],
)
def test_the_filters_leave_what_they_say(house: House, query: str, titles: set[str]) -> None:
    make(house)
    assert found(house.sasha, query) == titles


def make(house: House) -> None:
    rows = {
        "Late one": make_clock(house.unit, house.sasha),
        "Met one": make_clock(
            house.unit, None, state="met", stopped_at=austin("Thu 10:10"), is_measured_only=True
        ),
        "Open one": make_clock(house.unit, house.mira, state="running", team=house.teams["sdr"]),
    }
    for title, clock in rows.items():
        clock.record.title = title
        clock.record.save()


def test_a_manager_finds_what_their_people_have(house: House) -> None:
    make(house)
    assert found(house.boss, "?owner=reports") == {"Late one"}


def test_the_list_costs_the_same_for_one_and_for_many(house: House, client: Client) -> None:
    client.force_login(house.sasha)
    make(house)
    client.get("/clocks/")
    with CaptureQueriesContext(connection) as few:
        client.get("/clocks/")
    for _ in range(10):
        make_clock(house.unit, house.sasha)
    with CaptureQueriesContext(connection) as many:
        client.get("/clocks/")
    assert len(many) == len(few)


def test_a_long_list_is_not_counted_to_its_end(
    house: House, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CappedPaginator, "MOST", 2)
    client.force_login(house.sasha)
    for _ in range(2):
        make_clock(house.unit, house.sasha)
    assert "<strong>2</strong> clocks" in client.get("/clocks/").content.decode()
    make_clock(house.unit, house.sasha)
    page = client.get("/clocks/").content.decode()
    assert "<strong>2+</strong> clocks" in page
    assert "2+ clocks" in page


def test_the_file_holds_the_same_clocks_and_no_formula(house: House) -> None:
    clock = make_clock(house.unit, house.sasha, stopped_at=austin("Thu 12:00"))
    clock.record.title = "=cmd()"
    clock.record.save()
    client = Client()
    client.force_login(house.sasha)
    answer = client.get("/clocks/export/?state=late")
    (row,) = csv.DictReader(answer.getvalue().decode("utf-8-sig").splitlines())  # type: ignore[attr-defined]  # a streamed answer has it
    assert (row["clock"], row["buyer"], row["late_seconds"]) == (str(clock.pk), "'=cmd()", "3600")
    assert (row["state"], row["who_has_it"]) == ("breached", "Sasha Field")


# --- the API ---


def api(who: Person, path: str) -> object:
    _, secret = issue_token(who, name="test")
    answer = Client().get(f"/api/v1/clocks/{path}", headers={"authorization": f"Bearer {secret}"})
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.parametrize(
    ("query", "count"), [("", 3), ("?late=true", 1), ("?state=met", 1), ("?owner=me", 1), ("?rule=touch", 0)]
)
def test_the_api_lists_by_the_same_filters(house: House, query: str, count: int) -> None:
    make(house)
    found = api(house.sasha, query)
    assert isinstance(found, dict)
    assert found["count"] == count


def test_the_api_tells_one_clock_with_who_had_it(house: House, late: Clock) -> None:
    found = api(house.mira, f"{late.pk}/")
    assert isinstance(found, dict)
    assert (found["late_seconds"], found["who"], found["rule"]) == (7800, "SDR Austin", "touch")
    assert sum(s["seconds"] for s in found["segments"]) == 65_400
    assert "Sasha Field" not in str(found)
    told = api(house.boss, f"{late.pk}/")
    assert "Sasha Field" in str(told)


def test_hours_read_as_people_say_them() -> None:
    week = {d: [["09:00", "12:30"], ["13:15", "18:00"]] for d in ("mon", "tue", "wed", "thu")}
    assert (
        week_words({**week, "fri": [["09:00", "17:00"]]})
        == "Mon–Thu 09:00–12:30, 13:15–18:00; Fri 09:00–17:00"
    )


def test_a_leader_reads_names(house: House) -> None:
    leader = house.person("cro", "Cy Row", role=Role.LEADER)
    clock = make_clock(house.unit, house.sasha)
    assert "Sasha Field has it" in read(leader, f"/clocks/{clock.pk}/")
