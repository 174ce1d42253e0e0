"""Judging plain facts in PostgreSQL: the lists stand in a jsonb column, as `Facts.from_spec` takes them.

So the agreement suite reaches every rule of the SQL target without a row in any table; that the tables give the same
lists is held by tests/definitions/test_facts_agreement.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from definitions.criteria import Criterion
from definitions.criteria.items import implied, list_of
from definitions.criteria.nodes import Counted, Staged
from definitions.criteria.targets.sql.compiling import Compiler, compile_recheck, compile_truth
from definitions.criteria.targets.sql.lists import Rows
from definitions.criteria.targets.sql.text import Sql, fill, param

VALUES = '"item"."values"'


class JsonLists:
    """The lists in the column `facts` of the record."""

    def rows(self, condition: Counted | Staged, object_name: str, alias: str, now: datetime) -> Rows:
        name = list_of(condition)
        steps = ["related", name.removeprefix("related.")] if name.startswith("related.") else [name]
        path = fill(f'("{alias}"."facts" #> {{}})', param(steps, "text[]"))
        source = fill(
            "jsonb_array_elements(CASE jsonb_typeof({}) WHEN 'array' THEN {} ELSE '[]' END) "
            'AS "item"("values") WHERE TRUE',
            path,
            path,
        )
        compiler = Compiler(VALUES, object_name, alias, now, self)
        parts = implied(condition)
        moments = [moment for part in parts if (moment := compiler.recheck(part)) is not None]
        is_known = fill("jsonb_typeof({}) = 'array'", path)
        return Rows(
            source,
            VALUES,
            tests=tuple(compiler.truth(part) for part in parts),
            moments=tuple(moments),
            is_known=is_known,
        )


Judged = tuple[bool | None, datetime | None]


def judge_all(
    criteria: Sequence[Criterion], specs: Sequence[dict[str, Any]], now: datetime
) -> list[list[Judged]]:
    """Per criterion and record: its truth, and when to look again. One statement for all."""
    columns: list[Sql] = []
    for one in criteria:
        columns.append(Sql(*compile_truth(one.root, one.object, "r", now, JsonLists())))
        moment = compile_recheck(one.root, one.object, "r", now, JsonLists())
        columns.append(Sql("NULL::timestamptz", []) if moment is None else Sql(*moment))
    text, params = fill(", ".join(["{}"] * len(columns)), *columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {text} FROM (SELECT doc -> 'values' AS \"values\", doc AS facts, place FROM "
            "jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS d(doc, place)) r ORDER BY place",
            [*params, json.dumps(specs)],
        )
        rows = cursor.fetchall()
    return [[(row[2 * place], row[2 * place + 1]) for row in rows] for place in range(len(criteria))]
