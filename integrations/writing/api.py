"""What we write to the CRMs, over the API: looking, pausing, holding, sending again; the functions of the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, URLResolver, path
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from effects.tick import now_utc
from integrations.overview import Overview, overview_of
from integrations.writing import dead
from integrations.writing.forms import OUT_FIELDS
from integrations.writing.models import WriteAttempt
from integrations.writing.pausing import pause_writing, resume_writing
from integrations.writing.preview import as_planned, planned_rows
from integrations.writing.views import crm_named, crms
from records.models import Connection, DesiredField, Record
from teams.access import person_of
from teams.api_answers import FaultSchema, read_body, read_query
from teams.models import Person

STATES = ("reading", "writing", "paused", "broken")


class FieldSerializer(serializers.Serializer[Any]):
    """One field of ours in one object there. ``mode``: out (we write it), in (we read it as an answer)."""

    object = serializers.CharField(source="remote_object")
    field = serializers.CharField(source="own.name")
    name = serializers.CharField(source="own.label")
    mode = serializers.ChoiceField(("out", "in"), source="own.direction")
    is_on = serializers.BooleanField(source="switch.is_on")
    is_broken = serializers.BooleanField(help_text="Gone there, or hidden from our user.")


class WritingSerializer(serializers.Serializer[Any]):
    """How writing to one CRM stands. ``waiting``, ``refused`` and ``held`` are fields."""

    connection = serializers.CharField(source="connection.name")
    title = serializers.CharField(source="connection.label")
    state = serializers.ChoiceField(STATES)
    paused_at = serializers.DateTimeField(source="connection.writing_paused_at", allow_null=True)
    waiting = serializers.IntegerField()
    refused = serializers.IntegerField()
    held = serializers.IntegerField()
    held_records = serializers.IntegerField()
    written_today = serializers.IntegerField(source="standing.written", default=0)
    records_a_day = serializers.IntegerField(source="standing.cap", allow_null=True, default=None)
    pilot = serializers.CharField(
        source="pilot_text", help_text="Whom the pilot lets through; empty: everybody."
    )
    fields_of_ours = FieldSerializer(source="lines", many=True)


class PlannedSerializer(serializers.Serializer[Any]):
    """One field of one record that the next run would change. ``before`` is null where it was not read yet, too."""

    record = serializers.UUIDField(source="row.record_id")
    title = serializers.CharField(source="row.record.title")
    object = serializers.CharField(source="row.record.remote_object")
    remote_id = serializers.CharField(source="row.record.remote_id")
    field = serializers.CharField(source="row.field")
    remote_name = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    is_known = serializers.BooleanField(source="row.is_known", help_text="What stands there has been read.")
    after = serializers.JSONField(allow_null=True)
    is_undo = serializers.BooleanField()


class AttemptSerializer(serializers.ModelSerializer[WriteAttempt]):
    """What became of sending one record once. ``text``: the CRM's own words; ``values``: {field: [before, sent]}."""

    record = serializers.UUIDField(source="record_id")
    run = serializers.UUIDField(source="run_id", allow_null=True)

    class Meta:
        model = WriteAttempt
        fields = ("at", "record", "outcome", "code", "text", "values", "run")
        read_only_fields: ClassVar = fields


class RefusedSerializer(serializers.ModelSerializer[DesiredField]):
    """One field that the CRM refused for good, with its own words in ``text``."""

    record = serializers.UUIDField(source="record_id")
    title = serializers.CharField(source="record.title")
    text = serializers.CharField(source="last_error")

    class Meta:
        model = DesiredField
        fields = ("id", "record", "title", "field", "desired", "known", "text")
        read_only_fields: ClassVar = fields


class FieldQuery(serializers.Serializer[Any]):
    field = serializers.ChoiceField(OUT_FIELDS, required=False, help_text="Only this field of ours.")


class LogQuery(serializers.Serializer[Any]):
    record = serializers.UUIDField(required=False)
    outcome = serializers.ChoiceField(WriteAttempt.Outcome.choices, required=False)


class RetryInput(serializers.Serializer[Any]):
    """``ids`` as the list of refused tells them; without it everything that was refused."""

    ids = serializers.ListField(child=serializers.IntegerField(), required=False, allow_empty=False)


class ReleaseInput(serializers.Serializer[Any]):
    """``field`` left out: the whole record."""

    record = serializers.UUIDField()
    field = serializers.ChoiceField(OUT_FIELDS, required=False, default="")


class HoldInput(ReleaseInput):
    """``field`` left out: everything of ours on the record."""

    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=200)


class NothingInput(serializers.Serializer[Any]):
    """Nothing is needed."""


RetrySchema = inline_serializer("WritingRetry", {"fields": serializers.IntegerField()})


class WritingView(ListAPIView[Connection]):
    """How writing to each CRM stands."""

    serializer_class = WritingSerializer
    queryset = Connection.objects.none()  # for the schema; a request has its own
    filter_backends = []
    http_method_names = ["get", "head"]

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(crms())
        found = [overview_of(connection, now_utc()) for connection in page or ()]
        return self.get_paginated_response(WritingSerializer(found, many=True).data)


class _ListOfOne(ListAPIView[Any]):
    """A list of one connection, narrowed by ``query``."""

    query: ClassVar[type[serializers.Serializer[Any]]] = FieldQuery
    queryset = DesiredField.objects.none()
    filter_backends = []
    http_method_names = ["get", "head"]

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        connection = crm_named(str(kwargs["name"]))
        asked = read_query(request, self.query)
        page = self.paginate_queryset(self.rows(connection, person_of(request), asked))
        shown = self.shown(connection, list(page or ()))
        return self.get_paginated_response(self.get_serializer(shown, many=True).data)

    def rows(self, connection: Connection, person: Person, asked: Mapping[str, Any]) -> QuerySet[Any]:
        """Those that ``person`` may see; each list says which."""
        raise NotImplementedError

    def shown(self, connection: Connection, rows: Sequence[Any]) -> Sequence[Any]:
        return rows


@extend_schema(parameters=[FieldQuery])
class PreviewView(_ListOfOne):
    """What the next run would change, before and after; nothing is sent by looking."""

    serializer_class = PlannedSerializer

    def rows(self, connection: Connection, person: Person, asked: Mapping[str, Any]) -> QuerySet[Any]:
        rows = planned_rows(connection, now_utc(), asked.get("field", ""))
        return rows.filter(record__in=_inside(person))

    def shown(self, connection: Connection, rows: Sequence[Any]) -> Sequence[Any]:
        return as_planned(connection, rows)


@extend_schema(parameters=[FieldQuery])
class RefusedView(_ListOfOne):
    """What the CRM refused for good and waits for somebody, the latest first."""

    serializer_class = RefusedSerializer

    def rows(self, connection: Connection, person: Person, asked: Mapping[str, Any]) -> QuerySet[Any]:
        rows = dead.dead_letters(connection, field=asked.get("field", ""))
        return rows.filter(record__in=_inside(person))


@extend_schema(parameters=[LogQuery])
class LogView(_ListOfOne):
    """What became of each try to write a record, the latest first."""

    serializer_class = AttemptSerializer
    query = LogQuery

    def rows(self, connection: Connection, person: Person, asked: Mapping[str, Any]) -> QuerySet[Any]:
        rows = WriteAttempt.objects.filter(connection=connection, record__in=_inside(person))
        return rows.filter(**asked)


def _pause(connection: Connection, person: Person, said: Mapping[str, Any]) -> Response:
    pause_writing(now_utc(), connection.name)
    return _standing(connection)


def _resume(connection: Connection, person: Person, said: Mapping[str, Any]) -> Response:
    resume_writing(connection.name)
    return _standing(connection)


def _retry(connection: Connection, person: Person, said: Mapping[str, Any]) -> Response:
    rows = dead.dead_letters(connection).filter(record__in=_inside(person))
    if "ids" in said:
        rows = rows.filter(pk__in=said["ids"])
    keys = list(rows.order_by().values_list("pk", flat=True))
    return Response({"fields": dead.retry_refused(connection, keys)})


def _hold(connection: Connection, person: Person, said: Mapping[str, Any]) -> Response:
    record = get_object_or_404(_inside(person).filter(connection=connection), pk=said["record"])
    dead.hold(record, said["field"], said["reason"], person, now_utc())
    return _standing(connection)


def _release(connection: Connection, person: Person, said: Mapping[str, Any]) -> Response:
    record = get_object_or_404(_inside(person).filter(connection=connection), pk=said["record"])
    dead.release(record, said["field"])
    return _standing(connection)


Act = Callable[[Connection, Person, Mapping[str, Any]], Response]
ACTS: Mapping[str, tuple[Act, type[serializers.Serializer[Any]], Any, str]] = {
    "pause": (_pause, NothingInput, WritingSerializer, "Send nothing until it is resumed"),
    "resume": (_resume, NothingInput, WritingSerializer, "Let the writing go on"),
    "retry": (_retry, RetryInput, RetrySchema, "Send again what was refused"),
    "hold": (_hold, HoldInput, WritingSerializer, "Keep a record, or a field of it, from being written"),
    "release": (_release, ReleaseInput, WritingSerializer, "Let a held record or field be written again"),
}


class ActView(APIView):
    """One act on the writing to a CRM. Each names the state it leads to, so that sending it twice is one act."""

    deed: ClassVar[str] = ""
    http_method_names = ["post"]

    def post(self, request: Request, name: str) -> Response:
        act, takes, _, _ = ACTS[self.deed]
        connection = crm_named(name)
        return act(connection, person_of(request), read_body(request, takes))


def _inside(person: Person) -> QuerySet[Record]:
    return Record.objects.for_person(person)


def _standing(connection: Connection) -> Response:
    connection.refresh_from_db()
    found: Overview = overview_of(connection, now_utc())
    return Response(WritingSerializer(found).data)


def _act_path(deed: str) -> URLPattern:
    _, takes, answers, summary = ACTS[deed]

    def post(self: ActView, request: Request, name: str) -> Response:
        return ActView.post(self, request, name)

    documented = extend_schema(
        operation_id=f"writing_{deed}",
        summary=summary,
        request=takes,
        responses={200: answers, 400: FaultSchema},
    )(post)
    view: type[ActView] = type(
        f"Writing{deed.title()}View",
        (ActView,),
        {"deed": deed, "post": documented, "__doc__": ActView.__doc__, "__module__": __name__},
    )
    return path(f"writing/<slug:name>/{deed}/", view.as_view(), name=f"writing_{deed}")


urlpatterns: list[URLPattern | URLResolver] = [
    path("writing/", WritingView.as_view(), name="writing"),
    path("writing/<slug:name>/preview/", PreviewView.as_view(), name="writing_preview"),
    path("writing/<slug:name>/refused/", RefusedView.as_view(), name="writing_refused"),
    path("writing/<slug:name>/log/", LogView.as_view(), name="writing_log"),
    *(_act_path(deed) for deed in ACTS),
]
