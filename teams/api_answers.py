"""What the acts of the API share: the key that makes a repeated act one act, and how they say what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request

MOST_KEY_LETTERS: Final = 200
NO_KEY: Final = f"Send an Idempotency-Key header of at most {MOST_KEY_LETTERS} characters."

FaultSchema = inline_serializer(
    "Fault",
    {"text": serializers.CharField(), "fields": serializers.DictField(child=serializers.CharField())},
)
KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="One per act; 422 when reused.",
)


class ApiFault(APIException):
    """What is wrong in words, and of which field; whoever raises it ends the request with ``status``."""

    def __init__(self, status: int, text: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__({"text": text, "fields": dict(fields or {})})
        self.status_code = status


def key_of(request: Request) -> str:
    """The key of an act, "" where there is none or it is too long."""
    key: str = request.headers.get("Idempotency-Key", "").strip()
    return key if len(key) <= MOST_KEY_LETTERS else ""


def read_key(request: Request) -> str:
    """The key of an act. Raises ApiFault without one."""
    if key := key_of(request):
        return key
    raise ApiFault(400, NO_KEY)


def read_body(request: Request, takes: type[serializers.Serializer[Any]]) -> Mapping[str, Any]:
    """What was sent, as ``takes`` reads it. Raises ApiFault."""
    return _read(takes(data=request.data), "Some fields can't be read.")


def read_query(request: Request, takes: type[serializers.Serializer[Any]]) -> Mapping[str, Any]:
    """What a list is narrowed by. Raises ApiFault."""
    return _read(takes(data=request.query_params), "Some filters can't be read.")


def _read(given: serializers.Serializer[Any], text: str) -> Mapping[str, Any]:
    if not given.is_valid():
        raise ApiFault(400, text, _texts(given.errors))
    found: Mapping[str, Any] = given.validated_data
    return found


def _texts(errors: Any) -> dict[str, str]:
    """DRF's errors, the first text of each field."""
    return {name: _first(found) for name, found in errors.items()} if isinstance(errors, Mapping) else {}


def _first(found: Any) -> str:
    while isinstance(found, list | Mapping):
        found = next(iter(found.values() if isinstance(found, Mapping) else found), "")
    return str(found)
