"""Judging a whole population by definitions inside PostgreSQL: the rows that ``refresh`` would write, page by page.

What SQL can't know is left to the pipeline: a record with an exception is only touched. A definition is never met on
paper only. Records whose state changed are touched, so that what rests on it (fields, clocks, numbers) follows."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction

from definitions.bodies import DEFINITIONS, DefinitionBody
from definitions.criteria import Criterion
from definitions.evidence.exceptions import REQUESTED
from definitions.in_force import TypedModel
from definitions.services import JUDGING_LOCK
from effects.tick import ring
from records.models import Connection
from records.statistics import ensure_statistics

JUDGING_PAGE = 50_000

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
    scopes = frozenset((v.body.object, v.body.connections) for v in model.definition_histories[key].versions)
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
        ensure_statistics("definitions_signal", "definitions_stageentry", "definitions_judgement")
        # Compiling such an expression takes longer than a page.
        cursor.execute("SELECT set_config('jit', 'off', true)")
        connections = dict(Connection.objects.values_list("name", "pk"))
        scope = _any_of(
            [_about(one, connections) for one in sorted({s for line in lines for s in line.scopes})]
        )
        start = Sql("r.id > %s::uuid", [after]) if after else Sql("TRUE", [])
        within = _fill("{} AND {}", start, scope)
        in_order = sorted(lines, key=lambda line: line.key)
        statement = _statement(in_order, now, within, size, connections, _excepted(lines))
        cursor.execute(statement.text, statement.params)
        last, count, written, removed, touched = cursor.fetchone()
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


_LOOK_UP = re.compile(r'\("r"\."values" (->>?) %s::text\)|%s')
"""How a criterion's SQL reads a field, or any other parameter."""


def _statement(
    lines: Sequence[Line],
    now: datetime,
    within: Sql,
    size: int,
    connections: dict[str, int],
    excepted: list[uuid.UUID],
) -> Sql:
    """A judgement is one text, ``key|version|state|variant|exclusion``, and a record's judgements a list of them in the
    order of ``lines``, which is that of their keys: most records end with one comparison of two lists.
    """
    judged, looked_up = _looked_up_once(_judgements(lines, now, connections))
    recheck = _recheck(lines, now)
    # What is stored is found by a list of ids: PostgreSQL walks the index once, however thinly a population is spread.
    # A FULL join is never a nested loop, which PostgreSQL would take for the few rows it expects of such a list.
    # Only what differs is offered to ON CONFLICT: it would lock, and so write anew, every row that stays as it is.
    text = f"""
WITH page AS MATERIALIZED (
  SELECT r.id,
    CASE WHEN r.deleted_at IS NULL AND r.journey_id IS NOT NULL THEN {judged.text} ELSE '{{}}'::text[] END AS judged
  FROM (SELECT r.* FROM records_record r WHERE {within.text} ORDER BY r.id LIMIT %s) r
    CROSS JOIN LATERAL ({looked_up.text} OFFSET 0) looked_up
), stored AS (
  SELECT record_id, array_agg(
    key || '|' || version_id || '|' || state || '|' || variant || '|' || exclusion ORDER BY key COLLATE "C"
  ) AS held
  FROM definitions_judgement
  WHERE record_id = ANY(ARRAY(SELECT id FROM page)) AND section = %s AND key = ANY(%s::varchar[]) GROUP BY record_id
), differing AS MATERIALIZED (
  SELECT id, judged, held
  FROM (
    SELECT id, judged, COALESCE(held, '{{}}') AS held FROM page FULL JOIN stored ON record_id = id
    WHERE id <> ALL(%s::uuid[])
  ) both_lists WHERE judged <> held
), fresh AS MATERIALIZED (
  SELECT record_id, told[1] AS key, told[2]::bigint AS version_id, told[3] AS state, told[4] AS variant,
    told[5] AS exclusion, was
  FROM (
    SELECT differing.id AS record_id, string_to_array(one, '|') AS told,
      (SELECT split_part(old, '|', 3) FROM unnest(held) old
        WHERE starts_with(old, split_part(one, '|', 1) || '|')) AS was
    FROM differing CROSS JOIN LATERAL unnest(judged) one WHERE one <> ALL(held) OFFSET 0
  ) apart
), left_over AS MATERIALIZED (
  SELECT differing.id AS record_id, split_part(old, '|', 1) AS key
  FROM differing CROSS JOIN LATERAL unnest(held) old
  WHERE NOT EXISTS (SELECT FROM unnest(judged) one WHERE starts_with(one, split_part(old, '|', 1) || '|'))
), gone AS (
  DELETE FROM definitions_judgement held USING left_over
  WHERE held.record_id = left_over.record_id AND held.section = %s AND held.key = left_over.key RETURNING 1
), written AS (
  INSERT INTO definitions_judgement (record_id, section, key, version_id, state, variant, exclusion, paper, recheck_at)
  SELECT record_id, %s, key, version_id, state, variant, exclusion, '[]'::jsonb, {recheck.text} FROM fresh
  ON CONFLICT (record_id, section, key) DO UPDATE SET version_id = EXCLUDED.version_id, state = EXCLUDED.state,
    variant = EXCLUDED.variant, exclusion = EXCLUDED.exclusion, paper = EXCLUDED.paper,
    recheck_at = EXCLUDED.recheck_at
  RETURNING 1
), touched AS (
  INSERT INTO records_touched (record_id, touched_at, attempts, last_error)
  SELECT record_id, %s, 0, '' FROM (
    SELECT record_id FROM fresh WHERE was IS DISTINCT FROM state
    UNION SELECT record_id FROM left_over
    UNION SELECT id FROM page WHERE id = ANY(%s::uuid[])
  ) these ORDER BY record_id
  RETURNING 1
)
SELECT (SELECT id FROM page ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM page),
  (SELECT count(*) FROM written), (SELECT count(*) FROM gone), (SELECT count(*) FROM touched)
"""  # noqa: S608 (all of it ours; what isn't stands in the parameters)
    params = [
        *judged.params, *within.params, size, *looked_up.params, DEFINITIONS, [line.key for line in lines], excepted,
        DEFINITIONS,
        DEFINITIONS, *recheck.params,
        now, excepted,
    ]  # fmt: skip
    return Sql(text, params)


def _looked_up_once(told: Sql) -> tuple[Sql, Sql]:
    """(the same over columns of ``looked_up``, the SELECT of those columns): a field that many conditions read is
    found in its row once. Finding it is most of what a condition costs."""
    names: dict[tuple[str, str], str] = {}
    params: list[Any] = []
    given = iter(told.params)

    def replaced(match: re.Match[str]) -> str:
        value, arrow = next(given), match[1]
        if arrow is None:
            params.append(value)
            return match[0]
        return "looked_up." + names.setdefault((arrow, value), f"c{len(names)}")

    text = _LOOK_UP.sub(replaced, told.text)
    columns = [
        Sql(f"r.values {arrow} %s::text AS {column}", [value]) for (arrow, value), column in names.items()
    ]
    return Sql(text, params), _fill("SELECT {}", _joined(columns or [Sql("1", [])], ", "))


def _judgements(lines: Sequence[Line], now: datetime, connections: dict[str, int]) -> Sql:
    """The judgements of the record ``r`` as a list of texts."""
    scopes = {scope for line in lines for scope in line.scopes}
    found, is_always = [], True
    for line in lines:
        if line.body is None:
            is_always = False
            continue
        told = _judgement(line.body, f"{line.key}|{line.version_id}", now)
        mine = (line.body.object, line.body.connections)
        if scopes != {mine}:
            is_always = False
            told = _fill("CASE WHEN {} THEN {} END", _about(mine, connections), told)
        found.append(told)
    listed = _fill("ARRAY[{}]::text[]", _joined(found, ", "))
    return listed if is_always else _fill("array_remove({}, NULL)", listed)


def _judgement(body: DefinitionBody, head: str, now: datetime) -> Sql:
    """One judgement as a text; the same as ``judging.judge_one``. What is commonly false is worked out once."""

    def told(state: str, variant: str = "", exclusion: str = "") -> Sql:
        return Sql("%s::text", [f"{head}|{state}|{variant}|{exclusion}"])

    def by(truth: Sql, variant: str, *, may_be_excluded: bool) -> Sql:
        met = "unknown" if may_be_excluded else "met"
        return _fill(
            "CASE {} WHEN TRUE THEN {} WHEN FALSE THEN {} ELSE {} END",
            truth, *(told(state, variant) for state in (met, "missing", "unknown")),
        )  # fmt: skip

    def by_variant(*, may_be_excluded: bool) -> Sql:
        if body.criterion is None:
            return told("unknown")
        whole = _truth(body.criterion, now)
        if not body.variants:
            return by(whole, "", may_be_excluded=may_be_excluded)
        cases = [
            _fill(f"WHEN {i} THEN {{}}", by(_truth(v.criterion, now), v.key, may_be_excluded=may_be_excluded))
            for i, v in enumerate(body.variants, 1)
            if v.criterion is not None
        ]
        whens = [_truth(v.when, now) for v in body.variants if v.when is not None]
        return _fill(
            "CASE {} {} ELSE {} END",
            _first_true(whens, nobody=len(whens) + 1),
            _joined(cases, " "),
            by(whole, "", may_be_excluded=may_be_excluded),
        )

    excluded = [_truth(e.criterion, now) for e in body.exclusions if e.criterion is not None]
    if body.criterion is None or not excluded:
        return by_variant(may_be_excluded=False)
    cases = [
        _fill(f"WHEN {i} THEN {{}}", told("missing", exclusion=e.key))
        for i, e in enumerate(body.exclusions, 1)
    ]
    return _fill(
        "CASE {} WHEN 0 THEN {} {} ELSE {} END",
        _any_true(excluded),
        by_variant(may_be_excluded=False),
        _joined(cases, " "),
        by_variant(may_be_excluded=True),
    )


def _first_true(truths: Sequence[Sql], *, nobody: int) -> Sql:
    """Number, from 1, of the first that is true while all before it are false; NULL when one before can't be told."""
    found = Sql(str(nobody), [])
    for i in range(len(truths), 0, -1):
        found = _fill(f"CASE {{}} WHEN TRUE THEN {i} WHEN FALSE THEN {{}} END", truths[i - 1], found)
    return found


def _any_true(truths: Sequence[Sql]) -> Sql:
    """Number, from 1, of the first that is true; 0 when all are false; NULL when none is true and one can't be told."""
    cases = _joined([_fill(f"WHEN {{}} THEN {i}", one) for i, one in enumerate(truths, 1)], " ")
    return _fill("CASE WHEN ({}) IS FALSE THEN 0 {} END", _joined(truths, " OR "), cases)


def _recheck(lines: Sequence[Line], now: datetime) -> Sql:
    """The first moment at which time alone could change a row of ``fresh``; at the latest."""
    cases, keys = [], []
    for line in lines:
        moments = [
            Sql(*told)
            for criterion in _criteria_of(line.body)
            if (told := criterion.recheck_sql("r", now)) is not None
        ]
        if moments:
            keys.append(line.key)
            cases.append(_fill("WHEN {} THEN LEAST({})", Sql("%s", [line.key]), _joined(moments, ", ")))
    if not cases:
        return Sql("NULL::timestamptz", [])
    return _fill(
        "CASE WHEN fresh.key = ANY({}) THEN "
        "(SELECT CASE fresh.key {} END FROM records_record r WHERE r.id = fresh.record_id) END",
        Sql("%s::text[]", [keys]),
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


def _joined(parts: Sequence[Sql], glue: str) -> Sql:
    return Sql(glue.join(part.text for part in parts), [p for part in parts for p in part.params])


def _fill(template: str, *parts: Sql) -> Sql:
    """Put pieces into a template's `{}`, their parameters in the same order."""
    return Sql(template.format(*(part.text for part in parts)), [p for part in parts for p in part.params])
