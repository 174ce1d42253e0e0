"""Stage entries as tables: what a CRM's field said when, and the entries that follow. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from definitions.bodies import Claim, StageBody, definition_body
from definitions.criteria import Catalogue
from definitions.judging.stages import (
    DefinitionHistory,
    DefinitionVersion,
    Entry,
    StageHistory,
    StageVersion,
    entries,
)
from records.ids import derive_id, record_id
from records.journey_data import EventData, JourneyData, RecordData

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CATALOGUE = Catalogue.from_spec({"person": {"fleet_size": {"type": "number"}, "stage": {"type": "text"}}})
MQL = ("mql",)


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def stage_body(values: Sequence[str] = MQL, key: str = "mql", definition: str = "") -> StageBody:
    claim = Claim("hubspot", "person", "stage", tuple(values))
    return StageBody(key, key.upper(), key.upper(), 10, "marketing", "", claim, definition)


def stage(values: Sequence[str] = MQL, key: str = "mql", definition: str = "") -> StageHistory:
    return StageHistory(key, [StageVersion(stage_body(values, key, definition), at(-1000))])


def definition(
    *versions: tuple[int, int, float], connections: Sequence[str] = ("hubspot",)
) -> DefinitionHistory:
    """Versions as (id, least fleet size, in force from this hour)."""
    bodies = [
        definition_body(
            "mql",
            {
                "object": "person",
                "in": connections,
                "criteria": {"field": "fleet_size", "op": "at_least", "value": least},
            },
            CATALOGUE,
        )
        for _, least, _ in versions
    ]
    return DefinitionHistory(
        "mql", [DefinitionVersion(v[0], body, at(v[2])) for v, body in zip(versions, bodies, strict=True)]
    )


def event(kind: str, hour: float, *, number: int, record: str = "1", **more: Any) -> EventData:
    told = {"field": "", "old": None, "new": None, "data": {}, "not_before": None} | more
    return EventData(
        id=number,
        key=f"hubspot:contacts:{record}:{number}",
        kind=kind,
        record_id=record_id("hubspot", "contacts", record),
        connection="hubspot",
        actor_id=None,
        occurred_at=at(hour),
        observed_at=at(hour),
        source_order=10,
        caused_by="",
        **told,
    )


def baseline(hour: float, *, number: int = 0, made: float | None = None, **values: Any) -> EventData:
    not_before = None if made is None else at(made)
    return event("baseline", hour, number=number, data={"values": values}, not_before=not_before)


def changed(
    hour: float, new: Any, *, number: int, field: str = "stage", polled_since: float | None = None
) -> EventData:
    not_before = None if polled_since is None else at(polled_since)
    return event("change", hour, number=number, field=field, new=new, not_before=not_before)


def record(*events: EventData, remote_id: str = "1", deleted: float | None = None) -> RecordData:
    return RecordData(
        id=record_id("hubspot", "contacts", remote_id),
        key=f"hubspot:contacts:{remote_id}",
        connection="hubspot",
        object="person",
        remote_object="contacts",
        remote_id=remote_id,
        title="",
        values={},
        created_at=None,
        deleted_at=None if deleted is None else at(deleted),
        go_live_at=None,
        business_unit_id=None,
        events=events,
    )


def journey(*records: RecordData) -> JourneyData:
    return JourneyData(uuid.uuid4(), "k", None, records)


def found(
    *records: RecordData,
    stages: Sequence[StageHistory] = (),
    definitions: Mapping[str, DefinitionHistory] | None = None,
) -> list[Entry]:
    return entries(journey(*records), stages or [stage()], definitions or {})


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([baseline(0, stage="lead")], [], id="never claimed"),
        pytest.param([baseline(0, stage=None)], [], id="empty is no claim"),
        pytest.param([baseline(0, stage="mql")], [(0, None, False, 1)], id="seen in it at first sight"),
        pytest.param(
            [baseline(5, made=0, stage="mql")], [(5, None, False, 1)], id="first sight long after it was made"
        ),
        pytest.param([baseline(5, made=5, stage="mql")], [(5, None, True, 1)], id="made in the stage"),
        pytest.param(
            [baseline(0), changed(2, "mql", number=1)], [(2, None, True, 1)], id="the CRM's own history"
        ),
        pytest.param(
            [baseline(0, stage="lead"), changed(2, "mql", number=1, polled_since=1)],
            [(2, None, False, 1)],
            id="polled",
        ),
        pytest.param(
            [baseline(0, stage="lead"), changed(2, "mql", number=1), changed(3, "mql", number=2)],
            [(2, None, True, 1)],
            id="the same value twice is one entry",
        ),
        pytest.param(
            [baseline(0, stage="mql"), changed(3, "sql", number=1)],
            [(0, 3, False, 1)],
            id="leaving sets left_at",
        ),
        pytest.param(
            [baseline(0, stage="mql"), changed(3, None, number=1)], [(0, 3, False, 1)], id="emptied is left"
        ),
        pytest.param(
            [
                baseline(0, stage="lead"),
                changed(1, "mql", number=1),
                changed(2, "lead", number=2),
                changed(3, "mql", number=3),
            ],
            [(1, 2, True, 1), (3, None, True, 2)],
            id="back after recycling is a second pass",
        ),
        pytest.param(
            [
                baseline(0, stage="mql"),
                event("field_lost", 1, number=1, field="stage"),
                baseline(2, number=2, stage="mql"),
            ],
            [(0, None, False, 1)],
            id="a field lost and found again is not left",
        ),
    ],
)
def test_entries(events: list[EventData], expected: list[tuple[float, float | None, bool, int]]) -> None:
    got = found(record(*events))
    assert [(e.occurred_at, e.left_at, e.is_exact, e.pass_number) for e in got] == [
        (at(entered), None if left is None else at(left), exact, number)
        for entered, left, exact, number in expected
    ]


def test_moving_between_values_of_one_stage_is_no_new_entry() -> None:
    events = [
        baseline(0, stage="lead"),
        changed(1, "a", number=1),
        changed(2, "b", number=2),
        changed(3, "x", number=3),
    ]
    assert [(e.occurred_at, e.left_at) for e in found(record(*events), stages=[stage(("a", "b"))])] == [
        (at(1), at(3))
    ]


def test_an_entry_is_named_by_stage_record_and_event() -> None:
    [entry] = found(record(baseline(0), changed(2, "mql", number=7)))
    assert entry.id == derive_id("stage_entry", "mql", "hubspot:contacts:1", "hubspot:contacts:1:7")
    assert entry.event_id == 7


def test_the_snapshot_is_what_was_known_then() -> None:
    events = [
        baseline(0, stage="lead", fleet_size=5),
        changed(2, "mql", number=1),
        changed(3, 50, number=2, field="fleet_size"),
    ]
    assert found(record(*events))[0].snapshot == {"stage": "mql", "fleet_size": 5}


def test_a_deleted_record_keeps_its_entries() -> None:
    assert len(found(record(baseline(0, stage="mql"), deleted=4))) == 1


def test_two_records_in_a_stage_at_once_are_one_pass() -> None:
    first = record(baseline(0, stage="mql"), changed(5, "lead", number=1))
    second = record(
        event("baseline", 1, number=2, record="2", data={"values": {"stage": "mql"}}),
        event("change", 6, number=3, record="2", field="stage", new="lead"),
        event("change", 7, number=4, record="2", field="stage", new="mql"),
        remote_id="2",
    )
    assert [(e.occurred_at, e.pass_number) for e in found(first, second)] == [
        (at(0), 1),
        (at(1), 1),
        (at(7), 2),
    ]


def test_records_of_another_connection_or_object_are_not_read() -> None:
    claim = Claim("salesforce", "person", "stage", MQL)
    other = StageHistory("mql", [StageVersion(StageBody("mql", "", "", 1, "", "", claim, ""), at(-9))])
    assert found(record(baseline(0, stage="mql")), stages=[other]) == []


def test_the_stage_s_version_of_the_moment_says_what_is_claimed() -> None:
    history = StageHistory(
        "mql",
        [
            StageVersion(stage_body(("old",)), at(0)),
            StageVersion(stage_body(("new",)), at(10), until=at(20)),
        ],
    )
    events = [
        baseline(-5, stage="old"),
        changed(5, "x", number=1),
        changed(11, "old", number=2),
        changed(12, "new", number=3),
        changed(21, "x", number=4),
        changed(22, "new", number=5),
    ]
    got = found(record(*events), stages=[history])
    assert [(e.occurred_at, e.left_at) for e in got] == [(at(-5), at(5)), (at(12), at(21))]


@pytest.mark.parametrize(
    ("fleet_size", "entered", "expected"),
    [
        pytest.param(15, 5, (1, "met", ()), id="the first version asked for 10"),
        pytest.param(15, 50, (2, "missing", ("Fleet size is at least 20",)), id="the second asks for 20"),
        pytest.param(None, 5, (1, "missing", ("Fleet size is at least 10",)), id="empty is missing"),
        pytest.param(15, -5, (None, "", ()), id="before there was a definition"),
    ],
)
def test_an_entry_is_judged_by_the_version_in_force_then(
    fleet_size: int | None, entered: float, expected: tuple[int | None, str, tuple[str, ...]]
) -> None:
    events = [baseline(-10, stage="lead", fleet_size=fleet_size), changed(entered, "mql", number=1)]
    [entry] = found(
        record(*events),
        stages=[stage(definition="mql")],
        definitions={"mql": definition((1, 10, 0), (2, 20, 40))},
    )
    assert (entry.definition_id, entry.judgement, entry.missing) == expected


def test_an_entry_whose_values_were_unknown_can_t_be_told() -> None:
    [entry] = found(
        record(baseline(1, stage="mql")),
        stages=[stage(definition="mql")],
        definitions={"mql": definition((1, 10, 0))},
    )
    assert (entry.judgement, entry.missing) == ("unknown", ("Fleet size is at least 10 (can't tell)",))


def test_a_definition_of_another_connection_does_not_judge() -> None:
    [entry] = found(
        record(baseline(1, stage="mql", fleet_size=50)),
        stages=[stage(definition="mql")],
        definitions={"mql": definition((1, 10, 0), connections=("salesforce",))},
    )
    assert (entry.definition_id, entry.judgement) == (None, "")


def test_a_definition_whose_field_is_gone_can_t_tell_and_says_why() -> None:
    broken = definition_body(
        "mql", {"object": "person", "criteria": {"field": "gone", "op": "is_empty"}}, CATALOGUE
    )
    [entry] = found(
        record(baseline(1, stage="mql")),
        stages=[stage(definition="mql")],
        definitions={"mql": DefinitionHistory("mql", [DefinitionVersion(1, broken, at(0))])},
    )
    assert entry.judgement == "unknown"
    assert "gone" in entry.missing[0]
