"""Which field is which: a page per object, side by side with the CRM's fields; and what changed there since."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from effects.tick import now_utc
from integrations.base import RemoteField
from integrations.connecting import standard
from integrations.connecting.mapping import (
    SAMPLED,
    Chosen,
    faults_of,
    first_choice,
    lines_of,
    logicals_of,
    read_choice,
)
from integrations.connecting.remapping import changed_fields, offer, remap, unmap
from integrations.connecting.saving import Saved, save_mapping
from integrations.connecting.services import unmapped_objects
from integrations.connecting.steps import next_page, steps_of
from integrations.connecting.testing import in_words
from integrations.connecting.views import crm_of
from integrations.errors import ConnectorError
from integrations.field_types import TYPE_WORDS
from integrations.forgetting import Asked, waiting
from integrations.registry import connector_for
from records.models import Connection
from teams.access import person_of

_JOINED = " Values of this object are already being made unknown: the run that is at work does this, too."


@require_GET
def fields(request: HttpRequest, name: str) -> HttpResponse:
    """Every object that is read, with how many of its fields are connected."""
    person_of(request)
    row = crm_of(name)
    if row.setup is not None and (left := unmapped_objects(row)):
        return redirect(_page(row, next(iter(left))))
    lines: dict[str, dict[str, Any]] = {}
    for place, object_name, is_broken in row.mappings.order_by("remote_object").values_list(
        "remote_object", "field__object", "is_broken"
    ):
        line = lines.setdefault(
            place,
            {
                "name": place, "href": _page(row, place), "count": 0, "broken": 0,
                "as": standard.OBJECT_WORDS.get(object_name, (object_name, ""))[0],
            },
        )  # fmt: skip
        line["count"] += 1
        line["broken"] += is_broken
        line["gone"] = f"{line['broken']} field{'' if line['broken'] == 1 else 's'} gone"
    context = {
        "connection": row,
        "lines": list(lines.values()),
        "steps": steps_of(row, "Fields") if row.setup is not None else [],
        "next_href": next_page(row) if row.setup is not None else "",
        "forgetting": waiting(row),
    }
    return render(request, "integrations/connections/fields.html", context)


@require_http_methods(["GET", "POST"])
def mapping(request: HttpRequest, name: str, remote_object: str) -> HttpResponse:
    """The fields of one object. ``look``: show values and remarks for what was chosen, keeping nothing yet."""
    person_of(request)
    row = crm_of(name)
    object_name = _object_of(row, remote_object, request.POST.get("as") or request.GET.get("as") or "")
    described: dict[str, RemoteField] = {}
    samples: list[Any] = []
    why: dict[str, str] = {}
    error, is_faulty = "", False
    is_sent = request.method == "POST"
    try:
        connector = connector_for(row)
        described = dict(connector.describe(remote_object))
        if is_sent:
            chosen = read_choice(request.POST.dict(), logicals_of(row, object_name), described)
        else:
            chosen, why = first_choice(row, remote_object, object_name, described)
        wanted = sorted({one.remote_name for one in chosen if one.remote_name in described})
        is_looking = not is_sent or "look" in request.POST
        if wanted and is_looking:
            samples = list(connector.sample(remote_object, wanted, SAMPLED))
    except ConnectorError as fault:
        error = in_words(fault)
        chosen = read_choice(request.POST.dict(), logicals_of(row, object_name), {}) if is_sent else []
    lines = lines_of(row, remote_object, object_name, chosen, described, samples, why)
    if is_sent and not error:
        is_faulty = faults_of(lines, described)
        if not is_faulty and not any(one.remote_name for one in chosen):
            error = "Connect at least one field, or nothing can be read of it."
        if not is_faulty and not error and "look" not in request.POST:
            saved = save_mapping(row, remote_object, object_name, chosen, now_utc())
            _say(request, saved, remote_object)
            if row.setup is not None:
                return redirect(next_page(row))
            return redirect("integrations:connection_fields", row.name)
    usual = logicals_of(row, object_name)
    added = next((line for line in lines if line.logical.name not in usual), None)
    lines = [line for line in lines if line is not added]
    context = {
        "connection": row,
        "remote_object": remote_object,
        "object_name": object_name,
        "as_words": standard.OBJECT_WORDS.get(object_name, (object_name, ""))[0],
        "added": added,
        "typed": request.POST,
        "lines": [line for line in lines if line.chosen.remote_name],
        "unconnected": [line for line in lines if not line.chosen.remote_name],
        "remotes": sorted(described.values(), key=lambda one: one.label.lower()),
        "types": [(key, words) for key, words in TYPE_WORDS.items()],
        "error": error,
        "is_faulty": is_faulty,
        "guessed": len(why),
        "steps": steps_of(row, "Fields") if row.setup is not None else [],
        "left": [one for one in unmapped_objects(row) if one != remote_object],
    }
    return render(
        request,
        "integrations/connections/mapping.html",
        context,
        status=422 if is_sent and (error or is_faulty) else 200,
    )


@require_GET
def sample(request: HttpRequest, name: str, remote_object: str) -> HttpResponse:
    """The part of one line beside a field that has just been chosen: its type, values, and what speaks against it."""
    person_of(request)
    row = crm_of(name)
    logical = request.GET.get("line", "")
    remote_name = request.GET.get(f"to:{logical}", "").strip()
    object_name = _object_of(row, remote_object, request.GET.get("as") or "")
    one = logicals_of(row, object_name).get(logical)
    if one is None:
        raise Http404
    try:
        connector = connector_for(row)
        described = dict(connector.describe(remote_object))
        samples = (
            list(connector.sample(remote_object, [remote_name], SAMPLED)) if remote_name in described else []
        )
    except ConnectorError as fault:
        return render(request, "integrations/connections/_seen.html", {"error": in_words(fault)})
    chosen = [Chosen(logical, remote_name, one.label, one.type)]
    lines = lines_of(row, remote_object, object_name, chosen, described, samples, {})
    faults_of(lines, described)
    return render(request, "integrations/connections/_seen.html", {"line": lines[0]})


@require_http_methods(["GET", "POST"])
def changed(request: HttpRequest, name: str) -> HttpResponse:
    """Fields that went or changed in the CRM: what hangs on them, and the likely successor with its values."""
    person_of(request)
    row = crm_of(name)
    now = now_utc()
    if request.method == "POST":
        return _apply(request, row)
    found = changed_fields(row, now)
    error = ""
    if any(one.what == "gone" for one in found):
        try:
            offer(found, connector_for(row))
        except ConnectorError as fault:
            error = in_words(fault)
    context = {"connection": row, "changed": found, "error": error, "forgetting": waiting(row)}
    return render(request, "integrations/connections/changed.html", context)


def _apply(request: HttpRequest, row: Connection) -> HttpResponse:
    pk, now = _number(request.POST.get("mapping")), now_utc()
    if not pk:
        raise Http404
    mapping = row.mappings.select_related("field", "connection").filter(pk=pk).first()
    if mapping is None:
        messages.error(request, "Nothing was changed: that field was taken out or changed meanwhile.")
        return redirect("integrations:changed_fields", row.name)
    if "unmap" in request.POST:
        asked = unmap(mapping, now)
        text = f"{mapping.field.label} is no longer read from {mapping.remote_object}."
        messages.success(request, f"{text}{_joined(asked)}")
        return redirect("integrations:changed_fields", row.name)
    wanted = (request.POST.get("other") or request.POST.get("to") or "").strip()
    try:
        described = connector_for(row).describe(mapping.remote_object)
    except ConnectorError as fault:
        messages.error(request, f"Nothing was changed. {in_words(fault)}")
        return redirect("integrations:changed_fields", row.name)
    if wanted not in described:
        messages.error(
            request, f"Nothing was changed: {mapping.remote_object} has no field {wanted or '(none chosen)'}."
        )
        return redirect("integrations:changed_fields", row.name)
    asked = remap(mapping, wanted, now)
    field, place = mapping.field.label, described[wanted].label
    if asked is None:
        messages.info(request, f"{field} is read from {place} already.")
    else:
        messages.success(
            request,
            f"{field} is read from {place} now. {mapping.remote_object} is read again; nothing else is, and nothing "
            f"counts as changed.{_joined(asked)}",
        )
    return redirect("integrations:changed_fields", row.name)


def _say(request: HttpRequest, saved: Saved, remote_object: str) -> None:
    if not saved:
        messages.success(request, f"{remote_object}: nothing was changed.")
        return
    parts = [
        f"{len(names)} {word}"
        for names, word in (
            (saved.added, "connected"),
            (saved.changed, "changed"),
            (saved.removed, "taken out"),
        )
        if names
    ]
    again = f" {remote_object} is read again, beside the usual reading." if saved.is_read_again else ""
    joined = _JOINED if saved.is_joined else ""
    messages.success(request, f"{remote_object}: {', '.join(parts)}.{again}{joined}")


def _joined(asked: Asked | None) -> str:
    return _JOINED if asked is not None and asked.is_joined else ""


def _object_of(row: Connection, remote_object: str, asked: str) -> str:
    """The logical object of a remote one. Raises Http404 for one that nobody chose."""
    mapped = row.mappings.filter(remote_object=remote_object).values_list("field__object", flat=True).first()
    found = (
        mapped
        or (row.setup or {}).get("objects", {}).get(remote_object)
        or (asked if asked in standard.FIELDS else "")
        or standard.usual_object(row.kind, remote_object)
    )
    if not found:
        raise Http404
    return str(found)


def _page(row: Connection, remote_object: str) -> str:
    return reverse("integrations:connection_mapping", args=[row.name, remote_object])


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
