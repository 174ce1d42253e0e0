"""The small page "I already called", and the same over the API."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from effects.tick import now_utc
from records.models import Record
from slas import touches
from slas.touches import KINDS, LONGEST_NOTE, NothingWaits, NotYours, TouchError, Waiting
from teams.access import person_of
from teams.api_answers import KEY_HEADER, MOST_KEY_LETTERS, ApiFault, FaultSchema, read_body, read_key
from teams.models import Person


class TouchForm(forms.Form):
    """What was done and when, in the viewer's own time; ``person`` only for who says it of somebody else."""

    kind = forms.ChoiceField(
        label="What was it?", choices=list(KINDS.items()), initial="call", widget=forms.RadioSelect
    )
    at = forms.DateTimeField(
        label="When?",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S"),
        error_messages={"invalid": "Say when, as a date and a time.", "required": "Say when it was."},
    )
    person = forms.ModelChoiceField(
        Person.objects.none(), label="Who was it?", required=False, empty_label="Who has it"
    )
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What came of it, for whoever reads it later. It may stay empty.",
    )
    key = forms.CharField(widget=forms.HiddenInput, max_length=MOST_KEY_LETTERS)

    def __init__(self, *args: Any, people: list[Person], **options: Any) -> None:
        super().__init__(*args, **options)
        if people:
            self.fields["person"].queryset = Person.objects.filter(pk__in=[p.pk for p in people])  # type: ignore[attr-defined]  # a model choice field
        else:
            del self.fields["person"]


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def report(request: HttpRequest, record_id: uuid.UUID) -> HttpResponse:
    viewer, now = person_of(request), now_utc()
    record = get_object_or_404(Record.objects.for_person(viewer).select_related("connection"), pk=record_id)
    waiting, refusal = _mine(record, viewer)
    back = _back(request, record)
    if refusal:
        context = {"record": record, "back": back, "refusal": refusal}
        return render(request, "slas/touch.html", context, status=422 if request.method == "POST" else 200)
    people = _others(waiting, viewer)
    if request.method == "POST":
        form = TouchForm(request.POST, people=people)
        if form.is_valid():
            said = form.cleaned_data
            try:
                done = touches.report_touch(
                    record, viewer, said["kind"], said["at"], said["note"],
                    key=said["key"], now=now, person=said.get("person"),
                )  # fmt: skip
            except TouchError as error:
                for name, text in (error.fields or {"": error.text}).items():
                    form.add_error(name if name in form.fields else None, text)
            else:
                messages.success(request, done.words)
                return redirect(back)
    else:
        form = TouchForm(initial={"at": now, "key": str(uuid.uuid4())}, people=people)
    context = {"record": record, "back": back, "form": form, "waiting": waiting}
    return render(request, "slas/touch.html", context, status=422 if form.errors else 200)


def _mine(record: Record, viewer: Person) -> tuple[list[Waiting], str]:
    """(the clocks the viewer may stop, why there is none)."""
    waiting = touches.waiting_clocks(record)
    team = touches.team_of(viewer)
    mine = [w for w in waiting if touches.may_report(viewer, w, team)]
    if not waiting:
        return [], "Nothing of this buyer waits for a call or message any more."
    return mine, "" if mine else touches.OTHERS


def _others(waiting: list[Waiting], viewer: Person) -> list[Person]:
    """Whom to choose from: nobody where it can only have been the viewer."""
    people = touches.possible_people(waiting)
    return [] if viewer in people else people


def _back(request: HttpRequest, record: Record) -> str:
    asked = request.POST.get("back") or request.GET.get("back") or ""
    is_ours = url_has_allowed_host_and_scheme(asked, allowed_hosts=None) and asked.startswith("/")
    return asked if is_ours else reverse("records:record", args=[record.pk])


# --- the API ---------------------------------------------------------------------------------------------------


class TouchInput(serializers.Serializer[Any]):
    """``at``: ISO 8601 with its offset; without one: now. ``person``: a person's id, where it was not you."""

    kind = serializers.ChoiceField(choices=list(KINDS), default="call")
    at = serializers.DateTimeField(required=False)
    note = serializers.CharField(allow_blank=True, default="", max_length=LONGEST_NOTE)
    person = serializers.PrimaryKeyRelatedField(
        queryset=Person.objects.active(), required=False, allow_null=True, default=None
    )


Answer = inline_serializer(
    "Touch",
    {
        "kind": serializers.CharField(),
        "at": serializers.DateTimeField(),
        "in_crm": serializers.CharField(
            help_text="Why it stands in gtmops only; empty when it is written too."
        ),
        "clocks": serializers.ListField(child=serializers.UUIDField()),
    },
)
STATUS: dict[type[TouchError], int] = {NotYours: 403, NothingWaits: 409, touches.KeyReused: 422}


class TouchesView(APIView):
    """Say that a buyer was reached, which no CRM has told. The same Idempotency-Key with the same body is one touch."""

    http_method_names = ["post"]

    @extend_schema(  # type: ignore[untyped-decorator]  # it ships no types
        operation_id="records_touch",
        request=TouchInput,
        parameters=[KEY_HEADER],
        responses={200: Answer, **dict.fromkeys((400, 403, 409, 422), FaultSchema)},
    )
    def post(self, request: Request, record_id: uuid.UUID) -> Response:
        viewer, now = person_of(request), now_utc()
        record = get_object_or_404(Record.objects.for_person(viewer), pk=record_id)
        key, said = read_key(request), read_body(request, TouchInput)
        try:
            done = touches.report_touch(
                record, viewer, said["kind"], said.get("at") or touches.reported_at(viewer, key) or now, said["note"],
                key=key, now=now, person=said["person"],
            )  # fmt: skip
        except TouchError as error:
            raise ApiFault(STATUS.get(type(error), 400), error.text, error.fields) from None
        return Response(
            {
                "kind": done.event.data["kind"],
                "at": done.event.data["at"],
                "in_crm": done.in_crm,
                "clocks": [str(clock.pk) for clock in done.clocks],
            }
        )


api_urlpatterns: list[URLPattern | URLResolver] = [
    path("records/<uuid:record_id>/touches/", TouchesView.as_view(), name="record_touches"),
]
