"""The lists of a record in the tables. Nothing that is deleted or merged away counts."""

from __future__ import annotations

from datetime import datetime

from definitions.criteria.items import ENTERED_AT, EVERY_KIND, KIND, NO_TIME, OCCURRED_AT
from definitions.criteria.moments import changes_of, range_of
from definitions.criteria.nodes import Counted, Leaf, Source, Staged
from definitions.criteria.targets.sql.comparing import LeafCompiler, first_after
from definitions.criteria.targets.sql.lists import Rows
from definitions.criteria.targets.sql.text import (
    Sql,
    fill,
    instant,
    instant_of,
    joined,
    length,
    param,
)
from records.relations import (
    Relation,
    Via,
    beside,
    history_records,
    journeys,
    present,
    related_rows,
    relation,
)

SIGNAL = "signal."


class Tables:
    """What pull, acts and signals have written. An account has the lists of the people and deals that name it."""

    def rows(self, condition: Counted | Staged, object_name: str, alias: str, now: datetime) -> Rows:
        item = beside(alias, "item")
        if isinstance(condition, Staged):
            return _stays(condition, object_name, alias, item, now)
        match condition.source:
            case Source.ACTIVITY:
                return _activities(condition, object_name, alias, item, now)
            case Source.RELATED:
                return _related(condition, object_name, alias, item)
        return _events(condition, object_name, alias, item, now)


TABLES = Tables()


def _activities(counted: Counted, object_name: str, alias: str, item: str, now: datetime) -> Rows:
    source = (
        f'"records_record" "{item}" WHERE "{item}"."journey_id" = {journeys(object_name, alias)}'
        f' AND "{item}"."object" = \'activity\' AND {present(item)}'
    )
    values = f'"{item}"."values"'
    leaves = [] if counted.name == EVERY_KIND else [Leaf("", KIND, "is", texts=(counted.name,))]
    leaves += _window(counted)
    compilers = [LeafCompiler(leaf, values, now) for leaf in leaves]
    moments = tuple(moment for one in compilers if (moment := one.recheck()) is not None)
    return Rows(Sql(source, []), values, tests=tuple(one.compile() for one in compilers), moments=moments)


def _related(counted: Counted, object_name: str, alias: str, item: str) -> Rows:
    found = relation(object_name, counted.name, [counted.object])
    if found is None or found.object != counted.object:
        found = Relation(counted.name, counted.object, Via.JOURNEY)
    text, params = related_rows(found, alias, item)
    return Rows(Sql(text, [*params]), f'"{item}"."values"')


def _events(counted: Counted, object_name: str, alias: str, item: str, now: datetime) -> Rows:
    whose = f'"{item}"."record_id" = {history_records(object_name, alias)}'
    if counted.name.startswith(SIGNAL):
        table, name, values = "definitions_signal", counted.name.removeprefix(SIGNAL), "properties"
        source = fill(f'"{table}" "{item}" WHERE {whose} AND "{item}"."name" = {{}}', param(name))
    else:
        values = "data"
        source = fill(
            f'"records_event" "{item}" WHERE {whose} AND "{item}"."superseded_by_id" IS NULL'
            f' AND "{item}"."kind" = {{}}',
            param(counted.name),
        )
    at = Sql(f'"{item}"."occurred_at"', [])
    narrow = tuple(_is_inside(leaf, at, now) for leaf in _window(counted))
    moments = tuple(
        first_after(now, [fill("({} + {})", at, length(count)) for count in changes_of(leaf)])
        for leaf in _window(counted)
    )
    return Rows(source, f'"{item}"."{values}"', narrow, moments=moments)


def _stays(staged: Staged, object_name: str, alias: str, item: str, now: datetime) -> Rows:
    pipeline, _, stage = staged.stage.rpartition("/")
    if pipeline:
        whose = (
            f'"{item}"."record_id" = "{alias}"."id"'
            if object_name == "deal"
            else f'"{item}"."journey_id" = {journeys(object_name, alias)}'
        )
        source = fill(
            f'"definitions_passage" "{item}" WHERE {whose} AND "{item}"."pipeline" = {{}} AND "{item}"."stage" = {{}}',
            param(pipeline),
            param(stage),
        )
        entered = Sql(f'"{item}"."entered_at"', [])
    else:
        source = fill(
            f'"definitions_stageentry" "{item}" WHERE "{item}"."journey_id" = {journeys(object_name, alias)}'
            f' AND "{item}"."stage" = {{}}',
            param(stage),
        )
        entered = Sql(f'"{item}"."occurred_at"', [])
    left = Sql(f'"{item}"."left_at"', [])
    return Rows(
        source,
        "",
        narrow=tuple(_stay_tests(staged, entered, left, now)),
        moments=(_turns(staged, entered, left, now),),
    )


def _stay_tests(staged: Staged, entered: Sql, left: Sql, now: datetime) -> list[Sql]:
    begun = _is_inside(Leaf("", ENTERED_AT, "at_least_ago", window=NO_TIME), entered, now)
    lasting = fill("({} IS NULL OR {} > {})", left, left, instant(now))
    long = _is_inside(Leaf("", ENTERED_AT, "at_least_ago", window=staged.window or NO_TIME), entered, now)
    match staged.op:
        case "is_in" | "is_not_in":
            return [begun, lasting]
        case "has_been" | "has_never_been":
            return [begun]
        case "in_for_at_least":
            return [long, lasting]
        case "in_for_less_than":
            return [begun, fill("(NOT {})", long), lasting]
    return [_is_inside(Leaf("", ENTERED_AT, "within_last", window=staged.window), entered, now)]


def _turns(staged: Staged, entered: Sql, left: Sql, now: datetime) -> Sql:
    """When a stay begins, ends, or has lasted for the time that is asked for."""
    moments = [entered, left]
    if staged.window is not None:
        ops = ("within_last", "at_least_ago")
        leaves = [Leaf("", ENTERED_AT, op, window=staged.window) for op in ops]
        counts = {count for leaf in leaves for count in changes_of(leaf)}
        moments += [fill("({} + {})", entered, length(count)) for count in sorted(counts)]
    return first_after(now, moments)


def _window(counted: Counted) -> list[Leaf]:
    if counted.window is None:
        return []
    return [Leaf("", OCCURRED_AT, counted.window_op, window=counted.window)]


def _is_inside(leaf: Leaf, at: Sql, now: datetime) -> Sql:
    lowest, end = range_of(leaf, now)
    bounds = ((">=", lowest), ("<", end))
    return joined(
        "AND",
        [fill(f"{{}} {sign} {{}}", at, instant_of(bound)) for sign, bound in bounds if bound is not None],
    )
