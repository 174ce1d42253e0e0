"""A criterion and its Salesforce formula say the same of every record that Salesforce can hold.

The formulas are read by `integrations.standins.salesforce_formula`, which knows nothing of the compiler; the records
go both ways as the connector takes them. GTMOPS_AGREEMENT_EXAMPLES sets how many trees are drawn.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from definitions.criteria import Catalogue, Criterion, Facts, FieldType, parse
from definitions.criteria.compiled import Compiled, RemoteField
from definitions.criteria.nodes import conditions_of
from definitions.criteria.targets.salesforce_pieces import SOURCE_LIMIT
from definitions.criteria.targets.salesforce_rule import exit_rule
from integrations.standins.salesforce_formula import parse_formula
from integrations.standins.world import salesforce_id
from records.canonical import canonical
from tests.definitions.criteria.examples import EXAMPLES
from tests.definitions.criteria.strategies import catalogues, instants, leaves, operands_in, records, trees

TREES, RECORDS = 10, 4
drawn = settings(
    max_examples=max(20, EXAMPLES // TREES),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TYPES = {
    "text": "string",
    "number": "double",
    "money": "currency",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "picklist": "picklist",
    "multi_picklist": "multipicklist",
    "reference": "reference",
}
KINDS = [kind for kind in FieldType if kind is not FieldType.REFERENCE]
ZONES = ["UTC", "America/Los_Angeles", "Pacific/Kiritimati", "Europe/Berlin"]
NOW = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


def mapping_of(fields: dict[str, Any]) -> dict[str, str]:
    return {name: f"F{place}__c" for place, name in enumerate(sorted(fields))}


def raw_value(kind: str, value: Any, operands: list[Any]) -> Any:
    """A drawn value as Salesforce would hold it; None when it can't."""
    try:
        known = canonical(kind, value)
    except ValueError:
        known = None
    match kind:
        case "boolean":
            return known is True
        case _ if known is None:
            return None
        case "number" | "money":
            plain = f"{Decimal(repr(known)):f}".lstrip("-0").replace(".", "")
            return known if len(plain) <= 15 else None
        case "datetime":
            return datetime.fromisoformat(known).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        case "multi_picklist":
            # Salesforce has no two options that differ by capitals only, and none with a semicolon.
            others = [str(one) for one in operands]
            fitting = [
                one
                for one in known
                if ";" not in one and all(one == o for o in others if o.lower() == one.lower())
            ]
            return ";".join(fitting) or None
    return known


class Block:
    """Records that Salesforce can hold, near what some trees ask for, and how they look from both sides."""

    def __init__(self, data: st.DataObject, fields: dict[str, Any], trees_: list[dict[str, Any]]) -> None:
        self.fields = fields
        self.mapping = mapping_of(fields)
        self.catalogue = Catalogue.from_spec({"person": fields})
        now: datetime = data.draw(instants, label="now")
        self.now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        self.zone = ZoneInfo(data.draw(st.sampled_from(ZONES), label="zone"))
        self.types = {self.mapping[name]: TYPES[told["type"]] for name, told in fields.items()}
        near = operands_in({"all": trees_})
        rows = [data.draw(records(fields, {"all": trees_}, self.now), label="row") for _ in range(RECORDS)]
        self.raw = [
            {
                name: raw_value(told["type"], row.get(name), [one for field, one in near if field == name])
                for name, told in fields.items()
            }
            for row in rows
        ]

    def read(self, tree: dict[str, Any]) -> Criterion:
        return parse(tree, self.catalogue, object="person")

    def in_salesforce(self, text: str) -> list[Any]:
        formula = parse_formula(text)
        return [
            formula.evaluate(
                {self.mapping[name]: value for name, value in row.items()},
                now=self.now,
                types=self.types,
                zone=self.zone,
            )
            for row in self.raw
        ]

    def in_python(self, criterion: Criterion) -> list[bool | None]:
        return [
            criterion.evaluate(
                Facts({name: canonical(self.fields[name]["type"], value) for name, value in row.items()}),
                self.now,
            ).truth
            for row in self.raw
        ]


@drawn
@given(st.data())
def test_formulas_and_python_agree(data: st.DataObject) -> None:
    fields = data.draw(catalogues(KINDS), label="fields")
    drawn_trees = [data.draw(trees(fields), label="tree") for _ in range(TREES)]
    block = Block(data, fields, drawn_trees)
    for criterion in map(block.read, drawn_trees):
        compiled = criterion.to_salesforce(block.mapping)
        if compiled.is_whole:
            assert len(compiled.text) <= SOURCE_LIMIT
            assert block.in_salesforce(compiled.text) == block.in_python(criterion)
        else:
            paths = {one.path for one in conditions_of(criterion.root)} | {"$"}
            assert compiled.text == ""
            assert all(path in paths and reason for path, reason in compiled.refused)


@drawn
@given(st.data())
def test_one_condition_agrees_at_its_boundaries(data: st.DataObject) -> None:
    fields = {"f": {"type": data.draw(st.sampled_from(KINDS), label="type").value}}
    drawn_leaves = [data.draw(leaves(fields), label="leaf") for _ in range(TREES)]
    block = Block(data, fields, drawn_leaves)
    for leaf in drawn_leaves:
        for criterion in (block.read(leaf), block.read({"not": leaf})):
            compiled = criterion.to_salesforce(block.mapping)
            if compiled.is_whole:
                assert block.in_salesforce(compiled.text) == block.in_python(criterion)


@settings(drawn, max_examples=max(20, EXAMPLES // TREES // 4))
@given(st.data())
def test_what_is_kept_of_a_refused_criterion_never_refuses_more(data: st.DataObject) -> None:
    fields = data.draw(catalogues(KINDS), label="fields") | {"apart": {"type": "text"}}
    drawn_trees = [
        {"all": [data.draw(trees(fields), label="tree"), data.draw(trees(fields), label="tree")]}
        for _ in range(TREES)
    ]
    block = Block(data, fields, drawn_trees)
    mapping = {name: remote for name, remote in block.mapping.items() if name != "apart"}
    for criterion in map(block.read, drawn_trees):
        compiled = criterion.to_salesforce(mapping)
        if compiled.partial is not None:
            assert compiled.refused
            assert compiled.partial.left_out
            kept = block.in_salesforce(compiled.partial.text)
            assert all(
                said or not truth for said, truth in zip(kept, block.in_python(criterion), strict=True)
            )


# What stands in the formulas.

CATALOGUE = Catalogue.from_spec(
    {
        "deal": {
            "name": {"type": "text", "label": "Name"},
            "notes": {"type": "text", "label": "Notes"},
            "amount": {"type": "money", "label": "Amount"},
            "probability": {"type": "number", "label": "Probability"},
            "is_won": {"type": "boolean", "label": "Won"},
            "close_on": {"type": "date", "label": "Close date"},
            "seen_at": {"type": "datetime", "label": "Seen"},
            "type": {"type": "picklist", "label": "Type"},
            "roles": {"type": "multi_picklist", "label": "Roles", "options": ["Buyer", "buyer", "User"]},
            "owner": {"type": "reference", "label": "Owner"},
            "currency": {"type": "picklist", "label": "Currency"},
        }
    },
    currencies={
        "USD": {"is_base": True},
        "EUR": {"rates": {"2026-01-01": 1.1, "2026-07-01": 1.25}},
        "JPY": {"rates": {"2026-03-01": 0.0067}},
    },
)
MAPPING: dict[str, str | RemoteField] = {
    "name": "Name",
    "notes": "Description",
    "amount": "Amount",
    "probability": "Probability",
    "is_won": "IsWon",
    "close_on": "CloseDate",
    "seen_at": "SeenAt__c",
    "type": "Type",
    "roles": "Roles__c",
    "owner": "OwnerId",
    "currency": "CurrencyIsoCode",
}
REMOTE_TYPES = {
    "Name": "string",
    "Amount": "currency",
    "Probability": "percent",
    "IsWon": "boolean",
    "CloseDate": "date",
    "SeenAt__c": "datetime",
    "Type": "picklist",
    "Roles__c": "multipicklist",
    "OwnerId": "reference",
    "CurrencyIsoCode": "picklist",
    "StageName": "picklist",
}


def read(tree: Any) -> Criterion:
    return parse(tree, CATALOGUE, object="deal")


def leaf(field: str, op: str, *value: Any, **more: Any) -> dict[str, Any]:
    return {"field": field, "op": op} | ({"value": value[0]} if value else {}) | more


def compiled(tree: Any, **other: str | RemoteField) -> Compiled:
    return read(tree).to_salesforce(MAPPING | other)


@pytest.mark.parametrize(
    ("tree", "text"),
    [
        (leaf("name", "is", 'say "hi" \\o/'), r'LOWER(SUBSTITUTE(Name, "İ", "·")) = "say \"hi\" \\o/"'),
        (leaf("name", "contains", "VP"), 'CONTAINS(LOWER(Name), "vp")'),
        (leaf("name", "starts_with", "50%"), 'AND(NOT(ISBLANK(Name)), BEGINS(Name, "50%"))'),
        (
            leaf("name", "is_not", "Köln"),
            'AND(NOT(ISBLANK(Name)), SUBSTITUTE(SUBSTITUTE(SUBSTITUTE(Name, "K", "k"), "L", "l"), "N", "n") <> "köln")',
        ),
        (leaf("notes", "is_empty"), "ISBLANK(Description)"),
        (leaf("amount", "between", [0.5, 1e3]), "AND(NOT(ISBLANK(Amount)), Amount >= 0.5, Amount <= 1000)"),
        (leaf("probability", "more_than", 20), "AND(NOT(ISBLANK(Probability)), Probability > 0.2)"),
        (leaf("is_won", "is_false"), "IsWon = FALSE"),
        (leaf("is_won", "is_empty"), "FALSE"),
        (leaf("type", "is", "New"), 'TEXT(Type) = "New"'),
        (leaf("type", "is_empty"), "ISBLANK(TEXT(Type))"),
        (leaf("roles", "includes_none", ["User"]), 'AND(NOT(ISBLANK(Roles__c)), NOT(INCLUDES(Roles__c, "User")))'),
        (
            leaf("seen_at", "is_on", "2026-11-23"),
            ('AND(NOT(ISBLANK(SeenAt__c)), SeenAt__c >= DATETIMEVALUE("2026-11-23 00:00:00"),'
            ' SeenAt__c < DATETIMEVALUE("2026-11-24 00:00:00"))'),
        ),
        (
            leaf("seen_at", "within_last", {"hours": 36}),
            "AND(NOT(ISBLANK(SeenAt__c)), SeenAt__c >= NOW() - 36 / 24, SeenAt__c <= NOW())",
        ),
        (leaf("close_on", "after", "2026-11-23"), "AND(NOT(ISBLANK(CloseDate)), CloseDate >= DATE(2026, 11, 24))"),
        (
            {"not": {"all": [leaf("is_won", "is_true"), {"not": leaf("type", "is", "New")}]}},
            'OR(NOT(IsWon), TEXT(Type) = "New")',
        ),
    ],
)  # fmt: skip
def test_the_formula_is_one_an_admin_can_read(tree: Any, text: str) -> None:
    found = compiled(tree)
    assert found.refused == []
    assert found.text == text


def test_today_is_counted_in_utc_wherever_the_user_sits() -> None:
    tree = leaf("close_on", "within_next", {"days": 2})
    formula = parse_formula(compiled(tree).text)
    now = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    for zone in ZONES:
        for offset, expected in ((-1, False), (0, True), (2, True), (3, False)):
            day = (now + timedelta(days=offset)).date().isoformat()
            said = formula.evaluate({"CloseDate": day}, now=now, types=REMOTE_TYPES, zone=ZoneInfo(zone))
            assert said is expected


def test_letters_beyond_a_to_z_keep_their_case() -> None:
    for operand, stored, expected in (
        ("ali", "ALİ", False),
        ("ali", "ALI", True),
        ("kay", "\u212aAY", False),
        ("kay", "KAY", True),
        ("ärger", "ÄRGER", False),
        ("ärger", "äRGER", True),
        ("strasse", "STRAẞE", False),
    ):
        text = compiled(leaf("name", "is", operand)).text
        assert parse_formula(text).evaluate({"Name": stored}, now=NOW, types=REMOTE_TYPES) is expected


def test_an_id_is_compared_by_its_first_fifteen_characters() -> None:
    owner = salesforce_id("005", 123_456)
    formula = parse_formula(compiled(leaf("owner", "is", owner)).text)
    assert formula.evaluate({"OwnerId": owner}, now=NOW, types=REMOTE_TYPES) is True
    other = salesforce_id("005", 123_457)
    assert formula.evaluate({"OwnerId": other}, now=NOW, types=REMOTE_TYPES) is False


@settings(max_examples=max(100, EXAMPLES // 5), deadline=None)
@given(
    st.sampled_from(["at_least", "at_most", "more_than", "less_than", "is", "is_not"]),
    st.sampled_from(["USD", "EUR", "JPY", "GBP"]),
    st.sampled_from([0, 100, 110, 125, 0.67, 10_000]),
    st.sampled_from(["USD", "EUR", "JPY", "GBP", "CHF", None]),
    st.sampled_from([None, 0, 100, 110, 125, 88, 0.67, 12_500, 11_000, 10_000, 8_000]),
    st.sampled_from([date(2025, 12, 31), date(2026, 1, 1), date(2026, 6, 30), date(2026, 7, 1), date(2026, 8, 1)]),
    st.booleans(),
)  # fmt: skip
def test_money_in_another_currency_agrees(
    op: str, wanted: str, value: float, has: str | None, amount: float | None, day: date, negated: bool
) -> None:
    tree = leaf("amount", op, value, currency=wanted)
    criterion = read({"not": tree} if negated else tree)
    now = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=(amount or 0) % 2)
    truth = criterion.evaluate(Facts.from_spec({"values": {"amount": amount, "currency": has}}), now).truth
    text = criterion.to_salesforce(MAPPING).text
    said = parse_formula(text).evaluate(
        {"Amount": amount, "CurrencyIsoCode": has}, now=now, types=REMOTE_TYPES
    )
    assert said is (truth is True)


def test_where_all_records_have_one_currency_it_is_not_asked() -> None:
    tree = leaf("amount", "at_least", 100, currency="USD")
    assert compiled(tree, currency="=USD").text == "AND(NOT(ISBLANK(Amount)), Amount >= 100)"


@pytest.mark.parametrize(
    ("tree", "other", "says"),
    [
        (leaf("name", "is", "a\nb"), {}, "line break"),
        (leaf("notes", "contains", "a"), {}, "long text"),
        (leaf("name", "is", "a"), {"name": ""}, "not mapped to a field in Salesforce"),
        (leaf("name", "is", "a"), {"name": "Na me"}, "no field name"),
        (leaf("name", "is", "a"), {"name": "=a"}, "same for every record"),
        (leaf("name", "is", "a"), {"name": RemoteField("Secret__c", "encryptedstring")}, "encryptedstring field"),
        (leaf("amount", "at_least", 10**18), {}, "18 digits"),
        (leaf("amount", "at_least", 5, currency="EUR"), {"currency": ""}, "currency of the record"),
        (leaf("seen_at", "before", "2026-11-23T10:00:00.5Z"), {}, "fractions of a second"),
        (leaf("close_on", "before", "1212-01-01"), {}, "1700"),
        (leaf("roles", "includes_any", ["Buyer"]), {}, "other capitals"),
        (leaf("owner", "is", "Ines"), {}, "no Salesforce id"),
        (leaf("type", "is", "New"), {"type": RemoteField("Type__c", "double")}, "a double field"),
        ({"activity": "call", "at_least": 1}, {}, "can't count activities"),
        ({"related": "people", "at_least": 2}, {}, "can't count related records"),
        ({"stage": "sql", "op": "is_in"}, {}, "stages of the model"),
        ({"event": "signal.exported", "at_least": 1}, {}, "events that gtmops keeps"),
    ],
)  # fmt: skip
def test_a_refused_leaf_is_named_with_its_reason(tree: Any, other: Any, says: str) -> None:
    found = compiled({"any": [leaf("is_won", "is_true"), tree]}, **other)
    assert not found.is_whole
    assert found.text == ""
    assert found.partial is None
    [(path, reason)] = found.refused
    assert path == "$.any[1]"
    assert says in reason


def test_a_formula_that_is_too_long_is_refused_with_the_numbers() -> None:
    long = [leaf("type", "is_any_of", [f"{part} option number {n}" for n in range(70)]) for part in "AB"]
    found = compiled({"any": long})
    assert found.text == ""
    [(path, reason)] = found.refused
    assert path == "$"
    assert "Salesforce takes 3,900" in reason
    # One condition that is too long by itself is named.
    found = compiled({"any": [leaf("type", "is_any_of", [f"Option {n}" for n in range(500)]), long[0]]})
    [(path, reason)] = found.refused
    assert path == "$.any[0]"
    assert "more than the 3,900 characters" in reason


def test_of_an_all_the_rest_is_offered_and_what_is_left_out_is_said() -> None:
    tree = {
        "all": [leaf("amount", "at_least", 5), {"activity": "call", "at_least": 2}, leaf("is_won", "is_true")]
    }
    found = compiled({"not": {"not": tree}})
    assert found.text == ""
    assert found.partial is not None
    assert found.partial.text == "AND(NOT(ISBLANK(Amount)), Amount >= 5, IsWon)"
    assert found.partial.kept == ("Amount is at least 5", "Won is yes")
    assert len(found.partial.left_out) == 1


def test_values_that_are_translated_on_the_way_are_compared_as_they_are_there() -> None:
    values = {"Won": "closed", "Lost": "closed", "closed": "odd"}
    mapped = RemoteField("StageName", "picklist", values=values)
    text = compiled(leaf("type", "is_any_of", ["closed", "open"]), type=mapped).text
    for stored, logical in [*values.items(), ("open", "open"), ("else", "else")]:
        said = parse_formula(text).evaluate({"StageName": stored}, now=NOW, types=REMOTE_TYPES)
        assert said is (logical in ("closed", "open"))


# The validation rule of an exit.

STAGES = ["New", "Discovery", "Proposal", "Won"]
RULE = exit_rule(
    read({"all": [leaf("type", "is_not_empty"), leaf("amount", "at_least", 100, currency="USD")]}),
    MAPPING,
    stage_field="StageName",
    stage="Discovery",
    stages=STAGES,
    lost=["Lost"],
    exempt=read(leaf("amount", "less_than", 50)),
    valid_from=date(2026, 11, 1),
)
GOOD = {"Type": "New", "Amount": 200, "CurrencyIsoCode": "USD"}


@pytest.mark.parametrize(
    ("before", "after", "more", "is_stopped"),
    [
        ("Discovery", {"StageName": "Proposal"} | GOOD, {}, False),
        ("Discovery", {"StageName": "Proposal", "Amount": 200, "CurrencyIsoCode": "USD"}, {}, True),
        ("Discovery", {"StageName": "Proposal"}, {}, True),
        ("Discovery", {"StageName": "Proposal", "Amount": 20}, {}, False),
        ("Discovery", {"StageName": "Proposal", "Type": "New", "Amount": 99, "CurrencyIsoCode": "USD"}, {}, True),
        ("Discovery", {"StageName": "Proposal", "Type": "New", "Amount": 99, "CurrencyIsoCode": "CHF"}, {}, False),
        ("Discovery", {"StageName": "Lost"}, {}, False),
        ("Discovery", {"StageName": "New"}, {}, False),
        ("Discovery", {"StageName": "Something new"}, {}, True),
        ("Discovery", {"StageName": "Discovery"}, {}, False),
        ("Proposal", {"StageName": "Won"}, {}, False),
        ("Discovery", {"StageName": "Proposal"}, {"is_new": True}, False),
        ("Discovery", {"StageName": "Proposal"}, {"permissions": frozenset({"Gtm_Bypass_Validation"})}, False),
        ("Discovery", {"StageName": "Proposal"}, {"now": datetime(2026, 10, 31, 9, tzinfo=UTC)}, False),
    ],
)  # fmt: skip
def test_a_save_is_stopped_only_when_it_leaves_the_stage_without_what_was_agreed(
    before: str, after: dict[str, Any], more: dict[str, Any], is_stopped: bool
) -> None:
    assert RULE.is_whole
    said = parse_formula(RULE.text).evaluate(
        after, prior=after | {"StageName": before}, types=REMOTE_TYPES, **({"now": NOW} | more)
    )
    assert said is is_stopped


def test_a_rule_holds_what_can_be_held_and_says_so() -> None:
    tree = {"all": [leaf("type", "is_not_empty"), {"activity": "call", "at_least": 1}]}
    told = {"stage_field": "StageName", "stage": "Discovery", "stages": STAGES}
    rule = exit_rule(read(tree), MAPPING, **told)
    assert rule.text == ""
    assert [path for path, _ in rule.refused] == ["$.all[1]"]
    assert rule.partial is not None
    assert rule.partial.text.endswith("ISBLANK(TEXT(Type)))")
    # An exemption that can't be told leaves no rule: it would stop saves that are exempt.
    exempt = parse({"activity": "call", "at_least": 1}, CATALOGUE, object="deal", at="$.exempt")
    rule = exit_rule(read(leaf("type", "is_not_empty")), MAPPING, exempt=exempt, **told)
    assert (rule.text, rule.partial) == ("", None)
    assert [path for path, _ in rule.refused] == ["$.exempt"]


def test_a_rule_without_a_stage_to_ask_is_refused() -> None:
    criterion = read(leaf("type", "is_not_empty"))
    rule = exit_rule(criterion, MAPPING, stage_field="", stage="Discovery", stages=STAGES)
    assert (rule.text, rule.partial) == ("", None)
    assert [path for path, _ in rule.refused] == ["$"]
    rule = exit_rule(criterion, MAPPING, stage_field="StageName", stage="Dis\ncovery", stages=STAGES)
    assert "line break" in rule.refused[0].reason
