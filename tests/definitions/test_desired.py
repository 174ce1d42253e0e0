from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from definitions.bodies import StageBody
from definitions.desired import compute, joined
from definitions.judging.judge import standing
from definitions.services import refresh
from records.loading import load_batch
from records.models import Connection, Record
from tests.definitions.conftest import NOW, change, make_record


def stage(key: str, order: int, definition: str = "") -> StageBody:
    return StageBody(key, key, key.upper(), order, "", "", None, definition)


STAGES = [stage("lead", 10), stage("mql", 20, "mql"), stage("sql", 30, "sql"), stage("won", 50)]


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        ({}, None),
        ({"other": [("met", [])]}, None),
        ({"mql": [("missing", ["a"])]}, (None, "missing", ("a",))),
        ({"mql": [("unknown", ["a (can't tell)"])]}, (None, "unknown", ("a (can't tell)",))),
        ({"mql": [("met", [])]}, ("mql", "met", ())),
        ({"mql": [("met", [])], "sql": [("missing", ["b", "c"])]}, ("mql", "met", ("b", "c"))),
        ({"mql": [("missing", ["a"])], "sql": [("met", [])]}, ("sql", "met", ())),
        ({"mql": [("missing", ["a", "b"]), ("missing", ["b"])]}, (None, "missing", ("b",))),
        ({"mql": [("missing", ["a"]), ("met", [])]}, ("mql", "met", ())),
        ({"mql": [("missing", ["a"]), ("unknown", ["a (can't tell)"])]}, (None, "unknown", ("a",))),
    ],
)
def test_where_a_buyer_stands_by_the_model(judged: dict[str, Any], expected: Any) -> None:
    found = standing(judged, STAGES)
    told = found and (found.stage and found.stage.key, found.state, found.missing)
    assert told == expected


@pytest.mark.parametrize(
    ("words", "length", "expected"),
    [
        ([], 20, None),
        (["a", "b"], 20, "a; b"),
        (["aaaa", "bbbb", "cccc"], 16, "aaaa; bbbb; cccc"),
        (["aaaa", "bbbb", "cccc"], 15, "aaaa; and 2 more"),
        (["aaaa", "bbbb", "cccccccccc"], 21, "aaaa; and 2 more"),
        (["a" * 30], 10, "a" * 30),
    ],
)
def test_what_is_missing_fits_into_the_field(words: list[str], length: int, expected: str | None) -> None:
    assert joined(words, length) == expected


@pytest.mark.django_db
def test_our_fields_say_stage_qualification_and_what_is_missing(starter: None, hubspot: Connection) -> None:
    lead = make_record(
        hubspot,
        "1",
        {"fleet_size": 4, "demo_requested_at": None, "pricing_page_views": 0},
        at=NOW - timedelta(days=2),
    )
    assert fields(lead)["gtm_stage"] is None
    assert fields(lead)["gtm_qualified"] == "No"
    assert fields(lead)["gtm_missing"].startswith(
        "Fleet size is at least 10; Demo requested at is not empty or "
    )
    change(lead, "fleet_size", 40, NOW)
    assert fields(lead)["gtm_qualified"] == "Can't tell"
    change(lead, "demo_requested_at", "2026-03-02T10:00:00Z", NOW)
    assert fields(lead) == {"gtm_stage": "MQL", "gtm_qualified": "Yes: MQL", "gtm_missing": None}


@pytest.mark.django_db
def test_every_record_of_the_buyer_says_the_same(
    starter: None, hubspot: Connection, salesforce: Connection
) -> None:
    contact = make_record(hubspot, "1", {"fleet_size": 40, "demo_requested_at": "2026-03-02T10:00:00Z"})
    lead = make_record(salesforce, "2", {"need_confirmed": True}, journey=contact.journey)
    assert fields(contact) == fields(lead)
    assert fields(lead)["gtm_stage"] == "MQL"
    assert fields(lead)["gtm_missing"] == (
        "Authority confirmed is yes (can't tell); Timeline confirmed is yes (can't tell)"
    )


@pytest.mark.django_db
def test_a_buyer_from_before_go_live_gets_no_fields(starter: None, hubspot: Connection) -> None:
    lead = make_record(hubspot, "1", {"fleet_size": 4})
    Connection.objects.update(go_live_at=NOW + timedelta(days=1))
    assert fields(lead) == {}


def fields(record: Record) -> dict[str, Any]:
    assert record.journey_id is not None
    batch = load_batch([record.journey_id], NOW)
    refresh(batch)
    return {name: value for (pk, name), value in compute(batch).items() if pk == record.pk}
