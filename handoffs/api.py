"""Handoffs over the API: reading, and the acts; the same functions as the pages."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.db import models
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from effects.tick import now_utc
from handoffs import services
from handoffs.errors import HandoffError, KeyReused, NotYours, Stale
from handoffs.filling import MAX_TEXT, form_state
from handoffs.models import Handoff
from handoffs.querysets import HandoffQuerySet
from handoffs.templates import NEXT_STEP, NEXT_STEP_AT, template_of
from records.loading import load_members
from teams.access import person_of
from teams.api_answers import KEY_HEADER, ApiFault, FaultSchema, read_body, read_key, read_query
from teams.models import Person

# --- reading -------------------------------------------------------------------------------------------------------


class ColleagueSerializer(serializers.ModelSerializer[Person]):
    class Meta:
        model = Person
        fields = ("id", "name", "email")


class UtcField(serializers.DateTimeField):
    """Instants as UTC, whatever zone the person lives in."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)


class HandoffSerializer(serializers.ModelSerializer[Handoff]):
    """One handoff as it stands. ``form`` holds what was filled in here or sent; instants are UTC."""

    serializer_field_mapping: ClassVar = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: UtcField,
    }
    template = serializers.SlugField(source="template_key")
    template_version = serializers.IntegerField(source="template.number")
    record = serializers.UUIDField(source="record_id")
    journey = serializers.UUIDField(source="journey_id")
    title = serializers.CharField(source="record.title")
    sender = ColleagueSerializer(allow_null=True)
    receiver = ColleagueSerializer(allow_null=True)
    form = serializers.DictField()

    class Meta:
        model = Handoff
        fields: tuple[str, ...] = (
            "id", "template", "template_version", "record", "journey", "title", "state", "whose_move", "sender",
            "receiver", "form", "opened_at", "sent_at", "seen_at", "answered_at", "answered_in", "reason",
            "reason_text", "next_step", "next_step_at", "next_step_confirmed_at", "completed_at",
        )  # fmt: skip
        read_only_fields: ClassVar = fields


FormSchema = inline_serializer(
    "HandoffFormField",
    {
        "key": serializers.CharField(),
        "label": serializers.CharField(),
        "kind": serializers.ChoiceField(["text", "long_text", "datetime", "choice"]),
        "is_required": serializers.BooleanField(),
        "is_missing": serializers.BooleanField(),
        "value": serializers.JSONField(allow_null=True),
        "source": serializers.CharField(help_text="A connection's name, form, or empty: nothing is known."),
        "choices": serializers.ListField(child=serializers.CharField()),
    },
    many=True,
)


class HandoffDetailSerializer(HandoffSerializer):
    """With every field of its form: what is known of it, from where, and whether it is still missing."""

    form_fields = serializers.SerializerMethodField()

    class Meta(HandoffSerializer.Meta):
        fields = (*HandoffSerializer.Meta.fields, "form_fields")
        read_only_fields: ClassVar = fields

    @extend_schema_field(FormSchema)  # type: ignore[untyped-decorator]  # drf-spectacular ships no types
    def get_form_fields(self, handoff: Handoff) -> list[dict[str, Any]]:
        journey = load_members([handoff.journey_id])[handoff.journey_id]
        state = form_state(template_of(handoff.template), handoff.form, journey, now_utc())
        return [{**dataclasses.asdict(f), "is_missing": f.is_missing} for f in state]


class HandoffQuery(serializers.Serializer[Any]):
    """What a list may be narrowed by."""

    state = serializers.ChoiceField(Handoff.State.choices, required=False)
    whose_move = serializers.ChoiceField(Handoff.Move.choices, required=False)
    template = serializers.SlugField(required=False)
    team = serializers.SlugField(required=False, help_text="Key of the sending or receiving team.")
    sender = serializers.IntegerField(required=False)
    receiver = serializers.IntegerField(required=False)
    opened_after = serializers.DateTimeField(required=False)
    opened_before = serializers.DateTimeField(required=False)
    q = serializers.CharField(required=False, help_text="Words of the buyer or of the people.")


def visible(request: Request) -> HandoffQuerySet:
    return Handoff.objects.for_person(person_of(request)).with_people()


@extend_schema(parameters=[HandoffQuery])
class HandoffListView(ListAPIView[Handoff]):
    """Handoffs inside your business units, the newest first."""

    serializer_class = HandoffSerializer
    queryset = Handoff.objects.none()  # for the schema; a request has its own
    filter_backends = []
    http_method_names = ["get", "head"]

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(visible(request).chosen(**read_query(request, HandoffQuery)))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class HandoffView(RetrieveAPIView[Handoff]):
    """One handoff with its form."""

    serializer_class = HandoffDetailSerializer
    queryset = Handoff.objects.none()
    lookup_url_kwarg = "handoff_id"
    http_method_names = ["get", "head"]

    def get_queryset(self) -> HandoffQuerySet:
        return visible(self.request)


# --- acting --------------------------------------------------------------------------------------------------------


class NoInput(serializers.Serializer[Any]):
    """Nothing to say."""


class ValuesInput(serializers.Serializer[Any]):
    """``values``: field key -> text; an instant as ISO 8601 with its offset."""

    values = serializers.DictField(
        child=serializers.CharField(allow_blank=True, allow_null=True, trim_whitespace=False), default=dict
    )


class SendInput(ValuesInput):
    """``receiver``: a person's id; needed where none is known yet."""

    receiver = serializers.PrimaryKeyRelatedField(
        queryset=Person.objects.all(), required=False, allow_null=True, default=None
    )


class TextInput(serializers.Serializer[Any]):
    text = serializers.CharField(allow_blank=True, max_length=MAX_TEXT)


class SendBackInput(serializers.Serializer[Any]):
    reason = serializers.CharField(help_text="Key of one of the template's reasons.")
    text = serializers.CharField(allow_blank=True, default="", max_length=MAX_TEXT)


class NextStepInput(serializers.Serializer[Any]):
    """What is left out stays as it was handed over."""

    next_step = serializers.CharField(required=False)
    next_step_at = serializers.DateTimeField(required=False)


@dataclasses.dataclass(frozen=True)
class Asked:
    """One request to act: on what, by whom, with which key, when."""

    handoff: Handoff
    actor: Person
    key: str
    now: datetime

    @property
    def how(self) -> dict[str, Any]:
        return {"key": self.key, "now": self.now}


Act = Callable[[Asked, Mapping[str, Any]], Handoff]


def _send(asked: Asked, said: Mapping[str, Any]) -> Handoff:
    receiver = said["receiver"]
    if receiver and not Person.objects.visible_to(asked.actor).filter(pk=receiver.pk).exists():
        raise HandoffError("Say who receives it.", {"receiver": "There is no such person."})
    return services.send(asked.handoff, asked.actor, said["values"], receiver=receiver, **asked.how)


def _confirm(asked: Asked, said: Mapping[str, Any]) -> Handoff:
    values = {key: said[key] for key in (NEXT_STEP, NEXT_STEP_AT) if key in said}
    return services.confirm_next_step(asked.handoff, asked.actor, values, **asked.how)


ACTS: Mapping[str, tuple[type[serializers.Serializer[Any]], str, Act]] = {
    "fill": (
        ValuesInput,
        "Save fields of the form, finished or not",
        lambda a, said: services.fill(a.handoff, a.actor, said["values"], **a.how),
    ),
    "send": (SendInput, "Send it to its receiver", _send),
    "accept": (NoInput, "Accept it", lambda a, _: services.accept(a.handoff, a.actor, **a.how)),
    "send_back": (
        SendBackInput,
        "Send it back with a reason",
        lambda a, said: services.send_back(a.handoff, a.actor, **said, **a.how),
    ),
    "ask": (
        TextInput,
        "Ask the sender a question",
        lambda a, said: services.ask(a.handoff, a.actor, **said, **a.how),
    ),
    "answer": (
        TextInput,
        "Answer the receiver's question",
        lambda a, said: services.answer(a.handoff, a.actor, **said, **a.how),
    ),
    "confirm_next_step": (NextStepInput, "Say that the buyer has confirmed the next step", _confirm),
}

STATUS: Mapping[type[HandoffError], int] = {NotYours: 403, Stale: 409, KeyReused: 422}


class ActView(APIView):
    """One act. The same Idempotency-Key with the same body is one act, however often it is sent."""

    takes: ClassVar[type[serializers.Serializer[Any]]]
    act: ClassVar[str]
    http_method_names = ["post"]

    def post(self, request: Request, handoff_id: uuid.UUID) -> Response:
        handoff = get_object_or_404(visible(request), pk=handoff_id)
        key, said = read_key(request), read_body(request, self.takes)
        asked = Asked(handoff, person_of(request), key, now_utc())
        try:
            done = ACTS[self.act][2](asked, said)
        except HandoffError as error:
            raise ApiFault(STATUS.get(type(error), 400), error.text, error.fields) from None
        return Response(HandoffDetailSerializer(done).data)


def _act_path(name: str) -> URLPattern:
    takes, summary, _ = ACTS[name]

    def post(self: ActView, request: Request, handoff_id: uuid.UUID) -> Response:
        return ActView.post(self, request, handoff_id)

    documented = extend_schema(
        operation_id=f"handoffs_{name}",
        summary=summary,
        request=takes,
        parameters=[KEY_HEADER],
        responses={200: HandoffDetailSerializer, **dict.fromkeys((400, 403, 409, 422), FaultSchema)},
    )(post)
    view: type[ActView] = type(
        f"Handoff{name.title().replace('_', '')}View",
        (ActView,),
        {"takes": takes, "act": name, "post": documented, "__doc__": ActView.__doc__, "__module__": __name__},
    )
    return path(f"handoffs/<uuid:handoff_id>/{name}/", view.as_view(), name=f"handoff_{name}")


urlpatterns: list[URLPattern | URLResolver] = [
    path("handoffs/", HandoffListView.as_view(), name="handoffs"),
    path("handoffs/<uuid:handoff_id>/", HandoffView.as_view(), name="handoff"),
    *(_act_path(name) for name in ACTS),
]
