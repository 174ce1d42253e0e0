"""The bar of the explanation page: closed hours don't hide the rest, and the sum stays true."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from slas.time_bar import MOST_STRETCHES, TeamLook, stretches
from slas.visibility import Names
from tests.slas.builders import SASHA, Buyer, austin, rule

TOUCH = rule("touch")
TEAMS = {"marketing": TeamLook("Marketing", "sky"), "sdr": TeamLook("SDR Austin", "amber")}
ZONE = ZoneInfo("America/Chicago")
ALL = Names(frozenset(), sees_all=True)


def example() -> Buyer:
    buyer = Buyer().became_mql("Thu 15:35").owned_by("mira", "Thu 17:10").owned_by("sasha", "Thu 19:00")
    return buyer.read_again(TOUCH, "Thu 16:35:03").activity("c", "Fri 09:45")


def test_the_example_of_the_page_is_drawn_in_four_stretches() -> None:
    segments = example().clock(TOUCH, "Fri 12:00").segments
    bar = stretches(segments, TEAMS, ALL, ZONE, "Fri 09:45 call")
    assert [(s.label, s.tone, s.seconds, s.key, s.mark) for s in bar] == [
        ("Nobody", "slate", 5700, "System", "Thu 17:10 owner set"),
        ("Mira Post", "sky", 1200, "Marketing", "Thu 17:30"),
        ("closed 17:30 – 08:30", "closed", 54_000, "Closed", "Fri 08:30"),
        ("Sasha Field", "amber", 4500, "SDR Austin", "Fri 09:45 call"),
    ]
    assert bar[2].drawn < sum(s.drawn for s in bar) / 3


def test_who_may_not_read_a_name_reads_the_team() -> None:
    segments = example().clock(TOUCH, "Fri 12:00").segments
    bar = stretches(segments, TEAMS, Names(frozenset({SASHA})), ZONE, "")
    assert [s.label for s in bar] == ["Nobody", "Marketing", "closed 17:30 – 08:30", "Sasha Field"]


def test_weeks_are_told_as_open_and_closed_hours() -> None:
    buyer = Buyer().owned_by("sasha", "Mon 09:00").became_mql("Mon 10:00").read_again(TOUCH, "Mon 11:00")
    segments = buyer.activity("c", "30 Mon 10:00").clock(TOUCH, "30 Mon 11:00").segments
    bar = stretches(segments, TEAMS, ALL, ZONE, "")
    assert len(segments) > MOST_STRETCHES
    assert [s.key for s in bar] == ["SDR Austin", "Closed"]
    assert sum(s.seconds for s in bar) == 21 * 86_400
    assert austin("30 Mon 10:00") == segments[-1].end
