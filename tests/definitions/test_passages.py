"""Passages as tables: what the deal's stage field said when, and what each stay in a stage was worth. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from definitions.bodies import pipeline_body
from definitions.criteria import Catalogue
from definitions.evidence.exceptions import GRANTED, REQUESTED
from definitions.judging.judge import OwnValues
from definitions.judging.passages import PipelineHistory, PipelineVersion, Stay, stays
from records.ids import derive_id, record_id
from records.journey_data import EventData, JourneyData, RecordData

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CATALOGUE = Catalogue.from_spec(
    {
        "deal": {
            "stage": {"type": "picklist"},
            "pipeline": {"type": "picklist"},
            "amount": {"type": "number"},
            "criteria": {"type": "text", "label": "Success criteria"},
        }
    }
)
DEAL = record_id("crm", "deals", "1")
BODY: dict[str, Any] = {
    "name": "New business",
    "object": "deal",
    "connection": "crm",
    "stage_field": "stage",
    "when": {"field": "pipeline", "op": "is", "value": "New"},
    "stages": [
        {"key": "discovery", "name": "Discovery", "value": "D"},
        {
            "key": "proposal",
            "name": "Proposal",
            "value": "P",
            "entry_criteria": {"field": "amount", "op": "more_than", "value": 0},
            "exit_criteria": {"field": "criteria", "op": "is_not_empty"},
        },
        {"key": "negotiation", "name": "Negotiation", "value": "N"},
        {"key": "won", "name": "Won", "value": "W"},
        {"key": "lost", "name": "Lost", "value": "L", "is_lost": True},
    ],
}
GOOD = "Two depots cut their breakdowns by half until June"


def at(hour: float) -> datetime:
    return START + timedelta(hours=hour)


def event(kind: str, hour: float, number: int, **more: Any) -> EventData:
    told = {"field": "", "old": None, "new": None, "data": {}, "not_before": None} | more
    return EventData(
        id=number,
        key=f"crm:deals:1:{number}",
        kind=kind,
        record_id=DEAL,
        connection="crm",
        actor_id=None,
        occurred_at=at(hour),
        observed_at=at(hour),
        source_order=10,
        caused_by="",
        **told,
    )


def deal(*changes: tuple[float, str, Any], made: bool = True, at_hour: float = 0, **first: Any) -> RecordData:
    """A deal first seen with these values (made then, unless told otherwise), and its changes."""
    values = {"stage": "D", "pipeline": "New", "amount": 10, "criteria": None} | first
    events = [
        event("baseline", at_hour, 0, data={"values": dict(values)}, not_before=at(at_hour) if made else None)
    ]
    for number, (hour, name, new) in enumerate(changes, 1):
        events.append(event("change", hour, number, field=name, new=new))
        values[name] = new
    return record(values, events)


def record(values: Mapping[str, Any], events: Sequence[EventData]) -> RecordData:
    return RecordData(
        id=DEAL,
        key="crm:deals:1",
        connection="crm",
        object="deal",
        remote_object="deals",
        remote_id="1",
        title="",
        values=values,
        created_at=None,
        deleted_at=None,
        go_live_at=None,
        business_unit_id=None,
        events=tuple(sorted(events, key=lambda e: e.order)),
    )


def history(*versions: tuple[int, dict[str, Any], float]) -> PipelineHistory:
    """Versions as (id, changes of the body, in force from this hour); one that was always there by default."""
    return PipelineHistory(
        "new",
        [
            PipelineVersion(number, pipeline_body("new", BODY | changes, CATALOGUE), at(since))
            for number, changes, since in versions or [(1, {}, -1000)]
        ],
    )


def found(of: RecordData, pipeline: PipelineHistory | None = None, **more: Any) -> list[Stay]:
    journey = JourneyData(uuid.uuid4(), "k", None, (of,))
    return stays(journey, [pipeline or history()], OwnValues(), more.get("copied", {}))


def stages_of(rows: Sequence[Stay]) -> list[tuple[str, float, float | None, str]]:
    def hour(moment: datetime | None) -> float | None:
        return None if moment is None else (moment - START).total_seconds() / 3600

    return [(s.stage, hour(s.entered_at) or 0, hour(s.left_at), s.left_to) for s in rows]


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (deal(), [("discovery", 0, None, "")]),
        (
            deal((1, "stage", "P"), (2, "stage", "N")),
            [("discovery", 0, 1, "proposal"), ("proposal", 1, 2, "negotiation"), ("negotiation", 2, None, "")],
        ),
        (
            deal((1, "stage", "P"), (2, "stage", "D"), (3, "stage", "P")),
            [
                ("discovery", 0, 1, "proposal"),
                ("proposal", 1, 2, "discovery"),
                ("discovery", 2, 3, "proposal"),
                ("proposal", 3, None, ""),
            ],
        ),
        (deal((1, "stage", "D"), (2, "amount", 5)), [("discovery", 0, None, "")]),
        (deal((1, "stage", "elsewhere")), [("discovery", 0, 1, "")]),
        (deal(pipeline="Renewal"), []),
        (deal((1, "pipeline", "Renewal")), [("discovery", 0, 1, "")]),
        (
            deal((1, "pipeline", "New"), (1, "stage", "P"), pipeline="Renewal", stage="X"),
            [("proposal", 1, None, "")],
        ),
        (deal((1, "pipeline", "New"), pipeline="Renewal", stage="P"), [("proposal", 1, None, "")]),
        (deal(stage=None), []),
    ],
    ids=[
        "made in it", "two moves", "back and forth", "nothing of it", "a stage nobody named", "another pipeline",
        "moved to another pipeline", "moved here with its stage", "moved here in its stage", "no stage",
    ],
)  # fmt: skip
def test_stays(of: RecordData, expected: list[tuple[str, float, float | None, str]]) -> None:
    assert stages_of(found(of)) == expected


def test_a_stay_is_named_by_pipeline_record_and_event() -> None:
    first, second = found(deal((1, "stage", "P")))
    assert first.id == derive_id("passage", "new", "crm:deals:1", "crm:deals:1:0")
    assert (first.event_id, first.left_event_id, second.event_id) == (0, 1, 1)


@pytest.mark.parametrize(
    ("changes", "first", "judgement", "missing"),
    [
        ([(2, "stage", "N")], {}, "missing", ("Success criteria is not empty",)),
        ([(1.5, "criteria", GOOD), (2, "stage", "N")], {}, "met", ()),
        ([(2, "criteria", GOOD), (2, "stage", "N")], {}, "met", ()),
        ([(2, "stage", "N"), (2.1, "criteria", GOOD)], {}, "missing", ("Success criteria is not empty",)),
        ([(1.5, "criteria", "tbd"), (2, "stage", "N")], {}, "on_paper", ()),
        ([(2, "stage", "W")], {}, "missing", ("Success criteria is not empty",)),
        ([(2, "stage", "L")], {}, "", ()),
        ([(2, "stage", "D")], {}, "", ()),
        ([(2, "stage", "X")], {}, "", ()),
        ([(2, "pipeline", "Renewal")], {}, "", ()),
        ([], {}, "", ()),
        ([(1.5, "amount", 2), (2, "stage", "N")], {}, "waived", ("Success criteria is not empty",)),
        ([(1.5, "amount", None), (2, "stage", "N")], {}, "missing", ("Success criteria is not empty",)),
    ],
    ids=[
        "left without", "written before", "written in the same moment", "written too late", "filler",
        "won over a stage",
        "lost needs nothing", "back needs nothing", "away needs nothing", "another pipeline needs nothing",
        "still there",
        "a small deal", "an empty amount is not small",
    ],
)  # fmt: skip
def test_exit_criteria_are_judged_with_the_values_of_the_instant(
    changes: list[Any], first: dict[str, Any], judgement: str, missing: tuple[str, ...]
) -> None:
    small = history((1, {"exempt_below": {"field": "amount", "value": 5}}, -1000))
    stay = found(deal((1, "stage", "P"), *changes, **first), small)[1]
    assert (stay.exit_judgement, stay.missing) == (judgement, missing)


def test_filler_is_kept_with_its_reasons() -> None:
    stay = found(deal((1, "stage", "P"), (1.999, "criteria", "tbd"), (2, "stage", "N")))[1]
    assert [row["reason"] for row in stay.paper] == ["placeholder", "typed_at_the_last_second"]
    copied = {DEAL: frozenset({("criteria", _key(GOOD))})}
    [_, stay, _] = found(deal((1, "stage", "P"), (1.5, "criteria", GOOD), (2, "stage", "N")), copied=copied)
    assert (stay.exit_judgement, [row["reason"] for row in stay.paper]) == ("on_paper", ["copied"])


def _key(text: str) -> int:
    from definitions.evidence.paper import text_key

    key = text_key(text)
    assert key is not None
    return key


@pytest.mark.parametrize(("until", "expected"), [(3, "waived"), (1.9, "missing")])
def test_an_exception_waives_what_is_missing_while_it_holds(until: float, expected: str) -> None:
    told = {"exception": "1", "section": "pipelines", "key": "new/proposal", "reason": "Urgent"}
    told["until"] = at(until).isoformat().replace("+00:00", "Z")
    of = deal((1, "stage", "P"), (2, "stage", "N"))
    acts = [event(REQUESTED, 1.2, 8, data=told), event(GRANTED, 1.3, 9, data=told)]
    assert found(record(of.values, [*of.events, *acts]))[1].exit_judgement == expected


@pytest.mark.parametrize(
    ("amount", "made", "expected"),
    [(10, True, "met"), (0, True, "missing"), (0, False, "")],
    ids=["met", "missing", "first seen there: when it entered nobody knows"],
)
def test_entry_criteria_are_judged_on_entering(amount: int, made: bool, expected: str) -> None:
    assert found(deal(stage="P", amount=amount, made=made))[0].entry_judgement == expected


@pytest.mark.parametrize(
    ("of", "changes", "expected"),
    [
        (deal((1, "stage", "P")), {}, ("forward", True)),
        (deal((1, "stage", "N")), {}, ("skipped", True)),
        (deal((1, "stage", "N")), {"skips": "flagged"}, ("skipped", False)),
        (deal((1, "stage", "L")), {"skips": "flagged"}, ("forward", True)),
        (deal((1, "stage", "P"), (2, "stage", "D")), {"backward": "flagged"}, ("backward", False)),
        (deal((1, "stage", "P"), (2, "stage", "D")), {}, ("backward", True)),
        (
            deal((1, "stage", "P"), (2, "stage", "D"), (3, "stage", "N")),
            {"skips": "flagged"},
            ("forward", True),
        ),
        (deal((1, "stage", "L"), (2, "stage", "D")), {"backward": "flagged"}, ("backward", False)),
        (deal(stage="N"), {"skips": "flagged"}, ("skipped", False)),
        (deal(stage="N", made=False), {"skips": "flagged"}, ("forward", True)),
    ],
    ids=[
        "next", "over one", "over one, flagged", "lost from anywhere", "back, flagged", "back",
        "over one it has been in", "reopened", "made late in the sequence", "first seen late",
    ],
)  # fmt: skip
def test_arrivals(of: RecordData, changes: dict[str, Any], expected: tuple[str, bool]) -> None:
    last = found(of, history((1, changes, -1000)))[-1]
    assert (last.arrival, last.is_allowed) == expected


def test_may_follow_says_from_where() -> None:
    stages = [
        s | ({"may_follow": ["discovery"]} if s["key"] == "negotiation" else {}) for s in BODY["stages"]
    ]
    pipeline = history((1, {"stages": stages, "skips": "flagged"}, -1000))
    direct = found(deal((1, "stage", "N")), pipeline)[-1]
    assert (direct.arrival, direct.is_allowed) == ("skipped", True)
    by_the_book = found(deal((1, "stage", "P"), (2, "stage", "N")), pipeline)[-1]
    assert (by_the_book.arrival, by_the_book.is_allowed) == ("forward", False)


def test_each_end_is_judged_by_the_version_of_its_instant() -> None:
    stricter = [
        s
        | (
            {"exit_criteria": {"field": "amount", "op": "at_least", "value": 99}}
            if s["key"] == "proposal"
            else {}
        )
        for s in BODY["stages"]
    ]
    pipeline = history((1, {}, 0.5), (2, {"stages": stricter}, 5))
    changes = [(1, "stage", "P"), (1.5, "criteria", GOOD)]
    early = found(deal(*changes, (2, "stage", "N")), pipeline)
    assert [(s.version_id, s.exit_judgement) for s in early] == [(None, ""), (1, "met"), (1, "")]
    late = found(deal(*changes, (6, "stage", "N")), pipeline)[1]
    assert (late.version_id, late.exit_judgement, late.missing) == (2, "missing", ("Amount is at least 99",))


def test_a_pipeline_whose_border_can_t_be_told_says_nothing() -> None:
    assert found(deal(), history((1, {"when": {"field": "gone", "op": "is_empty"}}, -1000))) == []
