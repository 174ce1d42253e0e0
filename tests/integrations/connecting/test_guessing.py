"""Which remote field is meant, and whether its values can be read: tables of facts."""

from __future__ import annotations

from typing import Any

import pytest

from integrations.base import RemoteField
from integrations.connecting import standard
from integrations.connecting.guessing import (
    LOGICAL_TYPES,
    Logical,
    guess,
    guess_values,
    likeness,
    nearest,
    sample_remark,
    type_remark,
    unmatched,
)
from integrations.field_types import TYPE_WORDS
from records.models import CatalogueField


def remote(name: str, label: str = "", kind: str = "string", **more: Any) -> RemoteField:
    return RemoteField(name, label or name, kind, **more)


def fields(*found: RemoteField) -> dict[str, RemoteField]:
    return {one.name: one for one in found}


@pytest.mark.parametrize(
    ("logical", "there", "found"),
    [
        (Logical("email", "E-mail", "text"), [remote("Email", "Email", "email")], "Email"),
        (Logical("pain", "Pain", "text"), [remote("Pain__c", "Pain", "textarea")], "Pain__c"),
        (
            Logical("fleet_size", "Fleet size", "number"),
            [remote("FleetSize__c", kind="double")],
            "FleetSize__c",
        ),
        (Logical("fleet_size", "Fleet size", "number"), [remote("xyz", "Fleet Size", "number")], "xyz"),
        (Logical("fleet_size", "Fleet size", "number"), [remote("Fleet_Size__c", kind="date")], ""),
        (Logical("amount", "Amount", "money"), [remote("colour"), remote("shape")], ""),
        (Logical("owner", "Owner", "reference"), [remote("OwnerId", "Owner ID", "reference")], "OwnerId"),
    ],
)
def test_a_home_is_found_by_name_label_and_type(
    logical: Logical, there: list[RemoteField], found: str
) -> None:
    guesses = guess([logical], fields(*there), {})
    assert (guesses[logical.name].remote_name if guesses else "") == found


def test_the_usual_place_comes_before_a_likely_name() -> None:
    there = fields(remote("Email2", "E-mail"), remote("Email", "Primary", "email"))
    found = guess([Logical("email", "E-mail", "text")], there, {"email": "Email"})
    assert (found["email"].remote_name, found["email"].why) == ("Email", "its usual place")


def test_a_remote_field_is_guessed_once() -> None:
    wanted = [Logical("name", "Name", "text"), Logical("full_name", "Name", "text")]
    assert len(guess(wanted, fields(remote("Name")), {})) == 1


def test_what_is_always_the_same_needs_no_field() -> None:
    found = guess([Logical("kind", "Kind", "picklist")], {}, {"kind": "=call"})
    assert found["kind"].remote_name == "=call"


@pytest.mark.parametrize(
    ("logical", "there", "severity"),
    [
        ("text", "picklist", None),
        ("number", "double", None),
        ("money", "number", None),
        ("datetime", "datetime", None),
        ("datetime", "date", "late"),
        ("date", "datetime", None),
        ("number", "string", "soon"),
        ("boolean", "string", "soon"),
        ("number", "boolean", "late"),
        ("picklist", "enumeration", None),
        ("picklist", "string", "soon"),
        ("reference", "enumeration", None),
    ],
)
def test_types_that_do_not_go_together_are_said(logical: str, there: str, severity: str | None) -> None:
    found = type_remark(logical, remote("x", kind=there))
    assert (found.severity if found else None) == severity


def test_every_type_has_its_words() -> None:
    assert list(TYPE_WORDS) == CatalogueField.Type.values


def test_every_pair_of_types_has_an_answer() -> None:
    for logical in CatalogueField.Type.values:
        for there in LOGICAL_TYPES:
            found = type_remark(logical, remote("x", kind=there))
            assert found is None or found.text


@pytest.mark.parametrize(
    ("kind", "values", "says"),
    [
        ("number", ["1", 2, None], None),
        ("number", ["1", "many"], "1 of 2 values looked at can't be read as a number."),
        ("text", [None, ""], "Empty in every record looked at."),
        ("text", [], None),
        ("datetime", ["2026-01-01"], "1 of 1 values looked at can't be read as a day and time."),
    ],
)
def test_real_values_are_tried(kind: str, values: list[Any], says: str | None) -> None:
    found = sample_remark(kind, values, {})
    assert (found.text if found else None) == says


def test_picklist_values_are_matched_by_their_words() -> None:
    options = [("N_A", "NA"), ("emea", "EMEA"), ("APAC", "APAC"), ("moon", "The Moon")]
    known = ("NA", "EMEA", "APAC")
    found = guess_values(options, known, {})
    assert found == {"emea": "EMEA", "N_A": "NA"}
    assert unmatched(options, known, found) == ["moon"]
    assert unmatched(options, (), {}) == []


def test_what_a_field_became_is_ranked_by_name_type_and_options() -> None:
    gone = remote("Region__c", "Region", "picklist", options=(("NA", "NA"), ("EMEA", "EMEA")))
    there = fields(
        remote("Sales_Region__c", "Sales region", "picklist", options=(("NA", "NA"), ("EMEA", "EMEA"))),
        remote("Region_Notes__c", "Region notes", "textarea"),
        remote("Email", "Email", "email"),
        remote("Taken__c", "Region", "picklist"),
    )
    found = [one.name for one, _ in nearest(gone, there, taken={"Taken__c"})]
    assert found[0] == "Sales_Region__c"
    assert "Email" not in found
    assert "Taken__c" not in found


@pytest.mark.parametrize("kind", list(standard.USUAL))
def test_the_usual_places_name_fields_that_are_asked_for(kind: str) -> None:
    for object_name, names in standard.USUAL[kind].values():
        asked = {one.name for one in standard.FIELDS[object_name]}
        assert set(names) <= asked
        assert set(standard.NEEDED[object_name]) <= asked
    assert set(standard.FIRST[kind]) <= set(standard.USUAL[kind])


def test_likeness_stays_between_0_and_100() -> None:
    assert likeness(Logical("a", "A", "date"), remote("b", kind="boolean")) == 0
    assert likeness(Logical("email", "Email", "text"), remote("email")) <= 100
