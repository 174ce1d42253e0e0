"""The numbers of the boards: they add up, and each is as many records as it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from scorecards.boards import attainment, black_hole, first_touch, late, speed, unowned
from scorecards.boards.asked import Asked, read_asked
from scorecards.boards.frame import Frame
from scorecards.dimension_rollups import recount_dimensions
from scorecards.facts import FactSet, facts_of
from scorecards.metrics import IN_TIME, METRICS
from scorecards.models import DimensionRollup, MetricFact
from scorecards.periods import last_days
from slas.appeals.counting import attainment as counted
from slas.models import Clock
from teams.models import Person
from tests.scorecards.conftest import House

pytestmark = pytest.mark.django_db


def frame_of(house: House, viewer: Person, **asked: object) -> Frame:
    told = Asked(last_days("90d", house.now.date()))
    return Frame(viewer, replace(told, **asked), house.now)  # type: ignore[arg-type]  # fields of a table


def test_the_numbers_of_a_quarter(
    quarter: House, boss: Person, signed_in: Callable[[Person], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One quarter, all pages: 12 MQLs, 4 touched within 20 minutes, 2 after 26 hours, 2 of a queue and 4 never."""
    for module in (attainment, first_touch, speed):
        monkeypatch.setattr(module, "TOO_FEW", 1)
    house = quarter

    page = first_touch.load(frame_of(house, boss))
    assert [(line.label, line.n, line.touched, line.never, line.yes) for line in page.lines] == [
        ("Demo request", 8, 6, 2, 2), ("Webinar", 4, 0, 4, 0),
    ]  # fmt: skip
    assert (page.total.median, page.total.within) == (20 * 60, (0, 4, 4))
    assert page.warnings == []

    buckets = speed.load(frame_of(house, boss)).buckets
    assert [(b.label, b.n, b.yes) for b in buckets] == [
        ("Under 1 h", 4, 2), ("1 h to 24 h", 0, 0), ("Over 24 h", 2, 0), ("Never touched so far", 6, 0),
    ]  # fmt: skip
    browser = signed_in(boss)
    for bucket in buckets:
        assert browser.get(bucket.facts.href).context["shown"] == bucket.n, bucket.label
        assert len(browser.get(bucket.facts.records_href).context["rows"]) == bucket.n, bucket.label
        assert browser.get(bucket.yes_href).context["shown"] == bucket.yes, bucket.label

    hole = black_hole.load(frame_of(house, boss))
    assert [(q.holder, q.n, q.out, q.never) for q in hole.queues] == [("Inbound queue", 2, 0, 2)]
    assert hole.queues[0].sentence == (
        "2 leads waited in Inbound queue: nobody owns one yet, 2 never touched."
    )
    assert [q.holder for q in hole.unwatched] == ["Inbound queue"]
    # Four were touched once and never again, and the ten working days are over.
    assert (hole.total.abandoned, hole.total.never) == (4, 6)
    assert browser.get(hole.total.abandoned_href).context["shown"] == 4
    assert black_hole.load(frame_of(house, boss, touches=1)).total.abandoned == 0

    open_now = unowned.load(frame_of(house, boss), None)
    assert [(h.name, h.kind, h.n) for h in open_now.holders] == [("Inbound queue", "queue", 2)]
    assert len(open_now.page.rows) == 2

    whole = attainment.load(frame_of(house, boss))
    assert whole.total.count == counted(Clock.objects.all())
    told = late.load(frame_of(house, boss), None)
    assert sum(part.n for part in told.reasons) == whole.total.count.late == len(told.rows)
    assert Counter(row.reason for row in told.rows)["no_owner"] == next(
        part.n for part in told.reasons if part.code == "no_owner"
    )
    only = late.load(frame_of(house, boss, reason="no_owner"), None)
    assert {row.reason for row in only.rows} == {"no_owner"}
    assert len(only.rows) == only.n == next(part.n for part in only.reasons if part.is_here)


def test_roll_ups_equal_a_count_of_the_facts_and_figures_of_people_are_theirs(
    quarter: House, boss: Person, stranger: Person, signed_in: Callable[[Person], Client]
) -> None:
    def rows() -> set[tuple[object, ...]]:
        columns = (
            "metric",
            "dimension",
            "slice",
            "day",
            "label",
            "business_unit",
            "count",
            "total",
            "excused",
        )
        return set(DimensionRollup.objects.values_list(*columns))

    moved = rows()
    recount_dimensions()
    assert rows() == moved
    frame = frame_of(quarter, boss)
    for by in attainment.BY:
        page = attainment.load(frame_of(quarter, boss, by=by))
        shown = attainment.add(line.count for line in page.lines)
        if by != "owner":
            assert shown == page.total.count, by
        # The same from the facts, as when the address narrows.
        cells = attainment.count_cells(
            boss, replace(frame.asked, size="20 to 99"), frame.asked.period, "team"
        )
        assert attainment.add(cells.values()) == page.total.count

    _check_whose_figures_are_shown(quarter, boss, stranger, signed_in)
    _check_that_enough_people_are_one_line(quarter, stranger)


def _check_whose_figures_are_shown(
    quarter: House, boss: Person, stranger: Person, signed_in: Callable[[Person], Client]
) -> None:
    sdr = str(quarter.sdr.pk)

    def owners(viewer: Person) -> set[str]:
        return {line.key for line in attainment.load(frame_of(quarter, viewer, by="owner")).lines}

    assert sdr in owners(boss)
    assert sdr in owners(quarter.sdr)
    leader = Person.objects.filter(role="leader").first()
    for viewer in (stranger, leader):
        assert viewer is not None
        assert not {key for key in owners(viewer) if key.isdecimal()}
        page = attainment.load(frame_of(quarter, viewer, by="owner"))
        assert page.hidden_people == 1
        # One person is no group to hide in.
        assert attainment.OTHERS not in owners(viewer)
        wanted = read_asked({}, quarter.now.date()).facts(IN_TIME.key, owner=sdr)
        assert not facts_of(viewer, wanted).exists()
        answer = signed_in(viewer).get(reverse("scorecards:attainment"), {"owner": sdr, "by": "owner"})
        assert answer.context["asked"].owner == ""
    assert facts_of(boss, read_asked({}, quarter.now.date()).facts(IN_TIME.key, owner=sdr)).exists()


def _check_that_enough_people_are_one_line(quarter: House, stranger: Person) -> None:
    fact = MetricFact.objects.filter(metric=IN_TIME.key, dimensions__owner=quarter.sdr.pk).first()
    assert fact is not None
    for i in range(settings.GTMOPS.smallest_group):
        DimensionRollup.objects.create(
            metric=IN_TIME.key, slice=fact.slice, dimension="owner", label=str(900_000 + i), day=fact.day,
            count=3, total=2, excused=1,
        )  # fmt: skip
    page = attainment.load(frame_of(quarter, stranger, by="owner"))
    others = next(line for line in page.lines if line.key == attainment.OTHERS)
    assert others.href == ""
    assert (others.count.granted, page.hidden_people) == (5, settings.GTMOPS.smallest_group + 1)


def test_high_intent_that_waits_for_more_than_an_hour_is_a_routing_problem() -> None:
    facts = FactSet("mql_to_sql", last_days("90d", date(2026, 11, 22)))
    line = first_touch.Line(
        "demo_request", "Demo request", 12, 12, 0, 3, 3 * 3600 + 59.0, 9000.0, (0, 2, 11), facts,
    )  # fmt: skip

    def warnings(shown: first_touch.Line, metric: str = "mql_to_sql") -> list[str]:
        return list(first_touch._warnings([shown], shown, METRICS[metric], "lead_origin"))

    assert warnings(line) == ["Demo request: half of those touched waited longer than 3 h for it."]
    assert warnings(replace(line, n=9, touched=9)) == []  # too few to say so
    assert warnings(replace(line, median=3600.0)) == []
    assert warnings(replace(line, key="webinar")) == []  # nobody who watched a webinar waits for a call
    assert warnings(line, "form_to_sql") == ["Half of the forms wait longer than 3 h for a first touch."]
