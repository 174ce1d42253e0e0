"""Who accepts a handoff commits to it, whoever owns the record. Ava (sales) accepts on Tuesday at 10:00 what somebody
else owns; Odd Moe is of sales, too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slas.evidence import holdings
from slas.hands import with_acceptance
from tests.slas.builders import (
    AVA,
    LONG_AGO,
    MIRA,
    ODD,
    OWNERS,
    SASHA,
    STAFF,
    Batch,
    Buyer,
    austin,
    rule,
)

WORK = rule("touch", from_team="sdr", to_team="sales", start={"handoff_accepted": "sdr_to_ae"},
            stop={"touch_by_team": "sales"})  # fmt: skip
BOTH = replace(STAFF, stays=STAFF.stays | {ODD: [(LONG_AGO, None, "sales")]}, names={AVA: "Ava Lind"})


def who_has_it(owners: list[tuple[str, str]], **accepted: object) -> list[tuple[str, int | None]]:
    buyer = Buyer()
    for at, owner in owners:
        buyer.tell("contact", "change", at, field="owner", new=owner)
    start = buyer.tell("contact", "handoff.accepted", "Tue 10:00", **accepted)
    journey = buyer.journey()
    batch = Batch({}, OWNERS, now=austin("Fri 10:00"))
    owned = holdings(journey, journey.records[0], batch, BOTH)
    return [(f"{held.begin:%a %H:%M}", held.person_id) for held in with_acceptance(WORK, start, owned, BOTH)]


@pytest.mark.parametrize(
    ("owners", "found"),
    [
        ([("Mon 09:00", "sasha")], [("Mon 15:00", SASHA), ("Tue 16:00", AVA)]),
        ([("Mon 09:00", "odd")], [("Mon 15:00", ODD)]),
        (
            [("Mon 09:00", "sasha"), ("Wed 09:00", "odd")],
            [("Mon 15:00", SASHA), ("Tue 16:00", AVA), ("Wed 15:00", ODD)],
        ),
        ([("Mon 09:00", "sasha"), ("Wed 09:00", "mira")], [("Mon 15:00", SASHA), ("Tue 16:00", AVA)]),
        (
            [("Mon 09:00", "odd"), ("Wed 09:00", "mira"), ("Wed 10:00", "queue")],
            [("Mon 15:00", ODD), ("Wed 15:00", AVA)],
        ),
        ([], [("Tue 16:00", AVA)]),
    ],
    ids=[
        "the lead is the SDR's",
        "the lead is a colleague's in sales",
        "a colleague in sales gets it later",
        "it goes to somebody of a third team",
        "the colleague hands it to nobody of the team",
        "nobody owns it",
    ],
)
def test_it_is_theirs_while_nobody_of_the_team_owns_it(
    owners: list[tuple[str, str]], found: list[tuple[str, int | None]]
) -> None:
    assert who_has_it(owners, actor=AVA) == found


def test_accepted_for_somebody_it_is_the_receivers() -> None:
    told = who_has_it([("Mon 09:00", "sasha")], actor=None, data={"receiver": AVA})
    assert told[-1] == ("Tue 16:00", AVA)


@pytest.mark.parametrize("accepted", [{}, {"actor": MIRA}, {"data": {"receiver": SASHA}}])
def test_whoever_is_not_of_the_team_commits_nobody(accepted: dict[str, object]) -> None:
    assert who_has_it([("Mon 09:00", "sasha")], **accepted) == [("Mon 15:00", SASHA)]
