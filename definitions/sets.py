"""Judging a whole population by definitions inside PostgreSQL: the rows that ``refresh`` would write, page by page.

What SQL can't know is left to the pipeline: a record with an exception is only touched. A definition is never met on
paper only. Records whose state changed are touched, so that what rests on it (fields, clocks, numbers) follows."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from definitions.bodies import DEFINITIONS, DefinitionBody
from definitions.criteria import Criterion
from definitions.exceptions import REQUESTED
from definitions.in_force import TypedModel
from definitions.services import JUDGING_LOCK
from effects.tick import ring
from records.models import Connection

JUDGING_PAGE = 20_000

Scope = tuple[str, tuple[str, ...]]
"""(object, connections; none for all)."""


@dataclass(frozen=True)
class Line:
    """One definition by the version in force. ``body`` None: nothing is, and its judgements go.

    ``scopes``: what any version of it was ever about."""

    key: str
    version_id: int | None
    body: DefinitionBody | None
    scopes: frozenset[Scope]


@dataclass(frozen=True)
class Page:
    """``last``: the last record's id; None when that was the last page. ``written`` and ``removed`` count judgements,
    ``touched`` records."""

    last: uuid.UUID | None
    records: int = 0
    written: int = 0
    removed: int = 0
    touched: int = 0


class Sql(NamedTuple):
    """A piece of SQL with its parameters in order."""

    text: str
    params: list[Any]


def line_of(model: TypedModel, key: str, now: datetime) -> Line:
    """How a definition judges at ``now``. No query."""
    scopes = frozenset(
        (v.body.object, v.body.connections) for v in model.definition_histories()[key].versions
    )
    version_id, body = model.in_force(now).definitions.get(key, (None, None))
    return Line(key, version_id, body, scopes)


def judge_population(lines: Sequence[Line], now: datetime, *, size: int = JUDGING_PAGE) -> Iterator[Page]:
    """Judge everything that ``lines`` are about, each page in a transaction of its own."""
    after: uuid.UUID | None = None
    while True:
        with transaction.atomic():
            page = judge_page(lines, now, after=after, size=size)
        yield page
        if page.last is None:
            return
        after = page.last


def judge_page(
    lines: Sequence[Line], now: datetime, *, after: uuid.UUID | None = None, size: int = JUDGING_PAGE
) -> Page:
    """Judge the records behind ``after`` in the order of their ids, ``size`` at most, and write what differs.

    Inside a transaction: it waits for conclusions that are being drawn, and those for its end. May run twice."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [JUDGING_LOCK])
        # Compiling such an expression takes longer than a page.
        cursor.execute("SELECT set_config('jit', 'off', true)")
        connections = dict(Connection.objects.values_list("name", "pk"))
        scope = _any_of([_about(one, connections) for line in lines for one in sorted(line.scopes)])
        start = Sql("{row}.{id} > %s::uuid", [after]) if after else Sql("TRUE", [])
        cursor.execute(
            f"WITH page AS MATERIALIZED (SELECT r.id FROM records_record r WHERE {_of_record(start)} "  # noqa: S608
            f"AND {scope.text} ORDER BY r.id LIMIT %s) "
            "SELECT (SELECT id FROM page ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM page)",
            [*start.params, *scope.params, size],
        )
        last, count = cursor.fetchone()
        if not count:
            return Page(None)
        inside = Sql(f"{start.text} AND {{row}}.{{id}} <= %s::uuid", [*start.params, last])
        statement = _statement(lines, now, inside, scope, connections, _excepted(lines))
        cursor.execute(statement.text, statement.params)
        written, removed, touched = cursor.fetchone()
    if touched:
        ring("pipeline")
    return Page(last if count == size else None, count, written, removed, touched)


def _excepted(lines: Sequence[Line]) -> list[uuid.UUID]:
    """Records for which an exception from one of the definitions was ever asked for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT record_id FROM records_event WHERE kind = %s AND data ->> 'section' = %s "
            "AND data ->> 'key' = ANY(%s)",
            [REQUESTED, DEFINITIONS, [line.key for line in lines]],
        )
        return [record for (record,) in cursor.fetchall()]


# --- the statement ---------------------------------------------------------------------------------------------


def _statement(
    lines: Sequence[Line],
    now: datetime,
    inside: Sql,
    scope: Sql,
    connections: dict[str, int],
    excepted: list[uuid.UUID],
) -> Sql:
    judged = [line for line in lines if line.body is not None]
    rows = _joined([_judged(line, now, connections) for line in judged], " UNION ALL ")
    if not judged:
        rows = Sql(
            "SELECT ''::text AS key, 0::bigint AS version_id, ''::text AS state, ''::text AS variant, "
            "''::text AS exclusion WHERE FALSE",
            [],
        )
    recheck = _recheck(judged, now)
    records = _of_record(inside)
    held = inside.text.format(row="held", id="record_id")
    # Joined with a range of rows: ON CONFLICT alone would lock, and so rewrite, every row that stays as it is.
    text = f"""
WITH old AS (
  SELECT held.id, held.record_id, held.key, held.version_id, held.state, held.variant, held.exclusion, held.paper
  FROM definitions_judgement held
  WHERE held.section = %s AND held.key = ANY(%s) AND {held} AND held.record_id <> ALL(%s::uuid[])
), judged AS (
  SELECT r.id AS record_id, told.*
  FROM records_record r CROSS JOIN LATERAL ({rows.text}) told
  WHERE {records} AND {scope.text} AND r.deleted_at IS NULL AND r.journey_id IS NOT NULL
  AND r.id <> ALL(%s::uuid[])
), compared AS MATERIALIZED (
  SELECT coalesce(judged.record_id, old.record_id) AS record_id, coalesce(judged.key, old.key) AS key,
    judged.version_id, judged.state, judged.variant, judged.exclusion, old.id AS old_id, old.state AS old_state
  FROM judged FULL JOIN old ON old.record_id = judged.record_id AND old.key = judged.key
  WHERE judged.record_id IS NULL OR old.id IS NULL OR old.paper <> '[]'::jsonb
  OR (old.version_id, old.state, old.variant, old.exclusion)
    IS DISTINCT FROM (judged.version_id, judged.state, judged.variant, judged.exclusion)
), gone AS (
  DELETE FROM definitions_judgement WHERE id IN (SELECT old_id FROM compared WHERE state IS NULL) RETURNING 1
), changed AS (
  UPDATE definitions_judgement held SET version_id = compared.version_id, state = compared.state,
    variant = compared.variant, exclusion = compared.exclusion, paper = '[]'::jsonb, recheck_at = {recheck.text}
  FROM compared WHERE held.id = compared.old_id AND compared.state IS NOT NULL RETURNING 1
), added AS (
  INSERT INTO definitions_judgement (record_id, section, key, version_id, state, variant, exclusion, paper, recheck_at)
  SELECT compared.record_id, %s, compared.key, compared.version_id, compared.state, compared.variant,
    compared.exclusion, '[]'::jsonb, {recheck.text}
  FROM compared WHERE compared.old_id IS NULL
  ON CONFLICT (record_id, section, key) DO UPDATE SET version_id = EXCLUDED.version_id, state = EXCLUDED.state,
    variant = EXCLUDED.variant, exclusion = EXCLUDED.exclusion, paper = EXCLUDED.paper,
    recheck_at = EXCLUDED.recheck_at
  RETURNING 1
), touched AS (
  INSERT INTO records_touched (record_id, touched_at, attempts, last_error)
  SELECT record_id, %s, 0, '' FROM (
    SELECT record_id FROM compared WHERE state IS DISTINCT FROM old_state
    UNION SELECT r.id FROM records_record r WHERE {records} AND {scope.text} AND r.id = ANY(%s::uuid[])
  ) these ORDER BY record_id
  RETURNING 1
)
SELECT (SELECT count(*) FROM changed) + (SELECT count(*) FROM added), (SELECT count(*) FROM gone),
  (SELECT count(*) FROM touched)
"""  # noqa: S608 (all of it ours; what isn't stands in the parameters)
    params = [
        DEFINITIONS, [line.key for line in lines], *inside.params, excepted,
        *rows.params, *inside.params, *scope.params, excepted,
        *recheck.params,
        DEFINITIONS, *recheck.params,
        now, *inside.params, *scope.params, excepted,
    ]  # fmt: skip
    return Sql(text, params)


def _judged(line: Line, now: datetime, connections: dict[str, int]) -> Sql:
    """SELECT of key, version_id, state, variant, exclusion about the record ``r``; no row for what it isn't about.

    The same as ``judging.judge_one``; each condition stands in it once, but for what a variant nobody can tell needs.
    """
    body = line.body
    assert body is not None  # noqa: S101 (the caller leaves such lines out)
    about = _about((body.object, body.connections), connections)
    head = Sql("SELECT %s::text AS key, %s::bigint AS version_id, ", [line.key, line.version_id])
    if body.criterion is None:
        told = Sql("'unknown'::text AS state, ''::text AS variant, ''::text AS exclusion", [])
        return _joined([head, told, Sql(" WHERE ", []), about], "")
    truth = _truth(body.criterion, now)
    if not body.exclusions and len(body.variants) < 2:
        variant = body.variants[0].key if body.variants else ""
        told = _fill(
            f"{_STATE} AS state, {{}} AS variant, ''::text AS exclusion", truth, Sql("%s::text", [variant])
        )
        return _joined([head, told, Sql(" WHERE ", []), about], "")
    excluded = [_truth(e.criterion, now) for e in body.exclusions if e.criterion is not None]
    whens = [_truth(v.when, now) for v in body.variants if v.when is not None]
    if whens:
        of_variant = [_truth(v.criterion, now) for v in body.variants if v.criterion is not None]
        cases = _joined([_fill(f"WHEN {i} THEN {{}}", one) for i, one in enumerate(of_variant, 1)], " ")
        truth = _fill("CASE seen.variant {} ELSE {} END", cases, truth)
    # OFFSET 0 keeps PostgreSQL from working out the same twice.
    pieces = _fill(
        f" FROM (SELECT {_array(len(excluded))} AS excluded, {_array(len(whens))} AS whens OFFSET 0) one "
        "CROSS JOIN LATERAL (SELECT array_position(one.excluded, TRUE) AS exclusion, "
        "array_position(one.excluded, NULL::boolean) IS NOT NULL AS may_be_excluded, "
        "CASE WHEN array_position(one.whens, NULL::boolean) < "
        f"coalesce(array_position(one.whens, TRUE), {len(whens) + 1}) THEN NULL "
        f"ELSE coalesce(array_position(one.whens, TRUE), {len(whens) + 1}) END AS variant OFFSET 0) seen WHERE ",
        *excluded,
        *whens,
    )
    told = _fill(
        "CASE WHEN seen.exclusion IS NOT NULL THEN 'missing' "
        f"ELSE {_STATE} END AS state, "
        "CASE WHEN seen.exclusion IS NULL THEN coalesce(({})[seen.variant], '') ELSE '' END AS variant, "
        "coalesce(({})[seen.exclusion], '') AS exclusion",
        _fill("({} AND CASE WHEN seen.may_be_excluded THEN NULL::boolean ELSE TRUE END)", truth),
        Sql("%s::text[]", [[v.key for v in body.variants]]),
        Sql("%s::text[]", [[e.key for e in body.exclusions]]),
    )
    return _joined([head, told, pieces, about], "")


_STATE = "CASE ({}) WHEN TRUE THEN 'met' WHEN FALSE THEN 'missing' ELSE 'unknown' END"


def _recheck(lines: Sequence[Line], now: datetime) -> Sql:
    """The first moment at which time alone could change a row of ``compared``; at the latest."""
    cases = []
    for line in lines:
        moments = [
            Sql(*told)
            for criterion in _criteria_of(line.body)
            if (told := criterion.recheck_sql("r", now)) is not None
        ]
        if moments:
            cases.append(_fill("WHEN {} THEN LEAST({})", Sql("%s", [line.key]), _joined(moments, ", ")))
    if not cases:
        return Sql("NULL::timestamptz", [])
    return _fill(
        "(SELECT CASE compared.key {} END FROM records_record r WHERE r.id = compared.record_id)",
        _joined(cases, " "),
    )


def _criteria_of(body: DefinitionBody | None) -> Iterator[Criterion]:
    """Everything that is judged on its own."""
    if body is None or body.criterion is None:
        return
    pieces = [e.criterion for e in body.exclusions]
    for variant in body.variants:
        pieces += [variant.when, variant.criterion]
    if not body.variants:
        pieces.append(body.criterion)
    yield from (piece for piece in pieces if piece is not None)


def _truth(criterion: Criterion, now: datetime) -> Sql:
    return Sql(*criterion.to_sql("r", now))


def _about(scope: Scope, connections: dict[str, int]) -> Sql:
    object_name, names = scope
    if not names:
        return Sql("(r.object = %s)", [object_name])
    known = [connections[name] for name in names if name in connections]
    return Sql("(r.object = %s AND r.connection_id = ANY(%s::bigint[]))", [object_name, known])


def _any_of(parts: Sequence[Sql]) -> Sql:
    return _fill("({})", _joined(parts, " OR "))


def _of_record(border: Sql) -> str:
    return border.text.format(row="r", id="id")


def _array(length: int) -> str:
    return "ARRAY[" + ", ".join(["{}"] * length) + "]::boolean[]"


def _joined(parts: Sequence[Sql], glue: str) -> Sql:
    return Sql(glue.join(part.text for part in parts), [p for part in parts for p in part.params])


def _fill(template: str, *parts: Sql) -> Sql:
    """Put pieces into a template's `{}`, their parameters in the same order."""
    return Sql(template.format(*(part.text for part in parts)), [p for part in parts for p in part.params])
