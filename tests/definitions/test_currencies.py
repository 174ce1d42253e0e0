"""The model's currencies: what is refused, and what criteria make of those in force."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from definitions.catalogue import catalogue_from_db
from definitions.criteria import Catalogue, Facts, parse
from definitions.currencies import base_remarks, currency_faults, judged_in_currencies
from definitions.models import Version
from definitions.sections import Context
from records.models import CatalogueField, Connection
from tests.definitions.conftest import LONG_AGO, make_record

EURO = {"name": "Euro", "owner": "revops", "is_base": True}
DOLLAR = {"name": "Dollar", "owner": "revops", "rates": {"2020-01-01": 0.5}}


def context(**bodies: Any) -> Context:
    return Context(Catalogue.from_spec({}), frozenset({"revops"}), bodies={"currencies": bodies})


def put(section: str, key: str, body: dict[str, Any], **more: Any) -> None:
    told = {"state": Version.State.SIGNED, "effective_from": LONG_AGO, "number": 1} | more
    Version.objects.create(section=section, key=key, body=body, **told)


@pytest.mark.parametrize(
    ("key", "body", "codes"),
    [
        ("EUR", EURO, []),
        ("USD", DOLLAR, []),
        ("usd", DOLLAR, ["key"]),
        ("EUR", {**EURO, "rates": {"2026-01-01": 1}}, ["unexpected"]),
        ("USD", {**DOLLAR, "rates": {}}, ["not_a_mapping"]),
        ("USD", {**DOLLAR, "rates": [1]}, ["not_a_mapping"]),
        ("USD", {"name": "Dollar", "owner": "revops"}, ["missing"]),
        ("USD", {**DOLLAR, "rates": {"January": 1}}, ["not_a_date"]),
        ("USD", {**DOLLAR, "rates": {"2026-01-01": 0, "2026-02-01": "1"}}, ["not_a_number", "not_a_number"]),
        ("USD", {**DOLLAR, "owner": "nobody"}, ["unknown"]),
        ("USD", {**EURO, "name": "Dollar"}, ["two_bases"]),
    ],
)
def test_a_currency_that_makes_no_sense_is_refused(key: str, body: dict[str, Any], codes: list[str]) -> None:
    assert [fault.code for fault in currency_faults(key, body, context(EUR=EURO))] == codes


def test_rates_without_a_base_deserve_a_word() -> None:
    assert [fault.code for fault in base_remarks("USD", DOLLAR, context(USD=DOLLAR))] == ["no_base"]
    assert base_remarks("USD", DOLLAR, context(USD=DOLLAR, EUR=EURO)) == []


@pytest.mark.django_db
def test_criteria_compare_through_the_rates_in_force_and_name_the_stages() -> None:
    CatalogueField.objects.create(object="deal", name="amount", label="Amount", type="money")
    put("currencies", "EUR", EURO)
    put("currencies", "USD", DOLLAR)
    put(
        "currencies",
        "USD",
        {**DOLLAR, "rates": {"2020-01-01": 9}},
        number=2,
        state="draft",
        effective_from=None,
    )
    put("stages", "sql", {"name": "Sales qualified lead", "short": "SQL"})
    criterion = parse(
        {"all": [{"field": "amount", "op": "at_least", "value": 10, "currency": "EUR"},
                 {"not": {"stage": "sql", "op": "is_in"}}]},
        catalogue_from_db(), object="deal",
    )  # fmt: skip
    for amount, truth in ((20, True), (19, False)):
        facts = Facts.from_spec({"values": {"amount": amount, "currency": "USD"}})
        assert criterion.evaluate(facts, timezone.now()).truth is truth
    assert criterion.to_english() == "Amount is at least EUR 10 and not (is in the stage SQL)"


@pytest.mark.django_db
def test_new_rates_concern_the_records_that_are_judged_in_a_currency(hubspot: Connection) -> None:
    deal = make_record(hubspot, "1", {}, object_name="deal")
    make_record(hubspot, "2", {}, at=LONG_AGO + timedelta(days=1))
    assert not judged_in_currencies(DOLLAR).exists()
    tree = {"field": "amount", "op": "at_least", "value": 1, "currency": "EUR"}
    put("definitions", "large", {"object": "deal", "criteria": tree})
    assert list(judged_in_currencies(DOLLAR)) == [deal]
