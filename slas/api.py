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
from slas.receipts import Explanation, explain, with_receipt
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


class IntervalSerializer(serializers.Serializer[Any]):
    """Time that counted up to the due time. ``hours``: the name of the calendar; empty: every hour counts."""

    begin = serializers.DateTimeField()
    end = serializers.DateTimeField()
    seconds = serializers.IntegerField()
    hours = serializers.CharField()
    who = serializers.CharField()


class PauseSerializer(serializers.Serializer[Any]):
    begin = serializers.DateTimeField()
    end = serializers.DateTimeField(allow_null=True)
    because = serializers.CharField()


class AbsenceSerializer(serializers.Serializer[Any]):
    """``cover`` empty: nobody covered. ``was_late``: written down after the due time."""

    who = serializers.CharField()
    begin = serializers.DateTimeField()
    end = serializers.DateTimeField()
    cover = serializers.CharField()
    written_at = serializers.DateTimeField()
    was_late = serializers.BooleanField()


class MovedSerializer(serializers.Serializer[Any]):
    """The due time was moved at ``at``; ``whys``: what was learned then."""

    at = serializers.DateTimeField()
    old = serializers.DateTimeField(allow_null=True)
    new = serializers.DateTimeField(allow_null=True)
    whys = serializers.ListField(child=serializers.CharField())


class ReadingSerializer(serializers.Serializer[Any]):
    """The evidence was read once more before it was called late."""

    read_in = serializers.CharField(source="source")
    at = serializers.DateTimeField()
    was_readable = serializers.BooleanField()


class ToldSerializer(serializers.Serializer[Any]):
    who = serializers.CharField()
    channel = serializers.CharField()
    title = serializers.CharField()
    at = serializers.DateTimeField()
    state = serializers.CharField()


class GivenSerializer(serializers.Serializer[Any]):
    """A step of the rule gave it on (``was_asked``: of the CRM), or proposed to."""

    who = serializers.CharField()
    at = serializers.DateTimeField()
    was_asked = serializers.BooleanField()


class ReceiptSerializer(serializers.Serializer[Explanation]):
    """What the page says. ``unowned_seconds``: before it had an owner. ``tier``: which target of its rule it has."""

    rule_sentence = serializers.CharField(source="said.sentence")
    target = serializers.CharField(source="said.target")
    tier = serializers.CharField(source="said.tier", allow_blank=True)
    started_by = serializers.CharField(source="started_by.what")
    started_in = serializers.CharField(source="started_by.source")
    calendar = serializers.CharField(source="clock.calendar.key", default=None, allow_null=True)
    calendar_version = serializers.IntegerField(source="clock.calendar.number", default=None, allow_null=True)
    is_frozen = serializers.BooleanField()
    unowned_seconds = serializers.IntegerField()
    used_seconds = serializers.IntegerField(allow_null=True)
    counted = IntervalSerializer(source="intervals", many=True)
    pauses = PauseSerializer(many=True)
    absences = AbsenceSerializer(many=True)
    moved = MovedSerializer(many=True)
    read_again = ReadingSerializer(source="readings", many=True)
    no_data = serializers.ListField(child=serializers.CharField())
    told = ToldSerializer(many=True)
    given = GivenSerializer(many=True)


class ClockDetailSerializer(ClockSerializer):
    """With who had it, what was corrected, and all that its page says (``receipt``)."""

    segments = serializers.SerializerMethodField()
    corrections = CorrectionSerializer(many=True)
    receipt = serializers.SerializerMethodField()

    class Meta(ClockSerializer.Meta):
        fields = (*ClockSerializer.Meta.fields, "segments", "corrections", "receipt")
        read_only_fields = fields

    @extend_schema_field(ReceiptSerializer)  # type: ignore[untyped-decorator]  # it ships no types
    def get_receipt(self, clock: Clock) -> Any:
        return ReceiptSerializer(explain(clock, self.context["viewer"], now_utc())).data

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
        viewer = person_of(self.request)
        return {**super().get_serializer_context(), "names": names_for(viewer), "viewer": viewer}


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
    """One clock with all that its page says."""

    serializer_class = ClockDetailSerializer
    lookup_url_kwarg = "clock_id"

    def get_queryset(self) -> ClockQuerySet:
        return with_receipt(super().get_queryset())


urlpatterns: list[URLPattern | URLResolver] = [
    path("clocks/", ClocksView.as_view(), name="clocks"),
    path("clocks/<uuid:clock_id>/", ClockView.as_view(), name="clock"),
]
