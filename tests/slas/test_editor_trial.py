"""A rule tried on what happened: the numbers of the clocks that really ran, and nothing written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from effects.models import Effect
from records.models import Connection, Touched
from slas.editor.trial import running
from slas.editor.trial.numbers import Side, Tally
from slas.editor.trial.running import Report, Trial, report_of, try_rule
from slas.fold import LATE
from slas.models import Clock
from teams.models import BusinessUnit, Person, Role
from tests.slas.builders import RULES, austin
from tests.slas.conftest import House

pytestmark = pytest.mark.django_db

NOW = austin("Fri 17:00")
TOUCH = RULES["touch"]
MINUTES = {"a": 10, "b": 30, "c": 90, "d": 200, "e": 3}


@pytest.fixture
def worked(house: House) -> House:
    """Five leads of Thursday morning, touched after some minutes; one of Friday that nobody has touched."""
    for remote_id in MINUTES:
        house.lead("Thu 09:55", remote_id, owner="sasha")
    house.conclude("Thu 09:55")
    for remote_id in MINUTES:
        house.lead("Thu 10:00", remote_id, stage="mql", owner="sasha")
    house.conclude("Thu 10:00")
    for is_late in (False, True):
        for remote_id, minutes in MINUTES.items():
            if (minutes > 60) == is_late:
                house.call(_at(minutes), about=remote_id)
        if not is_late:
            house.run_late("Thu 11:00")
    house.conclude("Thu 14:00")
    house.become_mql("Fri 16:30", remote_id="f")
    return house


def _at(minutes: int) -> str:
    return f"Thu {10 + minutes // 60}:{minutes % 60:02}"


def tried(house: House, viewer: Person | None = None, **body: Any) -> tuple[Trial, Report]:
    told = {**TOUCH, **body}
    viewer = viewer or house.revops
    trial = try_rule("touch", told, viewer, NOW, must_end=True)
    return trial, report_of("touch", told, trial, viewer, NOW)


def test_a_draft_that_says_what_is_in_force_has_the_numbers_of_the_real_clocks(worked: House) -> None:
    _, report = tried(worked)

    real = Clock.objects.filter(rule_key="touch")
    met = real.filter(state__in=["met", "withdrawn"]).count()
    late = real.filter(state__in=LATE).count()
    assert report.draft.tally == Tally(started=6, met=met, late=late, open=1)
    assert (met, late) == (3, 2)
    assert report.now is not None
    assert report.now.tally == report.draft.tally
    assert (report.turns, report.told_differently) == ((), 0)


def test_each_clock_of_the_trial_is_the_real_one(worked: House) -> None:
    trial, _ = tried(worked)

    found = {o.clock_id: (o.due_at, o.stopped_at, o.person_id) for o in trial.by_draft}
    real = Clock.objects.filter(rule_key="touch")
    assert found == {c.pk: (c.due_at, c.stopped_at, c.owner_id) for c in real}


def test_a_shorter_promise_is_late_more_often_and_names_whom(worked: House) -> None:
    _, report = tried(worked, target={"business": "15m"})

    assert (report.draft.tally.met, report.draft.tally.late) == (2, 4)
    turns = {(t.was, t.will): t for t in report.turns}
    assert {pair: t.count for pair, t in turns.items()} == {("met", "late"): 1, ("open", "late"): 1}


def test_it_says_how_many_would_have_been_met_at_other_times(worked: House) -> None:
    _, report = tried(worked)

    assert [(at.seconds, at.met, at.decided) for at in report.draft.grid] == [
        (900, 2, 6), (3600, 3, 5), (14_400, 5, 5), (28_800, 5, 5),
    ]  # fmt: skip
    assert (report.draft.median_seconds, report.draft.p90_seconds) == (30 * 60, 200 * 60)


def test_a_rule_in_wall_time_counts_by_the_wall(worked: House) -> None:
    _, report = tried(worked, target={"elapsed": "4h"})

    assert [at.label for at in report.draft.grid] == ["15 min", "1 h", "4 h", "1 day"]


def test_messages_are_those_of_its_steps(worked: House) -> None:
    _, report = tried(worked, escalate=[{"when": "breached", "to": ["owner"], "by": ["inbox", "email"]}])

    told = {t.name: t for t in report.draft.messages.told}
    assert set(told) == {"Sasha Field"}
    assert told["Sasha Field"].inbox == 2
    assert report.draft.messages.busiest is not None
    assert report.draft.messages.busiest[1] == 2
    assert report.told_differently == 2


def test_messages_are_counted_of_what_was_before_go_live_too(worked: House) -> None:
    Connection.objects.update(go_live_at=NOW)
    _, report = tried(worked, escalate=[{"when": "breached", "to": ["owner"], "by": ["inbox"]}])

    assert [(told.name, told.inbox) for told in report.draft.messages.told] == [("Sasha Field", 2)]


def test_a_rule_that_tells_nobody_sends_nothing(worked: House) -> None:
    _, report = tried(worked, escalate=[])

    assert (report.draft.messages.told, report.draft.messages.total) == ((), 0)


def test_nothing_is_written_and_nobody_is_told(worked: House) -> None:
    before = (Clock.objects.count(), Effect.objects.count(), Touched.objects.count())

    tried(worked, target={"business": "5m"})

    assert (Clock.objects.count(), Effect.objects.count(), Touched.objects.count()) == before


def test_a_small_group_is_not_told_by_itself(worked: House) -> None:
    _, report = tried(worked)

    assert [g.name for g in report.draft.owners] == ["Sasha Field"]
    few = _side(worked, since=timedelta(hours=12))
    assert few.owners == ()


def _side(house: House, since: timedelta) -> Side:
    trial = try_rule("touch", TOUCH, house.revops, NOW, since=NOW - since, must_end=True)
    return report_of("touch", TOUCH, trial, house.revops, NOW).draft


def test_who_may_not_read_names_reads_the_team(worked: House) -> None:
    other = worked.person("other", "Olga Other", team="marketing", role=Role.MANAGER)

    _, report = tried(worked, viewer=other)

    assert [g.name for g in report.draft.owners] == ["SDR Austin"]
    assert {t.name for t in report.draft.messages.told} == {"SDR Austin"}


def test_records_outside_the_viewers_units_are_not_counted(worked: House) -> None:
    stranger = Person.objects.create_user("far@fernhill.example", name="Far", role=Role.MANAGER)
    stranger.business_units.add(BusinessUnit.objects.create(key="apac", name="APAC"))
    from records.models import Record

    Record.objects.update(business_unit=worked.unit)

    trial, report = tried(worked, viewer=stranger)

    assert (trial.total, report.draft.tally.started) == (0, 0)


def test_only_what_started_in_the_time_is_counted(worked: House) -> None:
    trial = try_rule("touch", TOUCH, worked.revops, NOW, since=austin("Fri 00:00"), must_end=True)

    assert [o.started_at for o in trial.by_draft] == [austin("Fri 16:30")]


def test_another_start_starts_other_clocks(worked: House) -> None:
    _, report = tried(worked, start={"handoff_sent": "sdr_to_ae"})

    assert report.draft.tally.started == 0
    assert [(t.was, t.will) for t in report.turns] == [("met", ""), ("late", ""), ("open", "")]


def test_what_does_not_fit_one_request_goes_on_in_the_next(
    worked: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CHUNK", 2)

    steps = [try_rule("touch", TOUCH, worked.revops, NOW, budget_seconds=-1).done for _ in range(3)]

    assert steps == [2, 4, 6]
    whole, _ = tried(worked)
    assert whole.is_done
    assert len(whole.by_draft) == 6


def test_very_many_are_sampled_and_it_says_so(worked: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from slas.editor.trial import population

    monkeypatch.setattr(population.journeys_started, "__kwdefaults__", {"most": 4})

    trial, report = tried(worked)

    assert (len(trial.ids), trial.total, trial.is_sampled) == (4, 6, True)
    assert report.draft.tally.started == 4


def test_a_trial_asks_a_constant_number_of_queries(worked: House, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(60):
        tried(worked)


def test_the_trial_of_another_body_is_another_trial(worked: House) -> None:
    one, _ = tried(worked)
    two, _ = tried(worked, target={"business": "2h"})

    assert replace(one, by_draft=[], as_now=[]) == replace(two, by_draft=[], as_now=[])
    assert one.by_draft != two.by_draft
