"""A criterion and its filter groups find the same records in HubSpot.

The stand-in's search is the other side: it reads the groups as HubSpot does and knows nothing of the compiler; the
records go both ways as the connector takes them. GTMOPS_AGREEMENT_EXAMPLES sets how many trees are drawn, in blocks of
TREES with RECORDS records.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from definitions.criteria import Catalogue, Criterion, Facts, FieldType, parse
from definitions.criteria.compiled import Compiled, RemoteField
from definitions.criteria.nodes import conditions_of
from integrations.standins.forms import hubspot_stamp
from integrations.standins.hubspot_search import BODY, search
from integrations.standins.store import Actor, Store
from records.canonical import canonical
from tests.definitions.criteria.examples import EXAMPLES
from tests.definitions.criteria.strategies import catalogues, instants, leaves, records, trees

TREES, RECORDS = 10, 4
drawn = settings(
    max_examples=max(20, EXAMPLES // TREES),
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
TYPES = {
    "text": "string",
    "number": "number",
    "money": "number",
    "boolean": "bool",
    "date": "date",
    "datetime": "datetime",
    "picklist": "enumeration",
    "multi_picklist": "enumeration",
    "reference": "string",
}
WRITER = Actor("", "API")


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store(":memory:")
    yield store
    store.close()


def mapping_of(fields: dict[str, Any]) -> dict[str, str]:
    return {name: f"property_{place}" for place, name in enumerate(sorted(fields))}


def raw_value(kind: str, value: Any) -> str | None:
    """A drawn value as HubSpot would hold it; None when it can't."""
    try:
        known = canonical(kind, value)
    except ValueError:
        return None
    match kind:
        case _ if known is None:
            return None
        case "boolean":
            return "true" if known else "false"
        case "number" | "money":
            plain = f"{Decimal(repr(known)):f}"
            return plain if len(plain.lstrip("-0").replace(".", "")) <= 15 else None
        case "datetime":
            return hubspot_stamp(datetime.fromisoformat(known))
        case "multi_picklist":
            return ";".join(one for one in known if ";" not in one) or None
        # These two, and no other letters, may be found where A to Z are asked for.
        case "text" if "İ" in known or "\u212a" in known:
            return None
    return str(known)


class Block:
    """Contacts that HubSpot can hold, near what some trees ask for, in the stand-in and as facts."""

    def __init__(
        self, store: Store, data: st.DataObject, fields: dict[str, Any], trees_: list[dict[str, Any]]
    ) -> None:
        self.store = store
        self.mapping = mapping_of(fields)
        self.catalogue = Catalogue.from_spec({"person": fields})
        self.now: datetime = data.draw(instants, label="now")
        rows = [data.draw(records(fields, {"all": trees_}, self.now), label="row") for _ in range(RECORDS)]
        raw = [
            {name: raw_value(told["type"], row.get(name)) for name, told in fields.items()} for row in rows
        ]
        self.facts = [
            Facts({name: canonical(fields[name]["type"], value) for name, value in row.items()})
            for row in raw
        ]
        store.execute("DELETE FROM fields")
        store.execute("DELETE FROM rows")
        store.put_fields(
            "hubspot",
            "contacts",
            [{"name": self.mapping[name], "type": TYPES[told["type"]]} for name, told in fields.items()],
        )
        for place, row in enumerate(raw):
            stored = {self.mapping[name]: value for name, value in row.items()}
            store.create("hubspot", "contacts", str(place), stored, WRITER)

    def read(self, tree: dict[str, Any]) -> Criterion:
        return parse(tree, self.catalogue, object="person")

    def in_hubspot(self, groups: Any) -> list[bool]:
        """Which of the contacts the search finds."""
        body = {"filterGroups": groups, "limit": 200}
        _, page, _ = search(self.store, "contacts", body, len(json.dumps(body)))
        ids = {row.remote_id for row in page}
        return [str(place) in ids for place in range(len(self.facts))]

    def in_python(self, criterion: Criterion) -> list[bool | None]:
        return [criterion.evaluate(one, self.now).truth for one in self.facts]


def hold_to_limits(groups: Any) -> None:
    filters = [group["filters"] for group in groups]
    assert 1 <= len(filters) <= 5
    assert all(1 <= len(group) <= 6 for group in filters)
    assert sum(map(len, filters)) <= 18
    assert len(json.dumps({"filterGroups": groups})) <= BODY
    for group in filters:
        # Whether these two find blanks is not known: they never decide it.
        has = {
            one["propertyName"]
            for one in group
            if one["operator"] not in ("NEQ", "NOT_IN", "NOT_HAS_PROPERTY")
        }
        assert has >= {one["propertyName"] for one in group if one["operator"] in ("NEQ", "NOT_IN")}


@drawn
@given(st.data())
def test_filters_and_python_agree(store: Store, data: st.DataObject) -> None:
    fields = data.draw(catalogues(), label="fields")
    drawn_trees = [data.draw(trees(fields), label="tree") for _ in range(TREES)]
    block = Block(store, data, fields, drawn_trees)
    for criterion in map(block.read, drawn_trees):
        compiled = criterion.to_hubspot(block.mapping)
        if compiled.is_whole:
            hold_to_limits(compiled.groups)
            assert block.in_hubspot(compiled.groups) == block.in_python(criterion)
        else:
            paths = {one.path for one in conditions_of(criterion.root)} | {"$"}
            assert compiled.groups == []
            assert all(path in paths and reason for path, reason in compiled.refused)


@drawn
@given(st.data())
def test_one_condition_agrees_at_its_boundaries(store: Store, data: st.DataObject) -> None:
    fields = {"f": {"type": data.draw(st.sampled_from(FieldType), label="type").value}}
    drawn_leaves = [data.draw(leaves(fields), label="leaf") for _ in range(TREES)]
    block = Block(store, data, fields, drawn_leaves)
    for leaf in drawn_leaves:
        for criterion in (block.read(leaf), block.read({"not": leaf})):
            compiled = criterion.to_hubspot(block.mapping)
            if compiled.is_whole:
                assert block.in_hubspot(compiled.groups) == block.in_python(criterion)


@settings(drawn, max_examples=max(20, EXAMPLES // TREES // 4))
@given(st.data())
def test_what_is_kept_of_a_refused_criterion_finds_no_less(store: Store, data: st.DataObject) -> None:
    fields = data.draw(catalogues(), label="fields") | {"apart": {"type": "text"}}
    drawn_trees = [
        {"all": [data.draw(trees(fields), label="tree"), data.draw(trees(fields), label="tree")]}
        for _ in range(TREES)
    ]
    block = Block(store, data, fields, drawn_trees)
    mapping = {name: remote for name, remote in block.mapping.items() if name != "apart"}
    for criterion in map(block.read, drawn_trees):
        compiled = criterion.to_hubspot(mapping)
        if compiled.partial is not None:
            hold_to_limits(compiled.partial.groups)
            kept = block.in_hubspot(compiled.partial.groups)
            assert all(
                is_found or not truth
                for is_found, truth in zip(kept, block.in_python(criterion), strict=True)
            )


# What stands in the groups.

CATALOGUE = Catalogue.from_spec(
    {
        "person": {
            "title": {"type": "text", "label": "Job title"},
            "employees": {"type": "number", "label": "Employees"},
            "budget": {"type": "money", "label": "Budget"},
            "wants_demo": {"type": "boolean", "label": "Wants a demo"},
            "born_on": {"type": "date", "label": "Born on"},
            "seen_at": {"type": "datetime", "label": "Seen"},
            "country": {"type": "picklist", "label": "Country"},
            "interests": {"type": "multi_picklist", "label": "Interests"},
            "owner": {"type": "reference", "label": "Owner"},
        }
    }
)
MAPPING: dict[str, str | RemoteField] = {
    "title": "jobtitle",
    "employees": "numemployees",
    "budget": "budget",
    "wants_demo": "wants_demo",
    "born_on": "date_of_birth",
    "seen_at": "last_seen",
    "country": "country_code",
    "interests": "interests",
    "owner": "hubspot_owner_id",
}


def leaf(field: str, op: str, *value: Any, **more: Any) -> dict[str, Any]:
    return {"field": field, "op": op} | ({"value": value[0]} if value else {}) | more


def compiled(tree: Any, **other: str | RemoteField) -> Compiled:
    return parse(tree, CATALOGUE, object="person").to_hubspot(MAPPING | other)


EMPTY = leaf("title", "is_empty")


def in_short(groups: Any) -> list[str]:
    """Each group as `property OPERATOR value & …`."""
    return [
        " & ".join(
            " ".join(
                [
                    one["propertyName"],
                    one["operator"],
                    *one.get("values", ()),
                    *([one["value"]] if "value" in one else []),
                ]
            )
            for one in group["filters"]
        )
        for group in groups
    ]


@pytest.mark.parametrize(
    ("tree", "groups"),
    [
        (leaf("title", "is", "Head of RevOps"), ["jobtitle EQ head of revops"]),
        (leaf("title", "is_not", "CEO"), ["jobtitle HAS_PROPERTY & jobtitle NEQ ceo"]),
        (
            {"not": leaf("title", "is", "CEO")},
            ["jobtitle HAS_PROPERTY & jobtitle NEQ ceo", "jobtitle NOT_HAS_PROPERTY"],
        ),
        ({"not": leaf("title", "is_not", "CEO")}, ["jobtitle EQ ceo", "jobtitle NOT_HAS_PROPERTY"]),
        (leaf("country", "is_none_of", ["DE", "FR"]), ["country_code HAS_PROPERTY & country_code NOT_IN DE FR"]),
        ({"any": [leaf("country", "is", code) for code in ("DE", "FR", "US")]}, ["country_code IN DE FR US"]),
        (leaf("employees", "between", [50, 99.5]), ["numemployees GTE 50 & numemployees LTE 99.5"]),
        (
            {"not": leaf("employees", "between", [50, 99.5])},
            ["numemployees LT 50", "numemployees GT 99.5", "numemployees NOT_HAS_PROPERTY"],
        ),
        ({"not": leaf("wants_demo", "is_true")}, ["wants_demo EQ false", "wants_demo NOT_HAS_PROPERTY"]),
        (leaf("born_on", "is_on", "1970-01-03"), ["date_of_birth GTE 172800000 & date_of_birth LT 259200000"]),
        (leaf("seen_at", "after", "2026-11-23T10:00:00.5Z"), ["last_seen GT 1795428000500"]),
        (leaf("owner", "is", "1234"), ["hubspot_owner_id EQ 1234"]),
        (leaf("interests", "is_empty"), ["interests NOT_HAS_PROPERTY"]),
        # What the one holds already, or nothing can be in, is left out.
        ({"any": [EMPTY, {"all": [EMPTY, leaf("wants_demo", "is_true")]}]}, ["jobtitle NOT_HAS_PROPERTY"]),
        ({"all": [leaf("title", "is_not_empty"), leaf("title", "is", "CEO")]}, ["jobtitle EQ ceo"]),
        (
            {"all": [EMPTY, leaf("title", "is", "CEO")]},
            ["hs_object_id HAS_PROPERTY & hs_object_id NOT_HAS_PROPERTY"],
        ),
    ],
)  # fmt: skip
def test_the_groups_are_few_and_plain(tree: Any, groups: list[str]) -> None:
    told = compiled(tree)
    assert told.refused == []
    assert in_short(told.groups) == groups


@pytest.mark.parametrize(
    ("tree", "other", "says"),
    [
        (leaf("title", "contains", "head"), {}, "whole words"),
        (leaf("title", "starts_with", "head"), {}, "whole words"),
        (leaf("title", "is", "Größe"), {}, "letters beyond A to Z"),
        (leaf("title", "is", "Henry Ⅷ"), {}, "letters beyond A to Z"),
        (leaf("title", "is", "C\u200bEO"), {}, "can't be seen"),
        (leaf("title", "is", " CEO"), {}, "spaces"),
        (leaf("title", "is", "CEO"), {"title": RemoteField("jobtitle", "enumeration")}, "of type enumeration"),
        (leaf("title", "is", "CEO"), {"title": ""}, "not mapped to a field in HubSpot"),
        (leaf("title", "is", "CEO"), {"title": "Job Title"}, "no field name"),
        (leaf("country", "is", "DE"), {"country": RemoteField("country", "string")}, "of type string"),
        (leaf("seen_at", "within_last", {"days": 7}), {}, "no dates relative to today"),
        (leaf("born_on", "more_than_ago", {"weeks": 7}), {}, "no dates relative to today"),
        (leaf("born_on", "before", "1970-01-01"), {}, "before 1970"),
        (leaf("seen_at", "before", "2026-11-23T10:00:00.0005Z"), {}, "parts of a millisecond"),
        (leaf("interests", "includes_any", ["crm"]), {}, "several values"),
        (leaf("budget", "at_least", 5, currency="EUR"), {}, "convert currencies"),
        (leaf("employees", "at_least", 1234567890123456), {}, "15 digits"),
        (leaf("owner", "is", "Ines"), {}, "no id"),
        ({"activity": "call", "at_least": 1}, {}, "can't count activities"),
        ({"related": "deals", "at_least": 1}, {}, "can't count related records"),
        ({"stage": "sql", "op": "is_in"}, {}, "stages of the model"),
        ({"event": "handoff.accepted", "at_least": 1}, {}, "events that gtmops keeps"),
    ],
)  # fmt: skip
def test_a_refused_leaf_is_named_with_its_reason(tree: Any, other: Any, says: str) -> None:
    told = compiled({"any": [leaf("wants_demo", "is_true"), {"not": tree}]}, **other)
    assert told.groups == []
    assert told.partial is None
    [(path, reason)] = told.refused
    assert path == "$.any[1].not"
    assert says in reason


DIFFERENT = [
    leaf("title", "is", "CEO"),
    leaf("employees", "is", 5),
    leaf("wants_demo", "is_true"),
    leaf("country", "is", "DE"),
    leaf("owner", "is", "5"),
    leaf("budget", "is", 7),
]
MORE = [leaf("interests", "is_empty"), leaf("seen_at", "is_empty"), leaf("born_on", "is_empty")]


@pytest.mark.parametrize(
    ("tree", "says"),
    [
        ({"any": DIFFERENT}, "takes 5 filter groups; this needs 6"),
        ({"all": [*DIFFERENT, MORE[0]]}, "takes 6 filters in a group; this needs 7"),
        ({"all": [*DIFFERENT[:4], {"any": [leaf("owner", "is_empty"), *MORE]}]}, "takes 18 filters; this needs 20"),
        ({"all": [{"any": DIFFERENT}, {"not": {"all": [*DIFFERENT, *MORE]}}]}, "a great many"),
        (leaf("country", "is_any_of", [f"Country number {n}" for n in range(150)]), "takes 3,000 characters"),
        (leaf("country", "is_any_of", [f"Country number {n}" for n in range(200)]), "more than the 3,000 characters"),
    ],
)  # fmt: skip
def test_what_exceeds_a_limit_is_refused_with_the_numbers(tree: Any, says: str) -> None:
    told = compiled(tree)
    assert told.groups == []
    [(path, reason)] = told.refused
    assert path == "$"
    assert says in reason


def test_of_an_all_the_rest_is_offered_and_what_is_left_out_is_said() -> None:
    told = compiled({"all": [leaf("employees", "at_least", 5), leaf("title", "contains", "vp")]})
    assert told.groups == []
    assert told.partial is not None
    assert in_short(told.partial.groups) == ["numemployees GTE 5"]
    assert (told.partial.kept, told.partial.left_out) == (
        ("Employees is at least 5",),
        ("Job title contains “vp”",),
    )


def test_values_that_are_translated_on_the_way_are_compared_as_they_are_there() -> None:
    mapped = RemoteField("country", "enumeration", values={"Germany": "DE", "Deutschland": "DE", "DE": "odd"})
    told = compiled(leaf("country", "is", "DE"), country=mapped)
    assert in_short(told.groups) == ["country IN Germany Deutschland"]
    nothing = compiled(leaf("country", "is", "DE"), country=RemoteField("country", values={"DE": "odd"}))
    assert in_short(nothing.groups) == ["hs_object_id HAS_PROPERTY & hs_object_id NOT_HAS_PROPERTY"]


def test_a_hostile_tree_is_answered_at_once() -> None:
    wide = {"any": [leaf("employees", "between", [number, number + 1]) for number in range(0, 400, 2)]}
    deep: Any = wide
    for _ in range(8):
        deep = {"not": deep}
    for tree in (wide, deep, {"not": wide}):
        told = compiled(tree)
        assert [path for path, _ in told.refused] == ["$"]
