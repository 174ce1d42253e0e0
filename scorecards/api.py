"""Records and journeys over the API, read only: what a CRM says, and what the model concludes of it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Prefetch, QuerySet
from django.http import Http404
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response

from definitions.evidence.visibility import state_for
from definitions.judging.checklists import Check, checklists
from definitions.models import Judgement, StageEntry
from effects.tick import now_utc
from records.models import Journey, Record
from scorecards.record_list import OBJECTS, Wanted, chosen, search
from teams.access import person_of
from teams.models import Person


class JudgementSerializer(serializers.ModelSerializer[Judgement]):
    """Why it is so, condition by condition, is at the record's ``checks``."""

    version = serializers.IntegerField(source="version.number")
    state = serializers.SerializerMethodField()

    def get_state(self, judgement: Judgement) -> str:
        owner = judgement.record.owner
        return state_for(person_of(self.context["request"]), judgement.state, owner)

    class Meta:
        model = Judgement
        fields = ("section", "key", "version", "state", "variant", "exclusion")
        read_only_fields: ClassVar = fields


class ConditionSerializer(serializers.Serializer[Any]):
    """``seen``: the value; of a list (activities, related.…, events, stages) how many count. Null: empty when missing,
    else not known."""

    path = serializers.CharField()
    text = serializers.CharField()
    state = serializers.CharField()
    field = serializers.CharField()
    seen = serializers.JSONField(allow_null=True)
    doubts = serializers.ListField(child=serializers.CharField())


class CheckPartSerializer(serializers.Serializer[Any]):
    """One thing a check asks for; several conditions: a choice."""

    text = serializers.CharField()
    state = serializers.CharField()
    conditions = ConditionSerializer(many=True)


class CheckSerializer(serializers.Serializer[Any]):
    """Why a record is judged as it is. ``on_paper`` and ``doubts`` are for the record's owner and their manager only;
    everyone else reads "met"."""

    section = serializers.CharField()
    key = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField(source="version.number")
    state = serializers.CharField()
    sentence = serializers.CharField()
    variant = serializers.CharField(help_text="Name of the variant it was judged by; empty without variants.")
    exclusion = serializers.SerializerMethodField(help_text="Name of the exclusion that holds, or empty.")
    parts = CheckPartSerializer(many=True)

    def get_exclusion(self, check: Check) -> str:
        return check.excluded.name if check.excluded else ""


class StageEntrySerializer(serializers.ModelSerializer[StageEntry]):
    """An entry into a stage as the CRM claims it, with the judgement at that moment."""

    record = serializers.UUIDField(source="record_id")
    definition_version = serializers.IntegerField(source="definition.number", allow_null=True, default=None)
    missing = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = StageEntry
        fields = (
            "id", "record", "stage", "pass_number", "occurred_at", "left_at", "is_exact", "judgement",
            "definition_version", "missing",
        )  # fmt: skip
        read_only_fields: ClassVar = fields


class RecordSerializer(serializers.ModelSerializer[Record]):
    """A CRM row. ``values``: logical field to value; a field that is not there is unknown, null is empty."""

    connection = serializers.CharField(source="connection.name")
    journey = serializers.UUIDField(source="journey_id", allow_null=True)
    business_unit = serializers.CharField(source="business_unit.key", allow_null=True, default=None)
    owner = serializers.EmailField(source="owner.email", allow_null=True, default=None)
    values = serializers.DictField()

    class Meta:
        model = Record
        fields: tuple[str, ...] = (
            "id", "object", "connection", "remote_object", "remote_id", "title", "journey", "business_unit", "owner",
            "values", "created_at_remote", "modified_at_remote", "deleted_at",
        )  # fmt: skip
        read_only_fields: ClassVar = fields


class RecordDetailSerializer(RecordSerializer):
    """With its current judgements, why they are so, and its entries into stages."""

    judgements = JudgementSerializer(many=True)
    checks = CheckSerializer(many=True)
    stage_entries = StageEntrySerializer(many=True)

    class Meta(RecordSerializer.Meta):
        fields = (*RecordSerializer.Meta.fields, "judgements", "checks", "stage_entries")
        read_only_fields: ClassVar = fields


class JourneySerializer(serializers.ModelSerializer[Journey]):
    """One pursuit of one buyer: the records inside your business units, with what is concluded of each."""

    records = RecordDetailSerializer(many=True, source="members")

    class Meta:
        model = Journey
        fields = ("id", "key", "title", "records")
        read_only_fields: ClassVar = fields


class RecordQuery(serializers.Serializer[Any]):
    """What a list may be narrowed by."""

    object = serializers.ChoiceField(list(OBJECTS), default="person")
    q = serializers.CharField(
        required=False, max_length=200, help_text="Name, e-mail address or CRM id; 3 letters."
    )
    connection = serializers.SlugField(required=False)
    stage = serializers.SlugField(required=False, help_text="In this stage now, by the CRM.")
    definition = serializers.SlugField(required=False)
    state = serializers.ChoiceField(["met", "on_paper", "missing", "waived", "unknown"], required=False)


class ByKey(CursorPagination):
    """Pages by key: at a million records the last costs what the first does."""

    ordering = "id"
    page_size = 100
    max_page_size = 500
    page_size_query_param = "limit"


class RecordsView(ListAPIView[Record]):
    """Records that are in their CRM now, inside your business units."""

    serializer_class = RecordSerializer
    pagination_class = ByKey
    filter_backends = ()
    http_method_names = ["get", "head"]
    queryset = Record.objects.none()  # for the schema; each request has its own

    @extend_schema(parameters=[RecordQuery], operation_id="records_list")  # type: ignore[untyped-decorator]  # untyped
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Record]:
        query = RecordQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        told = query.validated_data
        wanted = Wanted(
            object=told["object"],
            search=told.get("q", ""),
            **{name: told.get(name, "") for name in ("connection", "stage", "definition", "state")},
        )
        found = chosen(person_of(self.request), wanted)
        if wanted.search:
            found = search(found, [wanted.object], wanted.search)
        return found.select_related("connection", "owner", "business_unit")


def _detailed(found: QuerySet[Record]) -> QuerySet[Record]:
    return found.select_related("connection", "owner", "business_unit").prefetch_related(
        Prefetch("judgements", Judgement.objects.select_related("version", "record__owner")),
        Prefetch("stage_entries", StageEntry.objects.select_related("definition").defer("snapshot")),
    )


def _add_checks(records: Sequence[Record], viewer: Person) -> None:
    """``checks`` of each record, as ``viewer`` may read them."""
    found = checklists([r.pk for r in records], now_utc(), viewer=viewer)
    for row in records:
        row.checks = found.get(row.pk, [])  # type: ignore[attr-defined]  # read by the serializer


class RecordView(RetrieveAPIView[Record]):
    """One record with its judgements and stage entries."""

    serializer_class = RecordDetailSerializer
    http_method_names = ["get", "head"]
    lookup_url_kwarg = "record_id"
    queryset = Record.objects.none()

    def get_queryset(self) -> QuerySet[Record]:
        return _detailed(Record.objects.for_person(person_of(self.request)))

    def get_object(self) -> Record:
        found: Record = super().get_object()
        _add_checks([found], person_of(self.request))
        return found


class JourneyView(RetrieveAPIView[Journey]):
    """One buyer over both CRMs. A journey without a record inside your business units does not exist for you."""

    serializer_class = JourneySerializer
    http_method_names = ["get", "head"]
    lookup_url_kwarg = "journey_id"
    queryset = Journey.objects.none()

    @extend_schema(parameters=[OpenApiParameter("journey_id", uuid.UUID, OpenApiParameter.PATH)])  # type: ignore[untyped-decorator]  # untyped
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_object(self) -> Journey:
        inside = Record.objects.for_person(person_of(self.request)).exclude(object="activity")
        members = list(
            _detailed(inside)
            .filter(journey=self.kwargs["journey_id"])
            .order_by("pk")
            .select_related("journey")
        )
        if not members or members[0].journey is None:
            raise Http404
        journey = members[0].journey
        _add_checks(members, person_of(self.request))
        journey.members = members  # type: ignore[attr-defined]  # read by the serializer
        return journey


urlpatterns: list[URLPattern | URLResolver] = [
    path("records/", RecordsView.as_view(), name="records"),
    path("records/<uuid:record_id>/", RecordView.as_view(), name="record"),
    path("journeys/<uuid:journey_id>/", JourneyView.as_view(), name="journey"),
]
