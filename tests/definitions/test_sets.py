"""Judging a population in SQL writes what judging it record by record writes."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from definitions.evidence.exceptions import GRANTED, REQUESTED
from definitions.in_force import load_typed_model
from definitions.judging import publishing
from definitions.judging.publishing import publish_due
from definitions.judging.sets import Page, judge_population, line_of
from definitions.models import Judgement, Version
from definitions.services import JUDGING_LOCK, refresh
from records.loading import load_batch
from records.models import Connection, Event, Record, Touched
from tests.definitions.conftest import LONG_AGO, NOW, change, make_record

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("catalogue", "house_teams")]

FIELDS: dict[str, Sequence[Any]] = {
    "fleet_size": [None, 0, 9, 10, 11, 400.5, "many"],
    "pricing_page_views": [None, 0, 2, 7],
    "need_confirmed": [None, True, False, ""],
    "company": [None, "", "Vans & Co", "test"],
    "demo_requested_at": [
        None,
        "2026-03-02T11:30:00Z",
        "2026-02-20T00:00:00Z",
        "2025-01-01T00:00:00Z",
        "soon",
    ],
    "webinar_attended_at": [None, "2026-03-01T12:00:00Z", "2026-03-03T12:00:00Z"],
}
LEAVES: Sequence[dict[str, Any]] = [
    {"field": "fleet_size", "op": "at_least", "value": 10},
    {"field": "fleet_size", "op": "is_empty"},
    {"field": "pricing_page_views", "op": "more_than", "value": 1},
    {"field": "need_confirmed", "op": "is_true"},
    {"field": "need_confirmed", "op": "is_false"},
    {"field": "company", "op": "contains", "value": "van"},
    {"field": "company", "op": "is", "value": "Test"},
    {"field": "demo_requested_at", "op": "within_last", "value": {"days": 7}},
    {"field": "demo_requested_at", "op": "more_than_ago", "value": {"hours": 1}},
    {"field": "webinar_attended_at", "op": "within_next", "value": {"days": 2}},
    {"field": "webinar_attended_at", "op": "is_not_empty"},
]


def tree(chance: random.Random, depth: int = 0) -> dict[str, Any]:
    kind = chance.choice(["leaf", "leaf", "all", "any", "not"]) if depth < 3 else "leaf"
    match kind:
        case "all" | "any":
            return {kind: [tree(chance, depth + 1) for _ in range(chance.randint(1, 3))]}
        case "not":
            return {"not": tree(chance, depth + 1)}
    return dict(chance.choice(LEAVES))


def body(chance: random.Random) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": "Generated", "owner": "marketing", "agreed_by": ["marketing"], "object": "person", "text": "x",
        "exclusions": [
            {"key": f"e{i}", "name": f"E{i}", "when": tree(chance)} for i in range(chance.randint(0, 3))
        ],
    }  # fmt: skip
    if chance.random() < 0.3:
        told["in"] = ["hubspot"]
    if chance.random() < 0.6:
        variants = [
            {"key": f"v{i}", "name": f"V{i}", "when": tree(chance), "criteria": tree(chance)}
            for i in range(chance.randint(0, 3))
        ]
        told["variants"] = [*variants, {"key": "rest", "name": "Rest", "criteria": tree(chance)}]
    else:
        told["criteria"] = tree(chance)
    return told


def put_in_force(key: str, told: dict[str, Any], number: int = 1, **more: Any) -> Version:
    state = {"state": "signed", "effective_from": LONG_AGO} | more
    return Version.objects.create(section="definitions", key=key, number=number, body=told, **state)


def make_people(chance: random.Random, connections: Sequence[Connection], number: int) -> list[Record]:
    people = []
    for i in range(number):
        values = {name: chance.choice(options) for name, options in FIELDS.items() if chance.random() < 0.85}
        person = make_record(chance.choice(connections), f"p{i}", values, at=NOW - timedelta(days=3))
        if chance.random() < 0.1:
            Record.objects.filter(pk=person.pk).update(deleted_at=NOW)
        people.append(person)
    return people


def judge_all(keys: Sequence[str], size: int = 7) -> list[Page]:
    model = load_typed_model()
    return list(judge_population([line_of(model, key, NOW) for key in keys], NOW, size=size))


Row = tuple[uuid.UUID, str, int, str, str, str]


def rows() -> dict[tuple[uuid.UUID, str], tuple[Any, ...]]:
    columns = ("record_id", "key", "version_id", "state", "variant", "exclusion", "paper")
    return {row[:2]: row[2:] for row in Judgement.objects.values_list(*columns)}


def rechecks() -> dict[tuple[uuid.UUID, str], Any]:
    return {(r, k): at for r, k, at in Judgement.objects.values_list("record_id", "key", "recheck_at")}


def conclude(people: Sequence[Record]) -> None:
    refresh(load_batch({p.journey_id for p in people if p.journey_id}, NOW))


@pytest.mark.parametrize("seed", range(12))
def test_both_ways_judge_alike(seed: int, hubspot: Connection, salesforce: Connection) -> None:
    chance = random.Random(seed)
    keys = [f"d{i}" for i in range(6)]
    for key in keys:
        put_in_force(key, body(chance))
    people = make_people(chance, [hubspot, salesforce], 40)
    conclude(people)
    expected, moments = rows(), rechecks()
    assert {state for _, state, *_ in expected.values()} == {"met", "missing", "unknown"}
    Judgement.objects.all().delete()
    pages = judge_all(keys)
    assert rows() == expected
    assert sum(p.written for p in pages) == len(expected)
    assert sum(p.records for p in pages) == len(people)
    for name, moment in rechecks().items():
        late = moments[name]
        assert moment is None if late is None and moment is None else late is None or moment <= late
    assert sum(p.written + p.removed + p.touched for p in judge_all(keys)) == 0


@pytest.mark.parametrize("seed", range(100, 104))
def test_a_new_version_is_judged_over_the_old_and_only_who_turns_is_touched(
    seed: int, hubspot: Connection, salesforce: Connection
) -> None:
    chance = random.Random(seed)
    put_in_force("d", body(chance))
    people = make_people(chance, [hubspot, salesforce], 40)
    conclude(people)
    before = rows()
    put_in_force("d", body(chance), 2, effective_from=NOW)
    Touched.objects.all().delete()
    judge_all(["d"])
    after, touched = rows(), set(Touched.objects.values_list("record_id", flat=True))
    turned = {
        record
        for record, key in before.keys() | after.keys()
        if before.get((record, key), ("", ""))[1] != after.get((record, key), ("", ""))[1]
    }
    assert touched == turned
    Judgement.objects.all().delete()
    conclude(people)
    assert rows() == after


def leads(number: int, connection: Connection, **values: Any) -> list[Record]:
    return [make_record(connection, str(i), {"fleet_size": i} | values) for i in range(number)]


def at_least(size: int) -> dict[str, Any]:
    return {
        "name": "Big", "owner": "marketing", "agreed_by": ["marketing"], "object": "person", "text": "x",
        "criteria": {"field": "fleet_size", "op": "at_least", "value": size},
    }  # fmt: skip


def test_what_nothing_judges_any_more_goes(hubspot: Connection) -> None:
    people = leads(5, hubspot)
    version = put_in_force("big", at_least(3))
    conclude(people)
    Version.objects.filter(pk=version.pk).update(retired_at=NOW, state="retired")
    [page] = judge_all(["big"], size=50)
    assert (page.written, page.removed, page.touched) == (0, 5, 5)
    assert not Judgement.objects.exists()


def test_a_version_about_fewer_connections_takes_judgements_away(
    hubspot: Connection, salesforce: Connection
) -> None:
    here, there = leads(2, hubspot), leads(2, salesforce)
    put_in_force("big", at_least(1))
    conclude([*here, *there])
    put_in_force("big", at_least(1) | {"in": ["hubspot"]}, 2, effective_from=NOW)
    judge_all(["big"])
    assert {record for record, _ in rows()} == {p.pk for p in here}


def test_a_definition_that_can_t_be_built_is_unknown_for_everybody(hubspot: Connection) -> None:
    people = leads(2, hubspot)
    put_in_force("big", at_least(1) | {"criteria": {"field": "gone", "op": "is_empty"}})
    conclude(people)
    expected = rows()
    Judgement.objects.all().delete()
    judge_all(["big"])
    assert rows() == expected
    assert {row[1] for row in rows().values()} == {"unknown"}


def test_whoever_has_an_exception_is_left_to_the_pipeline(hubspot: Connection) -> None:
    people = leads(3, hubspot)
    put_in_force("big", at_least(2))
    told = {
        "exception": "1", "section": "definitions", "key": "big", "reason": "Pilot",
        "until": "2027-01-01T00:00:00Z",
    }  # fmt: skip
    for number, kind in enumerate((REQUESTED, GRANTED)):
        Event.objects.create(
            connection=hubspot, external_key=f"x{number}", kind=kind, record=people[0], data=told,
            occurred_at=NOW - timedelta(hours=2 - number),
        )  # fmt: skip
    conclude(people)
    assert rows()[people[0].pk, "big"][1] == "waived"
    put_in_force("big", at_least(1), 2, effective_from=NOW)
    judge_all(["big"])
    assert rows()[people[0].pk, "big"][1] == "waived"
    assert people[0].pk in Touched.objects.values_list("record_id", flat=True)


def test_a_page_that_was_cut_off_is_done_again(hubspot: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "POPULATION_PAGE", 2)
    people = leads(5, hubspot)
    version = put_in_force("big", at_least(2), effective_from=NOW)
    assert publish_due(NOW) == 1
    version.refresh_from_db()
    assert version.population_after is not None
    held = Judgement.objects.count()
    assert held == 2
    # As if the process had ended before it could say so.
    Version.objects.filter(pk=version.pk).update(population_after=None)
    while publish_due(NOW):
        pass
    assert len(rows()) == 5
    assert sum(row[1] == "met" for row in rows().values()) == 3
    assert Touched.objects.values("record").distinct().count() == 5
    conclude(people)


def test_a_batch_that_began_before_the_turn_judges_by_what_is_published(hubspot: Connection) -> None:
    people = leads(4, hubspot)
    put_in_force("big", at_least(1))
    conclude(people)
    put_in_force("big", at_least(3), 2, effective_from=NOW + timedelta(seconds=5))
    while publish_due(NOW + timedelta(seconds=6)):
        pass
    expected = rows()
    assert sum(row[1] == "met" for row in expected.values()) == 1
    conclude(people)  # with the instant before the turn
    assert rows() == expected


def test_a_turn_that_nobody_published_yet_is_not_foreseen(hubspot: Connection) -> None:
    people = leads(4, hubspot)
    put_in_force("big", at_least(1))
    put_in_force("big", at_least(3), 2, effective_from=NOW + timedelta(seconds=5))
    conclude(people)
    assert sum(row[1] == "met" for row in rows().values()) == 3


def test_entries_since_the_turn_are_judged_anew(hubspot: Connection) -> None:
    Version.objects.create(
        section="stages", key="mql", number=1, state="signed", effective_from=LONG_AGO, population_done_at=NOW,
        body={
            "name": "MQL", "order": 1, "owner": "marketing", "sentence": "x", "definition": "big",
            "claimed_when": {
                "connection": "hubspot", "object": "person", "field": "lifecycle_stage", "values": ["mql"],
            },
        },
    )  # fmt: skip
    early, late = leads(2, hubspot, lifecycle_stage="lead")
    change(early, "lifecycle_stage", "mql", NOW - timedelta(days=9))
    change(late, "lifecycle_stage", "mql", NOW - timedelta(days=1))
    conclude([early, late])
    put_in_force("big", at_least(5), effective_from=NOW - timedelta(days=5))
    Judgement.objects.bulk_create(
        Judgement(record=p, key="big", version=Version.objects.get(key="big"), state="missing")
        for p in (early, late)
    )
    while publish_due(NOW):
        pass
    assert list(Touched.objects.values_list("record_id", flat=True)) == [late.pk]


def test_a_page_takes_as_many_queries_however_many_records(hubspot: Connection) -> None:
    leads(30, hubspot)
    put_in_force("big", at_least(1))
    counts = []
    for size in (3, 30):
        with CaptureQueriesContext(database) as captured:
            judge_all(["big"], size=size)
        counts.append(len(captured) // (30 // size + (30 % size == 0)))
    assert counts[0] <= counts[1] + 1


def test_a_page_waits_for_a_batch_that_is_being_concluded(hubspot: Connection) -> None:
    leads(2, hubspot)
    put_in_force("big", at_least(1))
    other = database.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock_shared(hashtext(%s))", [JUDGING_LOCK])
        database.cursor().execute("SET LOCAL lock_timeout = '50ms'")
        with pytest.raises(OperationalError), transaction.atomic():
            judge_all(["big"])
    finally:
        other.close()
    judge_all(["big"])
    assert len(rows()) == 2
