"""What forbids a definition, a stage or a pipeline, with the path to it. No database."""

from __future__ import annotations

from typing import Any

import pytest

from definitions.criteria import Catalogue
from definitions.own_sections import SECTIONS
from definitions.sections import Context, Fault

CATALOGUE = Catalogue.from_spec(
    {
        "person": {"size": {"type": "number"}, "email": {"type": "text"}},
        "deal": {
            "stage": {"type": "picklist"},
            "amount": {"type": "number"},
            "name": {"type": "text"},
            **{f"f{i}": {"type": "text"} for i in range(8)},
        },
    }
)
HAS_SIZE = {"field": "size", "op": "at_least", "value": 10}
DEFINITION: dict[str, Any] = {
    "name": "MQL", "owner": "marketing", "agreed_by": ["marketing"], "object": "person", "text": "Words.",
    "criteria": HAS_SIZE,
}  # fmt: skip
PIPELINE: dict[str, Any] = {
    "name": "New", "owner": "marketing", "agreed_by": ["marketing"], "object": "deal", "connection": "crm",
    "stage_field": "stage",
    "stages": [{"key": "a", "name": "A", "value": "A"}, {"key": "b", "name": "B", "value": "B"}],
}  # fmt: skip
STAGE: dict[str, Any] = {
    "name": "MQL", "order": 20, "owner": "marketing", "sentence": "Fits.",
    "claimed_when": {"connection": "crm", "object": "person", "field": "email", "values": ["x"]},
}  # fmt: skip


def faults(section: str, body: Any, **others: Any) -> list[tuple[tuple[str | int, ...], str]]:
    return [(f.path, f.code) for f in parsed(section, body, **others)]


def parsed(section: str, body: Any, **others: Any) -> list[Fault]:
    context = Context(
        CATALOGUE, frozenset({"marketing"}), frozenset({"crm"}), {section: {"it": body}} | others
    )
    return next(s for s in SECTIONS if s.name == section).parse("it", body, context)


def variant(key: str, *, when: Any = None, criteria: Any = HAS_SIZE) -> dict[str, Any]:
    told = {"key": key, "name": key.title(), "criteria": criteria}
    return told | ({} if when is None else {"when": when})


def of_variants(*variants: Any, **more: Any) -> dict[str, Any]:
    return {k: v for k, v in DEFINITION.items() if k != "criteria"} | {"variants": list(variants)} | more


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(DEFINITION, [], id="plain"),
        pytest.param(DEFINITION | {"play": "Call within the hour."}, [], id="a play"),
        pytest.param(of_variants(variant("big", when=HAS_SIZE), variant("rest")), [], id="two variants"),
        pytest.param(of_variants(variant("rest")), [], id="only a fallback"),
        pytest.param(
            of_variants(variant("big", when=HAS_SIZE)), [(("variants",), "no_fallback")], id="no fallback"
        ),
        pytest.param(
            of_variants(variant("a"), variant("b")),
            [(("variants", 1), "two_fallbacks")],
            id="two fallbacks",
        ),
        pytest.param(
            of_variants(variant("a"), variant("b", when=HAS_SIZE)),
            [(("variants", 0), "fallback_not_last")],
            id="fallback not last",
        ),
        pytest.param(
            of_variants(variant("a", when=HAS_SIZE), variant("a")),
            [(("variants", 1, "key"), "repeated")],
            id="one key twice",
        ),
        pytest.param(
            of_variants(variant("A b", when=HAS_SIZE), variant("c")),
            [(("variants", 0, "key"), "bad_key")],
            id="a key that is none",
        ),
        pytest.param(
            of_variants(variant("a"), criteria=HAS_SIZE),
            [(("criteria",), "criteria_and_variants")],
            id="criteria and variants",
        ),
        pytest.param(
            of_variants(*[variant(f"v{i}", when=HAS_SIZE) for i in range(20)], variant("rest")),
            [(("variants",), "too_many"), (("variants",), "no_fallback")],
            id="more than twenty variants",
        ),
        pytest.param(
            of_variants(variant("a", when={"field": "sise", "op": "is_empty"}), variant("b")),
            [(("variants", 0, "when", "field"), "unknown_field")],
            id="a fault in a when",
        ),
        pytest.param(
            of_variants(variant("a", criteria={"all": [HAS_SIZE, {"field": "no", "op": "is_empty"}]})),
            [(("variants", 0, "criteria", "all", 1, "field"), "unknown_field")],
            id="a fault in a variant",
        ),
        pytest.param(of_variants(), [(("variants",), "missing")], id="variants empty"),
        pytest.param(
            DEFINITION | {"exclusions": [{"key": "t", "name": "Test", "when": HAS_SIZE, "text": "x"}]},
            [],
            id="an exclusion",
        ),
        pytest.param(
            DEFINITION | {"exclusions": [{"key": "t", "name": "T"}]},
            [(("exclusions", 0, "when"), "missing")],
            id="an exclusion of nothing",
        ),
        pytest.param(
            DEFINITION
            | {"exclusions": [{"key": k, "name": "T", "when": HAS_SIZE} for k in ("t", "t")]},
            [(("exclusions", 1, "key"), "repeated")],
            id="one exclusion twice",
        ),
        pytest.param(
            DEFINITION | {"exclusions": [{"key": "t", "name": "T", "when": HAS_SIZE, "criteria": HAS_SIZE}]},
            [(("exclusions", 0, "criteria"), "unknown_key")],
            id="a strange key in an exclusion",
        ),
        pytest.param(DEFINITION | {"variants": "all"}, [
            (("variants",), "not_a_list"), (("criteria",), "criteria_and_variants"),
        ], id="variants that are none"),
    ],
)  # fmt: skip
def test_definitions(body: Any, expected: list[tuple[tuple[str | int, ...], str]]) -> None:
    assert faults("definitions", body) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"skips": "flagged", "backward": "allowed", "warn_until": "2026-12-31"}, []),
        ({"skips": "never"}, [(("skips",), "unknown")]),
        ({"warn_until": "soon"}, [(("warn_until",), "malformed")]),
        ({"exempt_below": {"field": "amount", "value": 5000}}, []),
        ({"exempt_below": {"field": "amount"}}, [(("exempt_below", "value"), "missing")]),
        ({"exempt_below": {"field": "name", "value": 5}}, [(("exempt_below", "field"), "not_an_amount")]),
        ({"exempt_below": {"field": "no", "value": 5}}, [(("exempt_below", "field"), "unknown_field")]),
        ({"exempt_below": {"field": "amount", "value": "a"}}, [(("exempt_below", "value"), "wrong_value")]),
    ],
)
def test_pipelines(changes: Any, expected: list[tuple[tuple[str | int, ...], str]]) -> None:
    assert faults("pipelines", PIPELINE | changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"key_fields": ["amount", "name"], "guidance": "Ask.", "may_follow": ["b"], "is_lost": True}, []),
        ({"entry_criteria": {"field": "amount", "op": "more_than", "value": 0}}, []),
        (
            {"entry_criteria": {"field": "no", "op": "is_empty"}},
            [(("stages", 0, "entry_criteria", "field"), "unknown_field")],
        ),
        ({"key_fields": ["nothing"]}, [(("stages", 0, "key_fields", 0), "unknown")]),
        ({"key_fields": [f"f{i}" for i in range(8)]}, [(("stages", 0, "key_fields"), "too_many")]),
        ({"may_follow": ["c"]}, [(("stages", 0, "may_follow", 0), "unknown")]),
        ({"may_follow": ["a"]}, [(("stages", 0, "may_follow"), "follows_itself")]),
        ({"is_lost": "yes"}, [(("stages", 0, "is_lost"), "not_a_flag")]),
    ],
)
def test_stages_of_a_pipeline(changes: Any, expected: list[tuple[tuple[str | int, ...], str]]) -> None:
    first, second = PIPELINE["stages"]
    assert faults("pipelines", PIPELINE | {"stages": [first | changes, second]}) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"guidance": "Ask.", "key_fields": ["size"], "backward": "flagged", "may_follow": ["lead"]}, []),
        ({"key_fields": ["amount"]}, [(("key_fields", 0), "unknown")]),
        ({"may_follow": ["it"]}, [(("may_follow",), "follows_itself")]),
        ({"may_follow": ["sql"]}, [(("may_follow", 0), "unknown")]),
        ({"backward": True}, [(("backward",), "not_a_text")]),
    ],
)
def test_stages(changes: Any, expected: list[tuple[tuple[str | int, ...], str]]) -> None:
    body = STAGE | changes
    assert faults("stages", body, stages={"it": body, "lead": STAGE | {"order": 10}}) == expected


IS_MQL = {"stage": "mql", "op": "is_in"}
ACCEPTED = {"event": "handoff.accepted", "at_least": 1}
TO_SALES = {"opens_on": {"stage": "mql"}}


@pytest.mark.parametrize(
    ("criteria", "handoffs", "expected"),
    [
        ({"all": [HAS_SIZE, IS_MQL]}, {}, [(("criteria", "all", 1, "stage"), "reads_itself")]),
        ({"not": ACCEPTED}, {"to_sales": TO_SALES}, [(("criteria", "not", "event"), "reads_itself")]),
        (ACCEPTED, {"to_sales": TO_SALES, "to_cs": {"opens_on": {"stage": "won"}}}, []),
        (ACCEPTED, {}, []),
        ({"stage": "lead", "op": "is_in"}, {}, []),
    ],
    ids=[
        "its own stage",
        "its own handoff",
        "perhaps another handoff",
        "no handoff of its own",
        "another stage",
    ],
)
def test_a_definition_does_not_read_what_it_decides(
    criteria: Any, handoffs: Any, expected: list[tuple[tuple[str | int, ...], str]]
) -> None:
    stages = {
        "mql": STAGE | {"definition": "it"},
        "lead": STAGE | {"order": 10},
        "won": STAGE | {"order": 90},
    }
    found = faults("definitions", DEFINITION | {"criteria": criteria}, stages=stages, handoffs=handoffs)
    assert [one for one in found if one[1] == "reads_itself"] == expected
