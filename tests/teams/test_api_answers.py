"""What an act over the API needs, and how it is told what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from teams.api_answers import MOST_KEY_LETTERS, ApiFault, key_of, read_body, read_key, read_query


class Said(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=5)
    numbers = serializers.ListField(child=serializers.IntegerField(), required=False)


def asked(body: Any = None, key: str = "k") -> Request:
    made = APIRequestFactory().post("/", body or {}, format="json", headers={"Idempotency-Key": key})
    return Request(made, parsers=[JSONParser()])


@pytest.mark.parametrize(
    ("key", "read"),
    [
        (" a ", "a"),
        ("", ""),
        ("x" * MOST_KEY_LETTERS, "x" * MOST_KEY_LETTERS),
        ("x" * (MOST_KEY_LETTERS + 1), ""),
    ],
)
def test_an_act_has_a_key_that_can_be_kept(key: str, read: str) -> None:
    assert key_of(asked(key=key)) == read
    if read:
        assert read_key(asked(key=key)) == read
    else:
        with pytest.raises(ApiFault) as fault:
            read_key(asked(key=key))
        assert fault.value.status_code == 400


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"text": "short"}, {}),
        ({}, {"text": "This field is required."}),
        ({"text": "too long"}, {"text": "Ensure this field has no more than 5 characters."}),
        ({"text": "a", "numbers": [1, "x"]}, {"numbers": "A valid integer is required."}),
        ([], {"text": "This field is required."}),
    ],
)
def test_what_can_not_be_read_is_said_of_its_field(body: Any, fields: dict[str, str]) -> None:
    if not fields:
        assert read_body(asked(body), Said) == body
        return
    with pytest.raises(ApiFault) as fault:
        read_body(asked(body), Said)
    assert fault.value.detail == {"text": "Some fields can't be read.", "fields": fields}


def test_a_filter_that_can_not_be_read_is_no_filter_at_all() -> None:
    made = Request(APIRequestFactory().get("/?text=too+long"))
    with pytest.raises(ApiFault) as fault:
        read_query(made, Said)
    assert fault.value.detail["text"] == "Some filters can't be read."  # type: ignore[index,call-overload]  # a mapping
