"""Where products and other tools send what their users do."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from definitions.signals import storing as signals
from definitions.signals.events import (
    MOST_BYTES,
    MOST_EVENTS,
    EventRefused,
    SignalEvent,
    Unusable,
    events_in,
    read_event,
    sent_at,
)
from effects.tick import now_utc
from teams.models import ApiToken

SOURCE_LENGTH = 60

_Event = inline_serializer(
    "SignalEvent",
    {
        "type": serializers.ChoiceField(["track"], required=False),
        "event": serializers.CharField(help_text="What happened; criteria call it in small letters with _."),
        "userId": serializers.CharField(
            required=False, help_text="The user's id in the product, or an e-mail address."
        ),
        "groupId": serializers.CharField(required=False, help_text="The account's id in the product."),
        "properties": serializers.DictField(required=False),
        "timestamp": serializers.DateTimeField(required=False),
        "sentAt": serializers.DateTimeField(required=False),
        "messageId": serializers.CharField(required=False),
    },
)
_Delivery = inline_serializer(
    "Signals",
    {
        "batch": serializers.ListField(child=_Event, max_length=MOST_EVENTS),
        "sentAt": serializers.DateTimeField(required=False),
    },
)  # fmt: skip
_Result = inline_serializer(
    "SignalsTaken",
    {
        "stored": serializers.IntegerField(),
        "duplicates": serializers.IntegerField(help_text="Sent before; kept once."),
        "matched": serializers.IntegerField(help_text="Of the stored ones, about somebody we know."),
        "rejected": inline_serializer(
            "SignalRejected",
            {"index": serializers.IntegerField(), "code": serializers.CharField(), "text": serializers.CharField()},
            many=True,
        ),
    },
)  # fmt: skip


class SignalsView(APIView):
    """Take track events: one, or up to 500 in a ``batch``; 500 KB at most, 32 KB each.

    Sending one again changes nothing (same ``messageId`` from the same token name). A user or account that no record
    is known for is kept and matched as soon as one turns up."""

    http_method_names = ["post"]

    @extend_schema(  # type: ignore[untyped-decorator]  # drf-spectacular ships no types
        request=_Delivery,
        responses={
            200: _Result,
            400: OpenApiResponse(description="Nothing of it can be read; `rejected` says why."),
            413: OpenApiResponse(description="More than 500 KB."),
        },
    )
    def post(self, request: Request) -> Response:
        now = now_utc()
        try:
            payload = _read(request)
            told = events_in(payload)
        except _TooLarge:
            return Response(
                {"text": f"More than {MOST_BYTES // 1000} KB; send smaller batches.", "fields": {}}, 413
            )
        except Unusable as error:
            return Response({"text": f"{str(error)[0].upper()}{str(error)[1:]}.", "fields": {}}, 400)
        events: list[SignalEvent] = []
        rejected: list[dict[str, Any]] = []
        sent, oldest = sent_at(payload), signals.oldest_kept(now)
        for index, event in enumerate(told):
            try:
                events.append(read_event(event, now, sent=sent, oldest=oldest))
            except EventRefused as error:
                rejected.append({"index": index, "code": error.code, "text": error.text})
        if not events:
            return Response({"text": "No event can be taken.", "fields": {}, "rejected": rejected}, 400)
        done = signals.store_signals(_source(request), events, now)
        return Response(
            {
                "stored": sum(done.is_new),
                "duplicates": len(events) - sum(done.is_new),
                "matched": done.matched,
                "rejected": rejected,
            }
        )


class _TooLarge(Exception):
    pass


def _read(request: Request) -> Any:
    """The JSON of a request, whatever it calls itself. Raises Unusable and _TooLarge; never reads more than allowed."""
    stream = request._request
    length = stream.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > MOST_BYTES:
        raise _TooLarge
    raw = stream.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise _TooLarge
    try:
        return json.loads(raw.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Unusable("this is not JSON in UTF-8") from error


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _source(request: Request) -> str:
    """Whose message ids these are: the token by its name, so that a new token of the same name goes on."""
    return request.auth.name[:SOURCE_LENGTH] if isinstance(request.auth, ApiToken) else "browser"


urlpatterns: list[URLPattern | URLResolver] = [path("signals/", SignalsView.as_view(), name="signals")]
