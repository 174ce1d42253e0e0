"""The fold of appeals: the same from any order, told once or twice."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slas.appeals.fold import Act, AppealData, fold_appeals
from slas.appeals.kinds import GRANTED, OPENED, REFUSED, WITHDRAWN

CLOCK, OTHER_CLOCK = uuid.UUID(int=1), uuid.UUID(int=2)
APPEALS = [uuid.UUID(int=n) for n in range(10, 14)]
SASHA, BEA, MIRA = 1, 2, 3
START = datetime(2026, 11, 12, 16, tzinfo=UTC)


def act(kind: str, minute: int, actor: int | None, *, appeal: uuid.UUID = APPEALS[0], **data: Any) -> Act:
    told = {"appeal": str(appeal), "clock": str(CLOCK), "person": SASHA, "reason": "other"} | data
    return Act(
        kind, START + timedelta(minutes=minute), f"gtmops:{kind}:{minute}:{actor}:{appeal}", actor, told
    )


def stands(*acts: Act) -> list[tuple[str, int | None]]:
    return [(a.state, a.decided_by) for a in fold_appeals(acts)]


def test_it_is_open_until_the_other_team_decides() -> None:
    opened = act(OPENED, 0, SASHA, team="marketing", note="The owner was set by hand.")
    assert fold_appeals([opened]) == [
        AppealData(
            APPEALS[0], CLOCK, SASHA, "marketing", "other", "The owner was set by hand.", SASHA, opened.at
        )
    ]
    assert stands(opened, act(GRANTED, 5, MIRA)) == [("granted", MIRA)]
    assert stands(opened, act(REFUSED, 5, MIRA, because="No.")) == [("refused", MIRA)]
    assert stands(opened, act(WITHDRAWN, 5, SASHA)) == [("withdrawn", None)]


def test_the_first_decision_stands() -> None:
    opened = act(OPENED, 0, SASHA)
    assert stands(opened, act(REFUSED, 5, MIRA), act(GRANTED, 6, MIRA)) == [("refused", MIRA)]
    assert stands(opened, act(WITHDRAWN, 5, SASHA), act(GRANTED, 6, MIRA)) == [("withdrawn", None)]


def test_nobody_decides_in_their_own_matter_and_only_they_take_it_back() -> None:
    by_the_manager = act(OPENED, 0, BEA)
    for own in (SASHA, BEA):
        assert stands(by_the_manager, act(GRANTED, 5, own)) == [("open", None)]
        assert stands(by_the_manager, act(WITHDRAWN, 5, own)) == [("withdrawn", None)]
    assert stands(by_the_manager, act(WITHDRAWN, 5, MIRA)) == [("open", None)]


def test_what_the_data_proves_is_granted_in_the_instant_it_is_said() -> None:
    proved = act(GRANTED, 0, None, proved=True, because="It had no owner.")
    found = fold_appeals([proved, act(OPENED, 0, SASHA)])
    assert [(a.state, a.was_proved, a.because) for a in found] == [("granted", True, "It had no owner.")]


def test_one_at_a_time_for_a_clock_and_a_person() -> None:
    first, second = act(OPENED, 0, SASHA), act(OPENED, 1, SASHA, appeal=APPEALS[1])
    assert len(fold_appeals([first, second])) == 1
    assert len(fold_appeals([first, act(GRANTED, 0, None, proved=True), second])) == 1
    assert len(fold_appeals([first, act(OPENED, 1, MIRA, appeal=APPEALS[1], person=MIRA)])) == 2
    assert len(fold_appeals([first, act(OPENED, 1, SASHA, appeal=APPEALS[1], clock=str(OTHER_CLOCK))])) == 2
    again = act(OPENED, 9, SASHA, appeal=APPEALS[1])
    assert stands(first, act(REFUSED, 5, MIRA), again) == [("refused", MIRA), ("open", None)]


def test_what_is_malformed_counts_for_nothing() -> None:
    for wrong in ({"appeal": None}, {"appeal": "x"}, {"clock": 7}, {"reason": ""}, {"person": "Sasha"}):
        assert fold_appeals([act(OPENED, 0, SASHA) if not wrong else _with(wrong)]) == []
    assert fold_appeals([act(GRANTED, 0, MIRA)]) == []


def _with(wrong: dict[str, Any]) -> Act:
    whole = act(OPENED, 0, SASHA)
    return Act(whole.kind, whole.at, whole.key, whole.actor_id, {**whole.data, **wrong})


people = st.sampled_from([SASHA, BEA, MIRA, None])
acts = st.builds(
    lambda kind, minute, actor, appeal, clock, person, proved: act(
        kind, minute, actor, appeal=appeal, clock=str(clock), person=person, proved=proved
    ),
    st.sampled_from([OPENED, OPENED, GRANTED, REFUSED, WITHDRAWN, "handoff.sent"]),
    st.integers(0, 6), people, st.sampled_from(APPEALS), st.sampled_from([CLOCK, OTHER_CLOCK]),
    st.sampled_from([SASHA, MIRA]), st.booleans(),
)  # fmt: skip


@given(st.lists(acts, max_size=14, unique_by=lambda a: a.key), st.data())
def test_any_order_and_any_act_told_twice_give_the_same(told: list[Act], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(told), max_size=5)) if told else []
    shuffled = data.draw(st.permutations([*told, *again]))
    found = fold_appeals(told)
    assert fold_appeals(shuffled) == found
    standing = [(a.clock, a.person_id) for a in found if a.stands]
    assert len(standing) == len(set(standing))
    assert all(a.decided_by is None or a.decided_by not in (a.opened_by, a.person_id) for a in found)
    assert all(a.state == "granted" for a in found if a.was_proved)


@given(st.lists(acts, max_size=14, unique_by=lambda a: a.key))
def test_what_was_decided_is_never_decided_anew(told: list[Act]) -> None:
    before: dict[uuid.UUID, AppealData] = {}
    ordered = sorted(told, key=lambda a: a.order)
    for count in range(len(ordered) + 1):
        for appeal in fold_appeals(ordered[:count]):
            held = before.get(appeal.id)
            assert held is None or held.state == "open" or held == appeal
            before[appeal.id] = appeal
