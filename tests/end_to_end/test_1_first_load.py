"""Fernhill through the product: nothing lost or doubled by twenty kills, and the stories' numbers come out."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.end_to_end.conftest import KILLS, Storm
from tests.end_to_end.product import Product, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_twenty_kills_during_the_load_lose_and_double_nothing(loaded: Product, storm: Storm) -> None:
    assert len(storm.kills) == KILLS
    held = dict(
        loaded.rows("SELECT remote_object, count(*) FROM records_record WHERE deleted_at IS NULL GROUP BY 1")
    )
    for remote_object, path in {
        "contacts": "/crm/v3/objects/contacts/search",
        "calls": "/crm/v3/objects/calls/search",
        "meetings": "/crm/v3/objects/meetings/search",
        "emails": "/crm/v3/objects/emails/search",
    }.items():
        assert held[remote_object] == loaded.crm(path, {"limit": 1})["total"], remote_object
    once = "SELECT count(*) FROM (SELECT 1 FROM {} GROUP BY {} HAVING count(*) > 1) twice"
    assert loaded.value(once.format("records_record", "connection_id, remote_object, remote_id")) == 0
    assert loaded.value(once.format("records_event", "connection_id, external_key")) == 0
    baselines = loaded.value("SELECT count(DISTINCT record_id) FROM records_event WHERE kind = 'baseline'")
    assert baselines == loaded.value("SELECT count(*) FROM records_record")


def test_the_mirror_says_what_the_crm_says(loaded: Product) -> None:
    mine = {
        remote_id: (email, stage, owner)
        for remote_id, email, stage, owner in loaded.rows(
            """SELECT remote_id, values ->> 'email', values ->> 'lifecycle_stage', values ->> 'owner'
               FROM records_record WHERE remote_object = 'contacts'"""
        )
    }
    theirs = {}
    after = ""
    while True:
        page = loaded.crm(
            "/crm/v3/objects/contacts?limit=100&properties=email,lifecyclestage,hubspot_owner_id" + after
        )
        for row in page["results"]:
            told = row["properties"]
            theirs[row["id"]] = (told["email"], told["lifecyclestage"], told["hubspot_owner_id"])
        if "paging" not in page:
            break
        after = f"&after={page['paging']['next']['after']}"
    assert mine == theirs


def test_story_1_two_definitions_of_one_word(loaded: Product) -> None:
    created_this_year = """
        SELECT j.record_id FROM definitions_judgement j JOIN records_record r ON r.id = j.record_id
        WHERE j.key = %s AND j.state = 'met' AND r.created_at_remote > now() - interval '365 days'
    """
    marketing = {row[0] for row in loaded.rows(created_this_year, "mql")}
    sales = {row[0] for row in loaded.rows(created_this_year, "mql_by_sales")}
    assert (len(marketing), len(sales), len(marketing & sales)) == (2410, 1120, 868)


def test_rebuild_reproduces_everything_that_was_concluded(loaded: Product) -> None:
    def concluded() -> Counter[str]:
        wait_for(loaded.is_settled, seconds=120, what="nothing is left to conclude")
        lines = loaded.manage("dump", "--derived").splitlines()
        return Counter(line for line in lines if json.loads(line).get("state") != "due")

    before = concluded()
    assert sum(before.values()) > 20_000
    loaded.manage("rebuild")
    after = concluded()
    assert before - after == Counter()
    assert after - before == Counter()
