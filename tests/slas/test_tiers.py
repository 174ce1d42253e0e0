"""How much time a clock has: the tier by what was known at its start, and whether the rule is for it at all."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from definitions.criteria import Catalogue, parse
from slas.conditions import Conditions
from slas.fold import BREACHED, CANCELLED, ClockData
from slas.rules import Rule, parse_rule
from tests.slas.builders import RULES, Buyer, austin, in_force, rule

CATALOGUE = Catalogue.from_spec(
    {
        "person": {
            "origin": {"type": "picklist"},
            "fleet": {"type": "number"},
            "asked_at": {"type": "datetime"},
        }
    }
)
DEMO = {"field": "origin", "op": "is", "value": "demo"}
LARGE = {"field": "fleet", "op": "at_least", "value": 100}
ASKED = {"field": "asked_at", "op": "within_last", "value": {"days": 1}}
HOURS: list[dict[str, Any]] = [
    {"name": "Demo request", "when": DEMO, "target": {"business": "1h"}},
    {"name": "Large fleet", "when": LARGE, "target": {"business": "2h"}},
    {"name": "Content", "target": {"business": "6h"}},
]


def tiered(*tiers: dict[str, Any]) -> Rule:
    body = {key: value for key, value in RULES["touch"].items() if key != "target"}
    return parse_rule("touch", {**body, "targets": list(tiers)})


def conditions(which: Rule) -> Conditions:
    def built(tree: Any) -> Any:
        return parse(tree, CATALOGUE, object="person") if tree else None

    return Conditions(where=built(which.where), tiers=tuple(built(tier.when) for tier in which.targets))


INTENT = tiered(*HOURS)


def lead(**values: Any) -> Buyer:
    buyer = Buyer()
    buyer.tell("contact", "baseline", "Thu 08:00", data={"values": values})
    return buyer.owned_by("sasha", "Thu 08:30")


def clock(buyer: Buyer, now: str, which: Rule = INTENT) -> ClockData:
    return buyer.clock(which, now, conditions=conditions(which))


def due(buyer: Buyer, now: str = "Thu 09:01") -> tuple[str, datetime | None]:
    found = clock(buyer, now)
    return found.tier, found.due_at


@pytest.mark.parametrize(
    ("values", "tier", "at", "unknown"),
    [
        ({"origin": "demo", "fleet": 200}, "Demo request", "Thu 10:00", ()),
        ({"origin": "webinar", "fleet": 200}, "Large fleet", "Thu 11:00", ()),
        ({"origin": None, "fleet": 5}, "Content", "Thu 15:00", ()),
        ({"fleet": 200}, "Large fleet", "Thu 11:00", ("Demo request",)),
        ({}, "Content", "Thu 15:00", ("Demo request", "Large fleet")),
    ],
)
def test_the_first_tier_that_is_true_counts_and_what_cannot_be_told_is_named(
    values: dict[str, Any], tier: str, at: str, unknown: tuple[str, ...]
) -> None:
    found = clock(lead(**values).became_mql("Thu 09:00"), "Thu 09:01")
    assert (found.tier, found.due_at, found.tier_unknown) == (tier, austin(at), unknown)
    assert found.target == found.rule.target


def test_what_changes_after_the_start_changes_no_tier() -> None:
    buyer = lead(origin="webinar", fleet=5).became_mql("Thu 09:00")
    buyer.tell("contact", "change", "Thu 09:20", field="origin", new="demo")
    assert due(buyer, "Thu 09:30") == ("Content", austin("Thu 15:00"))


def test_what_a_form_wrote_in_the_minute_of_the_start_belongs_to_it() -> None:
    buyer = lead(origin=None, fleet=5).became_mql("Thu 09:00:00")
    buyer.tell("contact", "change", "Thu 09:00:20", field="origin", new="demo")
    assert due(buyer) == ("Demo request", austin("Thu 10:00"))


def test_a_tier_learned_later_moves_the_due_time_of_a_clock_that_runs() -> None:
    buyer = lead(origin=None, fleet=5).became_mql("Thu 09:00")
    buyer.tell("contact", "change", "Thu 08:50", "Thu 09:30", field="origin", new="demo")
    assert due(buyer, "Thu 09:20") == ("Content", austin("Thu 15:00"))
    moved = clock(buyer, "Thu 09:40")
    assert (moved.tier, moved.due_at) == ("Demo request", austin("Thu 10:00"))
    assert [(r.at, r.new) for r in moved.retargets] == [(austin("Thu 09:30"), austin("Thu 10:00"))]


def test_a_tier_learned_after_it_was_announced_late_moves_nothing() -> None:
    buyer = lead(origin="demo", fleet=5).became_mql("Thu 09:00").read_again(INTENT, "Thu 10:01")
    buyer.tell("contact", "change", "Thu 08:50", "Thu 11:00", field="origin", new="webinar")
    found = clock(buyer, "Thu 12:00")
    assert (found.result.state, found.tier, found.due_at) == (BREACHED, "Demo request", austin("Thu 10:00"))


def test_a_record_seen_just_after_it_was_made_had_its_values_from_the_start() -> None:
    buyer = Buyer()
    buyer.tell("contact", "change", "Thu 09:00", "Thu 09:05", field="stage", new="mql", data={"history": "1"})
    buyer.tell(
        "contact", "baseline", "Thu 09:04", "Thu 09:05", data={"values": {"origin": "demo"}},
        not_before=austin("Thu 09:00"),
    )  # fmt: skip
    assert due(buyer, "Thu 09:06") == ("Demo request", austin("Thu 10:00"))


def test_a_moment_told_in_hindsight_is_known_and_other_values_are_not() -> None:
    which = tiered({"name": "Demo request", "when": ASKED, "target": {"business": "1h"}}, HOURS[-1])
    buyer = Buyer().became_mql("Tue 09:00")
    told = {"asked_at": "2026-11-10T14:50:00Z", "origin": "demo"}
    buyer.tell("contact", "baseline", "Thu 09:00", data={"values": told}, not_before=austin("Mon 09:00"))
    assert clock(buyer, "Thu 10:00", which).tier == "Demo request"
    assert clock(buyer, "Thu 10:00").tier_unknown == ("Demo request", "Large fleet")


def test_tiers_may_count_in_different_kinds_of_time() -> None:
    which = tiered(HOURS[0], {"name": "Everything else", "target": {"business_days": 1}})
    assert clock(lead(origin="demo").became_mql("Thu 09:00"), "Thu 09:01", which).due_at == austin(
        "Thu 10:00"
    )
    other = clock(lead(origin="event").became_mql("Thu 09:00"), "Thu 09:01", which)
    assert (other.due_at, other.rule.target.words) == (austin("Fri 17:30"), "within 1 business day")


# --- only where ------------------------------------------------------------------------------------------------

ONLY = rule("touch", where=LARGE)


def started(buyer: Buyer, now: str) -> list[ClockData]:
    return buyer.clocks([in_force(ONLY)], now, conditions=conditions(ONLY))


@pytest.mark.parametrize(
    ("values", "count"), [({"fleet": 200}, 1), ({"fleet": 20}, 0), ({}, 0), ({"fleet": None}, 0)]
)
def test_a_rule_is_only_for_those_of_whom_it_is_true(values: dict[str, Any], count: int) -> None:
    assert len(started(lead(**values).became_mql("Thu 09:00"), "Thu 09:10")) == count


def test_known_only_later_it_starts_when_it_is_known() -> None:
    buyer = lead().became_mql("Thu 09:00")
    buyer.tell("contact", "change", "Thu 08:50", "Thu 09:30", field="fleet", new=200)
    assert started(buyer, "Thu 09:20") == []
    (found,) = started(buyer, "Thu 09:40")
    assert (found.start.at, found.start.learned_at) == (austin("Thu 09:00"), austin("Thu 09:30"))


def test_wrong_after_all_it_is_called_off_and_not_forgotten() -> None:
    buyer = lead(fleet=200).became_mql("Thu 09:00")
    buyer.tell("contact", "change", "Thu 08:50", "Thu 09:30", field="fleet", new=20)
    (found,) = started(buyer, "Thu 09:40")
    assert found.result.state == CANCELLED
    assert found.result.because.startswith("not “")


def test_a_condition_that_cannot_be_built_starts_nothing() -> None:
    assert lead(fleet=200).became_mql("Thu 09:00").clocks([in_force(ONLY)], "Thu 09:10") == []
