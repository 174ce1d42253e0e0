"""What the CRM enforces: the page, and the acts on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from effects.tick import now_utc
from integrations.enforcement import drift, services
from integrations.enforcement.acting import Refused
from integrations.enforcement.counting import refused_records
from integrations.enforcement.forms import StagesForm
from integrations.enforcement.overview import made_in, views_of
from integrations.enforcement.places import plans_for
from integrations.errors import ConnectorError
from integrations.models import EnforcementItem, Run
from integrations.registry import CONNECTORS
from records.csv_files import csv_answer
from records.models import Connection, Record
from teams.access import person_of
from teams.models import Person
from teams.paging import page_of

LISTED = 50
Act = Callable[[Connection, StagesForm, datetime, str], Run]


@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    person_of(request)
    return render(request, "integrations/enforcement/rules.html", {"views": views_of(now_utc())})


@require_POST
def act(request: HttpRequest, name: str, what: str) -> HttpResponse:
    """Check, create, activate, deactivate, remove, or look whether anything was changed there."""
    person = person_of(request)
    connection = _connection(name)
    form = StagesForm(request.POST)
    if what not in ACTS or not form.is_valid():
        raise Http404
    return _told(request, lambda: ACTS[what](connection, form, now_utc(), person.name))


@require_POST
def put_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the CRM's rule ours again."""
    return _settle(request, pk, services.put_back)


@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Leave what someone made of our rule there, and stop enforcing."""
    return _settle(request, pk, services.accept)


@require_GET
def refused(request: HttpRequest, name: str, pipeline: str, stage: str, remote_object: str) -> HttpResponse:
    """Records that could not leave their stage now, inside the viewer's border."""
    person = person_of(request)
    now = now_utc()
    connection = _connection(name)
    plan = next((p for p in plans_for(connection, now) if p.key == (pipeline, stage, remote_object)), None)
    if plan is None or plan.criterion is None:
        raise Http404
    inside = Record.objects.for_person(person).values("pk")
    rows = refused_records(plan, connection, now).filter(pk__in=inside).select_related("owner")
    page = page_of(request, rows.order_by("title", "pk"), LISTED)
    context = {"connection": connection, "plan": plan, "page": page}
    return render(request, "integrations/enforcement/refused.html", context)


@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """Everything we made in the CRMs."""
    person_of(request)
    lines = [line for c in Connection.objects.filter(kind__in=CONNECTORS) for line in made_in(c)]
    header = ["CRM", "Kind", "Name", "State", "Created at", "Last seen at", "Removed by gtmops"]
    rows = [
        [
            line.connection.label,
            line.kind,
            line.name,
            line.state,
            line.created_at,
            line.seen_at,
            "yes" if line.can_be_removed else "by hand",
        ]
        for line in lines
    ]
    return csv_answer("made-in-your-crm", header, rows)


# --- acts ---------------------------------------------------------------------------------------------------------


def _check(connection: Connection, form: StagesForm, now: datetime, by: str) -> Run:
    return services.check(connection, now, by)


def _create(connection: Connection, form: StagesForm, now: datetime, by: str) -> Run:
    return services.create(connection, [_key(form)], now, by)


def _activate(connection: Connection, form: StagesForm, now: datetime, by: str) -> Run:
    early = form.cleaned_data["even_while_warning"]
    return services.activate(connection, [_key(form)], now, by, even_while_warning=early)


def _deactivate(connection: Connection, form: StagesForm, now: datetime, by: str) -> Run:
    return services.deactivate(connection, [_key(form)], now, by)


def _remove(connection: Connection, form: StagesForm, now: datetime, by: str) -> Run:
    key = form.key()
    return services.remove(connection, None if key is None else [key], now, by)


def _look(connection: Connection, form: StagesForm, now: datetime, by: str) -> Run:
    return drift.find_drift(connection, now, by)


ACTS: dict[str, Act] = {
    "check": _check,
    "create": _create,
    "activate": _activate,
    "deactivate": _deactivate,
    "remove": _remove,
    "look": _look,
}


def _key(form: StagesForm) -> services.Key:
    key = form.key()
    if key is None:
        raise Http404
    return key


def _settle(
    request: HttpRequest, pk: int, how: Callable[[EnforcementItem, datetime, str], Run]
) -> HttpResponse:
    person: Person = person_of(request)
    item = get_object_or_404(EnforcementItem.objects.select_related("connection"), pk=pk)
    return _told(request, lambda: how(item, now_utc(), person.name))


def _told(request: HttpRequest, make: Callable[[], Run]) -> HttpResponse:
    """Carry an act out and say on the page what came of it, in the CRM's words where it refused."""
    try:
        run = make()
    except (Refused, ConnectorError) as error:
        messages.error(request, str(error))
        return redirect("integrations:rules")
    if run.error:
        messages.error(
            request, f"{run.error} What was done before is kept: the same button goes on from there."
        )
    else:
        messages.success(request, run.steps[-1]["text"] if run.steps else "Done.")
    return redirect("integrations:rules")


def _connection(name: str) -> Connection:
    return get_object_or_404(Connection, name=name, kind__in=CONNECTORS)
