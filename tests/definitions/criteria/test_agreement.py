"""Python and PostgreSQL give the same truth on whatever is drawn.

GTMOPS_AGREEMENT_EXAMPLES sets how many trees are drawn; each is judged on a batch of records.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from definitions.criteria import Catalogue, Facts, FieldType, parse
from tests.definitions.criteria.examples import judge_in_sql
from tests.definitions.criteria.strategies import catalogues, instants, leaves, records, trees

EXAMPLES = int(os.environ.get("GTMOPS_AGREEMENT_EXAMPLES", "300"))
TIMED = (FieldType.DATE, FieldType.DATETIME, FieldType.BOOLEAN)
drawn = settings(
    max_examples=EXAMPLES,
    deadline=None,
    # Every example only reads, so examples may share the test's transaction.
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@pytest.mark.django_db
@drawn
@given(st.data())
def test_python_and_postgresql_agree(data: st.DataObject) -> None:
    fields = data.draw(catalogues(), label="fields")
    tree = data.draw(trees(fields), label="tree")
    now = data.draw(instants, label="now")
    rows = data.draw(st.lists(records(fields, tree, now), min_size=1, max_size=8), label="rows")
    criterion = parse(tree, Catalogue.from_spec({"person": fields}), object="person")
    stored = json.loads(json.dumps(rows))
    in_python = [criterion.evaluate(Facts.from_spec({"values": row}), now).truth for row in stored]
    assert judge_in_sql(criterion, rows, now) == in_python


@pytest.mark.django_db
@drawn
@given(st.data())
def test_one_condition_agrees_at_its_boundaries(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(FieldType), label="type")
    fields = {"f": {"type": kind.value}}
    tree, now = data.draw(leaves(fields), label="leaf"), data.draw(instants, label="now")
    rows = data.draw(st.lists(records(fields, tree, now), min_size=6, max_size=12), label="rows")
    criterion = parse(tree, Catalogue.from_spec({"person": fields}), object="person")
    stored = json.loads(json.dumps(rows))
    in_python = [criterion.evaluate(Facts.from_spec({"values": row}), now).truth for row in stored]
    assert judge_in_sql(criterion, rows, now) == in_python


@drawn
@given(st.data())
def test_the_canonical_tree_reads_back_as_the_same_criterion(data: st.DataObject) -> None:
    fields = data.draw(catalogues(), label="fields")
    catalogue = Catalogue.from_spec({"person": fields})
    criterion = parse(data.draw(trees(fields), label="tree"), catalogue, object="person")
    canonical = json.loads(json.dumps(criterion.to_tree()))
    assert parse(canonical, catalogue, object="person") == criterion
    assert parse(canonical, catalogue, object="person").to_tree() == criterion.to_tree()
    assert criterion.to_english()


@drawn
@given(st.data())
def test_the_truth_stands_until_recheck_at(data: st.DataObject) -> None:
    fields = data.draw(catalogues(TIMED), label="fields")
    tree = data.draw(trees(fields, moving=True), label="tree")
    now = data.draw(instants, label="now")
    facts = Facts.from_spec({"values": data.draw(records(fields, tree, now), label="row")})
    criterion = parse(tree, Catalogue.from_spec({"person": fields}), object="person")

    evaluation = criterion.evaluate(facts, now)
    until = evaluation.recheck_at or now + timedelta(days=36_525)
    assert until > now
    room = (until - now) // timedelta(microseconds=1)
    for share in (1, room // 2, room - 1, data.draw(st.integers(0, room - 1), label="later")):
        later = now + timedelta(microseconds=min(share, room - 1))
        seen_later = criterion.evaluate(facts, later)
        assert seen_later.truth is evaluation.truth
        # Later one may know better, but never that it should have been sooner.
        assert seen_later.recheck_at is None or seen_later.recheck_at >= until


@drawn
@given(st.data())
def test_rechecking_finds_every_change(data: st.DataObject) -> None:
    """A tick that only looks at recheck_at sees what one that looks every so often sees."""
    fields = data.draw(catalogues(TIMED), label="fields")
    tree = data.draw(trees(fields, moving=True), label="tree")
    now = data.draw(instants, label="now")
    facts = Facts.from_spec({"values": data.draw(records(fields, tree, now), label="row")})
    criterion = parse(tree, Catalogue.from_spec({"person": fields}), object="person")

    seen: list[tuple[datetime, bool | None]] = []
    at: datetime | None = now
    while at is not None and len(seen) < 100:
        evaluation = criterion.evaluate(facts, at)
        seen.append((at, evaluation.truth))
        at = evaluation.recheck_at
    assert at is None
    for days in range(0, 40, 3):
        later = now + timedelta(days=days, hours=days)
        expected = [truth for since, truth in seen if since <= later][-1]
        assert criterion.evaluate(facts, later).truth is expected
