"""Record by record: what was not written and why, what became of each try, and what is kept from being written."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from effects.tick import now_utc
from integrations.writing import dead
from integrations.writing.advice import advice_on
from integrations.writing.forms import HoldForm, SelectionForm
from integrations.writing.models import RecordHold, WriteAttempt
from integrations.writing.views import PER_PAGE, chosen_field, crm_named, field_filter, searched
from records.models import AskedChange, Connection, DesiredField, Record
from records.own_fields import OWN_FIELD_BY_NAME
from teams.access import person_of
from teams.models import Person
from teams.paging import page_of

REASON_SHOWN = 90
SEARCH_LABEL = "Company, person or deal"


@require_GET
def not_written(request: HttpRequest, name: str) -> HttpResponse:
    """What the CRM refused, with its words; send again or let go."""
    person = person_of(request)
    connection = crm_named(name)
    field, search = chosen_field(request), searched(request)
    reason = request.GET.get("reason", "").replace("\x00", "")[: dead.REASON_LENGTH]
    rows = _inside(dead.dead_letters(connection, field=field, reason=reason, search=search), person)
    page = page_of(request, rows, PER_PAGE)
    reasons = dead.reasons_of(_inside(dead.dead_letters(connection), person))
    choices = [("", "Any reason"), *((r.text, _short(r.text)) for r in reasons)]
    if reason and reason not in {r.text for r in reasons}:
        choices.append((reason, _short(reason)))
    context = {
        "connection": connection,
        "page": page,
        "rows": [(row, _label(row.field)) for row in page.object_list],
        "reasons": reasons,
        "filters": [
            field_filter(field),
            {"name": "reason", "label": "Reason", "value": reason, "choices": choices},
        ],
        "search": search,
        "search_label": SEARCH_LABEL,
        "narrowed": [(k, v) for k, v in (("field", field), ("reason", reason), ("q", search)) if v],
    }
    return render(request, "integrations/writing/not_written.html", context)


@require_POST
def settle_refused(request: HttpRequest, name: str, what: str) -> HttpResponse:
    """Send refused values again, or let them go: those that were ticked, or all that the page lists."""
    person = person_of(request)
    connection = crm_named(name)
    if what not in {"retry", "drop"}:
        raise Http404
    form = SelectionForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Tick at least one line, or choose all.")
        return redirect("integrations:dead", connection.name)
    told = form.cleaned_data
    if told["only"] is None:
        chosen = dead.dead_letters(connection, field=told["field"], reason=told["reason"], search=told["q"])
    else:
        chosen = dead.dead_letters(connection).filter(pk__in=told["only"])
    keys = list(_inside(chosen, person).order_by().values_list("pk", flat=True))
    act = dead.retry_refused if what == "retry" else dead.drop_refused
    count = act(connection, keys)
    fields = f"{count:,} field{'' if count == 1 else 's'}"
    verb = "will be sent again" if what == "retry" else "won't be sent; what the model says next will be"
    messages.success(request, f"{fields} {verb}.")
    return redirect("integrations:dead", connection.name)


@require_GET
def write_log(request: HttpRequest, name: str) -> HttpResponse:
    """What became of each try, the latest first; of one record, also what waits and what is on hold."""
    person = person_of(request)
    connection = crm_named(name)
    record = _record(request, connection, person)
    outcome = request.GET.get("outcome", "")
    rows = WriteAttempt.objects.filter(connection=connection).select_related("record", "run")
    search = "" if record else searched(request)
    rows = rows.filter(_border(person)) if record is None else rows.filter(record=record)
    rows = rows.filter(dead.is_titled(search))
    if outcome in WriteAttempt.Outcome.values:
        rows = rows.filter(outcome=outcome)
    page = page_of(request, rows, PER_PAGE)
    context = {
        "connection": connection,
        "record": record,
        "page": page,
        "rows": [(attempt, _changes(attempt)) for attempt in page.object_list],
        "filters": [
            {
                "name": "outcome",
                "label": "What became of it",
                "value": outcome,
                "choices": [("", "Anything"), *OUTCOMES],
            }
        ],
        "hidden": [("record", str(record.pk))] if record else [],
        "search": search,
        "search_label": "" if record else SEARCH_LABEL,
        "is_narrowed": bool(search or outcome),
        **(_of_record(record) if record else {}),
    }
    return render(request, "integrations/writing/log.html", context)


OUTCOMES = [
    ("written", "Written"),
    ("stood", "Stood there already"),
    ("refused", "Refused"),
    ("kept", "Taken, but not kept"),
    ("retry", "To be sent again"),
    ("gone", "No longer there"),
]


@require_POST
def hold(request: HttpRequest, name: str) -> HttpResponse:
    """Keep a record, or one field of it, from being written; or lift that."""
    person = person_of(request)
    connection = crm_named(name)
    form = HoldForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Nothing was changed: the request could not be read.")
        return redirect("integrations:write_log", connection.name)
    told = form.cleaned_data
    inside = Record.objects.for_person(person).filter(connection=connection)
    record = get_object_or_404(inside, pk=told["record"])
    if told["lift"]:
        dead.release(record, told["field"])
    else:
        dead.hold(record, told["field"], told["reason"], person, now_utc())
    query = urlencode({"record": str(record.pk)})
    return redirect(f"{reverse('integrations:write_log', args=[connection.name])}?{query}")


# --- what they show --------------------------------------------------------------------------------------------


def _of_record(record: Record) -> dict[str, Any]:
    fields = DesiredField.objects.filter(record=record).order_by("field")
    return {
        "fields": [
            (row, _label(row.field), advice_on(row.last_error) if row.state == row.State.REFUSED else "")
            for row in fields
        ],
        "held": RecordHold.objects.filter(record=record).select_related("by").first(),
        "asked": AskedChange.objects.filter(record=record)
        .select_related("by")
        .order_by("-asked_at")[:PER_PAGE],
    }


def _record(request: HttpRequest, connection: Connection, person: Person) -> Record | None:
    text = request.GET.get("record", "")
    if not text:
        return None
    try:
        key = uuid.UUID(text)
    except ValueError:
        raise Http404 from None
    return get_object_or_404(Record.objects.for_person(person).filter(connection=connection), pk=key)


def _changes(attempt: WriteAttempt) -> list[tuple[str, str, Any, Any]]:
    """(field, label, before, sent) of each."""
    told = sorted(attempt.values.items())
    return [(field, _label(field), before, after) for field, (before, after) in told]


def _label(field: str) -> str:
    own = OWN_FIELD_BY_NAME.get(field)
    return own.label if own else field


def _short(text: str) -> str:
    return text if len(text) <= REASON_SHOWN else text[: REASON_SHOWN - 1] + "…"


def _border(person: Person) -> Q:
    return Q(record__business_unit=None) | Q(record__business_unit__in=person.business_units.values("pk"))


def _inside(rows: Any, person: Person) -> Any:
    return rows.filter(_border(person))
