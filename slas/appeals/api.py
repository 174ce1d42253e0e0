"""Appeals over the API: reading, and the acts; the same functions as the pages."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.shortcuts import get_object_or_404
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from effects.tick import now_utc
from slas.appeals import acts
from slas.appeals.facts import facts_of
from slas.appeals.page import line_of, reasons
from slas.appeals.reasons import REASONS, suggest
from slas.appeals.rows import appeals_of
from slas.models import Appeal, Clock
from slas.querysets import LATE, AppealQuerySet
from slas.retold import retell
from slas.visibility import names_for
from teams.access import person_of
from teams.api_answers import KEY_HEADER, ApiFault, FaultSchema, read_body, read_key, read_query

STATUS: Mapping[type[acts.AppealError], int] = {acts.NotYours: 403, acts.KeyReused: 422}


class AppealSerializer(serializers.Serializer[Any]):
    """One appeal. ``who`` and ``decided_by`` are a team's name where the caller may not read the person's."""

    id = serializers.UUIDField(source="appeal.pk")
    clock = serializers.UUIDField(source="appeal.clock_id")
    record = serializers.UUIDField(source="appeal.clock.record_id")
    rule = serializers.CharField(source="appeal.clock.rule_key")
    state = serializers.ChoiceField(Appeal.State.choices, source="appeal.state")
    reason = serializers.ChoiceField(REASONS, source="appeal.reason")
    saying = serializers.CharField()
    note = serializers.CharField(source="appeal.note")
    who = serializers.CharField(help_text="Against whom it counts.")
    team = serializers.CharField(
        source="appeal.team.key", default=None, allow_null=True, help_text="Who decides; null: RevOps."
    )
    opened_at = serializers.DateTimeField(source="appeal.opened_at")
    decided_at = serializers.DateTimeField(source="appeal.decided_at", allow_null=True)
    decided_by = serializers.CharField(source="by")
    decided_because = serializers.CharField(source="appeal.decided_because")
    was_proved = serializers.BooleanField(
        source="appeal.was_proved", help_text="Granted at once: the data shows it."
    )
    may_decide = serializers.BooleanField()
    may_withdraw = serializers.BooleanField()


class ReasonSerializer(serializers.Serializer[Any]):
    """One reason that may be given. ``text``: what the data shows for it; ``is_proved``: granted at once."""

    key = serializers.ChoiceField(REASONS)
    saying = serializers.CharField()
    text = serializers.CharField(allow_blank=True)
    is_proved = serializers.BooleanField()


class OpenInput(serializers.Serializer[Any]):
    """``person``: for whom, of those who report to you; without it for yourself."""

    reason = serializers.ChoiceField(REASONS)
    note = serializers.CharField(required=False, allow_blank=True, default="", max_length=acts.MOST_TEXT)
    person = serializers.IntegerField(required=False, allow_null=True, default=None)


class DecisionInput(serializers.Serializer[Any]):
    """``because`` is needed to refuse."""

    because = serializers.CharField(required=False, allow_blank=True, default="", max_length=acts.MOST_TEXT)


class NoteInput(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=acts.MOST_TEXT)


ToldSchema = inline_serializer("NotMineTold", {"told": serializers.IntegerField(help_text="How many.")})
FAULTS = dict.fromkeys((400, 403, 422), FaultSchema)


def _visible(request: Request) -> AppealQuerySet:
    viewer = person_of(request)
    return Appeal.objects.for_person(viewer).told_to(viewer, acts.deciding_teams(viewer)).with_clock()


def _clock(request: Request, clock_id: uuid.UUID) -> Clock:
    clocks = Clock.objects.for_person(person_of(request)).with_names()
    related = clocks.select_related("start_event__connection", "stop_event__record__connection")
    found: Clock = get_object_or_404(related, pk=clock_id)
    return found


def _said(request: Request, appeal_id: uuid.UUID) -> Response:
    viewer = person_of(request)
    row = get_object_or_404(_visible(request), pk=appeal_id)
    line = line_of(row, viewer, names_for(viewer), acts.deciding_teams(viewer))
    return Response(AppealSerializer(line).data)


class AppealQuery(serializers.Serializer[Any]):
    """What a list may be narrowed by."""

    state = serializers.ChoiceField(Appeal.State.choices, required=False)
    team = serializers.SlugField(required=False, help_text="Key of the team that decides.")
    reason = serializers.ChoiceField(REASONS, required=False)
    clock = serializers.UUIDField(required=False)


@extend_schema(parameters=[AppealQuery], responses=AppealSerializer(many=True))
class AppealsView(ListAPIView[Appeal]):
    """Appeals that you may read, the newest first."""

    serializer_class = AppealSerializer
    queryset = Appeal.objects.none()  # for the schema; a request has its own
    filter_backends = []
    http_method_names = ["get", "head"]

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        chosen = dict(read_query(request, AppealQuery))
        if "team" in chosen:
            chosen["team__key"] = chosen.pop("team")
        viewer = person_of(request)
        names, teams = names_for(viewer), acts.deciding_teams(viewer)
        page = self.paginate_queryset(_visible(request).filter(**chosen).order_by("-opened_at", "pk"))
        lines = [line_of(row, viewer, names, teams) for row in page or ()]
        return self.get_paginated_response(AppealSerializer(lines, many=True).data)


class ReasonsView(APIView):
    """What may be said of a late clock: what the data shows first."""

    http_method_names = ["get", "head", "post"]

    @extend_schema(  # type: ignore[untyped-decorator]  # drf-spectacular ships no types
        operation_id="clocks_appeal_reasons",
        parameters=[OpenApiParameter("person", int, description="For whom; without it for yourself.")],
        responses=ReasonSerializer(many=True),
    )
    def get(self, request: Request, clock_id: uuid.UUID) -> Response:
        clock, viewer = _clock(request, clock_id), person_of(request)
        told = retell(clock, now_utc())
        people, asked = acts.people_to_speak_for(viewer, clock, told), request.query_params.get("person")
        person = next((p for p in people if asked in (None, str(p.pk))), None)
        if person is None or clock.state not in LATE:
            return Response([])
        facts = facts_of(clock, told, person.pk)
        shown, others = reasons(suggest(facts) if facts else [])
        return Response(ReasonSerializer([*shown, *others], many=True).data)

    @extend_schema(  # type: ignore[untyped-decorator]  # drf-spectacular ships no types
        operation_id="clocks_appeal",
        summary="Say that a late clock is not on you",
        parameters=[KEY_HEADER],
        request=OpenInput,
        responses={200: AppealSerializer, **FAULTS},
    )
    def post(self, request: Request, clock_id: uuid.UUID) -> Response:
        clock = _clock(request, clock_id)

        def act(key: str, said: Mapping[str, Any]) -> Response:
            done = acts.open_appeal(clock, person_of(request), acts.Said(**said), act_key=key, now=now_utc())
            return _said(request, done.id)

        return _act(request, OpenInput, act)


class NotMineView(APIView):
    """Tell the manager that a clock which is not late is not yours."""

    http_method_names = ["post"]

    @extend_schema(  # type: ignore[untyped-decorator]  # drf-spectacular ships no types
        operation_id="clocks_not_mine",
        parameters=[KEY_HEADER],
        request=NoteInput,
        responses={200: ToldSchema, **FAULTS},
    )
    def post(self, request: Request, clock_id: uuid.UUID) -> Response:
        clock = _clock(request, clock_id)

        def act(key: str, said: Mapping[str, Any]) -> Response:
            told = acts.say_not_mine(clock, person_of(request), said["note"], act_key=key, now=now_utc())
            return Response({"told": len(told)})

        return _act(request, NoteInput, act)


class DecideView(APIView):
    """One act on an appeal. The same Idempotency-Key with the same body is one act, however often it is sent."""

    deed: ClassVar[str] = ""
    http_method_names = ["post"]

    def post(self, request: Request, appeal_id: uuid.UUID) -> Response:
        row = get_object_or_404(_visible(request), pk=appeal_id)
        clock = _clock(request, row.clock_id)
        data = next(a for a in appeals_of(clock.record_id) if a.id == appeal_id)
        actor = person_of(request)

        def act(key: str, said: Mapping[str, Any]) -> Response:
            if self.deed == "withdraw":
                acts.withdraw(data, clock, actor, act_key=key, now=now_utc())
            else:
                decide = acts.grant if self.deed == "grant" else acts.refuse
                decide(data, clock, actor, because=said["because"], act_key=key, now=now_utc())
            return _said(request, appeal_id)

        return _act(request, DecisionInput, act)


def _act(
    request: Request,
    takes: type[serializers.Serializer[Any]],
    act: Callable[[str, Mapping[str, Any]], Response],
) -> Response:
    key, said = read_key(request), read_body(request, takes)
    try:
        return act(key, said)
    except acts.AppealError as error:
        raise ApiFault(STATUS.get(type(error), 400), error.text, error.fields) from None


SUMMARIES = {
    "grant": "Leave its clock out of the attainment",
    "refuse": "Let its clock count, and say why",
    "withdraw": "Take back what you said",
}


def _decide_path(deed: str) -> URLPattern:
    def post(self: DecideView, request: Request, appeal_id: uuid.UUID) -> Response:
        return DecideView.post(self, request, appeal_id)

    documented = extend_schema(
        operation_id=f"appeals_{deed}", summary=SUMMARIES[deed], parameters=[KEY_HEADER],
        request=DecisionInput, responses={200: AppealSerializer, **FAULTS},
    )(post)  # fmt: skip
    view: type[DecideView] = type(
        f"Appeal{deed.title()}View",
        (DecideView,),
        {"deed": deed, "post": documented, "__doc__": DecideView.__doc__, "__module__": __name__},
    )
    return path(f"appeals/<uuid:appeal_id>/{deed}/", view.as_view(), name=f"appeal_{deed}")


urlpatterns: list[URLPattern | URLResolver] = [
    path("appeals/", AppealsView.as_view(), name="appeals"),
    *(_decide_path(deed) for deed in SUMMARIES),
    path("clocks/<uuid:clock_id>/appeals/", ReasonsView.as_view(), name="clock_appeals"),
    path("clocks/<uuid:clock_id>/not_mine/", NotMineView.as_view(), name="clock_not_mine"),
]
