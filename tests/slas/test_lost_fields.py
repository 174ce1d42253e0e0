"""A field that can't be read any longer: what is unknown ends no stage and makes nobody late (FLT21)."""

from __future__ import annotations

import pytest

from definitions.models import StageEntry
from records.models import Event
from slas.folding.clock import BREACHED, MET, NOT_VERIFIED
from slas.models import Clock, Correction
from tests.slas.builders import Buyer, austin, in_force, rule
from tests.slas.conftest import House, instant_text

COMPANY = {"company": "Kestrel 101"}


def lose(house: House, at: str, **left: object) -> None:
    """The CRM answers without the other fields, as it does once they are hidden from us or gone."""
    house._store("contacts", "101", COMPANY | left, austin(at), austin(at))
    house.conclude(at)


def standing() -> list[tuple[object, ...]]:
    return sorted(Clock.objects.values_list("rule_key", "state", "due_at", "stopped_at", "owner"))


def test_a_stage_and_an_owner_that_are_lost_end_nothing_and_move_nothing(house: House) -> None:
    house.become_mql("Thu 10:00", owner="mira")
    before = standing()
    lose(house, "Thu 10:02")
    assert standing() == before
    assert StageEntry.objects.get(stage="mql").left_at is None
    lose(house, "Thu 10:03", stage="mql", owner="mira", business_unit=None)
    assert standing() == before
    assert StageEntry.objects.get(stage="mql").left_at is None


def test_nobody_is_late_with_what_an_owner_that_is_lost_would_prove(house: House) -> None:
    house.become_mql("Thu 10:00", owner="mira")
    lose(house, "Thu 10:02", stage="mql", business_unit=None)
    house.run_late("Thu 10:05")
    assert house.clock("routed").state == NOT_VERIFIED


def test_control_an_owner_that_is_told_as_nobody_makes_it_late(house: House) -> None:
    house.become_mql("Thu 10:00", owner="mira")
    lose(house, "Thu 10:02", stage="mql", business_unit=None, owner=None)
    house.run_late("Thu 10:05")
    assert house.clock("routed").state == BREACHED


def test_an_owner_that_is_told_again_counts_again(house: House) -> None:
    house.become_mql("Thu 10:00", owner="mira")
    lose(house, "Thu 10:02", stage="mql", business_unit=None)
    lose(house, "Thu 10:03", stage="mql", business_unit=None, owner="mira")
    house.run_late("Thu 10:05")
    assert house.clock("routed").state == BREACHED


@pytest.mark.parametrize(("lost", "state"), [("contact", NOT_VERIFIED), ("lead2", BREACHED)])
def test_only_the_record_whose_owner_counts_must_tell_it(lost: str, state: str) -> None:
    buyer = Buyer().became_mql("Thu 10:00")
    routed = rule("routed")
    for name in ("contact", "lead2"):
        buyer.tell(name, "change", "Thu 09:00", field="owner", new="mira")
    buyer.tell(lost, "field_lost", "Thu 10:02", field="owner")
    requests = {str(Buyer.id_of(name)): f"ask:{name}" for name in ("contact", "lead2")}
    clock = str(buyer.clock_id(routed))
    buyer.tell("contact", "clock.due", "Thu 10:05", data={"clock": clock, "requests": requests})
    for key in requests.values():
        buyer.tell("contact", "verified", "Thu 10:06", data={"request": key, "outcome": "read"})
    (found,) = buyer.clocks([in_force(routed)], austin("Thu 11:00"))
    assert found.result.state == state


def call(house: House, now: str, **told: object) -> None:
    """The call of Thu 10:30 as the CRM tells it then, with these fields and no others."""
    house._store("calls", "c1", told, austin("Thu 10:30"), austin(now), (("contacts", "101"),))
    house.conclude(now)


CALLED = {
    "kind": "call",
    "owner": "sasha",
    "is_automated": False,
    "occurred_at": instant_text(austin("Thu 10:30")),
}


@pytest.mark.parametrize("lost", ["occurred_at", "kind", "owner", "is_automated"])
def test_a_touch_that_was_proved_stays_proved_without_the_field_that_told_it(house: House, lost: str) -> None:
    house.become_mql("Thu 10:00")
    call(house, "Thu 10:31", **CALLED)
    assert house.clock().state == MET
    before = standing()
    call(house, "Thu 10:40", **{name: value for name, value in CALLED.items() if name != lost})
    assert Event.objects.filter(kind="field_lost", field=lost).exists()
    assert standing() == before
    assert not Correction.objects.exists()


def test_control_a_touch_that_was_somebody_elses_after_all_is_none(house: House) -> None:
    house.become_mql("Thu 10:00")
    call(house, "Thu 10:31", **CALLED)
    call(house, "Thu 10:40", **CALLED | {"owner": None})
    assert house.clock().state != MET
    assert Correction.objects.get().cause.kind == "change"
