"""Ten definitions over a whole base: judged again in SQL, beside a loop in Python; and published for the first time."""

from __future__ import annotations

import sys
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.benchmarks.database import fill_people, start_database
from tests.benchmarks.measure import OPTIONS, Result, WrongAnswerError

RECORDS = 1_000_000
LOOPED = 10_000
"""Records that the loop is measured on; its time is scaled to all of them."""
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)

FLEET = {"field": "fleet_size", "op": "at_least", "value": 10}
DECIDES = {"field": "role_level", "op": "is_any_of", "value": ["decision_maker", "influencer"]}
WANTS = {
    "any": [
        {"field": "demo_requested_at", "op": "within_last", "value": {"days": 60}},
        {"field": "pricing_page_views", "op": "at_least", "value": 3},
    ]
}
TEST = {"field": "company", "op": "contains", "value": "test"}
EMEA = {"field": "region", "op": "is", "value": "EMEA"}
BIG = {"field": "fleet_size", "op": "at_least", "value": 150}
TELLS = {"field": "pain", "op": "is_not_empty"}


def bodies() -> dict[str, dict[str, Any]]:
    """Ten of different kinds: one condition, several, exclusions, variants, windows, text."""
    plain: dict[str, Any] = {
        "a_one": FLEET,
        "b_four": {"all": [FLEET, WANTS, DECIDES]},
        "c_text": {"all": [{"field": "buyer_words", "op": "contains", "value": "lose a day"}, TELLS]},
        "d_not": {"not": {"any": [TEST, {"field": "fleet_size", "op": "is_empty"}]}},
        "e_fresh": {"field": "demo_requested_at", "op": "within_last", "value": {"days": 30}},
        "f_deep": {"all": [FLEET, {"any": [BIG, {"all": [EMEA, DECIDES, {"not": TEST}]}]}]},
    }
    excluded = [
        {"key": "test", "name": "Test", "when": TEST},
        {"key": "small", "name": "Small", "when": {"field": "fleet_size", "op": "less_than", "value": 3}},
    ]
    variants = [
        {"key": "big", "name": "Big", "when": BIG, "criteria": DECIDES},
        {"key": "emea", "name": "EMEA", "when": EMEA, "criteria": {"all": [FLEET, WANTS]}},
        {"key": "rest", "name": "Rest", "criteria": {"all": [FLEET, WANTS, DECIDES]}},
    ]
    told = {key: {"criteria": tree} for key, tree in plain.items()}
    told |= {
        "g_excluded": {"criteria": {"all": [FLEET, WANTS]}, "exclusions": excluded},
        "h_variants": {"variants": variants},
        "i_both": {"variants": variants, "exclusions": excluded},
        "j_both_too": {"variants": variants[1:], "exclusions": excluded[:1]},
    }
    return {key: {"name": key, "object": "person", "in": ["crm"]} | body for key, body in told.items()}


def compare() -> list[Result]:
    number = int(OPTIONS.get("records", RECORDS))
    start_database()
    fill_people(number)
    from django.db import connection

    from definitions.in_force import load_typed_model
    from definitions.judging.sets import judge_population, line_of
    from definitions.models import Judgement, Version

    Version.objects.bulk_create(
        Version(
            section="definitions", key=key, number=1, body=body, state="signed",
            effective_from=NOW - timedelta(days=1),
        )
        for key, body in bodies().items()
    )  # fmt: skip
    model = load_typed_model()
    lines = [line_of(model, key, NOW) for key in bodies()]

    def judge_all() -> tuple[float, int]:
        began = time.perf_counter()
        written = 0
        for page in judge_population(lines, NOW):
            written += page.written
        return time.perf_counter() - began, written

    first, written = judge_all()
    _expect("first publication", written, number * len(lines))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE definitions_judgement")
        cursor.execute("TRUNCATE records_touched")
    looped = min(_loop(lines, LOOPED) for _ in range(2)) * number / LOOPED
    changed, best = 0, float("inf")
    for turn in range(3):
        with connection.cursor() as cursor:
            # One in a hundred is no longer what its record says.
            cursor.execute(
                "UPDATE definitions_judgement SET state = CASE state WHEN 'met' THEN 'missing' ELSE 'met' END "
                "WHERE id %% 100 = %s",
                [turn],
            )
            changed = cursor.rowcount
        seconds, written = judge_all()
        _expect("judged again", written, changed)
        best = min(best, seconds)
    _expect("states", Judgement.objects.count(), number * len(lines))
    sys.stderr.write(
        f"{number:,} records, {len(lines)} definitions: first publication {first:.1f} s, "
        f"judged again {best:.1f} s; the loop took {looped * LOOPED / number:.1f} s for {LOOPED:,} records\n"
    )
    what = f"{number:,} records by {len(lines)} definitions"
    return [
        Result(
            f"judge {what} again, 1 % written ({best:.1f} s)", best,
            f"Python loop, {LOOPED:,} measured and scaled", looped, 20,
        ),
        Result(
            f"publish for the first time: {what}, all written ({first:.1f} s)", first,
            "the same loop, nothing written", looped,
        ),
    ]  # fmt: skip


def _expect(what: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise WrongAnswerError(f"{what}: {found:,} rows, {wanted:,} expected")


def _loop(lines: Any, number: int) -> float:
    """Seconds for judging ``number`` records one by one and comparing with what is stored; as one writes it first."""
    from definitions.criteria import Facts
    from definitions.judging.judge import judge_one
    from definitions.models import Judgement
    from records.models import Record

    began = time.perf_counter()
    wrong: list[uuid.UUID] = []
    after = uuid.UUID(int=0)
    done = 0
    while done < number:
        rows = list(
            Record.objects.filter(object="person", pk__gt=after).order_by("pk")[: min(2_000, number - done)]
        )
        held = {
            (record, key): told
            for record, key, *told in Judgement.objects.filter(record__in=[r.pk for r in rows]).values_list(
                "record_id", "key", "state", "variant", "exclusion"
            )
        }
        for record in rows:
            facts = Facts(record.values)
            for line in lines:
                outcome = judge_one(line.body, facts, NOW)
                if held[record.pk, line.key] != [outcome.state, outcome.variant, outcome.exclusion]:
                    wrong.append(record.pk)
        done += len(rows)
        after = rows[-1].pk
    seconds = time.perf_counter() - began
    if wrong:
        raise WrongAnswerError(f"{len(wrong)} of {number:,} records are judged differently in SQL")
    return seconds
