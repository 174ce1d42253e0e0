"""Which expansion signals are there, and who has them."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from definitions.models import Firing
from definitions.triggers.bodies import TRIGGERS
from definitions.triggers.services import Shown, firings_for, handle, shown
from definitions.versions import versions_in_force
from effects.tick import now_utc
from records.csv_files import csv_answer
from teams.access import person_of
from teams.models import Membership, Person, Team
from teams.paging import page_of

PER_PAGE = 50
MOST_ROWS_OF_A_FILE = 5_000

STATES = (("open", "Open"), ("handled", "Handled"), ("ended", "Over"), ("all", "Any state"))
SINCE = (
    ("", "Any time"),
    ("1", "Last 24 hours"),
    ("7", "Last 7 days"),
    ("30", "Last 30 days"),
    ("90", "Last 90 days"),
)


class TriggerFilter(forms.Form):
    """From the query string; what can't be read is ignored."""

    state = forms.ChoiceField(choices=STATES, required=False)
    trigger = forms.SlugField(required=False)
    team = forms.SlugField(required=False)
    since = forms.ChoiceField(choices=SINCE, required=False)
    q = forms.CharField(required=False, max_length=200)

    def chosen(self) -> dict[str, str]:
        self.is_valid()
        found = {name: str(self.cleaned_data.get(name) or "") for name in self.fields}
        return {**found, "state": found["state"] or "open"}

    def apply(self, rows: QuerySet[Firing]) -> QuerySet[Firing]:
        chosen = self.chosen()
        match chosen["state"]:
            case "open":
                rows = rows.filter(ended_at=None, handled_at=None, is_measured_only=False)
            case "handled":
                rows = rows.exclude(handled_at=None)
            case "ended":
                rows = rows.filter(handled_at=None).exclude(ended_at=None)
        if chosen["trigger"]:
            rows = rows.filter(trigger=chosen["trigger"])
        if chosen["team"]:
            rows = rows.filter(version__body__owner=chosen["team"])
        if chosen["since"]:
            rows = rows.filter(fired_at__gte=now_utc() - timedelta(days=int(chosen["since"])))
        if chosen["q"]:
            rows = rows.filter(record__title__icontains=chosen["q"])
        return rows.order_by("-fired_at", "pk")


@require_safe
def triggers(request: HttpRequest) -> HttpResponse:
    viewer, now = person_of(request), now_utc()
    filters = TriggerFilter(request.GET)
    chosen = filters.chosen()
    rows = filters.apply(firings_for(viewer)).select_related("record", "version", "handled_by")
    page = page_of(request, rows, PER_PAGE)
    held = versions_in_force(TRIGGERS, now)
    teams = dict(Team.objects.values_list("key", "name"))
    own_teams = _teams_of(viewer)
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "page": page,
        "rows": [(one, _may_handle(one, own_teams, viewer)) for one in shown(list(page.object_list))],
        "filters": _bar(chosen, {key: str(v.body.get("name")) for key, v in held.items()}, teams),
        "search": chosen["q"],
        "is_filtered": any(chosen[name] for name in ("trigger", "team", "since", "q"))
        or chosen["state"] != "open",
        "has_triggers": bool(held),
        "is_admin": viewer.is_admin,
        "export_query": query.urlencode(),
        "here": request.get_full_path(),
        "updated_at": now,
    }
    return render(request, "definitions/triggers/list.html", context)


def _bar(chosen: dict[str, str], names: dict[str, str], teams: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": "state", "label": "State", "value": chosen["state"], "choices": STATES},
        {
            "name": "trigger", "label": "Signal", "value": chosen["trigger"],
            "choices": [("", "Any signal"), *sorted(names.items(), key=lambda kv: kv[1])],
        },
        {
            "name": "team", "label": "Who has it", "value": chosen["team"],
            "choices": [("", "Any team"), *sorted(teams.items(), key=lambda kv: kv[1])],
        },
        {"name": "since", "label": "Since", "value": chosen["since"], "choices": SINCE},
    ]  # fmt: skip


def _teams_of(viewer: Person) -> frozenset[str]:
    rows = Membership.objects.open().filter(person=viewer)
    return frozenset(rows.values_list("team__key", flat=True))


def _may_handle(one: Shown, teams: frozenset[str], viewer: Person) -> bool:
    return one.is_in_flight and (viewer.is_admin or bool(teams & {one.owner, *one.shared_with}))


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """The list as it is filtered, as CSV."""
    rows = TriggerFilter(request.GET).apply(firings_for(person_of(request)))
    rows = rows.select_related("record", "version", "handled_by")[:MOST_ROWS_OF_A_FILE]
    return csv_answer(
        "expansion-signals",
        ("Buyer", "Signal", "Kind", "Since", "Ended", "State", "Who has it", "Shared with", "Handled", "Handled by",
         "Because", "Next step", "Only measured", "Id"),
        (
            (
                str(one.firing.record), one.name, one.kind, one.firing.fired_at, one.firing.ended_at, one.state,
                one.owner_name, ", ".join(one.shared_names), one.firing.handled_at,
                one.firing.handled_by.name if one.firing.handled_by else None, "; ".join(one.firing.because), one.play,
                "yes" if one.firing.is_measured_only else "no", str(one.firing.pk),
            )
            for one in shown(list(rows))
        ),
    )  # fmt: skip


@require_POST
def handled(request: HttpRequest, firing_id: uuid.UUID) -> HttpResponse:
    viewer = person_of(request)
    firing = get_object_or_404(firings_for(viewer).select_related("record", "version"), pk=firing_id)
    try:
        handle(firing, viewer, now_utc())
    except PermissionDenied as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, "Handled.")
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        back = reverse("definitions:triggers")
    return redirect(back)
