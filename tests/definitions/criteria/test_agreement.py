"""Python and PostgreSQL give the same truth on whatever is drawn, and neither is silent about when it changes.

GTMOPS_AGREEMENT_EXAMPLES sets how many trees are drawn: .ci/run asks for 10,000, else a few hundred. They are drawn in
blocks of TREES with RECORDS records each, near the operands of the block's trees, and every tree of a block is
judged on every record of it, in one statement.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from definitions.criteria import Catalogue, Criterion, Facts, FieldType, parse
from tests.definitions.criteria.examples import EXAMPLES, judge_in_sql
from tests.definitions.criteria.facts_in_sql import judge_all
from tests.definitions.criteria.list_strategies import (
    World,
    as_stored,
    catalogue_of,
    facts,
    list_leaves,
    money_leaves,
    whole_trees,
    worlds,
)
from tests.definitions.criteria.strategies import catalogues, instants, leaves, records, trees

TREES, RECORDS = 10, 3
TIMED = (FieldType.DATE, FieldType.DATETIME, FieldType.BOOLEAN)
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


def drawn(share: int = 1) -> settings:
    return settings(
        max_examples=max(20, EXAMPLES // share),
        deadline=None,
        # Every example only reads, so examples may share the test's transaction.
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
        ],
    )


def read_all(world: World, block: list[dict[str, Any]]) -> list[Criterion]:
    catalogue = catalogue_of(world)
    return [parse(tree, catalogue, object="person") for tree in block]


@pytest.mark.django_db
@drawn(share=TREES)
@given(st.data())
def test_python_and_postgresql_agree(data: st.DataObject) -> None:
    world = data.draw(worlds(), label="world")
    now = data.draw(instants, label="now")
    block = data.draw(st.lists(whole_trees(world), min_size=TREES, max_size=TREES), label="trees")
    near = facts(world, {"all": block}, now)
    specs = data.draw(st.lists(near, min_size=RECORDS, max_size=RECORDS), label="facts")

    criteria = read_all(world, block)
    stored = json.loads(json.dumps(specs))
    known = [Facts.from_spec(spec) for spec in stored]
    in_python = [[criterion.evaluate(one, now).truth for one in known] for criterion in criteria]
    in_sql = judge_all(criteria, [as_stored(spec) for spec in stored], now)
    assert [[truth for truth, _ in row] for row in in_sql] == in_python


@pytest.mark.django_db
@drawn(share=TREES * 2)
@given(st.data())
def test_each_kind_of_condition_agrees_at_its_boundaries(data: st.DataObject) -> None:
    world = data.draw(worlds(), label="world")
    now = data.draw(instants, label="now")
    tree = data.draw(st.one_of(list_leaves(world), money_leaves()), label="condition")
    specs = data.draw(st.lists(facts(world, tree, now), min_size=4, max_size=4), label="facts")

    [criterion] = read_all(world, [tree])
    stored = json.loads(json.dumps(specs))
    in_python = [criterion.evaluate(Facts.from_spec(spec), now).truth for spec in stored]
    [in_sql] = judge_all([criterion], [as_stored(spec) for spec in stored], now)
    assert [truth for truth, _ in in_sql] == in_python


@pytest.mark.django_db
@drawn(share=TREES * 2)
@given(st.data())
def test_one_comparison_agrees_at_its_boundaries(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(FieldType), label="type")
    fields = {"f": {"type": kind.value}}
    tree, now = data.draw(leaves(fields), label="leaf"), data.draw(instants, label="now")
    rows = data.draw(st.lists(records(fields, tree, now), min_size=6, max_size=12), label="rows")
    criterion = parse(tree, Catalogue.from_spec({"person": fields}), object="person")
    stored = json.loads(json.dumps(rows))
    in_python = [criterion.evaluate(Facts.from_spec({"values": row}), now).truth for row in stored]
    assert judge_in_sql(criterion, rows, now) == in_python


@drawn(share=TREES)
@given(st.data())
def test_the_canonical_tree_reads_back_as_the_same_criterion(data: st.DataObject) -> None:
    world = data.draw(worlds(), label="world")
    [criterion] = read_all(world, [data.draw(whole_trees(world), label="tree")])
    canonical = json.loads(json.dumps(criterion.to_tree()))
    [again] = read_all(world, [canonical])
    assert again == criterion
    assert again.to_tree() == criterion.to_tree()
    assert criterion.to_english()


@pytest.mark.django_db
@drawn(share=TREES)
@given(st.data())
def test_the_truth_stands_until_recheck_at(data: st.DataObject) -> None:
    world = data.draw(worlds(), label="world")
    now = data.draw(instants, label="now")
    tree = data.draw(whole_trees(world, moving=True), label="tree")
    spec = json.loads(json.dumps(data.draw(facts(world, tree, now), label="facts")))
    known = Facts.from_spec(spec)
    [criterion] = read_all(world, [tree])

    evaluation = criterion.evaluate(known, now)
    until = evaluation.recheck_at or FOREVER
    [[(_, in_sql)]] = judge_all([criterion], [as_stored(spec)], now)
    assert until > now
    assert (in_sql or FOREVER) > now
    for moment in (until, in_sql or FOREVER):
        room = (moment - now) // timedelta(microseconds=1)
        for share in (1, room // 2, room - 1, data.draw(st.integers(0, room - 1), label="later")):
            later = now + timedelta(microseconds=min(share, room - 1))
            assert criterion.evaluate(known, later).truth is evaluation.truth
    # Later one may know better, but never that it should have been sooner.
    in_between = criterion.evaluate(known, now + (until - now) / 2)
    assert in_between.recheck_at is None or in_between.recheck_at >= until


@drawn(share=TREES)
@given(st.data())
def test_looking_again_at_recheck_at_misses_nothing(data: st.DataObject) -> None:
    fields = data.draw(catalogues(TIMED), label="fields")
    tree = data.draw(trees(fields, moving=True), label="tree")
    now = data.draw(instants, label="now")
    known = Facts.from_spec({"values": data.draw(records(fields, tree, now), label="row")})
    criterion = parse(tree, Catalogue.from_spec({"person": fields}), object="person")

    seen: list[tuple[datetime, bool | None]] = []
    at: datetime | None = now
    while at is not None and len(seen) < 100:
        evaluation = criterion.evaluate(known, at)
        seen.append((at, evaluation.truth))
        at = evaluation.recheck_at
    assert at is None
    for days in range(0, 40, 3):
        later = now + timedelta(days=days, hours=days)
        expected = [truth for since, truth in seen if since <= later][-1]
        assert criterion.evaluate(known, later).truth is expected
