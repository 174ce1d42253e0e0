"""Counting while somebody edits: what it says is what judging says, and a sample says that it is one."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import BooleanField
from django.db.models.expressions import RawSQL

from definitions.bodies import DefinitionBody, definition_body
from definitions.builder import sampling, statement, trying
from definitions.builder.outcomes import Flips
from definitions.catalogue import catalogue_from_db
from definitions.criteria import Criterion, Facts, parse
from records.models import Connection, Record
from teams.models import BusinessUnit, Person
from tests.definitions.conftest import NOW

FLEET: dict[str, Any] = {"field": "fleet_size", "op": "at_least", "value": 10}
LARGE: dict[str, Any] = {"field": "fleet_size", "op": "at_least", "value": 50}
SAW_PRICES: dict[str, Any] = {"field": "pricing_page_views", "op": "at_least", "value": 2}
IS_TEST: dict[str, Any] = {"field": "email", "op": "contains", "value": "test"}
EITHER: dict[str, Any] = {"all": [FLEET, {"any": [SAW_PRICES, {"not": IS_TEST}]}]}


@pytest.fixture
def viewer(db: None) -> Person:
    return Person.objects.create_user("ona@fernhill.example", name="Ona Brandvold")


@pytest.fixture
def people(catalogue: None, hubspot: Connection) -> list[Record]:
    """300 people whose values are set, empty or unknown."""
    chance = random.Random(7)
    made = []
    for number in range(300):
        values: dict[str, Any] = {
            "email": f"{'test' if number % 9 == 0 else 'kip'}{number}@tarnbrook.example"
        }
        if number % 7:
            values["fleet_size"] = chance.choice([None, 3, 12, 60])
        if number % 5:
            values["pricing_page_views"] = chance.randrange(5)
        made.append(person(hubspot, number, values))
    Record.objects.bulk_create(made)
    return made


def person(connection: Connection, number: int, values: dict[str, Any], **more: Any) -> Record:
    pk = uuid.uuid5(uuid.NAMESPACE_URL, f"{connection.name}:{number}")
    return Record(
        id=pk, connection=connection, object="person", remote_object="contacts", remote_id=str(number),
        title=f"Person {number}", values=values, **more,
    )  # fmt: skip


def built(tree: Any) -> Criterion:
    return parse(tree, catalogue_from_db(), object="person")


def defined(**body: Any) -> DefinitionBody:
    whole = {"name": "MQL", "object": "person", "owner": "marketing", "agreed_by": ["sdr"], "text": "…"}
    return definition_body("mql", whole | body, catalogue_from_db())


def test_counts_what_judging_one_by_one_finds(people: list[Record], viewer: Person) -> None:
    criterion = built(EITHER)
    tried = trying.count(criterion, viewer, NOW)
    truths = [criterion.evaluate(Facts(p.values), NOW).truth for p in people]
    assert (tried.met, tried.missing, tried.unknown) == tuple(truths.count(t) for t in (True, False, None))
    assert tried.total == 300
    assert not tried.is_sampled
    assert tried.words == f"{tried.met} of 300 pass"


def test_counts_each_condition_for_itself(people: list[Record], viewer: Person) -> None:
    tried = trying.count(built(EITHER), viewer, NOW)
    assert list(tried.leaves) == ["$.all[0]", "$.all[1].any[0]", "$.all[1].any[1].not"]
    alone = trying.count(built(SAW_PRICES), viewer, NOW)
    assert tried.leaves["$.all[1].any[0]"].met == alone.met
    assert tried.leaves["$.all[1].any[0]"].total == 300


def test_gives_five_records_each_way_and_says_what_is_missing(people: list[Record], viewer: Person) -> None:
    shown = trying.examples(built(EITHER), viewer, NOW)
    assert [len(way) for way in (shown.met, shown.missing, shown.unknown)] == [5, 5, 5]
    assert shown.met[0].because == ()
    assert shown.missing[0].because
    assert shown.missing[0].href == f"/records/{shown.missing[0].record_id}/"
    assert shown.missing[0].connection == "HubSpot"


def test_counts_exclusions_and_variants_as_the_first_that_holds(people: list[Record], viewer: Person) -> None:
    body = defined(
        exclusions=[
            {"key": "test", "name": "Test", "when": IS_TEST},
            {"key": "kip", "name": "Kip", "when": {"field": "email", "op": "starts_with", "value": "test9"}},
        ],
        variants=[
            {"key": "large", "name": "Large", "when": LARGE, "criteria": SAW_PRICES},
            {"key": "rest", "name": "All else", "criteria": FLEET},
        ],
    )
    tried = trying.count(body, viewer, NOW)
    testers = [p for p in people if "test" in p.values["email"]]
    assert tried.excluded == {"test": len(testers), "kip": 0}
    others = [p for p in people if p not in testers]
    large = [p for p in others if (p.values.get("fleet_size") or 0) >= 50]
    assert tried.variants["large"].total == len(large)
    assert tried.variants["rest"].total == len(others) - len(large)
    assert sum(v.met for v in tried.variants.values()) >= tried.met
    assert tried.missing >= len(testers)


def test_a_definition_that_cannot_be_built_is_unknown_for_all(people: list[Record], viewer: Person) -> None:
    tried = trying.count(defined(criteria={"field": "gone", "op": "is_true"}), viewer, NOW)
    assert (tried.met, tried.unknown, tried.total) == (0, 300, 300)


def test_stays_inside_the_business_units_of_the_viewer(
    catalogue: None, hubspot: Connection, viewer: Person
) -> None:
    mine, other = (BusinessUnit.objects.create(key=k, name=k) for k in ("fleet", "yards"))
    viewer.business_units.add(mine)
    units = [None, mine, other, other]
    Record.objects.bulk_create(
        person(hubspot, i, {"fleet_size": 20}, business_unit=unit) for i, unit in enumerate(units)
    )
    assert trying.count(built(FLEET), viewer, NOW).met == 2
    assert len(trying.examples(built(FLEET), viewer, NOW).met) == 2
    assert trying.count(built(FLEET), None, NOW).met == 4


def test_a_definition_is_tried_on_its_own_connections(
    people: list[Record], salesforce: Connection, viewer: Person
) -> None:
    Record.objects.bulk_create(person(salesforce, i, {"fleet_size": 99}) for i in range(4))
    hubspot_only = trying.count(defined(criteria=LARGE, **{"in": ["hubspot"]}), viewer, NOW)
    everywhere = trying.count(defined(criteria=LARGE), viewer, NOW)
    assert everywhere.met == hubspot_only.met + 4
    moved = trying.flips(
        defined(criteria=LARGE, **{"in": ["salesforce"]}),
        defined(criteria=LARGE, **{"in": ["hubspot"]}),
        viewer,
        NOW,
    )
    assert (moved.gained, moved.lost) == (hubspot_only.met, 4)


def test_says_who_changes_sides(people: list[Record], viewer: Person) -> None:
    old, new = built(FLEET), built({"all": [LARGE, SAW_PRICES]})
    found = trying.flips(old, new, viewer, NOW)
    before, after = trying.count(old, viewer, NOW), trying.count(new, viewer, NOW)
    assert found.gained == 0
    assert (found.old_met, found.new_met) == (before.met, after.met)
    assert found.lost == before.met - after.met
    assert found.unknown > 0
    assert len(found.lost_examples) == 5
    assert not found.is_none
    assert found.words.startswith(f"+0 new, −{found.lost} gone")


@pytest.mark.parametrize(("old", "new", "gains"), [(None, FLEET, True), (FLEET, None, False)])
def test_nothing_in_force_passes_nobody(
    people: list[Record], viewer: Person, old: Any, new: Any, gains: bool
) -> None:
    found = trying.flips(old and built(old), new and built(new), viewer, NOW)
    met = trying.count(built(FLEET), viewer, NOW).met
    assert (found.gained, found.lost) == ((met, 0) if gains else (0, met))


def test_only_an_exact_count_without_a_flip_is_none(
    people: list[Record], viewer: Person, small_samples: None
) -> None:
    same = {"not": {"not": FLEET}}
    assert not trying.flips(built(FLEET), built(same), viewer, NOW).is_none
    assert trying.flips(built(FLEET), built(same), None, NOW, exact=True).is_none


@pytest.fixture
def small_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three hundred records are many, and no second run fits."""
    monkeypatch.setattr(trying, "FIRST_SAMPLE", 100)
    monkeypatch.setattr(sampling, "PROBE_FRACTION", 0.999)
    monkeypatch.setattr(trying, "BUDGET_SECONDS", 0.0)
    monkeypatch.setattr(trying, "SMALL_BUDGET_SECONDS", 0.0)


def test_a_large_population_is_estimated_and_says_so(
    people: list[Record], viewer: Person, small_samples: None
) -> None:
    tried = trying.count(built(FLEET), viewer, NOW)
    real = trying.count(built(FLEET), viewer, NOW, exact=True)
    assert tried.is_sampled
    assert 60 <= tried.sample_size <= 140
    assert abs(tried.met - real.met) <= 2 * tried.margin
    assert f"from a sample of {tried.sample_size}" in tried.words
    assert tried == trying.count(built(FLEET), viewer, NOW)


def test_a_sample_that_finds_none_still_has_a_margin(
    people: list[Record], viewer: Person, small_samples: None
) -> None:
    tried = trying.count(built({"field": "fleet_size", "op": "at_least", "value": 10**6}), viewer, NOW)
    assert tried.met == 0
    assert tried.margin > 0


def test_what_takes_too_long_is_said_and_harms_nothing(
    people: list[Record], viewer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "FIRST_LIMIT_SECONDS", 0.2)
    slow = Record.objects.filter(RawSQL("pg_sleep(0.1) IS NOT NULL", (), output_field=BooleanField()))
    tried = trying.count(built(FLEET), viewer, NOW, where=slow)
    assert tried.is_too_slow
    assert tried.words == "Too slow to count while editing."
    assert trying.count(built(FLEET), viewer, NOW).total == 300


def test_the_number_of_queries_does_not_grow(
    people: list[Record], viewer: Person, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    with django_assert_max_num_queries(16):
        trying.count(built(EITHER), viewer, NOW, against=built(FLEET))


def test_many_conditions_are_counted_as_one(people: list[Record], viewer: Person) -> None:
    many = {
        "any": [
            {"field": "fleet_size", "op": "is", "value": n} for n in range(statement.MAX_LEAVES_COUNTED + 1)
        ]
    }
    tried = trying.count(built(many), viewer, NOW)
    assert tried.leaves == {}
    assert (
        tried.met
        == trying.count(built({"field": "fleet_size", "op": "at_most", "value": 60}), viewer, NOW).met
    )


def test_where_nobody_can_be_nobody_is_counted(people: list[Record], viewer: Person) -> None:
    gone = trying.count(built(FLEET), viewer, NOW, connections=["closed_down"], against=built(LARGE))
    assert (gone.total, gone.words) == (0, "0 of 0 pass")
    assert gone.flips == Flips()
    assert trying.flips(
        built(FLEET), built(LARGE), None, NOW, where=Record.objects.none(), exact=True
    ).is_none
    assert trying.count(built(FLEET), viewer, NOW, where=Record.objects.filter(pk__in=[])).total == 0
