"""Clocks over the API: reading only, through the same filters as the page."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView

from effects.tick import now_utc
from slas.forms import OWNERS, STATES, ClockFilter
from slas.lateness import late_seconds
from slas.models import Clock
from slas.querysets import ClockQuerySet
from slas.visibility import Names, names_for
from teams.access import person_of


class SegmentSerializer(serializers.Serializer[dict[str, Any]]):
    """Who had it from when to when. ``who`` is a team's name where the caller may not read the person's."""

    party = serializers.CharField()
    who = serializers.CharField()
    team = serializers.CharField()
    begin = serializers.DateTimeField()
    end = serializers.DateTimeField()
    seconds = serializers.IntegerField()


class CorrectionSerializer(serializers.Serializer[Any]):
    old = serializers.DictField()
    new = serializers.DictField()
    corrected_at = serializers.DateTimeField()


class ClockSerializer(serializers.ModelSerializer[Clock]):
    """One clock. ``late_seconds`` counts as the rule does (business time), ``has_it`` is the party that has it."""

    rule = serializers.CharField(source="rule_key")
    rule_version = serializers.IntegerField(source="rule.number")
    record = serializers.UUIDField(source="record_id")
    journey = serializers.UUIDField(source="journey_id")
    title = serializers.CharField(source="record.title")
    team = serializers.CharField(source="team.key", default=None)
    who = serializers.SerializerMethodField(
        help_text="Who has or had it; the team's name where names are not shown."
    )
    late_seconds = serializers.SerializerMethodField()

    class Meta:
        model = Clock
        fields: tuple[str, ...] = (
            "id", "rule", "rule_version", "record", "journey", "title", "state", "started_at", "due_at", "stopped_at",
            "breached_at", "late_seconds", "has_it", "who", "team", "is_measured_only",
        )  # fmt: skip
        read_only_fields = fields

    @property
    def names(self) -> Names:
        names: Names = self.context["names"]
        return names

    def get_who(self, clock: Clock) -> str:
        team = clock.team.name if clock.team else ""
        return self.names.of(clock.owner_id, str(clock.receipt.get("holder", "")), team)

    def get_late_seconds(self, clock: Clock) -> int | None:
        return late_seconds(clock, now_utc())


class ClockDetailSerializer(ClockSerializer):
    segments = serializers.SerializerMethodField()
    corrections = CorrectionSerializer(many=True)

    class Meta(ClockSerializer.Meta):
        fields = (*ClockSerializer.Meta.fields, "segments", "corrections")
        read_only_fields = fields

    @extend_schema_field(SegmentSerializer(many=True))  # type: ignore[untyped-decorator]  # it ships no types
    def get_segments(self, clock: Clock) -> list[dict[str, Any]]:
        """Empty until it stopped; from then on frozen."""
        return [
            {
                "party": s["party"],
                "who": self.names.of(s["person"], s["who"], s["team"]),
                "team": s["team"],
                "begin": s["from"],
                "end": s["to"],
                "seconds": s["seconds"],
            }
            for s in clock.segments
        ]


class _ClocksView(GenericAPIView[Clock]):
    """The border in the query, and whose names the caller may read."""

    http_method_names = ["get", "head"]  # as Django's View has it
    queryset = Clock.objects.none()  # for the schema; each request has its own

    def get_queryset(self) -> ClockQuerySet:
        return Clock.objects.for_person(person_of(self.request)).with_names()

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "names": names_for(person_of(self.request))}


@extend_schema(
    parameters=[
        OpenApiParameter("state", enum=[value for value, _ in STATES if value]),
        OpenApiParameter("rule", description="Key of an SLA rule."),
        OpenApiParameter("owner", enum=[value for value, _ in OWNERS if value]),
        OpenApiParameter("team", description="Key of the team that must act."),
        OpenApiParameter("late", bool, description="Only clocks that are or were late."),
        OpenApiParameter("since", description="Started at or after this instant."),
        OpenApiParameter("until", description="Started before this instant."),
        OpenApiParameter("q", description="Words of the buyer's name."),
    ]
)
class ClocksView(_ClocksView, ListAPIView[Clock]):
    """Clocks by due time."""

    serializer_class = ClockSerializer

    def get_queryset(self) -> ClockQuerySet:
        query = self.request.query_params
        clocks = ClockFilter(query).narrow(super().get_queryset(), person_of(self.request), now_utc())
        if query.get("late") in {"true", "1"}:
            clocks = clocks.in_state("late")
        return clocks.order_by("due_at", "pk")


class ClockView(_ClocksView, RetrieveAPIView[Clock]):
    """One clock with who had it and what was corrected."""

    serializer_class = ClockDetailSerializer
    lookup_url_kwarg = "clock_id"


urlpatterns: list[URLPattern | URLResolver] = [
    path("clocks/", ClocksView.as_view(), name="clocks"),
    path("clocks/<uuid:clock_id>/", ClockView.as_view(), name="clock"),
]
