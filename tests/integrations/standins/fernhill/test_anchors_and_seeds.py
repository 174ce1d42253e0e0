import json
from datetime import UTC, datetime

import pytest

from integrations.standins.fernhill import build_world
from tests.integrations.standins.fernhill.conftest import ANCHOR

AWKWARD = {
    "the hour that is skipped in Berlin": datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    "the hour that comes twice in Austin": datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
    "the hour that is skipped in Austin": datetime(2027, 3, 14, 8, 0, tzinfo=UTC),
    "leap day": datetime(2028, 2, 29, 12, 0, tzinfo=UTC),
    "a weekend night": datetime(2026, 8, 16, 2, 13, 59, 999_999, tzinfo=UTC),
    "New Year": datetime(2027, 1, 1, 0, 0, tzinfo=UTC),
    "after Christmas": datetime(2026, 12, 28, 9, 0, tzinfo=UTC),
    "days after a leave of two weeks": datetime(2026, 11, 15, 15, 0, tzinfo=UTC),
    "long after a leave in spring": datetime(2027, 11, 14, 15, 0, tzinfo=UTC),
    "flood around Easter": datetime(2026, 11, 20, 18, 0, tzinfo=UTC),
}


@pytest.mark.parametrize("anchor", AWKWARD.values(), ids=AWKWARD.keys())
def test_the_stories_come_out_at_any_instant(anchor):
    world = build_world(anchor)
    latest = max(
        max(row["created"], row["modified"], *(c["at"] for c in row.get("history", [])))
        for system in ("salesforce", "hubspot")
        for rows in world[system].values()
        for row in rows
    )
    assert latest <= anchor


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_stories_come_out_with_any_seed(seed):
    build_world(ANCHOR, seed)


def test_the_same_arguments_make_the_same_world(world):
    assert _text(build_world(ANCHOR)) == _text(world)


def test_another_seed_makes_another_world(world):
    assert _text(build_world(ANCHOR, 18)) != _text(world)


def test_the_zone_of_the_anchor_does_not_matter(world):
    from zoneinfo import ZoneInfo

    assert _text(build_world(ANCHOR.astimezone(ZoneInfo("Europe/Berlin")))) == _text(world)


def test_a_naive_anchor_is_refused():
    with pytest.raises(ValueError, match="aware"):
        build_world(datetime(2026, 9, 16, 14, 20))


def _text(world):
    return json.dumps(world, default=str)
