"""Moving a deal over the API: which ways there are, the act, and what became of it; the same functions as the page."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from definitions.moves import acts
from definitions.moves.acts import MoveError, NeedsMore, NotYours, Stale
from definitions.moves.fields import AskedField
from effects.tick import now_utc
from records.models import AskedChange, Record
from teams.access import person_of
from teams.api_answers import KEY_HEADER, NO_KEY, key_of

WaySchema = inline_serializer(
    "DealMoveWay",
    {
        "to": serializers.SlugField(),
        "label": serializers.CharField(),
        "note": serializers.CharField(help_text="What is unusual about it."),
        "is_flagged": serializers.BooleanField(help_text="The model flags it: it needs a reason (why)."),
        "is_next": serializers.BooleanField(),
    },
    many=True,
)
AskSchema = inline_serializer(
    "AskedChange",
    {
        "id": serializers.UUIDField(),
        "state": serializers.ChoiceField(AskedChange.State.choices),
        "text": serializers.CharField(
            help_text="Why it was refused, in the CRM's own words where it was the CRM."
        ),
        "values": serializers.DictField(),
        "asked_at": serializers.DateTimeField(),
        "finished_at": serializers.DateTimeField(allow_null=True),
    },
)
MovesSchema = inline_serializer(
    "DealMoves",
    {
        "stage": serializers.CharField(
            help_text="Key of the stage it is in; empty for none of the pipeline's."
        ),
        "ways": WaySchema,
        "off": serializers.CharField(help_text="Why nothing can be moved."),
        "latest": AskSchema,
    },
)
FieldSchema = inline_serializer(
    "DealMoveField",
    {
        "name": serializers.CharField(),
        "label": serializers.CharField(),
        "kind": serializers.CharField(),
        "options": serializers.ListField(child=serializers.ListField(child=serializers.CharField())),
        "conditions": serializers.ListField(child=serializers.CharField()),
        "error": serializers.CharField(),
    },
    many=True,
)
FaultSchema = inline_serializer(
    "DealMoveFault",
    {
        "text": serializers.CharField(),
        "missing": serializers.ListField(child=serializers.CharField()),
        "blocked": serializers.ListField(child=serializers.CharField()),
        "fields": FieldSchema,
        "may_go_on": serializers.BooleanField(help_text="The model only warns: send go_on and why."),
        "needs_why": serializers.BooleanField(),
    },
)


class MoveInput(serializers.Serializer[Any]):
    """``values``: logical field to text (a list for several choices), of what the move asks. ``seen``: the stage it
    was seen in; left out, the one it is in now."""

    to = serializers.SlugField()
    seen = serializers.CharField(required=False, allow_blank=True)
    values = serializers.DictField(child=serializers.JSONField(), default=dict)
    why = serializers.CharField(allow_blank=True, default="", max_length=acts.MOST_WHY)
    go_on = serializers.BooleanField(default=False)


class MovesView(APIView):
    """The ways from a deal's stage, and the last change asked for; POST asks the CRM for a move. Poll ``latest``."""

    http_method_names = ["get", "head", "post"]

    @extend_schema(operation_id="records_moves", responses={200: MovesSchema})  # type: ignore[untyped-decorator]  # untyped
    def get(self, request: Request, record_id: uuid.UUID) -> Response:
        record = _record(request, record_id)
        found = acts.moves_of(record, person_of(request), now_utc())
        at = found.place.stage if found.place else None
        return Response(
            {
                "stage": at.key if at else "",
                "ways": [
                    {
                        "to": w.to.key,
                        "label": w.label,
                        "note": w.note,
                        "is_flagged": w.is_flagged,
                        "is_next": w.is_next,
                    }
                    for w in found.ways
                ],
                "off": found.off,
                "latest": _told(found.latest) if found.latest else None,
            }
        )

    @extend_schema(  # type: ignore[untyped-decorator]  # untyped
        operation_id="records_move",
        summary="Move a deal to another stage, together with the fields that lack",
        request=MoveInput,
        parameters=[KEY_HEADER],
        responses={202: AskSchema, **dict.fromkeys((400, 403, 409, 422), FaultSchema)},
    )
    def post(self, request: Request, record_id: uuid.UUID) -> Response:
        record, actor = _record(request, record_id), person_of(request)
        key = key_of(request)
        if not key:
            return _fault(400, NO_KEY)
        given = MoveInput(data=request.data)
        if not given.is_valid():
            return _fault(400, "Some fields can't be read.")
        said = given.validated_data
        now = now_utc()
        try:
            seen = said.get("seen")
            if seen is None:
                place = acts.moves_of(record, actor, now).place
                seen = place.stage.key if place and place.stage else ""
            typed = {
                name: [str(v) for v in value] if isinstance(value, list) else _text(value)
                for name, value in said["values"].items()
            }
            asked = acts.move(
                record, actor, to=said["to"], seen=seen, typed=typed, why=said["why"], go_on=said["go_on"],
                act_key=key, now=now,
            )  # fmt: skip
        except NeedsMore as error:
            plan = error.plan
            told = {
                "missing": list(plan.missing),
                "blocked": list(plan.blocked),
                "fields": [_field(f) for f in plan.fields],
                "may_go_on": plan.is_warning and bool(plan.missing),
                "needs_why": plan.way.is_flagged,
            }
            return _fault(422, error.text, told)
        except MoveError as error:
            return _fault({NotYours: 403, Stale: 409}.get(type(error), 400), error.text)
        return Response(_told(asked), status=202)


def _record(request: Request, record_id: uuid.UUID) -> Record:
    rows = Record.objects.for_person(person_of(request)).select_related("connection", "owner")
    return get_object_or_404(rows, pk=record_id)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _told(asked: AskedChange) -> dict[str, Any]:
    return {
        "id": str(asked.pk),
        "state": asked.state,
        "text": asked.text,
        "values": asked.values,
        "asked_at": asked.asked_at,
        "finished_at": asked.finished_at,
    }


def _field(field: AskedField) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.label,
        "kind": field.kind,
        "options": [list(option) for option in field.options],
        "conditions": list(field.conditions),
        "error": field.error,
    }


def _fault(status: int, text: str, more: Mapping[str, Any] | None = None) -> Response:
    return Response({"text": text, **(more or {})}, status=status)


urlpatterns: list[URLPattern | URLResolver] = [
    path("records/<uuid:record_id>/moves/", MovesView.as_view(), name="record_moves"),
]
