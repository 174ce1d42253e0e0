"""What an editor waits for: the count under the tree, beside counting everybody."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.benchmarks.database import fill_people, start_database
from tests.benchmarks.measure import Result, WrongAnswerError
from tests.benchmarks.measure import compare as measure

PEOPLE = 1_000_000
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
FLEET = {"field": "fleet_size", "op": "at_least", "value": 10}
WANTS_TO_TALK = {
    "any": [
        {"field": "demo_requested_at", "op": "is_not_empty"},
        {"field": "pricing_page_views", "op": "at_least", "value": 3},
    ]
}
TREES: dict[str, dict[str, Any]] = {
    "one condition": FLEET,
    "four conditions": {
        "all": [FLEET, WANTS_TO_TALK, {"field": "role_level", "op": "is_any_of", "value": ["decision_maker"]}]
    },
    "a rare one": {
        "all": [
            {"field": "fleet_size", "op": "at_least", "value": 195},
            {"field": "demo_requested_at", "op": "is_not_empty"},
        ]
    },
}


def compare() -> list[Result]:
    start_database()
    fill_people(PEOPLE)
    from definitions.builder import trying
    from definitions.catalogue import catalogue_from_db
    from definitions.criteria import parse
    from definitions.judging.counting import count_criterion
    from records.models import Record
    from teams.models import Person

    viewer = Person.objects.get_or_create(email="ona@fernhill.example", defaults={"name": "Ona Brandvold"})[0]
    catalogue = catalogue_from_db()
    results = []
    for name, tree in TREES.items():
        criterion = parse(tree, catalogue, object="person")
        everybody = Record.objects.for_person(viewer).present().filter(object="person")
        real = trying.count(criterion, viewer, NOW, exact=True, where=None)
        tried = trying.count(criterion, viewer, NOW)
        if abs(tried.met - real.met) > 2 * tried.margin:
            raise WrongAnswerError(f"{name}: {tried.words}, but there are {real.met:,}")

        results.append(
            measure(
                f"while editing: {name}, of 1,000,000 ({tried.sample_size:,} looked at)",
                [criterion],
                lambda it: bool(trying.count(it, viewer, NOW).total),
                "count all",
                lambda it, everybody=everybody: bool(count_criterion(it, NOW, everybody).total),
                rounds=3,
            )
        )
    return results
